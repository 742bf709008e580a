//! The door every call of a twin passes: it holds the call if asked, plays the fault that is due, runs the handler, writes
//! the ledger entry and stamps the sandbox clock on the answer. In: a router and how its platform words a failure. Out: the guarded
//! router, and the acceptor whose connections can be cut in the middle. It must never know what a call means.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use axum_server::accept::Accept;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{
    Shared,
    fault::Kind,
    hold::{Picked, Point},
    ledger::{Entry, Platform},
};

/// What a handler committed, put among its response's extensions; the door copies it into the ledger.
#[derive(Clone, Debug)]
pub struct Effect(pub Value);

/// How a platform answers a fault that is an answer (`TooMany`, `ErrorBefore`, `ErrorAfter`, `ExpiredToken`); the
/// text is the path of the call.
pub type Wording = Arc<dyn Fn(&Kind, &str) -> Response + Send + Sync>;

#[derive(Clone)]
struct Door {
    shared: Arc<Shared>,
    platform: Platform,
    wording: Wording,
}

/// Puts the door in front of every route of `router`, its fallback included.
pub fn guard(shared: Arc<Shared>, platform: Platform, wording: Wording, router: Router) -> Router {
    router.layer(from_fn_with_state(Door { shared, platform, wording }, pass))
}

async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let wire = request.extensions().get::<Wire>().cloned();
    let picked = door.shared.holds.pick(door.platform, &method, &path);
    let held = picked.is_some();
    let work = work(door, (method, path, wire), request, next, picked);
    if !held {
        return work.await;
    }
    // Whoever asked may be killed while the call stands still; the platform goes on with it all the same.
    tokio::spawn(work).await.unwrap_or_else(|_| Response::new(Body::empty()))
}

/// One call: the fault that is due, the handler, the ledger.
async fn work(
    door: Door,
    (method, path, wire): (String, String, Option<Wire>),
    request: Request,
    next: Next,
    mut picked: Option<Picked>,
) -> Response {
    if let Some(picked) = &mut picked {
        picked.stand(Point::Received).await;
    }
    let fault = door.shared.faults.take(door.platform, &method, &path, false);
    let (answer, cut) = match &fault {
        Some(Kind::ResetBefore) => (Response::new(Body::empty()), true),
        Some(kind @ (Kind::TooMany | Kind::ErrorBefore | Kind::ExpiredToken)) => {
            ((door.wording)(kind, &path), false)
        }
        _ => (next.run(request).await, matches!(fault, Some(Kind::ResetAfter))),
    };
    let effect = answer.extensions().get::<Effect>().map(|effect| effect.0.clone());
    let mut answer = match &fault {
        Some(kind @ Kind::ErrorAfter) => (door.wording)(kind, &path),
        _ => answer,
    };
    door.shared.ledger.record(Entry {
        n: 0,
        at: door.shared.clock.now().to_string(),
        platform: door.platform,
        method,
        path,
        status: if cut { 0 } else { answer.status().as_u16() },
        effect,
        fault: fault.as_ref().map(|kind| kind.name().to_owned()),
    });
    if let Some(picked) = &mut picked {
        picked.stand(Point::Done).await;
    }
    if cut && let Some(wire) = wire {
        wire.cut();
    }
    if let Some(Kind::Slow(milliseconds)) = fault {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    if let Ok(date) = HeaderValue::from_str(&door.shared.clock.http_date()) {
        answer.headers_mut().insert(header::DATE, date);
    }
    answer
}

/// The kill switch of one connection, found among the request's extensions.
#[derive(Clone, Debug, Default)]
pub struct Wire(Arc<AtomicBool>);

impl Wire {
    /// From now on nothing goes over this connection; the peer sees a reset.
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Accepts connections that can be cut through the [`Wire`] in their requests' extensions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acceptor;

impl Accept<TcpStream, Router> for Acceptor {
    type Stream = Cuttable;
    type Service = Router;
    type Future = Ready<io::Result<(Cuttable, Router)>>;

    fn accept(&self, stream: TcpStream, service: Router) -> Self::Future {
        let wire = Wire::default();
        let service = Router::new().fallback_service(service).layer(Extension(wire.clone()));
        ready(stream.set_nodelay(true).map(|()| (Cuttable { stream, wire }, service)))
    }
}

/// A TCP stream with a kill switch.
#[derive(Debug)]
pub struct Cuttable {
    stream: TcpStream,
    wire: Wire,
}

impl Cuttable {
    /// An error once the wire is cut; the socket is then set to answer with a reset when it is dropped.
    fn check(&self) -> io::Result<()> {
        if !self.wire.0.load(Ordering::Acquire) {
            return Ok(());
        }
        self.stream.set_zero_linger()?;
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
