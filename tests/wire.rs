//! The shipped connectors against the sandbox: real HTTP, real signatures, the twins' own rules.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use flowrun::{
    connector::{self, Connection, Connector, Given},
    event::{Answer, Class, Failure, Instant, Priority, Request, RunId, Sent},
    money::Currency,
    problem::Problems,
    record::Records,
    secret::Secret,
    source::Sources,
    syntax,
    trigger::{Place, Poll, Todo, todo},
    value::Value,
    wire::{Access, Polling, Wire},
    yaml,
};
use flowrun_sandbox::{Config, Running, bigcommerce, ledger::Platform, start};

/// The shipped connectors, by name.
fn shipped() -> BTreeMap<Arc<str>, Arc<Connector>> {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let mut records = Vec::new();
    for system in fs::read_dir("schemas/records").unwrap() {
        for file in fs::read_dir(system.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            records.push(sources.add(path.to_str().unwrap(), fs::read_to_string(&path).unwrap()));
        }
    }
    let records = Records::read(&records, &sources, &mut problems);
    let mut found = BTreeMap::new();
    for name in ["bigcommerce", "netsuite"] {
        let path = Path::new("flows/connectors").join(name).with_extension("yaml");
        let file = sources.add(path.to_str().unwrap(), fs::read_to_string(&path).unwrap());
        let tree = yaml::read(&sources, file, &mut problems).unwrap();
        let tree = syntax::connector(&tree, &mut problems).unwrap();
        found.insert(name.into(), Arc::new(connector::lower(&tree, &records, &mut problems)));
    }
    assert!(!problems.has_errors(), "{:#?}", problems.into_sorted());
    found
}

fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<Arc<str>, Secret<String>> {
    pairs.iter().map(|(name, text)| ((*name).into(), Secret::new((*text).to_owned()))).collect()
}

async fn sandbox(orders: usize) -> Running {
    let settings = bigcommerce::Settings { orders: orders as _, ..bigcommerce::Settings::default() };
    start(Config { bigcommerce: settings, ..Config::default() }).await.unwrap()
}

/// Both connections of a sandbox; `NetSuite` by this way in.
fn connect(running: &Running, way: &str) -> Wire {
    let connectors = shipped();
    let access = running.access();
    let mut wire = Wire::new();
    let store = Given {
        url: Some(access.bigcommerce.base_url.as_str().into()),
        settings: vec![
            ("store_hash".into(), access.bigcommerce.store_hash.as_str().into()),
            ("code".into(), "uk".into()),
        ],
        allow_private: true,
        ..Given::default()
    };
    let store = Connection::open("store".into(), Arc::clone(&connectors["bigcommerce"]), store).unwrap();
    let token = secrets(&[("token", &access.bigcommerce.access_token)]);
    wire.add(Arc::new(store), Access { secrets: token, root: None }).unwrap();
    let text = |key: &str| access.netsuite[key].as_str().unwrap();
    let tba = |key: &str| access.netsuite["tba"][key].as_str().unwrap();
    let codes = [("1", "USD"), ("2", "GBP"), ("3", "EUR"), ("4", "JPY"), ("5", "KWD"), ("6", "CAD")];
    let erp = Given {
        url: Some(text("base_url").into()),
        auth: Some(way.into()),
        settings: vec![
            ("account".into(), text("account").to_lowercase().replace('_', "-").into()),
            ("settle".into(), "2s".into()),
        ],
        currencies: codes.map(|(id, code)| (id.into(), Currency::from_code(code).unwrap())).into(),
        allow_private: true,
    };
    let erp = Connection::open("erp".into(), Arc::clone(&connectors["netsuite"]), erp).unwrap();
    let keys = if way == "tba" {
        secrets(&["consumer_key", "consumer_secret", "token_id", "token_secret"].map(|key| (key, tba(key))))
    } else {
        secrets(&["client_id", "certificate_id", "private_key"].map(|key| (key, text(key))))
    };
    wire.add(Arc::new(erp), Access { secrets: keys, root: None }).unwrap();
    wire
}

fn json(text: &str) -> Value {
    Value::parse(text.as_bytes()).unwrap()
}

async fn ask(wire: &Wire, call: &str, inputs: &[Value], batch: bool) -> Result<Answer, Failure> {
    let (connection, operation) = call.split_once('.').unwrap();
    let request = Request {
        run: RunId::default(),
        flow: "test".into(),
        connection: connection.into(),
        operation: operation.into(),
        inputs: inputs.to_vec(),
        batch,
        write: false,
        key: None,
        priority: Priority::Live,
    };
    let pass = wire.enter(&request).await;
    wire.ask(&request, pass).await
}

