//! `flowrun demo`: twins of both platforms on free ports, the shipped flows, orders of every kind, and the twins' own count
//! of what came of them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use flowrun_sandbox::{
    Access, Config, Running,
    bigcommerce::{self, Trade},
    fault::{Fault, Kind},
    ledger::Platform,
    start,
};
use serde_json::{Value as Json, json};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    Streams,
    args::{Common, Demo, Format},
    engine, estate,
    exit::Exit,
    sandbox,
};
use crate::{
    compile::{Compiled, compile},
    engine::{Engine, Offer},
    estate::{FILE, Files as _, Memory, SHIPPED},
    event::Why,
    journal::{Journal, Sqlite},
    story::{Live, What},
    value::Value,
};

pub(super) async fn run(args: &Demo, common: &Common, streams: &mut Streams) -> Exit {
    match play(args, common, streams).await {
        Ok(exit) => exit,
        Err(told) => {
            streams.say(format!("flowrun: {told}"));
            Exit::CannotStart
        }
    }
}

async fn play(args: &Demo, common: &Common, streams: &mut Streams) -> Result<Exit, String> {
    let say = common.format != Format::Json;
    let running = start(config(args)).await.map_err(|error| error.to_string())?;
    let compiled = shipped(running.access());
    if let Some(exit) = estate::refuse(&compiled, common, streams) {
        return Ok(exit);
    }
    let folder = Folder::new()?;
    let journal: Arc<dyn Journal> = Arc::new(Sqlite::open(&folder.0).map_err(|error| error.to_string())?);
    let wire =
        estate::wire(&compiled, &sandbox::secrets(running.access())).map_err(|error| error.to_string())?;
    let engine = engine::start(&compiled, Arc::new(wire), journal).map_err(|error| error.to_string())?;
    if say {
        streams.say(format!(
            "twins of BigCommerce and NetSuite are up; look inside at {}",
            running.access().admin.base_url
        ));
        streams.say(format!(
            "placing {} orders of every kind, each one a run of `orders` over HTTP",
            args.orders
        ));
    }
    let began = Instant::now();
    plant(&running);
    let mut stories = engine.stories();
    trade(args, &running, &engine).await?;
    tokio::select! {
        () = engine::settled(&engine) => {}
        () = progress(&mut stories, args.orders, say, streams) => {}
        () = super::interrupted() => return Ok(Exit::Interrupted),
    }
    let letters = parked(engine.journal().as_ref())?;
    engine.drain(Duration::from_secs(5)).await;
    let told = Told {
        args,
        letters,
        recount: running.recount(&[]),
        faults: faults(&running),
        took: began.elapsed(),
    };
    if say {
        streams.show(&told.table());
    } else {
        streams.give(told.json().to_string());
    }
    running.stop().map_err(|error| error.to_string())?;
    Ok(if told.is_well() { Exit::Done } else { Exit::Problems })
}

fn config(args: &Demo) -> Config {
    Config {
        seed: args.seed,
        bigcommerce: bigcommerce::Settings {
            store_hash: "demo".into(),
            plan: bigcommerce::Plan::Unlimited,
            ..bigcommerce::Settings::default()
        },
        ..Config::default()
    }
}

/// The shipped estate, its connections led to the twins.
fn shipped(access: &Access) -> Compiled {
    let mut files = Memory::default();
    for path in SHIPPED.list(&PathBuf::from("/")).unwrap_or_default() {
        if let Ok(bytes) = SHIPPED.read(&path) {
            files = files.with(&path, bytes.into_owned());
        }
    }
    files = files.with(PathBuf::from("/flows").join(FILE), own_estate(access));
    compile(&files, &[PathBuf::from("/flows")], None)
}

fn own_estate(access: &Access) -> String {
    let netsuite = |key: &str| access.netsuite[key].as_str().unwrap_or_default().to_owned();
    format!(
        "estate: demo
environment: twins
environments:
  twins:
    connections:
      bigcommerce:
        connector: bigcommerce
        url: {}
        allow_private: true
        settings: {{ store_hash: {}, code: main, settle: 2s, quota: 1000000 }}
        secrets: {{ token: env:BIGCOMMERCE_TOKEN, client_secret: env:BIGCOMMERCE_CLIENT_SECRET }}
      netsuite:
        connector: netsuite
        url: {}
        allow_private: true
        auth: m2m
        settings: {{ account: {}, settle: 2s }}
        secrets: {{ client_id: env:NETSUITE_CLIENT_ID, certificate_id: env:NETSUITE_CERTIFICATE_ID, private_key: env:NETSUITE_PRIVATE_KEY }}
",
        access.bigcommerce.base_url,
        access.bigcommerce.store_hash,
        netsuite("base_url"),
        netsuite("account").to_lowercase().replace('_', "-"),
    )
}

