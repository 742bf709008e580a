//! Shows items as rows: prices, members, stock by location.
//!
//! In: an item's [`Record`], its stock. Out: [`Row`]s. It must never read a table.

use rusqlite::types::Value as Sql;
use serde_json::{Map, Value};

use super::project::{Projector, Row, figure};
use crate::netsuite::{
    amount::Amount,
    output, rules,
    schema::Def,
    store::{Record, Stock, amount, text},
};

impl Projector<'_> {
    /// The rows of an item.
    pub(super) fn item(&self, def: &Def, record: &Record, columns: &dyn Fn(&str) -> Vec<String>) -> Vec<Row> {
        let subtype = if def.name.ends_with("SaleItem") { "Sale" } else { "" };
        let on_hand: i64 = self.store.stock_of(record.id).map(|(_, stock)| stock.on_hand).sum();
        let mut row = Row::new("item")
            .id("id", record.id)
            .text("subtype", subtype)
            .text("fullname", record.text("itemId"))
            .text("description", record.text("salesDescription"))
            .text("externalid", record.external_id.as_deref().unwrap_or_default())
            .with("createddate", self.moment(record.created))
            .with("lastmodifieddate", self.moment(record.modified));
        if def.name == "inventoryItem" {
            row = row.id("totalquantityonhand", on_hand);
        }
        let mut rows = vec![self.fields(row, def, &record.body, &columns("item"))];
        for (at, line) in rules::price_rows(self.store, record).iter().enumerate() {
            let key = record.id * 1000 + i64::try_from(at).unwrap_or_default();
            let id = |field: &str| text(line, field).parse().map_or(Sql::Null, Sql::Integer);
            rows.push(
                Row::new("pricing")
                    .id("internalid", key)
                    .id("item", record.id)
                    .with("pricelevel", id("priceLevel"))
                    .with("currency", id("currencyPage"))
                    .number("quantity", amount(line, "quantity"))
                    .number("unitprice", amount(line, "price")),
            );
            if amount(line, "quantity").is_zero() {
                rows.push(
                    Row::new("itemprice")
                        .id("item", record.id)
                        .with("pricelevel", id("priceLevel"))
                        .with("currency", id("currencyPage"))
                        .text("pricelevelname", text(line, "priceLevelName"))
                        .number("price", amount(line, "price"))
                        .flag("isinactive", false),
                );
            }
        }
        for line in record.lines("member") {
            let item = text(line, "item").parse().map_or(Sql::Null, Sql::Integer);
            let number = line.get("line").and_then(Value::as_i64).unwrap_or_default();
            let row = Row::new("kititemmember").id("parentitem", record.id).with("item", item);
            rows.push(row.number("quantity", amount(line, "quantity")).id("linenumber", number));
        }
        let subsidiaries = record.body.get("subsidiary").and_then(Value::as_array).into_iter().flatten();
        for subsidiary in subsidiaries.filter_map(|id| id.as_str()?.parse().ok()) {
            rows.push(Row::new("itemsubsidiarymap").id("item", record.id).id("subsidiary", subsidiary));
        }
        rows
    }

    /// What a line of a kit is made of, as cells of its own lines: they have quantities and no amounts.
    pub(super) fn members(&self, line: &Map<String, Value>, quantity: Amount) -> Vec<Vec<(String, Sql)>> {
        let find = |id: &str| self.store.resolve(self.schema, "item", id.parse().ok()?);
        let Some(kit) = find(text(line, "item")) else { return Vec::new() };
        let member = |member: &Map<String, Value>| {
            let item = find(text(member, "item"));
            let of = |field: &str| Sql::Text(item.map_or("", |item| item.text(field)).to_owned());
            vec![
                ("item".to_owned(), item.map_or(Sql::Null, |item| Sql::Integer(item.id))),
                ("itemtype".to_owned(), of("itemType")),
                ("memo".to_owned(), of("displayName")),
                ("quantity".to_owned(), figure(quantity.times(amount(member, "quantity")))),
                ("location".to_owned(), text(line, "location").parse().map_or(Sql::Null, Sql::Integer)),
                ("kitcomponent".to_owned(), Sql::Text("T".to_owned())),
                ("isclosed".to_owned(), Sql::Text("F".to_owned())),
            ]
        };
        kit.lines("member").map(member).collect()
    }

    /// The rows of one item's stock in one location.
    pub(super) fn stock(
        &self,
        (item, location): (i64, i64),
        stock: Stock,
        columns: &dyn Fn(&str) -> Vec<String>,
    ) -> Vec<Row> {
        let id = location.to_string();
        let record = self.store.get("inventoryItem", item);
        let own =
            record.and_then(|it| it.lines("locations").find(|line| text(line, "location") == id)).cloned();
        ["inventoryitemlocations", "aggregateitemlocation"]
            .into_iter()
            .map(|table| {
                let mut row = Row::new(table).id("item", item).id("location", location);
                for (name, figure) in output::figures(stock) {
                    row = row.id(&name.to_lowercase(), figure);
                }
                let row = row.with("lastquantityavailablechange", self.moment(stock.changed));
                let own = own.clone().unwrap_or_default();
                self.fields(row, self.schema.def("locations"), &own, &columns(table))
            })
            .collect()
    }
}
