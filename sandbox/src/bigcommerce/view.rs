//! Orders as V2 prints them. In: an [`Order`] and its [`Priced`] sums. Out: JSON with money as texts of four decimals.
//! It must never change an order.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    currency,
    money::Fixed,
    order::{Contact, Line, LineKind, Order, ShippingAddress},
    pricing::{Charge, Priced, PricedLine, Sums},
    status,
    tax::{self},
};

/// An instant as V2 prints it.
pub(super) fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// An order with what is needed to print it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its sums.
    pub priced: &'a Priced,
    /// Up to and with `/stores/{hash}/v2`.
    pub base: &'a str,
    /// ISO code of the store's own currency.
    pub store_currency: &'a str,
}

impl View<'_> {
    /// The order itself.
    pub(super) fn order(&self) -> Value {
        let (order, priced) = (self.order, self.priced);
        let shipped = order.shipped.map_or_else(String::new, rfc2822);
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| drop(out.insert(key.to_owned(), value));
        put("id", json!(order.id));
        put("customer_id", json!(order.customer_id));
        put("date_created", json!(rfc2822(order.created)));
        put("date_modified", json!(rfc2822(order.modified)));
        put("date_shipped", json!(shipped));
        put("status_id", json!(order.status_id));
        put("status", json!(status::name(order.status_id)));
        put("custom_status", json!(status::name(order.status_id)));
        sums(&mut put, priced);
        put("is_tax_inclusive_pricing", json!(order.rules.inclusive));
        put("items_total", json!(order.items_total()));
        put("items_shipped", json!(order.items_shipped()));
        put("payment_method", json!(order.payment_method));
        put("payment_provider_id", json!(null));
        put("payment_status", json!(order.payment_status));
        put("refunded_amount", Fixed::ZERO.v2());
        put("order_is_digital", json!(order.is_digital()));
        put("store_credit_amount", order.store_credit.v2());
        put("gift_certificate_amount", order.gift_certificate.v2());
        put("discount_amount", priced.discount.v2());
        put("coupon_discount", priced.coupon_discount.v2());
        self.currencies(&mut put);
        put("shipping_address_count", json!(order.addresses.len()));
        put("is_deleted", json!(order.deleted));
        put("cart_id", if order.cart_id.is_empty() { Value::Null } else { json!(order.cart_id) });
        put("billing_address", contact(&order.billing));
        put("is_email_opt_in", json!(false));
        put("credit_card_type", json!(null));
        put("channel_id", json!(order.channel_id));
        put("tax_provider_id", json!(order.tax_provider_id));
        put("external_id", json!(null));
        for (key, value) in &order.plain {
            put(key, value.clone());
        }
        for (key, path) in [
            ("products", "products"),
            ("shipping_addresses", "shippingaddresses"),
            ("coupons", "coupons"),
            ("consignments", "consignments"),
            ("fees", "fees"),
        ] {
            put(key, self.link(path));
        }
        Value::Object(out)
    }

    fn currencies(&self, put: &mut impl FnMut(&str, Value)) {
        let (transactional, display) = (&self.order.currency, &self.order.display_currency);
        put("currency_id", json!(currency::id(display)));
        put("currency_code", json!(display));
        put("currency_exchange_rate", json!(currency::rate(transactional, display).text(10)));
        put("default_currency_id", json!(currency::id(transactional)));
        put("default_currency_code", json!(transactional));
        put("store_default_currency_code", json!(self.store_currency));
        let rate = currency::rate(self.store_currency, transactional);
        put("store_default_to_transactional_exchange_rate", json!(rate.text(10)));
    }

    fn link(&self, path: &str) -> Value {
        let resource = format!("/orders/{}/{path}", self.order.id);
        json!({ "url": format!("{}{resource}", self.base), "resource": resource })
    }

    /// `/products`.
    pub(super) fn products(&self) -> Vec<Value> {
        self.order
            .lines
            .iter()
            .zip(&self.priced.lines)
            .map(|(line, priced)| self.product(line, priced))
            .collect()
    }

    fn product(&self, line: &Line, priced: &PricedLine) -> Value {
        let wrapping = line.wrapping.as_ref();
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| drop(out.insert(key.to_owned(), value));
        put("id", json!(line.id));
        put("order_id", json!(self.order.id));
        put("product_id", json!(line.product_id));
        put("variant_id", json!(line.variant_id));
        let picked = self.order.addresses.iter().any(|to| to.id == line.address_id && to.pickup.is_some());
        put("order_pickup_method_id", json!(if picked { line.address_id } else { 0 }));
        put("order_address_id", json!(if picked { 0 } else { line.address_id }));
        for key in ["name", "name_customer", "name_merchant"] {
            put(key, json!(line.name));
        }
        put("sku", json!(line.sku));
        put("upc", json!(line.upc));
        put("type", json!(line.kind.name()));
        put("base_price", line.price.base.v2());
        triple(&mut put, "price", priced.unit);
        put("base_total", line.price.base.times(line.quantity).v2());
        triple(&mut put, "total", priced.total);
        put("weight", json!(line.weight.text(4)));
        for key in ["width", "height", "depth"] {
            put(key, Fixed::ZERO.v2());
        }
        put("quantity", json!(line.quantity));
        put("base_cost_price", line.cost_price.v2());
        let cost = Sums { ex: line.cost_price, inc: line.cost_price, tax: Fixed::ZERO };
        triple(&mut put, "cost_price", cost);
        let refunded = self.order.units_refunded(line.id);
        put("is_refunded", json!(refunded == line.quantity));
        put("quantity_refunded", json!(refunded));
        put("refund_amount", Fixed::ZERO.v2());
        put("return_id", json!(0));
        put("wrapping_id", json!(wrapping.map_or(0, |wrapping| wrapping.id)));
        put("wrapping_name", json!(wrapping.map_or("", |wrapping| &wrapping.name)));
        put("base_wrapping_cost", priced.wrapping.base.v2());
        triple(&mut put, "wrapping_cost", priced.wrapping.sums);
        put("wrapping_message", json!(wrapping.map_or("", |wrapping| &wrapping.message)));
        put("quantity_shipped", json!(line.shipped));
        put("event_name", json!(line.event_date.as_ref().map(|_| "Expected")));
        put("event_date", json!(line.event_date));
        put("fixed_shipping_cost", Fixed::ZERO.v2());
        put("ebay_item_id", json!(""));
        put("ebay_transaction_id", json!(""));
        put("option_set_id", json!(null));
        put("parent_order_product_id", json!(line.parent));
        put("is_bundled_product", json!(line.parent.is_some()));
        put("bin_picking_number", json!(""));
        put("external_id", json!(null));
        put("brand", json!(""));
        let discounts = priced.discounts.iter().map(|discount| {
            json!({
                "id": discount.id,
                "amount": discount.amount.v2(),
                "name": discount.name,
                "code": discount.code,
                "target": discount.target,
            })
        });
        put("applied_discounts", discounts.collect());
        put("product_options", json!(line.options));
        put("configurable_fields", json!([]));
        put("gift_certificate_id", json!(line.gift_certificate_id));
        put("discounted_total_inc_tax", priced.discounted_inc.v2());
        Value::Object(out)
    }

    /// `/coupons`: numbers here, not texts.
    pub(super) fn coupons(&self) -> Vec<Value> {
        let row = |(coupon, discount): (&super::order::Coupon, &Fixed)| {
            json!({
                "id": coupon.id,
                "coupon_id": coupon.definition,
                "order_id": self.order.id,
                "code": coupon.code,
                "amount": coupon.amount.v3(),
                "type": coupon.kind.number(),
                "discount": discount.v3(),
            })
        };
        self.order.coupons.iter().zip(&self.priced.coupons).map(row).collect()
    }

    /// `/fees`.
    pub(super) fn fees(&self) -> Vec<Value> {
        let row = |(fee, charge): (&super::order::Fee, &Charge)| {
            json!({
                "id": fee.id,
                "type": "custom_fee",
                "display_name_customer": fee.customer_name,
                "display_name_merchant": fee.merchant_name,
                "source": fee.source,
                "base_cost": charge.base.v2(),
                "cost_ex_tax": charge.sums.ex.v2(),
                "cost_inc_tax": charge.sums.inc.v2(),
                "cost_tax": charge.sums.tax.v2(),
                "tax_class_id": if fee.has_class { json!(fee.cost.class) } else { Value::Null },
            })
        };
        self.order.fees.iter().zip(&self.priced.fees).map(row).collect()
    }

    /// `/shipping_addresses`; where the buyer collects, there is none.
    pub(super) fn addresses(&self) -> Vec<Value> {
        let all = self.order.addresses.iter().zip(self.priced.shippings.iter().zip(&self.priced.handlings));
        all.filter(|(to, _)| to.pickup.is_none())
            .map(|(to, (shipping, handling))| self.address(to, shipping, handling, Fixed::v2))
            .collect()
    }

    fn address(
        &self,
        to: &ShippingAddress,
        shipping: &Charge,
        handling: &Charge,
        money: fn(Fixed) -> Value,
    ) -> Value {
        let mut out = Map::new();
        out.insert("id".into(), json!(to.id));
        out.insert("order_id".into(), json!(self.order.id));
        if let Value::Object(contact) = contact(&to.contact) {
            out.extend(contact);
        }
        let lines = || self.order.lines.iter().filter(|line| line.address_id == to.id);
        let mut put = |key: &str, value: Value| drop(out.insert(key.to_owned(), value));
        put("items_total", json!(lines().map(|line| line.quantity).sum::<u32>()));
        put("items_shipped", json!(lines().map(|line| line.shipped).sum::<u32>()));
        put("shipping_method", json!(to.shipping_method));
        for (prefix, charge) in [("", shipping), ("handling_", handling)] {
            put(&format!("base_{prefix}cost"), money(charge.base));
            put(&format!("{prefix}cost_ex_tax"), money(charge.sums.ex));
            put(&format!("{prefix}cost_inc_tax"), money(charge.sums.inc));
            put(&format!("{prefix}cost_tax"), money(charge.sums.tax));
            put(&format!("{prefix}cost_tax_class_id"), json!(tax::SHIPPING));
        }
        put("shipping_zone_id", json!(1));
        put("shipping_zone_name", json!(to.contact.country));
        put("shipping_quotes", self.link(&format!("shippingaddresses/{}/shippingquotes", to.id)));
        Value::Object(out)
    }

    /// `/consignments`; with `whole`, line items in full instead of links. Money is a number here.
    pub(super) fn consignments(&self, whole: bool) -> Value {
        let items = |wanted: &dyn Fn(&Line) -> bool| -> Vec<Value> {
            let lines = self.order.lines.iter().zip(&self.priced.lines).filter(|(line, _)| wanted(line));
            lines
                .map(|(line, priced)| {
                    if whole {
                        self.product(line, priced)
                    } else {
                        self.link(&format!("products/{}", line.id))
                    }
                })
                .collect()
        };
        let of_kind = |kind: LineKind| -> Vec<Value> {
            let found = items(&|line| line.kind == kind);
            let entry = json!({ "recipient_email": self.order.billing.email, "line_items": found });
            if found.is_empty() { Vec::new() } else { vec![entry] }
        };
        let (mut pickups, mut shipping) = (Vec::new(), Vec::new());
        let charges = self.priced.shippings.iter().zip(&self.priced.handlings);
        for (to, (carriage, handling)) in self.order.addresses.iter().zip(charges) {
            let lines = json!(items(&|line| line.address_id == to.id));
            if let Some(pickup) = &to.pickup {
                let mut pickup = pickup.clone();
                pickup.insert("id".into(), json!(to.id));
                pickup.insert("line_items".into(), lines);
                pickups.push(Value::Object(pickup));
            } else {
                let mut entry = self.address(to, carriage, handling, Fixed::v3);
                entry["line_items"] = lines;
                let path = format!("consignments/shipping/{}/shipping_quotes", to.id);
                entry["shipping_quotes"] = self.link(&path);
                shipping.push(entry);
            }
        }
        json!({
            "pickups": pickups,
            "shipping": shipping,
            "downloads": of_kind(LineKind::Digital),
            "email": { "gift_certificates": of_kind(LineKind::GiftCertificate) },
        })
    }
}

