//! Sales: orders, estimates, invoices, cash sales, and what takes them back. Lines are priced, totals are added up.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Rules,
    fulfilment::is_goods,
    missing,
    party::address_text,
    payment::settle as settle_open,
    prices::{Agreed, CUSTOM},
    tax,
};
use crate::netsuite::{
    amount::Amount,
    change::{is_new, mark_new, mark_sent, sent},
    http::Problem,
    schema::{Def, Kind, Schema},
    settings::{Settings, TaxMode},
    store::{Record, Stock, Store, amount, is, text},
};

/// What every line of one sale needs of its header.
struct Header {
    currency: String,
    subsidiary: String,
    location: String,
    customer: Record,
    decimals: u32,
    transaction: i64,
    /// The tax amounts that were sent, by the reference of their line.
    taxes: Vec<(String, Amount)>,
}

impl Rules<'_> {
    pub(super) fn sale(&self, record: &mut Record, before: Option<&Record>) -> Result<(), Problem> {
        let customer = self.active_customer(record, "entity")?;
        self.header(record, customer)?;
        addresses(record, customer);
        if !customer.text("salesRep").is_empty() {
            record.default("salesRep", customer.text("salesRep"));
        }
        if record.lines("item").next().is_none() {
            return Err(Problem::user_at(
                "You must enter at least one line item for this transaction.",
                "item",
            ));
        }
        let header = Header {
            currency: record.text("currency").to_owned(),
            subsidiary: record.text("subsidiary").to_owned(),
            location: record.text("location").to_owned(),
            customer: customer.clone(),
            decimals: self.decimals(record.text("currency")),
            transaction: record.id,
            taxes: if record.is("taxDetailsOverride") { tax::by_reference(record) } else { Vec::new() },
        };
        self.number(record);
        let mut above = Amount::ZERO;
        for (at, line) in record.lines_mut("item").enumerate() {
            self.line(&header, line, at, above)?;
            above = amount(line, "amount");
        }
        if let Some(before) = before {
            Self::kept(record, before)?;
        }
        self.total(record, before, header.decimals)?;
        self.returned(record, before)?;
        if record.kind == "creditMemo" {
            let total = record.amount("total");
            self.apply(record, "apply", &["invoice"], Some(total))?;
        }
        if matches!(record.kind.as_str(), "creditMemo" | "invoice") {
            settle_open(self.store, record);
        }
        record.default("source", "restWebServices");
        self.state(record);
        self.commit(record, before);
        Ok(())
    }

    /// Numbers the new lines; the members of a kit take up the numbers after it.
    fn number(&self, record: &mut Record) {
        let new = record.lines("item").filter(|line| is_new(line)).count();
        let mut last = record.last_line.get("item").copied().unwrap_or_default();
        last -= i64::try_from(new).unwrap_or_default();
        for line in record.lines_mut("item").filter(|line| is_new(line)) {
            line.insert("line".into(), json!(last + 1));
            let members = self.record("item", text(line, "item")).map_or(0, |it| it.lines("member").count());
            last += 1 + i64::try_from(members).unwrap_or_default();
        }
        record.last_line.insert("item".into(), last);
    }

    /// Prices one line.
    fn line(
        &self,
        header: &Header,
        line: &mut Map<String, Value>,
        at: usize,
        above: Amount,
    ) -> Result<(), Problem> {
        let path = |field: &str| format!("item.items[{at}].{field}");
        let item = self.record("item", text(line, "item")).ok_or_else(|| missing("item", &path("item")))?;
        self.sellable(item, header, &path("item"))?;
        let location = line.get("location").cloned().unwrap_or_else(|| json!(header.location));
        if let Some(found) = location.as_str().and_then(|id| self.store.find("location", id)) {
            Self::same_subsidiary(found, &header.subsidiary, &path("location"))?;
            line.insert("location".into(), location);
        }
        let code = item.text("itemType");
        if code != "Discount" {
            line.entry("quantity").or_insert_with(|| json!(1));
        }
        if amount(line, "quantity") < Amount::ZERO {
            return Err(Problem::user_at("The quantity cannot be below zero.", &path("quantity")));
        }
        if sent(line, "grossAmt") && !sent(line, "amount") && !sent(line, "rate") {
            let net = amount(line, "grossAmt") - tax::of_line(line, &header.taxes);
            line.insert("amount".into(), net.json());
            mark_sent(line, "amount");
        }
        self.price(header, item, line, &path("amount"), above)?;
        line.insert("itemType".into(), json!(code));
        line.insert("isTaxable".into(), json!(item.is("isTaxable")));
        let number = line.get("line").and_then(Value::as_i64).unwrap_or_default();
        line.insert("lineUniqueKey".into(), json!(header.transaction * 1000 + number));
        let name = [item.text("salesDescription"), item.text("displayName")];
        let name = name.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        line.entry("description").or_insert_with(|| json!(name));
        let closed = is(line, "isClosed");
        line.insert("isClosed".into(), json!(closed));
        line.insert("isOpen".into(), json!(!closed));
        for field in ["quantityFulfilled", "quantityBilled"] {
            line.entry(field).or_insert_with(|| json!(0));
        }
        Ok(())
    }

    fn sellable(&self, item: &Record, header: &Header, path: &str) -> Result<(), Problem> {
        let refuse =
            |reason: &str| Problem::user_at(format!("The item {} {reason}.", item.text("itemId")), path);
        if item.is("isInactive") {
            return Err(refuse("is inactive"));
        }
        if item.text("matrixType") == "PARENT" {
            return Err(refuse("is a matrix parent; sell one of its children"));
        }
        let own: Vec<&str> = item
            .body
            .get("subsidiary")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut next = header.subsidiary.as_str();
        loop {
            if own.contains(&next) {
                return Ok(());
            }
            let parent = self.store.find("subsidiary", next).map_or("", |it| it.text("parent"));
            if parent.is_empty() || !item.is("includeChildren") {
                return Err(refuse(&format!("is not sold by subsidiary {}", header.subsidiary)));
            }
            next = parent;
        }
    }

    /// Rate and amount of a line. Price level -1 (custom) takes what was sent; any other level takes the price of the
    /// item's own table, whatever was sent; without a level it is what was agreed with the customer. An item without
    /// prices is always custom.
    fn price(
        &self,
        header: &Header,
        item: &Record,
        line: &mut Map<String, Value>,
        path: &str,
        above: Amount,
    ) -> Result<(), Problem> {
        let priced = item.lines("price").next().is_some();
        let quantity = if line.contains_key("quantity") { amount(line, "quantity") } else { Amount::ONE };
        let agreed = match text(line, "price") {
            "" => Self::agreed(&header.customer, item, &header.currency),
            level => Agreed::Level(level.to_owned()),
        };
        let (level, rate) = match agreed {
            Agreed::Price(price) => (CUSTOM.to_owned(), Some(price)),
            Agreed::Level(level) if priced && level != CUSTOM => {
                let rate = self.table_price(item, &level, &header.currency, quantity);
                (level, Some(rate.ok_or_else(|| missing("amount", path))?))
            }
            Agreed::Level(_) => (CUSTOM.to_owned(), None),
        };
        if let Some(rate) = rate {
            line.insert("rate".into(), rate.json());
            line.insert("amount".into(), rate.times(quantity).round(header.decimals).json());
        } else {
            custom(item, line, quantity, header.decimals, above).ok_or_else(|| missing("amount", path))?;
        }
        line.insert("price".into(), json!(level));
        Ok(())
    }

    /// Adds the sale up.
    fn total(&self, record: &mut Record, before: Option<&Record>, decimals: u32) -> Result<(), Problem> {
        let counts = |line: &&Map<String, Value>| self.settings.closed_lines_count || !is(line, "isClosed");
        let subtotal: Amount = record.lines("item").filter(counts).map(|line| amount(line, "amount")).sum();
        let discount = header_discount(record, subtotal, decimals)?;
        for field in ["shippingCost", "handlingCost"] {
            if record.body.contains_key(field) {
                let cost = record.amount(field).round(decimals);
                record.set(field, cost.json());
            }
        }
        let shipping = record.amount("shippingCost");
        if !shipping.is_zero() && record.text("shipMethod").is_empty() {
            return Err(missing("shipMethod", "shipMethod"));
        }
        let taxed = self.tax(record, decimals)?;
        if self.settings.tax_mode == TaxMode::SuiteTax {
            Self::show_line_tax(record, decimals);
        }
        let gift = self.redeemed(record, before, decimals)?;
        let handling = record.amount("handlingCost");
        let total = subtotal + discount + shipping + handling + taxed - gift;
        for (field, figure) in [
            ("subtotal", subtotal),
            ("discountTotal", discount),
            ("taxTotal", taxed),
            ("giftCertApplied", gift),
            ("altShippingCost", shipping),
            ("altHandlingCost", handling),
            ("total", total),
            ("totalAfterTaxes", total),
        ] {
            record.set(field, figure.json());
        }
        Ok(())
    }

    /// Gift certificates used, each within what is left on it.
    fn redeemed(
        &self,
        record: &mut Record,
        before: Option<&Record>,
        decimals: u32,
    ) -> Result<Amount, Problem> {
        let mut total = Amount::ZERO;
        for (at, line) in record.lines("giftCertRedemption").enumerate() {
            let code = text(line, "authCode");
            let applied = amount(line, "authCodeApplied").round(decimals);
            let left = self.store.find("giftCertificate", code).map(|it| it.amount("amountRemaining"));
            let used: Amount = before
                .into_iter()
                .flat_map(|before| before.lines("giftCertRedemption"))
                .filter(|line| text(line, "authCode") == code)
                .map(|line| amount(line, "authCodeApplied"))
                .sum();
            if applied < Amount::ZERO || applied > left.unwrap_or_default() + used {
                let path = format!("giftCertRedemption.items[{at}].authCodeApplied");
                return Err(Problem::user_at(
                    format!("The gift certificate {code} does not hold {applied}."),
                    &path,
                ));
            }
            total = total + applied;
        }
        Ok(total)
    }

    /// Of a return no more is given back than stands on it: and, unless the account refunds in advance, than was received.
    fn returned(&self, record: &Record, before: Option<&Record>) -> Result<(), Problem> {
        let Some(source) = self.store.find("returnAuthorization", record.text("createdFrom")) else {
            return Ok(());
        };
        for (at, line) in record.lines("item").enumerate() {
            let same = |other: &&Map<String, Value>| {
                line.contains_key("orderLine") && other.get("line") == line.get("orderLine")
            };
            let Some(ordered) = source.lines("item").find(same) else { continue };
            let same = |other: &&Map<String, Value>| other.get("orderLine") == line.get("orderLine");
            let own = before.and_then(|before| before.lines("item").find(same));
            let own = own.map_or(Amount::ZERO, |line| amount(line, "quantity"));
            let left = billable(source, ordered, self.settings.refund_in_advance) + own;
            if amount(line, "quantity") > left {
                let detail = format!("No more than {left} of this line can be given back.");
                return Err(Problem::user_at(detail, &format!("item.items[{at}].quantity")));
            }
        }
        Ok(())
    }

    /// The status, from what has been fulfilled, billed and closed.
    pub(crate) fn state(&self, record: &mut Record) {
        match record.kind.as_str() {
            "salesOrder" | "returnAuthorization" => {
                record.default("orderStatus", self.settings.order_status.clone());
                let status = order_status(record);
                record.set("status", status);
            }
            "estimate" | "cashRefund" => record.default("status", "A"),
            "cashSale" => record.default("status", "C"),
            _ => {}
        }
    }

    /// How much of each line's goods is set aside for it.
    pub(crate) fn commit(&self, record: &mut Record, before: Option<&Record>) {
        if record.kind != "salesOrder" {
            return;
        }
        let mine = before.map(|before| wanted(self.store, self.schema, before)).unwrap_or_default();
        let mut taken: BTreeMap<(i64, i64), i64> = BTreeMap::new();
        for line in record.lines_mut("item") {
            let open = open_quantity(line).trunc();
            let key = (id(line, "item"), id(line, "location"));
            let stock = self.store.stock.get(&key).copied().unwrap_or_default();
            let others = stock.wanted - mine.get(&key).copied().unwrap_or(0);
            let taken = taken.entry(key).or_default();
            let free = Stock { wanted: others, ..stock }.available() - *taken;
            let counted = text(line, "itemType") == "InvtPart" && key.1 != 0;
            let set_aside = if counted && commits(line) { open.min(free).max(0) } else { 0 };
            *taken += set_aside;
            line.insert("quantityCommitted".into(), json!(set_aside));
            line.insert("quantityBackOrdered".into(), json!(if counted { open - set_aside } else { 0 }));
        }
    }
}

