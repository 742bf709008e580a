//! The verdict on a day of trade: what is lost, doubled or off by a cent. In: both twins' records and the ledger, and what the day
//! itself made impossible. Out: counts. It must never ask a flow what it thinks it has done.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Shared,
    fault::Kind,
    ledger::{Entry, Platform},
    web_summary::{self, WANTED},
};

/// What the script of a day knows of its orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Orders that cannot go over, by the cause that was planted.
    pub impossible: BTreeMap<String, BTreeSet<u64>>,
    /// Orders that were cancelled or archived, perhaps after they had gone over.
    pub withdrawn: BTreeSet<u64>,
}

/// What the twins' own records say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Orders in the store.
    pub orders: u64,
    /// Orders that the account holds a sales order of.
    pub exported: u64,
    /// Sales orders in the account.
    pub sales_orders: u64,
    /// Exported orders that carry the number of their sales order.
    pub written_back: u64,
    /// Sales orders beyond the first of an order.
    pub duplicated: u64,
    /// Orders that should be in the account, are not there, and could be.
    pub lost: u64,
    /// Sales orders whose total is not their order's.
    pub totals_off: u64,
    /// Sales orders of orders that were never paid, or that nobody placed.
    pub unwanted: u64,
    /// Orders that should be in the account and cannot, by cause.
    pub expected_dead_letters: BTreeMap<String, u64>,
    /// Faults that were played, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Calls that a twin refused of its own accord (4xx): no planted fault, and not the "not found" that answers a look.
    pub refused: u64,
}

impl Verdict {
    /// Counts.
    pub(crate) fn of(shared: &Shared, known: &Known) -> Self {
        let (store, account) = (shared.snapshot(Platform::Bigcommerce), shared.snapshot(Platform::Netsuite));
        let (faults, refused) = shared.ledger.read(|entries| (faults(shared, entries), refused(entries)));
        Self { faults, refused, ..Self::of_records(&store, &account, known) }
    }

    fn of_records(store: &Value, account: &Value, known: &Known) -> Self {
        let count = web_summary::orders(store, account, WANTED);
        let ids = |what: &str| count[what].as_array().into_iter().flatten().filter_map(Value::as_u64);
        let missing: BTreeSet<u64> = ids("missing").collect();
        let dead = known
            .impossible
            .iter()
            .map(|(cause, orders)| (cause.clone(), orders.intersection(&missing).count() as u64));
        let expected_dead_letters: BTreeMap<String, u64> = dead.collect();
        let unwanted = ids("exported_but_not_wanted").filter(|id| !known.withdrawn.contains(id)).count()
            + count["sales_orders_of_no_order"].as_array().map_or(0, Vec::len);
        let sales = web_summary::by_order(account);
        let mut verdict = Self {
            lost: missing.len() as u64 - expected_dead_letters.values().sum::<u64>(),
            totals_off: count["different_total"].as_array().map_or(0, Vec::len) as u64,
            unwanted: unwanted as u64,
            expected_dead_letters,
            ..Self::default()
        };
        verdict.sales_orders = sales.values().map(|found| found.len() as u64).sum();
        for order in web_summary::rows(store, "orders") {
            verdict.orders += 1;
            let Some(found) = sales.get(&web_summary::text(&order["id"])) else { continue };
            verdict.exported += 1;
            verdict.duplicated += found.len() as u64 - 1;
            let number = web_summary::text(&order["external_order_id"]);
            verdict.written_back +=
                u64::from(found.iter().any(|sale| web_summary::text(&sale["tranId"]) == number));
        }
        verdict
    }

    /// Whether every order is over there once, with its total, and carries its number; but for those that cannot go over.
    pub fn is_well(&self) -> bool {
        [self.lost, self.duplicated, self.totals_off, self.unwanted] == [0; 4]
            && self.written_back == self.exported
    }
}

fn faults(shared: &Shared, entries: &[Entry]) -> BTreeMap<String, u64> {
    let of_hooks = shared.ledger.events_since(0).into_iter().filter(|event| event.kind == "fault");
    let of_hooks = of_hooks.filter_map(|event| event.detail["fault"].as_str().map(str::to_owned));
    let mut played = BTreeMap::new();
    for fault in entries.iter().filter_map(|entry| entry.fault.clone()).chain(of_hooks) {
        *played.entry(fault).or_default() += 1;
    }
    played
}

/// A fault of a webhook's delivery as an event of the journal.
pub(crate) fn fault_of_hook(kind: &Kind) -> Value {
    json!({ "fault": kind.name() })
}

fn refused(entries: &[Entry]) -> u64 {
    let own = entries.iter().filter(|entry| entry.fault.is_none() && (400..500).contains(&entry.status));
    own.filter(|entry| !(entry.method == "GET" && entry.status == 404)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_excuses_only_its_own_orders() {
        let order = |id: u64, status: u64| json!({ "id": id, "status_id": status, "total_to_send": "5.00", "is_deleted": false });
        let store = json!({ "orders": [order(1, 11), order(2, 11), order(3, 5), order(4, 5), order(5, 11)] });
        let sale = |id: u64, number: &str| json!({ "custbody_bc_order_id": id.to_string(), "tranId": number, "total": 5 });
        let account = json!({ "salesOrder": [sale(3, "SO1"), sale(4, "SO2"), sale(5, "SO3")] });
        let known = Known {
            impossible: BTreeMap::from([("item".into(), BTreeSet::from([1, 5]))]),
            withdrawn: BTreeSet::from([3]),
        };
        let verdict = Verdict::of_records(&store, &account, &known);
        assert_eq!((verdict.orders, verdict.exported, verdict.sales_orders), (5, 3, 3));
        assert_eq!((verdict.lost, verdict.unwanted), (1, 1), "2 is lost, 4 was never wanted");
        assert_eq!(
            verdict.expected_dead_letters,
            BTreeMap::from([("item".into(), 1)]),
            "5 went over after all"
        );
        assert!(!verdict.is_well());
    }
}
