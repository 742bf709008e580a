//! Shows records as rows of `SuiteQL`'s tables.
//!
//! In: a [`Record`]. Out: [`Row`]s, and what to delete first. It must never read a table.

use jiff::{Timestamp, civil::Time};
use rusqlite::types::Value as Sql;
use serde_json::{Map, Value};

use super::functions::blob;
use crate::netsuite::{
    amount::Amount,
    rules::tracking_of,
    schema::{Def, Kind, Schema},
    store::{Deleted, Note, Record, Store, amount, is, person, text, title},
    time,
};

/// A row for a table.
pub(super) struct Row {
    pub(super) table: String,
    pub(super) cells: Vec<(String, Sql)>,
}

impl Row {
    pub(super) fn new(table: &str) -> Self {
        Self { table: table.to_owned(), cells: Vec::new() }
    }

    pub(super) fn with(mut self, column: &str, value: Sql) -> Self {
        self.cells.push((column.to_owned(), value));
        self
    }

    pub(super) fn id(self, column: &str, id: i64) -> Self {
        self.with(column, Sql::Integer(id))
    }

    pub(super) fn text(self, column: &str, text: &str) -> Self {
        let value = if text.is_empty() { Sql::Null } else { Sql::Text(text.to_owned()) };
        self.with(column, value)
    }

    pub(super) fn flag(self, column: &str, truth: bool) -> Self {
        self.text(column, if truth { "T" } else { "F" })
    }

    pub(super) fn number(self, column: &str, number: Amount) -> Self {
        self.with(column, figure(number))
    }
}

pub(super) fn figure(number: Amount) -> Sql {
    let text = number.to_string();
    text.parse().map(Sql::Integer).or_else(|_| text.parse().map(Sql::Real)).unwrap_or(Sql::Null)
}

/// Which rows a record had: table and the column that names it.
pub(super) const OWNED: &[(&str, &str, &str)] = &[
    ("transaction", "transaction", "id"),
    ("transaction", "transactionline", "transaction"),
    ("transaction", "nexttransactionlink", "nextdoc"),
    ("transaction", "previoustransactionlink", "previousdoc"),
    ("transaction", "nexttransactionlinelink", "nextdoc"),
    ("transaction", "transactionshipment", "doc"),
    ("transaction", "trackingnumbermap", "transaction"),
    ("transaction", "transactionshippingaddress", "nkey"),
    ("transaction", "transactionbillingaddress", "nkey"),
    ("item", "item", "id"),
    ("item", "pricing", "item"),
    ("item", "itemprice", "item"),
    ("item", "itemsubsidiarymap", "item"),
    ("item", "kititemmember", "parentitem"),
    ("entity", "customer", "id"),
    ("entity", "contact", "id"),
    ("entity", "employee", "id"),
    ("entity", "partner", "id"),
    ("entity", "entity", "id"),
    ("entity", "customeraddressbook", "entity"),
    ("entity", "customeraddressbookentityaddress", "recordowner"),
    ("entity", "customeritempricing", "customer"),
    ("entity", "customercurrencybalance", "customer"),
    ("entity", "customergrouppricing", "customer"),
];

/// The same for records of lists that fill a second table: record type, table, column.
pub(super) const BESIDE: &[(&str, &str, &str)] = &[
    ("salesTaxItem", "customrecord_ste_taxrate", "id"),
    ("currency", "currencyrate", "id"),
    ("location", "locationmainaddress", "nkey"),
];

/// Makes rows; `offset` is the account's zone in minutes east of UTC.
pub(super) struct Projector<'a> {
    pub(super) store: &'a Store,
    pub(super) schema: &'a Schema,
    pub(super) offset: i32,
    /// Whether tax rates are records of their own, as under `SuiteTax`.
    pub(super) rates: bool,
}

