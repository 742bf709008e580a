//! Tax properties, and what products and customers have of them: where an exemption or a VAT number rides.

use std::sync::Arc;

use axum::{Router, extract::State as Held, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::{Value, json};

use super::{needed_ids, now};
use crate::bigcommerce::{
    Store,
    answer::{Answer, Refusal, Sent, array, bulk_effect, conflict, several, unusable},
    query::{List, Params},
    shape::shape,
    shelf::Rows,
    state::State,
};

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v3/tax/properties", get(list).post(create).put(update).delete(remove))
        .route("/v3/tax/products/properties", get(of_products).put(set_products).delete(clear_products))
        .route("/v3/tax/customers", get(of_customers).put(set_customers).delete(clear_customers))
}

async fn list(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let state = store.state();
    let list = List { fields: &["id", "type"], ..List::default() };
    params.list(state.shelf.tax_properties.values(), &list, Value::clone)
}

fn unique(state: &State, row: &Value, but: Option<u64>) -> Result<(), Refusal> {
    let same = |(id, other): (&u64, &Value)| Some(*id) != but && other["code"] == row["code"];
    if row.get("code").is_some() && state.shelf.tax_properties.iter().any(same) {
        return Err(unusable(&[("code", "has to be unique")]));
    }
    Ok(())
}

async fn create(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let rows = array(&sent.0, usize::MAX)?;
    for row in rows {
        shape("tax_property").check(row, true)?;
        unique(&state, row, None)?;
    }
    let mut out = Vec::new();
    for row in rows {
        let id = state.id("tax property");
        let mut property = json!({ "id": id, "created_at": now(&store), "updated_at": now(&store) });
        shape("tax_property").write(row, &mut property);
        state.shelf.tax_properties.insert(id, shape("tax_property").whole(&property));
        out.push(shape("tax_property").whole(&property));
    }
    Ok(bulk_effect(several(&out), "tax_property", &"batch", "create", out.len()))
}

async fn update(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    let mut state = store.state();
    let mut out = Vec::new();
    for row in array(&sent.0, usize::MAX)? {
        shape("tax_property").check(row, false)?;
        let id = row["id"].as_u64().ok_or_else(|| unusable(&[("id", "error.path.missing")]))?;
        unique(&state, row, Some(id))?;
        let found = state.shelf.tax_properties.get(&id).cloned();
        let mut property = found.ok_or_else(|| unusable(&[("id", "Tax property was not found")]))?;
        shape("tax_property").write(row, &mut property);
        property["updated_at"] = json!(now(&store));
        out.push((id, property));
    }
    let rows: Vec<Value> = out.iter().map(|(_, property)| property.clone()).collect();
    state.shelf.tax_properties.extend(out);
    Ok(bulk_effect(several(&rows), "tax_property", &"batch", "update", rows.len()))
}

/// A property that a product or a customer has stays.
async fn remove(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    let ids = needed_ids(&params, "id:in", StatusCode::BAD_REQUEST)?;
    let mut state = store.state();
    let codes: Vec<Value> = ids
        .iter()
        .filter_map(|id| state.shelf.tax_properties.get(id))
        .map(|row| row["code"].clone())
        .collect();
    let mut holders = state.shelf.product_tax.values().chain(state.shelf.customer_tax.values());
    let uses = |row: &Value| {
        codes.iter().any(|code| row["tax_properties"].get(code.as_str().unwrap_or("")).is_some())
    };
    if holders.any(uses) {
        return Err(conflict("The tax property is in use", "id:in"));
    }
    state.shelf.tax_properties.retain(|id, _| !ids.contains(id));
    Ok(bulk_effect(StatusCode::NO_CONTENT.into_response(), "tax_property", &"batch", "delete", ids.len()))
}

/// Products or customers: the field of their id, the type of their properties.
#[derive(Clone, Copy)]
struct Holder(&'static str, &'static str);

const PRODUCT: Holder = Holder("product_id", "PRODUCT");
const CUSTOMER: Holder = Holder("customer_id", "CUSTOMER");

impl Holder {
    fn rows(self, state: &mut State) -> &mut Rows {
        if self.1 == "PRODUCT" { &mut state.shelf.product_tax } else { &mut state.shelf.customer_tax }
    }

    fn read(self, store: &Store, params: &Params) -> Answer {
        params.known(&[self.0])?;
        let ids = params.ids(&format!("{}:in", self.0));
        let mut state = store.state();
        let rows = self.rows(&mut state).iter();
        let wanted = rows.filter(|(id, _)| ids.as_ref().is_none_or(|ids| ids.contains(id)));
        Ok(several(&wanted.map(|(_, row)| row.clone()).collect::<Vec<_>>()))
    }

    /// What is sent takes the place of what was there.
    fn write(self, store: &Store, sent: &Value) -> Answer {
        let mut state = store.state();
        let mut out = Vec::new();
        for row in array(sent, usize::MAX)? {
            let id = row[self.0].as_u64().ok_or_else(|| unusable(&[(self.0, "error.path.missing")]))?;
            let known = if self.1 == "PRODUCT" {
                state.products.contains_key(&id)
            } else {
                state.customers.contains_key(&id)
            };
            if !known {
                return Err(unusable(&[(self.0, "was not found")]));
            }
            let values = row["tax_properties"].as_object();
            let values = values.ok_or_else(|| unusable(&[("tax_properties", "error.expected.jsobject")]))?;
            let defined = |code: &str| {
                state.shelf.tax_properties.values().any(|row| row["code"] == code && row["type"] == self.1)
            };
            if let Some((code, _)) = values.iter().find(|(code, value)| !defined(code) || !value.is_string())
            {
                return Err(unusable(&[(&format!("tax_properties.{code}"), "is not a tax property")]));
            }
            out.push((id, json!({ self.0: id, "tax_properties": values })));
        }
        let rows: Vec<Value> = out.iter().map(|(_, row)| row.clone()).collect();
        self.rows(&mut state).extend(out);
        Ok(bulk_effect(several(&rows), "tax_properties", &self.1.to_lowercase(), "update", rows.len()))
    }

    fn clear(self, store: &Store, params: &Params) -> Answer {
        let ids = needed_ids(params, &format!("{}:in", self.0), StatusCode::BAD_REQUEST)?;
        self.rows(&mut store.state()).retain(|id, _| !ids.contains(id));
        let none = StatusCode::NO_CONTENT.into_response();
        Ok(bulk_effect(none, "tax_properties", &self.1.to_lowercase(), "delete", ids.len()))
    }
}

async fn of_products(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    PRODUCT.read(&store, &params)
}

async fn set_products(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    PRODUCT.write(&store, &sent.0)
}

async fn clear_products(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    PRODUCT.clear(&store, &params)
}

async fn of_customers(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    CUSTOMER.read(&store, &params)
}

async fn set_customers(Held(store): Held<Arc<Store>>, sent: Sent) -> Answer {
    CUSTOMER.write(&store, &sent.0)
}

async fn clear_customers(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    CUSTOMER.clear(&store, &params)
}
