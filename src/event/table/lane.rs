//! The table of lanes: one lane as one key of it sees it.

use super::{Illegal, Mark, Next};

/// Why a parked run is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hold {
    /// It never froze: nothing was sent. It gives way to a newer event.
    Fresh,
    /// A letter that sent something: a newer event runs, and ends it once it ends well.
    Letter,
    /// It comes back by itself and has sent something: a newer event waits for it.
    Until,
    /// Something it sent is in doubt: look first.
    Doubt,
}

impl Hold {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fresh, Self::Letter, Self::Until, Self::Doubt];
}

/// Where a lane stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LaneState {
    /// Nothing runs.
    Idle,
    /// A needed connection's breaker is open: no attempt is burnt.
    Held,
    /// A run runs.
    Running,
    /// A run runs, and an older letter of the key waits for how it ends. If it parks itself, the letter ends: its effects have
    /// gone over.
    RunningOver,
    /// Nothing runs; a run of the key is parked.
    Parked(Hold),
    /// A parked run holds the lane: `keep: all` runs in order.
    Blocked,
}

/// What can happen to a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneInput {
    /// An event of the key waits, and may be admitted.
    Event,
    /// An event of the key waits; a needed connection's breaker is open.
    EventHeld,
    /// The breaker closed.
    Released,
    /// The run ended well.
    EndedOk,
    /// The run ended otherwise.
    Ended,
    /// The run parked, `keep: latest`.
    Parks(Hold),
    /// The run parked, `keep: all`.
    Blocks,
    /// The parked run is due, was retried, or its child ended.
    Resume,
    /// An operator dropped the parked run.
    Drop,
}

impl LaneState {
    /// All states.
    pub const ALL: &[Self] = &[
        Self::Idle,
        Self::Held,
        Self::Running,
        Self::RunningOver,
        Self::Parked(Hold::Fresh),
        Self::Parked(Hold::Letter),
        Self::Parked(Hold::Until),
        Self::Parked(Hold::Doubt),
        Self::Blocked,
    ];

    /// The table. `Ended` among the facts is that of the older run.
    #[expect(clippy::match_same_arms, reason = "a row of the table is a row")]
    pub fn next(self, input: LaneInput) -> Next<Self> {
        use LaneInput as I;
        Ok(match (self, input) {
            (Self::Idle, I::Event) | (Self::Held, I::Released) => (Self::Running, &[]),
            (Self::Idle | Self::Held, I::EventHeld) => (Self::Held, &[]),
            (Self::Held, I::Drop) => (Self::Idle, &[Mark::Ended]),
            (Self::Running, I::EndedOk | I::Ended) => (Self::Idle, &[]),
            (Self::Running, I::Parks(hold)) => (Self::Parked(hold), &[Mark::Parked]),
            (Self::RunningOver, I::Parks(hold)) => (Self::Parked(hold), &[Mark::Parked, Mark::Ended]),
            (Self::Running, I::Blocks) => (Self::Blocked, &[Mark::Parked]),
            (Self::RunningOver, I::EndedOk) => (Self::Idle, &[Mark::Ended]),
            (Self::RunningOver, I::Ended) => (Self::Parked(Hold::Letter), &[]),
            (Self::Parked(Hold::Fresh), I::Event) => (Self::Running, &[Mark::Ended]),
            (Self::Parked(Hold::Letter), I::Event) => (Self::RunningOver, &[]),
            (Self::Parked(hold @ Hold::Until), I::Event) => (Self::Parked(hold), &[]),
            (Self::Parked(Hold::Doubt), I::Event) | (Self::Parked(_) | Self::Blocked, I::Resume) => {
                (Self::Running, &[])
            }
            (Self::Parked(hold), I::EventHeld) => (Self::Parked(hold), &[]),
            (Self::Parked(_) | Self::Blocked, I::Drop) => (Self::Idle, &[Mark::Ended]),
            (state, input) => return Err(Illegal::of(&state, &input)),
        })
    }
}

impl LaneInput {
    /// All inputs.
    pub const ALL: &[Self] = &[
        Self::Event,
        Self::EventHeld,
        Self::Released,
        Self::EndedOk,
        Self::Ended,
        Self::Parks(Hold::Fresh),
        Self::Parks(Hold::Letter),
        Self::Parks(Hold::Until),
        Self::Parks(Hold::Doubt),
        Self::Blocks,
        Self::Resume,
        Self::Drop,
    ];
}

#[cfg(test)]
pub(super) const LISTED: &str = "
    Idle + Event -> Running []
    Idle + EventHeld -> Held []
    Held + EventHeld -> Held []
    Held + Released -> Running []
    Held + Drop -> Idle [Ended]
    Running + EndedOk -> Idle []
    Running + Ended -> Idle []
    Running + Parks(Fresh) -> Parked(Fresh) [Parked]
    Running + Parks(Letter) -> Parked(Letter) [Parked]
    Running + Parks(Until) -> Parked(Until) [Parked]
    Running + Parks(Doubt) -> Parked(Doubt) [Parked]
    RunningOver + Parks(Fresh) -> Parked(Fresh) [Parked, Ended]
    RunningOver + Parks(Letter) -> Parked(Letter) [Parked, Ended]
    RunningOver + Parks(Until) -> Parked(Until) [Parked, Ended]
    RunningOver + Parks(Doubt) -> Parked(Doubt) [Parked, Ended]
    Running + Blocks -> Blocked [Parked]
    RunningOver + EndedOk -> Idle [Ended]
    RunningOver + Ended -> Parked(Letter) []
    Parked(Fresh) + Event -> Running [Ended]
    Parked(Letter) + Event -> RunningOver []
    Parked(Until) + Event -> Parked(Until) []
    Parked(Doubt) + Event -> Running []
    Parked(Fresh) + EventHeld -> Parked(Fresh) []
    Parked(Letter) + EventHeld -> Parked(Letter) []
    Parked(Until) + EventHeld -> Parked(Until) []
    Parked(Doubt) + EventHeld -> Parked(Doubt) []
    Parked(Fresh) + Resume -> Running []
    Parked(Letter) + Resume -> Running []
    Parked(Until) + Resume -> Running []
    Parked(Doubt) + Resume -> Running []
    Parked(Fresh) + Drop -> Idle [Ended]
    Parked(Letter) + Drop -> Idle [Ended]
    Parked(Until) + Drop -> Idle [Ended]
    Parked(Doubt) + Drop -> Idle [Ended]
    Blocked + Resume -> Running []
    Blocked + Drop -> Idle [Ended]
";
