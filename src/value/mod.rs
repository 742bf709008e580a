//! The exact JSON tree that every room speaks. In: JSON bytes, literals. Out: [`Value`]: digits kept, subtrees shared,
//! canonical hashes, paths. It must never know a platform, a file or a flow.

mod arith;
mod compare;
mod hash;
mod json;
mod jsonpath;
mod path;
mod prune;

use std::{fmt, sync::Arc};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use self::{
    arith::{Arithmetic, Quantity, Refusal, divide_rounded, negate},
    compare::Seen,
    hash::{Feed, Hash},
    json::JsonError,
    jsonpath::{JsonPath, JsonPathError, JsonStep},
    path::{Path, Step},
    prune::Keep,
};
use crate::money::{Decimal, Money};

/// An object: keys in the order they were written.
pub type Map = IndexMap<Arc<str>, Value, foldhash::fast::RandomState>;

/// An empty object with room for so many members.
pub fn map_with_capacity(members: usize) -> Map {
    Map::with_capacity_and_hasher(members, foldhash::fast::RandomState::default())
}

/// A JSON value, exact, cheap to clone (containers and texts are shared). `Money` is an amount that knows its
/// currency; as JSON it is a number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number with its digits.
    Number(Number),
    /// Text.
    Text(Arc<str>),
    /// An amount of money.
    Money(Money),
    /// A list.
    List(Arc<Vec<Value>>),
    /// An object.
    Map(Arc<Map>),
}

/// A number as it was written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Number {
    /// Fits 28 digits exactly; its scale is kept (`12.10` stays `12.10`).
    Exact(Decimal),
    /// Any other JSON number (exponents, more digits): passes through untouched, no arithmetic.
    Written(Arc<str>),
}

impl fmt::Debug for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(digits) => digits.fmt(out),
            Self::Written(text) => out.write_str(text),
        }
    }
}

impl Value {
    /// An object from pairs.
    pub fn object<K: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Arc::new(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }

    /// A list from values.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// The member of an object, if this is one and has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The element of a list; negative counts from the end.
    pub fn at(&self, index: i64) -> Option<&Self> {
        let Self::List(list) = self else { return None };
        let index = match usize::try_from(index) {
            Ok(index) => index,
            Err(_) => list.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
        };
        list.get(index)
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number or amount as an exact decimal, if it is one.
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Number(Number::Exact(digits)) => Some(*digits),
            Self::Money(money) => Some(money.amount),
            _ => None,
        }
    }

    /// The whole number, if this is one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_decimal()
            .filter(|digits| digits.fract().is_zero())
            .and_then(|digits| i64::try_from(digits).ok())
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The members, if this is an object.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What this is, in the words used in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "text",
            Self::Money(_) => "amount",
            Self::List(_) => "list",
            Self::Map(_) => "object",
        }
    }

    /// The scalar as people and keys write it: text as it is, numbers with their digits; none for null and containers.
    pub fn scalar_text(&self) -> Option<String> {
        match self {
            Self::Bool(truth) => Some(truth.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.to_string()),
            Self::Money(money) => Some(money.written().to_string()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Decimal> for Value {
    fn from(digits: Decimal) -> Self {
        Self::Number(Number::Exact(digits))
    }
}

impl From<i64> for Value {
    fn from(whole: i64) -> Self {
        Self::from(Decimal::from(whole))
    }
}

impl From<Money> for Value {
    fn from(money: Money) -> Self {
        Self::Money(money)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(Arc::new(map))
    }
}
