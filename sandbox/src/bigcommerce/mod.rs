//! The `BigCommerce` twin. In: [`Settings`]. Out: a router that answers as the store's REST API does, and a [`Store`] to
//! trade in. It must never read what the `NetSuite` twin holds.

mod answer;
mod catalogue;
mod currency;
mod customers;
mod delivery;
mod draw;
mod drawn;
mod fields;
mod groups;
mod hooks;
mod inventory;
mod kind;
mod lanes;
mod metafields;
mod money;
mod order;
mod order_write;
mod orders;
mod prices;
mod pricing;
mod products;
mod promotions;
mod query;
mod quota;
mod refund;
mod scopes;
mod settings;
mod shape;
mod shelf;
mod shipments;
mod state;
mod status;
mod stock;
mod tax;
mod tax_view;
mod taxes;
mod tender;
mod trade;
mod trade_api;
mod transactions;
mod view;

use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Request, State as Held},
    http::{Method, StatusCode, Uri},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

pub use delivery::sign;
pub use drawn::{Drawn, Figures, On, Part};
pub use kind::{Back, OrderKind};
pub use settings::{Access, Account, Plan, Settings};
pub use tax::Rounding;
pub use trade::{Edit, MARKETPLACE, TaxCase, Tender, Trade};

use crate::{Error, Shared, door, fault::Kind, ledger::Platform, run::state_file};
use answer::{Refusal, fail, missing};
use delivery::Courier;
use lanes::Lanes;
use quota::Quota;
use state::State;

const UNAUTHORIZED: &str = "Unauthorized - the v3 Auth client ID or token in the request are not a valid combination for this store.";

/// One store.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    settings: Settings,
    loopback_hooks: bool,
    state: Mutex<State>,
    quota: Mutex<Quota>,
    lanes: Lanes,
    courier: Courier,
    trade: Mutex<draw::Floor>,
}

impl Store {
    /// Opens the store: seeds it, or reads what an earlier run has left in the state folder. Has to be called within
    /// a tokio runtime.
    pub fn open(shared: Arc<Shared>, settings: Settings, loopback_hooks: bool) -> Result<Arc<Self>, Error> {
        let settings = settings.complete(shared.seed);
        let kept = read(&shared)?;
        let fresh = kept.is_none();
        let timeout = Duration::from_millis(settings.hook_timeout_ms);
        let store = Arc::new(Self {
            courier: Courier::new(shared.seed, loopback_hooks, timeout)?,
            trade: Mutex::new(draw::Floor::new(shared.seed)),
            state: Mutex::new(kept.unwrap_or_default()),
            quota: Mutex::new(Quota::new()),
            lanes: Lanes::new(),
            settings,
            loopback_hooks,
            shared,
        });
        store.furnish();
        if fresh {
            store.stock();
        }
        store.offer();
        Ok(store)
    }

    /// Address and credentials.
    pub fn access(&self) -> Access {
        self.settings.access(&self.shared.bases.bigcommerce)
    }

