//! What the engine runs: names are numbers, every expression is compiled, every edge is drawn. Plain data. What a node
//! does is said by the checked flow; the plan adds what a run needs to know: edges, and what must be on disk before what.

use std::{collections::BTreeMap, sync::Arc};

pub use crate::flow::{
    At, Book, Call, Check, Child, Compared, Decide, Each, Keep, Kind, NodeId, Repeat, Retry, Slot, Slots,
    Source, SourceKind, Trigger, Until, Verb, Work,
};
use crate::{
    expr::{Mapping, Tables, Template},
    value::{Hash, Keep as Used, Value},
};

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

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Its name: its identity over versions of the flow.
    pub name: Arc<str>,
    /// Title for drawings.
    pub title: Option<Arc<str>>,
    /// Which of the kinds, for drawings and reports.
    pub kind: Kind,
    /// Its place in the file, from 0.
    pub place: usize,
    /// Nodes that must be settled first: by reference, by `after`, by `when`, by gates.
    pub needs: Vec<NodeId>,
    /// Those of them whose value it reads; the others are only waited for or asked for their outcome.
    pub mentions: Vec<NodeId>,
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
    /// Of what a write gives, the fields that are told to people: plain and not personal.
    pub tells: Vec<Arc<str>>,
    /// For writes: what must be on disk before the first byte leaves, by slot (event and earlier nodes only).
    pub freeze: BTreeMap<Slot, Used>,
}

impl Node {
    /// Whether it asks or writes a book: then nothing leaves.
    pub fn asks_book(&self) -> bool {
        matches!(&self.work, Work::Call(call) if call.book.is_some())
    }
}
