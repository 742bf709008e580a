//! Facts folded to what a journal is asked for, in memory. In: facts in order. Out: open runs, effects, past runs. It is the
//! meaning of the facts; every other journal must give the same answers. It must never know a disk.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{Last, OpenRun, Query};
use crate::{
    event::{
        Effect, EffectId, EffectState, Entry, Event, EventId, Fact, Froze, Instant, Intent, Noted, Outcome,
        Parked, Past, Proof, RunId, Told, Watermark,
    },
    value::{Hash, Value},
};

/// All that facts say.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    open: BTreeMap<RunId, Open>,
    effects: BTreeMap<(Arc<str>, Arc<str>, EffectId), Effect>,
    past: BTreeMap<RunId, Past>,
    last: HashMap<(Arc<str>, Arc<str>), Last>,
    known: HashMap<(Arc<str>, Arc<str>), RunId>,
    watermarks: HashMap<(Arc<str>, Hash), Watermark>,
    told: HashMap<u64, Told>,
    erased: BTreeSet<Hash>,
    /// Entries of books; none: it was taken out.
    books: BTreeMap<(Arc<str>, Hash), Option<Entry>>,
    /// By book, column and what it holds there: the key of the entry.
    holders: BTreeMap<(Arc<str>, Arc<str>, Hash), Hash>,
    newest: EventId,
}

#[derive(Clone, Debug)]
struct Open {
    event: Event,
    froze: Vec<Froze>,
    parked: Option<Parked>,
}

