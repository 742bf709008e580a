//! `unique`: every value once.

use crate::{
    function::{Args, Function, Param, Takes, args::attribute, given},
    value::{Refusal, Seen, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "unique",
    "Every element once, the first of equal ones; with an attribute, the first element of each of its values.",
    &[Param::needed("list", Takes::LIST), Param::optional("attribute", Takes::PATH)],
    |args| given(args, 0),
    run,
)
.origin_first()
.examples(&[
    ("[1, 1.0, 2] | unique", "[1,2]"),
    ("[{'a': 1, 'b': 2}, {'a': 1, 'b': 3}] | unique(attribute='a')", "[{\"a\":1,\"b\":2}]"),
]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let mut seen = Seen::default();
    let mut kept = Vec::new();
    for item in args.list(0)? {
        if seen.first_time(attribute(item, args.path(1))?) {
            kept.push(item.clone());
        }
    }
    Ok(kept.into())
}
