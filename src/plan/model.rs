//! What the engine runs: names are numbers, every expression is compiled, every edge is drawn. Plain data.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    expr::{Mapping, Tables, Template},
    value::{Hash, Keep as Used, Value},
};

/// A node's number: its place in [`Plan::nodes`].
pub type NodeId = u16;

/// A root's number in a scope: see [`Slots`].
pub type Slot = u16;

/// A compiled flow.
#[derive(Debug)]
pub struct Plan {
    /// The flow's name.
    pub flow: Arc<str>,
    /// Title for people.
    pub title: Arc<str>,
    /// Hash over everything that decides what a run does: flow, fragments, connectors, records, tables, settings.
    pub print: Hash,
    /// How events become runs.
    pub trigger: Trigger,
    /// Nodes in an order in which every node comes after all it needs; stable between equal flows.
    pub nodes: Vec<Node>,
    /// What a child run gives back.
    pub give: Option<Mapping>,
    /// How many roots a scope of this plan has, and which is which.
    pub slots: Slots,
    /// The value of the root `connection`: constants, never a secret.
    pub settings: Value,
    /// The tables that expressions look into.
    pub tables: Arc<Tables>,
}

/// Which number each root of a scope has: `event`, `run`, `connection`, `result`, then one a node, then the names bound by
/// `as:`, fragments' parameters and lets.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    /// Number of the first node's value; node `n` has `nodes + n`.
    pub nodes: Slot,
    /// Number of roots in all.
    pub count: Slot,
}

impl Slots {
    /// The mapped event.
    pub const EVENT: Slot = 0;
    /// `run.id`, `run.started_at`.
    pub const RUN: Slot = 1;
    /// Settings of connections.
    pub const CONNECTION: Slot = 2;
    /// What the node itself gave, inside its `expect` and `warn`.
    pub const RESULT: Slot = 3;
    /// The first node.
    pub const NODES: Slot = 4;
}

/// How events become runs.
#[derive(Debug)]
pub struct Trigger {
    /// What it is about; runs of one key never overlap.
    pub key: Template,
    /// The lane's shared name (none: the flow's own) and its expression (none: the key).
    pub lane: Option<(Arc<str>, Option<Template>)>,
    /// What recognises the same fact.
    pub id: Option<Template>,
    /// Which of two is newer.
    pub version: Option<Template>,
    /// What happens to waiting events of one key.
    pub keep: Keep,
}

/// What happens to waiting events of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// A newer one replaces them.
    Latest,
    /// All run, in order.
    All,
}

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Its name: its identity over versions of the flow.
    pub name: Arc<str>,
    /// Which of the kinds, for drawings and reports.
    pub kind: Kind,
    /// Nodes that must be settled first: by reference, by `after`, by `when`, by gates.
    pub needs: Vec<NodeId>,
    /// Decisions (or failed effects) that must have had one of these outcomes; all must hold, else the node is skipped.
    pub when: Vec<(NodeId, Vec<Arc<str>>)>,
    /// Gates it stands behind: a gate that ignored or rejected stops the node.
    pub gates: Vec<NodeId>,
    /// `if:`; asked once. False: the node is skipped.
    pub condition: Option<Template>,
    /// `at:`; waited for before it begins.
    pub at: Option<At>,
    /// Once for every element of a list.
    pub each: Option<Each>,
    /// What it does.
    pub work: Work,
    /// Must hold before anything that depends on the node.
    pub expect: Vec<Check>,
    /// Should hold.
    pub warn: Vec<Check>,
    /// For writes: what must be on disk before the first byte leaves, by slot (event and earlier nodes only).
    pub freeze: BTreeMap<Slot, Used>,
}

/// Kinds of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Reads.
    Extract,
    /// Maps.
    Transform,
    /// Chooses.
    Decision,
    /// Writes.
    Action,
    /// Writes back.
    Writeback,
}

