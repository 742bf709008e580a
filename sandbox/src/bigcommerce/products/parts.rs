//! The lists that hang on a product: images, custom fields, bulk pricing rules, videos. In: calls on one row, or the whole list in
//! the body of a product. Out: rows with ids. Images are kept by their address; nothing is fetched.

use std::sync::Arc;

use axum::{Extension, Router, extract::State as Held, routing::get};
use reqwest::Url;
use serde_json::{Value, json};

use super::{now, row_of, rows, write};
use crate::bigcommerce::{
    Store,
    answer::{Answer, Id, Ids, Refusal, Sent, conflict, data, effect, gone_v3, no_content, unusable},
    query::{List, Params},
    shape::shape,
    state::State,
};

/// A list of a product: its field, the end of its path, the shape of a row, how many there may be.
#[derive(Clone, Copy, Debug)]
struct Part {
    field: &'static str,
    path: &'static str,
    shape: &'static str,
    most: usize,
}

const PARTS: &[Part] = &[
    Part { field: "images", path: "images", shape: "image", most: 1000 },
    Part { field: "custom_fields", path: "custom-fields", shape: "custom_field", most: 200 },
    Part { field: "bulk_pricing_rules", path: "bulk-pricing-rules", shape: "bulk_rule", most: 50 },
    Part { field: "videos", path: "videos", shape: "video", most: 1000 },
];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    PARTS.iter().fold(Router::new(), |router, part| {
        let path = format!("/v3/catalog/products/{{id}}/{}", part.path);
        router.merge(
            Router::new()
                .route(&path, get(list).post(create))
                .route(&format!("{path}/{{row}}"), get(one).put(update).delete(remove))
                .layer(Extension(*part)),
        )
    })
}

/// Refuses rules whose quantities run into each other.
pub(super) fn check_rules(rules: &[Value]) -> Result<(), Refusal> {
    let mut ends: Vec<(u64, u64)> = rules
        .iter()
        .map(|rule| {
            let end = rule["quantity_max"].as_u64().filter(|end| *end != 0).unwrap_or(u64::MAX);
            (rule["quantity_min"].as_u64().unwrap_or(0), end)
        })
        .collect();
    ends.sort_unstable();
    let crossed =
        ends.iter().any(|(from, to)| to < from) || ends.windows(2).any(|pair| pair[1].0 <= pair[0].1);
    if crossed { Err(conflict("The bulk pricing rules overlap", "bulk_pricing_rules")) } else { Ok(()) }
}

/// What a row has to be beyond its shape.
fn check(part: Part, sent: &Value, creating: bool) -> Result<(), Refusal> {
    shape(part.shape).check(sent, creating)?;
    if part.field != "images" {
        return Ok(());
    }
    let url = sent["image_url"].as_str();
    let is_web = |text: &str| Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    match url {
        None if creating => Err(unusable(&[("image_url", "error.path.missing")])),
        Some(url) if !is_web(url) => Err(unusable(&[("image_url", "The image URL is not valid")])),
        _ => Ok(()),
    }
}

/// A new row from a checked one.
fn fresh(store: &Store, state: &mut State, part: Part, product: &Value, sent: &Value) -> Value {
    let mut row = json!({ "id": state.id(part.shape) });
    let mut own = shape(part.shape).blank();
    shape(part.shape).write(sent, &mut own);
    for (field, value) in own.as_object().into_iter().flatten().filter(|(field, _)| *field != "id") {
        row[field.as_str()] = value.clone();
    }
    if matches!(part.field, "images" | "videos") {
        row["product_id"] = product["id"].clone();
    }
    if part.field == "images" {
        views(store, &mut row);
    }
    row
}

/// The addresses of an image in its sizes: all are the one that was given.
fn views(store: &Store, row: &mut Value) {
    for size in ["url_zoom", "url_standard", "url_thumbnail", "url_tiny"] {
        row[size] = row["image_url"].clone();
    }
    row["date_modified"] = json!(now(store));
}

/// One image is the thumbnail: the one said last, else the first.
fn thumbnail(product: &mut Value, said: Option<u64>) {
    let Some(images) = product["images"].as_array_mut() else { return };
    let first = images.iter().find(|row| row["is_thumbnail"] == json!(true)).or(images.first());
    let chosen = said.or_else(|| first.and_then(|row| row["id"].as_u64()));
    for row in images {
        row["is_thumbnail"] = json!(row["id"].as_u64() == chosen);
    }
}

