//! `/v3/catalog`: products and what belongs to them. In: calls. Out: V3 answers. A product keeps only what was written of it;
//! defaults are added when it is read. Facts: `products_catalog.v3.yml`, `product-variants_catalog.v3.yml` and its neighbours.

mod assign;
mod brands;
mod categories;
mod options;
mod parts;
mod seed;
mod variants;
mod write;

use std::sync::Arc;

use axum::{Router, extract::State as Held, routing::get};
use serde_json::{Map, Value, json};

pub(super) use seed::furnish;

use super::{
    Store,
    answer::{Answer, Id, data, gone_v3},
    money::Fixed,
    query::{List, Params},
    shape::shape,
    state::State,
};

/// Parts of a product that are only shown when asked for.
const PARTS: &[&str] = &[
    "variants",
    "options",
    "custom_fields",
    "bulk_pricing_rules",
    "images",
    "modifiers",
    "channels",
    "videos",
];

/// What products can be asked.
fn listing() -> List {
    List {
        fields: &[
            "id",
            "name",
            "sku",
            "upc",
            "mpn",
            "type",
            "price",
            "weight",
            "availability",
            "is_visible",
            "brand_id",
            "categories",
            "date_modified",
            "date_created",
            "date_last_imported",
            "inventory_level",
            "inventory_low",
            "out_of_stock",
            "channel_id",
            "condition",
            "is_featured",
            "is_free_shipping",
            "total_sold",
        ],
        aliases: &[("channel_id", "channels")],
        ignored: &["inventory_level", "inventory_low", "out_of_stock"],
        shape: Some(shape("product")),
        ..List::default()
    }
}

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route(
            "/v3/catalog/products",
            get(list).post(write::create).put(write::batch).delete(write::remove_many),
        )
        .route("/v3/catalog/products/{id}", get(one).put(write::update).delete(write::remove))
        .merge(variants::routes())
        .merge(options::routes())
        .merge(parts::routes())
        .merge(assign::routes())
        .merge(brands::routes())
        .merge(categories::routes())
}

/// An instant as the catalogue prints it.
fn now(store: &Store) -> String {
    store.shared.clock.now().strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// What a buyer of one pays by the catalogue: the sale price if there is one.
fn calculated(product: &Value) -> Value {
    let sale = Fixed::from_json(&product["sale_price"]).filter(|sale| !sale.is_zero());
    sale.or_else(|| Fixed::from_json(&product["price"])).unwrap_or_default().v3()
}

/// What a buyer of one variant pays by the catalogue.
pub(super) fn price_of(product: &Value, variant: &Value) -> Value {
    let sale = Fixed::from_json(&variant["sale_price"]).filter(|sale| !sale.is_zero());
    let own = sale.or_else(|| Fixed::from_json(&variant["price"]));
    own.map_or_else(|| calculated(product), Fixed::v3)
}

fn rows<'a>(product: &'a Value, part: &str) -> &'a [Value] {
    product[part].as_array().map_or(&[], Vec::as_slice)
}

/// The row of an id in a part of a product.
fn row_of<'a>(product: &'a Value, part: &str, id: u64) -> Option<&'a Value> {
    rows(product, part).iter().find(|row| row["id"].as_u64() == Some(id))
}

/// A product as it is read; `wanted` says which parts.
fn view(store: &Store, state: &State, product: &Value, wanted: impl Fn(&str) -> bool) -> Value {
    let mut own = Map::new();
    for (field, value) in product.as_object().into_iter().flatten() {
        if !PARTS.contains(&field.as_str()) {
            own.insert(field.clone(), value.clone());
        }
    }
    let mut out = shape("product").whole(&Value::Object(own));
    if !out["custom_url"].is_object() {
        out["custom_url"] = json!({ "url": path_of(product), "is_customized": false });
    }
    let variants = rows(product, "variants");
    let plain = rows(product, "options").is_empty();
    out["base_variant_id"] =
        if plain { variants.first().map_or(Value::Null, |row| row["id"].clone()) } else { Value::Null };
    out["calculated_price"] = calculated(product);
    out["inventory_level"] = json!(level(store, state, product));
    for part in PARTS.iter().filter(|part| wanted(part)) {
        let rows = rows(product, part);
        out[*part] = match *part {
            "variants" => rows.iter().map(|row| variant_view(store, state, product, row)).collect(),
            _ => json!(rows),
        };
    }
    if wanted("primary_image") {
        let images = rows(product, "images").iter();
        out["primary_image"] = images
            .into_iter()
            .find(|image| image["is_thumbnail"] == json!(true))
            .cloned()
            .unwrap_or_default();
    }
    for part in ["parent_relations", "reviews"] {
        if wanted(part) {
            out[part] = json!([]);
        }
    }
    out
}

