//! Steps into values: strict, where a missing step is an error that names it, or lenient, where it is nothing.

use super::{Context, NULL, Result, Root, Val, eval, fail, given};
use crate::{
    expr::{
        Error, Table,
        node::{Kind, Node, Step, Way},
    },
    shape::near,
    value::Value,
};

/// Why a step leads nowhere.
enum Miss {
    /// An object has no such member.
    Member,
    /// A list has no such element.
    Element(usize),
    /// A keyed result has no such key.
    Key,
    /// There is null where a container was expected.
    Null,
    /// A scalar, or a list where an object was expected.
    Kind,
}

/// The value of a path; what is missing is an error.
pub(super) fn strict<'a>(node: &'a Node, cx: &Context<'a>) -> Result<'a> {
    match &node.kind {
        Kind::Path { slot, steps } => match cx.root(*slot) {
            Root::Value(value) | Root::Apart { done: value, .. } => walk(value, steps)
                .map(Val::Ref)
                .map_err(|(at, miss, value)| told(node, &steps[at], &miss, value, cx)),
            Root::Skipped => {
                let message =
                    format!("`{}` was skipped: use `first_of(…)` or `| default(…)`", root_name(node, cx));
                Err(fail(node, message))
            }
            Root::Unset => Err(fail(node, format!("`{}` has no value yet", root_name(node, cx)))),
        },
        Kind::Steps { base, steps } => {
            let base = given(base, cx)?;
            into(base, steps).map_err(|(at, miss, value)| told(node, &steps[at], &miss, &value, cx))
        }
        Kind::Index { base, key } => {
            let before = base;
            let (base, key) = (given(base, cx)?, given(key, cx)?);
            cx.pay(length(base.value()), node)?;
            let step = dynamic(key.value()).map_err(|message| fail(node, message))?;
            into(base, std::slice::from_ref(&step)).map_err(|(_, miss, value)| {
                Error::new(node.place(), words(cx.source(before), &step, &miss, &value))
            })
        }
        Kind::Row { table, keys } => {
            let found = table_of(node, &table.name, cx)?;
            let (key, row) = row(node, found, keys, cx)?;
            row.map(Val::Ref).ok_or_else(|| Error::missing_row(node.place(), &table.name, key))
        }
        Kind::Rows { table } => table_of(node, &table.name, cx).map(|table| Val::Ref(table.all())),
        Kind::Column { table, column } => {
            let table = table_of(node, &table.name, cx)?;
            table.column(&column.name).map(Val::Ref).ok_or_else(|| {
                let nearest = table
                    .nearest_column(&column.name)
                    .map(|name| format!(": did you mean `{name}`?"))
                    .unwrap_or_default();
                fail(node, format!("the table `{}` has no column `{}`{nearest}", table.name, column.name))
            })
        }
        _ => eval(node, cx),
    }
}

/// The value of a node, or nothing if a step of it is missing, its node was skipped or its row is not there.
pub(super) fn lenient<'a>(node: &'a Node, cx: &Context<'a>) -> std::result::Result<Option<Val<'a>>, Error> {
    match &node.kind {
        Kind::Path { slot, steps } => {
            cx.pay(1, node)?;
            match cx.root(*slot) {
                Root::Value(value) | Root::Apart { done: value, .. } => {
                    Ok(walk(value, steps).ok().map(Val::Ref))
                }
                Root::Skipped => Ok(None),
                Root::Unset => strict(node, cx).map(Some),
            }
        }
        Kind::Steps { base, steps } => {
            let Some(base) = lenient(base, cx)? else { return Ok(None) };
            Ok(into(base, steps).ok())
        }
        Kind::Index { base, key } => {
            let (Some(base), Some(key)) = (lenient(base, cx)?, lenient(key, cx)?) else { return Ok(None) };
            cx.pay(length(base.value()), node)?;
            if key.value().is_null() {
                return Ok(None);
            }
            let step = dynamic(key.value()).map_err(|message| fail(node, message))?;
            Ok(into(base, std::slice::from_ref(&step)).ok())
        }
        Kind::Row { table, keys } => {
            let found = table_of(node, &table.name, cx)?;
            for key in keys {
                if lenient(key, cx)?.is_none_or(|key| key.value().is_null()) {
                    return Ok(None);
                }
            }
            Ok(row(node, found, keys, cx)?.1.map(Val::Ref))
        }
        Kind::Find { list, .. } | Kind::MapPath { list, .. } => match lenient(list, cx)? {
            Some(found) if !found.value().is_null() => eval(node, cx).map(Some),
            _ => Ok(None),
        },
        Kind::Select(select) => match lenient(&select.list, cx)? {
            Some(found) if !found.value().is_null() => eval(node, cx).map(Some),
            _ => Ok(None),
        },
        Kind::JsonPath { value, .. } => match lenient(value, cx)? {
            Some(_) => eval(node, cx).map(Some),
            None => Ok(None),
        },
        Kind::Call { args, .. } => match args.first().and_then(Option::as_ref) {
            Some(first)
                if lenient(first, cx)?.is_none_or(|first| first.value().is_null()) && reaches(first) =>
            {
                Ok(None)
            }
            _ => eval(node, cx).map(Some),
        },
        _ => eval(node, cx).map(Some),
    }
}

