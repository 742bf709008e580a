//! Requests a window, as the platform counts them: ours, those of other apps, those in flight over a reset. In: what was
//! sent, what the headers said. Out: how much is left.

use std::time::Duration;

use super::rate::{Rate, floor};
use crate::event::{Instant, Priority};

/// What a platform's headers said of its window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Requests a window.
    pub quota: Option<u32>,
    /// Requests left when this one was counted.
    pub left: Option<u32>,
    /// Time to the reset.
    pub reset: Option<Duration>,
}

/// The smallest part of the quota that is kept for higher classes at the start of a window.
const BURST: f64 = 0.1;
/// Resets this close together are the same reset.
const SAME: Duration = Duration::from_secs(1);
/// Instants are rounded down to this.
const TICK: Duration = Duration::from_millis(1);

/// One window after the other.
#[derive(Debug)]
pub(super) struct Window {
    quota: u32,
    every: Duration,
    /// When the window ends, never too early: told by a header of this window, or expected from the one before.
    reset: Option<Instant>,
    is_told: bool,
    ours: u32,
    foreign: u32,
    in_flight: u32,
    higher: [Rate; 3],
    others: Rate,
}

impl Window {
    pub(super) fn new(quota: u32, every: Duration) -> Self {
        let (higher, others) = ([Rate::default(); 3], Rate::default());
        Self { quota, every, reset: None, is_told: false, ours: 0, foreign: 0, in_flight: 0, higher, others }
    }

    /// Begins a new window if the old one is over. What is in flight counts in both.
    pub(super) fn turn(&mut self, now: Instant) {
        let Some(mut reset) = self.reset else { return };
        if now < reset {
            return;
        }
        while reset <= now {
            reset = reset + self.every;
        }
        (self.reset, self.is_told) = (Some(reset), false);
        (self.ours, self.foreign) = (self.in_flight, 0);
    }

    /// Whether a request of this cost and class may leave now. With no window known yet, one goes ahead and asks.
    pub(super) fn fits(&self, cost: u32, class: Priority, now: Instant) -> bool {
        let Some(reset) = self.reset else { return self.in_flight == 0 };
        let left = self.left();
        if left < cost {
            return false;
        }
        let above = self.higher.iter().take(class as usize).map(|rate| rate.per_second(now)).sum::<f64>();
        if class == Priority::Live {
            return true;
        }
        let rate = above + self.others.per_second(now);
        let burst = if above > 0.0 { f64::from(self.quota) * BURST } else { 0.0 };
        f64::from(left - cost) >= floor(rate, reset.since(now), self.every, burst)
    }

    /// Whether nobody may leave, of whatever class.
    pub(super) fn is_spent(&self) -> bool {
        self.reset.map_or(self.in_flight > 0, |_| self.left() == 0)
    }

    /// When it is worth asking again.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        // The floor melts towards the reset: look again a few times on the way.
        self.reset.map(|reset| reset.min(now + self.every / 30))
    }

    pub(super) fn sent(&mut self, cost: u32, class: Priority, now: Instant) {
        self.ours += cost;
        self.in_flight += cost;
        self.higher[class as usize].add(cost, now);
    }

    pub(super) fn unsent(&mut self, cost: u32) {
        self.ours = self.ours.saturating_sub(cost);
        self.in_flight = self.in_flight.saturating_sub(cost);
    }

    /// An answer came. Headers come out of order, so within one window they only ever lower what is left.
    pub(super) fn answered(&mut self, cost: u32, header: Header, refused: bool, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(cost);
        if let Some(wait) = header.reset {
            // The answer took its time, and clocks tick in milliseconds: the window ends at this instant or before.
            let said = now + wait + TICK;
            match self.reset {
                Some(reset) if said + self.every / 2 < reset => {
                    self.ours = self.ours.saturating_sub(cost); // it counted in a window that is over
                    return;
                }
                Some(reset) if self.is_told && said <= reset + SAME => self.reset = Some(reset.min(said)),
                Some(reset) => {
                    if said > reset + SAME {
                        self.foreign = 0;
                    }
                    // The window opened with a call, later than was expected.
                    (self.reset, self.is_told) = (Some(said), true);
                }
                None => {
                    (self.reset, self.is_told) = (Some(said), true);
                    self.ours = self.in_flight + cost;
                }
            }
        } else if self.reset.is_none() {
            self.reset = Some(now + self.every);
            self.ours = self.in_flight + cost;
        }
        self.quota = header.quota.unwrap_or(self.quota);
        if let Some(left) = if refused { Some(header.left.unwrap_or(0)) } else { header.left } {
            // What was counted beyond all that we sent can only be others' (ours under way may be counted or not).
            let foreign = self.quota.saturating_sub(left).saturating_sub(self.ours);
            if foreign > self.foreign {
                self.others.add(foreign - self.foreign, now);
                self.foreign = foreign;
            }
        }
    }

    fn left(&self) -> u32 {
        self.quota.saturating_sub(self.ours).saturating_sub(self.foreign)
    }
}
