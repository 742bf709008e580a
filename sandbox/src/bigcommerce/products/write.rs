//! Products made, changed and deleted. In: bodies of calls, one or a batch of ten, which is done as a whole or not at all
//! (choice). Out: records and hooks. Names and SKUs are unique; a category, brand or tax class that is not there is a conflict.

use std::sync::Arc;

use axum::extract::State as Held;
use serde_json::{Map, Value, json};

use super::{now, options, parts, rows, variants, view};
use crate::bigcommerce::{
    Store,
    answer::{
        Answer, Id, Refusal, Sent, array, bulk_effect, conflict, data, effect, gone_v3, no_content, several,
        unusable,
    },
    inventory,
    query::Params,
    shape::shape,
    state::State,
};

/// Products in one batch.
const MOST: usize = 10;
/// Variants of one product.
pub(super) const MOST_VARIANTS: usize = 600;

fn refusal(errors: &Map<String, Value>) -> Refusal {
    let pairs: Vec<(&str, &str)> =
        errors.iter().map(|(field, text)| (field.as_str(), text.as_str().unwrap_or(""))).collect();
    unusable(&pairs)
}

/// Refuses a body that cannot be a product; `id` is the product's own when it is changed.
fn check(state: &State, row: &Value, id: Option<u64>) -> Result<(), Refusal> {
    let mut errors = shape("product").errors(row, id.is_none());
    if row.is_object() {
        let parts = shape("product-parts").errors(row, id.is_none());
        // A variant that is only changed needs nothing but its id.
        errors.extend(parts);
    }
    if row["name"].as_str().is_some_and(|name| name.trim().is_empty()) {
        errors.insert("name".into(), json!("name must be between 1 and 250 characters"));
    }
    for (part, most) in
        [("variants", MOST_VARIANTS), ("images", 1000), ("custom_fields", 200), ("bulk_pricing_rules", 50)]
    {
        if rows(row, part).len() > most {
            errors.insert(part.to_owned(), json!(format!("no more than {most}")));
        }
    }
    if !errors.is_empty() {
        return Err(refusal(&errors));
    }
    if row["name"].as_str().is_some_and(|name| state.name_taken(name.trim(), id)) {
        return Err(conflict("The product name is a duplicate", "name"));
    }
    let sku = row["sku"].as_str().filter(|sku| !sku.is_empty());
    if sku.is_some_and(|sku| state.sku_taken(sku, id, None)) {
        return Err(conflict("The product sku is a duplicate", "sku"));
    }
    check_links(state, row)?;
    parts::check_rules(rows(row, "bulk_pricing_rules"))
}

fn check_links(state: &State, row: &Value) -> Result<(), Refusal> {
    let missing = |id: &&Value| id.as_u64().is_none_or(|id| !state.shelf.categories.contains_key(&id));
    if let Some(id) = rows(row, "categories").iter().find(missing) {
        return Err(conflict(&format!("The category {id} was not found"), "categories"));
    }
    let links = [
        ("brand_id", &state.shelf.brands, "The brand was not found", true),
        ("tax_class_id", &state.shelf.tax_classes, "The tax class was not found", false),
    ];
    for (field, known, text, zero_is_none) in links {
        let id = row[field].as_u64().filter(|id| !(zero_is_none && *id == 0));
        if id.is_some_and(|id| !known.contains_key(&id)) {
            return Err(conflict(text, field));
        }
    }
    Ok(())
}

/// The brand of a name, made if there is none.
fn brand(state: &mut State, row: &Value, product: &mut Value) {
    let Some(name) = row["brand_name"].as_str() else { return };
    let same = |other: &&Value| other["name"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(name));
    let known = state.shelf.brands.values().find(same).and_then(|row| row["id"].as_u64());
    let id = known.unwrap_or_else(|| {
        let id = state.id("brand");
        state.shelf.brands.insert(id, json!({ "id": id, "name": name }));
        id
    });
    product["brand_id"] = json!(id);
}

/// Writes the fields and parts of a checked body over a product.
fn apply(store: &Arc<Store>, state: &mut State, row: &Value, product: &mut Value) -> Result<(), Refusal> {
    shape("product").write(row, product);
    if let Some(name) = row["name"].as_str() {
        product["name"] = json!(name.trim());
    }
    brand(state, row, product);
    parts::apply(store, state, row, product)?;
    product["date_modified"] = json!(now(store));
    let ids = rows(row, "variants").iter().any(|row| row.get("id").is_some());
    if !rows(row, "variants").is_empty() && !ids && rows(product, "options").is_empty() {
        product["variants"] = json!([]);
    }
    for sent in rows(row, "variants") {
        match sent["id"].as_u64() {
            Some(id) => variants::change(state, product, id, sent)?,
            None => drop(variants::add(state, product, sent)?),
        }
    }
    let base = options::base(state, product);
    if let Some(base) = base {
        product["variants"] = json!([base]);
    }
    if rows(product, "options").is_empty() && row.get("sku").is_some() {
        product["variants"][0]["sku"] = product["sku"].clone();
    }
    Ok(())
}

