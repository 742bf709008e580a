//! Instants and the platforms' date forms. In: text or numbers. Out: instants, and text in a named form. It must never know
//! what time it is now.

mod cron;

pub use self::cron::Cron;
pub use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};
use jiff::{
    civil::DateTime,
    fmt::{rfc2822, strtime},
};

/// A date or an instant that cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Text in no known form.
    #[error("`{0}` is no date: expected ISO 8601, RFC 2822, M/D/YYYY or seconds since 1970")]
    Unreadable(String),
    /// A zone that the time zone database does not have.
    #[error("there is no time zone `{0}`: use an IANA name such as `Europe/London`")]
    Zone(String),
    /// A cron expression that cannot be read.
    #[error("`{0}` is no cron expression: {1}")]
    Cron(String, String),
    /// A format with an unknown directive.
    #[error("the format `{0}` is not possible: {1}")]
    Format(String, String),
}

/// The time zone of an IANA name.
pub fn zone(name: &str) -> Result<TimeZone, Error> {
    TimeZone::get(name).map_err(|_| Error::Zone(shorten(name)))
}

/// Reads a point in time: ISO 8601 with an offset or zone, RFC 2822, whole seconds since 1970. Forms without an offset (ISO
/// local, a plain date, `M/D/YYYY`) are read in `zone`, a date as its first moment.
pub fn read(text: &str, zone: &TimeZone) -> Result<Zoned, Error> {
    let text = text.trim();
    let unreadable = || Error::Unreadable(shorten(text));
    if let Some(seconds) = text.parse::<i64>().ok().filter(|_| text.len() > 4) {
        return from_unix(seconds).map(|instant| instant.to_zoned(zone.clone()));
    }
    // Only RFC 2822 begins with a letter: the day of the week.
    let named = text.starts_with(|first: char| first.is_ascii_alphabetic());
    if !named && let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.to_zoned(zone.clone()));
    }
    if let Ok(instant) = rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Ok(instant.to_zoned(zone.clone()));
    }
    let local = match text.parse::<DateTime>() {
        Ok(local) => local,
        Err(_) => us_date(text).ok_or_else(unreadable)?.to_datetime(jiff::civil::Time::midnight()),
    };
    local.to_zoned(zone.clone()).map_err(|_| unreadable())
}

/// Whether this is an instant with its offset, in ISO 8601: `2026-01-31T10:00:00Z`.
pub fn is_instant(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}

/// The instant so many seconds after 1970 began.
pub fn from_unix(seconds: i64) -> Result<Timestamp, Error> {
    Timestamp::from_second(seconds).map_err(|_| Error::Unreadable(seconds.to_string()))
}

/// A date as `M/D/YYYY`.
pub fn us_date(text: &str) -> Option<Date> {
    let mut parts = text.trim().splitn(3, '/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// Writes a date as `M/D/YYYY`.
pub fn write_us_date(date: Date) -> String {
    format!("{}/{}/{}", date.month(), date.day(), date.year())
}

/// Writes an instant as mails do: `Tue, 20 Nov 2012 00:00:00 +0000`.
pub fn write_rfc2822(instant: Timestamp) -> Result<String, Error> {
    let format = "%a, %d %b %Y %H:%M:%S +0000";
    write(&instant.to_zoned(TimeZone::UTC), format)
}

/// Writes an instant in a named form (`date`, `datetime`, `time`, `unix`, `rfc2822`, `us_date`) or by `%` directives.
pub fn write(at: &Zoned, format: &str) -> Result<String, Error> {
    Ok(match format {
        "date" => at.date().to_string(),
        "datetime" => at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        "utc" => at.timestamp().to_string(),
        "time" => at.strftime("%H:%M:%S").to_string(),
        "unix" => at.timestamp().as_second().to_string(),
        "rfc2822" => return write_rfc2822(at.timestamp()),
        "us_date" => write_us_date(at.date()),
        other => {
            let refused = |error: String| Error::Format(shorten(other), error);
            if !other.contains('%') {
                return Err(refused(
                    "expected date, datetime, utc, time, unix, rfc2822, us_date or % directives".into(),
                ));
            }
            strtime::format(other, at).map_err(|error| refused(error.to_string()))?
        }
    })
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_as_the_same_instant() {
        for text in [
            "2026-11-23T09:30:00Z",
            "2026-11-23T10:30:00+01:00",
            "Mon, 23 Nov 2026 09:30:00 +0000",
            "1795426200",
            "2026-11-23T10:30:00",
            "2026-11-23 10:30",
        ] {
            let at = read(text, &zone("Europe/Paris").unwrap()).unwrap();
            assert_eq!(at.timestamp().to_string(), "2026-11-23T09:30:00Z", "{text}");
        }
        for text in ["11/23/2026", "2026-11-23"] {
            let at = read(text, &zone("America/New_York").unwrap()).unwrap();
            assert_eq!(write(&at, "datetime").unwrap(), "2026-11-23T00:00:00-05:00", "{text}");
        }
    }

    #[test]
    fn every_form_is_written() {
        let at = read("2026-03-01T23:30:00Z", &zone("Europe/Paris").unwrap()).unwrap();
        for (format, text) in [
            ("date", "2026-03-02"),
            ("datetime", "2026-03-02T00:30:00+01:00"),
            ("utc", "2026-03-01T23:30:00Z"),
            ("time", "00:30:00"),
            ("unix", "1772407800"),
            ("rfc2822", "Sun, 01 Mar 2026 23:30:00 +0000"),
            ("us_date", "3/2/2026"),
            ("%d.%m.%Y", "02.03.2026"),
        ] {
            assert_eq!(write(&at, format).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_date_is_said() {
        let utc = TimeZone::UTC;
        for text in ["", "soon", "2026-13-01", "13/45/2026", "99999999999999999"] {
            assert!(matches!(read(text, &utc), Err(Error::Unreadable(_))), "{text}");
        }
        assert!(zone("Mars/Olympus").is_err());
        let at = read("2026-01-01", &utc).unwrap();
        assert!(write(&at, "someday").unwrap_err().to_string().contains("expected date"));
        assert!(write(&at, "%Q%").is_err());
    }
}
