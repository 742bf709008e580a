//! The engine as a whole: performs the commands of machines against a world and a journal. In: events, orders. Out: facts,
//! requests, live events. Waiting begins here. It must never decide what a run does: machines and lanes do.

mod accept;
mod backlog;
mod books;
mod children;
mod keeper;
mod orders;
mod pending;
mod run;

use std::{
    collections::{HashMap, HashSet},
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::sync::{Notify, broadcast, mpsc};

pub use self::{
    accept::{Offer, Offered, Unfit},
    orders::Obeyed,
};
use self::{backlog::Backlog, pending::Pending, run::Msg};
use super::{
    lanes::Lanes,
    machine::StepId,
    policy::Policy,
    prepared::Prepared,
    world::{Waiting, World},
};
use crate::{
    event::{Event, Fact, Ids, Instant, RunId},
    journal::{self, Journal, Lsn},
    plan::Plan,
    story::{Live, Watched, What},
    value::{Hash, Value},
};

/// Appends that may wait for the disk before whoever must append waits too. Offers are refused long before a journal's own
/// limit.
const FAR_BEHIND: u64 = 50_000;

/// Starts a task; the engine never waits for it.
pub type Spawn = Arc<dyn Fn(Waiting<'static, ()>) + Send + Sync>;

/// Finds the plan that a frozen run is bound to.
pub type Pinned = Arc<dyn Fn(Hash) -> Option<Arc<Plan>> + Send + Sync>;

/// What an engine is made of.
pub struct Setup {
    /// The newest plan of each flow.
    pub plans: Vec<Arc<Plan>>,
    /// Plans that are no longer the newest.
    pub pinned: Pinned,
    /// The outside.
    pub world: Arc<dyn World>,
    /// The store.
    pub journal: Arc<dyn Journal>,
    /// The numbers.
    pub policy: Policy,
    /// How tasks start.
    pub spawn: Spawn,
}

impl Setup {
    /// A setup on the running tokio, with the usual numbers.
    pub fn new(plans: Vec<Arc<Plan>>, world: Arc<dyn World>, journal: Arc<dyn Journal>) -> Self {
        let spawn: Spawn = Arc::new(|work| drop(tokio::spawn(work)));
        Self { plans, pinned: Arc::new(|_| None), world, journal, policy: Policy::default(), spawn }
    }
}

/// Why the engine does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No plan of that name.
    #[error("found no flow `{0}`, expected one that was loaded")]
    UnknownFlow(String),
    /// The event does not say what it is about.
    #[error("flow `{flow}`: the trigger's `{part}` cannot be worked out: {message}")]
    Trigger {
        /// The flow.
        flow: String,
        /// `key`, `lane`, `id` or `version`.
        part: &'static str,
        /// Why.
        message: String,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// It is stopping.
    #[error("the engine is stopping: offer it again later")]
    Stopping,
    /// No such run.
    #[error("found no open run {0}, expected one that waits or is parked")]
    NoRun(RunId),
    /// What it is about was erased.
    #[error("what it is about was erased: it does not run any more")]
    Erased,
}

impl From<journal::Broken> for Error {
    fn from(broken: journal::Broken) -> Self {
        Self::Journal(broken.into())
    }
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// How the engine stands.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Life {
    Open,
    Draining,
    Broken,
}

struct Inner {
    plans: RwLock<Plans>,
    pinned: Pinned,
    world: Arc<dyn World>,
    journal: Arc<dyn Journal>,
    policy: Arc<Policy>,
    spawn: Spawn,
    /// Lanes, and with them the order of appends that change lanes.
    lanes: Mutex<Board>,
    runs: Mutex<HashMap<RunId, mpsc::UnboundedSender<Msg>>>,
    /// Child runs and the step that waits for each.
    parents: Mutex<HashMap<RunId, (RunId, StepId)>>,
    fresh: Mutex<HashMap<Hash, (Instant, Value)>>,
    stories: broadcast::Sender<Live>,
    /// Those of the stories that tell how runs begin and end.
    ends: broadcast::Sender<Live>,
    obeyed: broadcast::Sender<Obeyed>,
    /// Requests of operators that are done, as long as the journal may still list them.
    carried_out: Mutex<HashSet<u64>>,
    stir: Notify,
    /// When the keeper looks next if nobody stirs it: milliseconds as in [`Instant`].
    round_at: AtomicU64,
    quiet: Notify,
    life: AtomicU8,
    appended: AtomicU64,
    pending: Mutex<Pending>,
    /// Whoever writes to a book holds it.
    books: Mutex<()>,
    salt: [u8; 32],
}

#[derive(Default)]
struct Plans {
    newest: HashMap<Arc<str>, Arc<Prepared>>,
    prints: HashMap<Hash, Arc<Prepared>>,
}

struct Board {
    lanes: Lanes,
    ids: Ids,
    /// Flows and keys whose effects are remembered.
    remembered: HashSet<(Arc<str>, Arc<str>)>,
    /// Whether there are more of them than may be in memory: then the journal is asked at every run.
    asks_always: bool,
    /// Keyed hashes of what was erased.
    erased: HashSet<Hash>,
    backlog: Backlog,
}

impl Engine {
    /// Starts: takes up what is open in the journal, then lets lanes go.
    pub fn start(setup: Setup) -> Result<Self, Error> {
        let policy = Arc::new(setup.policy);
        let remembered = setup.journal.remembered(policy.load_most)?;
        let board = Board {
            lanes: Lanes::new(policy.guards, policy.gives_way),
            ids: Ids::after(setup.journal.newest()?),
            asks_always: remembered.len() >= policy.load_most,
            remembered: remembered.into_iter().collect(),
            erased: setup.journal.erased()?.into_iter().collect(),
            backlog: Backlog::default(),
        };
        let inner = Arc::new(Inner {
            plans: RwLock::new(Plans::default()),
            pinned: setup.pinned,
            salt: setup.journal.salt(),
            world: setup.world,
            journal: setup.journal,
            policy,
            spawn: setup.spawn,
            lanes: Mutex::new(board),
            runs: Mutex::new(HashMap::new()),
            parents: Mutex::new(HashMap::new()),
            fresh: Mutex::new(HashMap::new()),
            stories: broadcast::channel(4096).0,
            ends: broadcast::channel(4096).0,
            obeyed: broadcast::channel(256).0,
            carried_out: Mutex::default(),
            stir: Notify::new(),
            round_at: AtomicU64::new(0),
            quiet: Notify::new(),
            life: AtomicU8::new(Life::Open as u8),
            appended: AtomicU64::new(0),
            pending: Mutex::default(),
            books: Mutex::default(),
        });
        inner.load(setup.plans);
        inner.recover()?;
        inner.keep();
        inner.pump();
        Ok(Self { inner })
    }

    /// Takes newer plans; runs that have not frozen use them from now on.
    pub fn load(&self, plans: Vec<Arc<Plan>>) {
        self.inner.load(plans);
        self.inner.pump();
    }

    /// Live events from now on. A slow listener misses some.
    pub fn stories(&self) -> broadcast::Receiver<Live> {
        self.inner.stories.subscribe()
    }

    /// How runs begin, are parked and end, from now on: much less than all stories. A slow listener misses some.
    pub fn ends(&self) -> broadcast::Receiver<Live> {
        self.inner.ends.subscribe()
    }

    /// Events that wait and parked runs that are in memory; others may be on disk only.
    pub fn loaded(&self) -> usize {
        let board = self.inner.board();
        board.lanes.waiting() + board.lanes.parked_runs()
    }

    /// The journal.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.inner.journal
    }

    /// Waits until nothing runs and nothing waits to run; parked runs may remain.
    pub async fn idle(&self) {
        loop {
            let quiet = self.inner.quiet.notified();
            if self.inner.is_idle() || self.inner.life() == Life::Broken {
                return;
            }
            quiet.await;
        }
    }

    /// Starts no more runs but those that others wait for, lets them finish for so long, and waits until all is durable. True: all
    /// finished.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.inner.life.fetch_max(Life::Draining as u8, Ordering::AcqRel);
        let until = self.inner.world.now() + limit;
        let late = self.inner.world.sleep_until(until);
        let finished = async {
            loop {
                let quiet = self.inner.quiet.notified();
                if self.inner.runs().is_empty() {
                    return self.inner.settled().await.is_ok();
                }
                quiet.await;
            }
        };
        tokio::select! {
            all = finished => all,
            () = late => false,
        }
    }

    /// Waits until the journal has no room: nothing is accepted and nothing is sent from then on, until it has room again.
    pub async fn short(&self) -> Error {
        let told = poll_fn(|context| self.inner.journal.durable().poll_short(context)).await;
        journal::Error::NoRoom(told).into()
    }

    /// Whether the journal broke: nothing is accepted and nothing is sent any more.
    pub fn is_broken(&self) -> bool {
        self.inner.life() == Life::Broken
    }
}

