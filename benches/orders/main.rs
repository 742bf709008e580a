//! Workload A: a webhook becomes a sales order of forty fields, in five or six HTTP calls. `flowrun exec`, durable on a real
//! file system, beside a bare client that does the same by hand and keeps nothing. Both are processes of their own; the stub
//! and the driver are in this one, so their CPU counts for nobody. Then the shipped orders flow against the sandbox.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]

mod bare;
#[path = "../measure/mod.rs"]
mod measure;
mod shipped;
mod stub;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use serde_json::Value;

use self::{
    measure::{
        Rounds, at_least, at_most,
        service::{Folder, PROGRAM, Service, free_port},
    },
    stub::{Hooks, Stub},
};

/// What proves a webhook.
const KEY: &str = "bench";
/// Rounds that count.
const ROUNDS: usize = 7;
/// Orders of a round, by how many are in flight.
const ORDERS: [(usize, u64); 2] = [(16, 4000), (1, 500)];

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    if let [_, role, port] = &arguments[..]
        && role == "bare"
    {
        return runtime.block_on(bare::serve(port, KEY)).map_err(|error| error.to_string());
    }
    runtime.block_on(async {
        workload().await?;
        shipped::run().await
    })
}

/// A client of one's own: connections kept alive, small packets sent at once.
fn client() -> Result<reqwest::Client, String> {
    // An error means that it was chosen before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder().no_proxy().tcp_nodelay(true).pool_max_idle_per_host(256);
    builder.build().map_err(|error| error.to_string())
}

/// A process that is measured, and what it works with.
struct Contender {
    name: &'static str,
    process: Process,
    stub: Arc<Stub>,
    hooks: Hooks,
    next: u64,
}

enum Process {
    Bare(Bare),
    Flowrun(Service),
}

/// The bare client's process, ended when this is dropped.
struct Bare(Child);

impl Drop for Bare {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What a round gave.
#[derive(Default)]
struct Figures {
    /// CPU microseconds an order.
    cpu: Rounds,
    /// Orders a second.
    rate: Rounds,
}

impl Contender {
    async fn round(&mut self, in_flight: usize, orders: u64, into: &mut Figures) -> Result<(), String> {
        let before = measure::cpu(self.id());
        let took = stub::drive(&self.stub, &self.hooks, self.next..self.next + orders, in_flight).await?;
        self.next += orders;
        let spent = measure::cpu(self.id()).saturating_sub(before);
        into.cpu.add(spent.as_secs_f64() * 1e6 / orders as f64);
        into.rate.add(orders as f64 / took.as_secs_f64());
        Ok(())
    }

    fn id(&self) -> u32 {
        match &self.process {
            Process::Bare(bare) => bare.0.id(),
            Process::Flowrun(service) => service.id(),
        }
    }

    fn memory(&self, field: &str) -> f64 {
        measure::memory(self.id(), field)
    }
}

async fn bare() -> Result<Contender, String> {
    let (stub, port) = Stub::start().await.map_err(|error| error.to_string())?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["bare", &port.to_string()]).stdout(Stdio::piped());
    let mut bare = Bare(command.spawn().map_err(|error| error.to_string())?);
    let mut address = String::new();
    let out = bare.0.stdout.take().ok_or("the bare client has no output")?;
    BufReader::new(out).read_line(&mut address).map_err(|error| error.to_string())?;
    let hooks = Hooks { client: client()?, url: format!("http://{}/hooks/shop", address.trim()), key: KEY };
    Ok(Contender { name: "bare client", process: Process::Bare(bare), stub, hooks, next: 1 })
}

async fn flowrun(folder: &Folder) -> Result<Contender, String> {
    let (stub, port) = Stub::start().await.map_err(|error| error.to_string())?;
    let own = free_port()?;
    let file = folder.0.join("flowrun.yaml");
    let estate = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let estate = estate.replace("@STUB@", &port.to_string()).replace("@PORT@", &own.to_string());
    fs::write(&file, estate).map_err(|error| error.to_string())?;
    let mut command = Command::new(PROGRAM);
    let mut service =
        Service::start(command.env("BENCH_TOKEN", "bench").env("BENCH_HOOK_KEY", KEY), &folder.0)?;
    service.let_talk();
    let hooks = Hooks { client: client()?, url: format!("http://127.0.0.1:{own}/hooks/shop"), key: KEY };
    Ok(Contender { name: "flowrun", process: Process::Flowrun(service), stub, hooks, next: 1 })
}

async fn workload() -> Result<(), String> {
    let folder = Folder::with("benches/orders/estate")?;
    let mut both = [bare().await?, flowrun(&folder).await?];
    let (rounds, share) = if measure::is_real() { (ROUNDS, 1) } else { (1, 20) };
    for contender in &mut both {
        let warm = ORDERS[0].1 / share / 2;
        contender.round(16, warm, &mut Figures::default()).await?;
    }
    alike(&both[0].stub, &both[1].stub)?;
    println!(
        "{:<12} {:<9} {:>26} {:>30} {:>16}",
        "workload A", "in flight", "CPU us an order", "orders/s", "calls an order"
    );
    let mut ratios = Vec::new();
    for (in_flight, orders) in ORDERS {
        let mut figures = [Figures::default(), Figures::default()];
        for _ in 0..rounds {
            for (contender, figures) in both.iter_mut().zip(&mut figures) {
                contender.round(in_flight, orders / share, figures).await?;
            }
        }
        for (contender, figures) in both.iter().zip(&figures) {
            let calls = contender.stub.counts().0 as f64 / (contender.next - 1) as f64;
            let (cpu, rate) = (figures.cpu.told(0), figures.rate.told(0));
            println!("{:<12} {in_flight:<9} {cpu:>26} {rate:>30} {calls:>16.2}", contender.name);
        }
        let [bare, own] = &figures;
        let (cpu, rate) = (own.cpu.over(&bare.cpu), own.rate.over(&bare.rate));
        println!("{:<12} {in_flight:<9} {:>26} {:>30}", "ratio", cpu.told(2), rate.told(2));
        ratios.push((cpu.median(), rate.median()));
    }
    for contender in &both {
        let (peak, now) = (contender.memory("VmHWM"), contender.memory("VmRSS"));
        println!("{:<12} peak memory {peak:.1} MiB, now {now:.1} MiB", contender.name);
        let (calls, bad) = contender.stub.counts();
        if bad > 0 {
            return Err(format!("{}: {bad} of {calls} calls were refused", contender.name));
        }
    }
    let (cpu, rate) = ratios[0];
    at_most("CPU an order, times the bare client's (16 in flight)", cpu, 3.0);
    at_least("orders/s, times the bare client's (16 in flight)", rate, 0.5);
    at_most("peak memory in MiB", both[1].memory("VmHWM"), 40.0);
    Ok(())
}

/// Both must have sent the same sales orders, or they are not at the same work.
fn alike(one: &Stub, other: &Stub) -> Result<(), String> {
    let (one, other) = (one.kept(), other.kept());
    if one.is_empty() || !one.keys().eq(other.keys()) {
        return Err("the two did not send the same orders".into());
    }
    match one.iter().find(|(id, order)| !same(order, &other[*id])) {
        Some((id, order)) => Err(format!("order {id} differs:\n{order}\n{}", other[id])),
        None => Ok(()),
    }
}

/// Whether two values are the same; numbers by what they are worth.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let alike = |(key, value)| other.get(key).is_some_and(|found| same(value, found));
            one.len() == other.len() && one.iter().all(alike)
        }
        _ => one == other,
    }
}
