//! An estate that leads to twins, and the real service on it: what tests need that kill it, or count its calls.

use std::{fs, net::TcpListener, path::Path, process::Stdio, time::Duration};

use flowrun::sign::{Algorithm, Claims, JwtKey, percent};
use flowrun_sandbox::Running;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use crate::journey::copy;

/// Only ends a test that would hang.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Where twins are and what opens them, as `flowrun sandbox --format json` says it.
pub struct Reach(pub Json);

impl Reach {
    /// Twins in this process.
    pub fn of(running: &Running) -> Self {
        Self(running.access().flat())
    }

    pub fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_else(|| panic!("{key}: {}", self.0))
    }

    /// An estate that leads there, with a service on `port`. `quota` is what the store's plan is said to be, in calls a window;
    /// `secrets` are the store's.
    pub fn estate(&self, port: u16, settle: &str, quota: u32, secrets: &str) -> String {
        format!(
            "estate: trial
environment: twins
listen: {{ address: \"127.0.0.1:{port}\", public_url: \"http://127.0.0.1:{port}/\" }}
environments:
  twins:
    connections:
      bigcommerce:
        connector: bigcommerce
        url: {}
        allow_private: true
        settings: {{ store_hash: {}, code: main, settle: {settle}, quota: {quota} }}
        secrets: {{ {secrets} }}
      netsuite:
        connector: netsuite
        url: {}
        allow_private: true
        auth: m2m
        settings: {{ account: {}, settle: {settle} }}
        secrets: {{ client_id: env:CLIENT, certificate_id: env:CERTIFICATE, private_key: env:KEY }}
",
            self.text("bigcommerce_url"),
            self.text("store_hash"),
            self.text("netsuite_url"),
            self.text("account").to_lowercase().replace('_', "-"),
        )
    }

    /// The variables that the estate's secrets are read from.
    pub fn variables(&self) -> [(&'static str, &str); 5] {
        [
            ("TOKEN", self.text("token")),
            ("SECRET", self.text("hook_secret")),
            ("CLIENT", self.text("client_id")),
            ("CERTIFICATE", self.text("certificate_id")),
            ("KEY", self.text("private_key")),
        ]
    }
}

/// A folder with the shipped flows and an estate of its own.
pub struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    /// `quota` is what the store's plan is said to be, in calls a window.
    pub fn new(reach: &Reach, settle: &str, quota: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(Path::new("flows"), folder.path());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let secrets = "token: env:TOKEN, client_secret: env:SECRET";
        let estate = reach.estate(port, settle, quota, secrets);
        fs::write(folder.path().join("flowrun.yaml"), estate).unwrap();
        Self { folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the service and waits until it listens.
    pub async fn serve(&self, reach: &Reach) -> Served {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.args(["exec", "--format", "json"]).current_dir(self.folder()).env_clear();
        command.envs(reach.variables());
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, said) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                // A killed service may leave half a line; nobody listens to a service that is gone.
                let _ = serde_json::from_str(&line).map(|said| tell.send(said));
            }
        });
        let mut served = Served { child, said, heard: Vec::new() };
        served.says("ready", 1).await;
        served
    }
}

/// A running service.
pub struct Served {
    child: Child,
    said: mpsc::UnboundedReceiver<Json>,
    heard: Vec<Json>,
}

impl Served {
    /// Waits until it has said this so often.
    pub async fn says(&mut self, what: &str, times: usize) {
        while self.heard.iter().filter(|said| said["what"] == what).count() < times {
            let said = timeout(LIMIT, self.said.recv()).await.unwrap_or_else(|_| panic!("no `{what}`"));
            self.heard.push(said.unwrap_or_else(|| panic!("it ended before `{what}`")));
        }
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }

    /// SIGTERM, and a clean end.
    pub async fn end(mut self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        self.says("stopped", 1).await;
        assert_eq!(timeout(LIMIT, self.child.wait()).await.unwrap().unwrap().code(), Some(0));
    }
}

/// A client of the twins' own API and administration.
pub fn client() -> reqwest::Client {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// An access token, as any client gets one.
pub async fn token(reach: &Reach) -> String {
    let now = Timestamp::now().as_second();
    let key = JwtKey::from_pem(reach.text("private_key"), Algorithm::from_name("ES256").unwrap()).unwrap();
    let claims = Claims {
        key_id: reach.text("certificate_id"),
        issuer: reach.text("client_id"),
        audience: reach.text("token_url"),
        scope: &["rest_webservices".into()],
        issued: now,
        expires: now + 300,
    };
    let body = format!(
        "grant_type=client_credentials&client_assertion_type={}&client_assertion={}",
        percent("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        percent(&key.token(claims).unwrap()),
    );
    let asked =
        client().post(reach.text("token_url")).header("content-type", "application/x-www-form-urlencoded");
    let told: Json =
        serde_json::from_str(&asked.body(body).send().await.unwrap().text().await.unwrap()).unwrap();
    told["access_token"].as_str().unwrap().to_owned()
}

/// Waits until every order is over there, once, and carries its number.
pub async fn all_over(running: &Running, orders: usize) {
    let ledger = &running.shared().ledger;
    let mut length = ledger.reached(0).await;
    loop {
        let count = running.recount(&[11]);
        if count["once"] == json!(orders) && count["tagged"] == count["once"] {
            return;
        }
        length = timeout(LIMIT, ledger.reached(length + 1)).await.unwrap_or_else(|_| panic!("{count:#}"));
    }
}
