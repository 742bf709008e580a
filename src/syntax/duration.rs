//! `500ms`, `90s`, `10m`, `24h`, `3d` as durations. In: text. Out: a duration. It must never know a clock: a day is 24 hours.

use std::time::Duration;

/// What a duration looks like; for messages.
pub(super) const FORM: &str = "a whole number and ms, s, m, h or d: 500ms, 90s, 10m, 24h, 3d";

/// The longest that is read: a hundred years.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

/// Reads a duration.
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return None,
    };
    let found = Duration::from_millis(number.checked_mul(milliseconds)?);
    (found <= LONGEST).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_nothing_else() {
        for (text, expected) in [
            ("500ms", Some(500)),
            ("90s", Some(90_000)),
            ("10m", Some(600_000)),
            ("24h", Some(86_400_000)),
            ("3d", Some(259_200_000)),
            ("0s", Some(0)),
            ("10", None),
            ("m", None),
            ("", None),
            ("1.5h", None),
            ("-1s", None),
            ("10 m", None),
            ("10min", None),
            ("99999999999999999999d", None),
            ("40000d", None),
        ] {
            assert_eq!(expected.map(Duration::from_millis), duration(text), "{text}");
        }
    }
}
