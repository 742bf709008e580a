//! The administration API and the pages, on a port of their own: no fault, no quota, no login. In: the shared frame.
//! Out: ledger, events, faults, clock, recount, and each twin's own routes under its name. It must never know a
//! platform's records: it shows whatever collections a twin offers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Shared,
    fault::Fault,
    hold::Hold,
    ledger::{Entry, Platform},
    web_page,
    web_summary::{WANTED, orders},
};

const PLATFORMS: [Platform; 2] = [Platform::Bigcommerce, Platform::Netsuite];

/// The routes for one sandbox.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/calls", get(calls))
        .route("/browse/{platform}/{collection}", get(browse))
        .route("/ledger", get(ledger))
        .route("/ledger/length", get(length))
        .route("/holds", get(held).post(hold).delete(let_go))
        .route("/events", get(events))
        .route("/faults", get(faults).post(plant).delete(clear))
        .route("/clock", get(clock))
        .route("/clock/advance", post(advance))
        .route("/summary", get(summary))
        .route("/snapshot", get(snapshot))
        .with_state(shared.clone())
        .merge(shared.admin())
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn ledger(State(shared): State<Arc<Shared>>, Query(query): Query<After>) -> Response {
    Json(shared.ledger.since(query.after)).into_response()
}

#[derive(Deserialize)]
struct AtLeast {
    #[serde(default)]
    at_least: u64,
}

/// The ledger's length; answers when it is at least as asked.
async fn length(State(shared): State<Arc<Shared>>, Query(query): Query<AtLeast>) -> Json<Value> {
    Json(json!({ "length": shared.ledger.reached(query.at_least).await }))
}

/// The calls that stand still; answers when there is one.
async fn held(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.holds.held().await))
}

/// Takes one hold.
async fn hold(State(shared): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    match serde_json::from_value::<Hold>(body) {
        Ok(hold) => {
            shared.holds.plant(hold);
            StatusCode::CREATED.into_response()
        }
        Err(error) => refuse(StatusCode::BAD_REQUEST, &format!("not a hold: {error}")),
    }
}

/// Lets every held call go on, and answers when they are over.
async fn let_go(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.holds.let_go().await;
    StatusCode::NO_CONTENT
}

async fn events(State(shared): State<Arc<Shared>>, Query(query): Query<After>) -> Response {
    Json(shared.ledger.events_since(query.after)).into_response()
}

async fn faults(State(shared): State<Arc<Shared>>) -> Response {
    Json(shared.faults.list()).into_response()
}

/// Takes one fault or an array of them.
async fn plant(State(shared): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    let wanted = if body.is_array() { body } else { Value::Array(vec![body]) };
    match serde_json::from_value::<Vec<Fault>>(wanted) {
        Ok(planted) => {
            for fault in planted {
                shared.faults.plant(fault);
            }
            (StatusCode::CREATED, Json(shared.faults.list())).into_response()
        }
        Err(error) => refuse(StatusCode::BAD_REQUEST, &format!("not a fault: {error}")),
    }
}

async fn clear(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.faults.clear();
    StatusCode::NO_CONTENT
}

async fn clock(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "now": shared.clock.now().to_string(), "speed": shared.clock.speed() }))
}

#[derive(Deserialize)]
struct Advance {
    seconds: u64,
}

async fn advance(State(shared): State<Arc<Shared>>, Json(by): Json<Advance>) -> Json<Value> {
    shared.clock.advance(Duration::from_secs(by.seconds));
    clock(State(shared)).await
}

/// Both twins' records, whole.
async fn snapshot(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(records(&shared))
}

fn records(shared: &Shared) -> Value {
    PLATFORMS.iter().map(|platform| (platform.name().to_owned(), shared.snapshot(*platform))).collect()
}

#[derive(Deserialize)]
struct Wanted {
    /// Order statuses that should be in the ERP, with commas.
    statuses: Option<String>,
}

/// A recount: orders against sales orders, how many records each collection holds, what the calls did by record and
/// verb, how they were answered.
async fn summary(State(shared): State<Arc<Shared>>, Query(query): Query<Wanted>) -> Json<Value> {
    let records = records(&shared);
    let counts: serde_json::Map<String, Value> =
        records.as_object().into_iter().flatten().map(|(name, rows)| (name.clone(), count(rows))).collect();
    let said = query.statuses.map(|list| list.split(',').filter_map(|id| id.trim().parse().ok()).collect());
    let wanted: Vec<u64> = said.unwrap_or_else(|| WANTED.to_vec());
    Json(json!({
        "orders": orders(&records["bigcommerce"], &records["netsuite"], &wanted),
        "records": counts,
        "calls": shared.ledger.read(tally),
    }))
}

fn count(snapshot: &Value) -> Value {
    let collections = snapshot.as_object().into_iter().flatten();
    collections.map(|(name, rows)| (name.clone(), json!(rows.as_array().map_or(0, Vec::len)))).collect()
}

fn tally(entries: &[Entry]) -> Value {
    let mut platforms: BTreeMap<&str, BTreeMap<&str, BTreeMap<String, u64>>> = BTreeMap::new();
    for entry in entries {
        let platform = platforms.entry(entry.platform.name()).or_default();
        *platform.entry("status").or_default().entry(entry.status.to_string()).or_default() += 1;
        if let Some(fault) = &entry.fault {
            *platform.entry("faults").or_default().entry(fault.clone()).or_default() += 1;
        }
        if let Some(effect) = &entry.effect {
            let part = |key| effect[key].as_str().unwrap_or("?").to_owned();
            let name = format!("{} {}", part("record"), part("verb"));
            *platform.entry("effects").or_default().entry(name).or_default() += 1;
        }
    }
    json!(platforms)
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

async fn page(State(shared): State<Arc<Shared>>) -> Html<String> {
    Html(web_page::start(&shared))
}

#[derive(Deserialize)]
struct Before {
    before: Option<u64>,
}

async fn calls(State(shared): State<Arc<Shared>>, Query(query): Query<Before>) -> Html<String> {
    Html(web_page::calls_page(&shared, query.before))
}

async fn browse(
    State(shared): State<Arc<Shared>>,
    Path((platform, collection)): Path<(String, String)>,
) -> Response {
    let found = PLATFORMS.into_iter().find(|known| known.name() == platform);
    let rows = found.and_then(|platform| shared.snapshot(platform).get(&collection).cloned());
    let Some(Value::Array(rows)) = rows else {
        return refuse(StatusCode::NOT_FOUND, &format!("no collection {collection} of {platform}; see /"));
    };
    Html(web_page::records_page(&platform, &collection, &rows)).into_response()
}
