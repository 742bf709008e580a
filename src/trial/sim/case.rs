//! One case: a scenario, a seed, crashes, faults. In: these. Out: violations, and how many points there were. It must never
//! depend on anything but its input: a case repeats exactly.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU32},
    time::Duration,
};

use super::{
    disk::{Disk, Platter, SALT, Spinning, Tail},
    oracle::{Violation, Witness},
    platform::{Outcome, Physics, Platform, Script},
    probe::{At, Counts, Happens, Point, Probe},
    scheduler::Scheduler,
    world::SimWorld,
};
use crate::{
    engine::{Engine, Guards, Offer, Offered, Policy, Prepared, Setup, key_of},
    event::{Code, EffectId, Fact, Instant, Watermark},
    journal::{Asked, Journal, OpenRun, Order, Ordered, Shelf},
    plan::{Book, Plan},
    value::{Hash, Value},
};

/// When every history begins: 2026-01-01T00:00:00Z.
const START: Instant = Instant(1_767_225_600_000);
/// Nothing may take longer.
const PATIENCE: Duration = Duration::from_secs(30 * 24 * 3600);

/// An event that the platform sends.
#[derive(Clone, Debug)]
pub struct Hook {
    /// When, after the start.
    pub at: Duration,
    /// To which flow.
    pub flow: &'static str,
    /// The event.
    pub body: Value,
    /// Whether it is sent until it is acknowledged; otherwise one try, and a crash loses it.
    pub insists: bool,
}

/// What an operator does with a letter that is not in doubt.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Goes on with it as it is bound.
    Retry,
    /// Goes on with the newest plan, after the mended ones are loaded.
    Newest,
    /// Goes on with another event.
    Edit(Value),
    /// Goes on and repeats what may not be repeated.
    Force,
    /// Drops it.
    Drop,
}

/// What happens, apart from crashes and faults.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// The flows.
    pub plans: Vec<Arc<Plan>>,
    /// Newer flows with which an operator retries letters that are not in doubt.
    pub mended: Vec<Arc<Plan>>,
    /// What operators do with letters that are not in doubt; none: with mended flows they retry, else they do nothing.
    pub act: Option<Act>,
    /// What operators ask for at an instant, whether an engine runs or not.
    pub asks: Vec<(Duration, Order)>,
    /// Events and parked runs that are loaded at a start.
    pub load_most: usize,
    /// The platform's numbers.
    pub physics: Physics,
    /// Orders: id, since when (after the start), what it says.
    pub history: Vec<(&'static str, Duration, Value)>,
    /// Events that are sent.
    pub hooks: Vec<Hook>,
    /// A flow that polls changed orders at these times.
    pub polls: Option<(&'static str, Vec<Duration>)>,
    /// Marks of puts, and what the last of each must tell of.
    pub converges: Vec<(&'static str, Value)>,
    /// Books, keys of entries, and what each entry must hold in the end; none: there is no entry.
    pub holds: Vec<(Arc<Book>, Value, Option<Value>)>,
    /// Whether what is put in the end must tell of the newest state.
    pub latest: bool,
    /// Whether requests queue for their permit.
    pub narrow: bool,
    /// Faults that belong to the scenario: the n-th request.
    pub faults: BTreeMap<u32, Outcome>,
    /// How the platform answers what it does not know by itself.
    pub script: Option<Script>,
}

impl Scenario {
    /// A scenario without events.
    pub fn new(name: &'static str, plans: Vec<Arc<Plan>>) -> Self {
        Self {
            name,
            plans,
            mended: Vec::new(),
            act: None,
            asks: Vec::new(),
            load_most: Policy::default().load_most,
            physics: Physics::default(),
            history: Vec::new(),
            hooks: Vec::new(),
            polls: None,
            converges: Vec::new(),
            holds: Vec::new(),
            latest: false,
            narrow: false,
            faults: BTreeMap::new(),
            script: None,
        }
    }
}

/// A crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crash {
    /// At what of its life.
    pub at: At,
    /// What survives.
    pub tail: Tail,
    /// Whether what was in flight takes effect later.
    pub finishes: bool,
    /// How long the process is down.
    pub down: Duration,
}

/// One run of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Chooses every order that may vary.
    pub seed: u64,
    /// One a life.
    pub crashes: Vec<Crash>,
    /// How the n-th request is taken.
    pub faults: BTreeMap<u32, Outcome>,
    /// The guards that stand.
    pub guards: Guards,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What must not be.
    pub found: BTreeSet<Violation>,
    /// Words on each.
    pub notes: Vec<String>,
    /// What happened in each life.
    pub points: Vec<Counts>,
    /// Of which kinds, and how many, over all lives.
    pub kinds: BTreeMap<Happens, u32>,
    /// At which kinds the process died.
    pub deaths: Vec<Happens>,
    /// Requests in all.
    pub requests: u32,
    /// What the platform holds in the end.
    pub state: Hash,
    /// All facts that survived.
    pub facts: Vec<Fact>,
}

