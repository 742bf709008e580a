//! One flow's names: its nodes, its connections, who needs whom. In: the tree of a flow. Out: places of nodes, the estate's
//! names of connections, edges. It must never know types.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    call::{comes_from, split},
    catalogue::Catalogue,
    fit,
    order::{Edges, Order, arrange},
    outcomes::FAILED,
    walk,
};
use crate::{
    expr::{Names, Template},
    flow::{NodeId, Slot, Slots},
    problem::{Problem, Problems, codes},
    shape::near,
    source::{Name, Scalar, Span},
    syntax::ast::{Decide, Flow, Kind, Node, Work},
};

/// What a call may begin with besides a connection.
const OTHER_TARGETS: &[&str] = &["flows", "memory"];

/// The slot of names that `as:` binds, while only edges are looked for.
const BOUND: Slot = Slot::MAX;

/// A flow with its names resolved.
pub(super) struct Sheet<'a> {
    pub(super) ast: &'a Flow,
    /// Name of a node to its place in the file.
    pub(super) places: BTreeMap<&'a str, usize>,
    /// The flow's name of a connection to the estate's; a name that the flow lacks, which is told, stands for itself.
    pub(super) connections: BTreeMap<Arc<str>, Arc<str>>,
    /// Whether a node is named that is not there: it may be any.
    pub(super) lost: bool,
    pub(super) edges: Vec<Edges>,
    pub(super) order: Order,
    /// By place in the file: the node's number in the plan.
    pub(super) numbers: Vec<NodeId>,
}

impl<'a> Sheet<'a> {
    /// Resolves the names of a flow.
    pub(super) fn new(ast: &'a Flow, catalogue: &Catalogue, problems: &mut Problems) -> Self {
        let mut places = BTreeMap::new();
        for (place, node) in ast.nodes.iter().enumerate() {
            places.entry(&*node.name.value).or_insert(place);
        }
        let connections = connections(ast, catalogue, problems);
        let lost = ast.nodes.iter().flat_map(named).any(|name| !places.contains_key(&*name.value));
        let edges: Vec<Edges> =
            (0..ast.nodes.len()).map(|place| edges(ast, place, &places, problems)).collect();
        let order = arrange(&edges);
        for cycle in &order.cycles {
            problems.add(circle(ast, cycle));
        }
        let mut numbers = vec![0; ast.nodes.len()];
        for (number, place) in order.places.iter().enumerate() {
            numbers[*place] = number as NodeId;
        }
        Self { ast, places, connections, lost, edges, order, numbers }
    }

    /// The slot of the value of the node at that place.
    pub(super) fn slot(&self, place: usize) -> Slot {
        Slots::NODES + self.numbers[place]
    }
}

fn place(ast: &Flow, places: &BTreeMap<&str, usize>, name: &Name, problems: &mut Problems) -> Option<usize> {
    let found = places.get(&*name.value).copied();
    if found.is_none() && !ast.broken.iter().any(|broken| broken.value == name.value) {
        let problem =
            Problem::error(codes::UNKNOWN_NODE, name.span, format!("there is no node `{}`", name.value));
        problems.add(fit::with_near(problem, &name.value, places.keys().copied()));
    }
    found
}

fn connections(ast: &Flow, catalogue: &Catalogue, problems: &mut Problems) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut connections = BTreeMap::new();
    for (local, estate) in &ast.connections {
        if !catalogue.connections.contains_key(&estate.value) && !catalogue.broken.contains(&estate.value) {
            let message = format!("the estate has no connection `{}`", estate.value);
            let problem = Problem::error(codes::UNKNOWN_CONNECTION, estate.span, message);
            let names = catalogue.connections.keys().map(|name| &**name);
            problems.add(fit::with_near(problem, &estate.value, names));
        }
        connections.insert(Arc::clone(&local.value), Arc::clone(&estate.value));
    }
    for (name, places) in strangers(ast) {
        stranger(ast, &name, &places, &connections, problems);
        connections.insert(Arc::clone(&name), name);
    }
    connections
}

