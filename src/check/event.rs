//! What an event looks like: every source maps what it gets to the same. In: the mapping of each source and what it gives, what
//! the flow reads of the event. Out: one shape; a problem at a key or a value in which a source differs from the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use indexmap::IndexMap;

use super::{desk::whole, fit, sheet::Sheet, walk};
use crate::{
    expr::{Names, Read, Template},
    flow::Slots,
    problem::{Problem, Problems, codes},
    shape::{Field, Object, Shape, assignable, join, near},
    source::{Name, Scalar, Span},
    syntax::ast::{Given, SourceKind},
};

/// The event of sources that give these shapes, in the order of the file.
pub(super) fn agreed(sheet: &Sheet<'_>, mut shapes: Vec<Shape>, problems: &mut Problems) -> Shape {
    misspelt(sheet, &mut shapes, problems);
    lacking(sheet, &mut shapes, problems);
    differing(sheet, &mut shapes, problems);
    shapes.into_iter().reduce(|one, two| join(&one, &two)).unwrap_or(Shape::Any)
}

/// The keys of a source's `event:`.
fn keys<'a>(sheet: &Sheet<'a>, source: usize) -> &'a [(Name, Given)] {
    match &sheet.ast.trigger.from[source].event {
        Some(Given::Object(members, _)) => members,
        _ => &[],
    }
}

fn object(shape: &Shape) -> Option<&Object> {
    if let Shape::Object(object) = shape { Some(object) } else { None }
}

/// Puts the fields of an event right: what is told counts as what was meant.
fn change(shape: &mut Shape, work: impl FnOnce(&mut IndexMap<Arc<str>, Field>)) {
    if let Shape::Object(object) = shape {
        work(&mut Arc::make_mut(object).fields);
    }
}

/// Keys that only one source has, or that nothing reads, where all others say nearly the same: they count as that.
fn misspelt(sheet: &Sheet<'_>, shapes: &mut [Shape], problems: &mut Problems) {
    if shapes.iter().any(|shape| object(shape).is_none_or(|object| object.open)) {
        return;
    }
    let is_said = |shape: &Shape, name: &str| object(shape).is_some_and(|it| it.fields.contains_key(name));
    let sources = |shapes: &[Shape], name: &str| shapes.iter().filter(|it| is_said(it, name)).count();
    let mut reads = None;
    for source in 0..shapes.len() {
        for (key, _) in keys(sheet, source) {
            let by_all = sources(shapes, &key.value) == shapes.len();
            if by_all && scalars(sheet).any(|scalar| scalar.text.contains(&*format!("event.{}", key.value))) {
                continue;
            }
            let reads = &*reads.get_or_insert_with(|| times_read(sheet));
            let weight = |name: &str| (reads.contains_key(name), sources(shapes, name));
            let own = weight(&key.value);
            let of_others = shapes.iter().filter_map(object).flat_map(|object| object.fields.keys());
            // What nobody gives and only one place reads is misspelt there.
            let of_readers = reads.iter().filter(|(_, times)| **times > 1).map(|(name, _)| name);
            let meant = of_others.chain(of_readers).find(|name| {
                let first = shapes.iter().position(|shape| is_said(shape, name)).unwrap_or(source);
                let heavier = weight(name) > own || (weight(name) == own && first < source);
                heavier && !is_said(&shapes[source], name) && near(&key.value, [&***name]).is_some()
            });
            if let Some(meant) = meant.cloned() {
                let message = format!("the event of this flow has no field `{}`", key.value);
                let problem = Problem::error(codes::TARGET_FIELD, key.span, message);
                problems.add(problem.help(format!("did you mean `{meant}`?")));
                change(&mut shapes[source], |fields| {
                    if let Some(field) = fields.shift_remove(&key.value) {
                        fields.insert(meant, field);
                    }
                });
            }
        }
    }
}

/// Fields that other sources give and the flow takes to be there: they count as given.
fn lacking(sheet: &Sheet<'_>, shapes: &mut [Shape], problems: &mut Problems) {
    let all: BTreeMap<Arc<str>, Field> = shapes
        .iter()
        .filter_map(object)
        .flat_map(|object| object.fields.iter().map(|(name, field)| (Arc::clone(name), field.clone())))
        .collect();
    let lacks =
        |shape: &Shape, name: &str| object(shape).is_some_and(|it| !it.open && !it.fields.contains_key(name));
    if !shapes.iter().any(|shape| all.keys().any(|name| lacks(shape, name))) {
        return;
    }
    let needed: BTreeSet<Arc<str>> =
        reads(sheet).filter(|read| !read.optional).filter_map(|read| read.path.into_iter().next()).collect();
    for (source, shape) in shapes.iter_mut().enumerate() {
        for name in needed.iter().filter(|name| all.contains_key(*name)) {
            if !lacks(shape, name) {
                continue;
            }
            let message = format!("the flow reads `{name}` of its event, and this source does not give it");
            problems.add(Problem::error(codes::REQUIRED, start(sheet, source), message));
            change(shape, |fields| drop(fields.insert(Arc::clone(name), all[name].clone())));
        }
    }
}

