//! Metafields of orders, customers and the catalogue: notes that a client keeps on the store's records. In: calls of a
//! client, who owns what it makes. Out: V3 answers, one at a time and in batches.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Json, Router,
    extract::State as Held,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Account, Store,
    answer::{Answer, Id, Ids, Refusal, Sent, data, effect, gone_v3, unusable, v3},
    query::Params,
    state::State,
};

/// Metafields of one client on one record.
const MOST: usize = 250;
const PERMISSIONS: &[&str] = &["app_only", "read", "write", "read_and_sf_access", "write_and_sf_access"];
const FILTERS: &[&str] = &["key", "namespace", "date_created", "date_modified"];

/// A metafield.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Metafield {
    /// Id within the store.
    pub id: u64,
    /// Who may see and write it.
    pub permission_set: String,
    /// 1 to 64 characters.
    pub namespace: String,
    /// 1 to 64 characters.
    pub key: String,
    /// 1 to 65,535 characters.
    pub value: String,
    /// Up to 255 characters.
    pub description: String,
    /// `order`, `customer` or `product`.
    pub resource_type: String,
    /// The record.
    pub resource_id: u64,
    /// ISO 8601 with `+00:00`.
    pub date_created: String,
    /// ISO 8601 with `+00:00`.
    pub date_modified: String,
    /// The account that made it.
    pub owner_client_id: String,
}

/// Records that have metafields, and their paths.
const KINDS: &[(&str, &str)] = &[
    ("order", "/v3/orders"),
    ("customer", "/v3/customers"),
    ("product", "/v3/catalog/products"),
    ("variant", "/v3/catalog/variants"),
    ("category", "/v3/catalog/categories"),
    ("brand", "/v3/catalog/brands"),
    ("location", "/v3/inventory/locations"),
];

/// The routes: the same set for each kind of record.
pub(super) fn routes() -> Router<Arc<Store>> {
    KINDS
        .iter()
        .copied()
        .map(|(kind, path)| {
            let batch = get(all).post(add_many).put(change_many).delete(remove_many);
            let mut router = Router::new().route(&format!("{path}/metafields"), batch);
            // The path of a variant goes through its product; handlers read the last numbers of a path.
            if kind == "variant" {
                let path = "/v3/catalog/products/{id}/variants/{variant}/metafields";
                router = router
                    .route(path, get(of_record).post(add))
                    .route(&format!("{path}/{{field}}"), get(one).put(change).delete(remove));
            } else {
                router = router.route(&format!("{path}/{{id}}/metafields"), get(of_record).post(add)).route(
                    &format!("{path}/{{id}}/metafields/{{field}}"),
                    get(one).put(change).delete(remove),
                );
            }
            router.layer(Extension(Kind(kind)))
        })
        .fold(Router::new(), Router::merge)
}

/// The kind of record a route is about.
#[derive(Clone, Copy, Debug)]
struct Kind(&'static str);

impl Kind {
    fn exists(self, store: &Store, state: &State, id: u64) -> bool {
        match self.0 {
            "order" => store.filed(state, id).is_some(),
            "customer" => state.customers.contains_key(&id),
            "variant" => state.variant(id).is_some(),
            "category" => state.shelf.categories.contains_key(&id),
            "brand" => state.shelf.brands.contains_key(&id),
            "location" => state.shelf.locations.contains_key(&id),
            _ => state.products.contains_key(&id),
        }
    }
}

/// A client at work on one kind of record.
struct Desk<'a> {
    store: &'a Arc<Store>,
    kind: Kind,
    who: &'a Account,
}

type At = (Held<Arc<Store>>, Extension<Kind>, Extension<Account>);

