//! Everything that can be observed from outside, counted: at each of these points a crash may happen. In: points. Out: whether
//! the process is still alive. It must never know what happens there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Kinds of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// Facts were handed to the journal.
    Append,
    /// Facts became durable.
    Durable,
    /// The limiter let a request go.
    Permit,
    /// A request reached the platform, which has done nothing yet.
    Arrive,
    /// The platform has done what it was asked.
    Commit,
    /// An answer reached us.
    Answer,
    /// An instant came.
    Timer,
}

impl Point {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Append, Self::Durable, Self::Permit, Self::Arrive, Self::Commit, Self::Answer, Self::Timer];
}

/// Counts points of one life of the process and kills it at one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Probe(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    seen: u32,
    crash_at: Option<u32>,
    dead: bool,
    kinds: BTreeMap<Point, u32>,
    died_at: Option<Point>,
}

impl Probe {
    /// A life that ends at the n-th point (from 1), or not at all.
    pub(super) fn new(crash_at: Option<u32>) -> Self {
        Self(Arc::new(Mutex::new(Held { crash_at, ..Held::default() })))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a point. False: the process is dead, and nothing it does counts any more.
    pub(super) fn pass(&self, point: Point) -> bool {
        let mut held = self.held();
        if held.dead {
            return false;
        }
        held.seen += 1;
        *held.kinds.entry(point).or_default() += 1;
        if held.crash_at == Some(held.seen) {
            held.dead = true;
            held.died_at = Some(point);
        }
        true
    }

    /// Whether the process is dead.
    pub(super) fn is_dead(&self) -> bool {
        self.held().dead
    }

    /// How many points there were.
    pub(super) fn seen(&self) -> u32 {
        self.held().seen
    }

    /// At which kind of point it died.
    pub(super) fn died_at(&self) -> Option<Point> {
        self.held().died_at
    }

    /// How many points of each kind.
    pub(super) fn kinds(&self) -> BTreeMap<Point, u32> {
        self.held().kinds.clone()
    }
}
