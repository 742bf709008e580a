//! The ledger: every call that reached a twin, in order, and what it did; and the journal of what the twins did by
//! themselves (webhooks sent, orders placed). Tests and people ask it "was there exactly one sales order?".
//! In: [`Entry`]s, [`Event`]s. Out: JSON. It must never hold a credential.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

/// Which twin a call reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// The `BigCommerce` twin.
    Bigcommerce,
    /// The `NetSuite` twin.
    Netsuite,
}

impl Platform {
    /// The name used in JSON and in addresses of the administration API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bigcommerce => "bigcommerce",
            Self::Netsuite => "netsuite",
        }
    }
}

/// One call and its effect.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Position in the ledger, from 1.
    pub n: u64,
    /// The sandbox clock, ISO 8601.
    pub at: String,
    /// The twin that was called.
    pub platform: Platform,
    /// HTTP method.
    pub method: String,
    /// Path and query as received.
    pub path: String,
    /// Status answered (0: the connection was cut on purpose before an answer).
    pub status: u16,
    /// What the call committed, if anything: `{"record": "salesOrder", "id": "7", "verb": "create|update|delete", …}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Value>,
    /// The fault that was played on this call, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Something a twin did on its own account, such as delivering a webhook.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Position in the journal, from 1.
    pub n: u64,
    /// The sandbox clock, ISO 8601.
    pub at: String,
    /// The twin that acted.
    pub platform: Platform,
    /// What happened, such as `hook` or `trade`.
    pub kind: &'static str,
    /// The particulars.
    pub detail: Value,
}

/// All calls and events so far.
#[derive(Debug)]
pub struct Ledger {
    entries: Mutex<Vec<Entry>>,
    events: Mutex<Vec<Event>>,
    length: watch::Sender<u64>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { entries: Mutex::default(), events: Mutex::default(), length: watch::channel(0).0 }
    }
}

impl Ledger {
    /// Appends an entry; its `n` is set here and returned.
    pub fn record(&self, mut entry: Entry) -> u64 {
        let mut entries = lock(&self.entries);
        entry.n = entries.len() as u64 + 1;
        let n = entry.n;
        entries.push(entry);
        self.length.send_replace(n);
        n
    }

    /// How many entries there are; waits until there are so many.
    pub async fn reached(&self, length: u64) -> u64 {
        // An error would mean that the sender is gone, and it is ours.
        self.length.subscribe().wait_for(|now| *now >= length).await.map_or(length, |now| *now)
    }

    /// A copy of the entries after position `after`.
    pub fn since(&self, after: u64) -> Vec<Entry> {
        tail(&lock(&self.entries), after)
    }

    /// Appends an event; its `n` is set here and returned.
    pub fn note(&self, mut event: Event) -> u64 {
        let mut events = lock(&self.events);
        event.n = events.len() as u64 + 1;
        let n = event.n;
        events.push(event);
        n
    }

    /// A copy of the events after position `after`.
    pub fn events_since(&self, after: u64) -> Vec<Event> {
        tail(&lock(&self.events), after)
    }

    /// Runs `look` over all entries without copying them.
    pub fn read<T>(&self, look: impl FnOnce(&[Entry]) -> T) -> T {
        look(&lock(&self.entries))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tail<T: Clone>(all: &[T], after: u64) -> Vec<T> {
    all.iter().skip(usize::try_from(after).unwrap_or(usize::MAX)).cloned().collect()
}
