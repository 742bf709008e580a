//! Canonical hashes: equal values hash equal however they were spelt (`1.0` and `1`, any order of keys).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Number, Value};

/// A 256-bit hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// A keyed hash of bytes: no oracle for who lacks the key. Used wherever personal data is recognised.
    pub fn keyed(key: &[u8; 32], bytes: &[u8]) -> Self {
        Self(*blake3::keyed_hash(key, bytes).as_bytes())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..6].iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl Value {
    /// The canonical hash of this value.
    pub fn hash(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        feed(self, &mut hasher);
        Hash(*hasher.finalize().as_bytes())
    }

    /// The canonical hash under a key.
    pub fn keyed_hash(&self, key: &[u8; 32]) -> Hash {
        let mut hasher = blake3::Hasher::new_keyed(key);
        feed(self, &mut hasher);
        Hash(*hasher.finalize().as_bytes())
    }
}

/// Every value is a tag byte, its length where it varies, and its content: no two values feed the same bytes.
fn feed(value: &Value, to: &mut blake3::Hasher) {
    match value {
        Value::Null => drop(to.update(b"n")),
        Value::Bool(truth) => drop(to.update(if *truth { b"t" } else { b"f" })),
        Value::Number(Number::Exact(digits)) => drop(to.update(b"d").update(&digits.normalize().serialize())),
        Value::Number(Number::Written(text)) => feed_text(*b"w", text, to),
        Value::Text(text) => feed_text(*b"s", text, to),
        Value::Money(money) => {
            to.update(b"m")
                .update(money.currency.code().as_bytes())
                .update(&money.amount.normalize().serialize());
        }
        Value::List(items) => {
            to.update(b"l").update(&(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| feed(item, to));
        }
        Value::Map(map) => {
            to.update(b"o").update(&(map.len() as u64).to_le_bytes());
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort_unstable();
            for key in keys {
                feed_text(*b"k", key, to);
                feed(&map[key], to);
            }
        }
    }
}

fn feed_text(tag: [u8; 1], text: &str, to: &mut blake3::Hasher) {
    to.update(&tag).update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Decimal, Money};

    fn json(text: &str) -> Value {
        Value::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn spelling_does_not_count() {
        for (one, two) in [
            ("1", "1.000"),
            ("{\"a\":1,\"b\":[2.50]}", "{ \"b\": [2.5], \"a\": 1.0 }"),
            ("\"\\u0041\"", "\"A\""),
            ("0", "0.00"),
        ] {
            assert_eq!(json(one).hash(), json(two).hash(), "{one} and {two}");
        }
    }

    #[test]
    fn different_values_differ() {
        let texts = [
            "null",
            "true",
            "false",
            "0",
            "1",
            "\"1\"",
            "\"\"",
            "[]",
            "[[]]",
            "[1,2]",
            "[[1],2]",
            "[\"a\",\"b\"]",
            "[\"ab\"]",
            "{}",
            "{\"a\":null}",
            "{\"a\":{}}",
            "{\"a\":1}",
            "{\"a1\":\"\"}",
            "[\"a\",1]",
            "1e400",
            "\"1e400\"",
            "-1",
        ];
        let pounds =
            |code| Value::from(Money { amount: Decimal::ONE, currency: Currency::from_code(code).unwrap() });
        let mut hashes: Vec<Hash> = texts.iter().map(|text| json(text).hash()).collect();
        hashes.extend([pounds("GBP").hash(), pounds("USD").hash()]);
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }

    #[test]
    fn a_key_makes_another_hash() {
        let value = json("{\"email\":\"jo@example.test\"}");
        assert_ne!(value.keyed_hash(&[1; 32]), value.keyed_hash(&[2; 32]));
        assert_ne!(value.keyed_hash(&[1; 32]), value.hash());
        assert_eq!(
            value.keyed_hash(&[1; 32]),
            json("{ \"email\": \"jo@example.test\" }").keyed_hash(&[1; 32])
        );
        // stored hashes must mean the same for ever
        assert_eq!(
            json("{\"a\":[1,\"x\",null,true]}").hash().to_string(),
            "d424b0e6e533f979d62aa88bf833991bdf6795506fcd3480bcb2196877e46c9d"
        );
    }
}
