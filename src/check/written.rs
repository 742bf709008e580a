//! What operations write, held against the record that they say they write. In: trees of connectors, and the connectors made
//! of them. Out: problems at the key or value of a body; what record field a parameter becomes, and so what it must look
//! like. It must never know flows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    catalogue::{Catalogue, settings_shape},
    desk::Desk,
    given,
};
use crate::{
    connector::{Asked, Connector, Method, Operation, Param, slot},
    expr::{Mapping, Template},
    problem::Problems,
    shape::{Field, Object, Shape, TextShape, Wire},
    syntax::{ast::Given, connector as ast},
};

/// Holds the bodies of all writes of these connectors against their records. Connectors with errors are left out.
pub fn operations<'a>(
    files: impl Iterator<Item = &'a ast::Connector>,
    connectors: &BTreeMap<Arc<str>, Arc<Connector>>,
    catalogue: &Catalogue,
    problems: &mut Problems,
) {
    for file in files.filter(|file| !problems.has_errors_in(file.name.span.file)).collect::<Vec<_>>() {
        let Some(connector) = connectors.get(&file.name.value) else { continue };
        let settings = settings_shape(connector);
        for written in &file.operations {
            if let Some(operation) = connector.operations.get(&written.name.value) {
                bodies(written, (operation, &settings), catalogue, problems);
            }
        }
    }
}

fn bodies(
    file: &ast::Operation,
    (operation, settings): (&Operation, &Shape),
    catalogue: &Catalogue,
    problems: &mut Problems,
) {
    let Some(record) = operation.writes.as_ref().and_then(|name| catalogue.records.get(name)) else { return };
    let mut desk = Desk::new(catalogue, problems);
    let param = |param: &Param| given::written(&as_sent(&param.shape));
    let with = operation.with.iter().map(|(name, of)| (Arc::clone(name), param(of)));
    desk.name("settings", slot::SETTINGS, settings.clone());
    desk.name("with", slot::WITH, Shape::object(with));
    desk.name("batch", slot::BATCH, Shape::Any);
    for (step, slot) in operation.steps.iter().zip(slot::STEPS..) {
        desk.name(&step.name, slot, Shape::Any);
    }
    for (call, step) in file.calls.iter().zip(&operation.steps) {
        let (Asked::Http { method, .. }, Some(body)) = (&step.ask, &call.body) else { continue };
        let record = as_sent(record);
        let whole = if *method == Method::Post { record } else { partial(&record) };
        let wanted = if matches!(body, Given::List(..)) { whole.list() } else { whole };
        desk.given(body, &wanted);
    }
}

/// A parameter that becomes a field of the record that is written.
#[derive(Debug)]
pub(super) struct Landing {
    pub(super) parameter: Arc<str>,
    /// Member names in the record; empty: it is the record.
    pub(super) path: Vec<Arc<str>>,
}

/// The parameters of an operation that are sent as they are, and where in its body.
pub(super) fn landings(operation: &Operation) -> Vec<Landing> {
    let mut found = Vec::new();
    for body in sent(operation) {
        land(body, &mut Vec::new(), &mut found);
    }
    found
}

/// Whether a parameter is worked into a body, or makes a part of a path.
pub(super) fn is_sent(operation: &Operation, parameter: &str) -> bool {
    let mentions = |template: &&Template| {
        template
            .reads()
            .iter()
            .any(|read| read.slot == slot::WITH && read.path.first().is_none_or(|name| &**name == parameter))
    };
    let in_path = operation.steps.iter().any(|step| match &step.ask {
        Asked::Http { path, .. } => step.has_effect() && path.places().any(|place| &**place == parameter),
        Asked::SuiteQl { .. } => false,
    });
    in_path || sent(operation).any(|body| body.templates().iter().any(mentions))
}

/// The fields of its record that an operation writes; none: nothing says which.
pub(super) fn fields(operation: &Operation) -> Option<BTreeSet<&str>> {
    let mut fields = BTreeSet::new();
    for body in sent(operation) {
        let Mapping::Object(members) = body else { return None };
        fields.extend(members.iter().map(|(name, _)| &**name));
    }
    (!fields.is_empty()).then_some(fields)
}

fn sent(operation: &Operation) -> impl Iterator<Item = &Mapping> {
    operation.steps.iter().filter(|step| step.has_effect()).filter_map(|step| match &step.ask {
        Asked::Http { body, .. } => body.as_ref(),
        Asked::SuiteQl { .. } => None,
    })
}

