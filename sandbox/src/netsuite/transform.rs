//! `!transform`: one transaction becomes another.
//!
//! In: a [`Call`] with overrides. Out: a new record made from the source. It must never know how it is stored.

use serde_json::{Map, Value, json};

use super::{
    Account,
    http::{Call, Problem, Reply},
    input::Reader,
    rules,
    schema::{Def, Kind},
    service::{self, Address},
    store::{Record, Store},
};

/// Which records can become which.
const PAIRS: &[(&str, &[&str])] = &[
    ("salesOrder", &["itemFulfillment", "invoice", "cashSale", "returnAuthorization"]),
    ("invoice", &["creditMemo", "customerPayment", "returnAuthorization"]),
    ("cashSale", &["cashRefund", "returnAuthorization"]),
    ("returnAuthorization", &["itemReceipt", "creditMemo", "cashRefund"]),
    ("customerDeposit", &["customerRefund", "depositApplication"]),
    ("customerPayment", &["customerRefund"]),
    ("customer", &["salesOrder", "invoice", "cashSale", "estimate", "customerPayment"]),
    ("estimate", &["salesOrder", "invoice", "cashSale"]),
];

/// What the new record holds before the request's own values.
fn start(account: &Account, store: &Store, source: &Record, target: &Def) -> Map<String, Value> {
    let id = source.id.to_string();
    let open = rules::open(store, source, 0);
    let line = json!([{ "doc": id, "line": 0, "apply": true }]);
    let money = |more: Value| rules::start_money(source, &more);
    match (source.kind.as_str(), target.name.as_str()) {
        ("customer", "customerPayment") => [("customer".to_owned(), json!(id))].into_iter().collect(),
        ("customer", _) => [("entity".to_owned(), json!(id))].into_iter().collect(),
        (_, "itemFulfillment" | "itemReceipt") => rules::start_fulfilment(store, source),
        (_, "customerPayment") => money(json!({ "apply": line })),
        ("customerDeposit", "customerRefund") => money(json!({ "deposit": line })),
        (_, "customerRefund") => money(json!({ "apply": line })),
        (_, "depositApplication") => money(json!({ "deposit": id })),
        ("invoice", "creditMemo") if account.settings.apply_credits && !open.is_zero() => {
            let mut body = rules::copy_sale(source, target, &account.settings);
            body.insert("apply".into(), line);
            body
        }
        _ => rules::copy_sale(source, target, &account.settings),
    }
}

/// Makes the new record.
pub(crate) fn serve(
    account: &Account,
    store: &mut Store,
    call: &Call,
    def: &Def,
    place: (&Address, &str),
) -> Result<Reply, Problem> {
    let (at, target) = place;
    let source = at.find(store, &def.name)?.clone();
    let target = account.schema.record(target).ok_or_else(Problem::missing)?;
    let known = PAIRS.iter().any(|(from, to)| *from == def.name && to.contains(&target.name.as_str()));
    if !known {
        return Err(Problem::request(format!("{} cannot be transformed to {}.", def.name, target.name)));
    }
    let overrides = if call.body.is_empty() { Map::new() } else { call.object()? };
    let mut reader = Reader::new(&account.schema, store, call);
    let mut change = reader.read(target, &overrides, "")?;
    let warnings = reader.warnings;
    let mut record = Record::new(&target.name, store.next_id(&target.family), account.now());
    record.body = start(account, store, &source, target);
    if def.family == "transaction" && target.field("createdFrom").is_some() {
        record.set("createdFrom", source.id.to_string());
    }
    let count = record.lines("item").count();
    record.last_line.insert("item".into(), i64::try_from(count).unwrap_or_default());
    address_lines(&record, &mut change, target);
    service::finish(account, store, call, target, (record, None, change, warnings))
}

/// Lines of a sale that name an order line are those copied from it.
fn address_lines(record: &Record, change: &mut Map<String, Value>, target: &Def) {
    let keyed = target
        .field("item")
        .is_some_and(|field| matches!(&field.kind, Kind::List(name) if name == "sale-item"));
    let Some(Value::Array(lines)) = change.get_mut("item").filter(|_| keyed) else { return };
    for line in lines.iter_mut().filter_map(Value::as_object_mut) {
        let order_line = line.get("orderLine").cloned();
        let copied = record
            .lines("item")
            .find(|copied| order_line.is_some() && copied.get("orderLine") == order_line.as_ref());
        if let Some(number) = copied.and_then(|copied| copied.get("line")) {
            line.insert("line".into(), number.clone());
        }
    }
}
