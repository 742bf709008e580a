//! What must always hold, whatever happens. In: facts as they are appended and as they become durable, requests as they leave.
//! Out: violations by name. It must never help the engine.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::platform::{Done, Platform};
use crate::{
    engine::{Prepared, is_write},
    event::{Code, Event, Fact, Request, RunId},
    journal::{Order, Ordered},
    plan::{Repeat, Slot, Work},
    value::{Hash, Value},
};

/// Something that must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Violation {
    /// A write left before what it depends on was durable.
    SentBeforeFrozen,
    /// A write that may not be repeated left before its intent was durable.
    SentBeforeIntent,
    /// An intent was written for a request that the limiter had not let go.
    IntentBeforePermit,
    /// An effect happened twice.
    EffectTwice,
    /// Two runs of one lane overlapped.
    Overlap,
    /// The writes of one run tell of two different reads.
    MixedRun,
    /// An event that was acknowledged is gone.
    AckedLost,
    /// A row that the platform showed was never taken.
    RowLost,
    /// The same fact became two runs.
    RanTwice,
    /// An event ended twice.
    EndedTwice,
    /// An event never ended.
    NeverEnded,
    /// A run became a letter that nobody had to read.
    NeedlessLetter,
    /// The last write does not tell of the last state.
    NotConverged,
    /// A write told of a state that was long over, and nobody looked again.
    Stale,
    /// A run wrote an entry of a book twice.
    NotedTwice,
    /// A write left while an entry that its run wrote before was not yet durable.
    SentBeforeNoted,
    /// A fact that the tables do not allow.
    IllegalFact,
    /// The engine did not come to rest.
    Restless,
    /// A request of an operator was carried out twice.
    ObeyedTwice,
    /// A request of an operator was never carried out, or it is told that it was and nothing came of it.
    NotObeyed,
    /// An event was taken about what was erased.
    CameBack,
}

/// Sees everything, over all lives of the process. Cheap to clone.
#[derive(Clone)]
pub(super) struct Witness(Arc<Mutex<Held>>);

struct Held {
    /// By flow and operation: what a write needs.
    writes: HashMap<(Arc<str>, Arc<str>), Needs>,
    events: BTreeMap<RunId, Event>,
    frozen: BTreeMap<RunId, BTreeSet<Slot>>,
    intents: BTreeSet<(RunId, Hash)>,
    intended: BTreeMap<(RunId, crate::event::EffectId), Hash>,
    over: BTreeSet<RunId>,
    permits: Vec<(RunId, Hash)>,
    active: HashMap<Arc<str>, RunId>,
    acked: BTreeSet<RunId>,
    /// Entries of books that are not yet durable, by run.
    noted: BTreeMap<RunId, u32>,
    seen: BTreeMap<RunId, BTreeSet<String>>,
    found: BTreeSet<Violation>,
    notes: Vec<String>,
}

struct Needs {
    freely: bool,
    slots: Vec<Slot>,
}

