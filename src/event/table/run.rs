//! The table of runs.

use super::{Illegal, Mark, Next};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunState {
    /// It has only read.
    Fresh,
    /// It holds on to what its writes depend on.
    Frozen,
    /// It is frozen and waits for a child run.
    Awaiting,
    /// Parked, comes back by itself.
    Until {
        /// Whether it had frozen.
        frozen: bool,
    },
    /// Parked for a person.
    Letter {
        /// Whether it had frozen.
        frozen: bool,
    },
    /// Over.
    Ended,
}

/// What can happen to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunInput {
    /// An answer to a read or a write.
    Answer,
    /// A newer event of its key came.
    Newer,
    /// What it uses is what the last good run used.
    Unchanged,
    /// Its first write is ready.
    WriteReady,
    /// A further write depends on slots that are not yet held.
    SliceGrew,
    /// It waits for an instant.
    ParkUntil,
    /// A person must look.
    ParkLetter,
    /// A child run was started and is waited for.
    Await,
    /// The child ended.
    ChildEnded,
    /// The child became a letter.
    ChildParked,
    /// The instant came.
    Due,
    /// An operator goes on with it.
    Retry,
    /// An operator goes on with a newer plan or an edited event.
    RetryNewer,
    /// An operator settles what is in doubt: it landed.
    SettleLanded,
    /// An operator settles what is in doubt: it is absent.
    SettleAbsent,
    /// A newer event of its key took over.
    Superseded,
    /// An operator drops it.
    Drop,
    /// All nodes are done.
    Done,
}

impl RunState {
    /// All states.
    pub const ALL: &[Self] = &[
        Self::Fresh,
        Self::Frozen,
        Self::Awaiting,
        Self::Until { frozen: false },
        Self::Until { frozen: true },
        Self::Letter { frozen: false },
        Self::Letter { frozen: true },
        Self::Ended,
    ];

    /// The table.
    pub fn next(self, input: RunInput) -> Next<Self> {
        use RunInput as I;
        let awake = |frozen| if frozen { Self::Frozen } else { Self::Fresh };
        Ok(match (self, input) {
            (Self::Fresh | Self::Frozen | Self::Awaiting, I::Answer) => (self, &[]),
            (Self::Fresh, I::Newer | I::Unchanged) | (Self::Fresh | Self::Frozen, I::Done) => {
                (Self::Ended, &[Mark::Ended])
            }
            (Self::Fresh, I::WriteReady) => (Self::Frozen, &[Mark::Froze]),
            (Self::Frozen | Self::Awaiting, I::SliceGrew) => (self, &[Mark::Froze]),
            (Self::Fresh, I::ParkUntil) => (Self::Until { frozen: false }, &[Mark::Parked]),
            (Self::Fresh, I::ParkLetter) => (Self::Letter { frozen: false }, &[Mark::Parked]),
            (Self::Frozen | Self::Awaiting, I::ParkUntil) => {
                (Self::Until { frozen: true }, &[Mark::Froze, Mark::Parked])
            }
            (Self::Frozen, I::ParkLetter) | (Self::Awaiting, I::ChildParked | I::ParkLetter) => {
                (Self::Letter { frozen: true }, &[Mark::Froze, Mark::Parked])
            }
            (Self::Frozen, I::Await) => (Self::Awaiting, &[]),
            (Self::Awaiting, I::ChildEnded) => (Self::Frozen, &[]),
            (Self::Until { frozen }, I::Due) => (awake(frozen), &[]),
            (Self::Until { frozen } | Self::Letter { frozen }, I::Retry) => {
                (awake(frozen), &[Mark::Reopened])
            }
            (Self::Letter { frozen: true }, I::ChildEnded) => (Self::Frozen, &[Mark::Reopened]),
            (Self::Letter { frozen }, I::SettleLanded) => (awake(frozen), &[Mark::Landed, Mark::Reopened]),
            (Self::Letter { frozen }, I::SettleAbsent) => (awake(frozen), &[Mark::Absent, Mark::Reopened]),
            (Self::Letter { .. } | Self::Until { .. }, I::RetryNewer) => {
                (Self::Ended, &[Mark::Ended, Mark::Accepted])
            }
            (Self::Until { frozen: false } | Self::Letter { .. }, I::Superseded)
            | (Self::Until { .. } | Self::Letter { .. }, I::Drop) => (Self::Ended, &[Mark::Ended]),
            (state, input) => return Err(Illegal::of(&state, &input)),
        })
    }
}

