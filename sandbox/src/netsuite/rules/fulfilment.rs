//! Fulfilments of sales orders and receipts of returns.
//!
//! A fulfilment takes a line's goods when it is picked, and ships them with status C: until then stock does not move. A receipt
//! puts the goods back, where `restock` is not false.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Rules, party::address_text};
use crate::netsuite::{
    amount::Amount,
    http::Problem,
    schema::Schema,
    store::{Record, Store, amount, is, text},
};

/// Whether a line is goods, which are sent and come back.
pub(super) fn is_goods(line: &Map<String, Value>) -> bool {
    matches!(text(line, "itemType"), "InvtPart" | "NonInvtPart" | "Kit" | "Assembly")
}

/// The body of a fulfilment of all that is left of an order, or of a receipt of all that is to come back.
pub(crate) fn start(store: &Store, source: &Record) -> Map<String, Value> {
    let mut body = Map::new();
    for name in
        ["entity", "subsidiary", "currency", "exchangeRate", "location", "shipMethod", "shippingAddress"]
    {
        if let Some(value) = source.body.get(name) {
            body.insert(name.into(), value.clone());
        }
    }
    let taken = taken(store, source);
    let lines = source.lines("item").filter_map(|line| {
        let left = left_of(line, &taken);
        (is_goods(line) && left > Amount::ZERO && !is(line, "isClosed")).then(|| {
            let mut made = json!({
                "orderLine": line["line"], "line": line["line"], "item": line["item"], "itemReceive": true,
                "quantity": left.json(), "quantityRemaining": left.json(), "location": line.get("location"),
                "itemType": line["itemType"], "description": line.get("description"),
            });
            for (name, value) in line.iter().filter(|(name, _)| name.starts_with("custcol")) {
                made[name.as_str()] = value.clone();
            }
            made
        })
    });
    body.insert("item".into(), Value::Array(lines.collect()));
    body
}

/// How much of each line fulfilments or receipts of the source have taken, shipped or not.
fn taken(store: &Store, source: &Record) -> BTreeMap<i64, Amount> {
    let kind = if source.kind == "returnAuthorization" { "itemReceipt" } else { "itemFulfillment" };
    done(store, &source.id.to_string(), &[kind], &[])
}

/// The stock a record took from the shelf (below zero: put there), by item and location.
pub(crate) fn moved(store: &Store, schema: &Schema, record: &Record) -> BTreeMap<(i64, i64), i64> {
    let mut all = BTreeMap::new();
    let id = |line: &Map<String, Value>, field: &str| text(line, field).parse::<i64>().unwrap_or_default();
    let sent = record.kind == "itemFulfillment" && record.text("status") == "C";
    let back = record.kind == "itemReceipt";
    for line in
        record.lines("item").filter(|line| sent || back && !line.get("restock").is_some_and(|it| it == false))
    {
        let Some(item) = store.resolve(schema, "item", id(line, "item")) else { continue };
        let quantity = amount(line, "quantity").trunc() * if back { -1 } else { 1 };
        if item.kind == "inventoryItem" {
            *all.entry((item.id, id(line, "location"))).or_default() += quantity;
        }
        for member in item.lines("member") {
            *all.entry((id(member, "item"), id(line, "location"))).or_default() +=
                quantity * amount(member, "quantity").trunc();
        }
    }
    for line in record.lines("inventory") {
        *all.entry((id(line, "item"), id(line, "location"))).or_default() -=
            amount(line, "adjustQtyBy").trunc();
    }
    all
}

