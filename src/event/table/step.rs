//! The table of steps: one node, one element or one batch of a node.

use super::{Illegal, Mark, Next};

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepState {
    /// Its needs are not settled.
    Todo,
    /// Its condition does not hold.
    Skipped,
    /// It may go: a permit is asked for, at once or after a wait.
    Ready,
    /// The permit is there; what guards it is being written.
    Granted,
    /// It left.
    Sent,
    /// It left, and nobody knows.
    Doubt,
    /// It is being looked for.
    Looking,
    /// It took effect.
    Landed,
    /// It did not, and will not by itself.
    Failed,
    /// Nobody knows, and only an operator can say.
    Unsettled,
}

/// How a step may be repeated, as the tables see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Repeats {
    /// A read, or a write that may be repeated freely.
    Freely,
    /// Under the same key; whether the platform still remembers it.
    Key {
        /// Whether it does.
        valid: bool,
    },
    /// After a look.
    Look,
    /// Never.
    Never,
}

/// What can happen to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepInput {
    /// Its needs are settled.
    Settled,
    /// Its condition does not hold.
    Skip,
    /// Resumed: an intent is on disk and nothing of how it went.
    Found(Repeats),
    /// An earlier run did it: its result is taken.
    Carried,
    /// The permit came.
    Permit,
    /// The permit came, but the request may not leave any more (its key ran out, its bytes differ).
    Forbidden,
    /// The guards are durable: it leaves.
    Leave {
        /// Whether an intent was written.
        intent: bool,
    },
    /// An answer to a read that does not hold what is waited for.
    NotYet,
    /// An answer.
    Answer {
        /// Whether an intent was written.
        intent: bool,
    },
    /// It failed, can have had no effect, and may go again.
    Refused {
        /// Whether an intent was written.
        intent: bool,
    },
    /// It failed for good and can have had no effect.
    Rejected {
        /// Whether an intent was written.
        intent: bool,
    },
    /// Nobody knows how it went; it may go again as its operation says.
    Lost(Repeats),
    /// The platform says that it is there already, and the operation can look.
    Exists,
    /// All attempts are burnt; it can have had no effect.
    Spent,
    /// It was waited long enough to look.
    Look,
    /// The look failed, and is tried again.
    LookAgain,
    /// The look found exactly one.
    One,
    /// The look found none, and what was written would be seen.
    None,
    /// The look found none of what was refused as being there already: it was refused for another reason.
    Denied,
    /// The look found many, or what cannot be told.
    Many,
    /// An operator says that it landed.
    OperatorLanded,
    /// An operator says that it is absent.
    OperatorAbsent,
}

const ABSENT: &[Mark] = &[Mark::Absent];
const LANDED: &[Mark] = &[Mark::Landed];

fn if_intent(intent: bool, marks: &'static [Mark]) -> &'static [Mark] {
    if intent { marks } else { &[] }
}

impl StepState {
    /// All states.
    pub const ALL: &[Self] = &[
        Self::Todo,
        Self::Skipped,
        Self::Ready,
        Self::Granted,
        Self::Sent,
        Self::Doubt,
        Self::Looking,
        Self::Landed,
        Self::Failed,
        Self::Unsettled,
    ];

    /// The table.
    #[expect(clippy::match_same_arms, reason = "a row of the table is a row")]
    pub fn next(self, input: StepInput) -> Next<Self> {
        use StepInput as I;
        Ok(match (self, input) {
            (Self::Todo, I::Settled) => (Self::Ready, &[]),
            (Self::Todo, I::Skip) => (Self::Skipped, &[]),
            (Self::Todo, I::Carried) => (Self::Landed, &[]),
            (Self::Todo, I::Found(repeats)) | (Self::Sent, I::Lost(repeats)) => {
                (Self::after_loss(repeats), &[])
            }
            (Self::Ready, I::Permit) => (Self::Granted, &[]),
            (Self::Ready, I::Forbidden) | (Self::Doubt | Self::Looking, I::Many) => (Self::Unsettled, &[]),
            (Self::Ready, I::Spent) => (Self::Failed, &[]),
            (Self::Granted, I::Leave { intent }) => (Self::Sent, if_intent(intent, &[Mark::Intent])),
            (Self::Sent, I::Answer { intent }) => (Self::Landed, if_intent(intent, LANDED)),
            (Self::Sent, I::NotYet) => (Self::Ready, &[]),
            (Self::Sent, I::Refused { intent }) => (Self::Ready, if_intent(intent, ABSENT)),
            (Self::Sent, I::Rejected { intent }) => (Self::Failed, if_intent(intent, ABSENT)),
            (Self::Sent, I::Exists) | (Self::Doubt, I::Look) => (Self::Looking, &[]),
            (Self::Looking, I::LookAgain) => (Self::Doubt, &[]),
            (Self::Looking, I::One) | (Self::Unsettled, I::OperatorLanded) => (Self::Landed, LANDED),
            (Self::Looking, I::Denied) => (Self::Failed, ABSENT),
            (Self::Looking, I::None) | (Self::Unsettled, I::OperatorAbsent) => (Self::Ready, ABSENT),
            (state, input) => return Err(Illegal::of(&state, &input)),
        })
    }

    /// Where a request goes of which nobody knows how it went.
    fn after_loss(repeats: Repeats) -> Self {
        match repeats {
            Repeats::Freely | Repeats::Key { valid: true } => Self::Ready,
            Repeats::Look => Self::Doubt,
            Repeats::Key { valid: false } | Repeats::Never => Self::Unsettled,
        }
    }

    /// Whether nothing more happens to it by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Skipped | Self::Landed | Self::Failed | Self::Unsettled)
    }
}