/// Writes the lists that the body of a product names. Rows with an id are changed, others added; bulk pricing rules take the
/// place of those that were there (choice).
pub(super) fn apply(
    store: &Store,
    state: &mut State,
    body: &Value,
    product: &mut Value,
) -> Result<(), Refusal> {
    for part in PARTS {
        let Some(sent) = body[part.field].as_array() else { continue };
        let kept =
            if part.field == "bulk_pricing_rules" { Vec::new() } else { rows(product, part.field).to_vec() };
        product[part.field] = json!(kept);
        for row in sent {
            let known = row["id"].as_u64().filter(|id| row_of(product, part.field, *id).is_some());
            check(*part, row, known.is_none())?;
            put(store, state, *part, product, known, row);
        }
        if rows(product, part.field).len() > part.most {
            return Err(unusable(&[(part.field, &format!("no more than {}", part.most))]));
        }
    }
    Ok(())
}

/// Puts a checked row in, or over the one of an id; the row as it is kept.
fn put(
    store: &Store,
    state: &mut State,
    part: Part,
    product: &mut Value,
    id: Option<u64>,
    sent: &Value,
) -> Value {
    if !product[part.field].is_array() {
        product[part.field] = json!([]);
    }
    let new = id.is_none().then(|| fresh(store, state, part, product, sent));
    let Some(rows) = product[part.field].as_array_mut() else { return Value::Null };
    let row = if let Some(row) = new {
        rows.push(row.clone());
        row
    } else {
        let Some(row) = rows.iter_mut().find(|row| row["id"].as_u64() == id) else { return Value::Null };
        let own = row["id"].clone();
        shape(part.shape).write(sent, row);
        row["id"] = own;
        if part.field == "images" {
            views(store, row);
        }
        row.clone()
    };
    if part.field == "images" {
        let said = (sent["is_thumbnail"] == json!(true)).then(|| row["id"].as_u64()).flatten();
        thumbnail(product, said);
    }
    row_of(product, part.field, row["id"].as_u64().unwrap_or(0)).cloned().unwrap_or(row)
}

async fn list(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Id(id): Id,
    params: Params,
) -> Answer {
    let state = store.state();
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    params.list(rows(product, part.field).iter(), &List::default(), Value::clone)
}

async fn one(Held(store): Held<Arc<Store>>, Extension(part): Extension<Part>, Ids(id, row): Ids) -> Answer {
    let state = store.state();
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    Ok(data(row_of(product, part.field, row).ok_or_else(gone_v3)?))
}

fn save(store: &Arc<Store>, part: Part, id: u64, row: Option<u64>, sent: &Value) -> Answer {
    let mut state = store.state();
    let old = state.products.get(&id).ok_or_else(gone_v3)?.clone();
    if row.is_some_and(|row| row_of(&old, part.field, row).is_none()) {
        return Err(gone_v3());
    }
    check(part, sent, row.is_none())?;
    let mut product = old.clone();
    if row.is_none() && rows(&product, part.field).len() >= part.most {
        return Err(unusable(&[("", &format!("no more than {}", part.most))]));
    }
    let kept = put(store, &mut state, part, &mut product, row, sent);
    if part.field == "bulk_pricing_rules" {
        check_rules(rows(&product, part.field))?;
    }
    write::put_back(store, &mut state, id, &old, product);
    let verb = if row.is_some() { "update" } else { "create" };
    Ok(effect(data(&kept), part.shape, &kept["id"], verb, &[]))
}

async fn create(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Id(id): Id,
    sent: Sent,
) -> Answer {
    save(&store, part, id, None, &sent.0)
}

async fn update(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids(id, row): Ids,
    sent: Sent,
) -> Answer {
    save(&store, part, id, Some(row), &sent.0)
}

async fn remove(
    Held(store): Held<Arc<Store>>,
    Extension(part): Extension<Part>,
    Ids(id, row): Ids,
) -> Answer {
    let mut state = store.state();
    let old = state.products.get(&id).ok_or_else(gone_v3)?.clone();
    row_of(&old, part.field, row).ok_or_else(gone_v3)?;
    let mut product = old.clone();
    if let Some(rows) = product[part.field].as_array_mut() {
        rows.retain(|own| own["id"].as_u64() != Some(row));
    }
    if part.field == "images" {
        thumbnail(&mut product, None);
    }
    write::put_back(&store, &mut state, id, &old, product);
    Ok(no_content(part.shape, &row, "delete"))
}
