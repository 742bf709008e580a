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

use flowrun::{
    event::Outcome,
    journal::{Query, Reader},
};
use flowrun_sandbox::{
    Config, Running,
    bigcommerce::{self, Plan, Tender, Trade, sign},
    fault::{Fault, Kind},
    ledger::Platform,
    start,
};
use serde_json::{Value, json};

use crate::{journey::copy, site::Reach};

/// Only ends a test that would hang.
const LIMIT: Duration = Duration::from_secs(60);

/// Asks again until it holds.
#[track_caller]
pub fn until<T>(mut found: impl FnMut() -> Option<T>, what: impl Fn() -> String) -> T {
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
pub struct Shop {
    pub running: Running,
    pub folder: tempfile::TempDir,
    port: u16,
}

impl Shop {
    pub async fn open() -> Self {
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
        // The secret is being changed: both are good.
        let secrets = "token: env:TOKEN, client_secret: env:OLD_SECRET, client_secret_next: env:SECRET";
        Reach::of(&self.running).estate(self.port, "2s", 100_000, secrets)
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.current_dir(self.folder.path()).env_clear().env("OLD_SECRET", "the-one-before");
        command.envs(Reach::of(&self.running).variables());
        command
    }

    /// Starts the service and waits until it listens.
    pub fn serve(&self) -> Served {
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

    /// An order that is paid and waits to be sent.
    pub fn place_wanted(&self) -> u64 {
        let trade = Trade { tender: Some(Tender::Card), status_id: Some(11), ..Trade::default() };
        self.running.store().place(&trade).unwrap()
    }

    /// How many sales orders there are.
    pub fn sales(&self) -> usize {
        self.running.snapshot(Platform::Netsuite)["salesOrder"].as_array().map_or(0, Vec::len)
    }

    /// Switches our webhook off, as the platform does after too many failures.
    pub async fn switch_off(&self, scope: &str) {
        let access = &self.running.access().bigcommerce;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/v3/hooks", access.base_url);
        let asked = client.get(&url).header("x-auth-token", &access.access_token).send().await.unwrap();
        let hooks: Value = serde_json::from_str(&asked.text().await.unwrap()).unwrap();
        let hook = hooks["data"].as_array().unwrap().iter().find(|hook| hook["scope"] == scope).unwrap();
        let put = client.put(format!("{url}/{}", hook["id"])).header("x-auth-token", &access.access_token);
        let put =
            put.header("content-type", "application/json").body(json!({ "is_active": false }).to_string());
        assert!(put.send().await.unwrap().status().is_success());
    }

    /// A webhook's body as the store sends it.
    pub fn hook(&self, scope: &str, id: u64) -> Value {
        let producer = format!("stores/{}", self.running.access().bigcommerce.store_hash);
        json!({ "producer": producer, "scope": scope, "data": { "id": id } })
    }

    /// Waits until every wanted order is over there, once, with its number here.
    #[track_caller]
    pub fn all_over(&self) {
        let all = || {
            let count = self.running.recount(&[]);
            (count["wanted"] == count["once"] && count["tagged"] == count["once"]).then_some(count)
        };
        let count = until(all, || format!("all over: {:#}", self.running.recount(&[])));
        assert!(count["once"].as_u64() >= Some(1), "{count:#}");
        assert_eq!((&count["several"], &count["different_total"]), (&json!([]), &json!([])), "{count:#}");
    }

    /// Posts a webhook with a signature of the given secret; the status.
    pub async fn post(&self, path: &str, secret: &str, body: &Value) -> u16 {
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
    pub fn keys(&self) -> BTreeSet<String> {
        let reader = Reader::visit(&self.folder.path().join(".flowrun")).unwrap().unwrap();
        let open = reader.open_runs().unwrap().into_iter().map(|run| run.event.key.to_string());
        let query = Query { limit: 1000, ..Query::default() };
        open.chain(reader.past(&query).unwrap().into_iter().map(|run| run.key.to_string())).collect()
    }
}

/// Lets the journal's file grow no further than so many pages, as a full disk would; 0: as far as it likes.
fn bound(shop: &Shop, pages: i64) {
    let journal = rusqlite::Connection::open(shop.folder.path().join(".flowrun/journal.db")).unwrap();
    journal.execute("INSERT OR REPLACE INTO meta VALUES ('pages', ?1)", [pages]).unwrap();
}

/// A running service.
pub struct Served {
    child: Child,
    said: Arc<Mutex<Vec<Value>>>,
}

impl Served {
    fn count(&self, what: &str) -> usize {
        self.said.lock().unwrap().iter().filter(|said| said["what"] == what).count()
    }

    /// Waits until it said this so often.
    #[track_caller]
    pub fn says(&self, what: &str, times: usize) {
        until(
            || (self.count(what) >= times).then_some(()),
            || format!("`{what}` {times} times: {:?}", self.said.lock().unwrap()),
        );
    }

    /// Outcomes that it told for a key.
    pub fn outcomes(&self, key: u64) -> Vec<String> {
        let (said, key) = (self.said.lock().unwrap(), key.to_string());
        let runs = said.iter().filter(|said| said["what"] == "run" && said["key"] == *key);
        runs.filter_map(|run| run["outcome"].as_str().map(str::to_owned)).collect()
    }

    fn ask_to_end(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Asks it to end, if nobody has; its exit code.
    pub fn end(mut self) -> Option<i32> {
        if self.count("draining") == 0 {
            self.ask_to_end();
        }
        let code = until(|| self.child.try_wait().unwrap(), || "it ends".to_owned()).code();
        // Its last words may still be on their way through the pipe.
        self.says("stopped", 1);
        code
    }

    pub fn kill(mut self) {
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
    let orders: Vec<u64> = (0..5).map(|_| shop.place()).collect();
    shop.all_over();
    let ran = || orders.iter().all(|order| !served.outcomes(*order).is_empty()).then_some(());
    until(ran, || format!("a line for each of {orders:?}"));
    assert_eq!(served.count("refused"), 0, "the second of two secrets counts too");
    assert_eq!(served.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_certainly_from_the_platform_leaves_no_row() {
    let shop = Shop::open().await;
    let served = shop.serve();
    served.says("registered", 4);
    let access = shop.running.access().bigcommerce.clone();
    let (secret, path, made) = (&*access.client_secret, "/hooks/bigcommerce", "store/order/created");
    let mut strange = shop.hook(made, 9002);
    strange["producer"] = "stores/another".into();
    let mut long = shop.hook(made, 9005);
    long["more"] = "x".repeat(1 << 20).into();
    let mut vague = shop.hook(made, 9006);
    vague["data"] = json!({});
    for (path, secret, body, wanted) in [
        (path, "guessed", shop.hook(made, 9001), 401),
        (path, secret, strange, 403),
        ("/hooks/netsuite", secret, shop.hook(made, 9003), 404),
        ("/hooks/nobody", secret, shop.hook(made, 9003), 404),
        ("/", secret, shop.hook(made, 9003), 404),
        (path, secret, long, 413),
        (path, secret, vague, 422),
        (path, secret, shop.hook("store/product/created", 9004), 204),
        (path, "the-one-before", shop.hook(made, 9007), 204),
    ] {
        assert_eq!(shop.post(path, secret, &body).await, wanted, "{path} {secret} {:.99}", body.to_string());
    }
    assert_eq!(shop.keys(), BTreeSet::from(["9007".to_owned()]), "durable when it is answered");
    assert_eq!(served.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_a_write_and_its_record_doubles_nothing() {
    let shop = Shop::open().await;
    let served = shop.serve();
    served.says("registered", 4);
    shop.plant(Platform::Netsuite, "salesOrder", Kind::Slow(3_600_000));
    shop.place_wanted();
    until(|| (shop.sales() == 1).then_some(()), || "the sales order is there, its answer is not".to_owned());
    served.kill();
    let served = shop.serve();
    shop.all_over();
    assert_eq!(shop.sales(), 1);
    assert_eq!(served.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_hooks_is_caught_up() {
    let shop = Shop::open().await;
    let served = shop.serve();
    served.says("registered", 4);
    served.says("begins", 2);
    assert_eq!(served.end(), Some(0));
    shop.switch_off("store/order/created").await;
    for _ in 0..3 {
        shop.place_wanted();
    }
    let served = shop.serve();
    served.says("enabled", 1);
    shop.all_over();
    assert_eq!((served.count("begins"), served.count("registered")), (0, 0), "both are remembered");
    assert_eq!(served.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_sent_calls_finish_and_still_takes_hooks() {
    let shop = Shop::open().await;
    let served = shop.serve();
    served.says("registered", 4);
    shop.plant(Platform::Netsuite, "salesOrder", Kind::Slow(1500));
    let first = shop.place_wanted().to_string();
    until(|| (shop.sales() == 1).then_some(()), || "the first order's call is under way".to_owned());
    served.ask_to_end();
    served.says("draining", 1);
    let store = &shop.running.access().bigcommerce;
    let body = shop.hook("store/order/created", 9001);
    assert_eq!(shop.post("/hooks/bigcommerce", &store.client_secret, &body).await, 204);
    let said = Arc::clone(&served.said);
    assert_eq!(served.end(), Some(0));
    let said = said.lock().unwrap();
    let done = |said: &&Value| said["what"] == "run" && said["key"] == *first && said["outcome"] == "ok";
    assert!(said.iter().any(|said| done(&said)), "{said:?}");
    assert!(!said.iter().any(|said| said["key"] == "9001"), "no run begins any more");
    assert!(shop.keys().contains("9001"), "it waits on disk for the next start");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_a_run_finish_that_waits_for_another() {
    let shop = Shop::open().await;
    let served = shop.serve();
    served.says("registered", 4);
    // Looking for the buyer takes until after the request to end; only then the customer's own run can begin.
    let (method, path) = (Some("POST".to_owned()), Some("suiteql".to_owned()));
    let slow = Kind::Slow(1500);
    let fault = Fault { platform: Platform::Netsuite, method, path, skip: 0, times: 2, kind: slow };
    shop.running.shared().faults.plant(fault);
    let trade = Trade {
        email: Some("nobody.knows@example.org".into()),
        tender: Some(Tender::Card),
        status_id: Some(11),
        ..Trade::default()
    };
    let order = shop.running.store().place(&trade).unwrap();
    let asked = || shop.running.shared().faults.list().is_empty().then_some(());
    until(asked, || "items and buyer are looked for".to_owned());
    served.ask_to_end();
    served.says("draining", 1);
    served.says("stopped", 1);
    let customers = served.said.lock().unwrap().iter().any(|said| said["flow"] == "create_customer");
    let said = || format!("{:?}", served.said.lock().unwrap());
    assert!(customers && served.outcomes(order).contains(&"ok".to_owned()), "{}", said());
    assert_eq!(served.end(), Some(0));
}

/// Refuses everything.
const PICKY: &str = r#"flow: picky
connections: { store: bigcommerce }
trigger:
  from:
    - { webhook: store, scopes: [store/sku/created], event: { id: "{{ body.data.id }}" } }
  key: "{{ event.id }}"
  keep: latest
nodes:
  - decision: liked
    choose: { this: "{{ event.id == 0 }}" }
    otherwise: none_other
    reject: { none_other: "{{ event.id }} is not liked" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_order_is_obeyed_while_it_runs() {
    let shop = Shop::open().await;
    fs::write(shop.folder.path().join("picky.yaml"), PICKY).unwrap();
    let served = shop.serve();
    let secret = &shop.running.access().bigcommerce.client_secret;
    assert_eq!(shop.post("/hooks/bigcommerce", secret, &shop.hook("store/sku/created", 9009)).await, 204);
    let letters = |count: usize| {
        let found = || (served.outcomes(9009) == vec!["letter"; count]).then_some(());
        until(found, || format!("{count} letters: {:?}", served.said.lock().unwrap()));
    };
    letters(1);
    let order = |what: &str| shop.command().args(["letters", what, "9009"]).status().unwrap().success();
    assert!(order("retry"));
    letters(2);
    assert!(order("drop"));
    let dropped = || {
        let reader = Reader::visit(&shop.folder.path().join(".flowrun")).unwrap().unwrap();
        let query = Query { key: Some("9009".into()), outcome: Some(Outcome::Dropped), ..Query::default() };
        reader.past(&query).unwrap().pop()
    };
    until(dropped, || "the letter is dropped".to_owned());
    assert_eq!(served.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_down_is_told_of_once() {
    let shop = Shop::open().await;
    let served = shop.serve();
    served.says("registered", 4);
    let fault = Fault {
        platform: Platform::Netsuite,
        method: None,
        path: None,
        skip: 0,
        times: 7,
        kind: Kind::ErrorBefore,
    };
    shop.running.shared().faults.plant(fault);
    for _ in 0..6 {
        shop.place_wanted();
    }
    served.says("held", 1);
    shop.all_over();
    served.says("freed", 1);
    assert_eq!((served.count("held"), served.count("freed")), (1, 1));
    assert!(!served.said.lock().unwrap().iter().any(|said| said["outcome"] == "letter"));
    assert_eq!(served.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_of_once_and_waited_for() {
    let shop = Shop::open().await;
    let served = shop.serve();
    served.says("registered", 4);
    bound(&shop, 1);
    let secret = shop.running.access().bigcommerce.client_secret.clone();
    let hook = |id: u64| shop.hook("store/order/created", id);
    let mut orders = Vec::new();
    let refused = loop {
        orders.push(shop.place_wanted());
        let status = shop.post("/hooks/bigcommerce", &secret, &hook(orders[orders.len() - 1])).await;
        if status != 204 || orders.len() == 60 {
            break status;
        }
    };
    assert_eq!(refused, 503, "the disk is full after {} orders", orders.len());
    served.says("full", 1);
    bound(&shop, 0);
    served.says("room", 1);
    for order in &orders {
        assert_eq!(shop.post("/hooks/bigcommerce", &secret, &hook(*order)).await, 204);
    }
    shop.all_over();
    assert_eq!((served.count("full"), served.count("room"), served.count("broken")), (1, 1, 0));
    assert_eq!(served.end(), Some(0));
}
