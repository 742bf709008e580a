//! `fingerprint`: a short name for a value.

use crate::{
    function::{Function, Param, Takes},
    shape::Shape,
    value::Value,
};

pub(crate) const FUNCTION: Function = Function::plain(
    "fingerprint",
    "A hash of the value as 64 hexadecimal digits: equal values give equal hashes however they were spelt (`1` and `1.0`, any \
     order of members). Not a secret: who guesses the value can check the guess.",
    &[Param::needed("value", Takes::ANY)],
    |_| Shape::TEXT,
    |args| Ok(Value::from(args.value(0).hash().to_string())),
)
.anonymous()
.examples(&[
    ("fingerprint({'a': 1, 'b': 2}) == fingerprint({'b': 2.0, 'a': 1})", "true"),
    ("fingerprint('a') == fingerprint('b')", "false"),
    ("fingerprint('a') | length", "64"),
]);
