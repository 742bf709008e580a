//! How much of what lies where. In: levels set by calls, and the instant from which reads show them. Out: levels as they are,
//! and as a read shows them. It must never know a product.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most that can lie at one location (`inventory-adjustments.mdx`).
pub(in crate::bigcommerce) const MOST: i64 = 2_147_483_647;

/// The stock of one variant at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::bigcommerce) struct Level {
    onhand: i64,
    /// Levels that reads do not show yet, oldest first, and when they will.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    coming: Vec<(Timestamp, i64)>,
    /// Kept back from sale.
    pub safety: i64,
    /// For sale whatever the number.
    pub in_stock: bool,
    /// Below it the owner is warned.
    pub warning: i64,
    /// Where in the warehouse.
    pub bin: String,
}

impl Default for Level {
    fn default() -> Self {
        Self { onhand: 0, coming: Vec::new(), safety: 0, in_stock: true, warning: 0, bin: String::new() }
    }
}

impl Level {
    /// What lies there in truth.
    pub(in crate::bigcommerce) fn onhand(&self) -> i64 {
        self.coming.last().map_or(self.onhand, |(_, level)| *level)
    }

    /// What a read shows.
    pub(in crate::bigcommerce) fn shown(&self, now: Timestamp) -> i64 {
        let due = self.coming.iter().rev().find(|(due, _)| *due <= now);
        due.map_or(self.onhand, |(_, level)| *level)
    }

    /// What a read shows as for sale.
    pub(in crate::bigcommerce) fn sellable(&self, now: Timestamp) -> i64 {
        (self.shown(now) - self.safety).max(0)
    }

    /// Sets what lies there; reads show it from `due` on.
    pub(in crate::bigcommerce) fn set(&mut self, onhand: i64, now: Timestamp, due: Timestamp) {
        self.onhand = self.shown(now);
        self.coming.retain(|(due, _)| *due > now);
        if due <= now {
            (self.onhand, self.coming) = (onhand, Vec::new());
        } else {
            self.coming.push((due, onhand));
        }
    }

    /// The settings as V3 prints them.
    pub(in crate::bigcommerce) fn settings(&self) -> Value {
        json!({
            "safety_stock": self.safety,
            "is_in_stock": self.in_stock,
            "warning_level": self.warning,
            "bin_picking_number": self.bin,
        })
    }
}

/// The stock of the store, by location and variant.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::bigcommerce) struct Levels(BTreeMap<u64, BTreeMap<u64, Level>>);

impl Levels {
    /// The level of a variant at a location, if it was ever set.
    pub(in crate::bigcommerce) fn get(&self, location: u64, variant: u64) -> Option<&Level> {
        self.0.get(&location)?.get(&variant)
    }

    /// The level of a variant at a location, to be changed.
    pub(in crate::bigcommerce) fn at(&mut self, location: u64, variant: u64) -> &mut Level {
        self.0.entry(location).or_default().entry(variant).or_default()
    }

    /// Whether anything lies at a location.
    pub(in crate::bigcommerce) fn of_variant(&self, variant: u64) -> impl Iterator<Item = (u64, &Level)> {
        self.0.iter().filter_map(move |(location, levels)| Some((*location, levels.get(&variant)?)))
    }

    /// Forgets a variant.
    pub(in crate::bigcommerce) fn forget(&mut self, variant: u64) {
        for levels in self.0.values_mut() {
            levels.remove(&variant);
        }
    }

    /// Forgets a location and all that lies there.
    pub(in crate::bigcommerce) fn close(&mut self, location: u64) {
        self.0.remove(&location);
    }

    /// Flat rows, as they are in truth.
    pub(in crate::bigcommerce) fn rows(&self) -> Vec<Value> {
        let row = |location: u64, (variant, level): (&u64, &Level)| {
            json!({
                "location_id": location,
                "variant_id": variant,
                "total_inventory_onhand": level.onhand(),
                "available_to_sell": (level.onhand() - level.safety).max(0),
                "safety_stock": level.safety,
                "is_in_stock": level.in_stock,
            })
        };
        self.0.iter().flat_map(|(id, levels)| levels.iter().map(move |level| row(*id, level))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_show_each_level_when_it_is_due() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let mut level = Level::default();
        level.set(5, at(0), at(0));
        level.set(7, at(10), at(13));
        level.set(9, at(12), at(15));
        assert_eq!(level.onhand(), 9);
        assert_eq!([12, 13, 14, 15].map(|second| level.shown(at(second))), [5, 7, 7, 9]);
        level.set(2, at(14), at(17));
        assert_eq!([14, 15, 17].map(|second| level.shown(at(second))), [7, 9, 2]);
        level.safety = 8;
        assert_eq!(level.sellable(at(17)), 0, "never below nothing");
    }
}
