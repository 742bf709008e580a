//! `/v2/orders` as clients meet it: lists, filters, paging, writes, refusals.

use std::time::Duration;

use flowrun_sandbox::bigcommerce::{Edit, Plan, Settings, Trade};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::shop::Shop;

fn ids(body: &Value) -> Vec<u64> {
    body.as_array().into_iter().flatten().filter_map(|row| row["id"].as_u64()).collect()
}

#[tokio::test]
async fn an_empty_list_is_204_without_a_body() {
    let shop = Shop::open().await;
    for path in ["/v2/orders", "/v2/orders?page=2", "/v2/orders?status_id=11"] {
        let got = shop.get(path).await;
        assert_eq!((got.status, got.body), (StatusCode::NO_CONTENT, Value::Null), "{path}");
    }
    let id = shop.place();
    assert_eq!(ids(&shop.read("/v2/orders").await), [id]);
    assert_eq!(shop.get("/v2/orders?page=2").await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.get(&format!("/v2/orders/{id}/shipments")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.get(&format!("/v2/orders/{id}/messages")).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn unpaid_orders_have_204_for_transactions() {
    let shop = Shop::open().await;
    let trade: Trade = serde_json::from_value(json!({ "tender": "unpaid" })).expect("a trade");
    let id = shop.running.store().place(&trade).expect("an order");
    assert_eq!(shop.get(&format!("/v3/orders/{id}/transactions")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.get("/v3/orders/1/transactions").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let shop = Shop::open().await;
    let placed: Vec<u64> = (0..7).map(|_| shop.place()).collect();
    let clock = &shop.running.shared().clock;
    clock.advance(Duration::from_secs(60));
    let since = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let touched = [placed[4], placed[1]];
    for id in touched {
        shop.running.store().edit(id, &Edit::Note("ring the bell".into())).expect("an edit");
        clock.advance(Duration::from_secs(2));
    }
    let list = |query: String| {
        let shop = &shop;
        async move { ids(&shop.get(&format!("/v2/orders?{query}")).await.body) }
    };
    let since = since.replace('+', "%2B");
    assert_eq!(list(format!("min_date_modified={since}&sort=date_modified:asc")).await, touched);
    assert_eq!(
        list(format!("min_date_modified={since}&sort=date_modified:desc")).await,
        [placed[1], placed[4]]
    );
    assert_eq!(list(format!("min_id={}&max_id={}", placed[2], placed[3])).await, placed[2..4]);
    assert_eq!(list("limit=3&page=2".into()).await, placed[3..6]);
    assert_eq!(list("limit=3&page=3".into()).await, placed[6..]);
    assert_eq!(list("sort=id:desc&limit=1".into()).await, placed[6..]);
    let count = shop.read("/v2/orders/count").await;
    assert_eq!(count["count"], 7);
    assert_eq!(count["statuses"].as_array().map(Vec::len), Some(15));
    for query in ["min_date_modifed=2026-01-01", "min_id=many", "sort=colour", "sort=id:up"] {
        let got = shop.get(&format!("/v2/orders?{query}")).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(got.body[0]["status"], 400, "{query}");
    }
}

#[tokio::test]
async fn errors_have_the_shape_of_their_version() {
    let shop = Shop::open().await;
    let v2 = shop.get("/v2/orders/1").await;
    assert_eq!(v2.status, StatusCode::NOT_FOUND);
    assert_eq!(v2.body, json!([{ "status": 404, "message": "The requested resource was not found." }]));
    let v3 = shop.get("/v3/hooks/1").await;
    assert_eq!((v3.status, &v3.body["status"]), (StatusCode::NOT_FOUND, &json!(404)));
    assert!(v3.body["title"].is_string() && v3.body["type"].is_string(), "{}", v3.body);
    let id = shop.place();
    let patched = shop.call(Method::PATCH, &format!("/v2/orders/{id}"), Some(&json!({}))).await;
    assert_eq!(patched.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(
        shop.post(&format!("/v2/orders/{id}"), &json!({})).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let stranger = shop.into_account("nobody");
    let refused = stranger.get("/v3/customers").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.body["title"].as_str().is_some_and(|title| title.starts_with("Unauthorized")));
}

#[tokio::test]
async fn a_tag_is_written_and_found_again() {
    let shop = Shop::open().await;
    let id = shop.place();
    let before = shop.read(&format!("/v2/orders/{id}")).await;
    shop.running.shared().clock.advance(Duration::from_secs(5));
    let got = shop.put(&format!("/v2/orders/{id}"), &json!({ "external_order_id": "SO1009" })).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.body);
    assert_eq!(got.body["external_order_id"], "SO1009");
    assert_ne!(got.body["date_modified"], before["date_modified"]);
    assert_eq!(got.body["total_inc_tax"], before["total_inc_tax"]);
    let found = shop.read("/v2/orders?external_order_id=SO1009").await;
    assert_eq!(ids(&found), [id]);
    let entries = shop.running.shared().ledger.since(0);
    let write = entries.iter().find(|entry| entry.method == "PUT").expect("the write");
    let expected =
        json!({ "record": "order", "id": id.to_string(), "verb": "update", "fields": ["external_order_id"] });
    assert_eq!(write.effect, Some(expected));
}

#[tokio::test]
async fn fields_that_are_only_read_are_refused() {
    let shop = Shop::open().await;
    let id = shop.place();
    for (body, part) in [
        (json!({ "items_total": 3 }), "The field 'items_total' cannot be written to."),
        (json!({ "external_id": "x" }), "The field 'external_id' cannot be written to."),
        (json!({ "coupon_discount": 1 }), "The field 'coupon_discount' cannot be written to."),
        (json!({ "external_merchant_id": "x" }), "The field 'external_merchant_id' cannot be written to."),
        (json!({ "total_inc_tax": 1 }), "together with 'total_ex_tax'"),
        (json!({ "externl_order_id": "x" }), "is not supported"),
        (json!({ "status_id": 99 }), "'status_id' is invalid"),
        (json!({ "products": [{ "id": 1, "quantity": 2 }] }), "'products' is invalid"),
    ] {
        let got = shop.put(&format!("/v2/orders/{id}"), &body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{body}: {}", got.body);
        let message = got.body[0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(part), "{body}: {message}");
    }
    let effects = shop.running.shared().ledger.since(0);
    assert!(effects.iter().all(|entry| entry.effect.is_none()), "a refused write commits nothing");
}

fn new_order() -> Value {
    json!({
        "status_id": 11,
        "customer_id": 0,
        "billing_address": {
            "first_name": "Ines",
            "last_name": "Farrow",
            "street_1": "12 Mill Lane",
            "city": "Peoria",
            "state": "Illinois",
            "zip": "61602",
            "country": "United States",
            "country_iso2": "US",
            "email": "ines@example.com",
        },
        "products": [
            { "name": "Engraving", "quantity": 2, "price_ex_tax": 10, "price_inc_tax": "10.90" },
            { "product_id": 1, "quantity": 1 },
        ],
        "base_shipping_cost": "8.00",
    })
}

#[tokio::test]
async fn an_order_is_created_and_its_sums_are_worked_out() {
    let shop = Shop::open().await;
    let got = shop.post("/v2/orders", &new_order()).await;
    assert_eq!(got.status, StatusCode::CREATED, "{}", got.body);
    let id = got.body["id"].as_u64().expect("an id");
    assert!(got.headers["location"].to_str().is_ok_and(|to| to.ends_with(&format!("/v2/orders/{id}"))));
    // 21.80 as sent; 14.50 + 0.91 + 0.40 from the catalogue; 8.00 + 0.50 carriage.
    assert_eq!(got.body["subtotal_inc_tax"], "37.6100");
    assert_eq!(got.body["shipping_cost_inc_tax"], "8.5000");
    assert_eq!(got.body["total_inc_tax"], "46.1100");
    assert_eq!(got.body["total_tax"], "3.6100");
    let taxes = shop.read(&format!("/v2/orders/{id}/taxes?details=true")).await;
    let custom = taxes.as_array().into_iter().flatten().find(|row| row["name"] == "API Tax Override");
    assert_eq!(
        custom.map(|row| (&row["class"], &row["line_amount"])),
        Some((&json!("Automatic Tax"), &json!("1.8000")))
    );
    let addresses = shop.read(&format!("/v2/orders/{id}/shipping_addresses")).await;
    assert_eq!(addresses[0]["city"], "Peoria");
}

#[tokio::test]
async fn sums_that_are_sent_are_not_stored() {
    let shop = Shop::open().await;
    let mut body = new_order();
    body["total_ex_tax"] = json!("1.00");
    body["total_inc_tax"] = json!("1.00");
    let got = shop.post("/v2/orders", &body).await;
    assert_eq!((got.status, &got.body["total_inc_tax"]), (StatusCode::CREATED, &json!("46.1100")));
}

#[tokio::test]
async fn orders_that_lack_something_are_refused() {
    let shop = Shop::open().await;
    let without = |field: &str| {
        let mut body = new_order();
        body.as_object_mut().map(|body| body.remove(field));
        body
    };
    let mut half = new_order();
    half["products"][0].as_object_mut().map(|line| line.remove("price_inc_tax"));
    let mut both = new_order();
    both["consignments"] = json!({ "pickups": [] });
    let mut stranger = new_order();
    stranger["customer_id"] = json!(9999);
    for body in [without("billing_address"), without("products"), half, both, stranger] {
        let got = shop.post("/v2/orders", &body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{}", got.body);
    }
    assert_eq!(shop.get("/v2/orders").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn changed_lines_lose_their_discounts_and_quantity_0_removes() {
    let shop = Shop::open().await;
    let trade: Trade = serde_json::from_value(json!({
        "items": [["MUG-30", 2], ["BOWL-15", 1]],
        "coupon": 2,
        "discount": true,
        "certificate_line": false,
    }))
    .expect("a trade");
    let id = shop.running.store().place(&trade).expect("an order");
    let path = format!("/v2/orders/{id}");
    assert_ne!(shop.read(&path).await["discount_amount"], "0.0000");
    let products = shop.read(&format!("{path}/products")).await;
    let lines = ids(&products);
    let body = json!({ "products": [{ "id": lines[0], "quantity": 5 }, { "id": lines[1], "quantity": 0 }] });
    let got = shop.put(&path, &body).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.body);
    assert_eq!(
        (&got.body["discount_amount"], &got.body["coupon_discount"]),
        (&json!("0.0000"), &json!("0.0000"))
    );
    let after = shop.read(&format!("{path}/products")).await;
    assert_eq!((ids(&after), &after[0]["quantity"]), (vec![lines[0]], &json!(5)));
    assert_eq!(shop.get(&format!("{path}/coupons")).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_archived_order_is_marked_and_stays() {
    let shop = Shop::open().await;
    let id = shop.place();
    assert_eq!(shop.delete(&format!("/v2/orders/{id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.read(&format!("/v2/orders/{id}")).await["is_deleted"], true);
}

#[tokio::test]
async fn fees_and_consignments_come_when_asked_for() {
    let shop = Shop::open().await;
    let trade: Trade =
        serde_json::from_value(json!({ "fee": true, "items": [["MUG-30", 1]] })).expect("a trade");
    let id = shop.running.store().place(&trade).expect("an order");
    let plain = shop.read(&format!("/v2/orders/{id}")).await;
    assert_eq!(plain["fees"]["resource"], format!("/orders/{id}/fees"));
    assert_eq!(plain["shipping_addresses"]["resource"], format!("/orders/{id}/shippingaddresses"));
    let path = format!("/v2/orders/{id}?include=fees,consignments.line_items&consignment_structure=object");
    let whole = shop.read(&path).await;
    assert_eq!(whole["fees"][0]["type"], "custom_fee");
    assert_eq!(whole["consignments"]["shipping"][0]["line_items"][0]["sku"], "MUG-30");
    let cost = &whole["consignments"]["shipping"][0]["cost_inc_tax"];
    assert!(cost.is_number(), "money in consignments is a number: {cost}");
    let replaced = shop.put(&format!("/v2/orders/{id}?include=fees"), &json!({ "fees": [] })).await;
    assert_eq!(replaced.body["fees"], json!([]));
}

#[tokio::test]
async fn a_new_place_does_not_change_the_tax() {
    let shop = Shop::open().await;
    let trade: Trade =
        serde_json::from_value(json!({ "country": "GB", "items": [["MUG-30", 1]] })).expect("a trade");
    let id = shop.running.store().place(&trade).expect("an order");
    let before = shop.read(&format!("/v2/orders/{id}")).await;
    let address = shop.read(&format!("/v2/orders/{id}/shipping_addresses")).await[0]["id"].clone();
    let moved =
        json!({ "city": "Bend", "state": "Oregon", "country": "United States", "country_iso2": "US" });
    let got = shop.put(&format!("/v2/orders/{id}/shipping_addresses/{address}"), &moved).await;
    assert_eq!((got.status, &got.body["city"]), (StatusCode::OK, &json!("Bend")));
    let after = shop.read(&format!("/v2/orders/{id}")).await;
    assert_eq!(before["total_tax"], after["total_tax"]);
}

#[tokio::test]
async fn the_quota_is_told_and_kept() {
    let shop = Shop::with(Settings { plan: Plan::Plus, ..Settings::default() }).await;
    let first = shop.get("/v2/time").await;
    assert_eq!(first.headers["x-rate-limit-time-window-ms"], "30000");
    assert_eq!(first.headers["x-rate-limit-requests-quota"], "150");
    assert_eq!(first.headers["x-rate-limit-requests-left"], "149");
    for _ in 0..149 {
        assert_eq!(shop.get("/v2/time").await.status, StatusCode::OK);
    }
    let refused = shop.get("/v2/time").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["x-rate-limit-requests-left"], "0");
    let wait: u64 =
        refused.headers["x-rate-limit-time-reset-ms"].to_str().expect("text").parse().expect("a number");
    shop.running.shared().clock.advance(Duration::from_millis(wait));
    assert_eq!(shop.get("/v2/time").await.status, StatusCode::OK);
    let pro = Shop::with(Settings { plan: Plan::Pro, ..Settings::default() }).await;
    assert_eq!(pro.get("/v2/time").await.headers["x-rate-limit-requests-quota"], "450");
    let free = Shop::open().await;
    assert!(free.get("/v2/time").await.headers.get("x-rate-limit-requests-left").is_none());
}

#[tokio::test]
async fn an_order_may_be_read_late() {
    let plan = Plan::Unlimited;
    let shop = Shop::with(Settings { read_lag_ms: 5000, plan, ..Settings::default() }).await;
    let id = shop.place();
    assert_eq!(shop.get(&format!("/v2/orders/{id}")).await.status, StatusCode::NOT_FOUND);
    shop.running.shared().clock.advance(Duration::from_secs(5));
    assert_eq!(shop.get(&format!("/v2/orders/{id}")).await.status, StatusCode::OK);
}
