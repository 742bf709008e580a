//! Sends webhooks: signs them, retries on the platform's ladder, switches off hooks that stay dead, blocks failing
//! domains, and plays the hook faults. In: an event of the store. Out: HTTP calls to the clients, entries in the
//! journal. It must never wait for a client while it holds the store's records.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::{HeaderName, HeaderValue};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Url};
use ring::{digest, hmac};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    Store,
    hooks::MOST_IDLE,
    scopes::{EXCEPTION, covers},
    state::State,
};
use crate::{
    Error, Shared,
    fault::Kind,
    ledger::Platform,
    seed::{LOWER_AND_DIGITS, Random},
    verdict::fault_of_hook,
};

/// Seconds from a failed try to the next one.
pub(super) const LADDER: [i64; 11] = [60, 180, 300, 600, 900, 1800, 3600, 7200, 21_600, 50_400, 86_400];
/// A domain is blocked if, of at least this many deliveries in two minutes, fewer than nine in ten succeed.
const BLOCK_SAMPLE: usize = 100;
const BLOCK_WINDOW: SignedDuration = SignedDuration::from_mins(2);
const BLOCK_TIME: SignedDuration = SignedDuration::from_mins(3);
/// Deliveries under way at one time.
const AT_ONCE: usize = 64;

/// What sending needs, apart from the records.
#[derive(Debug)]
pub(super) struct Courier {
    http: Client,
    permits: Semaphore,
    runtime: tokio::runtime::Handle,
    health: Mutex<BTreeMap<(String, String), Health>>,
    /// Deliveries that wait for a later one, by the number with which they began.
    held: Mutex<Vec<(u64, Delivery)>>,
    begun: AtomicU64,
    ids: Mutex<Random>,
}

/// How a domain has answered of late.
#[derive(Debug, Default)]
struct Health {
    recent: VecDeque<(Timestamp, bool)>,
    blocked_until: Option<Timestamp>,
}

/// One event on its way to one hook.
#[derive(Clone, Debug)]
struct Delivery {
    hook_id: u64,
    message_id: String,
    scope: String,
    body: String,
}

/// What has to be known to send, read anew for each try.
struct Target {
    client_id: String,
    secret: String,
    destination: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Courier {
    /// Has to be made within a tokio runtime.
    pub(super) fn new(seed: u64, trust_all: bool, timeout: Duration) -> Result<Self, Error> {
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .no_proxy()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(trust_all)
            .build()
            .map_err(|error| Error::Setting(format!("cannot make a client for webhooks: {error}")))?;
        Ok(Self {
            http,
            permits: Semaphore::new(AT_ONCE),
            runtime: tokio::runtime::Handle::current(),
            health: Mutex::default(),
            held: Mutex::default(),
            begun: AtomicU64::new(0),
            ids: Mutex::new(Random::new(seed, "message ids")),
        })
    }

    fn message_id(&self) -> String {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        format!("msg_{}", ids.text(LOWER_AND_DIGITS, 27))
    }

    fn health<T>(&self, client_id: &str, domain: &str, change: impl FnOnce(&mut Health) -> T) -> T {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        change(health.entry((client_id.to_owned(), domain.to_owned())).or_default())
    }

    /// The domains of an account that are blocked, as `/hooks/admin` shows them.
    pub(super) fn blocked(&self, client_id: &str, now: Timestamp) -> Vec<Value> {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let own = health.iter().filter(|((owner, _), _)| owner == client_id);
        own.filter_map(|((_, domain), health)| {
            let left = health.blocked_until?.duration_since(now).as_secs();
            (left > 0).then(|| json!({ "destination": domain, "time_left": left, "reasons": [] }))
        })
        .collect()
    }
}

impl Health {
    /// Counts an answer; true if this blocks the domain.
    fn count(&mut self, now: Timestamp, ok: bool) -> bool {
        self.recent.push_back((now, ok));
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > BLOCK_WINDOW) {
            self.recent.pop_front();
        }
        let good = self.recent.iter().filter(|(_, ok)| *ok).count();
        let block = self.recent.len() >= BLOCK_SAMPLE && good * 10 < self.recent.len() * 9;
        if block {
            self.recent.clear();
            self.blocked_until = now.checked_add(BLOCK_TIME).ok();
        }
        block
    }
}

/// The signature of a webhook in the form of Standard Webhooks; the key is the account's client secret as it stands.
pub fn sign(secret: &str, message_id: &str, timestamp: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{message_id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(tag))
}