fn land(body: &Mapping, path: &mut Vec<Arc<str>>, found: &mut Vec<Landing>) {
    match body {
        Mapping::Object(members) => {
            for (name, member) in members {
                path.push(Arc::clone(name));
                land(member, path, found);
                path.pop();
            }
        }
        Mapping::Template(template) => {
            let Some(parameter) = passed_on(template.text()) else { return };
            if !found.iter().any(|known| &*known.parameter == parameter && known.path == *path) {
                found.push(Landing { parameter: parameter.into(), path: path.clone() });
            }
        }
        _ => {}
    }
}

/// The parameter of `{{ with.x }}` and of `{{ with.x | default(omit) }}`.
fn passed_on(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let name = inner.strip_prefix("with.")?;
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(name.len());
    let (name, rest) = name.split_at(end);
    let rest: String = rest.split_whitespace().collect();
    matches!(&*rest, "" | "|default(omit)").then_some(name)
}

/// What the parameters of an operation must look like: as its connector says, and as the record that is written wants them.
pub(super) fn parameters(operation: &Operation, catalogue: &Catalogue) -> Vec<(Arc<str>, Shape)> {
    let record = operation.writes.as_ref().and_then(|name| catalogue.records.get(name));
    let landings = if record.is_some() { landings(operation) } else { Vec::new() };
    let shape = |(name, param): &(Arc<str>, Param)| {
        let mut shape = param.shape.clone();
        for landing in landings.iter().filter(|landing| landing.parameter == *name) {
            let Some(record) = record else { continue };
            shape = match field_at(record, &landing.path) {
                Some(field) if field.wire == Wire::Plain => both(&shape, &field.shape),
                _ => shape,
            };
        }
        (Arc::clone(name), shape)
    };
    operation.with.iter().map(shape).collect()
}

/// The field that a path leads to; of an empty path the record itself, of which only a part may be given.
pub(super) fn field_at(record: &Shape, path: &[Arc<str>]) -> Option<Field> {
    let mut field = Field::required(record.clone());
    for name in path {
        let Shape::Object(object) = field.shape.present() else { return None };
        field = object.fields.get(name)?.clone();
    }
    Some(if path.is_empty() { Field::required(partial(&field.shape)) } else { field })
}

/// What fits a parameter and the field that it becomes: the field where the connector says less than the record.
fn both(param: &Shape, field: &Shape) -> Shape {
    match (param, field.present()) {
        (Shape::Any, field) => field.clone(),
        (Shape::Optional(param), field) => both(param, field).optional(),
        (Shape::Text(_), Shape::Enum(_))
        | (Shape::Number, Shape::Int | Shape::Rate | Shape::Money(_))
        | (Shape::Rate, Shape::Money(_)) => field.present().clone(),
        (Shape::Text(one), Shape::Text(two)) => Shape::Text(TextShape {
            max_len: one.max_len.into_iter().chain(two.max_len).min(),
            format: one.format.clone().or_else(|| two.format.clone()),
        }),
        _ => param.clone(),
    }
}

/// A record as a connector's body gives it: as its platform writes it, without what only the platform writes.
fn as_sent(shape: &Shape) -> Shape {
    match shape {
        Shape::Object(object) => {
            let fields = object.fields.iter().map(|(name, field)| {
                let shape = match field.wire {
                    Wire::Plain => as_sent(&field.shape),
                    Wire::Unix => on_the_wire(&field.shape, Shape::Int),
                    _ => on_the_wire(&field.shape, Shape::TEXT),
                };
                (Arc::clone(name), Field { shape, ..field.clone() })
            });
            Shape::Object(Arc::new(Object { fields: fields.collect(), ..Object::clone(object) }))
        }
        Shape::List(element) => as_sent(element).list(),
        Shape::Optional(inner) => as_sent(inner).optional(),
        Shape::Money(_) | Shape::Rate => Shape::Number,
        other => other.clone(),
    }
}

fn on_the_wire(shape: &Shape, wire: Shape) -> Shape {
    if shape.may_miss() { wire.optional() } else { wire }
}

/// A record of which only a part is sent: what it has already may be left out. What stands in it is whole.
fn partial(record: &Shape) -> Shape {
    let Shape::Object(object) = record else { return record.clone() };
    let fields = object
        .fields
        .iter()
        .map(|(name, field)| (Arc::clone(name), Field { required: false, ..field.clone() }));
    Shape::Object(Arc::new(Object { fields: fields.collect(), ..Object::clone(object) }))
}

/// A record's name without its system and view: `orderHead` is a view of `order`.
pub(super) fn simple(record: &str) -> &str {
    let name = record.rsplit('.').next().unwrap_or(record);
    name.strip_suffix("Head").unwrap_or(name)
}
