//! `/v2/orders` and what hangs below it. In: calls. Out: V2 answers; every write is followed by its webhooks. It must
//! never work out a sum.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Held,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::{
    Store,
    answer::{Answer, Id, Ids, Refusal, Sent, effect, gone, invalid, list, v2},
    fields,
    money::Fixed,
    order_write,
    query::{Params, instant},
    state::{Filed, State},
    status, tax_view,
    view::View,
};

/// The filters of `GET /orders` and of the count.
const FILTERS: &[&str] = &[
    "min_id",
    "max_id",
    "min_total",
    "max_total",
    "customer_id",
    "email",
    "status_id",
    "cart_id",
    "payment_method",
    "min_date_created",
    "max_date_created",
    "min_date_modified",
    "max_date_modified",
    "channel_id",
    "external_order_id",
];
const STEERING: &[&str] = &["page", "limit", "sort", "include", "consignment_structure"];

/// The routes.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v2/orders", get(all).post(create).delete(archive_all))
        .route("/v2/orders/count", get(count))
        .route("/v2/orders/{id}", get(one).put(update).delete(archive))
        .route("/v2/orders/{id}/products", get(products))
        .route("/v2/orders/{id}/products/{line}", get(product))
        .route("/v2/orders/{id}/coupons", get(coupons))
        .route("/v2/orders/{id}/taxes", get(taxes))
        .route("/v2/orders/{id}/fees", get(fees))
        .route("/v2/orders/{id}/consignments", get(consignments))
        .route("/v2/orders/{id}/messages", get(messages))
        .route("/v2/orders/{id}/shipping_addresses", get(addresses))
        .route("/v2/orders/{id}/shipping_addresses/{address}", get(address).put(update_address))
        .route("/v2/orders/{id}/shipments", get(shipments))
        .route("/v2/orders/{id}/shipments/count", get(shipment_count))
        .route("/v2/orders/{id}/shipments/{shipment}", get(shipment))
        .route("/v2/order_statuses", get(statuses))
        .route("/v2/order_statuses/{id}", get(one_status))
}

impl Store {
    fn view<'a>(&'a self, filed: &'a Filed, base: &'a str) -> View<'a> {
        View { order: filed.order(), priced: filed.priced(), base, store_currency: &self.settings.currency }
    }

    fn base(&self) -> String {
        format!("{}/stores/{}/v2", self.shared.bases.bigcommerce, self.settings.store_hash)
    }

    /// Whether reads find the order already.
    fn is_visible(&self, filed: &Filed) -> bool {
        let lag = SignedDuration::from_millis(self.settings.read_lag_ms.try_into().unwrap_or(i64::MAX));
        self.shared.clock.now().duration_since(filed.order().created) >= lag || lag.is_zero()
    }

    /// The order a read finds.
    pub(super) fn filed<'a>(&self, state: &'a State, id: u64) -> Option<&'a Filed> {
        state.orders.get(&id).filter(|filed| self.is_visible(filed))
    }

    /// One part of one order, paged.
    fn part(&self, id: u64, params: &Params, part: impl Fn(View) -> Vec<Value>) -> Answer {
        let state = self.state();
        let filed = self.filed(&state, id).ok_or_else(gone)?;
        Ok(list(&params.page(&part(self.view(filed, &self.base())))))
    }

    fn checked(&self, params: &Params) -> Result<(), Refusal> {
        let known = |name| FILTERS.contains(&name) || STEERING.contains(&name);
        let unknown = params.pairs().find(|(name, _)| !known(name) && self.settings.refuse_unknown_fields);
        unknown.map_or(Ok(()), |(name, _)| Err(invalid(name)))
    }

    /// An order as V2 prints it, with what `include` asks for.
    fn shown(&self, filed: &Filed, params: &Params, base: &str) -> Value {
        let view = self.view(filed, base);
        let mut order = view.order();
        let whole = params.names("include", "consignments.line_items");
        if whole || params.names("include", "consignments") {
            let consignments = view.consignments(whole);
            let as_object = params.get("consignment_structure") == Some("object");
            order["consignments"] = if as_object { consignments } else { json!([consignments]) };
        }
        if params.names("include", "fees") {
            order["fees"] = json!(view.fees());
        }
        order
    }
}

async fn all(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    store.checked(&params)?;
    let state = store.state();
    let mut found = select(&store, &state, &params)?;
    sort(&mut found, params.get("sort").unwrap_or("id:asc"))?;
    let (skip, take) = params.window();
    let base = store.base();
    let shown: Vec<Value> =
        found.into_iter().skip(skip).take(take).map(|filed| store.shown(filed, &params, &base)).collect();
    Ok(list(&shown))
}

fn select<'a>(store: &Store, state: &'a State, params: &Params) -> Result<Vec<&'a Filed>, Refusal> {
    let tests: Vec<(&str, &str)> =
        params.pairs().filter(|(name, value)| FILTERS.contains(name) && !value.is_empty()).collect();
    let mut found = Vec::new();
    'orders: for filed in state.orders.values().filter(|filed| store.is_visible(filed)) {
        for (name, value) in &tests {
            if !passes(filed, name, value).ok_or_else(|| invalid(name))? {
                continue 'orders;
            }
        }
        found.push(filed);
    }
    Ok(found)
}

