//! What an account holds at its start.
//!
//! In: `seeds.json` and the catalogue both twins share. Out: a filled [`Store`]. It must never use chance: ids are fixed,
//! so that tables can name them.
//!
//! | record | ids |
//! |---|---|
//! | currency | 1 USD (base), 2 GBP, 3 EUR, 4 JPY, 5 KWD, 6 CAD |
//! | subsidiary | 1 Fern & Rowe Inc (US, USD), 2 UK Ltd (GB, GBP), 3 Europe `GmbH` (DE, EUR) |
//! | location | 1 Reno (sub. 1), 2 Leeds (2), 3 Hamburg (3), 4 Leeds Shop (2) |
//! | priceLevel | -1 Custom, 1 Base Price, 2 Wholesale -30 %, 3 Trade -15 %, 5 Online Price |
//! | paymentMethod | 1 Cash, 2 Card, 3 `PayPal`, 4 Bank Transfer, 5 Store Credit, 6 Gift Certificate, 7 Pay Later, 8 Other |
//! | shipItem | 301 Standard, 302 Express, 303 Collect, 304 Free, 305 International |
//! | salesTaxItem | 81-83 GB 20/5/0 %, 84-85 DE 19/7 %, 86 US 8.25 %, 87 JP 10 %, 88 CA 5 %, 89 not taxed, 90 other, 91 GB and 92 DE reverse charge, 93 California 7.25 %, 94 Texas 6.25 % |
//! | nexus | 1 US, 2 GB, 3 DE, 4 California, 5 Texas |
//! | taxType | 1 US, 2 GB, 3 DE, 4 JP, 5 CA, 6 other |
//! | otherChargeSaleItem | 901 SHIPPING, 902 HANDLING, 903 GIFT-WRAP, 906 TAX, 907 GIFT-REDEEMED, 908 STORE-CREDIT, 910 FEE, 911 ROUNDING, 912 REFUND-ADJUST |
//! | discountItem | 904 DISCOUNT, 905 COUPON |
//! | nonInventorySaleItem | 909 CUSTOM-LINE, 998 RETIRED (inactive), 999 US-ONLY (subsidiary 1 only) |
//! | the catalogue | `FR-1001` is item 1001 and so on; kits `FR-KIT-1` 1101, `FR-KIT-2` 1102, `FR-KIT-3` 1103; `FR-GIFT` 1201 |
//! | the shop's goods | from 2001 in the order of the shop's catalogue |
//! | customer | 501 person UK, 502 person US, 503 firm DE (wholesale), 504 inactive, 510/511/512 web customer UK/US/EU (any currency) |
//! | employee | 590, 591 (sales reps) |
//! | partner | 595 |
//! | pricingGroup | 1 Kitchen, 2 Table |
//! | taxSchedule | 1 Standard, 2 Reduced, 3 Exempt |
//! | file (image of an item) | 50000 and the item's id |
//! | giftCertificate | 77 50.00 GBP, 78 25.00 USD |
//! | department 5, 6 · classification 12, 13 · term 2, 4 · salesChannel 1, 2 · promotionCode 12 · customerStatus 13, 6 | |

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    amount::Amount,
    change,
    rules::Rules,
    schema::{Schema, custom_list},
    settings::{Settings, option_field},
    store::{Record, Store},
};
use crate::{
    catalogue::{CURRENCIES, Kind, PRODUCTS, Product, by_sku},
    seed_catalogue::{self, ItemKind, Tax},
};

/// Currency ids in the order of [`CURRENCIES`].
const CURRENCY_IDS: [&str; 5] = ["1", "2", "3", "4", "5"];

