//! The rules of the business: defaults, what must be there, what must agree, and every figure the account computes
//! itself. A figure that was sent is never taken.
//!
//! In: a changed [`Record`] and the one before. Out: the record as it will be stored, or the first [`Problem`]. It must
//! never store anything.

mod fulfilment;
mod goods;
mod party;
mod payment;
mod prices;
mod sale;
mod tax;

use jiff::{Timestamp, civil::Date};
use serde_json::{Map, Value};

use super::{
    amount::Amount,
    change,
    http::Problem,
    schema::{Def, Kind, Schema},
    settings::Settings,
    store::{Record, Store},
    time,
};

pub(crate) use fulfilment::{done, moved, start as start_fulfilment, tracking, tracking_of};
pub(crate) use payment::{deposits_for, open, settle as settle_open, start as start_money, touched};
pub(crate) use prices::rows as price_rows;
pub(crate) use sale::{copy as copy_sale, wanted};

/// What the rules look at.
pub(crate) struct Rules<'a> {
    pub(crate) store: &'a Store,
    pub(crate) schema: &'a Schema,
    pub(crate) settings: &'a Settings,
    pub(crate) now: Timestamp,
}

impl Rules<'_> {
    /// Makes a changed record whole; `before` is none when it is new.
    pub(crate) fn settle(&self, record: &mut Record, before: Option<&Record>) -> Result<(), Problem> {
        let def = self.schema.def(&record.kind);
        match record.kind.as_str() {
            "customer" => self.customer(record, before)?,
            "contact" => self.contact(record)?,
            "customerSubsidiaryRelationship" => self.relationship(record)?,
            "customerDeposit" => self.deposit(record)?,
            "customerRefund" => self.refund(record)?,
            "customerPayment" => self.payment(record)?,
            "depositApplication" => self.application(record)?,
            "employee" | "partner" => self.person(record)?,
            "itemFulfillment" => self.fulfilment(record, before)?,
            "itemReceipt" => self.receipt(record, before)?,
            "inventoryAdjustment" => self.adjustment(record, before)?,
            "taxGroup" => self.tax_group(record),
            "giftCertificate" => Self::certificate(record, before),
            _ if def.family == "item" => self.item(record)?,
            _ if def.field("item").is_some() => self.sale(record, before)?,
            _ => {}
        }
        self.required(def, &record.body, "")?;
        change::unmark(record);
        Ok(())
    }

    /// Everything marked as required has a value, in the record and in its lines.
    fn required(&self, def: &Def, body: &Map<String, Value>, path: &str) -> Result<(), Problem> {
        for field in def.fields() {
            let value = body.get(&field.name);
            if field.required && value.is_none_or(|value| value.is_null() || value == "") {
                return Err(missing(&field.name, &format!("{path}{}", field.name)));
            }
            if let (Kind::List(lines), Some(Value::Array(all))) = (&field.kind, value) {
                let lines = self.schema.def(lines);
                for (at, line) in all.iter().enumerate() {
                    if let Value::Object(line) = line {
                        self.required(lines, line, &format!("{path}{}.items[{at}].", field.name))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The number of decimals of a currency.
    fn decimals(&self, currency: &str) -> u32 {
        prices::decimals(self.store, currency)
    }

    /// One unit of a currency in the base currency of a subsidiary.
    fn exchange_rate(&self, currency: &str, subsidiary: &str) -> Amount {
        let rate = |id: &str| self.store.find("currency", id).map(|it| it.amount("exchangeRate"));
        let base = self.store.find("subsidiary", subsidiary).map_or("1", |it| it.text("currency"));
        let (Some(from), Some(to)) = (rate(currency), rate(base)) else { return Amount::ONE };
        from.over(to).unwrap_or(Amount::ONE).round(6)
    }

    /// The day it is for the account.
    fn today(&self) -> Date {
        time::local(self.now, self.settings.utc_offset_minutes).date()
    }

    fn record(&self, target: &str, id: &str) -> Option<&Record> {
        self.store.resolve(self.schema, target, id.parse().ok()?)
    }

    /// A customer who may be dealt with.
    fn active_customer(&self, record: &Record, field: &str) -> Result<&Record, Problem> {
        let customer =
            self.store.find("customer", record.text(field)).ok_or_else(|| missing(field, field))?;
        if customer.is("isInactive") {
            return Err(Problem::user_at(
                "This customer is inactive; it cannot be used in a transaction.",
                field,
            ));
        }
        Ok(customer)
    }

    /// The header every transaction has: subsidiary, currency, rate, date; all in agreement with the customer.
    fn header(&self, record: &mut Record, customer: &Record) -> Result<(), Problem> {
        record.default("subsidiary", customer.text("subsidiary"));
        record.default("currency", customer.text("currency"));
        let (subsidiary, currency) =
            (record.text("subsidiary").to_owned(), record.text("currency").to_owned());
        if !self.deals_with(customer, &subsidiary) {
            let detail = format!(
                "Error while accessing resource: Invalid Field Value {subsidiary} for the following field: subsidiary \
                 (customer {} belongs to another)",
                customer.id
            );
            return Err(Problem::content(detail, "subsidiary"));
        }
        let listed = customer.lines("currencyList").any(|line| line["currency"] == currency.as_str());
        if currency != customer.text("currency") && !listed {
            let detail = format!("Invalid currency reference key {currency} for entity {}.", customer.id);
            return Err(Problem::user_at(detail, "currency"));
        }
        if let Some(location) = self.store.find("location", record.text("location")) {
            Self::same_subsidiary(location, &subsidiary, "location")?;
        }
        record.default("exchangeRate", self.exchange_rate(&currency, &subsidiary).json());
        if record.amount("exchangeRate") <= Amount::ZERO {
            return Err(Problem::content("the exchange rate must be above zero", "exchangeRate"));
        }
        record.default("tranDate", self.today().to_string());
        Ok(())
    }

    fn deals_with(&self, customer: &Record, subsidiary: &str) -> bool {
        let id = customer.id.to_string();
        customer.text("subsidiary") == subsidiary
            || self
                .store
                .all("customerSubsidiaryRelationship")
                .any(|it| it.text("entity") == id && it.text("subsidiary") == subsidiary)
    }

    fn same_subsidiary(location: &Record, subsidiary: &str, path: &str) -> Result<(), Problem> {
        let own = location.text("subsidiary");
        if own.is_empty() || own == subsidiary {
            return Ok(());
        }
        let detail = format!(
            "The location {} belongs to subsidiary {own}, the transaction to subsidiary {subsidiary}.",
            location.id
        );
        Err(Problem::user_at(detail, path))
    }
}

/// The wording for a value that must be there.
fn missing(field: &str, path: &str) -> Problem {
    let mut label = String::new();
    for letter in field.chars() {
        match letter {
            letter if label.is_empty() => label.extend(letter.to_uppercase()),
            letter if letter.is_uppercase() => label.extend([' ', letter]),
            letter => label.push(letter),
        }
    }
    Problem::user_at(format!("Error while accessing a resource. Please enter value(s) for: {label}."), path)
}