/// Where the event of a source begins: its first key; without one, what is listened to.
fn start(sheet: &Sheet<'_>, source: usize) -> Span {
    if let Some((first, _)) = keys(sheet, source).first() {
        return first.span;
    }
    let ast = &sheet.ast.trigger.from[source];
    match &ast.kind {
        SourceKind::Webhook { connection, .. } => connection.span,
        SourceKind::Poll { call, .. } => call.span,
        SourceKind::Schedule { cron, .. } => cron.span,
        SourceKind::Flow { .. } => ast.span,
    }
}

/// How often each field of the event is read.
fn times_read(sheet: &Sheet<'_>) -> BTreeMap<Arc<str>, usize> {
    let mut found = BTreeMap::new();
    for name in reads(sheet).filter_map(|read| read.path.into_iter().next()) {
        *found.entry(name).or_default() += 1;
    }
    found
}

/// What the flow reads of its event.
fn reads(sheet: &Sheet<'_>) -> impl Iterator<Item = Read> {
    let names = Names::new().with("event", Slots::EVENT);
    let of = move |scalar: &Scalar| match Template::parse_beside(&scalar.text, &names) {
        Ok(template) => template.reads(),
        Err(rest) => rest.reads(),
    };
    scalars(sheet)
        .filter(|scalar| scalar.text.contains("event"))
        .flat_map(of)
        .filter(|read| read.slot == Slots::EVENT)
}

/// The scalars that may read the event.
fn scalars<'a>(sheet: &Sheet<'a>) -> impl Iterator<Item = &'a Scalar> {
    let trigger = &sheet.ast.trigger;
    let own = [Some(&trigger.key), trigger.lane.as_ref(), trigger.id.as_ref(), trigger.version.as_ref()];
    let nodes = sheet.ast.nodes.iter().flat_map(walk::scalars).map(|place| place.scalar);
    own.into_iter().flatten().chain(nodes).chain(sheet.ast.give.iter().flat_map(walk::given))
}

/// Values of one field that are of different kinds: the kind that most sources give is right, of equals the first; what a
/// flow says that it `takes` always is.
fn differing(sheet: &Sheet<'_>, shapes: &mut [Shape], problems: &mut Problems) {
    let declared = |source: usize| matches!(sheet.ast.trigger.from[source].kind, SourceKind::Flow { .. });
    for source in 0..shapes.len() {
        for (key, value) in keys(sheet, source) {
            let given: Vec<(usize, &Shape)> = shapes
                .iter()
                .enumerate()
                .filter_map(|(at, shape)| Some((at, &object(shape)?.fields.get(&key.value)?.shape)))
                .collect();
            let alike = |one: &Shape| {
                given.iter().filter(|(_, other)| agrees(one, other) && agrees(other, one)).count()
            };
            let weight = |at: usize, shape: &Shape| (declared(at), alike(shape), std::cmp::Reverse(at));
            let right = given.iter().max_by_key(|(at, shape)| weight(*at, shape));
            let Some(((_, have), (_, want))) = given.iter().find(|(at, _)| *at == source).zip(right) else {
                continue;
            };
            if !agrees(have, want) {
                let (have, want) = (Shape::clone(have), Shape::clone(want));
                if fit::fit(have.present(), want.present(), place(value), problems) {
                    let message = format!("other sources give {want} here, found {have}");
                    problems.add(Problem::error(codes::TARGET_TYPE, place(value), message));
                }
                change(&mut shapes[source], |fields| {
                    fields.insert(Arc::clone(&key.value), Field::required(want));
                });
            }
        }
    }
}

/// Whether one may stand where sources give the other.
fn agrees(have: &Shape, want: &Shape) -> bool {
    match (have.present(), want.present()) {
        (Shape::Any | Shape::Null | Shape::Object(_), Shape::Object(_))
        | (Shape::Any | Shape::Null, _)
        | (_, Shape::Any | Shape::Null) => true,
        (Shape::List(have), Shape::List(want)) => agrees(have, want),
        (have, want) if want.is_text() => have.is_text(),
        (have, want) => assignable(have, want).is_ok(),
    }
}

fn place(given: &Given) -> Span {
    match given {
        Given::Scalar(scalar) => whole(scalar),
        Given::List(_, span) | Given::Object(_, span) => *span,
        Given::Each(each) => each.span,
        Given::Use(put) => put.span,
    }
}
