//! Everything that is ever written. In: what happened. Out: serialisable facts; all other state is memory, rebuilt by
//! folding these. It must never know how they are stored.

use std::{cmp::Ordering, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Class, EventId, Instant, Priority, RunId};
use crate::value::{Hash, Value};

/// A fact. What is not a fact is lost in a crash, and may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// An event is ours now.
    Accepted(Event),
    /// A waiting event gave way to a newer one of its key.
    Merged {
        /// The event that is gone.
        old: EventId,
        /// The event that stands for it.
        into: EventId,
    },
    /// A run holds on to what its writes depend on.
    Froze(Froze),
    /// A write that may not be repeated freely is about to leave.
    Intent(Intent),
    /// It took effect.
    Landed {
        /// Whose.
        run: RunId,
        /// Which.
        effect: EffectId,
        /// How we know.
        by: Proof,
        /// What it gave.
        value: Value,
    },
    /// It took no effect.
    Absent {
        /// Whose.
        run: RunId,
        /// Which.
        effect: EffectId,
    },
    /// A run left memory.
    Parked(Parked),
    /// A run is over.
    Ended(Past),
    /// A parked run goes on.
    Reopened {
        /// Which.
        run: RunId,
        /// When.
        at: Instant,
        /// On whose word.
        by: Arc<str>,
    },
    /// A poll came this far.
    Watermark(Watermark),
    /// An entry of a book was written or taken out; in one commit with the effect that did it.
    Noted(Noted),
    /// An operator's request is done, in one commit with what came of it.
    Ordered {
        /// Its number.
        order: u64,
        /// What is told of it.
        told: Told,
    },
    /// What an event is about was erased: later events about it are not taken.
    Erased {
        /// A keyed hash of it.
        who: Hash,
        /// When.
        at: Instant,
    },
}

/// What became of an operator's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// For people.
    pub text: Arc<str>,
    /// Whether it was refused.
    pub refused: bool,
    /// The run that goes on or begins because of it.
    pub run: Option<RunId>,
}

/// What came in: the start of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its name, and its run's.
    pub id: EventId,
    /// The first run of those that continue one another; its own name if it continues none.
    pub root: RunId,
    /// The run that waits for what its run gives.
    pub awaited_by: Option<RunId>,
    /// The flow it is for.
    pub flow: Arc<str>,
    /// What must not overlap: the lane's full name.
    pub lane: Arc<str>,
    /// What it is about.
    pub key: Arc<str>,
    /// What recognises the same fact.
    pub fact: Option<Arc<str>>,
    /// Which of two is newer.
    pub version: Option<Version>,
    /// Whether a newer event of the key replaces it.
    pub latest: bool,
    /// Where it came from.
    pub origin: Origin,
    /// How urgent.
    pub priority: Priority,
    /// When it was taken.
    pub at: Instant,
    /// The mapped event.
    pub body: Value,
}

impl Event {
    /// The same event under a name of its own.
    #[must_use]
    pub fn named(mut self, id: EventId) -> Self {
        self.root = match self.origin {
            Origin::Again { root, .. } | Origin::Refresh { root, .. } => root,
            _ => id,
        };
        self.id = id;
        self
    }

    /// What its effects are remembered by, beside the flow: the fact, or what it is about.
    pub fn effect_key(&self) -> Arc<str> {
        Arc::clone(self.fact.as_ref().unwrap_or(&self.key))
    }
}

/// Where an event came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Origin {
    /// A webhook, a poll or a schedule.
    Source,
    /// A file or a command.
    Hand,
    /// Made by the engine after a run that finished with old values: it inherits the effects of that run.
    Refresh {
        /// The run whose writes it looks at again.
        of: RunId,
        /// The first run of those that continue one another.
        root: RunId,
    },
    /// A poll over an older window.
    Backfill,
    /// A comparison of both systems.
    Reconcile,
    /// A run continued with a newer plan or an edited event: it inherits the effects of that run.
    Again {
        /// The run it continues.
        of: RunId,
        /// The first run of those that continue one another.
        root: RunId,
        /// Whether effects may be repeated on purpose.
        force: bool,
    },
    /// Started by another run.
    Child {
        /// That run.
        parent: RunId,
        /// Whether it waits.
        awaited: bool,
    },
}

impl Origin {
    /// Whether such a run looks again at what may have been done before: `run.again`. What was written then need not stand
    /// any more.
    pub fn looks_again(&self) -> bool {
        matches!(self, Self::Refresh { .. } | Self::Backfill | Self::Reconcile | Self::Again { .. })
    }

    /// Whether such a run may end without a write because nothing it uses has changed (decision R1).
    pub fn may_be_unchanged(&self) -> bool {
        matches!(self, Self::Source | Self::Hand | Self::Child { awaited: false, .. })
    }
}

