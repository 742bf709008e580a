//! `/v2/customer_groups`: who gets which discount or price list. In: calls. Out: V2 answers. Rules are written as a whole; a price
//! list has to be the only one (`customers.v2.yml`).

use std::sync::Arc;

use axum::{Json, Router, extract::State as Held, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Map, Value, json};

use super::{
    Store,
    answer::{Answer, Id, Refusal, Sent, effect, gone, invalid, list as v2_list, no_content, read_only, v2},
    money::Fixed,
    query::{List, Params},
    state::State,
};

const FILTERS: &[&str] = &["name", "is_default", "date_created", "date_modified", "is_group_for_guests"];
const FIELDS: &[&str] = &["name", "is_default", "category_access", "discount_rules", "is_group_for_guests"];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v2/customer_groups", get(all).post(create))
        .route("/v2/customer_groups/count", get(count))
        .route("/v2/customer_groups/{id}", get(one).put(update).delete(remove))
}

fn now(store: &Store) -> String {
    store.shared.clock.now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

async fn all(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let list = List { fields: FILTERS, ..List::default() };
    let rows: Vec<Value> = params.select(state.shelf.groups.values(), &list)?.into_iter().cloned().collect();
    Ok(v2_list(&params.page(&rows)))
}

async fn count(Held(store): Held<Arc<Store>>) -> Json<Value> {
    Json(json!({ "count": store.state().shelf.groups.len() }))
}

async fn one(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    Ok(Json(store.state().shelf.groups.get(&id).ok_or_else(gone)?).into_response())
}

fn check(
    state: &State,
    body: &Map<String, Value>,
    creating: bool,
    refuse_unknown: bool,
    own: Option<u64>,
) -> Result<(), Refusal> {
    for name in body.keys() {
        if matches!(name.as_str(), "id" | "date_created" | "date_modified") {
            // A client that sends the group back as it read it sends its id.
            if name != "id" || creating {
                return Err(read_only(name));
            }
        } else if !FIELDS.contains(&name.as_str()) && refuse_unknown {
            let text = format!("The field '{name}' is not supported by this resource.");
            return Err(v2(StatusCode::BAD_REQUEST, &text));
        }
    }
    match body.get("name") {
        None if creating => {
            return Err(v2(StatusCode::BAD_REQUEST, "The required field 'name' was not supplied."));
        }
        Some(name) if !name.as_str().is_some_and(|name| !name.is_empty() && name.len() <= 255) => {
            return Err(invalid("name"));
        }
        Some(name) => {
            let taken = |(id, other): (&u64, &Value)| Some(*id) != own && other["name"] == *name;
            if state.shelf.groups.iter().any(taken) {
                return Err(v2(StatusCode::CONFLICT, "The name of the customer group is taken."));
            }
        }
        None => {}
    }
    for field in ["is_default", "is_group_for_guests"] {
        if body.get(field).is_some_and(|flag| !flag.is_boolean()) {
            return Err(invalid(field));
        }
    }
    if let Some(access) = body.get("category_access") {
        let kind = access["type"].as_str().unwrap_or("");
        let listed = access["categories"].is_array();
        if !matches!(kind, "all" | "specific" | "none")
            || (kind == "specific") != listed && kind == "specific"
        {
            return Err(invalid("category_access"));
        }
    }
    body.get("discount_rules").map_or(Ok(()), |rules| check_rules(state, rules))
}

fn check_rules(state: &State, rules: &Value) -> Result<(), Refusal> {
    let rules = rules.as_array().ok_or_else(|| invalid("discount_rules"))?;
    let of = |kind: &str| rules.iter().filter(|rule| rule["type"] == kind).count();
    if (of("price_list") > 0 && rules.len() > 1) || of("all") > 1 {
        return Err(invalid("discount_rules"));
    }
    for rule in rules {
        let id = |field: &str| rule[field].as_u64();
        let there = match rule["type"].as_str() {
            Some("price_list") => {
                id("price_list_id").is_some_and(|id| state.shelf.price_lists.contains_key(&id))
            }
            Some("category") => id("category_id").is_some_and(|id| state.shelf.categories.contains_key(&id)),
            Some("product") => id("product_id").is_some_and(|id| state.products.contains_key(&id)),
            Some("all") => true,
            _ => false,
        };
        let priced = rule["type"] == "price_list"
            || (matches!(rule["method"].as_str(), Some("percent" | "fixed" | "price"))
                && Fixed::from_json(&rule["amount"]).is_some_and(|amount| amount >= Fixed::ZERO));
        if !there || !priced {
            return Err(invalid("discount_rules"));
        }
    }
    Ok(())
}

fn write(state: &mut State, id: u64, group: &mut Value, body: &Map<String, Value>) {
    for field in FIELDS {
        if let Some(value) = body.get(*field) {
            group[*field] = value.clone();
        }
    }
    for rule in group["discount_rules"].as_array_mut().into_iter().flatten() {
        if let Some(amount) = Fixed::from_json(&rule["amount"]) {
            rule["amount"] = amount.v2();
        }
    }
    // One group at most is the default, and one is for guests.
    for flag in ["is_default", "is_group_for_guests"] {
        if group[flag] == json!(true) {
            for (_, other) in state.shelf.groups.iter_mut().filter(|(other, _)| **other != id) {
                other[flag] = json!(false);
            }
        }
    }
    state.shelf.groups.insert(id, group.clone());
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let body = sent.object().map_err(|_| invalid(""))?;
    let mut state = store.state();
    check(&state, &body, true, store.settings.refuse_unknown_fields, None)?;
    let id = state.id("customer group");
    let mut group = json!({
        "id": id,
        "name": "",
        "is_default": false,
        "category_access": { "type": "all" },
        "discount_rules": [],
        "date_created": now(&store),
        "date_modified": now(&store),
        "is_group_for_guests": false,
    });
    write(&mut state, id, &mut group, &body);
    Ok(effect(Json(group).into_response(), "customer_group", &id, "create", &[]))
}

async fn update(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    let body = sent.object().map_err(|_| invalid(""))?;
    let mut state = store.state();
    let mut group = state.shelf.groups.get(&id).ok_or_else(gone)?.clone();
    check(&state, &body, false, store.settings.refuse_unknown_fields, Some(id))?;
    group["date_modified"] = json!(now(&store));
    write(&mut state, id, &mut group, &body);
    Ok(effect(Json(group).into_response(), "customer_group", &id, "update", &[]))
}

/// Its customers are without a group then.
async fn remove(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let mut state = store.state();
    state.shelf.groups.remove(&id).ok_or_else(gone)?;
    for customer in state.customers.values_mut().filter(|row| row["customer_group_id"].as_u64() == Some(id)) {
        customer["customer_group_id"] = json!(0);
    }
    state.shelf.assignments.retain(|_, row| row["customer_group_id"].as_u64() != Some(id));
    Ok(no_content("customer_group", &id, "delete"))
}
