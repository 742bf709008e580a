//! The engine's door, opened onto HTTP.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::{Pass, Wire, now};
use crate::{
    engine::{Permit, Waiting, World},
    event::{Answer, Failure, Instant, Request},
};

impl World for Wire {
    fn permit<'a>(&'a self, request: &'a Request) -> Waiting<'a, Permit> {
        Box::pin(async move { self.enter(request).await.map_or_else(Permit::default, Permit::new) })
    }

    fn send<'a>(&'a self, request: &'a Request, permit: Permit) -> Waiting<'a, Result<Answer, Failure>> {
        Box::pin(self.ask(request, permit.into_inside::<Pass>()))
    }

    fn now(&self) -> Instant {
        now()
    }

    fn sleep_until(&self, at: Instant) -> Waiting<'_, ()> {
        Box::pin(tokio::time::sleep(at.since(now()).max(Duration::from_millis(1))))
    }

    fn random(&self) -> u64 {
        // Chance only spreads retries: the clock's finest digits, stirred with a count, are enough.
        static COUNT: AtomicU64 = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
        let count = COUNT.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let fine = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| u64::from(since.subsec_nanos()));
        let mixed = (count ^ fine).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 31)
    }

    fn held(&self, connection: &str) -> bool {
        self.is_held(connection)
    }
}
