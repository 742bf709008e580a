//! The account's records, as they are after all rules have passed.
//!
//! In: whole [`Record`]s. Out: records by id or external id, stock, what changed since `SuiteQL` last looked. It must never
//! judge: what is put is true.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{amount::Amount, restlet::Removal, schema::Schema};

/// One record. Values are kept plain: a reference is its id as text, a choice its id, a sublist an array of objects, a
/// subrecord an object, a number its exact digits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) kind: String,
    pub(crate) id: i64,
    pub(crate) external_id: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) body: Map<String, Value>,
    /// The last line key given out, by sublist: a key never comes twice.
    pub(crate) last_line: BTreeMap<String, i64>,
}

impl Record {
    pub(crate) fn new(kind: &str, id: i64, now: Timestamp) -> Self {
        Self {
            kind: kind.to_owned(),
            id,
            external_id: None,
            created: now,
            modified: now,
            body: Map::new(),
            last_line: BTreeMap::new(),
        }
    }

    /// The text of a field; empty if it has none.
    pub(crate) fn text(&self, field: &str) -> &str {
        text(&self.body, field)
    }

    pub(crate) fn amount(&self, field: &str) -> Amount {
        amount(&self.body, field)
    }

    pub(crate) fn is(&self, field: &str) -> bool {
        is(&self.body, field)
    }

    /// The lines of a sublist.
    pub(crate) fn lines(&self, list: &str) -> impl Iterator<Item = &Map<String, Value>> {
        self.body.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    }

    pub(crate) fn lines_mut(&mut self, list: &str) -> impl Iterator<Item = &mut Map<String, Value>> {
        let lines = self.body.get_mut(list).and_then(Value::as_array_mut);
        lines.into_iter().flatten().filter_map(Value::as_object_mut)
    }

    pub(crate) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.body.insert(field.to_owned(), value.into());
    }

    /// Sets a field that has no value yet.
    pub(crate) fn default(&mut self, field: &str, value: impl Into<Value>) {
        if !self.body.contains_key(field) {
            self.set(field, value);
        }
    }
}

/// The text of a field; empty if it has none.
pub(crate) fn text<'a>(map: &'a Map<String, Value>, field: &str) -> &'a str {
    map.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The number of a field; zero if it has none.
pub(crate) fn amount(map: &Map<String, Value>, field: &str) -> Amount {
    map.get(field).and_then(Amount::of).unwrap_or_default()
}

/// Whether a field is true.
pub(crate) fn is(map: &Map<String, Value>, field: &str) -> bool {
    map.get(field).and_then(Value::as_bool).unwrap_or_default()
}

/// The stock of one item in one location.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stock {
    pub(crate) on_hand: i64,
    /// Wanted by open orders.
    pub(crate) wanted: i64,
    /// On its way from another location.
    #[serde(default)]
    pub(crate) in_transit: i64,
    /// Ordered from a vendor.
    #[serde(default)]
    pub(crate) on_order: i64,
    /// When what is available last changed: not when goods leave that were set aside before.
    pub(crate) changed: Timestamp,
}

impl Stock {
    pub(crate) fn committed(self) -> i64 {
        self.wanted.min(self.on_hand).max(0)
    }

    pub(crate) fn available(self) -> i64 {
        self.on_hand - self.committed()
    }

    pub(crate) fn back_ordered(self) -> i64 {
        self.wanted - self.committed()
    }
}

/// A record that was deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deleted {
    pub(crate) kind: String,
    pub(crate) id: i64,
    pub(crate) external_id: Option<String>,
    pub(crate) name: String,
    pub(crate) at: Timestamp,
}

/// A change of one field, as the system notes show it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) kind: String,
    pub(crate) record: i64,
    pub(crate) field: String,
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) at: Timestamp,
}

