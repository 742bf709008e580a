//! The store's quota: so many calls in each window of thirty seconds of sandbox time, all clients together. In: calls.
//! Out: whether a call may pass, and the headers that say what is left; they count in the clients' time, which is real.

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
    /// Real time until the window closes.
    reset_ms: i128,
    /// Real time that a window lasts.
    window_ms: i128,
}

impl Quota {
    /// No call yet.
    pub(super) fn new() -> Self {
        Self { opened: Timestamp::MIN, used: 0 }
    }

    /// Counts a call; nothing if the plan has no quota.
    pub(super) fn spend(&mut self, clock: (Timestamp, u32), plan: Plan) -> Option<Verdict> {
        let quota = plan.quota()?;
        let (now, _) = clock;
        if now.duration_since(self.opened) >= WINDOW {
            (self.opened, self.used) = (now, 0);
        }
        let pass = self.used < quota;
        if pass {
            self.used += 1;
        }
        Some(self.verdict(pass, quota, quota - self.used, clock))
    }

    /// What a call is told that meets the limit although calls may be left: a fault played on request.
    pub(super) fn exhausted(&self, clock: (Timestamp, u32), plan: Plan) -> Option<Verdict> {
        Some(self.verdict(false, plan.quota()?, 0, clock))
    }

    /// Times are rounded up to a millisecond: who waits that long finds the window closed.
    fn verdict(&self, pass: bool, quota: u32, left: u32, (now, speed): (Timestamp, u32)) -> Verdict {
        let real = |span: SignedDuration| {
            let unit = 1_000_000 * i128::from(speed.max(1));
            (span.as_nanos() + unit - 1).div_euclid(unit)
        };
        let window_ms = real(WINDOW);
        let reset_ms = real(WINDOW - now.duration_since(self.opened)).clamp(1, window_ms);
        Verdict { pass, quota, left, reset_ms, window_ms }
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
        put("x-rate-limit-time-window-ms", self.window_ms.to_string());
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
        let at = |second| (Timestamp::from_second(second).expect("in range"), 1);
        let passed =
            (0..200).filter(|_| quota.spend(at(100), Plan::Plus).is_some_and(|said| said.pass)).count();
        assert_eq!(passed, 150);
        let said = quota.spend(at(129), Plan::Plus).expect("limited");
        assert_eq!((said.pass, said.left, said.reset_ms), (false, 0, 1000));
        assert!(quota.spend(at(130), Plan::Plus).is_some_and(|said| said.pass && said.left == 149));
        assert_eq!(quota.spend(at(130), Plan::Unlimited), None);
        let said = quota.spend((at(140).0, 10), Plan::Plus).expect("limited");
        assert_eq!((said.reset_ms, said.window_ms), (2000, 3000), "a client's seconds are real");
    }
}
