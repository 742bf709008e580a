//! Fills a new store: products, customers, channels, and orders if asked for. In: the sandbox's seed. Out: records. It
//! must never be called on a store that holds records already.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{
    Store, currency,
    inventory::DEFAULT,
    money::Fixed,
    order::{Cost, Line, LineKind, Order},
    products,
    state::State,
    tax,
    trade::Trade,
};
use crate::seed::{Item, ItemKind, Random, Tax, catalogue, person, place};

/// Id, name, kind, platform.
const CHANNELS: &[(u64, &str, &str, &str)] = &[
    (1, "Flint & Larder", "storefront", "bigcommerce"),
    (2, "Flint & Larder UK", "storefront", "bigcommerce"),
    (3, "Flint & Larder DE", "storefront", "bigcommerce"),
    (4, "Flint & Larder JP", "storefront", "bigcommerce"),
    (5, "Flint & Larder KW", "storefront", "bigcommerce"),
    (664_001, "Amazon", "marketplace", "amazon"),
];

impl Store {
    /// The channels as V3 prints them.
    pub(super) fn channels() -> Vec<Value> {
        let row = |(id, name, kind, platform): &(u64, &str, &str, &str)| {
            json!({
                "id": id,
                "name": name,
                "type": kind,
                "platform": platform,
                "status": if *kind == "storefront" { "active" } else { "connected" },
                "external_id": "",
                "icon_url": "",
                "is_listable_from_ui": true,
                "is_visible": true,
                "is_enabled": true,
                "date_created": "2024-01-15T09:00:00Z",
                "date_modified": "2024-01-15T09:00:00Z",
            })
        };
        CHANNELS.iter().map(row).collect()
    }

    /// Products, customers, and the orders of the settings.
    pub(super) fn stock(self: &Arc<Self>) {
        {
            let mut state = self.state();
            let items = catalogue();
            for item in items.iter().filter(|item| item.kind != ItemKind::Child) {
                let id = state.id("product");
                self.seed_product(&mut state, id, item, &items);
            }
            self.seed_bulk(&mut state);
            let mut random = Random::new(self.shared.seed, "customers");
            for number in 0..self.settings.customers {
                let row = customer_row(&mut random, u64::from(number) + 1);
                self.add_customer(&mut state, &row);
            }
        }
        for _ in 0..self.settings.orders {
            // Nothing that is drawn can be refused; a refusal would show as a missing order.
            let _ = self.place(&Trade::default());
        }
    }

    /// A price in cents of the US dollar, in the currency asked for.
    pub(super) fn convert(cents: u32, to: &str) -> Fixed {
        let dollars = Fixed::from_minor(i128::from(cents), 2);
        dollars.mul(currency::rate("USD", to)).round(currency::digits(to))
    }

