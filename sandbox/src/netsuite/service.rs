//! The record service: the verbs on one record.
//!
//! In: a [`Call`] on a record type, an id or an external id. Out: a [`Reply`], and the record stored whole or not at all.
//! It must never know how a client logged in.

use serde_json::{Map, Value, json};

use super::{
    Account,
    change::{self, Replace},
    http::{Call, Problem, Reply, SINGULAR},
    input::Reader,
    output::{Output, Shape},
    rules::{self, Rules},
    schema::{Def, Kind},
    store::{Note, Record, Store, title},
};

/// Which record a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Id(i64),
    External(String),
}

impl Address {
    /// Reads `123` or `eid:ABC-1`.
    pub(crate) fn parse(segment: &str) -> Result<Self, Problem> {
        if let Some(external) = segment.strip_prefix("eid:") {
            let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
            if external.is_empty() || !external.chars().all(good) {
                let detail = format!(
                    "The external id {external:?} cannot stand in an address: only letters, digits, \"_\" and \"-\" can."
                );
                return Err(Problem::request(detail));
            }
            return Ok(Self::External(external.to_owned()));
        }
        segment.parse().map(Self::Id).map_err(|_| Problem::missing())
    }

    pub(crate) fn find<'s>(&self, store: &'s Store, kind: &str) -> Result<&'s Record, Problem> {
        let id = match self {
            Self::Id(id) => Some(*id),
            Self::External(external) => store.by_external_id(kind, external),
        };
        id.and_then(|id| store.get(kind, id)).ok_or_else(Problem::missing)
    }
}

/// A change that has passed all rules and is about to be stored.
pub(crate) struct Change {
    pub(crate) record: Record,
    pub(crate) before: Option<Record>,
    pub(crate) warnings: Vec<String>,
}

/// GET of one record.
pub(crate) fn get(
    account: &Account,
    store: &Store,
    call: &Call,
    def: &Def,
    at: &Address,
) -> Result<Reply, Problem> {
    let record = at.find(store, &def.name)?;
    let shape = shape(call, def)?;
    let output = Output { store, schema: &account.schema, base: &call.base, shape };
    Ok(Reply::ok(output.record(record), SINGULAR))
}

/// What the query says of the answer's shape.
pub(crate) fn shape(call: &Call, def: &Def) -> Result<Shape, Problem> {
    let expand = call.flag("expandSubResources");
    let fields = match call.query("fields") {
        None => None,
        Some(_) if expand => {
            let detail = "fields and expandSubResources cannot be used together";
            return Err(Problem::parameter(detail, "fields"));
        }
        Some(names) => {
            let known = names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(|name| {
                let field = def.field(name).map(|field| field.name.clone());
                let own = matches!(name.to_ascii_lowercase().as_str(), "id" | "externalid" | "links");
                field.or_else(|| own.then(|| name.to_owned())).ok_or_else(|| {
                    Problem::parameter(format!("{} has no field {name:?}", def.name), "fields")
                })
            });
            Some(known.collect::<Result<Vec<_>, _>>()?)
        }
    };
    Ok(Shape { fields, expand, simple: call.flag("simpleEnumFormat") })
}

/// POST on a record type.
pub(crate) fn create(account: &Account, store: &mut Store, call: &Call, def: &Def) -> Result<Reply, Problem> {
    let body = call.object()?;
    write(account, store, call, (def, None, &body))
}

/// PATCH of one record, or PUT by external id.
pub(crate) fn write_at(
    account: &Account,
    store: &mut Store,
    call: &Call,
    def: &Def,
    at: &Address,
) -> Result<Reply, Problem> {
    let upsert = call.method == axum::http::Method::PUT;
    let mut body = call.object()?;
    if let Address::External(external) = at
        && upsert
    {
        body.retain(|name, _| !name.eq_ignore_ascii_case("externalid"));
        body.insert("externalId".into(), json!(external));
    } else if upsert {
        return Err(Problem::request("PUT takes an external id: /eid:<id>"));
    }
    let target = match at.find(store, &def.name) {
        Ok(record) => Some(record.id),
        Err(_) if upsert => None,
        Err(problem) => return Err(problem),
    };
    write(account, store, call, (def, target, &body))
}

type Job<'a> = (&'a Def, Option<i64>, &'a Map<String, Value>);

