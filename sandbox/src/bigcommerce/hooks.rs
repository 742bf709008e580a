//! `/v3/hooks`: who wants to be told what. In: calls of a client, who sees only the hooks of its own account. Out:
//! [`Hook`]s and their JSON. It must never send a hook; that is `delivery`.

use std::sync::Arc;

use axum::{
    Extension, Router, extract::State as Held, http::StatusCode, response::IntoResponse, routing::get,
};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Account, Store,
    answer::{Answer, Id, Refusal, Sent, data, effect, gone_v3, unusable, v3},
    query::Params,
    scopes,
};

/// Hooks of one account on one scope.
const MOST_PER_SCOPE: usize = 10;
/// Limits on the custom headers.
const MOST_HEADERS: usize = 64;

/// A webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Hook {
    /// Id within the platform.
    pub id: u64,
    /// The account that made it.
    pub client_id: String,
    /// The store.
    pub store_hash: String,
    /// What it is about; may end in `/*`.
    pub scope: String,
    /// Where it goes.
    pub destination: String,
    /// Headers sent along.
    pub headers: Option<Map<String, Value>>,
    /// Whether it is sent.
    pub is_active: bool,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// Unix seconds of the last event, or of the creation.
    pub last_event: i64,
    /// Switched off by the platform, not by the client.
    pub deactivated: bool,
}

impl Hook {
    fn view(&self) -> Value {
        json!({
            "id": self.id,
            "client_id": self.client_id,
            "store_hash": self.store_hash,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "scope": self.scope,
            "destination": self.destination,
            "is_active": self.is_active,
            "headers": self.headers,
        })
    }
}

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/hooks", get(list).post(create))
        .route("/v3/hooks/admin", get(admin).put(admin_emails))
        .route("/v3/hooks/{id}", get(one).put(update).delete(remove))
}

async fn list(Held(store): Held<Arc<Store>>, Extension(who): Extension<Account>, params: Params) -> Answer {
    let state = store.state();
    let own: Vec<_> =
        state.hooks.values().filter(|hook| hook.client_id == who.client_id).map(Hook::view).collect();
    params.answer(&own, &["is_active", "scope", "destination"], false)
}

async fn one(Held(store): Held<Arc<Store>>, Extension(who): Extension<Account>, Id(id): Id) -> Answer {
    let state = store.state();
    let hook = state.hooks.get(&id).filter(|hook| hook.client_id == who.client_id).ok_or_else(gone_v3)?;
    Ok(data(&hook.view()))
}

async fn create(Held(store): Held<Arc<Store>>, Extension(who): Extension<Account>, sent: Sent) -> Answer {
    let body = sent.object().map_err(|_| unusable(&[("", "error.expected.jsobject")]))?;
    let scope = text(&body, "scope")?.ok_or_else(|| unusable(&[("scope", "error.path.missing.")]))?;
    let destination =
        text(&body, "destination")?.ok_or_else(|| unusable(&[("destination", "error.path.missing.")]))?;
    check_scope(&scope)?;
    store.check_destination(&destination)?;
    let headers = headers(&body)?.and_then(object);
    let now = store.shared.clock.now().as_second();
    let mut state = store.state();
    room(&state.hooks, &who, None, &scope, &destination)?;
    let hook = Hook {
        id: state.id("hook"),
        client_id: who.client_id,
        store_hash: store.settings.store_hash.clone(),
        scope,
        destination,
        headers,
        is_active: flag(&body)?.unwrap_or(true),
        created_at: now,
        updated_at: now,
        last_event: now,
        deactivated: false,
    };
    let answer = effect(data(&hook.view()), "hook", &hook.id, "create", &[]);
    state.hooks.insert(hook.id, hook);
    Ok(answer)
}

async fn update(
    Held(store): Held<Arc<Store>>,
    Extension(who): Extension<Account>,
    Id(id): Id,
    sent: Sent,
) -> Answer {
    let body = sent.object().map_err(|_| unusable(&[("", "error.expected.jsobject")]))?;
    let (scope, destination) = (text(&body, "scope")?, text(&body, "destination")?);
    let (headers, active) = (headers(&body)?, flag(&body)?);
    if let Some(scope) = &scope {
        check_scope(scope)?;
    }
    if let Some(destination) = &destination {
        store.check_destination(destination)?;
    }
    let now = store.shared.clock.now().as_second();
    let mut state = store.state();
    let old = state.hooks.get(&id).filter(|hook| hook.client_id == who.client_id).ok_or_else(gone_v3)?;
    let scope = scope.unwrap_or_else(|| old.scope.clone());
    let destination = destination.unwrap_or_else(|| old.destination.clone());
    room(&state.hooks, &who, Some(id), &scope, &destination)?;
    let hook = state.hooks.get_mut(&id).ok_or_else(gone_v3)?;
    (hook.scope, hook.destination, hook.updated_at) = (scope, destination, now);
    if let Some(headers) = headers {
        hook.headers = object(headers);
    }
    if let Some(active) = active {
        (hook.is_active, hook.deactivated, hook.last_event) = (active, false, now);
    }
    Ok(effect(data(&hook.view()), "hook", &id, "update", &[]))
}

