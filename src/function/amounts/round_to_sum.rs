//! `round_to_sum`: rounds amounts so that together they make a total.

use crate::{
    function::{
        Function, Param, Takes,
        amounts::allocate::{gives, shares},
        args::DIGITS,
    },
    money,
};

pub(crate) const FUNCTION: Function = Function::plain(
    "round_to_sum",
    "Rounds exact amounts to minor units so that together they make the total (sum-preserving rounding, also called \
     controlled rounding): each is rounded for itself, then what is missing is spread, one unit each, where most was cut \
     off. No share is further than one minor unit from its amount; a total that cannot be met so is an error, where \
     `allocate` would scale every share. With `by` the result is looked up by that key: `shares[line.id].value`.",
    &[
        Param::needed("total", Takes::QUANTITY),
        Param::needed("over", Takes::LIST).of(Takes::QUANTITY),
        Param::optional("amount", Takes::PATH).of(Takes::QUANTITY),
        Param::optional("by", Takes::PATH),
        DIGITS,
    ],
    gives,
    |args| shares(args, money::round_to_sum),
)
.examples(&[
    ("10.00 | round_to_sum([3.3334, 3.3333, 3.3333])", "[3.34,3.33,3.33]"),
    ("(9.99 | money('GBP')) | round_to_sum([2.00, 8.00])", "[2.00,7.99]"),
    ("(5 | money('JPY')) | round_to_sum([{'net': 2.6}, {'net': 2.6}], amount='net')", "[3,2]"),
    ("(1.00 | round_to_sum([{'id': 7, 'net': 1.004}], amount='net', by='id'))[7].value", "1.00"),
]);
