//! The recount: does the ERP hold each of the store's orders once, with its total (less what was given back before it was
//! sent)? In: both twins' snapshots. Out: JSON that names every order for which the answer is no. It must never ask a flow what it thinks it has done.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The statuses of orders that are paid and wanted: shipped, partially shipped, awaiting pickup, shipment or
/// fulfilment, completed, and what is left of those that were refunded in part.
pub(crate) const WANTED: &[u64] = &[2, 3, 8, 9, 10, 11, 14];

/// Counts the store's orders of the `wanted` statuses against the account's sales orders. A sales order belongs to the
/// store's order that its `custbody_bc_order_id` names, or else the end of its external id after the last dash.
pub(crate) fn orders(store: &Value, account: &Value, wanted: &[u64]) -> Value {
    let sales = by_order(account);
    let (mut once, mut tagged) = (0, 0);
    let (mut missing, mut several, mut different, mut unwanted) = (vec![], vec![], vec![], vec![]);
    let mut known = Vec::new();
    for order in rows(store, "orders") {
        let id = text(&order["id"]);
        let found = sales.get(&id).map_or(&[][..], Vec::as_slice);
        known.push(id);
        let deleted = order["is_deleted"] == true;
        if deleted || !order["status_id"].as_u64().is_some_and(|status| wanted.contains(&status)) {
            unwanted.extend(found.first().map(|_| order["id"].clone()));
            continue;
        }
        tagged += u32::from(!text(&order["external_order_id"]).is_empty());
        match found {
            [] => missing.push(order["id"].clone()),
            [sale] => {
                once += 1;
                let (here, there) = (plain(&order["total_to_send"]), plain(&sale["total"]));
                if here != there {
                    different.push(json!({ "order_id": order["id"], "store": here, "erp": there }));
                }
            }
            _ => several.push(order["id"].clone()),
        }
    }
    let strangers: Vec<&String> = sales.keys().filter(|id| !known.contains(id)).collect();
    json!({
        "wanted": once + missing.len() + several.len(),
        "once": once,
        "tagged": tagged,
        "missing": missing,
        "several": several,
        "different_total": different,
        "exported_but_not_wanted": unwanted,
        "sales_orders_of_no_order": strangers,
    })
}

/// The account's sales orders by the store's order that they belong to.
pub(crate) fn by_order(account: &Value) -> BTreeMap<String, Vec<&Value>> {
    let mut sales: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for sale in rows(account, "salesOrder") {
        sales.entry(order_of(sale)).or_default().push(sale);
    }
    sales
}

pub(crate) fn rows<'a>(snapshot: &'a Value, collection: &str) -> impl Iterator<Item = &'a Value> {
    snapshot[collection].as_array().into_iter().flatten()
}

fn order_of(sale: &Value) -> String {
    let named = text(&sale["custbody_bc_order_id"]);
    if !named.is_empty() {
        return named;
    }
    let external = text(&sale["externalId"]);
    external.rsplit('-').next().unwrap_or_default().to_owned()
}

pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A sum of money without needless zeros.
fn plain(value: &Value) -> String {
    let text = text(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_difference_is_named() {
        let order = |id: u64, status: u64, total: &str| json!({ "id": id, "status_id": status, "total_to_send": total, "is_deleted": false });
        let store = json!({ "orders": [
            order(1, 11, "12.5000"),
            order(2, 11, "9.0000"),
            order(3, 11, "7.0000"),
            order(4, 0, "1.0000"),
            order(5, 2, "20.0000"),
        ] });
        let account = json!({ "salesOrder": [
            { "externalId": "main-1", "total": 12.5 },
            { "externalId": "x", "custbody_bc_order_id": "2", "total": 8 },
            { "externalId": "main-3", "total": 7 },
            { "externalId": "again-3", "total": 7 },
            { "externalId": "main-4", "total": 1 },
            { "externalId": "main-99", "total": 1 },
        ] });
        let said = orders(&store, &account, WANTED);
        assert_eq!((&said["wanted"], &said["once"]), (&json!(4), &json!(2)));
        assert_eq!(said["missing"], json!([5]));
        assert_eq!(said["several"], json!([3]));
        assert_eq!(said["different_total"], json!([{ "order_id": 2, "store": "9", "erp": "8" }]));
        assert_eq!(said["exported_but_not_wanted"], json!([4]));
        assert_eq!(said["sales_orders_of_no_order"], json!(["99"]));
    }
}
