//! Limits of one account, shared by all flows: requests a window, calls at one time, caps by group, a fair queue, a
//! breaker. In: asks, sends and answers, each with its instant. Out: grants. It must never wait, send or read a clock;
//! `wire` does that.

mod breaker;
mod queue;
mod rate;
mod slots;
#[cfg(test)]
mod tests;
mod window;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use self::{breaker::Breaker, queue::Queue, slots::Slots, window::Window};
pub use self::{
    breaker::{Change, Trouble},
    queue::Tag,
    window::Header,
};
use crate::event::{Instant, Priority};

/// What an account allows.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Requests a window, and its length.
    pub window: Option<(u32, Duration)>,
    /// Calls at one time.
    pub slots: Option<u32>,
    /// Calls at one time within a group of operations.
    pub groups: BTreeMap<Arc<str>, u32>,
}

/// A wish to send.
#[derive(Clone, Debug)]
pub struct Ask {
    /// How urgent.
    pub class: Priority,
    /// Who shares within the class: the flow.
    pub tenant: Arc<str>,
    /// Requests it counts for.
    pub cost: u32,
    /// The operation's group, if it has one.
    pub group: Option<Arc<str>>,
    /// The tag of an earlier try.
    pub tag: Option<Tag>,
}

/// The number of an ask.
pub type Ticket = u64;

/// A permission to send one call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which ask.
    pub ticket: Ticket,
    /// For a retry's [`Ask::tag`].
    pub tag: Tag,
}

/// How a call ended, as far as limits care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// An answer, also one that refuses the content.
    Answered,
    /// Refused: too much at one time or in one window.
    Throttled,
    /// Nobody waited for how it ended.
    Unknown,
    /// Trouble that feeds the breaker.
    Trouble(Trouble),
}

struct Held {
    ask: Ask,
    sent: Instant,
}

/// The gate of one account.
pub struct Gate {
    window: Option<Window>,
    slots: Option<Slots>,
    groups: BTreeMap<Arc<str>, (u32, u32)>,
    queue: Queue,
    breaker: Breaker,
    held: BTreeMap<Ticket, Held>,
    last: Ticket,
    pause: Instant,
}

impl Gate {
    /// A gate with nothing under way.
    pub fn new(limits: &Limits) -> Self {
        Self {
            window: limits.window.map(|(quota, every)| Window::new(quota, every)),
            slots: limits.slots.map(Slots::new),
            groups: limits.groups.iter().map(|(name, cap)| (Arc::clone(name), (*cap, 0))).collect(),
            queue: Queue::default(),
            breaker: Breaker::new(),
            held: BTreeMap::new(),
            last: 0,
            pause: Instant::default(),
        }
    }

    /// Puts an ask in line.
    pub fn ask(&mut self, ask: Ask) -> Ticket {
        self.last += 1;
        self.queue.push(self.last, ask);
        self.last
    }

    /// Whoever asked is gone: takes the ask out of line, or gives an unused grant back.
    pub fn withdraw(&mut self, ticket: Ticket, now: Instant) {
        if self.queue.remove(ticket) {
            return;
        }
        let Some(held) = self.held.remove(&ticket) else { return };
        self.free(&held.ask);
        if self.breaker.is_probe(held.sent) {
            self.breaker.unsent(now);
        }
        if let Some(window) = &mut self.window {
            window.unsent(held.ask.cost);
        }
    }

    /// Everybody who may send now. Each is held until it is answered or withdrawn.
    pub fn grant(&mut self, now: Instant) -> Vec<Grant> {
        let mut grants = Vec::new();
        if let Some(window) = &mut self.window {
            window.turn(now);
        }
        while now >= self.pause && !self.breaker.is_open(now) {
            let (window, slots, groups) = (&self.window, &self.slots, &self.groups);
            if window.as_ref().is_some_and(Window::is_spent) || slots.as_ref().is_some_and(Slots::is_full) {
                break;
            }
            let fits = |ask: &Ask| {
                window.as_ref().is_none_or(|window| window.fits(ask.cost, ask.class, now))
                    && slots.as_ref().is_none_or(|slots| slots.fits(ask.class))
                    && ask
                        .group
                        .as_ref()
                        .and_then(|group| groups.get(group))
                        .is_none_or(|(cap, used)| used < cap)
            };
            let Some((ticket, tag, ask)) = self.queue.pop(fits) else { break };
            self.take(&ask, now);
            self.held.insert(ticket, Held { ask, sent: now });
            grants.push(Grant { ticket, tag });
        }
        grants
    }

    /// When [`Self::grant`] is worth asking again, if anybody waits and no answer comes first.
    pub fn wake(&self, now: Instant) -> Option<Instant> {
        if self.queue.is_empty() {
            return None;
        }
        if now < self.pause {
            return Some(self.pause);
        }
        self.breaker.wake().filter(|until| *until > now).or_else(|| self.window.as_ref()?.wake(now))
    }

    /// A call ended. `after`: the platform asked for a pause. Returns what the breaker made of it.
    pub fn answered(
        &mut self,
        ticket: Ticket,
        ended: Ended,
        header: Header,
        after: Option<Duration>,
        now: Instant,
    ) -> Option<Change> {
        let held = self.held.remove(&ticket)?;
        let refused = ended == Ended::Throttled;
        if let Some(window) = &mut self.window {
            window.answered(held.ask.cost, header, refused, now);
        }
        if let Some(slots) = &mut self.slots {
            if refused && header.left != Some(0) {
                slots.refused(held.sent, now);
            } else if ended == Ended::Answered {
                slots.went_well();
            }
        }
        self.free(&held.ask);
        if let Some(after) = after.filter(|_| refused) {
            self.pause = self.pause.max(now + after);
        }
        if ended == Ended::Unknown {
            if self.breaker.is_probe(held.sent) {
                self.breaker.unsent(now);
            }
            return None;
        }
        let trouble = if let Ended::Trouble(trouble) = ended { Some(trouble) } else { None };
        self.breaker.ended(trouble, held.sent, now)
    }

    /// Whether the breaker holds this account: runs that need it should not start.
    pub fn is_held(&self, now: Instant) -> bool {
        self.breaker.is_open(now)
    }

    /// Whether the breaker opened and the platform has not answered well since.
    pub fn is_tripped(&self) -> bool {
        self.breaker.is_tripped()
    }

    fn take(&mut self, ask: &Ask, now: Instant) {
        self.breaker.sent(now);
        if let Some(window) = &mut self.window {
            window.sent(ask.cost, ask.class, now);
        }
        if let Some(slots) = &mut self.slots {
            slots.take(ask.class);
        }
        if let Some((_, used)) = ask.group.as_ref().and_then(|group| self.groups.get_mut(group)) {
            *used += 1;
        }
    }

    fn free(&mut self, ask: &Ask) {
        if let Some(slots) = &mut self.slots {
            slots.free(ask.class);
        }
        if let Some((_, used)) = ask.group.as_ref().and_then(|group| self.groups.get_mut(group)) {
            *used = used.saturating_sub(1);
        }
    }
}
