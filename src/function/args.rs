//! The arguments of a call, asked for by what is expected. Out: the value as that kind, or a refusal that says what it is
//! instead.

use super::{Param, Takes};
use crate::{
    money::Rounding,
    value::{Path, Quantity, Refusal, Value},
};

/// One argument.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    /// Not given.
    None,
    /// A value.
    Value(&'a Value),
    /// A literal path to an attribute.
    Path(&'a Path),
}

/// The arguments of a call, by position.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a>(pub &'a [Arg<'a>]);

static NULL: Value = Value::Null;

impl<'a> Args<'a> {
    /// The value at a position, if one was given.
    pub fn given(&self, index: usize) -> Option<&'a Value> {
        match self.0.get(index) {
            Some(Arg::Value(value)) => Some(value),
            _ => None,
        }
    }

    /// The value at a position; null if none was given.
    pub fn value(&self, index: usize) -> &'a Value {
        self.given(index).unwrap_or(&NULL)
    }

    /// All values from a position on.
    pub fn from(&self, index: usize) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.0.iter().skip(index).filter_map(|arg| match arg {
            Arg::Value(value) => Some(*value),
            _ => None,
        })
    }

    /// The path at a position, if one was given.
    pub fn path(&self, index: usize) -> Option<&'a Path> {
        match self.0.get(index) {
            Some(Arg::Path(path)) => Some(path),
            _ => None,
        }
    }

    /// Text.
    pub fn text(&self, index: usize) -> Result<&'a str, Refusal> {
        self.value(index).as_str().ok_or_else(|| expected("text", self.value(index)))
    }

    /// Text, if one was given.
    pub fn text_or(&self, index: usize, otherwise: &'a str) -> Result<&'a str, Refusal> {
        if self.given(index).is_some() { self.text(index) } else { Ok(otherwise) }
    }

    /// A list.
    pub fn list(&self, index: usize) -> Result<&'a [Value], Refusal> {
        self.value(index).as_list().ok_or_else(|| expected("list", self.value(index)))
    }

    /// A number or an amount.
    pub fn quantity(&self, index: usize) -> Result<Quantity, Refusal> {
        Quantity::of(self.value(index))?.ok_or_else(|| expected("number or amount", self.value(index)))
    }

    /// A small whole number, if one was given.
    pub fn count(&self, index: usize) -> Result<Option<u32>, Refusal> {
        self.given(index).map(count).transpose()
    }

    /// Digits after the point, if they were given: 0 to 28.
    pub fn digits(&self, index: usize) -> Result<Option<u32>, Refusal> {
        self.given(index).map(digits).transpose()
    }

    /// How to round; half up if nothing was said.
    pub fn rounding(&self, index: usize) -> Result<Rounding, Refusal> {
        let name = self.text_or(index, "half_up")?;
        Rounding::from_name(name)
            .ok_or_else(|| format!("there is no rounding `{name}`: expected {}", Rounding::NAMES.join(", ")))
    }

    /// A boolean; false if nothing was said.
    pub fn flag(&self, index: usize) -> Result<bool, Refusal> {
        match self.given(index) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| expected("boolean", value)),
        }
    }

    /// Attribute names: one text, or a list of texts.
    pub fn names(&self, index: usize) -> Result<Vec<Path>, Refusal> {
        let one = |value: &Value| {
            value.as_str().and_then(Path::parse).ok_or_else(|| expected("attribute name", value))
        };
        match self.given(index) {
            None => Ok(Vec::new()),
            Some(Value::List(names)) => names.iter().map(one).collect(),
            Some(name) => one(name).map(|path| vec![path]),
        }
    }
}

/// A parameter that takes digits after the point.
pub(super) const DIGITS: Param =
    Param::optional("digits", Takes::NUMBER).constant(|value| digits(value).map(drop));

/// A small whole number.
pub(super) fn count(value: &Value) -> Result<u32, Refusal> {
    let count = value.as_i64().and_then(|whole| u32::try_from(whole).ok());
    count.ok_or_else(|| expected("whole number of 0 or more", value))
}

/// Digits after the point: 0 to 28.
pub(super) fn digits(value: &Value) -> Result<u32, Refusal> {
    match count(value)? {
        digits @ 0..=28 => Ok(digits),
        digits => Err(format!("at most 28 digits are possible, not {digits}")),
    }
}

/// A text that is not empty; `why` says what an empty one cannot do.
pub(super) fn not_empty<'v>(value: &'v Value, why: &str) -> Result<&'v str, Refusal> {
    match value.as_str() {
        Some("") => Err(why.to_owned()),
        Some(text) => Ok(text),
        None => Err(expected("text", value)),
    }
}

/// A refusal: what was expected and what was found.
pub(super) fn expected(wanted: &str, found: &Value) -> Refusal {
    let help = match found {
        Value::Null => ": give it a value with `| default(…)`",
        Value::Text(_) if wanted.contains("number") => ": turn the text into a number with `| decimal`",
        _ => "",
    };
    format!("expected {wanted}, found {}{help}", found.kind())
}

/// What an attribute path leads to in an element.
pub(super) fn attribute<'v>(element: &'v Value, path: Option<&Path>) -> Result<&'v Value, Refusal> {
    let Some(path) = path else { return Ok(element) };
    path.find(element).ok_or_else(|| format!("an element has no `{path}`"))
}
