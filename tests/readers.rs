//! Our reader of YAML, which knows places, beside one that we did not write: what both read of a file must be the same. (The
//! numbers of ours keep their digits; they are compared as floats.)

use std::fs;

use flowrun::{
    problem::Problems,
    source::Sources,
    yaml::{self, Kind, Node, Plain, plain},
};
use serde_json::Value as Json;

use super::editor::shipped;

/// Places where a tree of ours and a tree of theirs differ.
fn differences(ours: &Node, theirs: &Json, place: &str, found: &mut Vec<String>) {
    match (&ours.kind, theirs) {
        (Kind::Null, Json::Null) => {}
        (Kind::List(items), Json::Array(others)) if items.len() == others.len() => {
            for (at, (item, other)) in items.iter().zip(others).enumerate() {
                differences(item, other, &format!("{place}[{at}]"), found);
            }
        }
        (Kind::Map(entries), Json::Object(others)) if entries.len() == others.len() => {
            for ((name, value), (other_name, other)) in entries.iter().zip(others) {
                if *name.value != **other_name {
                    found.push(format!("{place}: `{}` and `{other_name}`", name.value));
                }
                differences(value, other, &format!("{place}.{other_name}"), found);
            }
        }
        (Kind::Scalar(scalar), other) => {
            let read = if scalar.plain { plain(&scalar.text) } else { Plain::Text(&scalar.text) };
            let same = match (read, other) {
                (Plain::Null, Json::Null) => true,
                (Plain::Bool(flag), Json::Bool(other)) => flag == *other,
                (Plain::Number(text), Json::Number(other)) => text.parse::<f64>().ok() == other.as_f64(),
                // White space around is no part of a value of a flow.
                (Plain::Text(text), Json::String(other)) => text == other.trim() || text == other,
                _ => false,
            };
            if !same {
                found.push(format!("{place}: `{}` and {other}", scalar.text));
            }
        }
        (ours, theirs) => found.push(format!("{place}: {ours:?} and {theirs}")),
    }
}

fn both(name: &str, text: &str) -> Vec<String> {
    let (mut sources, mut problems) = (Sources::default(), Problems::default());
    let file = yaml::decode(&mut sources, name, text.as_bytes(), &mut problems).unwrap();
    let ours = yaml::read(&sources, file, &mut problems).unwrap();
    let options = serde_yaml::options! { strict_booleans: true };
    let theirs = serde_yaml::from_str_with_options(text, options);
    let theirs: Json = theirs.unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut found = Vec::new();
    differences(&ours, &theirs, name, &mut found);
    found
}

#[test]
fn two_readers_read_the_same() {
    for file in shipped() {
        let found = both(&file.display().to_string(), &fs::read_to_string(&file).unwrap());
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    let hard = "a: 'it''s'\nb: \"tab\\t\\u20ac\"\nc: >-\n  one\n  two\n\n  three\nd: |\n  x\n   y\ne: [1, 2.50, -3, true, null, ~]\nf: {g: , h: no}\n";
    assert_eq!(both("hard", hard), Vec::<String>::new());
}

#[test]
fn a_difference_is_seen() {
    let (mut sources, mut problems) = (Sources::default(), Problems::default());
    let file = yaml::decode(&mut sources, "a", b"a: [1, x, { b: true }]", &mut problems).unwrap();
    let ours = yaml::read(&sources, file, &mut problems).unwrap();
    for (theirs, place) in [
        (r#"{"a": [2, "x", {"b": true}]}"#, "it.a[0]"),
        (r#"{"a": [1, "y", {"b": true}]}"#, "it.a[1]"),
        (r#"{"a": [1, "x", {"b": "true"}]}"#, "it.a[2].b"),
        (r#"{"a": [1, "x", {"c": true}]}"#, "it.a[2]"),
        (r#"{"a": [1, "x"]}"#, "it.a"),
    ] {
        let mut found = Vec::new();
        differences(&ours, &serde_json::from_str(theirs).unwrap(), "it", &mut found);
        assert!(found.len() == 1 && found[0].starts_with(&format!("{place}:")), "{theirs}: {found:?}");
    }
}