impl Shelf {
    /// Takes one fact.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Accepted(event) => {
                self.newest = self.newest.max(event.id);
                if let Some(id) = &event.fact {
                    self.known.insert((Arc::clone(&event.flow), Arc::clone(id)), event.id);
                }
                self.open.insert(event.id, Open { event: event.clone(), froze: Vec::new(), parked: None });
            }
            Fact::Merged { old, .. } => drop(self.open.remove(old)),
            Fact::Froze(froze) => {
                if let Some(open) = self.open.get_mut(&froze.run) {
                    open.froze.push(froze.clone());
                }
            }
            Fact::Intent(intent) => self.intent(intent),
            Fact::Landed { run, effect, value, .. } => {
                self.change(*run, effect, EffectState::Landed(value.clone()));
            }
            Fact::Absent { run, effect } => self.change(*run, effect, EffectState::Absent),
            Fact::Parked(parked) => {
                if let Some(open) = self.open.get_mut(&parked.run) {
                    open.parked = Some(parked.clone());
                }
            }
            Fact::Reopened { run, .. } => {
                if let Some(open) = self.open.get_mut(run) {
                    open.parked = None;
                }
            }
            Fact::Ended(past) => self.ended(past),
            Fact::Watermark(mark) => {
                self.watermarks.insert((Arc::clone(&mark.flow), mark.source), mark.clone());
            }
            Fact::Ordered { order, told } => drop(self.told.insert(*order, told.clone())),
            Fact::Erased { who, .. } => drop(self.erased.insert(*who)),
            Fact::Noted(noted) => self.noted(noted),
        }
    }

    fn noted(&mut self, noted: &Noted) {
        let place = (Arc::clone(&noted.book), noted.key);
        let finds = |entry: &Entry| entry.finds.clone();
        let name = |(column, value)| (Arc::clone(&noted.book), column, value);
        let gone: Vec<_> = self.books.get(&place).into_iter().flatten().flat_map(finds).map(name).collect();
        for find in gone {
            // What has gone over to another entry stays there.
            if self.holders.get(&find) == Some(&noted.key) {
                self.holders.remove(&find);
            }
        }
        if let Some(entry) = &noted.entry {
            self.holders.extend(finds(entry).into_iter().map(|find| (name(find), noted.key)));
        }
        self.books.insert(place, noted.entry.clone());
    }

    /// The entry of a key of a book; also one that no longer counts.
    pub fn entry(&self, book: &str, key: Hash) -> Option<Entry> {
        self.books.get(&(book.into(), key)).cloned().flatten()
    }

    /// Whether an entry was ever written or taken out.
    pub fn is_noted(&self, book: &str, key: Hash) -> bool {
        self.books.contains_key(&(book.into(), key))
    }

    /// The key of the entry of a book that holds what has this hash in a column.
    pub fn holder(&self, book: &str, column: &str, value: Hash) -> Option<Hash> {
        self.holders.get(&(book.into(), column.into(), value)).copied()
    }

    fn intent(&mut self, intent: &Intent) {
        let Some(place) = self.place(intent.run, &intent.effect) else { return };
        let effect = Effect {
            run: intent.run,
            id: intent.effect.clone(),
            hash: intent.hash,
            key: intent.key.clone(),
            first: intent.first,
            at: intent.at,
            state: EffectState::Doubt,
        };
        self.effects.insert(place, effect);
    }

    fn place(&self, run: RunId, effect: &EffectId) -> Option<(Arc<str>, Arc<str>, EffectId)> {
        let event = &self.open.get(&run)?.event;
        Some((Arc::clone(&event.flow), event.effect_key(), effect.clone()))
    }

    fn change(&mut self, run: RunId, id: &EffectId, state: EffectState) {
        let Some(place) = self.place(run, id) else { return };
        let none = || Effect {
            run,
            id: id.clone(),
            hash: Value::Null.hash(),
            key: None,
            first: Instant::default(),
            at: Instant::default(),
            state: EffectState::Absent,
        };
        let effect = self.effects.entry(place).or_insert_with(none);
        effect.run = run;
        effect.state = state;
    }

    fn ended(&mut self, past: &Past) {
        self.open.remove(&past.run);
        if past.outcome.is_well() {
            self.effects.retain(|(flow, key, _), _| *flow != past.flow || key != past.effect_key());
            let key = (Arc::clone(&past.flow), Arc::clone(&past.key));
            let used = past.used.or_else(|| {
                // An unchanged run used what the one before it used; an ignored one used nothing that counts.
                let before = self.last.get(&key).filter(|_| past.outcome == Outcome::Unchanged);
                before.and_then(|last| last.used)
            });
            self.last.insert(key, Last { run: past.run, version: past.version.clone(), used });
        }
        self.past.insert(past.run, past.clone());
    }

    /// All runs that are not over, oldest first.
    pub fn open(&self) -> Vec<OpenRun> {
        self.open.values().map(|open| self.open_run(open)).collect()
    }

    /// One run that is not over.
    pub fn run(&self, run: RunId) -> Option<OpenRun> {
        self.open.get(&run).map(|open| self.open_run(open))
    }

    fn open_run(&self, open: &Open) -> OpenRun {
        let mut facts: Vec<Fact> = open.froze.iter().cloned().map(Fact::Froze).collect();
        let key = open.event.effect_key();
        let mine =
            self.effects(&open.event.flow, &key).into_iter().filter(|effect| effect.run == open.event.id);
        facts.extend(mine.flat_map(facts_of));
        facts.extend(open.parked.clone().map(Fact::Parked));
        OpenRun { event: open.event.clone(), facts }
    }

    /// Past runs, newest first.
    pub fn past(&self, query: &Query) -> Vec<Past> {
        let limit = if query.limit == 0 { 100 } else { query.limit };
        let fits = |past: &&Past| {
            query.flow.as_ref().is_none_or(|flow| *flow == past.flow)
                && query.key.as_ref().is_none_or(|key| *key == past.key)
                && query.run.is_none_or(|run| run == past.run)
                && query.outcome.is_none_or(|outcome| outcome == past.outcome)
                && query.before.is_none_or(|before| past.run < before)
        };
        self.past.values().rev().filter(fits).take(limit).cloned().collect()
    }

    /// The last run of a key that was done.
    pub fn last(&self, flow: &str, key: &str) -> Option<Last> {
        self.last.get(&(flow.into(), key.into())).cloned()
    }

    /// The run of a fact.
    pub fn known(&self, flow: &str, fact: &str) -> Option<RunId> {
        self.known.get(&(flow.into(), fact.into())).copied()
    }

    /// Effects that are remembered of a flow's key.
    pub fn effects(&self, flow: &str, key: &str) -> Vec<Effect> {
        self.effects
            .iter()
            .filter(|((of, about, _), _)| **of == *flow && **about == *key)
            .map(|(_, effect)| effect.clone())
            .collect()
    }

    /// Flows and keys that have remembered effects.
    pub fn remembered(&self) -> Vec<(Arc<str>, Arc<str>)> {
        let mut all: Vec<_> =
            self.effects.keys().map(|(flow, key, _)| (Arc::clone(flow), Arc::clone(key))).collect();
        all.dedup();
        all
    }

    /// How far a poll came.
    pub fn watermark(&self, flow: &str, source: Hash) -> Option<Watermark> {
        self.watermarks.get(&(flow.into(), source)).cloned()
    }

    /// What was told of an operator's request.
    pub fn told(&self, order: u64) -> Option<Told> {
        self.told.get(&order).cloned()
    }

    /// Keyed hashes of all that was erased.
    pub fn erased(&self) -> Vec<Hash> {
        self.erased.iter().copied().collect()
    }

    /// The highest id that was ever given.
    pub fn newest(&self) -> EventId {
        self.newest
    }
}

/// The facts that an effect stands for.
pub(super) fn facts_of(effect: Effect) -> Vec<Fact> {
    let Effect { run, id, hash, key, first, at, state } = effect;
    let intent = Intent { run, effect: id.clone(), hash, key, members: Vec::new(), first, at };
    let mut facts = vec![Fact::Intent(intent)];
    match state {
        EffectState::Doubt => {}
        EffectState::Landed(value) => facts.push(Fact::Landed { run, effect: id, by: Proof::Answer, value }),
        EffectState::Absent => facts.push(Fact::Absent { run, effect: id }),
    }
    facts
}