impl Witness {
    /// Knows what each write of the plans needs.
    pub(super) fn new(plans: &[Arc<Prepared>]) -> Self {
        let mut writes = HashMap::new();
        for prepared in plans {
            for node in prepared.plan.nodes.iter().filter(|node| is_write(node)) {
                let Work::Call(call) = &node.work else { continue };
                let freely = call.repeat == Some(Repeat::Safe);
                let slots =
                    node.freeze.keys().copied().filter(|slot| prepared.node_of(*slot).is_some()).collect();
                let place = (Arc::clone(&prepared.plan.flow), Arc::clone(&call.operation));
                writes.insert(place, Needs { freely, slots });
            }
        }
        Self(Arc::new(Mutex::new(Held {
            writes,
            events: BTreeMap::new(),
            frozen: BTreeMap::new(),
            intents: BTreeSet::new(),
            intended: BTreeMap::new(),
            over: BTreeSet::new(),
            permits: Vec::new(),
            active: HashMap::new(),
            acked: BTreeSet::new(),
            noted: BTreeMap::new(),
            seen: BTreeMap::new(),
            found: BTreeSet::new(),
            notes: Vec::new(),
        })))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn blame(&self, violation: Violation, note: impl Into<String>) {
        self.held().blame(violation, note);
    }

    /// Everything that was found, and words on it.
    pub(super) fn found(&self) -> (BTreeSet<Violation>, Vec<String>) {
        let held = self.held();
        (held.found.clone(), held.notes.clone())
    }

    pub(super) fn appended(&self, facts: &[Fact]) {
        let mut held = self.held();
        for fact in facts {
            held.append(fact);
        }
    }

    pub(super) fn durable(&self, facts: &[Fact]) {
        let mut held = self.held();
        for fact in facts {
            held.settle(fact);
            if let Fact::Noted(noted) = fact {
                *held.noted.entry(noted.run).or_default() -= 1;
            }
        }
    }

    pub(super) fn permitted(&self, request: &Request) {
        self.held().permits.push((request.run, request.hash()));
    }

    pub(super) fn acknowledged(&self, event: RunId) {
        self.held().acked.insert(event);
    }

    /// A request leaves the process.
    pub(super) fn sent(&self, request: &Request) {
        let mut held = self.held();
        let hash = request.hash();
        if let Some(at) = held.permits.iter().position(|permit| *permit == (request.run, hash)) {
            held.permits.swap_remove(at);
        }
        held.overlap(request);
        let place = (Arc::clone(&request.flow), Arc::clone(&request.operation));
        let Some(needs) = held.writes.get(&place).filter(|_| request.write) else { return };
        let frozen = held.frozen.get(&request.run);
        let all = frozen.is_some_and(|slots| needs.slots.iter().all(|slot| slots.contains(slot)));
        let intended = needs.freely || held.intents.contains(&(request.run, hash));
        if !all {
            held.blame(Violation::SentBeforeFrozen, format!("{} of run {}", request.operation, request.run));
        }
        if held.noted.get(&request.run).is_some_and(|open| *open > 0) {
            held.blame(Violation::SentBeforeNoted, format!("{} of run {}", request.operation, request.run));
        }
        if !intended {
            held.blame(Violation::SentBeforeIntent, format!("{} of run {}", request.operation, request.run));
        }
        for seen in request.inputs.iter().filter_map(|input| input.get("seen")?.scalar_text()) {
            let all = held.seen.entry(request.run).or_default();
            all.insert(seen);
            if all.len() > 1 {
                let note = format!("run {} wrote of {all:?}", request.run);
                held.blame(Violation::MixedRun, note);
            }
        }
    }

    /// A new life: only what survived counts.
    pub(super) fn reborn<'a>(&self, survived: impl Iterator<Item = &'a Fact>) {
        let mut held = self.held();
        held.frozen.clear();
        held.intents.clear();
        held.intended.clear();
        held.over.clear();
        held.noted.clear();
        held.permits.clear();
        held.active.clear();
        let mut accepted = BTreeSet::new();
        for fact in survived {
            if let Fact::Accepted(event) = fact {
                accepted.insert(event.id);
            }
            if let Fact::Merged { old: run, .. } = fact {
                held.over.insert(*run);
            }
            if let Fact::Ended(past) = fact {
                held.over.insert(past.run);
            }
            held.settle(fact);
        }
        let lost: Vec<RunId> = held.acked.difference(&accepted).copied().collect();
        for run in lost {
            held.blame(Violation::AckedLost, format!("event {run}"));
        }
        held.events.retain(|run, _| accepted.contains(run));
    }

    /// The end of a case: everything is quiet.
    pub(super) fn judge(
        &self,
        facts: &[Fact],
        platform: &Platform,
        orders: &[Ordered],
        last_seen: &[(String, Value)],
        latest: bool,
    ) {
        let mut held = self.held();
        held.all_ended(facts);
        held.ran_once(facts);
        held.noted_once(facts);
        held.obeyed(facts, orders);
        held.stays_erased(facts, orders);
        held.effects_once(&platform.log(), forced(facts, orders));
        held.converged(&platform.log(), last_seen);
        if latest {
            held.fresh(platform);
        }
    }
}

/// How often operators had done what may not be repeated.
fn forced(facts: &[Fact], orders: &[Ordered]) -> usize {
    let force = |id: &u64| {
        let ordered = orders.iter().find(|ordered| ordered.id == *id);
        ordered.is_some_and(|ordered| matches!(ordered.asked.order, Order::Retry { force: true, .. }))
    };
    facts
        .iter()
        .filter(|fact| matches!(fact, Fact::Ordered { order, told } if !told.refused && force(order)))
        .count()
}

