//! Which price list holds for which customer group and channel. One list for a pair; `PUT` moves a pair to another list,
//! `POST` refuses a pair that has one, unless the settings say that it moves it too (the documents leave it open).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Held,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, put},
};
use serde_json::{Map, Value, json};

use crate::bigcommerce::{
    Store,
    answer::{Answer, Id, Sent, bulk_effect, data, effect, gone_v3, no_content, unusable},
    query::{List, Params},
    shape::shape,
    state::State,
};

/// Assignments in one call.
const MOST: usize = 25;
const FILTERS: &[&str] = &["id", "price_list_id", "customer_group_id", "channel_id"];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/pricelists/assignments", get(list).post(create).delete(remove))
        .route("/v3/pricelists/{id}/assignments", put(upsert))
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let list = List { fields: FILTERS, cursors: true, ..List::default() };
    params.list(state.shelf.assignments.values(), &list, Value::clone)
}

/// Whether there is such a customer group.
fn is_group(state: &State, id: &Value) -> bool {
    id.as_u64().is_some_and(|id| state.shelf.groups.contains_key(&id))
}

fn is_channel(id: &Value) -> bool {
    Store::channels().iter().any(|row| row["id"] == *id)
}

/// The assignment of a group and channel.
fn of_pair(state: &State, row: &Value) -> Option<u64> {
    let same = |other: &Value| {
        other["customer_group_id"] == row["customer_group_id"] && other["channel_id"] == row["channel_id"]
    };
    state.shelf.assignments.iter().find(|(_, other)| same(other)).map(|(id, _)| *id)
}

fn wrong(store: &Store, state: &State, row: &Value) -> Option<String> {
    if let Some((field, text)) = shape("assignment").errors(row, true).iter().next() {
        return Some(format!("{field}: {}", text.as_str().unwrap_or("")));
    }
    let (group, channel) = (&row["customer_group_id"], &row["channel_id"]);
    let known = row["price_list_id"].as_u64().is_some_and(|id| state.shelf.price_lists.contains_key(&id));
    if !known {
        return Some("price_list_id: Price list was not found".into());
    }
    if group.is_null() && channel.is_null() {
        return Some("customer_group_id or channel_id is required".into());
    }
    if !group.is_null() && !is_group(state, group) {
        return Some("customer_group_id: Customer group was not found".into());
    }
    if !channel.is_null() && !is_channel(channel) {
        return Some("channel_id: Channel was not found".into());
    }
    let taken = of_pair(state, row).is_some() && !store.settings.assigning_moves;
    taken.then(|| "The customer group and channel have a price list already".into())
}

/// Puts an assignment in, over another of the same group and channel.
fn assign(store: &Arc<Store>, state: &mut State, sent: &Value) -> Value {
    let mut row = json!({
        "id": 0,
        "price_list_id": sent["price_list_id"],
        "customer_group_id": sent["customer_group_id"],
        "channel_id": sent["channel_id"],
    });
    let id = of_pair(state, &row).unwrap_or_else(|| state.id("assignment"));
    row["id"] = json!(id);
    state.shelf.assignments.insert(id, row.clone());
    tell(store, state, &row, "updated");
    row
}

fn tell(store: &Arc<Store>, state: &mut State, row: &Value, verb: &str) {
    let about = json!({
        "price_list_id": row["price_list_id"],
        "channel_id": row["channel_id"],
        "customer_group_id": row["customer_group_id"],
    });
    store.emit(state, &format!("store/priceList/assignment/{verb}"), &about);
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let rows = sent.0.as_array().ok_or_else(|| unusable(&[("", "error.expected.jsarray")]))?;
    if rows.len() > MOST {
        return Err(unusable(&[("", "no more than 25 assignments")]));
    }
    let mut state = store.state();
    let (mut errors, mut saved) = (Map::new(), 0);
    for (index, row) in rows.iter().enumerate() {
        if let Some(text) = wrong(&store, &state, row) {
            errors.insert(index.to_string(), json!(text));
        } else {
            assign(&store, &mut state, row);
            saved += 1;
        }
    }
    let answer = if errors.is_empty() {
        Json(json!({})).into_response()
    } else {
        let body = json!({
            "status": 422,
            "title": "Some price list assignments were not saved.",
            "type": "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes",
            "errors": errors,
            "meta": { "saved_records": saved },
        });
        (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
    };
    Ok(if saved == 0 { answer } else { bulk_effect(answer, "price_assignment", &"batch", "create", saved) })
}

async fn upsert(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    for field in ["customer_group_id", "channel_id"] {
        if sent.0[field].as_u64().is_none() {
            return Err(unusable(&[(field, "error.path.missing")]));
        }
    }
    let mut state = store.state();
    let known = state.shelf.price_lists.contains_key(&id)
        && is_group(&state, &sent.0["customer_group_id"])
        && is_channel(&sent.0["channel_id"]);
    if !known {
        return Err(gone_v3());
    }
    let mut row = sent.0;
    row["price_list_id"] = json!(id);
    let row = assign(&store, &mut state, &row);
    Ok(effect(data(&row), "price_assignment", &row["id"], "update", &[]))
}

async fn remove(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let filters = ["id", "price_list_id", "customer_group_id", "channel_id", "channel_id:in", "id:in"];
    params.known(FILTERS)?;
    let given: Vec<_> = filters.iter().filter_map(|name| Some((*name, params.ids(name)?))).collect();
    if given.is_empty() {
        return Err(unusable(&[("", "At least one filter is required.")]));
    }
    let mut state = store.state();
    let wanted = |row: &Value| {
        given.iter().all(|(name, ids)| {
            let field = name.trim_end_matches(":in");
            row[field].as_u64().is_some_and(|id| ids.contains(&id))
        })
    };
    let gone: Vec<Value> = state.shelf.assignments.values().filter(|row| wanted(row)).cloned().collect();
    state.shelf.assignments.retain(|_, row| !wanted(row));
    for row in &gone {
        tell(&store, &mut state, row, "deleted");
    }
    let ids: Vec<String> = gone.iter().map(|row| row["id"].to_string()).collect();
    Ok(no_content("price_assignment", &ids.join(","), "delete"))
}
