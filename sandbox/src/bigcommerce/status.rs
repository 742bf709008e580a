//! The fifteen order statuses. In: nothing. Out: one table, read by orders, counts and `/order_statuses`.

use serde_json::{Value, json};

/// Id, name, position in the control panel.
const STATUSES: &[(u64, &str, u64)] = &[
    (0, "Incomplete", 0),
    (1, "Pending", 1),
    (2, "Shipped", 8),
    (3, "Partially Shipped", 6),
    (4, "Refunded", 11),
    (5, "Cancelled", 9),
    (6, "Declined", 10),
    (7, "Awaiting Payment", 2),
    (8, "Awaiting Pickup", 5),
    (9, "Awaiting Shipment", 4),
    (10, "Completed", 7),
    (11, "Awaiting Fulfillment", 3),
    (12, "Manual Verification Required", 13),
    (13, "Disputed", 12),
    (14, "Partially Refunded", 14),
];

/// The name of a status; empty for an unknown one.
pub(super) fn name(id: u64) -> &'static str {
    STATUSES.iter().find(|status| status.0 == id).map_or("", |status| status.1)
}

/// Whether there is such a status.
pub(super) fn exists(id: u64) -> bool {
    !name(id).is_empty()
}

/// All statuses as `/order_statuses` lists them.
pub(super) fn list() -> Vec<Value> {
    STATUSES.iter().map(|status| entry(*status, "order")).collect()
}

/// All statuses with the number of orders in each, as `/orders/count` lists them, in the control panel's order.
pub(super) fn counts(count: impl Fn(u64) -> usize) -> Vec<Value> {
    let mut statuses = STATUSES.to_vec();
    statuses.sort_by_key(|status| status.2);
    let with_count = |status: (u64, &str, u64)| {
        let mut row = entry(status, "sort_order");
        row["count"] = json!(count(status.0));
        row
    };
    statuses.into_iter().map(with_count).collect()
}

fn entry((id, name, position): (u64, &str, u64), key: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "system_label": name,
        "custom_label": name,
        "system_description": format!("The order is {}.", name.to_lowercase()),
        key: position,
    })
}