impl Inner {
    fn life(&self) -> Life {
        match self.life.load(Ordering::Acquire) {
            0 => Life::Open,
            1 => Life::Draining,
            _ => Life::Broken,
        }
    }

    fn is_idle(&self) -> bool {
        let board = self.board();
        board.lanes.is_idle() && !board.backlog.is_open()
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, mpsc::UnboundedSender<Msg>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parents(&self) -> MutexGuard<'_, HashMap<RunId, (RunId, StepId)>> {
        self.parents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carried_out(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.carried_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, plans: Vec<Arc<Plan>>) {
        let mut board = self.board();
        for plan in &plans {
            board.lanes.supersedes(&plan.flow, plan.trigger.supersede);
        }
        drop(board);
        let mut held = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        for plan in plans {
            let prepared = Arc::new(Prepared::new(plan));
            held.prints.insert(prepared.plan.print, Arc::clone(&prepared));
            held.newest.insert(Arc::clone(&prepared.plan.flow), prepared);
        }
    }

    fn newest(&self, flow: &str) -> Option<Arc<Prepared>> {
        self.plans.read().unwrap_or_else(PoisonError::into_inner).newest.get(flow).cloned()
    }

    /// The plan with this print, from memory or from where old plans are kept.
    fn bound(&self, print: Hash) -> Option<Arc<Prepared>> {
        let known = self.plans.read().unwrap_or_else(PoisonError::into_inner).prints.get(&print).cloned();
        known.or_else(|| {
            let prepared = Arc::new(Prepared::new((self.pinned)(print)?));
            let mut held = self.plans.write().unwrap_or_else(PoisonError::into_inner);
            held.prints.insert(print, Arc::clone(&prepared));
            Some(prepared)
        })
    }

    /// Appends, remembering how far. A journal that is broken stops the engine.
    fn append(&self, facts: Vec<Fact>) -> Result<Lsn, journal::Error> {
        if self.life() == Life::Broken {
            return Err(journal::Error::Broken("the engine has stopped".into()));
        }
        // Noted before anybody can ask, and in the order of the journal.
        let mut pending = self.pending();
        let notes = pending::notes(&facts);
        match self.journal.append(facts) {
            Ok(lsn) => {
                pending.note(lsn, notes, self.journal.durable().mark());
                self.appended.fetch_max(lsn.0, Ordering::AcqRel);
                Ok(lsn)
            }
            Err(error) => {
                if matches!(error, journal::Error::Broken(_)) {
                    self.break_down();
                }
                Err(error)
            }
        }
    }

    /// Appends; if too much waits to be written, this thread waits for the disk. Whoever calls this must not go on without it.
    fn append_surely(&self, facts: Vec<Fact>) -> Result<Lsn, journal::Error> {
        let appended = self.appended.load(Ordering::Acquire);
        if let Some(behind) = appended.checked_sub(FAR_BEHIND) {
            self.journal.durable().wait(Lsn(behind))?;
        }
        self.append(facts)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of a fact that was accepted before, durable or not.
    fn known(&self, flow: &Arc<str>, fact: &Arc<str>) -> Result<Option<RunId>, journal::Error> {
        match self.pending().known(flow, fact) {
            Some(run) => Ok(Some(run)),
            None => self.journal.known(flow, fact),
        }
    }

    /// The last run of a key that was done, durable or not.
    fn last(&self, flow: &Arc<str>, key: &Arc<str>) -> Result<Option<journal::Last>, journal::Error> {
        match self.pending().last(flow, key) {
            Some(last) => Ok(Some(last)),
            None => self.journal.last(flow, key),
        }
    }

    fn break_down(&self) {
        self.life.store(Life::Broken as u8, Ordering::Release);
        self.stir.notify_one();
        self.quiet.notify_waiters();
    }

    async fn durable(&self, lsn: Lsn) -> Result<(), journal::Broken> {
        let waited = poll_fn(|context| self.journal.durable().poll(lsn, context)).await;
        if waited.is_err() {
            self.break_down();
        }
        waited
    }

    /// Waits until an append is durable, but not for a full disk.
    async fn acknowledged(&self, lsn: Lsn) -> Result<(), journal::Error> {
        let durable = self.journal.durable();
        let waited = poll_fn(|context| match (durable.poll(lsn, context), durable.short()) {
            (Poll::Pending, Some(_)) => Poll::Ready(None),
            (Poll::Pending, None) => Poll::Pending,
            (Poll::Ready(waited), _) => Poll::Ready(Some(waited)),
        });
        match waited.await {
            Some(Ok(())) => Ok(()),
            Some(Err(broken)) => {
                self.break_down();
                Err(broken.into())
            }
            None => self.room(),
        }
    }

    /// An error if the journal has no room.
    fn room(&self) -> Result<(), journal::Error> {
        self.journal.durable().short().map_or(Ok(()), |told| Err(journal::Error::NoRoom(told)))
    }

    /// Waits until the journal has room.
    async fn has_room(&self) -> Result<(), journal::Broken> {
        poll_fn(|context| self.journal.durable().poll_room(context)).await
    }

    /// Waits until all that was appended so far is durable.
    async fn settled(&self) -> Result<(), journal::Broken> {
        self.durable(Lsn(self.appended.load(Ordering::Acquire))).await
    }

    fn watched(&self) -> Watched {
        if self.stories.receiver_count() > 0 {
            Watched::Closely
        } else if self.ends.receiver_count() > 0 {
            Watched::Ends
        } else {
            Watched::No
        }
    }

    fn tell(&self, event: &Event, what: What) {
        let is_end = matches!(what, What::Started { .. } | What::Parked { .. } | What::Ended { .. });
        if self.watched() == Watched::Closely || is_end && self.ends.receiver_count() > 0 {
            let live = Live {
                run: event.id,
                flow: Arc::clone(&event.flow),
                key: Arc::clone(&event.key),
                at: self.world.now(),
                what,
            };
            // Nobody listening any more is not a fault.
            if is_end {
                let _ = self.ends.send(live.clone());
            }
            let _ = self.stories.send(live);
        }
    }
}