/// Whether an order passes one filter; nothing if the filter's value cannot be read. Instants count in whole seconds.
fn passes(filed: &Filed, name: &str, value: &str) -> Option<bool> {
    let (order, priced) = (filed.order(), filed.priced());
    let number = || value.parse::<u64>().ok();
    let money = || Fixed::parse(value);
    let second = || instant(value).map(jiff::Timestamp::as_second);
    Some(match name {
        "min_id" => order.id >= number()?,
        "max_id" => order.id <= number()?,
        "min_total" => priced.total.inc >= money()?,
        "max_total" => priced.total.inc <= money()?,
        "customer_id" => order.customer_id == number()?,
        "email" => order.billing.email.eq_ignore_ascii_case(value),
        "status_id" => order.status_id == number()?,
        "cart_id" => order.cart_id == value,
        "payment_method" => order.payment_method == value,
        "min_date_created" => order.created.as_second() >= second()?,
        "max_date_created" => order.created.as_second() <= second()?,
        "min_date_modified" => order.modified.as_second() >= second()?,
        "max_date_modified" => order.modified.as_second() <= second()?,
        "channel_id" => order.channel_id == number()?,
        "external_order_id" => order.plain.get("external_order_id").is_some_and(|found| found == value),
        _ => true,
    })
}

fn sort(found: &mut [&Filed], by: &str) -> Result<(), Refusal> {
    let (field, direction) = by.split_once(':').unwrap_or((by, "asc"));
    let key = |filed: &Filed| {
        let order = filed.order();
        Some(match field {
            "id" => order.id.cast_signed(),
            "customer_id" => order.customer_id.cast_signed(),
            "date_created" => order.created.as_second(),
            "date_modified" => order.modified.as_second(),
            "status_id" => order.status_id.cast_signed(),
            "channel_id" => order.channel_id.cast_signed(),
            "external_id" => 0,
            _ => return None,
        })
    };
    if found.first().is_some_and(|first| key(first).is_none()) {
        return Err(invalid("sort"));
    }
    found.sort_by_key(|filed| key(filed));
    match direction {
        "asc" => Ok(()),
        "desc" => {
            found.reverse();
            Ok(())
        }
        _ => Err(invalid("sort")),
    }
}

async fn count(Held(store): Held<Arc<Store>>, params: Params) -> Answer {
    store.checked(&params)?;
    let state = store.state();
    let found = select(&store, &state, &params)?;
    let of = |id| found.iter().filter(|filed| filed.order().status_id == id).count();
    Ok(Json(json!({ "statuses": status::counts(of), "count": found.len() })).into_response())
}

async fn one(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    let filed = store.filed(&state, id).ok_or_else(gone)?;
    Ok(Json(store.shown(filed, &params, &store.base())).into_response())
}

async fn create(Held(store): Held<Arc<Store>>, params: Params, sent: Sent) -> Answer {
    let body = sent.object().map_err(|_| invalid(""))?;
    let mut state = store.state();
    let order = order_write::create(&store, &mut state, &body)?;
    let id = order.id;
    state.file(order);
    store.emit(&mut state, "store/order/created", &about(id));
    let filed = state.orders.get(&id).ok_or_else(gone)?;
    let status = StatusCode::from_u16(store.settings.created_status).unwrap_or(StatusCode::CREATED);
    let location = format!("{}/orders/{id}", store.base());
    let shown = Json(store.shown(filed, &params, &store.base()));
    let answer = (status, [(header::LOCATION, location)], shown).into_response();
    Ok(effect(answer, "order", &id, "create", &names(&body)))
}

fn names(body: &Map<String, Value>) -> Vec<String> {
    body.keys().cloned().collect()
}

fn about(id: u64) -> Value {
    json!({ "type": "order", "id": id })
}

async fn update(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params, sent: Sent) -> Answer {
    let body = sent.object().map_err(|_| invalid(""))?;
    let mut state = store.state();
    let mut order = store.filed(&state, id).ok_or_else(gone)?.order().clone();
    fields::check(&body, false, store.settings.refuse_unknown_fields)?;
    order_write::update(&store, &mut state, &mut order, &body)?;
    store.rewrite(&mut state, order);
    let filed = state.orders.get(&id).ok_or_else(gone)?;
    let answer = Json(store.shown(filed, &params, &store.base())).into_response();
    Ok(effect(answer, "order", &id, "update", &names(&body)))
}

impl Store {
    /// Puts a changed order back: `date_modified` moves, and the hooks are told, whoever changed it.
    pub(super) fn rewrite(self: &Arc<Self>, state: &mut State, mut order: super::order::Order) {
        let old = state.orders.get(&order.id).map(|filed| (filed.order().status_id, filed.order().deleted));
        let (id, status_id, deleted) = (order.id, order.status_id, order.deleted);
        order.modified = self.shared.clock.now();
        state.file(order);
        self.emit(state, "store/order/updated", &about(id));
        let Some((old_status, was_deleted)) = old else { return };
        if old_status != status_id {
            let mut data = about(id);
            data["status"] = json!({ "previous_status_id": old_status, "new_status_id": status_id });
            self.emit(state, "store/order/statusUpdated", &data);
        }
        if deleted && !was_deleted {
            self.emit(state, "store/order/archived", &about(id));
        }
    }
}