impl Desk<'_> {
    fn may_see(&self, field: &Metafield) -> bool {
        field.resource_type == self.kind.0
            && (field.owner_client_id == self.who.client_id || field.permission_set != "app_only")
    }

    fn find<'s>(
        &self,
        state: &'s State,
        id: u64,
        resource_id: Option<u64>,
    ) -> Result<&'s Metafield, Refusal> {
        let found = state.metafields.get(&id).filter(|field| self.may_see(field));
        found.filter(|field| resource_id.is_none_or(|id| id == field.resource_id)).ok_or_else(gone_v3)
    }

    fn add(&self, state: &mut State, resource_id: u64, sent: &Value) -> Result<Metafield, Refusal> {
        if !self.kind.exists(self.store, state, resource_id) {
            return Err(gone_v3());
        }
        let now = iso(self.store.shared.clock.now());
        let mut field = Metafield {
            id: 0,
            permission_set: text(sent, "permission_set", (1, 64))?,
            namespace: text(sent, "namespace", (1, 64))?,
            key: text(sent, "key", (1, 64))?,
            value: text(sent, "value", (1, 65_535))?,
            description: optional(sent, "description", (0, 255))?.unwrap_or_default(),
            resource_type: self.kind.0.to_owned(),
            resource_id,
            date_created: now.clone(),
            date_modified: now,
            owner_client_id: self.who.client_id.clone(),
        };
        permitted(&field.permission_set)?;
        room(&state.metafields, &field)?;
        field.id = state.id("metafield");
        state.metafields.insert(field.id, field.clone());
        self.tell(state, &field, "created");
        Ok(field)
    }

    fn change(
        &self,
        state: &mut State,
        resource: Option<u64>,
        id: u64,
        sent: &Value,
    ) -> Result<Metafield, Refusal> {
        let mut field = self.find(state, id, resource)?.clone();
        let owner = field.owner_client_id == self.who.client_id;
        for (name, most) in [("permission_set", 64), ("namespace", 64), ("key", 64)] {
            let Some(text) = optional(sent, name, (1, most))? else { continue };
            let place = match name {
                "permission_set" => &mut field.permission_set,
                "namespace" => &mut field.namespace,
                _ => &mut field.key,
            };
            if *place != text && !owner {
                let title = "Only the account that made a metafield may change this.";
                return Err(v3(StatusCode::FORBIDDEN, title, &[(name, "belongs to the owner")]));
            }
            *place = text;
        }
        if !owner && !field.permission_set.starts_with("write") {
            return Err(v3(StatusCode::FORBIDDEN, "The metafield is only read by other accounts.", &[]));
        }
        permitted(&field.permission_set)?;
        field.value = optional(sent, "value", (1, 65_535))?.unwrap_or(field.value);
        field.description = optional(sent, "description", (0, 255))?.unwrap_or(field.description);
        room(&state.metafields, &field)?;
        field.date_modified = iso(self.store.shared.clock.now());
        state.metafields.insert(id, field.clone());
        self.tell(state, &field, "updated");
        Ok(field)
    }

    fn remove(&self, state: &mut State, resource: Option<u64>, id: u64) -> Result<(), Refusal> {
        let field = self.find(state, id, resource)?.clone();
        if field.owner_client_id != self.who.client_id {
            return Err(v3(
                StatusCode::FORBIDDEN,
                "Only the account that made a metafield may delete it.",
                &[],
            ));
        }
        state.metafields.remove(&id);
        self.tell(state, &field, "deleted");
        Ok(())
    }

    fn tell(&self, state: &mut State, field: &Metafield, verb: &str) {
        if self.kind.0 == "customer" {
            return;
        }
        let about = json!({
            "type": "metafield",
            "metafield_id": field.id,
            "resource_id": field.resource_id.to_string(),
        });
        let group = match self.kind.0 {
            "variant" => "product/variant",
            "location" => "inventory/location",
            kind => kind,
        };
        self.store.emit(state, &format!("store/{group}/metafield/{verb}"), &about);
    }
}

/// One of a key for a client, namespace and record; no more than 250 for a client and record.
fn room(all: &BTreeMap<u64, Metafield>, new: &Metafield) -> Result<(), Refusal> {
    let mut own = all.values().filter(|field| {
        field.id != new.id
            && field.resource_type == new.resource_type
            && field.resource_id == new.resource_id
            && field.owner_client_id == new.owner_client_id
    });
    let count = own.clone().count();
    if own.any(|field| field.namespace == new.namespace && field.key == new.key) {
        return Err(v3(StatusCode::CONFLICT, "A metafield with this namespace and key exists already.", &[]));
    }
    if count >= MOST {
        return Err(v3(StatusCode::UNPROCESSABLE_ENTITY, "No more than 250 metafields for one record.", &[]));
    }
    Ok(())
}

fn permitted(set: &str) -> Result<(), Refusal> {
    if PERMISSIONS.contains(&set) {
        Ok(())
    } else {
        Err(unusable(&[("permission_set", "is not one of the sets")]))
    }
}

fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn text(sent: &Value, field: &str, size: (usize, usize)) -> Result<String, Refusal> {
    optional(sent, field, size)?.ok_or_else(|| unusable(&[(field, "error.path.missing.")]))
}

