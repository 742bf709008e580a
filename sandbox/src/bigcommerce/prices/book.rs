//! The records of one price list. In: prices of a variant in a currency. Out: records as V3 prints them. It must never know
//! what the catalogue says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bigcommerce::money::Fixed;

/// The prices of one variant in one currency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::bigcommerce) struct Record {
    /// What it costs.
    pub price: Fixed,
    /// What it costs in a sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_price: Option<Fixed>,
    /// What it is said to cost elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retail_price: Option<Fixed>,
    /// The least that may be advertised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_price: Option<Fixed>,
    /// Prices by quantity.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bulk_pricing_tiers: Vec<Value>,
    date_created: String,
    date_modified: String,
}

impl Record {
    /// What a buyer of one pays: the sale price if there is one.
    pub(in crate::bigcommerce) fn calculated(&self) -> Fixed {
        self.sale_price.unwrap_or(self.price)
    }

    /// Writes the fields of a checked row; null unsets.
    fn write(&mut self, row: &Value) {
        if let Some(price) = Fixed::from_json(&row["price"]) {
            self.price = price;
        }
        for (field, place) in [
            ("sale_price", &mut self.sale_price),
            ("retail_price", &mut self.retail_price),
            ("map_price", &mut self.map_price),
        ] {
            if let Some(value) = row.get(field) {
                *place = Fixed::from_json(value);
            }
        }
        if let Some(tiers) = row["bulk_pricing_tiers"].as_array() {
            self.bulk_pricing_tiers.clone_from(tiers);
        }
    }
}

/// The records of one list by variant and currency (upper case).
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::bigcommerce) struct Book {
    list: u64,
    records: BTreeMap<u64, BTreeMap<String, Record>>,
}

impl Book {
    /// A list without records.
    pub(in crate::bigcommerce) fn new(list: u64) -> Self {
        Self { list, records: BTreeMap::new() }
    }

    /// The record of a variant in a currency.
    pub(in crate::bigcommerce) fn get(&self, variant: u64, currency: &str) -> Option<&Record> {
        self.records.get(&variant)?.get(currency)
    }

    /// Writes a record; true if it is new.
    pub(in crate::bigcommerce) fn put(
        &mut self,
        variant: u64,
        currency: &str,
        row: &Value,
        now: &str,
    ) -> bool {
        let mut fresh = false;
        let record =
            self.records.entry(variant).or_default().entry(currency.to_owned()).or_insert_with(|| {
                fresh = true;
                Record { date_created: now.to_owned(), ..Record::default() }
            });
        record.write(row);
        now.clone_into(&mut record.date_modified);
        fresh
    }

    /// Takes the records out that are chosen; their variants and currencies.
    pub(in crate::bigcommerce) fn drop_if(
        &mut self,
        chosen: impl Fn(u64, &str) -> bool,
    ) -> Vec<(u64, String)> {
        let mut gone = Vec::new();
        for (variant, records) in &mut self.records {
            records.retain(|currency, _| {
                let out = chosen(*variant, currency);
                if out {
                    gone.push((*variant, currency.clone()));
                }
                !out
            });
        }
        self.records.retain(|_, records| !records.is_empty());
        gone
    }

    /// Forgets a variant.
    pub(in crate::bigcommerce) fn forget(&mut self, variant: u64) {
        self.records.remove(&variant);
    }

    /// Variants, currencies and records, in that order.
    pub(in crate::bigcommerce) fn all(&self) -> impl Iterator<Item = (u64, &str, &Record)> {
        self.records.iter().flat_map(|(variant, records)| {
            records.iter().map(|(currency, record)| (*variant, currency.as_str(), record))
        })
    }

    /// One record as V3 prints it, but for the product and the SKU.
    pub(in crate::bigcommerce) fn row(&self, variant: u64, currency: &str, record: &Record) -> Value {
        let mut row = json!({
            "price_list_id": self.list,
            "variant_id": variant,
            "currency": currency.to_lowercase(),
            "price": record.price.v3(),
        });
        for (field, value) in [
            ("sale_price", record.sale_price),
            ("retail_price", record.retail_price),
            ("map_price", record.map_price),
        ] {
            if let Some(value) = value {
                row[field] = value.v3();
            }
        }
        row["calculated_price"] = record.calculated().v3();
        row["date_created"] = json!(record.date_created);
        row["date_modified"] = json!(record.date_modified);
        row["bulk_pricing_tiers"] = json!(record.bulk_pricing_tiers);
        row
    }

    /// All records as V3 prints them.
    pub(in crate::bigcommerce) fn rows(&self) -> Vec<Value> {
        self.all().map(|(variant, currency, record)| self.row(variant, currency, record)).collect()
    }
}
