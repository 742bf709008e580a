//! The world of a simulated process. In: requests. Out: what the platform makes of them, with the faults of the case. It must
//! never outlive the process: the platform does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    oracle::Witness,
    platform::{Outcome, Platform},
    probe::{Point, Probe},
    scheduler::Scheduler,
};
use crate::{
    engine::{Permit, Waiting, World, machine::Command},
    event::{Answer, Class, Failure, Instant, Request, Sent},
};

/// One life's world.
pub(super) struct SimWorld {
    pub(super) clock: Scheduler,
    pub(super) platform: Platform,
    pub(super) probe: Probe,
    pub(super) witness: Witness,
    /// How the n-th request of the whole case is taken (from 1).
    pub(super) faults: BTreeMap<u32, Outcome>,
    pub(super) sent: Arc<AtomicU32>,
    /// Requests go one at a time if so, so that some queue for their permit.
    pub(super) narrow: bool,
    pub(super) slots: Arc<AtomicU32>,
}

struct Slot(Arc<AtomicU32>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl SimWorld {
    async fn a_while(&self) {
        let ms = 2 + self.clock.random() % 9;
        self.clock.sleep_until(self.clock.now() + Duration::from_millis(ms)).await;
    }

    async fn take(&self, request: &Request) -> Result<Answer, Failure> {
        let ticket = self.platform.arrive(request);
        if !self.probe.pass(Point::Arrive) {
            return never().await;
        }
        let number = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
        let outcome = self.faults.get(&number).copied().unwrap_or(Outcome::Well);
        self.a_while().await;
        if self.probe.is_dead() {
            return never().await;
        }
        let lost = || Err(Failure::new(Class::Retry, Sent::Maybe, "the connection broke"));
        let down = || Err(Failure::new(Class::Outage, Sent::Maybe, "found status 500"));
        let perform = || {
            let got = self.platform.perform(request, self.clock.now());
            self.platform.leave(ticket);
            self.probe.pass(Point::Commit);
            got
        };
        match outcome {
            Outcome::Well => perform(),
            Outcome::LostAfter => {
                drop(perform());
                lost()
            }
            Outcome::DownAfter => {
                drop(perform());
                down()
            }
            Outcome::Late => {
                self.platform.later(self.clock.now(), request);
                self.platform.leave(ticket);
                lost()
            }
            other => {
                self.platform.leave(ticket);
                match other {
                    Outcome::TooMany => Err(Failure {
                        after: Some(Duration::from_secs(2)),
                        ..Failure::new(Class::Throttle, Sent::No, "found status 429")
                    }),
                    Outcome::Refused => Err(Failure::new(Class::Reject, Sent::No, "found status 422")),
                    Outcome::Down => down(),
                    _ => lost(),
                }
            }
        }
    }
}

async fn never() -> Result<Answer, Failure> {
    std::future::pending().await
}

impl World for SimWorld {
    fn permit<'a>(&'a self, request: &'a Request) -> Waiting<'a, Permit> {
        Box::pin(async move {
            loop {
                self.a_while().await;
                if !self.narrow || self.slots.load(Ordering::SeqCst) == 0 {
                    break;
                }
            }
            self.slots.fetch_add(1, Ordering::SeqCst);
            let slot = Slot(Arc::clone(&self.slots));
            self.witness.permitted(request);
            self.probe.pass(Point::Permit);
            Permit::new(slot)
        })
    }

    fn send<'a>(&'a self, request: &'a Request, permit: Permit) -> Waiting<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            if self.probe.is_dead() {
                return never().await;
            }
            self.witness.sent(request);
            let got = self.take(request).await;
            self.a_while().await;
            drop(permit);
            if !self.probe.pass(Point::Answer) {
                return never().await;
            }
            got
        })
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep_until(&self, at: Instant) -> Waiting<'_, ()> {
        Box::pin(self.clock.sleep_until(at))
    }

    fn random(&self) -> u64 {
        self.clock.random()
    }

    fn hears(&self, command: &Command) {
        self.probe.performs(command);
    }
}
