//! What a condition says of presence: after `x is not none`, `x` is there.

use crate::{
    expr::{
        Slot,
        node::{self, Comparison, Kind, Node, Way},
    },
    shape::{self, Shape},
    value::{Step, Value},
};

/// A path that is known to be there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    slot: Slot,
    ways: Vec<Way>,
    /// Of a list: these members are there in every element.
    every: Vec<Step>,
}

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
            [(operator, other)] => {
                let mut facts = compared(first, *operator, other, holds);
                facts.extend(none_is_left(first, *operator, other, holds));
                facts
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// `list | selectattr('a', 'none') | length == 0`: `a` is there in every element.
fn none_is_left(one: &Node, operator: Comparison, other: &Node, holds: bool) -> Option<Fact> {
    let zero = matches!(&other.kind, Kind::Const(value) if value.as_i64() == Some(0));
    let empty = match operator {
        Comparison::Equal => holds,
        Comparison::Unequal | Comparison::Greater => !holds,
        _ => false,
    };
    let Kind::Call { function, args } = &one.kind else { return None };
    let (true, true, "length", [Some(counted), ..]) = (zero, empty, function.name, args.as_slice()) else {
        return None;
    };
    let Kind::Select(select) = &counted.kind else { return None };
    let missing = select.keep && select.test.is_some_and(|test| test.names[0] == "none");
    let (true, Some(attribute), Kind::Path { slot, steps }) = (missing, &select.attribute, &select.list.kind)
    else {
        return None;
    };
    let ways = steps.iter().map(|step| step.way.clone()).collect();
    Some(Fact { slot: *slot, ways, every: attribute.path.0.clone() })
}

/// The shape of an element of a list, with the members that are known to be there in every one.
pub(super) fn of_every(facts: &[Fact], list: &Node, element: Shape) -> Shape {
    let Kind::Path { slot, steps } = &list.kind else { return element };
    let of = facts.iter().filter(|fact| !fact.every.is_empty() && is_at(fact, *slot, steps));
    of.fold(element, |element, fact| shape::present_at(&element, &fact.every))
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
    (0..=ways.len())
        .map(|length| Fact { slot: *slot, ways: ways[..length].to_vec(), every: Vec::new() })
        .collect()
}

/// Whether a path is known to be there.
pub(super) fn known(facts: &[Fact], slot: Slot, steps: &[node::Step]) -> bool {
    facts.iter().any(|fact| fact.every.is_empty() && is_at(fact, slot, steps))
}

fn is_at(fact: &Fact, slot: Slot, steps: &[node::Step]) -> bool {
    fact.slot == slot
        && fact.ways.len() == steps.len()
        && fact.ways.iter().zip(steps).all(|(way, step)| *way == step.way)
}
