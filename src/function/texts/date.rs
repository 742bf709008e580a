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
        Param::needed("value", Takes::TEXT.or(Takes::NUMBER)),
        Param::optional("zone", Takes::TEXT),
        Param::optional("format", Takes::TEXT),
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
    // what cannot be read is not repeated: it may be anybody's
    let told = |error: time::Error| match error {
        time::Error::Unreadable(_) => {
            "the text is no date: expected ISO 8601, RFC 2822, M/D/YYYY or seconds since 1970".into()
        }
        error => error.to_string(),
    };
    let zone = time::zone(args.text_or(1, "UTC")?).map_err(told)?;
    let at = match args.value(0) {
        Value::Text(text) => time::read(text, &zone).map_err(told)?,
        number @ Value::Number(_) => {
            let seconds = number.as_i64().ok_or_else(|| expected("whole number of seconds", number))?;
            time::from_unix(seconds).map_err(told)?.to_zoned(zone)
        }
        other => return Err(expected("text or number", other)),
    };
    time::write(&at, args.text_or(2, "date")?).map(Value::from).map_err(told)
}