fn optional(sent: &Value, field: &str, (least, most): (usize, usize)) -> Result<Option<String>, Refusal> {
    match sent.get(field) {
        None => Ok(None),
        Some(Value::String(text)) if (least..=most).contains(&text.chars().count()) => Ok(Some(text.clone())),
        Some(Value::String(_)) => Err(unusable(&[(field, &format!("length must be {least} to {most}"))])),
        Some(_) => Err(unusable(&[(field, "error.expected.jsstring")])),
    }
}

async fn all((Held(store), Extension(kind), Extension(who)): At, params: Params) -> Answer {
    let state = store.state();
    let desk = Desk { store: &store, kind, who: &who };
    let rows: Vec<_> =
        state.metafields.values().filter(|field| desk.may_see(field)).map(|field| json!(field)).collect();
    params.answer(&rows, FILTERS, true)
}

async fn of_record((Held(store), Extension(kind), Extension(who)): At, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    let desk = Desk { store: &store, kind, who: &who };
    if !kind.exists(&store, &state, id) {
        return Err(gone_v3());
    }
    let own = state.metafields.values().filter(|field| desk.may_see(field) && field.resource_id == id);
    params.answer(&own.map(|field| json!(field)).collect::<Vec<_>>(), FILTERS, true)
}

async fn one((Held(store), Extension(kind), Extension(who)): At, Ids(record, id): Ids) -> Answer {
    let state = store.state();
    let desk = Desk { store: &store, kind, who: &who };
    Ok(data(&json!(desk.find(&state, id, Some(record))?)))
}

async fn add((Held(store), Extension(kind), Extension(who)): At, Id(id): Id, sent: Sent) -> Answer {
    let desk = Desk { store: &store, kind, who: &who };
    let field = desk.add(&mut store.state(), id, &sent.0)?;
    Ok(effect(data(&json!(field)), "metafield", &field.id, "create", &[]))
}

async fn change(
    (Held(store), Extension(kind), Extension(who)): At,
    Ids(record, id): Ids,
    sent: Sent,
) -> Answer {
    let desk = Desk { store: &store, kind, who: &who };
    let field = desk.change(&mut store.state(), Some(record), id, &sent.0)?;
    Ok(effect(data(&json!(field)), "metafield", &id, "update", &[]))
}

async fn remove((Held(store), Extension(kind), Extension(who)): At, Ids(record, id): Ids) -> Answer {
    let desk = Desk { store: &store, kind, who: &who };
    desk.remove(&mut store.state(), Some(record), id)?;
    Ok(effect(StatusCode::NO_CONTENT.into_response(), "metafield", &id, "delete", &[]))
}

async fn add_many((Held(store), Extension(kind), Extension(who)): At, sent: Sent) -> Answer {
    let desk = Desk { store: &store, kind, who: &who };
    let mut state = store.state();
    batch(&sent.0, "create", |row| {
        let record =
            row["resource_id"].as_u64().ok_or_else(|| unusable(&[("resource_id", "error.path.missing.")]))?;
        desk.add(&mut state, record, row).map(|field| json!(field))
    })
}

async fn change_many((Held(store), Extension(kind), Extension(who)): At, sent: Sent) -> Answer {
    let desk = Desk { store: &store, kind, who: &who };
    let mut state = store.state();
    batch(&sent.0, "update", |row| {
        let id = row["id"].as_u64().ok_or_else(|| unusable(&[("id", "error.path.missing.")]))?;
        desk.change(&mut state, None, id, row).map(|field| json!(field))
    })
}

async fn remove_many((Held(store), Extension(kind), Extension(who)): At, sent: Sent) -> Answer {
    let desk = Desk { store: &store, kind, who: &who };
    let mut state = store.state();
    batch(&sent.0, "delete", |row| {
        let id = row.as_u64().ok_or_else(|| unusable(&[("", "error.expected.jsnumber")]))?;
        desk.remove(&mut state, None, id).map(|()| json!(id))
    })
}

/// Does what can be done of a batch; 422 if a part failed.
fn batch(sent: &Value, verb: &str, mut work: impl FnMut(&Value) -> Result<Value, Refusal>) -> Answer {
    let rows = sent.as_array().ok_or_else(|| unusable(&[("", "error.expected.jsarray")]))?;
    let (mut done, mut errors) = (Vec::new(), Vec::new());
    for row in rows {
        match work(row) {
            Ok(value) => done.push(value),
            Err(refusal) => errors.push(refusal.into_body()),
        }
    }
    let meta = json!({ "total": rows.len(), "success": done.len(), "failed": errors.len() });
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let answer: Response =
        (status, Json(json!({ "data": done, "errors": errors, "meta": meta }))).into_response();
    Ok(if done.is_empty() { answer } else { effect(answer, "metafield", &"batch", verb, &[]) })
}
