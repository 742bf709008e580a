//! Category trees, one for a channel, and their categories; the older `/v3/catalog/categories` shows the tree of channel 1. In:
//! batches. Out: records, done as far as they can be: 207 names those that could not.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Held,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Map, Value, json};

use super::rows;
use crate::bigcommerce::{
    Store,
    answer::{
        Answer, Id, Refusal, Sent, array, bulk_effect, conflict, data, effect, gone_v3, no_content, unusable,
    },
    query::{List, Params},
    shape::shape,
    state::State,
};

/// Trees in one call, levels of a tree, categories of a store.
const MOST: (usize, usize, usize) = (50, 8, 16_000);
const FILTERS: &[&str] =
    &["category_id", "category_uuid", "tree_id", "parent_id", "name", "page_title", "keyword", "is_visible"];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/catalog/trees", get(trees).put(put_trees).delete(remove_trees))
        .route("/v3/catalog/trees/categories", get(list).post(create).put(update).delete(remove))
        .route("/v3/catalog/trees/{id}/categories", get(tree))
        .route("/v3/catalog/categories", get(old_list).post(old_create))
        .route("/v3/catalog/categories/{id}", get(old_one).put(old_update).delete(old_remove))
}

async fn trees(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let list =
        List { fields: &["id", "channel_id"], aliases: &[("channel_id", "channels")], ..List::default() };
    params.list(state.shelf.trees.values(), &list, Value::clone)
}

async fn put_trees(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let sent = array(&sent.0, MOST.0)?;
    let mut state = store.state();
    let channels = Store::channels();
    for row in sent {
        shape("tree").check(row, false)?;
        let id = row["id"].as_u64();
        if id.is_some_and(|id| !state.shelf.trees.contains_key(&id)) {
            return Err(unusable(&[("id", "Tree was not found")]));
        }
        for channel in rows(row, "channels") {
            if !channels.iter().any(|known| known["id"] == *channel) {
                return Err(unusable(&[("channels", "Channel was not found")]));
            }
            let taken =
                |(own, tree): (&u64, &Value)| Some(*own) != id && rows(tree, "channels").contains(channel);
            if state.shelf.trees.iter().any(taken) {
                return Err(unusable(&[("channels", "Channel has a tree already")]));
            }
        }
        if rows(row, "channels").len() > 1 {
            return Err(unusable(&[("channels", "one channel for a tree")]));
        }
    }
    let mut out = Vec::new();
    for row in sent {
        let id = row["id"].as_u64().unwrap_or_else(|| state.id("tree"));
        let mut tree = state.shelf.trees.get(&id).cloned().unwrap_or_else(|| shape("tree").blank());
        shape("tree").write(row, &mut tree);
        tree["id"] = json!(id);
        state.shelf.trees.insert(id, tree.clone());
        out.push(tree);
    }
    let meta = json!({ "total": out.len(), "success": out.len(), "failed": 0 });
    let answer = Json(json!({ "data": out, "meta": meta })).into_response();
    Ok(bulk_effect(answer, "category_tree", &"batch", "update", sent.len()))
}

async fn remove_trees(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let ids = params.ids("id:in").ok_or_else(|| unusable(&[("id:in", "error.path.missing")]))?;
    let mut state = store.state();
    state.shelf.trees.retain(|id, _| !ids.contains(id));
    let gone = state
        .shelf
        .categories
        .iter()
        .filter(|(_, row)| row["tree_id"].as_u64().is_some_and(|id| ids.contains(&id)));
    let gone: Vec<u64> = gone.map(|(id, _)| *id).collect();
    forget(&store, &mut state, &gone);
    Ok(bulk_effect(StatusCode::NO_CONTENT.into_response(), "category_tree", &"batch", "delete", ids.len()))
}

fn view(row: &Value) -> Value {
    let mut out = shape("tree_category").whole(row);
    if !out["url"].is_object() {
        let name = row["name"].as_str().unwrap_or("").to_lowercase().replace(' ', "-");
        out["url"] = json!({ "path": format!("/{name}/"), "is_customized": false });
    }
    out
}

fn key(row: &Value) -> String {
    row["category_id"].to_string()
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let list = List { fields: FILTERS, key, shape: Some(shape("tree_category")), ..List::default() };
    let word = params.get("keyword").map(str::to_lowercase);
    let has =
        |row: &&Value| word.as_ref().is_none_or(|word| row["name"].to_string().to_lowercase().contains(word));
    params.list(state.shelf.categories.values().filter(has), &list, view)
}

/// The categories from one up to the root; nothing if they go in a circle or too deep.
fn depth(state: &State, mut parent: u64, own: Option<u64>) -> Option<usize> {
    let mut depth = 1;
    while parent != 0 {
        if Some(parent) == own || depth >= MOST.1 {
            return None;
        }
        parent = state.shelf.categories.get(&parent)?["parent_id"].as_u64().unwrap_or(0);
        depth += 1;
    }
    Some(depth)
}

