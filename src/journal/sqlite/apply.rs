//! What each fact changes. In: a group of facts. Out: rows. A run that begins and ends within one group leaves only its past.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};
use serde::Serialize;

use super::{id, storage, word};
use crate::{
    event::{self, Effect, EffectId, EffectState, Event, Fact, Outcome, Past, RunId},
    journal::Error,
};

/// Facts that are committed together.
pub(super) struct Group<'a> {
    facts: &'a [Fact],
    brief: BTreeMap<RunId, &'a Event>,
}

impl<'a> Group<'a> {
    pub(super) fn of(facts: &'a [Fact]) -> Self {
        let over: BTreeSet<RunId> = facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Ended(past) => Some(past.run),
                Fact::Merged { old, .. } => Some(*old),
                _ => None,
            })
            .collect();
        let brief = facts.iter().filter_map(|fact| match fact {
            Fact::Accepted(event) if over.contains(&event.id) => Some((event.id, event)),
            _ => None,
        });
        Self { facts, brief: brief.collect() }
    }

    pub(super) fn apply(&self, connection: &Connection) -> Result<(), Error> {
        let rows = Rows { connection };
        let mut tally: BTreeMap<(String, u64, i64), (i64, i64)> = BTreeMap::new();
        for fact in self.facts {
            if let Fact::Ended(past) = fact {
                let hour = past.ended.0 / 3_600_000;
                let sum = tally.entry((past.flow.to_string(), hour, outcome(past.outcome))).or_default();
                sum.0 += 1;
                sum.1 += i64::try_from(past.ended.since(past.accepted).as_millis()).unwrap_or(i64::MAX);
            }
            let brief = fact.run().and_then(|run| self.brief.get(&run));
            match (fact, brief) {
                (Fact::Ended(past), Some(event)) => rows.past(past, event.fact.as_deref())?,
                (_, Some(_)) => {}
                (fact, None) => rows.take(fact)?,
            }
        }
        tally.iter().try_for_each(|(key, sum)| rows.tally(key, *sum))
    }
}

struct Rows<'a> {
    connection: &'a Connection,
}

impl Rows<'_> {
    fn take(&self, fact: &Fact) -> Result<(), Error> {
        match fact {
            Fact::Accepted(event) => self.accepted(event),
            Fact::Merged { old, .. } => self.run("DELETE FROM event WHERE id = ?1", params![id(*old)]),
            Fact::Froze(froze) => self.run(
                "INSERT OR REPLACE INTO froze VALUES (?1, ?2, ?3)",
                params![id(froze.run), froze.n, seal(froze)?],
            ),
            Fact::Intent(intent) => self.effect(&Effect {
                run: intent.run,
                id: intent.effect.clone(),
                hash: intent.hash,
                key: intent.key.clone(),
                first: intent.first,
                at: intent.at,
                state: EffectState::Doubt,
            }),
            Fact::Landed { run, effect, value, .. } => {
                self.settle(*run, effect, EffectState::Landed(value.clone()))
            }
            Fact::Absent { run, effect } => self.settle(*run, effect, EffectState::Absent),
            Fact::Parked(parked) => {
                self.run("UPDATE event SET parked = ?2 WHERE id = ?1", params![id(parked.run), seal(parked)?])
            }
            Fact::Reopened { run, .. } => {
                self.run("UPDATE event SET parked = NULL WHERE id = ?1", params![id(*run)])
            }
            Fact::Ended(past) => self.ended(past),
            Fact::Watermark(mark) => self.run(
                "INSERT OR REPLACE INTO watermark VALUES (?1, ?2, ?3)",
                params![self.word(&mark.flow)?, mark.source.0, seal(mark)?],
            ),
        }
    }

    fn accepted(&self, event: &Event) -> Result<(), Error> {
        self.run(
            "INSERT OR REPLACE INTO event (id, flow, key, fact, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id(event.id), self.word(&event.flow)?, event.key, event.fact, seal(event)?],
        )
    }

    fn effect(&self, effect: &Effect) -> Result<(), Error> {
        self.run(
            "INSERT OR REPLACE INTO effect VALUES (?1, ?2, ?3, ?4)",
            params![id(effect.run), effect.id.node, effect.id.element, seal(effect)?],
        )
    }

    fn settle(&self, run: RunId, effect: &EffectId, state: EffectState) -> Result<(), Error> {
        let read = storage("read");
        let known: Result<Vec<u8>, _> = self
            .connection
            .prepare_cached("SELECT body FROM effect WHERE run = ?1 AND node = ?2 AND element = ?3")
            .map_err(&read)?
            .query_row(params![id(run), effect.node, effect.element], |row| row.get(0));
        match known {
            Ok(body) => {
                let known: Effect = event::open(&body).map_err(|error| Error::Record(error.to_string()))?;
                self.effect(&Effect { state, ..known })
            }
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()), // a safe write: nothing to remember
            Err(error) => Err(read(error)),
        }
    }

    fn ended(&self, past: &Past) -> Result<(), Error> {
        let run = id(past.run);
        self.run(
            "INSERT OR REPLACE INTO fact SELECT flow, fact, id FROM event WHERE id = ?1 AND fact IS NOT NULL",
            params![run],
        )?;
        self.run("DELETE FROM event WHERE id = ?1", params![run])?;
        self.run("DELETE FROM froze WHERE run = ?1", params![run])?;
        self.run("DELETE FROM effect WHERE run = ?1", params![run])?;
        self.past(past, None)
    }

    fn past(&self, past: &Past, fact: Option<&str>) -> Result<(), Error> {
        let flow = self.word(&past.flow)?;
        if let Some(fact) = fact {
            self.run("INSERT OR REPLACE INTO fact VALUES (?1, ?2, ?3)", params![flow, fact, id(past.run)])?;
        }
        self.run(
            "INSERT OR REPLACE INTO past VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id(past.run), flow, past.key, outcome(past.outcome), seal(past)?],
        )
    }

    fn tally(&self, (flow, hour, outcome): &(String, u64, i64), (n, ms): (i64, i64)) -> Result<(), Error> {
        self.run(
            "INSERT INTO tally VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (flow, hour, outcome) DO UPDATE SET n = n + excluded.n, ms = ms + excluded.ms",
            params![self.word(flow)?, i64::try_from(*hour).unwrap_or(i64::MAX), outcome, n, ms],
        )
    }

    fn word(&self, text: &str) -> Result<i64, Error> {
        word(self.connection, text).map_err(storage("written"))
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), Error> {
        let written = storage("written");
        self.connection.prepare_cached(sql).map_err(&written)?.execute(values).map(drop).map_err(&written)
    }
}

/// The number of an outcome in a column.
pub(super) fn outcome(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Ok => 0,
        Outcome::Unchanged => 1,
        Outcome::Ignored => 2,
        Outcome::Superseded => 3,
        Outcome::Continued(_) => 4,
        Outcome::Dropped => 5,
    }
}

/// Seals a record for a column.
pub(super) fn seal<T: Serialize>(record: &T) -> Result<Vec<u8>, Error> {
    event::seal(record).map_err(|error| Error::Record(error.to_string()))
}
