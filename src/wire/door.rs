//! Waiting at an account's gate. In: asks. Out: passes, in the gate's order. A pass that is dropped is given back; one that was
//! used says how it went.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::now;
use crate::limit::{Ask, Ended, Gate, Header, Limits, Tag, Ticket};

/// One account's gate, and who waits at it.
pub(super) struct Door(Mutex<Inner>);

struct Inner {
    gate: Gate,
    waiting: HashMap<Ticket, oneshot::Sender<Tag>>,
}

/// Leave to send one HTTP request now.
pub struct Pass {
    door: Arc<Door>,
    ticket: Ticket,
    /// Its place in the queue, for requests that go on with it.
    pub(super) tag: Tag,
    sent: bool,
    over: bool,
}

impl Door {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Mutex::new(Inner { gate: Gate::new(limits), waiting: HashMap::new() }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets in whoever may go, and says when to look again.
    fn look(&self) -> Option<Duration> {
        let mut inner = self.inner();
        let at = now();
        loop {
            let grants = inner.gate.grant(at);
            if grants.is_empty() {
                break;
            }
            for grant in grants {
                let told = inner.waiting.remove(&grant.ticket).map(|waiter| waiter.send(grant.tag));
                if !matches!(told, Some(Ok(()))) {
                    inner.gate.withdraw(grant.ticket, at);
                }
            }
        }
        inner.gate.wake(at).map(|wake| wake.since(at))
    }

    /// Waits for a pass. Dropped while waiting, the ask leaves the line.
    pub(super) async fn enter(self: &Arc<Self>, ask: Ask) -> Pass {
        let (teller, mut told) = oneshot::channel();
        let ticket = {
            let mut inner = self.inner();
            let ticket = inner.gate.ask(ask);
            inner.waiting.insert(ticket, teller);
            ticket
        };
        let waits = Waits { door: self, ticket, done: false };
        loop {
            let again = self.look().unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(1));
            tokio::select! {
                biased;
                tag = &mut told => if let Ok(tag) = tag {
                    waits.done();
                    return Pass { door: Arc::clone(self), ticket, tag, sent: false, over: false };
                },
                () = tokio::time::sleep(again) => {}
            }
        }
    }

    pub(super) fn is_tripped(&self) -> bool {
        self.inner().gate.is_tripped()
    }

    pub(super) fn is_held(&self) -> bool {
        self.inner().gate.is_held(now())
    }
}

/// Takes an ask out of line if its future is dropped.
struct Waits<'a> {
    door: &'a Door,
    ticket: Ticket,
    done: bool,
}

impl Waits<'_> {
    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if !self.done {
            let mut inner = self.door.inner();
            inner.waiting.remove(&self.ticket);
            inner.gate.withdraw(self.ticket, now());
        }
    }
}

impl Pass {
    /// From here on the platform may have counted it.
    pub(super) fn sent(&mut self) {
        self.sent = true;
    }

    /// How it went.
    pub(super) fn over(mut self, ended: Ended, header: Header, after: Option<Duration>) {
        self.finish(ended, header, after);
    }

    fn finish(&mut self, ended: Ended, header: Header, after: Option<Duration>) {
        self.over = true;
        let change = self.door.inner().gate.answered(self.ticket, ended, header, after, now());
        if let Some(change) = change {
            tracing::info!(?change, "breaker");
        }
        self.door.look();
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if self.sent {
            self.finish(Ended::Answered, Header::default(), None);
        } else {
            self.door.inner().gate.withdraw(self.ticket, now());
            self.door.look();
        }
    }
}
