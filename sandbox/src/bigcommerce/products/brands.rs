//! `/v3/catalog/brands`. In: calls. Out: brands; a name is one brand's.

use std::sync::Arc;

use axum::{Router, extract::State as Held, routing::get};
use serde_json::{Value, json};

use crate::bigcommerce::{
    Store,
    answer::{Answer, Id, Refusal, Sent, conflict, data, effect, gone_v3, no_content},
    query::{List, Params},
    shape::shape,
    state::State,
};

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/catalog/brands", get(list).post(create).delete(remove_many))
        .route("/v3/catalog/brands/{id}", get(one).put(update).delete(remove))
}

fn listing() -> List {
    List { fields: &["id", "name", "page_title"], shape: Some(shape("brand")), ..List::default() }
}

fn view(row: &Value) -> Value {
    let mut out = shape("brand").whole(row);
    if !out["custom_url"].is_object() {
        let name = row["name"].as_str().unwrap_or("").to_lowercase().replace(' ', "-");
        out["custom_url"] = json!({ "url": format!("/{name}/"), "is_customized": false });
    }
    out
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    params.list(store.state().shelf.brands.values(), &listing(), view)
}

async fn one(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    Ok(data(&view(store.state().shelf.brands.get(&id).ok_or_else(gone_v3)?)))
}

fn unique(state: &State, row: &Value, but: Option<u64>) -> Result<(), Refusal> {
    let name = row["name"].as_str().map(str::to_lowercase);
    let same = |(id, other): (&u64, &Value)| {
        Some(*id) != but && name.is_some() && other["name"].as_str().map(str::to_lowercase) == name
    };
    if state.shelf.brands.iter().any(same) {
        Err(conflict("The brand name is a duplicate", "name"))
    } else {
        Ok(())
    }
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    shape("brand").check(&sent.0, true)?;
    let mut state = store.state();
    unique(&state, &sent.0, None)?;
    let id = state.id("brand");
    let mut row = json!({ "id": id });
    shape("brand").write(&sent.0, &mut row);
    state.shelf.brands.insert(id, row.clone());
    Ok(effect(data(&view(&row)), "brand", &id, "create", &[]))
}

async fn update(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    shape("brand").check(&sent.0, false)?;
    let mut state = store.state();
    unique(&state, &sent.0, Some(id))?;
    let row = state.shelf.brands.get_mut(&id).ok_or_else(gone_v3)?;
    shape("brand").write(&sent.0, row);
    Ok(effect(data(&view(row)), "brand", &id, "update", &[]))
}

fn forget(state: &mut State, id: u64) {
    state.shelf.brands.remove(&id);
    for product in state.products.values_mut().filter(|product| product["brand_id"].as_u64() == Some(id)) {
        product["brand_id"] = json!(0);
    }
}

async fn remove(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let mut state = store.state();
    state.shelf.brands.get(&id).ok_or_else(gone_v3)?;
    forget(&mut state, id);
    Ok(no_content("brand", &id, "delete"))
}

async fn remove_many(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let mut state = store.state();
    let found = params.select(state.shelf.brands.values(), &listing())?;
    let ids: Vec<u64> = found.iter().filter_map(|row| row["id"].as_u64()).collect();
    for id in &ids {
        forget(&mut state, *id);
    }
    let list: Vec<String> = ids.iter().map(u64::to_string).collect();
    Ok(no_content("brand", &list.join(","), "delete"))
}