/// A category that may be kept: its tree and parent are there, its name is one of a kind among its siblings.
fn check(state: &State, row: &Value, whole: &Value, own: Option<u64>) -> Result<(), Map<String, Value>> {
    let one = |field: &str, text: &str| Err(Map::from_iter([(field.to_owned(), json!(text))]));
    let errors = shape("tree_category").errors(row, own.is_none());
    if !errors.is_empty() {
        return Err(errors);
    }
    let tree = whole["tree_id"].as_u64().unwrap_or(0);
    if !state.shelf.trees.contains_key(&tree) {
        return one("tree_id", "Tree was not found");
    }
    let parent = whole["parent_id"].as_u64().unwrap_or(0);
    let known = state.shelf.categories.get(&parent);
    if parent != 0 && known.is_none_or(|row| row["tree_id"] != whole["tree_id"]) {
        return one("parent_id", "Category was not found in the tree");
    }
    if depth(state, parent, own).is_none() {
        return one("parent_id", "no more than 8 levels");
    }
    let twin = |(id, other): (&u64, &Value)| {
        Some(*id) != own
            && other["tree_id"] == whole["tree_id"]
            && other["parent_id"].as_u64().unwrap_or(0) == parent
            && other["name"] == whole["name"]
    };
    if state.shelf.categories.iter().any(twin) {
        return one("name", "The category name is a duplicate");
    }
    Ok(())
}

/// Keeps one category, new or changed.
fn keep(
    store: &Arc<Store>,
    state: &mut State,
    own: Option<u64>,
    sent: &Value,
) -> Result<Value, Map<String, Value>> {
    let mut whole = match own {
        Some(id) => {
            let found = state.shelf.categories.get(&id).cloned();
            found.ok_or_else(|| {
                Map::from_iter([("category_id".to_owned(), json!("Category was not found"))])
            })?
        }
        None => json!({ "tree_id": 0, "parent_id": 0 }),
    };
    shape("tree_category").write(sent, &mut whole);
    if own.is_none() && whole["tree_id"] == json!(0) {
        let parent = whole["parent_id"].as_u64().and_then(|id| state.shelf.categories.get(&id));
        whole["tree_id"] = parent.map_or(json!(1), |parent| parent["tree_id"].clone());
    }
    check(state, sent, &whole, own)?;
    if own.is_none() && state.shelf.categories.len() >= MOST.2 {
        return Err(Map::from_iter([(String::new(), json!("no more than 16000 categories"))]));
    }
    let id = own.unwrap_or_else(|| state.id("category"));
    if own.is_none() {
        whole["category_id"] = json!(id);
        whole["category_uuid"] = json!(state.uuid());
    }
    state.shelf.categories.insert(id, whole.clone());
    let verb = if own.is_some() { "updated" } else { "created" };
    store.emit(state, &format!("store/category/{verb}"), &json!({ "type": "category", "id": id }));
    Ok(view(&whole))
}

/// 207 if a part failed, 422 if all did.
fn batch(done: &[Value], errors: &[Map<String, Value>], good: StatusCode, verb: &str) -> Response {
    let meta = json!({ "total": done.len() + errors.len(), "success": done.len(), "failed": errors.len() });
    let mut body = json!({ "data": done, "meta": meta });
    let status = match (done.is_empty(), errors.is_empty()) {
        (_, true) => good,
        (true, false) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::MULTI_STATUS,
    };
    if !errors.is_empty() {
        body["errors"] = json!(errors);
        body["status"] = json!(status.as_u16());
        body["title"] = json!("Bulk operation has failed");
    }
    let answer = (status, Json(body)).into_response();
    if done.is_empty() { answer } else { bulk_effect(answer, "category", &"batch", verb, done.len()) }
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let (mut done, mut errors) = (Vec::new(), Vec::new());
    for row in array(&sent.0, usize::MAX)? {
        match keep(&store, &mut state, None, row) {
            Ok(row) => done.push(row),
            Err(error) => errors.push(error),
        }
    }
    Ok(batch(&done, &errors, StatusCode::CREATED, "create"))
}

async fn update(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let (mut done, mut errors) = (Vec::new(), Vec::new());
    for row in array(&sent.0, usize::MAX)? {
        match keep(&store, &mut state, Some(row["category_id"].as_u64().unwrap_or(0)), row) {
            Ok(row) => done.push(row),
            Err(error) => errors.push(error),
        }
    }
    Ok(batch(&done, &errors, StatusCode::OK, "update"))
}

