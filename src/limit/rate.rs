//! How much is used a second, forgetting slowly. In: costs at instants. Out: an expected use.

use std::time::Duration;

use crate::event::Instant;

const MEMORY: f64 = 30.0;

/// An exponentially weighted rate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    weight: f64,
    at: Instant,
}

impl Rate {
    /// Counts a use.
    pub(super) fn add(&mut self, cost: u32, now: Instant) {
        self.weight = self.faded(now) + f64::from(cost);
        self.at = self.at.max(now);
    }

    /// Use a second, as it is expected to go on.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        self.faded(now) / MEMORY
    }

    fn faded(&self, now: Instant) -> f64 {
        self.weight * (-now.since(self.at).as_secs_f64() / MEMORY).exp()
    }
}

/// What a higher class is expected to need until the window ends: mean, two deviations, and a part of the burst.
pub(super) fn floor(rate: f64, left: Duration, window: Duration, burst: f64) -> f64 {
    let left = left.as_secs_f64();
    let expected = rate * left;
    let window = window.as_secs_f64().max(0.001);
    expected + 2.0 * expected.sqrt() + burst * (left / window).min(1.0)
}
