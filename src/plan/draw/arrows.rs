//! Which nodes an arrow leads from and to. In: a plan. Out: the ways that are worth an arrow: every outcome of every decision
//! leads somewhere, and what a longer way says already is left out. It must never know boxes.

use std::{collections::BTreeSet, sync::Arc};

use super::super::{Decide, Node, NodeId, Plan, Work};

/// Where an arrow begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    /// `if:` of a node.
    Condition(usize),
    /// A node.
    Node(usize),
    /// What the run gives back.
    Give,
    /// Nothing more is done on this way.
    Nothing,
}

/// One arrow.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) from: Point,
    pub(super) to: Point,
    /// Outcomes with which a run goes this way; `yes` and `no` of a condition.
    pub(super) outcomes: Vec<Arc<str>>,
    /// Whether nothing of it is read.
    pub(super) waits: bool,
    /// Whether it is one of several ways a run may take, so that no other can stand for it.
    pub(super) branch: bool,
}

/// The ways of a plan, in reading order of where they end, without those that longer ways say already.
pub(super) fn ways(plan: &Plan) -> Vec<Way> {
    let map = Map { plan, ways: all_ways(plan) };
    map.ways.iter().filter(|way| way.branch || !map.is_said_by_others(way)).cloned().collect()
}

/// All ways of a plan.
pub(super) fn all_ways(plan: &Plan) -> Vec<Way> {
    let mut map = Map { plan, ways: Vec::new() };
    for number in reading_order(plan) {
        map.edges_to(number);
    }
    map.edges_to_give();
    for number in reading_order(plan) {
        map.rest_of_decision(number);
        map.rest_of_condition(number);
    }
    map.ways
}

/// Nodes as the file lists them.
pub(super) fn reading_order(plan: &Plan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.nodes.len()).collect();
    order.sort_by_key(|node| plan.nodes[*node].place);
    order
}

/// The outcomes of a decision that let the run go on and that no node asks for.
pub(super) fn unasked(plan: &Plan, number: usize) -> Vec<Arc<str>> {
    let Work::Decide(decide) = &plan.nodes[number].work else { return Vec::new() };
    let asked: BTreeSet<&Arc<str>> = asking(plan, number).flat_map(|(_, outcomes)| outcomes).collect();
    open(decide).filter(|outcome| !asked.contains(outcome)).cloned().collect()
}

/// Nodes whose `when` asks this one, with the outcomes that each wants.
pub(super) fn asking(plan: &Plan, number: usize) -> impl Iterator<Item = (usize, &[Arc<str>])> {
    plan.nodes.iter().enumerate().flat_map(move |(asker, node)| {
        let mine = node.when.iter().filter(move |(asked, _)| usize::from(*asked) == number);
        mine.map(move |(_, outcomes)| (asker, &outcomes[..]))
    })
}

fn open(decide: &Decide) -> impl Iterator<Item = &Arc<str>> {
    decide.outcomes().filter(|outcome| !decide.stops(outcome))
}

struct Map<'a> {
    plan: &'a Plan,
    ways: Vec<Way>,
}

