//! What `NetSuite` ships, in the store: the real program and both twins.

use std::{fs, process::Command};

use flowrun_sandbox::{
    Config,
    bigcommerce::{Tender, Trade},
    start,
};
use serde_json::{Value as Json, json};

use crate::site::{Reach, Site, client, token};

/// Runs the program in the site's folder; its words and its exit code.
async fn run(site: &Site, reach: &Reach, arguments: &[&str]) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(site.folder()).env_clear().envs(reach.variables());
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (String::from_utf8(done.stderr).unwrap(), done.status.code())
}

async fn read(reach: &Reach, path: &str) -> Json {
    let url = format!("{}{path}", reach.text("bigcommerce_url"));
    let asked = client().get(url).header("X-Auth-Token", reach.text("token")).send().await.unwrap();
    serde_json::from_str(&asked.text().await.unwrap()).unwrap()
}

/// Ships what is open of an order's sales order; the ids of the fulfilment and of the sales order.
async fn ship(reach: &Reach, order: u64) -> (String, String) {
    let (records, bearer) =
        (format!("{}/services/rest/record/v1", reach.text("netsuite_url")), token(reach).await);
    let sale =
        client().get(format!("{records}/salesOrder/eid:main-{order}?fields=id")).bearer_auth(&bearer).send();
    let sale: Json = serde_json::from_str(&sale.await.unwrap().text().await.unwrap()).unwrap();
    let sale = sale["id"].as_str().unwrap().to_owned();
    let sent =
        json!({ "shipStatus": { "id": "C" }, "package": { "items": [{ "packageTrackingNumber": "1Z9" }] } });
    let made = client()
        .post(format!("{records}/salesOrder/{sale}/!transform/itemFulfillment"))
        .bearer_auth(&bearer)
        .header("content-type", "application/json")
        .body(sent.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(made.status().as_u16(), 204);
    let place = made.headers()["location"].to_str().unwrap().to_owned();
    (place.rsplit('/').next().unwrap().to_owned(), sale)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shipped_is_told_once_with_its_number() {
    let running = start(Config::default()).await.unwrap();
    let paid = Trade { tender: Some(Tender::Card), status_id: Some(11), ..Trade::default() };
    let order = running.store().place(&paid).unwrap();
    let reach = Reach::of(&running);
    let site = Site::new(&reach, "0s", 150);
    let (said, code) = run(&site, &reach, &["exec", "orders", "--key", &order.to_string()]).await;
    assert_eq!(code, Some(0), "{said}");
    let (fulfilment, sales_order) = ship(&reach, order).await;
    let event = json!({ "fulfilment": fulfilment, "sales_order": sales_order });
    fs::write(site.folder().join("event.json"), event.to_string()).unwrap();
    for _ in 0..2 {
        let (said, code) = run(&site, &reach, &["exec", "fulfilments", "--event", "event.json"]).await;
        assert_eq!(code, Some(0), "{said}");
    }
    let shipments = read(&reach, &format!("/v2/orders/{order}/shipments")).await;
    let sold = read(&reach, &format!("/v2/orders/{order}/products")).await;
    let quantity = |rows: &Json| -> i64 {
        rows.as_array().unwrap().iter().map(|row| row["quantity"].as_i64().unwrap()).sum()
    };
    assert_eq!(shipments.as_array().unwrap().len(), 1, "{shipments:#}");
    assert_eq!(shipments[0]["tracking_number"], "1Z9");
    assert_eq!(quantity(&shipments[0]["items"]), quantity(&sold));
    assert_eq!(
        read(&reach, &format!("/v2/orders/{order}")).await["status_id"],
        2,
        "the store says it is shipped"
    );
    // The poll that finds fulfilments finds this one.
    let since = ["backfill", "fulfilments", "--since", "2020-01-01T00:00:00Z"];
    let (said, code) = run(&site, &reach, &since).await;
    assert!(code == Some(0) && said.contains("1 rows, 1 runs"), "{said}");
}
