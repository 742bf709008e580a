//! Items, stock adjustments, gift certificates.

use serde_json::{Value, json};

use super::{Rules, missing};
use crate::netsuite::{
    change,
    http::Problem,
    store::{Record, amount, text},
};

impl Rules<'_> {
    pub(super) fn item(&self, record: &mut Record) -> Result<(), Problem> {
        let def = self.schema.def(&record.kind);
        let number = record.text("itemId").to_owned();
        if number.trim().is_empty() {
            return Err(missing("itemId", "itemId"));
        }
        let taken = self
            .schema
            .records()
            .filter(|def| def.family == "item")
            .flat_map(|def| self.store.all(&def.name))
            .any(|it| {
                it.text("itemId").eq_ignore_ascii_case(&number)
                    && (&it.kind, it.id) != (&record.kind, record.id)
            });
        if taken {
            return Err(Problem::user("Error while accessing a resource. This item already exists."));
        }
        record.set("itemType", def.code.clone());
        record.set("internalId", record.id);
        record.default("isInactive", false);
        record.default("isTaxable", true);
        record.default("includeChildren", true);
        record.default("subsidiary", json!(["1"]));
        for line in record.lines_mut("price") {
            line.entry("quantity").or_insert_with(|| json!(0));
            let cell = change::cell(line);
            line.insert("cell".into(), json!(cell));
        }
        self.price_names(record)
    }

    fn price_names(&self, record: &mut Record) -> Result<(), Problem> {
        let mut cells = Vec::new();
        for (at, line) in record.lines_mut("price").enumerate() {
            let cell = text(line, "cell").to_owned();
            if cells.contains(&cell) {
                let path = format!("price.items[{at}]");
                return Err(Problem::user_at(format!("The price {cell} is there twice."), &path));
            }
            cells.push(cell);
            let name =
                self.store.find("priceLevel", text(line, "priceLevel")).map(|level| level.text("name"));
            line.insert("priceLevelName".into(), json!(name));
        }
        Ok(())
    }

    pub(super) fn adjustment(&self, record: &mut Record, before: Option<&Record>) -> Result<(), Problem> {
        if before.is_some() {
            return Err(Problem::user("An inventory adjustment cannot be changed here; enter another."));
        }
        for (at, line) in record.lines("inventory").enumerate() {
            let path = |field: &str| format!("inventory.items[{at}].{field}");
            if self.store.find("inventoryItem", text(line, "item")).is_none() {
                return Err(Problem::content("only inventory items have stock", &path("item")));
            }
            let by = amount(line, "adjustQtyBy");
            if by.is_zero() || by != by.round(0) {
                return Err(Problem::content(
                    "the quantity must be a whole number other than zero",
                    &path("adjustQtyBy"),
                ));
            }
        }
        if record.lines("inventory").next().is_none() {
            return Err(missing("inventory", "inventory"));
        }
        record.default("tranDate", self.today().to_string());
        record.default("subsidiary", "1");
        Ok(())
    }

    pub(super) fn certificate(record: &mut Record, before: Option<&Record>) {
        record.default("currency", "1");
        if before.is_none() {
            let value = record.body.get("originalAmount").cloned().unwrap_or(Value::Null);
            record.set("amountRemaining", value);
        }
    }
}
