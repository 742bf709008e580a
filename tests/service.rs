//! `flowrun exec` as a service: the real program, both twins in this process, the shipped flows. The judge is the twins' own
//! recount.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use flowrun::journal::Reader;
use flowrun_sandbox::{
    Config, Running,
    bigcommerce::{self, Plan, Trade, sign},
    fault::{Fault, Kind},
    ledger::Platform,
    start,
};
use serde_json::{Value, json};

/// Only ends a test that would hang.
const LIMIT: Duration = Duration::from_secs(60);

/// Asks again until it holds.
#[track_caller]
fn until<T>(mut found: impl FnMut() -> Option<T>, what: impl Fn() -> String) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(began.elapsed() < LIMIT, "not within {LIMIT:?}: {}", what());
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// Both twins, and an estate that leads to them.
struct Shop {
    running: Running,
    folder: tempfile::TempDir,
    port: u16,
}

impl Shop {
    async fn open() -> Self {
        let bigcommerce = bigcommerce::Settings { plan: Plan::Unlimited, ..bigcommerce::Settings::default() };
        let running = start(Config { bigcommerce, ..Config::default() }).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy(Path::new("flows"), folder.path());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let shop = Self { running, folder, port };
        fs::write(shop.folder.path().join("flowrun.yaml"), shop.estate()).unwrap();
        shop
    }

    fn estate(&self) -> String {
        let access = self.running.access();
        let netsuite = |key: &str| access.netsuite[key].as_str().unwrap().to_owned();
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
        settings: {{ store_hash: {}, code: main, settle: 2s }}
        secrets: {{ token: env:TOKEN, client_secret: env:OLD_SECRET, client_secret_next: env:SECRET }}
      netsuite:
        connector: netsuite
        url: {}
        allow_private: true
        auth: m2m
        settings: {{ account: {}, settle: 2s }}
        secrets: {{ client_id: env:CLIENT, certificate_id: env:CERTIFICATE, private_key: env:KEY }}
",
            access.bigcommerce.base_url,
            access.bigcommerce.store_hash,
            netsuite("base_url"),
            netsuite("account").to_lowercase().replace('_', "-"),
            port = self.port,
        )
    }

    fn command(&self) -> Command {
        let access = self.running.access();
        let netsuite = |key: &str| access.netsuite[key].as_str().unwrap().to_owned();
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.current_dir(self.folder.path()).env_clear().env("OLD_SECRET", "the-one-before");
        command
            .env("TOKEN", &access.bigcommerce.access_token)
            .env("SECRET", &access.bigcommerce.client_secret);
        command.env("CLIENT", netsuite("client_id")).env("CERTIFICATE", netsuite("certificate_id"));
        command.env("KEY", netsuite("private_key"));
        command
    }

    /// Starts the service and waits until it listens.
    fn serve(&self) -> Served {
        let mut command = self.command();
        let child =
            command.args(["exec", "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = child.spawn().unwrap();
        let said: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (lines, into) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::clone(&said));
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                into.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let served = Served { child, said };
        served.says("ready", 1);
        served
    }

    fn plant(&self, platform: Platform, path: &str, kind: Kind) {
        let method = (platform == Platform::Netsuite).then(|| "PUT".to_owned());
        let fault = Fault { platform, method, path: Some(path.into()), skip: 0, times: 1, kind };
        self.running.shared().faults.plant(fault);
    }

    fn place(&self) -> u64 {
        self.running.store().place(&Trade::default()).unwrap()
    }

    /// Waits until every wanted order is over there, once, with its number here.
    #[track_caller]
    fn all_over(&self, least: u64) {
        let all = || {
            let count = self.running.recount(&[]);
            (count["wanted"] == count["once"]
                && count["tagged"] == count["once"]
                && count["once"].as_u64()? >= least)
                .then_some(count)
        };
        let count = until(all, || format!("all over, at least {least}: {:#}", self.running.recount(&[])));
        assert_eq!((&count["several"], &count["different_total"]), (&json!([]), &json!([])), "{count:#}");
    }

    /// Posts a webhook with a signature of the given secret; the status.
    async fn post(&self, path: &str, secret: &str, body: &Value) -> u16 {
        let text = body.to_string();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let signature = sign(secret, "msg_1", i64::try_from(now).unwrap(), &text);
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = request.post(format!("http://127.0.0.1:{}{path}", self.port)).body(text);
        let request = request.header("webhook-id", "msg_1").header("webhook-timestamp", now.to_string());
        let request = request.header("webhook-signature", signature).header("x-forwarded-for", "10.0.0.1");
        request.send().await.unwrap().status().as_u16()
    }

    /// Keys of all runs in the journal, open and past.
    fn keys(&self) -> BTreeSet<String> {
        let reader = Reader::visit(&self.folder.path().join(".flowrun")).unwrap().unwrap();
        let open = reader.open_runs().unwrap().into_iter().map(|run| run.event.key.to_string());
        let query = flowrun::journal::Query { limit: 1000, ..flowrun::journal::Query::default() };
        open.chain(reader.past(&query).unwrap().into_iter().map(|run| run.key.to_string())).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// A running service.
struct Served {
    child: Child,
    said: Arc<Mutex<Vec<Value>>>,
}

impl Served {
    fn count(&self, what: &str) -> usize {
        self.said.lock().unwrap().iter().filter(|said| said["what"] == what).count()
    }

    /// Waits until it said this so often.
    #[track_caller]
    fn says(&self, what: &str, times: usize) {
        until(
            || (self.count(what) >= times).then_some(()),
            || format!("`{what}` {times} times: {:?}", self.said.lock().unwrap()),
        );
    }

    /// Asks it to end; its exit code.
    fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let code = until(|| self.child.try_wait().unwrap(), || "it ends".to_owned()).code();
        assert_eq!((self.count("draining"), self.count("stopped")), (1, 1));
        code
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_go_over_once_whatever_happens_to_their_hooks() {
    let shop = Shop::open().await;
    let served = shop.serve();
    served.says("registered", 4);
    for kind in [Kind::DuplicateHook, Kind::ReorderHook, Kind::LateHook(200)] {
        shop.plant(Platform::Bigcommerce, "store/order/created", kind);
        shop.place();
    }
    for _ in 0..5 {
        shop.place();
    }
    shop.all_over(8);
    served.says("run", 8);
    assert_eq!(served.end(), Some(0));
}