/// The connections that sources and calls name.
fn called(ast: &Flow) -> impl Iterator<Item = Name> {
    let sources = ast.trigger.from.iter().filter_map(|source| comes_from(&source.kind));
    let calls = ast.nodes.iter().filter_map(|node| match &node.work {
        Work::Call(call) => Some(split(&call.target).0),
        _ => None,
    });
    sources.chain(calls)
}

/// Those of them that the flow does not have, with their places.
fn strangers(ast: &Flow) -> BTreeMap<Arc<str>, Vec<Span>> {
    let mut found: BTreeMap<_, Vec<Span>> = BTreeMap::new();
    for name in called(ast) {
        let own = ast.connections.iter().any(|(local, _)| local.value == name.value);
        if !own && !OTHER_TARGETS.contains(&&*name.value) {
            found.entry(name.value).or_default().push(name.span);
        }
    }
    found
}

/// A connection that the flow does not have is told once. It is misspelt where it is declared, if several places agree on
/// nearly the name of one that nothing else names.
fn stranger(
    ast: &Flow,
    name: &Arc<str>,
    places: &[Span],
    known: &BTreeMap<Arc<str>, Arc<str>>,
    problems: &mut Problems,
) {
    let Some(first) = places.first() else { return };
    let idle = |local: &&Name| !called(ast).any(|called| called.value == local.value);
    let mut locals = ast.connections.iter().map(|(local, _)| local).filter(idle);
    let meant = locals.find(|local| places.len() > 1 && near(&local.value, [&**name]).is_some());
    problems.add(if let Some(local) = meant {
        let message = format!("nothing calls over `{}`, and the flow has no `{name}`", local.value);
        let problem = Problem::error(codes::UNKNOWN_CONNECTION, local.span, message);
        problem.also(*first, "called here").help(format!("did you mean `{name}`?"))
    } else {
        let message = format!("the flow has no connection `{name}`");
        let problem = Problem::error(codes::UNKNOWN_CONNECTION, *first, message);
        fit::with_near(problem, name, known.keys().map(|name| &**name))
    });
}

/// The nodes that a node names outside of expressions.
fn named(node: &Node) -> impl Iterator<Item = &Name> {
    let read = match &node.work {
        Work::Call(call) => call.changes.as_ref(),
        _ => None,
    };
    node.after.iter().chain(node.when.iter().map(|(name, _)| name)).chain(read)
}

fn edges(ast: &Flow, own: usize, places: &BTreeMap<&str, usize>, problems: &mut Problems) -> Edges {
    let node = &ast.nodes[own];
    let mut edges = Edges { mentions: mentions(node, own, places), ..Edges::default() };
    for name in &node.after {
        edges.after.extend(place(ast, places, name, problems));
    }
    for (name, outcomes) in &node.when {
        if let Some(asked) = place(ast, places, name, problems) {
            edges.when.insert(asked);
            known_outcomes(&ast.nodes[asked], outcomes, problems);
        }
    }
    if let Work::Call(call) = &node.work
        && let Some(name) = &call.changes
    {
        edges.mentions.extend(place(ast, places, name, problems));
    }
    if let Work::Decide(decide) = &node.work {
        edges.gate = !decide.ignore.is_empty() || !decide.reject.is_empty();
        stops_are_outcomes(decide, problems);
    }
    edges
}

/// The nodes whose values the expressions of a node read. What cannot be parsed is told later, when it is compiled.
fn mentions(node: &Node, own: usize, places: &BTreeMap<&str, usize>) -> BTreeSet<usize> {
    let mut mentions = BTreeSet::new();
    for found in walk::scalars(node) {
        let names = || places.iter().filter(|(_, place)| !found.own || **place != own);
        mentions.extend(roots(found.scalar, names().map(|(name, place)| (*name, *place)), &found.bound));
    }
    mentions
}