/// Takes categories out, with those below them; products leave them.
fn forget(store: &Arc<Store>, state: &mut State, ids: &[u64]) {
    let mut all = ids.to_vec();
    let mut at = 0;
    while let Some(id) = all.get(at).copied() {
        let below = state.shelf.categories.iter().filter(|(_, row)| row["parent_id"].as_u64() == Some(id));
        let below: Vec<u64> = below.map(|(id, _)| *id).filter(|id| !all.contains(id)).collect();
        all.extend(below);
        at += 1;
    }
    for id in &all {
        if state.shelf.categories.remove(id).is_some() {
            store.emit(state, "store/category/deleted", &json!({ "type": "category", "id": id }));
        }
    }
    for product in state.products.values_mut() {
        if let Some(own) = product["categories"].as_array_mut() {
            own.retain(|id| id.as_u64().is_none_or(|id| !all.contains(&id)));
        }
    }
}

async fn remove(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    if params.pairs().next().is_none() {
        return Err(unusable(&[("", "A filter is required.")]));
    }
    let mut state = store.state();
    let list = List { fields: FILTERS, key, shape: Some(shape("tree_category")), ..List::default() };
    let found = params.select(state.shelf.categories.values(), &list)?;
    let ids: Vec<u64> = found.iter().filter_map(|row| row["category_id"].as_u64()).collect();
    forget(&store, &mut state, &ids);
    Ok(bulk_effect(StatusCode::ACCEPTED.into_response(), "category", &"batch", "delete", ids.len()))
}

fn node(state: &State, row: &Value, depth: u64, above: &[Value], most: u64) -> Value {
    let id = &row["category_id"];
    let mut path = above.to_vec();
    path.push(id.clone());
    let below = state.shelf.categories.values().filter(|other| other["parent_id"] == *id && depth < most);
    let children: Vec<Value> = below.map(|row| node(state, row, depth + 1, &path, most)).collect();
    json!({
        "id": id,
        "parent_id": row["parent_id"],
        "depth": depth,
        "path": path,
        "name": row["name"],
        "is_visible": view(row)["is_visible"],
        "url": view(row)["url"]["path"],
        "children": children,
    })
}

async fn tree(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    state.shelf.trees.get(&id).ok_or_else(gone_v3)?;
    let most = params.get("depth").and_then(|text| text.parse().ok()).unwrap_or(MOST.1 as u64);
    let roots = state.shelf.categories.values();
    let roots = roots.filter(|row| row["tree_id"].as_u64() == Some(id) && row["parent_id"] == json!(0));
    Ok(data(&roots.map(|row| node(&state, row, 0, &[], most)).collect()))
}

/// A category in the fields of the older API.
fn old_view(row: &Value) -> Value {
    let mut out = view(row);
    let url = json!({ "url": out["url"]["path"], "is_customized": out["url"]["is_customized"] });
    if let Some(out) = out.as_object_mut() {
        out.shift_remove("url");
        out.shift_remove("category_uuid");
        out.shift_remove("tree_id");
        let id = out.shift_remove("category_id").unwrap_or_default();
        out.shift_insert(0, "id".into(), id);
        out.insert("custom_url".into(), url);
    }
    out
}

fn old_error(errors: &Map<String, Value>) -> Refusal {
    if errors.get("name").is_some_and(|text| text == "The category name is a duplicate") {
        return conflict("The category name is a duplicate", "name");
    }
    let pairs: Vec<(&str, &str)> =
        errors.iter().map(|(field, text)| (field.as_str(), text.as_str().unwrap_or(""))).collect();
    unusable(&pairs)
}

async fn old_list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let rows: Vec<Value> =
        state.shelf.categories.values().filter(|row| row["tree_id"] == json!(1)).map(old_view).collect();
    let list = List {
        fields: &["id", "name", "parent_id", "page_title", "keyword", "is_visible"],
        ..List::default()
    };
    params.list(rows.iter(), &list, Value::clone)
}

async fn old_one(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    Ok(data(&old_view(store.state().shelf.categories.get(&id).ok_or_else(gone_v3)?)))
}

async fn old_create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let row = keep(&store, &mut store.state(), None, &sent.0).map_err(|errors| old_error(&errors))?;
    Ok(effect(data(&old_view(&row)), "category", &row["category_id"], "create", &[]))
}

async fn old_update(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    let mut state = store.state();
    state.shelf.categories.get(&id).ok_or_else(gone_v3)?;
    let row = keep(&store, &mut state, Some(id), &sent.0).map_err(|errors| old_error(&errors))?;
    Ok(effect(data(&old_view(&row)), "category", &id, "update", &[]))
}

async fn old_remove(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    forget(&store, &mut store.state(), &[id]);
    Ok(no_content("category", &id, "delete"))
}
