//! `replace`: every occurrence of a part.

use crate::{
    function::{Args, Function, Param, Takes, args::not_empty},
    shape::Shape,
    value::{Refusal, Value},
};

const EMPTY: &str = "`old` is empty: there is nothing to look for";

pub(crate) const FUNCTION: Function = Function::plain(
    "replace",
    "The text with every `old` made `new`.",
    &[
        Param::needed("text", Takes::TEXT),
        Param::needed("old", Takes::TEXT).constant(|value| not_empty(value, EMPTY).map(drop)),
        Param::needed("new", Takes::TEXT),
    ],
    |_| Shape::TEXT,
    run,
)
.examples(&[("'a-b-c' | replace('-', '')", "\"abc\"")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let (text, old, new) = (args.text(0)?, not_empty(args.value(1), EMPTY)?, args.text(2)?);
    let grown = text.len() + text.matches(old).count() * new.len();
    if grown > crate::function::MAX_TEXT + old.len() {
        return Err(crate::function::too_long());
    }
    Ok(text.replace(old, new).into())
}
