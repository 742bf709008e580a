//! Local twins of `BigCommerce` and `NetSuite` over real HTTP.
//!
//! In: a [`Config`] (seed, platform plan, faults). Out: a [`Running`] sandbox: addresses, credentials, a ledger of every
//! call. It must never know anything of the flowrun core: it follows the platforms' documentation, so that clients
//! written by others work against it, and it computes every total itself.

pub mod bigcommerce;
pub mod catalogue;
pub mod clock;
pub mod day;
pub mod door;
pub mod fault;
pub mod hold;
pub mod ledger;
pub mod netsuite;
mod run;
pub mod seed;
mod seed_catalogue;
mod seed_people;
pub mod verdict;
mod web;
mod web_page;
mod web_summary;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::Router;
use serde_json::Value;

pub use run::{Access, Administration, Binds, Config, Error, Running, start};

use crate::{
    clock::Clock,
    fault::Faults,
    hold::Holds,
    ledger::{Event, Ledger, Platform},
};

/// Where the three servers of one sandbox are reached: scheme, host and port, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bases {
    /// The `BigCommerce` twin.
    pub bigcommerce: String,
    /// The `NetSuite` twin.
    pub netsuite: String,
    /// The administration API and the page.
    pub admin: String,
}

/// A view of a twin's records: an object of collections, each an array of flat objects.
pub type Snapshot = Box<dyn Fn() -> Value + Send + Sync>;

/// What both twins of one sandbox share.
pub struct Shared {
    /// Sandbox time.
    pub clock: Clock,
    /// Every call, and every event.
    pub ledger: Ledger,
    /// The faults that are waiting.
    pub faults: Faults,
    /// The calls that stand still on request.
    pub holds: Arc<Holds>,
    /// The number all made-up data grows from.
    pub seed: u64,
    /// Where the servers are reached.
    pub bases: Bases,
    /// The folder that keeps the records between two runs, if any.
    pub state: Option<PathBuf>,
    offers: Mutex<BTreeMap<Platform, Offer>>,
}

/// What a twin hands to the frame.
struct Offer {
    snapshot: Snapshot,
    save: Snapshot,
    admin: Router,
}

impl Shared {
    /// A twin's routes for the administration API (nested under `/{platform}`), a view of its records for the page
    /// and the recount, and the text that is written to the state folder.
    pub fn offer(&self, platform: Platform, snapshot: Snapshot, save: Snapshot, admin: Router) {
        self.offers().insert(platform, Offer { snapshot, save, admin });
    }

    /// The records of a twin as collections of flat objects; `null` before the twin has made its offer.
    pub fn snapshot(&self, platform: Platform) -> Value {
        self.offers().get(&platform).map_or(Value::Null, |offer| (offer.snapshot)())
    }

    /// What a twin wants to have written to the state folder.
    pub(crate) fn save(&self, platform: Platform) -> Value {
        self.offers().get(&platform).map_or(Value::Null, |offer| (offer.save)())
    }

    /// Adds an event of `platform` to the journal, at the present sandbox time.
    pub fn note(&self, platform: Platform, kind: &'static str, detail: Value) {
        self.ledger.note(Event { n: 0, at: self.clock.now().to_string(), platform, kind, detail });
    }

    pub(crate) fn admin(&self) -> Router {
        self.offers().iter().fold(Router::new(), |router, (platform, offer)| {
            router.nest(&format!("/{}", platform.name()), offer.admin.clone())
        })
    }

    fn offers(&self) -> MutexGuard<'_, BTreeMap<Platform, Offer>> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("seed", &self.seed).field("bases", &self.bases).finish_non_exhaustive()
    }
}
