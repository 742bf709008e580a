//! The store's tax settings. In: some of them. Out: all of them.

use std::sync::Arc;

use axum::{Router, extract::State as Held, routing::get};

use crate::bigcommerce::{
    Store,
    answer::{Answer, Sent, data, effect, unusable},
    shape::shape,
};

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new().route("/v3/tax/settings", get(read).put(write))
}

async fn read(Held(store): Held<Arc<Store>>) -> Answer {
    Ok(data(&store.state().shelf.tax_settings))
}

async fn write(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    shape("tax_settings").check(&sent.0, false)?;
    let mut state = store.state();
    for field in ["guest_shopper_tax_zone_id", "store_tax_zone_id"] {
        let zone = sent.0.get(field).and_then(serde_json::Value::as_u64);
        if zone.is_some_and(|id| !state.shelf.tax_zones.contains_key(&id)) {
            return Err(unusable(&[(field, "Tax zone was not found")]));
        }
    }
    shape("tax_settings").write(&sent.0, &mut state.shelf.tax_settings);
    let fields: Vec<String> =
        sent.0.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    Ok(effect(data(&state.shelf.tax_settings), "tax_settings", &"store", "update", &fields))
}
