//! Webhooks as a receiver meets them: signed, thin, tried again on the ladder, late, twice or out of order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode as Code},
    routing::post,
};
use flowrun_sandbox::{
    Config,
    bigcommerce::{Account, Plan, Settings, sign},
    fault::{Fault, Kind},
    ledger::Platform,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::shop::Shop;

/// A webhook as received.
#[derive(Debug)]
struct Hook {
    headers: HeaderMap,
    text: String,
    body: Value,
}

/// Listens for webhooks and answers with a status that can be changed.
struct Receiver {
    url: String,
    answer: Arc<AtomicU16>,
    arrived: UnboundedReceiver<Hook>,
}

type Inbox = (UnboundedSender<Hook>, Arc<AtomicU16>);

async fn take(State((inbox, answer)): State<Inbox>, headers: HeaderMap, text: String) -> Code {
    let body = serde_json::from_str(&text).expect("JSON");
    inbox.send(Hook { headers, text, body }).expect("somebody listens");
    Code::from_u16(answer.load(Ordering::SeqCst)).expect("a status")
}

impl Receiver {
    fn open() -> Self {
        let (inbox, arrived) = unbounded_channel();
        let answer = Arc::new(AtomicU16::new(200));
        let router = Router::new().route("/hook", post(take)).with_state((inbox, answer.clone()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let server = axum_server::from_tcp(listener).expect("a server");
        tokio::spawn(async move { server.serve(router.into_make_service()).await });
        Self { url, answer, arrived }
    }

    /// The next hook; the limit only ends a test that would hang.
    async fn next(&mut self) -> Hook {
        let next = tokio::time::timeout(Duration::from_secs(20), self.arrived.recv()).await;
        next.expect("a hook in time").expect("an open channel")
    }

    fn answer(&self, status: u16) {
        self.answer.store(status, Ordering::SeqCst);
    }
}

async fn subscribe(shop: &Shop, scope: &str, to: &str) -> Value {
    let got = shop.post("/v3/hooks", &json!({ "scope": scope, "destination": to })).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.body);
    got.body["data"].clone()
}

fn plant(shop: &Shop, kind: Kind) {
    let fault = Fault { platform: Platform::Bigcommerce, method: None, path: None, skip: 0, times: 1, kind };
    shop.running.shared().faults.plant(fault);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_thin_signed_and_carries_the_headers_asked_for() {
    let (shop, mut receiver) = (Shop::open().await, Receiver::open());
    let body = json!({
        "scope": "store/order/created",
        "destination": receiver.url,
        "headers": { "x-shared-word": "larch" },
    });
    assert_eq!(shop.post("/v3/hooks", &body).await.status, StatusCode::OK);
    let id = shop.place();
    let hook = receiver.next().await;
    assert_eq!(hook.body["scope"], "store/order/created");
    assert_eq!(hook.body["data"], json!({ "type": "order", "id": id }));
    assert!(hook.body["store_id"].is_string());
    assert_eq!(hook.headers["x-shared-word"], "larch");
    let text = |name: &str| hook.headers[name].to_str().expect("text").to_owned();
    let secret = &shop.running.access().bigcommerce.client_secret;
    let at: i64 = text("webhook-timestamp").parse().expect("seconds");
    assert_eq!(text("webhook-signature"), sign(secret, &text("webhook-id"), at, &hook.text));
    let mut bare = hook.body.clone();
    let hash = bare.as_object_mut().and_then(|body| body.remove("hash")).expect("a hash");
    let sum = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, bare.to_string().as_bytes());
    let hex: Vec<String> = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, json!(hex.concat()));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_over_the_api_are_told_too() {
    let (shop, mut receiver) = (Shop::open().await, Receiver::open());
    let id = shop.place();
    subscribe(&shop, "store/order/*", &receiver.url).await;
    shop.put(&format!("/v2/orders/{id}"), &json!({ "external_order_id": "SO7" })).await;
    assert_eq!(receiver.next().await.body["scope"], "store/order/updated");
    shop.put(&format!("/v2/orders/{id}"), &json!({ "status_id": 5 })).await;
    let mut scopes = Vec::new();
    for _ in 0..2 {
        let hook = receiver.next().await;
        if hook.body["scope"] == "store/order/statusUpdated" {
            assert_eq!(hook.body["data"]["status"]["new_status_id"], 5);
        }
        scopes.push(hook.body["scope"].as_str().unwrap_or_default().to_owned());
    }
    scopes.sort();
    assert_eq!(scopes, ["store/order/statusUpdated", "store/order/updated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_receiver_is_tried_on_the_ladder_and_then_given_up() {
    let (shop, mut receiver) = (Shop::open().await, Receiver::open());
    let hook = subscribe(&shop, "store/order/created", &receiver.url).await;
    receiver.answer(503);
    shop.place();
    let first = receiver.next().await;
    let ladder = [60, 180, 300, 600, 900, 1800, 3600, 7200, 21_600, 50_400, 86_400];
    for (at, wait) in ladder.into_iter().enumerate() {
        noted(&shop, at + 1).await;
        shop.running.shared().clock.advance(Duration::from_secs(wait - 2));
        assert!(receiver.arrived.try_recv().is_err(), "nothing before {wait} seconds");
        shop.running.shared().clock.advance(Duration::from_secs(2));
        let again = receiver.next().await;
        assert_eq!(again.headers["webhook-id"], first.headers["webhook-id"]);
        assert_eq!(again.text, first.text);
    }
    noted(&shop, ladder.len() + 1).await;
    let path = format!("/v3/hooks/{}", hook["id"]);
    assert_eq!(shop.read(&path).await["data"]["is_active"], false);
    let admin = shop.read("/v3/hooks/admin").await;
    assert_eq!(admin["data"]["hooks_list"][0]["status"], "deactivated");
    receiver.answer(200);
    assert_eq!(shop.put(&path, &json!({ "is_active": true })).await.status, StatusCode::OK);
    shop.place();
    receiver.next().await;
}

/// Waits until the sandbox has noted so many deliveries; the limit only ends a test that would hang.
async fn noted(shop: &Shop, wanted: usize) {
    let count = || {
        let events = shop.running.shared().ledger.events_since(0);
        events.iter().filter(|event| event.kind == "hook").count()
    };
    let all = async {
        while count() < wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("the deliveries in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_come_twice_late_and_out_of_order() {
    let (shop, mut receiver) = (Shop::open().await, Receiver::open());
    subscribe(&shop, "store/order/created", &receiver.url).await;
    plant(&shop, Kind::DuplicateHook);
    shop.place();
    let (one, two) = (receiver.next().await, receiver.next().await);
    assert_eq!((one.text, &one.headers["webhook-id"]), (two.text, &two.headers["webhook-id"]));

    plant(&shop, Kind::ReorderHook);
    let first = shop.place();
    while !shop.running.shared().faults.list().is_empty() {
        tokio::task::yield_now().await;
    }
    let second = shop.place();
    let order = [receiver.next().await, receiver.next().await].map(|hook| hook.body["data"]["id"].as_u64());
    assert_eq!(order, [Some(second), Some(first)]);

    plant(&shop, Kind::LateHook(90_000));
    let late = shop.place();
    while !shop.running.shared().faults.list().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(receiver.arrived.try_recv().is_err());
    shop.running.shared().clock.advance(Duration::from_secs(90));
    assert_eq!(receiver.next().await.body["data"]["id"], late);
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_are_checked_and_limited() {
    let config = Config { allow_loopback_hooks: false, ..Config::default() };
    let shop = Shop::start(config).await;
    for (body, field) in [
        (json!({ "scope": "store/order/created" }), "destination"),
        (json!({ "destination": "https://hooks.example.com/a" }), "scope"),
        (json!({ "scope": "store/order/craeted", "destination": "https://hooks.example.com/a" }), "scope"),
        (
            json!({ "scope": "store/order/created", "destination": "http://hooks.example.com/a" }),
            "destination",
        ),
        (
            json!({ "scope": "store/order/created", "destination": "https://hooks.example.com:8443/a" }),
            "destination",
        ),
        (json!({ "scope": "store/order/created", "destination": "http://127.0.0.1:9/a" }), "destination"),
    ] {
        let got = shop.post("/v3/hooks", &body).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(got.body["errors"].get(field).is_some(), "{body}: {}", got.body);
    }
    for number in 0..10 {
        subscribe(&shop, "store/order/created", &format!("https://hooks.example.com/{number}")).await;
    }
    let same = json!({ "scope": "store/order/created", "destination": "https://hooks.example.com/3" });
    assert_eq!(shop.post("/v3/hooks", &same).await.status, StatusCode::CONFLICT);
    let eleventh = json!({ "scope": "store/order/created", "destination": "https://hooks.example.com/11" });
    assert_eq!(shop.post("/v3/hooks", &eleventh).await.status, StatusCode::FORBIDDEN);
    let list = shop.read("/v3/hooks?limit=4&page=3").await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(list["meta"]["pagination"]["total"], 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_sees_only_its_own_hooks() {
    let accounts = vec![Account::made_up(1, "ours"), Account::made_up(1, "theirs")];
    let other = accounts[1].access_token.clone();
    let shop = Shop::with(Settings { accounts, plan: Plan::Unlimited, ..Settings::default() }).await;
    let receiver = Receiver::open();
    let hook = subscribe(&shop, "store/order/created", &receiver.url).await;
    let theirs = shop.into_account(&other);
    assert_eq!(theirs.read("/v3/hooks").await["data"], json!([]));
    let path = format!("/v3/hooks/{}", hook["id"]);
    assert_eq!(theirs.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(theirs.delete(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_without_events_is_switched_off_after_ninety_days() {
    let (shop, mut receiver) = (Shop::open().await, Receiver::open());
    let hook = subscribe(&shop, "store/order/created", &receiver.url).await;
    let day = Duration::from_secs(86_400);
    shop.running.shared().clock.advance(day * 89);
    shop.place();
    receiver.next().await;
    shop.running.shared().clock.advance(day * 91);
    shop.place();
    let path = format!("/v3/hooks/{}", hook["id"]);
    assert_eq!(shop.read(&path).await["data"]["is_active"], false);
    assert!(receiver.arrived.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hook_is_told_of_failed_deliveries() {
    let (shop, mut broken, mut told) = (Shop::open().await, Receiver::open(), Receiver::open());
    let hook = subscribe(&shop, "store/order/created", &broken.url).await;
    subscribe(&shop, "store/hook/deliveryException", &told.url).await;
    broken.answer(500);
    shop.place();
    broken.next().await;
    let exception = told.next().await.body;
    assert_eq!((&exception["data"]["id"], &exception["data"]["error_code"]), (&hook["id"], &json!(90_001)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_mostly_fails_is_blocked_for_three_minutes() {
    let (shop, mut receiver) = (Shop::open().await, Receiver::open());
    subscribe(&shop, "store/order/created", &receiver.url).await;
    receiver.answer(500);
    for _ in 0..100 {
        shop.place();
        receiver.next().await;
    }
    noted(&shop, 100).await;
    let admin = shop.read("/v3/hooks/admin").await;
    let blocked = &admin["data"]["blocked_domains"][0];
    assert_eq!(blocked["destination"], "127.0.0.1");
    assert!(blocked["time_left"].as_i64().is_some_and(|left| (170..=180).contains(&left)), "{blocked}");
    shop.place();
    receiver.answer(200);
    shop.running.shared().clock.advance(Duration::from_secs(59));
    assert!(receiver.arrived.try_recv().is_err(), "nothing is sent to a blocked domain");
    shop.running.shared().clock.advance(Duration::from_secs(122));
    for _ in 0..101 {
        receiver.next().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_in_the_catalogue_is_told() {
    let (shop, mut receiver) = (Shop::open().await, Receiver::open());
    let json = |text: &str| serde_json::from_str::<Value>(text).expect(text);
    let mut lines = include_str!("cases/hooks.txt").lines().filter(|line| !line.starts_with('#'));
    while let (Some(call), Some(data)) = (lines.next(), lines.next()) {
        let parts: Vec<&str> = call.splitn(4, ' ').collect();
        let hook = subscribe(&shop, parts[0], &receiver.url).await;
        let got = shop.call(parts[1].parse().expect(call), parts[2], Some(&json(parts[3]))).await;
        assert!(got.status.is_success(), "{call}: {}", got.body);
        let sent = receiver.next().await;
        assert_eq!((&sent.body["scope"], &sent.body["data"]), (&json!(parts[0]), &json(data)), "{call}");
        shop.delete(&format!("/v3/hooks/{}", hook["id"])).await;
    }
}
