//! SARIF 2.1.0, the form of code scanners.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Place;
use crate::{
    problem::{Label, Problem, Severity, codes},
    source::Sources,
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// For code scanners: one run with a rule for every code that was found.
pub fn sarif(problems: &[Problem], sources: &Sources) -> String {
    let mut found: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    found.sort_unstable();
    found.dedup();
    let rules: Vec<_> = found.iter().map(|code| rule(code)).collect();
    let results: Vec<_> = problems.iter().map(|problem| result(problem, &found, sources)).collect();
    let driver = json!({ "name": "flowrun", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    let run = json!({ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results });
    let log = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] });
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn rule(code: &str) -> Value {
    let title = codes::find(code).map_or(code, |known| known.title);
    let help = format!("`flowrun explain {code}` tells what this means and how to mend it");
    json!({ "id": code, "shortDescription": { "text": title }, "help": { "text": help } })
}

fn result(problem: &Problem, rules: &[&str], sources: &Sources) -> Value {
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = match &problem.help {
        Some(help) => format!("{}. Help: {help}", problem.message),
        None => problem.message.clone(),
    };
    let mut result = json!({
        "ruleId": problem.code,
        "ruleIndex": rules.iter().position(|code| *code == problem.code),
        "level": level,
        "message": { "text": text },
    });
    if let (Some(result), Some((first, rest))) = (result.as_object_mut(), problem.labels.split_first()) {
        result.insert("locations".into(), json!([location(first, sources)]));
        if !rest.is_empty() {
            let related: Vec<_> = rest.iter().map(|label| location(label, sources)).collect();
            result.insert("relatedLocations".into(), Value::Array(related));
        }
    }
    result
}

fn location(label: &Label, sources: &Sources) -> Value {
    let place = Place::of(label.span, sources);
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(place.file) },
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
            },
        },
    });
    if let (Some(location), false) = (location.as_object_mut(), label.text.is_empty()) {
        location.insert("message".into(), json!({ "text": label.text }));
    }
    location
}

/// A file's name as a relative reference: what a URI does not take is escaped.
fn uri(name: &str) -> String {
    let mut out = String::new();
    for byte in name.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
