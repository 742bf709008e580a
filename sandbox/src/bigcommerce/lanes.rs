//! How many calls of a kind may be at work at one time. In: method and path. Out: a place in the lane, given back when
//! it is dropped, or none. It only bites with a latency, since the twin's own work takes no time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::http::Method;

/// Method, path below the version, calls at one time.
const LIMITS: &[(&str, &str, usize)] = &[("PUT", "/v3/customers", 3)];

/// The lanes of one store.
#[derive(Debug)]
pub(super) struct Lanes(Vec<Arc<AtomicUsize>>);

/// A place in a lane.
#[derive(Debug)]
pub(super) struct Place(Option<Arc<AtomicUsize>>);

impl Lanes {
    /// All empty.
    pub(super) fn new() -> Self {
        Self(LIMITS.iter().map(|_| Arc::default()).collect())
    }

    /// A place for a call; none if its lane is full. Most calls have no lane and always get one.
    pub(super) fn enter(&self, method: &Method, path: &str) -> Option<Place> {
        let at = LIMITS.iter().position(|(verb, end, _)| method == verb && path.ends_with(end));
        let Some(at) = at else { return Some(Place(None)) };
        let (busy, most) = (&self.0[at], LIMITS[at].2);
        if busy.fetch_add(1, Ordering::SeqCst) < most {
            return Some(Place(Some(busy.clone())));
        }
        busy.fetch_sub(1, Ordering::SeqCst);
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(busy) = &self.0 {
            busy.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_lane_has_no_place_until_one_leaves() {
        let lanes = Lanes::new();
        let enter = |method: &Method| lanes.enter(method, "/stores/abc/v3/customers");
        let mut inside: Vec<_> = (0..3).map(|_| enter(&Method::PUT)).collect();
        assert!(inside.iter().all(Option::is_some));
        assert!(enter(&Method::PUT).is_none());
        assert!(enter(&Method::GET).is_some());
        inside.pop();
        assert!(enter(&Method::PUT).is_some());
    }
}
