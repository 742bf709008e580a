//! Canonical hashes: equal values hash equal however they were spelt (`1.0` and `1`, any order of keys).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Keep, Number, Value};
use crate::money::Decimal;

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
        let mut feed = Feed::new(blake3::Hasher::new());
        feed.value(self);
        feed.finish()
    }

    /// The canonical hash under a key.
    pub fn keyed_hash(&self, key: &[u8; 32]) -> Hash {
        let mut feed = Feed::keyed(key);
        feed.value(self);
        feed.finish()
    }
}

/// A canonical hash in the making: the hash of a value without making the value. Every value is a tag byte, its length where it
/// varies, and its content: no two values feed the same bytes.
pub struct Feed {
    hasher: blake3::Hasher,
    /// What is not yet hashed: the hasher is fast on much and slow on little.
    bytes: Vec<u8>,
}

/// How much is hashed at a time.
const MUCH: usize = 8 << 10;

impl Feed {
    fn new(hasher: blake3::Hasher) -> Self {
        Self { hasher, bytes: Vec::with_capacity(MUCH / 8) }
    }

    /// A hash under a key.
    pub fn keyed(key: &[u8; 32]) -> Self {
        Self::new(blake3::Hasher::new_keyed(key))
    }

    /// The hash of what was fed.
    pub fn finish(mut self) -> Hash {
        self.hasher.update(&self.bytes);
        Hash(*self.hasher.finalize().as_bytes())
    }

    /// A list begins: so many values follow.
    pub fn list(&mut self, items: usize) {
        self.counted(*b"l", items);
    }

    /// A value.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.bytes(b"n"),
            Value::Bool(truth) => self.bytes(if *truth { b"t" } else { b"f" }),
            Value::Number(Number::Exact(digits)) => self.digits(*b"d", *digits),
            Value::Number(Number::Written(text)) => self.text(*b"w", text),
            Value::Text(text) => self.text(*b"s", text),
            Value::Money(money) => {
                self.bytes(b"m");
                self.bytes(money.currency.code().as_bytes());
                self.bytes(&money.amount.normalize().serialize());
            }
            Value::List(items) => {
                self.list(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Map(map) => {
                self.counted(*b"o", map.len());
                let mut members: Vec<_> = map.iter().collect();
                members.sort_unstable_by_key(|(key, _)| *key);
                for (key, value) in members {
                    self.text(*b"k", key);
                    self.value(value);
                }
            }
        }
    }

    /// The used parts of a value: the same as [`Keep::prune`] and then [`Self::value`].
    pub fn used(&mut self, keep: &Keep, value: &Value) {
        match (keep, value) {
            (Keep::Fields(_), Value::List(items)) => {
                self.list(items.len());
                items.iter().for_each(|item| self.used(keep, item));
            }
            (Keep::Fields(fields), Value::Map(map)) => {
                let members = || fields.iter().filter_map(|(key, keep)| Some((key, keep, map.get(key)?)));
                self.counted(*b"o", members().count());
                for (key, keep, value) in members() {
                    self.text(*b"k", key);
                    self.used(keep, value);
                }
            }
            (Keep::Nothing, Value::List(_) | Value::Map(_)) => self.value(&keep.prune(value)),
            (Keep::Nothing, Value::Null | Value::Bool(_)) | (Keep::All | Keep::Fields(_), _) => {
                self.value(value);
            }
            (Keep::Nothing, _) => self.value(&Value::Bool(true)),
        }
    }

    fn counted(&mut self, tag: [u8; 1], count: usize) {
        self.bytes(&tag);
        self.bytes(&(count as u64).to_le_bytes());
    }

    fn digits(&mut self, tag: [u8; 1], digits: Decimal) {
        self.bytes(&tag);
        self.bytes(&digits.normalize().serialize());
    }

    fn text(&mut self, tag: [u8; 1], text: &str) {
        self.counted(tag, text.len());
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.bytes.len() + bytes.len() > MUCH {
            self.hasher.update(&self.bytes);
            self.bytes.clear();
        }
        if bytes.len() > MUCH {
            self.hasher.update(bytes);
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
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
    fn the_used_parts_hash_as_if_they_were_pruned_first() {
        let value = json(
            r#"{"b":[{"x":1.0,"y":"a"},{"y":null},7],"a":{"k":"v","z":[1]},"n":null,"t":true,"s":"text","l":[[1]]}"#,
        );
        let path = |text: &str| text.split('.').map(Into::into).collect::<Vec<_>>();
        for paths in [
            &[][..],
            &["b.x"],
            &["b.x.deep", "a"],
            &["n", "t.no", "s.no", "none"],
            &["a.z.no", "l.no", "b.y"],
        ] {
            let mut keep = Keep::default();
            paths.iter().for_each(|text| keep.add(&path(text)));
            let mut feed = Feed::keyed(&[3; 32]);
            feed.used(&keep, &value);
            assert_eq!(feed.finish(), keep.prune(&value).keyed_hash(&[3; 32]), "{paths:?}");
        }
    }

    #[test]
    fn long_values_hash_as_their_bytes() {
        let (long, short) = ("x".repeat(3 * MUCH), "y".repeat(MUCH / 3));
        let texts = [&*short, &short, &short, &short, &long, &short];
        let mut bytes = Vec::new();
        bytes.extend([b"l".as_slice(), &6_u64.to_le_bytes()].concat());
        for text in texts {
            bytes.extend([b"s".as_slice(), &(text.len() as u64).to_le_bytes(), text.as_bytes()].concat());
        }
        assert_eq!(Value::list(texts.map(Value::from)).hash(), Hash::of(&bytes));
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
