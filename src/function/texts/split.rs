//! `split`: a text taken apart.

use crate::{
    function::{Args, Function, Param, Takes},
    shape::Shape,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "split",
    "The parts of the text between separators, as a list.",
    &[Param::needed("text", Takes::TEXT), Param::needed("separator", Takes::TEXT)],
    |_| Shape::TEXT.list(),
    run,
)
.examples(&[("'a, b' | split(', ')", "[\"a\",\"b\"]")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let (text, separator) = (args.text(0)?, args.text(1)?);
    if separator.is_empty() {
        return Err("`separator` is empty: there is nothing to split at".into());
    }
    Ok(Value::list(text.split(separator).map(Value::from)))
}
