//! The store of facts. In: facts, in order. Out: a mark that says how far they are durable; after a restart, the runs that
//! are open. It must never know a plan, a lane or the world.

mod mark;
mod memory;
mod sqlite;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::{
    mark::{Lsn, Mark, Standing},
    memory::Memory,
    sqlite::{Reader, Sqlite},
    state::OpenRun,
};
use crate::{
    event::{EventId, Fact, Outcome, Past, RunId, Version, Watermark},
    value::{Hash, Value},
};

/// Why the store cannot go on or cannot answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Another engine has it.
    #[error(
        "another flowrun is working on the journal {place} (process {owner}): stop it first, or name another folder with `--data`"
    )]
    Taken {
        /// Where.
        place: String,
        /// Who.
        owner: String,
    },
    /// Written by a newer version.
    #[error(
        "the journal {place} was written by a newer flowrun (its version is {found}, this program knows {known}): use that version"
    )]
    Newer {
        /// Where.
        place: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Somebody else took it over while we worked.
    #[error("another flowrun took the journal over: this one stops")]
    Fenced,
    /// The disk or the file system.
    #[error("the journal cannot be {doing}: {why}")]
    Storage {
        /// `opened`, `read`, `written`.
        doing: &'static str,
        /// What the system said.
        why: String,
    },
    /// A record that cannot be understood.
    #[error("the journal holds a record that cannot be read: {0}")]
    Record(String),
}

/// What the last good run of a key had read.
#[derive(Clone, Debug, PartialEq)]
pub struct Last {
    /// That run.
    pub run: RunId,
    /// The plan it ran by.
    pub plan: Hash,
    /// The version of its event.
    pub version: Option<Version>,
    /// Hash of all that its writes used.
    pub used: Option<Hash>,
}

/// Which past runs are wanted, newest first.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Only of this flow.
    pub flow: Option<Arc<str>>,
    /// Only about this key.
    pub key: Option<Arc<str>>,
    /// Only this run.
    pub run: Option<RunId>,
    /// Only with this outcome.
    pub outcome: Option<Outcome>,
    /// At most so many; 0 means 100.
    pub limit: usize,
}

/// What an operator wants; also the audit trail.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Order {
    /// Let a parked run go on: with the newest plan, unless `pinned`; with another event, if one is given.
    Retry {
        /// Which.
        run: RunId,
        /// Stay with the plan it ran by.
        pinned: bool,
        /// The edited event.
        event: Option<Value>,
        /// Repeat effects on purpose.
        again: bool,
    },
    /// Give a parked run or a waiting event up.
    Drop {
        /// Which.
        run: RunId,
        /// Why.
        reason: Arc<str>,
    },
    /// Say what became of a write that is in doubt.
    Settle {
        /// Which run.
        run: RunId,
        /// Which node.
        node: Arc<str>,
        /// Which element; empty without `each`.
        element: Arc<str>,
        /// It landed and gave this; none: it did not happen.
        landed: Option<Value>,
    },
}

/// The store. `append` never waits; whoever must wait watches the [`Mark`].
pub trait Journal: Send + Sync {
    /// Appends facts as one batch: all or none of it survives a crash. Returns the batch's number.
    fn append(&self, facts: Vec<Fact>) -> Lsn;

    /// How far what was appended is durable, or that the store is broken.
    fn mark(&self) -> Arc<Mark>;

    /// The runs and events that are open, oldest first, with the facts that they need to go on.
    fn open(&self) -> Result<Vec<OpenRun>, Error>;

    /// The highest id that was ever given.
    fn last_id(&self) -> Result<EventId, Error>;

    /// Runs that are over.
    fn past(&self, query: &Query) -> Result<Vec<Past>, Error>;

    /// The last run of a key that ended ok.
    fn last(&self, flow: &str, key: &str) -> Result<Option<Last>, Error>;

    /// The run that did this fact (`keep: all`), if one did.
    fn fact(&self, flow: &str, id: &str) -> Result<Option<RunId>, Error>;

    /// How far a poll came.
    fn watermark(&self, flow: &str, source: &Hash) -> Result<Option<Watermark>, Error>;

    /// Keeps the sources of a plan; once is enough.
    fn pin(&self, plan: &Hash, flow: &str, bundle: &[u8]) -> Result<(), Error>;

    /// The sources of a plan.
    fn bundle(&self, plan: &Hash) -> Result<Option<Vec<u8>>, Error>;

    /// Leaves an order for the engine that works on this journal; may be called by another process.
    fn order(&self, who: &str, order: &Order) -> Result<u64, Error>;

    /// Orders that are not done yet, oldest first.
    fn orders(&self) -> Result<Vec<(u64, Order)>, Error>;

    /// Marks an order as done, with what came of it.
    fn done(&self, order: u64, result: &str) -> Result<(), Error>;
}
