//! Calls at one time. In: takes, gives, refusals. Out: whether one more fits. It shrinks when the platform says so and grows
//! back towards what was declared (additive increase, multiplicative decrease).

use crate::event::Priority;

#[derive(Debug)]
pub(super) struct Slots {
    declared: Option<f64>,
    limit: f64,
    busy: u32,
    bulk: u32,
    generation: u64,
}

impl Slots {
    pub(super) fn new(declared: Option<u32>) -> Self {
        let declared = declared.map(|slots| f64::from(slots.max(1)));
        Self { declared, limit: declared.unwrap_or(f64::INFINITY), busy: 0, bulk: 0, generation: 0 }
    }

    pub(super) fn any(&self) -> bool {
        f64::from(self.busy + 1) <= self.limit
    }

    /// One slot is kept from bulk where there are two or more.
    pub(super) fn fits(&self, priority: Priority) -> bool {
        let reserve = if self.limit >= 2.0 { 1.0 } else { 0.0 };
        self.any() && (priority != Priority::Bulk || f64::from(self.bulk + 1) <= self.limit - reserve)
    }

    pub(super) fn take(&mut self, priority: Priority) {
        self.busy += 1;
        self.bulk += u32::from(priority == Priority::Bulk);
    }

    pub(super) fn give(&mut self, priority: Priority) {
        self.busy -= 1;
        self.bulk -= u32::from(priority == Priority::Bulk);
    }

    /// Counts the cuts: a refusal of a request that was sent before the last cut says nothing new.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn cut(&mut self, generation: u64) {
        if self.declared.is_some() && generation == self.generation {
            self.limit = (self.limit * 0.7).max(1.0);
            self.generation += 1;
        }
    }

    /// An answer came while all slots were in use.
    pub(super) fn grow(&mut self) {
        if let Some(declared) = self.declared
            && f64::from(self.busy + 2) > self.limit
        {
            self.limit = (self.limit + 1.0 / self.limit).min(declared);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_cut_once_a_generation_and_answers_grow_back() {
        let mut slots = Slots::new(Some(10));
        let before = slots.generation();
        slots.cut(before);
        slots.cut(before);
        assert!((slots.limit - 7.0).abs() < 1e-9, "{}", slots.limit);
        for _ in 0..200 {
            while slots.any() {
                slots.take(Priority::Live);
            }
            slots.give(Priority::Live);
            slots.grow();
        }
        assert!((slots.limit - 10.0).abs() < 1e-9, "{}", slots.limit);
    }

    #[test]
    fn bulk_leaves_one_slot() {
        let mut slots = Slots::new(Some(2));
        slots.take(Priority::Bulk);
        assert!(!slots.fits(Priority::Bulk) && slots.fits(Priority::Live));
        let single = Slots::new(Some(1));
        assert!(single.fits(Priority::Bulk));
    }
}
