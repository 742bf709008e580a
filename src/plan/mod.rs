//! The plan: what the engine runs. In: a checked flow. Out: a [`Plan`], its drawing. It must never know the text it came
//! from, nor how a run goes.

pub mod draw;
mod freeze;
mod model;

use std::sync::Arc;

pub use self::model::*;
use crate::{
    flow::{self, Flow},
    shape::Shape,
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
    let tells = tells(&node);
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
        tells,
        freeze: std::collections::BTreeMap::new(),
    }
}

/// The fields of what a write gives that people may see: plain ones that no record marks as personal.
fn tells(node: &flow::Node) -> Vec<Arc<str>> {
    let writes = match &node.work {
        Work::Call(call) => call.repeat.is_some(),
        Work::Child(child) => child.wait,
        Work::Map(_) | Work::Decide(_) => false,
    };
    let mut shape = node.shape.present();
    if let (Shape::List(element), Some(_)) = (shape, &node.each) {
        shape = element.present();
        if node.each.as_ref().is_some_and(|each| each.by.is_some())
            && let Shape::Object(keyed) = shape
            && let Some(value) = keyed.fields.get("value")
        {
            shape = value.shape.present();
        }
    }
    let Shape::Object(object) = shape else { return Vec::new() };
    let is_plain =
        |shape: &Shape| !matches!(shape, Shape::Any | Shape::Object(_) | Shape::List(_) | Shape::Null);
    let fields = object.fields.iter().filter(|(_, field)| writes && field.personal.is_none());
    fields.filter(|(_, field)| is_plain(field.shape.present())).map(|(name, _)| Arc::clone(name)).collect()
}
