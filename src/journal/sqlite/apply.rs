//! What each fact changes. In: a group of facts. Out: rows. A run that begins and ends within one group leaves only its past.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::{id, word, written};
use crate::{
    event::{
        self, Effect, EffectId, EffectState, Entry, Event, Fact, Instant, Noted, Outcome, Parked, Past, RunId,
    },
    journal::Error,
    value::Value,
};

/// What is needed of a run's event: where its effects are remembered (its flow and what it is about), and its lane.
#[derive(Clone)]
pub(super) struct Spot {
    flow: Arc<str>,
    key: Arc<str>,
    lane: Arc<str>,
}

impl Spot {
    fn of(event: &Event) -> Self {
        Self { flow: Arc::clone(&event.flow), key: event.effect_key(), lane: Arc::clone(&event.lane) }
    }
}

/// Runs that are open, as far as they were met.
pub(super) type Places = HashMap<RunId, Spot>;

/// Facts that are committed together.
pub(super) struct Group<'a> {
    facts: &'a [Fact],
    brief: BTreeSet<RunId>,
}

impl<'a> Group<'a> {
    pub(super) fn of(facts: &'a [Fact]) -> Self {
        let begun: BTreeSet<RunId> = facts
            .iter()
            .filter_map(|fact| if let Fact::Accepted(event) = fact { Some(event.id) } else { None })
            .collect();
        // A run with effects is written out: they may be remembered after it.
        let acts: BTreeSet<RunId> = facts
            .iter()
            .filter(|fact| matches!(fact, Fact::Intent(_) | Fact::Landed { .. } | Fact::Absent { .. }))
            .filter_map(Fact::run)
            .collect();
        let brief = facts.iter().filter_map(|fact| match fact {
            Fact::Ended(past) => Some(past.run),
            Fact::Merged { old, .. } => Some(*old),
            _ => None,
        });
        Self { facts, brief: brief.filter(|run| begun.contains(run) && !acts.contains(run)).collect() }
    }

    pub(super) fn apply(&self, connection: &Connection, places: &mut Places) -> Result<(), Error> {
        let mut rows = Rows { connection, places };
        let mut tally: BTreeMap<(String, u64, i64), (i64, i64)> = BTreeMap::new();
        for fact in self.facts {
            if let Fact::Ended(past) = fact {
                let hour = past.ended.0 / 3_600_000;
                let sum = tally.entry((past.flow.to_string(), hour, outcome(past.outcome))).or_default();
                sum.0 += 1;
                sum.1 += i64::try_from(past.ended.since(past.accepted).as_millis()).unwrap_or(i64::MAX);
            }
            match (fact, fact.run().is_some_and(|run| self.brief.contains(&run))) {
                (Fact::Accepted(event), true) => rows.known(event)?,
                (Fact::Ended(past), true) => {
                    rows.forget(past)?;
                    rows.past(past)?;
                }
                (_, true) => {}
                (fact, false) => rows.take(fact)?,
            }
        }
        tally.iter().try_for_each(|(key, sum)| rows.tally(key, *sum))
    }
}

struct Rows<'a> {
    connection: &'a Connection,
    places: &'a mut Places,
}

