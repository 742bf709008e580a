//! What the store holds besides orders, customers and hooks: the catalogue's parts, stock, prices, taxes. In: changes made by
//! the other rooms under the store's one lock. Out: look-ups by id and SKU. It must never send anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{inventory::Levels, prices::Book, state::State};

/// Records of one kind by id.
pub(super) type Rows = BTreeMap<u64, Value>;

/// The records.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Shelf {
    /// Where stock lies.
    pub locations: Rows,
    /// How much of what lies where.
    pub stock: Levels,
    /// Brands.
    pub brands: Rows,
    /// Category trees; each belongs to channels.
    pub trees: Rows,
    /// Categories of all trees.
    pub categories: Rows,
    /// Price lists.
    pub price_lists: Rows,
    /// The records of each price list.
    pub prices: BTreeMap<u64, Book>,
    /// Which price list holds for which customer group and channel.
    pub assignments: Rows,
    /// Customer groups.
    pub groups: Rows,
    /// Promotions.
    pub promotions: Rows,
    /// Coupon codes of promotions.
    pub codes: Rows,
    /// Tax classes.
    pub tax_classes: Rows,
    /// Tax zones.
    pub tax_zones: Rows,
    /// Tax rates.
    pub tax_rates: Rows,
    /// The store's tax settings.
    pub tax_settings: Value,
    /// Tax properties.
    pub tax_properties: Rows,
    /// Tax properties of products, by product.
    pub product_tax: Rows,
    /// Tax properties of customers, by customer.
    pub customer_tax: Rows,
}

/// Where a SKU, a name and a variant are found.
#[derive(Debug, Default)]
pub(super) struct Index {
    skus: BTreeMap<String, Vec<(u64, Option<u64>)>>,
    names: BTreeMap<String, u64>,
    variants: BTreeMap<u64, u64>,
}

impl Index {
    fn add(&mut self, id: u64, product: &Value) {
        for (sku, variant) in skus(product) {
            self.skus.entry(sku).or_default().push((id, variant));
        }
        self.names.insert(lower(&product["name"]), id);
        self.variants.extend(variant_ids(product).map(|variant| (variant, id)));
    }

    fn remove(&mut self, id: u64, product: &Value) {
        for (sku, _) in skus(product) {
            if let Some(found) = self.skus.get_mut(&sku) {
                found.retain(|(product, _)| *product != id);
            }
        }
        self.names.remove(&lower(&product["name"]));
        for variant in variant_ids(product) {
            self.variants.remove(&variant);
        }
    }
}

fn lower(value: &Value) -> String {
    value.as_str().unwrap_or("").to_lowercase()
}

fn variant_ids(product: &Value) -> impl Iterator<Item = u64> {
    product["variants"].as_array().into_iter().flatten().filter_map(|variant| variant["id"].as_u64())
}

/// The SKUs of a product: its own, and those of its variants. The base variant of a simple product comes for both.
fn skus(product: &Value) -> Vec<(String, Option<u64>)> {
    let variants = product["variants"].as_array().into_iter().flatten();
    let mut all: Vec<(String, Option<u64>)> =
        variants.map(|variant| (lower(&variant["sku"]), variant["id"].as_u64())).collect();
    let own = lower(&product["sku"]);
    if all.iter().all(|(sku, _)| *sku != own) {
        all.push((own, None));
    }
    all.retain(|(sku, _)| !sku.is_empty());
    all
}

impl State {
    /// Puts a product in, or back.
    pub(super) fn put_product(&mut self, id: u64, product: Value) {
        if let Some(old) = self.products.get(&id) {
            self.index.remove(id, old);
        }
        self.index.add(id, &product);
        self.products.insert(id, product);
    }

    /// Takes a product out, with what hangs on it.
    pub(super) fn drop_product(&mut self, id: u64) -> Option<Value> {
        let product = self.products.remove(&id)?;
        self.index.remove(id, &product);
        for variant in variant_ids(&product) {
            self.drop_variant(variant);
        }
        Some(product)
    }

