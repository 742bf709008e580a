//! The one door to the outside. In: requests. Out: answers, time, chance. It must never know a run.

use std::{any::Any, future::Future, pin::Pin};

use super::machine::Command;
use crate::event::{Answer, Failure, Instant, Request};

/// A future that may cross threads.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The limiter's leave to send one request. The world that gave it knows what is inside; dropped unsent it is refunded.
#[derive(Debug, Default)]
pub struct Permit(Option<Box<dyn Any + Send>>);

impl Permit {
    /// A permit with whatever must come back when it is dropped.
    pub fn new(inside: impl Any + Send) -> Self {
        Self(Some(Box::new(inside)))
    }

    /// What is inside.
    pub fn into_inside<T: 'static>(self) -> Option<T> {
        self.0?.downcast().ok().map(|inside| *inside)
    }
}

/// Everything that is not this program: platforms, time, chance.
pub trait World: Send + Sync {
    /// Waits until the limits of the request's account allow it.
    fn permit<'a>(&'a self, request: &'a Request) -> Waiting<'a, Permit>;
    /// Sends it. Never more than once: every repetition is the machine's.
    fn send<'a>(&'a self, request: &'a Request, permit: Permit) -> Waiting<'a, Result<Answer, Failure>>;
    /// The clock.
    fn now(&self) -> Instant;
    /// Waits until the clock is there.
    fn sleep_until(&self, at: Instant) -> Waiting<'_, ()>;
    /// Chance.
    fn random(&self) -> u64;
    /// Hears what a run is about to do; for worlds that count.
    fn hears(&self, command: &Command) {
        let _ = command;
    }
    /// Waits until a connection's breaker is open: then nobody waits for permits any more.
    fn shut<'a>(&'a self, connection: &'a str) -> Waiting<'a, ()> {
        let _ = connection;
        Box::pin(std::future::pending())
    }
    /// Whether a connection's breaker is open: lanes that need it are held.
    fn held(&self, connection: &str) -> bool {
        let _ = connection;
        false
    }
}