/// Places orders, and tells the engine of each.
async fn trade(args: &Demo, running: &Running, engine: &Engine) -> Result<(), String> {
    for _ in 0..args.orders {
        let order = running.store().place(&Trade::default())?;
        let order = i64::try_from(order).unwrap_or(i64::MAX);
        let event = Value::object([("order_id", Value::from(order))]);
        engine.offer(Offer::new("orders", event)).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// A folder that goes away with the demo.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("flowrun-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Things that go wrong in a day: connections cut before and after the work was done, errors, refusals, an old token.
fn plant(running: &Running) {
    let planted = [
        (Platform::Netsuite, "PUT", "salesOrder/eid:", 2, Kind::ResetAfter),
        (Platform::Netsuite, "PUT", "salesOrder/eid:", 7, Kind::ErrorAfter),
        (Platform::Netsuite, "PUT", "salesOrder/eid:", 11, Kind::ResetBefore),
        (Platform::Netsuite, "POST", "suiteql", 15, Kind::TooMany),
        (Platform::Netsuite, "POST", "suiteql", 25, Kind::ExpiredToken),
        (Platform::Bigcommerce, "GET", "/products", 5, Kind::ErrorBefore),
        (Platform::Bigcommerce, "PUT", "/v2/orders/", 6, Kind::ResetAfter),
    ];
    for (platform, method, path, skip, kind) in planted {
        let (method, path) = (Some(method.to_owned()), Some(path.to_owned()));
        running.shared().faults.plant(Fault { platform, method, path, skip, times: 1, kind });
    }
}

/// The faults that were played, by kind, as the ledger has them.
fn faults(running: &Running) -> BTreeMap<String, u32> {
    let mut played = BTreeMap::new();
    for fault in running.shared().ledger.since(0).into_iter().filter_map(|entry| entry.fault) {
        *played.entry(fault).or_default() += 1;
    }
    played
}

/// Reasons of the runs that are parked, and how many orders each holds up.
fn parked(journal: &dyn Journal) -> Result<BTreeMap<String, u32>, String> {
    let mut reasons = BTreeMap::new();
    for open in journal.open().map_err(|error| error.to_string())? {
        let Some(parked) = open.parked().filter(|parked| parked.why != Why::Later) else { continue };
        let reason = parked
            .letters
            .first()
            .map_or_else(String::new, |letter| format!("{}: {}", letter.node, letter.message));
        *reasons.entry(reason).or_default() += 1;
    }
    Ok(reasons)
}

/// Tells how far it is, until nobody tells any more.
async fn progress(stories: &mut Receiver<Live>, orders: u32, say: bool, streams: &mut Streams) {
    let (mut done, step) = (0, (orders / 5).max(1));
    loop {
        match stories.recv().await {
            Ok(live)
                if &*live.flow == "orders"
                    && matches!(live.what, What::Ended { .. } | What::Parked { .. }) =>
            {
                done += 1;
                if say && done % step == 0 {
                    streams.say(format!("  {done} runs of {orders} are through"));
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// What came of the day.
struct Told<'a> {
    args: &'a Demo,
    letters: BTreeMap<String, u32>,
    recount: Json,
    faults: BTreeMap<String, u32>,
    took: Duration,
}

impl Told<'_> {
    fn count(&self, what: &str) -> u64 {
        let found = &self.recount[what];
        found.as_u64().unwrap_or_else(|| found.as_array().map_or(0, |all| all.len() as u64))
    }

    /// Everything that should be there is there once, or waits with a reason.
    fn is_well(&self) -> bool {
        let wrong = ["several", "different_total", "exported_but_not_wanted", "sales_orders_of_no_order"];
        let waiting: u64 = self.letters.values().map(|count| u64::from(*count)).sum();
        wrong.iter().all(|what| self.count(what) == 0) && self.count("missing") <= waiting
    }

    fn json(&self) -> Json {
        json!({
            "orders": self.args.orders, "exported": self.count("wanted"), "sales_orders": self.count("once"),
            "written_back": self.count("tagged"), "duplicated": self.count("several"), "lost": self.count("missing"),
            "totals_off": self.count("different_total"),
            "unwanted": self.count("exported_but_not_wanted") + self.count("sales_orders_of_no_order"),
            "dead_letters": self.letters, "faults": self.faults, "seconds": self.took.as_secs_f64(),
        })
    }

    fn table(&self) -> String {
        let faults: Vec<String> =
            self.faults.iter().map(|(kind, count)| format!("{count} {}", kind.replace('_', " "))).collect();
        let rows = [
            ("orders placed", self.args.orders.to_string()),
            ("of them to be exported", self.count("wanted").to_string()),
            ("sales orders, one for each", self.count("once").to_string()),
            ("with their number back on the order", self.count("tagged").to_string()),
            ("doubled", self.count("several").to_string()),
            ("missing", self.count("missing").to_string()),
            ("with another total", self.count("different_total").to_string()),
            ("that went wrong on the way", faults.join(", ")),
            ("seconds", format!("{:.1}", self.took.as_secs_f64())),
        ];
        let mut out = String::from("\nwhat the platforms' own records say:\n");
        for (what, count) in rows {
            let _ = writeln!(out, "  {what:<38} {count}");
        }
        for (reason, count) in &self.letters {
            let _ = writeln!(out, "  waiting for somebody ({count}): {reason}");
        }
        out.push_str("\nnext: `flowrun sandbox` keeps the platforms up; `flowrun graph orders --as svg -o orders.svg` draws the flow\n");
        out
    }
}
