//! The checker. In: trees of flows and fragments, and a catalogue of what they may mention. Out: checked flows, or problems,
//! each at its own column. It must never know files, nor how a flow runs.
//!
//! A flow is checked in one pass that never stops at the first problem: names, then nodes in the order in which they may
//! run (so that each knows what the earlier ones give), then rules over the whole.

mod books;
mod call;
mod cases;
mod catalogue;
mod changes;
mod desk;
mod echo;
mod estate;
mod event;
mod fit;
mod given;
pub(crate) mod later;
mod node;
mod order;
mod outcomes;
mod rules;
mod sheet;
mod trigger;
mod walk;
mod written;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use self::{
    books::{Declared, books},
    cases::cases,
    catalogue::{Catalogue, Signature},
    given::constant,
    later::LATER,
    written::operations,
};
use self::{
    catalogue::Passed,
    desk::Desk,
    given::Typed,
    outcomes::{Facts, Outcomes},
    rules::Subject,
    sheet::Sheet,
};
use crate::{
    expr::Mapping,
    flow::{Flow, Node, Slots, Work},
    graph::Graph,
    problem::Problems,
    shape::Shape,
    syntax::ast,
    value::Value,
};

/// Checks flows and the fragments of the catalogue. Flows come back in the order they were given; those with problems too:
/// whether they may run is told by the problems of their file. What children give is known to their parents.
pub fn check(flows: &[&ast::Flow], catalogue: &mut Catalogue, problems: &mut Problems) -> Vec<Flow> {
    for fragment in catalogue.fragments.values() {
        drop(Desk::new(catalogue, problems).fragment(fragment, Vec::new()));
    }
    signatures(flows, catalogue);
    let mut done = all(flows, catalogue, problems);
    // What a child takes is personal if its parents say so, and those come after it: then all are checked once more.
    while done.1.drain(..).fold(false, |more, passed| mark(catalogue, passed) | more) {
        done = all(flows, catalogue, problems);
    }
    let done = done.0;
    estate::check(flows, &done, catalogue, problems);
    done
}

/// Checks each flow, those that are started by others first; also the personal data that they pass on.
fn all(flows: &[&ast::Flow], catalogue: &mut Catalogue, problems: &mut Problems) -> (Vec<Flow>, Vec<Passed>) {
    let mut done: BTreeMap<usize, Flow> = BTreeMap::new();
    let mut passed = Vec::new();
    for place in children_first(flows) {
        let (flow, more) = one(flows[place], catalogue, problems);
        if let Some(signature) = catalogue.flows.get_mut(&flow.name) {
            signature.gives = Some(flow.gives.clone());
        }
        done.insert(place, flow);
        passed.extend(more);
    }
    (done.into_values().collect(), passed)
}

/// Notes that a flow takes data of a person. False: that is known.
fn mark(catalogue: &mut Catalogue, (flow, param, kind): Passed) -> bool {
    let Some(signature) = catalogue.flows.get_mut(&flow) else { return false };
    signature.personal.insert(param, kind).is_none()
}

/// A fragment with values for its parameters, in the order in which it declares them: what a case of it works out.
pub fn fragment(
    fragment: &ast::Fragment,
    values: Vec<Value>,
    catalogue: &Catalogue,
    problems: &mut Problems,
) -> Mapping {
    Desk::new(catalogue, problems).fragment(fragment, values)
}

/// What each flow takes, before any is checked.
fn signatures(flows: &[&ast::Flow], catalogue: &mut Catalogue) {
    for flow in flows {
        let takes = flow.trigger.from.iter().find_map(|source| match &source.kind {
            ast::SourceKind::Flow { takes } => Some(
                takes
                    .iter()
                    .map(|(name, of)| {
                        (Arc::clone(&name.value), catalogue.named(&of.value).unwrap_or(Shape::Any))
                    })
                    .collect(),
            ),
            _ => None,
        });
        catalogue.flows.insert(Arc::clone(&flow.name.value), Signature { takes, ..Signature::default() });
    }
}

/// Places of flows, those that are started by others before those others. Flows that start one another come as listed.
fn children_first(flows: &[&ast::Flow]) -> Vec<usize> {
    let places: BTreeMap<&str, usize> =
        flows.iter().enumerate().map(|(place, flow)| (&*flow.name.value, place)).collect();
    let mut graph = Graph::new(flows.len());
    for (place, flow) in flows.iter().enumerate() {
        for call in estate::children(flow) {
            if let Some(child) = places.get(call.name).filter(|child| **child != place) {
                graph.need(place, *child);
            }
        }
    }
    graph.order().unwrap_or_else(|| (0..flows.len()).collect())
}

