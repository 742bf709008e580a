//! A journal whose disk can be stopped: what is appended then is kept, and never durable.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{
    event::{Effect, Entry, EventId, Fact, Past, RunId, Told, Watermark},
    journal::{Asked, Durable, Error, Journal, Last, Lsn, Memory, OpenRun, Ordered, Query},
    value::Hash,
};

#[derive(Default)]
pub(super) struct Stuck {
    kept: Memory,
    durable: Durable,
    is_stuck: AtomicBool,
}

impl Stuck {
    /// Stops the disk.
    pub(super) fn stop(&self) {
        self.is_stuck.store(true, Ordering::SeqCst);
    }

    pub(super) fn facts(&self) -> Vec<Fact> {
        self.kept.facts()
    }
}

impl Journal for Stuck {
    fn append(&self, facts: Vec<Fact>) -> Result<Lsn, Error> {
        let lsn = self.kept.append(facts)?;
        if !self.is_stuck.load(Ordering::SeqCst) {
            self.durable.publish(lsn);
        }
        Ok(lsn)
    }

    fn durable(&self) -> &Durable {
        &self.durable
    }

    fn open(&self) -> Result<Vec<OpenRun>, Error> {
        self.kept.open()
    }

    fn run(&self, run: RunId) -> Result<Option<OpenRun>, Error> {
        self.kept.run(run)
    }

    fn past(&self, query: &Query) -> Result<Vec<Past>, Error> {
        self.kept.past(query)
    }

    fn last(&self, flow: &str, key: &str) -> Result<Option<Last>, Error> {
        self.kept.last(flow, key)
    }

    fn known(&self, flow: &str, fact: &str) -> Result<Option<RunId>, Error> {
        self.kept.known(flow, fact)
    }

    fn effects(&self, flow: &str, key: &str) -> Result<Vec<Effect>, Error> {
        self.kept.effects(flow, key)
    }

    fn remembered(&self, most: usize) -> Result<Vec<(std::sync::Arc<str>, std::sync::Arc<str>)>, Error> {
        self.kept.remembered(most)
    }

    fn entry(&self, book: &str, key: Hash) -> Result<Option<Entry>, Error> {
        self.kept.entry(book, key)
    }

    fn holder(&self, book: &str, column: &str, value: Hash) -> Result<Option<Hash>, Error> {
        self.kept.holder(book, column, value)
    }

    fn watermark(&self, flow: &str, source: Hash) -> Result<Option<Watermark>, Error> {
        self.kept.watermark(flow, source)
    }

    fn order(&self, asked: &Asked) -> Result<u64, Error> {
        self.kept.order(asked)
    }

    fn orders(&self) -> Result<Vec<Ordered>, Error> {
        self.kept.orders()
    }

    fn told(&self, id: u64) -> Result<Option<Told>, Error> {
        self.kept.told(id)
    }

    fn erased(&self) -> Result<Vec<Hash>, Error> {
        self.kept.erased()
    }

    fn pin(&self, print: Hash, flow: &str, bundle: &[u8]) -> Result<(), Error> {
        self.kept.pin(print, flow, bundle)
    }

    fn pinned(&self, print: Hash) -> Result<Option<Vec<u8>>, Error> {
        self.kept.pinned(print)
    }

    fn salt(&self) -> [u8; 32] {
        self.kept.salt()
    }

    fn newest(&self) -> Result<EventId, Error> {
        self.kept.newest()
    }
}