impl Rows<'_> {
    fn take(&mut self, fact: &Fact) -> Result<(), Error> {
        match fact {
            Fact::Accepted(event) => self.accepted(event),
            Fact::Merged { old, .. } => {
                self.places.remove(old);
                self.run("DELETE FROM event WHERE id = ?1", params![id(*old)])
            }
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
            Fact::Parked(parked) => self.parked(parked),
            Fact::Reopened { run, .. } => self.run(
                "UPDATE event SET parked = NULL, lane = NULL, due = NULL WHERE id = ?1",
                params![id(*run)],
            ),
            Fact::Ended(past) => self.ended(past),
            Fact::Watermark(mark) => self.run(
                "INSERT OR REPLACE INTO watermark VALUES (?1, ?2, ?3)",
                params![self.word(&mark.flow)?, mark.source.0, seal(mark)?],
            ),
            Fact::Noted(noted) => self.noted(noted),
            Fact::Ordered { order, told } => self.run(
                "UPDATE command SET done = ?2 WHERE id = ?1",
                params![i64::try_from(*order).unwrap_or(i64::MAX), seal(told)?],
            ),
            Fact::Erased { who, at } => {
                self.run("INSERT OR IGNORE INTO gone VALUES (?1, ?2)", params![who.0, instant(*at)])
            }
        }
    }

    fn parked(&mut self, parked: &Parked) -> Result<(), Error> {
        let Some(spot) = self.place(parked.run)? else { return Ok(()) };
        self.run(
            "UPDATE event SET parked = ?2, lane = ?3, due = ?4 WHERE id = ?1",
            params![id(parked.run), seal(parked)?, spot.lane, parked.due.map(instant)],
        )
    }

    fn noted(&self, noted: &Noted) -> Result<(), Error> {
        let (book, key) = (self.word(&noted.book)?, noted.key.0);
        let old: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT body FROM book WHERE name = ?1 AND key = ?2")
            .and_then(|mut ask| ask.query_row(params![book, key], |row| row.get(0)).optional())
            .map_err(written)?;
        let old = old.map(|body| event::open::<Entry>(&body)).transpose().map_err(written)?;
        for (column, value) in old.iter().flat_map(|old| &old.finds) {
            // What has gone over to another entry stays there.
            self.run(
                "DELETE FROM holder WHERE name = ?1 AND col = ?2 AND value = ?3 AND key = ?4",
                params![book, column, value.0, key],
            )?;
        }
        let Some(entry) = &noted.entry else {
            return self.run("DELETE FROM book WHERE name = ?1 AND key = ?2", params![book, key]);
        };
        for (column, value) in &entry.finds {
            self.run(
                "INSERT OR REPLACE INTO holder VALUES (?1, ?2, ?3, ?4)",
                params![book, column, value.0, key],
            )?;
        }
        let until = entry.until.map(|until| i64::try_from(until.0).unwrap_or(i64::MAX));
        self.run(
            "INSERT OR REPLACE INTO book VALUES (?1, ?2, ?3, ?4)",
            params![book, key, until, seal(entry)?],
        )
    }

    fn accepted(&mut self, event: &Event) -> Result<(), Error> {
        self.known(event)?;
        self.places.insert(event.id, Spot::of(event));
        self.run(
            "INSERT OR REPLACE INTO event (id, body) VALUES (?1, ?2)",
            params![id(event.id), seal(event)?],
        )
    }

    /// A fact (`keep: all`) is recognised from now on.
    fn known(&self, event: &Event) -> Result<(), Error> {
        let Some(fact) = &event.fact else { return Ok(()) };
        let flow = self.word(&event.flow)?;
        self.run("INSERT OR REPLACE INTO fact VALUES (?1, ?2, ?3)", params![flow, fact, id(event.id)])
    }

    /// What is needed of a run's event; of a run that was open before this engine started, it is read.
    fn place(&mut self, run: RunId) -> Result<Option<Spot>, Error> {
        if let Some(place) = self.places.get(&run) {
            return Ok(Some(place.clone()));
        }
        let body: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT body FROM event WHERE id = ?1")
            .and_then(|mut ask| ask.query_row([id(run)], |row| row.get(0)).optional())
            .map_err(written)?;
        let Some(body) = body else { return Ok(None) };
        let event: Event = event::open(&body).map_err(written)?;
        let place = Spot::of(&event);
        self.places.insert(run, place.clone());
        Ok(Some(place))
    }

    fn effect(&mut self, effect: &Effect) -> Result<(), Error> {
        let Some(Spot { flow, key, .. }) = self.place(effect.run)? else { return Ok(()) };
        self.run(
            "INSERT OR REPLACE INTO effect VALUES (?1, ?2, ?3, ?4, ?5)",
            params![self.word(&flow)?, key, effect.id.node, effect.id.element, seal(effect)?],
        )
    }

    fn settle(&mut self, run: RunId, effect: &EffectId, state: EffectState) -> Result<(), Error> {
        let Some(Spot { flow, key, .. }) = self.place(run)? else { return Ok(()) };
        let known: Option<Vec<u8>> = self
            .connection
            .prepare_cached(
                "SELECT body FROM effect WHERE flow = ?1 AND key = ?2 AND node = ?3 AND element = ?4",
            )
            .and_then(|mut ask| {
                ask.query_row(
                    params![word(self.connection, &flow)?, key, effect.node, effect.element],
                    |row| row.get(0),
                )
                .optional()
            })
            .map_err(written)?;
        let known = known.map(|body| event::open::<Effect>(&body)).transpose().map_err(written)?;
        let none = || Effect {
            run,
            id: effect.clone(),
            hash: Value::Null.hash(),
            key: None,
            first: Instant::default(),
            at: Instant::default(),
            state: EffectState::Absent,
        };
        self.effect(&Effect { run, state, ..known.unwrap_or_else(none) })
    }

    fn ended(&mut self, past: &Past) -> Result<(), Error> {
        let run = id(past.run);
        self.places.remove(&past.run);
        self.run("DELETE FROM event WHERE id = ?1", params![run])?;
        self.run("DELETE FROM froze WHERE run = ?1", params![run])?;
        self.forget(past)?;
        self.past(past)
    }

    /// A run that ended well needs its key's effects no more: its past holds them.
    fn forget(&self, past: &Past) -> Result<(), Error> {
        if !past.outcome.is_well() {
            return Ok(());
        }
        self.run(
            "DELETE FROM effect WHERE flow = ?1 AND key = ?2",
            params![self.word(&past.flow)?, past.effect_key()],
        )
    }

    fn past(&self, past: &Past) -> Result<(), Error> {
        self.run(
            "INSERT OR REPLACE INTO past VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id(past.run), self.word(&past.flow)?, past.key, outcome(past.outcome), seal(past)?],
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
        word(self.connection, text).map_err(written)
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), Error> {
        self.connection.prepare_cached(sql).map_err(written)?.execute(values).map(drop).map_err(written)
    }
}

/// An instant in a column.
pub(super) fn instant(at: Instant) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
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
    event::seal(record).map_err(written)
}
