//! Records of price lists, one at a time and in batches. A batch does what it can and lists the rest (a switch in the settings;
//! the documents say "may include errors during partial update").

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, State as Held},
    http::{StatusCode, request::Parts},
    response::IntoResponse,
    routing::get,
};
use serde_json::{Map, Value, json};

use super::now;
use crate::bigcommerce::{
    Store,
    answer::{
        Answer, Id, Ids, Refusal, Sent, bulk_effect, data, effect, gone_v3, missing, no_content, unusable, v3,
    },
    currency,
    money::Fixed,
    query::{List, Params},
    shape::shape,
    state::State,
};

/// Records in one batch: upserted, created.
const MOST: (usize, usize) = (1000, 100);
const FILTERS: &[&str] = &[
    "variant_id",
    "product_id",
    "currency",
    "price",
    "sale_price",
    "retail_price",
    "map_price",
    "calculated_price",
    "date_created",
    "date_modified",
    "sku",
];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/pricelists/records", axum::routing::post(create_many).put(upsert_many))
        .route("/v3/pricelists/{id}/records", get(all).post(create).put(upsert).delete(remove_many))
        .route("/v3/pricelists/{id}/records/{variant}", get(of_variant))
        .route("/v3/pricelists/{id}/records/{variant}/{currency}", get(one).put(set).delete(remove))
}

/// List, variant and currency of a path.
struct Key(u64, u64, String);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = parts.uri.path().to_owned();
        let found = Path::<(u64, u64, String)>::from_request_parts(parts, state).await;
        found
            .map(|Path((list, variant, currency))| Self(list, variant, currency.to_uppercase()))
            .map_err(|_| missing(&path))
    }
}

/// Adds what the catalogue knows; leaves out what was not asked for.
fn complete(state: &State, params: &Params, mut row: Value) -> Value {
    let found = row["variant_id"].as_u64().and_then(|id| state.variant(id));
    row["product_id"] = found.map_or(Value::Null, |(product, _)| product["id"].clone());
    if params.names("include", "sku") || params.pairs().any(|(key, _)| key.starts_with("sku")) {
        row["sku"] = found.map_or(Value::Null, |(_, variant)| variant["sku"].clone());
    }
    if !params.names("include", "bulk_pricing_tiers")
        && let Some(row) = row.as_object_mut()
    {
        row.shift_remove("bulk_pricing_tiers");
    }
    row
}

fn cursor(row: &Value) -> String {
    format!("{},{},{}", row["price_list_id"], row["variant_id"], row["currency"])
}

fn listed(store: &Store, id: u64, variant: Option<u64>, params: &Params) -> Answer {
    let state = store.state();
    let book = state.shelf.prices.get(&id).ok_or_else(gone_v3)?;
    let wanted = params.ids("variant_id:in");
    let chosen = book.all().filter(|(id, ..)| {
        variant.is_none_or(|variant| variant == *id)
            && wanted.as_ref().is_none_or(|wanted| wanted.contains(id))
    });
    let rows: Vec<Value> =
        chosen.map(|(id, code, record)| complete(&state, params, book.row(id, code, record))).collect();
    let list = List { fields: FILTERS, cursors: true, key: cursor, ..List::default() };
    params.list(rows.iter(), &list, Value::clone)
}

async fn all(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    listed(&store, id, None, &params)
}

async fn of_variant(Held(store): Held<Arc<Store>>, Ids(id, variant): Ids, params: Params) -> Answer {
    listed(&store, id, Some(variant), &params)
}

async fn one(Held(store): Held<Arc<Store>>, Key(id, variant, code): Key, params: Params) -> Answer {
    let state = store.state();
    let book = state.shelf.prices.get(&id).ok_or_else(gone_v3)?;
    let record = book.get(variant, &code).ok_or_else(gone_v3)?;
    Ok(data(&complete(&state, &params, book.row(variant, &code, record))))
}

