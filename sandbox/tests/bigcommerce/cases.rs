//! Calls and their answers as data: each file of `cases/` is a list of shops, each shop a list of calls.
//!
//! A shop begins with `## name`, perhaps followed by ` | ` and settings as JSON. A call is a line `METHOD path body`, then a line
//! `status answer`: the answer has to hold what is written, `"*"` is anything, and `"!"` nothing. `= name /pointer` keeps a part of
//! the answer, `{name}` puts it into later lines. `ADVANCE 5` moves the clock by seconds.

use std::{collections::BTreeMap, time::Duration};

use flowrun_sandbox::bigcommerce::{Plan, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Got, Shop};

/// Whether `found` holds all that `wanted` says; else where it does not.
fn differs(wanted: &Value, found: Option<&Value>, at: &str) -> Option<String> {
    let Some(found) = found else {
        return (wanted != "!").then(|| format!("{at} is missing"));
    };
    match (wanted, found) {
        (Value::String(any), _) if any == "*" => None,
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().find_map(|(key, value)| differs(value, found.get(key), &format!("{at}/{key}")))
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            let pairs = wanted.iter().zip(found).enumerate();
            pairs
                .into_iter()
                .find_map(|(index, (value, own))| differs(value, Some(own), &format!("{at}/{index}")))
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        _ => (wanted != found).then(|| format!("{at}: {wanted} is wanted, {found} was found")),
    }
}

fn fill(line: &str, names: &BTreeMap<String, String>) -> String {
    names.iter().fold(line.to_owned(), |line, (name, value)| line.replace(&format!("{{{name}}}"), value))
}

fn parse(text: &str, line: &str) -> Option<Value> {
    let text = text.trim();
    (!text.is_empty()).then(|| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {line}")))
}

async fn open(title: &str) -> Shop {
    let mut settings = json!(Settings { plan: Plan::Unlimited, ..Settings::default() });
    let own = title.split_once(" | ").and_then(|(_, own)| parse(own, title));
    for (name, value) in own.as_ref().and_then(Value::as_object).into_iter().flatten() {
        settings[name] = value.clone();
    }
    Shop::with(serde_json::from_value(settings).expect("settings")).await
}

async fn play(title: &str, lines: &[&str]) {
    let shop = open(title).await;
    let (mut names, mut last): (BTreeMap<String, String>, Option<(String, Got)>) = (BTreeMap::new(), None);
    for line in lines {
        let line = fill(line, &names);
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        if word == "ADVANCE" {
            shop.running.shared().clock.advance(Duration::from_secs(rest.parse().expect("seconds")));
        } else if word == "=" {
            let (name, pointer) = rest.split_once(' ').expect("a name and a pointer");
            let got = last.as_ref().and_then(|(_, got)| got.body.pointer(pointer)).expect(&line);
            names.insert(name.to_owned(), got.as_str().map_or_else(|| got.to_string(), str::to_owned));
        } else if let Ok(status) = word.parse::<u16>() {
            let (call, got) = last.as_ref().expect("a call before an answer");
            assert_eq!(got.status.as_u16(), status, "{title}\n{call}\n{}", got.body);
            let wrong = parse(rest, &line).and_then(|wanted| differs(&wanted, Some(&got.body), ""));
            assert!(wrong.is_none(), "{title}\n{call}\n{}\n{}", wrong.unwrap_or_default(), got.body);
        } else {
            let method = Method::from_bytes(word.as_bytes()).expect("a method");
            let (path, body) = rest.split_once(' ').unwrap_or((rest, ""));
            let body = parse(body, &line);
            let got = shop.call(method, path, body.as_ref()).await;
            last = Some((line, got));
        }
    }
}

async fn play_all(text: &str) {
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("# ")).collect();
    let mut at = 0;
    while let Some(title) = lines.get(at).and_then(|line| line.strip_prefix("## ")) {
        let after = at + 1;
        at = lines[after..]
            .iter()
            .position(|line| line.starts_with("## "))
            .map_or(lines.len(), |next| after + next);
        play(title, &lines[after..at]).await;
    }
    assert_eq!(at, lines.len(), "every line belongs to a shop");
}

#[tokio::test]
async fn inventory() {
    play_all(include_str!("cases/inventory.txt")).await;
}

#[tokio::test]
async fn shipments() {
    play_all(include_str!("cases/shipments.txt")).await;
}

#[tokio::test]
async fn prices() {
    play_all(include_str!("cases/prices.txt")).await;
}

#[tokio::test]
async fn products() {
    play_all(include_str!("cases/products.txt")).await;
}

#[tokio::test]
async fn groups_and_promotions() {
    play_all(include_str!("cases/groups.txt")).await;
}

#[tokio::test]
async fn taxes() {
    play_all(include_str!("cases/taxes.txt")).await;
}

#[tokio::test]
async fn batches_have_their_limits() {
    let shop = Shop::open().await;
    let many = |row: Value, count: usize| json!(vec![row; count]);
    let stock =
        |count| json!({ "items": many(json!({ "location_id": 1, "product_id": 1, "quantity": 3 }), count) });
    shop.post("/v3/pricelists", &json!({ "name": "Trade" })).await;
    let price = json!({ "variant_id": 1, "currency": "usd", "price": 1 });
    let cases = [
        (Method::PUT, "/v3/inventory/adjustments/absolute", stock(2000), 200),
        (Method::PUT, "/v3/inventory/adjustments/absolute", stock(2001), 422),
        (Method::PUT, "/v3/catalog/products", many(json!({ "id": 1, "price": 2 }), 11), 413),
        (Method::PUT, "/v3/catalog/variants", many(json!({ "id": 1, "price": 2 }), 51), 413),
        (Method::PUT, "/v3/pricelists/1/records", many(price.clone(), 1000), 200),
        (Method::PUT, "/v3/pricelists/1/records", many(price.clone(), 1001), 422),
        (Method::POST, "/v3/pricelists/1/records", many(price, 101), 422),
        (Method::POST, "/v3/pricelists/assignments", many(json!({ "price_list_id": 1 }), 26), 422),
        (Method::PUT, "/v3/catalog/trees", many(json!({ "name": "T" }), 51), 413),
        (Method::POST, "/v3/tax/classes", many(json!({ "name": "T" }), 51), 413),
    ];
    for (method, path, body, status) in cases {
        let got = shop.call(method, path, Some(&body)).await;
        assert_eq!(got.status.as_u16(), status, "{path}: {}", got.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_calls_are_refused_beside_each_other() {
    let shop = Shop::with(Settings { latency_ms: 400, plan: Plan::Unlimited, ..Settings::default() }).await;
    let stock = json!({ "items": [{ "location_id": 1, "product_id": 1, "quantity": 3 }] });
    let variants = json!([{ "id": 1, "cost_price": 2 }]);
    let (a, b) = tokio::join!(
        shop.put("/v3/inventory/adjustments/absolute", &stock),
        shop.put("/v3/catalog/variants", &variants)
    );
    let mut both = [a.status.as_u16(), b.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [200, 429]);
}