/// The body of a webhook: the thin payload with the SHA-1 of itself. Equal events within one second are equal.
fn payload(store: &Store, scope: &str, data: &Value, now: Timestamp) -> String {
    let hash = store.settings.store_hash.as_str();
    let mut payload = json!({
        "producer": format!("stores/{hash}"),
        "store_id": store.settings.store_id.to_string(),
        "scope": scope,
        "data": data,
        "created_at": now.as_second(),
    });
    let sum = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, payload.to_string().as_bytes());
    payload["hash"] =
        json!(sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat());
    payload.to_string()
}

impl Store {
    /// Tells every hook on `scope` of an event. The caller holds the records; nothing is sent before it lets go.
    pub(super) fn emit(self: &Arc<Self>, state: &mut State, scope: &str, data: &Value) {
        if !state.hooks.values().any(|hook| covers(&hook.scope, scope)) {
            return;
        }
        let now = self.shared.clock.now();
        let body = payload(self, scope, data, now);
        for hook in state.hooks.values_mut().filter(|hook| covers(&hook.scope, scope)) {
            if now.as_second() - hook.last_event > MOST_IDLE && hook.is_active {
                (hook.is_active, hook.deactivated) = (false, true);
            }
            if !hook.is_active {
                continue;
            }
            hook.last_event = now.as_second();
            let delivery = Delivery {
                hook_id: hook.id,
                message_id: self.courier.message_id(),
                scope: scope.to_owned(),
                body: body.clone(),
            };
            self.dispatch(delivery);
        }
    }

    fn dispatch(self: &Arc<Self>, delivery: Delivery) {
        let (store, shared) = (Arc::downgrade(self), self.shared.clone());
        self.courier.runtime.spawn(async move { carry(store, shared, delivery).await });
    }

    /// Sends once; the status answered (0 for none), nothing if the hook is gone or switched off.
    async fn attempt(&self, delivery: &Delivery) -> Option<u16> {
        let target = self.target(delivery.hook_id)?;
        let permit = self.courier.permits.acquire().await.ok()?;
        let timestamp = self.hook_time().as_second();
        let signature = sign(&target.secret, &delivery.message_id, timestamp, &delivery.body);
        let mut request = self
            .courier
            .http
            .post(&target.destination)
            .header("content-type", "application/json")
            .header("webhook-id", &delivery.message_id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature);
        for (name, value) in &target.headers {
            request = request.header(name, value);
        }
        let status = request.body(delivery.body.clone()).send().await.map(|answer| answer.status());
        drop(permit);
        let status = status.map_or(0, |status| status.as_u16());
        self.count(&target, is_taken(status));
        Some(status)
    }

    /// Puts a delivery in the journal, with the instant of the next try if there will be one.
    fn journal(&self, delivery: &Delivery, number: usize, status: u16, next: Option<Timestamp>) {
        let detail = json!({
            "hook_id": delivery.hook_id,
            "message_id": delivery.message_id,
            "scope": delivery.scope,
            "attempt": number,
            "status": status,
            "next": next.map(|at| at.to_string()),
            "body": serde_json::from_str::<Value>(&delivery.body).unwrap_or_default(),
        });
        self.shared.note(Platform::Bigcommerce, "hook", detail);
    }

    fn count(&self, target: &Target, ok: bool) {
        let now = self.shared.clock.now();
        self.courier.health(&target.client_id, &domain(&target.destination), |health| health.count(now, ok));
    }

    fn target(&self, hook_id: u64) -> Option<Target> {
        let state = self.state();
        let hook = state.hooks.get(&hook_id).filter(|hook| hook.is_active)?;
        let account = self.settings.accounts.iter().find(|account| account.client_id == hook.client_id)?;
        let header =
            |(name, value): (&String, &Value)| Some((name.parse().ok()?, value.as_str()?.parse().ok()?));
        Some(Target {
            client_id: hook.client_id.clone(),
            secret: account.client_secret.clone(),
            destination: hook.destination.clone(),
            headers: hook.headers.iter().flatten().filter_map(header).collect(),
        })
    }

    /// What `webhook-timestamp` says: receivers check it against their own clock, so it is real time unless asked.
    fn hook_time(&self) -> Timestamp {
        if self.settings.hook_timestamps_on_sandbox_clock {
            self.shared.clock.now()
        } else {
            Timestamp::now()
        }
    }

    /// Until when the domain of a hook is blocked.
    fn blocked_until(&self, hook_id: u64) -> Option<Timestamp> {
        let target = self.target(hook_id)?;
        self.courier.health(&target.client_id, &domain(&target.destination), |health| health.blocked_until)
    }

