//! Waiting at an account's gate. In: asks. Out: passes, in the gate's order. A pass that is dropped is given back; one that was
//! used says how it went.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, oneshot};

use super::now;
use crate::limit::{Ask, Change, Ended, Gate, Header, Limits, Tag, Ticket, Trouble};

/// One account's gate, and who waits at it.
pub(super) struct Door {
    account: Arc<str>,
    inner: Mutex<Inner>,
    shuts: Notify,
}

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
    pub(super) fn new(account: Arc<str>, limits: &Limits) -> Self {
        let inner = Mutex::new(Inner { gate: Gate::new(limits), waiting: HashMap::new() });
        Self { account, inner, shuts: Notify::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Waits until the breaker is open.
    pub(super) async fn shut(&self) {
        loop {
            let mut shuts = pin!(self.shuts.notified());
            shuts.as_mut().enable();
            if self.is_held() {
                return;
            }
            shuts.await;
        }
    }

    /// The one alert of a breaker that opens, and the word that it is over.
    fn tell(&self, change: Change) {
        let account = &*self.account;
        match change {
            Change::Opened(Trouble::Auth) => {
                tracing::error!(account, "the platform does not let us in: runs that need it wait");
            }
            Change::Opened(Trouble::Outage) => {
                tracing::warn!(account, "the platform is down: runs that need it wait");
            }
            Change::Closed => tracing::warn!(account, "the platform is back"),
        }
        self.shuts.notify_waiters();
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
            self.door.tell(change);
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
            self.finish(Ended::Unknown, Header::default(), None);
        } else {
            self.door.inner().gate.withdraw(self.ticket, now());
            self.door.look();
        }
    }
}
