//! How fast and how cheap is a run of five nodes, through the engine and the journal on disk, when the world answers at
//! once? The journal is synced in full on a real file. Prints runs a second and CPU a run.

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench prints what it measured")]

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::{Duration, Instant as Clock, SystemTime},
};

use flowrun::{
    engine::{Engine, Offer, Permit, Policy, Setup, Waiting, World},
    event::{Answer, Failure, Instant, Request},
    journal::{Journal, Memory, Sqlite},
    plan::{Plan, Repeat},
    trial::sim::{PlanBuilder, Spec},
    value::Value,
};

/// A world that answers at once.
struct Prompt {
    order: Value,
    dice: AtomicU64,
}

impl World for Prompt {
    fn permit<'a>(&'a self, _: &'a Request) -> Waiting<'a, Permit> {
        Box::pin(std::future::ready(Permit::default()))
    }

    fn send<'a>(&'a self, _: &'a Request, _: Permit) -> Waiting<'a, Result<Answer, Failure>> {
        Box::pin(std::future::ready(Ok(Answer::One(self.order.clone()))))
    }

    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Instant(u64::try_from(since.as_millis()).unwrap_or(0))
    }

    fn sleep_until(&self, at: Instant) -> Waiting<'_, ()> {
        let wait = at.since(self.now());
        Box::pin(tokio::time::sleep(wait))
    }

    fn random(&self) -> u64 {
        self.dice.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
    }
}

fn order_flow() -> Arc<Plan> {
    let plan = PlanBuilder::new("orders")
        .node(Spec::read("order", "store.get_order").with("id", "{{ event.id }}"))
        .node(Spec::decide("ready", &[("yes", "{{ order.total == '12.50' }}")], "no").ignore("no", "not yet"))
        .node(Spec::map("total", "{{ order.total }}"))
        .node(
            Spec::write("create", "erp.put_sales", Repeat::Safe)
                .with("id", "{{ event.id }}")
                .with("total", "{{ total }}"),
        )
        .node(
            Spec::write("tag", "store.put_tag", Repeat::Safe)
                .with("id", "{{ event.id }}")
                .with("number", "{{ create.number }}"),
        );
    plan.build().expect("the plan of the benchmark is sound")
}

fn empty_flow() -> Arc<Plan> {
    let plan = (1..5).fold(PlanBuilder::new("empty").node(Spec::map("n0", "{{ event.id }}")), |plan, n| {
        plan.node(Spec::map(&format!("n{n}"), &format!("{{{{ n{} }}}}", n - 1)))
    });
    plan.build().expect("the plan of the benchmark is sound")
}

/// CPU seconds of this process so far; the kernel counts in hundredths.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

async fn measure(name: &str, plan: Arc<Plan>, journal: Arc<dyn Journal>, runs: u64) {
    let order = Value::object([("total", Value::from("12.50")), ("number", Value::from(7))]);
    let world = Arc::new(Prompt { order, dice: AtomicU64::new(1) });
    let flow = Arc::clone(&plan.flow);
    let mut setup = Setup::new(vec![plan], world, journal);
    setup.policy = Policy { in_flight: 1024, ..Policy::default() };
    let engine = Engine::start(setup).expect("the engine starts");
    let (began, used) = (Clock::now(), cpu());
    let gate = Arc::new(tokio::sync::Semaphore::new(1024));
    for id in 0..runs {
        let permit = Arc::clone(&gate).acquire_owned().await.expect("nobody closes the gate");
        let (engine, flow) = (engine.clone(), Arc::clone(&flow));
        tokio::spawn(async move {
            let body = Value::object([("id", Value::from(id as i64))]);
            engine.offer(Offer::new(flow, body)).await.expect("the event is taken");
            drop(permit);
        });
    }
    drop(gate.acquire_many(1024).await);
    engine.idle().await;
    assert!(engine.drain(Duration::from_secs(60)).await, "all runs finish");
    let (took, spent) = (began.elapsed().as_secs_f64(), cpu() - used);
    let count = runs as f64;
    println!("{name}: {:.0} runs/s, {:.1} us CPU a run", count / took, spent / count * 1e6);
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let folder: PathBuf =
        std::env::var_os("CARGO_TARGET_TMPDIR").map_or_else(|| "target/tmp".into(), PathBuf::from);
    runtime.block_on(async {
        for (name, plan) in
            [("five pure nodes", empty_flow()), ("read, decide, map, write, write", order_flow())]
        {
            measure(&format!("{name}, memory"), Arc::clone(&plan), Arc::new(Memory::default()), 20_000).await;
            let place = folder.join(format!("bench-{}-{}", plan.flow, std::process::id()));
            let journal = Arc::new(Sqlite::open(&place).expect("the journal opens"));
            measure(&format!("{name}, SQLite synced in full"), plan, journal, 50_000).await;
            std::fs::remove_dir_all(&place).expect("the benchmark's folder goes");
        }
    });
}
