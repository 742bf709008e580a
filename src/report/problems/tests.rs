//! Each form says the same of the same problems.
use serde_json::{Value, json};

use super::*;
use crate::problem::draw::Style;

fn example() -> (Vec<Problem>, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("flows/a b.yaml", "é: 1\nkey: 2\n");
    let other = sources.add("flows/c.yaml", "token: hunter2\n");
    let span = |file, start, end| Span { file, start, end };
    let first = Problem::error("FR103", span(file, 6, 9), "the key, twice")
        .says("again")
        .also(span(file, 0, 2), "first");
    let second = Problem::warning("FR110", span(other, 0, 5), "100% odd\nfor sure").help("do this");
    (vec![first, second], sources)
}

#[test]
fn people_see_places_and_a_count() {
    let (problems, sources) = example();
    let shown = human(&problems, &sources, Style::PLAIN);
    assert!(shown.contains("flows/a b.yaml:2:1"), "{shown}");
    assert!(shown.ends_with("\n1 error, 1 warning\n"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains('\u{1b}'), "{shown}");
    assert!(human(&problems, &sources, Style { color: true, width: 80 }).contains('\u{1b}'));
    assert_eq!("", human(&[], &sources, Style::PLAIN));
}

#[test]
fn programs_get_lines_and_columns_from_one() {
    let (problems, sources) = example();
    let found: Value = serde_json::from_str(&json(&problems, &sources, 2, 0.5)).unwrap();
    let label = |line, column, end, text: &str| json!({ "file": "flows/a b.yaml", "line": line, "column": column, "end": { "line": line, "column": end }, "text": text });
    let first = json!({
        "code": "FR103", "severity": "error", "file": "flows/a b.yaml", "line": 2, "column": 1,
        "end": { "line": 2, "column": 4 }, "message": "the key, twice", "help": null,
        "labels": [label(2, 1, 4, "again"), label(1, 1, 2, "first")],
    });
    assert_eq!(first, found["problems"][0]);
    assert_eq!((json!(2), json!(0.5)), (found["files"].clone(), found["seconds"].clone()));
}

#[test]
fn code_scanners_get_rules_and_results() {
    let (problems, sources) = example();
    let found: Value = serde_json::from_str(&sarif(&problems, &sources)).unwrap();
    assert_eq!("2.1.0", found["version"]);
    let run = &found["runs"][0];
    assert_eq!("the same key twice", run["tool"]["driver"]["rules"][0]["shortDescription"]["text"]);
    let result = &run["results"][0];
    assert_eq!(
        (&json!("FR103"), &json!(0), &json!("error")),
        (&result["ruleId"], &result["ruleIndex"], &result["level"])
    );
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!("flows/a%20b.yaml", place["artifactLocation"]["uri"]);
    assert_eq!(json!({ "startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 4 }), place["region"]);
    assert_eq!("first", result["relatedLocations"][0]["message"]["text"]);
    assert_eq!("100% odd\nfor sure. Help: do this", run["results"][1]["message"]["text"]);
}

#[test]
fn pull_requests_get_one_line_a_problem() {
    let (problems, sources) = example();
    let expected = "::error file=flows/a b.yaml,line=2,endLine=2,col=1,endColumn=4,title=FR103::the key, twice\n\
                    ::warning file=flows/c.yaml,line=1,endLine=1,col=1,endColumn=6,title=FR110::100%25 odd%0Afor sure%0Ado this\n";
    assert_eq!(expected, github(&problems, &sources));
}
