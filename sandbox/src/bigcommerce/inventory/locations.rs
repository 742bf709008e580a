//! `/v3/inventory/locations`. In: batches of locations. Out: records; writes are answered by the id of a transaction alone.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Held,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::DEFAULT;
use crate::bigcommerce::{
    Plan, Store,
    answer::{Answer, Refusal, Sent, array, bulk_effect, gone_v3, unusable, v3},
    query::{List, Params},
    shape::shape,
    state::State,
};

/// Locations that a store starts with, besides the default: id, code, label, country.
const SEEDED: &[(u64, &str, &str, &str)] = &[
    (DEFAULT, "BC-LOCATION-1", "Default location", "US"),
    (2, "LEEDS", "Leeds warehouse", "GB"),
    (3, "HAMBURG", "Hamburg warehouse", "DE"),
    (4, "LEEDS-SHOP", "Leeds shop", "GB"),
];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new().route("/v3/inventory/locations", get(list).post(create).put(update).delete(remove))
}

/// Puts the first locations in.
pub(in crate::bigcommerce) fn furnish(state: &mut State, now: &str) {
    for (id, code, label, country) in SEEDED {
        let mut row = shape("location").blank();
        for (field, value) in
            [("id", json!(id)), ("code", json!(code)), ("label", json!(label)), ("created_at", json!(now))]
        {
            row[field] = value;
        }
        row["updated_at"] = json!(now);
        row["address"] = json!({
            "address1": "1 Quay Street",
            "address2": "",
            "city": label,
            "state": "",
            "zip": "10001",
            "email": "stock@example.com",
            "phone": "",
            "geo_coordinates": { "latitude": 40.5, "longitude": -73.5 },
            "country_code": country,
        });
        while state.id("location") < *id {}
        state.shelf.locations.insert(*id, row);
    }
}

/// Whether there is such a location.
pub(super) fn exists(state: &State, id: u64) -> bool {
    state.shelf.locations.contains_key(&id)
}

/// Whether the stock of a location counts, and may be changed.
pub(super) fn is_enabled(state: &State, id: u64) -> bool {
    state.shelf.locations.get(&id).is_some_and(|row| row["enabled"] != json!(false))
}

/// Refuses stock at a location that is not there or not in use (`inventory-locations.mdx`).
pub(super) fn may_hold(state: &State, id: u64) -> Result<(), String> {
    match (exists(state, id), is_enabled(state, id)) {
        (false, _) => Err(format!("Location with id {id} was not found")),
        (_, false) => Err(format!("Location with id {id} is disabled")),
        _ => Ok(()),
    }
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let only = params.get("is_default").map(|text| text == "true");
    let rows = state.shelf.locations.iter();
    let rows = rows.filter(|(id, _)| only.is_none_or(|only| only == (**id == DEFAULT))).map(|(_, row)| row);
    let list = List {
        fields: &[
            "location_id",
            "location_code",
            "is_default",
            "type_id",
            "managed_by_external_source",
            "is_active",
            "storefront_visibility",
        ],
        aliases: &[("location_id", "id"), ("location_code", "code"), ("is_active", "enabled")],
        ignored: &["is_default"],
        most: 1000,
        ..List::default()
    };
    params.list(rows, &list, |row| shape("location").whole(row))
}

/// How many locations a plan may have in use.
fn most(plan: Plan) -> usize {
    match plan {
        Plan::Plus => 5,
        Plan::Pro => 8,
        Plan::Unlimited => 100,
    }
}

/// What a location has to have beyond its shape; `but` is the location itself.
fn check(state: &State, row: &Value, whole: &Value, but: Option<u64>) -> Result<(), Refusal> {
    shape("location").check(row, but.is_none())?;
    if whole["type_id"] == "PHYSICAL" && !whole["address"].is_object() {
        return Err(unusable(&[("address", "error.path.missing")]));
    }
    if let Some(address) = row.get("address").filter(|address| address.is_object()) {
        shape("address").check(address, but.is_none())?;
    }
    for (field, limit) in [("latitude", 90.0), ("longitude", 180.0)] {
        let number = row["address"]["geo_coordinates"][field].as_f64().unwrap_or(0.0);
        if number.abs() > limit {
            let text = format!("must be between -{limit} and {limit}");
            return Err(unusable(&[(&format!("address.geo_coordinates.{field}"), &text)]));
        }
    }
    let same = |(id, other): (&u64, &Value)| Some(*id) != but && other["code"] == whole["code"];
    if whole["code"] != "" && state.shelf.locations.iter().any(same) {
        return Err(unusable(&[("code", "has to be unique")]));
    }
    Ok(())
}

