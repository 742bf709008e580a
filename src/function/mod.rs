//! The one table of functions that expressions know. In: values. Out: a value or a refusal in words. The evaluator, the
//! checker and the documentation walk the same entries; examples are run as tests. No function knows a platform, a clock or
//! a file. Every function works both ways: `round(x, 2)` and `x | round(2)`.

mod args;
mod docs;
mod tests;

mod amounts;
mod items;
mod objects;
mod special;
mod texts;

use crate::{
    shape::{self, Shape},
    value::{Refusal, Value},
};

pub(crate) use self::amounts::round::FUNCTION as ROUND;
pub use self::{
    args::{Arg, Args},
    docs::reference,
    tests::{Ask, TESTS, Test, find_test},
};

/// No text that an expression makes is longer (bytes).
pub const MAX_TEXT: usize = 4 << 20;

fn too_long() -> Refusal {
    format!("the text would be longer than {MAX_TEXT} bytes")
}

/// A function: how it is called, what it does, what it gives.
#[derive(Debug)]
pub struct Function {
    /// Its name in expressions.
    pub name: &'static str,
    /// One or two sentences for people.
    pub doc: &'static str,
    /// Its parameters; the first is what stands left of `|`.
    pub params: &'static [Param],
    /// Whether the last parameter may be given any number of times.
    pub rest: bool,
    /// The shape of the result; parameters by position, those not given are none. For a path parameter: the shape that
    /// the path has in the elements of the first parameter.
    pub gives: fn(&[Option<Shape>]) -> Shape,
    /// How it runs.
    pub run: Run,
    /// Which parts of its arguments the result is made of.
    pub origin: Origin,
    /// Whether nobody can be recognised by its result, whoever its arguments speak of.
    pub anonymous: bool,
    /// Expressions and the JSON they give.
    pub examples: &'static [(&'static str, &'static str)],
}

/// A parameter.
#[derive(Debug)]
pub struct Param {
    /// Its name, for `name=value`.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether it must be given.
    pub needed: bool,
    /// The words it may be, if it is one of a few.
    pub words: &'static [&'static str],
    /// Of a list: what its elements are, unless a path says which part of them counts. Of a path: what it leads to.
    pub each: Takes,
    /// What a constant must be, whatever else is given: a refusal here is one at every call.
    pub constant: Option<fn(&Value) -> Result<(), Refusal>>,
}

/// The kinds of values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takes(u16);

/// How a function runs.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// It is given its arguments' values.
    Plain(fn(&Args<'_>) -> Result<Value, Refusal>),
    /// The evaluator knows it: its arguments are not just values.
    Form(Form),
}

/// Functions whose arguments are not just values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The second if the first is missing or null.
    Default,
    /// The first that is there.
    FirstOf,
    /// An attribute or a function of every element.
    Map,
    /// Elements for which a test holds (or does not).
    Select {
        /// Whether the test is made on an attribute.
        attribute: bool,
        /// Whether those that pass are kept.
        keep: bool,
    },
    /// An RFC 9535 path, read when the flow is compiled.
    Path,
    /// The first element whose fields have these values.
    Find,
    /// The elements that failed.
    FailedOf,
    /// The sum that the record declares.
    TieOut,
    /// No function: stands for leaving a field out.
    Omit,
}

/// Which parts of its arguments a function's result is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// All of all of them.
    All,
    /// Elements of the first, as they are; the others only decide.
    First,
}

impl Takes {
    /// Nothing is checked.
    pub const ANY: Self = Self(u16::MAX);
    /// A number.
    pub const NUMBER: Self = Self(1);
    /// An amount.
    pub const MONEY: Self = Self(2);
    /// A number or an amount.
    pub const QUANTITY: Self = Self(3);
    /// Text.
    pub const TEXT: Self = Self(4);
    /// A boolean.
    pub const BOOL: Self = Self(8);
    /// A list.
    pub const LIST: Self = Self(16);
    /// An object.
    pub const OBJECT: Self = Self(32);
    /// Null.
    pub const NULL: Self = Self(64);
    /// A literal path to an attribute of the elements.
    pub const PATH: Self = Self(128);
    /// Attribute names: text or a list of texts.
    pub const NAMES: Self = Self(4 | 16);

    /// Either of two.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is a literal path.
    pub fn is_path(self) -> bool {
        self == Self::PATH
    }

    /// The kinds that values of a shape have; every kind if nothing is known.
    pub fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Any => Self::ANY,
            Shape::Null => Self::NULL,
            Shape::Bool => Self::BOOL,
            Shape::Number | Shape::Int | Shape::Rate => Self::NUMBER,
            Shape::Money(_) => Self::MONEY,
            Shape::Text(_) | Shape::Enum(_) => Self::TEXT,
            Shape::List(_) => Self::LIST,
            Shape::Object(_) => Self::OBJECT,
            Shape::Optional(inner) => Self::of(inner).or(Self::NULL),
        }
    }

    /// Whether everything of the other is taken.
    pub fn all_of(self, other: Self) -> bool {
        other == Self::ANY || other.0 & !self.0 == 0
    }

    /// Whether something is taken by both.
    pub fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The kinds in words.
    pub fn words(self) -> String {
        const NAMES: [(Takes, &str); 7] = [
            (Takes::NUMBER, "number"),
            (Takes::MONEY, "amount"),
            (Takes::TEXT, "text"),
            (Takes::BOOL, "boolean"),
            (Takes::LIST, "list"),
            (Takes::OBJECT, "object"),
            (Takes::NULL, "null"),
        ];
        if self == Self::ANY {
            return "anything".into();
        }
        if self.is_path() {
            return "attribute path".into();
        }
        let known = NAMES.iter().filter(|(kind, _)| self.0 & kind.0 != 0).map(|(_, name)| *name);
        known.collect::<Vec<_>>().join(" or ")
    }
}