impl RunInput {
    /// All inputs.
    pub const ALL: &[Self] = &[
        Self::Answer,
        Self::Newer,
        Self::Unchanged,
        Self::WriteReady,
        Self::SliceGrew,
        Self::ParkUntil,
        Self::ParkLetter,
        Self::Await,
        Self::ChildEnded,
        Self::ChildParked,
        Self::Due,
        Self::Retry,
        Self::RetryNewer,
        Self::SettleLanded,
        Self::SettleAbsent,
        Self::Superseded,
        Self::Drop,
        Self::Done,
    ];
}

#[cfg(test)]
pub(super) const LISTED: &str = "
    Fresh + Answer -> Fresh []
    Fresh + Newer -> Ended [Ended]
    Fresh + Unchanged -> Ended [Ended]
    Fresh + Done -> Ended [Ended]
    Fresh + WriteReady -> Frozen [Froze]
    Fresh + ParkUntil -> Until { frozen: false } [Parked]
    Fresh + ParkLetter -> Letter { frozen: false } [Parked]
    Frozen + Answer -> Frozen []
    Frozen + SliceGrew -> Frozen [Froze]
    Frozen + Done -> Ended [Ended]
    Frozen + ParkUntil -> Until { frozen: true } [Froze, Parked]
    Frozen + ParkLetter -> Letter { frozen: true } [Froze, Parked]
    Frozen + Await -> Awaiting []
    Awaiting + Answer -> Awaiting []
    Awaiting + SliceGrew -> Awaiting [Froze]
    Awaiting + ChildEnded -> Frozen []
    Awaiting + ChildParked -> Letter { frozen: true } [Froze, Parked]
    Awaiting + ParkLetter -> Letter { frozen: true } [Froze, Parked]
    Awaiting + ParkUntil -> Until { frozen: true } [Froze, Parked]
    Until { frozen: false } + Due -> Fresh []
    Until { frozen: true } + Due -> Frozen []
    Until { frozen: false } + Retry -> Fresh [Reopened]
    Until { frozen: true } + Retry -> Frozen [Reopened]
    Until { frozen: false } + RetryNewer -> Ended [Ended, Accepted]
    Until { frozen: true } + RetryNewer -> Ended [Ended, Accepted]
    Until { frozen: false } + Superseded -> Ended [Ended]
    Until { frozen: false } + Drop -> Ended [Ended]
    Until { frozen: true } + Drop -> Ended [Ended]
    Letter { frozen: false } + Retry -> Fresh [Reopened]
    Letter { frozen: true } + Retry -> Frozen [Reopened]
    Letter { frozen: true } + ChildEnded -> Frozen [Reopened]
    Letter { frozen: false } + SettleLanded -> Fresh [Landed, Reopened]
    Letter { frozen: false } + SettleAbsent -> Fresh [Absent, Reopened]
    Letter { frozen: true } + SettleLanded -> Frozen [Landed, Reopened]
    Letter { frozen: true } + SettleAbsent -> Frozen [Absent, Reopened]
    Letter { frozen: false } + RetryNewer -> Ended [Ended, Accepted]
    Letter { frozen: true } + RetryNewer -> Ended [Ended, Accepted]
    Letter { frozen: false } + Superseded -> Ended [Ended]
    Letter { frozen: true } + Superseded -> Ended [Ended]
    Letter { frozen: false } + Drop -> Ended [Ended]
    Letter { frozen: true } + Drop -> Ended [Ended]
";
