//! `abs`: without the sign.

use crate::{
    function::{Args, Function, Param, Takes, given},
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "abs",
    "The number or amount without its sign.",
    &[Param::needed("value", Takes::QUANTITY)],
    |args| given(args, 0),
    run,
)
.examples(&[("-3.50 | abs", "3.50"), ("abs(2)", "2")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let quantity = args.quantity(0)?;
    Ok(quantity.with(quantity.digits.abs()))
}