    fn seed_product(&self, state: &mut State, id: u64, item: &Item, items: &[Item]) {
        let children: Vec<&Item> =
            items.iter().filter(|other| other.parent.as_ref() == Some(&item.sku)).collect();
        let options = options(state, id, &children);
        let tracking = match item.kind {
            ItemKind::Parent => "variant",
            ItemKind::Simple => "product",
            _ => "none",
        };
        let sold = if children.is_empty() { vec![item] } else { children };
        let variants: Vec<Value> = sold.iter().map(|sold| self.variant(state, id, sold, &options)).collect();
        let mut product = json!({
            "id": id,
            "name": item.name,
            "type": if item.kind == ItemKind::Digital { "digital" } else { "physical" },
            "sku": item.sku,
            "description": format!("<p>{}</p>", item.name),
            "weight": grams(item.weight).v3(),
            "price": Self::convert(item.price, &self.settings.currency).v3(),
            "cost_price": Self::convert(item.cost, &self.settings.currency).v3(),
            "tax_class_id": class(item.tax),
            "inventory_tracking": tracking,
            "availability": if item.preorder { "preorder" } else { "available" },
            "categories": [1],
            "channels": [1, 2, 3, 4, 5],
            "date_created": "2024-02-01T09:00:00+00:00",
            "date_modified": "2024-02-01T09:00:00+00:00",
            "options": options,
        });
        if item.preorder {
            product["preorder_release_date"] = json!(self.release_date());
        }
        if tracking != "none" {
            for (variant, sold) in variants.iter().zip(&sold) {
                let level = state.shelf.stock.at(DEFAULT, variant["id"].as_u64().unwrap_or(0));
                level.set(i64::from(sold.stock), Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
            }
        }
        product["variants"] = json!(variants);
        state.put_product(id, product);
    }

    /// Simple products without end, for trials of size.
    fn seed_bulk(&self, state: &mut State) {
        for number in 1..=self.settings.bulk_products {
            let (id, variant) = (state.id("product"), state.id("variant"));
            let sku = format!("BULK-{number:06}");
            let product = json!({
                "id": id,
                "name": format!("Bulk item {number}"),
                "type": "physical",
                "sku": sku,
                "weight": 1,
                "price": 10,
                "inventory_tracking": "product",
                "channels": [1],
                "date_created": "2024-02-01T09:00:00+00:00",
                "date_modified": "2024-02-01T09:00:00+00:00",
                "variants": [{ "id": variant, "product_id": id, "sku": sku, "sku_id": variant, "option_values": [] }],
            });
            state.shelf.stock.at(DEFAULT, variant);
            state.put_product(id, product);
        }
    }

    /// The day a pre-ordered thing comes out: sixty days after the start.
    fn release_date(&self) -> String {
        let day = self.shared.clock.now().checked_add(SignedDuration::from_hours(24 * 60));
        day.unwrap_or_default().strftime("%Y-%m-%dT00:00:00+00:00").to_string()
    }

    /// One variant; its values are found among the options by their labels.
    fn variant(&self, state: &mut State, product_id: u64, item: &Item, options: &[Value]) -> Value {
        let own = !item.options.is_empty();
        let chosen = |(name, label): &(String, String)| {
            let option = options.iter().find(|option| option["display_name"] == json!(name))?;
            let mut values = option["option_values"].as_array()?.iter();
            let value = values.find(|value| value["label"] == json!(label))?;
            Some(json!({
                "id": value["id"],
                "label": label,
                "option_id": option["id"],
                "option_display_name": name,
            }))
        };
        let values: Vec<Value> = item.options.iter().filter_map(chosen).collect();
        let id = state.id("variant");
        let price = Self::convert(item.price, &self.settings.currency).v3();
        json!({
            "id": id,
            "product_id": product_id,
            "sku": item.sku,
            "sku_id": id,
            "price": if own { price } else { Value::Null },
            "cost_price": Self::convert(item.cost, &self.settings.currency).v3(),
            "weight": grams(item.weight).v3(),
            "option_values": values,
        })
    }

    /// A line for a product of the catalogue in the order's currency, without id and address.
    pub(super) fn catalogue_line(
        &self,
        state: &State,
        product_id: u64,
        variant_id: Option<u64>,
        order: &Order,
    ) -> Option<Line> {
        let product = state.products.get(&product_id)?;
        let mut variants = product["variants"].as_array()?.iter();
        let variant = match variant_id {
            Some(id) => variants.find(|variant| variant["id"].as_u64() == Some(id))?,
            None => variants.next()?,
        };
        let in_currency = |value: &Value| {
            let amount = Fixed::from_json(value).unwrap_or_default();
            amount.mul(currency::rate(&self.settings.currency, &order.currency)).round(order.rules.digits)
        };
        let text = |row: &Value, field: &str| row[field].as_str().unwrap_or("").to_owned();
        let class = product["tax_class_id"].as_u64().and_then(|class| u32::try_from(class).ok()).unwrap_or(0);
        Some(Line {
            id: 0,
            product_id,
            variant_id: variant["id"].as_u64()?,
            address_id: 0,
            name: text(product, "name"),
            sku: text(variant, "sku"),
            upc: text(variant, "upc"),
            kind: if product["type"] == "digital" { LineKind::Digital } else { LineKind::Physical },
            quantity: 1,
            shipped: 0,
            price: Cost::entered(in_currency(&products::price_of(product, variant)), class),
            promotion: Fixed::ZERO,
            cost_price: in_currency(&variant["cost_price"]),
            weight: Fixed::from_json(&variant["weight"])
                .or_else(|| Fixed::from_json(&product["weight"]))
                .unwrap_or_default(),
            wrapping: None,
            options: variant["option_values"].as_array()?.iter().map(chosen).collect(),
            parent: None,
            gift_certificate_id: None,
            event_date: product["preorder_release_date"].as_str().map(|date| date.chars().take(10).collect()),
        })
    }
}

/// An option that a product's variants name, without values yet.
pub(super) fn option_row(id: u64, product_id: u64, name: &str, place: usize) -> Value {
    json!({
        "id": id,
        "product_id": product_id,
        "name": format!("{name}{id}"),
        "display_name": name,
        "type": "rectangles",
        "sort_order": place,
        "config": {},
        "option_values": [],
    })
}

/// The options of a product and their values, in the order in which its variants name them.
fn options(state: &mut State, product_id: u64, children: &[&Item]) -> Vec<Value> {
    let mut options: Vec<Value> = Vec::new();
    for (name, label) in children.iter().flat_map(|child| &child.options) {
        let at = options.iter().position(|option| option["display_name"] == json!(name));
        let at = at.unwrap_or_else(|| {
            let id = state.id("option");
            options.push(option_row(id, product_id, name, options.len()));
            options.len() - 1
        });
        let Some(values) = options[at]["option_values"].as_array_mut() else { continue };
        if values.iter().all(|value| value["label"] != json!(label)) {
            let (id, sort_order) = (state.id("option value"), values.len());
            values.push(json!({
                "id": id,
                "label": label,
                "sort_order": sort_order,
                "is_default": false,
                "value_data": null,
            }));
        }
    }
    options
}

fn grams(weight: u32) -> Fixed {
    Fixed::from_minor(i128::from(weight), 3)
}

fn class(group: Tax) -> u32 {
    match group {
        Tax::Standard => tax::DEFAULT,
        Tax::Reduced => tax::REDUCED,
        Tax::Exempt => tax::EXEMPT,
    }
}

/// An option as an order line shows it.
fn chosen(option: &Value) -> Value {
    let (name, label) = (&option["option_display_name"], &option["label"]);
    let mut out: Map<String, Value> = Map::new();
    for (field, value) in [
        ("id", &option["id"]),
        ("option_id", &option["option_id"]),
        ("product_option_id", &option["option_id"]),
        ("display_name", name),
        ("display_name_customer", name),
        ("display_name_merchant", name),
        ("display_value", label),
        ("display_value_customer", label),
        ("display_value_merchant", label),
        ("name", name),
    ] {
        out.insert(field.to_owned(), value.clone());
    }
    out.insert("value".into(), json!(option["id"].to_string()));
    out.insert("type".into(), json!("Multiple choice"));
    out.insert("display_style".into(), json!("Rectangle"));
    Value::Object(out)
}

fn customer_row(random: &mut Random, number: u64) -> Value {
    let (who, place) = (person(random, number), place(random, None));
    let exempt = if random.chance(8) { "G" } else { "" };
    json!({
        "email": who.email,
        "first_name": who.first_name,
        "last_name": who.last_name,
        "company": who.company,
        "phone": who.phone,
        "tax_exempt_category": exempt,
        "store_credit_amounts": [{ "amount": random.below(8) * 25 }],
        "addresses": [{
            "first_name": who.first_name,
            "last_name": who.last_name,
            "company": who.company,
            "address1": who.street,
            "city": place.city,
            "state_or_province": place.state,
            "postal_code": place.zip,
            "country_code": place.country_iso2,
            "country": place.country,
            "phone": who.phone,
        }],
    })
}
