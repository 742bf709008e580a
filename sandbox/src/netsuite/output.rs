//! Shows records as the REST API does: references with links and names, choices with names, sublists behind links.
//!
//! In: a [`Record`]. Out: JSON with addresses on the twin's own host. It must never change anything.

use serde_json::{Map, Value, json};

use super::{
    amount::Amount,
    rules,
    schema::{Def, Field, Kind, Schema},
    store::{Record, Stock, Store, text, title},
    time,
};

/// How much is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// Only these body fields, by exact name.
    pub(crate) fields: Option<Vec<String>>,
    /// Sublists and subrecords in full.
    pub(crate) expand: bool,
    /// Choices as bare ids.
    pub(crate) simple: bool,
}

/// Shows records of one store.
pub(crate) struct Output<'a> {
    pub(crate) store: &'a Store,
    pub(crate) schema: &'a Schema,
    /// Scheme, host and port the client used.
    pub(crate) base: &'a str,
    pub(crate) shape: Shape,
}

/// The link of a resource to itself.
pub(crate) fn this(href: &str) -> Value {
    json!([{ "rel": "self", "href": href }])
}

impl Output<'_> {
    /// The address of a record.
    pub(crate) fn href(&self, kind: &str, id: impl std::fmt::Display) -> String {
        format!("{}/services/rest/record/v1/{kind}/{id}", self.base)
    }

    pub(crate) fn record(&self, record: &Record) -> Value {
        let def = self.schema.def(&record.kind);
        let mut whole = self.whole(record);
        if record.kind == "customer" {
            self.balances(record, &mut whole);
        }
        let href = self.href(&record.kind, record.id);
        let mut out = Map::new();
        out.insert("links".into(), this(&href));
        out.insert("id".into(), json!(record.id.to_string()));
        if let Some(external_id) = &record.external_id {
            out.insert("externalId".into(), json!(external_id));
        }
        for field in def.fields() {
            let chosen = self.shape.fields.as_ref().is_none_or(|chosen| chosen.contains(&field.name));
            if let Some(value) = whole.get(&field.name).filter(|value| chosen && !value.is_null()) {
                out.insert(field.name.clone(), self.field(field, value, &format!("{href}/{}", field.name)));
            }
        }
        Value::Object(out)
    }

    /// The fields a record has, with those that follow from other records.
    pub(crate) fn whole(&self, record: &Record) -> Map<String, Value> {
        let mut body = record.body.clone();
        for name in ["createdDate", "dateCreated", "created"] {
            body.insert(name.into(), json!(time::instant(record.created)));
        }
        for name in ["lastModifiedDate", "lastmodifieddate", "lastModified"] {
            body.insert(name.into(), json!(time::instant(record.modified)));
        }
        body.insert("refName".into(), json!(title(self.schema, record)));
        if self.schema.def(&record.kind).family == "transaction" {
            body.insert(
                "transactionNumber".into(),
                json!(format!("{}-{}", record.kind.to_uppercase(), record.id)),
            );
        }
        if record.body.contains_key("price") {
            let rows = rules::price_rows(self.store, record).into_iter().map(Value::Object);
            body.insert("price".into(), Value::Array(rows.collect()));
        }
        if record.kind == "inventoryItem" {
            self.stock(record, &mut body);
        }
        body
    }

    /// One field of a record, `id` and `externalId` among them, for searching.
    pub(crate) fn value(&self, record: &Record, field: &str) -> Option<Value> {
        match field {
            "id" => Some(json!(record.id)),
            "externalId" => record.external_id.as_ref().map(|id| json!(id)),
            "createdDate" | "dateCreated" | "created" => Some(json!(time::instant(record.created))),
            "lastModifiedDate" | "lastmodifieddate" | "lastModified" => {
                Some(json!(time::instant(record.modified)))
            }
            _ => record.body.get(field).cloned().or_else(|| {
                // What follows from other records is worked out only when it is asked for.
                let own = matches!(field, "refName" | "transactionNumber") || field.starts_with("quantity");
                if own { self.whole(record).shift_remove(field) } else { None }
            }),
        }
    }

    /// Quantities by location, beside what people set for a location, and their sums.
    fn stock(&self, record: &Record, body: &mut Map<String, Value>) {
        let mut sums = Map::new();
        let mut lines = Vec::new();
        for (location, stock) in self.store.stock_of(record.id) {
            let id = location.to_string();
            let own = record.lines("locations").find(|line| text(line, "location") == id);
            let mut line = own.cloned().unwrap_or_default();
            line.insert("location".into(), json!(id));
            for (name, figure) in figures(stock) {
                line.insert(name.into(), json!(figure));
                let sum = sums.get(name).and_then(Value::as_i64).unwrap_or_default();
                sums.insert(name.into(), json!(sum + figure));
            }
            lines.push(Value::Object(line));
        }
        for (name, _) in figures(Stock::default()) {
            body.insert(name.into(), sums.get(name).cloned().unwrap_or(json!(0)));
        }
        body.insert("locations".into(), Value::Array(lines));
    }

    /// What a customer owes and has paid ahead.
    fn balances(&self, record: &Record, body: &mut Map<String, Value>) {
        let id = record.id.to_string();
        let sum = |kind: &str, field: &str| -> Amount {
            let own = self.store.all(kind).filter(|it| it.text(field) == id);
            own.map(|it| rules::open(self.store, it, 0)).sum()
        };
        let credits = sum("creditMemo", "entity") + sum("customerPayment", "customer");
        body.insert("depositBalance".into(), sum("customerDeposit", "customer").json());
        body.insert("balance".into(), (sum("invoice", "entity") - credits).json());
    }

    fn field(&self, field: &Field, value: &Value, href: &str) -> Value {
        match (&field.kind, value) {
            (Kind::Ref(target), Value::String(id)) => self.reference(target, id),
            (Kind::Choice(choices), Value::String(id)) if !self.shape.simple => {
                let name = choices.iter().find(|(known, _)| known == id).map_or(id, |(_, name)| name);
                json!({ "id": id, "refName": name })
            }
            (Kind::Country, Value::String(id)) if !self.shape.simple => {
                json!({ "id": id, "refName": country(id) })
            }
            (Kind::Many(target), Value::Array(ids)) => {
                let mut out = json!({ "links": this(href) });
                if self.shape.expand {
                    let items = ids.iter().filter_map(Value::as_str).map(|id| self.reference(target, id));
                    out["items"] = Value::Array(items.collect());
                    out["totalResults"] = json!(ids.len());
                }
                out
            }
            (Kind::List(def), Value::Array(lines)) => {
                if self.shape.expand {
                    self.list(self.schema.def(def), lines, href)
                } else {
                    json!({ "links": this(href) })
                }
            }
            (Kind::Part(def), Value::Object(part)) => {
                if self.shape.expand {
                    self.part(self.schema.def(def), part, href)
                } else {
                    json!({ "links": this(href) })
                }
            }
            _ => value.clone(),
        }
    }

    fn reference(&self, target: &str, id: &str) -> Value {
        let found = id.parse().ok().and_then(|number| self.store.resolve(self.schema, target, number));
        match found {
            Some(record) => json!({
                "links": this(&self.href(&record.kind, id)), "id": id, "refName": title(self.schema, record),
            }),
            None => json!({ "links": [], "id": id, "refName": id }),
        }
    }

    /// A sublist with its lines in full, or (not expanded) with a link for each.
    pub(crate) fn list(&self, def: &Def, lines: &[Value], href: &str) -> Value {
        let items: Vec<Value> = lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| {
                let line = line.as_object()?;
                let href = format!("{href}/{}", line_key(def, line, at));
                Some(if self.shape.expand {
                    self.part(def, line, &href)
                } else {
                    json!({ "links": this(&href) })
                })
            })
            .collect();
        let count = items.len();
        json!({
            "links": this(href), "items": items, "count": count, "hasMore": false, "offset": 0,
            "totalResults": count,
        })
    }

    /// A line or a subrecord in full.
    pub(crate) fn part(&self, def: &Def, part: &Map<String, Value>, href: &str) -> Value {
        let mut out = Map::new();
        out.insert("links".into(), this(href));
        for field in def.fields() {
            if let Some(value) = part.get(&field.name).filter(|value| !value.is_null()) {
                out.insert(field.name.clone(), self.field(field, value, &format!("{href}/{}", field.name)));
            }
        }
        Value::Object(out)
    }
}

/// The quantities of a stock by the names they are shown with.
pub(crate) fn figures(stock: Stock) -> [(&'static str, i64); 6] {
    [
        ("quantityOnHand", stock.on_hand),
        ("quantityAvailable", stock.available()),
        ("quantityCommitted", stock.committed()),
        ("quantityBackOrdered", stock.back_ordered()),
        ("quantityOnOrder", stock.on_order),
        ("quantityInTransit", stock.in_transit),
    ]
}

/// What a line is called in an address: its key, or its place.
pub(crate) fn line_key(def: &Def, line: &Map<String, Value>, at: usize) -> String {
    match def.key.as_deref().and_then(|key| line.get(key)) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => (at + 1).to_string(),
    }
}

fn country(id: &str) -> &str {
    match id {
        "US" => "United States",
        "GB" => "United Kingdom",
        "DE" => "Germany",
        "FR" => "France",
        "JP" => "Japan",
        "KW" => "Kuwait",
        "CA" => "Canada",
        "IE" => "Ireland",
        "NL" => "Netherlands",
        other => other,
    }
}
