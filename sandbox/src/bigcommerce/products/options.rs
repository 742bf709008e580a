//! Options of products with their values, and modifiers. In: calls. Out: records in the order they were given. Making an option
//! makes no variant; deleting one takes the variants with it that had a value of it.

use std::sync::Arc;

use axum::{Extension, Router, extract::State as Held, routing::get};
use serde_json::{Value, json};

use super::{row_of, rows, write};
use crate::bigcommerce::{
    Store,
    answer::{Answer, Id, Ids, Ids3, Refusal, Sent, conflict, data, effect, gone_v3, no_content, unusable},
    query::{List, Params},
    shape::shape,
    state::State,
    stock::option_row,
};

/// Values of one option (`product-variant-options_catalog.v3.yml`).
const MOST_VALUES: usize = 250;

/// Options, which make variants, or modifiers, which do not: the part of the product, the shape, the name of an id.
#[derive(Clone, Copy, Debug)]
struct Part(&'static str, &'static str);

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    let part = |part: Part| {
        let path = format!("/v3/catalog/products/{{id}}/{}", part.0);
        Router::new()
            .route(&path, get(list).post(create))
            .route(&format!("{path}/{{option}}"), get(one).put(update).delete(remove))
            .route(&format!("{path}/{{option}}/values"), get(values).post(add_value))
            .route(
                &format!("{path}/{{option}}/values/{{value}}"),
                get(value).put(change_value).delete(remove_value),
            )
            .layer(Extension(part))
    };
    part(Part("options", "option")).merge(part(Part("modifiers", "modifier")))
}

/// The variant of a product without options, if it has to have one and has none. Its SKU is the product's.
pub(super) fn base(state: &mut State, product: &Value) -> Option<Value> {
    if !rows(product, "variants").is_empty() {
        return None;
    }
    let id = state.id("variant");
    let sku = product.get("sku").cloned().unwrap_or(json!(""));
    Some(json!({ "id": id, "product_id": product["id"], "sku_id": id, "sku": sku, "option_values": [] }))
}

/// The values of a new variant: by ids, or by labels, which are made if they are not there. One for each option.
pub(super) fn resolve(state: &mut State, product: &mut Value, sent: &[Value]) -> Result<Vec<Value>, Refusal> {
    let mut out: Vec<Value> = Vec::new();
    for value in sent {
        let found = match value["id"].as_u64() {
            Some(id) => by_id(product, id, value["option_id"].as_u64()),
            None => Some(by_label(state, product, value)?),
        };
        let found = found.ok_or_else(|| unusable(&[("option_values", "Option value was not found")]))?;
        if out.iter().any(|other| other["option_id"] == found["option_id"]) {
            return Err(unusable(&[("option_values", "an option comes twice")]));
        }
        out.push(found);
    }
    let lacking = rows(product, "options")
        .iter()
        .find(|option| out.iter().all(|value| value["option_id"] != option["id"]));
    // An option that has just been made by a label has no value in the variants before it.
    let first = rows(product, "variants").iter().all(|row| super::rows(row, "option_values").is_empty());
    match lacking {
        Some(option) if !first || sent.iter().any(|value| value["id"].is_u64()) => {
            let name = option["display_name"].as_str().unwrap_or("");
            Err(unusable(&[("option_values", &format!("a value of {name} is needed"))]))
        }
        _ => Ok(out),
    }
}

fn chosen(option: &Value, value: &Value) -> Value {
    json!({
        "id": value["id"],
        "label": value["label"],
        "option_id": option["id"],
        "option_display_name": option["display_name"],
    })
}

fn by_id(product: &Value, id: u64, option: Option<u64>) -> Option<Value> {
    let mut options =
        rows(product, "options").iter().filter(|row| option.is_none_or(|id| row["id"].as_u64() == Some(id)));
    options.find_map(|option| row_of(option, "option_values", id).map(|value| chosen(option, value)))
}

fn by_label(state: &mut State, product: &mut Value, value: &Value) -> Result<Value, Refusal> {
    let lacks = |field: &str| unusable(&[(&format!("option_values.{field}"), "error.path.missing")]);
    let name = value["option_display_name"].as_str().ok_or_else(|| lacks("option_display_name"))?;
    let label = value["label"].as_str().ok_or_else(|| lacks("label"))?;
    let product_id = product["id"].as_u64().ok_or_else(gone_v3)?;
    if !product["options"].is_array() {
        product["options"] = json!([]);
    }
    let options = product["options"].as_array_mut().ok_or_else(gone_v3)?;
    let at = options.iter().position(|row| row["display_name"] == name);
    let at = at.unwrap_or_else(|| {
        let id = state.id("option");
        options.push(option_row(id, product_id, name, options.len()));
        options.len() - 1
    });
    let known = rows(&options[at], "option_values").iter().find(|row| row["label"] == label).cloned();
    let value = if let Some(value) = known {
        value
    } else {
        let sort_order = rows(&options[at], "option_values").len();
        push_value(state, &mut options[at], &json!({ "label": label, "sort_order": sort_order }))?
    };
    Ok(chosen(&options[at], &value))
}

