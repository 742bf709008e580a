//! `/v3/promotions`: discounts with a beginning and an end. In: calls. Out: V3 answers, errors as a list (`promotions.v3.yml`).
//! Promotions are kept and shown, not played: orders that come through the API get none, and the pricing endpoint shows none.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Held,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    Store,
    answer::{Answer, Id, Sent, data, effect, gone_v3, no_content},
    money::Fixed,
    query::{List, Params, instant},
    shape::shape,
    state::State,
};

/// Promotions in one deletion.
const MOST: usize = 50;
const ACTIONS: &[&str] = &["cart_value", "cart_items", "gift_item", "fixed_price_set", "shipping"];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/promotions", get(all).post(create).delete(remove_many))
        .route("/v3/promotions/{id}", get(one).put(update).delete(remove))
        .route("/v3/promotions/{id}/codes", get(codes).post(add_code))
}

/// The errors of this API come as a list.
fn wrong(texts: &[String]) -> Response {
    let errors: Vec<Value> = texts.iter().map(|text| json!({ "status": 422, "title": text })).collect();
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "errors": errors }))).into_response()
}

/// A promotion as it is read; the fields of coupons are those of coupons only.
fn view(row: &Value) -> Value {
    let mut out = shape("promotion").whole(row);
    if out["redemption_type"] != "COUPON"
        && let Some(out) = out.as_object_mut()
    {
        out.retain(|name, _| !name.starts_with("coupon_"));
    }
    out
}

async fn all(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let list = List {
        fields: &["id", "name", "code", "currency_code", "redemption_type", "status", "channels", "query"],
        ignored: &["channels", "code", "query"],
        shape: Some(shape("promotion")),
        ..List::default()
    };
    let (channels, word) = (params.ids("channels"), params.get("query").map(str::to_lowercase));
    let in_channel = |row: &&Value| {
        let own: Vec<u64> =
            row["channels"].as_array().into_iter().flatten().filter_map(|row| row["id"].as_u64()).collect();
        channels.as_ref().is_none_or(|wanted| own.is_empty() || own.iter().any(|id| wanted.contains(id)))
    };
    let has_word =
        |row: &&Value| word.as_ref().is_none_or(|word| row["name"].to_string().to_lowercase().contains(word));
    let code = params.get("code");
    let has_code = |row: &&Value| {
        code.is_none_or(|code| {
            state.shelf.codes.values().any(|own| own["promotion_id"] == row["id"] && own["code"] == code)
        })
    };
    let rows = state.shelf.promotions.values().filter(in_channel).filter(has_word).filter(has_code);
    params.list(rows, &list, view)
}

async fn one(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    Ok(data(&view(store.state().shelf.promotions.get(&id).ok_or_else(gone_v3)?)))
}

/// Everything that is wrong with a promotion as it would be kept.
fn errors(state: &State, sent: &Value, whole: &Value, creating: bool) -> Vec<String> {
    let shape = shape("promotion").errors(sent, creating);
    let mut out: Vec<String> =
        shape.iter().map(|(field, text)| format!("{field}: {}", text.as_str().unwrap_or(""))).collect();
    if !out.is_empty() {
        return out;
    }
    let rules = whole["rules"].as_array().map_or(&[][..], Vec::as_slice);
    if rules.is_empty() {
        out.push("rules: at least one rule is needed".into());
    }
    for rule in rules {
        let action = rule["action"].as_object();
        let known = action.is_some_and(|action| {
            action.len() == 1 && action.keys().all(|key| ACTIONS.contains(&key.as_str()))
        });
        if !known {
            out.push(format!("rules.action: one of {}", ACTIONS.join(", ")));
            continue;
        }
        out.extend(discount_error(&rule["action"]));
    }
    let (start, end) =
        (whole["start_date"].as_str().and_then(instant), whole["end_date"].as_str().and_then(instant));
    if start.zip(end).is_some_and(|(start, end)| end <= start) {
        out.push("end_date: has to be after start_date".into());
    }
    let code = whole["currency_code"].as_str().unwrap_or("*");
    if code != "*" && !super::currency::is_transactional(code) {
        out.push("currency_code: a transactional currency or *".into());
    }
    let channels = Store::channels();
    let missing = |row: &&Value| !channels.iter().any(|known| known["id"] == row["id"]);
    if whole["channels"].as_array().into_iter().flatten().any(|row| missing(&row)) {
        out.push("channels: Channel was not found".into());
    }
    let groups = |field: &str| whole["customer"][field].as_array().filter(|ids| !ids.is_empty());
    if groups("group_ids").is_some() && groups("excluded_group_ids").is_some() {
        out.push("customer: either group_ids or excluded_group_ids".into());
    }
    let unknown = |id: &&Value| id.as_u64().is_none_or(|id| id != 0 && !state.shelf.groups.contains_key(&id));
    if ["group_ids", "excluded_group_ids"]
        .iter()
        .filter_map(|field| groups(field))
        .flatten()
        .any(|id| unknown(&id))
    {
        out.push("customer: Customer group was not found".into());
    }
    out
}

