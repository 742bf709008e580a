//! `/v3/orders/{id}/transactions`: the only place that tells how an order was paid. In: calls. Out: V3 answers; 204 for
//! an order without a movement of money. And the order's refunds.

use std::sync::Arc;

use axum::{Router, extract::State as Held, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Value, json};

use super::{
    Store,
    answer::{Answer, Id, gone_v3},
    order::{Order, Transaction},
    query::Params,
    refund,
};

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/orders/{id}/transactions", get(list))
        .route("/v3/orders/{id}/payment_actions/refunds", get(refunds))
}

/// Every movement of an order's money as V3 prints it.
pub(super) fn all(order: &Order) -> Vec<Value> {
    order.transactions.iter().map(|movement| view(order, movement)).collect()
}

async fn refunds(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    let order = store.filed(&state, id).ok_or_else(gone_v3)?.order();
    params.answer(
        &order.refunds.iter().map(|refund| refund::view(order, refund)).collect::<Vec<_>>(),
        &[],
        false,
    )
}

async fn list(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    let order = store.filed(&state, id).ok_or_else(gone_v3)?.order();
    if order.transactions.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    params.answer(&all(order), &[], false)
}

fn view(order: &Order, movement: &Transaction) -> Value {
    let mut out = json!({
        "id": movement.id,
        "order_id": order.id.to_string(),
        "date_created": movement.created.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        "event": movement.event,
        "method": movement.method,
        "amount": movement.amount.v3(),
        "currency": order.currency,
        "gateway": movement.gateway,
        "gateway_transaction_id": format!("gw-{}", movement.id),
        "status": if movement.ok { "ok" } else { "error" },
        "test": true,
        "fraud_review": false,
        "reference_transaction_id": movement.reference,
        "payment_method_id": format!("{}.{}", movement.gateway, movement.method),
        "payment_instrument_token": null,
        "avs_result": {},
        "cvv_result": {},
        "credit_card": null,
        "gift_certificate": null,
        "store_credit": null,
        "offline": null,
        "custom": null,
    });
    for (name, value) in &movement.detail {
        out[name] = value.clone();
    }
    out
}
