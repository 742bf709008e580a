//! Constructs of the language that the shipped flows use little, each with cases of its own: the flows and test files of
//! `tests/golden/constructs`, laid over the small estate of `tests/golden/estate`.

use std::path::PathBuf;

use flowrun::{estate::Memory, trial::run};

use crate::{cases::told, check::lay};

#[test]
fn every_case_of_a_construct_holds() {
    let files = lay(lay(Memory::default(), "tests/golden/estate"), "tests/golden/constructs");
    let report = run(&files, &[PathBuf::from("/flows")], None);
    assert!(report.is_good() && !report.told.is_empty(), "{}", told(&report));
    let unreached: Vec<_> = report.unreached.iter().filter(|(flow, _)| &**flow != "child").collect();
    assert!(unreached.is_empty(), "{unreached:?}");
}
