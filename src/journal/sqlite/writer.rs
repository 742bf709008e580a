//! Group commit: one thread takes all that is queued, applies it in one transaction, syncs, and moves the mark. The sync of
//! one group is the time in which the next one gathers.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use rusqlite::Connection;

use super::{
    apply::{Group, Places},
    written,
};
use crate::{
    event::Fact,
    journal::{Durable, Error, Lsn},
};

/// Batches in one commit at the most.
const GROUP: usize = 512;
/// Batches that may wait to be written.
const WAITING: usize = 100_000;
/// Facts between two checkpoints: some thousands of pages.
const CHECKPOINT: usize = 20_000;

/// The writing thread and its queue.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    news: Condvar,
    durable: Durable,
}

#[derive(Default)]
struct Queue {
    batches: Vec<Vec<Fact>>,
    last: u64,
    closing: bool,
    #[cfg(test)]
    pages: Option<i64>,
}

impl Writer {
    /// Starts the thread, and another one that checkpoints on a connection of its own.
    pub(super) fn start(connection: Connection, second: Connection, epoch: i64) -> Self {
        let shared =
            Arc::new(Shared { queue: Mutex::default(), news: Condvar::new(), durable: Durable::default() });
        let (tell, told) = sync_channel(1);
        std::thread::spawn(move || checkpoint(&second, &told));
        let here = Arc::clone(&shared);
        let thread = std::thread::spawn(move || here.write(&connection, epoch, &tell));
        Self { shared, thread: Some(thread) }
    }

    /// Queues a batch.
    pub(super) fn append(&self, facts: Vec<Fact>) -> Result<Lsn, Error> {
        if let Some(broken) = self.shared.durable.broken() {
            return Err(broken.into());
        }
        let mut queue = self.shared.lock();
        let waiting = queue.batches.len();
        if waiting >= WAITING {
            return Err(Error::Full { waiting });
        }
        queue.last += 1;
        queue.batches.push(facts);
        let lsn = Lsn(queue.last);
        drop(queue);
        self.shared.news.notify_one();
        Ok(lsn)
    }

    pub(super) fn durable(&self) -> &Durable {
        &self.shared.durable
    }

    #[cfg(test)]
    pub(super) fn limit(&self, pages: i64) {
        self.shared.lock().pages = Some(pages);
    }
}

impl Drop for Writer {
    /// What is queued is still written.
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.news.notify_one();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next group and the number of its last batch; none when all is written and nobody will ask again.
    fn gather(&self) -> Option<(Vec<Vec<Fact>>, Lsn)> {
        let mut queue = self.lock();
        while queue.batches.is_empty() {
            if queue.closing {
                return None;
            }
            queue = self.news.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let rest = if queue.batches.len() > GROUP { queue.batches.split_off(GROUP) } else { Vec::new() };
        let group = std::mem::replace(&mut queue.batches, rest);
        let last = queue.last - queue.batches.len() as u64;
        Some((group, Lsn(last)))
    }

    fn write(&self, connection: &Connection, epoch: i64, checkpoint: &SyncSender<()>) {
        let mut since = 0;
        let mut places = Places::new();
        while let Some((group, last)) = self.gather() {
            let group: Vec<Fact> = group.into_iter().flatten().collect();
            #[cfg(test)]
            if let Some(pages) = self.lock().pages {
                drop(connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())));
            }
            since += group.len();
            // A sync that failed cannot be tried again: the system may have dropped the pages. So the first error is the last.
            if let Err(error) = commit(connection, epoch, &group, &mut places) {
                self.durable.break_with(error.to_string());
                return;
            }
            self.durable.publish(last);
            if since >= CHECKPOINT && checkpoint.try_send(()).is_ok() {
                since = 0;
            }
        }
        drop(connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)"));
    }
}

fn commit(connection: &Connection, epoch: i64, facts: &[Fact], places: &mut Places) -> Result<(), Error> {
    connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([])).map_err(written)?;
    let applied = fence(connection, epoch).and_then(|()| Group::of(facts).apply(connection, places));
    if applied.is_err() {
        drop(connection.execute_batch("ROLLBACK"));
        return applied;
    }
    connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])).map(drop).map_err(written)
}

/// Another engine that took the folder over has a newer epoch.
fn fence(connection: &Connection, epoch: i64) -> Result<(), Error> {
    let now: i64 = connection
        .prepare_cached("SELECT v FROM meta WHERE k = 'epoch'")
        .and_then(|mut ask| ask.query_row([], |row| row.get(0)))
        .map_err(written)?;
    if now == epoch { Ok(()) } else { Err(Error::Broken("another flowrun took the journal over".into())) }
}

fn checkpoint(connection: &Connection, told: &Receiver<()>) {
    while told.recv().is_ok() {
        drop(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())));
    }
}
