//! Tax rates of zones. In: batches of rates. Out: records. A change leaves alone what it does not name, classes included.

use std::sync::Arc;

use axum::{Router, extract::State as Held, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Value, json};

use super::needed_ids;
use crate::bigcommerce::{
    Store,
    answer::{Answer, Refusal, Sent, array, bulk_effect, gone_v3, several, unusable},
    query::{List, Params},
    shape::shape,
    state::State,
};

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new().route("/v3/tax/rates", get(list).post(create).put(update).delete(remove))
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let list = List { fields: &["id", "tax_zone_id"], ..List::default() };
    params.list(state.shelf.tax_rates.values(), &list, Value::clone)
}

fn check(state: &State, row: &Value) -> Result<(), Refusal> {
    if let Some(zone) = row.get("tax_zone_id")
        && zone.as_u64().is_none_or(|id| !state.shelf.tax_zones.contains_key(&id))
    {
        return Err(unusable(&[("tax_zone_id", "Tax zone was not found")]));
    }
    for class in row["class_rates"].as_array().into_iter().flatten() {
        if class["tax_class_id"].as_u64().is_none_or(|id| !state.shelf.tax_classes.contains_key(&id)) {
            return Err(unusable(&[("class_rates.tax_class_id", "Tax class was not found")]));
        }
    }
    Ok(())
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let rows = array(&sent.0, usize::MAX)?;
    for row in rows {
        shape("tax_rate").check(row, true)?;
        check(&state, row)?;
    }
    let mut out = Vec::new();
    for row in rows {
        let id = state.id("tax rate");
        let mut rate = shape("tax_rate").blank();
        shape("tax_rate").write(row, &mut rate);
        rate["id"] = json!(id);
        state.shelf.tax_rates.insert(id, rate.clone());
        out.push(rate);
    }
    Ok(bulk_effect(several(&out), "tax_rate", &"batch", "create", out.len()))
}

/// The rates of classes, those named in `sent` over those that are there (`tax-rates-zones.mdx`, its example).
fn classes(old: &Value, sent: &Value) -> Value {
    let mut rates = old.as_array().cloned().unwrap_or_default();
    for class in sent.as_array().into_iter().flatten() {
        match rates.iter_mut().find(|rate| rate["tax_class_id"] == class["tax_class_id"]) {
            Some(rate) => rate["rate"] = class["rate"].clone(),
            None => rates.push(class.clone()),
        }
    }
    Value::Array(rates)
}

async fn update(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let mut out = Vec::new();
    for row in array(&sent.0, usize::MAX)? {
        shape("tax_rate").check(row, false)?;
        check(&state, row)?;
        let id = row["id"].as_u64().ok_or_else(|| unusable(&[("id", "error.path.missing")]))?;
        let mut rate = state.shelf.tax_rates.get(&id).ok_or_else(gone_v3)?.clone();
        let merged = classes(&rate["class_rates"], &row["class_rates"]);
        shape("tax_rate").write(row, &mut rate);
        rate["class_rates"] = merged;
        out.push((id, rate));
    }
    let rows: Vec<Value> = out.iter().map(|(_, rate)| rate.clone()).collect();
    state.shelf.tax_rates.extend(out);
    Ok(bulk_effect(several(&rows), "tax_rate", &"batch", "update", rows.len()))
}

async fn remove(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let ids = needed_ids(&params, "id:in", StatusCode::UNPROCESSABLE_ENTITY)?;
    store.state().shelf.tax_rates.retain(|id, _| !ids.contains(id));
    Ok(bulk_effect(StatusCode::NO_CONTENT.into_response(), "tax_rate", &"batch", "delete", ids.len()))
}
