//! Values written in a case. In: what stands in the file. Out: values; expressions without names are worked out.

use std::sync::Arc;

use crate::{
    expr::{Names, Scope, Tables, Template},
    source::{Scalar, Span},
    syntax::ast::Given,
    value::{Map, Number, Value},
    yaml::{Plain, plain},
};

/// A value that cannot be had, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    /// Where.
    pub(super) span: Span,
    /// Why.
    pub(super) message: String,
}

/// The value as it is written.
pub(super) fn value(given: &Given, tables: &Tables) -> Result<Value, Unread> {
    match given {
        Given::Scalar(text) => scalar(text, tables),
        Given::List(items, _) => {
            items.iter().map(|item| value(item, tables)).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        Given::Object(members, _) => {
            let member = |(name, given): &(crate::source::Name, Given)| {
                Ok((Arc::clone(&name.value), value(given, tables)?))
            };
            members.iter().map(member).collect::<Result<Map, _>>().map(Value::from)
        }
        Given::Each(each) => {
            Err(Unread { span: each.span, message: "found `each`, expected a plain value".into() })
        }
        Given::Use(fragment) => {
            Err(Unread { span: fragment.span, message: "found `use`, expected a plain value".into() })
        }
    }
}

/// Where it stands.
pub(super) fn span(given: &Given) -> Span {
    match given {
        Given::Scalar(text) => text.span,
        Given::List(_, span) | Given::Object(_, span) => *span,
        Given::Each(each) => each.span,
        Given::Use(fragment) => fragment.span,
    }
}

/// Where a part of it stands, by its path (`item.items[2].amount`); if it has no such part, what would hold it.
pub(super) fn span_at(given: &Given, path: &str) -> Span {
    let inner = match given {
        Given::Object(members, _) => members.iter().find_map(|(name, member)| {
            let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(&*name.value)?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then_some((member, rest))
        }),
        Given::List(items, _) => path.strip_prefix('[').and_then(|rest| {
            let (index, rest) = rest.split_once(']')?;
            Some((items.get(index.parse::<usize>().ok()?)?, rest))
        }),
        _ => None,
    };
    match inner {
        Some((part, rest)) if !path.is_empty() => span_at(part, rest),
        _ => span(given),
    }
}

fn scalar(text: &Scalar, tables: &Tables) -> Result<Value, Unread> {
    if text.plain {
        match plain(&text.text) {
            Plain::Null => return Ok(Value::Null),
            Plain::Bool(truth) => return Ok(Value::Bool(truth)),
            Plain::Number(digits) => return Ok(number(digits)),
            Plain::Text(_) => {}
        }
    }
    if !text.text.contains("{{") {
        return Ok(Value::Text(Arc::clone(&text.text)));
    }
    let names = Names::default();
    let template = Template::parse(&text.text, &names).map_err(|faults| {
        let first = faults.first();
        let span = first.map_or(text.span, |fault| text.place(fault.start, fault.end));
        let told = first.map_or_else(|| "not an expression".to_owned(), |fault| fault.message.clone());
        Unread { span, message: format!("{told} (a case has no names in scope)") }
    })?;
    let given = template.eval(&Scope::new(&[], tables));
    given
        .map(|value| value.unwrap_or(Value::Null))
        .map_err(|error| Unread { span: text.span, message: error.to_string() })
}

/// A number with its digits; `+1`, `.5` and `1.` are numbers in YAML but not in JSON.
fn number(digits: &str) -> Value {
    match crate::money::decimal(digits.trim_start_matches('+')) {
        Ok(exact) if !digits.contains(['e', 'E']) => Value::from(exact),
        _ => Value::Number(Number::Written(digits.into())),
    }
}
