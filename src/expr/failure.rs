//! What can go wrong when an expression runs.

use std::{fmt, ops::Deref, sync::Arc};

use crate::source::Span;

/// An evaluation that gave no value: where and why. One pointer wide; its parts are read through it.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Detail>);

/// The parts of an [`Error`].
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// First byte in the template's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The place in its file, if the template was placed.
    pub span: Option<Span>,
    /// The field of the mapping that was being filled: `lines[2].amount`; empty outside mappings.
    pub field: String,
    /// What was found and what was expected; never a value from the data, keys of tables aside.
    pub message: String,
    /// The row that a table does not have, if that was it.
    pub missing_row: Option<MissingRow>,
}

/// A row that a table does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRow {
    /// The table.
    pub table: Arc<str>,
    /// The key, its parts joined by commas.
    pub key: String,
}

impl Error {
    pub(super) fn new((start, end): (u32, u32), message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Detail { start, end, span: None, field: String::new(), message, missing_row: None }))
    }

    pub(super) fn missing_row(place: (u32, u32), table: &Arc<str>, key: String) -> Self {
        let mut error = Self::new(place, format!("the table `{table}` has no row for {key}"));
        error.0.missing_row = Some(MissingRow { table: Arc::clone(table), key });
        error
    }

    pub(super) fn placed(mut self, span: Option<Span>) -> Self {
        self.0.span = self.0.span.or(span);
        self
    }

    /// The same error, one level further out in a mapping.
    pub(super) fn within(mut self, step: &str) -> Self {
        let dot = if self.0.field.is_empty() || self.0.field.starts_with('[') { "" } else { "." };
        self.0.field = format!("{step}{dot}{}", self.0.field);
        self
    }
}

impl Deref for Error {
    type Target = Detail;

    fn deref(&self) -> &Detail {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(out, "{}: ", self.field)?;
        }
        out.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
