//! The one table of exit codes (decisions T2). In: how a command ended. Out: the number the shell sees.

use std::process::ExitCode;

/// How a command ended. The table is printed by `flowrun --help` and stands in `docs/commands.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything asked for was done (a run that was ignored or found nothing to change is done too).
    Done = 0,
    /// Problems in a file, a failed case, a dead letter.
    Problems = 1,
    /// The command line could not be understood.
    Usage = 2,
    /// A run waits for later: it comes back by itself.
    Parked = 3,
    /// A write may or may not have happened; an operator has to look.
    InDoubt = 4,
    /// It could not start: a file, a port, a journal.
    CannotStart = 5,
    /// Stopped from outside.
    Interrupted = 130,
}

impl Exit {
    /// Every code, in order, with what it means.
    pub const TABLE: [(Self, &'static str); 7] = [
        (Self::Done, "done (also: ignored, unchanged)"),
        (Self::Problems, "problems found, a case failed, or a dead letter"),
        (Self::Usage, "the command line could not be understood"),
        (Self::Parked, "parked: comes back by itself"),
        (Self::InDoubt, "in doubt: a write may have happened, an operator has to look"),
        (Self::CannotStart, "cannot start: a file, a port, a journal"),
        (Self::Interrupted, "interrupted"),
    ];

    /// The table as lines for people.
    pub fn table() -> String {
        let line = |(exit, meaning): &(Self, &str)| format!("  {:>3}  {meaning}\n", *exit as u8);
        Self::TABLE.iter().map(line).collect()
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