fn one(ast: &ast::Flow, catalogue: &Catalogue, problems: &mut Problems) -> (Flow, Vec<Passed>) {
    let sheet = Sheet::new(ast, catalogue, problems);
    later::in_flow(ast, problems);
    let (settings, connections) = settings(&sheet, catalogue);
    let mut desk = Desk::new(catalogue, problems);
    let (sources, event) = trigger::sources(&sheet, &connections, &mut desk);
    desk.name("event", Slots::EVENT, event.clone());
    desk.name("connection", Slots::CONNECTION, connections);
    let trigger = trigger::trigger(&sheet, sources, &mut desk);
    let run = [("id", Shape::TEXT), ("started_at", Shape::TEXT), ("again", Shape::Bool)];
    desk.name("run", Slots::RUN, Shape::object(run));
    let nodes = nodes(&sheet, &mut desk);
    let give = ast.give.as_ref().map(|given| desk.given(given, &Shape::Any));
    let slots = Slots { nodes: Slots::NODES, count: desk.slots() };
    let passed = std::mem::take(&mut desk.passed);
    let uses_lost = desk.uses_lost || sheet.lost || !ast.broken.is_empty();
    let (give, gives) =
        give.map_or((None, Shape::Null), |Typed { mapping, shape, .. }| (Some(mapping), shape));
    if sheet.order.cycles.is_empty() {
        let mut outcomes = Outcomes(nodes.iter().map(|node| facts(node, &sheet)).collect());
        outcomes.forget_unknown();
        let (sheet, outcomes, give) = (&sheet, &outcomes, give.as_ref());
        let subject =
            Subject { sheet, nodes: &nodes, outcomes, give, trigger: &trigger, event: &event, uses_lost };
        rules::all(&subject, problems);
    }
    let flow = Flow {
        name: Arc::clone(&ast.name.value),
        title: ast
            .title
            .as_ref()
            .map_or_else(|| Arc::clone(&ast.name.value), |title| Arc::clone(&title.value)),
        trigger,
        nodes,
        give,
        gives,
        slots,
        settings,
        tables: Arc::clone(&catalogue.tables),
    };
    (flow, passed)
}

/// The root `connection`: settings by the flow's name of a connection, and what they look like.
fn settings(sheet: &Sheet<'_>, catalogue: &Catalogue) -> (Value, Shape) {
    let mut values = Vec::new();
    let mut shapes = Vec::new();
    for (local, estate) in &sheet.connections {
        match catalogue.connections.get(estate) {
            Some(connection) => {
                values.push((Arc::clone(local), connection.settings.clone()));
                shapes.push((Arc::clone(local), catalogue::settings_shape(&connection.connector)));
            }
            None => shapes.push((Arc::clone(local), Shape::Any)),
        }
    }
    (Value::object(values), Shape::object(shapes))
}

fn nodes(sheet: &Sheet<'_>, desk: &mut Desk<'_>) -> Vec<Node> {
    for place in 0..sheet.ast.nodes.len() {
        desk.name(&sheet.ast.nodes[place].name.value, sheet.slot(place), Shape::Any);
    }
    for name in &sheet.ast.broken {
        desk.bind(&name.value, Shape::Any);
    }
    let mut nodes: Vec<Node> = Vec::new();
    for place in &sheet.order.places {
        let (node, personal) = node::node(sheet, *place, &nodes, desk);
        desk.set(sheet.slot(*place), node.shape.clone());
        desk.set_personal(sheet.slot(*place), personal);
        nodes.push(node);
    }
    nodes
}

/// What decides whether a node runs.
fn facts(node: &Node, sheet: &Sheet<'_>) -> Facts {
    let when = node.when.iter().map(|(decision, outcomes)| {
        (usize::from(*decision), outcomes.iter().cloned().collect::<BTreeSet<_>>())
    });
    let condition = sheet.ast.nodes[node.place].condition.as_ref();
    let even = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").into();
    let mut facts = Facts {
        when: when.collect(),
        condition: condition.map(|scalar| even(&scalar.text)),
        gates: node.gates.iter().map(|gate| usize::from(*gate)).collect(),
        ..Facts::default()
    };
    if let Work::Decide(decide) = &node.work {
        facts.outcomes = decide.outcomes().cloned().collect();
        facts.stops = facts.outcomes.iter().filter(|outcome| decide.stops(outcome)).cloned().collect();
    }
    facts
}
