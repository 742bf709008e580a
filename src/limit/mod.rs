//! Who may ask a platform now. In: what wants to go out, what came back, the time. Out: grants, in an order that is fair and
//! that never earns a refusal. One [`Gate`] an account. A pure struct: it must never know HTTP, nor wait, nor read a clock.

mod breaker;
mod fair;
mod slots;
mod window;

#[cfg(test)]
mod simulated;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

pub use self::{breaker::State, window::Seen};
use self::{breaker::Breaker, fair::Queue, slots::Slots, window::Window};
use crate::event::{Instant, Priority};

/// What a platform allows one account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// So many requests in so long.
    pub window: Option<Allowance>,
    /// So many requests at one time.
    pub slots: Option<u32>,
    /// So many requests at one time within a named group of operations.
    pub groups: BTreeMap<Arc<str>, u32>,
}

/// Requests a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    /// Requests.
    pub quota: u32,
    /// The window's length.
    pub every: Duration,
    /// Whether answers carry what is left and when the window ends; else nothing more than the quota goes out in any span of
    /// that length.
    pub told: bool,
}

/// What wants to go out: one HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// How urgent.
    pub priority: Priority,
    /// Who asks: a flow. Tenants of one priority get equal shares.
    pub tenant: Arc<str>,
    /// The operation's group.
    pub group: Option<Arc<str>>,
    /// It goes on with what an earlier grant began: it keeps that place in the queue.
    pub after: Option<Tag>,
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Tag(f64);

/// The name of one ask, from [`Gate::ask`] to [`Gate::done`] or [`Gate::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// How a request went, as far as the gate cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// The platform answered, be it with a refusal of what was asked.
    Answered,
    /// Too much was asked; not before so long.
    Throttled(Option<Duration>),
    /// The platform is down, or did not answer.
    Outage,
    /// Not let in.
    Auth,
}

/// One account's door.
#[derive(Debug)]
pub struct Gate {
    limits: Limits,
    queue: Queue,
    window: Option<Window>,
    slots: Slots,
    breaker: Breaker,
    groups: HashMap<Arc<str>, u32>,
    flying: HashMap<Ticket, Flying>,
    held: Instant,
    last: u64,
}

#[derive(Debug)]
struct Flying {
    priority: Priority,
    group: Option<Arc<str>>,
    tag: Tag,
    generation: u64,
}

impl Gate {
    /// An open gate that has seen nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            queue: Queue::default(),
            window: limits.window.map(Window::new),
            slots: Slots::new(limits.slots),
            breaker: Breaker::default(),
            groups: HashMap::new(),
            flying: HashMap::new(),
            held: Instant::default(),
            last: 0,
            limits,
        }
    }

    /// Puts an ask into the queue.
    pub fn ask(&mut self, ask: Ask) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.queue.push(ticket, ask);
        ticket
    }

    /// Everything that may go out now, in this order. Call it after each [`Gate::ask`], [`Gate::done`] and [`Gate::cancel`],
    /// and at [`Gate::wake`].
    pub fn grants(&mut self, now: Instant) -> Vec<Ticket> {
        let mut granted = Vec::new();
        while let Some(ticket) = self.grant(now) {
            granted.push(ticket);
        }
        granted
    }

    fn grant(&mut self, now: Instant) -> Option<Ticket> {
        if now < self.held || !self.breaker.lets(now) || !self.slots.any() {
            return None;
        }
        if let Some(window) = &mut self.window {
            window.roll(now);
        }
        let probing = self.breaker.probing();
        let highest = self.queue.highest()?;
        let (window, slots, groups, caps) = (&self.window, &self.slots, &self.groups, &self.limits.groups);
        let fits = |priority: Priority, group: Option<&Arc<str>>| {
            (!probing || priority == highest)
                && slots.fits(priority)
                && window.as_ref().is_none_or(|window| window.fits(priority, now))
                && group.is_none_or(|name| {
                    caps.get(name).is_none_or(|cap| groups.get(name).copied().unwrap_or(0) < *cap)
                })
        };
        let (ticket, tag, ask) = self.queue.pop(fits)?;
        self.fly(ticket, tag, ask, now);
        Some(ticket)
    }

    fn fly(&mut self, ticket: Ticket, tag: Tag, ask: Ask, now: Instant) {
        if let Some(name) = &ask.group {
            *self.groups.entry(Arc::clone(name)).or_default() += 1;
        }
        if let Some(window) = &mut self.window {
            window.granted(ask.priority, now);
        }
        self.slots.take(ask.priority);
        self.breaker.granted(ticket);
        let generation = self.slots.generation();
        self.flying.insert(ticket, Flying { priority: ask.priority, group: ask.group, tag, generation });
    }

    /// The place a granted ask had; for the asks that go on with it.
    pub fn tag(&self, ticket: Ticket) -> Option<Tag> {
        self.flying.get(&ticket).map(|flying| flying.tag)
    }

    /// Takes back an ask that waits, or a grant that was not used: nothing was sent.
    pub fn cancel(&mut self, ticket: Ticket) {
        if self.land(ticket).is_some() {
            self.breaker.unused(ticket);
            if let Some(window) = &mut self.window {
                window.unused();
            }
        } else {
            self.queue.remove(ticket);
        }
    }

    /// A granted request is over. `seen`: what the answer's headers told of the window.
    pub fn done(&mut self, ticket: Ticket, now: Instant, went: Went, seen: Option<Seen>) {
        let Some(flying) = self.land(ticket) else { return };
        if let Some(window) = &mut self.window {
            window.answered(now, seen, went == Went::Outage);
        }
        self.breaker.done(ticket, now, went);
        match went {
            Went::Throttled(after) => {
                self.slots.cut(flying.generation);
                let wait = after.or_else(|| seen.map(|seen| seen.reset)).unwrap_or(Duration::from_secs(1));
                self.held = self.held.max(now + wait);
            }
            Went::Answered => self.slots.grow(),
            Went::Outage | Went::Auth => {}
        }
    }

    fn land(&mut self, ticket: Ticket) -> Option<Flying> {
        let flying = self.flying.remove(&ticket)?;
        self.slots.give(flying.priority);
        if let Some(count) = flying.group.as_ref().and_then(|name| self.groups.get_mut(name)) {
            *count -= 1;
        }
        Some(flying)
    }

    /// When something that waits could fit without anything else happening.
    pub fn wake(&self, now: Instant) -> Option<Instant> {
        self.queue.highest()?;
        if now < self.held {
            return Some(self.held);
        }
        match self.breaker.state() {
            State::Open { until } if now < until => return Some(until),
            State::Half => return None,
            _ => {}
        }
        self.window.as_ref().and_then(|window| window.wake(now))
    }

    /// What the breaker does.
    pub fn state(&self) -> State {
        self.breaker.state()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}
