//! The demo's site: the shipped estate led to the twins, and a service on it. In: where the twins are. Out: a running service.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use flowrun_sandbox::Access;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    cli::{engine, estate, sandbox},
    compile::{Compiled, compile},
    engine::Engine,
    estate::{FILE, Files as _, Memory, SHIPPED},
    journal::{Journal, Sqlite},
    serve::{Said, Service, Setup},
    syntax, trigger,
};

/// How long runs may go on after the day.
const GRACE: Duration = Duration::from_secs(5);
/// The shortest `every` on a fast clock: a poll is still a call.
const SHORTEST: Duration = Duration::from_secs(3);

/// A service on the twins.
pub(super) struct Site {
    service: Service,
    said: UnboundedReceiver<Said>,
    engine: Engine,
    hooks: usize,
}

impl Site {
    /// Starts the service on a free port.
    pub(super) fn open(compiled: &Compiled, access: &Access, folder: &Path) -> Result<Self, String> {
        let known = sandbox::secrets(access);
        let flows = compiled.plans.clone();
        let needs = trigger::needs(flows.iter().map(|plan| &**plan));
        let hooks = needs.values().map(BTreeSet::len).sum();
        let secrets = estate::hook_secrets(compiled, &needs, &known).map_err(|error| error.to_string())?;
        let wire = Arc::new(estate::wire(compiled, &known).map_err(|error| error.to_string())?);
        let journal: Arc<dyn Journal> = Arc::new(Sqlite::open(folder).map_err(|error| error.to_string())?);
        let engine = engine::start(compiled, wire.clone(), journal).map_err(|error| error.to_string())?;
        let address = free().map_err(|error| format!("no port is free: {error}"))?;
        let setup = Setup {
            flows,
            engine: engine.clone(),
            wire,
            address,
            public_url: Some(format!("http://{address}").into()),
            secrets,
            urgency: BTreeMap::new(),
        };
        let (service, said) = Service::start(setup).map_err(|error| error.to_string())?;
        Ok(Self { service, said, engine, hooks })
    }

    /// Waits until every webhook is registered at the platform.
    pub(super) async fn listens(&mut self) {
        let mut registered = 0;
        while registered < self.hooks {
            match self.said.recv().await {
                Some(Said::Registered { .. }) => registered += 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    /// Waits until nothing runs and nothing waits to run.
    pub(super) async fn idle(&self) {
        self.engine.idle().await;
    }

    pub(super) fn journal(&self) -> &dyn Journal {
        self.engine.journal().as_ref()
    }

    /// Ends the service; what was cut off stays in the journal.
    pub(super) async fn close(self) {
        self.service.stop(GRACE).await;
    }
}

/// An address that nobody has: platforms must be told it before the service listens there.
fn free() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// The shipped estate, its connections led to the twins, the waits of its flows divided by the speed of the clock.
pub(super) fn compiled(access: &Access, speed: u32) -> Result<Compiled, String> {
    let mut files = Memory::default();
    for path in SHIPPED.list(&PathBuf::from("/")).map_err(|error| error.to_string())? {
        let bytes = SHIPPED.read(&path).map_err(|error| error.to_string())?.into_owned();
        let flow = String::from_utf8(bytes.clone())
            .ok()
            .filter(|text| text.lines().any(|line| line.starts_with("flow: ")));
        files = match flow {
            Some(text) => files.with(&path, quicker(&text, speed)),
            None => files.with(&path, bytes),
        };
    }
    files = files.with(PathBuf::from("/flows").join(FILE), own_estate(access));
    Ok(compile(&files, &[PathBuf::from("/flows")], None))
}

/// A flow whose polls, retries and remembered answers keep pace with a clock that runs so much faster.
fn quicker(text: &str, speed: u32) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some((key, at)) =
        ["every: ", "fresh: "].iter().filter_map(|key| Some((key, rest.find(key)?))).min_by_key(|(_, at)| *at)
    {
        let (before, after) = rest.split_at(at + key.len());
        let end = after.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(after.len());
        out.push_str(before);
        match syntax::duration(&after[..end]) {
            Some(wait) => {
                let least = if *key == "every: " { SHORTEST.min(wait) } else { Duration::from_millis(1) };
                let _ = write!(out, "{}ms", (wait / speed.max(1)).max(least).as_millis());
            }
            None => out.push_str(&after[..end]),
        }
        rest = &after[end..];
    }
    out + rest
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_divided_and_nothing_else() {
        let flow = "every: 10m # poll\n retry: { every: 60m, for: 3d }\n fresh: 600ms\n every: soon";
        let quick = "every: 3000ms # poll\n retry: { every: 6000ms, for: 3d }\n fresh: 1ms\n every: soon";
        assert_eq!(quicker(flow, 600), quick);
        assert_eq!(quicker(flow, 1), flow.replace("10m", "600000ms").replace("60m", "3600000ms"));
    }
}
