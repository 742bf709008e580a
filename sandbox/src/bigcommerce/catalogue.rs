//! Reads of the store itself: channels, currencies, store information. In:
//! calls. Out: V2 and V3 answers. It must never change anything.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Held,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    Store,
    answer::{Answer, Id, data, gone, gone_v3, list as v2_list},
    currency,
    query::Params,
};

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/channels", get(channels))
        .route("/v3/channels/{id}", get(channel))
        .route("/v2/store", get(store_information))
        .route("/v2/currencies", get(currencies))
        .route("/v2/currencies/{id}", get(one_currency))
}

async fn channels(params: Params) -> Answer {
    params.answer(
        &Store::channels(),
        &["available", "status", "type", "platform", "date_created", "date_modified"],
        false,
    )
}

async fn channel(Id(id): Id) -> Answer {
    Store::channels().iter().find(|row| row["id"] == json!(id)).map(data).ok_or_else(gone_v3)
}

async fn currencies(Held(store): Held<Arc<Store>>, params: Params) -> Response {
    v2_list(&params.page(&currency::list(&store.settings.currency)))
}

async fn one_currency(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let all = currency::list(&store.settings.currency);
    all.into_iter().find(|row| row["id"] == json!(id)).map(|row| Json(row).into_response()).ok_or_else(gone)
}

async fn store_information(Held(store): Held<Arc<Store>>) -> Json<Value> {
    let settings = &store.settings;
    let plan = match settings.plan {
        super::Plan::Plus => "Plus",
        super::Plan::Pro => "Pro",
        super::Plan::Unlimited => "Enterprise",
    };
    Json(json!({
        "id": settings.store_hash,
        "store_id": settings.store_id,
        "account_uuid": "00000000-0000-4000-8000-000000000000",
        "name": settings.name,
        "domain": "shop.example.com",
        "secure_url": "https://shop.example.com",
        "control_panel_base_url": "https://panel.example.com",
        "status": "live",
        "country": "United States",
        "country_code": "US",
        "admin_email": "owner@example.com",
        "order_email": "orders@example.com",
        "language": "en",
        "currency": settings.currency,
        "currency_symbol": "$",
        "decimal_separator": ".",
        "thousands_separator": ",",
        "decimal_places": currency::digits(&settings.currency),
        "currency_symbol_location": "left",
        "weight_units": "KGS",
        "dimension_units": "Centimeters",
        "timezone": { "name": "America/Chicago", "raw_offset": -21600, "dst_offset": -18000, "dst_correction": true },
        "plan_name": plan,
        "plan_level": plan,
        "plan_is_trial": false,
        "is_price_entered_with_tax": store.state().shelf.tax_settings["tax_entered_with_prices"],
        "default_channel_id": 1,
        "default_site_id": 1000,
        "features": {
            "multi_storefront_enabled": true,
            "storefront_limits": { "active": 3, "total_including_inactive": 5 },
        },
    }))
}