impl Map<'_> {
    /// Where arrows to a node end.
    fn entrance(&self, number: usize) -> Point {
        match self.plan.nodes[number].condition {
            Some(_) => Point::Condition(number),
            None => Point::Node(number),
        }
    }

    fn branch(&mut self, from: Point, to: Point, outcomes: Vec<Arc<str>>) {
        self.ways.push(Way { from, to, outcomes, waits: false, branch: true });
    }

    /// From all that a node needs.
    fn edges_to(&mut self, number: usize) {
        let plan = self.plan;
        let node = &plan.nodes[number];
        let to = self.entrance(number);
        let mut needs: Vec<usize> = node.needs.iter().map(|needed| usize::from(*needed)).collect();
        needs.sort_by_key(|needed| plan.nodes[*needed].place);
        for needed in needs {
            let from = Point::Node(needed);
            if let Some((_, outcomes)) = node.when.iter().find(|(asked, _)| usize::from(*asked) == needed) {
                self.branch(from, to, outcomes.clone());
                continue;
            }
            let outcomes = match &plan.nodes[needed].work {
                Work::Decide(decide) => open(decide).cloned().collect(),
                _ => Vec::new(),
            };
            let waits = !node.mentions.iter().any(|mention| usize::from(*mention) == needed);
            self.ways.push(Way { from, to, outcomes, waits, branch: false });
        }
        if to != Point::Node(number) {
            self.branch(to, Point::Node(number), vec!["yes".into()]);
        }
    }

    fn edges_to_give(&mut self) {
        let Some(give) = &self.plan.give else { return };
        let (slots, count) = (self.plan.slots, self.plan.nodes.len());
        let read: BTreeSet<usize> =
            give.reads().iter().filter_map(|read| slots.node(read.slot, count)).collect();
        for node in read {
            let from = Point::Node(node);
            self.ways.push(Way { from, to: Point::Give, outcomes: vec![], waits: false, branch: false });
        }
    }

    /// Outcomes that neither stop the run nor are asked for pass by whoever asks: to where the ways meet again.
    fn rest_of_decision(&mut self, number: usize) {
        let rest = unasked(self.plan, number);
        let from = Point::Node(number);
        if rest.is_empty() || self.ways.iter().any(|way| way.from == from && !way.branch) {
            return;
        }
        let askers: Vec<Point> = asking(self.plan, number).map(|(asker, _)| Point::Node(asker)).collect();
        let is_asked = |asked: &Asked| usize::from(asked.0) == number;
        self.pass(from, &askers, &rest, |node| node.when.iter().any(is_asked));
    }

    /// Where the run goes on if the `if` of a node does not hold.
    fn rest_of_condition(&mut self, number: usize) {
        if self.plan.nodes[number].condition.is_some() {
            self.pass(Point::Condition(number), &[Point::Node(number)], &["no".into()], |_| false);
        }
    }

    /// From a point past those that it skips to the first that follow them and are not skipped with them.
    fn pass(
        &mut self,
        from: Point,
        skipped: &[Point],
        outcomes: &[Arc<str>],
        is_skipped: impl Fn(&Node) -> bool,
    ) {
        let behind: BTreeSet<Point> = skipped.iter().flat_map(|point| self.after(*point)).collect();
        let sure = |point: &&Point| !self.node(**point).is_some_and(&is_skipped) && **point != Point::Nothing;
        let sure: BTreeSet<Point> = behind.iter().filter(sure).copied().collect();
        let later: BTreeSet<Point> = sure.iter().flat_map(|point| self.after(*point)).collect();
        let mut ends: Vec<Point> = sure.difference(&later).copied().collect();
        if ends.is_empty() {
            ends.push(Point::Nothing);
        }
        for to in ends {
            self.branch(from, to, outcomes.to_vec());
        }
    }

    /// All points that a point leads to.
    fn after(&self, from: Point) -> BTreeSet<Point> {
        let mut seen = BTreeSet::new();
        let mut left = vec![from];
        while let Some(point) = left.pop() {
            let steps = self.ways.iter().filter(|way| way.from == point);
            left.extend(steps.map(|way| way.to).filter(|to| seen.insert(*to)));
        }
        seen
    }

    /// Whether a longer way says the same: over points that are never skipped when the end runs.
    fn is_said_by_others(&self, way: &Way) -> bool {
        let mut seen = BTreeSet::from([way.from]);
        let mut left = vec![way.from];
        while let Some(point) = left.pop() {
            for step in self.ways.iter().filter(|step| step.from == point) {
                if step.to == way.to && point != way.from {
                    return true;
                }
                if self.is_sure(step.to, way.to) && seen.insert(step.to) {
                    left.push(step.to);
                }
            }
        }
        false
    }

    fn is_sure(&self, point: Point, end: Point) -> bool {
        let Some(node) = self.node(point) else { return false };
        let may_be_passed = matches!(point, Point::Node(_)) && node.condition.is_some();
        let free = Vec::new();
        let held = self.node(end).map_or(&free, |end| &end.when);
        !may_be_passed && node.when.iter().all(|asked| held.iter().any(|other| covers(asked, other)))
    }

    fn node(&self, point: Point) -> Option<&Node> {
        match point {
            Point::Node(number) | Point::Condition(number) => Some(&self.plan.nodes[number]),
            Point::Give | Point::Nothing => None,
        }
    }
}

/// A decision and the outcomes that are wanted of it.
type Asked = (NodeId, Vec<Arc<str>>);

/// Whether what one `when` asks holds wherever another does.
fn covers(asked: &Asked, other: &Asked) -> bool {
    asked.0 == other.0 && other.1.iter().all(|outcome| asked.1.contains(outcome))
}
