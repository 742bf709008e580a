//! The overview: what one draws for a client. Nodes of a kind that can run one after another share a box, so that a flow of
//! twenty nodes is a handful of boxes: trigger, extract, transform, decision and so on. In: a plan. Out: a drawing. It must
//! never know a drawing language.
//!
//! A decision that only lets pass or stops belongs to what it looks at. A decision that other nodes ask has a box of its own, and
//! with it the nodes of a detour: those that run with one outcome while another passes them by.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    super::{Node, NodeId, Plan, Work},
    Drawing, Look, Row,
    arrows::{self, Point, Way},
    detail::stops,
    text,
};
use crate::flow::Kind;

/// A plan in few boxes.
pub fn overview(plan: &Plan) -> Drawing {
    let mut drawing = Drawing { title: plan.title.to_string(), is_overview: true, ..Drawing::default() };
    drawing.add("trigger".into(), Look::Trigger, vec!["Trigger".into()], text::trigger(plan));
    let mut places = Places { nodes: vec![0; plan.nodes.len()], give: None };
    for (number, group) in groups(plan).iter().enumerate() {
        let name = format!("g{}_{}", number + 1, group.kind.word());
        let own = drawing.add(name, Look::Node(group.kind), vec![title(group.kind)], rows(plan, group));
        for node in &group.nodes {
            places.nodes[*node] = own;
            stops(plan, *node, own, true, &mut drawing);
        }
    }
    if plan.give.is_some() {
        places.give = Some(drawing.add("give".into(), Look::Give, vec!["Give".into()], Vec::new()));
    }
    for (number, node) in plan.nodes.iter().enumerate() {
        if node.needs.is_empty() && !drawing.arrows.iter().any(|arrow| arrow.to == places.nodes[number]) {
            drawing.arrow(0, places.nodes[number], None, false);
        }
    }
    lead(plan, &places, &mut drawing);
    drawing
}

/// Nodes that share a box.
struct Group {
    kind: Kind,
    nodes: Vec<usize>,
}

/// Nodes in boxes, each box after all that its nodes need. A box takes whatever of its kind could run by now before the next
/// begins, which is of the kind of the first node of the file that could and that another needs: an end waits for a box of
/// its kind.
fn groups(plan: &Plan) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut left: BTreeSet<usize> = (0..plan.nodes.len()).collect();
    let order = arrows::reading_order(plan);
    while !left.is_empty() {
        let is_met = |needed: &NodeId| !left.contains(&usize::from(*needed));
        let is_ready = |node: &usize| left.contains(node) && plan.nodes[*node].needs.iter().all(is_met);
        let ready: Vec<usize> = order.iter().copied().filter(is_ready).collect();
        let fitting = ready.iter().copied().find(|node| belongs(plan, *node, &groups));
        if let (Some(node), Some(group)) = (fitting, groups.last_mut()) {
            left.remove(&node);
            group.nodes.push(node);
            continue;
        }
        let is_needed = |node: &usize| needing(plan, *node).next().is_some();
        let Some(node) = ready.iter().copied().find(is_needed).or(ready.first().copied()) else { break };
        left.remove(&node);
        groups.push(Group { kind: kind(plan, node, &groups), nodes: vec![node] });
    }
    groups
}

/// The nodes that need a node.
fn needing(plan: &Plan, node: usize) -> impl Iterator<Item = &Node> {
    plan.nodes.iter().filter(move |other| other.needs.iter().any(|needed| usize::from(*needed) == node))
}

/// The kind of the box that a node begins. A read that comes too late for the box of the reads is the question of the decision
/// that looks at it.
fn kind(plan: &Plan, node: usize, before: &[Group]) -> Kind {
    let own = plan.nodes[node].kind;
    let branches = |(number, other): (usize, &Node)| {
        other.needs.iter().any(|needed| usize::from(*needed) == node)
            && arrows::asking(plan, number).next().is_some()
    };
    let is_late = own == Kind::Extract && before.iter().any(|group| group.kind == own);
    if is_late && plan.nodes.iter().enumerate().any(branches) { Kind::Decision } else { own }
}

/// Whether a node that could run now stands in the last box.
fn belongs(plan: &Plan, node: usize, groups: &[Group]) -> bool {
    let Some(group) = groups.last() else { return false };
    let only_stops = || arrows::asking(plan, node).next().is_none();
    match &plan.nodes[node].work {
        Work::Decide(decide) if decide.is_gate() && only_stops() => true,
        _ => {
            kind(plan, node, groups) == group.kind
                || group.nodes.iter().any(|decision| is_detour(plan, node, *decision))
        }
    }
}

