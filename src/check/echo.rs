//! FR502: writes that start flows again. In: trees and checked flows of an estate. Out: a problem at the call. It must never
//! know how a run ends.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Catalogue, call,
    desk::is_readable,
    written::{self, simple},
};
use crate::{
    connector::Operation,
    expr::{Read, Template},
    flow::{Call, Flow, Node, Slots, SourceKind, Work},
    graph::Graph,
    problem::{Problem, Problems, codes},
    shape::{Object, Shape},
    source::Span,
    syntax::ast,
};

/// A write and the records of whose changes somebody hears.
struct Write<'a> {
    flow: usize,
    span: Span,
    connection: &'a str,
    record: &'a str,
    operation: &'a Operation,
}

pub(super) fn check(asts: &[&ast::Flow], flows: &[Flow], catalogue: &Catalogue, problems: &mut Problems) {
    let mut graph = Graph::new(flows.len());
    let mut writes = Vec::new();
    for (place, (ast, flow)) in asts.iter().zip(flows).enumerate() {
        for node in &flow.nodes {
            let Work::Call(call) = &node.work else { continue };
            let operation = catalogue
                .connections
                .get(&call.connection)
                .and_then(|connection| connection.connector.operations.get(&call.operation));
            let Some(operation) = operation else { continue };
            let Some(record) = operation.writes.as_deref() else { continue };
            let ast::Work::Call(tree) = &ast.nodes[node.place].work else { continue };
            let span = call::split(&tree.target).1.span;
            let write = Write { flow: place, span, connection: &call.connection, record, operation };
            // A `changes:` that does not hold is told already.
            if tree.changes.is_none() && !Guard::new(flow, &write, catalogue).stops(node) {
                writes.push(write);
            }
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
            let calls = starts.iter().filter(|(writer, heard, _)| *writer == by(at) && heard == started);
            // Of several flows one call is told, for to guard one ends it; of a flow by itself each.
            let most = if cycle.len() == 1 { usize::MAX } else { 1 };
            let before = problems.len();
            for (.., span) in calls.take(most) {
                let problem = Problem::error(codes::ECHO, *span, message.clone());
                problems.add(problem.help("add `changes:` with the extract that read the record: nothing is sent when it already says so"));
            }
            if cycle.len() > 1 && problems.len() > before {
                break;
            }
        }
    }
}

/// What may keep a write from being done a second time: conditions that ask the written record, or the event, for something
/// that the write changes. Any other condition comes out the same in the second round.
struct Guard<'a> {
    flow: &'a Flow,
    write: &'a Write<'a>,
    catalogue: &'a Catalogue,
    /// The fields that are written; none: any.
    fields: Option<BTreeSet<&'a str>>,
    /// What an event of the same key always says.
    key: Vec<Vec<Arc<str>>>,
}

impl<'a> Guard<'a> {
    fn new(flow: &'a Flow, write: &'a Write<'a>, catalogue: &'a Catalogue) -> Self {
        let key = flow.trigger.key.reads().into_iter().filter(|read| read.slot == Slots::EVENT);
        let fields = written::fields(write.operation);
        Self { flow, write, catalogue, fields, key: key.map(|read| read.path).collect() }
    }

    /// Whether the conditions of a node may stop it the second time.
    fn stops(&self, node: &Node) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = self.conditions(node, &mut seen);
        if node.condition.as_ref().is_some_and(|condition| !is_readable(condition)) {
            return true; // that is told already
        }
        while let Some(read) = open.pop() {
            if read.slot == Slots::EVENT && !self.key.iter().any(|path| read.path.starts_with(path)) {
                return true;
            }
            let slots = Slots { nodes: Slots::NODES, count: 0 };
            let Some(number) = slots.node(read.slot, self.flow.nodes.len()) else { continue };
            let other = &self.flow.nodes[number];
            match &other.work {
                Work::Call(call) if self.is_written(call, other, &read) => return true,
                Work::Map(mapping) if seen.insert(number) => {
                    open.extend(mapping.reads());
                    open.extend(over(other));
                    open.extend(other.each.iter().flat_map(|each| each.list.reads()));
                }
                Work::Decide(decide) if seen.insert(number) => {
                    open.extend(decide.choose.iter().flat_map(|(_, condition)| condition.reads()));
                }
                _ => {}
            }
        }
        false
    }

    /// All that decides whether a node runs, and over what.
    fn conditions(&self, node: &Node, seen: &mut BTreeSet<usize>) -> Vec<Read> {
        let mut reads: Vec<Read> = node.condition.iter().flat_map(Template::reads).collect();
        reads.extend(over(node));
        let decisions = node.when.iter().map(|(decision, _)| decision).chain(&node.gates);
        for decision in decisions.map(|decision| usize::from(*decision)) {
            let Some(decided) = self.flow.nodes.get(decision).filter(|_| seen.insert(decision)) else {
                continue;
            };
            if let Work::Decide(decide) = &decided.work {
                reads.extend(decide.choose.iter().flat_map(|(_, condition)| condition.reads()));
            }
            reads.extend(self.conditions(decided, seen));
        }
        reads
    }

    /// Whether a read of what a call gave asks the written record for what is written.
    fn is_written(&self, call: &Call, node: &Node, read: &Read) -> bool {
        let Some(record) = record_of(self.catalogue, &call.connection, &call.operation) else { return false };
        if *call.connection != *self.write.connection || simple(&record.0) != simple(self.write.record) {
            return false;
        }
        let field = read.path.first().filter(|name| !name.is_empty() && node.each.is_none());
        match (field, &self.fields) {
            // A field that the record does not have is told already: perhaps it is misspelt.
            (Some(field), Some(fields)) => fields.contains(&**field) || !record.1.fields.contains_key(field),
            _ => true,
        }
    }
}

/// What an `each` goes over, if it leaves elements out.
fn over(node: &Node) -> Vec<Read> {
    let filtered = node.each.as_ref().and_then(|each| Some((each.filter.as_ref()?, &each.list)));
    filtered.into_iter().flat_map(|(filter, list)| filter.reads().into_iter().chain(list.reads())).collect()
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
                && record_of(catalogue, connection, operation)
                    .is_some_and(|(name, _)| simple(&name) == record)
        }
        SourceKind::Schedule { .. } | SourceKind::Flow => false,
    }
}

/// The record that an operation gives, or whose rows: its name and what it has.
fn record_of(catalogue: &Catalogue, connection: &str, operation: &str) -> Option<(Arc<str>, Arc<Object>)> {
    let operation = catalogue.connections.get(connection)?.connector.operations.get(operation)?;
    let shape = operation.gives.present();
    let row = if let Shape::List(element) = shape { element.present() } else { shape };
    let Shape::Object(record) = row else { return None };
    Some((record.name.clone()?, Arc::clone(record)))
}
