//! Books in a case: what they hold at the start, and what a case expects of them. In: `memory:` as written. Out: facts, misses,
//! each at its own place in the test file.

use std::sync::Arc;

use super::{
    case::{Miss, decode_any, did_you_mean},
    compare::{Measure, differences},
    given,
};
use crate::{
    check::Declared,
    compile::Compiled,
    engine::{entry_of, key_of},
    event::{Entry, Fact, Instant, Noted, RunId},
    source::Name,
    syntax::ast::Given,
    value::{Hash, Value},
};

/// `memory:` by book: keys and values.
pub(super) type Books = [(Name, Vec<(Given, Given)>)];

/// The facts by which the books hold what a case begins with.
pub(super) fn start(
    compiled: &Compiled,
    books: &Books,
    (salt, now): (&[u8; 32], Instant),
) -> Result<Vec<Fact>, Miss> {
    let mut facts = Vec::new();
    for (name, entries) in books {
        let declared = declared(compiled, name)?;
        for (key, value) in entries {
            let with = entry(compiled, declared, key, value)?;
            let entry = Some(entry_of(&declared.book, &with, salt, now));
            let (book, key) = (Arc::clone(&declared.book.name), key_of(&declared.book, &with, salt));
            facts.push(Fact::Noted(Noted { run: RunId::default(), book, key, entry, at: now }));
        }
    }
    Ok(facts)
}

/// What of the books is not as expected; `held` gives the entry of a key. An entry that should hold `null` should not be there.
pub(super) fn judge(
    compiled: &Compiled,
    books: &Books,
    salt: &[u8; 32],
    held: impl Fn(&str, Hash) -> Option<Entry>,
) -> Vec<Miss> {
    let mut misses = Vec::new();
    for (name, entries) in books {
        let declared = match declared(compiled, name) {
            Ok(declared) => declared,
            Err(miss) => return vec![miss],
        };
        for (key, wanted) in entries {
            match expected(compiled, (declared, name), (key, wanted), salt, &held) {
                Ok(found) => misses.extend(found),
                Err(miss) => misses.push(miss),
            }
        }
    }
    misses
}

fn expected(
    compiled: &Compiled,
    (declared, name): (&Declared, &Name),
    (key, wanted): (&Given, &Given),
    salt: &[u8; 32],
    held: &impl Fn(&str, Hash) -> Option<Entry>,
) -> Result<Vec<Miss>, Miss> {
    let with = part(compiled, declared, key)?;
    let found = held(&declared.book.name, key_of(&declared.book, &with, salt));
    let path = format!("memory {} {}", name.value, with.to_json());
    let value = given::value(wanted, &compiled.tables)?;
    Ok(match (found, value.is_null()) {
        (None, true) => Vec::new(),
        (None, false) => vec![Miss::new(given::span(wanted), path, "wanted an entry, found none")],
        (Some(entry), true) => {
            let told = format!("wanted no entry, found {}", entry.value.to_json());
            vec![Miss::new(given::span(wanted), path, told)]
        }
        (Some(entry), false) => differences(&value, &entry.value, Measure::Contains)
            .iter()
            .map(|found| Miss::new(given::span_at(wanted, &found.path), found.place(&path), found.told()))
            .collect(),
    })
}

fn declared<'c>(compiled: &'c Compiled, name: &Name) -> Result<&'c Declared, Miss> {
    compiled.books.get(&name.value).ok_or_else(|| {
        let names = compiled.books.keys().map(|name| &**name);
        Miss::fault(
            name.span,
            format!("there is no book `{}`{}", name.value, did_you_mean(&name.value, names)),
        )
    })
}

/// A whole entry: its key, its value, and `null` for what neither says.
fn entry(compiled: &Compiled, declared: &Declared, key: &Given, value: &Given) -> Result<Value, Miss> {
    let (with, rest) = (part(compiled, declared, key)?, part(compiled, declared, value)?);
    let column = |(name, _): &(Arc<str>, _)| {
        (Arc::clone(name), with.get(name).or_else(|| rest.get(name)).cloned().unwrap_or_default())
    };
    let whole = Value::object(declared.columns.iter().map(column));
    decode_any(&whole, &declared.entry(), compiled).map_err(|told| {
        Miss::fault(given::span(value), format!("the entry is not what the book holds: {told}"))
    })
}

/// Some columns of an entry.
fn part(compiled: &Compiled, declared: &Declared, written: &Given) -> Result<Value, Miss> {
    let value = given::value(written, &compiled.tables)?;
    let Some(map) = value.as_map() else {
        let told = format!("found {}, expected columns of the book `{}`", value.kind(), declared.book.name);
        return Err(Miss::fault(given::span(written), told));
    };
    match map.keys().find(|name| !declared.book.columns.contains(name)) {
        None => Ok(value),
        Some(name) => {
            let names = declared.book.columns.iter().map(|name| &**name);
            let told = format!(
                "the book `{}` has no column `{name}`{}",
                declared.book.name,
                did_you_mean(name, names)
            );
            Err(Miss::fault(given::span_at(written, name), told))
        }
    }
}
