//! How many calls of a kind may be at work at one time. In: method and path. Out: a place in the lane, given back when
//! it is dropped, or none. It only bites with a latency, since the twin's own work takes no time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::Method;

/// Methods, path below the version (`*` is any one part of it), lane, calls at one time in the lane
/// (`price-lists.mdx` says one bulk upsert where `price_lists.v3.yml` says two: one it is).
const LIMITS: &[(&str, &str, &str, usize)] = &[
    ("PUT", "/v3/customers", "customers", 3),
    ("PUT", "/v3/inventory/adjustments/absolute", STOCK, 1),
    ("POST", "/v3/inventory/adjustments/relative", STOCK, 1),
    ("PUT", "/v3/inventory/locations/*/items", STOCK, 1),
    ("GET PUT POST DELETE", "/v3/inventory/locations", "locations", 50),
    ("PUT", "/v3/catalog/products", CATALOGUE, 1),
    ("PUT", "/v3/catalog/variants", CATALOGUE, 1),
    ("GET", "/v3/catalog/trees/*/categories", "tree", 1),
    ("PUT", "/v3/pricelists/*/records", "records", 1),
    ("PUT", "/v3/pricelists/records", "records", 1),
    ("POST", "/v3/pricelists/*/records", "new records", 10),
    ("POST", "/v3/pricelists/records", "new records", 10),
    ("GET", "/v3/pricelists/*/records", "read records", 10),
    ("GET", "/v3/pricelists/*/records/*", "read variant", 40),
    ("GET", "/v3/pricelists/*/records/*/*", "read record", 50),
    ("PUT", "/v3/pricelists/*/records/*/*", "one record", 40),
    ("DELETE", "/v3/pricelists/*/records/*/*", "delete record", 25),
    ("PUT", "/v3/pricelists/*/assignments", "assignment", 25),
    ("DELETE", "/v3/pricelists/*", "delete list", 1),
    ("POST", "/v3/pricing/products", "pricing", 50),
    ("GET POST DELETE", "/v3/promotions", "promotions", 40),
    ("GET POST", "/v2/customer_groups", "groups", 40),
];

const STOCK: &str = "stock";
const CATALOGUE: &str = "catalogue";

/// Lanes of which only one may be used at a time (`inventory-adjustments.mdx`: bulk stock beside bulk catalogue gives wrong
/// results; the twin refuses it unless its settings say otherwise).
const APART: [(&str, &str); 2] = [(STOCK, CATALOGUE), (CATALOGUE, STOCK)];

/// How many calls are at work in each lane.
type Busy = Arc<Mutex<BTreeMap<&'static str, usize>>>;

/// The lanes of one store.
#[derive(Debug)]
pub(super) struct Lanes(Busy);

/// A place in a lane.
#[derive(Debug)]
pub(super) struct Place(Option<(Busy, &'static str)>);

fn matches(pattern: &str, path: &str) -> bool {
    let Some(at) = path.find(&pattern[..4]) else { return false };
    let (mut want, mut have) = (pattern.split('/'), path[at..].split('/'));
    loop {
        match (want.next(), have.next()) {
            (None, None) => return true,
            (Some(want), Some(have)) if want == "*" || want == have => {}
            _ => return false,
        }
    }
}

impl Lanes {
    /// All empty.
    pub(super) fn new() -> Self {
        Self(Busy::default())
    }

    /// A place for a call; none if its lane is full, or if `apart` and the lane that must be empty is not. Most calls have no
    /// lane and always get a place.
    pub(super) fn enter(&self, method: &Method, path: &str, apart: bool) -> Option<Place> {
        let limit = LIMITS.iter().find(|(verbs, pattern, ..)| {
            verbs.split(' ').any(|verb| method == verb) && matches(pattern, path)
        });
        let Some((_, _, lane, most)) = limit else { return Some(Place(None)) };
        let mut busy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let beside = APART.iter().filter(|(one, _)| one == lane).filter_map(|(_, other)| busy.get(other));
        if apart && beside.into_iter().any(|count| *count > 0) {
            return None;
        }
        let count = busy.entry(*lane).or_default();
        if *count >= *most {
            return None;
        }
        *count += 1;
        Some(Place(Some((self.0.clone(), *lane))))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((busy, lane)) = &self.0 {
            let mut busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = busy.get_mut(lane) {
                *count -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_lane_has_no_place_until_one_leaves() {
        let lanes = Lanes::new();
        let enter = |method: &Method| lanes.enter(method, "/stores/abc/v3/customers", true);
        let mut inside: Vec<_> = (0..3).map(|_| enter(&Method::PUT)).collect();
        assert!(inside.iter().all(Option::is_some));
        assert!(enter(&Method::PUT).is_none());
        assert!(enter(&Method::GET).is_some());
        inside.pop();
        assert!(enter(&Method::PUT).is_some());
    }

    #[test]
    fn bulk_stock_and_bulk_catalogue_keep_apart() {
        let lanes = Lanes::new();
        let stock = |path: &str| lanes.enter(&Method::PUT, &format!("/stores/abc/v3/{path}"), true);
        let first = stock("inventory/adjustments/absolute");
        assert!(first.is_some());
        assert!(stock("inventory/adjustments/absolute").is_none(), "one at a time");
        assert!(stock("catalog/variants").is_none());
        assert!(lanes.enter(&Method::PUT, "/stores/abc/v3/catalog/variants", false).is_some());
        assert!(stock("catalog/products/7").is_some(), "a single product is no batch");
        drop(first);
        assert!(stock("inventory/locations/2/items").is_some());
        assert!(stock("pricelists/7/records").is_some());
        assert!(stock("pricelists/7/records/8/usd").is_some());
    }
}
