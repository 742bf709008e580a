//! Variants: one at a time, and in batches of fifty (done as a whole or not at all: choice). In: SKUs and option values. Out:
//! variants, each of one value of every option.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use axum::{Json, Router, extract::State as Held, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Value, json};

use super::{options, row_of, rows, variant_view, write};
use crate::bigcommerce::{
    Store,
    answer::{
        Answer, Id, Ids, Refusal, Sent, array, bulk_effect, conflict, data, effect, gone_v3, no_content,
        unusable,
    },
    query::{List, Params},
    shape::shape,
    state::State,
};

/// Variants in one batch.
const MOST: usize = 50;

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/catalog/variants", get(all).put(batch))
        .route("/v3/catalog/products/{id}/variants", get(of_product).post(create))
        .route("/v3/catalog/products/{id}/variants/{variant}", get(one).put(update).delete(remove))
}

/// Tells the hooks of a variant.
pub(super) fn tell(store: &Arc<Store>, state: &mut State, variant: &Value, verb: &str) {
    let sku = json!({ "product_id": variant["product_id"], "variant_id": variant["id"] });
    let data = json!({ "type": "sku", "id": variant["sku_id"], "sku": sku });
    store.emit(state, &format!("store/sku/{verb}"), &data);
}

async fn all(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let skus = params.words("sku:in").or_else(|| params.get("sku").map(|sku| [sku.to_lowercase()].into()));
    let by_id = |id: u64| state.variant(id).map(|(_, variant)| variant);
    let rows: Vec<&Value> = if let Some(skus) = skus {
        skus.iter().filter_map(|sku| by_id(state.by_sku(sku)?.1?)).collect()
    } else if let Some(ids) = params.ids("id:in") {
        ids.into_iter().filter_map(by_id).collect()
    } else if let Some(products) = params.ids("product_id:in") {
        products
            .iter()
            .filter_map(|id| state.products.get(id))
            .flat_map(|product| super::rows(product, "variants"))
            .collect()
    } else {
        state.variants().map(|(_, variant)| variant).collect()
    };
    let list = List { fields: &["id", "sku", "upc", "product_id"], ..List::default() };
    params.list(rows.into_iter(), &list, |variant| {
        let product = variant["product_id"].as_u64().and_then(|id| state.products.get(&id));
        product.map_or(Value::Null, |product| variant_view(&store, &state, product, variant))
    })
}

async fn of_product(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    params.list(rows(product, "variants").iter(), &List::default(), |row| {
        variant_view(&store, &state, product, row)
    })
}

async fn one(Held(store): Held<Arc<Store>>, Ids(id, variant): Ids, params: Params) -> Answer {
    let state = store.state();
    Ok(data(&params.cut(shown(&store, &state, id, variant)?)))
}

fn shown(store: &Store, state: &State, id: u64, variant: u64) -> Result<Value, Refusal> {
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    let row = row_of(product, "variants", variant).ok_or_else(gone_v3)?;
    Ok(variant_view(store, state, product, row))
}

fn sku_free(state: &State, product: &Value, sent: &Value, own: Option<u64>) -> Result<(), Refusal> {
    let Some(sku) = sent["sku"].as_str() else { return Ok(()) };
    let twin = rows(product, "variants").iter().any(|row| {
        row["id"].as_u64() != own && row["sku"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(sku))
    });
    if twin || state.sku_taken(sku, product["id"].as_u64(), own) {
        return Err(conflict("The variant sku is a duplicate", "sku"));
    }
    Ok(())
}

/// Adds a variant to a product; options and values that it names by label are made.
pub(super) fn add(state: &mut State, product: &mut Value, sent: &Value) -> Result<u64, Refusal> {
    shape("new_variant").check(sent, true)?;
    let lacks = |field| unusable(&[(field, "error.path.missing")]);
    sent["sku"].as_str().ok_or_else(|| lacks("sku"))?;
    let values = rows(sent, "option_values");
    if values.is_empty() {
        return Err(lacks("option_values"));
    }
    sku_free(state, product, sent, None)?;
    let values = options::resolve(state, product, values)?;
    let ids = |row: &Value| {
        let mut ids: Vec<u64> =
            super::rows(row, "option_values").iter().filter_map(|value| value["id"].as_u64()).collect();
        ids.sort_unstable();
        ids
    };
    let new = json!({ "option_values": values });
    let has_values = |row: &&Value| !super::rows(row, "option_values").is_empty();
    if rows(product, "variants").iter().filter(has_values).any(|row| ids(row) == ids(&new)) {
        return Err(conflict("A variant with these option values exists already", "option_values"));
    }
    if let Some(variants) = product["variants"].as_array_mut() {
        // The base variant gives way to the first that has options.
        variants.retain(|row| row["option_values"].as_array().is_some_and(|values| !values.is_empty()));
        if variants.len() >= write::MOST_VARIANTS {
            return Err(unusable(&[("", "A product has no more than 600 SKUs.")]));
        }
    }
    let id = state.id("variant");
    let mut variant = json!({ "id": id, "product_id": product["id"], "sku_id": id });
    shape("variant").write(sent, &mut variant);
    variant["option_values"] = json!(values);
    if let Some(variants) = product["variants"].as_array_mut() {
        variants.push(variant);
    }
    Ok(id)
}

