//! Faults on request, seen from the client: connections that break before or after the work, errors, slowness, 429.

use std::time::Duration;

use flowrun_sandbox::{
    Config,
    bigcommerce::{Plan, Settings},
    fault::{Fault, Kind},
    ledger::Platform,
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::shop::Shop;

fn plant(shop: &Shop, method: &str, kind: Kind) {
    let fault = Fault {
        platform: Platform::Bigcommerce,
        method: Some(method.into()),
        path: Some("/v2/orders".into()),
        skip: 0,
        times: 1,
        kind,
    };
    shop.running.shared().faults.plant(fault);
}

async fn tag(shop: &Shop, id: u64) -> Value {
    shop.read(&format!("/v2/orders/{id}")).await["external_order_id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_breaks_before_or_after_the_work() {
    let shop = Shop::open().await;
    let id = shop.place();
    let (path, body) = (format!("/v2/orders/{id}"), json!({ "external_order_id": "SO1" }));
    for (kind, name, done) in
        [(Kind::ResetBefore, "reset_before", ""), (Kind::ResetAfter, "reset_after", "SO1")]
    {
        plant(&shop, "PUT", kind);
        let broken = shop.send(Method::PUT, &path, Some(&body)).await.expect_err("no answer");
        assert!(broken.is_request() && broken.status().is_none(), "{broken:?}");
        assert_eq!(tag(&shop, id).await, done, "{name}");
        let entries = shop.running.shared().ledger.since(0);
        let last = entries.iter().rfind(|entry| entry.method == "PUT").expect("an entry");
        assert_eq!((last.status, last.fault.as_deref()), (0, Some(name)));
        assert_eq!(last.effect.is_some(), name == "reset_after");
    }
    let puts = shop.running.shared().ledger.since(0);
    let puts = puts.iter().filter(|entry| entry.method == "PUT").count();
    assert_eq!(puts, 2, "the client has not tried again behind our back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_comes_before_or_after_the_work() {
    let shop = Shop::open().await;
    let id = shop.place();
    let path = format!("/v2/orders/{id}");
    for (kind, text, done) in [(Kind::ErrorBefore, "SO1", ""), (Kind::ErrorAfter, "SO2", "SO2")] {
        plant(&shop, "PUT", kind);
        let got = shop.put(&path, &json!({ "external_order_id": text })).await;
        assert_eq!((got.status, &got.body[0]["status"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!(500)));
        assert_eq!(tag(&shop, id).await, done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_has_committed_when_the_client_gives_up() {
    let shop = Shop::open().await;
    let id = shop.place();
    plant(&shop, "PUT", Kind::Slow(60_000));
    let url = format!("{}/v2/orders/{id}", shop.running.access().bigcommerce.base_url);
    let hasty = Client::builder().no_proxy().timeout(Duration::from_millis(300)).build().expect("a client");
    let request = hasty
        .put(url)
        .header("x-auth-token", &shop.running.access().bigcommerce.access_token)
        .header("content-type", "application/json")
        .body(json!({ "external_order_id": "SO3" }).to_string());
    assert!(request.send().await.expect_err("no answer in time").is_timeout());
    assert_eq!(tag(&shop, id).await, "SO3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_and_an_expired_token_on_request() {
    let shop = Shop::with(Settings { plan: Plan::Pro, ..Settings::default() }).await;
    plant(&shop, "GET", Kind::TooMany);
    plant(&shop, "GET", Kind::ExpiredToken);
    let refused = shop.get("/v2/orders").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["x-rate-limit-requests-left"], "0");
    assert_eq!(shop.get("/v2/orders").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(shop.get("/v2/orders").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_date_header_is_the_sandbox_clock() {
    let start = "2031-07-01T12:00:00Z".parse().expect("an instant");
    let shop = Shop::start(Config { start: Some(start), ..Config::default() }).await;
    let date = shop.get("/v2/time").await.headers["date"].to_str().expect("text").to_owned();
    assert!(date.starts_with("Tue, 01 Jul 2031 12:0"), "{date}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_cut_under_tls_too() {
    let shop = Shop::start(Config { tls: true, ..Config::default() }).await;
    let access = shop.running.access();
    let pem = access.certificate.as_ref().expect("a certificate");
    let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).expect("PEM");
    let http = Client::builder().no_proxy().tls_certs_only([certificate]).build().expect("a client");
    let get = || {
        let url = format!("{}/v2/orders", access.bigcommerce.base_url);
        http.get(url).header("x-auth-token", &access.bigcommerce.access_token).send()
    };
    assert_eq!(get().await.expect("an answer").status(), StatusCode::NO_CONTENT);
    plant(&shop, "GET", Kind::ResetAfter);
    assert!(get().await.is_err());
    assert_eq!(get().await.expect("an answer").status(), StatusCode::NO_CONTENT);
}
