//! The taxes of a new store: the classes and rates that orders are taxed by, as the tax API shows them. In: the table of `tax`.
//! Out: records.

use serde_json::{Value, json};

use super::zones::DEFAULT;
use crate::bigcommerce::{
    shape::shape,
    state::State,
    tax::{self, CLASSES},
};

/// Names and codes of the states that have rates (ISO 3166-2 without the country).
pub(super) const STATES: &[(&str, &str)] = &[("Illinois", "IL"), ("Colorado", "CO"), ("Quebec", "QC")];

/// Puts classes, zones, rates and settings in.
pub(in crate::bigcommerce) fn furnish(state: &mut State, now: &str) {
    for (id, name) in CLASSES {
        while *id != 0 && state.id("tax class") < u64::from(*id) {}
        let row = json!({ "id": id, "name": name, "created_at": now, "updated_at": now });
        state.shelf.tax_classes.insert(u64::from(*id), row);
    }
    state.shelf.tax_settings = shape("tax_settings").blank();
    add_zone(state, "Default Tax Zone", json!([]), false);
    for (country, region, name, priority, rates) in tax::table() {
        let code = STATES.iter().find(|(name, _)| *name == region).map(|(_, code)| *code);
        let title = if region.is_empty() { country.to_owned() } else { format!("{country} {region}") };
        let codes: Vec<&str> = code.into_iter().collect();
        let known =
            state.shelf.tax_zones.iter().find(|(_, zone)| zone["name"] == json!(title)).map(|(id, _)| *id);
        let zone = known.unwrap_or_else(|| {
            let place = json!([{ "country_code": country, "subdivision_codes": codes, "postal_codes": [] }]);
            add_zone(state, &title, place, tax::is_inclusive_country(country))
        });
        let id = state.id("tax rate");
        let rates: Vec<Value> = rates
            .iter()
            .map(|(class, percent)| json!({ "rate": percent.v3(), "tax_class_id": class }))
            .collect();
        let row = json!({
            "id": id,
            "tax_zone_id": zone,
            "name": name,
            "enabled": true,
            "priority": priority + 1,
            "class_rates": rates,
        });
        state.shelf.tax_rates.insert(id, row);
    }
}

fn add_zone(state: &mut State, name: &str, locations: Value, inclusive: bool) -> u64 {
    let id = state.id("tax zone");
    let mut zone = shape("tax_zone").blank();
    (zone["id"], zone["name"]) = (json!(id), json!(name));
    zone["price_display_settings"]["show_inclusive"] = json!(inclusive);
    zone["shopper_target_settings"]["locations"] = locations;
    debug_assert!(id != DEFAULT || name == "Default Tax Zone");
    state.shelf.tax_zones.insert(id, zone);
    id
}
