//! Schedules. In: a cron expression with its zone, an instant. Out: the next firing. A firing that was missed while nobody ran
//! is due once, not once a miss.

use std::time::Duration;

use crate::{
    event::Instant,
    time::{self, Cron, Error, TimeZone, Timestamp},
};

/// Firings longer ago than this are not made up for.
const MISSED: Duration = Duration::from_hours(24);

/// A schedule and when it fired last.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
    last: Instant,
}

impl Schedule {
    /// A schedule that counts from `last`: its last firing, or when it was first seen.
    pub fn new(cron: &str, zone: &str, last: Instant) -> Result<Self, Error> {
        Ok(Self { cron: Cron::parse(cron)?, zone: time::zone(zone)?, last })
    }

    /// When it fires next.
    pub fn next(&self) -> Option<Instant> {
        self.after(self.last)
    }

    /// The firing that is due, if any: the latest of all that were missed. Counts on from it.
    pub fn due(&mut self, now: Instant) -> Option<Instant> {
        let start = self.last.max(now - MISSED);
        let mut due = None;
        let mut next = self.after(start)?;
        while next <= now {
            due = Some(next);
            next = self.after(next)?;
        }
        self.last = due.unwrap_or(self.last);
        due
    }

    fn after(&self, at: Instant) -> Option<Instant> {
        let at = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
        u64::try_from(self.cron.after(at, &self.zone)?.as_millisecond()).ok().map(Instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    #[test]
    fn missed_firings_are_made_up_for_once() {
        let mut schedule = Schedule::new("0 * * * *", "UTC", Instant(HOUR / 2)).unwrap();
        assert_eq!(schedule.next(), Some(Instant(HOUR)));
        assert_eq!(schedule.due(Instant(HOUR - 1)), None);
        assert_eq!(schedule.due(Instant(HOUR)), Some(Instant(HOUR)));
        assert_eq!(schedule.due(Instant(HOUR)), None);
        assert_eq!(schedule.due(Instant(5 * HOUR + 7)), Some(Instant(5 * HOUR)));
        assert_eq!(schedule.next(), Some(Instant(6 * HOUR)));
        assert_eq!(schedule.due(Instant(1000 * HOUR)), Some(Instant(1000 * HOUR)));
    }

    #[test]
    fn what_is_too_long_ago_is_let_go() {
        let mut yearly = Schedule::new("0 0 1 1 *", "UTC", Instant(0)).unwrap();
        assert_eq!(yearly.due(Instant(400 * 24 * HOUR)), None);
    }
}