/// Everything that outlives the process.
struct Outside {
    clock: Scheduler,
    platform: Platform,
    witness: Witness,
    acked: Arc<Mutex<BTreeSet<usize>>>,
    tried: Arc<Mutex<BTreeSet<usize>>>,
    sent: Arc<AtomicU32>,
    /// Which of what operators ask for at an instant was asked for.
    asked: Arc<Mutex<BTreeSet<usize>>>,
}

impl Scenario {
    /// Plays a case.
    pub fn play(&self, case: &Case) -> Verdict {
        let prepared: Vec<_> = self
            .plans
            .iter()
            .chain(&self.mended)
            .map(|plan| Arc::new(Prepared::new(Arc::clone(plan))))
            .collect();
        let history =
            self.history.iter().map(|(id, at, value)| ((*id).to_owned(), START + *at, value.clone()));
        let outside = Outside {
            clock: Scheduler::new(START, case.seed + 1),
            platform: Platform::new(self.physics, history.collect()).with_script(self.script.clone()),
            witness: Witness::new(&prepared),
            acked: Arc::default(),
            tried: Arc::default(),
            sent: Arc::default(),
            asked: Arc::default(),
        };
        let mut verdict = Verdict {
            found: BTreeSet::new(),
            notes: Vec::new(),
            points: Vec::new(),
            kinds: BTreeMap::new(),
            deaths: Vec::new(),
            requests: 0,
            state: Hash([0; 32]),
            facts: Vec::new(),
        };
        let mut platter = Platter::default();
        for life in 0.. {
            let crash = case.crashes.get(life).copied();
            let (probe, disk) = self.live(case, crash, &outside, platter);
            verdict.points.push(probe.seen());
            for (kind, count) in probe.kinds() {
                *verdict.kinds.entry(kind).or_default() += count;
            }
            verdict.deaths.extend(probe.died_at());
            outside.clock.kill();
            let tail = crash.map_or(Tail::Kept, |crash| crash.tail);
            platter = disk.crash(if probe.is_dead() { tail } else { Tail::Kept });
            let Some(crash) = crash.filter(|_| probe.is_dead()) else { break };
            outside.witness.reborn(platter.facts());
            outside.platform.caller_died(outside.clock.now(), crash.finishes);
            outside.clock.spawn(outside.clock.sleep_until(outside.clock.now() + crash.down));
            while outside.clock.step() || outside.clock.jump(START + PATIENCE) {}
        }
        verdict.facts = platter.facts().cloned().collect();
        let converges: Vec<_> =
            self.converges.iter().map(|(mark, value)| ((*mark).to_owned(), value.clone())).collect();
        if let Some(until) = outside.platform.busy_until() {
            outside.platform.catch_up(until);
        }
        // What lands late is stale by nature, and a second crash delays who looks again.
        let prompt = case.crashes.len() < 2
            && case.crashes.iter().all(|crash| !crash.finishes)
            && case.faults.values().all(|fault| *fault != Outcome::Late);
        let latest = self.latest && prompt;
        outside.witness.judge(&verdict.facts, &outside.platform, platter.orders(), &converges, latest);
        self.held(&verdict.facts, &outside.witness);
        (verdict.found, verdict.notes) = outside.witness.found();
        verdict.requests = outside.sent.load(std::sync::atomic::Ordering::SeqCst);
        verdict.state = outside.platform.state();
        verdict
    }

    /// What the books hold in the end.
    fn held(&self, facts: &[Fact], witness: &Witness) {
        let mut shelf = Shelf::default();
        facts.iter().for_each(|fact| shelf.apply(fact));
        for (book, key, wanted) in &self.holds {
            let found = shelf.entry(&book.name, key_of(book, key, &SALT)).map(|entry| entry.value);
            let hash = |value: &Option<Value>| value.as_ref().map(Value::hash);
            if hash(&found) != hash(wanted) {
                let told = |value: &Option<Value>| value.as_ref().map_or_else(String::new, Value::to_json);
                let note = format!(
                    "entry {} of {}: found {}, expected {}",
                    key.to_json(),
                    book.name,
                    told(&found),
                    told(wanted)
                );
                witness.blame(Violation::NotConverged, note);
            }
        }
    }