/// Changes a variant of a product. The base variant's SKU is the product's too.
pub(super) fn change(state: &State, product: &mut Value, id: u64, sent: &Value) -> Result<(), Refusal> {
    shape("variant").check(sent, false)?;
    sku_free(state, product, sent, Some(id))?;
    let plain = rows(product, "options").is_empty();
    let variants = product["variants"].as_array_mut().ok_or_else(gone_v3)?;
    let own = variants.iter_mut().find(|row| row["id"].as_u64() == Some(id)).ok_or_else(gone_v3)?;
    shape("variant").write(sent, own);
    if plain && sent["sku"].is_string() {
        product["sku"] = sent["sku"].clone();
    }
    Ok(())
}

/// Puts a product back after a change of its variants, with the stock that a body names.
fn settle(
    store: &Arc<Store>,
    state: &mut State,
    id: u64,
    product: Value,
    variant: u64,
    sent: &Value,
    verb: &str,
) {
    let old = state.products.get(&id).cloned().unwrap_or_default();
    let row = row_of(&product, "variants", variant).cloned().unwrap_or_default();
    let level = sent["inventory_level"]
        .as_i64()
        .filter(|_| crate::bigcommerce::inventory::tracking(&product) != "none");
    write::put_back(store, state, id, &old, product);
    if let Some(level) = level {
        use crate::bigcommerce::inventory::{DEFAULT, MOST};
        store.set_stock(state, DEFAULT, variant, level.clamp(0, MOST));
    }
    tell(store, state, &row, verb);
}

async fn create(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    let mut state = store.state();
    let mut product = state.products.get(&id).ok_or_else(gone_v3)?.clone();
    let variant = add(&mut state, &mut product, &sent.0)?;
    settle(&store, &mut state, id, product, variant, &sent.0, "created");
    Ok(effect(data(&shown(&store, &state, id, variant)?), "variant", &variant, "create", &[]))
}

async fn update(Held(store): Held<Arc<Store>>, Ids(id, variant): Ids, sent: Sent) -> Answer {
    let mut state = store.state();
    let mut product = state.products.get(&id).ok_or_else(gone_v3)?.clone();
    row_of(&product, "variants", variant).ok_or_else(gone_v3)?;
    change(&state, &mut product, variant, &sent.0)?;
    settle(&store, &mut state, id, product, variant, &sent.0, "updated");
    Ok(effect(data(&shown(&store, &state, id, variant)?), "variant", &variant, "update", &[]))
}

/// A product never has no variant: the last one leaves the base variant behind.
async fn remove(Held(store): Held<Arc<Store>>, Ids(id, variant): Ids) -> Answer {
    let mut state = store.state();
    let old = state.products.get(&id).ok_or_else(gone_v3)?.clone();
    let gone = row_of(&old, "variants", variant).ok_or_else(gone_v3)?.clone();
    let mut product = old.clone();
    if let Some(variants) = product["variants"].as_array_mut() {
        variants.retain(|row| row["id"].as_u64() != Some(variant));
    }
    if let Some(base) = options::base(&mut state, &product) {
        product["variants"] = json!([base]);
    }
    write::put_back(&store, &mut state, id, &old, product);
    state.drop_variant(variant);
    tell(&store, &mut state, &gone, "deleted");
    Ok(no_content("variant", &variant, "delete"))
}

/// `id` changes a variant; `product_id`, `sku` and `option_values` make one.
async fn batch(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let sent = array(&sent.0, MOST)?;
    let mut state = store.state();
    // Tried on copies first, so that a wrong row leaves all as it was.
    let mut products: BTreeMap<u64, Value> = BTreeMap::new();
    let (mut errors, mut done) = (Vec::new(), Vec::new());
    for row in sent {
        match try_row(&mut state, &mut products, row) {
            Ok(found) => done.push((found, row)),
            Err(refusal) => errors.push(refusal.into_body()),
        }
    }
    if !errors.is_empty() {
        let body = Json(json!({ "batch_errors": errors }));
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, body).into_response());
    }
    let mut out = Vec::new();
    for ((id, variant), row) in done {
        let Some(product) = products.get(&id).cloned() else { continue };
        let verb = if row["id"].is_null() { "created" } else { "updated" };
        settle(&store, &mut state, id, product, variant, row, verb);
        out.push(shown(&store, &state, id, variant)?);
    }
    let ids: Vec<String> = out.iter().map(|row| row["id"].to_string()).collect();
    let answer = Json(json!({ "data": out, "meta": {} })).into_response();
    Ok(bulk_effect(answer, "variant", &ids.join(","), "update", out.len()))
}

fn try_row(
    state: &mut State,
    products: &mut BTreeMap<u64, Value>,
    row: &Value,
) -> Result<(u64, u64), Refusal> {
    let owner = row["id"].as_u64().and_then(|id| state.variant(id)?.0["id"].as_u64());
    let named = row["product_id"].as_u64().filter(|_| row["id"].is_null());
    let id = owner.or(named).ok_or_else(|| unusable(&[("id", "Variant was not found")]))?;
    let product = match products.entry(id) {
        Entry::Occupied(own) => own.into_mut(),
        Entry::Vacant(place) => {
            let lacks = || unusable(&[("product_id", "Product was not found")]);
            place.insert(state.products.get(&id).ok_or_else(lacks)?.clone())
        }
    };
    match row["id"].as_u64() {
        Some(variant) => change(state, product, variant, row).map(|()| (id, variant)),
        None => add(state, product, row).map(|variant| (id, variant)),
    }
}
