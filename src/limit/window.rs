//! Requests a window. In: grants, what answers told of the window, the time. Out: whether one more fits, and for whom. What
//! other apps use of the same quota is told by the answers; what they may use before the next one is estimated.

use std::{collections::VecDeque, time::Duration};

use super::Allowance;
use crate::event::{Instant, Priority};

/// What an answer's headers told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Requests a window.
    pub quota: u32,
    /// Requests left when the platform answered.
    pub left: u32,
    /// Time left in the window when the platform answered.
    pub reset: Duration,
}

/// How long a request may be on its way before the platform counts it, for the estimate of what others use meanwhile.
const TRANSIT: Duration = Duration::from_millis(250);
/// The memory of the rates.
const MEMORY: f64 = 30.0;
/// While nothing is known of a window, one probe goes this often.
const PROBE: Duration = Duration::from_secs(1);
/// Share of a window kept from lower priorities at its beginning, for bursts of higher ones; it melts towards the end.
const BURST: f64 = 0.02;

#[derive(Debug)]
pub(super) struct Window {
    allowance: Allowance,
    now_in: Option<Known>,
    /// When requests were answered, newest last; only if the platform tells nothing.
    log: VecDeque<Instant>,
    flying: u32,
    probe: Option<Instant>,
    rates: [Rate; 3],
    foreign: f64,
}

/// A window of the platform.
#[derive(Debug)]
struct Known {
    ends: Instant,
    /// Whether an answer spoke of this very window.
    told: bool,
    /// The least that an answer said is left. It counts all of ours that are answered, since what is left never grows.
    least: u32,
    /// Ours that were answered.
    ours: u32,
    /// Ours that were never answered and may have been counted, or were answered without a word on the window.
    ghosts: u32,
    seen: Instant,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    per_second: f64,
    at: Instant,
}

impl Rate {
    fn count(&mut self, now: Instant) {
        self.per_second = self.now(now) + 1.0 / MEMORY;
        self.at = now;
    }

    fn now(&self, now: Instant) -> f64 {
        self.per_second * (-now.since(self.at).as_secs_f64() / MEMORY).exp()
    }
}

/// What is to be kept back so that `rate` finds its share for `time`, with room for chance.
fn share(rate: f64, time: Duration) -> f64 {
    let expected = rate * time.as_secs_f64();
    expected + 2.0 * expected.sqrt()
}

impl Window {
    pub(super) fn new(allowance: Allowance) -> Self {
        let rates = [Rate::default(); 3];
        Self { allowance, now_in: None, log: VecDeque::new(), flying: 0, probe: None, rates, foreign: 0.0 }
    }

    /// Turns to the next window when the time has come.
    pub(super) fn roll(&mut self, now: Instant) {
        let every = self.allowance.every;
        while self.log.front().is_some_and(|answered| now.since(*answered) >= every) {
            self.log.pop_front();
        }
        let Some(known) = self.now_in.as_ref().filter(|known| now >= known.ends) else { return };
        if known.told {
            let theirs = self.allowance.quota.saturating_sub(known.least).saturating_sub(known.ours + known.ghosts);
            self.foreign = f64::midpoint(self.foreign, f64::from(theirs) / every.as_secs_f64());
        }
        let mut ends = known.ends;
        while ends <= now {
            ends = ends + every.max(Duration::from_millis(1));
        }
        self.now_in = Some(Known { ends, told: false, least: self.allowance.quota, ours: 0, ghosts: 0, seen: now });
        self.probe = None;
    }

    pub(super) fn fits(&self, priority: Priority, now: Instant) -> bool {
        if !self.allowance.told {
            let used = f64::from(self.flying) + self.log.len() as f64;
            let kept = share(self.higher(priority, now), self.allowance.every).min(f64::from(self.allowance.quota) * 0.5);
            return used + 1.0 + kept <= f64::from(self.allowance.quota);
        }
        let Some(known) = self.now_in.as_ref().filter(|known| known.told) else {
            return self.probe.is_none_or(|sent| now >= sent + PROBE);
        };
        let left = f64::from(known.least) - f64::from(self.flying) - f64::from(known.ghosts);
        left - 1.0 >= self.kept(priority, known, now)
    }

    /// What must stay after a grant: for other apps until the request is counted; from lower priorities also for higher ones
    /// until the window ends.
    fn kept(&self, priority: Priority, known: &Known, now: Instant) -> f64 {
        let unseen = share(self.foreign, now.since(known.seen) + TRANSIT);
        if priority == Priority::Live {
            return unseen;
        }
        let rest = known.ends.since(now);
        let melting = rest.as_secs_f64() / self.allowance.every.as_secs_f64();
        let burst = BURST * f64::from(self.allowance.quota) * melting;
        unseen.max(share(self.foreign + self.higher(priority, now), rest) + burst)
    }

    fn higher(&self, priority: Priority, now: Instant) -> f64 {
        self.rates[..priority as usize].iter().map(|rate| rate.now(now)).sum()
    }

    pub(super) fn granted(&mut self, priority: Priority, now: Instant) {
        self.flying += 1;
        self.rates[priority as usize].count(now);
        self.probe = Some(now);
    }

    pub(super) fn unused(&mut self) {
        self.flying = self.flying.saturating_sub(1);
        self.probe = None;
    }

    /// One of ours is over. Answers come in any order; one of an older window only lands.
    pub(super) fn answered(&mut self, now: Instant, seen: Option<Seen>, lost: bool) {
        self.flying = self.flying.saturating_sub(1);
        if !self.allowance.told {
            self.log.push_back(now);
            return;
        }
        self.roll(now);
        match (seen, &mut self.now_in) {
            (Some(seen), _) => self.told(now, seen),
            (None, Some(known)) => {
                known.ghosts += 1;
                known.told |= !lost;
            }
            // The platform answers, and tells nothing: the declared window is all there is to go by.
            (None, none) if !lost => {
                let ends = now + self.allowance.every;
                *none = Some(Known { ends, told: true, least: self.allowance.quota, ours: 0, ghosts: 1, seen: now });
            }
            (None, None) => {}
        }
    }

    fn told(&mut self, now: Instant, seen: Seen) {
        self.allowance.quota = seen.quota;
        let ends = now + seen.reset;
        let half = self.allowance.every / 2;
        let fresh = Known { ends, told: true, least: seen.left, ours: 1, ghosts: 0, seen: now };
        match &mut self.now_in {
            Some(known) if ends + half < known.ends => {}
            Some(known) if known.told && ends < known.ends + half => {
                known.least = known.least.min(seen.left);
                known.ends = known.ends.min(ends);
                known.ours += 1;
                known.seen = now;
            }
            other => *other = Some(fresh),
        }
    }

    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        if !self.allowance.told {
            let first = self.log.front().map(|answered| *answered + self.allowance.every);
            return first.or(Some(now + PROBE)).map(|at| at.max(now + Duration::from_millis(5)));
        }
        let Some(known) = self.now_in.as_ref().filter(|known| known.told) else {
            return Some(self.probe.map_or(now, |sent| sent + PROBE));
        };
        let rest = known.ends.since(now);
        let step = (rest / 64).clamp(Duration::from_millis(10), PROBE);
        Some((now + step).min(known.ends.max(now + Duration::from_millis(1))))
    }
}
