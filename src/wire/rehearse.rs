//! A rehearsal: the world in which reads are real and writes are only told of. In: requests of the engine. Out: answers of
//! the platforms to reads, suppositions for writes, and what would have been written.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Wire;
use crate::{
    connector::exec::Would,
    engine::{Permit, Waiting, World},
    event::{Answer, Failure, Instant, Request},
};

/// A world that writes nothing.
pub struct Rehearsal {
    wire: Arc<Wire>,
    would: Mutex<Vec<Would>>,
}

impl Rehearsal {
    /// A rehearsal over these connections.
    pub fn new(wire: Arc<Wire>) -> Self {
        Self { wire, would: Mutex::default() }
    }

    /// What would have been written since the last time, in order.
    pub fn take(&self) -> Vec<Would> {
        mem::take(&mut self.told())
    }

    fn told(&self) -> MutexGuard<'_, Vec<Would>> {
        self.would.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World for Rehearsal {
    fn permit<'a>(&'a self, request: &'a Request) -> Waiting<'a, Permit> {
        self.wire.permit(request)
    }

    fn send<'a>(&'a self, request: &'a Request, permit: Permit) -> Waiting<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let would = Mutex::default();
            let answer = self.wire.rehearse(request, permit.into_inside(), &would).await;
            self.told().extend(would.into_inner().unwrap_or_else(PoisonError::into_inner));
            answer
        })
    }

    fn now(&self) -> Instant {
        self.wire.now()
    }

    fn sleep_until(&self, at: Instant) -> Waiting<'_, ()> {
        self.wire.sleep_until(at)
    }

    fn random(&self) -> u64 {
        self.wire.random()
    }

    fn held(&self, connection: &str) -> bool {
        self.wire.is_held(connection)
    }
}
