//! `round`: the only way digits are dropped.

use crate::{
    function::{Args, Function, Param, Takes, args::DIGITS, given, quantity},
    money::{self, Rounding},
    shape::Shape,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "round",
    "The number with so many digits after the point; an amount with those of its currency unless `digits` says otherwise. \
     The mode is half_up (the middle goes away from zero), half_even, down, up, floor or ceiling. A division stands inside: \
     `round(a / b, 2)` rounds the exact quotient once.",
    &[
        Param::needed("value", Takes::QUANTITY),
        DIGITS,
        Param::word("mode", Rounding::NAMES),
    ],
    |args| match quantity(&given(args, 0)) {
        Shape::Number if args.get(1).is_none_or(Option::is_none) => Shape::Int,
        shape => shape,
    },
    run,
)
.examples(&[
    ("2.345 | round(2)", "2.35"),
    ("2.345 | round(2, 'half_even')", "2.34"),
    ("-2.5 | round(mode='floor')", "-3"),
    ("round(10 / 3, 2)", "3.33"),
    ("(('10' | money('JPY')) * 0.35) | round", "4"),
]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let quantity = args.quantity(0)?;
    let own = quantity.currency.map_or(0, money::Currency::minor_digits);
    let digits = args.digits(1)?.unwrap_or(own);
    Ok(quantity.with(money::round(quantity.digits, digits, args.rounding(2)?)))
}
