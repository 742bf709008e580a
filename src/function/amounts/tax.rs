//! `net_of_tax` and `with_tax`: prices without and with tax.

use crate::{
    function::{Args, Function, Param, Takes, args::DIGITS, given, quantity},
    money::{self, Currency, Decimal, Rounding},
    value::{Refusal, Value},
};

const PARAMS: &[Param] = &[
    Param::needed("amount", Takes::QUANTITY),
    Param::needed("percent", Takes::NUMBER),
    Param::word("mode", Rounding::NAMES),
    DIGITS,
];

pub(crate) const NET_OF_TAX: Function = Function::plain(
    "net_of_tax",
    "A price without the tax of `percent` that is in it, rounded once: an amount to its currency, a plain number to `digits`.",
    PARAMS,
    |args| quantity(&given(args, 0)),
    |args| run(args, money::net_of_tax),
)
.examples(&[
    ("('119.99' | money('GBP')) | net_of_tax(20)", "99.99"),
    ("net_of_tax(10, 8.875, 'half_even', digits=4)", "9.1848"),
]);

pub(crate) const WITH_TAX: Function = Function::plain(
    "with_tax",
    "A price with a tax of `percent` on top, rounded once: an amount to its currency, a plain number to `digits`.",
    PARAMS,
    |args| quantity(&given(args, 0)),
    |args| run(args, money::with_tax),
)
.examples(&[("('99.99' | money('GBP')) | with_tax(20)", "119.99"), ("with_tax(1000, 8, digits=0)", "1080")]);

type Rule = fn(Decimal, Decimal, u32, Rounding) -> Result<Decimal, money::Error>;

fn run(args: &Args<'_>, rule: Rule) -> Result<Value, Refusal> {
    let (amount, percent) = (args.quantity(0)?, args.quantity(1)?);
    let digits = args.digits(3)?.or_else(|| amount.currency.map(Currency::minor_digits));
    let digits = digits.ok_or("a plain number needs `digits`: how many after the point")?;
    let changed = rule(amount.digits, percent.digits, digits, args.rounding(2)?);
    changed.map(|digits| amount.with(digits)).map_err(|error| error.to_string())
}