impl Projector<'_> {
    pub(super) fn moment(&self, at: Timestamp) -> Sql {
        blob(time::local(at, self.offset))
    }

    pub(super) fn sql(&self, kind: &Kind, value: &Value) -> Sql {
        match (kind, value) {
            (Kind::Bool, Value::Bool(truth)) => Sql::Text(if *truth { "T" } else { "F" }.into()),
            (Kind::Ref(_) | Kind::Integer | Kind::Number | Kind::Rate | Kind::Break, value) => {
                Amount::of(value).map_or_else(|| plain(value), figure)
            }
            (Kind::Date, Value::String(text)) => text
                .parse::<jiff::civil::Date>()
                .map_or(Sql::Null, |day| blob(day.to_datetime(Time::midnight()))),
            (Kind::Moment, Value::String(text)) => {
                text.parse::<Timestamp>().map_or(Sql::Null, |at| self.moment(at))
            }
            (Kind::Many(_), Value::Array(ids)) => {
                let ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
                Sql::Text(ids.join(", "))
            }
            (_, value) => plain(value),
        }
    }

    /// The fields of a body whose names are columns of the table.
    pub(super) fn fields(
        &self,
        mut row: Row,
        def: &Def,
        body: &Map<String, Value>,
        columns: &[String],
    ) -> Row {
        for field in def.fields() {
            let column = field.name.to_lowercase();
            let taken = row.cells.iter().any(|(name, _)| *name == column);
            if let Some(value) = body.get(&field.name)
                && !taken
                && columns.contains(&column)
                && (!value.is_array() || matches!(field.kind, Kind::Many(_)))
                && !value.is_object()
            {
                row = row.with(&column, self.sql(&field.kind, value));
            }
        }
        row
    }

    /// All rows of a record; `columns` gives the columns of a table.
    pub(super) fn rows(&self, record: &Record, columns: &dyn Fn(&str) -> Vec<String>) -> Vec<Row> {
        let def = self.schema.def(&record.kind);
        match def.family.as_str() {
            "transaction" => self.transaction(def, record, columns),
            "entity" => self.entity(def, record, columns),
            "item" => self.item(def, record, columns),
            _ => self.list(def, record, columns),
        }
    }

    fn transaction(&self, def: &Def, record: &Record, columns: &dyn Fn(&str) -> Vec<String>) -> Vec<Row> {
        let entity = [record.text("entity"), record.text("customer")];
        let entity = entity.iter().find_map(|id| id.parse().ok()).map_or(Sql::Null, Sql::Integer);
        let total =
            if record.body.contains_key("total") { record.amount("total") } else { record.amount("payment") };
        let in_base = total.times(record.amount("exchangeRate")).round(2);
        let mut row = Row::new("transaction")
            .id("id", record.id)
            .text("type", &def.code)
            .text("recordtype", &def.name.to_lowercase())
            .with("entity", entity.clone())
            .text("externalid", record.external_id.as_deref().unwrap_or_default())
            .number("foreigntotal", total)
            .number("total", in_base)
            .with("createddate", self.moment(record.created))
            .with("lastmodifieddate", self.moment(record.modified))
            .flag("voided", record.text("status") == "V" || record.is("voided"))
            .flag("posting", !matches!(def.code.as_str(), "SalesOrd" | "Estimate" | "RtnAuth"))
            .text("trackingnumberlist", &tracking_of(record).join(" "));
        for (column, field) in [
            ("foreignamountpaid", "amountPaid"),
            ("foreignamountunpaid", "amountRemaining"),
            ("foreignpaymentamountused", "applied"),
            ("foreignpaymentamountunused", "unapplied"),
        ] {
            if record.body.contains_key(field) {
                row = row.number(column, record.amount(field));
            }
        }
        if let Ok(id) = record.text("salesRep").parse() {
            row = row.id("employee", id);
        }
        if !record.text("shippedDate").is_empty() {
            row = row.with("actualshipdate", self.sql(&Kind::Date, &record.body["shippedDate"]));
        }
        let mut rows = Vec::new();
        for (field, table) in [
            ("shippingAddress", "transactionshippingaddress"),
            ("billingAddress", "transactionbillingaddress"),
        ] {
            if let Some(Value::Object(address)) = record.body.get(field) {
                row = row.id(&field.to_lowercase(), record.id);
                rows.push(self.fields(
                    Row::new(table).id("nkey", record.id),
                    self.schema.def("address"),
                    address,
                    &columns(table),
                ));
            }
        }
        rows.push(self.fields(row, def, &record.body, &columns("transaction")));
        self.lines(def, record, (entity, total), columns, &mut rows);
        self.links(def, record, &mut rows);
        rows
    }

    fn lines(
        &self,
        def: &Def,
        record: &Record,
        (entity, total): (Sql, Amount),
        columns: &dyn Fn(&str) -> Vec<String>,
        rows: &mut Vec<Row>,
    ) {
        // Sales lines are below zero, what takes them back is above.
        let back = matches!(def.code.as_str(), "RtnAuth" | "CustCred" | "CashRfnd" | "ItemRcpt");
        let sign = Amount::whole(if back { 1 } else { -1 });
        let created_from = record.text("createdFrom").parse().map_or(Sql::Null, Sql::Integer);
        let line = |id: i64, main: bool, tax: bool| {
            Row::new("transactionline")
                .id("transaction", record.id)
                .id("id", id)
                .id("linesequencenumber", id)
                .flag("mainline", main)
                .flag("taxline", tax)
                .flag("iscogs", false)
                .flag("kitcomponent", false)
                .with("createdfrom", created_from.clone())
                .with("entity", entity.clone())
                .with("linelastmodifieddate", self.moment(record.modified))
                .with("subsidiary", record.text("subsidiary").parse().map_or(Sql::Null, Sql::Integer))
        };
        let head = line(0, true, false).id("uniquekey", record.id * 1000);
        rows.push(head.number("foreignamount", Amount::ZERO - total.times(sign)).flag("isclosed", false));
        let names = columns("transactionline");
        let lines = match def.field("item").map(|field| &field.kind) {
            Some(Kind::List(lines)) => self.schema.def(lines),
            _ => self.schema.def(""),
        };
        let mut last = 0;
        for part in record.lines("item") {
            let number = part.get("line").and_then(Value::as_i64).unwrap_or_default();
            let figure = amount(part, "amount").times(sign);
            let row = line(number, false, false)
                .id("uniquekey", record.id * 1000 + number)
                .number("foreignamount", figure)
                .number("netamount", figure.times(record.amount("exchangeRate")).round(2))
                .number("quantity", amount(part, "quantity").times(sign))
                .number(
                    "quantityshiprecv",
                    amount(part, "quantityFulfilled") + amount(part, "quantityReceived"),
                )
                .text("memo", text(part, "description"));
            rows.push(self.fields(row, lines, part, &names));
            let quantity = amount(part, "quantity").times(sign);
            let members = self.members(part, quantity);
            last = last.max(number + i64::try_from(members.len()).unwrap_or_default());
            for (at, cells) in (number + 1..).zip(members) {
                let mut row = line(at, false, false).id("uniquekey", record.id * 1000 + at);
                row.cells.retain(|(name, _)| name != "kitcomponent");
                row.cells.extend(cells);
                rows.push(row);
            }
        }
        let extra = [
            ("shippingCost", "ShipItem", record.text("shipMethod"), false),
            ("handlingCost", "ShipItem", record.text("shipMethod"), false),
            ("discountTotal", "Discount", record.text("discountItem"), false),
            ("taxTotal", "TaxItem", "", true),
        ];
        for (field, sort, item, tax) in extra {
            let figure = record.amount(field);
            if !figure.is_zero() && record.body.contains_key("item") {
                last += 1;
                let row = line(last, false, tax)
                    .id("uniquekey", record.id * 1000 + 900 + last)
                    .text("itemtype", sort)
                    .with("item", item.parse().map_or(Sql::Null, Sql::Integer));
                rows.push(row.number("foreignamount", figure.times(sign)).flag("isclosed", false));
            }
        }
    }

    fn links(&self, def: &Def, record: &Record, rows: &mut Vec<Row>) {
        let from = [record.text("createdFrom"), record.text("salesOrder"), record.text("deposit")];
        let mut sources: Vec<(i64, &str)> = Vec::new();
        if let Some(id) = from.iter().find_map(|id| id.parse().ok()) {
            let sort = match def.code.as_str() {
                "ItemShip" | "ItemRcpt" => "ShipRcpt",
                "DepAppl" => "DepAppl",
                "CustDep" => "SalesOrdDeposit",
                _ => "OrdBill",
            };
            sources.push((id, sort));
        }
        let applied = record.lines("apply").chain(record.lines("deposit")).filter(|line| is(line, "apply"));
        sources.extend(applied.filter_map(|line| Some((text(line, "doc").parse().ok()?, "Payment"))));
        for (source, sort) in sources {
            let other = self.store.resolve(self.schema, "transaction", source);
            let previous = other.map_or("", |other| self.schema.def(&other.kind).code.as_str());
            // The first table reads forward (previous to next), the second backward.
            for (table, here, there) in
                [("nexttransactionlink", source, record.id), ("previoustransactionlink", record.id, source)]
            {
                let (first, second) = if here == source {
                    (previous, def.code.as_str())
                } else {
                    (def.code.as_str(), previous)
                };
                rows.push(
                    Row::new(table)
                        .id("previousdoc", here)
                        .id("nextdoc", there)
                        .text("linktype", sort)
                        .text("previoustype", first)
                        .text("nexttype", second),
                );
            }
            for line in record.lines("item").filter(|line| line.contains_key("orderLine")) {
                let number = |field: &str| line.get(field).and_then(Value::as_i64).unwrap_or_default();
                rows.push(
                    Row::new("nexttransactionlinelink")
                        .id("previousdoc", source)
                        .id("previousline", number("orderLine"))
                        .text("previoustype", previous)
                        .id("nextdoc", record.id)
                        .id("nextline", number("line"))
                        .text("nexttype", &def.code)
                        .text("linktype", sort)
                        .number("foreignamount", amount(line, "amount"))
                        .with("lastmodifieddate", self.moment(record.modified)),
                );
            }
        }
        if def.name == "itemFulfillment" {
            let method = record.text("shipMethod").parse().map_or(Sql::Null, Sql::Integer);
            rows.push(Row::new("transactionshipment").id("doc", record.id).with("shippingmethod", method));
            for (at, number) in tracking_of(record).into_iter().enumerate() {
                let id = record.id * 100 + i64::try_from(at).unwrap_or_default();
                rows.push(
                    Row::new("trackingnumbermap").id("transaction", record.id).id("trackingnumber", id),
                );
                rows.push(Row::new("trackingnumber").id("id", id).text("trackingnumber", number));
            }
        }
    }

    fn entity(&self, def: &Def, record: &Record, columns: &dyn Fn(&str) -> Vec<String>) -> Vec<Row> {
        let base = |table: &str| {
            Row::new(table)
                .id("id", record.id)
                .text("externalid", record.external_id.as_deref().unwrap_or_default())
                .with("lastmodifieddate", self.moment(record.modified))
                .with("datecreated", self.moment(record.created))
                .text("altname", &person(record))
                .text("entitytitle", &title(self.schema, record))
                .text("type", &def.code)
        };
        let mut rows = Vec::new();
        let keep = |mut row: Row, names: &[String]| {
            row.cells.retain(|(name, _)| names.contains(name));
            row
        };
        let main = def.name.to_lowercase();
        let main = main.as_str();
        let mut row = base(main);
        for line in record.lines("addressBook") {
            let number = line.get("internalId").and_then(Value::as_i64).unwrap_or_default();
            let key = record.id * 1000 + number;
            for (flag, column) in
                [("defaultBilling", "defaultbillingaddress"), ("defaultShipping", "defaultshippingaddress")]
            {
                if is(line, flag) {
                    row = row.id(column, key);
                }
            }
            let book = Row::new("customeraddressbook").id("entity", record.id).id("addressbookaddress", key);
            let lines = self.schema.def("address-book");
            rows.push(self.fields(book, lines, line, &columns("customeraddressbook")));
            if let Some(Value::Object(address)) = line.get("addressBookAddress") {
                let table = "customeraddressbookentityaddress";
                let row = Row::new(table).id("nkey", key).id("recordowner", record.id);
                rows.push(self.fields(row, self.schema.def("address"), address, &columns(table)));
            }
        }
        for table in [main, "entity"] {
            let names = columns(table);
            let row =
                if table == main { std::mem::replace(&mut row, Row::new("entity")) } else { base("entity") };
            rows.push(keep(self.fields(row, def, &record.body, &names), &names));
        }
        for (list, table, owner) in [
            ("itemPricing", "customeritempricing", "item-pricing"),
            ("currencyList", "customercurrencybalance", "currency-list"),
            ("groupPricing", "customergrouppricing", "group-pricing"),
        ] {
            for line in record.lines(list) {
                let mut row = Row::new(table).id("customer", record.id);
                if let Ok(group) = text(line, "group").parse() {
                    row = row.id("pricinggroup", group);
                }
                rows.push(self.fields(row, self.schema.def(owner), line, &columns(table)));
            }
        }
        rows
    }

    fn list(&self, def: &Def, record: &Record, columns: &dyn Fn(&str) -> Vec<String>) -> Vec<Row> {
        let Some(table) = list_table(&def.name) else { return Vec::new() };
        let names = columns(&table);
        let mut row = Row::new(&table).id("id", record.id);
        if names.iter().any(|name| name == "fullname") {
            row = row.text("fullname", record.text("name"));
        }
        if names.iter().any(|name| name == "lastmodified") {
            row = row
                .text("externalid", record.external_id.as_deref().unwrap_or_default())
                .with("created", self.moment(record.created))
                .with("lastmodified", self.moment(record.modified));
        }
        if def.name == "salesTaxItem" && self.rates {
            row = row.with("rate", Sql::Null);
        }
        let mut rows = vec![self.fields(row, def, &record.body, &names)];
        match def.name.as_str() {
            "salesTaxItem" if self.rates => rows.push(
                Row::new("customrecord_ste_taxrate")
                    .id("id", record.id)
                    .text("name", record.text("name"))
                    .id("custrecord_ste_taxrate_taxcode", record.id)
                    .number("custrecord_ste_taxrate_rate", record.amount("rate")),
            ),
            "currency" => rows.push(
                Row::new("currencyrate")
                    .id("id", record.id)
                    .id("basecurrency", 1)
                    .id("transactioncurrency", record.id)
                    .number("exchangerate", record.amount("exchangeRate"))
                    .with("effectivedate", self.moment(record.created)),
            ),
            "location" => {
                if let Some(Value::Object(address)) = record.body.get("mainaddress") {
                    let table = "locationmainaddress";
                    let row = Row::new(table).id("nkey", record.id);
                    rows.push(self.fields(row, self.schema.def("address"), address, &columns(table)));
                }
            }
            _ => {}
        }
        rows
    }

    pub(super) fn deleted(&self, gone: &Deleted) -> Row {
        let def = self.schema.def(&gone.kind);
        Row::new("deletedrecord")
            .id("recordid", gone.id)
            .text("scriptid", &gone.kind.to_lowercase())
            .text("type", &def.title)
            .text("name", &gone.name)
            .with("deleteddate", self.moment(gone.at))
            .text("context", "REST")
            .text("externalid", gone.external_id.as_deref().unwrap_or_default())
    }

    pub(super) fn note(&self, id: i64, note: &Note) -> Row {
        Row::new("systemnote")
            .id("id", id)
            .id("recordid", note.record)
            .text("field", &format!("{}.{}", note.kind, note.field).to_uppercase())
            .text("oldvalue", &note.old)
            .text("newvalue", &note.new)
            .with("date", self.moment(note.at))
            .text("context", "RST")
            .text("type", "Change")
    }
}