/// The places of the nodes that a scalar reads.
pub(super) fn roots<'n>(
    scalar: &Scalar,
    nodes: impl Iterator<Item = (&'n str, usize)>,
    bound: &[&Name],
) -> BTreeSet<usize> {
    if !scalar.text.contains("{{") {
        return BTreeSet::new();
    }
    let mut names = Names::new();
    for (name, slot) in ROOTS {
        names.add(name, slot);
    }
    for (name, place) in nodes {
        names.add(name, Slots::NODES + place as Slot);
    }
    for name in bound {
        names.add(&*name.value, BOUND);
    }
    let reads = match Template::parse_beside(&scalar.text, &names) {
        Ok(template) => template.reads(),
        Err(rest) => rest.reads(),
    };
    let slots = reads.into_iter().map(|read| read.slot);
    let slots = slots.filter(|slot| (Slots::NODES..BOUND).contains(slot));
    slots.map(|slot| usize::from(slot - Slots::NODES)).collect()
}

/// The names that every expression of a flow may mention.
pub(super) const ROOTS: [(&str, Slot); 4] = [
    ("event", Slots::EVENT),
    ("run", Slots::RUN),
    ("connection", Slots::CONNECTION),
    ("result", Slots::RESULT),
];

/// The outcomes of a node that `when:` may ask for.
pub(super) fn outcomes(node: &Node) -> Vec<&str> {
    match &node.work {
        Work::Decide(decide) => decide
            .choose
            .iter()
            .map(|(name, _)| name)
            .chain([&decide.otherwise])
            .map(|name| &*name.value)
            .collect(),
        Work::Call(_) => vec![FAILED],
        Work::Map { .. } => Vec::new(),
    }
}

fn known_outcomes(node: &Node, wanted: &[Name], problems: &mut Problems) {
    let known = outcomes(node);
    for outcome in wanted.iter().filter(|outcome| !known.contains(&&*outcome.value)) {
        let message = if known.is_empty() {
            format!("`{}` is a transform: it has no outcomes", node.name.value)
        } else {
            format!("`{}` has no outcome `{}`", node.name.value, outcome.value)
        };
        let problem = Problem::error(codes::UNKNOWN_OUTCOME, outcome.span, message);
        problems.add(fit::with_near(problem, &outcome.value, known.iter().copied()));
    }
}

fn stops_are_outcomes(decide: &Decide, problems: &mut Problems) {
    let known: Vec<&str> = decide
        .choose
        .iter()
        .map(|(name, _)| name)
        .chain([&decide.otherwise])
        .map(|name| &*name.value)
        .collect();
    for (outcome, _) in decide.ignore.iter().chain(&decide.reject) {
        if !known.contains(&&*outcome.value) {
            let message = format!("the decision has no outcome `{}`", outcome.value);
            let problem = Problem::error(codes::UNKNOWN_OUTCOME, outcome.span, message);
            problems.add(fit::with_near(problem, &outcome.value, known.iter().copied()));
        }
    }
}

fn circle(ast: &Flow, cycle: &[usize]) -> Problem {
    let name = |place: usize| &ast.nodes[place].name;
    let way: Vec<&str> = cycle.iter().chain(cycle.first()).map(|place| &*name(*place).value).collect();
    let first = cycle.first().map_or(ast.name.span, |place| name(*place).span);
    if let [only] = cycle {
        let message = format!("`{}` needs itself", name(*only).value);
        return Problem::error(codes::CYCLE, first, message)
            .help("a node sees other nodes only; `expect` calls it `result`");
    }
    let message = format!("nodes wait for one another: {}", way.join(" -> "));
    let mut problem = Problem::error(codes::CYCLE, first, message);
    for (place, next) in cycle.iter().zip(cycle.iter().skip(1).chain(cycle.first())) {
        if *place == cycle[0] {
            problem = problem.says(format!("needs `{}`", name(*next).value));
        } else {
            problem = problem.also(name(*place).span, format!("needs `{}`", name(*next).value));
        }
    }
    problem.help("take one of these references out")
}

/// That the flow does not have a connection.
pub(super) fn no_connection<'n>(name: &Name, names: impl Iterator<Item = &'n str>) -> Problem {
    let message = format!("the flow has no connection `{}`", name.value);
    fit::with_near(Problem::error(codes::UNKNOWN_CONNECTION, name.span, message), &name.value, names)
}

/// Whether a node writes to another system.
pub(super) fn is_effect(kind: Kind) -> bool {
    matches!(kind, Kind::Action | Kind::Writeback)
}
