//! `lower` and `upper`.

use crate::{
    function::{Function, Param, Takes},
    shape::Shape,
};

pub(crate) const LOWER: Function = Function::plain(
    "lower",
    "The text in lower case.",
    &[Param::needed("text", Takes::TEXT)],
    |_| Shape::TEXT,
    |args| Ok(args.text(0)?.to_lowercase().into()),
)
.examples(&[("'ÉCLAIR' | lower", "\"éclair\"")]);

pub(crate) const UPPER: Function = Function::plain(
    "upper",
    "The text in upper case.",
    &[Param::needed("text", Takes::TEXT)],
    |_| Shape::TEXT,
    |args| Ok(args.text(0)?.to_uppercase().into()),
)
.examples(&[("'gb' | upper", "\"GB\"")]);
