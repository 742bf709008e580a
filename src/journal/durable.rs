//! The durable mark: one number that only grows, for all who wait. In: what the writer has on disk. Out: a wait, for threads
//! and for wakers. It must never know what was written.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// The number of an append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

/// The journal cannot be written any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct Broken(pub Arc<str>);

/// How far appends are durable.
#[derive(Debug, Default)]
pub struct Durable {
    mark: AtomicU64,
    waits: Mutex<Waits>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Waits {
    broken: Option<Broken>,
    next: u64,
    wakers: BTreeMap<(u64, u64), Waker>,
}

impl Durable {
    /// The mark.
    pub fn mark(&self) -> Lsn {
        Lsn(self.mark.load(Ordering::Acquire))
    }

    /// Everything up to here is on disk.
    pub fn publish(&self, lsn: Lsn) {
        self.mark.fetch_max(lsn.0, Ordering::AcqRel);
        let ready = {
            let mut waits = self.waits();
            let later = waits.wakers.split_off(&(lsn.0 + 1, 0));
            std::mem::replace(&mut waits.wakers, later)
        };
        self.moved.notify_all();
        ready.into_values().for_each(Waker::wake);
    }

    /// Nothing more will ever be durable.
    pub fn break_with(&self, reason: impl Into<Arc<str>>) {
        let ready = {
            let mut waits = self.waits();
            waits.broken.get_or_insert(Broken(reason.into()));
            std::mem::take(&mut waits.wakers)
        };
        self.moved.notify_all();
        ready.into_values().for_each(Waker::wake);
    }

    /// Why nothing more will be durable, if so.
    pub fn broken(&self) -> Option<Broken> {
        self.waits().broken.clone()
    }

    /// For a future: ready when the append is durable, or never will be.
    pub fn poll(&self, lsn: Lsn, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.mark() >= lsn {
            return Poll::Ready(Ok(()));
        }
        let mut waits = self.waits();
        if self.mark() >= lsn {
            return Poll::Ready(Ok(()));
        }
        if let Some(broken) = &waits.broken {
            return Poll::Ready(Err(broken.clone()));
        }
        waits.next += 1;
        let place = (lsn.0, waits.next);
        waits.wakers.insert(place, context.waker().clone());
        Poll::Pending
    }

    /// For a thread: waits until the append is durable.
    pub fn wait(&self, lsn: Lsn) -> Result<(), Broken> {
        let mut waits = self.waits();
        while self.mark() < lsn {
            if let Some(broken) = &waits.broken {
                return Err(broken.clone());
            }
            waits = self.moved.wait(waits).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);
    impl std::task::Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn who_waits_is_woken_once_the_mark_is_there_and_not_before() {
        let durable = Durable::default();
        let counted = Arc::new(Counted::default());
        let waker = Waker::from(Arc::clone(&counted));
        let mut context = Context::from_waker(&waker);
        assert!(durable.poll(Lsn(2), &mut context).is_pending());
        durable.publish(Lsn(1));
        assert_eq!(counted.0.load(Ordering::SeqCst), 0);
        durable.publish(Lsn(2));
        assert_eq!(counted.0.load(Ordering::SeqCst), 1);
        assert_eq!(durable.poll(Lsn(2), &mut context), Poll::Ready(Ok(())));
        assert_eq!(durable.wait(Lsn(1)), Ok(()));
    }

    #[test]
    fn a_broken_journal_wakes_all_and_keeps_what_was_durable() {
        let durable = Durable::default();
        let counted = Arc::new(Counted::default());
        let waker = Waker::from(Arc::clone(&counted));
        let mut context = Context::from_waker(&waker);
        durable.publish(Lsn(1));
        assert!(durable.poll(Lsn(9), &mut context).is_pending());
        durable.break_with("disk full");
        assert_eq!(counted.0.load(Ordering::SeqCst), 1);
        assert_eq!(durable.poll(Lsn(1), &mut context), Poll::Ready(Ok(())));
        assert_eq!(durable.wait(Lsn(9)), Err(Broken("disk full".into())));
    }
}
