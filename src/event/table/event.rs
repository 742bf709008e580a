//! The table of events.

use super::{Illegal, Mark, Next};

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventState {
    /// Offered, nothing decided.
    New,
    /// Already done or already waiting: nothing is written.
    Known,
    /// Its subject was erased: nothing is written.
    Erased,
    /// Ours, not yet a run.
    Waiting,
    /// Gave way to a newer one.
    Merged,
    /// A run.
    Admitted,
    /// Dropped by an operator before it ran.
    Dropped,
    /// Its run is over.
    Done,
}

/// What can happen to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventInput {
    /// Its id or version is done or waiting.
    Recognised,
    /// Its subject has a tombstone.
    Tombstone,
    /// An event of its key that waits or is done is newer.
    Late,
    /// None of these.
    Fresh,
    /// A newer event of its key was offered.
    Replaced,
    /// Its lane is free.
    Admit,
    /// Its run ended.
    RunEnded,
    /// An operator drops it.
    Drop,
}

impl EventState {
    /// All states.
    pub const ALL: &[Self] = &[
        Self::New,
        Self::Known,
        Self::Erased,
        Self::Waiting,
        Self::Merged,
        Self::Admitted,
        Self::Dropped,
        Self::Done,
    ];

    /// The table.
    pub fn next(self, input: EventInput) -> Next<Self> {
        use EventInput as I;
        Ok(match (self, input) {
            (Self::New, I::Recognised | I::Late) => (Self::Known, &[]),
            (Self::New, I::Tombstone) => (Self::Erased, &[]),
            (Self::New, I::Fresh) => (Self::Waiting, &[Mark::Accepted]),
            (Self::Waiting, I::Replaced) => (Self::Merged, &[Mark::Merged]),
            (Self::Waiting, I::Admit) => (Self::Admitted, &[]),
            (Self::Waiting, I::Drop) => (Self::Dropped, &[Mark::Ended]),
            (Self::Admitted, I::RunEnded) => (Self::Done, &[Mark::Ended]),
            (state, input) => return Err(Illegal::of(&state, &input)),
        })
    }
}

impl EventInput {
    /// All inputs.
    pub const ALL: &[Self] = &[
        Self::Recognised,
        Self::Tombstone,
        Self::Late,
        Self::Fresh,
        Self::Replaced,
        Self::Admit,
        Self::RunEnded,
        Self::Drop,
    ];
}

#[cfg(test)]
pub(super) const LISTED: &str = "
    New + Recognised -> Known []
    New + Late -> Known []
    New + Tombstone -> Erased []
    New + Fresh -> Waiting [Accepted]
    Waiting + Replaced -> Merged [Merged]
    Waiting + Admit -> Admitted []
    Waiting + Drop -> Dropped [Ended]
    Admitted + RunEnded -> Done [Ended]
";
