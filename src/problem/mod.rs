//! What can be wrong with a file, as data: code, place, message, help. In: problems from every room that reads.
//! Out: one sorted list, drawn for people by `draw` (the only place that knows miette). A problem is never an error
//! of the tool itself.

pub mod codes;
pub mod draw;
pub mod hide;

use std::collections::HashMap;

use serde::Serialize;

use crate::source::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look; nothing is refused.
    Warning,
    /// The file is refused.
    Error,
}

/// A place and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; lower case, may be empty.
    pub text: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `FR101` and so on; each has a section in `docs/problems.md`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What was found and what was expected.
    pub message: String,
    /// The places; the first is the main one.
    pub labels: Vec<Label>,
    /// How to mend it.
    pub help: Option<String>,
    /// Places that may hold a secret: they are never drawn.
    pub hidden: Vec<Span>,
}

impl Problem {
    /// An error at one place.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        let labels = vec![Label { span, text: String::new() }];
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels,
            help: None,
            hidden: Vec::new(),
        }
    }

    /// A warning at one place.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Says what the main place is.
    #[must_use]
    pub fn says(mut self, text: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.text = text.into();
        }
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Keeps a place out of everything that is drawn.
    #[must_use]
    pub fn hides(mut self, span: Span) -> Self {
        self.hidden.push(span);
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems {
    found: Vec<Problem>,
    places: HashMap<Span, Vec<usize>>,
}

impl Problems {
    /// Adds one, unless it only follows from another: a problem as bad stands at the very same place, and it has another
    /// code or says the same.
    pub fn add(&mut self, problem: Problem) {
        if let Some(label) = problem.labels.first() {
            let here = self.places.entry(label.span).or_default();
            let follows = |old: &Problem| {
                old.severity >= problem.severity
                    && (old.code != problem.code || old.message == problem.message)
            };
            if here.iter().any(|old| follows(&self.found[*old])) {
                return;
            }
            here.push(self.found.len());
        }
        self.found.push(problem);
    }

    /// Whether any of them refuses a file.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Whether any of them refuses this file.
    pub fn has_errors_in(&self, file: u32) -> bool {
        let here = |problem: &Problem| problem.labels.first().is_some_and(|label| label.span.file == file);
        self.found.iter().any(|problem| problem.severity == Severity::Error && here(problem))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, by file and place.
    pub fn into_sorted(mut self) -> Vec<Problem> {
        self.found
            .sort_by_key(|problem| problem.labels.first().map(|label| (label.span.file, label.span.start)));
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_problem_of_a_severity() {
        let at = |start| Span { file: 0, start, end: start + 1 };
        let mut problems = Problems::default();
        problems.add(Problem::warning("FR110", at(5), "first"));
        problems.add(Problem::error("FR111", at(5), "worse"));
        problems.add(Problem::error("FR112", at(5), "follows"));
        problems.add(Problem::error("FR111", at(5), "worse"));
        problems.add(Problem::error("FR111", at(5), "also missing"));
        problems.add(Problem::error("FR113", at(2), "before"));
        assert!(problems.has_errors());
        let found: Vec<_> = problems.into_sorted().into_iter().map(|problem| problem.message).collect();
        assert_eq!(vec!["before", "first", "worse", "also missing"], found);
    }
}
