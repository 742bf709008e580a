//! A plan with what follows from it worked out once. In: a [`Plan`]. Out: which nodes write, what depends on a write, what
//! freezing keeps of each slot. It must never know a run.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    expr::{Mapping, Template},
    plan::{Call, Child, Node, NodeId, Plan, Slot, Slots, Work},
    value::Keep as Used,
};

/// A plan ready to run.
#[derive(Debug)]
pub struct Prepared {
    /// The plan.
    pub plan: Arc<Plan>,
    /// For each node, whether it is a write or depends on one.
    pub downstream: Vec<bool>,
    /// For each node, all that it needs, however far.
    pub ancestors: Vec<Vec<NodeId>>,
    /// What freezing keeps of each slot: all that any later reader may ask of it.
    pub kept: BTreeMap<Slot, Used>,
    /// What the writes use of slots that do not depend on a write: what `unchanged` compares.
    pub used: BTreeMap<Slot, Used>,
    /// Connections that its calls go to.
    pub connections: Vec<Arc<str>>,
    /// Whether it writes at all.
    pub writes: bool,
}

/// Whether a node has an effect.
pub fn is_write(node: &Node) -> bool {
    match &node.work {
        Work::Call(call) => call.repeat.is_some(),
        Work::Child(_) => true,
        Work::Map(_) | Work::Decide(_) => false,
    }
}

impl Prepared {
    /// Works out what follows from a plan.
    pub fn new(plan: Arc<Plan>) -> Self {
        let mut ancestors: Vec<Vec<NodeId>> = Vec::with_capacity(plan.nodes.len());
        let mut downstream = Vec::with_capacity(plan.nodes.len());
        for node in &plan.nodes {
            let mut all = node.needs.clone();
            all.extend(node.needs.iter().flat_map(|need| ancestors[usize::from(*need)].iter().copied()));
            all.sort_unstable();
            all.dedup();
            downstream.push(is_write(node) || node.needs.iter().any(|need| downstream[usize::from(*need)]));
            ancestors.push(all);
        }
        let mut in_slice = vec![false; plan.nodes.len()];
        for (at, _) in plan.nodes.iter().enumerate().filter(|(_, node)| is_write(node)) {
            in_slice[at] = true;
            ancestors[at].iter().for_each(|need| in_slice[usize::from(*need)] = true);
        }
        let mut connections: Vec<Arc<str>> = plan
            .nodes
            .iter()
            .filter_map(|node| match &node.work {
                Work::Call(call) if call.book.is_none() => Some(Arc::clone(&call.connection)),
                _ => None,
            })
            .collect();
        connections.sort_unstable();
        connections.dedup();
        let kept = kept(&plan, &in_slice);
        let used = used(&plan, &downstream);
        let writes = plan.nodes.iter().any(is_write);
        Self { plan, downstream, ancestors, kept, used, connections, writes }
    }

    /// The slot of a node's value.
    pub fn slot(&self, node: NodeId) -> Slot {
        self.plan.slots.nodes + node
    }

    /// The node whose value a slot is.
    pub fn node_of(&self, slot: Slot) -> Option<NodeId> {
        slot.checked_sub(self.plan.slots.nodes).filter(|node| usize::from(*node) < self.plan.nodes.len())
    }
}

fn used(plan: &Plan, downstream: &[bool]) -> BTreeMap<Slot, Used> {
    let mut used: BTreeMap<Slot, Used> = BTreeMap::new();
    for (slot, keep) in plan.nodes.iter().filter(|node| is_write(node)).flat_map(|node| &node.freeze) {
        let node = slot.checked_sub(plan.slots.nodes).map(usize::from);
        if node.is_none_or(|node| downstream.get(node) == Some(&false)) {
            used.entry(*slot).or_default().union(keep);
        }
    }
    used
}

/// A slot is frozen once, with all that any write will ever use of it, and all that anything else mentions: after a
/// restart a warning or a reason must still find its words.
fn kept(plan: &Plan, in_slice: &[bool]) -> BTreeMap<Slot, Used> {
    let mut kept: BTreeMap<Slot, Used> = BTreeMap::new();
    for node in plan.nodes.iter().filter(|node| is_write(node)) {
        for (slot, keep) in &node.freeze {
            kept.entry(*slot).or_default().union(keep);
        }
    }
    for (node, in_slice) in plan.nodes.iter().zip(in_slice) {
        let mut templates: Vec<&Template> = Vec::new();
        let mut mappings: Vec<&Mapping> = Vec::new();
        for check in node.warn.iter().chain(&node.expect) {
            templates.extend([&check.that, &check.otherwise]);
        }
        templates.extend(node.at.iter().map(|at| &at.instant));
        if let Work::Call(Call { until: Some(until), .. }) = &node.work {
            templates.push(&until.that);
        }
        if let Work::Decide(decide) = &node.work {
            templates.extend(decide.ignore.values().chain(decide.reject.values()));
        }
        if !in_slice {
            outside(node, &mut templates, &mut mappings);
        }
        for read in templates.iter().flat_map(|t| t.reads()).chain(mappings.iter().flat_map(|m| m.reads())) {
            if node.each.as_ref().is_some_and(|each| each.slot == read.slot) {
                for list in node.each.iter().flat_map(|each| each.list.reads()) {
                    kept.entry(list.slot).or_default().add(&list.path);
                }
            } else {
                kept.entry(read.slot).or_default().add(&read.path);
            }
        }
    }
    for read in plan.give.iter().flat_map(Mapping::reads) {
        kept.entry(read.slot).or_default().add(&read.path);
    }
    kept.retain(|slot, _| *slot == Slots::EVENT || *slot >= plan.slots.nodes);
    kept
}

fn outside<'a>(node: &'a Node, templates: &mut Vec<&'a Template>, mappings: &mut Vec<&'a Mapping>) {
    templates.extend(&node.condition);
    if let Some(each) = &node.each {
        templates.push(&each.list);
        templates.extend(each.filter.iter().chain(&each.by).chain(&each.apart));
    }
    match &node.work {
        Work::Map(mapping) => mappings.push(mapping),
        Work::Decide(decide) => templates.extend(decide.choose.iter().map(|(_, condition)| condition)),
        Work::Call(Call { with, .. }) | Work::Child(Child { with, .. }) => {
            mappings.extend(with.iter().map(|(_, mapping)| mapping));
        }
    }
}
