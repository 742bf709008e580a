//! What was appended and cannot be read back yet: the same fact offered twice, or two runs of a key in one breath, must still be
//! recognised. In: appends. Out: facts and last runs until they are durable. It must never outgrow what waits for the disk.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    event::{Entry, Fact, RunId},
    journal::{Last, Lsn},
    value::Hash,
};

use super::books::holds;

type Key = (Arc<str>, Arc<str>);
/// A book and the hash of a key of it.
type Place = (Arc<str>, Hash);

/// Recognition of what is not yet durable.
#[derive(Debug, Default)]
pub(super) struct Pending {
    facts: HashMap<Key, (RunId, Lsn)>,
    lasts: HashMap<Key, (Last, Lsn)>,
    queue: VecDeque<(Lsn, Key)>,
    entries: HashMap<Place, (Option<Entry>, Lsn)>,
    /// The same, in order.
    noted: VecDeque<(Lsn, Place)>,
}

/// What of an append must be recognised.
#[derive(Debug)]
pub(super) enum Note {
    /// A fact and its run.
    Fact(Key, RunId),
    /// The last run of a key that was done.
    Last(Key, Last),
    /// What an entry of a book is from now on.
    Entry(Place, Option<Entry>),
}

/// What of these facts must be recognised.
pub(super) fn notes(facts: &[Fact]) -> Vec<Note> {
    let note = |fact: &Fact| match fact {
        Fact::Accepted(event) => {
            let id = event.fact.as_ref()?;
            Some(Note::Fact((Arc::clone(&event.flow), Arc::clone(id)), event.id))
        }
        Fact::Ended(past) if past.outcome.is_well() => {
            let last = Last { run: past.run, version: past.version.clone(), used: past.used };
            Some(Note::Last((Arc::clone(&past.flow), Arc::clone(&past.key)), last))
        }
        Fact::Noted(noted) => Some(Note::Entry((Arc::clone(&noted.book), noted.key), noted.entry.clone())),
        _ => None,
    };
    facts.iter().filter_map(note).collect()
}

impl Pending {
    /// Takes note of an append, and forgets what is durable.
    pub(super) fn note(&mut self, lsn: Lsn, notes: Vec<Note>, mark: Lsn) {
        for note in notes {
            let key = match note {
                Note::Fact(key, run) => {
                    self.facts.insert(key.clone(), (run, lsn));
                    key
                }
                Note::Last(key, last) => {
                    self.lasts.insert(key.clone(), (last, lsn));
                    key
                }
                Note::Entry(place, entry) => {
                    self.entries.insert(place.clone(), (entry, lsn));
                    self.noted.push_back((lsn, place));
                    continue;
                }
            };
            self.queue.push_back((lsn, key));
        }
        while let Some((old, key)) = self.queue.pop_front_if(|(old, _)| *old <= mark) {
            if self.facts.get(&key).is_some_and(|(_, at)| *at == old) {
                self.facts.remove(&key);
            }
            if self.lasts.get(&key).is_some_and(|(_, at)| *at == old) {
                self.lasts.remove(&key);
            }
        }
        while let Some((old, place)) = self.noted.pop_front_if(|(old, _)| *old <= mark) {
            if self.entries.get(&place).is_some_and(|(_, at)| *at == old) {
                self.entries.remove(&place);
            }
        }
    }

    /// What an entry of a book is from now on (none: it is taken out), if that is not yet durable.
    pub(super) fn entry(&self, book: &Arc<str>, key: Hash) -> Option<&Option<Entry>> {
        self.entries.get(&(Arc::clone(book), key)).map(|(entry, _)| entry)
    }

    /// An entry that holds what has this hash in a column, and is not yet durable.
    pub(super) fn holder(&self, book: &Arc<str>, column: &Arc<str>, held: Hash) -> Option<(Hash, Entry)> {
        let found = self
            .entries
            .iter()
            .find(|((of, _), (entry, _))| of == book && holds(entry.as_ref(), column, held));
        found.and_then(|((_, key), (entry, _))| Some((*key, entry.clone()?)))
    }

    /// The run of a fact.
    pub(super) fn known(&self, flow: &Arc<str>, fact: &Arc<str>) -> Option<RunId> {
        self.facts.get(&(Arc::clone(flow), Arc::clone(fact))).map(|(run, _)| *run)
    }

    /// The last run of a key that was done.
    pub(super) fn last(&self, flow: &Arc<str>, key: &Arc<str>) -> Option<Last> {
        self.lasts.get(&(Arc::clone(flow), Arc::clone(key))).map(|(last, _)| last.clone())
    }
}
