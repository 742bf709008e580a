//! Sub-resources: sublists, their lines, subrecords, references, by their own addresses.
//!
//! In: a [`Call`] below a record. Out: a part of the record; a PATCH becomes a change of the whole record. It must never
//! store anything itself.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{
    Account,
    http::{COLLECTION, Call, Problem, Reply, SINGULAR},
    output::{Output, line_key},
    schema::{Def, Field, Kind},
    service::{self, Address},
    store::{Record, Store},
};

/// Answers a call on `path` below a record; `path` is not empty.
pub(crate) fn serve(
    account: &Account,
    store: &mut Store,
    call: &Call,
    def: &Def,
    place: (&Address, &[String]),
) -> Result<Reply, Problem> {
    let (at, path) = place;
    let record = at.find(store, &def.name)?;
    let field = def.field(&path[0]).ok_or_else(Problem::missing)?;
    match call.method {
        Method::GET => read(account, store, call, (record, def, field), &path[1..]),
        Method::PATCH | Method::POST => {
            let body = nested(account, call, record, field, &path[1..])?;
            let mut whole = Map::new();
            whole.insert(field.name.clone(), body);
            let id = record.id;
            service::write(account, store, call, (def, Some(id), &whole))
        }
        _ => Err(Problem::method()),
    }
}

fn read(
    account: &Account,
    store: &Store,
    call: &Call,
    place: (&Record, &Def, &Field),
    rest: &[String],
) -> Result<Reply, Problem> {
    let (record, def, field) = place;
    let shape = service::shape(call, def)?;
    let output = Output { store, schema: &account.schema, base: &call.base, shape };
    let whole = output.whole(record);
    let href = format!("{}/{}", output.href(&record.kind, record.id), field.name);
    let schema = &account.schema;
    match (&field.kind, whole.get(&field.name)) {
        (Kind::List(lines), value) => {
            let none = Vec::new();
            let all = value.and_then(Value::as_array).unwrap_or(&none);
            let lines = schema.def(lines);
            let Some((key, rest)) = rest.split_first() else {
                return Ok(Reply::ok(output.list(lines, all, &href), COLLECTION));
            };
            let line = find(lines, all, key).ok_or_else(Problem::missing)?;
            let href = format!("{href}/{key}");
            let Some((name, rest)) = rest.split_first() else {
                return Ok(Reply::ok(output.part(lines, line, &href), SINGULAR));
            };
            let inner = lines.field(name).ok_or_else(Problem::missing)?;
            match (&inner.kind, line.get(&inner.name), rest) {
                (Kind::Part(part), Some(Value::Object(map)), []) => {
                    let href = format!("{href}/{}", inner.name);
                    Ok(Reply::ok(output.part(schema.def(part), map, &href), SINGULAR))
                }
                _ => Err(Problem::missing()),
            }
        }
        (Kind::Part(part), Some(Value::Object(map))) if rest.is_empty() => {
            Ok(Reply::ok(output.part(schema.def(part), map, &href), SINGULAR))
        }
        (Kind::Ref(target), Some(Value::String(id))) if rest.is_empty() => {
            let found = id.parse().ok().and_then(|id| store.resolve(schema, target, id));
            Ok(Reply::ok(output.record(found.ok_or_else(Problem::missing)?), SINGULAR))
        }
        _ => Err(Problem::missing()),
    }
}

fn find<'l>(def: &Def, lines: &'l [Value], key: &str) -> Option<&'l Map<String, Value>> {
    lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, line.as_object()?)))
        .find(|(at, line)| line_key(def, line, *at).eq_ignore_ascii_case(key))
        .map(|(_, line)| line)
}

/// The value of the whole field that means the same as this PATCH of a part of it.
fn nested(
    account: &Account,
    call: &Call,
    record: &Record,
    field: &Field,
    rest: &[String],
) -> Result<Value, Problem> {
    let body = call.object()?;
    match (&field.kind, rest) {
        (Kind::List(_), []) if call.method == Method::POST => Ok(json!({ "items": [body] })),
        (Kind::Part(_) | Kind::List(_), []) => Ok(Value::Object(body)),
        (Kind::List(lines), [key, rest @ ..]) if call.method == Method::PATCH => {
            let def = account.schema.def(lines);
            let all = record.body.get(&field.name).and_then(Value::as_array);
            let known = all.is_some_and(|all| find(def, all, key).is_some());
            let Some(name) = def.key.as_deref().filter(|name| known || *name == "cell") else {
                return Err(Problem::missing());
            };
            let mut line = match rest {
                [] => body,
                [inner] => {
                    let inner = def.field(inner).ok_or_else(Problem::missing)?;
                    [(inner.name.clone(), Value::Object(body))].into_iter().collect()
                }
                _ => return Err(Problem::missing()),
            };
            if name == "cell" {
                cell(key, &mut line).ok_or_else(Problem::missing)?;
            } else {
                line.insert(name.to_owned(), json!(key));
            }
            Ok(json!({ "items": [line] }))
        }
        _ => Err(Problem::method()),
    }
}

/// Reads `currencypage=1,pricelevel=1,quantity=10`.
fn cell(key: &str, line: &mut Map<String, Value>) -> Option<()> {
    for part in key.split(',') {
        let (name, value) = part.split_once('=')?;
        let (name, value) = match name.to_ascii_lowercase().as_str() {
            "currencypage" => ("currencyPage", json!(value)),
            "pricelevel" => ("priceLevel", json!(value)),
            "quantity" => ("quantity", json!(value.parse::<i64>().ok()?)),
            _ => return None,
        };
        line.insert(name.into(), value);
    }
    Some(())
}
