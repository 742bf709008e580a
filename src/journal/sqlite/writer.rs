//! Group commit: one thread takes all that is queued, applies it in one transaction, syncs, and moves the mark. The sync of
//! one group is the time in which the next one gathers. A full disk is waited for: the same group is tried again until there is
//! room.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

use super::{
    apply::{Group, Places},
    ballast::Ballast,
    place::Place,
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
/// As many pages as `SQLite` can count.
const MOST_PAGES: i64 = 0xffff_fffe;
/// How often a full disk is tried again.
const AGAIN: Duration = Duration::from_millis(500);
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
    ballast: Mutex<Ballast>,
    file: String,
}

#[derive(Default)]
struct Queue {
    batches: Vec<Vec<Fact>>,
    last: u64,
    /// Whether the writer waits for news.
    idle: bool,
    closing: bool,
}

impl Writer {
    /// Starts the thread, and another one that checkpoints on a connection of its own.
    pub(super) fn start(connection: Connection, second: Connection, epoch: i64, place: &Place) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            news: Condvar::new(),
            durable: Durable::default(),
            ballast: Mutex::new(Ballast::new(place.ballast())),
            file: place.name(),
        });
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
        let (lsn, idle) = (Lsn(queue.last), std::mem::take(&mut queue.idle));
        drop(queue);
        // Waking is a system call, and while the writer writes it needs none.
        if idle {
            self.shared.news.notify_one();
        }
        Ok(lsn)
    }

    pub(super) fn durable(&self) -> &Durable {
        &self.shared.durable
    }

    /// Keeps so many bytes of the disk from now on.
    pub(super) fn reserve(&self, bytes: u64) {
        let here = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            let mut ballast = here.ballast();
            ballast.set(bytes);
            if let Err(error) = ballast.fill() {
                tracing::warn!(%error, "no part of the disk could be kept for the day it is full");
            }
        });
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

    fn ballast(&self) -> MutexGuard<'_, Ballast> {
        self.ballast.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits a group. While the disk is full that is tried again, at first with the room that was kept for it, until it works or
    /// nobody wants it any more.
    fn commit(
        &self,
        connection: &Connection,
        epoch: i64,
        group: &[Fact],
        places: &mut Places,
    ) -> Result<(), Error> {
        loop {
            match commit(connection, epoch, group, places) {
                Err(Error::NoRoom(told)) => {
                    let told: Arc<str> = format!("{}: {told}", self.file).into();
                    self.durable.run_short(Arc::clone(&told));
                    if !self.ballast().let_go() && self.closes_within(AGAIN) {
                        return Err(Error::NoRoom(told));
                    }
                }
                done => return done,
            }
        }
    }

    /// There is room again only when the kept part is whole.
    fn make_room(&self) {
        if self.durable.short().is_some() && self.ballast().fill().is_ok() {
            self.durable.has_room();
        }
    }

    /// Waits; true: the journal is closing.
    fn closes_within(&self, wait: Duration) -> bool {
        let queue = self.lock();
        let waited = self.news.wait_timeout_while(queue, wait, |queue| !queue.closing);
        waited.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    /// The next group and the number of its last batch; none when all is written and nobody will ask again.
    fn gather(&self) -> Option<(Vec<Vec<Fact>>, Lsn)> {
        let mut queue = self.lock();
        while queue.batches.is_empty() {
            if queue.closing {
                return None;
            }
            queue.idle = true;
            if self.durable.short().is_some() {
                let (waited, _) =
                    self.news.wait_timeout(queue, AGAIN).unwrap_or_else(PoisonError::into_inner);
                drop(waited);
                self.make_room();
                queue = self.lock();
            } else {
                queue = self.news.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
        queue.idle = false;
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
            since += group.len();
            // A sync that failed cannot be tried again: the system may have dropped the pages. So the first error is the last, but
            // for a full disk: then nothing of the group was committed.
            if let Err(error) = self.commit(connection, epoch, &group, &mut places) {
                self.durable.break_with(error.to_string());
                return;
            }
            self.durable.publish(last);
            self.make_room();
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
    let done = applied.and_then(|()| {
        connection
            .prepare_cached("COMMIT")
            .and_then(|mut commit| commit.execute([]))
            .map(drop)
            .map_err(written)
    });
    if done.is_err() && !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
    done
}

/// Another engine that took the folder over has a newer epoch. The file grows no further than `pages` says, if anybody bounded it.
fn fence(connection: &Connection, epoch: i64) -> Result<(), Error> {
    let mut ask = connection
        .prepare_cached("SELECT v, (SELECT v FROM meta WHERE k = 'pages') FROM meta WHERE k = 'epoch'")
        .map_err(written)?;
    let (now, pages): (i64, Option<i64>) =
        ask.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(written)?;
    if now != epoch {
        return Err(Error::Broken("another flowrun took the journal over".into()));
    }
    let Some(pages) = pages else { return Ok(()) };
    let pages = if pages > 0 { pages } else { MOST_PAGES };
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(written)
}

fn checkpoint(connection: &Connection, told: &Receiver<()>) {
    while told.recv().is_ok() {
        drop(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())));
    }
}