/// Discounts of carts and items: a percentage or an amount, as text.
fn discount_error(action: &Value) -> Option<String> {
    let discounted = ["cart_value", "cart_items"].iter().find_map(|name| action.get(*name));
    let discount = &discounted?["discount"];
    let amount =
        |field: &str| discount[field].as_str().and_then(Fixed::parse).filter(|amount| *amount >= Fixed::ZERO);
    let percent = amount("percentage_amount");
    let fits = match (percent, amount("fixed_amount")) {
        (Some(percent), None) => percent <= Fixed::whole(100),
        (None, Some(_)) => true,
        _ => false,
    };
    (!fits).then(|| "rules.action.discount: percentage_amount or fixed_amount, as text".into())
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let mut row = shape("promotion").blank();
    row["start_date"] = json!(store.shared.clock.now().strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string());
    shape("promotion").write(&sent.0, &mut row);
    let errors = errors(&state, &sent.0, &row, true);
    if !errors.is_empty() {
        return Ok(wrong(&errors));
    }
    let id = state.id("promotion");
    row["id"] = json!(id);
    state.shelf.promotions.insert(id, row.clone());
    let answer = (StatusCode::CREATED, Json(json!({ "data": view(&row), "meta": {} }))).into_response();
    Ok(effect(answer, "promotion", &id, "create", &[]))
}

async fn update(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    let mut state = store.state();
    let old = state.shelf.promotions.get(&id).ok_or_else(gone_v3)?;
    let mut row = old.clone();
    shape("promotion").write(&sent.0, &mut row);
    row["redemption_type"] = old["redemption_type"].clone();
    let errors = errors(&state, &sent.0, &row, false);
    if !errors.is_empty() {
        return Ok(wrong(&errors));
    }
    state.shelf.promotions.insert(id, row.clone());
    Ok(effect(data(&view(&row)), "promotion", &id, "update", &[]))
}

fn has_codes(state: &State, id: u64) -> bool {
    state.shelf.codes.values().any(|code| code["promotion_id"].as_u64() == Some(id))
}

async fn remove(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let mut state = store.state();
    state.shelf.promotions.remove(&id);
    state.shelf.codes.retain(|_, code| code["promotion_id"].as_u64() != Some(id));
    Ok(no_content("promotion", &id, "delete"))
}

async fn remove_many(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let Some(ids) = params.ids("id:in").filter(|ids| !ids.is_empty()) else {
        return Ok(wrong(&["id:in is required".to_owned()]));
    };
    let mut state = store.state();
    if ids.len() > MOST {
        return Ok(wrong(&["no more than 50 promotions".to_owned()]));
    }
    if ids.iter().any(|id| has_codes(&state, *id)) {
        return Ok(wrong(&["a promotion with coupon codes cannot be deleted".to_owned()]));
    }
    state.shelf.promotions.retain(|id, _| !ids.contains(id));
    let list: Vec<String> = ids.iter().map(u64::to_string).collect();
    Ok(no_content("promotion", &list.join(","), "delete"))
}

async fn codes(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    state.shelf.promotions.get(&id).ok_or_else(gone_v3)?;
    let list = List { fields: &["code"], cursors: true, ..List::default() };
    let rows = state.shelf.codes.values().filter(|code| code["promotion_id"].as_u64() == Some(id));
    params.list(rows, &list, |row| {
        let mut out = row.clone();
        if let Some(out) = out.as_object_mut() {
            out.shift_remove("promotion_id");
        }
        out
    })
}

async fn add_code(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    let mut state = store.state();
    let promotion = state.shelf.promotions.get(&id).ok_or_else(gone_v3)?;
    if promotion["redemption_type"] != "COUPON" {
        return Ok(wrong(&["the promotion is not a coupon".to_owned()]));
    }
    let code = sent.0["code"].as_str().filter(|code| (1..=50).contains(&code.chars().count()));
    let Some(code) = code else { return Ok(wrong(&["code: 1 to 50 characters".to_owned()])) };
    if state.shelf.codes.values().any(|own| own["code"] == code) {
        return Ok(wrong(&["code: is in use".to_owned()]));
    }
    let own = state.id("coupon code");
    let row = json!({
        "id": own,
        "promotion_id": id,
        "code": code,
        "current_uses": 0,
        "max_uses": sent.0["max_uses"].as_u64().unwrap_or(0),
        "max_uses_per_customer": sent.0["max_uses_per_customer"].as_u64().unwrap_or(0),
        "created": store.shared.clock.now().strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
    });
    state.shelf.codes.insert(own, row.clone());
    let answer = (StatusCode::CREATED, Json(json!({ "data": row, "meta": {} }))).into_response();
    Ok(effect(answer, "coupon_code", &own, "create", &[]))
}
