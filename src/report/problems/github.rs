//! Annotations of pull requests: one command to the runner a problem.

use std::fmt::Write as _;

use super::Place;
use crate::{
    problem::{Problem, Severity},
    source::Sources,
};

/// For pull requests: `::error file=…,line=…::message`, one line a problem.
pub fn github(problems: &[Problem], sources: &Sources) -> String {
    let mut out = String::new();
    for problem in problems {
        let level = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut properties = Vec::new();
        if let Some(label) = problem.labels.first() {
            let place = Place::of(label.span, sources);
            properties.push(format!("file={}", property(place.file)));
            properties.push(format!("line={},endLine={}", place.line, place.end_line));
            if place.line == place.end_line {
                properties.push(format!("col={},endColumn={}", place.column, place.end_column));
            }
        }
        properties.push(format!("title={}", property(problem.code)));
        let help = problem.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
        let message = data(&format!("{}{help}", problem.message));
        let _ = writeln!(out, "::{level} {}::{message}", properties.join(","));
    }
    out
}

/// Text after `::`: a line break would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text of a property: a comma or a colon would end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
