//! The sums of drawn orders tie out to the minor unit, whatever the payment, tax, discount and currency. The checks
//! read the API's texts with arithmetic of their own.

use std::collections::BTreeSet;

use flowrun_sandbox::bigcommerce::{Back, OrderKind, Rounding, Settings, TaxCase, Tender, Trade};
use serde_json::Value;

use crate::shop::Shop;

/// Ten-thousandths.
fn money(value: &Value) -> i128 {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (sign, text) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let number = |text: &str| text.parse::<i128>().unwrap_or_else(|_| panic!("{value} is not money"));
    sign * number(&format!("{whole}{part:0<4}"))
}

fn sum(rows: &Value, field: &str) -> i128 {
    rows.as_array().into_iter().flatten().map(|row| money(&row[field])).sum()
}

fn digits(code: &Value) -> i128 {
    match code.as_str() {
        Some("JPY") => 10_000,
        Some("KWD") => 10,
        _ => 100,
    }
}

/// What one order shows over the API.
struct Seen {
    order: Value,
    products: Value,
    taxes: Value,
    details: Value,
    fees: Value,
    transactions: Value,
}

async fn see(shop: &Shop, id: u64) -> Seen {
    let part = |path: String| async move { shop.get(&path).await.body };
    Seen {
        order: shop.read(&format!("/v2/orders/{id}")).await,
        products: part(format!("/v2/orders/{id}/products?limit=250")).await,
        taxes: part(format!("/v2/orders/{id}/taxes?limit=250")).await,
        details: part(format!("/v2/orders/{id}/taxes?details=true&limit=250")).await,
        fees: part(format!("/v2/orders/{id}/fees")).await["fees"].clone(),
        transactions: part(format!("/v3/orders/{id}/transactions")).await["data"].clone(),
    }
}

/// The documented identities.
fn check(seen: &Seen, exact_lines: bool) {
    let order = &seen.order;
    let id = &order["id"];
    let of = |field: &str| money(&order[field]);
    let total = of("subtotal_inc_tax")
        + of("shipping_cost_inc_tax")
        + of("handling_cost_inc_tax")
        + of("wrapping_cost_inc_tax")
        + sum(&seen.fees, "cost_inc_tax")
        - of("discount_amount")
        - of("coupon_discount");
    assert_eq!(of("total_inc_tax"), total, "total of {order}");
    assert_eq!(of("total_ex_tax"), of("total_inc_tax") - of("total_tax"), "net of {id}");
    let unit = digits(&order["default_currency_code"]);
    for field in [
        "total_inc_tax",
        "total_tax",
        "subtotal_inc_tax",
        "discount_amount",
        "coupon_discount",
        "shipping_cost_inc_tax",
        "handling_cost_inc_tax",
        "wrapping_cost_inc_tax",
        "store_credit_amount",
        "gift_certificate_amount",
    ] {
        assert!(of(field) >= 0, "{field} of {order}");
        assert_eq!(of(field) % unit, 0, "{field} of {id} is in whole minor units");
    }
    let lines = sum(&seen.products, "discounted_total_inc_tax");
    let off = of("discount_amount") + of("coupon_discount");
    let gap = (lines - (of("subtotal_inc_tax") - off)).abs();
    assert!(if exact_lines { gap == 0 } else { gap <= unit / 2 }, "lines of {id}: {gap}");
    let listed: i128 = sum(&seen.details, "line_amount") + sum(&seen.fees, "cost_tax");
    let gap = (listed - of("total_tax")).abs();
    assert!(if exact_lines { gap == 0 } else { gap <= 3 * unit }, "taxes of {id}: {gap}");
    // Four decimals are shown of each row, so the short list may differ by their rounding.
    let rows = seen.details.as_array().map_or(0, Vec::len) as i128;
    let short = (sum(&seen.taxes, "line_amount") - sum(&seen.details, "line_amount")).abs();
    assert!(short <= if exact_lines { 0 } else { rows }, "both lists of {id}: {short}");
    check_lines(seen);
    check_tenders(seen);
}

fn check_lines(seen: &Seen) {
    for line in seen.products.as_array().into_iter().flatten() {
        let discounts = sum(&line["applied_discounts"], "amount");
        let gap = money(&line["total_inc_tax"]) - discounts - money(&line["discounted_total_inc_tax"]);
        assert!(gap.abs() <= 1, "discounts of {line}");
        assert!(money(&line["discounted_total_inc_tax"]) >= 0, "{line}");
    }
}

