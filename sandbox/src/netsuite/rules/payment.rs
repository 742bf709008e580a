//! Money: deposits, payments, refunds, and what of each document is still open.
//!
//! | document | is open by |
//! |---|---|
//! | invoice | its total, less payments, credits and deposits applied to it |
//! | creditMemo, customerPayment | its total, less what it is applied to, less refunds |
//! | customerDeposit | its payment, less applications, less refunds |

use serde_json::{Map, Value, json};

use super::{Rules, missing};
use crate::netsuite::{
    amount::Amount,
    http::Problem,
    store::{Record, Store, amount, is, text},
};

/// What applies money to documents.
const USERS: &[&str] = &["customerPayment", "creditMemo", "depositApplication", "customerRefund"];

fn applied(record: &Record) -> impl Iterator<Item = &Map<String, Value>> {
    record.lines("apply").chain(record.lines("deposit")).filter(|line| is(line, "apply"))
}

/// What is still open of a document, not counting what `except` takes of it.
pub(crate) fn open(store: &Store, document: &Record, except: i64) -> Amount {
    let id = document.id.to_string();
    let users =
        USERS.iter().flat_map(|kind| store.all(kind)).filter(|it| it.id != except && !it.is("voided"));
    let taken: Amount = users
        .map(|user| {
            let lines = applied(user).filter(|line| text(line, "doc") == id || user.text("deposit") == id);
            lines.map(|line| amount(line, "amount")).sum::<Amount>()
        })
        .sum();
    let own: Amount = match document.kind.as_str() {
        "creditMemo" | "customerPayment" => applied(document).map(|line| amount(line, "amount")).sum(),
        "invoice" | "customerDeposit" => Amount::ZERO,
        _ => return Amount::ZERO,
    };
    document.amount("total") - own - taken
}

/// The documents whose open amount a record changes: itself among them.
pub(crate) fn touched(record: &Record) -> Vec<i64> {
    let named = applied(record).map(|line| text(line, "doc")).chain([record.text("deposit")]);
    named.filter_map(|id| id.parse().ok()).chain([record.id]).collect()
}

/// Puts on a document what is open of it, and the status that follows; whether that changed anything.
pub(crate) fn settle(store: &Store, document: &mut Record) -> bool {
    let before = document.body.clone();
    let open = open(store, document, 0);
    let used = document.amount("total") - open;
    let done = open.is_zero();
    match document.kind.as_str() {
        "invoice" => {
            document.set("amountRemaining", open.json());
            document.set("amountPaid", used.json());
            document.set("status", if done { "B" } else { "A" });
        }
        "creditMemo" => {
            for (field, figure) in
                [("applied", used), ("unapplied", open), ("amountRemaining", open), ("amountPaid", used)]
            {
                document.set(field, figure.json());
            }
            document.set("status", if done { "B" } else { "A" });
        }
        "customerPayment" => {
            document.set("applied", used.json());
            document.set("unapplied", open.json());
        }
        "customerDeposit" => {
            let id = document.id.to_string();
            let refunded = store
                .all("customerRefund")
                .filter(|it| !it.is("voided"))
                .any(|it| applied(it).any(|line| text(line, "doc") == id));
            let kept = if document.is("undepFunds") { "A" } else { "B" };
            document.set(
                "status",
                if !done {
                    kept
                } else if refunded {
                    "R"
                } else {
                    "C"
                },
            );
        }
        _ => {}
    }
    document.body != before
}

/// The application of an order's deposits to an invoice made of it, one record each.
pub(crate) fn deposits_for(store: &Store, invoice: &Record) -> Vec<Map<String, Value>> {
    let mut due = open(store, invoice, 0);
    let mut all = Vec::new();
    let order = invoice.text("createdFrom");
    for deposit in
        store.all("customerDeposit").filter(|it| !order.is_empty() && it.text("salesOrder") == order)
    {
        let take = open(store, deposit, 0).min(due);
        if take > Amount::ZERO {
            due = due - take;
            let line =
                json!({ "doc": invoice.id.to_string(), "line": 0, "apply": true, "amount": take.json() });
            all.push(start(deposit, &json!({ "deposit": deposit.id.to_string(), "apply": [line] })));
        }
    }
    all
}

/// The body of a record about a document's money, with `more`.
pub(crate) fn start(document: &Record, more: &Value) -> Map<String, Value> {
    let customer = [document.text("customer"), document.text("entity")];
    let customer = customer.into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    let mut body = Map::new();
    body.insert("customer".into(), json!(customer));
    for name in ["subsidiary", "currency", "exchangeRate", "paymentOption"] {
        if let Some(value) = document.body.get(name) {
            body.insert(name.into(), value.clone());
        }
    }
    body.extend(more.as_object().cloned().unwrap_or_default());
    body
}

