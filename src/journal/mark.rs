//! How far facts are durable. In: the store's word. Out: a number to compare with, a way to be woken, a way to block. It
//! must never know a runtime: any can wait on it through a waker.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use super::Error;

/// The number of an appended batch, from 1.
pub type Lsn = u64;

/// How a batch stands.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It survives a crash.
    Durable,
    /// The store broke before it was durable: nothing more may be sent.
    Broken(Error),
}

/// The durable mark of one store.
#[derive(Debug, Default)]
pub struct Mark {
    durable: AtomicU64,
    waiting: Mutex<Waiting>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    broken: Option<Error>,
    wakers: Vec<(Lsn, Waker)>,
}

impl Mark {
    /// The highest durable batch.
    pub fn durable(&self) -> Lsn {
        self.durable.load(Ordering::Acquire)
    }

    /// Whether the store broke.
    pub fn broken(&self) -> Option<Error> {
        self.lock().broken.clone()
    }

    /// How the batch stands, or registers to be woken when it is known.
    pub fn poll(&self, lsn: Lsn, context: &mut Context<'_>) -> Poll<Standing> {
        if self.durable() >= lsn {
            return Poll::Ready(Standing::Durable);
        }
        let mut waiting = self.lock();
        if self.durable() >= lsn {
            return Poll::Ready(Standing::Durable);
        }
        if let Some(error) = &waiting.broken {
            return Poll::Ready(Standing::Broken(error.clone()));
        }
        waiting.wakers.push((lsn, context.waker().clone()));
        Poll::Pending
    }

    /// Blocks this thread until it is known how the batch stands.
    pub fn wait(&self, lsn: Lsn) -> Standing {
        let mut waiting = self.lock();
        loop {
            if self.durable() >= lsn {
                return Standing::Durable;
            }
            if let Some(error) = &waiting.broken {
                return Standing::Broken(error.clone());
            }
            waiting = self.moved.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The store's word: everything up to here is durable.
    pub fn advance(&self, to: Lsn) {
        let mut waiting = self.lock();
        self.durable.fetch_max(to, Ordering::AcqRel);
        let (ready, still) = std::mem::take(&mut waiting.wakers).into_iter().partition(|(lsn, _)| *lsn <= to);
        waiting.wakers = still;
        drop(waiting);
        wake(ready);
        self.moved.notify_all();
    }

    /// The store's word: it goes on no more.
    pub fn break_off(&self, error: Error) {
        let mut waiting = self.lock();
        waiting.broken.get_or_insert(error);
        let all = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        wake(all);
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(wakers: Vec<(Lsn, Waker)>) {
    wakers.into_iter().for_each(|(_, waker)| waker.wake());
}
