//! Webhooks come in. In: HTTP requests to `/hooks/{connection}`. Out: events that are durable before the sender is told so. The
//! sender sees a status and nothing else. It must never trust a header that a proxy could have set, nor tell what a body held.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Ready, ready},
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use axum_server::{Handle, accept::Accept};
use tokio::{net::TcpStream, sync::Semaphore, task::JoinHandle, time::timeout};

use super::{Error, Said, Shared};
use crate::{
    connector::Connection,
    engine,
    event::Instant,
    plan::{Plan, Source, SourceKind},
    trigger::{self, Hook, Secrets},
    wire,
};

/// Longest body.
const LONGEST: usize = 1 << 20;
/// How long a request's head, and then its body, may take.
const SLOWEST: Duration = Duration::from_secs(10);
/// How long an event may take to become durable (decision R5).
const ACCEPT: Duration = Duration::from_secs(5);
/// Connections at one time; more are closed.
const CONNECTIONS: usize = 512;
/// How often refused requests are told of, so that nobody can fill the log.
const QUIET: Duration = Duration::from_mins(1);

/// The listener.
pub(super) struct Listener {
    /// Where it listens.
    pub(super) address: SocketAddr,
    handle: Handle<SocketAddr>,
    server: JoinHandle<io::Result<()>>,
}

impl Listener {
    /// Opens it.
    pub(super) fn open(
        shared: &Arc<Shared>,
        wanted: SocketAddr,
        secrets: BTreeMap<Arc<str>, Secrets>,
    ) -> Result<Self, Error> {
        let failed = |error| Error::Bind(wanted, error);
        let socket = TcpListener::bind(wanted).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let inbox = Arc::new(Inbox { shared: Arc::clone(shared), secrets, refused: Mutex::default() });
        let router = Router::new().route("/hooks/{connection}", post(take)).with_state(inbox);
        let handle = Handle::new();
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        let mut server = axum_server::from_tcp(socket)
            .map_err(failed)?
            .handle(handle.clone())
            .acceptor(Seated(seats))
            .http1_only();
        server.http_builder().http1().header_read_timeout(SLOWEST);
        let server = tokio::spawn(async move { server.serve(router.into_make_service()).await });
        Ok(Self { address, handle, server })
    }

    /// Says what is listened to.
    pub(super) fn tell(&self, shared: &Shared, connection: &Arc<str>, scopes: &BTreeSet<Arc<str>>) {
        let sources = shared.sources().filter(|(.., source)| is_of(source, connection));
        let flows: BTreeSet<_> = sources.map(|(plan, ..)| Arc::clone(&plan.flow)).collect();
        shared.say(Said::Listens {
            url: format!("http://{}/hooks/{connection}", self.address),
            scopes: scopes.iter().cloned().collect(),
            flows: flows.into_iter().collect(),
        });
    }

    /// Closes it; requests under way may finish.
    pub(super) async fn close(self, grace: Duration) {
        self.handle.graceful_shutdown(Some(grace));
        // Whatever ended it, it is closed.
        let _ = self.server.await;
    }
}

/// Lets a connection in if there is a seat; the seat is free again when the connection is gone.
#[derive(Clone)]
struct Seated(Arc<Semaphore>);

impl Accept<TcpStream, Router> for Seated {
    type Stream = TcpStream;
    type Service = Router;
    type Future = Ready<io::Result<(TcpStream, Router)>>;

    fn accept(&self, stream: TcpStream, service: Router) -> Self::Future {
        let Ok(seat) = Arc::clone(&self.0).try_acquire_owned() else {
            return ready(Err(io::ErrorKind::QuotaExceeded.into()));
        };
        let service = Router::new().fallback_service(service).layer(Extension(Arc::new(seat)));
        ready(stream.set_nodelay(true).map(|()| (stream, service)))
    }
}

/// What a request needs.
struct Inbox {
    shared: Arc<Shared>,
    secrets: BTreeMap<Arc<str>, Secrets>,
    refused: Mutex<Refusals>,
}