/// `version:` of an event: numbers by size, anything else as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version(pub Value);

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if let (Some(mine), Some(theirs)) = (self.0.as_decimal(), other.0.as_decimal()) {
            return Some(mine.cmp(&theirs));
        }
        Some(self.0.scalar_text()?.cmp(&other.0.scalar_text()?))
    }
}

/// The name of one effect of one key: node and element. It is the same over versions of a flow and over runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// The node.
    pub node: Arc<str>,
    /// The element's key; empty without `each`; the members' hash for a batch.
    pub element: Arc<str>,
}

/// A slot as it was when a write depended on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kept {
    /// Its used parts.
    Value(Value),
    /// Of a node whose elements stand apart: the used parts of those that succeeded, and those that failed.
    Apart(Value, Value),
    /// The node was skipped.
    Skipped,
    /// The node failed, and something reacts to that.
    Failed,
}

/// What the writes of a run depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Froze {
    /// The run.
    pub run: RunId,
    /// From 0; the first makes the run frozen.
    pub n: u16,
    /// The plan that it is bound to from now on.
    pub plan: Hash,
    /// When the run began: `run.started_at`.
    pub started: Instant,
    /// When this was written.
    pub at: Instant,
    /// Slots that were not yet held.
    pub slots: Vec<(u16, Kept)>,
}

/// A write that may not be repeated freely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The run.
    pub run: RunId,
    /// The effect.
    pub effect: EffectId,
    /// Hash of the request: other bytes after a restart are seen.
    pub hash: Hash,
    /// The idempotency key that goes with it.
    pub key: Option<Arc<str>>,
    /// The elements of a batch.
    pub members: Vec<Arc<str>>,
    /// When it was first sent under this key.
    pub first: Instant,
    /// When it is sent now.
    pub at: Instant,
}

/// How we know that an effect landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// The platform answered.
    Answer,
    /// We looked.
    Look,
    /// Carried over from an earlier run.
    Carried,
    /// An operator said so.
    Operator,
}

/// An effect of an earlier attempt or an earlier run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The run that did it.
    pub run: RunId,
    /// Which.
    pub id: EffectId,
    /// Hash of its request.
    pub hash: Hash,
    /// Its idempotency key.
    pub key: Option<Arc<str>>,
    /// When it was first sent under that key.
    pub first: Instant,
    /// When it was last sent.
    pub at: Instant,
    /// How it stands.
    pub state: EffectState,
}

/// How an effect stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EffectState {
    /// Sent, or about to be: nobody knows.
    Doubt,
    /// It took effect and gave this.
    Landed(Value),
    /// It took none.
    Absent,
}

/// Why a run is parked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Why {
    /// It waits for an instant: `at`, a backoff, a settle time.
    Timer,
    /// Reads are asked again until they hold; since when each.
    Until {
        /// Which, and when it was first asked.
        asked: Vec<(EffectId, Instant)>,
    },
    /// A decision rejected it and lets it come back; since when.
    Retry {
        /// When it was first rejected.
        since: Instant,
    },
    /// A person must look.
    Letter,
    /// It has not begun: it looks again once the platform can no longer be working on an older write.
    Later,
}

/// A run that left memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parked {
    /// The run.
    pub run: RunId,
    /// When.
    pub at: Instant,
    /// Why.
    pub why: Why,
    /// When it goes on by itself.
    pub due: Option<Instant>,
    /// Whether it holds frozen values.
    pub frozen: bool,
    /// Whether an effect of it is in doubt.
    pub doubt: bool,
    /// The reasons.
    pub letters: Vec<Letter>,
    /// Attempts burnt so far, by effect.
    pub tries: Vec<(EffectId, u16)>,
}

/// One reason of a dead letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// The node.
    pub node: Arc<str>,
    /// The element's key.
    pub element: Option<Arc<str>>,
    /// What kind of reason.
    pub code: Code,
    /// For people.
    pub message: Arc<str>,
    /// What was sent, or would have been.
    pub request: Option<Value>,
    /// What the platform said.
    pub answer: Option<Value>,
}

/// Kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The platform refused it.
    Rejected,
    /// All attempts are burnt.
    Spent,
    /// An `expect` did not hold.
    Expected,
    /// A decision rejected it.
    Decided,
    /// An expression could not be worked out.
    Expression,
    /// Nobody knows whether it took effect.
    InDoubt,
    /// What would be sent now is not what was sent then.
    Drift,
    /// A child run became a letter.
    Child,
    /// The version of the flow that it is bound to is not here.
    PlanGone,
    /// Two elements have one key.
    SameKey,
    /// Too late for `at`.
    Late,
    /// A fault of the engine itself.
    Internal,
    /// What was to be sent does not fit, or may not be sent.
    Unfit,
    /// The platform's answer cannot be read.
    Unread,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All nodes are done.
    Ok,
    /// What it uses is what the last good run used: nothing was sent.
    Unchanged,
    /// A decision ended it well.
    Ignored,
    /// A newer event of its key took over.
    Superseded,
    /// Another run goes on with its effects.
    Continued(RunId),
    /// An operator dropped it.
    Dropped,
}

