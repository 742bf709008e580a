//! Reads of the shop window and of the store itself: products, variants, channels, currencies, store information. In:
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
    answer::{Answer, Id, Ids, data, gone, gone_v3, list as v2_list},
    currency,
    query::Params,
    tax,
};

const PRODUCT_FILTERS: &[&str] = &[
    "id",
    "name",
    "sku",
    "upc",
    "mpn",
    "type",
    "price",
    "weight",
    "availability",
    "is_visible",
    "brand_id",
    "categories",
    "date_modified",
    "date_last_imported",
    "inventory_level",
    "channel_id",
    "condition",
    "is_featured",
    "total_sold",
];
/// Parts of a product that are only shown when asked for.
const PARTS: &[&str] =
    &["variants", "options", "custom_fields", "bulk_pricing_rules", "images", "modifiers", "channels"];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/catalog/products", get(products))
        .route("/v3/catalog/products/{id}", get(product))
        .route("/v3/catalog/products/{id}/variants", get(product_variants))
        .route("/v3/catalog/products/{id}/variants/{variant}", get(variant))
        .route("/v3/catalog/variants", get(variants))
        .route("/v3/channels", get(channels))
        .route("/v3/channels/{id}", get(channel))
        .route("/v2/store", get(store_information))
        .route("/v2/currencies", get(currencies))
        .route("/v2/currencies/{id}", get(one_currency))
        .route("/v2/tax_classes", get(tax_classes))
}

fn shown(product: &Value, params: &Params) -> Value {
    let mut out = product.clone();
    if let Some(object) = out.as_object_mut() {
        object.retain(|field, _| !PARTS.contains(&field.as_str()) || params.names("include", field));
    }
    out
}

async fn products(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let wanted = params.get("keyword").map(str::to_lowercase);
    let found = state.products.values().filter(|product| {
        let text = format!("{} {}", product["name"], product["sku"]).to_lowercase();
        wanted.as_ref().is_none_or(|wanted| text.contains(wanted))
    });
    params.answer(found.map(|product| shown(product, &params)).collect(), PRODUCT_FILTERS, false)
}

async fn product(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    Ok(data(&shown(state.products.get(&id).ok_or_else(gone_v3)?, &params)))
}

fn own_variants(product: &Value) -> Vec<Value> {
    product["variants"].as_array().cloned().unwrap_or_default()
}

async fn product_variants(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    params.answer(own_variants(state.products.get(&id).ok_or_else(gone_v3)?), &[], false)
}

async fn variant(Held(store): Held<Arc<Store>>, Ids(id, variant): Ids) -> Answer {
    let state = store.state();
    let variants = own_variants(state.products.get(&id).ok_or_else(gone_v3)?);
    variants.iter().find(|row| row["id"] == json!(variant)).map(data).ok_or_else(gone_v3)
}

async fn variants(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let all = state.products.values().flat_map(own_variants).collect();
    params.answer(all, &["id", "sku", "upc", "product_id"], false)
}

async fn channels(params: Params) -> Answer {
    params.answer(
        Store::channels(),
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

/// Ids are texts here.
async fn tax_classes(params: Params) -> Response {
    let row = |(id, name): &(u32, &str)| json!({ "id": id.to_string(), "name": name });
    let all: Vec<Value> = tax::CLASSES.iter().map(row).collect();
    v2_list(&params.page(&all))
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
        "is_price_entered_with_tax": false,
        "default_channel_id": 1,
        "default_site_id": 1000,
        "features": {
            "multi_storefront_enabled": true,
            "storefront_limits": { "active": 3, "total_including_inactive": 5 },
        },
    }))
}
