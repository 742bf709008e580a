//! The tree of a flow file as it was written: every leaf keeps its place, nothing is resolved yet.

use std::time::Duration;

use crate::{
    source::{Span, Spanned},
    yaml,
};

pub use crate::source::{Name, Scalar};

/// What stands where a value is wanted: `fields:`, `with:`, `value:`, and everything below them.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A scalar: a constant, an expression, or text with expressions.
    Scalar(Scalar),
    /// A list.
    List(Vec<Given>, Span),
    /// An object.
    Object(Vec<(Name, Given)>, Span),
    /// `{each, as, where, fields | value}`.
    Each(Box<Each>),
    /// `{use: fragment, with: {…}}`.
    Use(Box<Use>),
}

/// A nested `each`.
#[derive(Clone, Debug, PartialEq)]
pub struct Each {
    /// The list.
    pub list: Scalar,
    /// What the element is called.
    pub name: Name,
    /// Which elements count.
    pub filter: Option<Scalar>,
    /// What each gives (`fields:` or `value:`).
    pub body: Given,
    /// All of it.
    pub span: Span,
}

/// A pure fragment put in place.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// Its name.
    pub fragment: Name,
    /// Its parameters.
    pub with: Vec<(Name, Given)>,
    /// All of it.
    pub span: Span,
}

/// A flow file.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// `flow:`.
    pub name: Name,
    /// `title:`.
    pub title: Option<Name>,
    /// `connections:` local name to the estate's connection.
    pub connections: Vec<(Name, Name)>,
    /// `reconcile:` the name `flowrun reconcile` runs the flow by.
    pub reconcile: Option<Name>,
    /// `trigger:`.
    pub trigger: Trigger,
    /// `nodes:` in reading order.
    pub nodes: Vec<Node>,
    /// Nodes that have a name and problems that keep them from being read: to mention one is no second problem.
    pub broken: Vec<Name>,
    /// `give:` what a child run gives back.
    pub give: Option<Given>,
    /// The whole file.
    pub span: Span,
}

/// `trigger:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// `from:`; empty means by hand only.
    pub from: Vec<Source>,
    /// `key:`.
    pub key: Scalar,
    /// `keep:`.
    pub keep: Option<Spanned<Keep>>,
    /// `lane:`; a name shared by flows, or an expression.
    pub lane: Option<Scalar>,
    /// `id:`.
    pub id: Option<Scalar>,
    /// `version:`.
    pub version: Option<Scalar>,
    /// `supersede: always`.
    pub supersede: Option<Name>,
    /// `batch:` `{size, linger}`; its place is held, it comes with the catalogue flows.
    pub batch: Option<(u32, Duration, Span)>,
    /// All of it.
    pub span: Span,
}

/// What happens to events of one key that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// A newer one replaces them: the event is state.
    Latest,
    /// All run, in order: the event is a fact.
    All,
}

/// One entry of `from:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What it listens to.
    pub kind: SourceKind,
    /// `event:` the shape every source maps to.
    pub event: Option<Given>,
    /// All of it.
    pub span: Span,
}

/// The kinds of trigger sources.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// `webhook: connection`, `scopes: […]`.
    Webhook {
        /// Whose webhooks.
        connection: Name,
        /// Which.
        scopes: Vec<Name>,
    },
    /// `poll: connection.operation`, `every:`, `start:`.
    Poll {
        /// `connection.operation`.
        call: Name,
        /// How often.
        every: Spanned<Duration>,
        /// `now`, `all`, or an instant.
        start: Name,
        /// `with:` parameters of the operation.
        with: Vec<(Name, Given)>,
    },
    /// `schedule: cron`, `zone:`, `read:`.
    Schedule {
        /// Five fields.
        cron: Name,
        /// IANA name.
        zone: Name,
        /// `connection.operation` whose rows become events; none: one event a firing.
        read: Option<Name>,
        /// `with:` parameters of the operation.
        with: Vec<(Name, Given)>,
    },
    /// `flow: {takes: {name: type}}`: started by another flow.
    Flow {
        /// The event's fields and their types.
        takes: Vec<(Name, Name)>,
    },
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Which of the six kinds.
    pub kind: Spanned<Kind>,
    /// Its name.
    pub name: Name,
    /// `title:` for the drawing.
    pub title: Option<Name>,
    /// `after:` edges without data.
    pub after: Vec<Name>,
    /// `when:` decision (or effect) and the outcomes that are wanted.
    pub when: Vec<(Name, Vec<Name>)>,
    /// `if:`.
    pub condition: Option<Scalar>,
    /// `each:` with `as`, `where`, `by`, `apart`.
    pub each: Option<NodeEach>,
    /// What it does.
    pub work: Work,
    /// `expect:`.
    pub expect: Vec<Check>,
    /// `warn:`.
    pub warn: Vec<Check>,
    /// All of it.
    pub span: Span,
}