/// Adds a checked value to an option.
fn push_value(state: &mut State, option: &mut Value, sent: &Value) -> Result<Value, Refusal> {
    let values = rows(option, "option_values");
    if values.len() >= MOST_VALUES {
        return Err(unusable(&[("option_values", "no more than 250 values")]));
    }
    if values.iter().any(|value| value["label"] == sent["label"]) {
        return Err(conflict("The option value label is a duplicate", "label"));
    }
    let mut value = shape("option_value").blank();
    shape("option_value").write(sent, &mut value);
    value["id"] = json!(state.id("option value"));
    if let Some(values) = option["option_values"].as_array_mut() {
        values.push(value.clone());
    }
    Ok(value)
}

/// Works on one product under the lock and puts it back.
fn edit<T>(
    store: &Arc<Store>,
    id: u64,
    work: impl FnOnce(&mut State, &mut Value) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut state = store.state();
    let old = state.products.get(&id).ok_or_else(gone_v3)?.clone();
    let mut product = old.clone();
    let out = work(&mut state, &mut product)?;
    write::put_back(store, &mut state, id, &old, product);
    Ok(out)
}

fn option_of(product: &mut Value, part: Part, id: u64) -> Result<&mut Value, Refusal> {
    let options = product[part.0].as_array_mut().ok_or_else(gone_v3)?;
    options.iter_mut().find(|row| row["id"].as_u64() == Some(id)).ok_or_else(gone_v3)
}

async fn list(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Id(id): Id,
    params: Params,
) -> Answer {
    let state = store.state();
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    params.list(rows(product, part.0).iter(), &List::default(), Value::clone)
}

async fn one(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids(id, option): Ids,
) -> Answer {
    let state = store.state();
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    Ok(data(row_of(product, part.0, option).ok_or_else(gone_v3)?))
}

fn unique(product: &Value, part: Part, sent: &Value, but: Option<u64>) -> Result<(), Refusal> {
    let same = |row: &&Value| row["id"].as_u64() != but && row["display_name"] == sent["display_name"];
    if sent["display_name"].is_string() && rows(product, part.0).iter().any(|row| same(&row)) {
        return Err(conflict("The option display name is a duplicate", "display_name"));
    }
    Ok(())
}

async fn create(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Id(id): Id,
    sent: Sent,
) -> Answer {
    shape(part.1).check(&sent.0, true)?;
    let sent = sent.0;
    if part.0 == "options" && rows(&sent, "option_values").is_empty() {
        return Err(unusable(&[("option_values", "at least one value is needed")]));
    }
    let row = edit(&store, id, |state, product| {
        unique(product, part, &sent, None)?;
        let mut row = shape(part.1).blank();
        shape(part.1).write(&sent, &mut row);
        let own = state.id(part.1);
        row["id"] = json!(own);
        row["product_id"] = json!(id);
        row["name"] = json!(format!("{}{own}", sent["display_name"].as_str().unwrap_or("")));
        row["option_values"] = json!([]);
        for value in rows(&sent, "option_values") {
            push_value(state, &mut row, value)?;
        }
        if !product[part.0].is_array() {
            product[part.0] = json!([]);
        }
        if let Some(all) = product[part.0].as_array_mut() {
            all.push(row.clone());
            // Kept in the order in which they are shown.
            all.sort_by_key(|row| row["sort_order"].as_i64());
        }
        Ok(row)
    })?;
    Ok(effect(data(&row), part.1, &row["id"], "create", &[]))
}

