//! What differs between what a case wants and what there is. In: two values. Out: differences with their paths, for people.

use std::fmt;

use crate::value::{Number, Value};

/// How much must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Objects may have more members than are wanted.
    Contains,
    /// Nothing more, nothing less.
    Exactly,
}

/// One place where they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, such as `item.items[2].amount`; empty for the whole.
    pub path: String,
    /// What was wanted; none: nothing should be there.
    pub wanted: Option<String>,
    /// What there is; none: nothing is there.
    pub found: Option<String>,
}

impl Difference {
    /// What was wanted and what there is.
    pub fn told(&self) -> String {
        let nothing = "nothing";
        let (wanted, found) = (self.wanted.as_deref(), self.found.as_deref());
        format!("wanted {}, found {}", wanted.unwrap_or(nothing), found.unwrap_or(nothing))
    }

    /// Its path below something that has a name.
    pub fn place(&self, of: &str) -> String {
        let gap = if self.path.is_empty() || self.path.starts_with('[') { "" } else { " " };
        format!("{of}{gap}{}", self.path)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the whole" } else { &self.path };
        write!(out, "{path}: {}", self.told())
    }
}

/// All differences, in the order of what is wanted.
pub fn differences(wanted: &Value, found: &Value, measure: Measure) -> Vec<Difference> {
    let mut all = Vec::new();
    walk(wanted, found, measure, &mut String::new(), &mut all);
    all
}

fn walk(wanted: &Value, found: &Value, measure: Measure, path: &mut String, all: &mut Vec<Difference>) {
    match (wanted, found) {
        (Value::Map(wants), Value::Map(has)) => {
            for (key, wanted) in wants.iter() {
                step(path, key, |path| match has.get(key) {
                    Some(found) => walk(wanted, found, measure, path, all),
                    None => {
                        all.push(Difference { path: path.clone(), wanted: Some(short(wanted)), found: None });
                    }
                });
            }
            for (key, found) in
                has.iter().filter(|(key, _)| measure == Measure::Exactly && !wants.contains_key(*key))
            {
                step(path, key, |path| {
                    all.push(Difference { path: path.clone(), wanted: None, found: Some(short(found)) });
                });
            }
        }
        (Value::List(wants), Value::List(has)) => {
            for index in 0..wants.len().max(has.len()) {
                let length = path.len();
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
                match (wants.get(index), has.get(index)) {
                    (Some(wanted), Some(found)) => walk(wanted, found, measure, path, all),
                    (wanted, found) => all.push(Difference {
                        path: path.clone(),
                        wanted: wanted.map(short),
                        found: found.map(short),
                    }),
                }
                path.truncate(length);
            }
        }
        (wanted, found) if same(wanted, found) => {}
        (wanted, found) => {
            all.push(Difference {
                path: path.clone(),
                wanted: Some(short(wanted)),
                found: Some(short(found)),
            });
        }
    }
}

fn step(path: &mut String, key: &str, go: impl FnOnce(&mut String)) {
    let length = path.len();
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
    go(path);
    path.truncate(length);
}

/// Scalars: numbers and amounts by value, everything else as it is.
fn same(wanted: &Value, found: &Value) -> bool {
    match (wanted.as_decimal(), found.as_decimal()) {
        (Some(wanted), Some(found)) => wanted == found,
        (None, None) => wanted == found,
        _ => false,
    }
}

/// A value as people read it in one line.
fn short(value: &Value) -> String {
    let text = match value {
        Value::Money(money) => format!("{} {}", money.written(), money.currency.code()),
        Value::Number(Number::Exact(digits)) => digits.to_string(),
        value => value.to_json(),
    };
    if text.chars().count() > 120 { text.chars().take(117).chain("...".chars()).collect() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_every_place_and_both_values() {
        let parse = |text: &str| Value::parse(text.as_bytes()).unwrap();
        let said = |wanted: &str, found: &str, measure| {
            differences(&parse(wanted), &parse(found), measure)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        for (wanted, found, measure, says) in [
            (r#"{"a":1.0}"#, r#"{"a":1,"b":2}"#, Measure::Contains, &[][..]),
            (r#"{"a":1.0}"#, r#"{"a":1,"b":2}"#, Measure::Exactly, &["b: wanted nothing, found 2"]),
            (
                r#"{"a":[{"b":"x"}]}"#,
                r#"{"a":[{"b":"y"}]}"#,
                Measure::Contains,
                &[r#"a[0].b: wanted "x", found "y""#],
            ),
            ("[1,2]", "[1]", Measure::Contains, &["[1]: wanted 2, found nothing"]),
            ("[1]", "[1,2]", Measure::Contains, &["[1]: wanted nothing, found 2"]),
            (r#"{"a":"1"}"#, r#"{"a":1}"#, Measure::Contains, &[r#"a: wanted "1", found 1"#]),
            (r#"{"a":null}"#, "{}", Measure::Contains, &["a: wanted null, found nothing"]),
            ("1", "2", Measure::Exactly, &["the whole: wanted 1, found 2"]),
        ] {
            assert_eq!(said(wanted, found, measure), says, "{wanted} {found}");
        }
    }
}
