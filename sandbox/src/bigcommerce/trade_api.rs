//! Trade over the administration API. In: JSON. Out: order numbers, or what was wrong in words.

use std::sync::{Arc, Weak};

use axum::{
    Json, Router,
    extract::{Path, State as Held},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Store, trade::Edit, trade::Trade};

/// Orders placed by one call.
const MOST: u32 = 10_000;

/// The routes, which end with the store.
pub(super) fn router(store: &Arc<Store>) -> Router {
    Router::new()
        .route("/orders", post(place))
        .route("/orders/{id}/edit", post(edit))
        .route("/orders/{id}/cancel", post(cancel))
        .route("/orders/{id}/archive", post(archive))
        .route("/orders/{id}/status", post(status))
        .route("/orders/{id}/pay", post(pay))
        .with_state(Arc::downgrade(store))
}

type Book = Held<Weak<Store>>;

fn answer(done: Result<Value, String>) -> Response {
    match done {
        Ok(value) => Json(value).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}

fn with(store: &Weak<Store>, work: impl FnOnce(&Arc<Store>) -> Result<Value, String>) -> Response {
    answer(store.upgrade().ok_or_else(|| "the store is closed".to_owned()).and_then(|store| work(&store)))
}

/// `{"count": 3, …a trade…}`: the numbers of the orders placed.
async fn place(Held(store): Book, body: Option<Json<Value>>) -> Response {
    with(&store, |store| {
        let Json(mut body) = body.unwrap_or_else(|| Json(json!({})));
        let count = body.as_object_mut().and_then(|body| body.remove("count"));
        let count = count.map_or(Some(1), |count| count.as_u64().and_then(|count| u32::try_from(count).ok()));
        let count = count.filter(|count| (1..=MOST).contains(count)).ok_or("count has to be 1 to 10000")?;
        let trade: Trade = serde_json::from_value(body).map_err(|error| format!("not a trade: {error}"))?;
        let ids = (0..count).map(|_| store.place(&trade)).collect::<Result<Vec<u64>, String>>()?;
        Ok(json!({ "order_ids": ids }))
    })
}

async fn edit(Held(store): Book, Path(id): Path<u64>, Json(edit): Json<Value>) -> Response {
    with(&store, |store| {
        let edit: Edit = serde_json::from_value(edit).map_err(|error| format!("not an edit: {error}"))?;
        store.edit(id, &edit).map(|()| json!({}))
    })
}

async fn cancel(Held(store): Book, Path(id): Path<u64>) -> Response {
    with(&store, |store| store.cancel(id).map(|()| json!({})))
}

async fn archive(Held(store): Book, Path(id): Path<u64>) -> Response {
    with(&store, |store| store.archive_order(id).map(|()| json!({})))
}

#[derive(Deserialize)]
struct NewStatus {
    status_id: u64,
}

async fn status(Held(store): Book, Path(id): Path<u64>, Json(to): Json<NewStatus>) -> Response {
    with(&store, |store| store.set_order_status(id, to.status_id).map(|()| json!({})))
}

async fn pay(Held(store): Book, Path(id): Path<u64>) -> Response {
    with(&store, |store| store.receive_payment(id).map(|()| json!({})))
}
