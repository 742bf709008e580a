//! One node: its conditions, its elements, what it does, what it expects. In: the tree of a node, on a desk. Out: the
//! checked node; problems at the scalar they belong to. It must never know other flows.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    desk::{Desk, is_readable},
    sheet::Sheet,
};
use crate::{
    flow::{self, Each, Kind, Node, NodeId, Slots, Work},
    problem::{Problem, codes},
    shape::{Object, Shape},
    source::Name,
    syntax::ast,
};

/// Checks the node at that place; `done` are the nodes before it in the plan. Also which kind of personal data all of it is.
pub(super) fn node(
    sheet: &Sheet<'_>,
    place: usize,
    done: &[Node],
    desk: &mut Desk<'_>,
) -> (Node, Option<Arc<str>>) {
    let ast = &sheet.ast.nodes[place];
    let (mark, granted) = (desk.enter(), desk.granted());
    let when = when(sheet, ast);
    grant(&when, &sheet.order.gates[place], sheet, done, desk);
    let condition = ast.condition.as_ref().map(|scalar| desk.condition(scalar));
    if let Some(condition) = &condition {
        desk.assume(condition);
    }
    let at = at(ast, desk);
    let each = ast.each.as_ref().map(|each| elements(each, desk));
    if let Some(filter) = each.as_ref().and_then(|(each, ..)| each.filter.as_ref()) {
        desk.assume(filter);
    }
    let (mut work, one, personal) = work(sheet, ast, desk);
    until(ast, (&one, personal.clone()), &mut work, desk);
    let (expect, warn) = own(ast, (&one, personal.clone()), desk);
    desk.forget(granted);
    desk.leave(mark);
    let shape = whole(each.as_ref().map(|(_, item, key)| (item, key)), one);
    let edges = &sheet.edges[place];
    let ids = |places: &mut dyn Iterator<Item = &usize>| -> Vec<NodeId> {
        let mut ids: Vec<NodeId> = places.map(|place| sheet.numbers[*place]).collect();
        ids.sort_unstable();
        ids
    };
    let node = Node {
        name: Arc::clone(&ast.name.value),
        title: ast.title.as_ref().map(|title| Arc::clone(&title.value)),
        kind: kind(ast.kind.value),
        place,
        mentions: ids(&mut edges.mentions.iter()),
        after: ids(&mut edges.after.iter()),
        when,
        gates: ids(&mut sheet.order.gates[place].iter()),
        condition,
        at,
        each: each.map(|(each, ..)| each),
        work,
        expect,
        warn,
        shape,
    };
    (node, personal)
}

/// `at:` and `late:`; the element is not in scope.
fn at(ast: &ast::Node, desk: &mut Desk<'_>) -> Option<flow::At> {
    let ast::Work::Call(call) = &ast.work else { return None };
    let instant = desk.instant(call.timing.at.as_ref()?);
    Some(flow::At { instant, late: call.timing.late.as_ref().map(|late| late.value) })
}

/// `until:`, `every:`, `for:` of a read: what it gave is `result`, with `each` what this element gave.
fn until(ast: &ast::Node, (one, personal): (&Shape, Option<Arc<str>>), work: &mut Work, desk: &mut Desk<'_>) {
    let (ast::Work::Call(tree), Work::Call(call)) = (&ast.work, work) else { return };
    let ast::Timing { until: Some(that), every: Some(every), within: Some(within), .. } = &tree.timing else {
        return;
    };
    let mark = result(ast, (one, personal), desk);
    call.until = Some(flow::Until { that: desk.condition(that), every: every.value, within: within.value });
    desk.leave(mark);
    desk.show();
}

/// What the node itself gave is `result`; its name is not in scope.
fn result(ast: &ast::Node, (one, personal): (&Shape, Option<Arc<str>>), desk: &mut Desk<'_>) -> usize {
    desk.hide(&ast.name.value);
    let mark = desk.enter();
    desk.name("result", Slots::RESULT, one.clone());
    desk.set_personal(Slots::RESULT, personal);
    mark
}