async fn archive(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let mut state = store.state();
    let mut order = store.filed(&state, id).ok_or_else(gone)?.order().clone();
    order.deleted = true;
    store.rewrite(&mut state, order);
    Ok(effect(StatusCode::NO_CONTENT.into_response(), "order", &id, "archive", &[]))
}

async fn archive_all(Held(store): Held<Arc<Store>>) -> Response {
    let mut state = store.state();
    let orders: Vec<_> = state.orders.values().map(|filed| filed.order().clone()).collect();
    for mut order in orders.into_iter().filter(|order| !order.deleted) {
        order.deleted = true;
        store.rewrite(&mut state, order);
    }
    effect(StatusCode::NO_CONTENT.into_response(), "order", &"all", "archive", &[])
}

async fn products(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    store.part(id, &params, |view| view.products())
}

async fn product(Held(store): Held<Arc<Store>>, Ids(id, line): Ids) -> Answer {
    store.row(id, line, |view| view.products())
}

impl Store {
    /// One row of a part of one order.
    fn row(&self, id: u64, inner: u64, part: impl Fn(View) -> Vec<Value>) -> Answer {
        let state = self.state();
        let filed = self.filed(&state, id).ok_or_else(gone)?;
        let rows = part(self.view(filed, &self.base()));
        let row = rows.into_iter().find(|row| row["id"] == json!(inner)).ok_or_else(gone)?;
        Ok(Json(row).into_response())
    }
}

async fn coupons(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    store.part(id, &params, |view| view.coupons())
}

async fn taxes(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let details = params.get("details") == Some("true");
    store.part(id, &params, |view| tax_view::taxes(view.order, view.priced, details))
}

async fn fees(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let state = store.state();
    let filed = store.filed(&state, id).ok_or_else(gone)?;
    Ok(Json(json!({ "fees": store.view(filed, &store.base()).fees() })).into_response())
}

async fn consignments(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    let filed = store.filed(&state, id).ok_or_else(gone)?;
    let whole = params.names("include", "consignments.line_items");
    Ok(Json(store.view(filed, &store.base()).consignments(whole)).into_response())
}

async fn messages(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    store.filed(&state, id).ok_or_else(gone)?;
    Ok(list(&params.page(&below(&state.messages, id))))
}

async fn addresses(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    store.part(id, &params, |view| view.addresses())
}

async fn address(Held(store): Held<Arc<Store>>, Ids(id, address): Ids) -> Answer {
    store.row(id, address, |view| view.addresses())
}

/// Neither tax nor carriage is worked out anew for the new place.
async fn update_address(Held(store): Held<Arc<Store>>, Ids(id, inner): Ids, sent: Sent) -> Answer {
    let body = sent.object().map_err(|_| invalid(""))?;
    let mut state = store.state();
    let mut order = store.filed(&state, id).ok_or_else(gone)?.order().clone();
    let found = order.addresses.iter_mut().find(|address| address.id == inner).ok_or_else(gone)?;
    let old = (found.contact.country_iso2.clone(), found.contact.state.clone());
    found.taxed_at.get_or_insert(old);
    found.contact = order_write::contact(Some(&json!(body)), "shipping_address", &found.contact)?;
    if let Some(Value::String(method)) = body.get("shipping_method") {
        found.shipping_method.clone_from(method);
    }
    store.rewrite(&mut state, order);
    drop(state);
    let answer = store.row(id, inner, |view| view.addresses())?;
    Ok(effect(answer, "shipping_address", &inner, "update", &names(&body)))
}

fn below(rows: &std::collections::BTreeMap<u64, Value>, order_id: u64) -> Vec<Value> {
    rows.values().filter(|row| row["order_id"] == json!(order_id)).cloned().collect()
}

async fn shipments(Held(store): Held<Arc<Store>>, Id(id): Id, params: Params) -> Answer {
    let state = store.state();
    store.filed(&state, id).ok_or_else(gone)?;
    Ok(list(&params.page(&below(&state.shipments, id))))
}

async fn shipment_count(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let state = store.state();
    store.filed(&state, id).ok_or_else(gone)?;
    Ok(Json(json!({ "count": below(&state.shipments, id).len() })).into_response())
}

async fn shipment(Held(store): Held<Arc<Store>>, Ids(id, shipment): Ids) -> Answer {
    let state = store.state();
    let found = state.shipments.get(&shipment).filter(|row| row["order_id"] == json!(id)).ok_or_else(gone)?;
    Ok(Json(found).into_response())
}

async fn statuses() -> Response {
    Json(status::list()).into_response()
}

async fn one_status(Id(id): Id) -> Answer {
    let found = status::list().into_iter().find(|status| status["id"] == json!(id));
    found
        .map(|status| Json(status).into_response())
        .ok_or_else(|| v2(StatusCode::NOT_FOUND, "No such status."))
}