/// All records of an account.
#[derive(Debug, Default)]
pub(crate) struct Store {
    records: HashMap<String, BTreeMap<i64, Record>>,
    external: HashMap<(String, String), i64>,
    last_id: HashMap<String, i64>,
    numbers: HashMap<String, i64>,
    pub(crate) stock: BTreeMap<(i64, i64), Stock>,
    pub(crate) deleted: Vec<Deleted>,
    pub(crate) notes: Vec<Note>,
    /// Removals of personal information, done and to be done.
    pub(crate) removals: Vec<Removal>,
    /// How often notes of the past were rewritten.
    pub(crate) rewritten: usize,
    /// What changed since [`Store::drain`]: record type and id.
    dirty: BTreeSet<(String, i64)>,
    dirty_stock: BTreeSet<(i64, i64)>,
    /// What was available before the call under way moved stock.
    before: BTreeMap<(i64, i64), i64>,
}

/// What changed: records by type and id, stock by item and location.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) records: BTreeSet<(String, i64)>,
    pub(crate) stock: BTreeSet<(i64, i64)>,
}

/// The store as it is kept on disk.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    records: Vec<Record>,
    last_id: HashMap<String, i64>,
    numbers: HashMap<String, i64>,
    stock: Vec<(i64, i64, Stock)>,
    deleted: Vec<Deleted>,
    notes: Vec<Note>,
    #[serde(default)]
    removals: Vec<Removal>,
}

impl Store {
    pub(crate) fn get(&self, kind: &str, id: i64) -> Option<&Record> {
        self.records.get(kind).and_then(|records| records.get(&id))
    }

    /// A record by the id as text.
    pub(crate) fn find(&self, kind: &str, id: &str) -> Option<&Record> {
        self.get(kind, id.parse().ok()?)
    }

