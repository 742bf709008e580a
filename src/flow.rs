//! The checked flow: every name resolved, every mapping typed, nodes in the order in which they may run. In: made by
//! `check` only. Out: plain data for `plan`. It must never know the text it came from, nor how a run goes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    expr::{Mapping, Tables, Template},
    shape::Shape,
    value::Value,
};

/// A node's number: its place in [`Flow::nodes`].
pub type NodeId = u16;

/// A root's number in a scope: see [`Slots`].
pub type Slot = u16;

/// A checked flow.
#[derive(Debug)]
pub struct Flow {
    /// The flow's name.
    pub name: Arc<str>,
    /// Title for people; the name if it has none.
    pub title: Arc<str>,
    /// How events become runs.
    pub trigger: Trigger,
    /// Nodes in an order in which every node comes after all it needs; stable between equal flows.
    pub nodes: Vec<Node>,
    /// What a child run gives back.
    pub give: Option<Mapping>,
    /// Its type.
    pub gives: Shape,
    /// How many roots a scope has, and which is which.
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
    /// The mapped event. In a source's own `event:` mapping: the webhook's `body` or the poll's `row`.
    pub const EVENT: Slot = 0;
    /// `run.id`, `run.started_at`.
    pub const RUN: Slot = 1;
    /// Settings of connections.
    pub const CONNECTION: Slot = 2;
    /// What the node itself gave, inside its `expect` and `warn`.
    pub const RESULT: Slot = 3;
    /// The first node.
    pub const NODES: Slot = 4;

    /// The node whose value has this number.
    pub fn node(self, slot: Slot, nodes: usize) -> Option<usize> {
        let index = usize::from(slot.checked_sub(self.nodes)?);
        (index < nodes).then_some(index)
    }
}

/// How events become runs.
#[derive(Debug)]
pub struct Trigger {
    /// What is listened to; empty: started by hand only.
    pub sources: Vec<Source>,
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
    /// Whether a newer event also takes over from a run that has written and waits for an instant.
    pub supersede: bool,
    /// Names of fields in the event that are data of a person: by their record, or by the record of the flow that gave them.
    pub personal: BTreeSet<Arc<str>>,
}

/// Something that is listened to.
#[derive(Debug)]
pub struct Source {
    /// What.
    pub kind: SourceKind,
    /// What a webhook's body looks like, so that it is read as its record says. Rows are, before they come here.
    pub body: Shape,
    /// The event made of a webhook's body or a poll's row, found at slot [`Slots::EVENT`]; none: as it is.
    pub event: Option<Mapping>,
    /// How many roots the scope of that mapping has.
    pub count: Slot,
}

/// The kinds of sources. Connections are the estate's names.
#[derive(Debug)]
pub enum SourceKind {
    /// Webhooks of a connection.
    Webhook {
        /// Whose.
        connection: Arc<str>,
        /// Which.
        scopes: Vec<Arc<str>>,
    },
    /// Rows that changed since the last time.
    Poll {
        /// Whose.
        connection: Arc<str>,
        /// What is called.
        operation: Arc<str>,
        /// How often.
        every: Duration,
        /// Where the very first poll begins: `now`, `all` or an instant.
        start: Arc<str>,
        /// Parameters.
        with: Vec<(Arc<str>, Mapping)>,
    },
    /// At fixed times.
    Schedule {
        /// Five fields.
        cron: Arc<str>,
        /// IANA name.
        zone: Arc<str>,
        /// Connection and operation whose rows become events; none: one event a firing.
        read: Option<(Arc<str>, Arc<str>)>,
        /// Parameters.
        with: Vec<(Arc<str>, Mapping)>,
    },
    /// Started by another flow.
    Flow,
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
    /// Title for drawings.
    pub title: Option<Arc<str>>,
    /// Which of the kinds.
    pub kind: Kind,
    /// Its place in the file, from 0.
    pub place: usize,
    /// Nodes whose value it reads; sorted, each once.
    pub mentions: Vec<NodeId>,
    /// Nodes it waits for by `after`.
    pub after: Vec<NodeId>,
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
    /// What it gives.
    pub shape: Shape,
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

impl Kind {
    /// The word that files use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Transform => "transform",
            Self::Decision => "decision",
            Self::Action => "action",
            Self::Writeback => "writeback",
        }
    }
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

impl Decide {
    /// Every outcome, in the order of the file; `otherwise` last.
    pub fn outcomes(&self) -> impl Iterator<Item = &Arc<str>> {
        self.choose.iter().map(|(outcome, _)| outcome).chain([&self.otherwise])
    }

    /// Whether this outcome ends the run or makes a letter.
    pub fn stops(&self, outcome: &str) -> bool {
        self.ignore.contains_key(outcome) || self.reject.contains_key(outcome)
    }

    /// Whether any outcome stops what comes after.
    pub fn is_gate(&self) -> bool {
        !self.ignore.is_empty() || !self.reject.is_empty()
    }
}

/// `retry: {every, for}`.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// How long to wait between tries.
    pub every: Duration,
    /// How long to go on.
    pub within: Duration,
}

/// Parameters of a writeback and where in a record each has its counterpart.
pub type Compared = Vec<(Arc<str>, Vec<Arc<str>>)>;

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
    pub changes: Option<(NodeId, Compared)>,
    /// An answer this young may be shared between runs.
    pub fresh: Option<Duration>,
    /// Asked again until it holds; reads only.
    pub until: Option<Until>,
    /// What it does with a book, if it calls the connection [`MEMORY`]; the operation is then `book.verb`.
    pub book: Option<(Arc<Book>, Verb)>,
}

/// The connection that is always there: books in the journal.
pub const MEMORY: &str = "memory";

/// How many entries of a book one request of an `each` asks for or writes.
pub const BOOK_BATCH: u32 = 1000;

/// A book of `memory`, as the estate declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// Its name.
    pub name: Arc<str>,
    /// The columns that make its key, in order.
    pub key: Vec<Arc<str>>,
    /// All its columns, those of the key first.
    pub columns: Vec<Arc<str>>,
    /// The columns of which no two entries hold the same, and by which an entry is found.
    pub unique: Vec<Arc<str>>,
    /// How long an entry is kept after it was written; none: until it is forgotten.
    pub keep: Option<Duration>,
}

/// What can be done with a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads the entry of a key; `null` if there is none.
    Get,
    /// Reads the entry that holds a value in a unique column; `null` if there is none.
    Find,
    /// Writes the entry of a key, whole.
    Put,
    /// Takes the entry of a key out.
    Forget,
}

impl Verb {
    /// All of them, with the words that files use.
    pub const ALL: [(&'static str, Self); 4] =
        [("get", Self::Get), ("find", Self::Find), ("put", Self::Put), ("forget", Self::Forget)];

    /// Whether it writes.
    pub fn writes(self) -> bool {
        matches!(self, Self::Put | Self::Forget)
    }
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