/// Creates (no id) or changes a record.
pub(crate) fn write(account: &Account, store: &mut Store, call: &Call, job: Job) -> Result<Reply, Problem> {
    let (def, target, body) = job;
    if def.fixed {
        return Err(Problem::user("Your current role does not have permission to perform this action."));
    }
    if matches!(def.name.as_str(), "itemFulfillment" | "itemReceipt") && target.is_none() {
        return Err(Problem::user("This record is made from another: use the !transform of that."));
    }
    let mut reader = Reader::new(&account.schema, store, call);
    let change = reader.read(def, body, "")?;
    let warnings = reader.warnings;
    let before = target.and_then(|id| store.get(&def.name, id)).cloned();
    let now = account.now();
    let record = match &before {
        Some(before) => before.clone(),
        None => Record::new(&def.name, store.next_id(&def.family), now),
    };
    finish(account, store, call, def, (record, before, change, warnings))
}

type Draft = (Record, Option<Record>, Map<String, Value>, Vec<String>);

/// Applies, settles, stores, answers.
pub(crate) fn finish(
    account: &Account,
    store: &mut Store,
    call: &Call,
    def: &Def,
    draft: Draft,
) -> Result<Reply, Problem> {
    let (mut record, before, mut change, warnings) = draft;
    external_id(store, &mut record, change.shift_remove("externalId"))?;
    let replace = Replace::new(call.query("replace"), call.flag("replaceSelectedFields"));
    change::apply(&account.schema, def, &mut record, change, &replace);
    let rules = Rules { store, schema: &account.schema, settings: &account.settings, now: account.now() };
    rules.settle(&mut record, before.as_ref())?;
    if def.family == "transaction" && record.text("tranId").is_empty() {
        let number = number(store, &def.name);
        record.set("tranId", number);
    }
    let change = Change { record, before, warnings };
    Ok(stored(account, store, call, change))
}

/// The external id of a record is nobody else's.
fn external_id(store: &Store, record: &mut Record, wanted: Option<Value>) -> Result<(), Problem> {
    match wanted {
        Some(Value::String(wanted)) => {
            if store.by_external_id(&record.kind, &wanted).is_some_and(|other| other != record.id) {
                let detail = "Error while accessing a resource. This entity already exists.";
                return Err(Problem::user(detail));
            }
            record.external_id = Some(wanted);
        }
        Some(_) => record.external_id = None,
        None => {}
    }
    Ok(())
}

fn number(store: &mut Store, kind: &str) -> String {
    let (prefix, start) = match kind {
        "salesOrder" => ("SO", 10_000),
        "customerDeposit" => ("CD", 1000),
        "itemFulfillment" => ("IF", 5000),
        "invoice" => ("INV", 20_000),
        "cashSale" => ("CS", 3000),
        "creditMemo" => ("CM", 4000),
        "returnAuthorization" => ("RMA", 600),
        "cashRefund" => ("CR", 700),
        "customerRefund" => ("REF", 800),
        "estimate" => ("EST", 900),
        "customerPayment" => ("PYMT", 2000),
        "depositApplication" => ("DA", 100),
        "itemReceipt" => ("IR", 300),
        _ => ("TRN", 1),
    };
    format!("{prefix}{}", store.next_number(kind, start))
}

/// Stores a change with everything that follows from it in other records.
pub(crate) fn stored(account: &Account, store: &mut Store, call: &Call, change: Change) -> Reply {
    let Change { mut record, before, warnings } = change;
    let now = account.now();
    record.modified = now;
    if let Some(before) = &before {
        note(store, before, &record, now);
    }
    follow(account, store, before.as_ref(), Some(&record));
    let (kind, id) = (record.kind.clone(), record.id);
    let name = title(&account.schema, &record);
    let external_id = record.external_id.clone();
    let from = record.text("createdFrom").to_owned();
    let verb = if before.is_some() { "update" } else { "create" };
    let documents: Vec<i64> = before.iter().chain([&record]).flat_map(rules::touched).collect();
    store.put(record);
    parent(account, store, &from);
    if verb == "create" && kind == "invoice" && account.settings.apply_deposits {
        apply_deposits(account, store, id);
    }
    settle(account, store, &documents);
    store.stamp(now);
    let mut effect = json!({ "record": kind, "id": id.to_string(), "verb": verb, "name": name });
    if let Some(external_id) = external_id {
        effect["externalId"] = json!(external_id);
    }
    let href = format!("{}/services/rest/record/v1/{kind}/{id}", call.base);
    let mut reply = Reply::status(204).with("location", href);
    if !warnings.is_empty() {
        let shown: String = warnings.join("; ").chars().filter(char::is_ascii).take(2000).collect();
        reply = reply.with("x-netsuite-propertyvalidation", shown);
    }
    reply.effect = Some(effect);
    reply
}

