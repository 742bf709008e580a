//! The store's quota: so many calls in each window of thirty seconds of sandbox time, all clients together. In: calls.
//! Out: whether a call may pass, and the headers that say what is left.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use super::settings::Plan;

const WINDOW: SignedDuration = SignedDuration::from_secs(30);

/// The window that is running. It opens with the first call after the last one has closed.
#[derive(Debug)]
pub(super) struct Quota {
    opened: Timestamp,
    used: u32,
}

/// What the quota says to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether the call may pass.
    pub pass: bool,
    quota: u32,
    left: u32,
    reset_ms: i128,
}

impl Quota {
    /// No call yet.
    pub(super) fn new() -> Self {
        Self { opened: Timestamp::MIN, used: 0 }
    }

    /// Counts a call; nothing if the plan has no quota.
    pub(super) fn spend(&mut self, now: Timestamp, plan: Plan) -> Option<Verdict> {
        let quota = plan.quota()?;
        if now.duration_since(self.opened) >= WINDOW {
            (self.opened, self.used) = (now, 0);
        }
        let pass = self.used < quota;
        if pass {
            self.used += 1;
        }
        Some(Verdict { pass, quota, left: quota - self.used, reset_ms: self.reset_ms(now) })
    }

    /// What a call is told that meets the limit although calls may be left: a fault played on request.
    pub(super) fn exhausted(&self, now: Timestamp, plan: Plan) -> Option<Verdict> {
        let quota = plan.quota()?;
        Some(Verdict { pass: false, quota, left: 0, reset_ms: self.reset_ms(now) })
    }

    /// Milliseconds until the window closes, rounded up: who waits that long finds it closed.
    fn reset_ms(&self, now: Timestamp) -> i128 {
        let left = WINDOW - now.duration_since(self.opened);
        (left.as_nanos() + 999_999).div_euclid(1_000_000).clamp(1, WINDOW.as_millis())
    }
}

impl Verdict {
    /// Writes the documented headers.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let mut put = |name, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        put("x-rate-limit-time-window-ms", WINDOW.as_millis().to_string());
        put("x-rate-limit-time-reset-ms", self.reset_ms.to_string());
        put("x-rate-limit-requests-quota", self.quota.to_string());
        put("x-rate-limit-requests-left", self.left.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_closes_after_thirty_seconds() {
        let mut quota = Quota::new();
        let at = |second| Timestamp::from_second(second).expect("in range");
        let passed =
            (0..200).filter(|_| quota.spend(at(100), Plan::Plus).is_some_and(|said| said.pass)).count();
        assert_eq!(passed, 150);
        let said = quota.spend(at(129), Plan::Plus).expect("limited");
        assert_eq!((said.pass, said.left, said.reset_ms), (false, 0, 1000));
        assert!(quota.spend(at(130), Plan::Plus).is_some_and(|said| said.pass && said.left == 149));
        assert_eq!(quota.spend(at(130), Plan::Unlimited), None);
    }
}
