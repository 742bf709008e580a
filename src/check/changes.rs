//! `changes:`, held against the record that is really written (FR505). In: the extract that it names, the operation that
//! writes and what it is given. Out: which parameter is compared with which field; problems where a difference would be
//! overlooked, so that something is not sent. It must never know how they are compared.

use std::sync::Arc;

use super::{
    call::split,
    desk::Desk,
    given::Typed,
    sheet::Sheet,
    written::{self, Landing},
};
use crate::{
    connector::Operation,
    flow::{Compared, NodeId},
    problem::{Problem, codes},
    shape::{Object, Shape},
    source::Name,
    syntax::ast::{self, Given, Kind, Work},
};

/// A write that says `changes:`.
pub(super) struct Write<'a> {
    /// The estate's connection.
    pub(super) connection: &'a str,
    pub(super) operation: &'a Operation,
    /// What it is given, as written.
    pub(super) with: &'a [(Name, Given)],
    /// The same, typed.
    pub(super) typed: &'a [(Arc<str>, Typed)],
    /// Whether something is wrong with that, and told.
    pub(super) told: bool,
}

/// What of a write is compared with the record that `read` gave.
pub(super) fn changes(
    sheet: &Sheet<'_>,
    read: &Name,
    write: &Write<'_>,
    desk: &mut Desk<'_>,
) -> Option<(NodeId, Compared)> {
    let found = resolve(sheet, read, write, desk);
    // A record that cannot be compared was meant to be used all the same.
    desk.uses_lost |= found.is_none();
    found
}

fn resolve(
    sheet: &Sheet<'_>,
    read: &Name,
    write: &Write<'_>,
    desk: &mut Desk<'_>,
) -> Option<(NodeId, Compared)> {
    let place = *sheet.places.get(&*read.value)?;
    let problem = |message: String| Problem::error(codes::CHANGES, read.span, message);
    let node = &sheet.ast.nodes[place];
    let extract = node.kind.value == Kind::Extract && node.each.is_none();
    let shape = desk.shape(sheet.slot(place)).present().clone();
    let (Shape::Object(record), true, Work::Call(asked)) = (&shape, extract, &node.work) else {
        if shape != Shape::Any || !extract {
            desk.problems.add(problem(format!("`{}` is no extract of one record", read.value)));
        }
        return None;
    };
    let Some(writes) = &write.operation.writes else { return None };
    if let Some(message) = another(sheet, (read, record, asked), (write.connection, writes)) {
        let help = format!("name the extract that read the `{writes}` which is written here");
        desk.problems.add(problem(message).help(help));
        return None;
    }
    let compared = compared(record, (read, asked), write, desk);
    if !write.told && compared.iter().all(|(_, path)| is_key(record, path)) {
        let message = format!("nothing that is sent has a field in `{}`", read.value);
        let help = "a parameter is compared that the operation puts into a field of its body as it is";
        desk.problems.add(problem(message).help(help));
    }
    Some((sheet.numbers[place], compared))
}

/// That another record was read than is written, in words.
fn another(
    sheet: &Sheet<'_>,
    (read, record, asked): (&Name, &Object, &ast::Call),
    (connection, writes): (&str, &str),
) -> Option<String> {
    let from = sheet.connections.get(&split(&asked.target).0.value)?;
    let Some(name) = &record.name else {
        return Some(format!("nothing says that `{}` is a `{writes}`: it is no record", read.value));
    };
    if written::simple(name) != written::simple(writes) {
        return Some(format!("`{}` is a `{name}`, and this writes a `{writes}`", read.value));
    }
    (**from != *connection)
        .then(|| format!("`{}` was read from `{from}`, and this writes to `{connection}`", read.value))
}

/// Parameters and the fields with which they are compared; a problem at each whose difference would be overlooked.
fn compared(
    record: &Arc<Object>,
    (read, asked): (&Name, &ast::Call),
    write: &Write<'_>,
    desk: &mut Desk<'_>,
) -> Compared {
    let landings = written::landings(write.operation);
    let whole = Shape::Object(Arc::clone(record));
    let mut compared = Compared::new();
    for (name, given) in write.with {
        if !write.operation.with.iter().any(|(known, _)| *known == name.value) {
            continue; // that is told already
        }
        let of: Vec<&Landing> = landings.iter().filter(|landing| landing.parameter == name.value).collect();
        let lost = of.iter().find_map(|landing| missing(&whole, landing, write.typed));
        let own = || record.fields.contains_key(&name.value);
        let alike =
            || asked.with.iter().any(|(known, value)| known.value == name.value && same(value, given));
        let message = match lost {
            Some(field) => {
                format!("`{}` does not have `{field}`, which is sent here: it would never agree", read.value)
            }
            None if !of.is_empty() => {
                let paths = of.iter().map(|landing| (Arc::clone(&name.value), landing.path.clone()));
                compared.extend(paths);
                continue;
            }
            None if own() => {
                compared.push((Arc::clone(&name.value), vec![Arc::clone(&name.value)]));
                continue;
            }
            None if alike() || !written::is_sent(write.operation, &name.value) => continue,
            None => format!(
                "`{}` is not compared with `{}`: if only it differs, nothing is sent",
                name.value, read.value
            ),
        };
        let help = format!(
            "what is compared becomes a field as it is (`body: {{ field: \"{{{{ with.{0} }}}}\" }}`); what only says which record it is, `{1}` must have been asked with the same `{0}`",
            name.value, read.value
        );
        desk.problems.add(Problem::error(codes::CHANGES, name.span, message).help(help));
    }
    compared
}

/// A field that is sent and that the record which was read does not have.
fn missing(record: &Shape, landing: &Landing, typed: &[(Arc<str>, Typed)]) -> Option<Arc<str>> {
    if !landing.path.is_empty() {
        return written::field_at(record, &landing.path).is_none().then(|| landing.path.join(".").into());
    }
    let (_, sent) = typed.iter().find(|(name, _)| *name == landing.parameter)?;
    let (Shape::Object(sent), Shape::Object(record)) = (sent.shape.present(), record) else { return None };
    sent.fields.keys().find(|name| !record.fields.contains_key(*name)).cloned()
}

fn is_key(record: &Arc<Object>, path: &[Arc<str>]) -> bool {
    let field = written::field_at(&Shape::Object(Arc::clone(record)), path);
    field.is_some_and(|field| field.key)
}

/// Whether two values are written alike.
fn same(one: &Given, two: &Given) -> bool {
    match (one, two) {
        (Given::Scalar(one), Given::Scalar(two)) => {
            one.text.split_whitespace().eq(two.text.split_whitespace())
        }
        _ => false,
    }
}