/// Puts on documents what is open of them.
fn settle(account: &Account, store: &mut Store, documents: &[i64]) {
    for id in documents {
        let Some(document) = store.resolve(&account.schema, "transaction", *id) else { continue };
        let mut document = document.clone();
        if rules::settle_open(store, &mut document) {
            document.modified = account.now();
            store.put(document);
        }
    }
}

/// An order's deposits pay the invoice that is made of it: the account applies them by itself.
fn apply_deposits(account: &Account, store: &mut Store, invoice: i64) {
    let Some(invoice) = store.get("invoice", invoice) else { return };
    for body in rules::deposits_for(store, invoice) {
        let mut record = Record::new("depositApplication", store.next_id("transaction"), account.now());
        record.body = body;
        let rules = Rules { store, schema: &account.schema, settings: &account.settings, now: account.now() };
        if let Err(problem) = rules.settle(&mut record, None) {
            tracing::warn!(detail = problem.detail, "a deposit does not fit the invoice of its order");
            continue;
        }
        let number = number(store, "depositApplication");
        record.set("tranId", number);
        let documents = rules::touched(&record);
        store.put(record);
        settle(account, store, &documents);
    }
}

/// Voids a transaction, as people do: its figures are zero, and what it was applied to is open again.
pub(crate) fn void(account: &Account, store: &mut Store, kind: &str, id: i64) -> Result<(), Problem> {
    let def = account.schema.record(kind).filter(|def| def.family == "transaction");
    let before = def.and_then(|def| store.get(&def.name, id)).ok_or_else(Problem::missing)?.clone();
    let mut record = before.clone();
    record.set("voided", true);
    if record.kind == "customerRefund" {
        record.set("status", "V");
    }
    for field in ["total", "subtotal", "taxTotal", "payment", "discountTotal", "shippingCost", "handlingCost"]
    {
        if record.body.contains_key(field) {
            record.set(field, 0);
        }
    }
    for list in ["apply", "deposit"] {
        if record.body.get(list).is_some_and(Value::is_array) {
            record.set(list, json!([]));
        }
    }
    for line in record.lines_mut("item") {
        for field in ["amount", "rate", "grossAmt", "tax1Amt"] {
            line.insert(field.into(), json!(0));
        }
    }
    record.modified = account.now();
    let documents = rules::touched(&before);
    let from = before.text("createdFrom").to_owned();
    store.put(record);
    parent(account, store, &from);
    settle(account, store, &documents);
    store.stamp(account.now());
    Ok(())
}

fn note(store: &mut Store, before: &Record, record: &Record, at: jiff::Timestamp) {
    let shown = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    let names = before.body.keys().chain(record.body.keys().filter(|name| !before.body.contains_key(*name)));
    for name in names {
        let (old, new) = (before.body.get(name), record.body.get(name));
        let plain = |value: Option<&Value>| value.is_none_or(|value| !value.is_array() && !value.is_object());
        if old != new && plain(old) && plain(new) {
            let (old, new) = (shown(old), shown(new));
            let (kind, field) = (record.kind.clone(), name.clone());
            store.notes.push(Note { kind, record: record.id, field, old, new, at });
        }
    }
}

/// Stock and gift certificates follow from sales, fulfilments and adjustments.
fn follow(account: &Account, store: &mut Store, before: Option<&Record>, after: Option<&Record>) {
    let now = account.now();
    let wanted = |store: &Store, record: Option<&Record>| {
        record.map(|record| rules::wanted(store, &account.schema, record)).unwrap_or_default()
    };
    let (old, new) = (wanted(store, before), wanted(store, after));
    for ((item, location), quantity) in old {
        store.move_stock(item, location, 0, -quantity, now);
    }
    for ((item, location), quantity) in new {
        store.move_stock(item, location, 0, quantity, now);
    }
    for (sign, record) in [(1, before), (-1, after)] {
        let Some(record) = record else { continue };
        for ((item, location), quantity) in rules::moved(store, &account.schema, record) {
            store.move_stock(item, location, sign * quantity, 0, now);
        }
        for line in record.body.get("giftCertRedemption").and_then(Value::as_array).into_iter().flatten() {
            redeem(store, line, sign);
        }
    }
}

fn redeem(store: &mut Store, line: &Value, sign: i64) {
    let Some(certificate) = line["authCode"].as_str().and_then(|id| store.find("giftCertificate", id)) else {
        return;
    };
    let mut certificate = certificate.clone();
    let applied = super::amount::Amount::of(&line["authCodeApplied"]).unwrap_or_default();
    let left = certificate.amount("amountRemaining") + applied.times(super::amount::Amount::whole(sign));
    certificate.set("amountRemaining", left.json());
    store.put(certificate);
}

