//! What people start by hand: a rehearsal that writes nothing, a poll over an older window. The real program, both twins in this
//! process; the judge is their ledger.

use std::process::Output;

use flowrun_sandbox::{
    bigcommerce::{Tender, Trade},
    ledger::Platform,
};
use serde_json::Value;

use crate::service::{Shop, until};

fn ran(shop: &Shop, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = shop.command().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn paid() -> Trade {
    Trade { tender: Some(Tender::Card), status_id: Some(11), ..Trade::default() }
}

/// Requests in the ledger that changed something.
fn writes(shop: &Shop) -> usize {
    shop.running.shared().ledger.since(0).iter().filter(|entry| entry.effect.is_some()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_shows_every_write_and_makes_none() {
    let shop = Shop::open().await;
    let order = shop.running.store().place(&paid()).unwrap().to_string();
    let before = writes(&shop);
    let (code, out, err) = ran(&shop, &["exec", "orders", "--key", &order, "--dry-run"]);
    assert_eq!(code, 0, "{out}{err}");
    for told in ["netsuite.upsert_sales_order  PUT ", "  + memo: ", "bigcommerce.tag_order  PUT ", "(tranId)"]
    {
        assert!(out.contains(told), "{told}: {out}");
    }
    assert!(out.contains("(personal data)") && !out.contains('@'), "{out}");
    assert_eq!(writes(&shop), before, "nothing was sent");
    assert!(!shop.folder.path().join(".flowrun").exists(), "nothing is kept");

    assert_eq!(ran(&shop, &["exec", "orders", "--key", &order]).0, 0);
    let (code, out, _) = ran(&shop, &["exec", "orders", "--key", &order, "--dry-run", "--format", "json"]);
    let told: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    let would = told["would"].as_array().unwrap();
    let sales = would.iter().find(|call| call["operation"] == "netsuite.upsert_sales_order").unwrap();
    assert_eq!(code, 0);
    assert!(sales["asked"].as_str().unwrap().starts_with("PATCH "), "{sales}");
    assert_eq!(sales["present"]["memo"], sales["body"]["memo"], "the record as it is stands beside it");
    let lines = |of: &str| sales[of]["item"]["items"].as_array().unwrap().len();
    assert_eq!(lines("present"), lines("body"));
    let (code, _, err) = ran(&shop, &["exec", "orders", "--dry-run"]);
    assert_eq!(code, 2, "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_runs_an_older_window_and_may_be_repeated() {
    let shop = Shop::open().await;
    for _ in 0..5 {
        shop.running.store().place(&paid()).unwrap();
    }
    let older = ["backfill", "orders", "--since", "2000-01-01"];
    let (code, _, err) = ran(&shop, &older);
    assert_eq!((code, shop.sales()), (0, 5), "{err}");
    let (code, out, err) = ran(&shop, &["backfill", "orders", "--since", "2000-01-01", "--format", "json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert!(code == 0 && told["rows"].as_u64() >= Some(5), "{out}{err}");
    let (_, out, _) = ran(
        &shop,
        &["backfill", "orders", "--since", "2000-01-01", "--until", "2000-01-02", "--format", "json"],
    );
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["rows"], 0);
    shop.all_over();
    assert_eq!(shop.running.snapshot(Platform::Netsuite)["salesOrder"].as_array().unwrap().len(), 5);
    for (arguments, told) in [
        (&["backfill", "orders", "--since", "soon"][..], "is no instant"),
        (&["backfill", "create_customer", "--since", "2000-01-01"], "polls nothing"),
        (&["backfill", "order", "--since", "2000-01-01"], "orders"),
    ] {
        let (code, _, err) = ran(&shop, arguments);
        assert!(code == 2 && err.contains(told), "{code} {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_beside_a_service_is_done_by_the_service() {
    let shop = Shop::open().await;
    let old = shop.running.store().place(&paid()).unwrap();
    let served = shop.serve();
    let handed = || {
        let (code, out, _) = ran(&shop, &["backfill", "orders", "--since", "2000-01-01", "--format", "json"]);
        let told: Value = serde_json::from_str(&out).unwrap();
        (code == 0 && told["handed_over"] == 1).then_some(())
    };
    until(handed, || "one row is old enough to be sure of".to_owned());
    until(|| (shop.sales() == 1).then_some(()), || format!("order {old} is over"));
    assert_eq!(served.end(), Some(0));
}