/// Whether a node looks for something that may not be there.
fn reaches(node: &Node) -> bool {
    matches!(
        node.kind,
        Kind::Path { .. }
            | Kind::Steps { .. }
            | Kind::Index { .. }
            | Kind::Row { .. }
            | Kind::Find { .. }
            | Kind::Call { .. }
            | Kind::MapPath { .. }
            | Kind::Select(_)
    )
}

fn walk<'v>(value: &'v Value, steps: &[Step]) -> std::result::Result<&'v Value, (usize, Miss, &'v Value)> {
    let mut here = value;
    for (at, step) in steps.iter().enumerate() {
        here = take(here, step).map_err(|miss| (at, miss, here))?;
    }
    Ok(here)
}

/// Steps into a value that may be owned.
fn into<'a>(base: Val<'a>, steps: &[Step]) -> std::result::Result<Val<'a>, (usize, Miss, Value)> {
    match base {
        Val::Ref(value) => {
            walk(value, steps).map(Val::Ref).map_err(|(at, miss, value)| (at, miss, value.clone()))
        }
        Val::Own(value) => match walk(&value, steps) {
            Ok(found) => Ok(Val::Own(found.clone())),
            Err((at, miss, value)) => Err((at, miss, value.clone())),
        },
        Val::Omit => Err((0, Miss::Null, Value::Null)),
    }
}

fn take<'v>(value: &'v Value, step: &Step) -> std::result::Result<&'v Value, Miss> {
    let missing = if step.is_known() { Ok(&NULL) } else { Err(Miss::Member) };
    match (value, &step.way) {
        (Value::Map(map), Way::Member(name) | Way::Look(name)) => map.get(name).map_or(missing, Ok),
        (Value::List(items), Way::Look(name)) if has_keys(items) => {
            by_key(items, |key| key.as_str() == Some(name)).ok_or(Miss::Key)
        }
        (Value::List(items), Way::At(at)) if is_keyed(items) => {
            by_key(items, |key| key.as_i64() == Some(*at)).ok_or(Miss::Key)
        }
        (Value::List(items), Way::At(at)) => value.at(*at).ok_or(Miss::Element(items.len())),
        (Value::Null, _) => Err(Miss::Null),
        (Value::Map(map), Way::At(at)) => map.get(at.to_string().as_str()).ok_or(Miss::Member),
        _ => Err(Miss::Kind),
    }
}

/// Whether a list is the result of an `each` with `by`: objects of `key`, `item` and `value`.
fn is_keyed(items: &[Value]) -> bool {
    let members = ["key", "item", "value"];
    matches!(items.first(), Some(Value::Map(map)) if map.len() == members.len() && members.iter().all(|name| map.contains_key(*name)))
}

/// Whether the elements have keys to look for; no element has none.
fn has_keys(items: &[Value]) -> bool {
    items.first().is_none_or(|item| item.get("key").is_some())
}

fn by_key(items: &[Value], is: impl Fn(&Value) -> bool) -> Option<&Value> {
    items.iter().find(|item| item.get("key").is_some_and(&is))
}

fn length(value: &Value) -> u64 {
    value.as_list().map_or(1, |items| items.len() as u64)
}

/// A step by a key that was worked out.
fn dynamic(key: &Value) -> std::result::Result<Step, String> {
    let way = match key {
        Value::Text(name) => Way::Look(name.clone()),
        number @ Value::Number(_) => match number.as_i64() {
            Some(at) => Way::At(at),
            None => return Err("an element is named by a whole number or a text".into()),
        },
        other => {
            return Err(format!("an element is named by a whole number or a text, not {}", other.kind()));
        }
    };
    Ok(Step::new(way, (0, 0)))
}

