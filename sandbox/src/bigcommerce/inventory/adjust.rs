//! Absolute and relative adjustments, and the settings of stock. In: batches of up to 2,000. Out: changed levels, hooks. A
//! batch is checked as a whole before anything is changed (choice: the documents do not say what a refused one has done).

use std::{fmt::Write as _, sync::Arc};

use axum::{
    Json, Router,
    extract::State as Held,
    http::StatusCode,
    response::IntoResponse,
    routing::{post, put},
};
use serde_json::{Map, Value, json};

use super::{Level, MOST, locations, tracking};
use crate::{
    bigcommerce::{
        Store,
        answer::{Answer, Id, Refusal, Sent, bulk_effect, v3},
        shape::shape,
        state::State,
    },
    ledger::Platform,
};

/// Items in one call.
const MOST_ITEMS: usize = 2000;

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/inventory/adjustments/absolute", put(absolute))
        .route("/v3/inventory/adjustments/relative", post(relative))
        .route("/v3/inventory/locations/{id}/items", put(settings).get(super::items::at_location))
}

/// A batch with wrong fields.
fn invalid(errors: &Map<String, Value>) -> Refusal {
    let pairs: Vec<(&str, &str)> =
        errors.iter().map(|(at, text)| (at.as_str(), text.as_str().unwrap_or(""))).collect();
    v3(StatusCode::UNPROCESSABLE_ENTITY, "Payload contains invalid fields", &pairs)
}

fn one_error(at: &str, text: &str) -> Refusal {
    invalid(&Map::from_iter([(at.to_owned(), json!(text))]))
}

fn refused(title: &str) -> Refusal {
    v3(StatusCode::UNPROCESSABLE_ENTITY, title, &[])
}

/// The rows of a batch.
fn rows<'a>(sent: &'a Value, field: &str) -> Result<&'a Vec<Value>, Refusal> {
    let rows = sent[field].as_array().ok_or_else(|| one_error(field, "error.path.missing"))?;
    match rows.len() {
        0 => Err(one_error(field, "at least one is needed")),
        1..=MOST_ITEMS => Ok(rows),
        _ => Err(one_error(field, "no more than 2000 items")),
    }
}

/// One adjustment, checked.
struct Adjustment {
    location: u64,
    variant: u64,
    quantity: i64,
    identity: String,
}

fn number(row: &Value, field: &str) -> Option<i64> {
    row[field].as_i64().filter(|number| (-MOST..=MOST).contains(number))
}

fn read(state: &State, sent: &Value, relative: bool) -> Result<Vec<Adjustment>, Refusal> {
    if !(sent["reason"].is_null() || sent["reason"].is_string()) {
        return Err(one_error("reason", "error.expected.jsstring"));
    }
    let (mut errors, mut wrong, mut out) = (Map::new(), Vec::new(), Vec::new());
    for (index, row) in rows(sent, "items")?.iter().enumerate() {
        let mut lacks =
            |field: &str| errors.insert(format!("items.{index}.{field}"), json!("error.path.missing"));
        let location = row["location_id"].as_u64();
        let quantity = number(row, "quantity").filter(|quantity| relative || *quantity >= 0);
        let (Some(location), Some(quantity)) = (location, quantity) else {
            lacks(if location.is_none() { "location_id" } else { "quantity" });
            continue;
        };
        let Some(identity) = identity(row) else {
            lacks("sku");
            continue;
        };
        match find(state, row) {
            Ok(variant) => out.push(Adjustment { location, variant, quantity, identity }),
            Err(text) => wrong.push(text),
        }
    }
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    if !wrong.is_empty() {
        return Err(refused(&format!("[{}]", wrong.join(", "))));
    }
    for adjustment in &out {
        locations::may_hold(state, adjustment.location).map_err(|title| refused(&title))?;
    }
    Ok(out)
}

/// How a row names its item, as the platform writes it in errors.
fn identity(row: &Value) -> Option<String> {
    let field = ["sku", "variant_id", "product_id"].into_iter().find(|field| !row[*field].is_null())?;
    let text = row[field].as_str().map_or_else(|| row[field].to_string(), str::to_owned);
    Some(format!("{field} {text}"))
}

/// The variant whose stock a row means. A product is addressed as it is tracked; a SKU suits both.
fn find(state: &State, row: &Value) -> Result<u64, String> {
    let identity = identity(row).unwrap_or_default();
    let unknown = || format!("Item with {identity} was not found");
    let by = |wanted: &str| {
        format!("Item with {identity} is tracked by {wanted}, please update stock by {wanted} id")
    };
    let (product, variant) = if let Some(sku) = row["sku"].as_str() {
        let (product, variant) = state.by_sku(sku).ok_or_else(unknown)?;
        (state.products.get(&product).ok_or_else(unknown)?, variant)
    } else if let Some(id) = row["variant_id"].as_u64() {
        let (product, _) = state.variant(id).ok_or_else(unknown)?;
        if tracking(product) == "product" {
            return Err(by("product"));
        }
        (product, Some(id))
    } else {
        let id = row["product_id"].as_u64().ok_or_else(unknown)?;
        (state.products.get(&id).ok_or_else(unknown)?, None)
    };
    match (tracking(product), variant) {
        ("variant", Some(variant)) => Ok(variant),
        ("variant", None) => Err(by("variant")),
        ("product", _) => product["variants"][0]["id"].as_u64().ok_or_else(unknown),
        _ => Err(format!("Item with {identity} is not tracked, please turn inventory tracking on")),
    }
}

async fn absolute(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    adjust(&store, &sent.0, false)
}

