//! `SuiteQL` statements. In: constant text with named places. Out: the text with `?` and the values to bind, in order. Values
//! never become text of the statement.

use std::sync::Arc;

use crate::value::Value;

/// Where queries are asked.
pub const PATH: &str = "/services/rest/query/v1/suiteql";

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Arc<str>),
    Place(Arc<str>),
}

impl Statement {
    /// Reads a statement: `:name` outside quotes is a place.
    pub fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut letters = text.trim().chars().peekable();
        let mut quoted = false;
        while let Some(letter) = letters.next() {
            quoted ^= letter == '\'';
            let starts = letters.peek().is_some_and(|next| next.is_ascii_alphabetic() || *next == '_');
            if letter != ':' || quoted || !starts {
                plain.push(letter);
                continue;
            }
            let mut name = String::new();
            while let Some(next) = letters.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
                name.push(next);
            }
            parts.push(Part::Text(std::mem::take(&mut plain).into()));
            parts.push(Part::Place(name.into()));
        }
        parts.push(Part::Text(plain.into()));
        Self(parts)
    }

    /// The names of its places.
    pub fn places(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().filter_map(|part| match part {
            Part::Place(name) => Some(name),
            Part::Text(_) => None,
        })
    }

    /// The body of the request; a list makes one `?` an element. None: a list is empty, so there are no rows.
    pub fn body(&self, value_of: impl Fn(&str) -> Value) -> Option<Value> {
        let mut text = String::new();
        let mut bound = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(constant) => text.push_str(constant),
                Part::Place(name) => match value_of(name) {
                    Value::List(items) if items.is_empty() => return None,
                    Value::List(items) => {
                        text.push_str(&vec!["?"; items.len()].join(", "));
                        bound.extend(items.iter().cloned());
                    }
                    value => {
                        text.push('?');
                        bound.push(value);
                    }
                },
            }
        }
        Some(Value::object([("q", Value::from(text)), ("params", Value::from(bound))]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bound_never_written() {
        let statement = Statement::parse(
            "SELECT id FROM item WHERE a IN (:skus) AND b = :name AND t > TO_DATE(:at,'HH24:MI:SS') AND c = ':no'",
        );
        assert_eq!(statement.places().map(|name| &**name).collect::<Vec<_>>(), ["skus", "name", "at"]);
        let evil = "a' OR '1'='1";
        let body = statement.body(|name| match name {
            "skus" => Value::list([Value::from("x"), Value::from("y")]),
            _ => Value::from(evil),
        });
        let body = body.unwrap();
        let text = body.get("q").and_then(Value::as_str).unwrap();
        assert_eq!(
            text,
            "SELECT id FROM item WHERE a IN (?, ?) AND b = ? AND t > TO_DATE(?,'HH24:MI:SS') AND c = ':no'"
        );
        assert_eq!(body.get("params").and_then(Value::as_list).unwrap().len(), 4);
    }

    #[test]
    fn an_empty_list_asks_nothing() {
        let statement = Statement::parse("SELECT id FROM item WHERE a IN (:skus)");
        assert!(statement.body(|_| Value::list([])).is_none());
    }
}
