//! `join`: elements as one text.

use crate::{
    function::{Args, Function, MAX_TEXT, Param, Takes, args::expected, too_long},
    shape::Shape,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "join",
    "The elements as one text, with a separator between them.",
    &[
        Param::needed("list", Takes::LIST).of(Takes::TEXT.or(Takes::QUANTITY).or(Takes::BOOL)),
        Param::optional("separator", Takes::TEXT),
    ],
    |_| Shape::TEXT,
    run,
)
.examples(&[("['a', 1, 2.50] | join(', ')", "\"a, 1, 2.50\""), ("[] | join", "\"\"")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let separator = args.text_or(1, "")?;
    let mut out = String::new();
    for (index, item) in args.list(0)?.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        match item {
            Value::Text(text) => out.push_str(text),
            other => out.push_str(
                &other.scalar_text().ok_or_else(|| expected("texts or numbers in the list", other))?,
            ),
        }
        if out.len() > MAX_TEXT {
            return Err(too_long());
        }
    }
    Ok(out.into())
}
