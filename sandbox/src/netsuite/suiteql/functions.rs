//! The functions of the dialect that `SQLite` lacks.
//!
//! In: values. Out: values. A date is a blob that holds `YYYY-MM-DD HH:MM:SS` in the account's own time, so that it is
//! never mistaken for text. It must never read a table.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time},
};
use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
    types::{Value, ValueRef},
};

use crate::netsuite::{amount::Amount, time};

/// The names `BUILTIN.DF` shows: by group of records and id.
pub(super) type Names = Arc<Mutex<HashMap<(String, i64), String>>>;

/// What the functions know of the account.
#[derive(Clone)]
pub(super) struct World {
    pub(super) names: Names,
    /// The account's own time.
    pub(super) now: Arc<dyn Fn() -> DateTime + Send + Sync>,
    /// The account's date format.
    pub(super) format: String,
}

const PURE: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC);
const LIVE: FunctionFlags = FunctionFlags::SQLITE_UTF8;

/// A date as it is stored.
pub(super) fn blob(at: DateTime) -> Value {
    Value::Blob(at.strftime("%Y-%m-%d %H:%M:%S").to_string().into_bytes())
}

/// Reads a stored date.
pub(super) fn stored(value: ValueRef) -> Option<DateTime> {
    match value {
        ValueRef::Blob(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}

/// A number as text with its shortest digits.
pub(super) fn digits(number: f64) -> String {
    Amount::parse(&format!("{number:.8}")).map_or_else(|| number.to_string(), |number| number.to_string())
}

fn fail(reason: impl Into<String>) -> Error {
    Error::UserFunctionError(reason.into().into())
}

fn text(value: ValueRef) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => digits(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn number(value: ValueRef) -> Option<f64> {
    match value {
        ValueRef::Integer(number) => text(ValueRef::Integer(number)).parse().ok(),
        ValueRef::Real(number) => Some(number),
        ValueRef::Text(_) => text(value).trim().parse().ok(),
        _ => None,
    }
}

/// Adds the functions to a connection.
pub(super) fn install(connection: &Connection, world: &World) -> rusqlite::Result<()> {
    let add = |name: &str, arguments: i32, function: fn(&Context) -> rusqlite::Result<Value>| {
        connection.create_scalar_function(name, arguments, PURE, move |context| function(context))
    };
    add("NS_NVL2", 3, |context| Ok(owned(context, usize::from(context.get_raw(0) == ValueRef::Null) + 1)))?;
    add("NS_DECODE", -1, |context| Ok(decode(context)))?;
    add("NS_TO_CHAR", -1, |context| Ok(to_char(context)))?;
    add("NS_TO_NUMBER", 1, |context| match number(context.get_raw(0)) {
        Some(number) => Ok(Value::Real(number)),
        None if context.get_raw(0) == ValueRef::Null => Ok(Value::Null),
        None => Err(fail("invalid number")),
    })?;
    add("NS_CONCAT", 2, |context| Ok(Value::Text(text(context.get_raw(0)) + &text(context.get_raw(1)))))?;
    add("NS_MOD", 2, |context| {
        Ok(real(context, |left, right| if right == 0.0 { left } else { left % right }))
    })?;
    add("NS_CEIL", 1, |context| Ok(real(context, |number, _| number.ceil())))?;
    add("NS_FLOOR", 1, |context| Ok(real(context, |number, _| number.floor())))?;
    add("NS_SIGN", 1, |context| {
        Ok(real(context, |number, _| if number == 0.0 { 0.0 } else { number.signum() }))
    })?;
    add("NS_INITCAP", 1, |context| Ok(Value::Text(initials(&text(context.get_raw(0))))))?;
    add("NS_TRUNC", -1, trunc)?;
    add("NS_ADD_MONTHS", 2, |context| shift(context, |at, by| at.checked_add(by.months()).ok()))?;
    add("NS_ADD_DAYS", 2, add_days)?;
    install_live(connection, world)
}

fn install_live(connection: &Connection, world: &World) -> rusqlite::Result<()> {
    let now = world.now.clone();
    connection.create_scalar_function("NS_SYSDATE", 0, LIVE, move |_| Ok(blob(now())))?;
    let now = world.now.clone();
    connection.create_scalar_function("NS_RANGE", 2, LIVE, move |context| {
        range(&text(context.get_raw(0)), &text(context.get_raw(1)), now())
    })?;
    let format = world.format.clone();
    connection.create_scalar_function("NS_DATE", 1, LIVE, move |context| plain_date(context, &format))?;
    let format = world.format.clone();
    connection.create_scalar_function("NS_TO_DATE", -1, LIVE, move |context| to_date(context, &format))?;
    let names = world.names.clone();
    connection.create_scalar_function("NS_DF", 3, LIVE, move |context| {
        let names = names.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(shown(context, &names))
    })
}

/// A copy of a value; text that is not UTF-8 has its bad bytes replaced.
fn own(value: ValueRef) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(_) => Value::Text(text(value)),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

fn owned(context: &Context, at: usize) -> Value {
    if at < context.len() { own(context.get_raw(at)) } else { Value::Null }
}

fn decode(context: &Context) -> Value {
    let wanted = context.get_raw(0);
    let mut at = 1;
    while at + 1 < context.len() {
        let candidate = context.get_raw(at);
        let same = match (number(wanted), number(candidate)) {
            (Some(left), Some(right)) => digits(left) == digits(right),
            _ => {
                (wanted == ValueRef::Null) == (candidate == ValueRef::Null) && text(wanted) == text(candidate)
            }
        };
        if same {
            return owned(context, at + 1);
        }
        at += 2;
    }
    owned(context, at)
}

fn real(context: &Context, function: fn(f64, f64) -> f64) -> Value {
    let Some(first) = number(context.get_raw(0)) else { return Value::Null };
    let second = if context.len() > 1 { number(context.get_raw(1)).unwrap_or_default() } else { 0.0 };
    Value::Real(function(first, second))
}

fn initials(text: &str) -> String {
    let mut start = true;
    text.chars()
        .flat_map(|letter| {
            let first = std::mem::replace(&mut start, !letter.is_alphanumeric());
            if first { letter.to_uppercase().collect::<Vec<_>>() } else { letter.to_lowercase().collect() }
        })
        .collect()
}

fn to_char(context: &Context) -> Value {
    let value = context.get_raw(0);
    if value == ValueRef::Null {
        return Value::Null;
    }
    let Some(at) = stored(value) else { return Value::Text(text(value)) };
    let format = if context.len() > 1 { text(context.get_raw(1)) } else { "YYYY-MM-DD".into() };
    Value::Text(format_date(at, &format))
}

/// A text compared with a date must be in the account's date format.
fn plain_date(context: &Context, format: &str) -> rusqlite::Result<Value> {
    let value = context.get_raw(0);
    if stored(value).is_some() || value == ValueRef::Null {
        return Ok(own(value));
    }
    let text = text(value);
    time::read(&text, format)
        .map(|date| blob(date.to_datetime(Time::midnight())))
        .ok_or_else(|| fail(format!("Parsing of date/time {text:?} failed with date format {format:?}")))
}

fn to_date(context: &Context, format: &str) -> rusqlite::Result<Value> {
    let value = context.get_raw(0);
    if stored(value).is_some() || value == ValueRef::Null {
        return Ok(own(value));
    }
    if context.len() < 2 {
        return plain_date(context, format);
    }
    let (text, format) = (text(value), text(context.get_raw(1)));
    parse_date(&text, &format)
        .map(blob)
        .ok_or_else(|| fail(format!("Parsing of date/time {text:?} failed with format {format:?}")))
}

fn trunc(context: &Context) -> rusqlite::Result<Value> {
    let value = context.get_raw(0);
    if let Some(at) = stored(value) {
        let unit = if context.len() > 1 { text(context.get_raw(1)).to_uppercase() } else { "DD".into() };
        let date = match unit.as_str() {
            "YEAR" | "YYYY" | "Y" => Date::new(at.year(), 1, 1),
            "MONTH" | "MM" | "MON" => Date::new(at.year(), at.month(), 1),
            "DD" | "DDD" | "J" => Ok(at.date()),
            _ => return Err(fail(format!("TRUNC to {unit:?} is not supported"))),
        };
        return date
            .map(|date| blob(date.to_datetime(Time::midnight())))
            .map_err(|error| fail(error.to_string()));
    }
    let Some(figure) = number(value) else { return Ok(Value::Null) };
    let places = if context.len() > 1 { number(context.get_raw(1)).unwrap_or_default() } else { 0.0 };
    let unit = 10_f64.powf(places);
    Ok(Value::Real((figure * unit).trunc() / unit))
}

fn shift(context: &Context, by: fn(DateTime, i64) -> Option<DateTime>) -> rusqlite::Result<Value> {
    let Some(at) = stored(context.get_raw(0)) else { return Ok(Value::Null) };
    let count = number(context.get_raw(1)).unwrap_or_default().trunc();
    let count = digits(count).parse().unwrap_or_default();
    by(at, count).map(blob).ok_or_else(|| fail("the date is out of range"))
}

/// A moment so many days later; a fraction of a day is hours and minutes.
fn add_days(context: &Context) -> rusqlite::Result<Value> {
    let Some(at) = stored(context.get_raw(0)) else { return Ok(Value::Null) };
    let seconds = (number(context.get_raw(1)).unwrap_or_default() * 86_400.0).round();
    let seconds: i64 = digits(seconds).parse().unwrap_or_default();
    at.checked_add(seconds.seconds()).map(blob).map_err(|_| fail("the date is out of range"))
}

/// `DAGO30` (30 days ago), `TODAY`, `YESTERDAY`, `TM` (this month), each with `START` or `END`.
fn range(name: &str, edge: &str, now: DateTime) -> rusqlite::Result<Value> {
    let today = now.date();
    let upper = name.to_uppercase();
    let date = match upper.as_str() {
        "TODAY" => Some(today),
        "YESTERDAY" => today.yesterday().ok(),
        "TM" => Date::new(today.year(), today.month(), 1).ok(),
        _ => upper
            .strip_prefix("DAGO")
            .and_then(|days| days.parse::<i32>().ok())
            .and_then(|days| today.checked_sub(days.days()).ok()),
    };
    let date = date.ok_or_else(|| fail(format!("the range {name:?} is not known")))?;
    let end = edge.eq_ignore_ascii_case("END");
    let time = if end { Time::constant(23, 59, 59, 0) } else { Time::midnight() };
    Ok(blob(date.to_datetime(time)))
}

/// The text a value is shown by, by the name of its column.
/// The names of one or several values of a custom list.
fn listed(group: &str, value: ValueRef, names: &HashMap<(String, i64), String>) -> Value {
    let ids = text(value);
    let name = |id: &str| names.get(&(group.to_owned(), id.parse().ok()?)).cloned();
    let shown: Option<Vec<String>> = ids.split(", ").map(name).collect();
    shown.map_or_else(|| own(value), |shown| Value::Text(shown.join(", ")))
}

fn shown(context: &Context, names: &HashMap<(String, i64), String>) -> Value {
    let (column, value) = (text(context.get_raw(0)), context.get_raw(1));
    let group = match column.as_str() {
        "status" => {
            let key = format!("status {} {}", text(context.get_raw(2)), text(value));
            return names.get(&(key, 0)).map_or_else(|| own(value), |name| Value::Text(name.clone()));
        }
        "entity" | "customer" | "company" | "toplevelparent" | "salesrep" | "employee" | "supervisor" => {
            "entity"
        }
        "item" | "parentitem" => "item",
        "pricinggroup" => "pricingGroup",
        "taxschedule" => "taxSchedule",
        "nexus" => "nexus",
        "storedisplayimage" | "storedisplaythumbnail" => "file",
        "location" | "adjlocation" => "location",
        "currency" | "basecurrency" | "transactioncurrency" => "currency",
        "subsidiary" => "subsidiary",
        "price" | "pricelevel" | "level" => "priceLevel",
        "department" => "department",
        "class" => "classification",
        "terms" => "term",
        "category" => "customerCategory",
        "entitystatus" => "customerStatus",
        "shipmethod" | "shippingmethod" => "shipItem",
        "taxtype" => "taxType",
        "taxcode" => "salesTaxItem",
        "paymentoption" | "paymentmethod" => "paymentMethod",
        "transaction" | "createdfrom" | "previousdoc" | "nextdoc" | "doc" => "transaction",
        custom => match custom.split_once('_') {
            Some(("custitem" | "custbody" | "custcol" | "custentity", list)) => {
                return listed(&format!("customlist_{list}"), value, names);
            }
            _ => "",
        },
    };
    let id = number(value).map(|id| digits(id).parse().unwrap_or_default()).unwrap_or_default();
    let found = names.get(&(group.to_owned(), id)).cloned();
    match (found, text(value).as_str()) {
        (Some(name), _) => Value::Text(name),
        (None, "T") => Value::Text("Yes".into()),
        (None, "F") => Value::Text("No".into()),
        _ => own(value),
    }
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const PARTS: [&str; 12] = ["YYYY", "HH24", "HH12", "MON", "MM", "DD", "HH", "MI", "SS", "FF", "AM", "YY"];

/// The next part of a format: one of [`PARTS`] or a literal.
fn part(format: &str) -> (&str, &str) {
    let upper = format.to_ascii_uppercase();
    let known = PARTS.iter().find(|part| upper.starts_with(**part));
    let length = known.map_or_else(|| format.chars().next().map_or(0, char::len_utf8), |part| part.len());
    format.split_at(length)
}

/// Writes a date in one of the dialect's formats.
pub(super) fn format_date(at: DateTime, format: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let mut rest = format;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (literal, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            out.push_str(literal);
            rest = after;
            continue;
        }
        let (here, after) = part(rest);
        rest = after;
        let half = (at.hour() + 11) % 12 + 1;
        let month = MONTHS[usize::try_from(at.month() - 1).unwrap_or_default()];
        let _ = match here.to_ascii_uppercase().as_str() {
            "YYYY" => write!(out, "{:04}", at.year()),
            "YY" => write!(out, "{:02}", at.year() % 100),
            "MM" => write!(out, "{:02}", at.month()),
            "MON" => write!(out, "{month}"),
            "DD" => write!(out, "{:02}", at.day()),
            "HH24" => write!(out, "{:02}", at.hour()),
            "HH" | "HH12" => write!(out, "{half:02}"),
            "MI" => write!(out, "{:02}", at.minute()),
            "SS" => write!(out, "{:02}", at.second()),
            "FF" => write!(out, "000"),
            "AM" => write!(out, "{}", if at.hour() < 12 { "AM" } else { "PM" }),
            literal => write!(out, "{literal}"),
        };
    }
    out
}

/// Reads a text in one of the dialect's formats.
fn parse_date(text: &str, format: &str) -> Option<DateTime> {
    let (mut year, mut month, mut day) = (2000_i16, 1_i8, 1_i8);
    let (mut hour, mut minute, mut second, mut late) = (0_i8, 0_i8, 0_i8, None);
    let (mut rest, mut format) = (text, format);
    while !format.is_empty() {
        if let Some(quoted) = format.strip_prefix('"') {
            let (literal, after) = quoted.split_once('"')?;
            rest = rest.strip_prefix(literal)?;
            format = after;
            continue;
        }
        let (here, after) = part(format);
        format = after;
        let mut digits = |most: usize| -> Option<i16> {
            let length = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(length);
            rest = after;
            number.parse().ok()
        };
        match here.to_ascii_uppercase().as_str() {
            "YYYY" => year = digits(4)?,
            "MM" => month = i8::try_from(digits(2)?).ok()?,
            "DD" => day = i8::try_from(digits(2)?).ok()?,
            "HH24" | "HH" | "HH12" => hour = i8::try_from(digits(2)?).ok()?,
            "MI" => minute = i8::try_from(digits(2)?).ok()?,
            "SS" => second = i8::try_from(digits(2)?).ok()?,
            "FF" => {
                let _ = digits(3)?;
            }
            "MON" => {
                let name = rest.get(..3)?.to_ascii_uppercase();
                month = i8::try_from(MONTHS.iter().position(|month| *month == name)? + 1).ok()?;
                rest = &rest[3..];
            }
            "AM" => {
                late = Some(rest.get(..2)?.eq_ignore_ascii_case("PM"));
                rest = &rest[2..];
            }
            _ => rest = rest.strip_prefix(here)?,
        }
    }
    if let Some(late) = late {
        hour = hour % 12 + if late { 12 } else { 0 };
    }
    let whole = rest.trim().is_empty();
    whole.then(|| DateTime::new(year, month, day, hour, minute, second, 0).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        let at: DateTime = "2026-01-31T17:05:09".parse().unwrap();
        for (format, text) in [
            ("YYYY-MM-DD HH24:MI:SS", "2026-01-31 17:05:09"),
            ("MM/DD/YYYY HH12:MI:SS AM", "01/31/2026 05:05:09 PM"),
            ("yyyy-mm-dd\"T\"hh24:mi:ss", "2026-01-31T17:05:09"),
            ("DD-MON-YYYY HH24:MI:SS", "31-JAN-2026 17:05:09"),
        ] {
            assert_eq!(format_date(at, format), text);
            assert_eq!(parse_date(text, format), Some(at), "{format}");
        }
        assert_eq!(parse_date("2026-01-31", "YYYY-MM-DD HH24:MI:SS"), None);
        assert_eq!(parse_date("2026-02-30", "YYYY-MM-DD"), None);
    }

    #[test]
    fn numbers_have_no_binary_tails() {
        assert_eq!(digits(0.1 + 0.2), "0.3");
        assert_eq!(digits(-62.680_000_000_1), "-62.68");
    }
}
