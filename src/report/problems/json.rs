//! One JSON object: `{problems: [{code, severity, file, line, column, end, message, help, labels}], files, seconds}`.

use serde::Serialize;

use super::Place;
use crate::{
    problem::{Label, Problem, Severity},
    source::Sources,
};

#[derive(Serialize)]
struct Report<'a> {
    problems: Vec<Entry<'a>>,
    files: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct Entry<'a> {
    code: &'a str,
    severity: Severity,
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    end: Option<End>,
    message: &'a str,
    help: Option<&'a str>,
    labels: Vec<Pointer<'a>>,
}

#[derive(Serialize)]
struct End {
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Pointer<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end: End,
    text: &'a str,
}

/// For programs. `files` is how many were read, `seconds` how long it took. Lines and columns count from 1, columns in
/// characters; `end` is behind the last one.
pub fn json(problems: &[Problem], sources: &Sources, files: usize, seconds: f64) -> String {
    let report =
        Report { problems: problems.iter().map(|problem| entry(problem, sources)).collect(), files, seconds };
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

fn entry<'a>(problem: &'a Problem, sources: &'a Sources) -> Entry<'a> {
    let labels: Vec<_> = problem.labels.iter().map(|label| pointer(label, sources)).collect();
    let first = labels.first();
    Entry {
        code: problem.code,
        severity: problem.severity,
        file: first.map(|label| label.file),
        line: first.map(|label| label.line),
        column: first.map(|label| label.column),
        end: first.map(|label| End { line: label.end.line, column: label.end.column }),
        message: &problem.message,
        help: problem.help.as_deref(),
        labels,
    }
}

fn pointer<'a>(label: &'a Label, sources: &'a Sources) -> Pointer<'a> {
    let Place { file, line, column, end_line, end_column } = Place::of(label.span, sources);
    Pointer { file, line, column, end: End { line: end_line, column: end_column }, text: &label.text }
}
