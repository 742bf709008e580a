//! One connection on the wire. In: calls of an operation. Out: what came back for each, with what its headers told of the
//! account's limits. Reads follow redirects on their own origin; writes follow none.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client,
    header::{DATE, HeaderMap, HeaderValue},
};

use super::{
    Error, Secrets,
    auth::Way,
    client::{self, Incoming, Lost, Outgoing},
    door::Door,
    now,
};
use crate::{
    connector::{
        Connection,
        address::is_private,
        exec::{Call, Reply, Target},
    },
    event::{Class, Instant, Sent},
    limit::Header,
    secret::Redactor,
    time::{self, TimeZone},
    value::Value,
};

/// Redirects that a read follows.
const REDIRECTS: usize = 3;

/// What opens a connection.
#[derive(Default)]
pub struct Access {
    /// Its secrets by name.
    pub secrets: Secrets,
    /// A certificate authority to trust besides the system's, PEM.
    pub root: Option<Vec<u8>>,
}

/// A page of a poll.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its rows.
    pub rows: Arc<Vec<Value>>,
    /// Rows that are not what the record says, as they came, and why.
    pub unread: Vec<(Value, String)>,
    /// The platform's time when it answered.
    pub at: Instant,
}

pub(super) struct Link {
    pub(super) connection: Arc<Connection>,
    pub(super) door: Arc<Door>,
    way: Way,
    redactor: Redactor,
    client: Client,
}

/// What came back for a call, and what it told of limits.
pub(super) struct Came {
    /// The address that was asked in the end: links are relative to it.
    pub(super) url: String,
    pub(super) reply: Reply,
    pub(super) header: Header,
    /// Not before.
    pub(super) after: Option<Duration>,
    /// The platform's clock, as it was written.
    pub(super) date: Option<HeaderValue>,
}

impl Link {
    pub(super) fn new(
        connection: Arc<Connection>,
        access: Access,
        door: Arc<Door>,
        redactor: Redactor,
    ) -> Result<Self, Error> {
        if !connection.allow_private && connection.base.literal().is_some_and(is_private) {
            return Err(Error::Private(Arc::clone(&connection.name)));
        }
        let client =
            client::client(connection.allow_private, access.root.as_deref()).map_err(Error::Client)?;
        let way = Way::new(&connection, access.secrets, redactor.clone())?;
        Ok(Self { connection, door, way, redactor, client })
    }

    /// Sends a call. A refused token is renewed once: a 401 had no effect.
    pub(super) async fn send(&self, call: &Call, timeout: Duration) -> Result<Came, Lost> {
        let mut url = match &call.target {
            Target::Path(path) => self.connection.base.join(path),
            Target::Whole(link) => link.clone(),
        };
        let mut renew = false;
        let mut redirects = 0;
        loop {
            let (incoming, may_be_stale) = self.once(call, &url, timeout, renew).await?;
            if incoming.status == 401 && may_be_stale && !renew {
                renew = true;
                continue;
            }
            if let Some(next) = redirect(&incoming) {
                if call.effect || call.body.is_some() {
                    return Err(Lost::new(
                        Class::Reject,
                        Sent::No,
                        "the platform redirects a write: is the address right?",
                    ));
                }
                redirects += 1;
                if redirects > REDIRECTS {
                    return Err(Lost::new(Class::Reject, Sent::No, "too many redirects"));
                }
                let followed = self.connection.base.follow(next, &url);
                url = followed.map_err(|error| Lost::new(Class::Reject, Sent::No, error.to_string()))?;
                continue;
            }
            let header = self.header(&incoming.headers);
            let after = after(&incoming, header);
            let date = incoming.headers.get(DATE).cloned();
            // Before anybody reads or shortens it: platforms repeat what they were sent.
            let body =
                if incoming.status < 400 { incoming.body } else { self.redactor.clean_value(&incoming.body) };
            let reply = Reply { status: incoming.status, body };
            return Ok(Came { url, reply, header, after, date });
        }
    }

    async fn once(
        &self,
        call: &Call,
        url: &str,
        timeout: Duration,
        renew: bool,
    ) -> Result<(Incoming, bool), Lost> {
        let proof = self.way.prove(&self.connection, &self.client, (call.method, url), renew).await?;
        let mut headers = call.headers.clone();
        let body = call.body.as_ref().map(|body| body.to_json().into_bytes());
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".into(), "application/json".to_owned()));
        }
        headers.extend(proof.headers);
        let out = Outgoing { method: call.method, url: url.to_owned(), headers, body, timeout };
        Ok((client::send(&self.client, out).await?, proof.may_be_stale))
    }

    /// What the headers told of the window.
    fn header(&self, headers: &HeaderMap) -> Header {
        let names = &self.connection.door.headers;
        let number = |what: &str| -> Option<u64> { whole(headers.get(&**names.get(what)?)?.to_str().ok()?) };
        let reset = number("reset_ms")
            .map(Duration::from_millis)
            .or_else(|| number("reset_s").map(Duration::from_secs));
        let small = |what| number(what).and_then(|number| u32::try_from(number).ok());
        Header { quota: small("quota"), left: small("left"), reset }
    }
}

/// The number that a header's value begins with: some carry a unit.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn redirect(incoming: &Incoming) -> Option<&str> {
    if !matches!(incoming.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    incoming.headers.get("location")?.to_str().ok()
}

/// How long the platform asks us to wait: the longest of what it says.
fn after(incoming: &Incoming, header: Header) -> Option<Duration> {
    if incoming.status < 400 {
        return None;
    }
    let told = ["retry-after", "x-retry-after"].into_iter().filter_map(|name| {
        let text = incoming.headers.get(name)?.to_str().ok()?.trim();
        text.parse().ok().map(Duration::from_secs).or_else(|| {
            let at = time::read(text, &TimeZone::UTC).ok()?.timestamp().as_millisecond();
            Some(Instant(u64::try_from(at).ok()?).since(now()))
        })
    });
    told.chain(header.reset.filter(|_| incoming.status == 429)).max()
}

/// What a `Date` header says.
pub(super) fn instant(date: &HeaderValue) -> Option<Instant> {
    let at = time::read(date.to_str().ok()?, &TimeZone::UTC).ok()?.timestamp().as_millisecond();
    u64::try_from(at).ok().map(Instant)
}
