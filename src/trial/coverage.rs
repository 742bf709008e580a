//! What no case has ever reached. In: what happened in all cases. Out: nodes that never ran, outcomes that were never chosen.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    plan::{Plan, Work},
    story::{Live, What},
};

/// What was seen: flow, node, outcome.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeSet<(Arc<str>, Arc<str>, Arc<str>)>);

impl Seen {
    /// Takes what happened.
    pub(super) fn hear(&mut self, live: &Live) {
        if let What::NodeEnded { node, outcome, .. } = &live.what {
            self.0.insert((Arc::clone(&live.flow), Arc::clone(node), Arc::clone(outcome)));
        }
    }

    /// What was never seen of a flow, for people.
    pub(super) fn missing(&self, plan: &Plan) -> Vec<String> {
        let mut missing = Vec::new();
        for node in &plan.nodes {
            let seen = |outcome: &Arc<str>| {
                self.0.contains(&(Arc::clone(&plan.flow), Arc::clone(&node.name), Arc::clone(outcome)))
            };
            match &node.work {
                Work::Decide(decide) => {
                    let never = decide.outcomes().filter(|outcome| !seen(outcome));
                    missing.extend(never.map(|outcome| format!("outcome `{outcome}` of `{}`", node.name)));
                }
                _ if !seen(&"done".into()) => missing.push(format!("node `{}`", node.name)),
                _ => {}
            }
        }
        missing
    }
}
