//! What is open and not in memory: after a restart only so many events are loaded, and later ones follow as these are done. In: the
//! journal, by number. Out: lanes that never hold more than they need to go on. It must never change the order of a lane.

use std::collections::HashSet;

use super::{Board, Inner};
use crate::{
    engine::lanes::Taken,
    event::{Code, Event, EventId, Fact, Instant, Origin, RunId},
    journal::{Brief, Error, Lsn},
};

/// Open runs that are read at a time.
const PAGE: usize = 1000;

/// Where the line is between memory and disk.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Whether events wait on disk only. New ones go behind them, so that no lane's order changes.
    is_open: bool,
    /// What waits was loaded up to here.
    mark: EventId,
    /// Runs behind the mark that are in memory all the same.
    ahead: HashSet<RunId>,
    /// Whether parked runs may be on disk only. They come with their lane, when they are due, or when somebody asks for them.
    rests: bool,
}

impl Backlog {
    /// Whether events wait on disk only.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// A run is in memory from now on.
    pub(super) fn enters(&mut self, run: RunId) {
        if self.is_open && run > self.mark {
            self.ahead.insert(run);
        }
    }
}

impl Inner {
    /// After a restart: open runs go back into their lanes, as many as may. No run is started.
    pub(super) fn recover(&self) -> Result<(), Error> {
        let mut board = self.board();
        // Parents that wait for a child, and those whose child is open.
        let (mut waiting, mut awaited) = (Vec::new(), HashSet::new());
        let mut after = EventId::default();
        loop {
            let page = self.journal.after(after, self.page())?;
            let Some(last) = page.last() else { break };
            after = last.event.id;
            for brief in page {
                awaited.extend(brief.event.awaited_by);
                let letters = brief.parked.iter().flat_map(|parked| &parked.letters);
                if letters.clone().any(|letter| letter.code == Code::Child) {
                    waiting.push(brief.event.id);
                }
                self.put_back(&mut board, brief)?;
            }
        }
        drop(board);
        // A parent that was parked because of a child which ended meanwhile goes on.
        for parent in waiting.into_iter().filter(|parent| !awaited.contains(parent)) {
            self.wake_parent(parent)?;
        }
        Ok(())
    }

    fn page(&self) -> usize {
        PAGE.min(self.policy.load_most).max(1)
    }

    fn put_back(&self, board: &mut Board, brief: Brief) -> Result<(), Error> {
        let (most, lane) = (self.policy.load_most, &brief.event.lane);
        match &brief.parked {
            Some(_) if board.lanes.parked_runs() >= most && !board.lanes.has(lane) => {
                board.backlog.rests = true;
                return Ok(());
            }
            None if !brief.frozen && (board.backlog.is_open || board.lanes.waiting() >= most) => {
                board.backlog.is_open = true;
                return Ok(());
            }
            None if !board.backlog.is_open && !brief.frozen => board.backlog.mark = brief.event.id,
            _ => {}
        }
        self.bring_lane(board, &brief.event)?;
        restore(board, brief);
        Ok(())
    }

    /// A lane comes to memory with its parked runs.
    pub(super) fn bring_lane(&self, board: &mut Board, event: &Event) -> Result<(), Error> {
        if board.backlog.rests && !board.lanes.has(&event.lane) {
            for brief in self.journal.parked_in(&event.lane)? {
                restore(board, brief);
            }
        }
        Ok(())
    }

    /// Somebody asks for a parked run: it comes to memory with its lane.
    pub(super) fn bring(&self, run: RunId) -> Result<(), Error> {
        let mut board = self.board();
        if board.backlog.rests
            && !board.lanes.knows(run)
            && let Some(open) = self.journal.run(run)?
        {
            self.bring_lane(&mut board, &open.event)?;
        }
        Ok(())
    }

    /// Parked runs that are due come to memory.
    pub(super) fn bring_due(&self, board: &mut Board, now: Instant) -> Result<(), Error> {
        if board.backlog.rests {
            for brief in self.journal.due(now, PAGE)? {
                self.bring_lane(board, &brief.event)?;
            }
        }
        Ok(())
    }

    /// Loads what follows once half of what was loaded is done.
    pub(super) fn refill(&self) -> Result<(), Error> {
        let mut board = self.board();
        let board = &mut *board;
        let most = self.policy.load_most;
        while board.backlog.is_open && (board.lanes.waiting() <= most / 2 || board.lanes.is_idle()) {
            let appended = Lsn(self.appended.load(std::sync::atomic::Ordering::Acquire));
            let is_whole = self.journal.durable().mark() >= appended;
            let page = self.journal.after(board.backlog.mark, self.page())?;
            let is_last = page.len() < self.page();
            for brief in page {
                self.follow_on(board, brief)?;
            }
            if is_last && is_whole {
                board.backlog.is_open = false;
                board.backlog.ahead.clear();
            } else if is_last {
                // What was accepted just now is not durable yet: the keeper waits for that.
                self.stir.notify_one();
                break;
            }
        }
        Ok(())
    }

    fn follow_on(&self, board: &mut Board, brief: Brief) -> Result<(), Error> {
        let Brief { event, parked, frozen } = brief;
        let id = event.id;
        board.backlog.mark = id;
        if parked.is_some() || frozen || board.backlog.ahead.remove(&id) || board.lanes.knows(id) {
            return Ok(());
        }
        self.bring_lane(board, &event)?;
        let replaces =
            matches!(event.origin, Origin::Source | Origin::Hand | Origin::Backfill | Origin::Reconcile);
        if !replaces {
            board.lanes.push(event);
            return Ok(());
        }
        match board.lanes.offer(event.clone()) {
            Taken::Waits { .. } => {}
            Taken::Replaces(old) => drop(self.append_surely(vec![Fact::Merged { old, into: id }])?),
            // It is ours by now, so it runs.
            Taken::Known => board.lanes.push(event),
        }
        Ok(())
    }
}

fn restore(board: &mut Board, brief: Brief) {
    board.backlog.enters(brief.event.id);
    board.lanes.restore(brief.event, brief.parked.as_ref(), brief.frozen);
}
