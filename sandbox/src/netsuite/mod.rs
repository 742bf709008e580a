//! The `NetSuite` twin: token endpoint, record service, `SuiteQL`, metadata catalogue, asynchronous jobs, one `RESTlet`.
//!
//! In: [`Settings`]. Out: a router that answers as an account's REST services do, behind the door. It must never read what
//! the `BigCommerce` twin holds, nor take a total that was sent.
//!
//! Where the platform's documentation is silent, this twin chose (a switch in [`Settings`] where one may want another):
//! a line without a price level, or with any but -1, takes the item's table price; items without prices are custom; closed
//! lines still count in the total; header shipping wants a ship method; taxes of header shipping and handling are referred
//! to as `SHIPPING` and `HANDLING`; certificates redeemed lower the total; `tranId` and every total that is
//! sent is passed over; a person needs a last name; external ids are unique within a record type; a fulfilment counts as
//! fulfilled once it is shipped; the members of a kit are lines in `SuiteQL` and take up line keys after the kit's; a price
//! level has rows as long as it has a `discountPct`; matrix options are multiple-select fields of custom lists; price groups
//! of a customer are the table `customergrouppricing`; a return credits no more than stands on it; voiding leaves a
//! transaction with no figures; a removal of personal information blanks fields without asking a rule.
//!
//! Fixed ids of what an account holds at its start are listed in `seeds.rs`; `seeds.json` has the values.

mod admin;
mod amount;
mod auth;
mod change;
mod filter;
mod http;
mod input;
mod jobs;
mod list;
mod metadata;
mod output;
mod restlet;
mod rules;
mod schema;
mod seeds;
mod service;
mod settings;
mod store;
mod sub;
mod suiteql;
mod time;
mod transform;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::Method,
    response::Response,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

pub use settings::{
    Certificate, CustomField, CustomKind, CustomRecord, Restlet, Settings, Stamps, TaxMode, Tba,
};

use self::{
    auth::Gate,
    http::{Call, JSON, Problem, Reply, decode, pairs},
    jobs::Jobs,
    output::{Output, Shape},
    schema::Schema,
    service::Address,
    settings::TOKEN_PATH,
    store::Store,
    suiteql::Database,
};
use crate::{Shared, door, fault::Kind as Fault, ledger::Platform, run::state_file};

/// The largest body the platform takes.
const BODY_LIMIT: usize = 104 * 1024 * 1024;

/// One account.
pub(crate) struct Account {
    pub(crate) shared: Arc<Shared>,
    pub(crate) settings: Settings,
    pub(crate) schema: Schema,
    pub(crate) jobs: Jobs,
    gate: Gate,
    slots: Arc<Semaphore>,
    store: Mutex<Store>,
    database: Mutex<Database>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("account", &self.settings.account).finish_non_exhaustive()
    }
}

/// The account's REST API behind the door.
pub(crate) fn router(account: &Arc<Account>) -> Router {
    let (account, shared) = (account.clone(), account.shared.clone());
    let gate = account.clone();
    let wording = move |kind: &Fault, path: &str| {
        if *kind == Fault::ExpiredToken {
            // A client that only tries again with the same token is seen.
            gate.gate.revoke();
        }
        wording(kind, path.starts_with(restlet::PATH))
    };
    let router = Router::new().fallback(serve).with_state(account);
    door::guard(shared, Platform::Netsuite, Arc::new(wording), router)
}

/// How faults that are answers are worded.
fn wording(kind: &Fault, restlet: bool) -> Response {
    if restlet {
        return match kind {
            Fault::TooMany => restlet::full(),
            Fault::ExpiredToken => restlet::reword(Problem::login().reply()),
            _ => restlet::refuse(500, "UNEXPECTED_ERROR", "An unexpected error occurred."),
        }
        .respond();
    }
    match kind {
        Fault::TooMany => Problem::concurrency(),
        Fault::ExpiredToken => Problem::login(),
        _ => Problem::unexpected("sandboxfaultonrequest"),
    }
    .reply()
    .respond()
}

async fn serve(State(account): State<Arc<Account>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Problem::request("the body is too large or was cut off").reply().respond();
    };
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
    let own = &account.shared.bases.netsuite;
    let scheme = own.split("://").next().unwrap_or("http");
    let call = Call {
        base: host.map_or_else(|| own.clone(), |host| format!("{scheme}://{host}")),
        raw_path: parts.uri.path().to_owned(),
        path: parts.uri.path().split('/').filter(|part| !part.is_empty()).map(decode).collect(),
        query: pairs(parts.uri.query().unwrap_or_default()),
        method: parts.method,
        headers: parts.headers,
        body,
    };
    account.pass(call).await.respond()
}

