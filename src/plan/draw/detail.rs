//! The detail: a box a node, an arrow for whatever leads from one to another. In: a plan. Out: a drawing. It must never know
//! a drawing language.

use std::collections::BTreeMap;

use super::{
    super::{Plan, Work},
    Drawing, Look,
    arrows::{self, Point, Way},
    id, text,
};

/// A plan, node by node.
pub fn detail(plan: &Plan) -> Drawing {
    let mut pen = Pen { plan, places: BTreeMap::new(), drawing: Drawing::default() };
    pen.drawing.title = plan.title.to_string();
    let trigger =
        pen.drawing.add("trigger".into(), Look::Trigger, vec!["Trigger".into()], text::trigger(plan));
    for number in arrows::reading_order(plan) {
        pen.node(number);
    }
    if plan.give.is_some() {
        pen.add(Point::Give, "give".into(), Look::Give, vec!["give".into()], Vec::new());
    }
    for number in arrows::reading_order(plan) {
        if plan.nodes[number].needs.is_empty() {
            let to = pen.entrance(number);
            pen.drawing.arrow(trigger, to, None, false);
        }
    }
    for way in arrows::ways(plan) {
        pen.way(&way);
    }
    pen.drawing
}

struct Pen<'a> {
    plan: &'a Plan,
    /// The box of each point.
    places: BTreeMap<Point, usize>,
    drawing: Drawing,
}

impl Pen<'_> {
    fn add(&mut self, point: Point, id: String, look: Look, head: Vec<String>, rows: Vec<super::Row>) {
        let place = self.drawing.add(id, look, head, rows);
        self.places.insert(point, place);
    }

    fn node(&mut self, number: usize) {
        let node = &self.plan.nodes[number];
        let name = id(&node.name);
        if let Some(condition) = &node.condition {
            let asked = text::wrap(&text::bare(condition));
            self.add(Point::Condition(number), format!("if_{name}"), Look::Condition, asked, Vec::new());
        }
        let (head, rows) = (text::head(node), text::rows(node));
        self.add(Point::Node(number), format!("n_{name}"), Look::Node(node.kind), head, rows);
        let own = self.drawing.boxes.len() - 1;
        stops(self.plan, number, own, false, &mut self.drawing);
    }

    /// The box in which arrows to a node end.
    fn entrance(&self, number: usize) -> usize {
        let condition = self.places.get(&Point::Condition(number));
        condition.or_else(|| self.places.get(&Point::Node(number))).copied().unwrap_or_default()
    }

    fn way(&mut self, way: &Way) {
        let Some(from) = self.places.get(&way.from).copied() else { return };
        let label = (!way.outcomes.is_empty()).then(|| way.outcomes.join(", "));
        let to = match self.places.get(&way.to) {
            Some(to) => *to,
            None => nothing(from, &mut self.drawing),
        };
        self.drawing.arrow(from, to, label, way.waits);
    }
}

/// An exit for a way on which nothing more is done.
fn nothing(from: usize, drawing: &mut Drawing) -> usize {
    let name = format!("end_{}", drawing.boxes[from].id);
    drawing.add(name, Look::Nothing, vec!["nothing more".into()], Vec::new())
}

/// Where a decision stops a run: an exit for each outcome that does. `named` says which decision on the arrow too.
pub(super) fn stops(plan: &Plan, number: usize, from: usize, named: bool, drawing: &mut Drawing) {
    let node = &plan.nodes[number];
    let Work::Decide(decide) = &node.work else { return };
    let ignored = decide.ignore.iter().map(|(outcome, reason)| (outcome, Look::Ignored, reason));
    let letters = decide.reject.iter().map(|(outcome, reason)| (outcome, Look::Letter, reason));
    for (outcome, look, reason) in ignored.chain(letters) {
        let head = if look == Look::Ignored { "ignored" } else { "dead letter" };
        let mut rows = vec![text::row(&text::bare(reason))];
        if let (Look::Letter, Some(retry)) = (look, &decide.retry) {
            rows.push(text::row(&text::retry(*retry)));
        }
        let name = format!("stop_{}_{}", id(&node.name), id(outcome));
        let stop = drawing.add(name, look, vec![head.to_owned()], rows);
        let label = if named { format!("{}: {outcome}", node.name) } else { outcome.to_string() };
        drawing.arrow(from, stop, Some(label), false);
    }
}
