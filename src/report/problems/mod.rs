//! Problems for people, programs, code scanners and pull requests. In: problems and the files they point into. Out: text.
//! It decides nothing: what is wrong was found elsewhere, and no form says more or less than another.

mod github;
mod json;
mod sarif;

use crate::{
    problem::{Problem, Severity, draw},
    source::{Sources, Span},
};

pub use github::github;
pub use json::json;
pub use sarif::sarif;

/// For people: every problem drawn over its lines, then how many there are. Nothing at all if there are none.
pub fn human(problems: &[Problem], sources: &Sources, style: draw::Style) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let told = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        more => Some(format!("{more} {what}s")),
    };
    let counts = [told(count(Severity::Error), "error"), told(count(Severity::Warning), "warning")];
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    format!("{}{}\n", draw::draw(problems, sources, style), counts.join(", "))
}

/// A place as people count it: lines and columns from 1, the end behind the last character.
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> Place<'a> {
    fn of(span: Span, sources: &'a Sources) -> Self {
        let (line, column) = sources.line_column(span.file, span.start);
        let (end_line, end_column) = sources.line_column(span.file, span.end);
        let file = sources.get(span.file).map_or("", |source| &*source.name);
        Self { file, line, column, end_line, end_column }
    }
}

#[cfg(test)]
mod tests;
