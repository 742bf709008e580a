//! Where a price comes from, in the order of `calculations.mdx`: product, product sale, variant, variant sale; a price list's
//! record over all of them; else the customer group's discount. In: a variant, a currency, a group, a channel. Out: [`Prices`] as
//! entered, not taxed. It must never round but to the currency's decimals.

use serde_json::Value;

use crate::bigcommerce::{currency, money::Fixed, state::State};

/// Who asks, and in which currency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// The store's own currency.
    pub own: &'a str,
    /// The currency of the answer.
    pub currency: &'a str,
    /// 0 = no group.
    pub group: u64,
    /// Storefront.
    pub channel: u64,
}

/// The prices of one variant, as entered.
#[derive(Clone, Debug, Default)]
pub(super) struct Prices {
    /// Before any sale.
    pub price: Fixed,
    /// In a sale.
    pub sale: Option<Fixed>,
    /// Said to cost elsewhere.
    pub retail: Option<Fixed>,
    /// The least that may be advertised.
    pub map: Option<Fixed>,
    /// What a buyer of one pays.
    pub calculated: Fixed,
    /// Prices by quantity.
    pub tiers: Vec<Value>,
}

/// The prices of a variant; without one, those of the product itself.
pub(super) fn prices(state: &State, asked: Asked, product: &Value, variant: Option<&Value>) -> Prices {
    let id = variant.and_then(|variant| variant["id"].as_u64());
    id.and_then(|id| listed(state, asked, product, variant, id))
        .unwrap_or_else(|| discounted(state, asked, product, catalogue(asked, product, variant)))
}

/// An amount that says something: the catalogue writes 0 for "none".
fn set(value: &Value) -> Option<Fixed> {
    Fixed::from_json(value).filter(|amount| !amount.is_zero())
}

fn converted(asked: Asked, amount: Fixed) -> Fixed {
    let digits = currency::digits(asked.currency);
    amount.mul(currency::rate(asked.own, asked.currency)).round(digits)
}

fn catalogue(asked: Asked, product: &Value, variant: Option<&Value>) -> Prices {
    let of_variant = |field: &str| variant.map(|variant| &variant[field]).filter(|value| !value.is_null());
    let own_price = of_variant("price").and_then(Fixed::from_json);
    let price = own_price.or_else(|| Fixed::from_json(&product["price"])).unwrap_or_default();
    let product_sale = || set(&product["sale_price"]).filter(|_| own_price.is_none());
    let sale = of_variant("sale_price").and_then(set).or_else(product_sale);
    let either = |field: &str| of_variant(field).and_then(set).or_else(|| set(&product[field]));
    let convert = |amount| converted(asked, amount);
    Prices {
        price: convert(price),
        sale: sale.map(convert),
        retail: either("retail_price").map(convert),
        map: either("map_price").map(convert),
        calculated: convert(sale.unwrap_or(price)),
        tiers: product["bulk_pricing_rules"].as_array().cloned().unwrap_or_default(),
    }
}

/// The list that holds: that of group and channel before the group's, before the channel's (choice: the order is not documented).
pub(super) fn list(state: &State, asked: Asked) -> Option<u64> {
    let assigned = |group: Option<u64>, channel: Option<u64>| {
        let found = state.shelf.assignments.values().filter(move |row| {
            row["customer_group_id"].as_u64().filter(|id| *id != 0) == group
                && row["channel_id"].as_u64() == channel
        });
        found.filter_map(|row| row["price_list_id"].as_u64()).find(|id| is_active(state, *id))
    };
    let group = Some(asked.group).filter(|id| *id != 0);
    let of_rules = || {
        let rules = state.shelf.groups.get(&asked.group)?["discount_rules"].as_array()?;
        let rule = rules.iter().find(|rule| rule["type"] == "price_list")?;
        rule["price_list_id"].as_u64().filter(|id| is_active(state, *id))
    };
    let of_group = group.and_then(|id| {
        assigned(Some(id), Some(asked.channel)).or_else(|| assigned(Some(id), None)).or_else(of_rules)
    });
    of_group.or_else(|| assigned(None, Some(asked.channel)))
}

fn is_active(state: &State, list: u64) -> bool {
    state.shelf.price_lists.get(&list).is_some_and(|row| row["active"] != serde_json::json!(false))
}

/// The prices of a list's record; nothing if there is no list or no record. A currency that is only shown takes the record in the
/// store's own and converts it; one that is paid in and has no record gets the catalogue's price (`price-lists.mdx`).
fn listed(state: &State, asked: Asked, product: &Value, variant: Option<&Value>, id: u64) -> Option<Prices> {
    let book = state.shelf.prices.get(&list(state, asked)?)?;
    let shown_only = !currency::is_transactional(asked.currency);
    let (record, convert) = match book.get(id, asked.currency) {
        Some(record) => (record, false),
        None if shown_only => (book.get(id, asked.own)?, true),
        None => return None,
    };
    let amount = |amount: Fixed| if convert { converted(asked, amount) } else { amount };
    let base = catalogue(asked, product, variant);
    Some(Prices {
        price: amount(record.price),
        sale: record.sale_price.map(amount),
        retail: record.retail_price.map(amount).or(base.retail),
        map: record.map_price.map(amount).or(base.map),
        calculated: amount(record.calculated()),
        tiers: record.bulk_pricing_tiers.clone(),
    })
}

/// Takes off what the group gets: the rule of the product, else of a category, else of the store (choice: the documents do not say
/// which of several rules wins).
fn discounted(state: &State, asked: Asked, product: &Value, mut prices: Prices) -> Prices {
    let rules = state.shelf.groups.get(&asked.group).and_then(|group| group["discount_rules"].as_array());
    let rules: Vec<&Value> = rules.into_iter().flatten().collect();
    let category =
        |rule: &Value| product["categories"].as_array().is_some_and(|all| all.contains(&rule["category_id"]));
    let rule = rules
        .iter()
        .find(|rule| rule["type"] == "product" && rule["product_id"] == product["id"])
        .or_else(|| rules.iter().find(|rule| rule["type"] == "category" && category(rule)))
        .or_else(|| rules.iter().find(|rule| rule["type"] == "all"));
    if let Some(rule) = rule {
        let kind = rule["method"].as_str().unwrap_or("");
        let amount = Fixed::from_json(&rule["amount"]).unwrap_or_default();
        let amount = if kind == "percent" { amount } else { converted(asked, amount) };
        prices.calculated = off(prices.calculated, kind, amount).round(currency::digits(asked.currency));
    }
    prices
}

/// A price after a discount: `percent` off, `price` so much off, `fixed` the new price. Never below nothing.
pub(super) fn off(price: Fixed, kind: &str, amount: Fixed) -> Fixed {
    let left = match kind {
        "percent" => price - price.mul(amount).div(Fixed::whole(100)),
        "price" => price - amount,
        _ => amount,
    };
    left.max(Fixed::ZERO)
}
