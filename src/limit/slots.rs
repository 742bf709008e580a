//! Calls at one time, found by trying: cut on a refusal, grown by success. In: starts and ends. Out: whether one more fits.

use crate::event::{Instant, Priority};

/// Concurrent calls of one account.
#[derive(Debug)]
pub(super) struct Slots {
    ceiling: f64,
    limit: f64,
    held: u32,
    bulk: u32,
    cut: Instant,
}

impl Slots {
    pub(super) fn new(ceiling: u32) -> Self {
        let ceiling = f64::from(ceiling.max(1));
        Self { ceiling, limit: ceiling, held: 0, bulk: 0, cut: Instant::default() }
    }

    /// Whether one more fits; bulk leaves a slot free for others.
    pub(super) fn fits(&self, class: Priority) -> bool {
        let reserve = u32::from(self.limit >= 2.0);
        self.held < self.whole() && (class != Priority::Bulk || self.bulk + reserve < self.whole())
    }

    pub(super) fn is_full(&self) -> bool {
        self.held >= self.whole()
    }

    pub(super) fn take(&mut self, class: Priority) {
        self.held += 1;
        self.bulk += u32::from(class == Priority::Bulk);
    }

    pub(super) fn free(&mut self, class: Priority) {
        self.held = self.held.saturating_sub(1);
        self.bulk = self.bulk.saturating_sub(u32::from(class == Priority::Bulk));
    }

    /// A refusal cuts once for all calls that were under way when it came.
    pub(super) fn refused(&mut self, started: Instant, now: Instant) {
        if started >= self.cut {
            self.limit = (self.limit * 0.7).max(1.0);
            self.cut = now;
        }
    }

    /// A success while every slot was in use grows the limit a little.
    pub(super) fn went_well(&mut self) {
        if self.held + 1 >= self.whole() {
            self.limit = (self.limit + 1.0 / self.limit).min(self.ceiling);
        }
    }

    #[expect(clippy::cast_sign_loss, reason = "the limit is at least one")]
    fn whole(&self) -> u32 {
        self.limit as u32
    }
}
