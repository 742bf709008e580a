//! What the store is asked. Commands of other processes use it beside a running engine.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::de::DeserializeOwned;

use super::{
    apply::{instant, outcome, seal},
    id, place, run, unread, word, written,
};
use crate::{
    event::{
        self, Effect, Entry, Event, EventId, Fact, Froze, Instant, Outcome, Parked, Past, RunId, Told,
        Watermark,
    },
    journal::{Asked, Brief, Error, Last, OpenRun, Ordered, Query, shelf::facts_of},
    value::Hash,
};

/// A connection that asks, and leaves orders.
pub struct Reader {
    connection: Connection,
    /// The folder, for who asks from outside the engine.
    folder: Option<PathBuf>,
}

impl Reader {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, folder: None }
    }

    /// The journal of a folder, beside whoever works on it; none if there is none yet.
    pub fn visit(folder: &Path) -> Result<Option<Self>, Error> {
        let file = place::file(folder);
        if !file.exists() {
            return Ok(None);
        }
        let opened = place::connect(&file).and_then(|connection| {
            let is_ours = place::is_ours(&connection, &file)?;
            Ok(is_ours.then_some(Self { connection, folder: Some(folder.to_owned()) }))
        });
        opened.map_err(|error| error.at(&file.display().to_string()))
    }

    /// Whether an engine has the journal.
    pub fn has_engine(&self) -> bool {
        self.folder.as_ref().is_none_or(|folder| place::is_taken(folder))
    }

    /// The open runs with their facts, oldest first.
    pub fn open_runs(&self) -> Result<Vec<OpenRun>, Error> {
        let mut froze: BTreeMap<i64, Vec<Froze>> = BTreeMap::new();
        let rows = self.rows("SELECT run, body FROM froze ORDER BY run, n", params![], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        for (run, body) in rows {
            froze.entry(run).or_default().push(open(&body)?);
        }
        let mut effects: BTreeMap<RunId, Vec<Effect>> = BTreeMap::new();
        for body in self.rows("SELECT body FROM effect", params![], |row| row.get::<_, Vec<u8>>(0))? {
            let effect: Effect = open(&body)?;
            effects.entry(effect.run).or_default().push(effect);
        }
        let rows = self.rows("SELECT id, body, parked FROM event ORDER BY id", params![], open_row)?;
        let one = |(id, body, parked): OpenRow| {
            assemble(
                &body,
                parked.as_deref(),
                froze.remove(&id).unwrap_or_default(),
                effects.remove(&run(id)).unwrap_or_default(),
            )
        };
        rows.into_iter().map(one).collect()
    }

    pub(super) fn after(&self, after: EventId, most: usize) -> Result<Vec<Brief>, Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.briefs("WHERE id > ?1 ORDER BY id LIMIT ?2", params![id(after), most])
    }

    pub(super) fn parked_in(&self, lane: &str) -> Result<Vec<Brief>, Error> {
        self.briefs("WHERE lane = ?1 ORDER BY id", params![lane])
    }

    pub(super) fn due(&self, by: Instant, most: usize) -> Result<Vec<Brief>, Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.briefs("WHERE due <= ?1 ORDER BY due LIMIT ?2", params![instant(by), most])
    }

    fn briefs(&self, which: &str, values: impl rusqlite::Params) -> Result<Vec<Brief>, Error> {
        let sql =
            format!("SELECT body, parked, EXISTS (SELECT 1 FROM froze WHERE run = id) FROM event {which}");
        let rows = self.rows(&sql, values, |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?, row.get::<_, bool>(2)?))
        })?;
        let one = |(body, parked, frozen): (Vec<u8>, Option<Vec<u8>>, bool)| {
            let parked = parked.map(|parked| open(&parked)).transpose()?;
            Ok(Brief { event: open(&body)?, parked, frozen })
        };
        rows.into_iter().map(one).collect()
    }

    /// One open run.
    pub fn open_run(&self, wanted: RunId) -> Result<Option<OpenRun>, Error> {
        let sql = "SELECT id, body, parked FROM event WHERE id = ?1";
        let Some((_, body, parked)) = self.rows(sql, params![id(wanted)], open_row)?.pop() else {
            return Ok(None);
        };
        let event: Event = open(&body)?;
        let froze = self.bodies("SELECT body FROM froze WHERE run = ?1 ORDER BY n", params![id(wanted)])?;
        let mut effects = self.effects(&event.flow, &event.effect_key())?;
        effects.retain(|effect| effect.run == wanted);
        assemble(&body, parked.as_deref(), froze, effects).map(Some)
    }

    /// Runs that are over, newest first.
    pub fn past(&self, query: &Query) -> Result<Vec<Past>, Error> {
        let limit = if query.limit == 0 { 100 } else { query.limit };
        let sql = "SELECT body FROM past
            WHERE (?1 IS NULL OR flow = (SELECT id FROM word WHERE t = ?1)) AND (?2 IS NULL OR key = ?2)
              AND (?3 IS NULL OR run = ?3) AND (?4 IS NULL OR outcome = ?4) AND (?5 IS NULL OR run < ?5)
            ORDER BY run DESC LIMIT ?6";
        let values = params![
            query.flow.as_deref(),
            query.key.as_deref(),
            query.run.map(id),
            query.outcome.map(outcome),
            query.before.map(id),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ];
        self.bodies(sql, values)
    }

    /// The last run of a key that was done: its version, and what the last one that was not `unchanged` used.
    pub fn last(&self, flow: &str, key: &str) -> Result<Option<Last>, Error> {
        let mut ask = self
            .connection
            .prepare_cached(
                "SELECT body FROM past WHERE flow = (SELECT id FROM word WHERE t = ?1) AND key = ?2 ORDER BY run DESC",
            )
            .map_err(unread)?;
        let mut rows = ask.query(params![flow, key]).map_err(unread)?;
        let mut last: Option<Last> = None;
        while let Some(row) = rows.next().map_err(unread)? {
            let past: Past = open(&row.get::<_, Vec<u8>>(0).map_err(unread)?)?;
            if !past.outcome.is_well() {
                continue;
            }
            let last = last.get_or_insert(Last { run: past.run, version: past.version, used: None });
            last.used = past.used;
            if last.used.is_some() || past.outcome != Outcome::Unchanged {
                break;
            }
        }
        Ok(last)
    }

    /// The run of a fact.
    pub fn known(&self, flow: &str, fact: &str) -> Result<Option<RunId>, Error> {
        let sql = "SELECT run FROM fact WHERE flow = (SELECT id FROM word WHERE t = ?1) AND id = ?2";
        Ok(self.one(sql, params![flow, fact])?.map(run))
    }

    /// Effects that are remembered of a flow's key.
    pub fn effects(&self, flow: &str, key: &str) -> Result<Vec<Effect>, Error> {
        let sql = "SELECT body FROM effect WHERE flow = (SELECT id FROM word WHERE t = ?1) AND key = ?2";
        self.bodies(sql, params![flow, key])
    }

    pub(super) fn remembered(&self, most: usize) -> Result<Vec<(Arc<str>, Arc<str>)>, Error> {
        self.rows(
            "SELECT DISTINCT t, key FROM effect JOIN word ON word.id = flow ORDER BY t, key LIMIT ?1",
            params![i64::try_from(most).unwrap_or(i64::MAX)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// How far a poll came.
    pub fn watermark(&self, flow: &str, source: Hash) -> Result<Option<Watermark>, Error> {
        let sql =
            "SELECT body FROM watermark WHERE flow = (SELECT id FROM word WHERE t = ?1) AND source = ?2";
        Ok(self.bodies(sql, params![flow, source.0])?.pop())
    }

    /// The sources of a plan.
    pub fn pinned(&self, print: Hash) -> Result<Option<Vec<u8>>, Error> {
        self.one("SELECT bundle FROM plan WHERE print = ?1", params![print.0])
    }

    /// Orders that are not done yet.
    pub fn orders(&self) -> Result<Vec<Ordered>, Error> {
        let all = self.requests("WHERE done IS NULL ORDER BY id", params![])?;
        Ok(all.into_iter().map(|(ordered, _)| ordered).collect())
    }

    /// The newest orders with what was told of them, newest first.
    pub fn newest_orders(&self, most: usize) -> Result<Vec<(Ordered, Option<Told>)>, Error> {
        self.requests("ORDER BY id DESC LIMIT ?1", params![i64::try_from(most).unwrap_or(i64::MAX)])
    }

    fn requests(
        &self,
        which: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<(Ordered, Option<Told>)>, Error> {
        let sql = format!("SELECT id, at, who, why, body, done FROM command {which}");
        let rows = self.rows(&sql, values, |row| {
            let (id, at): (i64, i64) = (row.get(0)?, row.get(1)?);
            let (who, why) = (row.get(2)?, row.get(3)?);
            let (body, done): (Vec<u8>, Option<Vec<u8>>) = (row.get(4)?, row.get(5)?);
            Ok((id, Instant(u64::try_from(at).unwrap_or(0)), who, why, body, done))
        })?;
        let one = |(id, at, who, why, body, done): (i64, _, _, _, Vec<u8>, Option<Vec<u8>>)| {
            let asked = Asked { at, who, why, order: open(&body)? };
            let told = done.map(|done| open(&done)).transpose()?;
            Ok((Ordered { id: u64::try_from(id).unwrap_or(0), asked }, told))
        };
        rows.into_iter().map(one).collect()
    }

    /// Leaves an order for the engine that has this journal.
    pub fn order(&self, asked: &Asked) -> Result<u64, Error> {
        self.write(
            "INSERT INTO command (at, who, why, body) VALUES (?1, ?2, ?3, ?4)",
            params![instant(asked.at), asked.who, asked.why, seal(&asked.order)?],
        )?;
        Ok(u64::try_from(self.connection.last_insert_rowid()).unwrap_or(0))
    }

    /// What was told of an order, once it is done.
    pub fn told(&self, order: u64) -> Result<Option<Told>, Error> {
        let order = i64::try_from(order).unwrap_or(i64::MAX);
        let done = self.one::<Option<Vec<u8>>>("SELECT done FROM command WHERE id = ?1", params![order])?;
        done.flatten().map(|done| open(&done)).transpose()
    }

    /// Keyed hashes of all that was erased.
    pub fn erased(&self) -> Result<Vec<Hash>, Error> {
        self.rows("SELECT who FROM gone", params![], |row| Ok(Hash(row.get(0)?)))
    }

    pub(super) fn pin(&self, print: Hash, flow: &str, bundle: &[u8]) -> Result<(), Error> {
        let flow = word(&self.connection, flow).map_err(written)?;
        self.write("INSERT OR IGNORE INTO plan VALUES (?1, ?2, ?3)", params![print.0, flow, bundle])
    }

    /// One transaction, so that the disk is waited for once.
    pub(super) fn pin_all(&self, plans: &[(Hash, Arc<str>, String)]) -> Result<(), Error> {
        if plans.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.unchecked_transaction().map_err(written)?;
        plans.iter().try_for_each(|(print, flow, bundle)| self.pin(*print, flow, bundle.as_bytes()))?;
        transaction.commit().map_err(written)
    }

    pub(super) fn newest(&self) -> Result<EventId, Error> {
        let sql =
            "SELECT max(coalesce((SELECT max(id) FROM event), 0), coalesce((SELECT max(run) FROM past), 0))";
        self.connection.query_row(sql, [], |row| row.get(0)).map(run).map_err(unread)
    }

    pub(super) fn trim(&self, before: EventId, most: usize) -> Result<usize, Error> {
        let sql = "DELETE FROM past WHERE run IN (SELECT run FROM past WHERE run < ?1 ORDER BY run LIMIT ?2)";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.connection.execute(sql, params![id(before), most]).map_err(written)
    }

    /// The entry of a key of a book; also one that no longer counts.
    pub fn entry(&self, book: &str, key: Hash) -> Result<Option<Entry>, Error> {
        let sql = "SELECT body FROM book WHERE name = (SELECT id FROM word WHERE t = ?1) AND key = ?2";
        Ok(self.bodies(sql, params![book, key.0])?.pop())
    }

    /// The key of the entry of a book that holds what has this hash in a column.
    pub fn holder(&self, book: &str, column: &str, value: Hash) -> Result<Option<Hash>, Error> {
        let sql = "SELECT key FROM holder WHERE name = (SELECT id FROM word WHERE t = ?1) AND col = ?2 AND value = ?3";
        Ok(self.one(sql, params![book, column, value.0])?.map(Hash))
    }

    /// The key of hashes over what may be personal.
    pub fn salt(&self) -> Result<[u8; 32], Error> {
        self.one("SELECT v FROM meta WHERE k = 'salt'", params![])?.ok_or_else(|| unread("it has no salt"))
    }

    pub(super) fn expire(&self, now: Instant, most: usize) -> Result<usize, Error> {
        let transaction = self.connection.unchecked_transaction().map_err(written)?;
        let now = i64::try_from(now.0).unwrap_or(i64::MAX);
        let sql = "SELECT name, key, body FROM book WHERE until <= ?1 ORDER BY until LIMIT ?2";
        let gone = self.rows(sql, params![now, i64::try_from(most).unwrap_or(i64::MAX)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        for (book, key, body) in &gone {
            let entry: Entry = open(body)?;
            for (column, value) in &entry.finds {
                let sql = "DELETE FROM holder WHERE name = ?1 AND col = ?2 AND value = ?3 AND key = ?4";
                transaction.execute(sql, params![book, column, value.0, key]).map_err(written)?;
            }
            let sql = "DELETE FROM book WHERE name = ?1 AND key = ?2";
            transaction.execute(sql, params![book, key]).map_err(written)?;
        }
        transaction.commit().map_err(written)?;
        Ok(gone.len())
    }

    fn bodies<T: DeserializeOwned>(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<T>, Error> {
        self.rows(sql, values, |row| row.get::<_, Vec<u8>>(0))?.iter().map(|body| open(body)).collect()
    }

    fn rows<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        let mut ask = self.connection.prepare_cached(sql).map_err(unread)?;
        ask.query_map(values, row).and_then(Iterator::collect).map_err(unread)
    }

    fn one<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<T>, Error> {
        let mut ask = self.connection.prepare_cached(sql).map_err(unread)?;
        ask.query_row(values, |row| row.get(0)).optional().map_err(unread)
    }

    fn write(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), Error> {
        self.connection.prepare_cached(sql).and_then(|mut run| run.execute(values)).map(drop).map_err(written)
    }
}

/// Id, event, park.
type OpenRow = (i64, Vec<u8>, Option<Vec<u8>>);

fn open_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<OpenRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn assemble(
    body: &[u8],
    parked: Option<&[u8]>,
    froze: Vec<Froze>,
    mut effects: Vec<Effect>,
) -> Result<OpenRun, Error> {
    effects.sort_by(|one, other| one.id.cmp(&other.id));
    let mut facts: Vec<Fact> = froze.into_iter().map(Fact::Froze).collect();
    facts.extend(effects.into_iter().flat_map(facts_of));
    facts.extend(parked.map(open::<Parked>).transpose()?.map(Fact::Parked));
    Ok(OpenRun { event: open(body)?, facts })
}

fn open<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    event::open(body).map_err(unread)
}
