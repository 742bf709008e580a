//! Slots, asynchronous jobs, faults, the state folder, the metadata catalogue, system information.

use flowrun_sandbox::{
    Config,
    fault::{Fault, Kind},
    ledger::Platform,
    netsuite::Settings,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, line, order};

#[tokio::test(flavor = "multi_thread")]
async fn full_slots_are_429() {
    let desk = Desk::with(Settings { concurrency: 2, service_ms: 1500, ..Settings::default() }).await;
    let answers = join((0..6).map(|_| desk.get("/record/v1/customer/501")).collect()).await;
    let (good, full): (Vec<_>, Vec<_>) = answers.into_iter().partition(|got| got.status == 200);
    assert!(good.len() >= 2 && !full.is_empty(), "{} of 6 were served", good.len());
    for got in full {
        assert_eq!((got.status.as_u16(), got.problem().0), (429, "CONCURRENCY_LIMIT_EXCEEDED"));
        assert_eq!(
            (&got.body["title"], &got.body["o:errorCode"]),
            (&json!("Bad Request"), &json!("USER_ERROR"))
        );
    }
    assert_eq!(desk.get("/record/v1/customer/501").await.status, 200, "slots are given back");
}

/// Runs futures side by side in this task.
async fn join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in pinned.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *slot = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

const LATER: (&str, &str) = ("prefer", "respond-async");