fn done(state: &mut State, verb: &str, ids: &[u64]) -> Response {
    let answer = Json(json!({ "transaction_id": state.uuid() })).into_response();
    let list: Vec<String> = ids.iter().map(u64::to_string).collect();
    bulk_effect(answer, "location", &list.join(","), verb, ids.len())
}

fn room(store: &Store, state: &State, rows: &[(u64, Value)]) -> Result<(), Refusal> {
    let used = |(_, row): &(&u64, &Value)| row["enabled"] != json!(false);
    let others = state.shelf.locations.iter().filter(|(id, _)| rows.iter().all(|(new, _)| new != *id));
    let count =
        others.filter(used).count() + rows.iter().filter(|(_, row)| row["enabled"] != json!(false)).count();
    let most = most(store.settings.plan);
    if count > most {
        let title = format!("No more than {most} active locations are allowed.");
        return Err(v3(StatusCode::UNPROCESSABLE_ENTITY, &title, &[]));
    }
    Ok(())
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let now = store.shared.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut state = store.state();
    let mut rows: Vec<(u64, Value)> = Vec::new();
    for row in array(&sent.0, 100)? {
        let mut whole = shape("location").blank();
        shape("location").write(row, &mut whole);
        check(&state, row, &whole, None)?;
        if whole["code"] != "" && rows.iter().any(|(_, other)| other["code"] == whole["code"]) {
            return Err(unusable(&[("code", "has to be unique")]));
        }
        (whole["created_at"], whole["updated_at"]) = (json!(now), json!(now));
        rows.push((0, whole));
    }
    room(&store, &state, &rows)?;
    let mut ids = Vec::new();
    for (_, mut row) in rows {
        let id = state.id("location");
        row["id"] = json!(id);
        if row["code"] == "" {
            row["code"] = json!(format!("BC-LOCATION-{id}"));
        }
        state.shelf.locations.insert(id, row);
        store.emit(&mut state, "store/inventory/location/created", &json!({ "location_id": id }));
        ids.push(id);
    }
    Ok(done(&mut state, "create", &ids))
}

async fn update(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let now = store.shared.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut state = store.state();
    let mut rows: Vec<(u64, Value)> = Vec::new();
    for row in array(&sent.0, 100)? {
        let id = row["id"].as_u64().ok_or_else(|| unusable(&[("id", "error.path.missing")]))?;
        let old =
            state.shelf.locations.get(&id).ok_or_else(|| unusable(&[("id", "Location was not found")]))?;
        let mut whole = old.clone();
        shape("location").write(row, &mut whole);
        check(&state, row, &whole, Some(id))?;
        whole["updated_at"] = json!(now);
        rows.push((id, whole));
    }
    room(&store, &state, &rows)?;
    let ids: Vec<u64> = rows.iter().map(|(id, _)| *id).collect();
    state.shelf.locations.extend(rows);
    for id in &ids {
        store.emit(&mut state, "store/inventory/location/updated", &json!({ "location_id": id }));
    }
    Ok(done(&mut state, "update", &ids))
}

/// The default location stays; what lies at a deleted one is gone.
async fn remove(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    params.known(&["location_id"])?;
    let ids =
        params.ids("location_id:in").ok_or_else(|| unusable(&[("location_id:in", "error.path.missing")]))?;
    let mut state = store.state();
    for id in &ids {
        let row = state.shelf.locations.get(id).ok_or_else(gone_v3)?;
        if *id == DEFAULT {
            let label = row["label"].as_str().unwrap_or("");
            let title = format!(
                "Location can't be deleted. {label} is set as a shipping origin for this store and can't be deleted."
            );
            return Err(v3(StatusCode::UNPROCESSABLE_ENTITY, &title, &[]));
        }
    }
    for id in &ids {
        state.shelf.locations.remove(id);
        state.shelf.stock.close(*id);
    }
    Ok(done(&mut state, "delete", &ids.into_iter().collect::<Vec<_>>()))
}
