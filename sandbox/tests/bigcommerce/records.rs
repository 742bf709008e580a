//! Metafields, customers, catalogue, administration and the state folder.

use flowrun_sandbox::{
    Config,
    bigcommerce::{Account, Plan, Settings},
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::shop::Shop;

fn metafield(key: &str, value: &str) -> Value {
    json!({ "permission_set": "app_only", "namespace": "ledger", "key": key, "value": value })
}

#[tokio::test]
async fn metafields_are_one_of_a_key_and_page_by_cursor() {
    let shop = Shop::open().await;
    let id = shop.place();
    let path = format!("/v3/orders/{id}/metafields");
    let made = shop.post(&path, &metafield("refund", "41")).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    assert_eq!(shop.post(&path, &metafield("refund", "42")).await.status, StatusCode::CONFLICT);
    let one = format!("{path}/{}", made.body["data"]["id"]);
    let changed = shop.put(&one, &json!({ "value": "43" })).await;
    assert_eq!(changed.body["data"]["value"], "43");
    for number in 0..4 {
        shop.post(&path, &metafield(&format!("k{number}"), "x")).await;
    }
    let (mut keys, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = shop.read(&format!("{path}{query}")).await;
        keys.extend(page["data"].as_array().into_iter().flatten().map(|row| row["key"].clone()));
        match page["meta"]["cursor_pagination"]["links"]["next"].as_str() {
            Some(next) => next.clone_into(&mut query),
            None => break,
        }
    }
    assert_eq!(keys, ["refund", "k0", "k1", "k2", "k3"]);
    let found = shop.read(&format!("{path}?namespace=ledger&key:in=k1,k2")).await;
    assert_eq!(found["meta"]["pagination"]["total"], 2);
    assert_eq!(shop.delete(&one).await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.get(&one).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        shop.post("/v3/orders/1/metafields", &metafield("a", "b")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(shop.post(&path, &metafield("", "b")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_batch_of_metafields_does_what_it_can() {
    let shop = Shop::open().await;
    let id = shop.place();
    let mut good = metafield("a", "1");
    good["resource_id"] = json!(id);
    let got = shop.post("/v3/orders/metafields", &json!([good, metafield("b", "2")])).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(got.body["meta"], json!({ "total": 2, "success": 1, "failed": 1 }));
    let field = got.body["data"][0]["id"].clone();
    let gone = shop.call(Method::DELETE, "/v3/orders/metafields", Some(&json!([field]))).await;
    assert_eq!((gone.status, &gone.body["data"]), (StatusCode::OK, &json!([field])));
}

#[tokio::test]
async fn metafields_belong_to_the_account_that_made_them() {
    let accounts = vec![Account::made_up(1, "ours"), Account::made_up(1, "theirs")];
    let other = accounts[1].access_token.clone();
    let shop = Shop::with(Settings { accounts, plan: Plan::Unlimited, ..Settings::default() }).await;
    let id = shop.place();
    let path = format!("/v3/orders/{id}/metafields");
    let hidden = shop.post(&path, &metafield("a", "1")).await.body["data"]["id"].clone();
    let mut open = metafield("b", "1");
    open["permission_set"] = json!("write");
    let shared = shop.post(&path, &open).await.body["data"]["id"].clone();
    let theirs = shop.into_account(&other);
    assert_eq!(theirs.get(&format!("{path}/{hidden}")).await.status, StatusCode::NOT_FOUND);
    let shared = format!("{path}/{shared}");
    assert_eq!(theirs.put(&shared, &json!({ "value": "2" })).await.status, StatusCode::OK);
    assert_eq!(theirs.put(&shared, &json!({ "key": "c" })).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        theirs.post(&path, &metafield("a", "9")).await.status,
        StatusCode::OK,
        "a key for each account"
    );
}

fn customer(email: &str) -> Value {
    json!({ "email": email, "first_name": "Orla", "last_name": "Vance" })
}

#[tokio::test]
async fn customers_are_found_made_and_changed() {
    let shop = Shop::open().await;
    let made = shop.post("/v3/customers", &json!([customer("orla@example.com")])).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let id = made.body["data"][0]["id"].clone();
    let found = shop.read("/v3/customers?email:in=ORLA@example.com,nobody@example.com").await;
    assert_eq!((&found["data"][0]["id"], &found["meta"]["pagination"]["total"]), (&id, &json!(1)));
    assert!(found["data"][0].get("addresses").is_none());
    let whole = shop.read(&format!("/v3/customers?id:in={id}&include=addresses,storecredit")).await;
    assert!(whole["data"][0]["addresses"].is_array() && whole["data"][0]["store_credit_amounts"].is_array());
    let again = shop.post("/v3/customers", &json!([customer("orla@example.com")])).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let changed = shop.put("/v3/customers", &json!([{ "id": id, "notes": "pays by cheque" }])).await;
    assert_eq!(changed.body["data"][0]["notes"], "pays by cheque");
    let many: Vec<Value> = (0..11).map(|number| customer(&format!("n{number}@example.com"))).collect();
    assert_eq!(shop.post("/v3/customers", &json!(many)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let unknown = shop.get("/v3/customers?colour=red").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.delete("/v3/customers").await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.read("/v3/customers").await["meta"]["pagination"]["total"], 26);
    assert_eq!(shop.delete(&format!("/v3/customers?id:in={id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.read("/v3/customers").await["meta"]["pagination"]["total"], 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_three_calls_may_change_customers_at_one_time() {
    let shop = Shop::with(Settings { latency_ms: 400, plan: Plan::Unlimited, ..Settings::default() }).await;
    let body = json!([{ "id": 1, "notes": "x" }]);
    let put = || shop.put("/v3/customers", &body);
    let (a, b, c, d) = tokio::join!(put(), put(), put(), put());
    let refused = [a, b, c, d].iter().filter(|got| got.status == StatusCode::TOO_MANY_REQUESTS).count();
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn the_catalogue_is_read_with_its_variants() {
    let shop = Shop::open().await;
    let found = shop.read("/v3/catalog/products?sku=PLATE-26&include=variants").await;
    let product = &found["data"][0];
    assert_eq!(product["variants"][0]["sku"], "PLATE-26");
    assert!(product["price"].is_number());
    assert_eq!(product["base_variant_id"], product["variants"][0]["id"]);
    let bare = shop.read(&format!("/v3/catalog/products/{}", product["id"])).await;
    assert!(bare["data"].get("variants").is_none());
    let aprons = shop.read("/v3/catalog/variants?sku=APRON-NAT-SMA").await;
    assert_eq!(aprons["data"][0]["option_values"][0]["label"], "Natural");
    let page = shop.read("/v3/catalog/variants?limit=5&page=2").await;
    assert_eq!(page["meta"]["pagination"]["count"], 5);
    assert_eq!(page["meta"]["pagination"]["links"]["previous"], "?page=1&limit=5");
    assert_eq!(shop.get("/v3/catalog/variants?limit=251").await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let currencies = shop.read("/v2/currencies").await;
    let yen = currencies.as_array().into_iter().flatten().find(|row| row["currency_code"] == "JPY");
    assert_eq!(yen.map(|row| &row["decimal_places"]), Some(&json!(0)));
    assert_eq!(shop.read("/v3/channels/664001").await["data"]["type"], "marketplace");
    assert_eq!(shop.read("/v2/store").await["store_id"], 1_002_233);
}

#[tokio::test]
async fn the_administration_api_trades_shows_and_counts() {
    let shop = Shop::open().await;
    let base = shop.running.access().admin.base_url.clone();
    let http = Client::builder().no_proxy().build().expect("a client");
    let post = async |path: &str, body: Value| {
        let request = http.post(format!("{base}{path}")).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        (answer.status(), answer.json::<Value>().await.expect("JSON"))
    };
    let get = async |path: &str| http.get(format!("{base}{path}")).send().await.expect("an answer");
    let (status, placed) = post("/bigcommerce/orders", json!({ "count": 3, "tender": "offline" })).await;
    assert_eq!(status, StatusCode::OK, "{placed}");
    let ids = placed["order_ids"].as_array().expect("ids");
    assert_eq!(post(&format!("/bigcommerce/orders/{}/cancel", ids[0]), json!({})).await.0, StatusCode::OK);
    assert_eq!(post("/bigcommerce/orders/1/cancel", json!({})).await.0, StatusCode::BAD_REQUEST);
    let wrong = post("/bigcommerce/orders", json!({ "items": [["NO-SUCH", 1]] })).await;
    assert!(wrong.1["error"].as_str().is_some_and(|error| error.contains("NO-SUCH")), "{}", wrong.1);
    let fault = json!({ "platform": "bigcommerce", "kind": { "slow": 5 } });
    assert_eq!(post("/faults", fault).await.0, StatusCode::CREATED);
    assert_eq!(get("/faults").await.json::<Value>().await.expect("JSON")[0]["kind"], json!({ "slow": 5 }));
    shop.get("/v2/orders").await;
    let ledger = get("/ledger?after=0").await.json::<Value>().await.expect("JSON");
    assert_eq!((&ledger[0]["fault"], &ledger[0]["status"]), (&json!("slow"), &json!(200)));
    let (_, clock) = post("/clock/advance", json!({ "seconds": 86_400 })).await;
    assert!(clock["now"].is_string());
    let summary = get("/summary").await.json::<Value>().await.expect("JSON");
    assert_eq!(summary["records"]["bigcommerce"]["orders"], 3);
    assert_eq!(summary["orders"]["once"], 0, "nothing has been exported");
    assert_eq!(summary["calls"]["bigcommerce"]["faults"]["slow"], 1);
    let page = get("/browse/bigcommerce/orders").await.text().await.expect("text");
    assert!(page.contains("Cancelled"), "{page}");
    assert!(get("/").await.text().await.expect("text").contains("<h2>BigCommerce</h2>"));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_shop_and_another_gives_another() {
    let orders = async |seed| {
        let start = "2026-01-05T09:00:00Z".parse().ok();
        let shop = Shop::start(Config { seed, start, ..Config::default() }).await;
        for _ in 0..20 {
            shop.place();
        }
        let listed = shop.read("/v2/orders").await;
        let totals: Vec<Value> =
            listed.as_array().into_iter().flatten().map(|order| order["total_inc_tax"].clone()).collect();
        (shop.running.access().bigcommerce.store_hash.clone(), totals)
    };
    assert_eq!(orders(5).await, orders(5).await);
    assert_ne!(orders(5).await, orders(6).await);
}

#[tokio::test]
async fn a_state_folder_keeps_the_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = || Config { state: Some(folder.path().to_owned()), ..Config::default() };
    let shop = Shop::start(config()).await;
    let id = shop.place();
    shop.put(&format!("/v2/orders/{id}"), &json!({ "external_order_id": "SO8" })).await;
    let before = shop.read(&format!("/v2/orders/{id}")).await;
    shop.running.stop().expect("the state is written");
    let shop = Shop::start(config()).await;
    let after = shop.read(&format!("/v2/orders/{id}")).await;
    for field in ["total_inc_tax", "total_tax", "date_modified", "external_order_id", "payment_status"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    assert!(shop.place() > id, "numbers go on");
    std::fs::write(folder.path().join("bigcommerce.json"), "{").expect("a file");
    let broken = flowrun_sandbox::start(config()).await.expect_err("an unreadable state");
    assert!(broken.to_string().contains("bigcommerce.json"), "{broken}");
}
