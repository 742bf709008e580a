//! The durable mark: one number that only grows, for all who wait. In: what the writer has on disk. Out: a wait, for threads
//! and for wakers. It must never know what was written.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
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
    is_short: AtomicBool,
    waits: Mutex<Waits>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Waits {
    broken: Option<Broken>,
    short: Option<Arc<str>>,
    next: u64,
    wakers: BTreeMap<(u64, u64), Waker>,
    /// Those who wait for room, or for its end.
    rooms: Vec<Waker>,
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
            waits.all()
        };
        self.moved.notify_all();
        ready.into_iter().for_each(Waker::wake);
    }

    /// There is no room for what comes next: it becomes durable when there is, or never. Everybody is woken to hear it.
    pub fn run_short(&self, reason: impl Into<Arc<str>>) {
        self.change(Some(reason.into()));
    }

    /// There is room again.
    pub fn has_room(&self) {
        self.change(None);
    }

    fn change(&self, short: Option<Arc<str>>) {
        let ready = {
            let mut waits = self.waits();
            self.is_short.store(short.is_some(), Ordering::Release);
            waits.short = short;
            waits.all()
        };
        ready.into_iter().for_each(Waker::wake);
    }

    /// Why there is no room, if there is none.
    pub fn short(&self) -> Option<Arc<str>> {
        if !self.is_short.load(Ordering::Acquire) {
            return None;
        }
        self.waits().short.clone()
    }

    /// For a future: ready when there is room, or when nothing more is ever written.
    pub fn poll_room(&self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if !self.is_short.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        let mut waits = self.waits();
        match (&waits.broken, &waits.short) {
            (Some(broken), _) => Poll::Ready(Err(broken.clone())),
            (None, None) => Poll::Ready(Ok(())),
            (None, Some(_)) => {
                waits.come_back(context);
                Poll::Pending
            }
        }
    }

    /// For a future: ready, with the reason, when there is no room.
    pub fn poll_short(&self, context: &mut Context<'_>) -> Poll<Arc<str>> {
        let mut waits = self.waits();
        if let Some(reason) = &waits.short {
            return Poll::Ready(Arc::clone(reason));
        }
        waits.come_back(context);
        Poll::Pending
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

impl Waits {
    fn all(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.wakers).into_values().chain(std::mem::take(&mut self.rooms)).collect()
    }

    fn come_back(&mut self, context: &Context<'_>) {
        if !self.rooms.iter().any(|waker| waker.will_wake(context.waker())) {
            self.rooms.push(context.waker().clone());
        }
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
    fn who_waits_hears_that_there_is_no_room_and_that_there_is() {
        let durable = Durable::default();
        let counted = Arc::new(Counted::default());
        let waker = Waker::from(Arc::clone(&counted));
        let mut context = Context::from_waker(&waker);
        assert_eq!(durable.poll_room(&mut context), Poll::Ready(Ok(())));
        assert!(
            durable.poll_short(&mut context).is_pending() && durable.poll(Lsn(1), &mut context).is_pending()
        );
        durable.run_short("no room");
        assert_eq!(counted.0.load(Ordering::SeqCst), 2);
        assert_eq!(durable.poll_short(&mut context), Poll::Ready("no room".into()));
        assert!(
            durable.poll_room(&mut context).is_pending() && durable.poll(Lsn(1), &mut context).is_pending()
        );
        durable.has_room();
        assert_eq!(counted.0.load(Ordering::SeqCst), 4);
        assert_eq!((durable.poll_room(&mut context), durable.short()), (Poll::Ready(Ok(())), None));
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
