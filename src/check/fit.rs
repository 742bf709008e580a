//! Whether what is given fits what is wanted. In: shapes, and the place of what was given. Out: problems at that place. It
//! must never know how a shape was found.

use std::sync::Arc;

use crate::{
    money,
    problem::{Problem, Problems, codes},
    shape::{CurrencyOf, Mismatch, Object, Shape, TextShape, assignable, near},
    source::{Name, Span},
    time,
    value::Value,
};

/// A value of this shape at this place, where another is wanted. Says at most one problem.
pub(super) fn fit(have: &Shape, want: &Shape, span: Span, problems: &mut Problems) -> bool {
    let Err(mismatch) = assignable(have, want) else { return true };
    problems.add(told(&mismatch, have, want, span));
    false
}

fn told(mismatch: &Mismatch, have: &Shape, want: &Shape, span: Span) -> Problem {
    let (code, have, want) = end(mismatch, have, want);
    let problem = Problem::error(code, span, mismatch.to_string());
    let is_scalar = |shape: &Shape| shape.is_text() || shape.is_number();
    match (code, id_of(&have), id_of(&want)) {
        (codes::TARGET_TYPE, None, Some(_)) if is_scalar(&have) => problem.help("write it as `{ id: … }`"),
        (codes::TARGET_TYPE, Some(_), None) if is_scalar(&want) => problem.help("take its `.id`"),
        _ => problem,
    }
}

/// The shape of the id, if an object refers to something by one.
fn id_of(shape: &Shape) -> Option<&Shape> {
    match shape {
        Shape::Object(object) => object.fields.get("id").map(|field| &field.shape),
        _ => None,
    }
}

/// Which kind of mismatch it is, and the shapes that do not fit: looked up again in both, along its path.
fn end(mismatch: &Mismatch, have: &Shape, want: &Shape) -> (&'static str, Shape, Shape) {
    let (mut have, mut want) = (have.present().clone(), want.present().clone());
    for step in &mismatch.path {
        let (given, wanted) = match (&have, &want) {
            (Shape::List(given), Shape::List(wanted)) => (Shape::clone(given), Shape::clone(wanted)),
            (Shape::Object(given), Shape::Object(wanted)) => {
                let Some(target) = wanted.fields.get(step) else { return (codes::TARGET_FIELD, have, want) };
                if target.read_only {
                    return (codes::READ_ONLY, have, want);
                }
                match given.fields.get(step) {
                    Some(field) if field.required || !target.required => {
                        (field.shape.clone(), target.shape.clone())
                    }
                    _ => return (codes::REQUIRED, have, want),
                }
            }
            _ => return (codes::TARGET_TYPE, have, want),
        };
        have = given.present().clone();
        want = wanted.present().clone();
    }
    match (&have, &want) {
        (Shape::Money(CurrencyOf::Unrounded(_)), Shape::Money(_)) => (codes::UNROUNDED, have, want),
        _ => (codes::TARGET_TYPE, have, want),
    }
}

/// A constant where something is wanted: its type, then its length and its words.
pub(super) fn constant(
    value: &Value,
    want: &Shape,
    (span, written): (Span, &str),
    problems: &mut Problems,
) -> bool {
    let wanted = want.present();
    match (value, wanted) {
        (Value::Null, _) if want.may_miss() || *want == Shape::Any => true,
        (Value::Text(text), Shape::Enum(words)) if !words.contains(text) => {
            let problem =
                Problem::error(codes::NOT_A_VALUE, span, format!("`{text}` is not one of the values"));
            problems.add(problem.help(one_of(text, words.iter())));
            false
        }
        (Value::Text(text), Shape::Text(limits)) if !has_format(text, limits.format.as_deref()) => {
            let format = limits.format.as_deref().unwrap_or_default();
            let problem = Problem::error(codes::TARGET_TYPE, span, format!("`{text}` is no {format}"));
            problems.add(problem.help(written_as(format)));
            false
        }
        (Value::Text(text), Shape::Text(limits)) => {
            let Some(most) = limits.max_len.filter(|most| text.chars().count() > *most as usize) else {
                return true;
            };
            let found = text.chars().count();
            let message = format!("the text has {found} characters, the field takes {most}");
            problems.add(Problem::error(codes::TOO_LONG, span, message).help("shorten it"));
            false
        }
        _ => match said_otherwise(value, written, wanted) {
            Some(help) => {
                let message = format!("expected {want}, found the {} `{written}`", value.kind());
                problems.add(Problem::error(codes::TARGET_TYPE, span, message).help(help));
                false
            }
            None => fit(&shape_of(value), want, span, problems),
        },
    }
}

