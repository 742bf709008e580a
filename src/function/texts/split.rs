//! `split`: a text taken apart.

use crate::{
    function::{Args, Function, Param, Takes, args::not_empty},
    shape::Shape,
    value::{Refusal, Value},
};

const EMPTY: &str = "`separator` is empty: there is nothing to split at";

pub(crate) const FUNCTION: Function = Function::plain(
    "split",
    "The parts of the text between separators, as a list.",
    &[
        Param::needed("text", Takes::TEXT),
        Param::needed("separator", Takes::TEXT).constant(|value| not_empty(value, EMPTY).map(drop)),
    ],
    |_| Shape::TEXT.list(),
    run,
)
.examples(&[("'a, b' | split(', ')", "[\"a\",\"b\"]")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let (text, separator) = (args.text(0)?, not_empty(args.value(1), EMPTY)?);
    Ok(Value::list(text.split(separator).map(Value::from)))
}
