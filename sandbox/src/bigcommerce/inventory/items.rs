//! Reads of stock. In: filters. Out: items with their levels, at one location or at all. Only items that are tracked are shown,
//! and only where a level was ever set (choice).

use std::sync::Arc;

use axum::{Router, extract::State as Held, routing::get};
use serde_json::{Value, json};

use super::{Level, locations, tracking};
use crate::bigcommerce::{
    Store,
    answer::{Answer, Id, Refusal, gone_v3},
    query::Params,
    state::State,
};

/// Rows in a page.
const MOST_ROWS: usize = 1000;
const FILTERS: &[&str] = &["sku", "variant_id", "product_id", "location_id", "location_code"];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new().route("/v3/inventory/items", get(everywhere))
}

/// The items that pass the filters. A filter by SKU or id goes straight to what it names.
fn chosen<'s>(state: &'s State, params: &Params) -> Result<Vec<(&'s Value, &'s Value)>, Refusal> {
    params.known(FILTERS)?;
    let (skus, variants) = (params.words("sku:in"), params.ids("variant_id:in"));
    let products = params.ids("product_id:in");
    let mut found: Vec<(&Value, &Value)> = if let Some(skus) = &skus {
        let ids = skus.iter().filter_map(|sku| state.by_sku(sku)?.1);
        ids.filter_map(|id| state.variant(id)).collect()
    } else if let Some(variants) = &variants {
        variants.iter().filter_map(|id| state.variant(*id)).collect()
    } else {
        state.variants().collect()
    };
    let holds = |ids: &Option<std::collections::BTreeSet<u64>>, id: &Value| {
        ids.as_ref().is_none_or(|ids| id.as_u64().is_some_and(|id| ids.contains(&id)))
    };
    found.retain(|(product, variant)| {
        tracking(product) != "none" && holds(&variants, &variant["id"]) && holds(&products, &product["id"])
    });
    found.sort_by_key(|(_, variant)| variant["id"].as_u64());
    Ok(found)
}

fn identity(product: &Value, variant: &Value) -> Value {
    json!({ "sku": variant["sku"], "variant_id": variant["id"], "product_id": product["id"] })
}

fn levels(level: &Level, now: jiff::Timestamp) -> [(&'static str, Value); 3] {
    [
        ("available_to_sell", json!(level.sellable(now))),
        ("total_inventory_onhand", json!(level.shown(now))),
        ("settings", level.settings()),
    ]
}

async fn everywhere(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let now = store.shared.clock.now();
    let (ids, codes) = (params.ids("location_id:in"), params.words("location_code:in"));
    let wanted = |id: u64, row: &Value| {
        let code = row["code"].as_str().unwrap_or("").to_lowercase();
        ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && codes.as_ref().is_none_or(|codes| codes.contains(&code))
    };
    let shown = |(product, variant): (&Value, &Value)| {
        let mut identity = identity(product, variant);
        identity["sku_id"] = variant["sku_id"].clone();
        let stock = state.shelf.stock.of_variant(variant["id"].as_u64().unwrap_or(0));
        let places = stock.filter_map(|(id, level)| Some((id, level, state.shelf.locations.get(&id)?)));
        let places: Vec<Value> = places
            .filter(|(id, _, row)| wanted(*id, row))
            .map(|(id, level, row)| {
                let mut place = json!({
                    "location_id": id,
                    "location_code": row["code"],
                    "location_name": row["label"],
                    "location_enabled": row["enabled"],
                });
                for (field, value) in levels(level, now) {
                    place[field] = value;
                }
                place
            })
            .collect();
        json!({ "identity": identity, "locations": places })
    };
    params.paged(&chosen(&state, &params)?, MOST_ROWS, shown)
}

/// `GET /v3/inventory/locations/{id}/items`.
pub(super) async fn at_location(Held(store): Held<Arc<Store>>, Id(location): Id, params: Params) -> Answer {
    let state = store.state();
    let now = store.shared.clock.now();
    if !locations::exists(&state, location) {
        return Err(gone_v3());
    }
    let level = |variant: &Value| state.shelf.stock.get(location, variant["id"].as_u64()?);
    let mut found = chosen(&state, &params)?;
    found.retain(|(_, variant)| level(variant).is_some());
    let shown = |(product, variant): (&Value, &Value)| {
        let mut row = json!({ "identity": identity(product, variant) });
        for (field, value) in level(variant).map(|level| levels(level, now)).into_iter().flatten() {
            row[field] = value;
        }
        row
    };
    params.paged(&found, MOST_ROWS, shown)
}