fn id(line: &Map<String, Value>, field: &str) -> i64 {
    text(line, field).parse().unwrap_or_default()
}

/// A custom price: what was sent, rounded to the currency; none if nothing was.
fn custom(
    item: &Record,
    line: &mut Map<String, Value>,
    quantity: Amount,
    decimals: u32,
    above: Amount,
) -> Option<()> {
    let percent = text(line, "rate").strip_suffix('%').and_then(Amount::parse);
    if let Some(percent) = percent {
        let figure = above.times(percent).over(Amount::HUNDRED).unwrap_or_default().round(decimals);
        line.insert("amount".into(), figure.json());
        return Some(());
    }
    let has = |line: &Map<String, Value>, name: &str| line.get(name).is_some_and(|value| !value.is_null());
    if sent(line, "amount") && has(line, "amount") {
        let figure = amount(line, "amount").round(decimals);
        line.insert("amount".into(), figure.json());
        if !sent(line, "rate")
            && let Some(rate) = figure.over(quantity)
        {
            line.insert("rate".into(), rate.json());
        }
        return Some(());
    }
    if !has(line, "rate") {
        let own = item.body.get("rate").and_then(Amount::of)?;
        line.insert("rate".into(), own.json());
    }
    if !has(line, "amount") || sent(line, "rate") || sent(line, "quantity") || sent(line, "price") {
        let figure = amount(line, "rate").times(quantity).round(decimals);
        line.insert("amount".into(), figure.json());
    }
    Some(())
}

