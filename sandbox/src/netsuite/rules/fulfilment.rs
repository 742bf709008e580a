//! Fulfilments of sales orders.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Rules, party::address_text};
use crate::netsuite::{
    amount::Amount,
    http::Problem,
    schema::Schema,
    store::{Record, Store, amount, is, text},
};

/// The body of a fulfilment of everything that is left of an order.
pub(crate) fn start(order: &Record) -> Map<String, Value> {
    let mut body = Map::new();
    for name in
        ["entity", "subsidiary", "currency", "exchangeRate", "location", "shipMethod", "shippingAddress"]
    {
        if let Some(value) = order.body.get(name) {
            body.insert(name.into(), value.clone());
        }
    }
    let lines = order.lines("item").filter_map(|line| {
        let left = left_of(line);
        let goods = matches!(text(line, "itemType"), "InvtPart" | "NonInvtPart" | "Kit" | "Assembly");
        (goods && left > Amount::ZERO && !is(line, "isClosed")).then(|| {
            json!({
                "orderLine": line["line"], "line": line["line"], "item": line["item"], "itemReceive": true,
                "quantity": left.json(), "quantityRemaining": left.json(), "location": line.get("location"),
                "itemType": line["itemType"], "description": line.get("description"),
            })
        })
    });
    body.insert("item".into(), Value::Array(lines.collect()));
    body
}

/// The stock a record took from the shelf (below zero: put there), by item and location.
pub(crate) fn moved(store: &Store, schema: &Schema, record: &Record) -> BTreeMap<(i64, i64), i64> {
    let mut all = BTreeMap::new();
    let id = |line: &Map<String, Value>, field: &str| text(line, field).parse::<i64>().unwrap_or_default();
    if record.kind == "itemFulfillment" && record.text("status") == "C" {
        for line in record.lines("item") {
            let Some(item) = store.resolve(schema, "item", id(line, "item")) else { continue };
            let quantity = amount(line, "quantity").trunc();
            if item.kind == "inventoryItem" {
                *all.entry((item.id, id(line, "location"))).or_default() += quantity;
            }
            for member in item.lines("member") {
                *all.entry((id(member, "item"), id(line, "location"))).or_default() +=
                    quantity * amount(member, "quantity").trunc();
            }
        }
    }
    for line in record.lines("inventory") {
        *all.entry((id(line, "item"), id(line, "location"))).or_default() -=
            amount(line, "adjustQtyBy").trunc();
    }
    all
}

/// How much of each line of an order the records made from it have done: only those in that status, if one is named.
pub(crate) fn done(store: &Store, order: &str, kinds: &[&str], status: &str) -> BTreeMap<i64, Amount> {
    let mut all: BTreeMap<i64, Amount> = BTreeMap::new();
    for record in kinds.iter().flat_map(|kind| store.all(kind)) {
        if record.text("createdFrom") != order || !(status.is_empty() || record.text("status") == status) {
            continue;
        }
        for line in record.lines("item") {
            let number = line.get("orderLine").and_then(Value::as_i64).unwrap_or_default();
            let sum = all.entry(number).or_default();
            *sum = *sum + amount(line, "quantity");
        }
    }
    all
}

/// The tracking numbers of an order's fulfilments, as one text.
pub(crate) fn tracking(store: &Store, order: &str) -> String {
    let numbers: Vec<&str> = store
        .all("itemFulfillment")
        .filter(|it| it.text("createdFrom") == order)
        .flat_map(|it| it.lines("package"))
        .map(|line| text(line, "packageTrackingNumber"))
        .filter(|number| !number.is_empty())
        .collect();
    numbers.join(" ")
}

fn left_of(line: &Map<String, Value>) -> Amount {
    amount(line, "quantity") - amount(line, "quantityFulfilled")
}

impl Rules<'_> {
    pub(super) fn fulfilment(&self, record: &mut Record, before: Option<&Record>) -> Result<(), Problem> {
        let Some(order) = self.store.find("salesOrder", record.text("createdFrom")) else {
            return Err(Problem::user("A fulfilment is made from a sales order: use its !transform."));
        };
        if before.is_none() && !matches!(order.text("status"), "B" | "D" | "E") {
            let detail = format!("Sales order {} has nothing to fulfil.", order.text("tranId"));
            return Err(Problem::user(detail));
        }
        if let Some(Value::Array(lines)) = record.body.get_mut("item") {
            lines.retain(|line| line["itemReceive"] != false);
        }
        let inventory = record.text("inventoryLocation").to_owned();
        for (at, line) in record.lines_mut("item").enumerate() {
            let path = |field: &str| format!("item.items[{at}].{field}");
            let Some(ordered) = order.lines("item").find(|other| other.get("line") == line.get("orderLine"))
            else {
                return Err(Problem::content("the sales order has no such line", &path("orderLine")));
            };
            let earlier = before
                .and_then(|before| {
                    before.lines("item").find(|old| old.get("orderLine") == line.get("orderLine"))
                })
                .map_or(Amount::ZERO, |old| amount(old, "quantity"));
            let quantity = amount(line, "quantity");
            if quantity <= Amount::ZERO || quantity > left_of(ordered) + earlier {
                let detail = format!("The quantity {quantity} is more than is left of the line.");
                return Err(Problem::user_at(detail, &path("quantity")));
            }
            if text(line, "location").is_empty() && !inventory.is_empty() {
                line.insert("location".into(), json!(inventory));
            }
            if text(line, "location").is_empty() && text(line, "itemType") == "InvtPart" {
                return Err(super::missing("location", &path("location")));
            }
        }
        if record.lines("item").next().is_none() {
            return Err(Problem::user_at("You must have at least one valid line item.", "item"));
        }
        record.default("shipStatus", "C");
        let status = record.text("shipStatus").to_owned();
        if status == "C" {
            record.default("shippedDate", self.today().to_string());
        }
        record.set("status", status);
        record.default("tranDate", self.today().to_string());
        if let Some(Value::Object(address)) = record.body.get("shippingAddress") {
            let shown = address_text(address);
            record.set("shipAddress", shown);
        }
        Ok(())
    }
}
