//! `date`: a date or an instant in another form.

use std::sync::Arc;

use crate::{
    function::{Args, Function, Param, Takes, args::expected},
    shape::{Shape, TextShape},
    time,
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "date",
    "A date or an instant, read from ISO 8601, RFC 2822, M/D/YYYY or seconds since 1970, written in `zone` (UTC unless said) \
     as `format`: date (the default), datetime, utc, time, unix, rfc2822, us_date, or % directives such as `%d.%m.%Y`.",
    &[
        Param::needed("value", Takes::TEXT.or(Takes::NUMBER))
            .constant(|value| read(value, time::TimeZone::UTC).map(drop)),
        Param::optional("zone", Takes::TEXT).constant(|name| zone(text(name)?).map(drop)),
        Param::optional("format", Takes::TEXT).constant(|format| {
            let at = read(&Value::from(0_i64), time::TimeZone::UTC)?;
            time::write(&at, text(format)?).map(drop).map_err(told)
        }),
    ],
    |args| {
        let format = match args.get(2).cloned().flatten() {
            None => "date",
            Some(Shape::Enum(words)) if words.len() == 1 => match &*words[0] {
                "date" => "date",
                "datetime" | "utc" => "date-time",
                _ => return Shape::TEXT,
            },
            Some(_) => return Shape::TEXT,
        };
        Shape::Text(TextShape { max_len: None, format: Some(Arc::from(format)) })
    },
    run,
)
.examples(&[
    ("'Tue, 20 Nov 2012 23:30:00 +0000' | date", "\"2012-11-20\""),
    ("'2012-11-20T23:30:00Z' | date(zone='Europe/Paris')", "\"2012-11-21\""),
    ("1353454200 | date(format='utc')", "\"2012-11-20T23:30:00Z\""),
    ("'11/2/2026' | date(format='%d.%m.%y')", "\"02.11.26\""),
]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let zone = zone(args.text_or(1, "UTC")?)?;
    let at = read(args.value(0), zone)?;
    time::write(&at, args.text_or(2, "date")?).map(Value::from).map_err(told)
}

fn read(value: &Value, zone: time::TimeZone) -> Result<time::Zoned, Refusal> {
    match value {
        Value::Text(text) => time::read(text, &zone).map_err(told),
        number @ Value::Number(_) => {
            let seconds = number.as_i64().ok_or_else(|| expected("whole number of seconds", number))?;
            Ok(time::from_unix(seconds).map_err(told)?.to_zoned(zone))
        }
        other => Err(expected("text or number", other)),
    }
}

fn zone(name: &str) -> Result<time::TimeZone, Refusal> {
    time::zone(name).map_err(told)
}

fn text(value: &Value) -> Result<&str, Refusal> {
    value.as_str().ok_or_else(|| expected("text", value))
}

/// What cannot be read is not repeated: it may be anybody's.
fn told(error: time::Error) -> Refusal {
    match error {
        time::Error::Unreadable(_) => {
            "the text is no date: expected ISO 8601, RFC 2822, M/D/YYYY or seconds since 1970".into()
        }
        error => error.to_string(),
    }
}