fn header_discount(record: &Record, subtotal: Amount, decimals: u32) -> Result<Amount, Problem> {
    let Some(rate) = record.body.get("discountRate") else { return Ok(Amount::ZERO) };
    if record.text("discountItem").is_empty() {
        return Err(missing("discountItem", "discountItem"));
    }
    let percent = rate.as_str().and_then(|text| text.strip_suffix('%')).and_then(Amount::parse);
    Ok(match percent {
        Some(percent) => subtotal.times(percent).over(Amount::HUNDRED).unwrap_or_default().round(decimals),
        None => record.amount("discountRate").round(decimals),
    })
}

/// Addresses that were not sent come from the customer's address book.
fn addresses(record: &mut Record, customer: &Record) {
    for (field, shown, flag) in [
        ("billingAddress", "billAddress", "defaultBilling"),
        ("shippingAddress", "shipAddress", "defaultShipping"),
    ] {
        let own = customer.lines("addressBook").find(|line| is(line, flag));
        if let Some(address) = own.and_then(|line| line.get("addressBookAddress")) {
            record.default(field, address.clone());
        }
        if let Some(Value::Object(address)) = record.body.get_mut(field) {
            let text = address_text(address);
            address.insert("addrText".into(), json!(text));
            record.set(shown, text);
        }
    }
}

