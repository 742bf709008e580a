//! The trigger: what is listened to, what an event looks like, key, lane, id, version. In: the tree of a trigger, on a
//! desk. Out: the checked trigger and the event's shape; problems. It must never know nodes.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    call::{resolve, split, with},
    desk::Desk,
    event, fit,
    sheet::Sheet,
};
use crate::{
    flow::{Keep, Slots, Source, SourceKind, Trigger},
    problem::{Problem, codes},
    shape::{Field, Object, Shape, element, join, names_marked},
    source::Name,
    syntax::ast,
    time,
};

/// Checks the sources of a flow; also gives what an event looks like.
pub(super) fn sources(sheet: &Sheet<'_>, connections: &Shape, desk: &mut Desk<'_>) -> (Vec<Source>, Shape) {
    let mut sources = Vec::new();
    let mut shapes = Vec::new();
    for ast in &sheet.ast.trigger.from {
        let (kind, row) = kind(sheet, &ast.kind, desk);
        let body = match kind {
            SourceKind::Webhook { .. } => row.clone(),
            _ => Shape::Any,
        };
        let (mapping, shape) = match &ast.event {
            Some(given) => {
                let typed = desk.alone(|desk| {
                    desk.name(root(&ast.kind), Slots::EVENT, row);
                    desk.name("connection", Slots::CONNECTION, connections.clone());
                    desk.given(given, &Shape::Any)
                });
                (Some(typed.mapping), typed.shape)
            }
            None => (None, row),
        };
        shapes.push(shape);
        sources.push(Source { kind, body, event: mapping, count: desk.slots() });
    }
    let event = event::agreed(sheet, shapes, desk.problems);
    (sources, event)
}

/// What an `event:` mapping calls what came in.
fn root(kind: &ast::SourceKind) -> &'static str {
    match kind {
        ast::SourceKind::Webhook { .. } => "body",
        ast::SourceKind::Poll { .. } | ast::SourceKind::Schedule { .. } => "row",
        ast::SourceKind::Flow { .. } => "event",
    }
}

/// The trigger, once the event is in scope.
pub(super) fn trigger(sheet: &Sheet<'_>, sources: Vec<Source>, desk: &mut Desk<'_>) -> Trigger {
    let ast = &sheet.ast.trigger;
    let key = desk.key(&ast.key);
    let lane = ast.lane.as_ref().map(|lane| {
        if lane.text.contains("{{") {
            (Arc::clone(&sheet.ast.name.value), Some(desk.key(lane)))
        } else {
            (Arc::clone(&lane.text), None)
        }
    });
    let keep = keep(ast);
    let by_children = sources.iter().all(|source| matches!(source.kind, SourceKind::Flow));
    if let (Some(said), None, false) = (&ast.keep, &ast.id, by_children || sources.is_empty())
        && keep == Keep::All
    {
        let problem =
            Problem::error(codes::ALL_WITHOUT_ID, said.span, "with `keep: all`, `id` must tell facts apart");
        desk.problems.add(
            problem.help("add `id: \"{{ event.… }}\"`: what recognises the same fact when it comes again"),
        );
    }
    let id = ast.id.as_ref().map(|scalar| desk.key(scalar));
    let version = ast.version.as_ref().map(|scalar| desk.version(scalar));
    if let Some(said) = ast.supersede.as_ref().filter(|_| keep == Keep::All) {
        let message = "with `keep: all` no run takes over from another";
        desk.problems.add(Problem::error(codes::MISPLACED_KEY, said.span, message).help("leave it out"));
    }
    let mut personal = BTreeSet::new();
    names_marked(desk.shape(Slots::EVENT), &mut personal);
    Trigger { sources, key, lane, id, version, keep, supersede: ast.supersede.is_some(), personal }
}

/// What happens to waiting events: as said; else child runs are facts, and everything else is state.
pub(super) fn keep(trigger: &ast::Trigger) -> Keep {
    let is_child = |source: &ast::Source| matches!(source.kind, ast::SourceKind::Flow { .. });
    match &trigger.keep {
        Some(said) if said.value == ast::Keep::All => Keep::All,
        None if !trigger.from.is_empty() && trigger.from.iter().all(is_child) => Keep::All,
        Some(_) | None => Keep::Latest,
    }
}

