//! The ledger: every call that reached a twin, in order, and what it did. Tests and people ask it "was there exactly
//! one sales order?". In: [`Entry`]s. Out: JSON. It must never hold a credential.

use std::sync::Mutex;

use serde::Serialize;
use serde_json::Value;

/// Which twin a call reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// The `BigCommerce` twin.
    Bigcommerce,
    /// The `NetSuite` twin.
    Netsuite,
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

/// All calls so far.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Entry>>);

impl Ledger {
    /// Appends an entry; its `n` is set here and returned.
    pub fn record(&self, mut entry: Entry) -> u64 {
        let mut entries = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        entry.n = entries.len() as u64 + 1;
        let n = entry.n;
        entries.push(entry);
        n
    }

    /// A copy of the entries after position `after`.
    pub fn since(&self, after: u64) -> Vec<Entry> {
        let entries = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        entries.iter().skip(usize::try_from(after).unwrap_or(usize::MAX)).cloned().collect()
    }
}
