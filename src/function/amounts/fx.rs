//! `fx`: an amount in another currency.

use crate::{
    function::{
        Args, Function, Param, Takes,
        amounts::money::{CURRENCY, currency, literal_currency},
        args::expected,
    },
    money::{self, Rounding},
    shape::Shape,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "fx",
    "The amount in another currency: multiplied by `rate` and rounded once to that currency's minor unit. The rate comes \
     from the data (an order carries its own), never from a clock.",
    &[
        Param::needed("amount", Takes::MONEY),
        Param::needed("rate", Takes::NUMBER),
        CURRENCY,
        Param::word("mode", Rounding::NAMES),
    ],
    |args| Shape::Money(literal_currency(args, 2)),
    run,
)
.examples(&[("('10.05' | money('USD')) | fx(151.37, 'JPY')", "1521"), ("('10' | money('USD')) | fx(0.785, 'GBP', 'down')", "7.85")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let Value::Money(amount) = args.value(0) else { return Err(expected("amount", args.value(0))) };
    let rate = args.quantity(1)?;
    let converted = money::convert(amount.amount, rate.digits, currency(args.text(2)?)?, args.rounding(3)?);
    converted.map(Value::Money).map_err(|error| error.to_string())
}
