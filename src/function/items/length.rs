//! `length`: how many.

use crate::{
    function::{Args, Function, Param, Takes, args::expected},
    shape::Shape,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "length",
    "How many elements a list or characters a text has.",
    &[Param::needed("value", Takes::LIST.or(Takes::TEXT))],
    |_| Shape::Int,
    run,
)
.anonymous()
.examples(&[("[1, 2] | length", "2"), ("'é' | length", "1")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let length = match args.value(0) {
        Value::List(items) => items.len(),
        Value::Text(text) => text.chars().count(),
        other => return Err(expected("list or text", other)),
    };
    Ok(Value::from(i64::try_from(length).unwrap_or(i64::MAX)))
}
