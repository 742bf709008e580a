//! What may stand where something is wanted, and what two branches have in common.

use std::sync::Arc;

use super::{CurrencyOf, Field, Object, Shape, TextShape, near};

/// Why one shape cannot stand for another, and where below it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(.path))]
pub struct Mismatch {
    /// Member names and `[]` for elements, the outermost first; empty: the shape itself.
    pub path: Vec<Arc<str>>,
    /// What was found and what was expected.
    pub message: String,
}

fn place(path: &[Arc<str>]) -> String {
    if path.is_empty() { String::new() } else { format!("`{}`: ", path.join(".").replace(".[]", "[]")) }
}

impl Mismatch {
    /// A mismatch of the shape itself.
    pub fn here(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into() }
    }

    fn below(mut self, step: &Arc<str>) -> Self {
        self.path.insert(0, Arc::clone(step));
        self
    }
}

/// Whether a value that looks like `from` may be written where `to` is wanted. Numbers go out as text where text is wanted;
/// an amount counts as a number, a number never as an amount.
pub fn assignable(from: &Shape, to: &Shape) -> Result<(), Mismatch> {
    match (from, to) {
        (Shape::Any, _)
        | (_, Shape::Any)
        | (Shape::Null, Shape::Null | Shape::Optional(_))
        | (Shape::Bool, Shape::Bool)
        | (Shape::Int, Shape::Int | Shape::Number | Shape::Rate | Shape::Text(_))
        | (Shape::Number | Shape::Rate, Shape::Number | Shape::Rate | Shape::Text(_))
        | (Shape::Money(_), Shape::Number | Shape::Rate)
        | (Shape::Text(_), Shape::Enum(_)) => Ok(()),
        (Shape::Optional(from), Shape::Optional(to)) => assignable(from, to),
        (from, Shape::Optional(to)) => assignable(from, to),
        (Shape::Optional(_) | Shape::Null, to) => Err(Mismatch::here(format!(
            "expected {to}, found {from}: give it a value with `| default(…)`, or leave it out with `| default(omit)`"
        ))),
        (Shape::Money(from), Shape::Money(to)) => currencies(from, to),
        (Shape::Number | Shape::Int | Shape::Rate, Shape::Money(_)) => Err(Mismatch::here(format!(
            "expected {to}, found {from}: make it an amount with `| money(currency)`"
        ))),
        (Shape::Number | Shape::Rate, Shape::Int) => {
            Err(Mismatch::here(format!("expected {to}, found {from}: make it whole with `| round(0)`")))
        }
        (Shape::Text(_) | Shape::Enum(_), Shape::Number | Shape::Rate | Shape::Int | Shape::Money(_)) => Err(
            Mismatch::here(format!("expected {to}, found {from}: turn it into a number with `| decimal`")),
        ),
        (Shape::Text(from), Shape::Text(to)) => formats(from, to),
        (Shape::Enum(words), Shape::Text(to)) => fits(words, to),
        (Shape::Enum(from), Shape::Enum(to)) => words(from, to),
        (Shape::List(from), Shape::List(to)) => assignable(from, to).map_err(|miss| miss.below(&"[]".into())),
        (Shape::Object(from), Shape::Object(to)) => objects(from, to),
        _ => Err(Mismatch::here(format!("expected {to}, found {from}"))),
    }
}

fn currencies(from: &CurrencyOf, to: &CurrencyOf) -> Result<(), Mismatch> {
    match (from, to) {
        (CurrencyOf::Unrounded(_), to) if !matches!(to, CurrencyOf::Unrounded(_)) => Err(Mismatch::here(
            "this amount was divided or multiplied and may have more digits than its currency: round it with `| round`",
        )),
        (CurrencyOf::Code(from), CurrencyOf::Code(to)) if from != to => Err(Mismatch::here(format!(
            "expected an amount in {to:?}, found one in {from:?}: convert it with `fx`"
        ))),
        _ => Ok(()),
    }
}

fn formats(from: &TextShape, to: &TextShape) -> Result<(), Mismatch> {
    match (&from.format, &to.format) {
        (Some(from), Some(to)) if from != to => Err(Mismatch::here(format!(
            "expected {to} text, found {from} text: write it with `| date(format='…')`"
        ))),
        _ => Ok(()),
    }
}

