//! `sort`: elements in order.

use std::cmp::Ordering;

use crate::{
    function::{Args, Function, Param, Takes, args::attribute, given},
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "sort",
    "The elements in order, by value or by an attribute; equal ones stay as they were. Numbers, amounts of one currency, \
     or texts.",
    &[
        Param::needed("list", Takes::LIST).of(Takes::QUANTITY.or(Takes::TEXT)),
        Param::optional("attribute", Takes::PATH).of(Takes::QUANTITY.or(Takes::TEXT)),
        Param::optional("reverse", Takes::BOOL),
    ],
    |args| given(args, 0),
    run,
)
.origin_first()
.examples(&[
    ("[10, 9, 2.5] | sort", "[2.5,9,10]"),
    ("['b', 'a'] | sort(reverse=true)", "[\"b\",\"a\"]"),
    ("[{'n': 2}, {'n': 1}] | sort(attribute='n')", "[{\"n\":1},{\"n\":2}]"),
]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let reverse = args.flag(2)?;
    let items = args.list(0)?.iter().map(|item| Ok((attribute(item, args.path(1))?, item)));
    let mut items = items.collect::<Result<Vec<_>, Refusal>>()?;
    let mut refused = None;
    items.sort_by(|(one, _), (two, _)| match one.order(two) {
        Ok(order) if reverse => order.reverse(),
        Ok(order) => order,
        Err(refusal) => {
            refused.get_or_insert(refusal);
            Ordering::Equal
        }
    });
    match refused {
        Some(refusal) => Err(refusal),
        None => Ok(Value::list(items.into_iter().map(|(_, item)| item.clone()))),
    }
}
