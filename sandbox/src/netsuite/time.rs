//! The platform's ways to write dates and instants.
//!
//! In: text. Out: `YYYY-MM-DD`, `YYYY-MM-DDTHH:MM:SSZ`, the account's date format. It must never ask a clock.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::Offset,
};

/// A date as the REST API writes it; months and days of one digit are taken, and the time of an instant is dropped.
pub(crate) fn date(text: &str) -> Option<String> {
    let text = text.split(['T', ' ']).next()?;
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Some(Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?.to_string())
}

/// An instant with any offset, in UTC and whole seconds.
pub(crate) fn moment(text: &str) -> Option<String> {
    text.parse::<Timestamp>().ok().map(instant)
}

/// `YYYY-MM-DDTHH:MM:SSZ`.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The wall clock of a zone so many minutes east of UTC.
pub(crate) fn local(at: Timestamp, minutes: i32) -> DateTime {
    let offset = Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC);
    offset.to_datetime(at)
}

/// Writes a date in a format of `YYYY`, `MM`, `M`, `DD`, `D` and separators.
pub(crate) fn shown(date: Date, format: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let mut rest = format;
    while let Some(letter) = rest.chars().next() {
        let length = rest.chars().take_while(|other| *other == letter).count();
        let number = match letter {
            'Y' => i64::from(date.year()),
            'M' => i64::from(date.month()),
            'D' => i64::from(date.day()),
            _ => {
                out.push(letter);
                rest = &rest[letter.len_utf8()..];
                continue;
            }
        };
        let _ = write!(out, "{number:0length$}");
        rest = &rest[length..];
    }
    out
}

/// Reads a date written in such a format.
pub(crate) fn read(text: &str, format: &str) -> Option<Date> {
    let (mut year, mut month, mut day) = (None, None, None);
    let mut rest = text.trim();
    let mut last = ' ';
    for letter in format.chars() {
        if letter == last && "YMD".contains(letter) {
            continue;
        }
        last = letter;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match letter {
            'Y' | 'M' | 'D' => {
                let number: i16 = rest[..digits].parse().ok()?;
                rest = &rest[digits..];
                match letter {
                    'Y' if digits == 4 => year = Some(number),
                    'M' if digits <= 2 => month = i8::try_from(number).ok(),
                    'D' if digits <= 2 => day = i8::try_from(number).ok(),
                    _ => return None,
                }
            }
            other => rest = rest.strip_prefix(other)?,
        }
    }
    if rest.is_empty() { Date::new(year?, month?, day?).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_shown() {
        assert_eq!(date("2026-6-5").as_deref(), Some("2026-06-05"));
        assert_eq!(date("2026-06-05T10:00:00Z").as_deref(), Some("2026-06-05"));
        assert_eq!((date("2026-02-30"), date("06/05/2026"), date("26-01-01")), (None, None, None));
        assert_eq!(moment("2026-06-05T12:00:00.5+02:00").as_deref(), Some("2026-06-05T10:00:00Z"));
    }

    #[test]
    fn the_account_format_goes_both_ways() {
        let day = Date::new(2026, 3, 9).unwrap();
        for (format, text) in
            [("M/D/YYYY", "3/9/2026"), ("DD.MM.YYYY", "09.03.2026"), ("YYYY-MM-DD", "2026-03-09")]
        {
            assert_eq!(shown(day, format), text);
            assert_eq!(read(text, format), Some(day));
        }
        assert_eq!((read("2026-03-09", "M/D/YYYY"), read("13/1/2026", "M/D/YYYY")), (None, None));
    }

    #[test]
    fn zones_shift_the_wall_clock() {
        let at: Timestamp = "2026-01-01T03:00:00Z".parse().unwrap();
        assert_eq!(local(at, -480).date(), Date::new(2025, 12, 31).unwrap());
    }
}
