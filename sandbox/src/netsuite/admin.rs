//! The administration API of the account, below `/netsuite`: what people and time do to it that no REST call does.
//!
//! In: JSON. Out: JSON. It must never answer as the platform would.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Account, output::figures, service};

/// Routes: the login audit trail, stock, new items, access tokens.
pub(super) fn router(account: Arc<Account>) -> Router {
    Router::new()
        .route(
            "/login-audit",
            get(|State(account): State<Arc<Account>>| async move { Json(account.gate.trail()) }),
        )
        .route("/stock", post(stock))
        .route("/items", post(enter))
        .route("/void", post(void))
        .route(
            "/revoke-tokens",
            post(|State(account): State<Arc<Account>>| async move {
                account.gate.revoke();
                StatusCode::NO_CONTENT
            }),
        )
        .with_state(account)
}

/// A movement of stock outside any record: `{"item": 1001, "location": 2, "by": -3}`; `by` is what is on hand, `in_transit`
/// and `on_order` say what is on its way there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Movement {
    item: i64,
    location: i64,
    #[serde(default)]
    by: i64,
    #[serde(default)]
    in_transit: i64,
    #[serde(default)]
    on_order: i64,
}

/// An item that only the store sold so far: `{"sku": "LAMP-NEW"}`.
#[derive(Deserialize)]
struct NewItem {
    sku: String,
}

/// A transaction that people void: `{"record": "customerRefund", "id": 7012}`.
#[derive(Deserialize)]
struct Voided {
    record: String,
    id: i64,
}

async fn void(State(account): State<Arc<Account>>, Json(voided): Json<Voided>) -> Response {
    let mut store = account.store();
    match service::void(&account, &mut store, &voided.record, voided.id) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => refused(StatusCode::NOT_FOUND, &problem.detail),
    }
}

async fn enter(State(account): State<Arc<Account>>, Json(item): Json<NewItem>) -> Response {
    match account.enter_item(&item.sku) {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(error) => refused(StatusCode::BAD_REQUEST, &error),
    }
}

async fn stock(State(account): State<Arc<Account>>, Json(movement): Json<Movement>) -> Response {
    let Movement { item, location, by, in_transit, on_order } = movement;
    let now = account.now();
    let mut store = account.store();
    if store.get("inventoryItem", item).is_none() || store.get("location", location).is_none() {
        let reason = format!("there is no inventory item {item} or no location {location}");
        return refused(StatusCode::NOT_FOUND, &reason);
    }
    let stock = store.stock_at(item, location, now);
    if stock.in_transit + in_transit < 0 || stock.on_order + on_order < 0 {
        return refused(StatusCode::BAD_REQUEST, "less than nothing would be on its way");
    }
    stock.on_hand += by;
    stock.in_transit += in_transit;
    stock.on_order += on_order;
    let stock = *stock;
    store.stamp(now);
    let shown: Map<String, Value> =
        figures(stock).into_iter().map(|(name, figure)| (name.to_owned(), json!(figure))).collect();
    Json(shown).into_response()
}

fn refused(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "error": reason }))).into_response()
}
