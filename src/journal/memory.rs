//! The store in memory: for tests, for `test`, and as the meaning that the other stores are held to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Error, Journal, Last, Lsn, Mark, OpenRun, Order, Query, state::Open};
use crate::{
    event::{EventId, Fact, Outcome, Past, RunId, Watermark},
    value::Hash,
};

/// Facts in memory; durable at once.
#[derive(Debug, Default)]
pub struct Memory {
    kept: Mutex<Kept>,
    mark: Arc<Mark>,
}

#[derive(Debug, Default)]
struct Kept {
    batches: Lsn,
    facts: Vec<Fact>,
    open: Open,
    past: BTreeMap<RunId, Past>,
    done: HashMap<(String, String), RunId>,
    marks: HashMap<(String, Hash), Watermark>,
    bundles: HashMap<Hash, Vec<u8>>,
    orders: BTreeMap<u64, (Order, Option<String>)>,
    last: EventId,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that was appended, in order.
    pub fn facts(&self) -> Vec<Fact> {
        self.lock().facts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn take(&mut self, fact: Fact) {
        match &fact {
            Fact::Accepted(event) => self.last = self.last.max(event.id),
            Fact::Ended(past) => {
                if let Some(id) = self.open.get(past.run).and_then(|open| open.event.fact.as_ref()) {
                    self.done.insert((past.flow.to_string(), id.to_string()), past.run);
                }
                self.past.insert(past.run, past.clone());
            }
            Fact::Watermark(mark) => {
                self.marks.insert((mark.flow.to_string(), mark.source), mark.clone());
            }
            _ => {}
        }
        self.open.fold(&fact);
        self.facts.push(fact);
    }
}

impl Journal for Memory {
    fn append(&self, facts: Vec<Fact>) -> Lsn {
        let mut kept = self.lock();
        facts.into_iter().for_each(|fact| kept.take(fact));
        kept.batches += 1;
        let lsn = kept.batches;
        drop(kept);
        self.mark.advance(lsn);
        lsn
    }

    fn mark(&self) -> Arc<Mark> {
        Arc::clone(&self.mark)
    }

    fn open(&self) -> Result<Vec<OpenRun>, Error> {
        Ok(self.lock().open.runs())
    }

    fn last_id(&self) -> Result<EventId, Error> {
        Ok(self.lock().last)
    }

    fn past(&self, query: &Query) -> Result<Vec<Past>, Error> {
        let limit = if query.limit == 0 { 100 } else { query.limit };
        let fits = |past: &&Past| {
            query.flow.as_ref().is_none_or(|flow| *flow == past.flow)
                && query.key.as_ref().is_none_or(|key| *key == past.key)
                && query.run.is_none_or(|run| run == past.run)
                && query.outcome.is_none_or(|outcome| outcome == past.outcome)
        };
        Ok(self.lock().past.values().rev().filter(fits).take(limit).cloned().collect())
    }

    fn last(&self, flow: &str, key: &str) -> Result<Option<Last>, Error> {
        let kept = self.lock();
        let fits = |past: &&Past| past.outcome == Outcome::Ok && *past.flow == *flow && *past.key == *key;
        Ok(kept.past.values().rev().find(fits).map(|past| Last {
            run: past.run,
            plan: past.plan,
            version: past.version.clone(),
            used: past.used,
        }))
    }

    fn fact(&self, flow: &str, id: &str) -> Result<Option<RunId>, Error> {
        Ok(self.lock().done.get(&(flow.to_owned(), id.to_owned())).copied())
    }

    fn watermark(&self, flow: &str, source: &Hash) -> Result<Option<Watermark>, Error> {
        Ok(self.lock().marks.get(&(flow.to_owned(), *source)).cloned())
    }

    fn pin(&self, plan: &Hash, _flow: &str, bundle: &[u8]) -> Result<(), Error> {
        self.lock().bundles.insert(*plan, bundle.to_vec());
        Ok(())
    }

    fn bundle(&self, plan: &Hash) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.lock().bundles.get(plan).cloned())
    }

    fn order(&self, _who: &str, order: &Order) -> Result<u64, Error> {
        let mut kept = self.lock();
        let number = kept.orders.len() as u64 + 1;
        kept.orders.insert(number, (order.clone(), None));
        Ok(number)
    }

    fn orders(&self) -> Result<Vec<(u64, Order)>, Error> {
        let kept = self.lock();
        let waiting = kept.orders.iter().filter(|(_, (_, result))| result.is_none());
        Ok(waiting.map(|(number, (order, _))| (*number, order.clone())).collect())
    }

    fn done(&self, order: u64, result: &str) -> Result<(), Error> {
        if let Some((_, done)) = self.lock().orders.get_mut(&order) {
            *done = Some(result.to_owned());
        }
        Ok(())
    }
}
