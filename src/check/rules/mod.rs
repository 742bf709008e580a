//! Rules over a whole flow, one a file. In: a flow whose nodes are compiled. Out: problems. A rule must never know another
//! rule.

mod apart;
mod latest;
mod runs;
mod skipped;
mod unstable;
mod used;

use super::{outcomes::Outcomes, sheet::Sheet};
use crate::{
    expr::{Mapping, Read, Template},
    flow::{Check, Decide, Node, Slots, Work},
    problem::Problems,
};

/// A flow whose nodes are compiled.
pub(super) struct Subject<'a> {
    pub(super) sheet: &'a Sheet<'a>,
    /// Nodes in the order of the plan.
    pub(super) nodes: &'a [Node],
    /// What each node knows, by number in the plan.
    pub(super) outcomes: &'a Outcomes,
    pub(super) give: Option<&'a Mapping>,
    pub(super) trigger: &'a crate::flow::Trigger,
    /// Whether a place could not be read in which a node may have been used.
    pub(super) uses_lost: bool,
}

/// All rules.
pub(super) fn all(subject: &Subject<'_>, problems: &mut Problems) {
    runs::check(subject, problems);
    skipped::check(subject, problems);
    used::check(subject, problems);
    latest::check(subject, problems);
    apart::check(subject, problems);
    unstable::check(subject, problems);
}

impl Subject<'_> {
    /// The number of the node whose value this slot holds.
    fn node(&self, slot: crate::flow::Slot) -> Option<usize> {
        Slots { nodes: Slots::NODES, count: 0 }.node(slot, self.nodes.len())
    }

    /// The tree of a node.
    fn ast(&self, number: usize) -> &crate::syntax::ast::Node {
        &self.sheet.ast.nodes[self.nodes[number].place]
    }
}

/// What decides whether a node runs and over what.
fn control(node: &Node) -> Vec<Read> {
    let each = node.each.iter().flat_map(|each| [Some(&each.list), each.filter.as_ref()]).flatten();
    node.condition.iter().chain(each).flat_map(Template::reads).collect()
}

/// What a node does with what it reads, its checks left out.
fn work(node: &Node) -> Vec<Read> {
    let keys = node.each.iter().flat_map(|each| [each.by.as_ref(), each.apart.as_ref()]).flatten();
    let mut reads: Vec<Read> = keys.flat_map(Template::reads).collect();
    match &node.work {
        Work::Map(mapping) => reads.extend(mapping.reads()),
        Work::Decide(decide) => reads.extend(decides(decide)),
        Work::Call(call) => reads.extend(call.with.iter().flat_map(|(_, mapping)| mapping.reads())),
        Work::Child(child) => reads.extend(child.with.iter().flat_map(|(_, mapping)| mapping.reads())),
    }
    reads
}

fn decides(decide: &Decide) -> impl Iterator<Item = Read> {
    let reasons = decide.ignore.values().chain(decide.reject.values());
    decide.choose.iter().map(|(_, template)| template).chain(reasons).flat_map(Template::reads)
}

/// What a node's `expect` and `warn` read.
fn checks(node: &Node) -> Vec<Read> {
    let of = |check: &Check| [check.that.reads(), check.otherwise.reads()].concat();
    node.expect.iter().chain(&node.warn).flat_map(of).collect()
}

/// Everything a node reads.
fn reads(node: &Node) -> Vec<Read> {
    [control(node), work(node), checks(node)].concat()
}