/// Sets the stock that a body names, at the default location, cut to what may lie there (`inventory-adjustments.mdx`).
pub(super) fn stock(store: &Arc<Store>, state: &mut State, product: &Value, row: &Value) {
    let tracking = inventory::tracking(product).to_owned();
    let mut levels = Vec::new();
    if tracking == "product" {
        let base = rows(product, "variants").first().and_then(|row| row["id"].as_u64());
        levels.extend(base.zip(row["inventory_level"].as_i64()));
    }
    if tracking == "variant" {
        for sent in rows(row, "variants") {
            let same =
                |own: &&Value| own["id"] == sent["id"] || (sent["id"].is_null() && own["sku"] == sent["sku"]);
            let own = rows(product, "variants").iter().find(same).and_then(|row| row["id"].as_u64());
            levels.extend(own.zip(sent["inventory_level"].as_i64()));
        }
    }
    for (variant, level) in levels {
        store.set_stock(state, inventory::DEFAULT, variant, level.clamp(0, inventory::MOST));
    }
}

fn shown(store: &Store, state: &State, id: u64, params: &Params) -> Result<Value, Refusal> {
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    let always = ["variants", "options", "images", "custom_fields", "bulk_pricing_rules"];
    let whole = view(store, state, product, |part| always.contains(&part) || params.names("include", part));
    Ok(params.cut(whole))
}

pub(super) async fn create(Held(store): Held<Arc<Store>>, params: Params, sent: Sent) -> Answer {
    let mut state = store.state();
    check(&state, &sent.0, None)?;
    let id = state.id("product");
    let mut product = json!({ "id": id, "name": "", "variants": [], "options": [], "channels": [1] });
    product["date_created"] = json!(now(&store));
    apply(&store, &mut state, &sent.0, &mut product)?;
    state.put_product(id, product.clone());
    stock(&store, &mut state, &product, &sent.0);
    store.emit(&mut state, "store/product/created", &json!({ "type": "product", "id": id }));
    for variant in rows(&product, "variants") {
        variants::tell(&store, &mut state, variant, "created");
    }
    Ok(effect(data(&shown(&store, &state, id, &params)?), "product", &id, "create", &names(&sent.0)))
}

fn names(row: &Value) -> Vec<String> {
    row.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// Fields whose change is told; others are changed in silence (`events/index.mdx`, product update events).
fn told(old: &Value, new: &Value) -> Vec<String> {
    let fields = new.as_object().into_iter().flatten();
    let changed = fields.filter(|(name, value)| *name != "date_modified" && old.get(*name) != Some(*value));
    changed.map(|(name, _)| name.clone()).filter(|name| name != "channels").collect()
}

fn replace(store: &Arc<Store>, state: &mut State, id: u64, row: &Value) -> Result<(), Refusal> {
    let old = state.products.get(&id).ok_or_else(gone_v3)?.clone();
    let mut product = old.clone();
    apply(store, state, row, &mut product)?;
    put_back(store, state, id, &old, product);
    let product = state.products.get(&id).cloned().unwrap_or_default();
    stock(store, state, &product, row);
    Ok(())
}

/// Puts a changed product back and tells the hooks what has changed.
pub(super) fn put_back(store: &Arc<Store>, state: &mut State, id: u64, old: &Value, mut product: Value) {
    product["date_modified"] = json!(now(store));
    let properties = told(old, &product);
    state.put_product(id, product);
    if !properties.is_empty() {
        let data = json!({ "type": "product", "id": id, "properties": properties });
        store.emit(state, "store/product/updated", &data);
    }
}

pub(super) async fn update(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params, sent: Sent) -> Answer {
    let mut state = store.state();
    if !state.products.contains_key(&id) {
        return Err(gone_v3());
    }
    check(&state, &sent.0, Some(id))?;
    replace(&store, &mut state, id, &sent.0)?;
    Ok(effect(data(&shown(&store, &state, id, &params)?), "product", &id, "update", &names(&sent.0)))
}

pub(super) async fn batch(Held(store): Held<Arc<Store>>, params: Params, sent: Sent) -> Answer {
    let rows = array(&sent.0, MOST)?;
    let mut state = store.state();
    let mut ids = Vec::new();
    for row in rows {
        let id = row["id"].as_u64().ok_or_else(|| unusable(&[("id", "error.path.missing")]))?;
        if !state.products.contains_key(&id) {
            return Err(gone_v3());
        }
        check(&state, row, Some(id))?;
        ids.push(id);
    }
    for (id, row) in ids.iter().zip(rows) {
        replace(&store, &mut state, *id, row)?;
    }
    let all: Vec<Value> = ids.iter().filter_map(|id| shown(&store, &state, *id, &params).ok()).collect();
    let list: Vec<String> = ids.iter().map(u64::to_string).collect();
    Ok(bulk_effect(several(&all), "product", &list.join(","), "update", all.len()))
}

fn forget(store: &Arc<Store>, state: &mut State, id: u64) {
    let Some(product) = state.drop_product(id) else { return };
    for variant in rows(&product, "variants") {
        variants::tell(store, state, variant, "deleted");
    }
    state.metafields.retain(|_, field| field.resource_type != "product" || field.resource_id != id);
    store.emit(state, "store/product/deleted", &json!({ "type": "product", "id": id }));
}

pub(super) async fn remove(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let mut state = store.state();
    forget(&store, &mut state, id);
    Ok(no_content("product", &id, "delete"))
}

/// A filter has to be there.
pub(super) async fn remove_many(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    if params.pairs().next().is_none() {
        return Err(unusable(&[("", "A filter is required.")]));
    }
    let mut state = store.state();
    let found = params.select(state.products.values(), &super::listing())?;
    let ids: Vec<u64> = found.iter().filter_map(|product| product["id"].as_u64()).collect();
    for id in &ids {
        forget(&store, &mut state, *id);
    }
    let list: Vec<String> = ids.iter().map(u64::to_string).collect();
    Ok(no_content("product", &list.join(","), "delete"))
}