impl Repeats {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Freely, Self::Key { valid: true }, Self::Key { valid: false }, Self::Look, Self::Never];
}

impl StepInput {
    /// All inputs.
    pub const ALL: &[Self] = &[
        Self::Settled,
        Self::Skip,
        Self::Found(Repeats::Freely),
        Self::Found(Repeats::Key { valid: true }),
        Self::Found(Repeats::Key { valid: false }),
        Self::Found(Repeats::Look),
        Self::Found(Repeats::Never),
        Self::Carried,
        Self::Permit,
        Self::Forbidden,
        Self::Leave { intent: false },
        Self::Leave { intent: true },
        Self::NotYet,
        Self::Answer { intent: false },
        Self::Answer { intent: true },
        Self::Refused { intent: false },
        Self::Refused { intent: true },
        Self::Rejected { intent: false },
        Self::Rejected { intent: true },
        Self::Lost(Repeats::Freely),
        Self::Lost(Repeats::Key { valid: true }),
        Self::Lost(Repeats::Key { valid: false }),
        Self::Lost(Repeats::Look),
        Self::Lost(Repeats::Never),
        Self::Exists,
        Self::Spent,
        Self::Look,
        Self::LookAgain,
        Self::One,
        Self::None,
        Self::Denied,
        Self::Many,
        Self::OperatorLanded,
        Self::OperatorAbsent,
    ];
}

#[cfg(test)]
pub(super) const LISTED: &str = "
    Todo + Settled -> Ready []
    Todo + Skip -> Skipped []
    Todo + Carried -> Landed []
    Todo + Found(Freely) -> Ready []
    Todo + Found(Key { valid: true }) -> Ready []
    Todo + Found(Key { valid: false }) -> Unsettled []
    Todo + Found(Look) -> Doubt []
    Todo + Found(Never) -> Unsettled []
    Ready + Permit -> Granted []
    Ready + Forbidden -> Unsettled []
    Ready + Spent -> Failed []
    Granted + Leave { intent: false } -> Sent []
    Granted + Leave { intent: true } -> Sent [Intent]
    Sent + Answer { intent: false } -> Landed []
    Sent + Answer { intent: true } -> Landed [Landed]
    Sent + NotYet -> Ready []
    Sent + Refused { intent: false } -> Ready []
    Sent + Refused { intent: true } -> Ready [Absent]
    Sent + Rejected { intent: false } -> Failed []
    Sent + Rejected { intent: true } -> Failed [Absent]
    Sent + Lost(Freely) -> Ready []
    Sent + Lost(Key { valid: true }) -> Ready []
    Sent + Lost(Key { valid: false }) -> Unsettled []
    Sent + Lost(Look) -> Doubt []
    Sent + Lost(Never) -> Unsettled []
    Sent + Exists -> Looking []
    Doubt + Look -> Looking []
    Doubt + Many -> Unsettled []
    Looking + LookAgain -> Doubt []
    Looking + One -> Landed [Landed]
    Looking + None -> Ready [Absent]
    Looking + Denied -> Failed [Absent]
    Looking + Many -> Unsettled []
    Unsettled + OperatorLanded -> Landed [Landed]
    Unsettled + OperatorAbsent -> Ready [Absent]
";