    /// The settings, with what was made up from the seed.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What every store has from the start, also one whose records were kept before there was such a thing.
    fn furnish(&self) {
        let now = self.shared.clock.now();
        let mut state = self.state();
        state.reindex();
        if state.shelf.locations.is_empty() {
            inventory::furnish(&mut state, &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            products::furnish(&mut state);
            taxes::furnish(&mut state, &now.strftime("%Y-%m-%d %H:%M:%S+00:00").to_string());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(self: &Arc<Self>) {
        let look = |view: fn(&State) -> Value| -> crate::Snapshot {
            let store = Arc::downgrade(self);
            Box::new(move || store.upgrade().map_or(Value::Null, |store| view(&store.state())))
        };
        let save = look(|state| serde_json::to_value(state).unwrap_or_default());
        self.shared.offer(Platform::Bigcommerce, look(State::snapshot), save, trade_api::router(self));
    }

    /// The account of a call, by its token.
    fn account(&self, request: &Request) -> Option<Account> {
        let token = request.headers().get("x-auth-token")?.to_str().ok()?;
        self.settings.accounts.iter().find(|account| account.access_token == token).cloned()
    }

    fn refuse_account(path: &str) -> Refusal {
        fail(path, StatusCode::UNAUTHORIZED, UNAUTHORIZED)
    }
}

fn read(shared: &Shared) -> Result<Option<State>, Error> {
    let Some(path) = shared.state.as_ref().map(|folder| state_file(folder, Platform::Bigcommerce)) else {
        return Ok(None);
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::State { path, source }),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Error::Unreadable { path, reason: error.to_string() })
}

/// The store's REST API behind the door.
pub fn router(store: &Arc<Store>) -> Router {
    let api = Router::new()
        .route("/v2/time", get(time))
        .merge(orders::routes())
        .merge(transactions::routes())
        .merge(hooks::routes())
        .merge(metafields::routes())
        .merge(customers::routes())
        .merge(catalogue::routes())
        .merge(shipments::routes())
        .merge(groups::routes())
        .merge(inventory::routes())
        .merge(prices::routes())
        .merge(products::routes())
        .merge(promotions::routes())
        .merge(taxes::routes());
    let router = Router::new()
        .nest(&format!("/stores/{}", store.settings.store_hash), api)
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(store.clone(), admit))
        .with_state(store.clone());
    let wording = {
        let store = store.clone();
        Arc::new(move |kind: &Kind, path: &str| store.word(kind, path))
    };
    door::guard(store.shared.clone(), Platform::Bigcommerce, wording, router)
}

/// Who may pass: a known token, within the quota.
async fn admit(Held(store): Held<Arc<Store>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if request.method() == Method::PATCH {
        return fail(&path, StatusCode::NOT_IMPLEMENTED, "PATCH is not supported.").into_response();
    }
    let Some(account) = store.account(&request) else {
        return Store::refuse_account(&path).into_response();
    };
    let verdict = {
        let mut quota = store.quota.lock().unwrap_or_else(PoisonError::into_inner);
        quota.spend(store.shared.clock.reading(), store.settings.plan)
    };
    let within = verdict.is_none_or(|verdict| verdict.pass);
    let place =
        store.lanes.enter(request.method(), &path, store.settings.refuse_bulk_beside_bulk).filter(|_| within);
    let mut answer = if place.is_some() {
        if store.settings.latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(store.settings.latency_ms)).await;
        }
        request.extensions_mut().insert(account);
        next.run(request).await
    } else {
        too_many(&path)
    };
    drop(place);
    if let Some(verdict) = verdict {
        verdict.write(answer.headers_mut());
    }
    answer
}

impl Store {
    /// The answers of the faults that are answers.
    fn word(&self, kind: &Kind, path: &str) -> Response {
        match kind {
            Kind::TooMany => {
                let quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
                let verdict = quota.exhausted(self.shared.clock.reading(), self.settings.plan);
                let mut answer = too_many(path);
                if let Some(verdict) = verdict {
                    verdict.write(answer.headers_mut());
                }
                answer
            }
            Kind::ExpiredToken => Self::refuse_account(path).into_response(),
            _ => fail(path, StatusCode::INTERNAL_SERVER_ERROR, "Internal server error.").into_response(),
        }
    }
}

/// The body of a 429 is not documented; both versions get the shape of V3.
fn too_many(path: &str) -> Response {
    let body = json!({
        "status": 429,
        "title": "Too many requests",
        "type": "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes",
        "instance": path,
        "errors": {},
    });
    (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response()
}

async fn nothing(uri: Uri) -> Refusal {
    missing(uri.path())
}

async fn wrong_method(uri: Uri) -> Refusal {
    fail(uri.path(), StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for this resource.")
}

async fn time(Held(store): Held<Arc<Store>>) -> Json<Value> {
    Json(json!({ "time": store.shared.clock.now().as_second() }))
}
