//! An engine over a compiled estate: plans pinned in the journal with the sources they were made from, so that a run that
//! was begun finishes by the very flow it began with.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use crate::{
    compile::{Compiled, compile},
    engine::{Engine, Error, Permit, Setup, Waiting, World},
    estate::Memory,
    event::{Answer, Failure, Instant, Request, Why},
    journal::Journal,
    plan::Plan,
    value::{Hash, Value},
    wire::Wire,
};

/// A world in which some connections cannot be reached, as no secret for them is here: runs that need one wait, and burn nothing.
pub(super) struct Reach {
    pub(super) wire: Arc<Wire>,
    /// Connections that cannot be reached.
    pub(super) shut: BTreeSet<Arc<str>>,
}

impl Reach {
    /// The world for an engine.
    pub(super) fn world(self) -> Arc<dyn World> {
        if self.shut.is_empty() { self.wire } else { Arc::new(self) }
    }
}

impl World for Reach {
    fn permit<'a>(&'a self, request: &'a Request) -> Waiting<'a, Permit> {
        if self.shut.contains(&request.connection) {
            return Box::pin(std::future::pending());
        }
        self.wire.permit(request)
    }

    fn send<'a>(&'a self, request: &'a Request, permit: Permit) -> Waiting<'a, Result<Answer, Failure>> {
        self.wire.send(request, permit)
    }

    fn now(&self) -> Instant {
        World::now(&*self.wire)
    }

    fn sleep_until(&self, at: Instant) -> Waiting<'_, ()> {
        self.wire.sleep_until(at)
    }

    fn random(&self) -> u64 {
        World::random(&*self.wire)
    }

    fn shut<'a>(&'a self, connection: &'a str) -> Waiting<'a, ()> {
        if self.shut.contains(connection) {
            return Box::pin(std::future::ready(()));
        }
        World::shut(&*self.wire, connection)
    }

    fn held(&self, connection: &str) -> bool {
        self.shut.contains(connection) || self.wire.held(connection)
    }
}

/// Where a bundle's files are put back.
const ROOT: &str = "/pinned";

/// Starts an engine with every plan of the estate.
pub(super) fn start(
    compiled: &Compiled,
    world: Arc<dyn World>,
    journal: Arc<dyn Journal>,
) -> Result<Engine, Error> {
    let mut new = Vec::new();
    for plan in &compiled.plans {
        if journal.pinned(plan.print)?.is_none() {
            new.push((plan.print, Arc::clone(&plan.flow), bundle(compiled, plan)));
        }
    }
    journal.pin_all(&new)?;
    let store = Arc::clone(&journal);
    let mut setup = Setup::new(compiled.plans.clone(), world, journal);
    setup.pinned = Arc::new(move |print: Hash| unbundle(&store.pinned(print).ok()??));
    Engine::start(setup)
}

/// Waits until nothing runs and nothing waits for a moment that comes soon; what waits for an item or a person may wait.
pub(super) async fn settled(engine: &Engine) {
    loop {
        engine.idle().await;
        if is_quiet(engine.journal().as_ref()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether no run is at work, or waits for a moment that comes soon.
pub(super) fn is_quiet(journal: &dyn Journal) -> bool {
    let open = journal.open().unwrap_or_default();
    open.iter().all(|run| run.parked().is_some_and(|parked| parked.why != Why::Timer))
}

/// Everything that a plan was made from: file names and texts, the environment, the flow. Secrets are references there.
fn bundle(compiled: &Compiled, plan: &Plan) -> String {
    let files =
        compiled.sources.iter().map(|source| (place(&source.name), Value::from(Arc::clone(&source.text))));
    let files: BTreeMap<String, Value> = files.collect();
    Value::object([
        ("flow", Value::from(Arc::clone(&plan.flow))),
        ("environment", compiled.estate.environment.clone().map_or(Value::Null, Value::from)),
        ("files", Value::object(files)),
    ])
    .to_json()
}

/// A file's place in a bundle: below the estate's own file, whatever folder it came from.
fn place(name: &str) -> String {
    format!("{ROOT}/files/{}", name.replace(['<', '>'], "_").replace("..", "_"))
}

fn unbundle(bytes: &[u8]) -> Option<Arc<Plan>> {
    let bundle = Value::parse(bytes).ok()?;
    let mut files = Memory::default();
    for (path, text) in bundle.get("files")?.as_map()? {
        files = files.with(PathBuf::from(&**path), text.as_str()?.as_bytes());
    }
    let environment = bundle.get("environment").and_then(Value::as_str);
    let compiled = compile(&files, &[PathBuf::from(ROOT)], environment);
    compiled.plan(bundle.get("flow")?.as_str()?).map(Arc::clone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{estate::Files as _, estate::SHIPPED};

    #[test]
    fn a_plan_comes_back_from_its_bundle() {
        let compiled = compile(&SHIPPED, &[PathBuf::from("/flows")], Some("sandbox"));
        assert!(SHIPPED.is_file(&PathBuf::from("/flows/flowrun.yaml")));
        let plan = compiled.plan("orders").expect("the shipped orders flow compiles");
        let back = unbundle(bundle(&compiled, plan).as_bytes()).expect("its bundle compiles");
        assert_eq!(back.print, plan.print, "by the very same print");
        let names = |plan: &Plan| plan.nodes.iter().map(|node| Arc::clone(&node.name)).collect::<Vec<_>>();
        assert_eq!(names(&back), names(plan));
    }
}