    /// One life of the process: until it dies, or until all is quiet and no operator has anything to do.
    fn live(
        &self,
        case: &Case,
        crash: Option<Crash>,
        outside: &Outside,
        platter: Platter,
    ) -> (Probe, Arc<Disk>) {
        let probe = Probe::new(crash.map(|crash| crash.at));
        let disk = Disk::new(platter, probe.clone(), outside.clock.clone(), outside.witness.clone());
        let mut faults = self.faults.clone();
        faults.extend(case.faults.clone());
        let world = SimWorld {
            clock: outside.clock.clone(),
            platform: outside.platform.clone(),
            probe: probe.clone(),
            witness: outside.witness.clone(),
            faults,
            sent: Arc::clone(&outside.sent),
            narrow: self.narrow,
            slots: Arc::default(),
        };
        let journal: Arc<dyn Journal> = Arc::new(Spinning(Arc::clone(&disk)));
        let pinned: Vec<_> = self.plans.iter().chain(&self.mended).cloned().collect();
        let setup = Setup {
            plans: self.plans.clone(),
            pinned: Arc::new(move |print| pinned.iter().find(|plan| plan.print == print).cloned()),
            world: Arc::new(world),
            journal: Arc::clone(&journal),
            policy: Policy {
                guards: case.guards,
                load_most: self.load_most,
                command_every: PATIENCE * 2,
                settle: self.physics.working,
                ..Policy::default()
            },
            spawn: outside.clock.spawner(),
        };
        let engine = match Engine::start(setup) {
            Ok(engine) => engine,
            Err(error) => {
                outside.witness.blame(Violation::IllegalFact, error.to_string());
                return (probe, disk);
            }
        };
        // Whoever watches has the machines tell.
        let aims_at_point = case.crashes.iter().any(|crash| matches!(crash.at, At::Point(_)));
        let _watch = (!aims_at_point).then(|| engine.stories());
        self.produce(&engine, &probe, outside);
        self.ask(&engine, &journal, outside);
        for _ in 0..20 {
            quiet(&outside.clock, &probe, &outside.platform);
            if let Some(until) = outside.platform.busy_until() {
                // An operator looks when the platform can no longer be working on it.
                outside.clock.spawn(outside.clock.sleep_until(until));
                quiet(&outside.clock, &probe, &outside.platform);
            }
            if probe.is_dead() || !self.operate(&engine, &journal, outside) {
                return (probe, disk);
            }
        }
        outside.witness.blame(Violation::Restless, "operators had something to do twenty times");
        (probe, disk)
    }

    /// Hooks and polls.
    fn produce(&self, engine: &Engine, probe: &Probe, outside: &Outside) {
        for (number, hook) in self.hooks.iter().cloned().enumerate() {
            let acked = outside.acked.lock().unwrap_or_else(PoisonError::into_inner).contains(&number);
            let tried = outside.tried.lock().unwrap_or_else(PoisonError::into_inner).contains(&number);
            if acked || (tried && !hook.insists) {
                continue;
            }
            let (engine, probe, clock) = (engine.clone(), probe.clone(), outside.clock.clone());
            let (acks, tries) = (Arc::clone(&outside.acked), Arc::clone(&outside.tried));
            let witness = outside.witness.clone();
            outside.clock.spawn(async move {
                clock.sleep_until(START + hook.at).await;
                tries.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
                let offered = engine.offer(Offer::new(hook.flow, hook.body)).await;
                if let (Ok(offered), true) = (offered, probe.pass(Point::Answer)) {
                    acks.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
                    if let Offered::Accepted(event) | Offered::Merged { into: event } = offered {
                        witness.acknowledged(event);
                    }
                }
            });
        }
        let Some((flow, times)) = self.polls.clone() else { return };
        let (engine, clock, platform) = (engine.clone(), outside.clock.clone(), outside.platform.clone());
        outside.clock.spawn(async move {
            for at in times {
                if clock.now() > START + at {
                    continue;
                }
                clock.sleep_until(START + at).await;
                poll(&engine, flow, &platform, clock.now()).await;
            }
        });
    }