/// What holds while the node runs: the conditions under which the decisions before it came out as they did.
fn grant(
    when: &[(NodeId, Vec<Arc<str>>)],
    gates: &[usize],
    sheet: &Sheet<'_>,
    done: &[Node],
    desk: &mut Desk<'_>,
) {
    for (decision, outcomes) in when {
        let Some(decided) = done.get(usize::from(*decision)) else { continue };
        if let ([outcome], Work::Decide(decide)) = (outcomes.as_slice(), &decided.work) {
            came_out(decide, outcome, desk);
            if let Some(condition) = &decided.condition {
                desk.assume(condition);
            }
        }
    }
    for gate in gates.iter().filter_map(|gate| done.get(usize::from(sheet.numbers[*gate]))) {
        let always = gate.when.is_empty() && gate.condition.is_none();
        let Work::Decide(decide) = &gate.work else { continue };
        let open: Vec<&Arc<str>> = decide.outcomes().filter(|outcome| !decide.stops(outcome)).collect();
        if let ([outcome], true) = (open.as_slice(), always) {
            came_out(decide, outcome, desk);
        }
    }
}

fn came_out(decide: &flow::Decide, outcome: &Arc<str>, desk: &mut Desk<'_>) {
    if let Some((_, condition)) = decide.choose.iter().find(|(name, _)| name == outcome) {
        desk.assume(condition);
    }
}

fn kind(kind: ast::Kind) -> Kind {
    match kind {
        ast::Kind::Extract => Kind::Extract,
        ast::Kind::Transform => Kind::Transform,
        ast::Kind::Decision => Kind::Decision,
        ast::Kind::Action => Kind::Action,
        ast::Kind::Writeback => Kind::Writeback,
    }
}

/// The list, its element in scope; the shapes of element and key.
fn elements(each: &ast::NodeEach, desk: &mut Desk<'_>) -> (Each, Shape, Option<Shape>) {
    let (list, item, personal) = desk.list(&each.list);
    let slot = desk.bind_new(&each.name, item.clone());
    let scalar = matches!(item.present(), Shape::Text(_) | Shape::Enum(_)) || item.present().is_number();
    if each.by.is_none() && each.apart.is_none() && scalar {
        let help = "give the node a `by:`: without it the element is its own key";
        desk.in_the_clear(&each.list, personal.as_ref(), ("the key of an element", help));
    }
    desk.set_personal(slot, personal.map(|mention| mention.kind));
    let filter = each.filter.as_ref().map(|scalar| desk.condition(scalar));
    let by = each.by.as_ref().map(|scalar| desk.key(scalar));
    let apart = each.apart.as_ref().map(|scalar| desk.key(scalar));
    for (scalar, template) in [(&each.by, &by), (&each.apart, &apart)] {
        let (Some(scalar), Some(template)) = (scalar, template) else { continue };
        if is_readable(template) && !template.roots().any(|(found, ..)| found == slot) {
            let message = format!("this key is the same for every `{}`", each.name.value);
            let problem = Problem::error(codes::SAME_KEY, super::desk::whole(scalar), message);
            desk.problems.add(problem.help(format!("make it of `{}`", each.name.value)));
        }
    }
    let key = by.is_some().then_some(Shape::Any);
    (Each { list, slot, filter, by, apart }, item, key)
}

/// What a node gives, from what one element gives.
fn whole(each: Option<(&Shape, &Option<Shape>)>, one: Shape) -> Shape {
    match each {
        None => one,
        Some((_, None)) => one.list(),
        Some((item, Some(key))) => {
            Shape::object([("key", key.clone()), ("item", item.clone()), ("value", one)]).list()
        }
    }
}

