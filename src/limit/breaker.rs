//! A platform that is down, or does not let us in, is left alone: lanes are held, no attempt is burnt, one alert is sent.
//! In: how calls ended. Out: whether to go on.

use std::time::Duration;

use crate::event::Instant;

/// Outages in a row that open it (decision R5).
const OUTAGES: u32 = 5;
/// First pause, doubled up to the longest (decision R5).
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

/// Why a breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The platform does not work.
    Outage,
    /// The platform does not let us in.
    Auth,
}

/// What an answer changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It opened: tell people once.
    Opened(Trouble),
    /// It works again.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { outages: u32 },
    Open { until: Instant, pause: Duration },
    Probing { since: Instant, pause: Duration },
}

/// The breaker of one account.
#[derive(Debug)]
pub(super) struct Breaker(State);

impl Breaker {
    pub(super) fn new() -> Self {
        Self(State::Closed { outages: 0 })
    }

    /// Whether nothing may be sent now.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        match self.0 {
            State::Closed { .. } => false,
            State::Open { until, .. } => now < until,
            State::Probing { .. } => true,
        }
    }

    /// Whether it has been open since the platform last answered well: also while it probes.
    pub(super) fn is_tripped(&self) -> bool {
        !matches!(self.0, State::Closed { .. })
    }

    /// When the next probe may go.
    pub(super) fn wake(&self) -> Option<Instant> {
        match self.0 {
            State::Open { until, .. } => Some(until),
            State::Closed { .. } | State::Probing { .. } => None,
        }
    }

    /// A call leaves; after a pause it is the probe.
    pub(super) fn sent(&mut self, now: Instant) {
        if let State::Open { until, pause } = self.0
            && now >= until
        {
            self.0 = State::Probing { since: now, pause };
        }
    }

    /// The probe never left, or nobody knows how it ended.
    pub(super) fn unsent(&mut self, now: Instant) {
        if let State::Probing { pause, .. } = self.0 {
            self.0 = State::Open { until: now, pause };
        }
    }

    /// Whether a call that left then is the probe.
    pub(super) fn is_probe(&self, sent: Instant) -> bool {
        matches!(self.0, State::Probing { since, .. } if sent >= since)
    }

    /// A call ended that left at `sent`. Once it is open only the probe counts: what left before says nothing about now.
    pub(super) fn ended(&mut self, trouble: Option<Trouble>, sent: Instant, now: Instant) -> Option<Change> {
        match (self.0, trouble) {
            (State::Closed { .. }, None) => {
                self.0 = State::Closed { outages: 0 };
                None
            }
            (State::Closed { outages }, Some(Trouble::Outage)) if outages + 1 < OUTAGES => {
                self.0 = State::Closed { outages: outages + 1 };
                None
            }
            (State::Closed { .. }, Some(trouble)) => {
                self.0 = State::Open { until: now + PAUSE, pause: PAUSE };
                Some(Change::Opened(trouble))
            }
            (State::Open { .. }, _) => None,
            (State::Probing { since, .. }, _) if sent < since => None,
            (State::Probing { .. }, None) => {
                self.0 = State::Closed { outages: 0 };
                Some(Change::Closed)
            }
            (State::Probing { pause, .. }, Some(_)) => {
                let pause = (pause * 2).min(LONGEST);
                self.0 = State::Open { until: now + pause, pause };
                None
            }
        }
    }
}
