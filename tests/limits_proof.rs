//! Limits, proved: six clients that know nothing of one another are refused by the twins; the same work through flowrun is not,
//! and while there is work the store's quota is used up to the last calls. The twins' ledger counts.

use std::{fs, sync::Arc, time::Duration};

use flowrun_sandbox::{
    Config, Running,
    bigcommerce::{self, Plan, Tender, Trade},
    ledger::{Entry, Platform},
    netsuite, start,
};
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::site::{Reach, Site, all_over, client, token};

/// Clients, and orders for each.
const CLIENTS: usize = 6;
const EACH: usize = 11;
/// How much faster than real time the twins' clock runs under flowrun: a window of 30 seconds lasts five.
const SPEED: u32 = 6;
/// Calls a window.
const QUOTA: u32 = 150;

async fn twins(speed: u32) -> Running {
    let config = Config {
        seed: 3,
        speed,
        bigcommerce: bigcommerce::Settings { plan: Plan::Plus, ..bigcommerce::Settings::default() },
        // A call keeps its slot for a while, as calls to the platform do.
        netsuite: netsuite::Settings { service_ms: 20, ..netsuite::Settings::default() },
        ..Config::default()
    };
    start(config).await.unwrap()
}

fn place(running: &Running) -> Vec<u64> {
    let trade = Trade { tender: Some(Tender::Card), status_id: Some(11), ..Trade::default() };
    (0..CLIENTS * EACH).map(|_| running.store().place(&trade).unwrap()).collect()
}

fn refused(running: &Running, platform: Platform) -> usize {
    let entries = running.shared().ledger.since(0);
    entries.iter().filter(|entry| entry.platform == platform && entry.status == 429).count()
}

/// What one client does for its orders, call after call: the reads of an order, and a look for its sales order.
async fn bare(reach: Arc<Reach>, token: String, orders: Vec<u64>) {
    let client = client();
    for order in orders {
        let order_url = format!("{}/v2/orders/{order}", reach.text("bigcommerce_url"));
        for part in ["", "/products", "/coupons", "/taxes?details=true", "/fees", "/shipping_addresses"] {
            let asked = client.get(format!("{order_url}{part}")).header("x-auth-token", reach.text("token"));
            asked.header("accept", "application/json").send().await.unwrap();
        }
        let sale =
            format!("{}/services/rest/record/v1/salesOrder/eid:main-{order}", reach.text("netsuite_url"));
        client.get(sale).bearer_auth(&token).send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn six_clients_are_refused_and_flowrun_is_not() {
    let running = twins(1).await;
    let (reached, orders) = (Arc::new(Reach::of(&running)), place(&running));
    let token = token(&reached).await;
    let mut clients = JoinSet::new();
    for own in orders.chunks(EACH) {
        clients.spawn(bare(Arc::clone(&reached), token.clone(), own.to_vec()));
    }
    clients.join_all().await;
    let calls = running.shared().ledger.since(0).len();
    let bare = [Platform::Bigcommerce, Platform::Netsuite].map(|platform| refused(&running, platform));

    let running = twins(SPEED).await;
    let reached = Reach::of(&running);
    let site = Site::new(&reached, "2s", QUOTA);
    shorten_the_window(&site);
    let mut served = site.serve(&reached).await;
    served.says("registered", 4).await;
    let orders = place(&running);
    let placed = running.shared().clock.now();
    all_over(&running, orders.len()).await;
    served.end().await;
    let entries = running.shared().ledger.since(0);
    let ours = [Platform::Bigcommerce, Platform::Netsuite].map(|platform| refused(&running, platform));
    let (used, windows) = quota_used(&entries, placed);
    println!(
        "
{QUOTA} calls in 30 s at the store, 5 at one time at the account       calls   refused by quota   by concurrency
  {CLIENTS} clients side by side                                        {calls:>7} {:>18} {:>16}
  flowrun, the work of {CLIENTS} clients and every write              {:>7} {:>18} {:>16}
  of the quota used while there was work: {:.1} % in {windows} windows",
        bare[0],
        bare[1],
        entries.len(),
        ours[0],
        ours[1],
        used * 100.0,
    );
    assert!(bare[0] > 0 && bare[1] > 0, "the limits bite: {bare:?}");
    assert_eq!(ours, [0, 0], "flowrun was refused");
    assert!(windows >= 3 && used > 0.9, "{used} of {windows} windows");
}

/// The connector knows the window's length in the platform's seconds; on this clock they are shorter.
fn shorten_the_window(site: &Site) {
    let file = site.folder().join("connectors/bigcommerce.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("every: 30s").count(), 1);
    fs::write(file, text.replace("every: 30s", &format!("every: {}s", 30 / SPEED))).unwrap();
}

/// How much of the store's quota was used from the first window that opened after `from` to the last one, and in how many windows.
fn quota_used(entries: &[Entry], from: Timestamp) -> (f64, usize) {
    const WINDOW: Duration = Duration::from_secs(30);
    let mut opened: Vec<(Timestamp, u32)> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.platform == Platform::Bigcommerce) {
        let at: Timestamp = entry.at.parse().unwrap();
        match opened.last_mut() {
            Some((open, used)) if at < *open + WINDOW => *used += 1,
            _ => opened.push((at, 1)),
        }
    }
    opened.retain(|(open, _)| *open >= from);
    let Some(last) = opened.pop() else { return (0.0, 0) };
    let Some(first) = opened.first() else { return (0.0, 0) };
    let spent: u32 = opened.iter().map(|(_, used)| used).sum();
    let span = last.0.duration_since(first.0).as_secs_f64();
    (f64::from(spent) / (f64::from(QUOTA) * span / WINDOW.as_secs_f64()), opened.len())
}