/// What a node does, what it gives, and which kind of personal data all of that is.
fn work(sheet: &Sheet<'_>, ast: &ast::Node, desk: &mut Desk<'_>) -> (Work, Shape, Option<Arc<str>>) {
    match &ast.work {
        ast::Work::Map { shape, body } => {
            let want = shape.as_ref().map_or(Shape::Any, |name| record(name, desk));
            let typed = desk.given(body, &want);
            let shape = match shape {
                Some(_) if want == Shape::Any => unknown_record(),
                _ => typed.shape.known_as(&want),
            };
            (Work::Map(typed.mapping), shape, typed.personal)
        }
        ast::Work::Decide(decide) => {
            let (work, shape) = decision(decide, desk);
            (work, shape, None)
        }
        ast::Work::Call(call) => {
            let (work, shape) = super::call::call(sheet, ast, call, desk);
            (work, shape, None)
        }
    }
}

/// A record that is named and of which nothing is known: that is told already, so anything may be asked of it.
fn unknown_record() -> Shape {
    Shape::Object(Arc::new(Object { open: true, sums: Some([].into()), ..Object::default() }))
}

/// The record of `shape:`, as it is written.
fn record(name: &Name, desk: &mut Desk<'_>) -> Shape {
    if let Some(shape) = desk.catalogue.records.get(&name.value) {
        return shape.clone();
    }
    let message = format!("there is no record `{}`", name.value);
    let problem = Problem::error(codes::UNKNOWN_TYPE, name.span, message);
    let names: Vec<&str> = desk.catalogue.records.iter().map(|(name, _)| name).collect();
    desk.problems.add(super::fit::with_near(problem, &name.value, names.into_iter()));
    Shape::Any
}

fn decision(decide: &ast::Decide, desk: &mut Desk<'_>) -> (Work, Shape) {
    let choose: Vec<_> = decide
        .choose
        .iter()
        .map(|(outcome, scalar)| (Arc::clone(&outcome.value), desk.condition(scalar)))
        .collect();
    let mut reasons = |stops: &[(Name, crate::source::Scalar)]| -> BTreeMap<Arc<str>, _> {
        stops.iter().map(|(outcome, scalar)| (Arc::clone(&outcome.value), desk.reason(scalar))).collect()
    };
    let (ignore, reject) = (reasons(&decide.ignore), reasons(&decide.reject));
    let retry =
        decide.retry.as_ref().map(|(every, within)| flow::Retry { every: every.value, within: within.value });
    let decide =
        flow::Decide { choose, otherwise: Arc::clone(&decide.otherwise.value), ignore, reject, retry };
    let shape = Shape::Enum(decide.outcomes().cloned().collect());
    (Work::Decide(decide), shape)
}

/// `expect` and `warn`: the node's own value (or this element's) is `result`; its name is not in scope.
fn own(
    ast: &ast::Node,
    (one, personal): (&Shape, Option<Arc<str>>),
    desk: &mut Desk<'_>,
) -> (Vec<flow::Check>, Vec<flow::Check>) {
    let mark = result(ast, (one, personal), desk);
    let mut checks = |checks: &[ast::Check]| -> Vec<flow::Check> {
        checks
            .iter()
            .map(|check| flow::Check {
                that: desk.condition(&check.that),
                otherwise: desk.reason(&check.otherwise),
            })
            .collect()
    };
    let (expect, warn) = (checks(&ast.expect), checks(&ast.warn));
    desk.leave(mark);
    desk.show();
    (expect, warn)
}

fn when(sheet: &Sheet<'_>, ast: &ast::Node) -> Vec<(NodeId, Vec<Arc<str>>)> {
    ast.when
        .iter()
        .filter_map(|(name, outcomes)| {
            let place = sheet.places.get(&*name.value)?;
            let outcomes = outcomes.iter().map(|outcome| Arc::clone(&outcome.value)).collect();
            Some((sheet.numbers[*place], outcomes))
        })
        .collect()
}
