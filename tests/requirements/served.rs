//! Requirements that show in a service. In: an estate. Out: whether it meets one, served against both twins.

use std::{collections::BTreeSet, fs, thread, time::Duration};

use flowrun_sandbox::{
    bigcommerce::{Tender, Trade},
    fault::{Fault, Kind},
    ledger::Platform,
};
use serde_json::json;

use super::{Estate, Verdict, want};
use crate::service::Shop;

/// Waits for what must come: a minute; with a slip, when it need not come, less.
fn comes(estate: Estate, mut holds: impl FnMut() -> bool) -> bool {
    let rounds = if estate.0.is_some() { 400 } else { 3000 };
    for _ in 0..rounds {
        if holds() {
            return true;
        }
        thread::park_timeout(Duration::from_millis(20));
    }
    false
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// Every wanted order is over there once.
fn over(shop: &Shop) -> bool {
    let count = shop.running.recount(&[]);
    count["wanted"] == count["once"] && count["tagged"] == count["once"]
}

/// `NetSuite` takes an hour for every answer.
fn stall(shop: &Shop) {
    let fault = Fault {
        platform: Platform::Netsuite,
        method: None,
        path: None,
        skip: 0,
        times: 99,
        kind: Kind::Slow(3_600_000),
    };
    shop.running.shared().faults.plant(fault);
}

/// Takes the webhooks out of the orders flow, and lets it poll every second.
fn polls_only(shop: &Shop) {
    let path = shop.folder.path().join("bigcommerce-netsuite/orders.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("    - webhook: ").unwrap();
    let (_, poll) = rest.split_once("    - poll: ").unwrap();
    let poll = poll.replacen("every: 10m", "every: 1s", 1).replacen("start: now ", "start: all ", 1);
    fs::write(path, format!("{head}    - poll: {poll}")).unwrap();
}

fn place_unpaid(shop: &Shop) -> u64 {
    let trade = Trade { tender: Some(Tender::Card), status_id: Some(7), ..Trade::default() };
    shop.running.store().place(&trade).unwrap()
}

/// Webhooks are answered once they are on disk, whatever the work behind them does.
pub(super) fn hooks_are_answered_before_the_work(estate: Estate) -> Verdict {
    runtime().block_on(async {
        let shop = Shop::open().await;
        estate.slip_in(shop.folder.path());
        stall(&shop);
        let served = shop.serve();
        let secret = shop.running.access().bigcommerce.client_secret.clone();
        for id in 9001..9101 {
            let hook = shop.hook("store/order/created", id);
            let status = shop.post("/hooks/bigcommerce", &secret, &hook).await;
            want(status == 204, || format!("hook {id} is answered {status}"))?;
        }
        let wanted: BTreeSet<String> = (9001..9101).map(|id: u64| id.to_string()).collect();
        let kept = shop.keys();
        served.kill();
        want(kept.is_superset(&wanted), || format!("of 100 events {} are on disk", kept.len()))
    })
}

/// The store has switched our webhook off while nobody listened.
pub(super) fn outage_of_hooks(estate: Estate) -> Verdict {
    runtime().block_on(async {
        let shop = Shop::open().await;
        estate.slip_in(shop.folder.path());
        let served = shop.serve();
        served.says("registered", 5);
        assert_eq!(served.end(), Some(0));
        for scope in [
            "store/order/created",
            "store/order/updated",
            "store/order/statusUpdated",
            "store/order/transaction/created",
        ] {
            shop.switch_off(scope).await;
        }
        for _ in 0..3 {
            shop.place_wanted();
        }
        let served = shop.serve();
        served.says("enabled", 4);
        let all = comes(estate, || over(&shop));
        served.kill();
        want(all, || format!("{:#}", shop.running.recount(&[])))
    })
}

/// Only the poll tells: an order of long ago is paid now.
pub(super) fn delta_window(estate: Estate) -> Verdict {
    runtime().block_on(async {
        let shop = Shop::open().await;
        estate.slip_in(shop.folder.path());
        polls_only(&shop);
        let waiting: Vec<u64> = (0..3).map(|_| place_unpaid(&shop)).collect();
        shop.place_wanted();
        let served = shop.serve();
        let told = || waiting.iter().all(|order| !served.outcomes(*order).is_empty());
        let first = comes(estate, || over(&shop) && told());
        shop.running.shared().clock.advance(Duration::from_secs(3600));
        shop.place_wanted();
        let second = comes(estate, || over(&shop) && shop.running.recount(&[])["wanted"] == json!(2));
        for order in &waiting {
            shop.running.store().set_order_status(*order, 11).unwrap();
        }
        let all = first
            && second
            && comes(estate, || over(&shop) && shop.running.recount(&[])["wanted"] == json!(5));
        served.kill();
        want(all, || format!("{:#}", shop.running.recount(&[])))
    })
}
