//! Tax zones, and which of them a place belongs to. In: batches of zones, addresses. Out: records. Zone 1 is everywhere that no
//! other zone covers; it can be neither deleted, nor switched off, nor aimed.

use std::sync::Arc;

use axum::{
    Router,
    extract::State as Held,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Where, needed_ids, seed::STATES};
use crate::bigcommerce::{
    Store,
    answer::{Answer, Refusal, Sent, array, bulk_effect, gone_v3, several, unusable},
    query::Params,
    shape::shape,
    state::State,
};

/// The default zone.
pub(super) const DEFAULT: u64 = 1;

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/tax/zones", get(list).post(create).put(update).delete(remove))
        .route("/v3/tax/zonecheck", post(check_place))
}

/// How closely a zone's location fits a place: 3 by postal code, 2 by state, 1 by country.
fn fit(location: &Value, place: Where) -> u8 {
    let country = location["country_code"].as_str().unwrap_or("");
    if !country.eq_ignore_ascii_case(place.country) {
        return 0;
    }
    let codes = |field: &str| location[field].as_array().filter(|codes| !codes.is_empty());
    let code = STATES.iter().find(|(name, _)| *name == place.state).map_or(place.state, |(_, code)| code);
    let has = |codes: &Vec<Value>, wanted: &str| {
        codes.iter().any(|code| code.as_str().is_some_and(|code| code.eq_ignore_ascii_case(wanted)))
    };
    match (codes("postal_codes"), codes("subdivision_codes")) {
        (Some(postal), _) => 3 * u8::from(has(postal, place.postal)),
        (None, Some(states)) => 2 * u8::from(has(states, code)),
        (None, None) => 1,
    }
}

/// The zone of a place for a customer group: the closest fit, one aimed at the group before one for all.
pub(super) fn of(state: &State, place: Where, group: u64) -> u64 {
    let score = |zone: &Value| {
        let target = &zone["shopper_target_settings"];
        let groups = target["customer_groups"].as_array().filter(|groups| !groups.is_empty());
        let aimed = groups.map(|groups| groups.contains(&json!(group)));
        if aimed == Some(false) || zone["enabled"] == json!(false) {
            return 0;
        }
        let locations = target["locations"].as_array().into_iter().flatten();
        let best = locations.map(|location| fit(location, place)).max().unwrap_or(0);
        if best == 0 { 0 } else { 2 * best + u8::from(aimed == Some(true)) }
    };
    let zones = state.shelf.tax_zones.iter().filter(|(id, _)| **id != DEFAULT);
    let best = zones.map(|(id, zone)| (score(zone), std::cmp::Reverse(*id))).max();
    best.filter(|(score, _)| *score > 0).map_or(DEFAULT, |(_, id)| id.0)
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    params.known(&["id"])?;
    let ids = params.ids("id:in");
    let state = store.state();
    let wanted = |(id, _): &(&u64, &Value)| ids.as_ref().is_none_or(|ids| ids.contains(id));
    Ok(several(
        &state.shelf.tax_zones.iter().filter(wanted).map(|(_, zone)| zone.clone()).collect::<Vec<_>>(),
    ))
}

/// A zone is of countries, of states, or of the postal codes of one country.
fn check(zone: &Value) -> Result<(), Refusal> {
    let at = "shopper_target_settings.locations";
    let locations: Vec<&Value> =
        zone["shopper_target_settings"]["locations"].as_array().into_iter().flatten().collect();
    if locations.is_empty() {
        return Err(unusable(&[(at, "at least one location is needed")]));
    }
    let kind = |location: &&Value| {
        let has = |field: &str| location[field].as_array().is_some_and(|codes| !codes.is_empty());
        (has("postal_codes"), has("subdivision_codes"))
    };
    let kinds: std::collections::BTreeSet<_> = locations.iter().map(kind).collect();
    if kinds.len() > 1 || kinds.contains(&(true, true)) {
        return Err(unusable(&[(at, "a zone is of countries, of subdivisions or of postal codes")]));
    }
    if kinds.contains(&(true, false))
        && locations.iter().any(|other| other["country_code"] != locations[0]["country_code"])
    {
        return Err(unusable(&[(at, "postal codes have to be of one country")]));
    }
    Ok(())
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let mut out = Vec::new();
    for row in array(&sent.0, usize::MAX)? {
        shape("tax_zone").check(row, true)?;
        let mut zone = shape("tax_zone").blank();
        shape("tax_zone").write(row, &mut zone);
        check(&zone)?;
        out.push(zone);
    }
    for zone in &mut out {
        let id = state.id("tax zone");
        let mut whole = json!({ "id": id });
        shape("tax_zone").write(zone, &mut whole);
        state.shelf.tax_zones.insert(id, whole.clone());
        *zone = whole;
    }
    Ok(bulk_effect(several(&out), "tax_zone", &"batch", "create", out.len()))
}

async fn update(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let mut out = Vec::new();
    for row in array(&sent.0, usize::MAX)? {
        shape("tax_zone").check(row, false)?;
        let id = row["id"].as_u64().ok_or_else(|| unusable(&[("id", "error.path.missing")]))?;
        let mut zone = state.shelf.tax_zones.get(&id).ok_or_else(gone_v3)?.clone();
        if id == DEFAULT {
            if row["enabled"] == json!(false) {
                return Err(unusable(&[("enabled", "the default tax zone cannot be disabled")]));
            }
            if row.get("shopper_target_settings").is_some() {
                return Err(unusable(&[(
                    "shopper_target_settings",
                    "the default tax zone cannot be targeted",
                )]));
            }
        }
        shape("tax_zone").write(row, &mut zone);
        if id != DEFAULT {
            check(&zone)?;
        }
        out.push(zone);
    }
    for zone in &out {
        state.shelf.tax_zones.insert(zone["id"].as_u64().unwrap_or(DEFAULT), zone.clone());
    }
    Ok(bulk_effect(several(&out), "tax_zone", &"batch", "update", out.len()))
}

/// The rates of a zone go with it.
async fn remove(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let ids = needed_ids(&params, "id:in", StatusCode::UNPROCESSABLE_ENTITY)?;
    if ids.contains(&DEFAULT) {
        return Err(unusable(&[("id:in", "the default tax zone cannot be deleted")]));
    }
    let mut state = store.state();
    state.shelf.tax_zones.retain(|id, _| !ids.contains(id));
    state.shelf.tax_rates.retain(|_, rate| rate["tax_zone_id"].as_u64().is_none_or(|id| !ids.contains(&id)));
    Ok(bulk_effect(StatusCode::NO_CONTENT.into_response(), "tax_zone", &"batch", "delete", ids.len()))
}

async fn check_place(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let state = store.state();
    let mut out = Vec::new();
    for row in array(&sent.0, usize::MAX)? {
        shape("tax_place").check(row, true)?;
        let text = |field: &str| row[field].as_str().unwrap_or("");
        let place = Where {
            country: text("country_code"),
            state: text("subdivision_codes"),
            postal: text("postal_code"),
        };
        let id = of(&state, place, row["customer_group_id"].as_u64().unwrap_or(0));
        out.extend(state.shelf.tax_zones.get(&id).cloned());
    }
    Ok(several(&out))
}
