//! How things are called in messages. In: what was found, what is wanted. Out: words.

use super::Place;
use crate::{
    source::Span,
    syntax::keys::Want,
    yaml::{Kind, Node, Plain, plain},
};

/// Where to point for a value of the wrong kind: all of a scalar, the first sign of a list or an object.
pub(super) fn mark(node: &Node) -> Span {
    match &node.kind {
        Kind::Map(entries) => entries.first().map_or(node.span, |(name, _)| name.span),
        Kind::List(items) => items.first().map_or(node.span, mark),
        _ => node.span,
    }
}

pub(super) fn found(node: &Node) -> &'static str {
    match &node.kind {
        Kind::Null => "null",
        Kind::List(_) => "a list",
        Kind::Map(_) => "an object",
        Kind::Scalar(scalar) if !scalar.plain => "text",
        Kind::Scalar(scalar) => match plain(&scalar.text) {
            Plain::Null => "null",
            Plain::Bool(_) => "a boolean",
            Plain::Number(_) => "a number",
            Plain::Text(_) => "text",
        },
    }
}

pub(super) fn wanted(want: &Want) -> String {
    match want {
        Want::Text => "text".into(),
        Want::Name(_) => "a name".into(),
        Want::Call => "`connection.operation`".into(),
        Want::Expression => "a value or an expression".into(),
        Want::Whole(..) => "a whole number".into(),
        Want::Number(..) => "a number".into(),
        Want::Bool => "true or false".into(),
        Want::Duration => "a duration".into(),
        Want::Word(words) => listed(words.iter().copied()),
        Want::Instant(_) => "an instant".into(),
        Want::Or(inner) => format!("{} or an expression", wanted(inner)),
        Want::Reference => "`env:NAME` or `file:path`".into(),
        Want::Given | Want::Data => "a value".into(),
        Want::Type => "a type or a list of one".into(),
        Want::Shape => "a type, a list of one, or an object of types".into(),
        Want::Object(_) | Want::Choice(_) | Want::Map(..) => "an object".into(),
        Want::List(_) => "a list".into(),
        Want::Many(inner) => format!("{} or a list of them", wanted(inner)),
        Want::Either(text, object) => format!("{} or {}", wanted(text), wanted(object)),
    }
}

/// Nothing if there is none to show.
pub(super) fn example(place: Place<'_>) -> String {
    if place.example.is_empty() {
        String::new()
    } else {
        format!("for example `{}: {}`", place.key, place.example)
    }
}

/// `a`, `b` or `c`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Found text, short enough for a message.
pub(super) fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let cut: String = line.chars().take(40).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