    /// Tells of a failed delivery, and after the last one switches the hook off.
    fn failed(self: &Arc<Self>, delivery: &Delivery, last: bool) {
        let mut state = self.state();
        let Some(hook) = state.hooks.get_mut(&delivery.hook_id) else { return };
        if last {
            (hook.is_active, hook.deactivated) = (false, true);
        }
        if delivery.scope == EXCEPTION {
            return;
        }
        let (code, text) = if last { (90_002, "was deactivated") } else { (90_001, "will be retried") };
        let message = format!("A delivery to {} failed; it {text}.", hook.destination);
        let data =
            json!({ "type": "webhook", "id": delivery.hook_id, "error_code": code, "message": message });
        self.emit(&mut state, EXCEPTION, &data);
    }

    /// Sends what was held back to come out of order, if it began before the delivery that has now been sent.
    fn release(self: &Arc<Self>, sent: u64) {
        let mut held = self.courier.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (ready, still) = std::mem::take(&mut *held).into_iter().partition(|(number, _)| *number < sent);
        *held = still;
        drop(held);
        let ready: Vec<(u64, Delivery)> = ready;
        for (_, delivery) in ready {
            let (store, shared) = (Arc::downgrade(self), self.shared.clone());
            self.courier.runtime.spawn(async move { climb(&store, &shared, &delivery).await });
        }
    }
}

/// Whether the receiver took it.
fn is_taken(status: u16) -> bool {
    (200..300).contains(&status)
}

fn domain(destination: &str) -> String {
    Url::parse(destination).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// Plays the fault that is due on this delivery, then sends it.
async fn carry(store: Weak<Store>, shared: Arc<Shared>, delivery: Delivery) {
    let Some(number) = store.upgrade().map(|store| store.courier.begun.fetch_add(1, Ordering::SeqCst)) else {
        return;
    };
    let fault = shared.faults.take(Platform::Bigcommerce, "POST", &delivery.scope, true);
    if let Some(kind) = &fault {
        shared.note(Platform::Bigcommerce, "fault", fault_of_hook(kind));
    }
    match fault {
        Some(Kind::ReorderHook) => {
            let Some(store) = store.upgrade() else { return };
            store.courier.held.lock().unwrap_or_else(PoisonError::into_inner).push((number, delivery));
            return;
        }
        Some(Kind::LateHook(milliseconds)) => {
            let until = shared.clock.now().checked_add(Duration::from_millis(milliseconds));
            shared.clock.sleep_until(until.unwrap_or(Timestamp::MAX)).await;
            climb(&store, &shared, &delivery).await;
        }
        Some(Kind::DuplicateHook) => {
            climb(&store, &shared, &delivery).await;
            climb(&store, &shared, &delivery).await;
        }
        _ => climb(&store, &shared, &delivery).await,
    }
    if let Some(store) = store.upgrade() {
        store.release(number);
    }
}

/// Tries until the client takes it, the ladder ends or the hook is gone.
async fn climb(store: &Weak<Store>, shared: &Arc<Shared>, delivery: &Delivery) {
    for number in 0..=LADDER.len() {
        if let Some(until) = store.upgrade().and_then(|store| store.blocked_until(delivery.hook_id)) {
            shared.clock.sleep_until(until).await;
        }
        let Some(alive) = store.upgrade() else { return };
        let Some(status) = alive.attempt(delivery).await else { return };
        if is_taken(status) {
            alive.journal(delivery, number + 1, status, None);
            return;
        }
        let wait = LADDER.get(number).map(|seconds| SignedDuration::from_secs(*seconds));
        let next = wait.and_then(|wait| shared.clock.now().checked_add(wait).ok());
        alive.failed(delivery, next.is_none());
        alive.journal(delivery, number + 1, status, next);
        drop(alive);
        let Some(next) = next else { return };
        shared.clock.sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vector worked out by an independent library of the standard.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let body = concat!(
            r#"{"scope":"store/order/created","store_id":"1025646","data":{"type":"order","id":250},"#,
            r#""hash":"dd70c0976e06b67aaf671e73f49dcb79230ebf9d","created_at":1561479335,"producer":"stores/abc123"}"#
        );
        let signature =
            sign("test-client-secret-0123456789", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", 1_767_225_600, body);
        assert_eq!(signature, "v1,2KljdcsClqc3JOnXXPBIDdQ3J6rnnvqXkOLKG20gomw=");
    }

    #[test]
    fn a_domain_is_blocked_below_nine_in_ten_and_only_with_a_sample() {
        let now = Timestamp::UNIX_EPOCH;
        let mut health = Health::default();
        assert!(!(0..99).any(|at| health.count(now, at % 5 != 0)), "too few to tell");
        assert!(health.count(now, false));
        assert_eq!(health.blocked_until, now.checked_add(BLOCK_TIME).ok());
        let mut good = Health::default();
        assert!(!(0..500).any(|at| good.count(now, at % 10 != 9)));
    }
}
