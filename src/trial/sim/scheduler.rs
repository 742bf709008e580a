//! One thread, one seed: which ready task goes next is chosen by the seed, time is a number that jumps to the next timer. In:
//! tasks. Out: nothing but order. It must never use a real clock or a real thread.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use crate::{
    engine::{Spawn, Waiting},
    event::Instant,
};

/// A virtual clock and its tasks. Cheap to clone.
#[derive(Clone, Default)]
pub struct Scheduler(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    tasks: BTreeMap<u64, Option<Waiting<'static, ()>>>,
    ready: Vec<u64>,
    next: u64,
    timers: BTreeMap<(Instant, u64), Waker>,
    now: Instant,
    dice: u64,
    polls: u64,
}

struct TaskWaker {
    task: u64,
    of: Scheduler,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut held = self.of.held();
        if !held.ready.contains(&self.task) {
            held.ready.push(self.task);
        }
    }
}

impl Scheduler {
    /// A clock that stands at an instant, and a seed.
    pub fn new(now: Instant, seed: u64) -> Self {
        let held = Held { now, dice: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, ..Held::default() };
        Self(Arc::new(Mutex::new(held)))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock.
    pub fn now(&self) -> Instant {
        self.held().now
    }

    /// The next random number of the seed.
    pub fn random(&self) -> u64 {
        let mut held = self.held();
        held.dice ^= held.dice << 13;
        held.dice ^= held.dice >> 7;
        held.dice ^= held.dice << 17;
        held.dice
    }

    /// Adds a task.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut held = self.held();
        let task = held.next;
        held.next += 1;
        held.tasks.insert(task, Some(Box::pin(work)));
        held.ready.push(task);
    }

    /// How an engine starts its tasks here.
    pub fn spawner(&self) -> Spawn {
        let scheduler = self.clone();
        Arc::new(move |work| scheduler.spawn(work))
    }

    /// Waits until the clock is there.
    pub fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep { of: self.clone(), at, place: None }
    }

    /// Polls one ready task, chosen by the seed. False: none is ready.
    pub fn step(&self) -> bool {
        let dice = self.random();
        let (task, mut work) = {
            let mut held = self.held();
            if held.ready.is_empty() {
                return false;
            }
            let at = (dice % held.ready.len() as u64) as usize;
            let task = held.ready.swap_remove(at);
            held.polls += 1;
            let Some(work) = held.tasks.get_mut(&task).and_then(Option::take) else { return true };
            (task, work)
        };
        let waker = Waker::from(Arc::new(TaskWaker { task, of: self.clone() }));
        let done = work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut held = self.held();
        if done {
            held.tasks.remove(&task);
        } else if let Some(slot) = held.tasks.get_mut(&task) {
            *slot = Some(work);
        }
        drop(held);
        true
    }

    /// Jumps to the next timer, unless it is later than `limit`. False: there is none.
    pub fn jump(&self, limit: Instant) -> bool {
        let waker = {
            let mut held = self.held();
            let Some((&(at, place), _)) = held.timers.first_key_value() else { return false };
            if at > limit {
                return false;
            }
            held.now = held.now.max(at);
            held.timers.remove(&(at, place))
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Kills every task and every timer: a crash. The clock goes on.
    pub fn kill(&self) {
        let (tasks, timers) = {
            let mut held = self.held();
            held.ready.clear();
            (std::mem::take(&mut held.tasks), std::mem::take(&mut held.timers))
        };
        // Dropped outside the lock: dropping a task may wake others.
        drop(tasks);
        drop(timers);
        self.held().ready.clear();
    }
}

/// A wait for an instant.
pub struct Sleep {
    of: Scheduler,
    at: Instant,
    place: Option<u64>,
}

impl Future for Sleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let scheduler = self.of.clone();
        let mut held = scheduler.held();
        if held.now >= self.at {
            return Poll::Ready(());
        }
        let place = *self.place.get_or_insert_with(|| {
            held.next += 1;
            held.next
        });
        held.timers.insert((self.at, place), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.of.held().timers.remove(&(self.at, place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64) -> Vec<u32> {
        let scheduler = Scheduler::new(Instant(0), seed);
        let seen = Arc::new(Mutex::new(Vec::new()));
        for number in 0..6u32 {
            let (seen, clock) = (Arc::clone(&seen), scheduler.clone());
            scheduler.spawn(async move {
                clock.sleep_until(Instant(u64::from(number / 3) * 10)).await;
                seen.lock().unwrap().push(number);
            });
        }
        while scheduler.step() || scheduler.jump(Instant(100)) {}
        assert_eq!(scheduler.now(), Instant(10));

        seen.lock().unwrap().clone()
    }

    #[test]
    fn a_seed_gives_one_order_and_seeds_give_many() {
        assert_eq!(order(1), order(1));
        let all: std::collections::BTreeSet<_> = (1..40).map(order).collect();
        assert!(all.len() > 5, "{}", all.len());
        assert!(all.iter().all(|order| order[..3].iter().all(|number| *number < 3)), "timers come in order");
    }
}