async fn one(wire: &Wire, call: &str, with: &str) -> Value {
    match ask(wire, call, &[json(with)], false).await {
        Ok(Answer::One(value)) => value,
        other => panic!("{call}: {other:?}"),
    }
}

/// Every order the poll finds, page by page.
async fn polled(wire: &Wire, since: Instant) -> Vec<i64> {
    let connection = wire.connection("store").unwrap();
    let operation = connection.operation("orders_modified").unwrap();
    let cursor = operation.cursor.as_ref().unwrap();
    let poll = Poll::new(cursor, "UTC", 250);
    let polling = Polling {
        connection: "store".into(),
        operation: "orders_modified".into(),
        flow: "test".into(),
        priority: Priority::Normal,
    };
    let mut place = Place::at(since);
    let mut ids = Vec::new();
    loop {
        let root = poll.root(&place).unwrap();
        let page = wire.page(&polling, json("{}"), root).await.unwrap();
        let taken =
            poll.take(&place, &page.rows, page.rows.len(), page.at + Duration::from_hours(1)).unwrap();
        ids.extend(taken.rows.iter().map(|(_, row)| row.get("id").unwrap().as_i64().unwrap()));
        if !taken.more {
            return ids;
        }
        place = taken.next;
    }
}

#[tokio::test]
async fn every_seeded_order_is_read_whole() {
    let running = sandbox(12).await;
    let wire = connect(&running, "m2m");
    let ids = polled(&wire, Instant(0)).await;
    assert!(ids.len() >= 12, "{ids:?}");
    for id in ids.iter().take(6) {
        let order = one(&wire, "store.get_order", &format!(r#"{{"id":{id}}}"#)).await;
        assert_eq!(order.get("id").and_then(Value::as_i64), Some(*id));
        assert!(matches!(order.get("total_inc_tax"), Some(Value::Money(_))), "amounts know their currency");
        assert!(!order.get("products").and_then(Value::as_list).unwrap().is_empty());
        for list in ["coupons", "taxes", "fees", "shipping_addresses"] {
            assert!(order.get(list).and_then(Value::as_list).is_some(), "{list}");
        }
        let stamp = order.get("date_modified").and_then(Value::as_str).unwrap();
        assert!(stamp.ends_with('Z'), "instants are ISO in UTC: {stamp}");
    }
}

#[tokio::test]
async fn an_order_that_is_not_there_may_come() {
    let running = sandbox(1).await;
    let wire = connect(&running, "m2m");
    let failure = ask(&wire, "store.get_order", &[json(r#"{"id":999999}"#)], false).await.unwrap_err();
    assert_eq!((failure.class, failure.sent), (Class::Gone, Sent::No), "{failure:?}");
}

#[tokio::test]
async fn a_tag_is_written_and_read_again() {
    let running = sandbox(3).await;
    let wire = connect(&running, "m2m");
    let id = polled(&wire, Instant(0)).await[0];
    let gave = one(&wire, "store.tag_order", &format!(r#"{{"id":{id},"external_order_id":"SO77"}}"#)).await;
    assert_eq!(gave.get("external_order_id").and_then(Value::as_str), Some("SO77"));
    let order = one(&wire, "store.get_order", &format!(r#"{{"id":{id}}}"#)).await;
    assert_eq!(order.get("external_order_id").and_then(Value::as_str), Some("SO77"));
}

/// SKUs that an order of the store holds.
async fn skus(wire: &Wire) -> Vec<String> {
    let mut found = Vec::new();
    for id in polled(wire, Instant(0)).await.iter().take(4) {
        let order = one(wire, "store.get_order", &format!(r#"{{"id":{id}}}"#)).await;
        let lines = order.get("products").unwrap().as_list().unwrap().to_vec();
        let skus = lines.iter().filter(|line| line.get("type").and_then(Value::as_str) == Some("physical"));
        found.extend(skus.filter_map(|line| line.get("sku").and_then(Value::as_str).map(str::to_owned)));
    }
    found.sort();
    found.dedup();
    found
}

async fn items(wire: &Wire) -> Vec<Value> {
    let mut inputs: Vec<_> =
        skus(wire).await.iter().map(|sku| json(&format!(r#"{{"sku":"{sku}"}}"#))).collect();
    inputs.push(json(r#"{"sku":"a' OR '1'='1"}"#));
    let Ok(Answer::Each(each)) = ask(wire, "erp.items_by_sku", &inputs, true).await else {
        panic!("no items")
    };
    let values: Vec<_> = each.into_iter().map(Result::unwrap).collect();
    assert!(values.last().unwrap().is_null(), "text never becomes syntax");
    values
}

#[tokio::test]
async fn skus_are_looked_up_in_one_query_by_either_way_in() {
    let running = sandbox(6).await;
    for way in ["m2m", "tba"] {
        let wire = connect(&running, way);
        let found = items(&wire).await.into_iter().filter(|item| !item.is_null()).count();
        assert!(found >= 1, "{way}");
    }
}

async fn order_body(wire: &Wire, lines: &[(i64, i64)]) -> Value {
    let item = items(wire).await.into_iter().find(|item| !item.is_null()).unwrap();
    let item = item.get("id").and_then(Value::as_str).unwrap().to_owned();
    let line = |(id, quantity): &(i64, i64)| {
        format!(
            r#"{{"item":{{"id":"{item}"}},"quantity":{quantity},"price":{{"id":"-1"}},"amount":{}.50,"custcol_bc_line_id":{id}}}"#,
            quantity * 10
        )
    };
    let lines: Vec<_> = lines.iter().map(line).collect();
    json(&format!(
        r#"{{"entity":{{"id":"511"}},"subsidiary":{{"id":"1"}},"currency":{{"id":"1"}},"tranDate":"2026-01-31","custbody_bc_version":"v{}","item":{{"items":[{}]}}}}"#,
        lines.len(),
        lines.join(",")
    ))
}

async fn upsert(wire: &Wire, body: Value) -> Value {
    let input = Value::object([("external_id", Value::from("uk-1")), ("body", body)]);
    match ask(wire, "erp.upsert_sales_order", &[input], false).await {
        Ok(Answer::One(value)) => value,
        other => panic!("{other:?}"),
    }
}

fn lines(order: &Value) -> Vec<Value> {
    order.get("item").unwrap().get("items").unwrap().as_list().unwrap().to_vec()
}

#[tokio::test]
async fn a_sales_order_keeps_its_lines_however_often_it_is_written() {
    let running = sandbox(6).await;
    let wire = connect(&running, "m2m");
    assert!(one(&wire, "erp.find_sales_order", r#"{"external_id":"uk-1"}"#).await.is_null());
    let made = upsert(&wire, order_body(&wire, &[(31, 2), (32, 1)]).await).await;
    assert!(made.get("tranId").and_then(Value::as_str).is_some_and(|number| !number.is_empty()), "{made:?}");
    for _ in 0..2 {
        let again = upsert(&wire, order_body(&wire, &[(31, 2), (32, 1)]).await).await;
        assert_eq!(again.get("id"), made.get("id"));
    }
    let order = one(&wire, "erp.find_sales_order", r#"{"external_id":"uk-1"}"#).await;
    assert_eq!(lines(&order).len(), 2, "no line is ever added twice");
    // R9. A line goes, another comes: the one that is gone is closed at nothing, not deleted, and the total ties out.
    let edited = upsert(&wire, order_body(&wire, &[(32, 3), (33, 1)]).await).await;
    assert_eq!(edited.get("total").and_then(Value::scalar_text).as_deref(), Some("41.00"), "{edited:?}");
    let order = one(&wire, "erp.find_sales_order", r#"{"external_id":"uk-1"}"#).await;
    let state: Vec<_> = lines(&order)
        .iter()
        .map(|line| {
            let id = line.get("custcol_bc_line_id").and_then(Value::scalar_text).unwrap();
            let closed = line.get("isClosed").and_then(Value::as_bool).unwrap_or_default();
            (id, line.get("quantity").and_then(Value::as_i64).unwrap(), closed)
        })
        .collect();
    assert_eq!(state, [("31".to_owned(), 0, true), ("32".to_owned(), 3, false), ("33".to_owned(), 1, false)]);
    let orders = running.snapshot(Platform::Netsuite).to_string().matches("uk-1").count();
    assert!(orders >= 1);
}

#[tokio::test]
async fn a_look_finds_only_the_very_state_that_was_sent() {
    let running = sandbox(6).await;
    let wire = connect(&running, "tba");
    let body = order_body(&wire, &[(31, 2)]).await;
    upsert(&wire, body.clone()).await;
    let look = |body: Value| {
        let input = Value::object([("external_id", Value::from("uk-1")), ("body", body)]);
        let wire = &wire;
        async move { ask(wire, "erp.written_sales_order", &[input], false).await.unwrap() }
    };
    assert!(matches!(look(body).await, Answer::One(Value::Map(_))));
    let newer = order_body(&wire, &[(31, 2), (32, 1)]).await;
    assert_eq!(look(newer).await, Answer::One(Value::Null));
}

#[tokio::test]
async fn wrong_credentials_open_the_breaker_and_stay_out_of_words() {
    let running = sandbox(1).await;
    let connectors = shipped();
    let given = Given {
        url: Some(running.access().bigcommerce.base_url.as_str().into()),
        settings: vec![("store_hash".into(), "sandbox".into()), ("code".into(), "uk".into())],
        allow_private: true,
        ..Given::default()
    };
    let store = Connection::open("store".into(), Arc::clone(&connectors["bigcommerce"]), given).unwrap();
    let mut wire = Wire::new();
    wire.add(Arc::new(store), Access { secrets: secrets(&[("token", "not-the-token")]), root: None })
        .unwrap();
    let failure = ask(&wire, "store.get_store", &[json("{}")], false).await.unwrap_err();
    assert_eq!((failure.class, failure.sent), (Class::Auth, Sent::No), "{failure:?}");
    assert!(wire.is_held("store") && !failure.message.contains("not-the-token"));
}

#[tokio::test]
async fn hooks_are_made_once() {
    let running = sandbox(1).await;
    let wire = connect(&running, "m2m");
    let there = "http://127.0.0.1:9/hooks/store";
    let scopes = ["store/order/created".into(), "store/order/updated".into()];
    for round in 0..2 {
        let rows = one(&wire, "store.hooks", "{}").await;
        let missing = todo(&scopes, there, rows.as_list().unwrap());
        assert_eq!(missing.len(), if round == 0 { 2 } else { 0 }, "{missing:?}");
        for todo in missing {
            let Todo::Register(with) = todo else { panic!("nothing sleeps: {todo:?}") };
            ask(&wire, "store.create_hook", &[with], false).await.unwrap();
        }
    }
}

#[tokio::test]
async fn as_many_calls_as_there_are_and_none_is_refused() {
    let running = sandbox(2).await;
    let wire = Arc::new(connect(&running, "tba"));
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..40 {
        let wire = Arc::clone(&wire);
        asked.spawn(async move {
            let sku = json(&format!(r#"{{"sku":"NO-{number}"}}"#));
            ask(&wire, "erp.items_by_sku", &[sku], false).await.map(|_| ())
        });
    }
    while let Some(done) = asked.join_next().await {
        done.unwrap().unwrap();
    }
    let statuses =
        running.shared().ledger.read(|entries| entries.iter().map(|entry| entry.status).collect::<Vec<_>>());
    assert!(statuses.len() >= 40 && statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

/// Plants one fault for the next writes of sales orders.
fn plant(running: &Running, kind: &str) {
    let fault = format!(r#"{{"platform":"netsuite","method":"PUT","path":"/salesOrder/","times":1,{kind}}}"#);
    running.shared().faults.plant(serde_json::from_str(&fault).unwrap());
}

#[tokio::test]
async fn an_answer_that_never_came_is_in_doubt_and_a_look_tells() {
    let running = sandbox(6).await;
    let wire = connect(&running, "m2m");
    let body = order_body(&wire, &[(31, 2)]).await;
    let input = Value::object([("external_id", Value::from("uk-1")), ("body", body)]);
    for (kind, landed) in [(r#""kind":"reset_before""#, false), (r#""kind":"reset_after""#, true)] {
        plant(&running, kind);
        let failure =
            ask(&wire, "erp.upsert_sales_order", std::slice::from_ref(&input), false).await.unwrap_err();
        assert_eq!((failure.class, failure.sent), (Class::Outage, Sent::Maybe), "{kind}: {failure:?}");
        let look = ask(&wire, "erp.written_sales_order", std::slice::from_ref(&input), false).await.unwrap();
        assert_eq!(look != Answer::One(Value::Null), landed, "{kind}");
    }
}

#[tokio::test]
async fn an_overload_is_a_throttle_and_nothing_was_done() {
    let running = sandbox(6).await;
    let wire = connect(&running, "m2m");
    let body = order_body(&wire, &[(31, 2)]).await;
    plant(&running, r#""kind":"too_many""#);
    let input = Value::object([("external_id", Value::from("uk-1")), ("body", body)]);
    let failure = ask(&wire, "erp.upsert_sales_order", &[input], false).await.unwrap_err();
    assert_eq!((failure.class, failure.sent), (Class::Throttle, Sent::No), "{failure:?}");
}

#[tokio::test]
async fn a_token_that_ended_early_is_renewed_within_the_call() {
    let running = sandbox(6).await;
    let wire = connect(&running, "m2m");
    let body = order_body(&wire, &[(31, 2)]).await;
    plant(&running, r#""kind":"expired_token""#);
    upsert(&wire, body).await;
    assert!(!wire.is_held("erp"));
}
