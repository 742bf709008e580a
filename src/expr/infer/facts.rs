//! What a condition says of presence: after `x is not none`, `x` is there.

use crate::{
    expr::{
        Slot,
        node::{Comparison, Kind, Node, Step, Way},
    },
    value::Value,
};

/// A path that is known to be there.
pub(super) type Fact = (Slot, Vec<Way>);

/// What is there if the condition turned out so.
pub(super) fn when(condition: &Node, holds: bool) -> Vec<Fact> {
    match (&condition.kind, holds) {
        (Kind::Path { .. }, true) => path(condition),
        (Kind::Not(inner), holds) => when(inner, !holds),
        (Kind::And(sides), true) | (Kind::Or(sides), false) => {
            sides.iter().flat_map(|side| when(side, holds)).collect()
        }
        (Kind::Test { value, test, .. }, holds) => match (test.names[0], holds) {
            ("defined", true) | ("undefined" | "none" | "empty", false) => path(value),
            ("none" | "defined" | "undefined" | "empty", _) => Vec::new(),
            (_, true) => path(value),
            _ => Vec::new(),
        },
        (Kind::Compare { first, rest }, holds) => match rest.as_slice() {
            [(operator, other)] => compared(first, *operator, other, holds),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// `x != none`, and what is equal to a constant, is there.
fn compared(one: &Node, operator: Comparison, other: &Node, holds: bool) -> Vec<Fact> {
    let (value, constant) = match (&one.kind, &other.kind) {
        (_, Kind::Const(constant)) => (one, constant),
        (Kind::Const(constant), _) if operator != Comparison::In => (other, constant),
        _ => return Vec::new(),
    };
    let null = matches!(constant, Value::Null);
    let there = match operator {
        Comparison::Equal => holds != null,
        Comparison::Unequal => holds == null,
        Comparison::In => {
            holds && !matches!(constant, Value::List(items) if items.iter().any(Value::is_null))
        }
        _ => holds,
    };
    if there { path(value) } else { Vec::new() }
}

/// A path and everything on the way to it.
fn path(node: &Node) -> Vec<Fact> {
    let Kind::Path { slot, steps } = &node.kind else { return Vec::new() };
    let ways: Vec<Way> = steps.iter().map(|step| step.way.clone()).collect();
    (0..=ways.len()).map(|length| (*slot, ways[..length].to_vec())).collect()
}

/// Whether a path is known to be there.
pub(super) fn known(facts: &[Fact], slot: Slot, steps: &[Step]) -> bool {
    facts.iter().any(|(root, ways)| {
        *root == slot
            && ways.len() == steps.len()
            && ways.iter().zip(steps).all(|(way, step)| *way == step.way)
    })
}