/// What was paid is what was due, unless nothing was paid.
fn check_tenders(seen: &Seen) {
    let good = seen.transactions.as_array().into_iter().flatten().filter(|row| row["status"] == "ok");
    let paid: i128 = good
        .clone()
        .filter(|row| matches!(row["event"].as_str(), Some("purchase" | "capture" | "pending")))
        .map(|row| money(&row["amount"]))
        .sum();
    let held: i128 =
        good.filter(|row| row["event"] == "authorization").map(|row| money(&row["amount"])).sum();
    let due = money(&seen.order["total_inc_tax"]);
    if !seen.transactions.is_null() {
        let captured = seen.order["payment_status"] != "authorized";
        assert!(if captured { paid == due } else { paid + held == due }, "payment of {}", seen.order["id"]);
    }
    let of_method = |method: &str| -> i128 {
        let rows = seen.transactions.as_array().into_iter().flatten();
        rows.filter(|row| row["method"] == method && row["event"] != "refund")
            .map(|row| money(&row["amount"]))
            .sum()
    };
    assert_eq!(of_method("store_credit"), money(&seen.order["store_credit_amount"]));
    assert_eq!(of_method("gift_certificate"), money(&seen.order["gift_certificate_amount"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_drawn_orders_tie_out() {
    let shop = Shop::open().await;
    let ids: Vec<u64> = (0..2000).map(|_| shop.place()).collect();
    let mut met = BTreeSet::new();
    for id in ids {
        let seen = see(&shop, id).await;
        check(&seen, true);
        let order = &seen.order;
        let word = |field: &str| order[field].to_string();
        met.insert(format!("currency {}", word("default_currency_code")));
        met.insert(format!("inclusive {}", word("is_tax_inclusive_pricing")));
        met.insert(format!("channel {}", word("channel_id")));
        met.insert(format!("addresses {}", word("shipping_address_count")));
        met.insert(format!("taxed {}", money(&order["total_tax"]) > 0));
        met.insert(format!("guest {}", order["customer_id"] == 0));
        met.insert(format!("display {}", order["currency_code"] == order["default_currency_code"]));
        for field in ["discount_amount", "coupon_discount", "handling_cost_inc_tax", "wrapping_cost_inc_tax"]
        {
            met.insert(format!("{field} {}", money(&order[field]) > 0));
        }
        for row in seen.transactions.as_array().into_iter().flatten() {
            met.insert(format!("{} {} {}", row["event"], row["method"], row["status"]));
        }
        for line in seen.products.as_array().into_iter().flatten() {
            met.insert(format!("line {} {}", line["type"], line["is_bundled_product"]));
        }
        met.insert(format!("fees {}", seen.fees.as_array().is_some_and(|fees| !fees.is_empty())));
    }
    for case in [
        "currency \"USD\"",
        "currency \"GBP\"",
        "currency \"EUR\"",
        "currency \"JPY\"",
        "currency \"KWD\"",
        "inclusive true",
        "inclusive false",
        "channel 1",
        "channel 2",
        "channel 3",
        "channel 4",
        "channel 5",
        "addresses 0",
        "addresses 2",
        "taxed true",
        "taxed false",
        "guest true",
        "guest false",
        "display false",
        "discount_amount true",
        "coupon_discount true",
        "handling_cost_inc_tax true",
        "wrapping_cost_inc_tax true",
        "fees true",
        "\"purchase\" \"credit_card\" \"error\"",
        "\"capture\" \"credit_card\" \"ok\"",
        "\"pending\" \"offline\" \"ok\"",
        "\"purchase\" \"gift_certificate\" \"ok\"",
        "\"purchase\" \"store_credit\" \"ok\"",
        "line \"digital\" false",
        "line \"giftcertificate\" false",
        "line \"physical\" true",
    ] {
        assert!(met.contains(case), "no drawn order has {case}; met {met:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_tie_out_when_only_sums_are_rounded() {
    let plan = flowrun_sandbox::bigcommerce::Plan::Unlimited;
    let shop = Shop::with(Settings { rounding: Rounding::NoRounding, plan, ..Settings::default() }).await;
    for _ in 0..300 {
        let seen = see(&shop, shop.place()).await;
        check(&seen, false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payment_and_tax_case_can_be_asked_for() {
    let shop = Shop::open().await;
    let tenders = [
        Tender::Card,
        Tender::Several,
        Tender::GiftCertificate,
        Tender::StoreCredit,
        Tender::Offline,
        Tender::Unpaid,
    ];
    for tender in tenders {
        for tax in [TaxCase::Inclusive, TaxCase::Exclusive, TaxCase::Exempt] {
            for currency in ["USD", "GBP", "JPY", "KWD"] {
                let trade = Trade {
                    tender: Some(tender),
                    tax: Some(tax),
                    currency: Some(currency.into()),
                    customer_id: Some(1),
                    ..Trade::default()
                };
                let id = shop.running.store().place(&trade).expect("an order");
                let seen = see(&shop, id).await;
                check(&seen, true);
                assert_eq!(seen.order["default_currency_code"], currency);
                assert_eq!(seen.transactions.is_null(), tender == Tender::Unpaid, "{tender:?}");
                match tax {
                    TaxCase::Exempt => assert_eq!(money(&seen.order["total_tax"]), 0),
                    case => {
                        let inclusive = case == TaxCase::Inclusive;
                        assert_eq!(seen.order["is_tax_inclusive_pricing"], inclusive);
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_order_can_be_asked_for() {
    let shop = Shop::open().await;
    for kind in OrderKind::ALL {
        for _ in 0..5 {
            let id = shop.running.store().place(&Trade::of(*kind)).expect("an order");
            let kinds = shop.running.store().kinds(id);
            assert!(kinds.contains(kind), "order {id} is {kinds:?}, asked for {kind:?}");
            check(&see(&shop, id).await, true);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_never_exceed_what_was_paid() {
    for lowered in [false, true] {
        let plan = flowrun_sandbox::bigcommerce::Plan::Unlimited;
        let shop = Shop::with(Settings { refunds_lower_total: lowered, plan, ..Settings::default() }).await;
        for _ in 0..40 {
            let paid = Trade { tender: Some(Tender::Several), ..Trade::default() };
            let id = shop.running.store().place(&paid).expect("an order");
            let before = see(&shop, id).await;
            let mut times = 0;
            while times < 3 && shop.running.store().refund(id, Back::Part).is_ok() {
                times += 1;
            }
            if shop.running.store().refund(id, Back::All).is_ok() {
                times += 1;
            }
            assert!(shop.running.store().refund(id, Back::All).is_err(), "order {id} pays more than it got");
            let refunds = shop.get(&format!("/v3/orders/{id}/payment_actions/refunds")).await.body;
            let after = see(&shop, id).await;
            assert_eq!(refunds["data"].as_array().map(Vec::len), Some(times), "{refunds}");
            let total = money(&before.order["total_inc_tax"]);
            assert_eq!(sum(&refunds["data"], "total_amount"), total, "{refunds}");
            assert_eq!(sum(&refunds["data"], "total_tax"), money(&before.order["total_tax"]), "{refunds}");
            for refund in refunds["data"].as_array().into_iter().flatten() {
                assert_eq!(sum(&refund["payments"], "amount"), money(&refund["total_amount"]), "{refund}");
            }
            let left = money(&after.order["total_inc_tax"]);
            assert_eq!(left, if lowered { 0 } else { total });
            assert_eq!(after.order["status_id"], 4);
            for line in after.products.as_array().into_iter().flatten() {
                let free = money(&line["discounted_total_inc_tax"]) == 0;
                assert!(free || line["quantity_refunded"] == line["quantity"], "{line}");
            }
        }
    }
}

/// A worked example with figures found by hand: VAT of 20 % within, one tenth off by coupon, carriage of 4.95 dollars.
#[tokio::test(flavor = "multi_thread")]
async fn a_worked_example_in_pounds() {
    let shop = Shop::open().await;
    let trade = Trade {
        tender: Some(Tender::Card),
        tax: Some(TaxCase::Inclusive),
        currency: Some("GBP".into()),
        country: Some("GB".into()),
        items: Some(vec![("PLATE-26".into(), 3)]),
        customer_id: Some(0),
        addresses: Some(1),
        coupon: Some(1),
        discount: Some(false),
        fee: Some(false),
        wrapping: Some(false),
        handling: Some(false),
        certificate_line: Some(false),
        promotion: Some(false),
        free_item: Some(false),
        custom_line: Some(false),
        ..Trade::default()
    };
    let id = shop.running.store().place(&trade).expect("an order");
    let seen = see(&shop, id).await;
    // 14.50 dollars at 0.7912 are 11.4724, so 11.47 pounds; three are 34.41; one tenth is 3.441, so 3.44.
    assert_eq!(seen.order["subtotal_inc_tax"], "34.4100");
    assert_eq!(seen.order["subtotal_ex_tax"], "28.6750");
    assert_eq!(seen.order["coupon_discount"], "3.4400");
    assert_eq!(seen.products[0]["discounted_total_inc_tax"], "30.9700");
    // A sixth of 30.97 is 5.1617.
    assert_eq!(seen.order["subtotal_tax"], "5.1600");
    check(&seen, true);
}
