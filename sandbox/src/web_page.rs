//! The pages that people look at: a start page, the calls, a twin's records. In: what the ledger and the twins show. Out: HTML
//! without scripts. It must never know a platform's records: it shows whatever collections a twin offers.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::{
    Shared,
    ledger::{Entry, Platform},
    web_summary::{WANTED, orders},
};

/// Calls on the start page, and on a page of calls.
const FEW: usize = 25;
const MANY: usize = 200;

/// The start page.
pub(crate) fn start(shared: &Shared) -> String {
    let (store, account) = (shared.snapshot(Platform::Bigcommerce), shared.snapshot(Platform::Netsuite));
    let pace = match shared.clock.speed() {
        1 => "in real time".to_owned(),
        speed => format!("{speed} times as fast as real time"),
    };
    let mut body = format!(
        "<h1>flowrun sandbox</h1><p class=faint>{}, {pace}; seed {}</p>",
        shared.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC"),
        shared.seed,
    );
    body.push_str(&tiles(&orders(&store, &account, WANTED)));
    body.push_str("<div class=columns>");
    for (platform, records, base) in [
        (Platform::Bigcommerce, &store, &shared.bases.bigcommerce),
        (Platform::Netsuite, &account, &shared.bases.netsuite),
    ] {
        let _ = write!(body, "<section><h2>{}</h2><p><code>{}</code></p>", title(platform), escape(base));
        body.push_str(&collections(platform, records));
        body.push_str("</section>");
    }
    body.push_str("</div><h2>Latest calls</h2>");
    shared.ledger.read(|entries| {
        body.push_str(&calls(entries.iter().rev().take(FEW)));
        if entries.len() > FEW {
            let _ = write!(body, "<p><a href=/calls>all {} calls</a></p>", entries.len());
        }
    });
    body.push_str(
        "<p class=faint>As JSON: <a href=/ledger>ledger</a> · <a href=/events>events</a> · <a href=/faults>faults</a> · \
         <a href=/summary>summary</a> · <a href=/snapshot>all records</a></p>",
    );
    document("flowrun sandbox", &body)
}

/// How the orders of the store stand in the account.
fn tiles(recount: &Value) -> String {
    let count = |what: &str| {
        let found = &recount[what];
        found.as_u64().unwrap_or_else(|| found.as_array().map_or(0, |all| all.len() as u64))
    };
    let tile = |number: u64, what: &str, class: &str| {
        format!("<div class=tile><b class={class}>{number}</b><span class=faint>{what}</span></div>")
    };
    let wrong = |what: &str| if count(what) == 0 { "faint" } else { "bad" };
    let waiting = if count("missing") == 0 { "faint" } else { "look" };
    [
        "<div class=tiles>".to_owned(),
        tile(count("wanted"), "paid orders", ""),
        tile(count("once"), "have one sales order", "good"),
        tile(count("tagged"), "carry its number", "good"),
        tile(count("missing"), "not in NetSuite yet", waiting),
        tile(count("several"), "have several", wrong("several")),
        tile(count("different_total"), "with another total", wrong("different_total")),
        "</div>".to_owned(),
    ]
    .concat()
}

/// A twin's collections with their sizes; empty ones in one line below.
fn collections(platform: Platform, records: &Value) -> String {
    let all = records.as_object().into_iter().flatten();
    let sized = all.map(|(name, rows)| (name, rows.as_array().map_or(0, Vec::len)));
    let (empty, full): (Vec<_>, Vec<_>) = sized.partition(|(_, rows)| *rows == 0);
    let mut html = "<table>".to_owned();
    for (name, rows) in full {
        let (platform, name) = (platform.name(), escape(name));
        let _ =
            write!(html, "<tr><td><a href=\"/browse/{platform}/{name}\">{name}</a><td class=n>{rows}</tr>");
    }
    html.push_str("</table>");
    if !empty.is_empty() {
        let names: Vec<String> = empty.iter().map(|(name, _)| escape(name)).collect();
        let _ = write!(html, "<p class=faint>still empty: {}</p>", names.join(", "));
    }
    html
}

/// A page of calls, newest first: those before number `before`.
pub(crate) fn calls_page(shared: &Shared, before: Option<u64>) -> String {
    let mut body = "<h1><a href=/>sandbox</a> / calls</h1>".to_owned();
    shared.ledger.read(|entries| {
        let wanted =
            move || entries.iter().rev().filter(move |entry| before.is_none_or(|before| entry.n < before));
        let _ = write!(body, "<p class=faint>{} calls in all, newest first</p>", entries.len());
        body.push_str(&calls(wanted().take(MANY)));
        if let Some(last) = wanted().take(MANY).last().filter(|last| last.n > 1) {
            let _ = write!(body, "<p><a href=\"/calls?before={}\">earlier calls</a></p>", last.n);
        }
    });
    document("calls", &body)
}

