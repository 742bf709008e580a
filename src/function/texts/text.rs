//! `text`: a scalar as text.

use crate::{
    function::{Args, Function, Param, Takes, args::expected},
    shape::Shape,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "text",
    "The number, amount or boolean as text, digits as they are.",
    &[Param::needed("value", Takes::TEXT.or(Takes::QUANTITY).or(Takes::BOOL))],
    |_| Shape::TEXT,
    run,
)
.examples(&[("12.50 | text", "\"12.50\""), ("(5 | money('GBP')) | text", "\"5.00\"")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    args.value(0)
        .scalar_text()
        .map(Value::from)
        .ok_or_else(|| expected("text, number or boolean", args.value(0)))
}
