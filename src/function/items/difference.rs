//! `difference`: what is in one list and not in another.

use crate::{
    function::{Args, Function, Param, Takes, given},
    value::{Refusal, Seen, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "difference",
    "The elements that the other list does not have.",
    &[Param::needed("list", Takes::LIST), Param::needed("other", Takes::LIST)],
    |args| given(args, 0),
    run,
)
.origin_first()
.examples(&[("[1, 2, 3.0] | difference([3, 4])", "[1,2]")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let mut known = Seen::default();
    for item in args.list(1)? {
        known.first_time(item);
    }
    Ok(Value::list(args.list(0)?.iter().filter(|item| !known.has(item)).cloned()))
}
