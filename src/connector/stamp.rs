//! Stamps of poll cursors. In: instants as flows see them, stamps as a platform writes them. Out: one as the other.

use super::model::StampFormat;
use crate::{
    time::{self, Zoned},
    value::Value,
};

/// An ISO instant as the platform wants it in a query.
pub fn written(instant: &str, format: StampFormat, zone: &str) -> Result<Value, String> {
    let at = at(instant, zone)?;
    let text = |format: &str| time::write(&at, format).map(Value::from).map_err(|error| error.to_string());
    match format {
        StampFormat::Rfc2822 => text("rfc2822"),
        StampFormat::Iso => text("%Y-%m-%dT%H:%M:%S%:z"),
        StampFormat::Sql => text("%Y-%m-%d %H:%M:%S"),
        StampFormat::Unix => Ok(Value::from(at.timestamp().as_second())),
    }
}

/// A platform's stamp as milliseconds since 1970.
pub fn read(stamp: &Value, zone: &str) -> Result<u64, String> {
    let text =
        stamp.scalar_text().ok_or_else(|| format!("a stamp is text or a number, found {}", stamp.kind()))?;
    let at = at(&text, zone)?;
    u64::try_from(at.timestamp().as_millisecond()).map_err(|_| "a stamp before 1970".to_owned())
}

fn at(text: &str, zone: &str) -> Result<Zoned, String> {
    let zone = time::zone(zone).map_err(|error| error.to_string())?;
    time::read(text, &zone).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_comes_back_as_it_went() {
        let instant = "2026-03-02T08:15:00Z";
        for (format, zone, text) in [
            (StampFormat::Rfc2822, "UTC", "Mon, 02 Mar 2026 08:15:00 +0000"),
            (StampFormat::Iso, "UTC", "2026-03-02T08:15:00+00:00"),
            (StampFormat::Sql, "America/New_York", "2026-03-02 03:15:00"),
            (StampFormat::Unix, "UTC", "1772439300"),
        ] {
            let stamp = written(instant, format, zone).unwrap();
            assert_eq!(stamp.scalar_text().unwrap(), text);
            assert_eq!(read(&stamp, zone), Ok(1_772_439_300_000), "{text}");
        }
        assert!(read(&Value::Null, "UTC").is_err() && read(&Value::from("x"), "UTC").is_err());
    }
}
