//! FR504: an external id that comes from a read. In: what a write's `external_id` is made of. Out: a warning at its place.

use std::collections::BTreeSet;

use super::{Subject, mentions, work};
use crate::{
    flow::{Slots, Work},
    problem::{Problem, Problems, codes},
};

/// The parameter that carries the identity of what is written.
const IDENTITY: &str = "external_id";

pub(super) fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for node in subject.nodes {
        let Work::Call(call) = &node.work else { continue };
        if call.repeat.is_none() {
            continue;
        }
        let identity = call.with.iter().find(|(name, _)| &**name == IDENTITY);
        for mention in mentions(identity.iter().flat_map(|(_, mapping)| mapping.templates())) {
            let Some(span) = mention.span else { continue };
            if let Some(from) = read_from(subject, mention.read.slot, &mut BTreeSet::new()) {
                let message = format!("this external id comes from a read (`{}`)", subject.nodes[from].name);
                let problem = Problem::warning(codes::UNSTABLE_ID, span, message);
                problems.add(problem.help("make it of `event` and the store's code: the same at every try"));
            }
        }
    }
}

/// The read that a value goes back to.
fn read_from(subject: &Subject<'_>, slot: crate::flow::Slot, seen: &mut BTreeSet<usize>) -> Option<usize> {
    let node = subject.node(slot)?;
    if slot < Slots::NODES || !seen.insert(node) {
        return None;
    }
    match &subject.nodes[node].work {
        Work::Call(_) | Work::Child(_) => Some(node),
        Work::Map(_) | Work::Decide(_) => {
            work(&subject.nodes[node]).iter().find_map(|mention| read_from(subject, mention.read.slot, seen))
        }
    }
}