fn calls<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let mut html =
        "<div class=scroll><table><tr><th class=n>#<th>time (UTC)<th>platform<th>call<th class=n>status\
                    <th>did<th>fault</tr>"
            .to_owned();
    let empty = html.len();
    for entry in entries {
        let class = match entry.status {
            0 | 500.. => "bad",
            400.. => "look",
            _ => "good",
        };
        let status = if entry.status == 0 { "cut off".to_owned() } else { entry.status.to_string() };
        let _ = write!(
            html,
            "<tr><td class=n>{}<td title=\"{}\">{}<td>{}<td class=path>{} {}<td class=\"n {class}\">{status}<td>{}<td class=look>{}</tr>",
            entry.n,
            escape(&entry.at),
            escape(&clock(&entry.at)),
            title(entry.platform),
            escape(&entry.method),
            escape(&entry.path),
            escape(&entry.effect.as_ref().map_or(String::new(), effect)),
            escape(entry.fault.as_deref().unwrap_or_default()),
        );
    }
    if html.len() == empty {
        return "<p class=faint>Nobody has called yet.</p>".into();
    }
    html + "</table></div>"
}

/// The time of day of an ISO 8601 instant, to the millisecond.
fn clock(at: &str) -> String {
    at.split_once('T').map_or(at, |(_, time)| time).trim_end_matches('Z').chars().take(12).collect()
}

/// `create salesOrder 7`.
fn effect(effect: &Value) -> String {
    ["verb", "record", "id"].map(|part| cell(&effect[part])).join(" ").trim().to_owned()
}

/// A page of records, newest first.
pub(crate) fn records_page(platform: &str, collection: &str, rows: &[Value]) -> String {
    let (platform, collection) = (escape(platform), escape(collection));
    let shown = rows.len().min(MANY);
    let body = format!(
        "<h1><a href=/>sandbox</a> / {platform} / {collection}</h1><p class=faint>{shown} of {} records, newest first</p>{}",
        rows.len(),
        table(rows.iter().rev().take(MANY)),
    );
    document(&collection, &body)
}

/// A table whose columns are the keys of the rows, in the order they come.
fn table<'a>(rows: impl Iterator<Item = &'a Value>) -> String {
    let rows: Vec<&Map<String, Value>> = rows.filter_map(Value::as_object).collect();
    let mut columns: Vec<&str> = Vec::new();
    for key in rows.iter().take(20).flat_map(|row| row.keys()) {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    if rows.is_empty() {
        return "<p class=faint>Nothing here yet.</p>".into();
    }
    let mut html = "<div class=scroll><table><tr>".to_owned();
    for column in &columns {
        let _ = write!(html, "<th>{}", escape(column));
    }
    html.push_str("</tr>");
    for row in rows {
        html.push_str("<tr>");
        for column in &columns {
            html.push_str(&column_of(row.get(*column).unwrap_or(&Value::Null)));
        }
        html.push_str("</tr>");
    }
    html + "</table></div>"
}

/// One value: numbers to the right, lists and objects folded away.
fn column_of(value: &Value) -> String {
    let folded = |count: usize, what: &str| {
        let text = escape(&serde_json::to_string_pretty(value).unwrap_or_default());
        format!("<td><details><summary>{count} {what}</summary><pre>{text}</pre></details>")
    };
    match value {
        Value::Array(all) if all.is_empty() => "<td class=faint>none".into(),
        Value::Array(all) => folded(all.len(), if all.len() == 1 { "element" } else { "elements" }),
        Value::Object(all) if all.is_empty() => "<td class=faint>none".into(),
        Value::Object(all) => folded(all.len(), if all.len() == 1 { "field" } else { "fields" }),
        Value::Number(number) => format!("<td class=n>{number}"),
        other => {
            let text = escape(&cell(other));
            format!("<td class=long title=\"{text}\">{text}")
        }
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn title(platform: Platform) -> &'static str {
    match platform {
        Platform::Bigcommerce => "BigCommerce",
        Platform::Netsuite => "NetSuite",
    }
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>{}</style>{body}",
        include_str!("web_page.css")
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_escapes_what_customers_typed() {
        let rows = [json!({ "id": 1, "note": "<script>\"" }), json!({ "id": 2, "extra": ["<b>"] })];
        let html = table(rows.iter());
        assert!(html.contains("<th>id<th>note<th>extra"), "{html}");
        assert!(html.contains("&lt;script&gt;&quot;") && !html.contains("<script>"), "{html}");
        assert!(html.contains("1 element") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn calls_are_told_in_words() {
        let entry = |status, effect: Option<Value>| Entry {
            n: 7,
            at: "2026-11-26T03:32:28.710057122Z".into(),
            platform: Platform::Netsuite,
            method: "PUT".into(),
            path: "/salesOrder/eid:a<b".into(),
            status,
            effect,
            fault: None,
        };
        let made = entry(204, Some(json!({ "verb": "create", "record": "salesOrder", "id": "12" })));
        let html = calls([&made, &entry(0, None)].into_iter());
        for wanted in [
            "03:32:28.710<",
            "PUT /salesOrder/eid:a&lt;b",
            "create salesOrder 12",
            "bad\">cut off",
            "good\">204",
        ] {
            assert!(html.contains(wanted), "{wanted}: {html}");
        }
        assert_eq!(calls([].into_iter()), "<p class=faint>Nobody has called yet.</p>");
    }
}
