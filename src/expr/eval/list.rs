//! Forms that walk a list.

use super::{Context, Result, Val, call, fail, given};
use crate::{
    expr::{
        Error,
        node::{Attribute, Kind, Node, Select, Step},
    },
    function::{Arg, Function},
    value::Value,
};

/// The elements of a list.
fn items<'v>(node: &Node, list: &'v Val<'_>, cx: &Context<'_>) -> std::result::Result<&'v [Value], Error> {
    let items = list.value().as_list().ok_or_else(|| {
        let found = list.value();
        let help = if found.is_null() { ": give it one with `| default([])`" } else { "" };
        fail(node, format!("expected list, found {}{help}", found.kind()))
    })?;
    cx.pay(items.len() as u64, node)?;
    Ok(items)
}

pub(super) fn slice<'a>(
    node: &'a Node,
    [base, from, to]: [Option<&'a Node>; 3],
    cx: &Context<'a>,
) -> Result<'a> {
    let Some(base) = base else { return Ok(Val::null()) };
    let bound = |bound: Option<&'a Node>| match bound {
        None => Ok(None),
        Some(bound) => match given(bound, cx)?.value().as_i64() {
            Some(at) => Ok(Some(at)),
            None => Err(fail(bound, "a bound of a slice is a whole number")),
        },
    };
    let (from, to) = (bound(from)?, bound(to)?);
    let base = given(base, cx)?;
    let range = |length: usize| {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let at = |bound: i64| if bound < 0 { bound.saturating_add(length) } else { bound }.clamp(0, length);
        let (from, to) = (from.map_or(0, at), to.map_or(length, at));
        (usize::try_from(from).unwrap_or(0), usize::try_from(to.max(from)).unwrap_or(0))
    };
    match base.value() {
        Value::List(items) => {
            let (from, to) = range(items.len());
            cx.pay((to - from) as u64, node)?;
            Ok(Val::Own(Value::list(items[from..to].iter().cloned())))
        }
        Value::Text(text) => {
            cx.pay(text.len() as u64 / 64, node)?;
            let (from, to) = range(text.chars().count());
            Ok(Val::Own(text.chars().skip(from).take(to - from).collect::<String>().into()))
        }
        other => Err(fail(node, format!("only a list or a text can be sliced, not {}", other.kind()))),
    }
}

pub(super) fn map_path<'a>(
    node: &'a Node,
    list: &'a Node,
    steps: &'a [Step],
    cx: &Context<'a>,
) -> Result<'a> {
    let list = given(list, cx)?;
    let mut mapped = Vec::new();
    for (index, item) in items(node, &list, cx)?.iter().enumerate() {
        mapped.push(
            super::path::attribute(item, steps)
                .cloned()
                .map_err(|message| fail(node, format!("element [{index}] {message}")))?,
        );
    }
    Ok(Val::Own(mapped.into()))
}

pub(super) fn map_call<'a>(
    node: &'a Node,
    list: &'a Node,
    function: &Function,
    args: &'a [Option<Node>],
    cx: &Context<'a>,
) -> Result<'a> {
    let list = given(list, cx)?;
    let elements = items(node, &list, cx)?;
    let values = args.iter().map(|arg| match arg {
        None | Some(Node { kind: Kind::Attribute(_), .. }) => Ok(None),
        Some(arg) => given(arg, cx).map(Some),
    });
    let values = values.collect::<std::result::Result<Vec<_>, Error>>()?;
    let mut arguments: Vec<Arg<'_>> = vec![Arg::None];
    arguments.extend(args.iter().zip(&values).map(|(arg, value)| match (arg, value) {
        (Some(Node { kind: Kind::Attribute(path), .. }), _) => Arg::Path(path),
        (_, Some(value)) => Arg::Value(value.value()),
        _ => Arg::None,
    }));
    let mut mapped = Vec::with_capacity(elements.len());
    for element in elements {
        cx.pay(call::weight(element), node)?;
        arguments[0] = Arg::Value(element);
        mapped.push(call::apply(node, function, &arguments, cx)?);
    }
    Ok(Val::Own(mapped.into()))
}

pub(super) fn select<'a>(node: &'a Node, select: &'a Select, cx: &Context<'a>) -> Result<'a> {
    let list = given(&select.list, cx)?;
    let than = select.than.as_ref().map(|than| given(than, cx)).transpose()?;
    let than = than.as_ref().map_or(&Value::Null, Val::value);
    let mut kept = Vec::new();
    for (index, item) in items(node, &list, cx)?.iter().enumerate() {
        let value = match &select.attribute {
            Some(attribute) => attribute.path.find(item),
            None => Some(item),
        };
        let holds = match (select.test, value) {
            (Some(test), None) if !test.takes_missing() => {
                let path =
                    select.attribute.as_ref().map(|attribute| attribute.path.to_string()).unwrap_or_default();
                return Err(fail(node, format!("element [{index}] has no `{path}`")));
            }
            (Some(test), value) => test
                .holds(value, than)
                .map_err(|refusal| fail(node, format!("element [{index}]: {refusal}")))?,
            (None, value) => value.is_some_and(Value::truth),
        };
        if holds == select.keep {
            kept.push(item.clone());
        }
    }
    Ok(Val::Own(kept.into()))
}

pub(super) fn find<'a>(
    node: &'a Node,
    list: &'a Node,
    fields: &'a [(Attribute, Node)],
    cx: &Context<'a>,
) -> Result<'a> {
    let list = given(list, cx)?;
    let wanted = fields.iter().map(|(path, value)| Ok((&path.path, given(value, cx)?)));
    let wanted = wanted.collect::<std::result::Result<Vec<_>, Error>>()?;
    let all = items(node, &list, cx)?;
    for (index, item) in all.iter().enumerate() {
        let mut fits = true;
        for (path, value) in &wanted {
            let Some(found) = path.find(item) else {
                fits = false;
                break;
            };
            fits = found
                .same(value.value())
                .map_err(|refusal| fail(node, format!("element [{index}]: {refusal}")))?;
            if !fits {
                break;
            }
        }
        if fits {
            return Ok(match &list {
                Val::Ref(Value::List(items)) => Val::Ref(&items[index]),
                _ => Val::Own(item.clone()),
            });
        }
    }
    Ok(Val::null())
}