/// Values with an id are changed, values without one are added; those that are not named stay.
async fn update(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids(id, option): Ids,
    sent: Sent,
) -> Answer {
    shape(part.1).check(&sent.0, false)?;
    let mut sent = sent.0;
    let values = sent.as_object_mut().and_then(|sent| sent.shift_remove("option_values"));
    let row = edit(&store, id, |state, product| {
        unique(product, part, &sent, Some(option))?;
        let row = option_of(product, part, option)?;
        shape(part.1).write(&sent, row);
        for value in values.as_ref().and_then(Value::as_array).into_iter().flatten() {
            match value["id"].as_u64() {
                Some(own) => drop(set_value(row, own, value)?),
                None => drop(push_value(state, row, value)?),
            }
        }
        let row = row.clone();
        relabel(product, &row);
        if let Some(all) = product[part.0].as_array_mut() {
            all.sort_by_key(|row| row["sort_order"].as_i64());
        }
        Ok(row)
    })?;
    Ok(effect(data(&row), part.1, &option, "update", &[]))
}

fn set_value(option: &mut Value, id: u64, sent: &Value) -> Result<Value, Refusal> {
    shape("option_value").check(sent, false)?;
    let values = option["option_values"].as_array_mut().ok_or_else(gone_v3)?;
    let value = values.iter_mut().find(|row| row["id"].as_u64() == Some(id)).ok_or_else(gone_v3)?;
    shape("option_value").write(sent, value);
    value["id"] = json!(id);
    Ok(value.clone())
}

/// Writes the present names of an option and its values into the variants.
fn relabel(product: &mut Value, option: &Value) {
    for variant in product["variants"].as_array_mut().into_iter().flatten() {
        for own in variant["option_values"].as_array_mut().into_iter().flatten() {
            let value = row_of(option, "option_values", own["id"].as_u64().unwrap_or(0));
            if let Some(value) = value.filter(|_| own["option_id"] == option["id"]) {
                *own = chosen(option, value);
            }
        }
    }
}

/// Takes the variants out that have a value for which `gone` holds.
fn prune(state: &mut State, product: &mut Value, gone: impl Fn(&Value) -> bool) {
    let mut dropped = Vec::new();
    if let Some(variants) = product["variants"].as_array_mut() {
        variants.retain(|variant| {
            let out = rows(variant, "option_values").iter().any(&gone);
            if out {
                dropped.extend(variant["id"].as_u64());
            }
            !out
        });
    }
    for variant in dropped {
        state.drop_variant(variant);
    }
    if let Some(base) = base(state, product) {
        product["variants"] = json!([base]);
    }
}

async fn remove(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids(id, option): Ids,
) -> Answer {
    edit(&store, id, |state, product| {
        option_of(product, part, option)?;
        if let Some(all) = product[part.0].as_array_mut() {
            all.retain(|row| row["id"].as_u64() != Some(option));
        }
        if part.0 == "options" {
            prune(state, product, |value| value["option_id"].as_u64() == Some(option));
        }
        Ok(())
    })?;
    Ok(no_content(part.1, &option, "delete"))
}

async fn values(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids(id, option): Ids,
    params: Params,
) -> Answer {
    let state = store.state();
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    let row = row_of(product, part.0, option).ok_or_else(gone_v3)?;
    params.list(rows(row, "option_values").iter(), &List::default(), Value::clone)
}

async fn value(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids3(id, option, value): Ids3,
) -> Answer {
    let state = store.state();
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    let row = row_of(product, part.0, option).ok_or_else(gone_v3)?;
    Ok(data(row_of(row, "option_values", value).ok_or_else(gone_v3)?))
}

async fn add_value(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids(id, option): Ids,
    sent: Sent,
) -> Answer {
    shape("option_value").check(&sent.0, true)?;
    let row =
        edit(&store, id, |state, product| push_value(state, option_of(product, part, option)?, &sent.0))?;
    Ok(effect(data(&row), "option_value", &row["id"], "create", &[]))
}

async fn change_value(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids3(id, option, value): Ids3,
    sent: Sent,
) -> Answer {
    let row = edit(&store, id, |_, product| {
        let own = option_of(product, part, option)?;
        let row = set_value(own, value, &sent.0)?;
        let own = own.clone();
        relabel(product, &own);
        Ok(row)
    })?;
    Ok(effect(data(&row), "option_value", &value, "update", &[]))
}

async fn remove_value(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids3(id, option, value): Ids3,
) -> Answer {
    edit(&store, id, |state, product| {
        let own = option_of(product, part, option)?;
        row_of(own, "option_values", value).ok_or_else(gone_v3)?;
        if let Some(values) = own["option_values"].as_array_mut() {
            values.retain(|row| row["id"].as_u64() != Some(value));
        }
        prune(state, product, |row| row["id"].as_u64() == Some(value));
        Ok(())
    })?;
    Ok(no_content("option_value", &value, "delete"))
}
