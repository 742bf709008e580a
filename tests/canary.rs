//! Canaries: every secret and everything personal is a text that occurs nowhere else, a day's trouble is run through the real
//! program, and then all it wrote is searched for them: streams, reports, and the bytes of the journal.

mod mirror;
mod scan;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::http::Method;
use flowrun_sandbox::{
    bigcommerce::sign,
    fault::{Fault, Kind},
    ledger::Platform,
};
use rusqlite::{Connection, types::ValueRef};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use self::{
    mirror::{Mirror, Spoil},
    scan::Search,
};
use super::{
    journey::{World, until},
    program::{Program, Said},
};

/// What a buyer wrote, with all that encodings change. The address of each e-mail goes on with a number: every buyer is new.
const PERSONAL: &[(&str, &str)] = &[
    ("email", "zq.mail+o'x"),
    ("first_name", "Zqfirst Ünal"),
    ("last_name", "Zqlast-Søren"),
    ("company", "Zqcompany & \"Söhne\""),
    ("street_1", "Zqstreet 7/b"),
    ("street_2", "Zqfloor <3>"),
    ("city", "Zqtown am See"),
    ("zip", "ZQ9-11-7"),
    ("phone", "+1 555 019 97311"),
];

/// Columns of the journal that may hold what is personal: sealed records, kept as long as a run is open or its past is. No
/// key, no name, no index is among them.
const SEALED: &[&str] = &["event.body", "event.parked", "froze.body", "effect.body", "past.body"];

/// Twins, mirrors before them, a program's folder, and all that was written.
struct Yard {
    world: World,
    runtime: Runtime,
    store: Arc<Mirror>,
    erp: Arc<Mirror>,
    program: Program,
    port: u16,
    buyers: u32,
    began: Instant,
    secrets: Vec<(String, String)>,
    written: BTreeMap<String, Vec<u8>>,
}

impl Yard {
    fn new() -> Self {
        let world = World::new();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let access = world.running.access().clone();
        let mut secrets = vec![
            ("store token".to_owned(), access.bigcommerce.access_token.clone()),
            ("hook secret".to_owned(), access.bigcommerce.client_secret.clone()),
            ("next hook secret".to_owned(), "zqnext+secret/of=hooks".to_owned()),
        ];
        let login = &access.netsuite;
        for name in ["client_id", "certificate_id"] {
            secrets.push((name.to_owned(), login[name].as_str().unwrap().to_owned()));
        }
        let key = login["private_key"].as_str().unwrap().lines().filter(|line| line.len() > 20);
        secrets.extend(
            key.filter(|line| !line.contains("--")).map(|line| ("private key".to_owned(), line.to_owned())),
        );
        let known: Vec<_> = secrets.iter().map(|(_, text)| text.clone()).collect();
        for (name, text) in login["tba"].as_object().unwrap() {
            secrets.push((name.clone(), text.as_str().unwrap().to_owned()));
        }
        let (store_url, erp_url) = (&access.bigcommerce.base_url, login["base_url"].as_str().unwrap());
        let host = store_url.split("/stores").next().unwrap();
        let (store, erp) = runtime.block_on(async {
            (Mirror::start(host, login, &known).await, Mirror::start(erp_url, login, &known).await)
        });
        let program = world.program(&[]);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let yard = Self {
            world,
            runtime,
            store,
            erp,
            program,
            port,
            buyers: 0,
            began: Instant::now(),
            secrets,
            written: BTreeMap::new(),
        };
        yard.estate(|text| {
            text.replace(host, &yard.store.url).replace(erp_url, &yard.erp.url).replace(
                "env:BIGCOMMERCE_CLIENT_SECRET }",
                "env:BIGCOMMERCE_CLIENT_SECRET, client_secret_next: env:NEXT }",
            ) + &format!(
                "\nlisten: {{ address: \"127.0.0.1:{port}\", public_url: \"http://127.0.0.1:{port}/\" }}\n"
            )
        });
        yard
    }

    fn estate(&self, change: impl FnOnce(String) -> String) {
        let file = self.program.folder().join("flows/flowrun.yaml");
        fs::write(&file, change(fs::read_to_string(&file).unwrap())).unwrap();
    }

    /// A run of the program in the estate, with everything that could make it say more.
    fn at(&self, arguments: &[&str]) -> Program {
        let program = self.world.again(&self.program, arguments).env("NEXT", "zqnext+secret/of=hooks");
        program.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full")
    }

    /// Runs it, and keeps what it wrote: its streams, and the journal as it is then, if that is new.
    fn run(&mut self, scene: &str, arguments: &[&str]) -> Said {
        let said = self.at(&[arguments, &["--data", "../journal"]].concat()).run_in("flows");
        self.keep(scene, said.out.as_bytes(), said.err.as_bytes());
        said
    }

