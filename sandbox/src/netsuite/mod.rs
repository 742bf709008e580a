//! Placeholder of the frame: the NetSuite twin is built elsewhere and replaces this file.

use std::sync::Arc;

use axum::Router;
use serde_json::Value;

use crate::Shared;

/// The account's settings.
#[derive(Clone, Debug, Default)]
pub struct Settings {}

impl Settings {
    /// Address and credentials of the account.
    pub fn access(&self, base: &str) -> Value {
        serde_json::json!({ "base_url": base })
    }
}

/// The account's REST API.
pub fn router(_shared: Arc<Shared>, _settings: &Settings) -> Router {
    Router::new()
}