/// The status of an order by what was sent of it, of a return by what came back.
fn order_status(record: &Record) -> &'static str {
    let done_field = if record.kind == "salesOrder" { "quantityFulfilled" } else { "quantityReceived" };
    let (mut ordered, mut done, mut billed) = (Amount::ZERO, Amount::ZERO, Amount::ZERO);
    let mut open = false;
    for line in record.lines("item") {
        open |= !is(line, "isClosed");
        if is_goods(line) {
            let part = amount(line, done_field);
            ordered = ordered + if is(line, "isClosed") { part } else { amount(line, "quantity") };
            done = done + part;
            billed = billed + amount(line, "quantityBilled");
        }
    }
    match (done.is_zero(), done < ordered, billed.is_zero()) {
        _ if !open => "H",
        _ if record.text("orderStatus") == "A" => "A",
        (true, true, _) => "B",
        (_, true, true) => "D",
        (_, true, false) => "E",
        (_, false, _) if !ordered.is_zero() && billed >= ordered => "G",
        (_, false, _) if !ordered.is_zero() => "F",
        _ => "B",
    }
}

fn open_quantity(line: &Map<String, Value>) -> Amount {
    if is(line, "isClosed") {
        return Amount::ZERO;
    }
    amount(line, "quantity") - amount(line, "quantityFulfilled")
}

