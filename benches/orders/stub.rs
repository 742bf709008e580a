//! The shop and the ledger of workload A, and the driver that sends webhooks: all in the benchmark's own process, so that
//! their CPU is nobody's. In: requests. Out: made-up answers. It refuses what a real system would refuse, and counts it.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post, put},
    serve::ListenerExt as _,
};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};

const ORDER: &str = include_str!("order.json");
const LINES: &str = include_str!("products.json");
/// Sales orders of ids below this are kept, to be compared.
const KEPT: u64 = 64;
/// Only ends a benchmark that would hang.
const LIMIT: Duration = Duration::from_secs(60);

/// One shop with its ledger.
#[derive(Default)]
pub(crate) struct Stub {
    /// Orders under way, told when they are tagged.
    waiting: Mutex<HashMap<u64, oneshot::Sender<()>>>,
    kept: Mutex<BTreeMap<u64, Value>>,
    calls: AtomicU64,
    bad: AtomicU64,
}

impl Stub {
    /// Starts one on a free port.
    pub(crate) async fn start() -> std::io::Result<(Arc<Self>, u16)> {
        let stub = Arc::new(Self::default());
        let router = Router::new()
            .route("/v2/orders/{id}", get(order).put(tag))
            .route("/v2/orders/{id}/products", get(lines))
            .route("/services/rest/query/v1/suiteql", post(query))
            .route("/services/rest/record/v1/customer/{id}", put(customer))
            .route("/services/rest/record/v1/salesOrder/{id}", put(sales_order))
            .with_state(Arc::clone(&stub));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((stub, port))
    }

    /// The sales orders that were kept, by order.
    pub(crate) fn kept(&self) -> BTreeMap<u64, Value> {
        lock(&self.kept).clone()
    }

    /// Requests so far, and those that were refused.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.calls.load(Relaxed), self.bad.load(Relaxed))
    }

    fn refuse(&self, what: &str, body: &[u8]) -> Response {
        self.bad.fetch_add(1, Relaxed);
        eprintln!("refused: {what}: {}", String::from_utf8_lossy(body));
        StatusCode::BAD_REQUEST.into_response()
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

type Shared = State<Arc<Stub>>;

fn json_text(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

async fn order(State(stub): Shared, Path(id): Path<u64>) -> Response {
    stub.calls.fetch_add(1, Relaxed);
    let cents = 4000 + id % 9000;
    let total = format!("{}.{:02}00", cents / 100, cents % 100);
    json_text(ORDER.replace("@ID@", &id.to_string()).replace("@TOTAL@", &total))
}

async fn lines(State(stub): Shared, Path(id): Path<u64>) -> Response {
    stub.calls.fetch_add(1, Relaxed);
    json_text(LINES.replace("@ID@", &id.to_string()))
}

/// Finds the customer by e-mail; every tenth buyer is new.
async fn query(State(stub): Shared, body: Bytes) -> Response {
    stub.calls.fetch_add(1, Relaxed);
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = asked["params"][0]
        .as_str()
        .and_then(|mail| mail.strip_prefix("buyer")?.split_once('@')?.0.parse().ok());
    let Some(id): Option<u64> = id else { return stub.refuse("a query without a buyer", &body) };
    let rows = if id % 10 == 0 {
        json!([])
    } else {
        json!([{ "links": [], "id": (100_000 + id).to_string(), "email": format!("buyer{id}@example.org") }])
    };
    let count = rows.as_array().map_or(0, Vec::len);
    let answer = json!({ "links": [], "count": count, "hasMore": false, "items": rows, "offset": 0, "totalResults": count });
    json_text(answer.to_string())
}

async fn customer(State(stub): Shared, Path(id): Path<String>, body: Bytes) -> Response {
    stub.calls.fetch_add(1, Relaxed);
    let given: Value = serde_json::from_slice(&body).unwrap_or_default();
    if given["externalId"].as_str().map(|given| format!("eid:{given}")) != Some(id) {
        return stub.refuse("a customer under another id", &body);
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn sales_order(State(stub): Shared, Path(id): Path<String>, body: Bytes) -> Response {
    stub.calls.fetch_add(1, Relaxed);
    let given: Value = serde_json::from_slice(&body).unwrap_or_default();
    let number = id.strip_prefix("eid:BC-").and_then(|id| id.parse::<u64>().ok());
    let whole = given["item"]["items"].as_array().is_some_and(|lines| lines.len() == 3)
        && given["billingAddress"].as_object().is_some_and(|address| address.len() == 9)
        && given.as_object().is_some_and(|order| order.len() == 32);
    let reference = given["otherRefNum"].as_str().and_then(|text| text.parse().ok());
    let Some(number) = number.filter(|_| whole && number == reference) else {
        return stub.refuse("a sales order that is not whole", &body);
    };
    if number < KEPT {
        lock(&stub.kept).insert(number, given);
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn tag(State(stub): Shared, Path(id): Path<u64>, body: Bytes) -> Response {
    stub.calls.fetch_add(1, Relaxed);
    let given: Value = serde_json::from_slice(&body).unwrap_or_default();
    let number = format!("BC-{id}");
    if given["external_order_id"] != number.as_str() {
        return stub.refuse("another document number", &body);
    }
    match lock(&stub.waiting).remove(&id) {
        // A driver that gave up is told by its own count.
        Some(done) => drop(done.send(())),
        None => return stub.refuse("an order that nobody waits for", &body),
    }
    json_text(json!({ "id": id, "external_order_id": number }).to_string())
}

/// Where webhooks go, and what proves them.
#[derive(Clone)]
pub(crate) struct Hooks {
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) key: &'static str,
}

/// Sends orders in a closed loop, so many in flight; an order is over when its tag arrives. How long all took.
pub(crate) async fn drive(
    stub: &Arc<Stub>,
    hooks: &Hooks,
    ids: Range<u64>,
    in_flight: usize,
) -> Result<Duration, String> {
    let began = Instant::now();
    let next = Arc::new(AtomicU64::new(ids.start));
    let mut lanes: JoinSet<Result<(), String>> = JoinSet::new();
    for _ in 0..in_flight {
        let (stub, hooks, next, end) = (Arc::clone(stub), hooks.clone(), Arc::clone(&next), ids.end);
        lanes.spawn(async move {
            loop {
                let id = next.fetch_add(1, Relaxed);
                if id >= end {
                    return Ok(());
                }
                one(&stub, &hooks, id).await?;
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane.map_err(|error| error.to_string())??;
    }
    Ok(began.elapsed())
}

async fn one(stub: &Stub, hooks: &Hooks, id: u64) -> Result<(), String> {
    let (tell, told) = oneshot::channel();
    lock(&stub.waiting).insert(id, tell);
    let body = format!(
        r#"{{"scope":"order/created","store_id":"7","data":{{"type":"order","id":{id}}},"hash":"5f1c0c","created_at":1793600000,"producer":"stores/bench"}}"#
    );
    let request = hooks
        .client
        .post(&hooks.url)
        .header("x-hook-key", hooks.key)
        .header("content-type", "application/json");
    let answer = request.body(body).send().await.map_err(|error| format!("order {id}: {error}"))?;
    if !answer.status().is_success() {
        return Err(format!("order {id}: the webhook was answered with {}", answer.status()));
    }
    match tokio::time::timeout(LIMIT, told).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(format!("order {id} was not done within {LIMIT:?}")),
    }
}
