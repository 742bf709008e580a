//! One clock for both twins: virtual time that runs at `speed` and can be advanced by hand, so that hook retries,
//! token expiry and quota windows pass in a test without waiting. In: speed, start. Out: instants and sleeps.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

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
        self.start.checked_add(self.elapsed()).unwrap_or(Timestamp::MAX)
    }

    /// The present instant, and how many times faster than real time the clock runs.
    pub fn reading(&self) -> (Timestamp, u32) {
        (self.now(), self.speed)
    }

    /// How many times faster than real time this clock runs.
    pub fn speed(&self) -> u32 {
        self.speed
    }

    /// The present instant as an HTTP `Date` header value.
    pub fn http_date(&self) -> String {
        self.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Moves the clock forward and wakes everything that waits on it.
    pub fn advance(&self, by: Duration) {
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        *skipped = skipped.saturating_add(by);
        drop(skipped);
        self.changed.send_replace(());
    }

    /// Waits until this clock shows `until`.
    pub async fn sleep_until(&self, until: Timestamp) {
        let mut changed = self.changed.subscribe();
        loop {
            let Ok(left) = Duration::try_from(until.duration_since(self.now())) else { return };
            if left.is_zero() {
                return;
            }
            // Rounded up to a whole millisecond, so that a fast clock does not spin on the last instant.
            let real = (left / self.speed).max(Duration::from_millis(1));
            tokio::select! {
                () = tokio::time::sleep(real) => {}
                _ = changed.changed() => {}
            }
        }
    }

    fn elapsed(&self) -> Duration {
        let ran = self.began.elapsed().saturating_mul(self.speed);
        ran.saturating_add(*self.skipped.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_advance_wakes_a_sleeper() {
        let clock = std::sync::Arc::new(Clock::new(Timestamp::UNIX_EPOCH, 1));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(Timestamp::from_second(3600).expect("in range")).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(3600));
        sleeper.await.expect("the sleeper ends");
        assert!(clock.now().as_second() >= 3600);
    }
}