/// How much of each line of an order the records made from it have done: only those in these statuses, if any are named.
pub(crate) fn done(store: &Store, order: &str, kinds: &[&str], statuses: &[&str]) -> BTreeMap<i64, Amount> {
    let mut all: BTreeMap<i64, Amount> = BTreeMap::new();
    for record in kinds.iter().flat_map(|kind| store.all(kind)) {
        let counts = statuses.is_empty() || statuses.contains(&record.text("status"));
        if record.text("createdFrom") != order || !counts || record.is("voided") {
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

/// The tracking numbers of a fulfilment's packages, of any carrier.
pub(crate) fn tracking_of(record: &Record) -> Vec<&str> {
    [
        ("package", "packageTrackingNumber"),
        ("packageFedex", "packageTrackingNumberFedEx"),
        ("packageUps", "packageTrackingNumberUps"),
        ("packageUsps", "packageTrackingNumberUsps"),
    ]
    .into_iter()
    .flat_map(|(list, field)| record.lines(list).map(move |line| text(line, field)))
    .filter(|number| !number.is_empty())
    .collect()
}

/// The tracking numbers of an order's fulfilments, as one text.
pub(crate) fn tracking(store: &Store, order: &str) -> String {
    let made = store.all("itemFulfillment").filter(|it| it.text("createdFrom") == order);
    made.flat_map(tracking_of).collect::<Vec<_>>().join(" ")
}

fn left_of(line: &Map<String, Value>, taken: &BTreeMap<i64, Amount>) -> Amount {
    let number = line.get("line").and_then(Value::as_i64).unwrap_or_default();
    amount(line, "quantity") - taken.get(&number).copied().unwrap_or_default()
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
        self.taken_lines(record, before, order)?;
        record.default("shipStatus", "C");
        let status = record.text("shipStatus").to_owned();
        let today = self.today().to_string();
        for (field, from) in [("pickedDate", "ABC"), ("packedDate", "BC"), ("shippedDate", "C")] {
            if from.contains(&status) {
                record.default(field, today.clone());
            }
        }
        record.set("status", status);
        record.default("tranDate", today);
        if let Some(Value::Object(address)) = record.body.get("shippingAddress") {
            let shown = address_text(address);
            record.set("shipAddress", shown);
        }
        Ok(())
    }

    pub(super) fn receipt(&self, record: &mut Record, before: Option<&Record>) -> Result<(), Problem> {
        let Some(source) = self.store.find("returnAuthorization", record.text("createdFrom")) else {
            return Err(Problem::user("A receipt is made from a return authorization: use its !transform."));
        };
        if before.is_none() && !matches!(source.text("status"), "B" | "D" | "E") {
            let detail = format!("Return authorization {} has nothing to receive.", source.text("tranId"));
            return Err(Problem::user(detail));
        }
        self.taken_lines(record, before, source)?;
        for line in record.lines_mut("item") {
            line.entry("restock").or_insert(json!(true));
        }
        record.default("tranDate", self.today().to_string());
        Ok(())
    }

    /// The lines of a fulfilment or a receipt: each within what is left of its line of the source.
    fn taken_lines(
        &self,
        record: &mut Record,
        before: Option<&Record>,
        source: &Record,
    ) -> Result<(), Problem> {
        if let Some(Value::Array(lines)) = record.body.get_mut("item") {
            lines.retain(|line| line["itemReceive"] != false);
        }
        let taken = taken(self.store, source);
        let inventory = record.text("inventoryLocation").to_owned();
        for (at, line) in record.lines_mut("item").enumerate() {
            let path = |field: &str| format!("item.items[{at}].{field}");
            let known = source.lines("item").find(|other| other.get("line") == line.get("orderLine"));
            let Some(ordered) = known else {
                return Err(Problem::content("the source has no such line", &path("orderLine")));
            };
            if is(ordered, "isClosed") || !is_goods(ordered) {
                let detail = "This line is closed, or no goods: nothing of it can be sent or received.";
                return Err(Problem::user_at(detail, &path("orderLine")));
            }
            let earlier = before
                .and_then(|before| {
                    before.lines("item").find(|old| old.get("orderLine") == line.get("orderLine"))
                })
                .map_or(Amount::ZERO, |old| amount(old, "quantity"));
            let quantity = amount(line, "quantity");
            if quantity <= Amount::ZERO || quantity > left_of(ordered, &taken) + earlier {
                let detail = format!("The quantity {quantity} is more than is left of the line.");
                return Err(Problem::user_at(detail, &path("quantity")));
            }
            if text(line, "location").is_empty() && !inventory.is_empty() {
                line.insert("location".into(), json!(inventory));
            }
            if text(line, "location").is_empty() && text(line, "itemType") == "InvtPart" {
                return Err(super::missing("location", &path("location")));
            }
            let name = self.record("item", text(ordered, "item")).map(|item| item.text("itemId"));
            line.insert("itemName".into(), json!(name));
        }
        if record.lines("item").next().is_none() {
            return Err(Problem::user_at("You must have at least one valid line item.", "item"));
        }
        Ok(())
    }

    /// What was sent, received or billed of a line stays on it: it keeps its item and at least that quantity.
    pub(super) fn kept(record: &Record, before: &Record) -> Result<(), Problem> {
        for old in before.lines("item") {
            let fields = ["quantityFulfilled", "quantityPicked", "quantityReceived", "quantityBilled"];
            let done = fields.iter().map(|field| amount(old, field)).max().unwrap_or_default();
            if done.is_zero() {
                continue;
            }
            let at = record.lines("item").position(|line| line.get("line") == old.get("line"));
            let now = at.and_then(|at| record.lines("item").nth(at));
            let path = |field: &str| format!("item.items[{}].{field}", at.unwrap_or_default());
            match now {
                None => {
                    let detail =
                        format!("Line {} has been fulfilled or billed; it cannot be removed.", old["line"]);
                    return Err(Problem::user_at(detail, "item"));
                }
                Some(line) if line.get("item") != old.get("item") => {
                    let detail = "This line has been fulfilled or billed; its item cannot be changed.";
                    return Err(Problem::user_at(detail, &path("item")));
                }
                Some(line) if amount(line, "quantity") < done => {
                    let detail = format!("{done} of this line have been fulfilled or billed already.");
                    return Err(Problem::user_at(detail, &path("quantity")));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