/// Fills an empty store.
pub(crate) fn fill(store: &mut Store, schema: &Schema, settings: &Settings, now: Timestamp) {
    let seeds: Map<String, Value> = serde_json::from_str(include_str!("seeds.json")).unwrap_or_default();
    for (kind, records) in seeds.into_iter().filter(|(kind, _)| schema.record(kind).is_some()) {
        let records = records.as_object().cloned().unwrap_or_default();
        for (id, body) in records {
            let id = id.parse().unwrap_or_default();
            add(store, schema, settings, (&kind, id, body), now);
        }
    }
    for field in &settings.custom_fields {
        for (at, value) in (1..).zip(&field.values) {
            let body = json!({ "name": value, "isInactive": false });
            add(store, schema, settings, (&custom_list(&field.name), at, body), now);
        }
    }
    let mut ids = HashMap::new();
    for (at, product) in PRODUCTS.iter().enumerate() {
        let id = own_id(product.sku, at);
        ids.insert(product.sku.to_owned(), id);
        let (kind, mut body) = product_item(product, &ids);
        publish(store, schema, settings, (id, &mut body, &product_options(product)), now);
        add(store, schema, settings, (kind, id, body), now);
        if matches!(product.kind, Kind::Stocked | Kind::Variant(..)) {
            stock(store, id, i64::from(product.stock), now);
        }
    }
    for (at, item) in seed_catalogue::catalogue().iter().filter(|item| !item.store_only).enumerate() {
        let id = 2001 + i64::try_from(at).unwrap_or_default();
        ids.insert(item.sku.clone(), id);
        let (kind, mut body) = shop_item(store, item, &ids);
        publish(store, schema, settings, (id, &mut body, &shop_options(item)), now);
        add(store, schema, settings, (kind, id, body), now);
        stock(store, id, i64::from(item.stock), now);
    }
}

/// What a shop shows of an item: its names, an image, channels and the values of its matrix options, which a parent has
/// all of and a child one each.
fn publish(
    store: &mut Store,
    schema: &Schema,
    settings: &Settings,
    (id, body, options): (i64, &mut Value, &[(String, String)]),
    now: Timestamp,
) {
    let file = 50_000 + id;
    let name = format!("{}.jpg", body["itemId"].as_str().unwrap_or_default().to_lowercase());
    let url = format!("/core/media/media.nl?id={file}&c={}&h=sandbox", settings.realm());
    let image = json!({ "name": name, "url": url, "fileType": "JPGIMAGE", "fileSize": 48, "isOnline": true });
    add(store, schema, settings, ("file", file, image), now);
    let shown = body["displayName"].clone();
    for (field, value) in [
        ("storeDisplayName", shown.clone()),
        ("storeDescription", shown),
        ("storeDisplayImage", json!(file.to_string())),
        ("isOnline", json!(true)),
        ("manufacturer", json!("Fern & Rowe")),
        ("custitem_bc_brand", json!("Fern & Rowe")),
        ("custitem_bc_channels", json!(["1"])),
    ] {
        body[field] = value;
    }
    if body["taxSchedule"].is_null() {
        body["taxSchedule"] = json!(if body["isTaxable"] == false { "3" } else { "1" });
    }
    for field in &settings.custom_fields {
        let wanted = |value: &String| {
            options.iter().any(|(option, own)| option_field(option) == field.name && own == value)
        };
        let ids: Vec<String> = (1..)
            .zip(&field.values)
            .filter(|(_, value)| wanted(value))
            .map(|(id, _): (i32, _)| id.to_string())
            .collect();
        if !ids.is_empty() {
            body[&field.name] = json!(ids);
        }
    }
}

