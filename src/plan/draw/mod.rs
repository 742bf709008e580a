//! Drawings of a plan. In: a [`Plan`]. Out: boxes and arrows, and their text in Mermaid, DOT and SVG. It must never know
//! the file the plan came from.

mod dot;
mod layout;
mod mermaid;
mod svg;
mod text;

use std::collections::BTreeSet;

use super::{Node, NodeId, Plan, Work};
use crate::{flow::Kind, graph::Graph};

pub use self::{dot::dot, mermaid::mermaid, svg::svg};

/// Boxes and arrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// What stands above it.
    pub title: String,
    /// From the trigger on, in reading order.
    pub boxes: Vec<Block>,
    /// Between boxes.
    pub arrows: Vec<Arrow>,
}

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name within the drawing: letters, digits and `_`.
    pub id: String,
    /// Decides shape and colour.
    pub look: Look,
    /// The text in it, line by line; the first is the strongest.
    pub lines: Vec<String>,
}

/// What a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Where events come from.
    Trigger,
    /// A node.
    Node(Kind),
    /// `if:` of the node it leads to.
    Condition,
    /// The run ends well here.
    Ignored,
    /// The run becomes a dead letter here.
    Letter,
    /// What a child run gives back.
    Give,
}

/// An arrow between the boxes of these numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// From.
    pub from: usize,
    /// To.
    pub to: usize,
    /// The outcomes it stands for.
    pub label: Option<String>,
    /// Whether it only orders: a gate, or `after:`.
    pub dashed: bool,
}

/// The drawing of a plan.
pub fn drawing(plan: &Plan) -> Drawing {
    let count = plan.nodes.len();
    let mut pen = Pen { plan, own: vec![0; count], into: vec![0; count], drawing: Drawing::default() };
    pen.drawing.title = plan.title.to_string();
    pen.add("trigger".into(), Look::Trigger, text::trigger(plan));
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by_key(|node| plan.nodes[*node].place);
    for node in &places {
        pen.node(*node);
    }
    let graph = graph(plan);
    for node in &places {
        pen.arrows(*node, &graph);
    }
    for node in &places {
        pen.stops(*node);
    }
    pen.give();
    pen.drawing
}

/// Who waits for whom.
fn graph(plan: &Plan) -> Graph {
    let mut graph = Graph::new(plan.nodes.len());
    for (number, node) in plan.nodes.iter().enumerate() {
        for needed in &node.needs {
            graph.need(number, usize::from(*needed));
        }
    }
    graph
}

struct Pen<'a> {
    plan: &'a Plan,
    /// The box of each node.
    own: Vec<usize>,
    /// The box in which arrows to a node end: its condition, else its own.
    into: Vec<usize>,
    drawing: Drawing,
}

impl Pen<'_> {
    fn add(&mut self, id: String, look: Look, lines: Vec<String>) -> usize {
        self.drawing.boxes.push(Block { id, look, lines });
        self.drawing.boxes.len() - 1
    }

    fn arrow(&mut self, from: usize, to: usize, label: Option<String>, dashed: bool) {
        self.drawing.arrows.push(Arrow { from, to, label, dashed });
    }

    fn node(&mut self, number: usize) {
        let node = &self.plan.nodes[number];
        let condition = node.condition.as_ref().map(|template| {
            self.add(format!("if_{}", id(&node.name)), Look::Condition, vec![text::bare(template.text())])
        });
        let own = self.add(format!("n_{}", id(&node.name)), Look::Node(node.kind), text::node(node));
        if let Some(condition) = condition {
            self.arrow(condition, own, Some("yes".into()), false);
        }
        self.own[number] = own;
        self.into[number] = condition.unwrap_or(own);
    }

    /// Arrows to a node, without those that a longer way already shows, save where they carry an outcome.
    fn arrows(&mut self, number: usize, graph: &Graph) {
        let node = &self.plan.nodes[number];
        let mut needed: Vec<usize> = graph.needed(number).collect();
        needed.sort_by_key(|needed| self.plan.nodes[*needed].place);
        for from in &needed {
            let asked = node.when.iter().find(|(decision, _)| usize::from(*decision) == *from);
            let longer = needed.iter().any(|other| other != from && graph.all_needed(*other)[*from]);
            if asked.is_none() && longer {
                continue;
            }
            let dashed = asked.is_none() && !node.mentions.contains(&(*from as NodeId));
            let label = asked.map(|(_, outcomes)| outcomes.join(", ")).or_else(|| self.passes(*from, node));
            self.arrow(self.own[*from], self.into[number], label, dashed);
        }
        if needed.is_empty() {
            self.arrow(0, self.into[number], None, false);
        }
    }

    /// The outcomes with which a gate lets a node pass.
    fn passes(&self, gate: usize, node: &Node) -> Option<String> {
        let Work::Decide(decide) = &self.plan.nodes[gate].work else { return None };
        let open: Vec<&str> =
            decide.outcomes().filter(|outcome| !decide.stops(outcome)).map(AsRef::as_ref).collect();
        node.gates.contains(&(gate as NodeId)).then(|| open.join(", "))
    }

    /// Where a gate stops a run.
    fn stops(&mut self, number: usize) {
        let node = &self.plan.nodes[number];
        let Work::Decide(decide) = &node.work else { return };
        let ignored = decide.ignore.iter().map(|(outcome, reason)| (outcome, Look::Ignored, reason));
        let letters = decide.reject.iter().map(|(outcome, reason)| (outcome, Look::Letter, reason));
        for (outcome, look, reason) in ignored.chain(letters) {
            let mut lines = vec![if look == Look::Ignored { "ignored" } else { "dead letter" }.to_owned()];
            lines.push(text::bare(reason.text()));
            if let (Look::Letter, Some(retry)) = (look, &decide.retry) {
                lines.push(text::retry(*retry));
            }
            let stop = self.add(format!("stop_{}_{}", id(&node.name), id(outcome)), look, lines);
            self.arrow(self.own[number], stop, Some(outcome.to_string()), false);
        }
    }

    fn give(&mut self) {
        let Some(give) = &self.plan.give else { return };
        let own = self.add("give".into(), Look::Give, vec!["give".into()]);
        let slots = self.plan.slots;
        let count = self.plan.nodes.len();
        let read: BTreeSet<usize> =
            give.reads().iter().filter_map(|read| slots.node(read.slot, count)).collect();
        for node in read {
            self.arrow(self.own[node], own, None, false);
        }
    }
}

/// A name as an identifier of every drawing language.
fn id(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

/// Fill and line of a kind of box; dark text stands on every fill.
fn colours(look: Look) -> (&'static str, &'static str) {
    match look {
        Look::Trigger => ("#e8e3f4", "#6b4fa1"),
        Look::Node(Kind::Extract) => ("#dcecf9", "#2b6ca3"),
        Look::Node(Kind::Transform) => ("#eeeeee", "#666666"),
        Look::Node(Kind::Decision) | Look::Condition => ("#fff3cd", "#a67c00"),
        Look::Node(Kind::Action) => ("#d9f0dd", "#2d7a3e"),
        Look::Node(Kind::Writeback) => ("#d3efec", "#1b7a70"),
        Look::Ignored => ("#ffffff", "#8a8a8a"),
        Look::Letter => ("#fbdcdc", "#b03030"),
        Look::Give => ("#ffffff", "#333333"),
    }
}
