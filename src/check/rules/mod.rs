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
    flow::{Decide, Node, Slots, Work},
    problem::Problems,
    shape::Shape,
    source::Span,
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
    /// What an event looks like.
    pub(super) event: &'a Shape,
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

/// A place that reads something.
struct Mention {
    read: Read,
    /// Its own place.
    span: Option<Span>,
    /// The place of the scalar it stands in.
    scalar: Option<Span>,
}

fn mentions<'a>(templates: impl IntoIterator<Item = &'a Template>) -> Vec<Mention> {
    let of = |template: &Template| -> Vec<Mention> {
        let mention = |read: Read| Mention {
            span: template.place(read.start, read.end),
            scalar: template.span(),
            read,
        };
        template.reads().into_iter().map(mention).collect()
    };
    templates.into_iter().flat_map(of).collect()
}

/// What decides whether a node runs and over what.
fn control(node: &Node) -> Vec<Mention> {
    let each = node.each.iter().flat_map(|each| [Some(&each.list), each.filter.as_ref()]).flatten();
    let at = node.at.iter().map(|at| &at.instant);
    mentions(node.condition.iter().chain(each).chain(at))
}

/// What a node does with what it reads, its checks left out.
fn work(node: &Node) -> Vec<Mention> {
    let keys = node.each.iter().flat_map(|each| [each.by.as_ref(), each.apart.as_ref()]).flatten();
    let work: Vec<&Template> = match &node.work {
        Work::Map(mapping) => mapping.templates(),
        Work::Decide(decide) => decides(decide).collect(),
        Work::Call(call) => call.with.iter().flat_map(|(_, mapping)| mapping.templates()).collect(),
        Work::Child(child) => child.with.iter().flat_map(|(_, mapping)| mapping.templates()).collect(),
    };
    mentions(keys.chain(work))
}

fn decides(decide: &Decide) -> impl Iterator<Item = &Template> {
    let reasons = decide.ignore.values().chain(decide.reject.values());
    decide.choose.iter().map(|(_, template)| template).chain(reasons)
}

/// What a node's `expect` and `warn` read.
fn checks(node: &Node) -> Vec<Mention> {
    let until = match &node.work {
        Work::Call(call) => call.until.as_ref().map(|until| &until.that),
        _ => None,
    };
    let checks = node.expect.iter().chain(&node.warn).flat_map(|check| [&check.that, &check.otherwise]);
    mentions(checks.chain(until))
}

/// Everything a node reads.
fn reads(node: &Node) -> Vec<Mention> {
    [control(node), work(node), checks(node)].into_iter().flatten().collect()
}

impl Subject<'_> {
    /// Everything that `give:` reads.
    fn given(&self) -> Vec<Mention> {
        mentions(self.give.iter().flat_map(|give| give.templates()))
    }
}
