//! Which fields of an order a client may write. In: the names in a body. Out: the refusals of V2. It must never look
//! at values beyond their length and kind.

use serde_json::{Map, Value, json};

use super::answer::{Refusal, invalid, read_only};

/// A field that is only kept and shown: name, greatest length.
const PLAIN: &[(&str, usize)] = &[
    ("staff_notes", 65_535),
    ("customer_message", 65_535),
    ("external_order_id", 255),
    ("external_source", 255),
    ("external_merchant_id", 255),
    ("customer_locale", 10),
    ("ip_address", 30),
    ("ip_address_v6", 39),
    ("geoip_country", 255),
    ("geoip_country_iso2", 2),
    ("ebay_order_id", 255),
    ("payment_provider_id", 255),
];

/// Fields with a meaning of their own.
const MEANT: &[&str] = &[
    "billing_address",
    "products",
    "shipping_addresses",
    "consignments",
    "fees",
    "status_id",
    "customer_id",
    "channel_id",
    "date_created",
    "discount_amount",
    "payment_method",
    "base_shipping_cost",
    "base_handling_cost",
    "base_wrapping_cost",
];

/// Amounts that come without and with tax, both or neither.
const PAIRS: &[&str] = &["subtotal", "total", "shipping_cost", "handling_cost", "wrapping_cost"];

/// Fields that an order shows and that nobody writes.
const READ_ONLY: &[&str] = &[
    "id",
    "date_modified",
    "date_shipped",
    "cart_id",
    "status",
    "custom_status",
    "subtotal_tax",
    "shipping_cost_tax",
    "shipping_cost_tax_class_id",
    "handling_cost_tax",
    "handling_cost_tax_class_id",
    "wrapping_cost_tax",
    "wrapping_cost_tax_class_id",
    "payment_status",
    "store_credit_amount",
    "gift_certificate_amount",
    "currency_id",
    "currency_code",
    "currency_exchange_rate",
    "default_currency_id",
    "store_default_currency_code",
    "store_default_to_transactional_exchange_rate",
    "coupon_discount",
    "coupons",
    "shipping_address_count",
    "is_deleted",
    "total_tax",
    "is_tax_inclusive_pricing",
    "is_email_opt_in",
    "order_source",
    "external_id",
    "tax_provider_id",
    "item_total",
    "items_total",
    "items_shipped",
    "refunded_amount",
    "order_is_digital",
    "credit_card_type",
];

/// The plain fields of a new order.
pub(super) fn plain_defaults() -> Map<String, Value> {
    let value = |name| match name {
        "external_source" | "external_merchant_id" => Value::Null,
        "customer_locale" => json!("en"),
        "ebay_order_id" => json!("0"),
        _ => json!(""),
    };
    let mut plain: Map<String, Value> =
        PLAIN.iter().map(|(name, _)| ((*name).to_owned(), value(*name))).collect();
    plain.insert("order_source".into(), json!("external"));
    plain
}

/// Refuses what cannot be written; `creating` allows the two fields that are written once.
pub(super) fn check(body: &Map<String, Value>, creating: bool, refuse_unknown: bool) -> Result<(), Refusal> {
    for (name, value) in body {
        let once = matches!(name.as_str(), "external_merchant_id" | "default_currency_code");
        if READ_ONLY.contains(&name.as_str()) || (once && !creating) {
            return Err(read_only(name));
        }
        if let Some((_, most)) = PLAIN.iter().find(|(plain, _)| plain == name) {
            check_plain(name, value, *most)?;
        } else if !MEANT.contains(&name.as_str()) && !is_of_pair(name) && !once && refuse_unknown {
            return Err(super::answer::v2(
                axum::http::StatusCode::BAD_REQUEST,
                &format!("The field '{name}' is not supported by this resource."),
            ));
        }
    }
    PAIRS.iter().try_for_each(|pair| check_pair(body, pair))
}

fn check_plain(name: &str, value: &Value, most: usize) -> Result<(), Refusal> {
    let fits = match value {
        Value::String(text) => text.chars().count() <= most,
        Value::Number(_) => name == "payment_provider_id",
        Value::Null => matches!(name, "external_order_id" | "external_source" | "external_merchant_id"),
        _ => false,
    };
    if fits { Ok(()) } else { Err(invalid(name)) }
}

fn is_of_pair(name: &str) -> bool {
    let stem = name.strip_suffix("_ex_tax").or_else(|| name.strip_suffix("_inc_tax"));
    stem.is_some_and(|stem| PAIRS.contains(&stem))
}

/// Overrides come in pairs.
pub(super) fn check_pair(body: &Map<String, Value>, stem: &str) -> Result<(), Refusal> {
    let (ex, inc) = (format!("{stem}_ex_tax"), format!("{stem}_inc_tax"));
    match (body.contains_key(&ex), body.contains_key(&inc)) {
        (true, false) => Err(half(&ex, &inc)),
        (false, true) => Err(half(&inc, &ex)),
        _ => Ok(()),
    }
}

fn half(given: &str, other: &str) -> Refusal {
    let text = format!("The field '{given}' has to be given together with '{other}'.");
    super::answer::v2(axum::http::StatusCode::BAD_REQUEST, &text)
}

/// Copies the plain fields of a body.
pub(super) fn copy_plain(body: &Map<String, Value>, plain: &mut Map<String, Value>) {
    for (name, _) in PLAIN {
        if let Some(value) = body.get(*name) {
            plain.insert((*name).to_owned(), value.clone());
        }
    }
}