impl Param {
    const fn needed(name: &'static str, takes: Takes) -> Self {
        Self { name, takes, needed: true, words: &[], each: Takes::ANY, constant: None }
    }

    const fn optional(name: &'static str, takes: Takes) -> Self {
        Self { name, takes, needed: false, words: &[], each: Takes::ANY, constant: None }
    }

    const fn word(name: &'static str, words: &'static [&'static str]) -> Self {
        Self { name, takes: Takes::TEXT, needed: false, words, each: Takes::ANY, constant: None }
    }

    const fn of(self, each: Takes) -> Self {
        Self { each, ..self }
    }

    const fn constant(self, constant: fn(&Value) -> Result<(), Refusal>) -> Self {
        Self { constant: Some(constant), ..self }
    }
}

impl Function {
    /// Most of a plain function's entry.
    const fn plain(
        name: &'static str,
        doc: &'static str,
        params: &'static [Param],
        gives: fn(&[Option<Shape>]) -> Shape,
        run: fn(&Args<'_>) -> Result<Value, Refusal>,
    ) -> Self {
        Self {
            name,
            doc,
            params,
            rest: false,
            gives,
            run: Run::Plain(run),
            origin: Origin::All,
            anonymous: false,
            examples: &[],
        }
    }

    const fn examples(self, examples: &'static [(&'static str, &'static str)]) -> Self {
        Self { examples, ..self }
    }

    const fn rest(self) -> Self {
        Self { rest: true, ..self }
    }

    const fn anonymous(self) -> Self {
        Self { anonymous: true, ..self }
    }

    const fn origin_first(self) -> Self {
        Self { origin: Origin::First, ..self }
    }

    /// Whether it may be called with this many arguments or more.
    pub fn least(&self) -> usize {
        self.params.iter().filter(|param| param.needed).count()
    }

    /// The parameter at a position, the last again and again if it repeats.
    pub fn param(&self, index: usize) -> Option<&'static Param> {
        match self.params.get(index) {
            None if self.rest => self.params.last(),
            param => param,
        }
    }
}

/// Every function, by name.
pub static FUNCTIONS: &[&Function] = &[
    &amounts::abs::FUNCTION,
    &amounts::allocate::FUNCTION,
    &texts::clip::FUNCTION,
    &objects::compare::FUNCTION,
    &texts::date::FUNCTION,
    &amounts::decimal::FUNCTION,
    &special::DEFAULT,
    &items::difference::FUNCTION,
    &special::FAILED_OF,
    &special::FIND,
    &objects::fingerprint::FUNCTION,
    &items::ends::FIRST,
    &special::FIRST_OF,
    &amounts::fx::FUNCTION,
    &items::group_by::FUNCTION,
    &items::join::FUNCTION,
    &items::ends::LAST,
    &items::length::FUNCTION,
    &texts::case::LOWER,
    &special::MAP,
    &items::extremes::MAX,
    &items::extremes::MIN,
    &amounts::money::FUNCTION,
    &amounts::tax::NET_OF_TAX,
    &special::OMIT,
    &special::PATH,
    &special::REJECT,
    &special::REJECTATTR,
    &texts::replace::FUNCTION,
    &amounts::round::FUNCTION,
    &amounts::round_to_sum::FUNCTION,
    &special::SELECT,
    &special::SELECTATTR,
    &items::sort::FUNCTION,
    &texts::split::FUNCTION,
    &items::sum::FUNCTION,
    &texts::text::FUNCTION,
    &special::TIE_OUT,
    &texts::trim::FUNCTION,
    &items::unique::FUNCTION,
    &texts::case::UPPER,
    &amounts::tax::WITH_TAX,
];

/// The function of that name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok().map(|index| FUNCTIONS[index])
}

/// The function whose name is most like this.
pub fn nearest(name: &str) -> Option<&'static str> {
    shape::near(name, FUNCTIONS.iter().map(|function| function.name))
}

/// The shape of an argument, or anything.
fn given(args: &[Option<Shape>], index: usize) -> Shape {
    args.get(index).cloned().flatten().unwrap_or(Shape::Any)
}

/// The shape of the elements of an argument, or anything.
fn element(args: &[Option<Shape>], index: usize) -> Shape {
    shape::element(&given(args, index)).unwrap_or(Shape::Any)
}

/// The same quantity after it was rounded: amounts stay amounts, other numbers become plain numbers.
fn quantity(shape: &Shape) -> Shape {
    match shape.present() {
        Shape::Money(currency) => Shape::Money(currency.rounded().clone()),
        shape if shape.is_number() => Shape::Number,
        _ => Shape::Any,
    }
}

#[cfg(test)]
mod table {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        for pair in FUNCTIONS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
        for function in FUNCTIONS {
            assert_eq!(find(function.name).map(|found| found.name), Some(function.name));
            assert!(function.doc.ends_with('.'), "{}", function.name);
            let first_optional = function.params.iter().position(|param| !param.needed).unwrap_or(usize::MAX);
            let last_needed = function.params.iter().rposition(|param| param.needed).unwrap_or(0);
            assert!(last_needed < first_optional, "{}: needed parameters come first", function.name);
        }
        assert_eq!(nearest("uper"), Some("upper"));
    }
}
