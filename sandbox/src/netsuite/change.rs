//! Puts a request's values onto a record: what is left out stays, null clears, sublists by their keys.
//!
//! In: a [`Record`] and the values read from a body. Out: the record changed, its lines marked with what was sent. It must
//! never know a rule of the business.

use serde_json::{Map, Value, json};

use super::{
    schema::{Def, Kind, Schema},
    store::{Record, text},
};

/// The mark on a line that a request has touched: the names it sent. Gone when the record is stored.
const SENT: &str = "~sent";
/// The mark on a line that is new.
const NEW: &str = "~new";

/// Whether the request sent this field of a line.
pub(crate) fn sent(line: &Map<String, Value>, field: &str) -> bool {
    line.get(SENT).and_then(Value::as_array).is_some_and(|names| names.iter().any(|name| name == field))
}

/// Marks a field of a touched line as if the request had sent it.
pub(crate) fn mark_sent(line: &mut Map<String, Value>, field: &str) {
    if let Some(names) = line.get_mut(SENT).and_then(Value::as_array_mut) {
        names.push(json!(field));
    }
}

/// Whether the request added this line.
pub(crate) fn is_new(line: &Map<String, Value>) -> bool {
    line.contains_key(NEW)
}

/// Marks a line that did not come from a request as new.
pub(crate) fn mark_new(line: &mut Map<String, Value>) {
    let names: Vec<String> = line.keys().cloned().collect();
    line.insert(SENT.into(), json!(names));
    line.insert(NEW.into(), json!(true));
}

/// Removes the marks.
pub(crate) fn unmark(record: &mut Record) {
    for list in record.body.values_mut().filter_map(Value::as_array_mut) {
        for line in list.iter_mut().filter_map(Value::as_object_mut) {
            line.shift_remove(SENT);
            line.shift_remove(NEW);
        }
    }
}

/// How sublists and fields that are named in `?replace=` are treated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replace {
    names: Vec<String>,
    fields: bool,
}

impl Replace {
    /// From the query: `replace=a,b` and `replaceSelectedFields=true`.
    pub(crate) fn new(replace: Option<&str>, fields: bool) -> Self {
        let names = replace.unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase());
        Self { names: names.filter(|name| !name.is_empty()).collect(), fields }
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    }
}

/// Applies a change to a record.
pub(crate) fn apply(
    schema: &Schema,
    def: &Def,
    record: &mut Record,
    change: Map<String, Value>,
    replace: &Replace,
) {
    if replace.fields {
        let gone = |name: &String| replace.has(name) && !change.contains_key(name);
        let names: Vec<String> = record.body.keys().filter(|name| gone(name)).cloned().collect();
        for name in names {
            record.body.shift_remove(&name);
        }
    }
    for (name, value) in change {
        let kind = def.field(&name).map(|field| &field.kind);
        match (kind, value) {
            (_, Value::Null) => {
                record.body.shift_remove(&name);
            }
            (Some(Kind::List(lines)), Value::Array(new)) => {
                let lines = schema.def(lines);
                let last = record.last_line.entry(name.clone()).or_default();
                let old = match record.body.get_mut(&name).map(Value::take) {
                    Some(Value::Array(old)) => old,
                    _ => Vec::new(),
                };
                let merged = merge(lines, old, new, replace.has(&name), last);
                record.body.insert(name, Value::Array(merged));
            }
            (Some(Kind::Part(_)), Value::Object(new)) => {
                overlay(record.body.entry(name).or_insert_with(|| json!({})), new);
            }
            (_, value) => {
                record.body.insert(name, value);
            }
        }
    }
}

fn overlay(onto: &mut Value, new: Map<String, Value>) {
    let Value::Object(map) = onto else { return };
    for (name, value) in new {
        match (map.get_mut(&name), value) {
            (_, Value::Null) => {
                map.shift_remove(&name);
            }
            (Some(part @ Value::Object(_)), Value::Object(new)) => overlay(part, new),
            (_, value) => {
                map.insert(name, value);
            }
        }
    }
}

/// Keyed lines with a key that was there before are updated; everything else is appended. Replacing removes what the
/// request did not name.
fn merge(def: &Def, mut old: Vec<Value>, new: Vec<Value>, replace: bool, last: &mut i64) -> Vec<Value> {
    let keys: Vec<Option<String>> = old.iter().map(|line| key(def, line)).collect();
    let mut kept = vec![!replace; old.len()];
    let mut added = Vec::new();
    for line in new {
        let Value::Object(mut line) = line else { continue };
        let names: Vec<String> = line.keys().cloned().collect();
        let wanted = key(def, &Value::Object(line.clone()));
        let known = wanted.and_then(|wanted| keys.iter().position(|key| key.as_ref() == Some(&wanted)));
        if let Some(at) = known {
            kept[at] = true;
            overlay(&mut old[at], line);
            old[at][SENT] = json!(names);
        } else {
            line.retain(|_, value| !value.is_null());
            number(def, &mut line, last);
            line.insert(SENT.into(), json!(names));
            line.insert(NEW.into(), json!(true));
            added.push(Value::Object(line));
        }
    }
    let mut kept = kept.into_iter();
    old.retain(|_| kept.next().unwrap_or(true));
    old.extend(added);
    old
}

