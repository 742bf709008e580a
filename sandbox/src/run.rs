//! Starts and stops a sandbox. In: a [`Config`]. Out: a [`Running`] with three servers (both twins, administration)
//! and the credentials to use them. It must never know what the twins do.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::Router;
use axum_server::{
    Handle,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Bases, Shared, bigcommerce,
    clock::Clock,
    door,
    fault::Faults,
    ledger::Ledger,
    ledger::Platform,
    netsuite,
    verdict::{Known, Verdict},
    web, web_summary,
};

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another address or port 0")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the state folder cannot be read or written.
    #[error("cannot use {path}: {source}")]
    State {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A saved state that this version does not understand.
    #[error("{path} does not hold a state this sandbox wrote: {reason}; move the file away to start afresh")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where reading stopped.
        reason: String,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate for --tls: {0}")]
    Tls(String),
    /// A setting that cannot work.
    #[error("{0}")]
    Setting(String),
}

/// The addresses to listen on; port 0 takes a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binds {
    /// The `BigCommerce` twin.
    pub bigcommerce: SocketAddr,
    /// The `NetSuite` twin.
    pub netsuite: SocketAddr,
    /// The administration API and the page.
    pub admin: SocketAddr,
}

impl Default for Binds {
    fn default() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { bigcommerce: any, netsuite: any, admin: any }
    }
}

/// Everything a sandbox can be told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The number all made-up data grows from.
    pub seed: u64,
    /// The store.
    pub bigcommerce: bigcommerce::Settings,
    /// The account.
    pub netsuite: netsuite::Settings,
    /// Where to listen.
    pub binds: Binds,
    /// How many times faster than real time the sandbox clock runs.
    pub speed: u32,
    /// Let webhooks go to plain http and to any port of this machine; the platform itself wants https on 443.
    pub allow_loopback_hooks: bool,
    /// Serve both twins over TLS with a certificate made at the start.
    pub tls: bool,
    /// Folder that keeps the records between two runs; in memory only without it.
    pub state: Option<PathBuf>,
    /// What the sandbox clock shows at the start; the real time without it.
    pub start: Option<Timestamp>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            bigcommerce: bigcommerce::Settings::default(),
            netsuite: netsuite::Settings::default(),
            binds: Binds::default(),
            speed: 1,
            allow_loopback_hooks: true,
            tls: false,
            state: None,
            start: None,
        }
    }
}

/// Where the administration API is.
#[derive(Clone, Debug, Serialize)]
pub struct Administration {
    /// The page for people.
    pub base_url: String,
    /// `GET ?after=n`: every call.
    pub ledger_url: String,
    /// `GET ?after=n`: webhooks sent, trade done.
    pub events_url: String,
    /// `GET`, `POST`, `DELETE`.
    pub faults_url: String,
    /// `GET`; `POST {url}/advance {"seconds": n}`.
    pub clock_url: String,
    /// `GET`: a recount of both twins.
    pub summary_url: String,
}

/// Addresses and credentials of a running sandbox: all that a client needs. The credentials open nothing but this
/// sandbox.
#[derive(Clone, Debug, Serialize)]
pub struct Access {
    /// The store.
    pub bigcommerce: bigcommerce::Access,
    /// The account, as the `NetSuite` twin describes it.
    pub netsuite: Value,
    /// The administration API.
    pub admin: Administration,
    /// With TLS: the certificate to trust, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

impl Access {
    /// Everything that a client needs, as one flat object: what `flowrun sandbox --format json` prints.
    pub fn flat(&self) -> Value {
        let (store, netsuite, admin) = (&self.bigcommerce, &self.netsuite, &self.admin);
        json!({
            "bigcommerce_url": store.base_url, "store_hash": store.store_hash, "token": store.access_token,
            "bigcommerce_client_id": store.client_id, "hook_secret": store.client_secret,
            "netsuite_url": netsuite["base_url"], "account": netsuite["account"], "client_id": netsuite["client_id"],
            "certificate_id": netsuite["certificate_id"], "private_key": netsuite["private_key"],
            "algorithm": netsuite["algorithm"], "token_url": netsuite["token_url"], "scope": netsuite["scope"],
            "tba": netsuite["tba"],
            "admin_url": admin.base_url, "ledger_url": admin.ledger_url, "faults_url": admin.faults_url,
            "clock_url": admin.clock_url, "summary_url": admin.summary_url, "events_url": admin.events_url,
            "certificate": self.certificate,
        })
    }
}

/// A running sandbox. It stops when it is dropped; [`Running::stop`] also writes the state folder.
#[derive(Debug)]
pub struct Running {
    access: Access,
    shared: Arc<Shared>,
    store: Arc<bigcommerce::Store>,
    account: Arc<netsuite::Account>,
    handles: Vec<Handle<SocketAddr>>,
}

impl Running {
    /// Addresses and credentials.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Clock, ledger and faults.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The store, to trade in.
    pub fn store(&self) -> &Arc<bigcommerce::Store> {
        &self.store
    }

    /// The records of a twin as collections of flat objects.
    pub fn snapshot(&self, platform: Platform) -> Value {
        self.shared.snapshot(platform)
    }

    /// A recount of both twins: which of the store's orders with these statuses (none: those that are paid and wanted)
    /// the account holds once, with the same total. Counted from the twins' records alone.
    pub fn recount(&self, statuses: &[u64]) -> Value {
        let wanted = if statuses.is_empty() { web_summary::WANTED } else { statuses };
        let (store, account) = (self.snapshot(Platform::Bigcommerce), self.snapshot(Platform::Netsuite));
        web_summary::orders(&store, &account, wanted)
    }

