//! Functions and tests.

use std::sync::Arc;

use super::{Context, Result, Root, Val, fail, given, path};
use crate::{
    expr::{
        Error, Slot,
        node::{Kind, Node},
    },
    function::{Arg, Args, Function, Run, Test},
    money::Rounding,
    shape::Part,
    value::{self, Arithmetic, JsonPath, Value},
};

/// A plain function. `first`: the element it is mapped over; then `args` begin with its second parameter.
pub(super) fn call<'a>(
    node: &'a Node,
    function: &Function,
    first: Option<&Value>,
    args: &'a [Option<Node>],
    cx: &Context<'a>,
) -> Result<'a> {
    let mut values: Vec<Option<Val<'a>>> = Vec::with_capacity(args.len());
    for arg in args {
        values.push(match arg {
            None | Some(Node { kind: Kind::Attribute(_), .. }) => None,
            Some(arg) => Some(given(arg, cx)?),
        });
    }
    let arguments: Vec<Arg<'_>> = first
        .map(Arg::Value)
        .into_iter()
        .chain(args.iter().zip(&values).map(|(arg, value)| match (arg, value) {
            (Some(Node { kind: Kind::Attribute(path), .. }), _) => Arg::Path(path),
            (_, Some(value)) => Arg::Value(value.value()),
            _ => Arg::None,
        }))
        .collect();
    for argument in &arguments {
        if let Arg::Value(value) = argument {
            cx.pay(weight(value), node)?;
        }
    }
    apply(node, function, &arguments, cx).map(Val::Own)
}

/// Runs a plain function on values.
pub(super) fn apply(
    node: &Node,
    function: &Function,
    arguments: &[Arg<'_>],
    cx: &Context<'_>,
) -> std::result::Result<Value, Error> {
    let Run::Plain(run) = function.run else {
        return Err(fail(node, format!("`{}` cannot be called here", function.name)));
    };
    let value =
        run(&Args(arguments)).map_err(|refusal| fail(node, format!("`{}`: {refusal}", function.name)))?;
    if let Value::List(items) = &value {
        cx.check_items(items.len(), node)?;
    }
    Ok(value)
}

/// What looking at a value costs.
pub(super) fn weight(value: &Value) -> u64 {
    match value {
        Value::Text(text) => 1 + text.len() as u64 / 64,
        Value::List(items) => 1 + items.len() as u64,
        Value::Map(map) => 1 + map.len() as u64,
        _ => 1,
    }
}

pub(super) fn test<'a>(
    node: &'a Node,
    value: &'a Node,
    test: &Test,
    than: Option<&'a Node>,
    cx: &Context<'a>,
) -> Result<'a> {
    let value = if test.takes_missing() { path::lenient(value, cx)? } else { Some(given(value, cx)?) };
    let than = than.map(|than| given(than, cx)).transpose()?;
    let than = than.as_ref().map_or(&Value::Null, Val::value);
    test.holds(value.as_ref().map(Val::value), than).map(Val::from).map_err(|refusal| fail(node, refusal))
}

pub(super) fn json_path<'a>(
    node: &'a Node,
    value: &'a Node,
    path: &JsonPath,
    cx: &Context<'a>,
) -> Result<'a> {
    let value = given(value, cx)?;
    let found =
        path.select(value.value(), cx.limits.places).map_err(|error| fail(node, error.to_string()))?;
    cx.pay(found.len() as u64, node)?;
    cx.check_items(found.len(), node)?;
    Ok(Val::Own(Value::list(found.into_iter().cloned())))
}

pub(super) fn failed_of<'a>(node: &'a Node, slot: Slot, cx: &Context<'a>) -> Result<'a> {
    match cx.root(slot) {
        Root::Apart { failed, .. } => Ok(Val::Ref(failed)),
        Root::Value(_) => Ok(Val::Own(Value::list([]))),
        Root::Skipped | Root::Unset => {
            Err(fail(node, "the node was skipped: use `first_of(…)` or `| default(…)`"))
        }
    }
}

/// The sum of a record's declared parts; parts that are not there count as nothing.
pub(super) fn tie_out<'a>(
    node: &'a Node,
    record: &'a Node,
    parts: Option<&Arc<[Part]>>,
    cx: &Context<'a>,
) -> Result<'a> {
    let Some(parts) = parts else {
        return Err(fail(node, "the record's schema does not say what it adds up to"));
    };
    let record = given(record, cx)?;
    let mut total = Value::from(0_i64);
    for part in parts.iter() {
        let mut amounts = Vec::new();
        collect(record.value(), &part.path, &mut amounts);
        cx.pay(amounts.len() as u64, node)?;
        let operator = if part.minus { Arithmetic::Subtract } else { Arithmetic::Add };
        for amount in amounts {
            total = operator
                .apply(&total, amount)
                .map_err(|refusal| fail(node, format!("{}: {refusal}", part.path.join("."))))?;
        }
    }
    Ok(Val::Own(total))
}

fn collect<'v>(value: &'v Value, path: &[Arc<str>], out: &mut Vec<&'v Value>) {
    match (value, path.split_first()) {
        (Value::List(items), _) => items.iter().for_each(|item| collect(item, path, out)),
        (Value::Null, _) => {}
        (_, Some((name, rest))) => value.get(name).into_iter().for_each(|member| collect(member, rest, out)),
        (_, None) => out.push(value),
    }
}

/// `round(a / b, digits, mode)`: the exact quotient, rounded once.
pub(super) fn rounded_division<'a>(
    node: &'a Node,
    sides: &'a [Node; 2],
    [digits, mode]: [Option<&'a Node>; 2],
    cx: &Context<'a>,
) -> Result<'a> {
    let told = |refusal: String| fail(node, format!("`round`: {refusal}"));
    let (left, right) = (given(&sides[0], cx)?, given(&sides[1], cx)?);
    let digits = digits.map(|digits| given(digits, cx)).transpose()?;
    let mode = mode.map(|mode| given(mode, cx)).transpose()?;
    let arguments =
        [&digits, &mode].map(|given| given.as_ref().map_or(Arg::None, |value| Arg::Value(value.value())));
    let arguments = Args(&arguments);
    let digits = arguments.digits(0).map_err(told)?;
    let mode: Rounding = arguments.rounding(1).map_err(told)?;
    value::divide_rounded(left.value(), right.value(), digits, mode).map(Val::Own).map_err(told)
}
