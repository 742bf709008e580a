//! Entries of books: what a request to a book names and what it writes. In: a book and parameters. Out: keyed hashes, entries.
//! It must never know where entries are kept.

use std::sync::Arc;

use crate::{
    event::{Entry, Instant},
    plan::Book,
    value::{Hash, Value},
};

/// The hash of the key that parameters name: one of each column of the book's key.
pub fn key_of(book: &Book, with: &Value, salt: &[u8; 32]) -> Hash {
    let columns = book.key.iter().map(|column| with.get(column).cloned().unwrap_or_default());
    Value::list([Value::from(Arc::clone(&book.name))].into_iter().chain(columns)).keyed_hash(salt)
}

/// The hash of what a unique column holds.
pub fn held_of(book: &Book, column: &str, value: &Value, salt: &[u8; 32]) -> Hash {
    Value::list([Value::from(Arc::clone(&book.name)), Value::from(column), value.clone()]).keyed_hash(salt)
}

/// The entry that parameters write, whole: a column that is left out is `null`.
pub fn entry_of(book: &Book, with: &Value, salt: &[u8; 32], now: Instant) -> Entry {
    let finds = book.unique.iter().filter_map(|column| {
        let value = with.get(column).filter(|value| !value.is_null())?;
        Some((Arc::clone(column), held_of(book, column, value, salt)))
    });
    let column = |name: &Arc<str>| (Arc::clone(name), with.get(name).cloned().unwrap_or_default());
    let value = Value::object(book.columns.iter().map(column));
    Entry { value, finds: finds.collect(), until: book.keep.map(|keep| now + keep) }
}
