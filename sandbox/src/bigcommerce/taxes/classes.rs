//! Tax classes: read in V2, where ids are texts, written in V3 in batches of up to 50. A batch is done as a whole or not at all.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Held,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{needed_ids, now};
use crate::bigcommerce::{
    Store,
    answer::{
        Answer, Id, Refusal, Sent, array, bulk_effect, conflict, gone, list as v2_list, several, unusable, v3,
    },
    query::Params,
    shape::shape,
    state::State,
};

/// Classes in one call.
const MOST: usize = 50;
/// Not allowed in a name (`tax_classes.v3.yaml`).
const BARRED: &[char] = &['<', '>', '{', '}', '`', '(', ')', ';', '|'];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v2/tax_classes", get(list))
        .route("/v2/tax_classes/{id}", get(one))
        .route("/v3/tax/classes", post(create).put(update).delete(remove))
}

fn v2(row: &Value) -> Value {
    let mut out = row.clone();
    out["id"] = json!(row["id"].to_string());
    out
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> axum::response::Response {
    let rows: Vec<Value> = store.state().shelf.tax_classes.values().map(v2).collect();
    v2_list(&params.page(&rows))
}

async fn one(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let state = store.state();
    Ok(Json(v2(state.shelf.tax_classes.get(&id).ok_or_else(gone)?)).into_response())
}

fn name(row: &Value) -> String {
    row["name"].as_str().unwrap_or("").trim().to_lowercase()
}

/// The rows of a batch: one at least, their names fit, and unlike each other's and those of other classes.
fn checked<'a>(state: &State, sent: &'a Value, creating: bool) -> Result<&'a Vec<Value>, Refusal> {
    let rows = array(sent, MOST)?;
    if rows.is_empty() {
        return Err(unusable(&[("", "at least one item is needed")]));
    }
    let ids: Vec<u64> = rows.iter().filter_map(|row| row["id"].as_u64()).collect();
    for (index, row) in rows.iter().enumerate() {
        shape("tax_class").check(row, true)?;
        if row["name"].as_str().is_some_and(|name| name.contains(BARRED)) {
            return Err(unusable(&[("name", "may not contain < > { } ` ( ) ; |")]));
        }
        if !creating {
            let id = row["id"].as_u64().filter(|id| *id > 0);
            let id = id.ok_or_else(|| unusable(&[("id", "error.path.missing")]))?;
            if ids.iter().filter(|other| **other == id).count() > 1 {
                return Err(unusable(&[("id", "comes twice")]));
            }
            if !state.shelf.tax_classes.contains_key(&id) {
                return Err(v3(StatusCode::BAD_REQUEST, "Tax class was not found.", &[]));
            }
        }
        let others = state.shelf.tax_classes.iter().filter(|(id, _)| creating || !ids.contains(id));
        let taken =
            others.map(|(_, other)| other).chain(&rows[..index]).any(|other| name(other) == name(row));
        if taken {
            return Err(conflict("The tax class name is a duplicate", "name"));
        }
    }
    Ok(rows)
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let rows = checked(&state, &sent.0, true)?;
    let mut out = Vec::new();
    for row in rows {
        let id = state.id("tax class");
        let class =
            json!({ "id": id, "name": row["name"], "created_at": now(&store), "updated_at": now(&store) });
        state.shelf.tax_classes.insert(id, class.clone());
        out.push(class);
    }
    Ok(bulk_effect(several(&out), "tax_class", &"batch", "create", out.len()))
}

async fn update(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let rows = checked(&state, &sent.0, false)?;
    let mut out = Vec::new();
    for row in rows {
        let Some(class) = row["id"].as_u64().and_then(|id| state.shelf.tax_classes.get_mut(&id)) else {
            continue;
        };
        (class["name"], class["updated_at"]) = (row["name"].clone(), json!(now(&store)));
        out.push(class.clone());
    }
    Ok(bulk_effect(several(&out), "tax_class", &"batch", "update", out.len()))
}

/// The default class stays.
async fn remove(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let ids = needed_ids(&params, "id:in", StatusCode::NOT_FOUND)?;
    if ids.len() > MOST {
        return Err(v3(StatusCode::PAYLOAD_TOO_LARGE, "No more than 50 ids.", &[]));
    }
    let mut state = store.state();
    if ids.iter().any(|id| *id == 0 || !state.shelf.tax_classes.contains_key(id)) {
        return Err(v3(StatusCode::BAD_REQUEST, "Tax class was not found.", &[]));
    }
    state.shelf.tax_classes.retain(|id, _| !ids.contains(id));
    for rate in state.shelf.tax_rates.values_mut() {
        if let Some(classes) = rate["class_rates"].as_array_mut() {
            classes.retain(|class| class["tax_class_id"].as_u64().is_none_or(|id| !ids.contains(&id)));
        }
    }
    Ok(bulk_effect(StatusCode::NO_CONTENT.into_response(), "tax_class", &"batch", "delete", ids.len()))
}