    /// A record of a type, or of any type of a family.
    pub(crate) fn resolve<'a>(&'a self, schema: &Schema, target: &str, id: i64) -> Option<&'a Record> {
        self.get(target, id)
            .or_else(|| schema.records().filter(|def| def.is(target)).find_map(|def| self.get(&def.name, id)))
    }

    pub(crate) fn by_external_id(&self, kind: &str, external_id: &str) -> Option<i64> {
        self.external.get(&(kind.to_owned(), external_id.to_owned())).copied()
    }

    /// The records of a type, by id.
    pub(crate) fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.get(kind).into_iter().flat_map(BTreeMap::values)
    }

    /// A fresh id of a family.
    pub(crate) fn next_id(&mut self, family: &str) -> i64 {
        let last = self.last_id.entry(family.to_owned()).or_insert(match family {
            "transaction" => 7000,
            "entity" => 600,
            "item" => 3000,
            _ => 9000,
        });
        *last += 1;
        *last
    }

    /// The next number of a series that starts after `start`.
    pub(crate) fn next_number(&mut self, series: &str, start: i64) -> i64 {
        let last = self.numbers.entry(series.to_owned()).or_insert(start);
        *last += 1;
        *last
    }

    /// Stores a record as it is, in place of the one before; gives that one.
    pub(crate) fn put(&mut self, record: Record) -> Option<Record> {
        let key = (record.kind.clone(), record.id);
        if let Some(external_id) = &record.external_id {
            self.external.insert((key.0.clone(), external_id.clone()), key.1);
        }
        let new = record.external_id.clone();
        let before = self.records.entry(key.0.clone()).or_default().insert(key.1, record);
        let old = before.as_ref().and_then(|before| before.external_id.clone());
        if let Some(old) = old.filter(|old| Some(old) != new.as_ref()) {
            self.external.remove(&(key.0.clone(), old));
        }
        self.dirty.insert(key);
        before
    }

    /// Removes a record and remembers that it was there.
    pub(crate) fn remove(&mut self, kind: &str, id: i64, name: String, at: Timestamp) -> Option<Record> {
        let record = self.records.get_mut(kind)?.remove(&id)?;
        if let Some(external_id) = &record.external_id {
            self.external.remove(&(kind.to_owned(), external_id.clone()));
        }
        let external_id = record.external_id.clone();
        self.deleted.push(Deleted { kind: kind.to_owned(), id, external_id, name, at });
        self.dirty.insert((kind.to_owned(), id));
        Some(record)
    }

    /// Changes what is on hand and what is wanted of an item in a location.
    pub(crate) fn move_stock(&mut self, item: i64, location: i64, on_hand: i64, wanted: i64, at: Timestamp) {
        if on_hand == 0 && wanted == 0 {
            return;
        }
        let stock = self.stock_at(item, location, at);
        stock.on_hand += on_hand;
        stock.wanted += wanted;
    }

    /// The stock of an item in a location, to be changed; [`Store::stamp`] follows.
    pub(crate) fn stock_at(&mut self, item: i64, location: i64, now: Timestamp) -> &mut Stock {
        let key = (item, location);
        let stock = self.stock.entry(key).or_insert(Stock { changed: now, ..Stock::default() });
        self.before.entry(key).or_insert(stock.available());
        self.dirty_stock.insert(key);
        stock
    }

    /// Ends a call: stock of which more or less is available than before has changed now.
    pub(crate) fn stamp(&mut self, now: Timestamp) {
        for (key, available) in std::mem::take(&mut self.before) {
            if let Some(stock) = self.stock.get_mut(&key).filter(|stock| stock.available() != available) {
                stock.changed = now;
            }
        }
    }

    /// The stock of an item by location.
    pub(crate) fn stock_of(&self, item: i64) -> impl Iterator<Item = (i64, Stock)> {
        let range = (item, i64::MIN)..=(item, i64::MAX);
        self.stock.range(range).map(|((_, location), stock)| (*location, *stock))
    }

    /// Replaces what the notes say of some fields of a record.
    pub(crate) fn rewrite_notes(&mut self, kind: &str, id: i64, fields: &[String], text: &str) {
        let said = |note: &&mut Note| note.kind == kind && note.record == id && fields.contains(&note.field);
        for note in self.notes.iter_mut().filter(said) {
            text.clone_into(&mut note.old);
            text.clone_into(&mut note.new);
        }
        self.rewritten += 1;
    }

    /// What changed since this was last asked: records and stock.
    pub(crate) fn drain(&mut self) -> Changes {
        Changes { records: std::mem::take(&mut self.dirty), stock: std::mem::take(&mut self.dirty_stock) }
    }

    /// Whether anything changed since [`Store::drain`].
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.dirty_stock.is_empty()
    }

    pub(crate) fn saved(&self) -> Saved {
        Saved {
            records: self.records.values().flat_map(BTreeMap::values).cloned().collect(),
            last_id: self.last_id.clone(),
            numbers: self.numbers.clone(),
            stock: self.stock.iter().map(|((item, location), stock)| (*item, *location, *stock)).collect(),
            deleted: self.deleted.clone(),
            notes: self.notes.clone(),
            removals: self.removals.clone(),
        }
    }

    pub(crate) fn restore(saved: Saved) -> Self {
        let mut store = Self {
            last_id: saved.last_id,
            numbers: saved.numbers,
            deleted: saved.deleted,
            notes: saved.notes,
            removals: saved.removals,
            ..Self::default()
        };
        for (item, location, stock) in saved.stock {
            store.stock.insert((item, location), stock);
            store.dirty_stock.insert((item, location));
        }
        for record in saved.records {
            store.put(record);
        }
        store
    }
}

/// The name by which a record is shown in references.
pub(crate) fn title(schema: &Schema, record: &Record) -> String {
    let def = schema.def(&record.kind);
    let name = |fields: &[&str]| {
        fields
            .iter()
            .map(|field| record.text(field))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .to_owned()
    };
    match def.family.as_str() {
        "transaction" => format!("{} #{}", def.title, record.text("tranId")),
        "entity" => {
            let full = person(record);
            let number = record.text("entityId");
            if full.is_empty() || number.contains(&full) {
                number.to_owned()
            } else {
                format!("{number} {full}")
            }
        }
        "item" => name(&["itemId"]),
        _ => name(&["name", "itemId", "symbol", "description", "giftCertCode"]),
    }
}

/// The name of a firm or a person.
pub(crate) fn person(record: &Record) -> String {
    let company = record.text("companyName");
    if !company.is_empty() && !record.is("isPerson") {
        return company.to_owned();
    }
    let names = [record.text("firstName"), record.text("lastName")];
    names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ")
}