fn sums(put: &mut impl FnMut(&str, Value), priced: &Priced) {
    triple(put, "subtotal", priced.subtotal);
    let base = |charges: &[Charge]| charges.iter().map(|charge| charge.base).sum::<Fixed>().v2();
    let lines = priced.lines.iter().map(|line| line.wrapping.base).sum::<Fixed>();
    put("base_shipping_cost", base(&priced.shippings));
    triple(put, "shipping_cost", priced.shipping);
    put("shipping_cost_tax_class_id", json!(tax::SHIPPING));
    put("base_handling_cost", base(&priced.handlings));
    triple(put, "handling_cost", priced.handling);
    put("handling_cost_tax_class_id", json!(tax::SHIPPING));
    put("base_wrapping_cost", (lines + priced.order_wrapping.base).v2());
    triple(put, "wrapping_cost", priced.wrapping);
    put("wrapping_cost_tax_class_id", json!(tax::WRAPPING));
    triple(put, "total", priced.total);
}

fn triple(put: &mut impl FnMut(&str, Value), name: &str, sums: Sums) {
    put(&format!("{name}_ex_tax"), sums.ex.v2());
    put(&format!("{name}_inc_tax"), sums.inc.v2());
    put(&format!("{name}_tax"), sums.tax.v2());
}

/// An address as V2 prints it.
pub(super) fn contact(contact: &Contact) -> Value {
    serde_json::to_value(contact).unwrap_or_default()
}
