//! The HTTP client. In: one request. Out: status, headers, JSON body; or why no answer came, and whether the request can have
//! arrived. It never retries, follows no redirect, reads no more than it must, and reaches no private address unless told.

use std::{
    net::SocketAddr,
    sync::{Arc, Once, OnceLock},
    time::Duration,
};

use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, HeaderName, HeaderValue},
};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::{
    connector::{Method, address::is_private},
    event::{Class, Sent},
    value::Value,
};

/// Longest answer, decoded.
const LONGEST: usize = 64 << 20;
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// One HTTP request, ready to go.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(Arc<str>, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) timeout: Duration,
}

/// An answer.
pub(super) struct Incoming {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// Why no answer came.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) class: Class,
    pub(super) sent: Sent,
    pub(super) told: String,
}

impl Lost {
    pub(super) fn new(class: Class, sent: Sent, told: impl Into<String>) -> Self {
        Self { class, sent, told: told.into() }
    }
}

/// Whom to trust: the system's certificates, read once and in all connections the same.
fn trust() -> Result<ClientConfig, String> {
    static TRUST: OnceLock<Result<ClientConfig, String>> = OnceLock::new();
    let read = || {
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(BuilderVerifierExt::with_platform_verifier)
                .map_err(|error| error.to_string())?
                .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    };
    TRUST.get_or_init(read).clone()
}

/// Reads the system's certificates, some hundred files, so that the first client need not: for a thread beside the start.
pub fn prepare() {
    // Whoever makes a client is told what went wrong.
    drop(trust());
}

/// Makes a client. `root`: a certificate authority in PEM to trust besides the system's (a sandbox with TLS).
pub(super) fn client(allow_private: bool, root: Option<&[u8]>) -> Result<Client, String> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error means that another part of the process chose a provider already; that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = Client::builder()
        .user_agent(concat!("flowrun/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        .dns_resolver(Arc::new(Guarded { allow_private }));
    let builder = match root {
        Some(pem) => {
            let certificate = reqwest::Certificate::from_pem(pem).map_err(|error| error.to_string())?;
            builder.add_root_certificate(certificate)
        }
        None => builder.tls_backend_preconfigured(trust()?),
    };
    builder.build().map_err(|error| error.to_string())
}

/// Sends once.
pub(super) async fn send(client: &Client, out: Outgoing) -> Result<Incoming, Lost> {
    let method = match out.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut request = client.request(method, &out.url).headers(headers(&out.headers)?).timeout(out.timeout);
    if let Some(body) = out.body {
        request = request.body(body);
    }
    let response = request.send().await.map_err(|error| lost(&error))?;
    receive(response).await
}

fn headers(given: &[(Arc<str>, String)]) -> Result<HeaderMap, Lost> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let bad = || Lost::new(Class::Reject, Sent::No, format!("the header `{name}` cannot be sent"));
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
        value.set_sensitive(header == reqwest::header::AUTHORIZATION);
        headers.insert(header, value);
    }
    Ok(headers)
}

async fn receive(mut response: Response) -> Result<Incoming, Lost> {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let maybe = |told: String| Lost::new(Class::Outage, Sent::Maybe, told);
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| maybe("the answer broke off".into()))? {
        if bytes.len() + chunk.len() > LONGEST {
            return Err(Lost::new(Class::Reject, Sent::Maybe, "the answer is longer than 64 MiB"));
        }
        bytes.extend_from_slice(&chunk);
    }
    let body = if bytes.iter().all(u8::is_ascii_whitespace) {
        Value::Null
    } else {
        match Value::parse(&bytes) {
            Ok(body) => body,
            // A proxy's page: the status says enough.
            Err(_) if status >= 300 => Value::Null,
            Err(error) => {
                return Err(Lost::new(Class::Reject, Sent::Maybe, format!("the answer is no JSON: {error}")));
            }
        }
    };
    Ok(Incoming { status, headers, body })
}

/// What it means that the client gave an error. Its own words may hold the address, so only its kind is told.
fn lost(error: &reqwest::Error) -> Lost {
    if error.is_builder() {
        return Lost::new(Class::Reject, Sent::No, "the request cannot be made: is the address right?");
    }
    if error.is_connect() || error.is_dns() {
        let why = if private(error) {
            "the address is private, and the estate does not allow that"
        } else {
            "no connection"
        };
        return Lost::new(if private(error) { Class::Reject } else { Class::Outage }, Sent::No, why);
    }
    if error.is_timeout() {
        return Lost::new(Class::Outage, Sent::Maybe, "no answer in time");
    }
    Lost::new(Class::Outage, Sent::Maybe, "the connection broke before an answer came")
}

#[derive(Debug, thiserror::Error)]
#[error("private address")]
struct PrivateAddress;

fn private(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<PrivateAddress>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Resolves names, and leaves out private addresses: what is connected to is what was looked at.
struct Guarded {
    allow_private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let (good, bad): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|found| allow || !is_private(found.ip()));
            if good.is_empty() && !bad.is_empty() {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known() {
        for text in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fc00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "224.0.0.1",
        ] {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }
}
