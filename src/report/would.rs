//! What a rehearsal would have written: each call with what it changes. In: calls that were not sent. Out: lines and JSON.

use serde_json::{Value as Json, json};

use super::paint::{Paint, Tint, clean};
use crate::{connector::exec::Would, value::Value};

/// Characters of a value in a line.
const LONGEST: usize = 100;

/// One call for people: what is new, what changes; what stays is not shown.
pub fn would_lines(would: &Would, paint: Paint) -> String {
    let head = paint.text(Tint::Strong, &would.operation);
    let mut out = format!("would send {head}  {}\n", clean(&would.asked));
    let mut changes = Vec::new();
    walk(&would.body, &would.present, &mut String::new(), &mut changes);
    for change in &changes {
        out.push_str(&change.line(paint));
    }
    if changes.is_empty() {
        out.push_str("  nothing changes: the platform says this already\n");
    }
    out
}

/// One call for programs.
pub fn would_json(would: &Would) -> Json {
    let tree = |value: &Value| serde_json::from_str::<Json>(&value.to_json()).unwrap_or_default();
    json!({
        "operation": would.operation, "asked": would.asked,
        "body": tree(&would.body), "present": tree(&would.present),
    })
}

/// A place where what is sent is not what is there.
struct Change {
    path: String,
    sent: String,
    present: Option<String>,
}

impl Change {
    fn line(&self, paint: Paint) -> String {
        match &self.present {
            None => {
                format!("  {} {}: {}\n", paint.text(Tint::Good, "+"), clean(&self.path), clean(&self.sent))
            }
            Some(present) => format!(
                "  {} {}: {} -> {}\n",
                paint.text(Tint::Look, "~"),
                clean(&self.path),
                paint.text(Tint::Faint, present),
                clean(&self.sent)
            ),
        }
    }
}

fn walk(sent: &Value, present: &Value, path: &mut String, changes: &mut Vec<Change>) {
    let length = path.len();
    match sent {
        Value::Map(map) if !map.is_empty() => {
            for (key, sent) in map.iter() {
                let dot = if length == 0 { "" } else { "." };
                path.push_str(&format!("{dot}{key}"));
                walk(sent, present.get(key).unwrap_or(&Value::Null), path, changes);
                path.truncate(length);
            }
        }
        Value::List(items) if !items.is_empty() => {
            let old = present.as_list().unwrap_or_default();
            for (index, sent) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                walk(sent, old.get(index).unwrap_or(&Value::Null), path, changes);
                path.truncate(length);
            }
        }
        Value::Null if path.is_empty() => {}
        _ if same(sent, present) => {}
        _ => changes.push(Change {
            path: path.clone(),
            sent: short(sent),
            present: (!present.is_null()).then(|| short(present)),
        }),
    }
}

/// Numbers by value; a number and a text that say the same are the same: platforms are not strict about ids.
fn same(sent: &Value, present: &Value) -> bool {
    match (sent.as_decimal(), present.as_decimal()) {
        (Some(sent), Some(present)) => sent == present,
        _ => sent == present || sent.scalar_text().is_some_and(|text| present.scalar_text() == Some(text)),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_json();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Value {
        Value::parse(text.as_bytes()).unwrap()
    }

    fn would(body: &str, present: &str) -> String {
        let would = Would {
            operation: "erp.put".into(),
            asked: "PUT /x".into(),
            body: parse(body),
            present: parse(present),
        };
        would_lines(&would, Paint(false))
    }

    #[test]
    fn says_what_is_new_and_what_changes_and_nothing_else() {
        let told = would(
            r#"{"memo":"b","total":50.00,"ref":{"id":5},"item":{"items":[{"amount":2},{"amount":3}]}}"#,
            r#"{"memo":"a","total":50,"ref":{"id":"5","refName":"x"},"item":{"items":[{"amount":2,"line":1}]},"more":1}"#,
        );
        assert_eq!(
            told,
            "would send erp.put  PUT /x\n  ~ memo: \"a\" -> \"b\"\n  + item.items[1].amount: 3\n"
        );
    }

    #[test]
    fn says_so_when_nothing_changes() {
        assert!(would(r#"{"a":1}"#, r#"{"a":1.0}"#).ends_with("the platform says this already\n"));
    }
}
