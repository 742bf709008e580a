//! `/v3/tax` and `/v2/tax_classes`: classes, zones, rates, settings, properties. In: calls. Out: V2 and V3 answers, and the tax of
//! a price in a zone. It must never know an order. Facts: `tax_*.v3.yml`, `tax-rates-zones.mdx`, `tax/index.mdx`.

mod classes;
mod properties;
mod rates;
mod seed;
mod settings;
mod zones;

use std::sync::Arc;

use axum::{Router, http::StatusCode};
use serde_json::Value;

pub(super) use seed::furnish;

use super::{
    Store,
    answer::{Refusal, v3},
    money::Fixed,
    query::Params,
    state::State,
    tax::{Rate, Rounding, Rules},
};

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    classes::routes()
        .merge(zones::routes())
        .merge(rates::routes())
        .merge(settings::routes())
        .merge(properties::routes())
}

/// An instant as the tax API prints it.
fn now(store: &Store) -> String {
    store.shared.clock.now().strftime("%Y-%m-%d %H:%M:%S+00:00").to_string()
}

/// The ids of a filter that has to be there; the status of a call without it.
fn needed_ids(params: &Params, key: &str, status: StatusCode) -> Result<Vec<u64>, Refusal> {
    let ids = params.ids(key).filter(|ids| !ids.is_empty());
    let lacks = || v3(status, "A required filter is missing.", &[(key, "error.path.missing")]);
    Ok(ids.ok_or_else(lacks)?.into_iter().collect())
}

/// A place where a shopper is: country code, name or code of the state, postal code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Where<'a> {
    /// ISO alpha-2.
    pub country: &'a str,
    /// Empty if not known.
    pub state: &'a str,
    /// Empty if not known.
    pub postal: &'a str,
}

/// How prices are taxed for one shopper.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taxing {
    /// Prices are entered with tax.
    pub inclusive: bool,
    subtract: bool,
    store_zone: u64,
    zone: u64,
    rules: Rules,
}

impl Taxing {
    /// For a shopper at a place, or a guest.
    pub(super) fn new(store: &Store, state: &State, place: Option<Where>, group: u64, digits: u32) -> Self {
        let settings = &state.shelf.tax_settings;
        let zone = |field: &str| settings[field].as_u64().unwrap_or(zones::DEFAULT);
        let inclusive = settings["tax_entered_with_prices"] == true;
        let rounding = if settings["rounding_strategy"] == "NO_ROUNDING" {
            Rounding::NoRounding
        } else {
            Rounding::RateRounding
        };
        Self {
            inclusive,
            subtract: settings["should_subtract_store_tax"] != false,
            store_zone: zone("store_tax_zone_id"),
            zone: place
                .map_or_else(|| zone("guest_shopper_tax_zone_id"), |place| zones::of(state, place, group)),
            rules: Rules {
                inclusive,
                rounding,
                compound: store.settings.compound_rates,
                fees_in_total: true,
                refunds_lower_total: false,
                digits,
            },
        }
    }

    /// An entered price without and with tax. A price with tax keeps its net amount in every zone if the store's own tax is
    /// subtracted first, and its gross amount otherwise (`tax_settings.v3.yml`).
    pub(super) fn split(self, state: &State, entered: Fixed, class: u64) -> (Fixed, Fixed) {
        let there = rates_of(state, self.zone, class);
        let taxed = if !self.inclusive {
            self.rules.add_to(entered, &there)
        } else if self.subtract {
            let here = rates_of(state, self.store_zone, class);
            let net = self.rules.take_from(entered, &here).ex;
            if self.store_zone == self.zone {
                return (net, entered);
            }
            self.rules.add_to(net, &there)
        } else {
            self.rules.take_from(entered, &there)
        };
        (taxed.ex, taxed.inc)
    }
}

/// The rates of a zone for a class, those that are switched off or 0 % left out.
fn rates_of(state: &State, zone: u64, class: u64) -> Vec<Rate> {
    let on = |row: &&Value| row["tax_zone_id"].as_u64() == Some(zone) && row["enabled"] != false;
    let rate = |row: &Value| {
        let classes = row["class_rates"].as_array()?;
        let own = classes.iter().find(|rate| rate["tax_class_id"].as_u64() == Some(class))?;
        Some(Rate {
            id: row["id"].as_u64().and_then(|id| u32::try_from(id).ok()).unwrap_or(0),
            name: row["name"].as_str().unwrap_or("").to_owned(),
            percent: Fixed::from_json(&own["rate"]).filter(|percent| !percent.is_zero())?,
            priority: row["priority"].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(1),
        })
    };
    state.shelf.tax_rates.values().filter(on).filter_map(rate).collect()
}
