//! One clock for both twins: virtual time that runs at `speed` and can be advanced by hand, so that hook retries,
//! token expiry and quota windows pass in a test without waiting. In: speed, start. Out: instants and sleeps.

use std::{sync::Mutex, time::Duration};

use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};

/// Virtual time, shared by both platforms of one sandbox.
#[derive(Debug)]
pub struct Clock {
    start: Timestamp,
    began: Instant,
    speed: u32,
    skipped: Mutex<Duration>,
    changed: watch::Sender<()>,
}

impl Clock {
    /// A clock that shows `start` now and runs `speed` times as fast as real time (1 = real time).
    pub fn new(start: Timestamp, speed: u32) -> Self {
        Self {
            start,
            began: Instant::now(),
            speed: speed.max(1),
            skipped: Mutex::new(Duration::ZERO),
            changed: watch::channel(()).0,
        }
    }

    /// The present instant on this clock.
    pub fn now(&self) -> Timestamp {
        self.start + self.elapsed()
    }

    /// Moves the clock forward and wakes everything that waits on it.
    pub fn advance(&self, by: Duration) {
        *self.skipped.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += by;
        self.changed.send_replace(());
    }

    /// Waits until this clock shows `until`.
    pub async fn sleep_until(&self, until: Timestamp) {
        let mut changed = self.changed.subscribe();
        loop {
            let left = until.duration_since(self.now());
            let Ok(left) = Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left / self.speed) => {}
                _ = changed.changed() => {}
            }
        }
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed() * self.speed
            + *self.skipped.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
