//! The world over HTTP. In: requests of the engine. Out: answers and failures, each request sent at most once, within the
//! limits of its account, signed, to where the estate says and nowhere else. It must never retry, and never know a run.

mod auth;
mod client;
mod door;
mod link;
mod personal;
mod rehearse;
mod send;
mod world;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use self::{
    client::prepare,
    door::Pass,
    link::{Access, Page},
    rehearse::Rehearsal,
};
use self::{door::Door, link::Link, send::Sending};
use crate::{
    connector::{Connection, address, exec::Would},
    event::{Answer, Class, Failure, Instant, Priority, Request, Sent},
    limit,
    secret::{Redactor, Secret},
    sign,
    value::Value,
};

/// Why a connection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A secret that its way in wants is not there.
    #[error("the connection `{0}` needs the secret `{1}`")]
    NoSecret(Arc<str>, &'static str),
    /// A key cannot be used.
    #[error("the connection `{0}`: {1}")]
    Key(Arc<str>, sign::Error),
    /// The address is private and the estate does not allow that.
    #[error(
        "the connection `{0}` leads to a private address: say `allow_private: true` if that is meant (a sandbox)"
    )]
    Private(Arc<str>),
    /// The address makes no sense.
    #[error(transparent)]
    Address(#[from] address::Error),
    /// HTTP itself cannot be set up.
    #[error("HTTP cannot be set up: {0}")]
    Client(String),
}

/// All connections of an estate.
#[derive(Default)]
pub struct Wire {
    links: BTreeMap<Arc<str>, Arc<Link>>,
    doors: BTreeMap<Arc<str>, Arc<Door>>,
    redactor: Redactor,
    dice: Dice,
}

/// Chance for jitter: seeded by the system once, since asking it each time is a system call.
#[derive(Default)]
struct Dice {
    seed: OnceLock<u64>,
    thrown: AtomicU64,
}

impl Dice {
    fn throw(&self) -> u64 {
        // A seed from the clock is better than none.
        let seed = *self.seed.get_or_init(|| sign::random().unwrap_or_else(|_| now().0));
        let thrown = self.thrown.fetch_add(1, Ordering::Relaxed);
        // SplitMix64 (Steele, Lea, Flood 2014): a counter whose bits are mixed.
        let mut bits = seed.wrapping_add(thrown.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

impl Wire {
    /// No connections yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a connection. Connections of one account share its limits; the first one's count.
    pub fn add(&mut self, connection: Arc<Connection>, access: Access) -> Result<(), Error> {
        for secret in access.secrets.values() {
            self.redactor.learn(secret);
        }
        let limits = &connection.door;
        let limits =
            limit::Limits { window: limits.window, slots: limits.slots, groups: limits.groups.clone() };
        let (name, account) = (Arc::clone(&connection.name), Arc::clone(&connection.account));
        let door =
            self.doors.entry(Arc::clone(&account)).or_insert_with(|| Arc::new(Door::new(account, &limits)));
        let door = Arc::clone(door);
        let link = Link::new(connection, access, door, self.redactor.clone())?;
        self.links.insert(name, Arc::new(link));
        Ok(())
    }

    /// What takes secrets out of texts.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// A connection by its name in the estate.
    pub fn connection(&self, name: &str) -> Option<&Arc<Connection>> {
        self.links.get(name).map(|link| &link.connection)
    }

    /// Waits until the limits of the request's account allow its first call. Dropped unused, it is given back.
    pub async fn enter(&self, request: &Request) -> Option<Pass> {
        let link = self.links.get(&request.connection)?;
        let group = link.connection.operation(&request.operation)?.group.clone();
        Some(
            link.door
                .enter(limit::Ask {
                    class: request.priority,
                    tenant: Arc::clone(&request.flow),
                    cost: 1,
                    group,
                    tag: None,
                })
                .await,
        )
    }

    /// Sends a request.
    pub async fn ask(&self, request: &Request, pass: Option<Pass>) -> Result<Answer, Failure> {
        self.carry_out(request, pass, None).await
    }

    /// Sends what only reads; a call that could change something is put into `would` and its answer supposed.
    pub(crate) async fn rehearse(
        &self,
        request: &Request,
        pass: Option<Pass>,
        would: &Mutex<Vec<Would>>,
    ) -> Result<Answer, Failure> {
        self.carry_out(request, pass, Some(would)).await
    }

    async fn carry_out(
        &self,
        request: &Request,
        pass: Option<Pass>,
        would: Option<&Mutex<Vec<Would>>>,
    ) -> Result<Answer, Failure> {
        let link = self.link(&request.connection)?;
        let sending = Sending {
            operation: Arc::clone(&request.operation),
            tenant: Arc::clone(&request.flow),
            priority: request.priority,
            key: request.key.clone(),
            batch: request.batch,
            cursor: None,
            would,
        };
        let sent = send::all(link, &sending, &request.inputs, pass).await;
        sent.map(|done| done.answer).map_err(|failure| self.clean(failure))
    }

    /// Reads one page of a poll. `cursor`: the operation's `cursor` root.
    pub async fn page(&self, poll: &Polling, with: Value, cursor: Value) -> Result<Page, Failure> {
        let link = self.link(&poll.connection)?;
        let sending = Sending {
            operation: Arc::clone(&poll.operation),
            tenant: Arc::clone(&poll.flow),
            priority: poll.priority,
            key: None,
            batch: false,
            cursor: Some(cursor),
            would: None,
        };
        let done = send::all(link, &sending, &[with], None).await.map_err(|failure| self.clean(failure))?;
        match done.answer {
            Answer::One(Value::List(rows)) => {
                let at = done.date.as_ref().and_then(link::instant).unwrap_or_else(now);
                Ok(Page { rows, unread: done.unread, at })
            }
            _ => Err(Failure::new(
                Class::Reject,
                Sent::No,
                format!("{}.{} gave no list", poll.connection, poll.operation),
            )),
        }
    }

    /// Whether a connection's breaker is open.
    pub fn is_held(&self, connection: &str) -> bool {
        self.links.get(connection).is_some_and(|link| link.door.is_held())
    }

    /// Waits until a connection's breaker is open.
    pub async fn shut(&self, connection: &str) {
        match self.links.get(connection) {
            Some(link) => link.door.shut().await,
            None => std::future::pending().await,
        }
    }

    /// Whether a connection's breaker opened and its platform has not answered well since; for people.
    pub fn is_down(&self, connection: &str) -> bool {
        self.links.get(connection).is_some_and(|link| link.door.is_tripped())
    }

    /// Names of all connections.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.links.keys().cloned().collect()
    }

    fn link(&self, name: &Arc<str>) -> Result<&Arc<Link>, Failure> {
        let none = || Failure::unfit(format!("the estate has no connection `{name}`"));
        self.links.get(name).ok_or_else(none)
    }

    fn clean(&self, mut failure: Failure) -> Failure {
        failure.message = self.redactor.clean(&failure.message).into();
        failure.answer = failure.answer.map(|answer| self.redactor.clean_value(&answer));
        failure
    }
}

/// Who polls what.
#[derive(Clone, Debug)]
pub struct Polling {
    /// The estate's connection.
    pub connection: Arc<str>,
    /// The operation.
    pub operation: Arc<str>,
    /// For which flow.
    pub flow: Arc<str>,
    /// How urgent.
    pub priority: Priority,
}

/// The clock.
pub fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Instant(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The secrets of a connection, by name.
pub type Secrets = BTreeMap<Arc<str>, Secret<String>>;