/// What is wrong with the prices of a row; `fresh` asks for a price.
fn wrongs(row: &Value, fresh: bool) -> Map<String, Value> {
    let mut errors = shape("record").errors(row, true);
    if fresh && !row["price"].is_number() {
        errors.insert("price".into(), json!("error.path.missing"));
    }
    let tiers = row["bulk_pricing_tiers"].as_array();
    let mut end = Some(0);
    for tier in tiers.into_iter().flatten() {
        let (from, to) = (tier["quantity_min"].as_u64().unwrap_or(0), tier["quantity_max"].as_u64());
        if end.is_none_or(|end| from <= end) || to.is_some_and(|to| to != 0 && to < from) {
            errors.insert("bulk_pricing_tiers".into(), json!("tiers have to rise and may not overlap"));
        }
        end = to.filter(|to| *to != 0);
        let percent =
            tier["type"] == "percent" && Fixed::from_json(&tier["amount"]) > Some(Fixed::whole(100));
        if percent {
            errors.insert("bulk_pricing_tiers".into(), json!("no more than 100 percent"));
        }
    }
    errors
}

/// A row that may be written: list, variant, currency.
fn checked(
    state: &State,
    list: Option<u64>,
    row: &Value,
    creating: bool,
) -> Result<(u64, u64, String), Map<String, Value>> {
    let one = |field: &str, text: &str| Map::from_iter([(field.to_owned(), json!(text))]);
    let list = list
        .or_else(|| row["price_list_id"].as_u64())
        .ok_or_else(|| one("price_list_id", "error.path.missing"))?;
    let book =
        state.shelf.prices.get(&list).ok_or_else(|| one("price_list_id", "Price list was not found"))?;
    let code = row["currency"].as_str().ok_or_else(|| one("currency", "error.path.missing"))?.to_uppercase();
    if currency::id(&code) == 0 {
        return Err(one("currency", "The currency is not set up in this store"));
    }
    let variant = match (row["variant_id"].as_u64(), row["sku"].as_str()) {
        (Some(id), _) => {
            state.variant(id).map(|_| id).ok_or_else(|| one("variant_id", "Variant was not found"))?
        }
        (None, Some(sku)) => state
            .by_sku(sku)
            .and_then(|(_, variant)| variant)
            .ok_or_else(|| one("sku", "Variant was not found"))?,
        (None, None) => return Err(one("variant_id", "error.path.missing")),
    };
    let known = book.get(variant, &code).is_some();
    if creating && known {
        return Err(one("variant_id", "The price record exists already"));
    }
    let errors = wrongs(row, !known);
    if errors.is_empty() { Ok((list, variant, code)) } else { Err(errors) }
}

/// The particulars by which an error names its row.
fn named(list: Option<u64>, row: &Value) -> Value {
    let mut out = json!({});
    for field in ["price_list_id", "variant_id", "sku", "currency"] {
        if let Some(value) = row.get(field) {
            out[field] = value.clone();
        }
    }
    if let Some(list) = list {
        out["price_list_id"] = json!(list);
    }
    out
}

async fn create(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    batch(&store, Some(id), &sent.0, true)
}

async fn upsert(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    batch(&store, Some(id), &sent.0, false)
}

async fn create_many(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    batch(&store, None, &sent.0, true)
}

async fn upsert_many(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    batch(&store, None, &sent.0, false)
}