/// Requests refused since it was last told.
#[derive(Default)]
struct Refusals {
    told: Instant,
    since: u64,
}

async fn take(
    State(inbox): State<Arc<Inbox>>,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let Some(connection) = inbox.connection(&connection) else { return StatusCode::NOT_FOUND };
    let body = match timeout(SLOWEST, to_bytes(body, LONGEST)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return inbox.refuse(
                &connection,
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is longer than 1 MiB, or broke off",
            );
        }
        Err(_) => {
            return inbox.refuse(&connection, StatusCode::REQUEST_TIMEOUT, "the body took longer than 10 s");
        }
    };
    let hook = match inbox.verified(&connection, &headers, &body) {
        Ok(hook) => hook,
        Err(refused) => {
            let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            return inbox.refuse(&connection, status, &refused.to_string());
        }
    };
    match timeout(ACCEPT, inbox.offer(&connection, &hook)).await {
        Ok(status) => status,
        Err(_) => {
            inbox.refuse(&connection, StatusCode::SERVICE_UNAVAILABLE, "the event was not on disk within 5 s")
        }
    }
}

impl Inbox {
    /// The connection, if any flow listens to it.
    fn connection(&self, name: &str) -> Option<Arc<Connection>> {
        let connection = self.shared.wire.connection(name)?;
        self.shared.sources().any(|(.., source)| is_of(source, name)).then(|| Arc::clone(connection))
    }

    fn verified(
        &self,
        connection: &Connection,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Hook, trigger::Refused> {
        let headers: Vec<(&str, &str)> =
            headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let none = Secrets::default();
        let secrets = self.secrets.get(&connection.name).unwrap_or(&none);
        trigger::hook(connection, secrets, &headers, body, wire::now())
    }

    /// Offers the event to every flow that listens to its scope.
    async fn offer(&self, connection: &Connection, hook: &Hook) -> StatusCode {
        let mut status = StatusCode::NO_CONTENT;
        let heard =
            |source: &Source| is_of(source, &connection.name) && is_heard(source, hook.scope.as_deref());
        for (plan, _, source) in self.shared.sources().filter(|(.., source)| heard(source)) {
            let one = self.offer_to(plan, source, connection, hook).await;
            status = status.max(one);
        }
        status
    }

    async fn offer_to(
        &self,
        plan: &Plan,
        source: &Source,
        connection: &Connection,
        hook: &Hook,
    ) -> StatusCode {
        let body = match trigger::event(plan, source, &hook.body) {
            Ok(Some(body)) => body,
            Ok(None) => return StatusCode::NO_CONTENT,
            Err(told) => {
                let told = format!("flow `{}`: its `event` cannot be worked out: {told}", plan.flow);
                return self.refuse(connection, StatusCode::UNPROCESSABLE_ENTITY, &told);
            }
        };
        match self.shared.engine.offer(self.shared.offer(plan, body)).await {
            Ok(_) => StatusCode::NO_CONTENT,
            Err(error @ engine::Error::Trigger { .. }) => {
                self.refuse(connection, StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())
            }
            Err(error) => self.refuse(connection, StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        }
    }

    /// Tells of a refused request, now and then.
    fn refuse(&self, connection: &Connection, status: StatusCode, why: &str) -> StatusCode {
        let now = wire::now();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.since += 1;
        if refused.told == Instant::default() || now.since(refused.told) > QUIET {
            let count = std::mem::take(&mut refused.since);
            refused.told = now;
            let connection = Arc::clone(&connection.name);
            self.shared.say(Said::Refused { connection, status: status.as_u16(), why: why.into(), count });
        }
        status
    }
}

fn is_of(source: &Source, name: &str) -> bool {
    matches!(&source.kind, SourceKind::Webhook { connection, .. } if **connection == *name)
}

fn is_heard(source: &Source, scope: Option<&str>) -> bool {
    matches!(&source.kind, SourceKind::Webhook { scopes, .. } if trigger::listens(scopes, scope))
}
