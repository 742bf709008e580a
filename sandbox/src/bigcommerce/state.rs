//! All records of one store. In: changes made by the other rooms under one lock. Out: look-ups, ids, the saved form.
//! It must never send anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{
    hooks::Hook,
    metafields::Metafield,
    order::Order,
    pricing::{Priced, price},
    refund,
    shelf::{Index, Shelf},
    status, view,
};

/// An order and its sums, which are worked out whenever it is filed.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Filed {
    order: Order,
    #[serde(skip)]
    priced: Priced,
}

impl Filed {
    /// Works the order out.
    pub(super) fn new(order: Order) -> Self {
        Self { priced: price(&order), order }
    }

    /// The order.
    pub(super) fn order(&self) -> &Order {
        &self.order
    }

    /// Its sums.
    pub(super) fn priced(&self) -> &Priced {
        &self.priced
    }
}

impl<'de> Deserialize<'de> for Filed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Order::deserialize(from).map(Self::new)
    }
}

/// The records.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Last id given, by kind.
    counters: BTreeMap<String, u64>,
    /// Orders by id.
    pub orders: BTreeMap<u64, Filed>,
    /// Customers by id, with all their parts.
    pub customers: BTreeMap<u64, Value>,
    /// Products by id, with their variants.
    pub products: BTreeMap<u64, Value>,
    /// Metafields by id.
    pub metafields: BTreeMap<u64, Metafield>,
    /// Webhooks by id.
    pub hooks: BTreeMap<u64, Hook>,
    /// Shipments by id.
    pub shipments: BTreeMap<u64, Value>,
    /// Messages on orders by id.
    pub messages: BTreeMap<u64, Value>,
    /// Gift certificates by code: amount and balance.
    pub certificates: BTreeMap<String, Value>,
    /// Stock, prices, taxes, and what else belongs to the catalogue.
    #[serde(default)]
    pub shelf: Shelf,
    /// Where a SKU is found.
    #[serde(skip)]
    pub index: Index,
}

impl State {
    /// A fresh id of a kind. Each kind starts at a number of its own, so that ids of two kinds are not mistaken.
    pub(super) fn id(&mut self, kind: &str) -> u64 {
        let first = match kind {
            "order" => 100,
            "line" => 500,
            "address" => 300,
            "transaction" => 1000,
            "hook" => 20_000_000,
            _ => 0,
        };
        let last = self.counters.entry(kind.to_owned()).or_insert(first);
        *last += 1;
        *last
    }

    /// Puts an order in, or back.
    pub(super) fn file(&mut self, order: Order) {
        self.orders.insert(order.id, Filed::new(order));
    }

    /// The records as collections of flat rows, for the page and for tests.
    pub(super) fn snapshot(&self) -> Value {
        let plain = |rows: &BTreeMap<u64, Value>| rows.values().map(flat).collect::<Vec<_>>();
        let mut all = json!({
            "orders": self.orders.values().map(order_row).collect::<Vec<_>>(),
            "order_lines": self.orders.values().flat_map(line_rows).collect::<Vec<_>>(),
            "transactions": self.orders.values().flat_map(transaction_rows).collect::<Vec<_>>(),
            "customers": plain(&self.customers),
            "products": plain(&self.products),
            "shipments": plain(&self.shipments),
            "metafields": self.metafields.values().map(|field| json!(field)).collect::<Vec<_>>(),
            "hooks": self.hooks.values().map(|hook| json!(hook)).collect::<Vec<_>>(),
        });
        for (name, rows) in self.shelf.snapshot(self) {
            all[name] = json!(rows);
        }
        all
    }
}

/// The fields of a record that are neither lists nor objects.
pub(super) fn flat(row: &Value) -> Value {
    let keep = |(key, value): (&String, &Value)| {
        (!value.is_array() && !value.is_object()).then(|| (key.clone(), value.clone()))
    };
    Value::Object(row.as_object().into_iter().flatten().filter_map(keep).collect())
}

fn order_row(filed: &Filed) -> Value {
    let (order, priced) = (filed.order(), filed.priced());
    json!({
        "id": order.id,
        "date_created": view::rfc2822(order.created),
        "status_id": order.status_id,
        "status": status::name(order.status_id),
        "is_deleted": order.deleted,
        "channel_id": order.channel_id,
        "customer_id": order.customer_id,
        "email": order.billing.email,
        "currency": order.currency,
        "subtotal_inc_tax": priced.subtotal.inc.v2(),
        "discount_amount": priced.discount.v2(),
        "coupon_discount": priced.coupon_discount.v2(),
        "total_tax": priced.total.tax.v2(),
        "total_inc_tax": priced.total.inc.v2(),
        "total_to_send": refund::to_send(order, priced).0.v2(),
        "payment_method": order.payment_method,
        "external_order_id": order.plain.get("external_order_id"),
    })
}

fn line_rows(filed: &Filed) -> Vec<Value> {
    let lines = filed.order().lines.iter().zip(&filed.priced().lines);
    lines
        .map(|(line, priced)| {
            json!({
                "id": line.id,
                "order_id": filed.order().id,
                "sku": line.sku,
                "name": line.name,
                "type": line.kind.name(),
                "quantity": line.quantity,
                "total_inc_tax": priced.total.inc.v2(),
                "discounted_total_inc_tax": priced.discounted_inc.v2(),
            })
        })
        .collect()
}

fn transaction_rows(filed: &Filed) -> Vec<Value> {
    let order = filed.order();
    let row = |movement: &super::order::Transaction| {
        json!({
            "id": movement.id,
            "order_id": order.id,
            "event": movement.event,
            "method": movement.method,
            "gateway": movement.gateway,
            "amount": movement.amount.v3(),
            "currency": order.currency,
            "status": if movement.ok { "ok" } else { "error" },
        })
    };
    order.transactions.iter().map(row).collect()
}
