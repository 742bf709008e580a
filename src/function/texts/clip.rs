//! `clip`: the beginning of a text.

use crate::{
    function::{Args, Function, Param, Takes, args::count},
    shape::{Shape, TextShape},
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "clip",
    "The first so many characters of the text.",
    &[
        Param::needed("text", Takes::TEXT),
        Param::needed("length", Takes::NUMBER).constant(|value| count(value).map(drop)),
    ],
    |_| Shape::Text(TextShape::default()),
    run,
)
.examples(&[("'crème brûlée' | clip(5)", "\"crème\""), ("'ab' | clip(5)", "\"ab\"")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let (text, length) = (args.text(0)?, args.count(1)?.unwrap_or(u32::MAX) as usize);
    Ok(match text.char_indices().nth(length) {
        Some((end, _)) => text[..end].into(),
        None => args.value(0).clone(),
    })
}
