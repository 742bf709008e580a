//! Where facts are kept. In: facts in order. Out: a durable mark, open runs, past runs, orders of operators. It must never
//! know lanes, plans or what a fact leads to.

mod durable;
mod memory;
mod shelf;
mod sqlite;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::{
    durable::{Broken, Durable, Lsn},
    memory::Memory,
    shelf::Shelf,
    sqlite::{Reader, Sqlite},
};
use crate::{
    event::{
        Effect, EffectId, Entry, Event, EventId, Fact, Instant, Outcome, Parked, Past, RunId, Told, Version,
        Watermark,
    },
    value::{Hash, Value},
};

/// What can go wrong with a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another engine has it.
    #[error(
        "found another engine on the journal {path}, expected none: stop it, or give this one its own `--data`"
    )]
    Locked {
        /// The journal's file.
        path: String,
    },
    /// Written by a newer version.
    #[error("found a journal of version {found}, expected at most {known}: use the flowrun that wrote it")]
    Newer {
        /// Its version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// Written by an older version whose records this one cannot read.
    #[error(
        "found a journal of version {found}, expected {known}: drain it with the flowrun that wrote it, then give this one a new `--data`"
    )]
    Older {
        /// Its version.
        found: i64,
        /// The version that this program reads.
        known: i64,
    },
    /// Not a journal of flowrun.
    #[error("found a database of another program at {path}, expected a journal: choose another `--data`")]
    Foreign {
        /// The file.
        path: String,
    },
    /// It cannot be written any more: nothing is accepted and nothing is sent.
    #[error("the journal cannot be written: {0}")]
    Broken(String),
    /// Its disk is full: nothing is accepted and nothing is sent until there is room.
    #[error("the journal cannot grow: {0}; nothing is accepted and nothing is sent until there is room")]
    NoRoom(Arc<str>),
    /// It cannot be read.
    #[error("the journal cannot be read: {0}")]
    Read(String),
    /// More is waiting to be written than may wait.
    #[error("found {waiting} batches waiting to be written, expected fewer: the disk is too slow")]
    Full {
        /// How many.
        waiting: usize,
    },
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken.0.to_string())
    }
}

/// A run that is not over.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRun {
    /// Its event.
    pub event: Event,
    /// What is known of it: frozen values, its effects, the last park.
    pub facts: Vec<Fact>,
}

impl OpenRun {
    /// How it is parked, if it is.
    pub fn parked(&self) -> Option<&Parked> {
        self.facts
            .iter()
            .rev()
            .find_map(|fact| if let Fact::Parked(parked) = fact { Some(parked) } else { None })
    }

    /// Whether it holds frozen values, and by which plan.
    pub fn frozen_by(&self) -> Option<Hash> {
        self.facts.iter().find_map(|fact| if let Fact::Froze(froze) = fact { Some(froze.plan) } else { None })
    }
}

/// What is known of a run that is not over, in brief: what a lane must know.
#[derive(Clone, Debug, PartialEq)]
pub struct Brief {
    /// Its event.
    pub event: Event,
    /// How it is parked, if it is.
    pub parked: Option<Parked>,
    /// Whether it holds frozen values.
    pub frozen: bool,
}

impl From<OpenRun> for Brief {
    fn from(open: OpenRun) -> Self {
        let (parked, frozen) = (open.parked().cloned(), open.frozen_by().is_some());
        Self { event: open.event, parked, frozen }
    }
}

/// The last run of a key that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Last {
    /// The run.
    pub run: RunId,
    /// The version of its event.
    pub version: Option<Version>,
    /// What its writes used.
    pub used: Option<Hash>,
}

/// Which past runs are wanted, newest first.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Of this flow.
    pub flow: Option<Arc<str>>,
    /// About this.
    pub key: Option<Arc<str>>,
    /// This one.
    pub run: Option<RunId>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Before this run, for paging.
    pub before: Option<RunId>,
    /// At most so many; 0 means 100.
    pub limit: usize,
}

/// What an operator asks of the engine, and who it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// When.
    pub at: Instant,
    /// By whom.
    pub who: Arc<str>,
    /// Why, if they said.
    pub why: Option<Arc<str>>,
    /// What.
    pub order: Order,
}

/// What can be asked of the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Go on with a parked run, or run a past one again.
    Retry {
        /// The run.
        run: RunId,
        /// With the newest plan, also if it is bound to an older one.
        newest: bool,
        /// With another event body.
        edited: Option<Value>,
        /// Repeat on purpose what may not be repeated.
        force: bool,
    },
    /// Drop a waiting event or a parked run.
    Drop {
        /// The run.
        run: RunId,
    },
    /// Say of an effect in doubt how it went.
    Settle {
        /// The run.
        run: RunId,
        /// The effect.
        effect: EffectId,
        /// It landed and gave this; none: it is absent.
        landed: Option<Value>,
    },
    /// Run events of an older window.
    Run {
        /// The flow.
        flow: Arc<str>,
        /// Mapped events.
        bodies: Vec<Value>,
    },
    /// Run one event by hand.
    Exec {
        /// The flow.
        flow: Arc<str>,
        /// The mapped event.
        body: Value,
    },
    /// Take no more events about this: it was erased.
    Erase {
        /// The flow.
        flow: Arc<str>,
        /// The key.
        key: Arc<str>,
    },
}

