//! A journal on a simulated disk: what is appended becomes durable later, and a crash keeps what is durable and any part of the
//! rest. In: facts. Out: facts after a crash. It must never be kinder than a disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    oracle::Witness,
    probe::{Point, Probe},
    scheduler::Scheduler,
};
use crate::{
    event::{Effect, Entry, EventId, Fact, Past, RunId, Told, Watermark},
    journal::{Asked, Durable, Error, Journal, Last, Lsn, OpenRun, Order, Ordered, Query, Shelf},
    value::Hash,
};

/// Which part of what was not yet durable survives a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tail {
    /// None of it.
    Lost,
    /// The first half of the batches.
    Half,
    /// All of it: it was durable, the word of it was not heard.
    Kept,
}

/// The key of hashes over what may be personal.
pub(super) const SALT: [u8; 32] = [7; 32];

/// What outlives a crash.
#[derive(Clone, Debug, Default)]
pub(super) struct Platter {
    pub(super) batches: Vec<Vec<Fact>>,
    orders: Vec<Ordered>,
}

impl Platter {
    /// All facts, in order.
    pub(super) fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.batches.iter().flatten()
    }

    /// What operators ever asked for.
    pub(super) fn orders(&self) -> &[Ordered] {
        &self.orders
    }

    /// What was asked for that these facts carry out.
    fn asked(&self, facts: &[Fact]) -> Vec<Order> {
        let done = facts.iter().filter_map(|fact| match fact {
            Fact::Ordered { order, .. } => self.orders.iter().find(|ordered| ordered.id == *order),
            _ => None,
        });
        done.map(|ordered| ordered.asked.order.clone()).collect()
    }
}

/// A journal of one life of the process.
pub(super) struct Disk {
    held: Mutex<Held>,
    durable: Durable,
    probe: Probe,
    clock: Scheduler,
    witness: Witness,
}

struct Held {
    platter: Platter,
    /// What all that is durable says.
    safe: Shelf,
    durable: usize,
    writing: bool,
}

impl Disk {
    /// A disk with what survived.
    pub(super) fn new(platter: Platter, probe: Probe, clock: Scheduler, witness: Witness) -> Arc<Self> {
        let mut safe = Shelf::default();
        platter.facts().for_each(|fact| safe.apply(fact));
        let durable = platter.batches.len();
        let held = Held { platter, safe, durable, writing: false };
        let disk = Self { held: Mutex::new(held), durable: Durable::default(), probe, clock, witness };
        disk.durable.publish(Lsn(durable as u64));
        Arc::new(disk)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process died: this is what the next life finds.
    pub(super) fn crash(&self, tail: Tail) -> Platter {
        let held = self.held();
        let lost = held.platter.batches.len() - held.durable;
        let keep = held.durable
            + match tail {
                Tail::Lost => 0,
                Tail::Half => lost.div_ceil(2),
                Tail::Kept => lost,
            };
        let mut platter = held.platter.clone();
        platter.batches.truncate(keep);
        platter
    }

    /// Writes: once in a while, a part of what waits becomes durable, in order.
    pub(super) async fn spin(self: Arc<Self>) {
        loop {
            self.clock.sleep_until(self.clock.now() + std::time::Duration::from_millis(1)).await;
            let dice = self.clock.random();
            let lsn = {
                let mut held = self.held();
                let waiting = held.platter.batches.len() - held.durable;
                if waiting == 0 {
                    held.writing = false;
                    return;
                }
                let more = 1 + (dice % waiting as u64) as usize;
                let (from, to) = (held.durable, held.durable + more);
                let facts: Vec<Fact> = held.platter.batches[from..to].iter().flatten().cloned().collect();
                facts.iter().for_each(|fact| held.safe.apply(fact));
                held.durable = to;
                self.witness.durable(&facts);
                Lsn(to as u64)
            };
            if !self.probe.pass(Point::Durable) {
                return;
            }
            self.durable.publish(lsn);
        }
    }
}

/// A disk that writes by itself when something is appended.
pub(super) struct Spinning(pub(super) Arc<Disk>);

impl Journal for Spinning {
    fn append(&self, facts: Vec<Fact>) -> Result<Lsn, Error> {
        let disk = &self.0;
        if disk.probe.is_dead() {
            return Err(Error::Broken("the process is dead".into()));
        }
        let asked = disk.held().platter.asked(&facts);
        for order in &asked {
            disk.probe.obeys(order);
        }
        if disk.probe.is_dead() {
            return Err(Error::Broken("the process is dead".into()));
        }
        let (lsn, start) = {
            let mut held = disk.held();
            disk.witness.appended(&facts);
            held.platter.batches.push(facts);
            let start = !std::mem::replace(&mut held.writing, true);
            (Lsn(held.platter.batches.len() as u64), start)
        };
        if start {
            disk.clock.spawn(Arc::clone(disk).spin());
        }
        disk.probe.pass(Point::Append);
        Ok(lsn)
    }

    fn durable(&self) -> &Durable {
        &self.0.durable
    }

    fn open(&self) -> Result<Vec<OpenRun>, Error> {
        Ok(self.0.held().safe.open())
    }

    fn run(&self, run: RunId) -> Result<Option<OpenRun>, Error> {
        Ok(self.0.held().safe.run(run))
    }

    fn past(&self, query: &Query) -> Result<Vec<Past>, Error> {
        Ok(self.0.held().safe.past(query))
    }

    fn last(&self, flow: &str, key: &str) -> Result<Option<Last>, Error> {
        Ok(self.0.held().safe.last(flow, key))
    }

    fn known(&self, flow: &str, fact: &str) -> Result<Option<RunId>, Error> {
        Ok(self.0.held().safe.known(flow, fact))
    }

    fn effects(&self, flow: &str, key: &str) -> Result<Vec<Effect>, Error> {
        Ok(self.0.held().safe.effects(flow, key))
    }

    fn remembered(&self, most: usize) -> Result<Vec<(Arc<str>, Arc<str>)>, Error> {
        Ok(self.0.held().safe.remembered().into_iter().take(most).collect())
    }

    fn entry(&self, book: &str, key: Hash) -> Result<Option<Entry>, Error> {
        Ok(self.0.held().safe.entry(book, key))
    }

    fn holder(&self, book: &str, column: &str, value: Hash) -> Result<Option<Hash>, Error> {
        Ok(self.0.held().safe.holder(book, column, value))
    }

    fn watermark(&self, flow: &str, source: Hash) -> Result<Option<Watermark>, Error> {
        Ok(self.0.held().safe.watermark(flow, source))
    }

    fn order(&self, asked: &Asked) -> Result<u64, Error> {
        let mut held = self.0.held();
        let id = held.platter.orders.len() as u64 + 1;
        held.platter.orders.push(Ordered { id, asked: asked.clone() });
        Ok(id)
    }

    fn orders(&self) -> Result<Vec<Ordered>, Error> {
        let held = self.0.held();
        let open = held.platter.orders.iter().filter(|ordered| held.safe.told(ordered.id).is_none());
        Ok(open.cloned().collect())
    }

    fn told(&self, id: u64) -> Result<Option<Told>, Error> {
        Ok(self.0.held().safe.told(id))
    }

    fn erased(&self) -> Result<Vec<Hash>, Error> {
        Ok(self.0.held().safe.erased())
    }

    fn pin(&self, _: Hash, _: &str, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn pinned(&self, _: Hash) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }

    fn salt(&self) -> [u8; 32] {
        SALT
    }

    fn newest(&self) -> Result<EventId, Error> {
        Ok(self.0.held().safe.newest())
    }
}
