//! `allocate`: splits an amount over weights without losing a minor unit.

use crate::{
    function::{
        Args, Function, Param, Takes,
        args::{DIGITS, attribute, expected},
        element, quantity,
    },
    money::{self, Decimal},
    shape::Shape,
    value::{Quantity, Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "allocate",
    "Splits an amount over the elements of a list in proportion to their weights, by largest remainder: the shares add up \
     to the amount to the last minor unit. Without `weight` the elements are the weights. With `by` the result is looked \
     up by that key: `shares[line.id].value`. A plain number is split into units of its own last digit, or of `digits`.",
    &[
        Param::needed("amount", Takes::QUANTITY),
        Param::needed("over", Takes::LIST).of(Takes::QUANTITY),
        Param::optional("weight", Takes::PATH).of(Takes::QUANTITY),
        Param::optional("by", Takes::PATH),
        DIGITS,
    ],
    gives,
    |args| shares(args, money::allocate),
)
.examples(&[
    ("10.00 | allocate([1, 1, 1])", "[3.34,3.33,3.33]"),
    ("(-10.00) | allocate([1, 1, 1])", "[-3.34,-3.33,-3.33]"),
    ("(5 | money('JPY')) | allocate([{'w': 2}, {'w': 1}], weight='w')", "[3,2]"),
    ("(1.00 | allocate([{'id': 7, 'w': 1}], weight='w', by='id'))[7].value", "1.00"),
]);

/// What a splitting of an amount over a list gives.
pub(super) fn gives(args: &[Option<Shape>]) -> Shape {
    let share = quantity(&args[0].clone().unwrap_or(Shape::Any));
    match args.get(3).cloned().flatten() {
        Some(key) => Shape::object([("key", key), ("item", element(args, 1)), ("value", share)]).list(),
        None => share.list(),
    }
}

/// Splits: the amount, the list, the attribute to split by, the attribute that is the key, digits.
pub(super) fn shares(
    args: &Args<'_>,
    split: fn(Decimal, &[Decimal], u32) -> Result<Vec<Decimal>, money::Error>,
) -> Result<Value, Refusal> {
    let (total, items) = (args.quantity(0)?, args.list(1)?);
    let digits = args.digits(4)?.or_else(|| total.currency.map(money::Currency::minor_digits));
    let digits = digits.unwrap_or_else(|| total.digits.scale());
    let parts = items.iter().map(|item| {
        let part = attribute(item, args.path(2))?;
        Quantity::of(part)?
            .map(|quantity| quantity.digits)
            .ok_or_else(|| expected("number or amount to split by", part))
    });
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let shares = split(total.digits, &parts, digits).map_err(|error| error.to_string())?;
    let shares = shares.into_iter().map(|share| total.with(share));
    let Some(by) = args.path(3) else { return Ok(Value::list(shares)) };
    let keyed = items.iter().zip(shares).map(|(item, share)| {
        let key = attribute(item, Some(by))?.clone();
        Ok(Value::object([("key", key), ("item", item.clone()), ("value", share)]))
    });
    Ok(keyed.collect::<Result<Vec<_>, Refusal>>()?.into())
}
