//! What values look like: a small honest lattice. In: record schemas, inferred mappings. Out: what is assignable to what,
//! what a path leads to, values converted at the border. Unknown is `Any`, never a guess. It must never know a platform.

mod address;
mod assign;
mod border;
mod lookup;
mod marked;
mod near;

use std::{fmt, sync::Arc};

use indexmap::IndexMap;

pub use self::{
    address::without_addresses,
    assign::{Mismatch, assignable, join},
    border::{inward, inward_with, outward},
    lookup::{Miss, element, lookup, personal, present_at},
    marked::{marked, names_marked},
    near::near,
};
use crate::money::Currency;

/// What a value looks like.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Anything: nothing is known.
    Any,
    /// `null` only.
    Null,
    /// `true` or `false`.
    Bool,
    /// A plain number.
    Number,
    /// A whole number.
    Int,
    /// An amount of money.
    Money(CurrencyOf),
    /// An exact number on its way to an amount (a unit price with four digits); ends in an explicit rounding.
    Rate,
    /// Text.
    Text(TextShape),
    /// One of these texts.
    Enum(Arc<[Arc<str>]>),
    /// A list whose elements look like this.
    List(Arc<Shape>),
    /// An object.
    Object(Arc<Object>),
    /// May be null or absent.
    Optional(Arc<Shape>),
}

/// What is known of an amount's currency before any value is seen.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum CurrencyOf {
    /// Nothing.
    #[default]
    Unknown,
    /// This one.
    Code(Currency),
    /// What this field says; looked for in the object that holds the amount, then outwards.
    Field(Arc<str>),
    /// This; and the amount was divided or multiplied and not rounded since, so it may have more digits than its
    /// currency.
    Unrounded(Arc<CurrencyOf>),
}

impl CurrencyOf {
    /// The same of an amount that is rounded.
    #[must_use]
    pub fn rounded(&self) -> &Self {
        match self {
            Self::Unrounded(currency) => currency,
            currency => currency,
        }
    }

    /// The same of an amount that may have more digits than its currency.
    #[must_use]
    pub fn unrounded(&self) -> Self {
        Self::Unrounded(Arc::new(self.rounded().clone()))
    }

    /// What is known of an amount that is one or the other, or made of both.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let one = self.rounded();
        let both = if one == other.rounded() { one.clone() } else { Self::Unknown };
        let fine = [self, other].iter().any(|currency| matches!(currency, Self::Unrounded(_)));
        if fine { both.unrounded() } else { both }
    }
}

/// Text and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TextShape {
    /// At most so many characters.
    pub max_len: Option<u32>,
    /// `date`, `date-time`, `email` and so on, as JSON Schema names them.
    pub format: Option<Arc<str>>,
}

/// How a field is written by its platform, where that differs from what expressions see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Wire {
    /// As it is: numbers and amounts as JSON numbers.
    #[default]
    Plain,
    /// A number or an amount as text: `"62.6793"`.
    Text,
    /// An instant as in mails; expressions see ISO 8601 in UTC.
    Rfc2822,
    /// An instant as seconds since 1970; expressions see ISO 8601 in UTC.
    Unix,
    /// A date as `M/D/YYYY`; expressions see `YYYY-MM-DD`.
    UsDate,
    /// A boolean as `T` or `F`.
    BoolTf,
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// What it looks like when it is there.
    pub shape: Shape,
    /// Whether it is always there (and must be written).
    pub required: bool,
    /// Refused on writes.
    pub read_only: bool,
    /// Which kind of personal data it is.
    pub personal: Option<Arc<str>>,
    /// Whether it identifies the object among its kind.
    pub key: bool,
    /// How the platform writes it.
    pub wire: Wire,
    /// One line for people.
    pub doc: Option<Arc<str>>,
}

impl Field {
    /// A field that is always there.
    pub fn required(shape: Shape) -> Self {
        Self {
            shape,
            required: true,
            read_only: false,
            personal: None,
            key: false,
            wire: Wire::Plain,
            doc: None,
        }
    }

