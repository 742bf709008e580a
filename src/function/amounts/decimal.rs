//! `decimal`: text or an amount as a plain exact number.

use crate::{
    function::{Args, Function, Param, Takes, args::expected},
    money,
    shape::Shape,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "decimal",
    "Text or an amount as a plain exact number of at most 28 digits.",
    &[Param::needed("value", Takes::TEXT.or(Takes::QUANTITY))],
    |_| Shape::Number,
    run,
)
.examples(&[("'12.5000' | decimal", "12.5000"), ("('12.50' | money('GBP')) | decimal + 1", "13.50")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    match args.value(0) {
        Value::Number(number) => number.exact().map(Value::from),
        Value::Money(money) => Ok(money.amount.into()),
        Value::Text(text) => money::decimal(text.trim()).map(Value::from).map_err(|error| error.to_string()),
        other => Err(expected("text or number", other)),
    }
}
