//! `decimal`: text or an amount as a plain exact number.

use crate::{
    function::{Args, Function, Param, Takes, args::expected},
    money::{self, Decimal},
    shape::Shape,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "decimal",
    "Text or an amount as a plain exact number of at most 28 digits.",
    &[Param::needed("value", Takes::TEXT.or(Takes::QUANTITY)).constant(|value| readable(value).map(drop))],
    |_| Shape::Number,
    run,
)
.examples(&[("'12.5000' | decimal", "12.5000"), ("('12.50' | money('GBP')) | decimal + 1", "13.50")]);

/// Text as a decimal; a refusal does not repeat the text, which may be anybody's.
pub(crate) fn read(text: &str) -> Result<Decimal, Refusal> {
    money::decimal(text.trim())
        .map_err(|_| "the text is no exact decimal: expected digits and one point, at most 28 digits".into())
}

/// A number, text or an amount as a plain number.
pub(crate) fn readable(value: &Value) -> Result<Decimal, Refusal> {
    match value {
        Value::Number(number) => number.exact(),
        Value::Money(money) => Ok(money.amount),
        Value::Text(text) => read(text),
        other => Err(expected("text or number", other)),
    }
}

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    readable(args.value(0)).map(Value::from)
}
