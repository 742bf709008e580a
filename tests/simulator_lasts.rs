//! Scenarios of the simulator for what lasts: books that remember, reads that are asked again, writes that wait for their
//! instant.

use std::sync::Arc;

use flowrun::{
    plan::{Book, Repeat, Verb},
    trial::sim::{PlanBuilder, Scenario, Spec},
    value::Value,
};

use super::simulator::{S, built, get, hook, look, order, tag};

/// What was sent is remembered: an echo is known by it, and what two orders share is written by the last of them only.
pub fn books() -> Scenario {
    let book = |name: &str, key: &str, columns: &[&str]| {
        let columns = [key].iter().chain(columns).map(|column| Arc::from(*column)).collect();
        Arc::new(Book { name: name.into(), key: vec![key.into()], columns, unique: Vec::new(), keep: None })
    };
    let (sent, last) = (book("sent", "id", &["seen", "number"]), book("last", "what", &["id"]));
    let plan = built(
        PlanBuilder::new("orders")
            .node(get())
            .node(Spec::book("known", &sent, Verb::Get).with("id", "{{ event.id }}"))
            .node(
                Spec::decide(
                    "news",
                    &[("echo", "{{ not run.again and known is not none and known.seen == order.version }}")],
                    "new",
                )
                .ignore("echo", "version {{ order.version }} was sent"),
            )
            .node(Spec::book("claim", &last, Verb::Put).with("what", "order").with("id", "{{ event.id }}"))
            .node(
                Spec::write("sales", "erp.put_sales", Repeat::Safe)
                    .after("claim")
                    .with("mark", "{{ event.id }}")
                    .with("seen", "{{ order.version }}"),
            )
            .node(
                Spec::book("remember", &sent, Verb::Put)
                    .with("id", "{{ event.id }}")
                    .with("seen", "{{ order.version }}")
                    .with("number", "{{ sales.number }}"),
            )
            .node(tag("tag", "sales").after("remember")),
    );
    let mut scenario = Scenario::new("books", vec![plan]);
    scenario.history = vec![("1", S(0), order(1)), ("2", S(0), order(1)), ("1", S(9), order(2))];
    scenario.hooks = vec![
        hook(S(3), "orders", 1),
        hook(S(5), "orders", 2),
        hook(S(10), "orders", 1),
        hook(S(20), "orders", 2),
    ];
    scenario.converges = vec![("1", Value::from(2)), ("2", Value::from(1))];
    scenario
}

/// A read behind a write is asked again, parked between asks, until the order has changed.
pub fn asked_again() -> Scenario {
    let plan = built(
        PlanBuilder::new("refunds")
            .node(Spec::write("refund", "store.create_it", look()).with("mark", "refund-{{ event.id }}"))
            .node(Spec::read("order", "store.get_order").after("refund").with("id", "{{ event.id }}").until(
                "{{ result.version >= 2 }}",
                S(90),
                S(7200),
            ))
            .node(tag("tag", "refund")),
    );
    let mut scenario = Scenario::new("asked again", vec![plan]);
    scenario.history = vec![("1", S(0), order(1)), ("1", S(200), order(2))];
    scenario.hooks = vec![hook(S(3), "refunds", 1)];
    scenario.converges = vec![("1", Value::from(2))];
    scenario
}

/// What was staged is switched at an instant; a corrected order takes over from the run that waits for it.
pub fn at_an_instant() -> Scenario {
    let put = |name: &str, target: &str, mark: &str| {
        Spec::write(name, target, Repeat::Safe).with("mark", mark).with("seen", "{{ order.version }}")
    };
    let plan = built(
        PlanBuilder::new("prices")
            .supersede()
            .node(get())
            .node(put("stage", "store.put_stage", "stage-{{ event.id }}"))
            .node(
                put("flip", "store.put_flip", "{{ event.id }}")
                    .after("stage")
                    .at("2026-01-01T00:10:00Z", None),
            ),
    );
    let mut scenario = Scenario::new("at an instant", vec![plan]);
    scenario.history = vec![("1", S(0), order(1)), ("1", S(100), order(2))];
    scenario.hooks = vec![hook(S(3), "prices", 1), hook(S(200), "prices", 1)];
    scenario.converges = vec![("1", Value::from(2))];
    scenario
}