impl Account {
    /// Opens the account, and offers its records and its administration to the frame.
    pub(crate) fn offer(shared: &Arc<Shared>, settings: &Settings) -> Arc<Self> {
        let account = Arc::new(Self::open(shared.clone(), settings.clone()));
        let (shown, kept) = (account.clone(), account.clone());
        shared.offer(
            Platform::Netsuite,
            Box::new(move || shown.snapshot()),
            Box::new(move || serde_json::to_value(kept.store().saved()).unwrap_or_default()),
            admin::router(account.clone()),
        );
        account
    }

    /// Somebody enters an item that only the store sold so far.
    pub(crate) fn enter_item(&self, sku: &str) -> Result<(), String> {
        let mut store = self.store();
        if store.all("inventoryItem").any(|item| item.text("itemId") == sku) {
            return Err(format!("the account has an item {sku} already"));
        }
        seeds::enter(&mut store, &self.schema, &self.settings, sku, self.now())
    }

    fn open(shared: Arc<Shared>, settings: Settings) -> Self {
        let schema = Schema::load(&settings.custom_fields, &settings.custom_records, settings.tax_mode);
        let store = restore(&shared).unwrap_or_else(|| {
            let mut store = Store::default();
            seeds::fill(&mut store, &schema, &settings, shared.clock.now());
            store
        });
        Self {
            jobs: Jobs::default(),
            gate: Gate::new(shared.clone(), settings.clone()),
            slots: Arc::new(Semaphore::new(settings.concurrency)),
            store: Mutex::new(store),
            database: Mutex::new(Database::open(&shared, &schema, &settings)),
            shared,
            settings,
            schema,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Login, slot, work.
    async fn pass(self: &Arc<Self>, call: Call) -> Reply {
        if call.raw_path == TOKEN_PATH {
            return if call.method == Method::POST {
                self.gate.token(&call)
            } else {
                Problem::method().reply()
            };
        }
        let scripted = call.raw_path == restlet::PATH;
        let scope = if scripted { "restlets" } else { "rest_webservices" };
        if let Err(refusal) = self.gate.admit(&call, scope) {
            return if scripted { restlet::reword(*refusal) } else { *refusal };
        }
        let Ok(_slot) = self.slots.clone().try_acquire_owned() else {
            return if scripted { restlet::full() } else { Problem::concurrency().reply() };
        };
        if self.settings.service_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.settings.service_ms)).await;
        }
        let operation = settings::secret();
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let deferred =
            matches!(path[..], ["services", "rest", "record", "v1", kind, ..] if kind != "metadata-catalog");
        let reply = if deferred && call.prefers("respond-async") {
            Jobs::submit(self, &call)
        } else {
            self.answer(&call)
        };
        reply.with("x-n-operationid", &operation[..32])
    }

    /// Does what a call asks for.
    pub(crate) fn answer(&self, call: &Call) -> Reply {
        restlet::advance(self, &mut self.store());
        if call.raw_path == restlet::PATH {
            return restlet::serve(self, call);
        }
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let reply = match path[..] {
            ["services", "rest", "record", "v1", "metadata-catalog"] => {
                metadata::serve(&self.schema, call, None)
            }
            ["services", "rest", "record", "v1", "metadata-catalog", name] => {
                metadata::serve(&self.schema, call, Some(name))
            }
            ["services", "rest", "record", "v1", kind, ..] => self.record(call, kind, &call.path[5..]),
            ["services", "rest", "query", "v1", "suiteql"] => self.query(call),
            ["services", "rest", "async", "v1", ref rest @ ..] => self.jobs.serve(call, rest),
            ["services", "rest", "system", "v1", name] => self.system(call, name),
            _ => Err(Problem::missing()),
        };
        reply.unwrap_or_else(|problem| problem.reply())
    }

    fn record(&self, call: &Call, kind: &str, rest: &[String]) -> Result<Reply, Problem> {
        let def = self.schema.record(kind).ok_or_else(|| Problem {
            status: 404,
            ..Problem::request(format!("there is no record type {kind:?}"))
        })?;
        let mut store = self.store();
        let store = &mut *store;
        let Some((at, rest)) = rest.split_first() else {
            return match call.method {
                Method::GET => list::serve(self, store, call, def),
                Method::POST => service::create(self, store, call, def),
                _ => Err(Problem::method()),
            };
        };
        let at = Address::parse(at)?;
        match (&call.method, rest) {
            (&Method::GET, []) => service::get(self, store, call, def, &at),
            (&Method::PATCH | &Method::PUT, []) => service::write_at(self, store, call, def, &at),
            (&Method::DELETE, []) => service::delete(self, store, def, &at),
            (&Method::POST, [verb, target]) if verb == "!transform" => {
                transform::serve(self, store, call, def, (&at, target))
            }
            (_, []) => Err(Problem::method()),
            (_, path) => sub::serve(self, store, call, def, (&at, path)),
        }
    }

    fn query(&self, call: &Call) -> Result<Reply, Problem> {
        if call.method != Method::POST {
            return Err(Problem::method());
        }
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut store = self.store();
            database.follow(&mut store, &self.schema);
        }
        database.serve(call)
    }

    fn system(&self, call: &Call, name: &str) -> Result<Reply, Problem> {
        let body = match (&call.method, name) {
            (&Method::GET, "serverTime") => {
                json!({ "serverTime": self.now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string() })
            }
            (&Method::GET, "governanceLimits") => {
                let limit = self.settings.concurrency;
                json!({
                    "accountConcurrencyLimit": limit, "accountUnallocatedConcurrencyLimit": limit,
                    "integrationLimitType": "accountLimit",
                })
            }
            (_, "serverTime" | "governanceLimits") => return Err(Problem::method()),
            _ => return Err(Problem::missing()),
        };
        Ok(Reply::ok(body, JSON))
    }

    /// The records that people and tests look at, as flat objects by record type.
    fn snapshot(&self) -> Value {
        let store = self.store();
        let output = Output { store: &store, schema: &self.schema, base: "", shape: Shape::default() };
        let mut all = Map::new();
        for def in self.schema.records().filter(|def| def.family != "list") {
            let rows: Vec<Value> = store
                .all(&def.name)
                .map(|record| {
                    let mut row = Map::new();
                    row.insert("id".into(), json!(record.id.to_string()));
                    row.insert("externalId".into(), json!(record.external_id));
                    for (name, value) in output.whole(record) {
                        match value {
                            Value::Array(lines) => row.insert(name, json!(lines.len())),
                            Value::Object(_) => None,
                            value => row.insert(name, value),
                        };
                    }
                    Value::Object(row)
                })
                .collect();
            all.insert(def.name.clone(), Value::Array(rows));
        }
        all.insert("stock".into(), stock_rows(&store));
        all.insert("pricing".into(), price_rows(&store, &self.schema));
        Value::Object(all)
    }
}