async fn remove(Held(store): Held<Arc<Store>>, Extension(who): Extension<Account>, Id(id): Id) -> Answer {
    let mut state = store.state();
    let own = state.hooks.get(&id).is_some_and(|hook| hook.client_id == who.client_id);
    let hook = if own { state.hooks.remove(&id) } else { None };
    let hook = hook.ok_or_else(gone_v3)?;
    Ok(effect(data(&hook.view()), "hook", &id, "delete", &[]))
}

async fn admin(Held(store): Held<Arc<Store>>, Extension(who): Extension<Account>) -> Answer {
    let state = store.state();
    let own = state.hooks.values().filter(|hook| hook.client_id == who.client_id);
    let hooks: Vec<Value> = own
        .map(|hook| {
            let mut row = hook.view();
            let status = match (hook.is_active, hook.deactivated) {
                (true, _) => "active",
                (false, true) => "deactivated",
                (false, false) => "inactive",
            };
            row["status"] = json!(status);
            row
        })
        .collect();
    let blocked = store.courier.blocked(&who.client_id, store.shared.clock.now());
    Ok(data(&json!({ "emails": [], "hooks_list": hooks, "blocked_domains": blocked })))
}

async fn admin_emails(sent: Sent) -> Answer {
    match sent.0.get("emails").map(Value::is_array) {
        Some(true) => Ok(StatusCode::NO_CONTENT.into_response()),
        _ => Err(unusable(&[("emails", "error.path.missing.")])),
    }
}

fn text(body: &Map<String, Value>, field: &str) -> Result<Option<String>, Refusal> {
    match body.get(field) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(unusable(&[(field, "error.expected.jsstring")])),
    }
}

fn flag(body: &Map<String, Value>) -> Result<Option<bool>, Refusal> {
    match body.get("is_active") {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(unusable(&[("is_active", "error.expected.jsboolean")])),
    }
}

/// Absent, or null, or an object of texts within the platform's limits.
fn headers(body: &Map<String, Value>) -> Result<Option<Value>, Refusal> {
    let wrong = |text| Err(unusable(&[("headers", text)]));
    match body.get("headers") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(Value::Null)),
        Some(Value::Object(headers)) if headers.len() > MOST_HEADERS => wrong("no more than 64 headers"),
        Some(Value::Object(headers)) => {
            let fits = |(name, value): (&String, &Value)| {
                name.len() <= 64 && value.as_str().is_some_and(|text| text.len() <= 8192)
            };
            if headers.iter().all(fits) { Ok(Some(json!(headers))) } else { wrong("error.expected.jsstring") }
        }
        Some(_) => wrong("error.expected.jsobject"),
    }
}

fn check_scope(scope: &str) -> Result<(), Refusal> {
    if scopes::is_known(scope) { Ok(()) } else { Err(unusable(&[("scope", "The scope is not known.")])) }
}

/// One hook for a scope and destination, ten for a scope, each account by itself.
fn room(
    hooks: &std::collections::BTreeMap<u64, Hook>,
    who: &Account,
    but: Option<u64>,
    scope: &str,
    destination: &str,
) -> Result<(), Refusal> {
    let same: Vec<&Hook> = hooks
        .values()
        .filter(|hook| hook.client_id == who.client_id && hook.scope == scope && Some(hook.id) != but)
        .collect();
    if same.iter().any(|hook| hook.destination == destination) {
        return Err(v3(StatusCode::CONFLICT, "A hook for this scope and destination exists already.", &[]));
    }
    if same.len() >= MOST_PER_SCOPE {
        return Err(v3(StatusCode::FORBIDDEN, "No more than 10 hooks for one scope.", &[]));
    }
    Ok(())
}

impl Store {
    /// https on port 443; with loopback hooks allowed, anything on this machine too.
    fn check_destination(&self, destination: &str) -> Result<(), Refusal> {
        let wrong = |text| Err(unusable(&[("destination", text)]));
        let Ok(url) = Url::parse(destination) else { return wrong("The destination is not a URL.") };
        let host = url.host_str().unwrap_or("");
        let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if here && self.loopback_hooks && matches!(url.scheme(), "http" | "https") {
            return Ok(());
        }
        if url.scheme() != "https" {
            return wrong("The destination has to be https.");
        }
        if url.port_or_known_default() != Some(443) {
            return wrong("The destination has to be on port 443.");
        }
        Ok(())
    }
}

/// Hooks without an event for so many seconds are switched off.
pub(super) const MOST_IDLE: i64 = 90 * 86_400;

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
