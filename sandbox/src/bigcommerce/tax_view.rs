//! `/orders/{id}/taxes`. In: an [`Order`] and its [`Priced`] sums. Out: one row for each rate and destination, or with
//! details one for each rate and line, shipping, handling and wrapping. It must never know how tax is worked out.

use serde_json::{Value, json};

use super::{
    money::Fixed,
    order::Order,
    pricing::{Priced, TaxPart},
    tax,
};

/// One amount of tax and where it comes from.
struct Row<'a> {
    address_id: u64,
    product_id: Option<u64>,
    kind: &'static str,
    part: &'a TaxPart,
}

impl Row<'_> {
    /// What makes rows of the short list one.
    fn group(&self) -> (u64, u32, Option<u32>) {
        (self.address_id, self.part.rate.id, self.part.class)
    }
}

/// The rows, with their ids; the documented kinds of line have no fee among them, so a fee's tax is on the fee only.
pub(super) fn taxes(order: &Order, priced: &Priced, details: bool) -> Vec<Value> {
    let rows = rows(order, priced);
    let amount = |wanted: &dyn Fn(&&Row) -> bool| rows.iter().filter(wanted).map(|row| row.part.amount).sum();
    let mut seen = Vec::new();
    let mut out = Vec::new();
    for row in &rows {
        let line: Fixed = if details {
            row.part.amount
        } else {
            if seen.contains(&row.group()) {
                continue;
            }
            seen.push(row.group());
            amount(&|other| other.group() == row.group())
        };
        let priority: Fixed = amount(&|other| {
            other.address_id == row.address_id && other.part.rate.priority == row.part.rate.priority
        });
        out.push(entry(order, row, (line, priority), details, out.len()));
    }
    out
}

fn rows<'a>(order: &Order, priced: &'a Priced) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    let mut push = |address_id, product_id, kind, parts: &'a [TaxPart]| {
        rows.extend(parts.iter().map(|part| Row { address_id, product_id, kind, part }));
    };
    for (line, priced) in order.lines.iter().zip(&priced.lines) {
        push(line.address_id, Some(line.id), "item", &priced.taxes);
        push(line.address_id, Some(line.id), "gift-wrapping", &priced.wrapping.taxes);
    }
    for (address, (shipping, handling)) in
        order.addresses.iter().zip(priced.shippings.iter().zip(&priced.handlings))
    {
        push(address.id, None, "shipping", &shipping.taxes);
        push(address.id, None, "handling", &handling.taxes);
    }
    let first = order.addresses.first().map_or(0, |address| address.id);
    push(first, None, "gift-wrapping", &priced.order_wrapping.taxes);
    rows
}

fn entry(order: &Order, row: &Row, (line, priority): (Fixed, Fixed), details: bool, at: usize) -> Value {
    let rate = &row.part.rate;
    let mut out = json!({
        "id": order.id * 1000 + at as u64,
        "order_id": order.id,
        "order_address_id": row.address_id,
        "order_pickup_method_id": 0,
        "tax_rate_id": rate.id,
        "sales_tax_id": "",
        "tax_class_id": row.part.class,
        "name": rate.name,
        "class": tax::class_name(row.part.class),
        "rate": rate.percent.v2(),
        "priority": rate.priority,
        "priority_amount": priority.v2(),
        "line_amount": line.v2(),
    });
    if details {
        out["order_product_id"] = json!(row.product_id.map(|id| id.to_string()));
        out["line_item_type"] = json!(row.kind);
    }
    out
}