/// Whether a line sets stock aside: `commitInventory` 3 is "Do Not Commit".
fn commits(line: &Map<String, Value>) -> bool {
    text(line, "commitInventory") != "3"
}

/// The stock an order wants, by item and location; a kit wants its members.
pub(crate) fn wanted(store: &Store, schema: &Schema, record: &Record) -> BTreeMap<(i64, i64), i64> {
    let mut all = BTreeMap::new();
    if record.kind != "salesOrder" || matches!(record.text("status"), "A" | "C" | "G" | "H") {
        return all;
    }
    for line in record.lines("item").filter(|line| id(line, "location") != 0 && commits(line)) {
        let open = open_quantity(line).trunc();
        let location = id(line, "location");
        let Some(item) = store.resolve(schema, "item", id(line, "item")) else { continue };
        if item.kind == "inventoryItem" {
            *all.entry((item.id, location)).or_default() += open;
        }
        for member in item.lines("member") {
            *all.entry((id(member, "item"), location)).or_default() +=
                open * amount(member, "quantity").trunc();
        }
    }
    all
}

/// The body of a sale that is made from another: header fields both have, and what is left of the lines.
pub(crate) fn copy(source: &Record, target: &Def, settings: &Settings) -> Map<String, Value> {
    let mut body = Map::new();
    for (name, value) in &source.body {
        let fits = target.field(name).is_some_and(|field| {
            !field.read_only && !matches!(field.kind, Kind::List(_)) && name != "orderStatus"
        });
        if fits {
            body.insert(name.clone(), value.clone());
        }
    }
    if target.field("taxDetails").is_some()
        && let Some(details) = source.body.get("taxDetails")
    {
        body.insert("taxDetails".into(), details.clone());
    }
    let lines = source.lines("item").enumerate();
    // What was billed can come back, so a return takes the lines whole.
    let whole = target.name == "returnAuthorization";
    let lines = lines.filter_map(|(at, line)| remaining(source, line, at, (settings, whole)));
    let lines: Vec<Value> = lines.map(Value::Object).collect();
    body.insert("item".into(), Value::Array(lines));
    body
}

/// What of a line of an order or a return is still to be billed or given back.
fn billable(source: &Record, line: &Map<String, Value>, in_advance: bool) -> Amount {
    let field = if source.kind == "salesOrder" { "quantityFulfilled" } else { "quantityReceived" };
    let due = if in_advance || !is_goods(line) { amount(line, "quantity") } else { amount(line, field) };
    due - amount(line, "quantityBilled")
}

fn remaining(
    source: &Record,
    line: &Map<String, Value>,
    at: usize,
    (settings, whole): (&Settings, bool),
) -> Option<Map<String, Value>> {
    let quantity = amount(line, "quantity");
    let left = match source.kind.as_str() {
        _ if whole => quantity,
        "salesOrder" => billable(source, line, settings.invoice_in_advance),
        "returnAuthorization" => billable(source, line, settings.refund_in_advance),
        _ => quantity,
    };
    if (left <= Amount::ZERO && line.contains_key("quantity")) || is(line, "isClosed") {
        return None;
    }
    let mut copy = line.clone();
    let orders = line.get("line").cloned().unwrap_or_default();
    copy.insert("orderLine".into(), orders);
    copy.insert("line".into(), json!(at + 1));
    if line.contains_key("quantity") {
        copy.insert("quantity".into(), left.json());
    }
    copy.insert("price".into(), json!("-1"));
    if left != quantity {
        copy.shift_remove("amount");
    }
    let done = ["Fulfilled", "Billed", "Committed", "BackOrdered", "Picked", "Packed", "Received"];
    for field in done {
        copy.shift_remove(&format!("quantity{field}"));
    }
    mark_new(&mut copy);
    Some(copy)
}