fn path_of(got: &crate::desk::Got) -> String {
    let location = got.headers["location"].to_str().unwrap();
    location[location.find("/async").unwrap()..].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_answers_later_and_a_key_counts_once() {
    let desk = Desk::with(Settings { async_ms: 60_000, ..Settings::default() }).await;
    let body = order(&[line(1001, 1, "30")]);
    let headers = [LATER, ("x-netsuite-idempotency-key", "9b1d-1")];
    let first = desk.send(Method::POST, "/record/v1/salesOrder", Some(&body), &headers).await;
    assert_eq!(first.status, 202);
    assert_eq!(first.headers["preference-applied"], "respond-async");
    let job = path_of(&first);
    assert_eq!(desk.read(&job).await["completed"], false);
    assert_eq!(desk.get(&format!("{job}/task/1/result")).await.status, 404);
    let again = desk.send(Method::POST, "/record/v1/salesOrder", Some(&body), &headers).await;
    assert_eq!((again.status.as_u16(), again.problem().0), (400, "IDEMPOTENCY_ERROR"));
    assert_eq!(path_of(&again), job);

    desk.running.shared().clock.advance(std::time::Duration::from_secs(61));
    let done = async {
        while desk.read(&job).await["completed"] == false {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), done).await.expect("the job ends");
    let task = desk.read(&format!("{job}/task/1")).await;
    assert_eq!(task["progress"], "succeeded");
    let result = desk.get(&format!("{job}/task/1/result")).await;
    assert_eq!(result.status, 204);
    assert_eq!(desk.read(&format!("/record/v1/salesOrder/{}", result.id())).await["total"], 30);
    assert_eq!(desk.read("/record/v1/salesOrder").await["totalResults"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_a_task_for_each_member() {
    let desk = Desk::open().await;
    let bad = json!({ "externalId": "b2", "entity": { "id": "1" } });
    let mut good = order(&[line(1001, 1, "30")]);
    good["externalId"] = json!("b1");
    let body = json!({ "items": [good, bad] });
    let headers = [LATER, ("content-type", "application/vnd.oracle.resource+json; type=collection")];
    let got = desk.send(Method::PUT, "/record/v1/salesOrder", Some(&body), &headers).await;
    let job = path_of(&got);
    assert_eq!(desk.read(&job).await["progress"], "succeeded");
    assert_eq!(desk.read(&format!("{job}/task")).await["totalResults"], 2);
    assert_eq!(desk.get(&format!("{job}/task/1/result")).await.status, 204);
    assert_eq!(desk.get(&format!("{job}/task/2/result")).await.problem().1, "entity");
    assert_eq!(desk.read(&format!("{job}/task/2")).await["progress"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_worded_as_the_platform_does() {
    let mut desk = Desk::open().await;
    let body = order(&[line(1001, 1, "30")]);
    for (kind, status, code, orders) in [
        (Kind::TooMany, 429, "CONCURRENCY_LIMIT_EXCEEDED", 0),
        (Kind::ExpiredToken, 401, "INVALID_LOGIN", 0),
        (Kind::ErrorBefore, 500, "UNEXPECTED_ERROR", 0),
        (Kind::ErrorAfter, 500, "UNEXPECTED_ERROR", 1),
    ] {
        let (method, path) = (Some("PUT".into()), Some("salesOrder".into()));
        let fault = Fault { platform: Platform::Netsuite, method, path, skip: 0, times: 1, kind };
        desk.running.shared().faults.plant(fault);
        let got = desk.put("/record/v1/salesOrder/eid:f-1", &body).await;
        assert_eq!((got.status.as_u16(), got.problem().0), (status, code));
        if status == 401 {
            assert_eq!(desk.get("/record/v1/salesOrder").await.status, 401, "the old token stays expired");
            desk.login().await;
        }
        assert_eq!(desk.read("/record/v1/salesOrder").await["totalResults"], orders, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = || Config { state: Some(folder.path().to_owned()), ..Config::default() };
    let mut body = order(&[line(1001, 3, "30")]);
    body["location"] = json!("2");
    let desk = Desk::start(config()).await;
    desk.put("/record/v1/salesOrder/eid:kept", &body).await;
    desk.running.stop().expect("the state is written");
    let desk = Desk::start(config()).await;
    let order = desk.whole("salesOrder/eid:kept").await;
    assert_eq!((&order["tranId"], &order["item"]["totalResults"]), (&json!("SO10001"), &json!(1)));
    let stock = "SELECT quantityavailable q FROM inventoryitemlocations WHERE item = 1001 AND location = 2";
    assert_eq!(desk.rows(stock, &[]).await, [json!({ "q": "117" })]);
    desk.put("/record/v1/salesOrder/eid:new", &body).await;
    assert_eq!(desk.read("/record/v1/salesOrder/eid:new").await["tranId"], "SO10002");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_describes_the_account() {
    let desk = Desk::open().await;
    let all = desk.read("/record/v1/metadata-catalog").await;
    assert!(all["items"].as_array().unwrap().iter().any(|item| item["name"] == "salesorder"));
    let one = desk.read("/record/v1/metadata-catalog?select=customer,salesorder").await;
    assert_eq!(one["items"].as_array().unwrap().len(), 2);
    let accept = |media: &'static str| [("accept", media)];
    let path = "/record/v1/metadata-catalog/salesorder";
    let schema = desk.send(Method::GET, path, None, &accept("application/schema+json")).await;
    assert_eq!(schema.headers["content-type"], "application/schema+json");
    let fields = &schema.body["properties"];
    assert_eq!(fields["custbody_bc_order_id"]["x-ns-custom-field"], true);
    assert_eq!(fields["total"]["readOnly"], true);
    let line = &fields["item"]["properties"]["items"]["items"];
    assert_eq!(line["x-ns-sublistkey"], json!(["line"]));
    assert_eq!(line["properties"]["custcol_bc_line_id"]["type"], "string");
    let open = desk.send(Method::GET, path, None, &accept("application/swagger+json")).await;
    assert!(open.body["openapi"].as_str().unwrap().starts_with("3.0"));
    assert!(open.body["paths"]["/salesOrder"]["post"].is_object());
    assert_eq!(desk.get("/record/v1/metadata-catalog/nonsense").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_system_tells_its_time_and_limits() {
    let desk = Desk::open().await;
    desk.running.shared().clock.advance(std::time::Duration::from_secs(600));
    let time = desk.read("/system/v1/serverTime").await["serverTime"].as_str().unwrap().to_owned();
    let time: jiff::Timestamp = time.parse().unwrap();
    let now = desk.running.shared().clock.now();
    assert!(now >= time && now.duration_since(time).as_secs() < 60);
    assert_eq!(desk.read("/system/v1/governanceLimits").await["accountConcurrencyLimit"], 5);
    assert_eq!(desk.get("/system/v1/nonsense").await.status, 404);
    let page: Value = desk.running.snapshot(Platform::Netsuite);
    assert_eq!(page["customer"][0]["entityId"], "CUS501");
}