impl Rules<'_> {
    pub(super) fn deposit(&self, record: &mut Record) -> Result<(), Problem> {
        let order = self.store.find("salesOrder", record.text("salesOrder"));
        if let Some(order) = order {
            record.default("customer", order.text("entity"));
            record.default("currency", order.text("currency"));
            record.default("subsidiary", order.text("subsidiary"));
            record.default("exchangeRate", order.body.get("exchangeRate").cloned().unwrap_or(json!(1)));
        }
        let customer = self.active_customer(record, "customer")?;
        self.header(record, customer)?;
        if let Some(order) = order {
            for (field, other) in [("customer", "entity"), ("currency", "currency")] {
                if record.text(field) != order.text(other) {
                    let detail =
                        format!("The deposit's {field} is not that of sales order {}.", order.text("tranId"));
                    return Err(Problem::user_at(detail, field));
                }
            }
        }
        self.paid(record)?;
        record.default("undepFunds", record.text("account").is_empty());
        settle(self.store, record);
        Ok(())
    }

    /// The payment of a deposit or a customer's payment, rounded and above zero.
    fn paid(&self, record: &mut Record) -> Result<Amount, Problem> {
        if record.body.get("payment").is_none() {
            return Err(missing("payment", "payment"));
        }
        let payment = record.amount("payment").round(self.decimals(record.text("currency")));
        if payment <= Amount::ZERO {
            return Err(Problem::user_at("The payment must be above zero.", "payment"));
        }
        record.set("payment", payment.json());
        record.set("total", payment.json());
        Ok(payment)
    }

    pub(super) fn payment(&self, record: &mut Record) -> Result<(), Problem> {
        let customer = self.active_customer(record, "customer")?;
        self.header(record, customer)?;
        let room = record.body.contains_key("payment").then(|| record.amount("payment"));
        let total = self.apply(record, "apply", &["invoice"], room)?;
        if room.is_none() && !total.is_zero() {
            record.set("payment", total.json());
        }
        self.paid(record)?;
        record.default("undepFunds", record.text("account").is_empty());
        record.set("status", if record.is("undepFunds") { "B" } else { "C" });
        settle(self.store, record);
        Ok(())
    }

    pub(super) fn application(&self, record: &mut Record) -> Result<(), Problem> {
        let deposit = self.store.find("customerDeposit", record.text("deposit"));
        let deposit = deposit.ok_or_else(|| missing("deposit", "deposit"))?;
        for (name, value) in start(deposit, &json!({})) {
            if name != "paymentOption" {
                record.set(&name, value);
            }
        }
        record.default("tranDate", self.today().to_string());
        record.set("depositDate", deposit.text("tranDate"));
        let room = open(self.store, deposit, record.id);
        let total = self.apply(record, "apply", &["invoice"], Some(room))?;
        if total.is_zero() {
            return Err(Problem::user_at("You must apply the deposit to at least one document.", "apply"));
        }
        for (field, figure) in [("total", total), ("applied", total), ("unapplied", room - total)] {
            record.set(field, figure.json());
        }
        Ok(())
    }

    pub(super) fn refund(&self, record: &mut Record) -> Result<(), Problem> {
        let customer = self.active_customer(record, "customer")?;
        self.header(record, customer)?;
        let credits = self.apply(record, "apply", &["creditMemo", "customerPayment"], None)?;
        let total = credits + self.apply(record, "deposit", &["customerDeposit"], None)?;
        if total.is_zero() {
            return Err(Problem::user("You must apply the refund to at least one document."));
        }
        record.set("total", total.json());
        record.default("status", "R");
        Ok(())
    }

    /// The lines of a sublist that are applied: documents of these kinds, the same customer's, in the same currency, each
    /// within what is open of it and all within `room`. A line without an amount takes what it can.
    pub(super) fn apply(
        &self,
        record: &mut Record,
        list: &str,
        kinds: &[&str],
        room: Option<Amount>,
    ) -> Result<Amount, Problem> {
        let decimals = self.decimals(record.text("currency"));
        let party = |it: &Record| [it.text("customer"), it.text("entity")].concat();
        let (own, customer, currency) = (record.id, party(record), record.text("currency").to_owned());
        let mut total = Amount::ZERO;
        for (at, line) in record.lines_mut(list).enumerate().filter(|(_, line)| is(line, "apply")) {
            let path = |field: &str| format!("{list}.items[{at}].{field}");
            let document = self.record("transaction", text(line, "doc"));
            let Some(document) = document.filter(|it| kinds.contains(&it.kind.as_str())) else {
                let detail = format!("only these can be applied here: {}", kinds.join(", "));
                return Err(Problem::content(detail, &path("doc")));
            };
            if party(document) != customer || document.text("currency") != currency {
                let detail = "The document is another customer's, or in another currency.";
                return Err(Problem::user_at(detail, &path("doc")));
            }
            let open = open(self.store, document, own);
            let left = room.map_or(open, |room| open.min(room - total));
            let paid =
                if line.contains_key("amount") { amount(line, "amount").round(decimals) } else { left };
            if paid <= Amount::ZERO || paid > left {
                let detail = format!("The amount {paid} is not between zero and the open amount {left}.");
                return Err(Problem::user_at(detail, &path("amount")));
            }
            for (field, value) in [
                ("amount", paid.json()),
                ("due", open.json()),
                ("total", document.amount("total").json()),
                ("refNum", json!(document.text("tranId"))),
                ("type", json!(self.schema.def(&document.kind).title)),
            ] {
                line.insert(field.into(), value);
            }
            line.entry("line").or_insert(json!(0));
            total = total + paid;
        }
        Ok(total)
    }
}