/// Where a product is found in the shop.
fn path_of(product: &Value) -> String {
    let name = product["name"].as_str().unwrap_or("").to_lowercase();
    let words: Vec<&str> =
        name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    format!("/{}/", words.join("-"))
}

/// What the catalogue shows as the stock of a product: nothing if it is not tracked.
fn level(store: &Store, state: &State, product: &Value) -> i64 {
    if super::inventory::tracking(product) == "none" {
        return 0;
    }
    let ids = rows(product, "variants").iter().filter_map(|row| row["id"].as_u64());
    ids.map(|id| store.level(state, id)).sum()
}

/// A variant as it is read.
fn variant_view(store: &Store, state: &State, product: &Value, variant: &Value) -> Value {
    let mut out = shape("variant").whole(variant);
    let amount = |field: &str| Some(&variant[field]).filter(|value| !value.is_null());
    out["calculated_price"] = price_of(product, variant);
    out["calculated_weight"] = amount("weight").or(product.get("weight")).cloned().unwrap_or(json!(0));
    let tracked = super::inventory::tracking(product) != "none";
    let id = variant["id"].as_u64().filter(|_| tracked);
    out["inventory_level"] = json!(id.map_or(0, |id| store.level(state, id)));
    out["option_values"] = variant.get("option_values").cloned().unwrap_or_else(|| json!([]));
    out
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let heavy = params.names("include", "options") || params.names("include", "modifiers");
    // With options or modifiers a page has ten rows at most.
    let params = if heavy { params.at_most(10) } else { params };
    let state = store.state();
    let word = params.get("keyword").map(str::to_lowercase);
    let has_word = |product: &&Value| {
        let text = || format!("{} {}", product["name"], product["sku"]).to_lowercase();
        word.as_ref().is_none_or(|word| text().contains(word))
    };
    let asks = |name: &str| params.pairs().any(|(key, _)| key.split(':').next() == Some(name));
    let by_level = ["inventory_level", "inventory_low", "out_of_stock"].into_iter().any(asks);
    let has_level = |product: &&Value| {
        if !by_level {
            return true;
        }
        let (level, tracked) =
            (level(&store, &state, product), super::inventory::tracking(product) != "none");
        let warning = product["inventory_warning_level"].as_i64().unwrap_or(0);
        params.passes("inventory_level", &json!(level))
            && params.passes("inventory_low", &json!(u8::from(tracked && level <= warning)))
            && params.passes("out_of_stock", &json!(u8::from(tracked && level == 0)))
    };
    let rows = state.by_direct_filter(&params);
    params.list(rows.into_iter().filter(has_word).filter(has_level), &listing(), |product| {
        view(&store, &state, product, |part| params.names("include", part))
    })
}

async fn one(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    let product = state.products.get(&id).ok_or_else(gone_v3)?;
    Ok(data(&params.cut(view(&store, &state, product, |part| params.names("include", part)))))
}

impl State {
    /// The products that a filter by id or SKU names, found without a look at all the others; else all of them.
    fn by_direct_filter(&self, params: &Params) -> Vec<&Value> {
        let skus =
            params.words("sku:in").or_else(|| params.get("sku").map(|sku| [sku.to_lowercase()].into()));
        let ids = match (params.ids("id:in"), skus) {
            (Some(ids), _) => ids,
            (None, Some(skus)) => skus.iter().filter_map(|sku| Some(self.by_sku(sku)?.0)).collect(),
            _ => return self.products.values().collect(),
        };
        ids.iter().filter_map(|id| self.products.get(id)).collect()
    }
}