impl Outcome {
    /// Whether the run did all it had to: what it is about need not be remembered as unfinished.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Ok | Self::Unchanged | Self::Ignored)
    }
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// The run.
    pub run: RunId,
    /// Its flow.
    pub flow: Arc<str>,
    /// The first run of those that continue one another.
    pub root: RunId,
    /// Its lane.
    pub lane: Arc<str>,
    /// What it was about.
    pub key: Arc<str>,
    /// What recognises the same fact.
    pub fact: Option<Arc<str>>,
    /// The version of its event.
    pub version: Option<Version>,
    /// The event, so that it can run again.
    pub body: Value,
    /// The plan it ran by.
    pub plan: Hash,
    /// When its event was taken.
    pub accepted: Instant,
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// How.
    pub outcome: Outcome,
    /// What is told of the outcome, and who caused it.
    pub reason: Option<Arc<str>>,
    /// Hash of all that its writes used; with outcome unchanged, what the last good run used.
    pub used: Option<Hash>,
    /// What a child gives its parent.
    pub give: Option<Value>,
    /// What became of each node.
    pub nodes: Vec<NodePast>,
    /// Effects that may not be repeated freely, for a later replay.
    pub effects: Vec<Effect>,
    /// Warnings told on the way.
    pub warnings: Vec<Arc<str>>,
}

impl Past {
    /// What its effects were remembered by, beside the flow.
    pub fn effect_key(&self) -> &Arc<str> {
        self.fact.as_ref().unwrap_or(&self.key)
    }
}

/// What became of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodePast {
    /// Its name.
    pub name: Arc<str>,
    /// `done`, `skipped`, `stopped`, `failed`, or the outcome of a decision.
    pub outcome: Arc<str>,
    /// Milliseconds from start to end.
    pub took: u32,
    /// Elements of an `each`; 1 without.
    pub elements: u32,
    /// Requests that left in the life that ended the run, looks included.
    pub calls: u32,
    /// How requests failed on the way, and how often each way.
    pub failures: Vec<(Class, u32)>,
    /// What its writes gave, an element each, for people: plain fields that are not personal, such as id and number.
    pub gave: Vec<Value>,
}

/// How far a poll came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watermark {
    /// The flow.
    pub flow: Arc<str>,
    /// Hash of account, operation and query: another query starts anew.
    pub source: Hash,
    /// Where the next page begins; the operation's own form.
    pub cursor: Value,
    /// When.
    pub at: Instant,
}

/// A change of a book. Keys and what entries are found by are keyed hashes: they may be personal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    /// The run that did it.
    pub run: RunId,
    /// The book.
    pub book: Arc<str>,
    /// Hash of the key of the entry.
    pub key: Hash,
    /// What the entry is from now on; none: it is taken out.
    pub entry: Option<Entry>,
    /// When.
    pub at: Instant,
}

/// An entry of a book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// All its columns, those of the key too.
    pub value: Value,
    /// By what it is found: unique columns, and the hash of what it holds in each.
    pub finds: Vec<(Arc<str>, Hash)>,
    /// Until when it counts; none: until it is taken out.
    pub until: Option<Instant>,
}

impl Entry {
    /// Whether it still counts.
    pub fn counts(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Fact {
    /// The run or event it is about, if it is about one.
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Accepted(event) => Some(event.id),
            Self::Merged { old, .. } => Some(*old),
            Self::Froze(froze) => Some(froze.run),
            Self::Intent(intent) => Some(intent.run),
            Self::Landed { run, .. } | Self::Absent { run, .. } | Self::Reopened { run, .. } => Some(*run),
            Self::Parked(parked) => Some(parked.run),
            Self::Ended(past) => Some(past.run),
            Self::Watermark(_) | Self::Ordered { .. } | Self::Erased { .. } => None,
            Self::Noted(noted) => Some(noted.run),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers_or_as_text() {
        let of = |text: &str| Version(Value::parse(text.as_bytes()).unwrap());
        for (left, right, wanted) in [
            ("9", "10", Some(Ordering::Less)),
            ("\"9\"", "\"10\"", Some(Ordering::Greater)),
            ("1.0", "1", Some(Ordering::Equal)),
            ("\"2026-01-02T00:00:00Z\"", "\"2026-01-01T00:00:00Z\"", Some(Ordering::Greater)),
            ("null", "1", None),
        ] {
            assert_eq!(of(left).partial_cmp(&of(right)), wanted, "{left} {right}");
        }
    }
}
