//! Cron expressions of five fields, in a zone. In: text, an instant. Out: the next instants, across changes of the clock.

use std::str::FromStr as _;

use super::{Error, TimeZone, Timestamp, shorten};

/// A schedule.
#[derive(Clone, Debug)]
pub struct Cron(croner::Cron);

impl Cron {
    /// Reads five fields: minute, hour, day, month, weekday.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |why: String| Error::Cron(shorten(text), why);
        if text.split_whitespace().count() != 5 {
            return Err(refused("expected five fields: minute hour day month weekday".into()));
        }
        croner::Cron::from_str(text).map(Self).map_err(|error| refused(error.to_string()))
    }

    /// The first time after an instant, by the clocks of a zone; none if there is none in the years the calendar has.
    pub fn after(&self, instant: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let at = instant.to_zoned(zone.clone());
        self.0.find_next_occurrence(&at, false).ok().map(|next| next.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(text: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(text).unwrap();
        let zone = super::super::zone(zone).unwrap();
        let mut at: Timestamp = from.parse().unwrap();
        (0..count)
            .map(|_| {
                at = cron.after(at, &zone).unwrap();
                at.to_string()
            })
            .collect()
    }

    #[test]
    fn days_keep_their_hour_when_the_clocks_change() {
        let found = times("0 9 * * *", "Europe/London", "2026-03-28T00:00:00Z", 3);
        assert_eq!(found, ["2026-03-28T09:00:00Z", "2026-03-29T08:00:00Z", "2026-03-30T08:00:00Z"]);
    }

    #[test]
    fn weekdays_and_steps_are_understood() {
        let found = times("*/30 8 * * MON", "UTC", "2026-01-04T00:00:00Z", 3);
        assert_eq!(found, ["2026-01-05T08:00:00Z", "2026-01-05T08:30:00Z", "2026-01-12T08:00:00Z"]);
    }

    #[test]
    fn what_is_no_schedule_is_said() {
        for text in ["", "* * * *", "* * * * * *", "61 * * * *", "soon"] {
            assert!(matches!(Cron::parse(text), Err(Error::Cron(..))), "{text}");
        }
    }
}
