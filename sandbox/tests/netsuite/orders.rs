//! Sales orders: one order for many sends, lines by their keys, errors with their place.

use flowrun_sandbox::netsuite::Settings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, line, order};

async fn lines(desk: &Desk, path: &str) -> Vec<(i64, String, String)> {
    let order = desk.whole(path).await;
    let items = order["item"]["items"].as_array().unwrap().clone();
    let text =
        |line: &Value, name: &str| line[name].as_str().map_or_else(|| line[name].to_string(), str::to_owned);
    items
        .iter()
        .map(|line| {
            (line["line"].as_i64().unwrap(), text(line, "quantity"), text(line, "custcol_bc_line_id"))
        })
        .collect()
}

fn with_id(mut line: Value, id: &str) -> Value {
    line["custcol_bc_line_id"] = json!(id);
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_upsert_twice_gives_one_order_and_doubles_its_lines() {
    let desk = Desk::open().await;
    let body = order(&[with_id(line(1001, 2, "69.98"), "11"), with_id(line(1003, 1, "9.99"), "12")]);
    let path = "/record/v1/salesOrder/eid:uk-100";
    let first = desk.put(path, &body).await;
    let second = desk.put(path, &body).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (204, 204));
    assert_eq!(first.id(), second.id());
    assert_eq!(desk.read("/record/v1/salesOrder").await["totalResults"], 1);
    // A client that does not look first is seen: its lines are there twice.
    assert_eq!(lines(&desk, "salesOrder/eid:uk-100").await.len(), 4);

    let entries = desk.running.shared().ledger.since(0);
    let verbs: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry.effect.as_ref())
        .filter(|effect| effect["record"] == "salesOrder")
        .filter_map(|effect| effect["verb"].as_str())
        .collect();
    assert_eq!(verbs, ["create", "update"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_known_by_their_key() {
    let desk = Desk::open().await;
    let body = order(&[with_id(line(1101, 1, "100"), "a"), with_id(line(1003, 1, "10"), "b")]);
    let id = desk.create("salesOrder", &body).await;
    let path = format!("salesOrder/{id}");
    let item = |lines: Value| json!({ "item": { "items": lines } });

    desk.change(&path, &item(json!([{ "line": 5, "quantity": 3 }]))).await;
    assert_eq!(lines(&desk, &path).await[1], (5, "3".into(), "b".into()));
    desk.change(
        &path,
        &item(json!([{ "line": 77, "item": "1004", "quantity": 1, "custcol_bc_line_id": "c" }])),
    )
    .await;
    let now = lines(&desk, &path).await;
    assert_eq!(now.len(), 3, "an unknown line is appended");
    let keys: Vec<i64> = now.iter().map(|line| line.0).collect();
    assert_eq!(keys, [1, 5, 6], "the members of a kit take up the keys after it");

    let keep = item(
        json!([{ "line": 5, "quantity": 4 }, { "item": "1005", "quantity": 1, "custcol_bc_line_id": "d" }]),
    );
    let got = desk.patch(&format!("/record/v1/{path}?replace=item"), &keep).await;
    assert_eq!(got.status, 204, "{}", got.body);
    let ids: Vec<String> = lines(&desk, &path).await.into_iter().map(|line| line.2).collect();
    assert_eq!(ids, ["b", "d"]);

    let got = desk.patch(&format!("/record/v1/{path}"), &json!({ "item": null })).await;
    assert_eq!(got.problem().0, "USER_ERROR", "an order keeps at least one line");
    let got = desk.patch(&format!("/record/v1/{path}/item/5"), &json!({ "description": "mended" })).await;
    assert_eq!(got.status, 204, "{}", got.body);
    assert_eq!(desk.read(&format!("/record/v1/{path}/item/5")).await["description"], "mended");
    assert_eq!(desk.patch(&format!("/record/v1/{path}/item/99"), &json!({})).await.status, 404);
    assert_eq!(desk.delete(&format!("/record/v1/{path}/item/5")).await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_stays_and_null_clears() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1001, 1, "30")]);
    body["memo"] = json!("first");
    body["OTHERREFNUM"] = json!("PO 7");
    body["billingAddress"] = json!({ "addr1": "1 High St", "city": "York", "country": { "id": "GB" } });
    let id = desk.create("salesorder", &body).await;
    desk.change(&format!("salesOrder/{id}"), &json!({ "memo": null, "billingAddress": { "zip": "YO1" } }))
        .await;
    let order = desk.whole(&format!("salesOrder/{id}")).await;
    assert_eq!((order.get("memo"), &order["otherRefNum"]), (None, &json!("PO 7")));
    assert_eq!(order["billingAddress"]["city"], "York");
    assert_eq!(order["billingAddress"]["country"], json!({ "id": "GB", "refName": "United Kingdom" }));
    assert_eq!(order["tranId"], "SO10001");
    assert_eq!(order["status"], json!({ "id": "B", "refName": "Pending Fulfillment" }));
    assert_eq!(
        (&order["entity"]["id"], &order["entity"]["refName"]),
        (&json!("501"), &json!("CUS501 Ada Holt"))
    );
    let plain = desk.read(&format!("/record/v1/salesOrder/{id}?simpleEnumFormat=true")).await;
    assert_eq!(plain["status"], "B");
    assert!(plain["item"]["items"].is_null() && plain["item"]["links"][0]["href"].is_string());
    let few = desk.read(&format!("/record/v1/salesOrder/{id}?fields=tranid,total")).await;
    assert_eq!(few.as_object().unwrap().keys().collect::<Vec<_>>(), ["links", "id", "tranId", "total"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_content_is_refused_at_its_place() {
    let desk = Desk::open().await;
    let one = |name: &str, value: Value| {
        let mut body = order(&[line(1001, 1, "30")]);
        body[name] = value;
        body
    };
    let item = |name: &str, value: Value| {
        let mut wrong = line(1001, 1, "30");
        wrong[name] = value;
        order(&[line(1003, 1, "9"), wrong])
    };
    for (body, code, path) in [
        (one("entity", json!({ "id": "9999" })), "INVALID_CONTENT", "entity"),
        (one("entity", json!({ "id": "" })), "INVALID_CONTENT", "entity"),
        (one("entity", json!({})), "INVALID_CONTENT", "entity"),
        (one("entity", json!({ "externalId": "nobody" })), "INVALID_CONTENT", "entity"),
        (one("entity", Value::Null), "USER_ERROR", "entity"),
        (one("entity", json!({ "id": "504" })), "USER_ERROR", "entity"),
        (one("tranDate", json!("31/01/2026")), "INVALID_CONTENT", "tranDate"),
        (one("orderStatus", json!({ "id": "G" })), "INVALID_CONTENT", "orderStatus"),
        (one("subsidiary", json!({ "id": "3" })), "INVALID_CONTENT", "subsidiary"),
        (one("currency", json!({ "id": "6" })), "USER_ERROR", "currency"),
        (one("location", json!({ "id": "1" })), "USER_ERROR", "location"),
        (one("email", json!("no at sign")), "INVALID_CONTENT", "email"),
        (one("otherRefNum", json!("x".repeat(46))), "INVALID_CONTENT", "otherRefNum"),
        (one("toBeEmailed", json!("maybe")), "INVALID_CONTENT", "toBeEmailed"),
        (
            one("billingAddress", json!({ "country": { "id": "England" } })),
            "INVALID_CONTENT",
            "billingAddress.country",
        ),
        (one("shippingCost", json!(4.99)), "USER_ERROR", "shipMethod"),
        (one("discountRate", json!(-5)), "USER_ERROR", "discountItem"),
        (one("item", json!({ "items": [] })), "USER_ERROR", "item"),
        (one("item", json!([])), "INVALID_CONTENT", "item"),
        (item("item", json!({ "id": "1" })), "INVALID_CONTENT", "item.items[1].item"),
        (item("item", Value::Null), "USER_ERROR", "item.items[1].item"),
        (item("item", json!({ "id": "998" })), "USER_ERROR", "item.items[1].item"),
        (item("item", json!({ "id": "999" })), "USER_ERROR", "item.items[1].item"),
        (item("item", json!({ "id": "1010" })), "USER_ERROR", "item.items[1].item"),
        (item("quantity", json!("many")), "INVALID_CONTENT", "item.items[1].quantity"),
        (item("quantity", json!(-1)), "USER_ERROR", "item.items[1].quantity"),
        (item("amount", Value::Null), "USER_ERROR", "item.items[1].amount"),
        (item("price", json!({ "id": "4" })), "INVALID_CONTENT", "item.items[1].price"),
    ] {
        let got = desk.post("/record/v1/salesOrder", &body).await;
        let (found, place, detail) = got.problem();
        assert_eq!((got.status.as_u16(), found, place), (400, code, path), "{body}: {detail}");
    }
    assert_eq!(desk.read("/record/v1/salesOrder").await["totalResults"], 0, "nothing is half stored");
    let got = desk.send(Method::POST, "/record/v1/salesOrder", None, &[]).await;
    assert_eq!(got.problem().0, "INVALID_CONTENT");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_follow_the_header() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1001, 1, "30")]);
    body["custbody_unheard_of"] = json!("x");
    let header = "x-netsuite-propertynamevalidation";
    let send = async |mode: &str| {
        desk.send(Method::POST, "/record/v1/salesOrder", Some(&body), &[(header, mode)]).await
    };
    let refused = send("error").await;
    assert_eq!(refused.problem().0, "NONEXISTENT_FIELD");
    assert_eq!(refused.problem().1, "custbody_unheard_of");
    let warned = send("warning").await;
    assert_eq!(warned.status, 204);
    assert!(
        warned.headers["x-netsuite-propertyvalidation"].to_str().unwrap().contains("custbody_unheard_of")
    );
    assert!(send("ignore").await.headers.get("x-netsuite-propertyvalidation").is_none());

    let mut body = order(&[line(1001, 1, "30")]);
    body["email"] = json!("nonsense");
    let lenient = [("x-netsuite-propertyvaluevalidation", "warning")];
    let got = desk.send(Method::POST, "/record/v1/salesOrder", Some(&body), &lenient).await;
    assert_eq!(got.status, 204, "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn external_ids_are_unique_and_plain() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1001, 1, "30")]);
    body["externalId"] = json!("uk-1");
    let id = desk.create("salesOrder", &body).await;
    let again = desk.post("/record/v1/salesOrder", &body).await;
    assert_eq!((again.status.as_u16(), again.problem().0), (400, "USER_ERROR"));
    assert!(again.problem().2.contains("already exists"));
    assert_eq!(desk.read("/record/v1/salesOrder/eid:uk-1").await["id"], json!(id));
    assert_eq!(desk.get("/record/v1/salesOrder/eid:uk-2").await.status, 404);
    assert_eq!(desk.get("/record/v1/salesOrder/eid:uk%7C1").await.problem().0, "INVALID_REQUEST");
    assert_eq!(desk.get("/record/v1/salesOrder/eid:").await.status, 400);
    assert_eq!(desk.put(&format!("/record/v1/salesOrder/{id}"), &body).await.problem().0, "INVALID_REQUEST");
    assert_eq!(desk.get("/record/v1/salesOrders/1").await.status, 404);
    assert_eq!(desk.get("/record/v1/salesOrder/12/x").await.status, 404);
    let both = desk.get(&format!("/record/v1/salesOrder/{id}?fields=total&expandSubResources=true")).await;
    assert_eq!(both.problem().0, "INVALID_PARAMETER");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_line_counts_until_it_is_emptied() {
    let desk = Desk::open().await;
    let id = desk.create("salesOrder", &order(&[line(1001, 1, "30"), line(1003, 2, "9.50")])).await;
    let path = format!("salesOrder/{id}");
    let close = |changes: Value| json!({ "item": { "items": [changes] } });
    desk.change(&path, &close(json!({ "line": 2, "isClosed": true }))).await;
    assert_eq!(desk.whole(&path).await["total"].to_string(), "39.5");
    desk.change(&path, &close(json!({ "line": 2, "isClosed": true, "quantity": 0, "amount": 0 }))).await;
    let now = desk.whole(&path).await;
    assert_eq!((now["total"].to_string(), &now["status"]["id"]), ("30".into(), &json!("B")));

    let settings = Settings { closed_lines_count: false, ..Settings::default() };
    let desk = Desk::with(settings).await;
    let mut closed = line(1003, 2, "9.50");
    closed["isClosed"] = json!(true);
    let id = desk.create("salesOrder", &order(&[line(1001, 1, "30"), closed])).await;
    assert_eq!(desk.whole(&format!("salesOrder/{id}")).await["total"].to_string(), "30");
}
