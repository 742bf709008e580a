//! [`World`] over HTTP: the real one. In: requests of the engine. Out: answers; the system's clock; chance from the system.

use super::{Pass, Wire, now};
use crate::{
    engine::{Permit, Waiting, World},
    event::{Answer, Failure, Instant, Request},
};

impl World for Wire {
    fn permit<'a>(&'a self, request: &'a Request) -> Waiting<'a, Permit> {
        // Without a pass there is nobody to ask; sending then says what is missing.
        Box::pin(async { self.enter(request).await.map(Permit::new).unwrap_or_default() })
    }

    fn send<'a>(&'a self, request: &'a Request, permit: Permit) -> Waiting<'a, Result<Answer, Failure>> {
        Box::pin(self.ask(request, permit.into_inside::<Pass>()))
    }

    fn now(&self) -> Instant {
        now()
    }

    fn sleep_until(&self, at: Instant) -> Waiting<'_, ()> {
        Box::pin(tokio::time::sleep(at.since(now())))
    }

    fn random(&self) -> u64 {
        self.dice.throw()
    }

    fn shut<'a>(&'a self, connection: &'a str) -> Waiting<'a, ()> {
        Box::pin(Wire::shut(self, connection))
    }

    fn held(&self, connection: &str) -> bool {
        self.is_held(connection)
    }
}
