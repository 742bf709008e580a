//! FR404: a node without effect whose value nobody reads. In: reads of all nodes. Out: a warning at its name.

use std::collections::BTreeSet;

use super::{Subject, reads};
use crate::{
    flow::{Node, Work},
    problem::{Problem, Problems, codes},
};

pub(super) fn check(subject: &Subject<'_>, problems: &mut Problems) {
    if subject.uses_lost {
        return;
    }
    let mut used: BTreeSet<usize> = subject
        .nodes
        .iter()
        .flat_map(reads)
        .chain(subject.given())
        .filter_map(|mention| subject.node(mention.read.slot))
        .collect();
    for node in subject.nodes {
        used.extend(node.when.iter().map(|(decision, _)| usize::from(*decision)));
        used.extend(node.after.iter().map(|after| usize::from(*after)));
        if let Work::Call(call) = &node.work {
            used.extend(call.changes.iter().map(|(read, _)| usize::from(*read)));
        }
    }
    for (number, node) in subject.nodes.iter().enumerate() {
        if !used.contains(&number) && !has_effect(node) {
            let message = format!("nothing uses `{}`", node.name);
            let problem = Problem::warning(codes::NEVER_USED, subject.ast(number).name.span, message);
            problems.add(
                problem.help(format!("remove this {}, or mention it where it is needed", node.kind.word())),
            );
        }
    }
}

/// Whether a node does something by being there: it writes, it stops, or it expects.
fn has_effect(node: &Node) -> bool {
    let expects = !node.expect.is_empty() || !node.warn.is_empty();
    expects
        || match &node.work {
            Work::Call(call) => call.repeat.is_some(),
            Work::Child(_) => true,
            Work::Decide(decide) => decide.is_gate(),
            Work::Map(_) => false,
        }
}