fn fits(words: &[Arc<str>], to: &TextShape) -> Result<(), Mismatch> {
    let Some(most) = to.max_len else { return Ok(()) };
    match words.iter().find(|word| word.chars().nth(most as usize).is_some()) {
        Some(word) => Err(Mismatch::here(format!(
            "`{word}` is longer than the {most} characters that are possible here"
        ))),
        None => Ok(()),
    }
}

fn words(from: &[Arc<str>], to: &[Arc<str>]) -> Result<(), Mismatch> {
    let Some(wrong) = from.iter().find(|word| !to.contains(word)) else { return Ok(()) };
    let help = near(wrong, to.iter().map(|word| &**word))
        .map_or_else(|| Shape::Enum(to.into()).to_string(), |word| format!("did you mean `{word}`?"));
    Err(Mismatch::here(format!("`{wrong}` is not possible here: {help}")))
}

fn objects(from: &Object, to: &Object) -> Result<(), Mismatch> {
    for (name, given) in &from.fields {
        match to.fields.get(name) {
            Some(wanted) => field(given, wanted).map_err(|miss| miss.below(name))?,
            None if to.open => {}
            None => return Err(Mismatch::here(unknown(name, to)).below(name)),
        }
    }
    if from.open {
        return Ok(());
    }
    match to
        .fields
        .iter()
        .find(|(name, wanted)| wanted.required && !wanted.read_only && !from.fields.contains_key(*name))
    {
        Some((name, wanted)) => {
            Err(Mismatch::here(format!("is required ({}) and not given", wanted.shape)).below(name))
        }
        None => Ok(()),
    }
}

fn field(given: &Field, wanted: &Field) -> Result<(), Mismatch> {
    if wanted.read_only {
        return Err(Mismatch::here("can only be read"));
    }
    if wanted.required && !given.required {
        return Err(Mismatch::here("is required and may be left out"));
    }
    if wanted.required {
        return assignable(&given.shape, &wanted.shape);
    }
    assignable(&given.shape, &wanted.shape.clone().optional())
}

fn unknown(name: &str, of: &Object) -> String {
    let whose = of.name.as_deref().map_or_else(|| "the object".to_owned(), |name| format!("`{name}`"));
    match near(name, of.fields.keys().map(|key| &**key)) {
        Some(nearest) => format!("{whose} has no such field: did you mean `{nearest}`?"),
        None => format!("{whose} has no such field"),
    }
}

/// What is known of a value that is one or the other.
pub fn join(one: &Shape, two: &Shape) -> Shape {
    match (one, two) {
        (one, two) if one == two => one.clone(),
        (Shape::Any, _) | (_, Shape::Any) => Shape::Any,
        (Shape::Null, other) | (other, Shape::Null) => other.clone().optional(),
        (Shape::Optional(inner), other) | (other, Shape::Optional(inner)) => {
            join(inner, other.present()).optional()
        }
        (Shape::Money(one), Shape::Money(two)) => Shape::Money(one.with(two)),
        (Shape::Rate, other) | (other, Shape::Rate) if other.is_number() => Shape::Rate,
        (one, two) if one.is_number() && two.is_number() => Shape::Number,
        (Shape::Enum(one), Shape::Enum(two)) => {
            let more = two.iter().filter(|word| !one.contains(word));
            Shape::Enum(one.iter().chain(more).cloned().collect())
        }
        (Shape::Text(one), Shape::Text(two)) => Shape::Text(TextShape {
            max_len: one.max_len.zip(two.max_len).map(|(one, two)| one.max(two)),
            format: one.format.clone().filter(|format| Some(format) == two.format.as_ref()),
        }),
        (one, two) if one.is_text() && two.is_text() => Shape::TEXT,
        (Shape::List(one), Shape::List(two)) => join(one, two).list(),
        (Shape::Object(one), Shape::Object(two)) => Shape::Object(Arc::new(join_objects(one, two))),
        _ => Shape::Any,
    }
}

