//! A journal in memory: for `exec FLOW --event`, for trials and tests. Every append is durable at once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Asked, Durable, Error, Journal, Last, Lsn, OpenRun, Ordered, Query, Reader, Shelf};
use crate::{
    event::{Effect, Entry, EventId, Fact, Past, RunId, Told, Watermark},
    value::Hash,
};

/// A journal in memory.
#[derive(Default)]
pub struct Memory {
    held: Mutex<Held>,
    durable: Durable,
    /// Where entries of books are that were not written here, and the key of their hashes.
    behind: Option<(Mutex<Reader>, [u8; 32])>,
}

#[derive(Debug, Default)]
struct Held {
    shelf: Shelf,
    facts: Vec<Fact>,
    appended: u64,
    orders: Vec<Ordered>,
    pinned: HashMap<Hash, Vec<u8>>,
}

impl Memory {
    /// A journal in memory in front of another: its books are read as they are, and what is written stays here.
    pub fn before(reader: Reader) -> Result<Self, Error> {
        let salt = reader.salt()?;
        Ok(Self { behind: Some((Mutex::new(reader), salt)), ..Self::default() })
    }

    /// What the journal behind says.
    fn behind<T>(&self, ask: impl FnOnce(&Reader) -> Result<Option<T>, Error>) -> Result<Option<T>, Error> {
        let behind = self.behind.as_ref();
        behind.map_or(Ok(None), |(reader, _)| ask(&reader.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// What an entry of a book was before anything was written here.
    pub fn entry_behind(&self, book: &str, key: Hash) -> Result<Option<Entry>, Error> {
        self.behind(|reader| reader.entry(book, key))
    }

    /// All facts, in order.
    pub fn facts(&self) -> Vec<Fact> {
        self.held().facts.clone()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Memory {
    fn append(&self, facts: Vec<Fact>) -> Result<Lsn, Error> {
        let mut held = self.held();
        held.appended += 1;
        for fact in &facts {
            held.shelf.apply(fact);
        }
        held.facts.extend(facts);
        let lsn = Lsn(held.appended);
        drop(held);
        self.durable.publish(lsn);
        Ok(lsn)
    }

    fn durable(&self) -> &Durable {
        &self.durable
    }

    fn open(&self) -> Result<Vec<OpenRun>, Error> {
        Ok(self.held().shelf.open())
    }

    fn run(&self, run: RunId) -> Result<Option<OpenRun>, Error> {
        Ok(self.held().shelf.run(run))
    }

    fn past(&self, query: &Query) -> Result<Vec<Past>, Error> {
        Ok(self.held().shelf.past(query))
    }

    fn last(&self, flow: &str, key: &str) -> Result<Option<Last>, Error> {
        Ok(self.held().shelf.last(flow, key))
    }

    fn known(&self, flow: &str, fact: &str) -> Result<Option<RunId>, Error> {
        Ok(self.held().shelf.known(flow, fact))
    }

    fn effects(&self, flow: &str, key: &str) -> Result<Vec<Effect>, Error> {
        Ok(self.held().shelf.effects(flow, key))
    }

    fn remembered(&self, most: usize) -> Result<Vec<(std::sync::Arc<str>, std::sync::Arc<str>)>, Error> {
        Ok(self.held().shelf.remembered().into_iter().take(most).collect())
    }

    fn entry(&self, book: &str, key: Hash) -> Result<Option<Entry>, Error> {
        let written = self.held().shelf.is_noted(book, key);
        if written { Ok(self.held().shelf.entry(book, key)) } else { self.entry_behind(book, key) }
    }

    fn holder(&self, book: &str, column: &str, value: Hash) -> Result<Option<Hash>, Error> {
        let here = self.held().shelf.holder(book, column, value);
        if here.is_some() { Ok(here) } else { self.behind(|reader| reader.holder(book, column, value)) }
    }

    fn watermark(&self, flow: &str, source: Hash) -> Result<Option<Watermark>, Error> {
        Ok(self.held().shelf.watermark(flow, source))
    }

    fn order(&self, asked: &Asked) -> Result<u64, Error> {
        let mut held = self.held();
        let id = held.orders.len() as u64 + 1;
        held.orders.push(Ordered { id, asked: asked.clone() });
        Ok(id)
    }

    fn orders(&self) -> Result<Vec<Ordered>, Error> {
        let held = self.held();
        Ok(held.orders.iter().filter(|ordered| held.shelf.told(ordered.id).is_none()).cloned().collect())
    }

    fn told(&self, id: u64) -> Result<Option<Told>, Error> {
        Ok(self.held().shelf.told(id))
    }

    fn erased(&self) -> Result<Vec<Hash>, Error> {
        Ok(self.held().shelf.erased())
    }

    fn pin(&self, print: Hash, _flow: &str, bundle: &[u8]) -> Result<(), Error> {
        self.held().pinned.insert(print, bundle.to_vec());
        Ok(())
    }

    fn pinned(&self, print: Hash) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.held().pinned.get(&print).cloned())
    }

    fn salt(&self) -> [u8; 32] {
        self.behind.as_ref().map_or([0x5a; 32], |(_, salt)| *salt)
    }

    fn newest(&self) -> Result<EventId, Error> {
        Ok(self.held().shelf.newest())
    }
}
