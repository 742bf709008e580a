//! `POST /v3/pricing/products`: what a shopper of a channel, currency and group is shown, with and without tax. In: products.
//! Out: the amounts of `pricing.sf.yml`. A product that is not there is left out (choice: the documents do not say).

use std::sync::Arc;

use axum::{Router, extract::State as Held, routing::post};
use serde_json::{Value, json};

use super::source::{Asked, Prices, off, prices};
use crate::bigcommerce::{
    Store,
    answer::{Answer, Sent, several, unusable},
    currency,
    money::Fixed,
    shape::shape,
    state::State,
    taxes::{self, Where},
};

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new().route("/v3/pricing/products", post(compute))
}

/// One question: the shopper, and where tax is due.
struct Desk<'a> {
    state: &'a State,
    asked: Asked<'a>,
    taxing: taxes::Taxing,
    digits: u32,
}

async fn compute(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let body = &sent.0;
    shape("pricing").check(body, true)?;
    let state = store.state();
    let code = body["currency_code"].as_str().unwrap_or("").to_uppercase();
    if currency::id(&code) == 0 {
        return Err(unusable(&[("currency_code", "The currency is not set up in this store")]));
    }
    let channel = &body["channel_id"];
    if !Store::channels().iter().any(|row| row["id"] == *channel) {
        return Err(unusable(&[("channel_id", "Channel was not found")]));
    }
    let customer = body["customer_id"].as_u64().and_then(|id| state.customers.get(&id));
    let of_customer = || customer.and_then(|row| row["customer_group_id"].as_u64());
    let group = body["customer_group_id"].as_u64().or_else(of_customer).unwrap_or(0);
    let place = match (body["country_code"].as_str(), customer.map(|row| &row["addresses"][0])) {
        (Some(country), _) => Some(Where { country, state: "", postal: "" }),
        (None, Some(address)) => address["country_code"].as_str().map(|country| Where {
            country,
            state: address["state_or_province"].as_str().unwrap_or(""),
            postal: address["postal_code"].as_str().unwrap_or(""),
        }),
        _ => None,
    };
    let digits = currency::digits(&code);
    let desk = Desk {
        taxing: taxes::Taxing::new(&store, &state, place, group, digits),
        asked: Asked {
            own: &store.settings.currency,
            currency: &code,
            group,
            channel: channel.as_u64().unwrap_or(0),
        },
        state: &state,
        digits,
    };
    let items = body["items"].as_array().into_iter().flatten();
    Ok(several(&items.filter_map(|item| desk.item(item)).collect::<Vec<_>>()))
}

/// The variant that an item names: by id, by its options, or the only one.
fn variant<'p>(product: &'p Value, item: &Value) -> Option<&'p Value> {
    let variants = product["variants"].as_array()?;
    if let Some(id) = item["variant_id"].as_u64().filter(|id| *id != 0) {
        return variants.iter().find(|variant| variant["id"].as_u64() == Some(id));
    }
    let options = item["options"].as_array().filter(|options| !options.is_empty());
    let Some(options) = options else { return variants.first().filter(|_| variants.len() == 1) };
    variants.iter().find(|variant| {
        let values = variant["option_values"].as_array();
        values.is_some_and(|values| {
            !values.is_empty()
                && values.iter().all(|value| options.iter().any(|option| option["value_id"] == value["id"]))
        })
    })
}

impl Desk<'_> {
    fn item(&self, item: &Value) -> Option<Value> {
        let product = self.state.products.get(&item["product_id"].as_u64()?)?;
        let variant = variant(product, item);
        if item["variant_id"].as_u64().is_some_and(|id| id != 0) && variant.is_none() {
            return None;
        }
        let found = prices(self.state, self.asked, product, variant);
        let class = product["tax_class_id"].as_u64().unwrap_or(0);
        let mut out = json!({
            "product_id": item["product_id"],
            "variant_id": variant.map_or(&item["variant_id"], |variant| &variant["id"]),
            "options": item.get("options").cloned().unwrap_or_else(|| json!([])),
            "reference_request": item,
        });
        let saved =
            found.retail.filter(|retail| *retail > found.calculated).map(|retail| retail - found.calculated);
        for (field, amount) in [
            ("retail_price", found.retail),
            ("sale_price", found.sale),
            ("minimum_advertised_price", found.map),
            ("saved", saved),
            ("price", Some(found.price)),
            ("calculated_price", Some(found.calculated)),
        ] {
            if let Some(amount) = amount {
                out[field] = self.amounts(amount, class);
            }
        }
        self.ranges(product, class, &mut out);
        out["bulk_pricing"] = self.tiers(&found, class);
        Some(out)
    }

    /// The least and the greatest price of a product with variants.
    fn ranges(&self, product: &Value, class: u64, out: &mut Value) {
        let variants = product["variants"].as_array().filter(|variants| variants.len() > 1);
        let Some(variants) = variants else { return };
        let all: Vec<Prices> =
            variants.iter().map(|variant| prices(self.state, self.asked, product, Some(variant))).collect();
        let mut range = |field: &str, amounts: Vec<Fixed>| {
            if let (Some(least), Some(most)) = (amounts.iter().min(), amounts.iter().max()) {
                out[field] =
                    json!({ "minimum": self.amounts(*least, class), "maximum": self.amounts(*most, class) });
            }
        };
        range("price_range", all.iter().map(|prices| prices.calculated).collect());
        range("retail_price_range", all.iter().filter_map(|prices| prices.retail).collect());
    }

    fn tiers(&self, found: &Prices, class: u64) -> Value {
        let tier = |tier: &Value| {
            let kind = tier["type"].as_str().unwrap_or("");
            let amount = Fixed::from_json(&tier["amount"]).unwrap_or_default();
            let less = found.calculated - off(found.calculated, kind, amount);
            json!({
                "minimum": tier["quantity_min"],
                "maximum": tier["quantity_max"].as_u64().filter(|most| *most < 2_147_483_647).unwrap_or(0),
                "discount_amount": amount.v3(),
                "discount_type": kind,
                "tax_discount_amount": [self.amounts(if kind == "fixed" { amount } else { less }, class)],
            })
        };
        found.tiers.iter().map(tier).collect()
    }

    /// An amount as entered, and what it is without and with tax, to the currency's decimals.
    fn amounts(&self, amount: Fixed, class: u64) -> Value {
        let entered = amount.round(self.digits);
        let (ex, inc) = self.taxing.split(self.state, entered, class);
        json!({
            "as_entered": entered.v3(),
            "entered_inclusive": self.taxing.inclusive,
            "tax_exclusive": ex.round(self.digits).v3(),
            "tax_inclusive": inc.round(self.digits).v3(),
        })
    }
}