    /// An operator settles what is in doubt by looking at the platform, and retries the rest with mended flows.
    fn operate(&self, engine: &Engine, journal: &Arc<dyn Journal>, outside: &Outside) -> bool {
        let asked = |run: &OpenRun, ordered: &Ordered| match &ordered.asked.order {
            Order::Retry { run: of, .. } | Order::Drop { run: of } | Order::Settle { run: of, .. } => {
                *of == run.event.id
            }
            _ => false,
        };
        let undone = journal.orders().unwrap_or_default();
        let mut ordered = !undone.is_empty();
        for run in journal.open().unwrap_or_default() {
            if !undone.iter().any(|undone| asked(&run, undone)) {
                ordered |= self.help(&run, engine, journal, outside);
            }
        }
        if ordered {
            engine.obey();
        }
        ordered
    }

    /// What operators ask for at an instant.
    fn ask(&self, engine: &Engine, journal: &Arc<dyn Journal>, outside: &Outside) {
        for (number, (at, order)) in self.asks.iter().cloned().enumerate() {
            let (engine, journal) = (engine.clone(), Arc::clone(journal));
            let (clock, asked) = (outside.clock.clone(), Arc::clone(&outside.asked));
            outside.clock.spawn(async move {
                clock.sleep_until(START + at).await;
                let is_new = asked.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
                let asked = Asked { at: clock.now(), who: "operator".into(), why: None, order };
                if is_new && journal.order(&asked).is_ok() {
                    engine.obey();
                }
            });
        }
    }

    fn help(&self, run: &OpenRun, engine: &Engine, journal: &Arc<dyn Journal>, outside: &Outside) -> bool {
        let Some(parked) = run.parked().filter(|parked| parked.due.is_none()) else { return false };
        let Some(letter) = parked.letters.first() else { return false };
        let order = match letter.code {
            Code::InDoubt => {
                let mark = letter
                    .request
                    .as_ref()
                    .and_then(|sent| sent.get("mark")?.scalar_text())
                    .unwrap_or_default();
                let landed = outside.platform.log().into_iter().rfind(|done| done.mark == mark);
                let landed = landed.filter(|done| !done.operation.starts_with("put"));
                let landed = landed.map(|done| Value::object([("number", Value::from(done.number as i64))]));
                let element = letter.element.clone().unwrap_or_default();
                let effect = EffectId { node: Arc::clone(&letter.node), element };
                Order::Settle { run: run.event.id, effect, landed }
            }
            Code::Child => return false,
            _ => {
                let usual = (!self.mended.is_empty()).then_some(Act::Newest);
                let Some(act) = self.act.clone().or(usual) else { return false };
                let run = run.event.id;
                match act {
                    Act::Retry => Order::Retry { run, newest: false, edited: None, force: false },
                    Act::Newest => {
                        engine.load(self.mended.clone());
                        Order::Retry { run, newest: true, edited: None, force: false }
                    }
                    Act::Edit(body) => Order::Retry { run, newest: true, edited: Some(body), force: false },
                    Act::Force => Order::Retry { run, newest: true, edited: None, force: true },
                    Act::Drop => Order::Drop { run },
                }
            }
        };
        let asked = Asked { at: outside.clock.now(), who: "operator".into(), why: None, order };
        journal.order(&asked).is_ok()
    }
}

async fn poll(engine: &Engine, flow: &'static str, platform: &Platform, now: Instant) {
    let source = Hash::of(b"changed orders");
    let mark = engine.journal().watermark(flow, source).ok().flatten();
    let from = mark.and_then(|mark| mark.cursor.as_i64()).and_then(|at| u64::try_from(at).ok());
    let changed = platform.changed(Instant(from.unwrap_or(0)), now);
    let Some(last) = changed.iter().map(|(_, at)| at.0).max() else { return };
    let offers =
        changed.into_iter().map(|(id, _)| Offer::new(flow, Value::object([("id", Value::from(id))])));
    let watermark = Watermark { flow: flow.into(), source, cursor: Value::from(last as i64 + 1), at: now };
    // A dead process takes nothing; the next life polls again.
    let _ = engine.accept_page(offers.collect(), Vec::new(), watermark).await;
}

/// Runs until nothing happens any more, or the process is dead.
fn quiet(clock: &Scheduler, probe: &Probe, platform: &Platform) {
    while !probe.is_dead() {
        if clock.step() {
            continue;
        }
        if !clock.jump(START + PATIENCE) {
            return;
        }
        platform.catch_up(clock.now());
        probe.pass(Point::Timer);
    }
}
