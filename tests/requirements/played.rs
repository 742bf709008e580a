//! Requirements that are played as cases. In: an estate. Out: which of them it does not meet.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::OnceLock,
};

use flowrun::{
    estate::Memory,
    problem::{
        Severity,
        draw::{Style, draw},
    },
    trial::run,
};

use super::{Estate, Verdict, want};

/// What the cases of an estate miss, by the number of their requirement. The checker must let the estate pass.
fn misses(estate: Estate) -> BTreeMap<String, Vec<String>> {
    let mut files: Memory = estate.memory();
    let mut cases = Vec::new();
    for entry in fs::read_dir("tests/data/requirements").unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("slips.yaml") {
            continue;
        }
        let laid = Path::new("/bigcommerce-netsuite").join(path.file_name().unwrap());
        files = files.with(&laid, fs::read(&path).unwrap());
        if laid.to_string_lossy().ends_with(".test.yaml") {
            cases.push(laid);
        }
    }
    let report = run(&files, &cases, None);
    let refused = report.problems.iter().any(|problem| problem.severity == Severity::Error);
    assert!(!refused, "the checker refuses it: {}", draw(&report.problems, &report.sources, Style::PLAIN));
    let mut found = BTreeMap::new();
    for told in report.told.iter().filter(|told| told.name.starts_with('r')) {
        let misses: &mut Vec<String> = found.entry(told.name[..3].to_owned()).or_default();
        misses.extend(told.misses.iter().map(|miss| format!("{}: {miss}", told.name)));
    }
    found
}

/// Whether the shipped estate meets a requirement.
pub(super) fn verdict(name: &str) -> Verdict {
    static SHIPPED: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    let found = SHIPPED.get_or_init(|| misses(Estate(None)));
    let misses = found.get(&name[..3]).ok_or_else(|| format!("no case is called {name}"))?;
    want(misses.is_empty(), || misses.join("\n"))
}

/// The numbers of the requirements that an estate does not meet.
pub(super) fn red(estate: Estate) -> Vec<String> {
    let found = misses(estate);
    let red: BTreeSet<String> =
        found.into_iter().filter(|(_, misses)| !misses.is_empty()).map(|(number, _)| number).collect();
    red.into_iter().collect()
}