    fn keep(&mut self, scene: &str, out: &[u8], err: &[u8]) {
        self.written.insert(format!("{scene}: standard output"), out.to_vec());
        self.written.insert(format!("{scene}: standard error"), err.to_vec());
        for (name, bytes) in self.journal() {
            if self.written.values().all(|known| *known != bytes) {
                self.written.insert(format!("{scene}: {name}"), bytes);
            }
        }
        println!("{:6.1} s  {scene}", self.began.elapsed().as_secs_f64());
    }

    fn journal(&self) -> Vec<(String, Vec<u8>)> {
        let folder = fs::read_dir(self.program.folder().join("journal")).into_iter().flatten();
        let files = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        let read = |path: PathBuf| (name(&path), fs::read(&path).unwrap());
        files.map(read).filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0)).collect()
    }

    /// An order with the canaries of a new buyer, paid and waiting to be sent; its number.
    fn order(&mut self) -> String {
        self.order_of(&json!({ "name": "A thing", "quantity": 1, "price_inc_tax": 10, "price_ex_tax": 10 }))
    }

    fn order_of(&mut self, product: &Json) -> String {
        let mut address = json!({ "country": "United States", "country_iso2": "US", "state": "Texas", "shipping_method": "Standard" });
        for (field, text) in PERSONAL {
            address[field] = (*text).into();
        }
        self.buyers += 1;
        address["email"] = format!("{}{}@canary.example", PERSONAL[0].1, self.buyers).into();
        let access = &self.world.running.access().bigcommerce;
        let body = json!({
            "customer_id": 0, "channel_id": 1, "status_id": 11, "billing_address": address, "shipping_addresses": [address],
            "products": [product],
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let post = client.post(format!("{}/v2/orders", access.base_url)).body(body.to_string());
        let post =
            post.header("x-auth-token", &access.access_token).header("content-type", "application/json");
        let made = self.runtime.block_on(async { post.send().await.unwrap().text().await.unwrap() });
        let made: Json = serde_json::from_str(&made).unwrap();
        made["id"].as_u64().unwrap_or_else(|| panic!("{made}")).to_string()
    }

    /// The store's number of a product.
    fn product(&self, sku: &str) -> u64 {
        let access = &self.world.running.access().bigcommerce;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let get = client.get(format!("{}/v3/catalog/products?sku={sku}", access.base_url));
        let get = get.header("x-auth-token", &access.access_token);
        let found = self.runtime.block_on(async { get.send().await.unwrap().text().await.unwrap() });
        let found: Json = serde_json::from_str(&found).unwrap();
        found["data"][0]["id"].as_u64().unwrap_or_else(|| panic!("{found}"))
    }

    /// Sends a hook, signed with a secret; the status.
    fn hook(&self, secret: &str, body: &Json) -> u16 {
        let text = body.to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let signature = sign(secret, "msg_1", i64::try_from(now).unwrap(), &text);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let post = client.post(format!("http://127.0.0.1:{}/hooks/bigcommerce", self.port)).body(text);
        let post = post.header("webhook-id", "msg_1").header("webhook-timestamp", now.to_string());
        let post = post.header("webhook-signature", signature);
        self.runtime.block_on(async { post.send().await.unwrap().status().as_u16() })
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn spoil(method: Method, path: &'static str, status: u16) -> Spoil {
    Spoil { method, path, status, times: 1 }
}

/// Every way in which one order can go.
fn orders(yard: &mut Yard) {
    let good = yard.order();
    let said = yard.run("a good order", &["exec", "orders", "--key", &good]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("create_customer"), "the buyer is new: {}", said.err);
    let again = yard.run("a good order again", &["exec", "orders", "--key", &good, "--format", "json"]);
    assert_eq!(again.code, 0, "{}", again.err);

    let dry = yard.order();
    let said = yard.run("a rehearsal", &["exec", "orders", "--key", &dry, "--dry-run"]);
    assert!((said.out + &said.err).contains("salesOrder"), "it shows what would be written");
    let lamp = yard.product("LAMP-NEW");
    let rejected = yard.order_of(&json!({ "product_id": lamp, "quantity": 1 }));
    let said = yard.run("a rejected order", &["exec", "orders", "--key", &rejected]);
    assert!(said.err.contains("no item for LAMP-NEW"), "{}", said.err);

    for (at, (mirror, spoilt)) in [
        ("erp", spoil(Method::PUT, "salesOrder/eid:", 400)),
        ("erp", spoil(Method::PUT, "salesOrder/eid:", 500)),
        ("erp", spoil(Method::POST, "suiteql", 401)),
        ("erp", spoil(Method::POST, "oauth2", 400)),
        ("erp", spoil(Method::POST, "oauth2", 500)),
        ("erp", spoil(Method::POST, "suiteql", 403)),
        ("erp", spoil(Method::PUT, "customer/eid:", 400)),
        ("store", spoil(Method::GET, "/v2/orders", 401)),
        ("store", spoil(Method::GET, "/v2/orders", 500)),
        ("store", spoil(Method::GET, "/v2/orders", 422)),
        ("store", spoil(Method::PUT, "/v2/orders", 400)),
    ]
    .into_iter()
    .enumerate()
    {
        let order = yard.order();
        let mirror = Arc::clone(if mirror == "erp" { &yard.erp } else { &yard.store });
        let scene = format!("{} {} {}", spoilt.method, spoilt.path, spoilt.status);
        mirror.spoil(spoilt);
        let format = if at % 2 == 0 { "human" } else { "json" };
        yard.run(&scene, &["exec", "orders", "--key", &order, "--format", format]);
        assert_eq!(mirror.left(), 0, "{scene}: was not asked for");
        for what in [
            &["letters", "list"][..],
            &["letters", "list", "--format", "json"],
            &["letters", "show", &order],
            &["runs", "list"],
            &["runs", "list", "--format", "json"],
            &["runs", "show", &order],
            &["runs", "show", &order, "--format", "json"],
        ] {
            yard.run(&format!("{scene}, then {}", what.join(" ")), what);
        }
    }
}

/// A running service; its streams go to files.
struct Service(Child);

impl Service {
    fn end(&mut self) {
        assert!(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap().success());
        until("the service ends", || self.0.try_wait().unwrap().is_some());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be over already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A service with good and bad webhooks, and a platform that fails.
fn service(yard: &mut Yard, format: &str) {
    let folder = yard.program.folder().to_owned();
    let (out, err) = (folder.join(format!("{format}.out")), folder.join(format!("{format}.err")));
    let mut command = yard.at(&["exec", "--format", format, "--data", "../journal"]).command();
    command.current_dir(folder.join("flows")).stdin(Stdio::null());
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let mut child = Service(command.spawn().unwrap());
    let told = || fs::read_to_string(&out).unwrap() + &fs::read_to_string(&err).unwrap();
    until("it is ready", || told().contains("ready"));
    // The store tells of an order by itself, too: what is to go wrong is planted before.
    yard.erp.spoil(spoil(Method::PUT, "salesOrder/eid:", 400));
    let order: u64 = yard.order().parse().unwrap();
    let access = yard.world.running.access().bigcommerce.clone();
    let body = json!({
        "producer": format!("stores/{}", access.store_hash), "scope": "store/order/created", "data": { "id": order },
        "note": PERSONAL[0].1, "secret": access.access_token,
    });
    assert_eq!(yard.hook("zqguessed-secret", &body), 401);
    assert_eq!(yard.hook(&access.client_secret, &body), 204);
    until("the order is a letter", || told().contains("letter"));
    yard.store.spoil(Spoil { times: 2, ..spoil(Method::GET, "/v2/orders", 500) });
    let next = yard.order().parse::<u64>().unwrap();
    let body = json!({ "producer": body["producer"], "scope": body["scope"], "data": { "id": next } });
    assert_eq!(yard.hook("zqnext+secret/of=hooks", &body), 204);
    until("the store has failed twice", || yard.store.left() == 0);
    child.end();
    yard.keep(&format!("service, {format}"), &fs::read(&out).unwrap(), &fs::read(&err).unwrap());
}

/// The other login, straight to the twin: what is signed is its address.
fn signed_by_token(yard: &mut Yard) {
    let twin = yard.world.running.access().netsuite.clone();
    let (mirror, tba) = (yard.erp.url.clone(), twin["tba"].as_object().unwrap().clone());
    let before = fs::read_to_string(yard.program.folder().join("flows/flowrun.yaml")).unwrap();
    yard.estate(|text| {
        let secrets = "{ consumer_key: env:TBA_1, consumer_secret: env:TBA_2, token_id: env:TBA_3, token_secret: env:TBA_4 }";
        let from = text.find("{ client_id: env:NETSUITE_CLIENT_ID").unwrap();
        let to = from + text[from..].find('}').unwrap() + 1;
        let text = format!("{}{secrets}{}", &text[..from], &text[to..]);
        text.replace(&mirror, twin["base_url"].as_str().unwrap()).replacen("auth: m2m", "auth: tba", 1)
    });
    let faults = [None, Some(Kind::ExpiredToken), Some(Kind::ErrorAfter)];
    for (at, fault) in faults.into_iter().enumerate() {
        let order = yard.order();
        if let Some(kind) = fault {
            let fault =
                Fault { platform: Platform::Netsuite, method: None, path: None, skip: 1, times: 1, kind };
            yard.world.running.shared().faults.plant(fault);
        }
        let arguments = ["exec", "orders", "--key", &order, "--data", "../journal"];
        let mut program = yard.at(&arguments);
        for (variable, name) in [
            ("TBA_1", "consumer_key"),
            ("TBA_2", "consumer_secret"),
            ("TBA_3", "token_id"),
            ("TBA_4", "token_secret"),
        ] {
            program = program.env(variable, tba[name].as_str().unwrap());
        }
        let said = program.run_in("flows");
        assert!(at > 0 || said.code == 0, "{}", said.err);
        yard.keep(&format!("signed by token, {at}"), said.out.as_bytes(), said.err.as_bytes());
    }
    yard.estate(|_| before);
}

/// Secrets where none should be: written into the estate, or of no use as a key.
fn mistakes(yard: &mut Yard) {
    let key = yard.world.running.access().netsuite["private_key"].as_str().unwrap().to_owned();
    let bad_key = yard
        .at(&["exec", "orders", "--key", "1"])
        .env("NETSUITE_PRIVATE_KEY", &key.replace("PRIVATE", "SECRET"));
    let said = bad_key.run_in("flows");
    assert_eq!(said.code, 5, "{}", said.err);
    yard.keep("a key that is none", said.out.as_bytes(), said.err.as_bytes());
    let before = fs::read_to_string(yard.program.folder().join("flows/flowrun.yaml")).unwrap();
    let token = yard.secrets[0].1.clone();
    for (at, form) in [token.clone(), format!("\"{token}"), format!("[{token}]"), format!("|\n  {token}")]
        .iter()
        .enumerate()
    {
        yard.estate(|text| text.replace("env:BIGCOMMERCE_TOKEN", form));
        for format in ["human", "json", "sarif", "github"] {
            let said = yard.run(&format!("inline {at}, {format}"), &["validate", "--format", format]);
            assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        }
        yard.estate(|_| before.clone());
    }
}

/// Columns of the journal that hold a canary, as `table.column`, with the canary's name.
fn columns(file: &Path, search: &Search) -> Vec<(String, String)> {
    let journal = Connection::open(file).unwrap();
    let mut tables = journal.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(tables.len() > 5, "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let mut all = journal.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let names: Vec<_> = all.column_names().map(|name| format!("{table}.{name}")).collect();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (at, name) in names.iter().enumerate() {
                let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(at).unwrap() else {
                    continue;
                };
                let here = search.found(bytes).into_iter();
                found.extend(here.map(|(canary, _)| (name.clone(), canary.to_owned())));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn no_canary_is_ever_seen_outside() {
    let mut yard = Yard::new();
    orders(&mut yard);
    service(&mut yard, "human");
    service(&mut yard, "json");
    signed_by_token(&mut yard);
    mistakes(&mut yard);

    let tokens: Vec<_> =
        yard.erp.tokens().into_iter().map(|token| ("access token".to_owned(), token)).collect();
    assert!(tokens.len() >= 3, "tokens were asked for: {}", tokens.len());
    // Of a token, its last part alone opens nothing, but it is no business of others either.
    let parts = tokens.iter().map(|(_, token)| {
        ("end of an access token".to_owned(), token.rsplit('.').next().unwrap()[..24].to_owned())
    });
    let secrets: Vec<_> = yard.secrets.iter().cloned().chain(parts).chain(tokens.iter().cloned()).collect();
    let secrets = Search::new(secrets.iter().map(|(name, text)| (&**name, &**text)));
    let personal = Search::new(PERSONAL.iter().copied());
    let mut leaks = Vec::new();
    for (place, bytes) in &yard.written {
        let mut found = secrets.found(bytes);
        // A letter shows what was sent, a rehearsal what would be; the journal is looked at column by column below.
        let whole = place.contains("letters show") || place.contains("a rehearsal");
        if place.contains(": standard ") && !whole {
            found.extend(personal.found(bytes));
        }
        leaks.extend(found.into_iter().map(|(name, form)| format!("{name}, {form}, in {place}")));
    }
    let journal =
        fs::read_dir(yard.program.folder().join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let journal: Vec<_> =
        journal.filter(|path| fs::read(path).unwrap().starts_with(b"SQLite format 3")).collect();
    assert_eq!(journal.len(), 1, "{journal:?}");
    let mut sealed = Vec::new();
    for (column, canary) in columns(&journal[0], &personal) {
        if SEALED.contains(&&*column) {
            sealed.push(canary);
        } else {
            leaks.push(format!("{canary} in the column {column}"));
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    assert!(sealed.contains(&"email".to_owned()), "the search finds what is there: {sealed:?}");
}