fn batch(store: &Arc<Store>, list: Option<u64>, sent: &Value, creating: bool) -> Answer {
    let rows = sent.as_array().ok_or_else(|| unusable(&[("", "error.expected.jsarray")]))?;
    let most = if creating { MOST.1 } else { MOST.0 };
    if rows.len() > most {
        let title =
            format!("The request payload is too large. The maximum items allowed in the array is {most}.");
        return Err(v3(StatusCode::UNPROCESSABLE_ENTITY, &title, &[]));
    }
    let mut state = store.state();
    if list.is_some_and(|list| !state.shelf.price_lists.contains_key(&list)) {
        return Err(gone_v3());
    }
    let checks: Vec<_> = rows.iter().map(|row| checked(&state, list, row, creating)).collect();
    let failed = checks.iter().any(Result::is_err);
    let (mut errors, mut made, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for (row, check) in rows.iter().zip(checks) {
        match check {
            Err(fields) => errors.push(json!({ "data": named(list, row), "field_errors": fields })),
            Ok(_) if failed && !store.settings.price_batches_are_partial => {}
            Ok((list, variant, code)) => {
                let Some(book) = state.shelf.prices.get_mut(&list) else { continue };
                let fresh = book.put(variant, &code, row, &now(store));
                let about = json!({ "price_list_id": list, "variant_id": variant, "currency": code });
                if fresh { made.push(about) } else { changed.push(about) }
            }
        }
    }
    let written = made.len() + changed.len();
    for (verb, about) in [("created", made), ("updated", changed)] {
        if !about.is_empty() {
            store.emit(&mut state, &format!("store/priceList/records/{verb}"), &json!(about));
        }
    }
    let id = list.map_or_else(|| "several".to_owned(), |list| list.to_string());
    let answer = if errors.is_empty() {
        Json(json!({ "data": {}, "meta": {} })).into_response()
    } else {
        let body = if list.is_some() { json!({ "batch_errors": errors }) } else { errors.swap_remove(0) };
        (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
    };
    let verb = if creating { "create" } else { "update" };
    Ok(if written == 0 { answer } else { bulk_effect(answer, "price_records", &id, verb, written) })
}

async fn set(
    Held(store): Held<Arc<Store>>,
    Key(id, variant, code): Key,
    params: Params,
    sent: Sent,
) -> Answer {
    let mut state = store.state();
    if !state.shelf.prices.contains_key(&id) || state.variant(variant).is_none() {
        return Err(gone_v3());
    }
    let mut row = sent.0;
    if !row.is_object() {
        return Err(unusable(&[("", "error.expected.jsobject")]));
    }
    (row["variant_id"], row["currency"]) = (json!(variant), json!(code));
    checked(&state, Some(id), &row, false).map_err(|fields| {
        let pairs: Vec<(&str, &str)> =
            fields.iter().map(|(field, text)| (field.as_str(), text.as_str().unwrap_or(""))).collect();
        unusable(&pairs)
    })?;
    let book = state.shelf.prices.get_mut(&id).ok_or_else(gone_v3)?;
    let fresh = book.put(variant, &code, &row, &now(&store));
    let about = json!({ "price_list_id": id, "variant_id": variant, "currency": code });
    store.emit(
        &mut state,
        if fresh { "store/priceList/record/created" } else { "store/priceList/record/updated" },
        &about,
    );
    let book = state.shelf.prices.get(&id).ok_or_else(gone_v3)?;
    let record = book.get(variant, &code).ok_or_else(gone_v3)?;
    let shown = complete(&state, &params, book.row(variant, &code, record));
    Ok(effect(
        data(&shown),
        "price_record",
        &format!("{id}/{variant}/{code}"),
        if fresh { "create" } else { "update" },
        &[],
    ))
}

async fn remove(Held(store): Held<Arc<Store>>, Key(id, variant, code): Key) -> Answer {
    let mut state = store.state();
    let book = state.shelf.prices.get_mut(&id).ok_or_else(gone_v3)?;
    let gone = book.drop_if(|other, currency| other == variant && currency == code);
    for (variant, currency) in &gone {
        let about = json!({ "price_list_id": id, "variant_id": variant, "currency": currency });
        store.emit(&mut state, "store/priceList/record/deleted", &about);
    }
    Ok(no_content("price_record", &format!("{id}/{variant}/{code}"), "delete"))
}

/// Without a filter all records of the list are deleted.
async fn remove_many(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    params.known(&["currency", "variant_id", "sku"])?;
    let mut state = store.state();
    let skus = params.words("sku:in");
    let skus = skus.map(|skus| skus.iter().filter_map(|sku| state.by_sku(sku)?.1).collect::<Vec<u64>>());
    let (variants, code) = (params.ids("variant_id:in"), params.get("currency").map(str::to_uppercase));
    let book = state.shelf.prices.get_mut(&id).ok_or_else(gone_v3)?;
    let gone = book.drop_if(|variant, currency| {
        variants.as_ref().is_none_or(|variants| variants.contains(&variant))
            && skus.as_ref().is_none_or(|skus| skus.contains(&variant))
            && code.as_ref().is_none_or(|code| code == currency)
    });
    let row = |(variant, currency): &(u64, String)| json!({ "price_list_id": id, "variant_id": variant, "currency": currency });
    if !gone.is_empty() {
        let about: Vec<Value> = gone.iter().map(row).collect();
        store.emit(&mut state, "store/priceList/records/deleted", &json!(about));
    }
    Ok(bulk_effect(StatusCode::NO_CONTENT.into_response(), "price_records", &id, "delete", gone.len()))
}
