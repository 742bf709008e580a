//! In which channels and categories products are, and the sum of the catalogue. In: pairs. Out: pairs.

use std::sync::Arc;

use axum::{
    Extension, Router, extract::State as Held, http::StatusCode, response::IntoResponse, routing::get,
};
use serde_json::{Value, json};

use super::{level, rows, write};
use crate::bigcommerce::{
    Store,
    answer::{Answer, Sent, array, bulk_effect, data, unusable},
    money::Fixed,
    query::{List, Params},
    state::State,
};

/// Channels or categories: the field of a product, the name of an id, the scope of the events in a channel.
#[derive(Clone, Copy, Debug)]
struct Kind(&'static str, &'static str);

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    let kind = |path: &str, kind: Kind| {
        Router::new()
            .route(&format!("/v3/catalog/products/{path}"), get(list).put(add).delete(remove))
            .layer(Extension(kind))
    };
    kind("channel-assignments", Kind("channels", "channel_id"))
        .merge(kind("category-assignments", Kind("categories", "category_id")))
        .route("/v3/catalog/summary", get(summary))
}

async fn list(Held(store): Held<Arc<Store>>, Extension(kind): Extension<Kind>, params: Params) -> Answer {
    let state = store.state();
    let pairs: Vec<Value> = state
        .products
        .iter()
        .flat_map(|(id, product)| {
            rows(product, kind.0).iter().map(move |other| json!({ "product_id": id, kind.1: other }))
        })
        .collect();
    let fields: &[&str] =
        if kind.0 == "channels" { &["product_id", "channel_id"] } else { &["product_id", "category_id"] };
    params.list(pairs.iter(), &List { fields, ..List::default() }, Value::clone)
}

fn exists(state: &State, kind: Kind, id: &Value) -> bool {
    if kind.0 == "channels" {
        return Store::channels().iter().any(|row| row["id"] == *id);
    }
    id.as_u64().is_some_and(|id| state.shelf.categories.contains_key(&id))
}

/// Tells of a product that came to a channel, or to a category of the channels of its tree.
fn tell(store: &Arc<Store>, state: &mut State, kind: Kind, product: u64, other: &Value, verb: &str) {
    if kind.0 == "channels" {
        let data = json!({ "type": "product", "product_id": product, "channel_id": other });
        return store.emit(state, &format!("store/channel/{other}/product/{verb}"), &data);
    }
    let category = other.as_u64().and_then(|id| state.shelf.categories.get(&id));
    let tree = category.and_then(|row| state.shelf.trees.get(&row["tree_id"].as_u64()?));
    let channels = tree.map(|tree| rows(tree, "channels").to_vec()).unwrap_or_default();
    for channel in channels {
        let data =
            json!({ "type": "product", "product_id": product, "category_id": other, "channel_id": channel });
        store.emit(state, &format!("store/channel/{channel}/category/product/{verb}"), &data);
    }
}

async fn add(Held(store): Held<Arc<Store>>, Extension(kind): Extension<Kind>, sent: Sent) -> Answer {
    let pairs = array(&sent.0, usize::MAX)?;
    let mut state = store.state();
    for pair in pairs {
        let known = pair["product_id"].as_u64().is_some_and(|id| state.products.contains_key(&id));
        if !known {
            return Err(unusable(&[("product_id", "Product was not found")]));
        }
        if !exists(&state, kind, &pair[kind.1]) {
            return Err(unusable(&[(kind.1, "was not found")]));
        }
    }
    for pair in pairs {
        let (id, other) = (pair["product_id"].as_u64().unwrap_or(0), pair[kind.1].clone());
        let old = state.products.get(&id).cloned().unwrap_or_default();
        if rows(&old, kind.0).contains(&other) {
            continue;
        }
        let mut product = old.clone();
        let mut all = rows(&product, kind.0).to_vec();
        all.push(other.clone());
        product[kind.0] = json!(all);
        write::put_back(&store, &mut state, id, &old, product);
        tell(&store, &mut state, kind, id, &other, "assigned");
    }
    let none = StatusCode::NO_CONTENT.into_response();
    Ok(bulk_effect(none, kind.1, &"assignments", "update", pairs.len()))
}

/// A filter has to be there.
async fn remove(Held(store): Held<Arc<Store>>, Extension(kind): Extension<Kind>, params: Params) -> Answer {
    let (products, others) = (params.ids("product_id:in"), params.ids(&format!("{}:in", kind.1)));
    if products.is_none() && others.is_none() {
        return Err(unusable(&[("", "A filter is required.")]));
    }
    let mut state = store.state();
    let wanted = |id: &u64| products.as_ref().is_none_or(|ids| ids.contains(id));
    let ids: Vec<u64> = state.products.keys().copied().filter(wanted).collect();
    let mut count = 0;
    for id in ids {
        let old = state.products.get(&id).cloned().unwrap_or_default();
        let goes = |other: &&Value| {
            others.as_ref().is_none_or(|ids| other.as_u64().is_some_and(|id| ids.contains(&id)))
        };
        let (gone, kept): (Vec<&Value>, Vec<&Value>) = rows(&old, kind.0).iter().partition(goes);
        if gone.is_empty() {
            continue;
        }
        let mut product = old.clone();
        product[kind.0] = json!(kept);
        write::put_back(&store, &mut state, id, &old, product);
        for other in gone {
            tell(&store, &mut state, kind, id, other, "unassigned");
            count += 1;
        }
    }
    Ok(bulk_effect(StatusCode::NO_CONTENT.into_response(), kind.1, &"assignments", "delete", count))
}

async fn summary(Held(store): Held<Arc<Store>>) -> Answer {
    let state = store.state();
    let prices = state.variants().map(|(product, variant)| {
        let own = Fixed::from_json(&variant["price"]).or_else(|| Fixed::from_json(&product["price"]));
        own.unwrap_or_default()
    });
    let prices: Vec<Fixed> = prices.collect();
    let count = u32::try_from(prices.len()).unwrap_or(u32::MAX);
    let average = prices.iter().copied().sum::<Fixed>().div(Fixed::whole(i64::from(count)));
    let stock: i64 = state.products.values().map(|product| level(&store, &state, product)).sum();
    let worth = state.products.values().map(|product| {
        let units = Fixed::whole(level(&store, &state, product));
        Fixed::from_json(&product["price"]).unwrap_or_default().mul(units)
    });
    let dates: Vec<&str> =
        state.products.values().filter_map(|product| product["date_created"].as_str()).collect();
    let first = state.shelf.categories.values().next();
    Ok(data(&json!({
        "inventory_count": stock,
        "inventory_value": worth.sum::<Fixed>().v3(),
        "primary_category_id": first.map_or(&Value::Null, |row| &row["category_id"]),
        "primary_category_name": first.map_or(&Value::Null, |row| &row["name"]),
        "variant_count": count,
        "highest_variant_price": prices.iter().max().copied().unwrap_or_default().v3(),
        "average_variant_price": average.v3(),
        "lowest_variant_price": prices.iter().min().copied().unwrap_or_default().to_string(),
        "oldest_variant_date": dates.iter().min(),
        "newest_variant_date": dates.iter().max(),
    })))
}
