//! Books of `memory`. In: a request to a book. Out: what it gives; what it writes is one commit with the word that the effect
//! landed, so that a restart neither loses nor repeats it. It must never send anything.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError},
};

use super::Inner;
use crate::{
    engine::{
        books::{entry_of, held_of, key_of},
        machine::{Note, encode},
        policy::Guard,
    },
    event::{Answer, Class, Entry, Fact, Failure, Instant, Noted, Proof, Sent},
    journal::{self, Lsn},
    plan::{Book, Verb},
    value::{Hash, Value},
};

type Results = Vec<Result<Value, Failure>>;

/// What a request writes.
#[derive(Default)]
struct Draft {
    entries: Vec<(Hash, Option<Entry>)>,
    keys: HashSet<Hash>,
    held: HashSet<(Arc<str>, Hash)>,
}

impl Draft {
    fn add(&mut self, key: Hash, entry: Option<Entry>) {
        self.held.extend(entry.iter().flat_map(|entry| entry.finds.iter().cloned()));
        self.keys.insert(key);
        self.entries.push((key, entry));
    }
}

impl Inner {
    /// Carries out a request to a book; the append, if anything was written down.
    pub(super) fn note(&self, note: Note) -> Result<(Result<Answer, Failure>, Option<Lsn>), journal::Error> {
        let Note { facts, effect, request, book, verb, .. } = note;
        let now = self.world.now();
        // What is unique stays so: nobody else writes between the look and the append.
        let _alone = verb.writes().then(|| self.books.lock().unwrap_or_else(PoisonError::into_inner));
        let mut draft = Draft::default();
        let mut results: Results = Vec::with_capacity(request.inputs.len());
        for with in &request.inputs {
            results.push(match verb {
                Verb::Get => Ok(given(self.entry(&book.name, key_of(&book, with, &self.salt))?, now)),
                Verb::Find => Ok(given(self.find(&book, with)?, now)),
                Verb::Put => self.put(&book, with, now, &mut draft)?,
                Verb::Forget => {
                    draft.add(key_of(&book, with, &self.salt), None);
                    Ok(Value::Null)
                }
            });
        }
        let mut facts = facts;
        if !draft.entries.is_empty() {
            let run = request.run;
            let fact = |(key, entry)| Noted { run, book: Arc::clone(&book.name), key, entry, at: now };
            facts.extend(draft.entries.into_iter().map(fact).map(Fact::Noted));
            let value = encode(request.batch, &results);
            if self.policy.guards.has(Guard::NoteCommit) {
                facts.push(Fact::Landed { run, effect, by: Proof::Answer, value });
            }
        }
        let lsn = if facts.is_empty() { None } else { Some(self.append_surely(facts)?) };
        let answer = match results.pop() {
            Some(only) if !request.batch => only.map(Answer::One),
            last => Ok(Answer::Each(results.into_iter().chain(last).collect())),
        };
        Ok((answer, lsn))
    }

    fn find(&self, book: &Book, with: &Value) -> Result<Option<Entry>, journal::Error> {
        let asked = book.unique.iter().find_map(|column| Some((column, with.get(column)?)));
        let Some((column, value)) = asked.filter(|(_, value)| !value.is_null()) else { return Ok(None) };
        let held = held_of(book, column, value, &self.salt);
        Ok(self.holder(book, column, held)?.map(|(_, entry)| entry))
    }

    /// What a put writes goes to the draft, unless another entry holds what is unique.
    fn put(
        &self,
        book: &Book,
        with: &Value,
        now: Instant,
        draft: &mut Draft,
    ) -> Result<Result<Value, Failure>, journal::Error> {
        let refused = |told: String| Ok(Err(Failure::new(Class::Reject, Sent::No, told)));
        let key = key_of(book, with, &self.salt);
        if draft.keys.contains(&key) {
            return refused(format!("another element writes the same entry of the book `{}`", book.name));
        }
        let entry = entry_of(book, with, &self.salt, now);
        for (column, held) in &entry.finds {
            let here = draft.held.contains(&(Arc::clone(column), *held));
            let there = self.holder(book, column, *held)?.filter(|(holder, other)| {
                *holder != key && other.counts(now) && !draft.keys.contains(holder)
            });
            if here || there.is_some() {
                return refused(format!(
                    "another entry of the book `{}` holds this `{column}`, and it is unique",
                    book.name
                ));
            }
        }
        draft.add(key, Some(entry));
        Ok(Ok(Value::Null))
    }

    /// The entry of a key, durable or not.
    fn entry(&self, book: &Arc<str>, key: Hash) -> Result<Option<Entry>, journal::Error> {
        let pending = self.pending().entry(book, key).cloned();
        match pending {
            Some(entry) => Ok(entry),
            None => self.journal.entry(book, key),
        }
    }

    /// The entry that holds what has this hash in a column, durable or not, and its key.
    fn holder(
        &self,
        book: &Book,
        column: &Arc<str>,
        held: Hash,
    ) -> Result<Option<(Hash, Entry)>, journal::Error> {
        let pending = self.pending().holder(&book.name, column, held);
        if pending.is_some() {
            return Ok(pending);
        }
        let Some(key) = self.journal.holder(&book.name, column, held)? else { return Ok(None) };
        let entry = self.entry(&book.name, key)?.filter(|entry| holds(Some(entry), column, held));
        Ok(entry.map(|entry| (key, entry)))
    }
}

/// Whether an entry holds what has this hash in a column.
pub(super) fn holds(entry: Option<&Entry>, column: &Arc<str>, held: Hash) -> bool {
    entry.is_some_and(|entry| entry.finds.iter().any(|(name, hash)| name == column && *hash == held))
}

/// What a read of an entry gives.
fn given(entry: Option<Entry>, now: Instant) -> Value {
    entry.filter(|entry| entry.counts(now)).map(|entry| entry.value).unwrap_or_default()
}
