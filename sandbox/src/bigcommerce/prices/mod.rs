//! `/v3/pricelists` and `/v3/pricing/products`: prices other than the catalogue's. In: calls. Out: V3 answers. It must never
//! change a product. Facts: `price_lists.v3.yml`, `pricing.sf.yml`, `price-lists.mdx`, `calculations.mdx`.

mod assignments;
mod book;
mod computed;
mod records;
mod source;

use std::sync::Arc;

use axum::{Router, extract::State as Held, routing::get};
use serde_json::{Value, json};

pub(super) use book::Book;

use super::{
    Store,
    answer::{Answer, Id, Refusal, Sent, conflict, data, effect, gone_v3, no_content},
    query::{List, Params},
    shape::shape,
    state::State,
};

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/pricelists", get(list).post(create).delete(remove_many))
        .route("/v3/pricelists/{id}", get(one).put(update).delete(remove))
        .merge(assignments::routes())
        .merge(records::routes())
        .merge(computed::routes())
}

fn now(store: &Store) -> String {
    store.shared.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let list =
        List { fields: &["id", "name", "date_created", "date_modified"], cursors: true, ..List::default() };
    params.list(state.shelf.price_lists.values(), &list, Value::clone)
}

async fn one(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    Ok(data(store.state().shelf.price_lists.get(&id).ok_or_else(gone_v3)?))
}

fn unique(state: &State, row: &Value, but: Option<u64>) -> Result<(), Refusal> {
    let name = row["name"].as_str().map(str::to_lowercase);
    let same = |(id, other): (&u64, &Value)| {
        Some(*id) != but && name.is_some() && other["name"].as_str().map(str::to_lowercase) == name
    };
    if state.shelf.price_lists.iter().any(same) {
        return Err(conflict("The price list name is a duplicate", "name"));
    }
    Ok(())
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    shape("price_list").check(&sent.0, true)?;
    let mut state = store.state();
    unique(&state, &sent.0, None)?;
    let id = state.id("price list");
    let mut row = shape("price_list").blank();
    shape("price_list").write(&sent.0, &mut row);
    (row["id"], row["date_created"], row["date_modified"]) =
        (json!(id), json!(now(&store)), json!(now(&store)));
    state.shelf.price_lists.insert(id, row.clone());
    state.shelf.prices.insert(id, Book::new(id));
    store.emit(&mut state, "store/priceList/created", &json!({ "price_list_id": id }));
    Ok(effect(data(&shape("price_list").whole(&row)), "price_list", &id, "create", &[]))
}

async fn update(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    shape("price_list").check(&sent.0, false)?;
    let mut state = store.state();
    let old = state.shelf.price_lists.get(&id).ok_or_else(gone_v3)?.clone();
    unique(&state, &sent.0, Some(id))?;
    let mut row = old.clone();
    shape("price_list").write(&sent.0, &mut row);
    row["date_modified"] = json!(now(&store));
    state.shelf.price_lists.insert(id, row.clone());
    let about = json!({ "price_list_id": id });
    store.emit(&mut state, "store/priceList/updated", &about);
    if old["active"] != row["active"] {
        let verb = if row["active"] == json!(true) { "activated" } else { "deactivated" };
        store.emit(&mut state, &format!("store/priceList/{verb}"), &about);
    }
    Ok(effect(data(&row), "price_list", &id, "update", &[]))
}

/// Forgets a list with its records and assignments.
fn forget(state: &mut State, id: u64) {
    state.shelf.price_lists.remove(&id);
    state.shelf.prices.remove(&id);
    state.shelf.assignments.retain(|_, row| row["price_list_id"] != json!(id));
}

async fn remove(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let mut state = store.state();
    if !state.shelf.price_lists.contains_key(&id) {
        return Err(gone_v3());
    }
    forget(&mut state, id);
    store.emit(&mut state, "store/priceList/deleted", &json!({ "price_list_id": id }));
    Ok(no_content("price_list", &id, "delete"))
}

/// Without a filter all lists are deleted.
async fn remove_many(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    params.known(&["id", "name"])?;
    let mut state = store.state();
    let (ids, name) = (params.ids("id:in"), params.get("name"));
    let wanted = |(id, row): &(&u64, &Value)| {
        ids.as_ref().is_none_or(|ids| ids.contains(id)) && name.is_none_or(|name| row["name"] == name)
    };
    let gone: Vec<u64> = state.shelf.price_lists.iter().filter(wanted).map(|(id, _)| *id).collect();
    for id in &gone {
        forget(&mut state, *id);
    }
    if !gone.is_empty() {
        store.emit(&mut state, "store/priceLists/deleted", &json!({ "price_list_ids": gone }));
    }
    let list: Vec<String> = gone.iter().map(u64::to_string).collect();
    Ok(no_content("price_list", &list.join(","), "delete"))
}
