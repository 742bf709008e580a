//! Rules over flows together: lanes that wait for one another (FR411), writes that start flows again (FR502). In: trees and
//! checked flows. Out: problems at the call. It must never know expressions.

use std::collections::BTreeMap;

use super::{Catalogue, call, written::simple};
use crate::{
    flow::{Flow, Node, SourceKind, Work},
    graph::Graph,
    problem::{Problem, Problems, codes},
    source::{Name, Span},
    syntax::ast,
};

/// A call of another flow.
pub(super) struct Start<'a> {
    /// The flow that is started.
    pub(super) name: &'a str,
    target: &'a Name,
    waits: bool,
}

/// The flows that a flow starts.
pub(super) fn children(flow: &ast::Flow) -> Vec<Start<'_>> {
    flow.nodes
        .iter()
        .filter_map(|node| match &node.work {
            ast::Work::Call(call) => Some(call),
            _ => None,
        })
        .filter_map(|call| {
            let name = call.target.value.strip_prefix("flows.")?;
            Some(Start {
                name,
                target: &call.target,
                waits: call.wait.as_ref().is_none_or(|wait| wait.value),
            })
        })
        .collect()
}

/// All rules over flows together.
pub(super) fn check(asts: &[&ast::Flow], flows: &[Flow], catalogue: &Catalogue, problems: &mut Problems) {
    lanes(asts, flows, problems);
    echoes(asts, flows, catalogue, problems);
}

/// The name of a flow's lane: its own, unless it shares one.
fn lane(flow: &Flow) -> &str {
    flow.trigger.lane.as_ref().map_or(&flow.name, |(name, _)| name)
}

fn lanes(asts: &[&ast::Flow], flows: &[Flow], problems: &mut Problems) {
    let mut names: Vec<&str> = flows.iter().map(lane).collect();
    names.sort_unstable();
    names.dedup();
    let number = |name: &str| names.iter().position(|known| *known == name);
    let by_name: BTreeMap<&str, &Flow> = flows.iter().map(|flow| (&*flow.name, flow)).collect();
    let mut graph = Graph::new(names.len());
    let mut waits: Vec<(usize, usize, Span)> = Vec::new();
    for (ast, flow) in asts.iter().zip(flows) {
        for start in children(ast).iter().filter(|start| start.waits) {
            let Some(child) = by_name.get(start.name) else { continue };
            if let (Some(holds), Some(wants)) = (number(lane(flow)), number(lane(child))) {
                graph.need(holds, wants);
                waits.push((holds, wants, call::split(start.target).1.span));
            }
        }
    }
    for cycle in graph.cycles() {
        let way: Vec<String> =
            cycle.iter().chain(cycle.first()).map(|lane| format!("`{}`", names[*lane])).collect();
        let next = |at: usize| cycle[(at + 1) % cycle.len()];
        let calls: Vec<Span> = cycle
            .iter()
            .enumerate()
            .filter_map(|(at, lane)| {
                waits.iter().find(|(holds, wants, _)| holds == lane && *wants == next(at))
            })
            .map(|(.., span)| *span)
            .collect();
        let Some((first, others)) = calls.split_first() else { continue };
        let message = format!("a run would wait for a lane that it holds: {}", way.join(" -> "));
        let mut problem = Problem::error(codes::LANE_CYCLE, *first, message).says("waits for this flow");
        for span in others {
            problem = problem.also(*span, "which waits for this one");
        }
        problems.add(problem.help("give one of them a `lane` of its own, or do not wait: `wait: false`"));
    }
}

/// A write and the records of whose changes somebody hears.
struct Write<'a> {
    flow: usize,
    span: Span,
    connection: &'a str,
    record: &'a str,
}

fn echoes(asts: &[&ast::Flow], flows: &[Flow], catalogue: &Catalogue, problems: &mut Problems) {
    let mut graph = Graph::new(flows.len());
    let mut writes = Vec::new();
    for (place, (ast, flow)) in asts.iter().zip(flows).enumerate() {
        for node in flow.nodes.iter().filter(|node| !is_guarded(node)) {
            let Work::Call(call) = &node.work else { continue };
            let operation = catalogue
                .connections
                .get(&call.connection)
                .and_then(|connection| connection.connector.operations.get(&call.operation));
            let Some(record) = operation.and_then(|operation| operation.writes.as_deref()) else { continue };
            let ast::Work::Call(tree) = &ast.nodes[node.place].work else { continue };
            if tree.changes.is_some() {
                continue;
            }
            let span = call::split(&tree.target).1.span;
            writes.push(Write { flow: place, span, connection: &call.connection, record });
        }
    }
    let hears = |flow: &Flow, write: &Write<'_>| {
        flow.trigger.sources.iter().any(|source| listens(&source.kind, write, catalogue))
    };
    let mut starts: Vec<(usize, usize, Span)> = Vec::new();
    for write in &writes {
        for (other, _) in flows.iter().enumerate().filter(|(_, flow)| hears(flow, write)) {
            // The one that is started comes after the one that writes.
            graph.need(other, write.flow);
            starts.push((write.flow, other, write.span));
        }
    }
    for cycle in graph.cycles() {
        // Each point is started by the next: so the next one's write starts this one.
        let by = |at: usize| cycle[(at + 1) % cycle.len()];
        for (at, started) in cycle.iter().enumerate() {
            let Some((.., span)) =
                starts.iter().find(|(writer, heard, _)| *writer == by(at) && heard == started)
            else {
                continue;
            };
            let message = if cycle.len() == 1 {
                format!("this write starts `{}` again", flows[*started].name)
            } else {
                let names: Vec<String> =
                    cycle.iter().rev().map(|flow| format!("`{}`", flows[*flow].name)).collect();
                format!(
                    "this write starts `{}`, and so these flows start one another: {}",
                    flows[*started].name,
                    names.join(", ")
                )
            };
            let problem = Problem::error(codes::ECHO, *span, message);
            problems.add(problem.help("add `changes:` with the extract that read the record: nothing is sent when it already says so"));
            if cycle.len() > 1 {
                break;
            }
        }
    }
}

/// Whether the node itself says when it does not write. (`changes:` says so too, even one that cannot be read.)
fn is_guarded(node: &Node) -> bool {
    let gated = node.kind == crate::flow::Kind::Action && !node.gates.is_empty();
    gated || node.condition.is_some() || !node.when.is_empty()
}

/// Whether a source hears of a write: it is of the same connection, and of a record of that name. `orderHead` is a view of
/// `order`, and a scope such as `store/order/updated` names its record in the middle.
fn listens(source: &SourceKind, write: &Write<'_>, catalogue: &Catalogue) -> bool {
    let record = simple(write.record);
    match source {
        SourceKind::Webhook { connection, scopes } => {
            **connection == *write.connection
                && scopes
                    .iter()
                    .any(|scope| scope.split(['/', '.', ':']).any(|part| part.eq_ignore_ascii_case(record)))
        }
        SourceKind::Poll { connection, operation, .. } => {
            **connection == *write.connection
                && rows(catalogue, connection, operation).is_some_and(|name| name == record)
        }
        SourceKind::Schedule { .. } | SourceKind::Flow => false,
    }
}

/// The record whose rows an operation gives, without its system and view.
fn rows(catalogue: &Catalogue, connection: &str, operation: &str) -> Option<String> {
    let operation = catalogue.connections.get(connection)?.connector.operations.get(operation)?;
    let crate::shape::Shape::Object(row) = crate::shape::element(&operation.gives)? else { return None };
    row.name.as_deref().map(|name| simple(name).to_owned())
}
