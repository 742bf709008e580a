//! Cron expressions of five fields, in a zone. In: text, an instant. Out: the next instants, across changes of the clock.

use std::str::FromStr as _;

use super::{Error, Timestamp, shorten, zone};

/// A schedule.
#[derive(Clone, Debug)]
pub struct Cron {
    pattern: croner::Cron,
    zone: super::TimeZone,
}

impl Cron {
    /// Reads five fields (minute, hour, day, month, weekday) in an IANA zone.
    pub fn parse(text: &str, zone_name: &str) -> Result<Self, Error> {
        let refused = |why: String| Error::Cron(shorten(text), why);
        if text.split_whitespace().count() != 5 {
            return Err(refused("expected five fields: minute hour day month weekday".into()));
        }
        let pattern = croner::Cron::from_str(text).map_err(|error| refused(error.to_string()))?;
        Ok(Self { pattern, zone: zone(zone_name)? })
    }

    /// The first time after an instant; none if there is none in the years the calendar has.
    pub fn after(&self, instant: Timestamp) -> Option<Timestamp> {
        let at = instant.to_zoned(self.zone.clone());
        self.pattern.find_next_occurrence(&at, false).ok().map(|next| next.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(text: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(text, zone).unwrap();
        let mut at: Timestamp = from.parse().unwrap();
        (0..count)
            .map(|_| {
                at = cron.after(at).unwrap();
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
            assert!(matches!(Cron::parse(text, "UTC"), Err(Error::Cron(..))), "{text}");
        }
        assert!(matches!(Cron::parse("* * * * *", "Mars/Base"), Err(Error::Zone(_))));
    }
}