fn table_of<'a>(node: &Node, name: &str, cx: &Context<'a>) -> std::result::Result<&'a Table, Error> {
    cx.tables.get(name).ok_or_else(|| {
        let nearest =
            cx.tables.nearest(name).map(|name| format!(": did you mean `{name}`?")).unwrap_or_default();
        fail(node, format!("there is no table `{name}`{nearest}"))
    })
}

/// The keys in words, and the row if there is one.
fn row<'a>(
    node: &'a Node,
    table: &'a Table,
    keys: &'a [Node],
    cx: &Context<'a>,
) -> std::result::Result<(String, Option<&'a Value>), Error> {
    let values = keys.iter().map(|key| given(key, cx)).collect::<std::result::Result<Vec<_>, _>>()?;
    let wanted = table.keys().count();
    if wanted != values.len() {
        return Err(fail(
            node,
            format!("the table `{}` has {wanted} key columns, found {} keys", table.name, values.len()),
        ));
    }
    for (column, (key, value)) in table.keys().zip(keys.iter().zip(&values)) {
        let fits = match value.value() {
            Value::Text(_) => column.shape.shape().is_text(),
            Value::Number(_) => column.shape.shape().is_number(),
            Value::Bool(_) => column.shape.shape() == crate::shape::Shape::Bool,
            _ => false,
        };
        if !fits {
            let message = format!(
                "the key `{}` of the table `{}` is {}, found {}",
                column.name,
                table.name,
                column.shape.shape(),
                value.value().kind()
            );
            return Err(fail(key, message));
        }
    }
    let values: Vec<&Value> = values.iter().map(Val::value).collect();
    let words = values.iter().filter_map(|value| value.scalar_text()).collect::<Vec<_>>().join(", ");
    Ok((words, table.row(&values)))
}

fn root_name<'a>(node: &Node, cx: &Context<'a>) -> &'a str {
    let text = cx.source(node);
    text.split(['.', '[']).next().unwrap_or(text).trim()
}

/// The error of a step that leads nowhere.
fn told(node: &Node, step: &Step, miss: &Miss, value: &Value, cx: &Context<'_>) -> Error {
    let before = cx.text.get(node.start as usize..step.start as usize).unwrap_or_default();
    let before = before.trim_end().trim_end_matches(['.', '[']).trim_end();
    let before = if before.is_empty() { cx.source(node) } else { before };
    Error::new((step.start, step.end), words(before, step, miss, value))
}

/// What is missing, in words.
fn words(before: &str, step: &Step, miss: &Miss, value: &Value) -> String {
    let name = match &step.way {
        Way::Member(name) | Way::Look(name) => name.to_string(),
        Way::At(at) => at.to_string(),
    };
    match miss {
        Miss::Member => {
            let keys = value.as_map().into_iter().flat_map(|map| map.keys().map(|key| &**key));
            let nearest =
                near(&name, keys).map(|nearest| format!(": did you mean `{nearest}`?")).unwrap_or_default();
            format!("`{before}` has no `{name}`{nearest}")
        }
        Miss::Element(length) => format!("`{before}` has {length} elements, so no [{name}]"),
        Miss::Key => format!("`{before}` has no element for {name}"),
        Miss::Null => {
            format!("`{before}` is null, so it has no `{name}`: test it first, or use `| default(…)`")
        }
        Miss::Kind if matches!(value, Value::List(_)) => {
            format!(
                "`{before}` is a list, so it has no `{name}`: use `[0]`, `map(attribute='{name}')` or `find(…)`"
            )
        }
        Miss::Kind => format!("`{before}` is {}, so it has no `{name}`", super::article(value)),
    }
}

/// What an attribute path leads to in an element, or what is wrong in words.
pub(super) fn attribute<'v>(item: &'v Value, steps: &[Step]) -> std::result::Result<&'v Value, String> {
    walk(item, steps).map_err(|(at, miss, value)| {
        let name = |step: &Step| match &step.way {
            Way::Member(name) | Way::Look(name) => name.to_string(),
            Way::At(at) => format!("[{at}]"),
        };
        let path = steps[..=at].iter().map(name).collect::<Vec<_>>().join(".").replace(".[", "[");
        match miss {
            Miss::Null => format!("has null before `{path}`"),
            Miss::Member => {
                let keys = value.as_map().into_iter().flat_map(|map| map.keys().map(|key| &**key));
                let nearest = near(&name(&steps[at]), keys)
                    .map(|nearest| format!(": did you mean `{nearest}`?"))
                    .unwrap_or_default();
                format!("has no `{path}`{nearest}")
            }
            _ => format!("has no `{path}`"),
        }
    })
}
