//! Everything that can be observed from outside, counted: at each of these points a crash may happen. In: points. Out: whether
//! the process is still alive. It must never know what happens there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{engine::machine::Command, journal::Order};

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

/// Kinds of commands that a machine gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Did {
    /// Asks for a permit.
    Ask,
    /// A request leaves.
    Leave,
    /// A child run starts.
    Child,
    /// A book is asked or written.
    Note,
    /// Facts are written, and nobody waits.
    Record,
    /// A wait.
    Wake,
    /// Those who watch are told.
    Tell,
    /// The run leaves memory.
    Park,
    /// The run ends.
    End,
}

impl Did {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Ask,
        Self::Leave,
        Self::Child,
        Self::Note,
        Self::Record,
        Self::Wake,
        Self::Tell,
        Self::Park,
        Self::End,
    ];

    fn of(command: &Command) -> Self {
        match command {
            Command::Ask { .. } => Self::Ask,
            Command::Leave { .. } => Self::Leave,
            Command::Child { .. } => Self::Child,
            Command::Note(_) => Self::Note,
            Command::Record(_) => Self::Record,
            Command::Wake { .. } => Self::Wake,
            Command::Tell(_) => Self::Tell,
            Command::Park(_) => Self::Park,
            Command::End { .. } => Self::End,
        }
    }
}

/// Kinds of what operators ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asks {
    /// Go on with a parked run as it is bound.
    Retry,
    /// Go on with the newest plan.
    Newest,
    /// Go on with another event.
    Edit,
    /// Go on, and repeat what may not be repeated.
    Force,
    /// Drop a run.
    Drop,
    /// What is in doubt landed.
    Landed,
    /// What is in doubt is absent.
    Absent,
    /// Run events of an older window.
    Run,
    /// Run one event by hand.
    Exec,
    /// Take no more events about something.
    Erase,
}

impl Asks {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Retry,
        Self::Newest,
        Self::Edit,
        Self::Force,
        Self::Drop,
        Self::Landed,
        Self::Absent,
        Self::Run,
        Self::Exec,
        Self::Erase,
    ];

    pub(super) fn of(order: &Order) -> Self {
        match order {
            Order::Retry { edited: Some(_), .. } => Self::Edit,
            Order::Retry { force: true, .. } => Self::Force,
            Order::Retry { newest: true, .. } => Self::Newest,
            Order::Retry { .. } => Self::Retry,
            Order::Drop { .. } => Self::Drop,
            Order::Settle { landed: Some(_), .. } => Self::Landed,
            Order::Settle { .. } => Self::Absent,
            Order::Run { .. } => Self::Run,
            Order::Exec { .. } => Self::Exec,
            Order::Erase { .. } => Self::Erase,
        }
    }
}

/// What happens in a life, by kind: at each a crash may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Happens {
    /// Something that is seen from outside.
    Point(Point),
    /// A command of a machine is about to be performed.
    Command(Did),
    /// A request of an operator is about to be carried out.
    Order(Asks),
}

impl Happens {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let points = Point::ALL.into_iter().map(Self::Point);
        let commands = Did::ALL.into_iter().map(Self::Command);
        points.chain(commands).chain(Asks::ALL.into_iter().map(Self::Order))
    }
}

/// The n-th (from 1) of what happens in a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// Of all points.
    Point(u32),
    /// Of all commands.
    Command(u32),
    /// Of all requests of operators.
    Order(u32),
}

/// How many of each happened in a life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Points.
    pub points: u32,
    /// Commands.
    pub commands: u32,
    /// Requests of operators.
    pub orders: u32,
}

/// Counts points of one life of the process and kills it at one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Probe(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    seen: Counts,
    crash_at: Option<At>,
    dead: bool,
    kinds: BTreeMap<Happens, u32>,
    died_at: Option<Happens>,
}

impl Probe {
    /// A life that ends at one of what happens, or not at all.
    pub(super) fn new(crash_at: Option<At>) -> Self {
        Self(Arc::new(Mutex::new(Held { crash_at, ..Held::default() })))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a point. False: the process is dead, and nothing it does counts any more.
    pub(super) fn pass(&self, point: Point) -> bool {
        self.happens(Happens::Point(point))
    }

    /// Passes a command.
    pub(super) fn performs(&self, command: &Command) -> bool {
        self.happens(Happens::Command(Did::of(command)))
    }

    /// Passes an operator's request.
    pub(super) fn obeys(&self, order: &Order) -> bool {
        self.happens(Happens::Order(Asks::of(order)))
    }

    fn happens(&self, what: Happens) -> bool {
        let mut held = self.held();
        if held.dead {
            return false;
        }
        let (count, at): (&mut u32, fn(u32) -> At) = match what {
            Happens::Point(_) => (&mut held.seen.points, At::Point),
            Happens::Command(_) => (&mut held.seen.commands, At::Command),
            Happens::Order(_) => (&mut held.seen.orders, At::Order),
        };
        *count += 1;
        let here = at(*count);
        *held.kinds.entry(what).or_default() += 1;
        if held.crash_at == Some(here) {
            held.dead = true;
            held.died_at = Some(what);
        }
        true
    }

    /// Whether the process is dead.
    pub(super) fn is_dead(&self) -> bool {
        self.held().dead
    }

    /// How many there were.
    pub(super) fn seen(&self) -> Counts {
        self.held().seen
    }

    /// At which kind it died.
    pub(super) fn died_at(&self) -> Option<Happens> {
        self.held().died_at
    }

    /// How many of each kind.
    pub(super) fn kinds(&self) -> BTreeMap<Happens, u32> {
        self.held().kinds.clone()
    }
}
