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
    value::{Keep as Used, Value},
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

    /// All on which it depends whether a node runs: its conditions, its gates. (Over what it runs is part of its work.)
    fn existence(&mut self, node: usize) {
        if !self.known.insert(node) {
            return;
        }
        let own = &self.nodes[node];
        for decision in own.when.iter().map(|(decision, _)| decision).chain(&own.gates) {
            // Of an effect, only whether it failed.
            self.value(usize::from(*decision), &["".into()]);
        }
        for template in own.condition.iter().chain(own.at.iter().map(|at| &at.instant)) {
            self.reads(template.reads());
        }
    }

    /// All on which the bytes of a request, a mapped value or an outcome depend.
    fn work(&mut self, node: usize) {
        let own = &self.nodes[node];
        if let Some(each) = &own.each {
            self.mapping(node, &Mapping::Const(Value::Null));
            for key in each.by.iter().chain(&each.apart) {
                self.template(node, key);
            }
        }
        match &own.work {
            Work::Map(mapping) => self.mapping(node, mapping),
            Work::Decide(decide) => {
                for (_, condition) in &decide.choose {
                    self.template(node, condition);
                }
            }
            Work::Call(call) => {
                self.parameters(node, &call.with);
                for (read, parameters) in call.changes.as_slice() {
                    for (_, path) in parameters {
                        self.value(usize::from(*read), path);
                    }
                }
            }
            Work::Child(child) => self.parameters(node, &child.with),
        }
    }

    fn parameters(&mut self, node: usize, with: &[(Arc<str>, Mapping)]) {
        for (_, mapping) in with {
            self.mapping(node, mapping);
        }
    }

    fn template(&mut self, node: usize, template: &Template) {
        self.mapping(node, &Mapping::Template(template.clone()));
    }

    /// What a mapping reads; what it reads of the element of its node's `each`, it reads of the list.
    fn mapping(&mut self, node: usize, mapping: &Mapping) {
        let Some(each) = &self.nodes[node].each else { return self.reads(mapping.reads()) };
        let (list, filter, body) = (each.list.clone(), each.filter.clone(), Box::new(mapping.clone()));
        self.reads(Mapping::Each { list, slot: each.slot, filter, body }.reads());
    }

    fn reads(&mut self, reads: Vec<Read>) {
        for read in reads {
            if read.slot == Slots::EVENT {
                self.used.entry(Slots::EVENT).or_default().add(&read.path);
            } else if let Some(other) = self.slots.node(read.slot, self.nodes.len()) {
                self.value(other, &read.path);
            }
        }
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
        let own = &self.nodes[node];
        for check in &own.expect {
            self.template(node, &check.that);
            if matches!(own.work, Work::Call(_) | Work::Child(_)) {
                let result = check.that.reads().into_iter().filter(|read| read.slot == Slots::RESULT);
                result.for_each(|read| self.outside(node, &result_path(own, &read.path)));
            }
        }
    }
}

/// Where in a node's value the path of its `result` leads: with `by`, an element's result stands under `value`.
fn result_path(node: &Node, path: &[Arc<str>]) -> Vec<Arc<str>> {
    let keyed = node.each.as_ref().is_some_and(|each| each.by.is_some());
    keyed.then(|| "value".into()).into_iter().chain(path.iter().cloned()).collect()
}