async fn relative(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    adjust(&store, &sent.0, true)
}

fn adjust(store: &Arc<Store>, sent: &Value, relative: bool) -> Answer {
    let mut state = store.state();
    let adjustments = read(&state, sent, relative)?;
    let levels = if relative {
        raised(&state, &adjustments)?
    } else {
        adjustments.iter().map(|one| one.quantity).collect()
    };
    for (adjustment, onhand) in adjustments.iter().zip(levels) {
        store.set_stock(&mut state, adjustment.location, adjustment.variant, onhand);
    }
    let id = state.uuid();
    let answer = Json(json!({ "transaction_id": id })).into_response();
    store.shared.note(
        Platform::Bigcommerce,
        "stock",
        json!({ "transaction_id": id, "items": adjustments.len() }),
    );
    Ok(bulk_effect(answer, "inventory", &id, "update", adjustments.len()))
}

/// The levels after relative adjustments; refused as a whole if one has no level yet, or would eat into the safety stock.
fn raised(state: &State, adjustments: &[Adjustment]) -> Result<Vec<i64>, Refusal> {
    let level = |one: &Adjustment| state.shelf.stock.get(one.location, one.variant);
    let fresh: Vec<&str> =
        adjustments.iter().filter(|one| level(one).is_none()).map(|one| one.identity.as_str()).collect();
    if !fresh.is_empty() {
        let list = fresh.join(", ");
        return Err(refused(&format!(
            "Items with identity: [{list}] requires absolute adjustment before relative"
        )));
    }
    let mut running = std::collections::BTreeMap::new();
    let (mut out, mut short) = (Vec::new(), String::new());
    for one in adjustments {
        let Some(level) = level(one) else { continue };
        let onhand = running.entry((one.location, one.variant)).or_insert_with(|| level.onhand());
        *onhand += one.quantity;
        if (one.quantity < 0 && *onhand < level.safety) || *onhand > MOST {
            let _ = write!(short, "{}{}", if short.is_empty() { "" } else { ", " }, one.identity);
        }
        out.push(*onhand);
    }
    if short.is_empty() {
        Ok(out)
    } else {
        Err(refused(&format!("Items with identity: [{short}] have insufficient stock")))
    }
}

/// Tells the hooks of a change of `change` units (`events/index.mdx`: a call's change is always named absolute).
pub(super) fn tell(store: &Arc<Store>, state: &mut State, location: u64, variant: u64, change: i64) {
    let Some((product, row)) = state.variant(variant) else { return };
    let (product_id, sku_id) = (product["id"].clone(), row["sku_id"].clone());
    let by_variant = tracking(product) == "variant";
    let mut inventory = json!({ "product_id": product_id, "method": "absolute", "value": change });
    if by_variant {
        inventory["variant_id"] = json!(variant);
        let data = json!({ "type": "sku", "id": sku_id, "inventory": inventory });
        store.emit(state, "store/sku/inventory/updated", &data);
    } else {
        let data = json!({ "type": "product", "id": product_id, "inventory": inventory });
        store.emit(state, "store/product/inventory/updated", &data);
    }
    let data = json!({ "variant_id": variant, "product_id": product_id, "location_id": location });
    store.emit(state, "store/channel/*/inventory/product/stock_changed", &data);
}

async fn settings(Held(store): Held<Arc<Store>>, Id(location): Id, sent: Sent) -> Answer {
    let mut state = store.state();
    let (mut errors, mut wrong, mut found) = (Map::new(), Vec::new(), Vec::new());
    for (index, row) in rows(&sent.0, "settings")?.iter().enumerate() {
        let wrongs = shape("stock_settings").errors(row, false);
        errors.extend(wrongs.into_iter().map(|(at, text)| (format!("setting.{index}.{at}"), text)));
        if ["safety_stock", "is_in_stock", "warning_level", "bin_picking_number"]
            .iter()
            .all(|name| row[*name].is_null())
        {
            let text = "At least one setting must be specified: warning_level, is_in_stock or safety_stock";
            errors.insert(format!("setting.{index}.settings"), json!(text));
        }
        match identity(&row["identity"]).map(|_| find(&state, &row["identity"])) {
            None => drop(errors.insert(format!("setting.{index}.identity"), json!("error.path.missing"))),
            Some(Ok(variant)) => found.push((variant, row)),
            Some(Err(text)) => wrong.push(text),
        }
    }
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    if !wrong.is_empty() {
        return Err(refused(&format!("[{}]", wrong.join(", "))));
    }
    locations::may_hold(&state, location).map_err(|title| refused(&title))?;
    for (variant, row) in &found {
        let level = state.shelf.stock.at(location, *variant);
        let before = level.clone();
        set(level, row);
        if *level == before {
            continue;
        }
        let product_id = state.variant(*variant).map(|(product, _)| product["id"].clone());
        let data = json!({ "variant_id": variant, "product_id": product_id, "location_id": location });
        store.emit(&mut state, "store/channel/*/inventory/product/settings_changed", &data);
    }
    let id = state.uuid();
    Ok(bulk_effect(
        Json(json!({ "transaction_id": id })).into_response(),
        "inventory",
        &id,
        "settings",
        found.len(),
    ))
}

fn set(level: &mut Level, row: &Value) {
    level.safety = row["safety_stock"].as_i64().unwrap_or(level.safety);
    level.in_stock = row["is_in_stock"].as_bool().unwrap_or(level.in_stock);
    level.warning = row["warning_level"].as_i64().unwrap_or(level.warning);
    if let Some(bin) = row["bin_picking_number"].as_str() {
        bin.clone_into(&mut level.bin);
    }
}