/// `each:` of a node. The node's value is a list; with `by` a list of `{key, item, value}` that is looked up by key.
#[derive(Debug)]
pub struct Each {
    /// The list.
    pub list: Template,
    /// The element's slot.
    pub slot: Slot,
    /// Which elements count.
    pub filter: Option<Template>,
    /// The element's key: unique; identifies the element's effect over versions.
    pub by: Option<Template>,
    /// Each element succeeds or fails by itself; the letter's key.
    pub apart: Option<Template>,
}

/// `at:` and `late:`: an instant that is waited for durably.
#[derive(Debug)]
pub struct At {
    /// RFC 3339 text, or seconds since 1970.
    pub instant: Template,
    /// How late is still good; none: any time.
    pub late: Option<Duration>,
}

/// `until:`, `every:`, `for:` of a read: asked again until it holds.
#[derive(Debug)]
pub struct Until {
    /// Must be true; `result` is the answer.
    pub that: Template,
    /// How long to wait between asks.
    pub every: Duration,
    /// How long to go on.
    pub within: Duration,
}

/// What a node does.
#[derive(Debug)]
pub enum Work {
    /// Gives a value.
    Map(Mapping),
    /// Gives the name of an outcome.
    Decide(Decide),
    /// Calls an operation.
    Call(Call),
    /// Starts a run of another flow.
    Child(Child),
}

/// A decision.
#[derive(Debug)]
pub struct Decide {
    /// Outcomes and conditions, tried in order.
    pub choose: Vec<(Arc<str>, Template)>,
    /// The outcome if none holds.
    pub otherwise: Arc<str>,
    /// Outcomes that end the run well, and the reason told.
    pub ignore: BTreeMap<Arc<str>, Template>,
    /// Outcomes that make a dead letter, and the reason told.
    pub reject: BTreeMap<Arc<str>, Template>,
    /// Rejected runs come back by themselves.
    pub retry: Option<Retry>,
}

/// `retry: {every, for}`.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// How long to wait between tries.
    pub every: Duration,
    /// How long to go on.
    pub within: Duration,
}

/// A call of a connector's operation.
#[derive(Debug)]
pub struct Call {
    /// The estate's connection.
    pub connection: Arc<str>,
    /// The operation's name in its connector.
    pub operation: Arc<str>,
    /// Parameters.
    pub with: Vec<(Arc<str>, Mapping)>,
    /// Whether it writes, and then how it may be repeated; none for reads.
    pub repeat: Option<Repeat>,
    /// At most this many elements of an `each` in one request; none: one each.
    pub batch: Option<u32>,
    /// Send nothing if the record read by this node already has these values: (node, parameter, path in its record).
    pub changes: Option<(NodeId, Vec<(Arc<str>, Vec<Arc<str>>)>)>,
    /// An answer this young may be shared between runs.
    pub fresh: Option<Duration>,
    /// Asked again until it holds; reads only.
    pub until: Option<Until>,
}

/// How a write may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Freely: the same request leaves the same state.
    Safe,
    /// With the same idempotency key, for so long after it was first sent.
    Key {
        /// How long the platform remembers the key.
        valid_for: Duration,
    },
    /// After looking whether the earlier one landed.
    Look {
        /// The operation that looks; it takes the write's own parameters.
        operation: Arc<str>,
        /// How long the platform may still be working on an unanswered request.
        settle: Duration,
        /// How long what was written may stay invisible to the look.
        lag: Duration,
    },
    /// Never: in doubt means a dead letter that an operator settles.
    Never,
}

/// A child run.
#[derive(Debug)]
pub struct Child {
    /// The flow.
    pub flow: Arc<str>,
    /// Its event.
    pub with: Vec<(Arc<str>, Mapping)>,
    /// Whether the parent waits for what it gives.
    pub wait: bool,
}

/// `expect:` or `warn:`.
#[derive(Debug)]
pub struct Check {
    /// Must be true.
    pub that: Template,
    /// What is told otherwise.
    pub otherwise: Template,
}
