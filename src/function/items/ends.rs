//! `first` and `last`.

use crate::{
    function::{Function, Param, Takes, element},
    value::Value,
};

const PARAMS: &[Param] = &[Param::needed("list", Takes::LIST)];

pub(crate) const FIRST: Function = Function::plain(
    "first",
    "The first element; null if there is none.",
    PARAMS,
    |args| element(args, 0).optional(),
    |args| Ok(args.list(0)?.first().map_or(Value::Null, Value::clone)),
)
.origin_first()
.examples(&[("[1, 2] | first", "1"), ("[] | first", "null")]);

pub(crate) const LAST: Function = Function::plain(
    "last",
    "The last element; null if there is none.",
    PARAMS,
    |args| element(args, 0).optional(),
    |args| Ok(args.list(0)?.last().map_or(Value::Null, Value::clone)),
)
.origin_first()
.examples(&[("[1, 2] | last", "2")]);