/// The table of a list; a custom list has one by its own name.
pub(super) fn list_table(kind: &str) -> Option<String> {
    let known = LISTS.iter().find(|(_, shown)| *shown == kind).map(|(table, _)| (*table).to_owned());
    let own = kind.starts_with("customlist_") || kind.starts_with("customrecord_");
    known.or_else(|| own.then(|| kind.to_lowercase()))
}

/// Tables of lists and the records they show.
const LISTS: &[(&str, &str)] = &[
    ("currency", "currency"),
    ("subsidiary", "subsidiary"),
    ("location", "location"),
    ("pricelevel", "priceLevel"),
    ("salestaxitem", "salesTaxItem"),
    ("taxtype", "taxType"),
    ("nexus", "nexus"),
    ("department", "department"),
    ("classification", "classification"),
    ("term", "term"),
    ("customercategory", "customerCategory"),
    ("entitystatus", "customerStatus"),
    ("paymentmethod", "paymentMethod"),
    ("shipitem", "shipItem"),
    ("saleschannel", "salesChannel"),
    ("promotioncode", "promotionCode"),
    ("pricinggroup", "pricingGroup"),
    ("taxschedule", "taxSchedule"),
    ("file", "file"),
    ("taxitemtaxgroup", "taxGroup"),
    ("giftcertificate", "giftCertificate"),
    ("customersubsidiaryrelationship", "customerSubsidiaryRelationship"),
];

fn plain(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Bool(truth) => Sql::Text(if *truth { "T" } else { "F" }.into()),
        Value::String(text) if text.is_empty() => Sql::Null,
        Value::String(text) => Sql::Text(text.clone()),
        other => Sql::Text(other.to_string()),
    }
}
