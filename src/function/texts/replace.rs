//! `replace`: every occurrence of a part.

use crate::{
    function::{Args, Function, Param, Takes},
    shape::Shape,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "replace",
    "The text with every `old` made `new`.",
    &[
        Param::needed("text", Takes::TEXT),
        Param::needed("old", Takes::TEXT),
        Param::needed("new", Takes::TEXT),
    ],
    |_| Shape::TEXT,
    run,
)
.examples(&[("'a-b-c' | replace('-', '')", "\"abc\"")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let (text, old, new) = (args.text(0)?, args.text(1)?, args.text(2)?);
    if old.is_empty() {
        return Err("`old` is empty: there is nothing to look for".into());
    }
    let grown = text.len() + text.matches(old).count() * new.len();
    if grown > crate::function::MAX_TEXT + old.len() {
        return Err(crate::function::too_long());
    }
    Ok(text.replace(old, new).into())
}
