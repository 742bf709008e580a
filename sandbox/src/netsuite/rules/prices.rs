//! Prices: the table of an item, and what was agreed with a customer.
//!
//! An item has rows by currency, price level and least quantity. People enter some; a level with a percentage has, wherever
//! the base price has a row and the level none, a row that follows from it. A level without `discountPct` has only its own.
//! In a sale without a price level a customer's price for the item goes before a level for its pricing group, and that
//! before the customer's own level; the platform does not document that order for REST, it is the twin's choice.

use serde_json::{Map, Value, json};

use super::Rules;
use crate::netsuite::{
    amount::Amount,
    change,
    store::{Record, Store, amount, text},
};

/// The base price.
const BASE: &str = "1";
/// A price by hand.
pub(super) const CUSTOM: &str = "-1";

/// What an agreement with a customer says of an item.
pub(super) enum Agreed {
    Level(String),
    Price(Amount),
}

/// The number of decimals of a currency.
pub(crate) fn decimals(store: &Store, currency: &str) -> u32 {
    let precision = store.find("currency", currency).and_then(|it| it.body.get("currencyPrecision"));
    precision.and_then(Value::as_u64).and_then(|digits| u32::try_from(digits).ok()).unwrap_or(2)
}

/// The price rows of an item: those that were entered, then those that follow from the base price.
pub(crate) fn rows(store: &Store, item: &Record) -> Vec<Map<String, Value>> {
    let mut all: Vec<Map<String, Value>> = item.lines("price").cloned().collect();
    let base: Vec<Map<String, Value>> =
        item.lines("price").filter(|row| text(row, "priceLevel") == BASE).cloned().collect();
    for level in store.all("priceLevel").filter(|level| level.body.contains_key("discountPct")) {
        let id = level.id.to_string();
        let factor = (Amount::HUNDRED + level.amount("discountPct")).over(Amount::HUNDRED);
        for row in &base {
            let mut derived = row.clone();
            derived.insert("priceLevel".into(), json!(id));
            let cell = change::cell(&derived);
            if all.iter().any(|row| text(row, "cell") == cell) {
                continue;
            }
            derived.insert("cell".into(), json!(cell));
            derived.insert("priceLevelName".into(), json!(level.text("name")));
            derived.insert("discountDisplay".into(), level.amount("discountPct").json());
            if let Some(factor) = factor.filter(|_| row.contains_key("price")) {
                let price = amount(row, "price").times(factor);
                let places = decimals(store, text(row, "currencyPage"));
                derived.insert("price".into(), price.round(places).json());
            }
            all.push(derived);
        }
    }
    all
}

impl Rules<'_> {
    /// The price of an item at a level for a quantity.
    pub(super) fn table_price(
        &self,
        item: &Record,
        level: &str,
        currency: &str,
        quantity: Amount,
    ) -> Option<Amount> {
        rows(self.store, item)
            .iter()
            .filter(|row| text(row, "priceLevel") == level && text(row, "currencyPage") == currency)
            .filter(|row| amount(row, "quantity") <= quantity)
            .max_by_key(|row| amount(row, "quantity"))
            .filter(|row| row.contains_key("price"))
            .map(|row| amount(row, "price"))
    }

    /// What a line without a price level is sold at.
    pub(super) fn agreed(customer: &Record, item: &Record, currency: &str) -> Agreed {
        let id = item.id.to_string();
        let own = customer
            .lines("itemPricing")
            .filter(|line| text(line, "item") == id && ["", currency].contains(&text(line, "currency")))
            .last();
        if let Some(own) = own {
            let level = text(own, "level");
            if own.contains_key("price") && ["", CUSTOM].contains(&level) {
                return Agreed::Price(amount(own, "price"));
            }
            return Agreed::Level(level.to_owned());
        }
        let group = item.text("pricingGroup");
        let by_group =
            customer.lines("groupPricing").find(|line| !group.is_empty() && text(line, "group") == group);
        let level = by_group.map_or_else(|| customer.text("priceLevel"), |line| text(line, "level"));
        Agreed::Level(if level.is_empty() { BASE } else { level }.to_owned())
    }
}
