//! What an extract, action or writeback calls: an operation of a connection, or another flow. In: the tree of a call, on a
//! desk. Out: the checked call and what it gives; problems. It must never know how a call is carried out.

use std::sync::Arc;

use super::{
    books,
    catalogue::repeat,
    changes::{Write, changes},
    desk::Desk,
    fit,
    given::Typed,
    sheet::{Sheet, is_effect},
    written,
};
use crate::{
    connector::{Connection, Operation},
    expr::Mapping,
    flow::{Call, Child, MEMORY, Repeat, Work},
    problem::{Problem, codes},
    shape::Shape,
    source::{Name, Span},
    syntax::ast::{self, Given},
};

type Parameters = Vec<(Arc<str>, Mapping)>;

/// Checks a call.
pub(super) fn call(
    sheet: &Sheet<'_>,
    node: &ast::Node,
    call: &ast::Call,
    desk: &mut Desk<'_>,
) -> (Work, Shape) {
    let (connection, rest) = split(&call.target);
    match &*connection.value {
        "flows" => child(node, call, &rest, desk),
        MEMORY => {
            books::call(node, call, &rest, desk).unwrap_or_else(|| (nowhere(&call.with, desk), Shape::Any))
        }
        _ => operation(sheet, node, call, (&connection, &rest), desk),
    }
}

/// `connection.operation` in its two parts, each at its place.
pub(super) fn split(target: &Name) -> (Name, Name) {
    let text = &*target.value;
    let (first, rest) = text.split_once('.').unwrap_or((text, ""));
    // Quotes make the place longer than the text; then both parts stand for the whole.
    let plain = target.span.end - target.span.start == text.len() as u32;
    let cut = |from: usize, to: usize| {
        if !plain {
            return target.span;
        }
        Span { start: target.span.start + from as u32, end: target.span.start + to as u32, ..target.span }
    };
    let after = (first.len() + 1).min(text.len());
    (Name::new(first.into(), cut(0, first.len())), Name::new(rest.into(), cut(after, text.len())))
}

/// The connection and the operation of a target; problems for what is not there.
pub(super) fn resolve<'c>(
    sheet: &Sheet<'_>,
    (connection, operation): (&Name, &Name),
    desk: &mut Desk<'c>,
) -> Option<(Arc<str>, &'c Connection, &'c Operation)> {
    let estate = sheet.connections.get(&connection.value)?;
    let catalogue = desk.catalogue;
    let found = catalogue.connections.get(estate)?;
    let Some(known) = found.connector.operations.get(&operation.value) else {
        let message = format!("`{}` has no operation `{}`", found.connector.name, operation.value);
        let problem = Problem::error(codes::UNKNOWN_OPERATION, operation.span, message);
        let names = found.connector.operations.keys().map(|name| &**name);
        desk.problems.add(fit::with_near(problem, &operation.value, names));
        return None;
    };
    Some((Arc::clone(estate), found, known))
}

fn operation(
    sheet: &Sheet<'_>,
    node: &ast::Node,
    call: &ast::Call,
    (connection, name): (&Name, &Name),
    desk: &mut Desk<'_>,
) -> (Work, Shape) {
    let Some((estate, found, operation)) = resolve(sheet, (connection, name), desk) else {
        return (nowhere(&call.with, desk), Shape::Any);
    };
    direction(sheet, node, name, operation, desk);
    let before = desk.problems.len();
    let typed = parameters(&call.with, operation, name, desk);
    let told = desk.problems.len() > before;
    // A write that does not say how it may be repeated is told in its connector.
    let repeat = operation.writes.as_ref().map(|_| repeat(found, operation).unwrap_or(Repeat::Never));
    let write = Write { connection: &estate, operation, with: &call.with, typed: &typed, told };
    let changes = call.changes.as_ref().and_then(|read| changes(sheet, read, &write, desk));
    let with = typed.into_iter().map(|(name, typed)| (name, typed.mapping)).collect();
    let work = Work::Call(Call {
        connection: estate,
        operation: Arc::clone(&operation.name),
        with,
        repeat,
        batch: operation.batch.as_ref().filter(|_| node.each.is_some()).map(|batch| batch.max),
        changes,
        fresh: call.fresh.as_ref().map(|fresh| fresh.value),
        until: None,
        book: None,
    });
    (work, operation.gives.clone())
}

/// The parameters of an operation, held against what it takes.
pub(super) fn with(
    with: &[(Name, Given)],
    operation: &Operation,
    name: &Name,
    desk: &mut Desk<'_>,
) -> Parameters {
    let given = parameters(with, operation, name, desk);
    given.into_iter().map(|(name, typed)| (name, typed.mapping)).collect()
}