/// What a line is known by, as text.
fn key(def: &Def, line: &Value) -> Option<String> {
    let line = line.as_object()?;
    let plain = |name: &str| match line.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    match def.key.as_deref()? {
        "cell" => Some(cell(line)),
        "internalId" => plain("internalId").or_else(|| plain("id")),
        name => plain(name),
    }
}

/// The key of a price: currency, price level, and the least quantity it is for.
pub(crate) fn cell(line: &Map<String, Value>) -> String {
    let quantity = line.get("quantity").map_or_else(|| "0".to_owned(), Value::to_string);
    format!(
        "currencypage={},pricelevel={},quantity={quantity}",
        text(line, "currencyPage"),
        text(line, "priceLevel")
    )
}

/// Gives a new line its key. A line of a sale also gets a unique key; keys are never used twice, and not without gaps.
fn number(def: &Def, line: &mut Map<String, Value>, last: &mut i64) {
    match def.key.as_deref() {
        Some("line") => {
            *last += 1;
            line.insert("line".into(), (*last).into());
        }
        Some("internalId" | "id") => {
            *last += 1;
            for name in ["id", "internalId"].into_iter().filter(|name| def.field(name).is_some()) {
                line.insert(name.into(), (*last).into());
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netsuite::settings::TaxMode;

    fn lines(record: &Record, list: &str) -> Vec<(i64, String)> {
        record
            .lines(list)
            .map(|line| (line["line"].as_i64().unwrap(), line["quantity"].to_string()))
            .collect()
    }

    fn change(record: &mut Record, value: Value, replace: &str) {
        let schema = Schema::load(&[], &[], TaxMode::SuiteTax);
        let Value::Object(map) = value else { panic!() };
        let def = schema.def("salesOrder").clone();
        apply(&schema, &def, record, map, &Replace::new(Some(replace), false));
    }

    #[test]
    fn a_known_line_is_updated_and_everything_else_appended() {
        let mut order = Record::new("salesOrder", 1, jiff::Timestamp::UNIX_EPOCH);
        change(&mut order, json!({ "item": [{ "quantity": 1 }, { "quantity": 2 }] }), "");
        assert_eq!(lines(&order, "item"), [(1, "1".into()), (2, "2".into())]);
        change(
            &mut order,
            json!({ "item": [{ "line": 2, "quantity": 5 }, { "line": 9, "quantity": 7 }] }),
            "",
        );
        assert_eq!(lines(&order, "item"), [(1, "1".into()), (2, "5".into()), (3, "7".into())]);
        change(&mut order, json!({ "item": [{ "quantity": 1 }] }), "");
        assert_eq!(order.lines("item").count(), 4);
    }

    #[test]
    fn replace_keeps_only_what_is_named_and_null_clears() {
        let mut order = Record::new("salesOrder", 1, jiff::Timestamp::UNIX_EPOCH);
        change(&mut order, json!({ "item": [{ "quantity": 1 }, { "quantity": 2 }], "memo": "a" }), "");
        change(&mut order, json!({ "item": [{ "line": 2, "rate": 1 }, { "quantity": 3 }] }), "item");
        assert_eq!(lines(&order, "item"), [(2, "2".into()), (3, "3".into())]);
        change(&mut order, json!({ "taxDetails": [{ "taxAmount": 1 }] }), "");
        change(&mut order, json!({ "taxDetails": [{ "taxAmount": 2 }] }), "");
        assert_eq!(order.lines("taxDetails").count(), 2);
        change(&mut order, json!({ "taxDetails": [{ "taxAmount": 2 }] }), "taxdetails");
        assert_eq!(order.lines("taxDetails").count(), 1);
        change(&mut order, json!({ "item": null, "memo": null }), "");
        assert!(!order.body.contains_key("item") && !order.body.contains_key("memo"));
    }

    #[test]
    fn subrecords_are_laid_over() {
        let mut order = Record::new("salesOrder", 1, jiff::Timestamp::UNIX_EPOCH);
        change(&mut order, json!({ "billingAddress": { "city": "Leeds", "zip": "LS1" } }), "");
        change(&mut order, json!({ "billingAddress": { "city": "York", "zip": null } }), "");
        assert_eq!(order.body["billingAddress"], json!({ "city": "York" }));
    }
}
