//! Equality and order of values: numbers by value, null equal only to null, text against number an error.

use std::{cmp::Ordering, collections::HashSet};

use super::{
    Hash, Value,
    arith::{Quantity, Refusal, mixed, not_possible},
};
use crate::money;

impl Value {
    /// Whether both are the same. Kinds that can never be equal are an error, so that a mistake is no silent `false`.
    pub fn same(&self, other: &Self) -> Result<bool, Refusal> {
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Null, _) | (_, Self::Null) => false,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Text(one), Self::Text(two)) => one == two,
            (Self::Number(_) | Self::Money(_), Self::Number(_) | Self::Money(_)) => {
                self.compare_quantities(other, "==")?.is_eq()
            }
            (Self::List(one), Self::List(two)) => {
                one.len() == two.len() && all_same(one.iter().zip(two.iter()))?
            }
            (Self::Map(one), Self::Map(two)) => {
                one.len() == two.len()
                    && one.keys().all(|key| two.contains_key(key))
                    && all_same(one.iter().map(|(key, value)| (value, &two[key])))?
            }
            _ => return Err(not_possible(self, "==", other)),
        })
    }

    /// Which is greater: numbers, amounts of one currency, or texts.
    pub fn order(&self, other: &Self) -> Result<Ordering, Refusal> {
        self.order_by(other, "<")
    }

    /// As [`Value::order`]; messages name the operator.
    pub fn order_by(&self, other: &Self, symbol: &str) -> Result<Ordering, Refusal> {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => Ok(one.cmp(two)),
            (Self::Number(_) | Self::Money(_), Self::Number(_) | Self::Money(_)) => {
                self.compare_quantities(other, symbol)
            }
            _ => Err(not_possible(self, symbol, other)),
        }
    }

    fn compare_quantities(&self, other: &Self, symbol: &str) -> Result<Ordering, Refusal> {
        if let (Self::Number(one), Self::Number(two)) = (self, other)
            && symbol == "=="
            && one == two
        {
            return Ok(Ordering::Equal);
        }
        let (Some(a), Some(b)) = (Quantity::of(self)?, Quantity::of(other)?) else {
            return Err(not_possible(self, symbol, other));
        };
        match (a.currency, b.currency) {
            (Some(one), Some(two)) if one != two => Err(money::Error::Currencies(one, two).to_string()),
            (Some(_), None) if !b.digits.is_zero() => Err(mixed(self, symbol, other)),
            (None, Some(_)) if !a.digits.is_zero() => Err(mixed(self, symbol, other)),
            _ => Ok(a.digits.cmp(&b.digits)),
        }
    }

    /// Whether this list has the item, this text the part, or this object the key.
    pub fn contains(&self, item: &Self) -> Result<bool, Refusal> {
        match (self, item) {
            (Self::Text(text), Self::Text(part)) => Ok(text.contains(&**part)),
            (Self::Map(map), Self::Text(key)) => Ok(map.contains_key(&**key)),
            (Self::List(items), _) => {
                for candidate in items.iter() {
                    if candidate.same(item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Err(not_possible(item, "in", self)),
        }
    }

    /// Whether it counts as true where a condition is wanted: not null, not false, not zero, not empty.
    pub fn truth(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(truth) => *truth,
            Self::Number(number) => number.exact().map_or(true, |digits| !digits.is_zero()),
            Self::Money(money) => !money.amount.is_zero(),
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(map) => !map.is_empty(),
        }
    }
}

fn all_same<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Result<bool, Refusal> {
    for (one, two) in pairs {
        if !one.same(two)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Remembers values, to find those that come again.
#[derive(Debug, Default)]
pub struct Seen(HashSet<Hash>);

impl Seen {
    /// Notes the value; true the first time.
    pub fn first_time(&mut self, value: &Value) -> bool {
        self.0.insert(value.hash())
    }

    /// Whether the value was noted.
    pub fn has(&self, value: &Value) -> bool {
        self.0.contains(&value.hash())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        Value::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn equal_by_value_never_by_spelling() {
        for (one, two, same) in [
            ("1", "1.00", Ok(true)),
            ("null", "1", Ok(false)),
            ("[1, {\"a\": 2}]", "[1.0, {\"a\": 2.0}]", Ok(true)),
            ("{\"a\": 1, \"b\": 2}", "{\"b\": 2, \"a\": 1}", Ok(true)),
            ("{\"a\": 1}", "{\"b\": 1}", Ok(false)),
            ("1e400", "1e400", Ok(true)),
            (
                "\"1\"",
                "1",
                Err("text == number is not possible: turn the text into a number with `| decimal`"),
            ),
            ("true", "1", Err("boolean == number is not possible")),
        ] {
            assert_eq!(json(one).same(&json(two)), same.map_err(str::to_owned), "{one} == {two}");
        }
    }

    #[test]
    fn contains_looks_by_value() {
        assert_eq!(json("[1, 2.0]").contains(&json("2")), Ok(true));
        assert_eq!(json("\"abc\"").contains(&json("\"b\"")), Ok(true));
        assert!(json("[1]").contains(&json("\"1\"")).is_err());
        assert!(json("1").contains(&json("1")).is_err());
    }

    #[test]
    fn seen_goes_by_value_too() {
        let mut seen = Seen::default();
        assert!(seen.first_time(&json("{\"a\":1,\"b\":2.0}")));
        assert!(!seen.first_time(&json("{\"b\":2,\"a\":1.00}")));
        assert!(!seen.has(&json("3")));
    }
}
