//! Whether what is given fits what is wanted. In: shapes, and the place of what was given. Out: problems at that place. It
//! must never know how a shape was found.

use std::sync::Arc;

use crate::{
    problem::{Problem, Problems, codes},
    shape::{Mismatch, Object, Shape, assignable, near},
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
    let code = code_of(mismatch, have, want);
    Problem::error(code, span, mismatch.to_string())
}

/// Which kind of mismatch it is: looked up again in both shapes, along its path.
fn code_of(mismatch: &Mismatch, have: &Shape, want: &Shape) -> &'static str {
    let (mut have, mut want) = (have.present().clone(), want.present().clone());
    for step in &mismatch.path {
        let (given, wanted) = match (&have, &want) {
            (Shape::List(given), Shape::List(wanted)) => (Shape::clone(given), Shape::clone(wanted)),
            (Shape::Object(given), Shape::Object(wanted)) => {
                let Some(target) = wanted.fields.get(step) else { return codes::TARGET_FIELD };
                if target.read_only {
                    return codes::READ_ONLY;
                }
                match given.fields.get(step) {
                    Some(field) if field.required || !target.required => {
                        (field.shape.clone(), target.shape.clone())
                    }
                    _ => return codes::REQUIRED,
                }
            }
            _ => return codes::TARGET_TYPE,
        };
        have = given.present().clone();
        want = wanted.present().clone();
    }
    codes::TARGET_TYPE
}

/// A constant where something is wanted: its type, then its length and its words.
pub(super) fn constant(value: &Value, want: &Shape, span: Span, problems: &mut Problems) -> bool {
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
            problems.add(problem.help(if format == "date" {
                "write `2026-01-31`"
            } else {
                "write `2026-01-31T10:00:00Z`"
            }));
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
        _ => fit(&shape_of(value), want, span, problems),
    }
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