/// The six kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads from a system.
    Extract,
    /// Maps, purely.
    Transform,
    /// Chooses an outcome, purely.
    Decision,
    /// Writes to a system.
    Action,
    /// Writes back to the system the event came from.
    Writeback,
}

/// `each:` of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeEach {
    /// The list.
    pub list: Scalar,
    /// `as:`.
    pub name: Name,
    /// `where:`.
    pub filter: Option<Scalar>,
    /// `by:`.
    pub by: Option<Scalar>,
    /// `apart:`.
    pub apart: Option<Scalar>,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// `fields:`, `value:` or `use:` of a transform.
    Map {
        /// `shape: system.record`.
        shape: Option<Name>,
        /// What it gives.
        body: Given,
    },
    /// `choose:` and the rest of a decision.
    Decide(Decide),
    /// `call:` of an extract, action or writeback.
    Call(Call),
}

/// A decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decide {
    /// `choose:` outcome and condition, tried in order.
    pub choose: Vec<(Name, Scalar)>,
    /// `otherwise:`.
    pub otherwise: Name,
    /// `ignore:` outcome and reason.
    pub ignore: Vec<(Name, Scalar)>,
    /// `reject:` outcome and reason.
    pub reject: Vec<(Name, Scalar)>,
    /// `retry: {every, for}`.
    pub retry: Option<(Spanned<Duration>, Spanned<Duration>)>,
}

/// A call of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `connection.operation`, `flows.name` or `memory.book.verb`.
    pub target: Name,
    /// `with:`.
    pub with: Vec<(Name, Given)>,
    /// `changes:` of a writeback.
    pub changes: Option<Name>,
    /// `fresh:` an answer this young may be shared between runs.
    pub fresh: Option<Spanned<Duration>>,
    /// `wait:` of a child flow; absent means true.
    pub wait: Option<Spanned<bool>>,
    /// `at:`, `late:`, `until:`, `every:`, `for:`.
    pub timing: Timing,
}

/// When a call happens, and until when it is asked again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timing {
    /// `at:`.
    pub at: Option<Scalar>,
    /// `late:`.
    pub late: Option<Spanned<Duration>>,
    /// `until:`.
    pub until: Option<Scalar>,
    /// `every:`.
    pub every: Option<Spanned<Duration>>,
    /// `for:`.
    pub within: Option<Spanned<Duration>>,
}

/// One entry of `expect:` or `warn:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// `that:`.
    pub that: Scalar,
    /// `else:`.
    pub otherwise: Scalar,
    /// All of it.
    pub span: Span,
}

/// A pure fragment file: `fragment`, `params`, `let`, `fields` or `value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    /// `fragment:`.
    pub name: Name,
    /// `params:` names and their types (`any` or a record such as `bigcommerce.order`).
    pub params: Vec<(Name, Name)>,
    /// `let:` values worked out first, each may use those before it.
    pub lets: Vec<(Name, Given)>,
    /// What it gives.
    pub body: Given,
    /// The whole file.
    pub span: Span,
}

/// An overlay file: what differs from a shipped flow. Held as trees, for merging comes before reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// `extends:` the flow, as a path without ending below the shipped flows.
    pub extends: Name,
    /// What stood after `@`: the fingerprint of the flow it was written for.
    pub print: Option<Name>,
    /// `nodes:`.
    pub nodes: Vec<Change>,
    /// The whole file, for the keys beside `nodes`.
    pub tree: yaml::Node,
    /// The whole file.
    pub span: Span,
}

/// One entry of an overlay's `nodes:`.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `drop: name`.
    Drop(Name),
    /// A node: merged with the one of the same kind and name, or added.
    Node {
        /// Which of the kinds.
        kind: Spanned<Kind>,
        /// Its name.
        name: Name,
        /// `before:` where it is put if it is new.
        before: Option<Name>,
        /// All its keys, `before` among them.
        tree: yaml::Node,
    },
}
