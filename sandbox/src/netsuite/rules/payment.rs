//! Customer deposits and refunds.

use serde_json::json;

use super::{Rules, missing};
use crate::netsuite::{
    amount::Amount,
    http::Problem,
    store::{Record, amount, is, text},
};

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
        if record.body.get("payment").is_none() {
            return Err(missing("payment", "payment"));
        }
        let payment = record.amount("payment").round(self.decimals(record.text("currency")));
        if payment <= Amount::ZERO {
            return Err(Problem::user_at("The payment must be above zero.", "payment"));
        }
        record.set("payment", payment.json());
        record.set("total", payment.json());
        record.default("undepFunds", record.text("account").is_empty());
        let status = if record.is("undepFunds") { "A" } else { "B" };
        record.set("status", status);
        Ok(())
    }

    pub(super) fn refund(&self, record: &mut Record) -> Result<(), Problem> {
        let customer = self.active_customer(record, "customer")?;
        self.header(record, customer)?;
        let decimals = self.decimals(record.text("currency"));
        let mut total = Amount::ZERO;
        for list in ["apply", "deposit"] {
            for (at, line) in record.lines(list).enumerate().filter(|(_, line)| is(line, "apply")) {
                let path = format!("{list}.items[{at}]");
                let paid = amount(line, "amount").round(decimals);
                let document = self.record("transaction", text(line, "doc"));
                let open = document.map_or(Amount::ZERO, |document| self.open_amount(document, record.id));
                if paid <= Amount::ZERO || paid > open {
                    let detail = format!("The amount {paid} is not between zero and the open amount {open}.");
                    return Err(Problem::user_at(detail, &format!("{path}.amount")));
                }
                total = total + paid;
            }
        }
        if total.is_zero() {
            return Err(Problem::user("You must apply the refund to at least one document."));
        }
        record.set("total", total.json());
        record.default("status", "R");
        Ok(())
    }

    /// What of a credit memo or a deposit no other refund has used.
    fn open_amount(&self, document: &Record, except: i64) -> Amount {
        let id = document.id.to_string();
        let used: Amount = self
            .store
            .all("customerRefund")
            .filter(|refund| refund.id != except && refund.text("status") != "V")
            .flat_map(|refund| refund.lines("apply").chain(refund.lines("deposit")))
            .filter(|line| text(line, "doc") == id && is(line, "apply"))
            .map(|line| amount(line, "amount"))
            .sum();
        match document.kind.as_str() {
            "creditMemo" | "customerDeposit" => document.amount("total") - used,
            _ => Amount::ZERO,
        }
    }
}
