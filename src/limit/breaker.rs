//! The circuit breaker of an account. In: how requests went. Out: whether any may go. Open after outages in a row or one
//! refusal of the credentials; then one probe at a time, later and later.

use std::time::Duration;

use super::{Ticket, Went};
use crate::event::Instant;

/// Outages in a row that open it.
const OUTAGES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What the breaker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything may go.
    Closed,
    /// Nothing goes before this instant.
    Open {
        /// When one probe may go.
        until: Instant,
    },
    /// One probe is out.
    Half,
}

#[derive(Debug)]
pub(super) struct Breaker {
    outages: u32,
    wait: Duration,
    until: Option<Instant>,
    probe: Option<Ticket>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { outages: 0, wait: FIRST_WAIT, until: None, probe: None }
    }
}

impl Breaker {
    pub(super) fn state(&self) -> State {
        match (self.until, self.probe) {
            (None, _) => State::Closed,
            (Some(_), Some(_)) => State::Half,
            (Some(until), None) => State::Open { until },
        }
    }

    pub(super) fn lets(&self, now: Instant) -> bool {
        match self.state() {
            State::Closed => true,
            State::Open { until } => now >= until,
            State::Half => false,
        }
    }

    /// Whether what is granted next is a probe.
    pub(super) fn probing(&self) -> bool {
        self.until.is_some()
    }

    pub(super) fn granted(&mut self, ticket: Ticket) {
        if self.until.is_some() {
            self.probe = Some(ticket);
        }
    }

    pub(super) fn unused(&mut self, ticket: Ticket) {
        if self.probe == Some(ticket) {
            self.probe = None;
        }
    }

    pub(super) fn done(&mut self, ticket: Ticket, now: Instant, went: Went) {
        let was_probe = self.probe == Some(ticket);
        match went {
            Went::Answered | Went::Throttled(_) if was_probe || self.until.is_none() => *self = Self::default(),
            Went::Outage | Went::Auth if was_probe => {
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                self.open(now);
            }
            Went::Auth if self.until.is_none() => self.open(now),
            Went::Outage if self.until.is_none() => {
                self.outages += 1;
                if self.outages >= OUTAGES {
                    self.open(now);
                }
            }
            // Sent before it opened: says nothing of the present.
            _ => {}
        }
    }

    fn open(&mut self, now: Instant) {
        self.probe = None;
        self.until = Some(now + self.wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant(seconds * 1000)
    }

    #[test]
    fn outages_in_a_row_open_it_and_a_good_probe_closes_it() {
        let mut breaker = Breaker::default();
        for ticket in 1..5 {
            breaker.done(Ticket(ticket), at(0), Went::Outage);
        }
        breaker.done(Ticket(5), at(0), Went::Answered);
        for ticket in 6..11 {
            assert_eq!(breaker.state(), State::Closed);
            breaker.done(Ticket(ticket), at(0), Went::Outage);
        }
        assert_eq!(breaker.state(), State::Open { until: at(5) });
        assert!(!breaker.lets(at(4)) && breaker.lets(at(5)));
        breaker.granted(Ticket(20));
        assert_eq!(breaker.state(), State::Half);
        breaker.done(Ticket(11), at(5), Went::Answered);
        assert_eq!(breaker.state(), State::Half, "an old answer is no probe");
        breaker.done(Ticket(20), at(6), Went::Outage);
        assert_eq!(breaker.state(), State::Open { until: at(16) });
        breaker.granted(Ticket(21));
        breaker.done(Ticket(21), at(17), Went::Answered);
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn one_refusal_of_credentials_opens_it_and_waits_stay_bounded() {
        let mut breaker = Breaker::default();
        breaker.done(Ticket(1), at(0), Went::Auth);
        let mut now = at(5);
        for probe in 2..20 {
            breaker.granted(Ticket(probe));
            breaker.done(Ticket(probe), now, Went::Auth);
            let State::Open { until } = breaker.state() else { panic!("open") };
            assert!(until.since(now) <= LONGEST_WAIT);
            now = until;
        }
    }
}
