//! The BigCommerce twin. In: [`Settings`]. Out: a router that answers as the store's REST API does, and a [`Store`] to
//! trade in. It must never read what the NetSuite twin holds.

mod settings;

use std::sync::Arc;

use axum::{Json, Router, http::StatusCode, response::IntoResponse};
use serde_json::json;

pub use settings::{Access, Account, Plan, Settings};

use crate::{Error, Shared, door, ledger::Platform};

/// One store.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    settings: Settings,
}

impl Store {
    /// Opens the store: seeds it, or reads what an earlier run has left in the state folder.
    pub fn open(shared: Arc<Shared>, settings: Settings, _loopback_hooks: bool) -> Result<Arc<Self>, Error> {
        let settings = settings.complete(shared.seed);
        Ok(Arc::new(Self { shared, settings }))
    }

    /// Address and credentials.
    pub fn access(&self) -> Access {
        self.settings.access(&self.shared.bases.bigcommerce)
    }
}

/// The store's REST API behind the door.
pub fn router(store: &Arc<Store>) -> Router {
    let wording: door::Wording =
        Arc::new(|_, _| (StatusCode::INTERNAL_SERVER_ERROR, Json(json!([]))).into_response());
    door::guard(store.shared.clone(), Platform::Bigcommerce, wording, Router::new())
}
