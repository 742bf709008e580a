//! After a restart: open runs go back into their lanes. In: the journal. Out: lanes as they were, as far as it matters. It must
//! never start a run.

use super::{Error, Inner};

impl Inner {
    pub(super) fn recover(&self) -> Result<(), Error> {
        let open = self.journal.open()?;
        let mut board = self.board();
        for run in &open {
            let frozen = run.frozen_by().is_some();
            board.lanes.restore(run.event.clone(), run.parked(), frozen);
        }
        drop(board);
        // A parent that was parked because of a child which ended meanwhile goes on.
        for run in &open {
            let waits = run.parked().is_some_and(|parked| {
                parked.letters.iter().any(|letter| letter.code == crate::event::Code::Child)
            });
            let child_open = open.iter().any(|other| other.event.awaited_by == Some(run.event.id));
            if waits && !child_open {
                self.wake_parent(run.event.id)?;
            }
        }
        Ok(())
    }
}
