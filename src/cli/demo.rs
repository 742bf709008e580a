//! `flowrun demo`: twins of both platforms on free ports, the shipped flows, orders of every kind, and the twins' own count
//! of what came of them.

use std::{path::PathBuf, sync::Arc};

use flowrun_sandbox::{
    Access, Config, Running,
    bigcommerce::{self, Trade},
    start,
};

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
    journal::{Journal, Sqlite},
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
    trade(args, &running, &engine).await?;
    engine.idle().await;
    let summary = running.recount(&[]);
    if say {
        streams.say(format!("{summary:#}"));
    } else {
        streams.give(summary.to_string());
    }
    engine.drain(std::time::Duration::from_secs(5)).await;
    running.stop().map_err(|error| error.to_string())?;
    Ok(Exit::Done)
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
        settings: {{ store_hash: {}, code: main, settle: 2s }}
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
