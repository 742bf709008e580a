//! `/v3/customers`: people with an account in the shop. In: calls. Out: V3 answers, in batches of ten.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Held,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Map, Value, json};

use super::{
    Store,
    answer::{Answer, Refusal, Sent, effect, unusable, v3},
    query::Params,
    state::State,
};

/// Customers in one call.
const MOST: usize = 10;
const FILTERS: &[&str] = &[
    "id",
    "company",
    "customer_group_id",
    "date_created",
    "date_modified",
    "email",
    "name",
    "phone",
    "registration_ip_address",
];
/// Field, least and greatest length.
const TEXTS: &[(&str, usize, usize)] = &[
    ("email", 3, 250),
    ("first_name", 1, 100),
    ("last_name", 1, 100),
    ("company", 0, 255),
    ("phone", 0, 50),
    ("notes", 0, 65_535),
    ("tax_exempt_category", 0, 255),
];
/// Parts that are only shown when asked for: name in `include`, field.
const PARTS: &[(&str, &str)] = &[
    ("addresses", "addresses"),
    ("attributes", "attributes"),
    ("formfields", "form_fields"),
    ("storecredit", "store_credit_amounts"),
];
const ADDRESS_TEXTS: &[(&str, bool)] = &[
    ("first_name", true),
    ("last_name", true),
    ("company", false),
    ("address1", true),
    ("address2", false),
    ("city", true),
    ("state_or_province", false),
    ("postal_code", false),
    ("country_code", true),
    ("phone", false),
    ("address_type", false),
];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/customers", get(list).post(create).put(update).delete(remove))
        .route("/v3/customers/addresses", get(addresses))
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let rows: Vec<_> = state.customers.values().map(|customer| shown(customer, &params)).collect();
    params.answer(&rows, FILTERS, true)
}

fn shown(customer: &Value, params: &Params) -> Value {
    let mut out = customer.clone();
    out["name"] = json!(format!("{} {}", text(customer, "first_name"), text(customer, "last_name")));
    if let Some(object) = out.as_object_mut() {
        let hidden =
            |field: &str| PARTS.iter().any(|(part, name)| *name == field && !params.names("include", part));
        object.retain(|field, _| !hidden(field));
    }
    out
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or("")
}

async fn addresses(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let all = state.customers.values().filter_map(|customer| customer["addresses"].as_array()).flatten();
    params.answer(&all.cloned().collect::<Vec<_>>(), &["id", "company", "name", "customer_id"], false)
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let rows = rows(&sent.0)?;
    let mut state = store.state();
    // All are checked before any is made.
    let mut made = Vec::new();
    for row in rows {
        check(row, true)?;
        let taken =
            |row: &Value| is_taken(&state, row, None) || made.iter().any(|other| same_email(other, row));
        if taken(row) {
            return Err(duplicate(row));
        }
        made.push(row.clone());
    }
    let answers: Vec<Value> = made.iter().map(|row| store.add_customer(&mut state, row)).collect();
    let ids: Vec<String> = answers.iter().map(|row| row["id"].to_string()).collect();
    for row in &answers {
        store.tell_customer(&mut state, row, "created");
    }
    Ok(effect(several(&answers), "customer", &ids.join(","), "create", &[]))
}

async fn update(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let rows = rows(&sent.0)?;
    let mut state = store.state();
    for row in rows {
        check(row, false)?;
        let id = row["id"].as_u64().ok_or_else(|| unusable(&[("id", "error.path.missing.")]))?;
        if !state.customers.contains_key(&id) {
            let title = "Set customer failed.";
            return Err(v3(
                StatusCode::UNPROCESSABLE_ENTITY,
                title,
                &[(".customer_update", "No such customer")],
            ));
        }
        if is_taken(&state, row, Some(id)) {
            return Err(duplicate(row));
        }
    }
    let now = iso(&store);
    let mut answers = Vec::new();
    for row in rows {
        let Some(customer) = row["id"].as_u64().and_then(|id| state.customers.get_mut(&id)) else { continue };
        copy(row, customer);
        customer["date_modified"] = json!(now);
        answers.push(customer.clone());
    }
    let ids: Vec<String> = answers.iter().map(|row| row["id"].to_string()).collect();
    for row in &answers {
        store.tell_customer(&mut state, row, "updated");
    }
    Ok(effect(several(&answers), "customer", &ids.join(","), "update", &[]))
}

/// Without `id:in` nothing is deleted.
async fn remove(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let none = StatusCode::NO_CONTENT.into_response();
    let Some(ids) = params.get("id:in") else { return Ok(none) };
    let mut state = store.state();
    let ids: Vec<u64> = ids.split(',').filter_map(|id| id.trim().parse().ok()).collect();
    let gone: Vec<Value> = ids.iter().filter_map(|id| state.customers.remove(id)).collect();
    for row in &gone {
        store.tell_customer(&mut state, row, "deleted");
    }
    if gone.is_empty() {
        return Ok(none);
    }
    let ids: Vec<String> = gone.iter().map(|row| row["id"].to_string()).collect();
    Ok(effect(none, "customer", &ids.join(","), "delete", &[]))
}

fn several(rows: &[Value]) -> Response {
    Json(json!({ "data": rows, "meta": {} })).into_response()
}

