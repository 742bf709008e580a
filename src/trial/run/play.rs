//! A case on the stage: the real engine, a journal in memory, a clock that jumps. In: plans, a world, events. Out: runs as
//! people see them, at any instant. It must never use real time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::broadcast::{Receiver, error::TryRecvError};

use crate::{
    engine::{Engine, Offer, Policy, Setup},
    event::{Entry, Fact, Instant, Noted, Origin, RunId},
    flow::MEMORY,
    journal::{Journal as _, Memory},
    plan::Plan,
    source::Span,
    story::{Live, RunView},
    trial::{
        case::Miss,
        coverage::Seen,
        sim::Scheduler,
        world::{Made, Scripted},
    },
    value::{Hash, Value},
};

/// How long a case may take on its own clock, after the last thing that happens in it.
pub(super) const PATIENCE: Duration = Duration::from_hours(30 * 24);
/// How many times tasks may be polled: a case that needs more never comes to rest.
const MOST_POLLS: u32 = 2_000_000;

/// A case that is being played.
pub(super) struct Stage {
    pub(super) clock: Scheduler,
    pub(super) world: Arc<Scripted>,
    journal: Arc<Memory>,
    engine: Engine,
    stories: Receiver<Live>,
    views: BTreeMap<RunId, RunView>,
    refused: Arc<Mutex<Vec<Miss>>>,
    polls: u32,
}

impl Stage {
    /// Sets the stage.
    pub(super) fn new(
        plans: Vec<Arc<Plan>>,
        clock: Scheduler,
        (world, journal): (Scripted, Memory),
    ) -> Result<Self, String> {
        let (journal, world) = (Arc::new(journal), Arc::new(world));
        let setup = Setup {
            plans,
            pinned: Arc::new(|_| None),
            world: Arc::clone(&world) as _,
            journal: Arc::clone(&journal) as _,
            // Nobody gives orders: the clock need not stop for them.
            policy: Policy { command_every: PATIENCE * 100, ..Policy::default() },
            spawn: clock.spawner(),
        };
        let engine = Engine::start(setup).map_err(|error| error.to_string())?;
        let stories = engine.stories();
        let (views, refused) = (BTreeMap::new(), Arc::default());
        Ok(Self { clock, world, journal, engine, stories, views, refused, polls: 0 })
    }

    /// Lets an event come at an instant.
    pub(super) fn offer(&self, at: Instant, flow: &Arc<str>, body: Value, span: Span) {
        let (engine, clock, refused) = (self.engine.clone(), self.clock.clone(), Arc::clone(&self.refused));
        let offer = Offer::new(Arc::clone(flow), body);
        self.clock.spawn(async move {
            clock.sleep_until(at).await;
            if let Err(error) = engine.offer(offer).await {
                let miss = Miss::fault(span, format!("the event is not taken: {error}"));
                refused.lock().unwrap_or_else(PoisonError::into_inner).push(miss);
            }
        });
    }

    /// Goes on until an instant, or until nothing moves any more before it. False: it never comes to rest.
    pub(super) fn play(&mut self, until: Instant, seen: &mut Seen) -> bool {
        while self.polls < MOST_POLLS {
            self.polls += 1;
            if !self.clock.step() && !self.clock.jump(until) {
                return true;
            }
            self.listen(seen);
        }
        false
    }

    fn listen(&mut self, seen: &mut Seen) {
        loop {
            match self.stories.try_recv() {
                Ok(live) => {
                    seen.hear(&live);
                    self.views.entry(live.run).or_insert_with(|| RunView::new(&live)).hear(&live);
                }
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// The last run of a flow.
    pub(super) fn last(&self, flow: &str) -> Option<&RunView> {
        self.views.values().rfind(|view| &*view.flow == flow)
    }

    /// Child runs of a flow that were started, by their events.
    pub(super) fn children(&self, flow: &str) -> Vec<Made> {
        let started = |fact: Fact| match fact {
            Fact::Accepted(event) if *event.flow == *flow && matches!(event.origin, Origin::Child { .. }) => {
                Some(Made { target: ("flows".into(), event.flow), input: event.body, batch: false })
            }
            _ => None,
        };
        self.journal.facts().into_iter().filter_map(started).collect()
    }

    /// Entries of books that were written or taken out, by `book.verb`.
    pub(super) fn noted(&self, operation: &str) -> Vec<Made> {
        let Some((book, verb)) = operation.split_once('.') else { return Vec::new() };
        let made = |noted: Noted| {
            let of = if noted.entry.is_some() { "put" } else { "forget" };
            let fits = *noted.book == *book && of == verb && noted.run != RunId::default();
            let input = noted.entry.map(|entry| entry.value).unwrap_or_default();
            fits.then(|| Made { target: (MEMORY.into(), operation.into()), input, batch: false })
        };
        let noted = |fact| if let Fact::Noted(noted) = fact { made(noted) } else { None };
        self.journal.facts().into_iter().filter_map(noted).collect()
    }

    /// The key of hashes of books.
    pub(super) fn salt(&self) -> [u8; 32] {
        self.journal.salt()
    }

    /// The entry of a key of a book, if it counts by now.
    pub(super) fn entry(&self, book: &str, key: Hash) -> Option<Entry> {
        let now = self.clock.now();
        self.journal.entry(book, key).ok().flatten().filter(|entry| entry.counts(now))
    }

    /// Events that were not taken.
    pub(super) fn refused(&self) -> Vec<Miss> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clock.kill();
    }
}
