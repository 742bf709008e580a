//! `flowrun demo`, whole, and the sandbox's verdict, which is only worth something if it sees what is wrong.

use std::collections::BTreeMap;

use flowrun_sandbox::{
    Config,
    bigcommerce::{self, OrderKind, Plan, Tender, Trade},
    start,
    verdict::{Known, Verdict},
};
use serde_json::{Value as Json, json};

use super::{
    program::Program,
    site::{Reach, Site, all_over, client, token},
};

/// The object on the last line.
#[track_caller]
fn told(arguments: &[&str]) -> Json {
    let said = Program::new(arguments).run();
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    serde_json::from_str(said.out.lines().last().unwrap()).unwrap()
}

#[test]
fn a_day_of_trade_comes_out_even() {
    // The day lasts nine seconds here: on a slow machine it only gets longer.
    let told = told(&["demo", "--orders", "300", "--speed", "4800", "--quiet", "--format", "json"]);
    let number = |key: &str| told[key].as_u64().unwrap_or_else(|| panic!("{key}: {told:#}"));
    assert_eq!(number("orders"), 300);
    for key in ["lost", "duplicated", "totals_off", "unwanted"] {
        assert_eq!(number(key), 0, "{key}: {told:#}");
    }
    assert!(number("exported") > 200, "{told:#}");
    assert_eq!((number("sales_orders"), number("written_back")), (number("exported"), number("exported")));
    let causes: BTreeMap<String, u64> =
        serde_json::from_value(told["expected_dead_letters"].clone()).unwrap();
    assert!(causes.len() >= 2 && causes.values().all(|count| *count >= 3), "{told:#}");
    assert_eq!(number("dead_letters"), causes.values().sum::<u64>(), "{told:#}");
    let kinds: BTreeMap<String, u64> = serde_json::from_value(told["kinds"].clone()).unwrap();
    for kind in OrderKind::ALL.iter().map(|kind| kind.name()) {
        assert!(kinds.get(&kind).is_some_and(|count| *count >= 3), "{kind}: {told:#}");
    }
    let faults: BTreeMap<String, u64> = serde_json::from_value(told["faults"].clone()).unwrap();
    assert_eq!(faults.len(), 10, "every kind of fault: {told:#}");
    assert!(faults.values().all(|count| *count >= 3), "{told:#}");
    assert!(told["refused"].is_u64() && told["seconds"].is_number(), "{told:#}");
}

#[test]
fn a_demo_for_people_ends_with_a_table_and_a_way_on() {
    let said = Program::new(&["demo", "--orders", "20", "--speed", "20000", "--data", "day"]).run();
    assert_eq!(said.code, 0, "{}", said.err);
    for line in ["orders placed", "lost", "doubled", "where to look next", "flowrun letters list --data day"]
    {
        assert!(said.err.contains(line), "{line}: {}", said.err);
    }
    assert!(said.err.lines().any(|line| line.starts_with("20:")), "an hour a line: {}", said.err);
    assert!(
        said.out.is_empty() && !said.err.contains('\r') && !said.err.contains('\u{1b}'),
        "{:?}",
        said.err
    );
}

/// One sales order is taken away, one is there twice, one is off by a cent: each is seen, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn the_verdict_sees_what_is_lost_doubled_or_off_by_a_cent() {
    let bigcommerce = bigcommerce::Settings { plan: Plan::Unlimited, ..bigcommerce::Settings::default() };
    let running = start(Config { bigcommerce, ..Config::default() }).await.unwrap();
    let reach = Reach::of(&running);
    let site = Site::new(&reach, "2s", 1_000_000);
    let mut served = site.serve(&reach).await;
    served.says("registered", 4).await;
    let trade = Trade {
        tender: Some(Tender::Card),
        status_id: Some(11),
        currency: Some("USD".into()),
        ..Trade::default()
    };
    let orders: Vec<u64> = (0..6).map(|_| running.store().place(&trade).unwrap()).collect();
    all_over(&running, orders.len()).await;
    served.end().await;
    let well = running.verdict(&Known::default());
    let even = Verdict { orders: 6, exported: 6, sales_orders: 6, written_back: 6, ..Verdict::default() };
    assert_eq!(Verdict { faults: BTreeMap::new(), refused: 0, ..well.clone() }, even);
    assert!(well.is_well());

    let (client, token) = (client(), token(&reach).await);
    let url = |end: &str| format!("{}/services/rest/record/v1/salesOrder{end}", reach.text("netsuite_url"));
    let send = async |method: &str, end: &str, body: Option<Json>| {
        let mut request = client.request(method.parse().unwrap(), url(end)).bearer_auth(&token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {end}: {status} {text}");
        serde_json::from_str::<Json>(&text).unwrap_or_default()
    };
    let eid = |at: usize| format!("/eid:main-{}", orders[at]);

    send("DELETE", &eid(0), None).await;
    let lost = running.verdict(&Known::default());
    assert_eq!((lost.lost, lost.exported, lost.duplicated, lost.totals_off), (1, 5, 0, 0), "{lost:?}");

    let sale = send("GET", &format!("{}?expandSubResources=true", eid(1)), None).await;
    let second = json!({
        "entity": { "id": sale["entity"]["id"] },
        "subsidiary": { "id": sale["subsidiary"]["id"] },
        "item": { "items": [{ "item": { "id": "2001" }, "quantity": 1, "price": { "id": "-1" }, "amount": 1 }] },
        "custbody_bc_order_id": orders[1].to_string(),
        "externalId": "typed-in-by-hand",
    });
    send("POST", "", Some(second)).await;
    let doubled = running.verdict(&Known::default());
    assert_eq!((doubled.lost, doubled.duplicated, doubled.sales_orders), (1, 1, 6), "{doubled:?}");

    let sale = send("GET", &format!("{}?expandSubResources=true", eid(2)), None).await;
    let line = &sale["item"]["items"][0];
    let cents = (line["amount"].as_f64().unwrap() * 100.0).round() + 1.0;
    let off = json!({ "item": { "items": [{ "line": line["line"], "amount": cents / 100.0 }] } });
    send("PATCH", &format!("/{}", sale["id"].as_str().unwrap()), Some(off)).await;
    let off = running.verdict(&Known::default());
    assert_eq!((off.lost, off.duplicated, off.totals_off, off.unwanted), (1, 1, 1, 0), "{off:?}");
    assert!(!off.is_well());
}