/// An order in the table: also the audit trail.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered {
    /// Its number.
    pub id: u64,
    /// Who asks for what.
    pub asked: Asked,
}

/// The store of facts. Nothing here waits but [`Durable`].
pub trait Journal: Send + Sync {
    /// Appends facts as one commit, in order. Returns at once; the number becomes durable later.
    fn append(&self, facts: Vec<Fact>) -> Result<Lsn, Error>;
    /// How far appended facts are durable.
    fn durable(&self) -> &Durable;
    /// All runs that are not over, oldest first.
    fn open(&self) -> Result<Vec<OpenRun>, Error>;
    /// Runs that are not over behind an id, oldest first, at most so many.
    fn after(&self, after: EventId, most: usize) -> Result<Vec<Brief>, Error> {
        let behind = self.open()?.into_iter().filter(|open| open.event.id > after);
        Ok(behind.take(most).map(Brief::from).collect())
    }
    /// Parked runs of a lane, oldest first.
    fn parked_in(&self, lane: &str) -> Result<Vec<Brief>, Error> {
        let all = self.open()?.into_iter().map(Brief::from);
        Ok(all.filter(|brief| brief.parked.is_some() && *brief.event.lane == *lane).collect())
    }
    /// Parked runs that come back at or before an instant, at most so many.
    fn due(&self, by: Instant, most: usize) -> Result<Vec<Brief>, Error> {
        let is_due =
            |brief: &Brief| brief.parked.as_ref().and_then(|parked| parked.due).is_some_and(|due| due <= by);
        Ok(self.open()?.into_iter().map(Brief::from).filter(is_due).take(most).collect())
    }
    /// One run that is not over.
    fn run(&self, run: RunId) -> Result<Option<OpenRun>, Error>;
    /// Past runs.
    fn past(&self, query: &Query) -> Result<Vec<Past>, Error>;
    /// The last run of a key that was done.
    fn last(&self, flow: &str, key: &str) -> Result<Option<Last>, Error>;
    /// The run of a fact that was accepted before.
    fn known(&self, flow: &str, fact: &str) -> Result<Option<RunId>, Error>;
    /// Effects that are remembered of a flow's key (see [`Event::effect_key`]).
    fn effects(&self, flow: &str, key: &str) -> Result<Vec<Effect>, Error>;
    /// Flows and keys that have remembered effects, at most so many.
    fn remembered(&self, most: usize) -> Result<Vec<(Arc<str>, Arc<str>)>, Error>;
    /// The entry of a key of a book, as far as it is durable; also one that no longer counts.
    fn entry(&self, book: &str, key: Hash) -> Result<Option<Entry>, Error>;
    /// The key of the entry of a book that holds what has this hash in a unique column.
    fn holder(&self, book: &str, column: &str, value: Hash) -> Result<Option<Hash>, Error>;
    /// How far a poll came.
    fn watermark(&self, flow: &str, source: Hash) -> Result<Option<Watermark>, Error>;
    /// Gives an order to the engine that has this journal, in whatever process.
    fn order(&self, asked: &Asked) -> Result<u64, Error>;
    /// Orders that are not done: of which [`Fact::Ordered`] is not durable.
    fn orders(&self) -> Result<Vec<Ordered>, Error>;
    /// What was told of an order, once it is done.
    fn told(&self, id: u64) -> Result<Option<Told>, Error>;
    /// Keyed hashes of all that was erased.
    fn erased(&self) -> Result<Vec<Hash>, Error>;
    /// Keeps the sources of a plan.
    fn pin(&self, print: Hash, flow: &str, bundle: &[u8]) -> Result<(), Error>;
    /// Keeps the sources of several plans: print, flow, sources.
    fn pin_all(&self, plans: &[(Hash, Arc<str>, String)]) -> Result<(), Error> {
        plans.iter().try_for_each(|(print, flow, bundle)| self.pin(*print, flow, bundle.as_bytes()))
    }
    /// The sources of a plan.
    fn pinned(&self, print: Hash) -> Result<Option<Vec<u8>>, Error>;
    /// The key of hashes over what may be personal; made once.
    fn salt(&self) -> [u8; 32];
    /// The highest id that was ever given.
    fn newest(&self) -> Result<EventId, Error>;
    /// Deletes at most so many of the past runs that are older than an id; how many it deleted. A journal in memory keeps all.
    fn trim(&self, before: EventId, most: usize) -> Result<usize, Error> {
        let _ = (before, most);
        Ok(0)
    }
    /// Deletes at most so many entries of books that no longer count; how many it deleted.
    fn expire(&self, now: Instant, most: usize) -> Result<usize, Error> {
        let _ = (now, most);
        Ok(0)
    }
}
