//! The events a client can ask to be told of. In: a scope as text. Out: whether the platform has it, and whether a
//! hook's scope covers an event's.

/// The events of each group: everything a `/*` of the group stands for.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "order",
        &[
            "created",
            "updated",
            "archived",
            "statusUpdated",
            "message/created",
            "refund/created",
            "transaction/created",
            "transaction/updated",
            "metafield/created",
            "metafield/updated",
            "metafield/deleted",
        ],
    ),
    (
        "product",
        &[
            "created",
            "updated",
            "deleted",
            "inventory/updated",
            "inventory/order/updated",
            "metafield/created",
            "metafield/updated",
            "metafield/deleted",
        ],
    ),
    ("sku", &["created", "updated", "deleted", "inventory/updated", "inventory/order/updated"]),
    (
        "customer",
        &[
            "created",
            "updated",
            "deleted",
            "address/created",
            "address/updated",
            "address/deleted",
            "channel/login/access/updated",
            "payment/instrument/default/updated",
        ],
    ),
    ("shipment", &["created", "updated", "deleted"]),
    ("product/variant", &["metafield/created", "metafield/updated", "metafield/deleted"]),
    (
        "category",
        &["created", "updated", "deleted", "metafield/created", "metafield/updated", "metafield/deleted"],
    ),
    ("brand", &["metafield/created", "metafield/updated", "metafield/deleted"]),
    ("cart", &["created", "updated", "deleted", "abandoned", "converted", "couponApplied"]),
    ("cart/lineItem", &["created", "updated", "deleted"]),
    ("subscriber", &["created", "updated", "deleted"]),
    ("channel", &["created", "updated"]),
    (
        "channel/*/inventory/product",
        &["stock_changed", "low_stock_reached", "out_of_stock_reached", "settings_changed"],
    ),
    ("channel/{id}/product", &["assigned", "unassigned"]),
    ("channel/{id}/category/product", &["assigned", "unassigned"]),
    ("priceList", &["created", "updated", "activated", "deactivated", "deleted"]),
    ("priceList/record", &["created", "updated", "deleted"]),
    ("priceList/records", &["created", "updated", "deleted"]),
    ("priceList/assignment", &["updated", "deleted"]),
    ("priceLists", &["deleted"]),
    (
        "inventory/location",
        &["created", "updated", "metafield/created", "metafield/updated", "metafield/deleted"],
    ),
    ("information", &["updated"]),
    ("app", &["uninstalled"]),
    ("hook", &["deliveryException"]),
    ("company", &["created", "updated", "deleted", "statusUpdated"]),
    ("quote", &["created", "updated", "statusUpdated", "deleted"]),
];

/// The event that tells of another hook's trouble.
pub(super) const EXCEPTION: &str = "store/hook/deliveryException";

/// Whether the platform has this scope, or scopes that it covers.
pub(super) fn is_known(scope: &str) -> bool {
    let Some(rest) = scope.strip_prefix("store/") else { return false };
    let parts = rest.split('/').map(|part| if part.parse::<u64>().is_ok() { "{id}" } else { part });
    let rest = parts.collect::<Vec<_>>().join("/");
    GROUPS.iter().any(|(group, events)| {
        let inner = rest.strip_prefix(group).and_then(|rest| rest.strip_prefix('/'));
        inner.is_some_and(|inner| inner == "*" || events.iter().any(|event| covers(inner, event)))
    })
}

/// Whether a hook with `scope` is told of `event`.
pub(super) fn covers(scope: &str, event: &str) -> bool {
    scope == event
        || scope
            .strip_suffix("/*")
            .is_some_and(|group| event.strip_prefix(group).is_some_and(|rest| rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_known_or_not() {
        for scope in [
            "store/order/created",
            "store/order/*",
            "store/order/metafield/*",
            "store/hook/deliveryException",
            "store/channel/2/product/assigned",
            "store/channel/*/inventory/product/stock_changed",
        ] {
            assert!(is_known(scope), "{scope}");
        }
        for scope in ["order/created", "store/order", "store/orders/created", "store/order/create", "store/*"]
        {
            assert!(!is_known(scope), "{scope}");
        }
        assert!(covers("store/order/*", "store/order/refund/created"));
        assert!(!covers("store/order/*", "store/orders/created"));
    }
}