/// How a constant of another kind is written so that it fits; none: it fits, or nothing can be proposed.
fn said_otherwise(value: &Value, written: &str, wanted: &Shape) -> Option<String> {
    match (value, wanted) {
        (Value::Number(_) | Value::Bool(_), Shape::Text(TextShape { format: Some(format), .. }))
            if is_time(format) =>
        {
            Some(written_as(format).to_owned())
        }
        (Value::Number(_) | Value::Bool(_), Shape::Text(_) | Shape::Enum(_)) => {
            Some(format!("put it in quotes: `\"{written}\"`"))
        }
        (Value::Text(_), Shape::Int) if written.parse::<i64>().is_ok() => Some(unquoted(written)),
        (Value::Text(_), Shape::Number | Shape::Rate) if money::decimal(written).is_ok() => {
            Some(unquoted(written))
        }
        (Value::Text(_), Shape::Bool) if written.parse::<bool>().is_ok() => Some(unquoted(written)),
        (Value::Text(_) | Value::Number(_), Shape::Object(_)) => Some(match id_of(wanted)?.present() {
            Shape::Int => format!("write `{{ id: {written} }}`"),
            _ => format!("write `{{ id: \"{written}\" }}`"),
        }),
        _ => None,
    }
}

fn is_time(format: &str) -> bool {
    matches!(format, "date" | "date-time")
}

/// How a date or an instant is written.
fn written_as(format: &str) -> &'static str {
    if format == "date" { "write `2026-01-31`" } else { "write `2026-01-31T10:00:00Z`" }
}

fn unquoted(text: &str) -> String {
    format!("leave the quotes out: `{text}`")
}

/// Whether a constant text has the form of a date or an instant, where that is wanted.
fn has_format(text: &str, format: Option<&str>) -> bool {
    match format {
        Some("date") => text.parse::<time::Date>().is_ok(),
        Some("date-time") => time::is_instant(text),
        _ => true,
    }
}

/// What a constant looks like.
pub(super) fn shape_of(value: &Value) -> Shape {
    match value {
        Value::Null => Shape::Null,
        Value::Bool(_) => Shape::Bool,
        Value::Number(_) if value.as_i64().is_some() => Shape::Int,
        Value::Number(_) => Shape::Number,
        Value::Text(text) => Shape::Enum([Arc::clone(text)].into()),
        Value::Money(_) => Shape::MONEY,
        Value::List(_) | Value::Map(_) => Shape::Any,
    }
}

/// The field of a target for a key that is given; a problem if there is none or if it can only be read.
pub(super) fn target_field(key: &Name, target: &Object, problems: &mut Problems) -> Shape {
    match target.fields.get(&key.value) {
        Some(field) if field.read_only => {
            let message = format!("{} sets `{}` itself: it can only be read", whose(target), key.value);
            problems.add(Problem::error(codes::READ_ONLY, key.span, message).help("remove this line"));
            Shape::Any
        }
        Some(field) if field.required => field.shape.clone(),
        Some(field) => field.shape.clone().optional(),
        None if target.open => Shape::Any,
        None => {
            let message = format!("{} has no field `{}`", whose(target), key.value);
            let problem = Problem::error(codes::TARGET_FIELD, key.span, message);
            let names = target.fields.iter().filter(|(_, field)| !field.read_only).map(|(name, _)| &**name);
            problems.add(with_near(problem, &key.value, names));
            Shape::Any
        }
    }
}

/// Tells every required field that is not among the given keys. True if one is missing.
pub(super) fn required(given: &[Arc<str>], target: &Object, span: Span, problems: &mut Problems) -> bool {
    let missing: Vec<String> = target
        .fields
        .iter()
        .filter(|(name, field)| field.required && !field.read_only && !given.contains(name))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    // Each key that the target does not take may stand for one that it wants: then that is the problem.
    let wrong = given
        .iter()
        .filter(|name| target.fields.get(*name).is_none_or(|field| field.read_only) && !target.open);
    if missing.len() <= wrong.count() {
        return !missing.is_empty();
    }
    let what = if missing.len() == 1 { "a required field is" } else { "required fields are" };
    let message = format!("{what} left out of {}: {}", whose(target), missing.join(", "));
    problems.add(Problem::error(codes::REQUIRED, span, message));
    true
}

fn whose(target: &Object) -> String {
    target.name.as_deref().map_or_else(|| "the target".to_owned(), |name| format!("`{name}`"))
}

/// Adds "did you mean", or the names there are if they are few.
pub(super) fn with_near<'n>(problem: Problem, word: &str, names: impl Iterator<Item = &'n str>) -> Problem {
    let names: Vec<&str> = names.collect();
    match near(word, names.iter().copied()) {
        Some(name) => problem.help(format!("did you mean `{name}`?")),
        None if names.is_empty() || names.len() > 12 => problem,
        None => problem.help(format!("there is {}", listed(names.iter().copied()))),
    }
}

/// Names in words: "`a`, `b` and `c`".
pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_owned(),
    }
}

fn one_of<'w>(text: &str, words: impl Iterator<Item = &'w Arc<str>>) -> String {
    let words: Vec<&str> = words.map(AsRef::as_ref).collect();
    near(text, words.iter().copied()).map_or_else(
        || format!("it takes {}", listed(words.iter().copied())),
        |word| format!("did you mean `{word}`?"),
    )
}