fn kind(sheet: &Sheet<'_>, kind: &ast::SourceKind, desk: &mut Desk<'_>) -> (SourceKind, Shape) {
    match kind {
        ast::SourceKind::Webhook { connection, scopes } => webhook(sheet, connection, scopes, desk),
        ast::SourceKind::Poll { call, every, start, with } => {
            let (found, row) = rows(sheet, call, with, true, desk);
            let (connection, operation, with) = found;
            (
                SourceKind::Poll {
                    connection,
                    operation,
                    every: every.value,
                    start: Arc::clone(&start.value),
                    with,
                },
                row,
            )
        }
        ast::SourceKind::Schedule { cron, zone, read, with } => {
            times(cron, zone, desk);
            let (cron, zone) = (Arc::clone(&cron.value), Arc::clone(&zone.value));
            let Some(read) = read else {
                return (SourceKind::Schedule { cron, zone, read: None, with: Vec::new() }, Shape::Any);
            };
            let ((connection, operation, with), row) = rows(sheet, read, with, false, desk);
            (SourceKind::Schedule { cron, zone, read: Some((connection, operation)), with }, row)
        }
        ast::SourceKind::Flow { takes } => {
            let own = desk.catalogue.flows.get(&sheet.ast.name.value);
            let mark = |name: &Name| own.and_then(|own| own.personal.get(&name.value)).cloned();
            let field = |(name, of): &(Name, Name)| {
                let field = Field { personal: mark(name), ..Field::required(desk.type_of(of)) };
                (Arc::clone(&name.value), field)
            };
            let fields = takes.iter().map(field).collect();
            (SourceKind::Flow, Shape::Object(Arc::new(Object { fields, ..Object::default() })))
        }
    }
}

fn webhook(
    sheet: &Sheet<'_>,
    connection: &Name,
    scopes: &[Name],
    desk: &mut Desk<'_>,
) -> (SourceKind, Shape) {
    let estate = sheet.connections.get(&connection.value).cloned();
    let mut body = Shape::Any;
    if let Some(found) = estate.as_ref().and_then(|estate| desk.catalogue.connections.get(estate)) {
        match &found.connector.webhooks {
            None => {
                let message = format!("`{}` sends no webhooks", found.connector.name);
                desk.problems.add(
                    Problem::error(codes::UNKNOWN_SCOPE, connection.span, message).help("poll it instead"),
                );
            }
            Some(webhooks) => {
                scopes.iter().for_each(|scope| scope_is_one(scope, &webhooks.scopes, desk));
                body = body_of(scopes, &webhooks.scopes);
            }
        }
    }
    let connection = estate.unwrap_or_else(|| Arc::clone(&connection.value));
    let scopes = scopes.iter().map(|scope| Arc::clone(&scope.value)).collect();
    (SourceKind::Webhook { connection, scopes }, body)
}

fn scope_is_one(scope: &Name, known: &[(Arc<str>, Shape)], desk: &mut Desk<'_>) {
    if !known.is_empty() && !known.iter().any(|(name, _)| *name == scope.value) {
        let message = format!("there is no webhook scope `{}`", scope.value);
        let problem = Problem::error(codes::UNKNOWN_SCOPE, scope.span, message);
        desk.problems.add(fit::with_near(problem, &scope.value, known.iter().map(|(name, _)| &**name)));
    }
}

/// What the bodies of some scopes have in common; of a scope that is not there, which is told, nothing is known.
fn body_of(scopes: &[Name], known: &[(Arc<str>, Shape)]) -> Shape {
    let body =
        |scope: &Name| known.iter().find(|(name, _)| *name == scope.value).map(|(_, body)| body.clone());
    let bodies = scopes.iter().filter_map(body);
    bodies.reduce(|one, two| join(&one, &two)).unwrap_or(Shape::Any)
}

type Read = (Arc<str>, Arc<str>, Vec<(Arc<str>, crate::expr::Mapping)>);

/// The rows of an operation that is polled or read by a schedule.
fn rows(
    sheet: &Sheet<'_>,
    call: &Name,
    given: &[(Name, ast::Given)],
    polled: bool,
    desk: &mut Desk<'_>,
) -> (Read, Shape) {
    let (connection, name) = split(call);
    let Some((estate, _, operation)) = resolve(sheet, (&connection, &name), desk) else {
        return ((connection.value, name.value, Vec::new()), Shape::Any);
    };
    let row = element(&operation.gives);
    let cursor = operation.cursor.is_some() || !polled;
    if row.is_none() || !cursor || operation.writes.is_some() {
        let (message, help) = if polled {
            (
                format!("`{}` cannot be polled", name.value),
                "an operation with `cursor` that gives a list is wanted",
            )
        } else {
            (format!("`{}` gives no list", name.value), "a read that gives a list is wanted")
        };
        desk.problems.add(Problem::error(codes::NOT_POLLABLE, name.span, message).help(help));
    }
    let with = desk.alone(|desk| with(given, operation, &name, desk));
    ((estate, Arc::clone(&operation.name), with), row.unwrap_or(Shape::Any))
}

fn times(cron: &Name, zone: &Name, desk: &mut Desk<'_>) {
    if let Err(why) = time::Cron::parse(&cron.value) {
        let problem = Problem::error(codes::CRON, cron.span, why.to_string());
        desk.problems.add(problem.help("five fields: minute, hour, day of month, month, day of week"));
    }
    if time::zone(&zone.value).is_err() {
        let problem =
            Problem::error(codes::ZONE, zone.span, format!("there is no time zone `{}`", zone.value));
        desk.problems.add(problem.help("an IANA name such as `Europe/London`"));
    }
}
