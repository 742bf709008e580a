//! What is wrong with an expression before it ever runs.

use crate::source::Span;

/// Which kind of fault it is; the checker gives each a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The grammar does not allow it.
    Syntax,
    /// Too long or too deep.
    TooLarge,
    /// A root that is not there.
    UnknownName,
    /// A function, filter or test that is not there.
    UnknownFunction,
    /// A call with wrong arguments.
    Arguments,
    /// A `JSONPath` that cannot be read.
    JsonPath,
    /// A field that a known shape does not have.
    UnknownField,
    /// A table that is not there.
    UnknownTable,
    /// A column that its table does not have.
    UnknownColumn,
    /// A constant key that its table has no row for.
    UnknownRow,
    /// A constant that is refused whenever the expression runs.
    Refused,
    /// A value of the wrong kind.
    Type,
    /// Two currencies meet.
    Currency,
    /// A value that may be missing is used as if it were there.
    MayBeMissing,
    /// A node that may be skipped is used as if it had run.
    MayBeSkipped,
}

/// One thing that is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which kind.
    pub kind: FaultKind,
    /// First byte in the template's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The place in its file, if the template was placed.
    pub span: Option<Span>,
    /// What was found and what was expected.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl Fault {
    /// A fault at bytes `start..end` of the template's text.
    pub(super) fn new(kind: FaultKind, (start, end): (u32, u32), message: impl Into<String>) -> Self {
        Self { kind, start, end, span: None, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn did_you_mean(self, nearest: Option<&str>) -> Self {
        match nearest {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}
