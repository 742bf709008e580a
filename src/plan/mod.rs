//! The plan: what the engine runs. In: a checked flow. Out: a [`Plan`], its drawing. It must never know the text it came
//! from, nor how a run goes.

pub mod draw;
mod freeze;
mod model;

pub use self::model::*;
use crate::{
    flow::{self, Flow},
    value::Hash,
};

/// The plan of a checked flow. `print` is the hash over everything that decides what a run does.
pub fn plan(flow: Flow, print: Hash) -> Plan {
    let slots = flow.slots;
    let mut nodes: Vec<Node> = flow.nodes.into_iter().map(node).collect();
    for (node, freeze) in freeze::slices(&nodes, slots).into_iter().enumerate() {
        nodes[node].freeze = freeze;
    }
    Plan {
        flow: flow.name,
        title: flow.title,
        print,
        trigger: flow.trigger,
        nodes,
        give: flow.give,
        slots,
        settings: flow.settings,
        tables: flow.tables,
    }
}

fn node(node: flow::Node) -> Node {
    let asked = node.when.iter().map(|(decision, _)| decision);
    let mut needs: Vec<NodeId> =
        node.mentions.iter().chain(&node.after).chain(asked).chain(&node.gates).copied().collect();
    needs.sort_unstable();
    needs.dedup();
    Node {
        name: node.name,
        title: node.title,
        kind: node.kind,
        place: node.place,
        needs,
        mentions: node.mentions,
        when: node.when,
        gates: node.gates,
        condition: node.condition,
        at: node.at,
        each: node.each,
        work: node.work,
        expect: node.expect,
        warn: node.warn,
        freeze: std::collections::BTreeMap::new(),
    }
}
