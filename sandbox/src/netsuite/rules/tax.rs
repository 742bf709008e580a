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

    /// What the account itself would tax: each line by its item's tax schedule in the country the goods go to, delivery by
    /// that country's standard code.
    fn own(&self, record: &mut Record, decimals: u32) -> Amount {
        record.body.shift_remove("taxDetails");
        let Some(place) = self.place(record) else {
            record.set("shippingTaxAmount", json!(0));
            return Amount::ZERO;
        };
        let mut details = Vec::new();
        let mut detail = |reference: &str, basis: Amount, code: &Record| {
            let rate = code.amount("rate");
            let tax = basis.times(rate).over(Amount::HUNDRED).unwrap_or_default().round(decimals);
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
            let code = self.code_of(line, &place);
            let unique = line.get("lineUniqueKey").cloned().unwrap_or_default().to_string();
            let reference = line.entry("taxDetailsReference").or_insert_with(|| json!(unique)).clone();
            total = total + detail(reference.as_str().unwrap_or_default(), amount(line, "amount"), code);
        }
        let shipping = detail("SHIPPING", record.amount("shippingCost"), place.standard);
        total = total + shipping + detail("HANDLING", record.amount("handlingCost"), place.standard);
        record.set("taxDetails", Value::Array(details));
        record.set("shippingTaxAmount", shipping.json());
        total
    }

    /// Where a sale is taxed, unless it is not. Goods that a business with a VAT number gets from another country of the
    /// same union carry that country's reverse charge; in the US the code of a state goes before that of the country.
    fn place(&self, record: &Record) -> Option<Place<'_>> {
        let of = |field: &str, part: &str| {
            let address = record.body.get(field)?;
            address.get(part).and_then(Value::as_str).map(str::to_owned)
        };
        let field =
            ["shippingAddress", "billingAddress"].into_iter().find(|it| of(it, "country").is_some())?;
        let (country, state) = (of(field, "country")?, of(field, "state").unwrap_or_default());
        let customer = self.store.find("customer", record.text("entity"));
        if customer.is_some_and(|it| it.is("taxExempt")) {
            return None;
        }
        let codes = || self.store.all("salesTaxItem").filter(|code| !code.is("isInactive"));
        let home =
            self.store.find("subsidiary", record.text("subsidiary")).map_or("", |it| it.text("country"));
        let business = customer.is_some_and(|it| !it.text("vatRegNumber").is_empty());
        let reverse = codes().find(|code| code.is("reverseCharge") && code.text("nexusCountry") == home);
        if let Some(code) =
            reverse.filter(|_| business && country != home && in_union(&country) && in_union(home))
        {
            return Some(Place { country, standard: code, fixed: true });
        }
        let by_state = codes().find(|code| {
            !state.is_empty() && code.text("state") == state && code.text("nexusCountry") == country
        });
        if let Some(code) = by_state {
            return Some(Place { country, standard: code, fixed: true });
        }
        let standard = codes()
            .find(|code| code.text("nexusCountry") == country && code.text("name").ends_with("standard"));
        standard.map(|standard| Place { country, standard, fixed: false })
    }

    /// The code of a line: its item's, by tax schedule.
    fn code_of<'s>(&'s self, line: &Map<String, Value>, place: &Place<'s>) -> &'s Record {
        let schedule = self
            .record("item", text(line, "item"))
            .and_then(|item| self.store.find("taxSchedule", item.text("taxSchedule")))
            .filter(|_| !place.fixed);
        let nexus = schedule.and_then(|schedule| {
            schedule.lines("nexuses").find(|nexus| text(nexus, "nexusCountry") == place.country)
        });
        nexus
            .and_then(|nexus| self.store.find("salesTaxItem", text(nexus, "salesTaxCode")))
            .unwrap_or(place.standard)
    }

    /// A group's rate is that of its codes together.
    pub(super) fn tax_group(&self, record: &mut Record) {
        let code = |line: &Map<String, Value>| self.store.find("salesTaxItem", text(line, "taxName"));
        let rate: Amount = record.lines("taxItem").filter_map(code).map(|code| code.amount("rate")).sum();
        for line in record.lines_mut("taxItem") {
            if let Some(code) = code(line) {
                line.insert("rate".into(), code.amount("rate").json());
                line.insert("taxType".into(), json!(code.text("taxType")));
            }
        }
        record.set("rate", rate.json());
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

/// Where a sale is taxed and by which code, whatever the items' schedules say if that is `fixed`.
struct Place<'a> {
    country: String,
    standard: &'a Record,
    fixed: bool,
}

/// Whether a country is a member of the European Union.
fn in_union(country: &str) -> bool {
    const MEMBERS: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";
    MEMBERS.split(' ').any(|member| member == country)
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
