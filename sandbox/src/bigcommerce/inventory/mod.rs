//! `/v3/inventory`: locations, stock at them, adjustments. In: calls. Out: V3 answers and changed levels. It must never touch a
//! price. Facts: `inventory-adjustments.mdx`, `inventory-locations.mdx`, `inventory.v3.yml`, `locations.v3.yml`.

mod adjust;
mod items;
mod levels;
mod locations;

use std::sync::Arc;

use axum::Router;
use serde_json::Value;

pub(super) use levels::{Level, Levels, MOST};

use super::{Store, state::State};

/// The location that every store has.
pub(super) const DEFAULT: u64 = 1;

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    locations::routes().merge(items::routes()).merge(adjust::routes())
}

pub(super) use locations::furnish;

impl Store {
    /// What the catalogue shows as the level of a variant: the sum of what is for sale at all locations that are in use.
    pub(super) fn level(&self, state: &State, variant: u64) -> i64 {
        let now = self.shared.clock.now();
        let levels = state.shelf.stock.of_variant(variant);
        let open = levels.filter(|(location, _)| locations::is_enabled(state, *location));
        open.map(|(_, level)| level.sellable(now)).sum()
    }

    /// The instant from which reads show what is written now.
    fn due(&self) -> jiff::Timestamp {
        let lag =
            jiff::SignedDuration::from_millis(self.settings.stock_lag_ms.try_into().unwrap_or(i64::MAX));
        self.shared.clock.now().checked_add(lag).unwrap_or(jiff::Timestamp::MAX)
    }

    /// Sets the stock of a variant at a location and tells the hooks of the change.
    pub(super) fn set_stock(self: &Arc<Self>, state: &mut State, location: u64, variant: u64, onhand: i64) {
        let (now, due) = (self.shared.clock.now(), self.due());
        let level = state.shelf.stock.at(location, variant);
        let change = onhand - level.onhand();
        level.set(onhand, now, due);
        if change != 0 {
            adjust::tell(self, state, location, variant, change);
        }
    }
}

/// `none`, `product` or `variant`.
pub(super) fn tracking(product: &Value) -> &str {
    product["inventory_tracking"].as_str().unwrap_or("none")
}
