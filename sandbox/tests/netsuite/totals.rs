//! Figures: the account computes them all, whatever was sent.

use flowrun_sandbox::netsuite::{Settings, TaxMode};
use serde_json::{Value, json};

use crate::desk::{Desk, line, order};

/// The numbers of some fields, as they are written.
fn figures(record: &Value, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| record[*name].to_string()).collect()
}

async fn make(desk: &Desk, body: &Value) -> Value {
    let id = desk.create("salesOrder", body).await;
    desk.whole(&format!("salesOrder/{id}")).await
}

fn tax(reference: &str, amount: &str) -> Value {
    let amount: Value = serde_json::from_str(amount).unwrap();
    json!({ "taxDetailsReference": reference, "taxType": "2", "taxCode": "81", "taxBasis": 1, "taxRate": 20, "taxAmount": amount })
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_that_were_sent_are_not_taken() {
    let desk = Desk::open().await;
    let mut goods = line(1001, 2, "59.98");
    goods["taxDetailsReference"] = json!("L1");
    goods["grossAmt"] = json!(1);
    let mut body = order(&[goods, line(904, 1, "-5")]);
    body["shipMethod"] = json!("301");
    body["shippingCost"] = json!(4.99);
    body["taxDetails"] = json!({ "items": [tax("L1", "11.996"), tax("SHIPPING", "1")] });
    for name in ["total", "subtotal", "taxTotal", "discountTotal"] {
        body[name] = json!(9999);
    }
    let made = make(&desk, &body).await;
    assert_eq!(
        figures(&made, &["subtotal", "altShippingCost", "taxTotal", "total"]),
        ["54.98", "4.99", "13", "72.97"]
    );
    let first = &made["item"]["items"][0];
    assert_eq!(figures(first, &["amount", "rate", "tax1Amt", "grossAmt"]), ["59.98", "29.99", "12", "71.98"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_price_level_takes_the_table_price() {
    let desk = Desk::open().await;
    let mut wrong = line(1001, 3, "1");
    wrong["price"] = json!({ "id": "1" });
    let mut silent = line(1001, 1, "1");
    silent.as_object_mut().unwrap().remove("price");
    let mut wholesale = line(1001, 1, "1");
    wholesale["price"] = json!({ "id": "2" });
    let made = make(&desk, &order(&[wrong, silent, wholesale])).await;
    let amounts: Vec<String> =
        made["item"]["items"].as_array().unwrap().iter().map(|line| line["amount"].to_string()).collect();
    assert_eq!(amounts, ["104.97", "34.99", "24.49"]);
    assert_eq!(made["total"].to_string(), "164.45");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_rate_makes_the_amount() {
    let desk = Desk::open().await;
    let mut by_rate = line(1003, 3, "0");
    by_rate.as_object_mut().unwrap().remove("amount");
    by_rate["rate"] = json!(3.3333);
    let id = desk.create("salesOrder", &order(&[by_rate])).await;
    let path = format!("salesOrder/{id}");
    assert_eq!(desk.whole(&path).await["total"].to_string(), "10");
    desk.change(&path, &json!({ "item": { "items": [{ "line": 1, "quantity": 2 }] } })).await;
    assert_eq!(desk.whole(&path).await["total"].to_string(), "6.67");
    desk.change(&path, &json!({ "item": { "items": [{ "line": 1, "amount": 5 }] } })).await;
    let made = desk.whole(&path).await;
    assert_eq!(figures(&made["item"]["items"][0], &["rate", "amount"]), ["2.5", "5"]);
    desk.change(&path, &json!({ "memo": "nothing else" })).await;
    assert_eq!(desk.whole(&path).await["total"].to_string(), "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gross_amount_makes_the_net() {
    let desk = Desk::open().await;
    let mut goods = line(1001, 2, "0");
    goods.as_object_mut().unwrap().remove("amount");
    goods["grossAmt"] = json!(72);
    goods["taxDetailsReference"] = json!("L1");
    let mut body = order(&[goods]);
    body["taxDetails"] = json!({ "items": [tax("L1", "12")] });
    let made = make(&desk, &body).await;
    assert_eq!(figures(&made["item"]["items"][0], &["amount", "rate", "grossAmt"]), ["60", "30", "72"]);
    assert_eq!(figures(&made, &["subtotal", "total"]), ["60", "72"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_have_the_minor_units_of_their_currency() {
    let desk = Desk::open().await;
    for (currency, total) in [("4", "1001"), ("5", "1000.556"), ("2", "1000.56")] {
        let mut body = order(&[line(1001, 1, "1000.5555")]);
        body["currency"] = json!({ "id": currency });
        assert_eq!(make(&desk, &body).await["total"].to_string(), total, "currency {currency}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tax_details_are_appended_unless_replaced() {
    let desk = Desk::open().await;
    let mut goods = line(1001, 1, "50");
    goods["taxDetailsReference"] = json!("L1");
    let mut body = order(&[goods]);
    body["taxDetails"] = json!({ "items": [tax("L1", "10")] });
    let id = desk.create("salesOrder", &body).await;
    let path = format!("salesOrder/{id}");
    let again = json!({ "taxDetails": body["taxDetails"] });
    desk.change(&path, &again).await;
    assert_eq!(desk.whole(&path).await["taxTotal"], 20, "the client did not replace");
    assert_eq!(desk.patch(&format!("/record/v1/{path}?replace=taxDetails"), &again).await.status, 204);
    assert_eq!(figures(&desk.whole(&path).await, &["taxTotal", "total"]), ["10", "60"]);
    let stray = json!({ "taxDetails": { "items": [tax("L9", "1")] } });
    let got = desk.patch(&format!("/record/v1/{path}"), &stray).await;
    assert_eq!(got.problem().1, "taxDetails.items[1].taxDetailsReference");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_override_the_account_taxes_by_country() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1001, 1, "50"), line(911, 1, "1")]);
    body["taxDetailsOverride"] = json!(false);
    body["shipMethod"] = json!("301");
    body["shippingCost"] = json!(4.99);
    let made = make(&desk, &body).await;
    // 20 % on goods and delivery, none on what is not taxable.
    assert_eq!(figures(&made, &["subtotal", "taxTotal", "total"]), ["51", "11", "66.99"]);
    body["shippingAddress"] = json!({ "country": { "id": "KW" } });
    assert_eq!(make(&desk, &body).await["taxTotal"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_tax_is_inert() {
    let desk = Desk::with(Settings { tax_mode: TaxMode::Legacy, ..Settings::default() }).await;
    let mut goods = line(1001, 1, "50");
    goods["taxCode"] = json!("81");
    goods["taxRate1"] = json!(20);
    let mut body = order(&[goods]);
    body["taxItem"] = json!("81");
    let made = make(&desk, &body).await;
    assert_eq!(figures(&made, &["taxTotal", "total"]), ["0", "50"]);
    assert!(made.get("taxDetails").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn header_discounts_and_gift_certificates() {
    let desk = Desk::open().await;
    let mut body = order(&[line(1001, 1, "80")]);
    body["discountItem"] = json!("904");
    body["discountRate"] = json!("-12.5%");
    body["giftCertRedemption"] = json!({ "items": [{ "authCode": "77", "authCodeApplied": 30 }] });
    let made = make(&desk, &body).await;
    assert_eq!(figures(&made, &["discountTotal", "giftCertApplied", "total"]), ["-10", "30", "40"]);
    assert_eq!(desk.read("/record/v1/giftCertificate/77").await["amountRemaining"], 20);
    let got = desk.post("/record/v1/salesOrder", &body).await;
    assert_eq!(got.problem().1, "giftCertRedemption.items[0].authCodeApplied");
    let id = made["id"].as_str().unwrap();
    desk.change(&format!("salesOrder/{id}"), &json!({ "discountRate": -1, "memo": "x" })).await;
    assert_eq!(desk.whole(&format!("salesOrder/{id}")).await["total"], 49);
    assert_eq!(desk.delete(&format!("/record/v1/salesOrder/{id}")).await.status, 204);
    assert_eq!(desk.read("/record/v1/giftCertificate/77").await["amountRemaining"], 50);
}