    /// Forgets stock and prices of a variant.
    pub(super) fn drop_variant(&mut self, variant: u64) {
        self.shelf.stock.forget(variant);
        for book in self.shelf.prices.values_mut() {
            book.forget(variant);
        }
    }

    /// Finds everything anew, after the records were read from a file.
    pub(super) fn reindex(&mut self) {
        self.index = Index::default();
        for (id, product) in &self.products {
            self.index.add(*id, product);
        }
    }

    /// The product and variant of a variant's id.
    pub(super) fn variant(&self, id: u64) -> Option<(&Value, &Value)> {
        let product = self.products.get(self.index.variants.get(&id)?)?;
        let mut variants = product["variants"].as_array()?.iter();
        Some((product, variants.find(|variant| variant["id"].as_u64() == Some(id))?))
    }

    /// The product of a SKU, and the variant unless it is the SKU of a product with options.
    pub(super) fn by_sku(&self, sku: &str) -> Option<(u64, Option<u64>)> {
        self.index.skus.get(&sku.to_lowercase())?.first().copied()
    }

    /// Whether a SKU belongs to another product, or to another variant of this one.
    pub(super) fn sku_taken(&self, sku: &str, product: Option<u64>, variant: Option<u64>) -> bool {
        let found = self.index.skus.get(&sku.to_lowercase());
        found.into_iter().flatten().any(|(owner, own)| {
            Some(*owner) != product || (variant.is_some() && own.is_some() && *own != variant)
        })
    }

    /// Whether a product's name belongs to another product.
    pub(super) fn name_taken(&self, name: &str, but: Option<u64>) -> bool {
        let found = self.index.names.get(&name.to_lowercase());
        found.is_some_and(|id| Some(*id) != but)
    }

    /// All variants with their products.
    pub(super) fn variants(&self) -> impl Iterator<Item = (&Value, &Value)> {
        self.products.values().flat_map(|product| {
            let variants = product["variants"].as_array().into_iter().flatten();
            variants.map(move |variant| (product, variant))
        })
    }

    /// A number that looks like a UUID, for answers that name a transaction.
    pub(super) fn uuid(&mut self) -> String {
        let number = self.id("uuid");
        format!("6f1d2c30-0000-4000-8000-{number:012x}")
    }
}

impl Shelf {
    /// The records as collections of flat rows, for the page and for tests.
    pub(super) fn snapshot(&self, state: &State) -> Vec<(&'static str, Vec<Value>)> {
        let plain = |rows: &Rows| rows.values().map(super::state::flat).collect::<Vec<_>>();
        vec![
            ("variants", state.variants().map(|(_, variant)| super::state::flat(variant)).collect()),
            ("stock", self.stock.rows()),
            ("locations", plain(&self.locations)),
            ("categories", plain(&self.categories)),
            ("brands", plain(&self.brands)),
            ("price_lists", plain(&self.price_lists)),
            (
                "price_records",
                self.prices.values().flat_map(Book::rows).map(|row| super::state::flat(&row)).collect(),
            ),
            ("price_assignments", plain(&self.assignments)),
            ("customer_groups", plain(&self.groups)),
            ("promotions", plain(&self.promotions)),
            ("tax_classes", plain(&self.tax_classes)),
            ("tax_zones", plain(&self.tax_zones)),
            ("tax_rates", self.tax_rates.values().flat_map(class_rates).collect()),
        ]
    }
}

/// A row for each class of a tax rate.
fn class_rates(rate: &Value) -> Vec<Value> {
    let classes = rate["class_rates"].as_array().into_iter().flatten();
    let row = |class: &Value| {
        json!({
            "id": rate["id"],
            "tax_zone_id": rate["tax_zone_id"],
            "name": rate["name"],
            "enabled": rate["enabled"],
            "priority": rate["priority"],
            "tax_class_id": class["tax_class_id"],
            "rate": class["rate"],
        })
    };
    classes.map(row).collect()
}