fn join_objects(one: &Object, two: &Object) -> Object {
    let mut fields = one.fields.clone();
    for (name, field) in &mut fields {
        match two.fields.get(name) {
            Some(other) => {
                field.shape = join(&field.shape, &other.shape);
                field.required &= other.required;
            }
            None => field.required = false,
        }
    }
    for (name, field) in &two.fields {
        if !fields.contains_key(name) {
            fields.insert(Arc::clone(name), Field { required: false, ..field.clone() });
        }
    }
    Object {
        fields,
        open: one.open || two.open,
        name: one.name.clone().filter(|name| Some(name) == two.name.as_ref()),
        sums: one.sums.clone().filter(|sums| Some(sums) == two.sums.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn words(words: &[&str]) -> Shape {
        Shape::Enum(words.iter().map(|word| (*word).into()).collect())
    }

    #[test]
    fn mismatches_say_what_and_where() {
        let pounds = || Shape::Money(CurrencyOf::Code(Currency::from_code("GBP").unwrap()));
        let dollars = || Shape::Money(CurrencyOf::Code(Currency::from_code("USD").unwrap()));
        let date = Shape::Text(TextShape { format: Some("date".into()), max_len: None });
        let instant = Shape::Text(TextShape { format: Some("date-time".into()), max_len: None });
        for (from, to, message) in [
            (Shape::Int, Shape::TEXT, ""),
            (Shape::MONEY, pounds(), ""),
            (Shape::Int, Shape::Int.optional(), ""),
            (words(&["a"]), words(&["a", "b"]), ""),
            (Shape::TEXT, date.clone(), ""),
            (Shape::object([("a", Shape::Int)]).list(), Shape::object([("a", Shape::Number)]).list(), ""),
            (
                Shape::Number,
                Shape::Int,
                "expected whole number, found number: make it whole with `| round(0)`",
            ),
            (
                Shape::TEXT,
                Shape::Number,
                "expected number, found text: turn it into a number with `| decimal`",
            ),
            (
                Shape::Int,
                pounds(),
                "expected amount in GBP, found whole number: make it an amount with `| money(currency)`",
            ),
            (dollars(), pounds(), "expected an amount in GBP, found one in USD: convert it with `fx`"),
            (instant, date, "expected date text, found date-time text: write it with `| date(format='…')`"),
            (
                words(&["abcd"]),
                Shape::Text(TextShape { max_len: Some(3), format: None }),
                "`abcd` is longer than the 3 characters that are possible here",
            ),
            (words(&["open"]), words(&["opened"]), "`open` is not possible here: did you mean `opened`?"),
            (
                Shape::object([("a", Shape::object([("b", Shape::Bool)]).list())]),
                Shape::object([("a", Shape::object([("b", Shape::Int)]).list())]),
                "`a[].b`: expected whole number, found boolean",
            ),
            (
                Shape::object([("nmae", Shape::TEXT)]),
                Shape::object([("name", Shape::TEXT)]),
                "`nmae`: the object has no such field: did you mean `name`?",
            ),
            (
                Shape::object::<&str>([]),
                Shape::object([("a", Shape::TEXT)]),
                "`a`: is required (text) and not given",
            ),
        ] {
            let told = assignable(&from, &to).map_or_else(|miss| miss.to_string(), |()| String::new());
            assert_eq!(told, message, "{from} to {to}");
        }
        let told = assignable(&Shape::TEXT.optional(), &Shape::TEXT).unwrap_err().to_string();
        assert!(told.starts_with("expected text, found text or null"), "{told}");
    }

    #[test]
    fn read_only_and_optional_fields() {
        let target = |field: Field| {
            let fields = [("a".into(), field)].into_iter().collect();
            Shape::Object(Arc::new(Object { fields, ..Object::default() }))
        };
        let given = target(Field::required(Shape::TEXT));
        let read_only = Field { read_only: true, ..Field::required(Shape::TEXT) };
        assert_eq!(assignable(&given, &target(read_only.clone())).unwrap_err().message, "can only be read");
        assert_eq!(assignable(&Shape::object::<&str>([]), &target(read_only)), Ok(()));
        let may_miss = target(Field::optional(Shape::TEXT));
        assert_eq!(assignable(&may_miss, &given).unwrap_err().message, "is required and may be left out");
        assert_eq!(assignable(&given, &may_miss), Ok(()));
    }

    #[test]
    fn branches_join() {
        assert_eq!(join(&words(&["a"]), &words(&["b"])), words(&["a", "b"]));
        assert_eq!(join(&words(&["a"]), &Shape::TEXT), Shape::TEXT);
        assert_eq!(join(&Shape::Int, &Shape::Null), Shape::Int.optional());
        assert_eq!(join(&Shape::Int.optional(), &Shape::Rate), Shape::Rate.optional());
        assert_eq!(join(&Shape::Int, &Shape::TEXT), Shape::Any);
        let joined = join(&Shape::object([("a", Shape::Int)]), &Shape::object([("b", Shape::Int)]));
        let Shape::Object(object) = joined else { panic!("not an object") };
        assert!(object.fields.values().all(|field| !field.required));
    }
}