impl Held {
    fn blame(&mut self, violation: Violation, note: impl Into<String>) {
        self.found.insert(violation);
        self.notes.push(format!("{violation:?}: {}", note.into()));
    }

    fn append(&mut self, fact: &Fact) {
        match fact {
            Fact::Accepted(event) => drop(self.events.insert(event.id, event.clone())),
            Fact::Merged { old, .. } => self.end(*old),
            Fact::Ended(past) => self.end(past.run),
            Fact::Intent(intent) if !self.permits.contains(&(intent.run, intent.hash)) => {
                self.blame(
                    Violation::IntentBeforePermit,
                    format!("{} of run {}", intent.effect.node, intent.run),
                );
            }
            Fact::Parked(parked) => self.active.retain(|_, run| *run != parked.run),
            Fact::Noted(noted) => *self.noted.entry(noted.run).or_default() += 1,
            _ => {}
        }
        if let Some(run) = fact.run() {
            let ends = matches!(fact, Fact::Ended(_) | Fact::Merged { .. });
            if !self.events.contains_key(&run) || (!ends && self.over.contains(&run)) {
                self.blame(Violation::IllegalFact, format!("{fact:?}").chars().take(120).collect::<String>());
            }
        }
    }

    fn end(&mut self, run: RunId) {
        self.active.retain(|_, active| *active != run);
        if !self.over.insert(run) {
            self.blame(Violation::EndedTwice, format!("run {run}"));
        }
    }

    /// What is durable guards.
    fn settle(&mut self, fact: &Fact) {
        match fact {
            Fact::Froze(froze) => {
                self.frozen.entry(froze.run).or_default().extend(froze.slots.iter().map(|(slot, _)| *slot));
            }
            Fact::Intent(intent) => {
                self.intents.insert((intent.run, intent.hash));
                self.intended.insert((intent.run, intent.effect.clone()), intent.hash);
            }
            Fact::Absent { run, effect } | Fact::Landed { run, effect, .. } => {
                if let Some(hash) = self.intended.remove(&(*run, effect.clone())) {
                    self.intents.remove(&(*run, hash));
                }
            }
            _ => {}
        }
    }

    fn overlap(&mut self, request: &Request) {
        let Some(lane) = self.events.get(&request.run).map(|event| Arc::clone(&event.lane)) else { return };
        match self.active.get(&lane).copied() {
            Some(other) if other != request.run => {
                self.blame(Violation::Overlap, format!("runs {other} and {} in lane {lane}", request.run));
            }
            _ => drop(self.active.insert(lane, request.run)),
        }
    }

    fn all_ended(&mut self, facts: &[Fact]) {
        let mut open = BTreeMap::new();
        for fact in facts {
            match fact {
                Fact::Accepted(event) => drop(open.insert(event.id, None)),
                Fact::Merged { old: run, .. } => drop(open.remove(run)),
                Fact::Ended(past) => drop(open.remove(&past.run)),
                Fact::Parked(parked) => drop(open.insert(parked.run, Some(parked.clone()))),
                Fact::Reopened { run, .. } => drop(open.insert(*run, None)),
                _ => {}
            }
        }
        for (run, parked) in open {
            match parked {
                None => self.blame(Violation::NeverEnded, format!("run {run}")),
                Some(parked) => {
                    let needless = parked.letters.iter().find(|letter| letter.code != Code::InDoubt);
                    if let Some(letter) = needless {
                        self.blame(Violation::NeedlessLetter, format!("run {run}: {letter:?}"));
                    } else {
                        self.blame(Violation::NeverEnded, format!("run {run} stays parked: {parked:?}"));
                    }
                }
            }
        }
    }

    fn ran_once(&mut self, facts: &[Fact]) {
        let mut known = BTreeSet::new();
        for fact in facts {
            if let Fact::Accepted(event) = fact
                && let Some(id) = &event.fact
                && !matches!(event.origin, crate::event::Origin::Again { .. })
                && !known.insert((Arc::clone(&event.flow), Arc::clone(id)))
            {
                self.blame(Violation::RanTwice, format!("{} {id}", event.flow));
            }
        }
    }