fn parameters(
    with: &[(Name, Given)],
    operation: &Operation,
    name: &Name,
    desk: &mut Desk<'_>,
) -> Vec<(Arc<str>, Typed)> {
    desk.parameters(with, &written::parameters(operation, desk.catalogue), name)
}

/// Whether the kind of node fits what the operation does.
fn direction(sheet: &Sheet<'_>, node: &ast::Node, name: &Name, operation: &Operation, desk: &mut Desk<'_>) {
    let word = if is_effect(node.kind.value) { "writes" } else { "only reads" };
    if is_effect(node.kind.value) != operation.writes.is_some() {
        let (found, say) =
            if operation.writes.is_some() { ("writes", "action") } else { ("only reads", "extract") };
        let message = format!("`{}` {found}, but the node says that it {word}", name.value);
        let problem = Problem::error(codes::DIRECTION, name.span, message).also(node.kind.span, "");
        desk.problems.add(problem.help(format!("make it `{say}: {}`", node.name.value)));
    } else if node.kind.value == ast::Kind::Writeback {
        back(sheet, node, desk);
    }
}

/// A writeback goes to a system from which events come.
fn back(sheet: &Sheet<'_>, node: &ast::Node, desk: &mut Desk<'_>) {
    let ast::Work::Call(call) = &node.work else { return };
    let from: Vec<Name> =
        sheet.ast.trigger.from.iter().filter_map(|source| comes_from(&source.kind)).collect();
    let (connection, _) = split(&call.target);
    if !from.is_empty() && !from.iter().any(|name| name.value == connection.value) {
        let message = format!("no event comes from `{}`: this writes forward, not back", connection.value);
        let problem = Problem::error(codes::DIRECTION, connection.span, message);
        desk.problems.add(problem.help(format!("make it `action: {}`", node.name.value)));
    }
}

/// The connection of a source.
pub(super) fn comes_from(kind: &ast::SourceKind) -> Option<Name> {
    match kind {
        ast::SourceKind::Webhook { connection, .. } => Some(connection.clone()),
        ast::SourceKind::Poll { call, .. } => Some(split(call).0),
        ast::SourceKind::Schedule { read, .. } => read.as_ref().map(|call| split(call).0),
        ast::SourceKind::Flow { .. } => None,
    }
}

fn child(node: &ast::Node, call: &ast::Call, name: &Name, desk: &mut Desk<'_>) -> (Work, Shape) {
    if node.kind.value != ast::Kind::Action {
        let message = "to start a flow is an effect";
        let problem = Problem::error(codes::DIRECTION, name.span, message).also(node.kind.span, "");
        desk.problems.add(problem.help(format!("make it `action: {}`", node.name.value)));
    }
    let catalogue = desk.catalogue;
    if catalogue.broken.contains(&name.value) && !catalogue.flows.contains_key(&name.value) {
        return (nowhere(&call.with, desk), Shape::Any);
    }
    let Some(signature) = catalogue.flows.get(&name.value) else {
        let problem =
            Problem::error(codes::UNKNOWN_FLOW, name.span, format!("there is no flow `{}`", name.value));
        desk.problems.add(fit::with_near(problem, &name.value, catalogue.flows.keys().map(|name| &**name)));
        return (nowhere(&call.with, desk), Shape::Any);
    };
    let Some(takes) = &signature.takes else {
        let message = format!("`{}` cannot be started by other flows", name.value);
        let problem = Problem::error(codes::UNKNOWN_FLOW, name.span, message);
        desk.problems.add(problem.help("give it the source `flow: { takes: { … } }`"));
        return (nowhere(&call.with, desk), Shape::Any);
    };
    let parameters = desk.parameters(&call.with, takes, name);
    for (param, typed) in &parameters {
        let passed =
            typed.personal.iter().map(|kind| (Arc::clone(&name.value), Arc::clone(param), Arc::clone(kind)));
        desk.passed.extend(passed);
    }
    let wait = call.wait.as_ref().is_none_or(|wait| wait.value);
    let with = parameters.into_iter().map(|(name, typed)| (name, typed.mapping)).collect();
    let given_back = if wait { signature.gives.clone().unwrap_or(Shape::Any) } else { Shape::Null };
    (Work::Child(Child { flow: Arc::clone(&name.value), with, wait }), given_back)
}

/// A call whose target is not known: its parameters are still read, and it counts as an effect.
fn nowhere(with: &[(Name, Given)], desk: &mut Desk<'_>) -> Work {
    let with =
        with.iter().map(|(name, value)| (Arc::clone(&name.value), desk.given(value, &Shape::Any).mapping));
    Work::Child(Child { flow: "".into(), with: with.collect(), wait: true })
}
