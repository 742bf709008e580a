//! Tests: `x is none`, `selectattr('n', '>', 5)`. In: a value and what it is tested against. Out: whether it holds.

use std::cmp::Ordering;

use crate::value::{Refusal, Value};

/// A test.
#[derive(Debug)]
pub struct Test {
    /// Its names: `==`, `eq`, `equalto`.
    pub names: &'static [&'static str],
    /// One sentence for people.
    pub doc: &'static str,
    /// How it is asked.
    pub ask: Ask,
}

/// What a test looks at.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    /// Whether there is a value at all (true), or none (false).
    There(bool),
    /// The value alone.
    Kind(fn(&Value) -> bool),
    /// The value and another.
    Than(fn(&Value, &Value) -> Result<bool, Refusal>),
}

impl Test {
    /// Whether it compares with a second value.
    pub fn compares(&self) -> bool {
        matches!(self.ask, Ask::Than(_))
    }

    /// Whether it may be asked of what is not there.
    pub fn takes_missing(&self) -> bool {
        matches!(self.ask, Ask::There(_))
    }

    /// Whether it holds. A missing value is none; what it is compared with is null if nothing was given.
    pub fn holds(&self, value: Option<&Value>, other: &Value) -> Result<bool, Refusal> {
        match (self.ask, value) {
            (Ask::There(wanted), value) => Ok(value.is_some() == wanted),
            (Ask::Kind(run), Some(value)) => Ok(run(value)),
            (Ask::Than(run), Some(value)) => run(value, other),
            (_, None) => Err(format!("there is nothing to ask `{}` of", self.names[0])),
        }
    }
}

/// Every test.
pub static TESTS: &[Test] = &[
    Test {
        names: &["defined"],
        doc: "It is there: the field exists, the node was not skipped. Null is there.",
        ask: Ask::There(true),
    },
    Test { names: &["undefined"], doc: "It is not there.", ask: Ask::There(false) },
    kind(&["none"], "It is null.", Value::is_null),
    kind(&["true"], "It is `true`.", |value| matches!(value, Value::Bool(true))),
    kind(&["false"], "It is `false`.", |value| matches!(value, Value::Bool(false))),
    kind(&["boolean"], "It is a boolean.", |value| matches!(value, Value::Bool(_))),
    kind(&["number"], "It is a number or an amount.", |value| {
        matches!(value, Value::Number(_) | Value::Money(_))
    }),
    kind(&["string"], "It is text.", |value| matches!(value, Value::Text(_))),
    kind(&["list"], "It is a list.", |value| matches!(value, Value::List(_))),
    kind(&["mapping"], "It is an object.", |value| matches!(value, Value::Map(_))),
    kind(&["empty"], "It is null, an empty text, list or object.", |value| match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }),
    than(&["==", "eq", "equalto"], "It is equal.", Value::same),
    than(&["!=", "ne"], "It is not equal.", |value, other| value.same(other).map(|same| !same)),
    than(&["<", "lt"], "It is less.", |value, other| Ok(value.order_by(other, "<")?.is_lt())),
    than(&["<=", "le"], "It is less or equal.", |value, other| Ok(value.order_by(other, "<=")?.is_le())),
    than(&[">", "gt"], "It is greater.", |value, other| Ok(value.order_by(other, ">")? == Ordering::Greater)),
    than(&[">=", "ge"], "It is greater or equal.", |value, other| Ok(value.order_by(other, ">=")?.is_ge())),
    than(
        &["in"],
        "It is an element of the list, a part of the text or a key of the object.",
        |value, other| other.contains(value),
    ),
    than(&["startingwith"], "It is text that begins so.", |value, other| {
        texts(value, other).map(|(a, b)| a.starts_with(b))
    }),
    than(&["endingwith"], "It is text that ends so.", |value, other| {
        texts(value, other).map(|(a, b)| a.ends_with(b))
    }),
];

const fn kind(name: &'static [&'static str], doc: &'static str, run: fn(&Value) -> bool) -> Test {
    Test { names: name, doc, ask: Ask::Kind(run) }
}

const fn than(
    names: &'static [&'static str],
    doc: &'static str,
    run: fn(&Value, &Value) -> Result<bool, Refusal>,
) -> Test {
    Test { names, doc, ask: Ask::Than(run) }
}

/// The test of that name.
pub fn find_test(name: &str) -> Option<&'static Test> {
    TESTS.iter().find(|test| test.names.contains(&name))
}

fn texts<'v>(value: &'v Value, other: &'v Value) -> Result<(&'v str, &'v str), Refusal> {
    value
        .as_str()
        .zip(other.as_str())
        .ok_or_else(|| format!("expected two texts, found {} and {}", value.kind(), other.kind()))
}
