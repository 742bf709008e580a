//! Customers and contacts.

use serde_json::{Value, json};

use super::{Rules, missing};
use crate::netsuite::{
    change,
    http::Problem,
    store::{Record, is, person},
};

impl Rules<'_> {
    pub(super) fn customer(&self, record: &mut Record, before: Option<&Record>) -> Result<(), Problem> {
        let is_person = record.is("isPerson");
        record.default("isPerson", is_person);
        name(record, if is_person { "lastName" } else { "companyName" })?;
        record.default("isInactive", false);
        let Some(subsidiary) = self.store.find("subsidiary", record.text("subsidiary")) else {
            return Err(missing("subsidiary", "subsidiary"));
        };
        if before.is_some_and(|before| before.text("subsidiary") != record.text("subsidiary"))
            && self.has_transactions(record.id)
        {
            let detail = "The subsidiary cannot be changed: the customer has transactions.";
            return Err(Problem::user_at(detail, "subsidiary"));
        }
        record.default("currency", subsidiary.text("currency"));
        let currency = record.text("currency").to_owned();
        if !record.lines("currencyList").any(|line| line["currency"] == currency.as_str()) {
            let list = record.body.entry("currencyList").or_insert_with(|| json!([]));
            if let Value::Array(lines) = list {
                lines.insert(0, json!({ "currency": currency }));
            }
        }
        self.parent(record)?;
        record.default("entityStatus", "13");
        record.default("emailPreference", "DEFAULT");
        record.default("globalSubscriptionStatus", "2");
        addresses(record);
        self.unique_number(record)
    }

    pub(super) fn contact(&self, record: &mut Record) -> Result<(), Problem> {
        if record.text("entityId").is_empty() {
            let full = person(record);
            if full.is_empty() {
                return Err(missing("lastName", "lastName"));
            }
            record.set("entityId", full);
        }
        record.default("isInactive", false);
        if let Some(company) = self.store.find("customer", record.text("company")) {
            record.default("subsidiary", company.text("subsidiary"));
        }
        addresses(record);
        Ok(())
    }

    /// An employee or a partner.
    pub(super) fn person(&self, record: &mut Record) -> Result<(), Problem> {
        let full = person(record);
        if full.is_empty() {
            return Err(missing("lastName", "lastName"));
        }
        record.default("entityId", full);
        record.default("isInactive", false);
        if self.store.find("subsidiary", record.text("subsidiary")).is_none() {
            return Err(missing("subsidiary", "subsidiary"));
        }
        addresses(record);
        Ok(())
    }

    pub(super) fn relationship(&self, record: &mut Record) -> Result<(), Problem> {
        let (entity, subsidiary) = (record.text("entity"), record.text("subsidiary"));
        let twin = self.store.all("customerSubsidiaryRelationship").any(|it| {
            it.id != record.id && it.text("entity") == entity && it.text("subsidiary") == subsidiary
        });
        let primary = self
            .store
            .find("customer", entity)
            .is_some_and(|customer| customer.text("subsidiary") == subsidiary);
        if twin || primary {
            return Err(Problem::user("This customer is related to this subsidiary already."));
        }
        record.default("isPrimarySub", false);
        Ok(())
    }

    fn parent(&self, record: &mut Record) -> Result<(), Problem> {
        let mut top = record.id.to_string();
        let mut next = record.text("parent").to_owned();
        while !next.is_empty() {
            if next == record.id.to_string() {
                return Err(Problem::user_at("A customer cannot be its own parent.", "parent"));
            }
            let Some(parent) = self.store.find("customer", &next) else { break };
            top.clone_from(&next);
            next = parent.text("parent").to_owned();
        }
        record.set("topLevelParent", top);
        Ok(())
    }

    /// The customer number is made by the account unless one was sent, and is nobody else's.
    fn unique_number(&self, record: &mut Record) -> Result<(), Problem> {
        if record.text("entityId").is_empty() {
            record.set("entityId", format!("CUS{}", record.id));
        }
        let taken = self.store.all("customer").any(|it| {
            it.id != record.id && it.text("entityId").eq_ignore_ascii_case(record.text("entityId"))
        });
        if taken {
            return Err(Problem::user("Error while accessing a resource. This entity already exists."));
        }
        Ok(())
    }

    /// Whether a transaction names this customer.
    pub(crate) fn has_transactions(&self, customer: i64) -> bool {
        let id = customer.to_string();
        self.schema
            .records()
            .filter(|def| def.family == "transaction")
            .flat_map(|def| self.store.all(&def.name))
            .any(|it| it.text("entity") == id || it.text("customer") == id)
    }
}

fn name(record: &Record, field: &str) -> Result<(), Problem> {
    if record.text(field).trim().is_empty() { Err(missing(field, field)) } else { Ok(()) }
}

/// One address is the default for bills and one for deliveries: the last that asked to be.
fn addresses(record: &mut Record) {
    for flag in ["defaultBilling", "defaultShipping"] {
        let lines: Vec<_> = record.lines("addressBook").collect();
        let asked = lines.iter().rposition(|line| is(line, flag) && change::sent(line, flag));
        let chosen = asked.or_else(|| lines.iter().rposition(|line| is(line, flag)));
        let chosen = chosen.or_else(|| (!lines.is_empty()).then_some(0));
        for (at, line) in record.lines_mut("addressBook").enumerate() {
            line.insert(flag.into(), json!(Some(at) == chosen));
        }
    }
    let mut default = None;
    for line in record.lines_mut("addressBook") {
        let id = line.get("internalId").cloned().unwrap_or_default();
        line.insert("addressId".into(), json!(id.to_string()));
        if let Some(Value::Object(address)) = line.get_mut("addressBookAddress") {
            let shown = address_text(address);
            address.insert("addrText".into(), json!(shown));
            let label = address.get("addr1").cloned().unwrap_or_default();
            line.entry("label").or_insert(label);
            if is(line, "defaultBilling") {
                default = Some(shown);
            }
        }
    }
    if let Some(default) = default {
        record.set("defaultAddress", default);
    }
}

/// An address as one text of several lines.
pub(super) fn address_text(address: &serde_json::Map<String, Value>) -> String {
    let get = |name: &str| address.get(name).and_then(Value::as_str).unwrap_or_default();
    let town = [get("city"), get("state"), get("zip")];
    let town = town.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    [get("attention"), get("addressee"), get("addr1"), get("addr2"), get("addr3"), &town, get("country")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}
