//! `trim`: without white space around.

use crate::{
    function::{Function, Param, Takes},
    shape::Shape,
};

pub(crate) const FUNCTION: Function = Function::plain(
    "trim",
    "The text without white space at both ends.",
    &[Param::needed("text", Takes::TEXT)],
    |_| Shape::TEXT,
    |args| Ok(args.text(0)?.trim().into()),
)
.examples(&[("'  a b ' | trim", "\"a b\"")]);