fn rows(sent: &Value) -> Result<&Vec<Value>, Refusal> {
    let rows = sent.as_array().ok_or_else(|| unusable(&[("", "error.expected.jsarray")]))?;
    if rows.len() > MOST {
        let title = format!("The maximum items allowed in the array is {MOST}.");
        return Err(v3(StatusCode::PAYLOAD_TOO_LARGE, &title, &[]));
    }
    if rows.iter().all(Value::is_object) {
        Ok(rows)
    } else {
        Err(unusable(&[("", "error.expected.jsobject")]))
    }
}

fn check(row: &Value, creating: bool) -> Result<(), Refusal> {
    for (field, least, most) in TEXTS {
        match row.get(*field) {
            None if creating && *least > 0 => return Err(unusable(&[(field, "error.path.missing.")])),
            None => {}
            Some(Value::String(text)) if (*least..=*most).contains(&text.chars().count()) => {}
            Some(_) => return Err(unusable(&[(field, &format!("length must be {least} to {most}"))])),
        }
    }
    if row.get("email").is_some_and(|email| !email.as_str().unwrap_or("").contains('@')) {
        return Err(unusable(&[("email", "is not an e-mail address")]));
    }
    if !creating && row.get("origin_channel_id").is_some() {
        return Err(unusable(&[("origin_channel_id", "cannot be changed")]));
    }
    for address in row["addresses"].as_array().into_iter().flatten() {
        let lacking = ADDRESS_TEXTS.iter().find(|(field, needed)| *needed && text(address, field).is_empty());
        if let Some((field, _)) = lacking {
            return Err(unusable(&[(&format!("addresses.{field}"), "error.path.missing.")]));
        }
    }
    Ok(())
}

fn same_email(a: &Value, b: &Value) -> bool {
    text(a, "email").eq_ignore_ascii_case(text(b, "email"))
}

/// An e-mail address is one customer's, unless both are bound to different channels.
fn is_taken(state: &State, row: &Value, but: Option<u64>) -> bool {
    let apart = |a: &Value, b: &Value| match (a["channel_ids"].as_array(), b["channel_ids"].as_array()) {
        (Some(a), Some(b)) => !a.is_empty() && !b.is_empty() && !a.iter().any(|id| b.contains(id)),
        _ => false,
    };
    row.get("email").is_some()
        && state
            .customers
            .values()
            .any(|other| other["id"].as_u64() != but && same_email(other, row) && !apart(other, row))
}

fn duplicate(row: &Value) -> Refusal {
    let message = format!("email {} already in use", text(row, "email"));
    v3(StatusCode::UNPROCESSABLE_ENTITY, "Create customers failed.", &[(".customer_create", &message)])
}

fn iso(store: &Store) -> String {
    store.shared.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Copies the fields that a client may write.
fn copy(row: &Value, customer: &mut Value) {
    let texts = TEXTS.iter().map(|(field, ..)| *field);
    let others = ["customer_group_id", "channel_ids", "form_fields", "store_credit_amounts"];
    let flags = ["accepts_product_review_abandoned_cart_emails", "registration_ip_address"];
    for field in texts.chain(others).chain(flags) {
        if let Some(value) = row.get(field) {
            customer[field] = value.clone();
        }
    }
}

impl Store {
    /// Puts a customer in; the row has been checked.
    pub(super) fn add_customer(&self, state: &mut State, row: &Value) -> Value {
        let (id, now) = (state.id("customer"), iso(self));
        let mut customer = json!({
            "id": id,
            "email": "",
            "first_name": "",
            "last_name": "",
            "company": "",
            "phone": "",
            "registration_ip_address": "",
            "notes": "",
            "tax_exempt_category": "",
            "customer_group_id": 0,
            "date_created": now,
            "date_modified": now,
            "address_count": 0,
            "attribute_count": 0,
            "authentication": { "force_password_reset": false },
            "accepts_product_review_abandoned_cart_emails": false,
            "origin_channel_id": row.get("origin_channel_id").cloned().unwrap_or(json!(1)),
            "channel_ids": null,
            "addresses": [],
            "attributes": [],
            "form_fields": [],
            "store_credit_amounts": [{ "amount": 0 }],
        });
        copy(row, &mut customer);
        let sent = row["addresses"].as_array().into_iter().flatten();
        let addresses: Vec<Value> = sent.map(|address| new_address(state, id, address)).collect();
        customer["address_count"] = json!(addresses.len());
        customer["addresses"] = json!(addresses);
        state.customers.insert(id, customer.clone());
        customer
    }

    fn tell_customer(self: &Arc<Self>, state: &mut State, row: &Value, verb: &str) {
        let about = json!({ "type": "customer", "id": row["id"] });
        self.emit(state, &format!("store/customer/{verb}"), &about);
    }
}

fn new_address(state: &mut State, customer_id: u64, sent: &Value) -> Value {
    let mut address: Map<String, Value> =
        ADDRESS_TEXTS.iter().map(|(field, _)| ((*field).to_owned(), json!(text(sent, field)))).collect();
    address.insert("id".into(), json!(state.id("customer address")));
    address.insert("customer_id".into(), json!(customer_id));
    if text(sent, "address_type").is_empty() {
        address.insert("address_type".into(), json!("residential"));
    }
    address.insert("country".into(), json!(text(sent, "country")));
    address.insert("form_fields".into(), sent.get("form_fields").cloned().unwrap_or(json!([])));
    Value::Object(address)
}
