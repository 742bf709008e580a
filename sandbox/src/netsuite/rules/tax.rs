//! The tax of a sale: amounts that were sent, or the account's own rates by country, or none.

use serde_json::{Map, Value, json};

use super::Rules;
use crate::netsuite::{
    amount::Amount,
    http::Problem,
    settings::TaxMode,
    store::{Record, amount, text},
};

impl Rules<'_> {
    /// The tax total of a sale; makes the tax details where the account computes them.
    pub(super) fn tax(&self, record: &mut Record, decimals: u32) -> Result<Amount, Problem> {
        if self.settings.tax_mode != TaxMode::SuiteTax {
            return Ok(Amount::ZERO);
        }
        if record.is("taxDetailsOverride") {
            Self::overridden(record, decimals)
        } else {
            Ok(self.own(record, decimals))
        }
    }

    /// The amounts that were sent; each line must lead to a line of the sale, or to shipping or handling.
    fn overridden(record: &mut Record, decimals: u32) -> Result<Amount, Problem> {
        let known: Vec<String> =
            record.lines("item").map(|line| text(line, "taxDetailsReference").to_owned()).collect();
        let header = [("SHIPPING", "shippingCost"), ("HANDLING", "handlingCost")];
        let mut total = Amount::ZERO;
        let mut shipping = Amount::ZERO;
        for (at, line) in record.lines("taxDetails").enumerate() {
            let reference = text(line, "taxDetailsReference");
            let cost = header
                .iter()
                .find(|(name, cost)| reference.eq_ignore_ascii_case(name) && !record.amount(cost).is_zero());
            if reference.is_empty() || !(cost.is_some() || known.iter().any(|name| name == reference)) {
                let path = format!("taxDetails.items[{at}].taxDetailsReference");
                let detail =
                    format!("no line of this transaction has the tax details reference {reference:?}");
                return Err(Problem::content(detail, &path));
            }
            let tax = amount(line, "taxAmount").round(decimals);
            total = total + tax;
            if cost.is_some() {
                shipping = shipping + tax;
            }
        }
        for line in record.lines_mut("taxDetails") {
            let tax = amount(line, "taxAmount").round(decimals);
            line.insert("taxAmount".into(), tax.json());
            let basis = amount(line, "taxBasis").round(decimals);
            line.insert("netAmount".into(), basis.json());
        }
        record.set("shippingTaxAmount", shipping.json());
        Ok(total)
    }

    /// What the account itself would tax: the standard rate of the country the goods go to.
    fn own(&self, record: &mut Record, decimals: u32) -> Amount {
        record.body.shift_remove("taxDetails");
        let Some(code) = self.standard_rate(record) else {
            record.set("shippingTaxAmount", json!(0));
            return Amount::ZERO;
        };
        let rate = code.amount("rate");
        let on = |basis: Amount| basis.times(rate).over(Amount::HUNDRED).unwrap_or_default().round(decimals);
        let mut details = Vec::new();
        let mut detail = |reference: &str, basis: Amount| {
            let tax = on(basis);
            if !basis.is_zero() {
                details.push(json!({
                    "taxDetailsReference": reference, "taxType": code.text("taxType"),
                    "taxCode": code.id.to_string(), "taxBasis": basis.json(), "taxRate": rate.json(),
                    "taxAmount": tax.json(), "netAmount": basis.json(),
                }));
            }
            tax
        };
        let mut total = Amount::ZERO;
        for line in record.lines_mut("item") {
            if line.get("isTaxable").is_some_and(|taxable| taxable == false) {
                continue;
            }
            let unique = line.get("lineUniqueKey").cloned().unwrap_or_default().to_string();
            let reference = line.entry("taxDetailsReference").or_insert_with(|| json!(unique)).clone();
            total = total + detail(reference.as_str().unwrap_or_default(), amount(line, "amount"));
        }
        let shipping = detail("SHIPPING", record.amount("shippingCost"));
        total = total + shipping + detail("HANDLING", record.amount("handlingCost"));
        record.set("taxDetails", Value::Array(details));
        record.set("shippingTaxAmount", shipping.json());
        total
    }

    fn standard_rate(&self, record: &Record) -> Option<&Record> {
        let country = |field: &str| {
            record.body.get(field).and_then(|address| address.get("country")).and_then(Value::as_str)
        };
        let country = country("shippingAddress").or_else(|| country("billingAddress"))?;
        let exempt = self.store.find("customer", record.text("entity")).is_some_and(|it| it.is("taxExempt"));
        self.store
            .all("salesTaxItem")
            .find(|code| code.text("nexusCountry") == country && code.text("name").ends_with("standard"))
            .filter(|_| !exempt)
    }

    /// Puts each line's own tax beside it.
    pub(super) fn show_line_tax(record: &mut Record, decimals: u32) {
        let details = by_reference(record);
        for line in record.lines_mut("item") {
            let tax = of_line(line, &details);
            let gross = (amount(line, "amount") + tax).round(decimals);
            line.insert("tax1Amt".into(), tax.json());
            line.insert("grossAmt".into(), gross.json());
        }
    }
}

/// The tax amounts of a sale's details, each with the reference of its line.
pub(super) fn by_reference(record: &Record) -> Vec<(String, Amount)> {
    record
        .lines("taxDetails")
        .map(|line| (text(line, "taxDetailsReference").to_owned(), amount(line, "taxAmount")))
        .collect()
}

/// The tax that refers to a line.
pub(super) fn of_line(line: &Map<String, Value>, details: &[(String, Amount)]) -> Amount {
    let reference = text(line, "taxDetailsReference");
    if reference.is_empty() {
        return Amount::ZERO;
    }
    details.iter().filter(|(name, _)| name == reference).map(|(_, tax)| *tax).sum()
}
