//! The shipped orders flow, unchanged, against the sandbox: what one order costs in CPU and memory from its first webhook to
//! the tag on the order, and with what comes after (the store tells of our own tag, and that run finds nothing to do).

use std::time::{Duration, Instant};

use flowrun_sandbox::bigcommerce::{Tender, Trade};

use crate::measure::{self, Rounds, service::Shop};

/// Rounds that count, after one that does not.
const ROUNDS: usize = 5;
/// Orders of a round, placed at one time.
const ORDERS: usize = 100;
/// Only ends a benchmark that would hang.
const LIMIT: Duration = Duration::from_secs(120);
/// Nothing happens any more if it took no CPU for so long.
const QUIET: Duration = Duration::from_millis(500);

pub(crate) async fn run() -> Result<(), String> {
    let shop = Shop::open().await?;
    let mut service = shop.serve()?;
    service.let_talk();
    let (rounds, orders) = if measure::is_real() { (ROUNDS, ORDERS) } else { (1, 5) };
    let calls = || shop.sandbox.shared().ledger.read(<[_]>::len);
    let (mut cpu, mut rate, mut placed) = (Rounds::default(), Rounds::default(), 0);
    for round in 0..=rounds {
        let (before, began) = (measure::cpu(service.id()), Instant::now());
        for _ in 0..orders {
            let trade = Trade { tender: Some(Tender::Card), status_id: Some(11), ..Trade::default() };
            shop.sandbox.store().place(&trade)?;
        }
        placed += orders;
        all_tagged(&shop, placed, began).await?;
        let took = began.elapsed();
        quiet(service.id()).await;
        if round > 0 {
            let spent = measure::cpu(service.id()).saturating_sub(before);
            cpu.add(spent.as_secs_f64() * 1e6 / orders as f64);
            rate.add(orders as f64 / took.as_secs_f64());
        }
    }
    let calls = calls() as f64 / placed as f64;
    let peak = measure::memory(service.id(), "VmHWM");
    println!(
        "shipped flow: CPU us an order {}, orders/s {}, {calls:.1} calls an order, peak memory {peak:.1} MiB",
        cpu.told(0),
        rate.told(0)
    );
    Ok(())
}

async fn all_tagged(shop: &Shop, placed: usize, began: Instant) -> Result<(), String> {
    loop {
        let count = shop.sandbox.recount(&[]);
        if count["wanted"] == placed && count["once"] == placed && count["tagged"] == placed {
            return Ok(());
        }
        if began.elapsed() > LIMIT {
            return Err(format!("not all of {placed} orders went over within {LIMIT:?}: {count:#}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a process does nothing any more.
async fn quiet(process: u32) {
    loop {
        let before = measure::cpu(process);
        tokio::time::sleep(QUIET).await;
        if measure::cpu(process) == before {
            return;
        }
    }
}
