//! What the store is asked. Commands of other processes use it beside a running engine.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::de::DeserializeOwned;

use super::{
    apply::{outcome, seal},
    id, place, run, storage, word,
};
use crate::{
    event::{self, Effect, Event, EventId, Froze, Outcome, Past, RunId, Watermark},
    journal::{Error, Last, OpenRun, Order, Query},
    value::Hash,
};

/// A connection that asks, and leaves orders.
pub struct Reader {
    connection: Connection,
}

impl Reader {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The journal of a folder, beside whoever works on it; none if there is none yet.
    pub fn visit(folder: &Path) -> Result<Option<Self>, Error> {
        let file = place::file(folder);
        if !file.exists() {
            return Ok(None);
        }
        let connection = place::connect(&file)?;
        let version: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(storage("read"))?;
        Ok((version > 0).then_some(Self { connection }))
    }

    /// The open runs with their facts, oldest first.
    pub fn open_runs(&self) -> Result<Vec<OpenRun>, Error> {
        let mut froze: BTreeMap<i64, Vec<Froze>> =
            self.by_run("SELECT run, body FROM froze ORDER BY run, n")?;
        let mut effects: BTreeMap<i64, Vec<Effect>> =
            self.by_run("SELECT run, body FROM effect ORDER BY run, node, element")?;
        let rows = self.rows("SELECT id, body, parked FROM event ORDER BY id", params![], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Option<Vec<u8>>>(2)?))
        })?;
        let run = |(id, body, parked): (i64, Vec<u8>, Option<Vec<u8>>)| {
            let event: Event = open(&body)?;
            let parked = parked.as_deref().map(open).transpose()?;
            let froze = froze.remove(&id).unwrap_or_default();
            Ok(OpenRun { event, froze, effects: effects.remove(&id).unwrap_or_default(), parked })
        };
        rows.into_iter().map(run).collect()
    }

    /// The highest id that was ever given.
    pub fn last_id(&self) -> Result<EventId, Error> {
        let sql =
            "SELECT max(coalesce((SELECT max(id) FROM event), 0), coalesce((SELECT max(run) FROM past), 0))";
        self.connection.query_row(sql, [], |row| row.get(0)).map(run).map_err(storage("read"))
    }

    /// Runs that are over, newest first.
    pub fn past(&self, query: &Query) -> Result<Vec<Past>, Error> {
        let limit = if query.limit == 0 { 100 } else { query.limit };
        let sql = "SELECT body FROM past
            WHERE (?1 IS NULL OR flow = (SELECT id FROM word WHERE t = ?1)) AND (?2 IS NULL OR key = ?2)
              AND (?3 IS NULL OR run = ?3) AND (?4 IS NULL OR outcome = ?4) ORDER BY run DESC LIMIT ?5";
        let values = params![
            query.flow.as_deref(),
            query.key.as_deref(),
            query.run.map(id),
            query.outcome.map(outcome),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ];
        self.rows(sql, values, |row| row.get::<_, Vec<u8>>(0))?.iter().map(|body| open(body)).collect()
    }

    /// The last run of a key that ended ok.
    pub fn last(&self, flow: &str, key: &str) -> Result<Option<Last>, Error> {
        let sql = "SELECT body FROM past WHERE flow = (SELECT id FROM word WHERE t = ?1) AND key = ?2 AND outcome = ?3
            ORDER BY run DESC LIMIT 1";
        let found: Option<Vec<u8>> = self.one(sql, params![flow, key, outcome(Outcome::Ok)])?;
        let past: Option<Past> = found.as_deref().map(open).transpose()?;
        Ok(past.map(|past| Last { run: past.run, plan: past.plan, version: past.version, used: past.used }))
    }

    /// The run that did a fact.
    pub fn fact(&self, flow: &str, fact: &str) -> Result<Option<RunId>, Error> {
        let sql = "SELECT run FROM fact WHERE flow = (SELECT id FROM word WHERE t = ?1) AND id = ?2";
        Ok(self.one(sql, params![flow, fact])?.map(run))
    }

    /// How far a poll came.
    pub fn watermark(&self, flow: &str, source: &Hash) -> Result<Option<Watermark>, Error> {
        let sql =
            "SELECT body FROM watermark WHERE flow = (SELECT id FROM word WHERE t = ?1) AND source = ?2";
        let found: Option<Vec<u8>> = self.one(sql, params![flow, source.0])?;
        found.as_deref().map(open).transpose()
    }

    /// The sources of a plan.
    pub fn bundle(&self, plan: &Hash) -> Result<Option<Vec<u8>>, Error> {
        self.one("SELECT bundle FROM plan WHERE print = ?1", params![plan.0])
    }

    /// Orders that are not done yet.
    pub fn orders(&self) -> Result<Vec<(u64, Order)>, Error> {
        let rows =
            self.rows("SELECT id, body FROM command WHERE done IS NULL ORDER BY id", params![], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
        rows.into_iter().map(|(id, body)| Ok((u64::try_from(id).unwrap_or(0), open(&body)?))).collect()
    }

    /// Leaves an order.
    pub fn order(&self, who: &str, order: &Order) -> Result<u64, Error> {
        let sql = "INSERT INTO command (at, who, body) VALUES (unixepoch() * 1000, ?1, ?2)";
        self.write(sql, params![who, seal(order)?])?;
        Ok(u64::try_from(self.connection.last_insert_rowid()).unwrap_or(0))
    }

    /// What came of an order; none while it waits.
    pub fn result(&self, order: u64) -> Result<Option<String>, Error> {
        let order = i64::try_from(order).unwrap_or(i64::MAX);
        Ok(self.one::<Option<String>>("SELECT done FROM command WHERE id = ?1", params![order])?.flatten())
    }

    pub(super) fn done(&self, order: u64, result: &str) -> Result<(), Error> {
        let order = i64::try_from(order).unwrap_or(i64::MAX);
        self.write("UPDATE command SET done = ?2 WHERE id = ?1", params![order, result])
    }

    pub(super) fn pin(&self, plan: &Hash, flow: &str, bundle: &[u8]) -> Result<(), Error> {
        let flow = word(&self.connection, flow).map_err(storage("written"))?;
        self.write("INSERT OR IGNORE INTO plan VALUES (?1, ?2, ?3)", params![plan.0, flow, bundle])
    }

    pub(super) fn trim(&self, before: EventId, most: usize) -> Result<usize, Error> {
        let sql = "DELETE FROM past WHERE run IN (SELECT run FROM past WHERE run < ?1 ORDER BY run LIMIT ?2)";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.connection.execute(sql, params![id(before), most]).map_err(storage("written"))
    }

    fn by_run<T: DeserializeOwned>(&self, sql: &str) -> Result<BTreeMap<i64, Vec<T>>, Error> {
        let mut found: BTreeMap<i64, Vec<T>> = BTreeMap::new();
        let rows = self.rows(sql, params![], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        for (run, body) in rows {
            found.entry(run).or_default().push(open(&body)?);
        }
        Ok(found)
    }

    fn rows<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        let read = storage("read");
        let mut ask = self.connection.prepare_cached(sql).map_err(&read)?;
        ask.query_map(values, row).and_then(Iterator::collect).map_err(&read)
    }

    fn one<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<T>, Error> {
        let read = storage("read");
        let mut ask = self.connection.prepare_cached(sql).map_err(&read)?;
        ask.query_row(values, |row| row.get(0)).optional().map_err(&read)
    }

    fn write(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), Error> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut run| run.execute(values))
            .map(drop)
            .map_err(storage("written"))
    }
}

fn open<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    event::open(body).map_err(|error| Error::Record(error.to_string()))
}
