//! Connector and record files against what people see of them: pairs on disk.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeSet, env, fs, path::Path, sync::Arc};

use flowrun::{
    connector::{example, lower},
    problem::{
        Problems,
        draw::{Style, draw},
    },
    record::Records,
    source::Sources,
    syntax, yaml,
};

const THING: &str = r#"{"$id": "shop.thing", "type": "object", "properties": {
    "id": {"type": "integer"}, "total": {"type": "number", "x-type": "rate"},
    "lines": {"type": "array", "items": {"type": "object"}}}}"#;

/// Every problem of a connector file, its examples included.
fn connector(name: &str, bytes: &[u8]) -> String {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let record = sources.add("shop/thing.json", THING);
    let records = Records::read(&[record], &sources, &mut problems);
    let file = sources.add(name, String::from_utf8(bytes.to_vec()).unwrap());
    let tree = yaml::read(&sources, file, &mut problems).unwrap();
    let tree = syntax::connector(&tree, &mut problems).unwrap();
    let connector = Arc::new(lower(&tree, &records, &mut problems));
    if !problems.has_errors() {
        example::check(&connector, &tree, &mut problems);
    }
    draw(&problems.into_sorted(), &sources, Style::PLAIN)
}

#[test]
fn problems_of_connectors() {
    crate::golden::pairs("tests/golden/connector", connector);
}

#[test]
fn problems_of_records() {
    let folder = Path::new("tests/golden/record/shop");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let mut sources = Sources::default();
        let mut problems = Problems::default();
        let name = path.strip_prefix("tests/golden/record").unwrap().to_str().unwrap();
        let file = sources.add(name, fs::read_to_string(&path).unwrap());
        Records::read(&[file], &sources, &mut problems);
        let found = draw(&problems.into_sorted(), &sources, Style::PLAIN);
        let expected = path.with_extension("out");
        if env::var_os("FLOWRUN_BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        assert_eq!(fs::read_to_string(&expected).unwrap_or_default(), found, "{}", path.display());
    }
}

/// A cap that no operation is under limits nothing, and looks as if it did.
#[test]
fn every_cap_of_a_shipped_connector_is_over_an_operation() {
    for entry in fs::read_dir("flows/connectors").unwrap() {
        let path = entry.unwrap().path();
        let file: serde_json::Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let caps = file["limits"]["groups"].as_object();
        let caps: BTreeSet<&str> = caps.into_iter().flatten().map(|(name, _)| &**name).collect();
        let operations = file["operations"].as_object().unwrap().values();
        let named: BTreeSet<&str> = operations.filter_map(|operation| operation["group"].as_str()).collect();
        assert_eq!(caps, named, "{}", path.display());
    }
}