/// The options of a product with their values: all of its variants' if it is a parent.
fn product_options(product: &Product) -> Vec<(String, String)> {
    let own = |parent: &str, values: &[&str]| -> Vec<(String, String)> {
        let options = match by_sku(parent).map(|parent| parent.kind) {
            Some(Kind::Parent(options)) => options,
            _ => &[],
        };
        options.iter().zip(values).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    match product.kind {
        Kind::Variant(parent, values) => own(parent, values),
        Kind::Parent(_) => PRODUCTS
            .iter()
            .filter_map(|child| match child.kind {
                Kind::Variant(parent, values) if parent == product.sku => Some(own(parent, values)),
                _ => None,
            })
            .flatten()
            .collect(),
        _ => Vec::new(),
    }
}

fn shop_options(item: &seed_catalogue::Item) -> Vec<(String, String)> {
    if item.kind != ItemKind::Parent {
        return item.options.clone();
    }
    let children = seed_catalogue::catalogue();
    children
        .into_iter()
        .filter(|child| child.parent.as_ref() == Some(&item.sku))
        .flat_map(|it| it.options)
        .collect()
}

/// Adds an item of the shop's catalogue that the account did not hold at its start.
pub(crate) fn enter(
    store: &mut Store,
    schema: &Schema,
    settings: &Settings,
    sku: &str,
    now: Timestamp,
) -> Result<(), String> {
    let item = seed_catalogue::catalogue().into_iter().find(|item| item.store_only && item.sku == sku);
    let item = item.ok_or_else(|| format!("the store sells no {sku} that the account does not have"))?;
    let id = store.next_id("item");
    let (kind, mut body) = shop_item(store, &item, &HashMap::new());
    publish(store, schema, settings, (id, &mut body, &shop_options(&item)), now);
    add(store, schema, settings, (kind, id, body), now);
    stock(store, id, i64::from(item.stock), now);
    Ok(())
}

fn own_id(sku: &str, at: usize) -> i64 {
    let number = sku.trim_start_matches("FR-").trim_start_matches("KIT-").parse::<i64>();
    match number {
        Ok(number) if number > 1000 => number,
        Ok(kit) => 1100 + kit,
        Err(_) => 1201.max(1100 + i64::try_from(at).unwrap_or_default()),
    }
}

/// Stores a record as the rules leave it, or as it stands where they do not know it.
fn add(store: &mut Store, schema: &Schema, settings: &Settings, row: (&str, i64, Value), now: Timestamp) {
    let (kind, id, body) = row;
    let mut record = Record::new(kind, id, now);
    let Value::Object(body) = body else { return };
    for (name, value) in body {
        record.body.insert(name, value);
    }
    for list in ["addressBook", "member"] {
        let mut last = 0;
        for line in record.lines_mut(list) {
            last += 1;
            let names: &[&str] = if list == "member" { &["line"] } else { &["id", "internalId"] };
            for name in names {
                line.insert((*name).to_owned(), json!(last));
            }
            change::mark_new(line);
        }
        if last > 0 {
            record.last_line.insert(list.to_owned(), last);
        }
    }
    let rules = Rules { store, schema, settings, now };
    let fixed = schema.def(kind).fixed || kind == "giftCertificate";
    if !fixed && let Err(problem) = rules.settle(&mut record, None) {
        tracing::error!(kind, id, detail = problem.detail, "a seed breaks a rule");
    }
    store.put(record);
}

fn stock(store: &mut Store, item: i64, on_hand: i64, now: Timestamp) {
    store.move_stock(item, 2, on_hand, 0, now);
    store.move_stock(item, 1, on_hand / 2, 0, now);
    store.move_stock(item, 3, on_hand / 4, 0, now);
    store.stamp(now);
}

fn prices(base: impl Fn(usize) -> String) -> Value {
    let rows = CURRENCY_IDS.iter().enumerate().map(|(at, currency)| {
        let price = Amount::parse(&base(at)).unwrap_or_default();
        json!({ "currencyPage": currency, "priceLevel": "1", "quantity": 0, "price": price.json() })
    });
    Value::Array(rows.collect())
}

fn product_item(product: &Product, ids: &HashMap<String, i64>) -> (&'static str, Value) {
    let id = |sku: &str| ids.get(sku).map(ToString::to_string);
    let mut body = json!({
        "itemId": product.sku, "displayName": product.name, "salesDescription": product.name,
        "isTaxable": true, "custitem_bc_published": true,
    });
    let (kind, priced) = match product.kind {
        Kind::Stocked => ("inventoryItem", true),
        Kind::Digital => ("nonInventorySaleItem", true),
        Kind::Service => ("serviceSaleItem", true),
        Kind::Parent(options) => {
            body["matrixType"] = json!("PARENT");
            body["custitem_bc_options"] = json!(options.join(" / "));
            ("inventoryItem", true)
        }
        Kind::Variant(parent, values) => {
            body["matrixType"] = json!("CHILD");
            body["parent"] = json!(id(parent));
            body["custitem_bc_options"] = json!(values.join(" / "));
            ("inventoryItem", true)
        }
        Kind::Kit(members) => {
            let lines = members.iter().map(|(sku, count)| json!({ "item": id(sku), "quantity": count }));
            body["member"] = Value::Array(lines.collect());
            ("kitItem", true)
        }
        Kind::GiftCertificate => {
            body["isTaxable"] = json!(false);
            ("giftCertificateItem", false)
        }
    };
    if kind == "inventoryItem" {
        body["weight"] = Amount::parse(product.weight).unwrap_or_default().json();
        body["weightUnit"] = json!("3");
    }
    if priced {
        body["price"] = prices(|at| product.price(CURRENCIES[at]).unwrap_or("0").to_owned());
    }
    (kind, body)
}

/// An item of the made-up shop; its price is taken as dollar cents, the other currencies follow by the account's rates.
fn shop_item(
    store: &Store,
    item: &seed_catalogue::Item,
    ids: &HashMap<String, i64>,
) -> (&'static str, Value) {
    let id = |sku: &str| ids.get(sku).map(ToString::to_string);
    let mut body = json!({
        "itemId": item.sku, "displayName": item.name, "salesDescription": item.name,
        "isTaxable": item.tax != Tax::Exempt, "custitem_bc_published": true,
    });
    body["taxSchedule"] = json!(match item.tax {
        Tax::Standard => "1",
        Tax::Reduced => "2",
        Tax::Exempt => "3",
    });
    let dollars = Amount::whole(i64::from(item.price)).over(Amount::HUNDRED).unwrap_or_default();
    body["price"] = prices(|at| {
        let currency = store.find("currency", CURRENCY_IDS[at]);
        let rate = currency.map_or(Amount::ONE, |it| it.amount("exchangeRate"));
        let decimals = currency.and_then(|it| it.body["currencyPrecision"].as_u64()).unwrap_or(2) as u32;
        dollars.over(rate).unwrap_or_default().round(decimals).to_string()
    });
    let kind = match item.kind {
        ItemKind::Digital => "nonInventorySaleItem",
        ItemKind::Kit => "kitItem",
        _ => "inventoryItem",
    };
    if let Some(parent) = &item.parent {
        body["matrixType"] = json!("CHILD");
        body["parent"] = json!(id(parent));
        let values: Vec<&str> = item.options.iter().map(|(_, value)| value.as_str()).collect();
        body["custitem_bc_options"] = json!(values.join(" / "));
    } else if item.kind == ItemKind::Parent {
        body["matrixType"] = json!("PARENT");
    }
    if !item.parts.is_empty() {
        let lines = item.parts.iter().map(|(sku, count)| json!({ "item": id(sku), "quantity": count }));
        body["member"] = Value::Array(lines.collect());
    }
    (kind, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_table() {
        let (schema, mut store) =
            (Schema::load(&[], &[], crate::netsuite::settings::TaxMode::SuiteTax), Store::default());
        fill(&mut store, &schema, &Settings::default(), Timestamp::UNIX_EPOCH);
        for (kind, id, name) in [
            ("inventoryItem", 1001, "FR-1001"),
            ("inventoryItem", 1041, "FR-1041"),
            ("kitItem", 1103, "FR-KIT-3"),
            ("giftCertificateItem", 1201, "FR-GIFT"),
            ("otherChargeSaleItem", 901, "SHIPPING"),
            ("discountItem", 905, "COUPON"),
        ] {
            assert_eq!(store.get(kind, id).map(|it| it.text("itemId")), Some(name));
        }
        assert_eq!(store.get("customer", 501).unwrap().lines("addressBook").count(), 1);
        assert_eq!(store.stock[&(1001, 2)].available(), 120);
    }
}
