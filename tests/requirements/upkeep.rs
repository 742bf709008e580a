//! Requirements of upkeep: what changes at the platforms is seen before it runs.

use flowrun::{compile::compile, problem::codes};

use super::{Estate, Verdict, want};

/// A field of the store's orders is called otherwise: the mapping that reads it is told, at its own place.
pub(super) fn drift_is_seen(estate: Estate) -> Verdict {
    let record = std::fs::read_to_string("schemas/records/bigcommerce/order.json").unwrap();
    let changed = record.replace("\"handling_cost_inc_tax\"", "\"handling_total_inc_tax\"");
    assert_ne!(record, changed);
    let compiled =
        compile(&estate.memory().with("/records/bigcommerce/order.json", changed), &["/".into()], None);
    let mut told = compiled.problems.iter().filter(|problem| problem.code == codes::UNKNOWN_FIELD);
    let at_its_place = told.any(|problem| {
        let span = problem.labels[0].span;
        let text = compiled.sources.get(span.file).map_or("", |source| &source.text);
        text.get(span.start as usize..span.end as usize) == Some("handling_cost_inc_tax")
    });
    want(at_its_place, || "nobody says that handling_cost_inc_tax is gone".to_owned())
}