    /// The verdict on a day of trade, counted from the twins' records and the ledger alone.
    pub fn verdict(&self, known: &Known) -> Verdict {
        Verdict::of(&self.shared, known)
    }

    /// Somebody enters an item in the account that only the store sold so far.
    pub fn enter_item(&self, sku: &str) -> Result<(), String> {
        self.account.enter_item(sku)
    }

    /// Stops the servers and, if there is a state folder, writes the records there.
    pub fn stop(&self) -> Result<(), Error> {
        self.handles.iter().for_each(Handle::shutdown);
        let Some(folder) = &self.shared.state else { return Ok(()) };
        for platform in [Platform::Bigcommerce, Platform::Netsuite] {
            let state = self.shared.save(platform);
            if !state.is_null() {
                write(&state_file(folder, platform), state.to_string().as_bytes())?;
            }
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handles.iter().for_each(Handle::shutdown);
    }
}

/// Starts a sandbox: binds three addresses, seeds both twins, serves until [`Running`] is dropped.
pub async fn start(config: Config) -> Result<Running, Error> {
    let listeners = [config.binds.bigcommerce, config.binds.netsuite, config.binds.admin]
        .into_iter()
        .map(listen)
        .collect::<Result<Vec<_>, _>>()?;
    let scheme = if config.tls { "https" } else { "http" };
    let shared = Arc::new(Shared {
        clock: Clock::new(config.start.unwrap_or_else(Timestamp::now), config.speed),
        ledger: Ledger::default(),
        faults: Faults::default(),
        holds: Arc::default(),
        seed: config.seed,
        bases: Bases {
            bigcommerce: format!("{scheme}://{}", listeners[0].1),
            netsuite: format!("{scheme}://{}", listeners[1].1),
            admin: format!("http://{}", listeners[2].1),
        },
        state: config.state.clone(),
        offers: Mutex::new(BTreeMap::new()),
    });
    if let Some(folder) = &config.state {
        fs::create_dir_all(folder).map_err(|source| Error::State { path: folder.clone(), source })?;
    }
    let tls = if config.tls { Some(certificate(config.state.as_deref()).await?) } else { None };
    let store = bigcommerce::Store::open(shared.clone(), config.bigcommerce, config.allow_loopback_hooks)?;
    let account = netsuite::Account::offer(&shared, &config.netsuite);
    let routers = [bigcommerce::router(&store), netsuite::router(&account), web::router(&shared)];
    let access = Access {
        bigcommerce: store.access(),
        netsuite: config.netsuite.access(&shared.bases.netsuite),
        admin: administration(&shared.bases.admin),
        certificate: tls.as_ref().map(|(_, pem)| pem.clone()),
    };
    let mut handles = Vec::new();
    for (number, ((listener, _), router)) in listeners.into_iter().zip(routers).enumerate() {
        let tls = tls.as_ref().filter(|_| number < 2).map(|(config, _)| config.clone());
        handles.push(serve(listener, router, tls)?);
    }
    Ok(Running { access, shared, store, account, handles })
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Bind { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let actual = listener.local_addr().map_err(failed)?;
    Ok((listener, actual))
}

fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<RustlsConfig>,
) -> Result<Handle<SocketAddr>, Error> {
    let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
    let handle = Handle::new();
    let server = axum_server::from_tcp(listener)
        .map_err(|source| Error::Bind { address, source })?
        .handle(handle.clone())
        .http1_only();
    let service = router.into_make_service();
    match tls {
        Some(config) => {
            let acceptor = RustlsAcceptor::new(config).acceptor(door::Acceptor);
            tokio::spawn(async move { server.acceptor(acceptor).serve(service).await })
        }
        None => tokio::spawn(async move { server.acceptor(door::Acceptor).serve(service).await }),
    };
    Ok(handle)
}

fn administration(base: &str) -> Administration {
    Administration {
        base_url: base.to_owned(),
        ledger_url: format!("{base}/ledger"),
        events_url: format!("{base}/events"),
        faults_url: format!("{base}/faults"),
        clock_url: format!("{base}/clock"),
        summary_url: format!("{base}/summary"),
    }
}

/// A certificate for this machine's own names; with a state folder it is kept there, so that clients can go on
/// trusting it.
async fn certificate(folder: Option<&Path>) -> Result<(RustlsConfig, String), Error> {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let files = folder.map(|folder| (folder.join("sandbox.pem"), folder.join("sandbox.key")));
    let kept = files.as_ref().and_then(|(certificate, key)| {
        Some((fs::read_to_string(certificate).ok()?, fs::read_to_string(key).ok()?))
    });
    let (certificate, key) = if let Some(kept) = kept {
        kept
    } else {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let made =
            rcgen::generate_simple_self_signed(names).map_err(|error| Error::Tls(error.to_string()))?;
        (made.cert.pem(), made.signing_key.serialize_pem())
    };
    if let Some((certificate_file, key_file)) = &files {
        write(certificate_file, certificate.as_bytes())?;
        write(key_file, key.as_bytes())?;
    }
    let config = RustlsConfig::from_pem(certificate.clone().into_bytes(), key.into_bytes())
        .await
        .map_err(|error| Error::Tls(error.to_string()))?;
    // Both twins speak HTTP/1.1 only, so that one call is one connection's business and can be cut.
    let mut inner = rustls::ServerConfig::clone(&config.get_inner());
    inner.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((RustlsConfig::from_config(Arc::new(inner)), certificate))
}

/// The file in which a twin's state is kept.
pub(crate) fn state_file(folder: &Path, platform: Platform) -> PathBuf {
    folder.join(format!("{}.json", platform.name()))
}

fn write(path: &Path, text: &[u8]) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::State { path: path.to_owned(), source })
}
