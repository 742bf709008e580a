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