/// What is on hand and available of every item, by location.
fn stock_rows(store: &Store) -> Value {
    let row = |((item, location), stock): (&(i64, i64), &store::Stock)| {
        let sku = store.get("inventoryItem", *item).map(|item| item.text("itemId"));
        let mut row = json!({ "item": item.to_string(), "sku": sku, "location": location.to_string() });
        for (name, figure) in output::figures(*stock) {
            row[name] = json!(figure);
        }
        row
    };
    store.stock.iter().map(row).collect()
}

/// The prices of every item, by level, currency and least quantity.
fn price_rows(store: &Store, schema: &Schema) -> Value {
    let items = schema.records().filter(|def| def.family == "item").flat_map(|def| store.all(&def.name));
    let rows = items.flat_map(|item| {
        rules::price_rows(store, item).into_iter().map(|row| {
            json!({
                "item": item.id.to_string(), "sku": item.text("itemId"), "priceLevel": row["priceLevel"],
                "currency": row["currencyPage"], "quantity": row["quantity"], "price": row.get("price"),
            })
        })
    });
    rows.collect()
}

/// The store an earlier run has left in the state folder, if any.
fn restore(shared: &Shared) -> Option<Store> {
    let path = state_file(shared.state.as_deref()?, Platform::Netsuite);
    let text = std::fs::read(&path).ok()?;
    match serde_json::from_slice(&text) {
        Ok(saved) => Some(Store::restore(saved)),
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the saved account cannot be read; starting afresh");
            None
        }
    }
}
