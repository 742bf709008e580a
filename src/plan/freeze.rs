//! What must be on disk before a write leaves: the backward slice of its bytes and of its existence. In: nodes with their
//! reads. Out: used paths by slot. It must never know how values are stored.
//!
//! Only values from outside are kept: the event, answers of extracts and earlier writes, results of child runs. What is
//! worked out from them (transforms, decisions) is worked out again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::model::{Node, Slot, Slots, Work};
use crate::{
    expr::{Mapping, Read, Template},
    value::Keep as Used,
};

/// The slices of all writes, by node; empty for nodes that write nothing.
pub(super) fn slices(nodes: &[Node], slots: Slots) -> Vec<BTreeMap<Slot, Used>> {
    let slice = |node: usize| match &nodes[node].work {
        Work::Call(call) if call.repeat.is_none() => BTreeMap::new(),
        Work::Call(_) | Work::Child(_) => Slice::of(nodes, slots, node),
        Work::Map(_) | Work::Decide(_) => BTreeMap::new(),
    };
    (0..nodes.len()).map(slice).collect()
}

struct Slice<'a> {
    nodes: &'a [Node],
    slots: Slots,
    used: BTreeMap<Slot, Used>,
    /// Nodes whose way of coming to their value is in the slice already.
    worked: BTreeSet<usize>,
    /// Nodes whose existence is in the slice already.
    known: BTreeSet<usize>,
}

impl<'a> Slice<'a> {
    fn of(nodes: &'a [Node], slots: Slots, write: usize) -> BTreeMap<Slot, Used> {
        let (worked, known) = (BTreeSet::from([write]), BTreeSet::new());
        let mut slice = Self { nodes, slots, used: BTreeMap::new(), worked, known };
        slice.existence(write);
        slice.work(write);
        slice.used
    }

    /// All on which it depends whether a node runs: its conditions, its gates.
    fn existence(&mut self, node: usize) {
        if !self.known.insert(node) {
            return;
        }
        let own = &self.nodes[node];
        for decision in own.when.iter().map(|(decision, _)| decision).chain(&own.gates) {
            self.value(usize::from(*decision), &[]);
        }
        let each = own.each.iter().flat_map(|each| [Some(&each.list), each.filter.as_ref()]);
        for template in own.condition.iter().chain(each.flatten()) {
            self.reads(node, template.reads());
        }
    }

    /// All on which the bytes of a request, a mapped value or an outcome depend.
    fn work(&mut self, node: usize) {
        let own = &self.nodes[node];
        if let Some(each) = &own.each {
            let keys = each.by.iter().chain(&each.apart);
            keys.for_each(|key| self.reads(node, key.reads()));
        }
        match &own.work {
            Work::Map(mapping) => self.reads(node, mapping.reads()),
            Work::Decide(decide) => {
                for (_, condition) in &decide.choose {
                    self.reads(node, condition.reads());
                }
            }
            Work::Call(call) => {
                self.parameters(node, &call.with);
                if let Some((read, parameters)) = &call.changes {
                    parameters.iter().for_each(|(_, path)| self.value(usize::from(*read), path));
                }
            }
            Work::Child(child) => self.parameters(node, &child.with),
        }
    }

    fn parameters(&mut self, node: usize, with: &[(Arc<str>, Mapping)]) {
        for (_, mapping) in with {
            self.reads(node, mapping.reads());
        }
    }

    fn reads(&mut self, node: usize, reads: Vec<Read>) {
        for read in reads {
            self.read(node, &read);
        }
    }

    fn read(&mut self, node: usize, read: &Read) {
        if read.slot == Slots::EVENT {
            self.used.entry(Slots::EVENT).or_default().add(&read.path);
        } else if let Some(other) = self.slots.node(read.slot, self.nodes.len()) {
            self.value(other, &read.path);
        } else if let Some(list) = self.element(node, read.slot) {
            // An element: what is used of it is used of its list. Only a plain path keeps its names on the way.
            for mut from in list.reads() {
                if list.path().is_some() {
                    from.path.extend(read.path.iter().cloned());
                }
                self.read(node, &from);
            }
        }
    }

    /// The list whose elements this slot of a node holds.
    fn element(&self, node: usize, slot: Slot) -> Option<&'a Template> {
        self.nodes[node].each.as_ref().filter(|each| each.slot == slot).map(|each| &each.list)
    }

    /// A node's value is used, below this path.
    fn value(&mut self, node: usize, path: &[Arc<str>]) {
        let first = !self.known.contains(&node);
        self.existence(node);
        match &self.nodes[node].work {
            Work::Call(_) | Work::Child(_) => self.outside(node, path),
            Work::Map(_) | Work::Decide(_) if self.worked.insert(node) => self.work(node),
            Work::Map(_) | Work::Decide(_) => {}
        }
        if first {
            self.expectations(node);
        }
    }

    /// A value from outside; the keys by which its elements are found come with it.
    fn outside(&mut self, node: usize, path: &[Arc<str>]) {
        let used = self.used.entry(self.slots.nodes + node as Slot).or_default();
        used.add(path);
        if self.nodes[node].each.as_ref().is_some_and(|each| each.by.is_some()) {
            used.add(&["key".into()]);
        }
    }

    /// What depends on a node runs only if its expectations held.
    fn expectations(&mut self, node: usize) {
        for check in &self.nodes[node].expect {
            for read in check.that.reads() {
                if read.slot == Slots::RESULT {
                    if matches!(self.nodes[node].work, Work::Call(_) | Work::Child(_)) {
                        self.outside(node, &result_path(&self.nodes[node], &read.path));
                    }
                } else {
                    self.read(node, &read);
                }
            }
        }
    }
}

/// Where in a node's value the path of its `result` leads: with `by`, an element's result stands under `value`.
fn result_path(node: &Node, path: &[Arc<str>]) -> Vec<Arc<str>> {
    let keyed = node.each.as_ref().is_some_and(|each| each.by.is_some());
    keyed.then(|| "value".into()).into_iter().chain(path.iter().cloned()).collect()
}