/// What of the lines of an order or a return other records have done: field, their types, and their statuses, if any counts.
type Done = (&'static str, &'static [&'static str], &'static [&'static str]);

const OF_ORDERS: &[Done] = &[
    ("quantityPicked", &["itemFulfillment"], &[]),
    ("quantityPacked", &["itemFulfillment"], &["B", "C"]),
    ("quantityFulfilled", &["itemFulfillment"], &["C"]),
    ("quantityBilled", &["invoice", "cashSale"], &[]),
];

const OF_RETURNS: &[Done] =
    &[("quantityReceived", &["itemReceipt"], &[]), ("quantityBilled", &["creditMemo", "cashRefund"], &[])];

/// A quote is processed once an order or a bill was made of it.
fn quote(account: &Account, store: &mut Store, from: &str) {
    let Some(quote) = store.find("estimate", from) else { return };
    let made = |kind: &str| store.all(kind).any(|it| it.text("createdFrom") == from);
    let status = if ["salesOrder", "invoice", "cashSale"].into_iter().any(made) { "B" } else { "A" };
    if quote.text("status") != status {
        let mut quote = quote.clone();
        quote.set("status", status);
        quote.modified = account.now();
        store.put(quote);
    }
}

/// What a fulfilment, a receipt, a bill or a credit means for the order, the return or the quote it was made from.
fn parent(account: &Account, store: &mut Store, from: &str) {
    quote(account, store, from);
    let (order, all) = match (store.find("salesOrder", from), store.find("returnAuthorization", from)) {
        (Some(order), _) => (order, OF_ORDERS),
        (None, Some(order)) => (order, OF_RETURNS),
        (None, None) => return,
    };
    let mut order = order.clone();
    let before = order.clone();
    for (field, kinds, statuses) in all {
        let done = rules::done(store, from, kinds, statuses);
        for line in order.lines_mut("item") {
            let number = line.get("line").and_then(Value::as_i64).unwrap_or_default();
            let quantity = done.get(&number).copied().unwrap_or_default();
            line.insert((*field).into(), quantity.json());
        }
    }
    let tracking = rules::tracking(store, from);
    if !tracking.is_empty() {
        order.set("linkedTrackingNumbers", tracking);
    }
    let rules = Rules { store, schema: &account.schema, settings: &account.settings, now: account.now() };
    rules.state(&mut order);
    rules.commit(&mut order, Some(&before));
    order.modified = account.now();
    follow(account, store, Some(&before), Some(&order));
    store.put(order);
}

/// DELETE of one record.
pub(crate) fn delete(
    account: &Account,
    store: &mut Store,
    def: &Def,
    at: &Address,
) -> Result<Reply, Problem> {
    let record = at.find(store, &def.name)?.clone();
    if def.fixed {
        return Err(Problem::user("Your current role does not have permission to perform this action."));
    }
    if let Some(user) = used_by(account, store, &record) {
        let detail = format!("This record cannot be deleted because it has dependent records: {user}.");
        return Err(Problem::user(detail));
    }
    follow(account, store, Some(&record), None);
    let name = title(&account.schema, &record);
    let documents = rules::touched(&record);
    store.remove(&def.name, record.id, name, account.now());
    parent(account, store, record.text("createdFrom"));
    settle(account, store, &documents);
    store.stamp(account.now());
    let effect = json!({ "record": def.name, "id": record.id.to_string(), "verb": "delete" });
    Ok(Reply { effect: Some(effect), ..Reply::status(204) })
}

/// A record that names this one, if any.
fn used_by(account: &Account, store: &Store, record: &Record) -> Option<String> {
    let id = record.id.to_string();
    for def in account.schema.records().filter(|def| matches!(def.family.as_str(), "transaction" | "item")) {
        let fits = |kind: &Kind| matches!(kind, Kind::Ref(target) if !target.is_empty() && account.schema.def(&record.kind).is(target));
        let names: Vec<&str> =
            def.fields().filter(|field| fits(&field.kind)).map(|field| field.name.as_str()).collect();
        let is_item = account.schema.def(&record.kind).family == "item";
        let user =
            store.all(&def.name).filter(|it| (&it.kind, it.id) != (&record.kind, record.id)).find(|it| {
                names.iter().any(|name| it.text(name) == id)
                    || it
                        .lines("apply")
                        .chain(it.lines("deposit"))
                        .any(|line| line.get("doc").is_some_and(|doc| *doc == id))
                    || is_item
                        && it
                            .lines("item")
                            .chain(it.lines("member"))
                            .any(|line| line.get("item").is_some_and(|item| *item == id))
            });
        if let Some(user) = user {
            return Some(title(&account.schema, user));
        }
    }
    None
}