/// Whether a node runs with one outcome of a decision while another outcome passes it by, and the ways meet again.
fn is_detour(plan: &Plan, node: usize, decision: usize) -> bool {
    let asks = |node: &Node| node.when.iter().any(|(asked, _)| usize::from(*asked) == decision);
    let meets = || needing(plan, node).any(|other| !asks(other));
    asks(&plan.nodes[node]) && !arrows::unasked(plan, decision).is_empty() && meets()
}

/// What stands in a box: a line a node; transforms without a title share one.
fn rows(plan: &Plan, group: &Group) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut plain: Vec<&str> = Vec::new();
    for node in group.nodes.iter().map(|node| &plan.nodes[*node]) {
        let conditions = conditions(plan, node);
        if matches!(node.work, Work::Map(_)) && node.title.is_none() && conditions.is_empty() {
            plain.push(&node.name);
            continue;
        }
        let what = match &node.work {
            Work::Decide(decide) => {
                Some(decide.outcomes().map(AsRef::as_ref).collect::<Vec<_>>().join(" / "))
            }
            _ => text::called(node),
        };
        let told: Vec<String> =
            node.title.iter().map(ToString::to_string).chain(what).chain(conditions).collect();
        rows.push(Row { name: Some(node.name.to_string()), told: text::wrap(&told.join(", ")) });
    }
    if !plain.is_empty() {
        rows.insert(0, text::row(&plain.join(", ")));
    }
    rows
}

/// When a node runs, if not always.
fn conditions(plan: &Plan, node: &Node) -> Vec<String> {
    let asked = node.when.iter().map(|(decision, outcomes)| {
        format!("if {} is {}", plan.nodes[usize::from(*decision)].name, outcomes.join(" or "))
    });
    let own = node.condition.iter().map(|condition| format!("if {}", text::bare(condition)));
    asked.chain(own).collect()
}

/// The box of each node and of what the run gives back.
struct Places {
    nodes: Vec<usize>,
    give: Option<usize>,
}

impl Places {
    fn of(&self, point: Point) -> Option<usize> {
        match point {
            Point::Node(node) | Point::Condition(node) => Some(self.nodes[node]),
            Point::Give => self.give,
            Point::Nothing => None,
        }
    }
}

/// The arrows between boxes. One that only goes on has no label. One that a longer way shows already is left out, unless a node
/// begins as soon as the box that it leaves is done: then it says which.
fn lead(plan: &Plan, places: &Places, drawing: &mut Drawing) {
    let mut between: BTreeMap<(usize, usize), Vec<Way>> = BTreeMap::new();
    for way in arrows::all_ways(plan) {
        if let (Some(from), Some(to)) = (places.of(way.from), places.of(way.to))
            && from != to
        {
            between.entry((from, to)).or_default().push(way);
        }
    }
    for ((from, to), ways) in &between {
        let waits = ways.iter().all(|way| way.waits);
        let mut others = between.keys().filter(|(start, next)| start == from && next != to);
        let early = early(plan, places, *from, *to);
        if ways.iter().all(|way| way.branch) {
            drawing.arrow(*from, *to, Some(each_once(ways.iter().flat_map(|way| &way.outcomes))), waits);
        } else if !others.any(|(_, next)| leads(&between, *next, *to)) {
            drawing.arrow(*from, *to, None, waits);
        } else if !early.is_empty() {
            drawing.arrow(*from, *to, Some(each_once(early.into_iter())), waits);
        }
    }
}

/// The nodes of a box that wait for nothing later than another box.
fn early<'a>(plan: &'a Plan, places: &Places, from: usize, to: usize) -> Vec<&'a Arc<str>> {
    let of = |needed: &NodeId| places.nodes[usize::from(*needed)];
    let own = plan.nodes.iter().enumerate().filter(|(number, _)| places.nodes[*number] == to);
    own.filter(|(_, node)| node.needs.iter().map(of).max() == Some(from))
        .map(|(_, node)| &node.name)
        .collect()
}

fn each_once<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> String {
    let mut once: Vec<&str> = Vec::new();
    for name in names {
        if !once.contains(&&**name) {
            once.push(name);
        }
    }
    once.join(", ")
}

/// Whether arrows lead from one box to another.
fn leads(between: &BTreeMap<(usize, usize), Vec<Way>>, from: usize, to: usize) -> bool {
    let mut next = between.range((from, 0)..=(from, to)).map(|((_, next), _)| *next);
    from == to || next.any(|next| leads(between, next, to))
}

fn title(kind: Kind) -> String {
    let word = kind.word();
    word[..1].to_uppercase() + &word[1..]
}