    fn noted_once(&mut self, facts: &[Fact]) {
        let mut known = BTreeSet::new();
        for fact in facts {
            if let Fact::Noted(noted) = fact
                && !known.insert((noted.run, Arc::clone(&noted.book), noted.key))
            {
                self.blame(Violation::NotedTwice, format!("book {} by run {}", noted.book, noted.run));
            }
        }
    }

    /// Each request is done once, and what is told of it is there.
    fn obeyed(&mut self, facts: &[Fact], orders: &[Ordered]) {
        let mut done = BTreeSet::new();
        for fact in facts {
            let Fact::Ordered { order, told } = fact else { continue };
            if !done.insert(*order) {
                self.blame(Violation::ObeyedTwice, format!("request {order}"));
            }
            let accepted =
                |run| facts.iter().any(|fact| matches!(fact, Fact::Accepted(event) if event.id == run));
            if told.run.is_some_and(|run| !accepted(run)) {
                self.blame(Violation::NotObeyed, format!("request {order}: {}", told.text));
            }
        }
        for ordered in orders.iter().filter(|ordered| !done.contains(&ordered.id)) {
            self.blame(Violation::NotObeyed, format!("{ordered:?}"));
        }
    }

    /// From a tombstone on, nothing is taken about what was erased.
    fn stays_erased(&mut self, facts: &[Fact], orders: &[Ordered]) {
        let mut erased: BTreeSet<(&str, &str)> = BTreeSet::new();
        for fact in facts {
            match fact {
                Fact::Ordered { order, .. } => {
                    erased.extend(orders.iter().filter(|ordered| ordered.id == *order).filter_map(
                        |ordered| match &ordered.asked.order {
                            Order::Erase { flow, key } => Some((&**flow, &**key)),
                            _ => None,
                        },
                    ));
                }
                Fact::Accepted(event) if erased.contains(&(&*event.flow, &*event.key)) => {
                    self.blame(Violation::CameBack, format!("event {} about {}", event.id, event.key));
                }
                _ => {}
            }
        }
    }

    fn effects_once(&mut self, log: &[Done], forced: usize) {
        let mut done: BTreeMap<_, usize> = BTreeMap::new();
        for effect in log.iter().filter(|effect| !effect.operation.starts_with("put")) {
            let count = done.entry((Arc::clone(&effect.operation), effect.mark.clone())).or_default();
            *count += 1;
            if *count > 1 + forced {
                self.blame(
                    Violation::EffectTwice,
                    format!("{} {} at {}", effect.operation, effect.mark, effect.at.0),
                );
            }
        }
    }

    /// A put that tells of what was long over is followed within a minute by one that does not.
    fn fresh(&mut self, platform: &Platform) {
        let minute = std::time::Duration::from_secs(60);
        let puts: Vec<Done> =
            platform.log().into_iter().filter(|done| done.operation.starts_with("put")).collect();
        let stale = |done: &Done| {
            let before = platform.order_at(&done.mark, done.at - minute);
            before.and_then(|order| order.get("version")?.as_i64())
                > done.seen.as_ref().and_then(Value::as_i64)
        };
        for old in puts.iter().filter(|done| stale(done)) {
            let mended = puts.iter().any(|done| {
                done.mark == old.mark && done.at >= old.at && done.at <= old.at + minute && !stale(done)
            });
            if !mended {
                self.blame(Violation::Stale, format!("{} of {:?} at {}", old.mark, old.seen, old.at));
            }
        }
    }

    /// `last_seen`: the mark of a put, and what the last of them must have seen.
    fn converged(&mut self, log: &[Done], last_seen: &[(String, Value)]) {
        for (mark, wanted) in last_seen {
            let last = log.iter().rfind(|done| done.operation.starts_with("put") && done.mark == *mark);
            let found = last.and_then(|done| done.seen.clone()).unwrap_or_default();
            if found.hash() != wanted.hash() {
                let note = format!("{mark}: found {}, expected {}", found.to_json(), wanted.to_json());
                self.blame(Violation::NotConverged, note);
            }
        }
    }
}
