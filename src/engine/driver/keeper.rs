//! The keeper: one task that brings back what is due, lets held lanes ask again, and does what operators ordered. In: time. Out:
//! lanes stirred. It must never drive a run.

use std::sync::{Arc, Weak, atomic::Ordering};

use super::{Board, Inner, Life};
use crate::event::{EventId, Instant};

/// Past runs that one round deletes at most, so that it never holds up the writer.
const TRIMMED_A_ROUND: usize = 200;

impl Inner {
    /// Starts the keeper. It ends with the engine.
    pub(super) fn keep(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        (self.spawn)(Box::pin(keep(weak)));
    }

    /// When lanes want the keeper to look again, if they do.
    fn wanted(&self, board: &Board) -> Option<Instant> {
        let held = board.lanes.any_held().then(|| self.world.now() + self.policy.held_every);
        board.lanes.next_due().into_iter().chain(held).min()
    }

    /// Whether lanes want the keeper before it looks by itself. It is left alone otherwise: stirred at every run, it would
    /// cost much and, always beginning to wait anew, never come to its rounds.
    pub(super) fn is_sooner(&self, board: &Board) -> bool {
        self.wanted(board).is_some_and(|at| at.0 < self.round_at.load(Ordering::Acquire))
    }

    /// When the keeper must look again.
    fn next_round(&self) -> Instant {
        let board = self.board();
        let orders = self.world.now() + self.policy.command_every;
        let at = self.wanted(&board).into_iter().chain([orders]).min().unwrap_or(orders);
        // Under the board's lock: whoever changes lanes from here on compares with it.
        self.round_at.store(at.0, Ordering::Release);
        at
    }

    /// Deletes a few entries of books that no longer count.
    fn expire(&self, now: Instant) {
        if let Err(error) = self.journal.expire(now, TRIMMED_A_ROUND) {
            tracing::warn!(%error, "entries of books that no longer count could not be deleted");
        }
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
            if let Err(error) = self.bring_due(&mut board, now) {
                tracing::warn!(%error, "what is due cannot be read");
            }
            board.lanes.wake(now);
            board.lanes.release();
        }
        self.obey();
        self.trim(now);
        self.expire(now);
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
        } else if inner.board().backlog.is_open() && inner.settled().await.is_ok() {
            inner.pump();
        }
    }
}
