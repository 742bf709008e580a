//! How fast and how cheap is a run of five nodes, through the engine and the journal on disk, when the world answers at
//! once? The journal is synced in full on a real file. Prints runs a second and CPU a run, and beside it what SQLite alone
//! takes to keep a row a run.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod measure;

use std::{
    path::Path,
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

/// Rows of one commit of raw SQLite.
const GROUP: u64 = 512;
/// Bytes of such a row.
const ROW: usize = 300;

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

/// What was measured: things a second, CPU microseconds each.
struct Figures {
    rate: f64,
    cpu: f64,
}

fn figures(name: &str, count: u64, began: Clock, used: Duration) -> Figures {
    let spent = measure::cpu(std::process::id()).saturating_sub(used);
    let (rate, cpu) =
        (count as f64 / began.elapsed().as_secs_f64(), spent.as_secs_f64() * 1e6 / count as f64);
    println!("{name}: {rate:.0} a second, {cpu:.1} us CPU each");
    Figures { rate, cpu }
}

/// SQLite alone: a row of the size of a past run each, in commits as large as the journal's groups, synced in full.
fn raw_sqlite(file: &Path, rows: u64) -> rusqlite::Result<Figures> {
    let connection = rusqlite::Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE past (run INTEGER PRIMARY KEY, body BLOB NOT NULL);",
    )?;
    let (began, used) = (Clock::now(), measure::cpu(std::process::id()));
    for group in 0..rows / GROUP {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut insert = connection.prepare_cached("INSERT INTO past VALUES (?1, ?2)")?;
        for row in 0..GROUP {
            insert.execute(rusqlite::params![(group * GROUP + row).cast_signed(), [7_u8; ROW]])?;
        }
        connection.execute_batch("COMMIT")?;
    }
    Ok(figures("raw SQLite, a row each, synced in full", rows / GROUP * GROUP, began, used))
}

async fn run(name: &str, plan: Arc<Plan>, journal: Arc<dyn Journal>, runs: u64) -> Figures {
    let order = Value::object([("total", Value::from("12.50")), ("number", Value::from(7))]);
    let world = Arc::new(Prompt { order, dice: AtomicU64::new(1) });
    let flow = Arc::clone(&plan.flow);
    let mut setup = Setup::new(vec![plan], world, journal);
    setup.policy = Policy { in_flight: 1024, ..Policy::default() };
    let engine = Engine::start(setup).expect("the engine starts");
    let (began, used) = (Clock::now(), measure::cpu(std::process::id()));
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
    figures(name, runs, began, used)
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let share = if measure::is_real() { 1 } else { 100 };
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-engine-{}", std::process::id()));
    runtime.block_on(async {
        for (name, plan) in
            [("five pure nodes", empty_flow()), ("read, decide, map, write, write", order_flow())]
        {
            run(&format!("{name}, memory"), Arc::clone(&plan), Arc::new(Memory::default()), 20_000 / share)
                .await;
            let journal = Arc::new(Sqlite::open(&place.join(&*plan.flow)).expect("the journal opens"));
            let own = run(&format!("{name}, SQLite synced in full"), plan, journal, 50_000 / share).await;
            let raw = raw_sqlite(&place.join(format!("{name}.db")), 51_200).expect("SQLite writes");
            println!("{name}: {:.1} times the CPU of raw SQLite", own.cpu / raw.cpu);
            if name == "five pure nodes" {
                measure::at_least("empty five-node runs a second", own.rate, 5000.0);
            }
        }
    });
    std::fs::remove_dir_all(&place).expect("the benchmark's folder goes");
}
