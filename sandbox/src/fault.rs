//! Faults on request: which calls go wrong, and how. In: [`Fault`]s posted by a test. Out: at most one fault a call.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::ledger::Platform;

/// How a matching call goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 429, as the platform answers it, before anything is committed.
    TooMany,
    /// 500 before anything is committed.
    ErrorBefore,
    /// 500 although the work was committed.
    ErrorAfter,
    /// The connection is cut before anything is committed.
    ResetBefore,
    /// The connection is cut after the work was committed.
    ResetAfter,
    /// The work is committed, then the answer waits this many milliseconds of real time.
    Slow(u64),
    /// The credential is treated as expired: 401.
    ExpiredToken,
    /// Webhooks: the delivery is sent twice.
    DuplicateHook,
    /// Webhooks: the delivery waits this many milliseconds of sandbox time.
    LateHook(u64),
    /// Webhooks: the delivery waits until the next one has been sent.
    ReorderHook,
}

/// A fault waiting for its call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// Which twin.
    pub platform: Platform,
    /// HTTP method, or none for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A part of the path (hooks: of the scope) that must occur, or none for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How many matching calls pass unharmed first.
    #[serde(default)]
    pub skip: u32,
    /// How many matching calls it then hits.
    #[serde(default = "one")]
    pub times: u32,
    /// What goes wrong.
    pub kind: Kind,
}

fn one() -> u32 {
    1
}

/// The faults that are waiting.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Adds a fault.
    pub fn plant(&self, fault: Fault) {
        if fault.times > 0 {
            self.waiting().push(fault);
        }
    }

    /// A copy of the faults that have not been played out.
    pub fn list(&self) -> Vec<Fault> {
        self.waiting().clone()
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.waiting().clear();
    }

    /// The fault for this call, if one is due; counts the call against every fault that matches it.
    pub fn take(&self, platform: Platform, method: &str, path: &str, hook: bool) -> Option<Kind> {
        let mut waiting = self.waiting();
        let mut hit = None;
        for fault in waiting.iter_mut().filter(|fault| fault.matches(platform, method, path, hook)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if hit.is_none() {
                fault.times -= 1;
                hit = Some(fault.kind.clone());
            }
        }
        waiting.retain(|fault| fault.times > 0);
        hit
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    /// The name under which the ledger shows it, the same as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::ErrorBefore => "error_before",
            Self::ErrorAfter => "error_after",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::Slow(_) => "slow",
            Self::ExpiredToken => "expired_token",
            Self::DuplicateHook => "duplicate_hook",
            Self::LateHook(_) => "late_hook",
            Self::ReorderHook => "reorder_hook",
        }
    }
}

impl Fault {
    fn matches(&self, platform: Platform, method: &str, path: &str, hook: bool) -> bool {
        let is_hook = matches!(self.kind, Kind::DuplicateHook | Kind::LateHook(_) | Kind::ReorderHook);
        self.times > 0
            && self.platform == platform
            && is_hook == hook
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|part| path.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_skips_then_hits_then_is_gone() {
        let faults = Faults::default();
        faults.plant(Fault {
            platform: Platform::Netsuite,
            method: Some("put".into()),
            path: Some("salesOrder".into()),
            skip: 1,
            times: 1,
            kind: Kind::ResetAfter,
        });
        let take = |method| faults.take(Platform::Netsuite, method, "/record/v1/salesOrder/eid:7", false);
        assert_eq!(take("GET"), None, "another method");
        assert_eq!(take("PUT"), None, "skipped");
        assert_eq!(take("PUT"), Some(Kind::ResetAfter));
        assert_eq!(take("PUT"), None, "played out");
        assert!(faults.list().is_empty());
    }
}
