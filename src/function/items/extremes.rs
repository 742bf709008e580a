//! `min` and `max`: of a list, or of several values.

use std::cmp::Ordering;

use crate::{
    function::{Args, Function, Param, Takes, given},
    shape::{self, Shape},
    value::{Refusal, Value},
};

const PARAMS: &[Param] = &[Param::needed("list", Takes::ANY), Param::optional("other", Takes::ANY)];

pub(crate) const MAX: Function = Function::plain(
    "max",
    "The greatest element of a list, or the greatest of several values: numbers, amounts of one currency or texts. \
     Of an empty list: null.",
    PARAMS,
    gives,
    |args| run(args, Ordering::Greater),
)
.rest()
.examples(&[("[1, 12, 9.5] | max", "12"), ("max(0, -3)", "0"), ("[] | max", "null")]);

pub(crate) const MIN: Function = Function::plain(
    "min",
    "The least element of a list, or the least of several values: numbers, amounts of one currency or texts. \
     Of an empty list: null.",
    PARAMS,
    gives,
    |args| run(args, Ordering::Less),
)
.rest()
.examples(&[("[10, 9, 2.5] | min", "2.5"), ("min('b', 'a')", "\"a\"")]);

fn gives(args: &[Option<Shape>]) -> Shape {
    if args.iter().flatten().count() > 1 {
        return args
            .iter()
            .flatten()
            .cloned()
            .reduce(|one, two| shape::join(&one, &two))
            .unwrap_or(Shape::Any);
    }
    shape::element(&given(args, 0)).map_or(Shape::Any, Shape::optional)
}

fn run(args: &Args<'_>, wanted: Ordering) -> Result<Value, Refusal> {
    let several: Vec<&Value> = args.from(0).collect();
    match several.as_slice() {
        [_] => extreme(args.list(0)?.iter(), wanted),
        _ => extreme(several.into_iter(), wanted),
    }
}

fn extreme<'a>(values: impl Iterator<Item = &'a Value>, wanted: Ordering) -> Result<Value, Refusal> {
    let mut best: Option<&Value> = None;
    for value in values {
        let better = match best {
            None => value.order(value)? == Ordering::Equal,
            Some(best) => value.order(best)? == wanted,
        };
        if better {
            best = Some(value);
        }
    }
    Ok(best.map_or(Value::Null, Value::clone))
}