    /// A field that may be absent.
    pub fn optional(shape: Shape) -> Self {
        Self { required: false, ..Self::required(shape) }
    }
}

/// One part of what an object adds up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Member names from the object to the amount; a list on the way means all its elements.
    pub path: Vec<Arc<str>>,
    /// Whether it is taken off.
    pub minus: bool,
}

/// What an object has.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Object {
    /// The fields that are known.
    pub fields: IndexMap<Arc<str>, Field>,
    /// Whether it may have others.
    pub open: bool,
    /// `bigcommerce.order`, if it is a record.
    pub name: Option<Arc<str>>,
    /// The amounts that `tie_out` adds; absent parts count as nothing.
    pub sums: Option<Arc<[Part]>>,
}

impl Shape {
    /// Text of which nothing more is known.
    pub const TEXT: Self = Self::Text(TextShape { max_len: None, format: None });

    /// An amount in a currency that is not known.
    pub const MONEY: Self = Self::Money(CurrencyOf::Unknown);

    /// A list of this.
    #[must_use]
    pub fn list(self) -> Self {
        Self::List(Arc::new(self))
    }

    /// This, or null.
    #[must_use]
    pub fn optional(self) -> Self {
        match self {
            Self::Any | Self::Null | Self::Optional(_) => self,
            shape => Self::Optional(Arc::new(shape)),
        }
    }

    /// A closed object that always has these fields.
    pub fn object<K: Into<Arc<str>>>(fields: impl IntoIterator<Item = (K, Self)>) -> Self {
        let fields = fields.into_iter().map(|(name, shape)| (name.into(), Field::required(shape))).collect();
        Self::Object(Arc::new(Object { fields, ..Object::default() }))
    }

    /// What it looks like when it is there.
    #[must_use]
    pub fn present(&self) -> &Self {
        match self {
            Self::Optional(shape) => shape.present(),
            shape => shape,
        }
    }

    /// Whether it may be null or absent; unknown shapes do not say so.
    pub fn may_miss(&self) -> bool {
        matches!(self, Self::Optional(_) | Self::Null)
    }

    /// Whether it is text.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Enum(_))
    }

    /// Whether it is a number that is no amount.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number | Self::Int | Self::Rate)
    }

    /// What a mapping gives (`self`), known to be a record: the mapping's own fields, with the record's name and its sums.
    /// `tie_out` needs it.
    #[must_use]
    pub fn known_as(&self, record: &Self) -> Self {
        match (self, record) {
            (Self::Object(given), Self::Object(record)) => Self::Object(Arc::new(Object {
                name: record.name.clone(),
                sums: record.sums.clone(),
                ..Object::clone(given)
            })),
            _ => self.clone(),
        }
    }
}

impl fmt::Display for CurrencyOf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(currency) => write!(out, " in {currency:?}"),
            Self::Unrounded(currency) => write!(out, "{currency} that is not rounded"),
            Self::Unknown | Self::Field(_) => Ok(()),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => out.write_str("anything"),
            Self::Null => out.write_str("null"),
            Self::Bool => out.write_str("boolean"),
            Self::Number => out.write_str("number"),
            Self::Int => out.write_str("whole number"),
            Self::Money(currency) => write!(out, "amount{currency}"),
            Self::Rate => out.write_str("rate"),
            Self::Text(TextShape { format: Some(format), .. }) => write!(out, "{format} text"),
            Self::Text(_) => out.write_str("text"),
            Self::Enum(words) if words.len() == 1 => write!(out, "the text `{}`", words[0]),
            Self::Enum(words) if words.len() <= 6 => write!(out, "one of {}", words.join(", ")),
            Self::Enum(words) => write!(out, "one of {} texts", words.len()),
            Self::List(element) => write!(out, "list of {element}"),
            Self::Object(object) => out.write_str(object.name.as_deref().unwrap_or("object")),
            Self::Optional(shape) => write!(out, "{shape} or null"),
        }
    }
}
