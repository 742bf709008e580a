//! The keeper: one task that brings back what is due, lets held lanes ask again, and does what operators ordered. In: time. Out:
//! lanes stirred. It must never drive a run.

use std::sync::{Arc, Weak};

use super::{Inner, Life};
use crate::event::{EventId, Instant};

/// Past runs that one round deletes at most, so that it never holds up the writer.
const TRIMMED_A_ROUND: usize = 200;

impl Inner {
    /// Starts the keeper. It ends with the engine.
    pub(super) fn keep(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        (self.spawn)(Box::pin(keep(weak)));
    }

    /// When the keeper must look again.
    fn next_round(&self) -> Instant {
        let now = self.world.now();
        let board = self.board();
        let due = board.lanes.next_due();
        let held = board.lanes.any_held().then(|| now + self.policy.held_every);
        let orders = now + self.policy.command_every;
        due.into_iter().chain(held).chain([orders]).min().unwrap_or(orders)
    }

    /// Deletes a few of the oldest past runs; the next round goes on.
    fn trim(&self, now: Instant) {
        let Some(keep) = self.policy.keep_past else { return };
        let before = EventId((now - keep).0 << 22);
        if let Err(error) = self.journal.trim(before, TRIMMED_A_ROUND) {
            tracing::warn!(%error, "old runs could not be deleted");
        }
    }

    fn round(self: &Arc<Self>) {
        let now = self.world.now();
        {
            let mut board = self.board();
            board.lanes.wake(now);
            board.lanes.release();
        }
        self.obey();
        self.trim(now);
        self.pump();
    }
}

async fn keep(weak: Weak<Inner>) {
    loop {
        let Some(inner) = weak.upgrade() else { return };
        if inner.life() == Life::Broken {
            return;
        }
        let at = inner.next_round();
        let stirred = inner.stir.notified();
        let due = tokio::select! {
            () = inner.world.sleep_until(at) => true,
            () = stirred => false,
        };
        if due {
            inner.round();
        }
    }
}
