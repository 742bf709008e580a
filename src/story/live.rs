//! What the engine tells while it happens: not durable, never needed for a decision.

use std::sync::Arc;

use crate::{
    event::{Class, Instant, Letter, Outcome, RunId},
    value::Value,
};

/// One thing that happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// The run.
    pub run: RunId,
    /// Its flow.
    pub flow: Arc<str>,
    /// What it is about.
    pub key: Arc<str>,
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// How closely runs are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// By nobody.
    No,
    /// How they begin and end.
    Ends,
    /// Every step.
    Closely,
}

/// Kinds of things that happen.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Its event was taken.
    Accepted,
    /// Its event gave way to a newer one.
    Merged {
        /// The newer one.
        into: RunId,
    },
    /// It began, or went on after it was parked.
    Started {
        /// Names of its nodes, in order.
        nodes: Arc<[Arc<str>]>,
        /// Whether it goes on with frozen values.
        resumed: bool,
    },
    /// A node began.
    NodeStarted {
        /// Its name.
        node: Arc<str>,
    },
    /// A node is settled.
    NodeEnded {
        /// Its name.
        node: Arc<str>,
        /// `done`, `skipped`, `stopped`, `failed`, or a decision's outcome.
        outcome: Arc<str>,
        /// Elements of an `each`; 1 without.
        elements: u32,
        /// Milliseconds from start to end.
        took: u32,
        /// What it gave.
        value: Option<Value>,
    },
    /// A request left.
    Called {
        /// The node.
        node: Arc<str>,
        /// The operation.
        operation: Arc<str>,
        /// From 1.
        attempt: u16,
    },
    /// A request failed.
    Failed {
        /// The node.
        node: Arc<str>,
        /// How it is classed.
        class: Class,
        /// For people.
        message: Arc<str>,
        /// When it goes again.
        again: Option<Instant>,
    },
    /// A `warn` did not hold, or the engine has something to say.
    Warned {
        /// The node.
        node: Arc<str>,
        /// For people.
        message: Arc<str>,
    },
    /// It holds on to what its writes depend on.
    Frozen,
    /// It left memory.
    Parked {
        /// When it comes back by itself.
        due: Option<Instant>,
        /// The reasons.
        letters: Vec<Letter>,
    },
    /// It is over.
    Ended {
        /// How.
        outcome: Outcome,
        /// What is told of it.
        reason: Option<Arc<str>>,
        /// What a child gives its parent.
        give: Option<Value>,
    },
}
