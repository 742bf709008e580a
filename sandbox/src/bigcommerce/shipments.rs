//! Shipments of orders, written: what was sent to which address, how it is tracked. In: calls. Out: V2 answers, and the order's
//! quantities and status after them. Facts: `orders.v2.oas2.yml` (Order Shipments), bigcommerce.md 6.6.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::State as Held,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::post,
};
use serde_json::{Map, Value, json};

use super::{
    Store,
    answer::{Answer, Id, Ids, Refusal, Sent, effect, gone, invalid, no_content, read_only, v2},
    money::Fixed,
    order::{LineKind, Order},
    state::State,
    view,
};

/// Text fields and their greatest length.
const TEXTS: &[(&str, usize)] = &[
    ("tracking_number", 50),
    ("tracking_link", 500),
    ("shipping_method", 65_535),
    ("shipping_provider", 255),
    ("tracking_carrier", 255),
    ("comments", 65_535),
];
const READ_ONLY: &[&str] = &[
    "id",
    "order_id",
    "customer_id",
    "date_created",
    "billing_address",
    "shipping_address",
    "generated_tracking_link",
    "shipping_provider_display_name",
];
/// Providers, and the names shown for them.
const PROVIDERS: &[(&str, &str)] = &[
    ("", ""),
    ("auspost", "Australia Post"),
    ("canadapost", "Canada Post"),
    ("endicia", "Endicia"),
    ("usps", "USPS"),
    ("fedex", "FedEx"),
    ("ups", "UPS"),
    ("upsready", "UPS Ready"),
    ("upsonline", "UPS Online"),
    ("shipperhq", "ShipperHQ"),
    ("royalmail", "Royal Mail"),
];
/// Statuses of an order of which nothing may be sent any more (choice).
const CLOSED: &[u64] = &[0, 4, 5, 6];

/// The routes that write; `orders` has those that read.
pub(super) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/v2/orders/{id}/shipments", post(create).delete(remove_all))
        .route("/v2/orders/{id}/shipments/{shipment}", axum::routing::put(update).delete(remove))
}

fn bad(text: &str) -> Refusal {
    v2(StatusCode::BAD_REQUEST, text)
}

/// Checks the fields of a shipment; `items` are looked at elsewhere.
fn check(store: &Store, body: &Map<String, Value>, creating: bool) -> Result<(), Refusal> {
    for (name, value) in body {
        if READ_ONLY.contains(&name.as_str()) || (name == "items" && !creating) {
            return Err(read_only(name));
        }
        if let Some((_, most)) = TEXTS.iter().find(|(known, _)| known == name) {
            let fits = value.as_str().is_some_and(|text| text.chars().count() <= *most);
            if !fits {
                return Err(invalid(name));
            }
        } else if name == "merchant_shipping_cost" {
            Fixed::from_json(value).filter(|cost| *cost >= Fixed::ZERO).ok_or_else(|| invalid(name))?;
        } else if !matches!(name.as_str(), "order_address_id" | "items")
            && store.settings.refuse_unknown_fields
        {
            return Err(bad(&format!("The field '{name}' is not supported by this resource.")));
        }
    }
    let provider = body.get("shipping_provider").and_then(Value::as_str).unwrap_or("");
    let known = PROVIDERS.iter().any(|(known, _)| *known == provider) || provider.starts_with("carrier_");
    if known { Ok(()) } else { Err(invalid("shipping_provider")) }
}

/// The lines that are sent, with their numbers, each of the address and not more of it than is left.
fn items(order: &Order, address: u64, body: &Map<String, Value>) -> Result<Vec<(u64, u32)>, Refusal> {
    let rows = body.get("items").and_then(Value::as_array).filter(|rows| !rows.is_empty());
    let rows = rows.ok_or_else(|| bad("The required field 'items' was not supplied."))?;
    let mut wanted: BTreeMap<u64, u32> = BTreeMap::new();
    for row in rows {
        let id = whole(&row["order_product_id"]).ok_or_else(|| invalid("items.order_product_id"))?;
        let count = whole(&row["quantity"]).and_then(|count| u32::try_from(count).ok());
        let count = count.filter(|count| *count > 0).ok_or_else(|| invalid("items.quantity"))?;
        *wanted.entry(id).or_default() += count;
    }
    for (id, count) in &wanted {
        let line = order.lines.iter().find(|line| line.id == *id);
        let line = line.ok_or_else(|| bad(&format!("The order has no product with the id {id}.")))?;
        if line.kind != LineKind::Physical {
            return Err(bad(&format!("The order product {id} is not physical and cannot be shipped.")));
        }
        if line.address_id != address {
            return Err(bad(&format!("The order product {id} does not go to the order address {address}.")));
        }
        let left = line.quantity - line.shipped.min(line.quantity);
        if *count > left {
            let text = format!(
                "The quantity of the order product {id} is greater than what is left to ship ({left})."
            );
            return Err(bad(&text));
        }
    }
    Ok(wanted.into_iter().collect())
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The address a shipment goes to: the one that is named, or the only one.
fn address(order: &Order, body: &Map<String, Value>) -> Result<u64, Refusal> {
    let Some(sent) = body.get("order_address_id") else {
        let only = order.addresses.first().filter(|_| order.addresses.len() == 1);
        return only
            .map(|only| only.id)
            .ok_or_else(|| bad("The required field 'order_address_id' was not supplied."));
    };
    let known = whole(sent).filter(|id| order.addresses.iter().any(|address| address.id == *id));
    known.ok_or_else(|| invalid("order_address_id"))
}

/// The fields that follow from others.
fn derive(row: &mut Value) {
    let text = |field: &str| row[field].as_str().unwrap_or("").to_owned();
    let (provider, carrier, number) =
        (text("shipping_provider"), text("tracking_carrier"), text("tracking_number"));
    let name = PROVIDERS.iter().find(|(known, _)| *known == provider).map_or("", |(_, name)| name);
    let own = !text("tracking_link").is_empty();
    let by = if provider.is_empty() { &carrier } else { &provider };
    row["shipping_provider_display_name"] = json!(name);
    row["generated_tracking_link"] = if own || number.is_empty() || by.is_empty() {
        json!("")
    } else {
        json!(format!("https://track.example.com/{by}/{number}"))
    };
}

fn write(body: &Map<String, Value>, row: &mut Value) {
    for (field, _) in TEXTS {
        if let Some(value) = body.get(*field) {
            row[*field] = value.clone();
        }
    }
    if let Some(cost) = body.get("merchant_shipping_cost").and_then(Fixed::from_json) {
        row["merchant_shipping_cost"] = cost.v2();
    }
    derive(row);
}

/// The status that follows from what has been sent: all of it, a part, or the status as it was. Deleting a shipment does not move
/// the order back (bigcommerce.md 6.6).
fn status(order: &mut Order, now: jiff::Timestamp) {
    let physical = order.lines.iter().filter(|line| line.kind == LineKind::Physical);
    let (bought, sent) =
        physical.fold((0, 0), |(bought, sent), line| (bought + line.quantity, sent + line.shipped));
    if sent == 0 {
        return;
    }
    if sent >= bought {
        order.shipped.get_or_insert(now);
        order.status_id = 2;
    } else {
        order.status_id = 3;
    }
}

fn tell(store: &Arc<Store>, state: &mut State, id: u64, order: u64, verb: &str) {
    let data = json!({ "type": "shipment", "id": id, "orderId": order });
    store.emit(state, &format!("store/shipment/{verb}"), &data);
}

async fn create(Held(store): Held<Arc<Store>>, Id(id): Id, sent: Sent) -> Answer {
    let body = sent.object().map_err(|_| invalid(""))?;
    check(&store, &body, true)?;
    let mut state = store.state();
    let mut order = store.filed(&state, id).ok_or_else(gone)?.order().clone();
    if order.deleted || CLOSED.contains(&order.status_id) {
        return Err(bad("The order cannot be shipped in its present status."));
    }
    let address = address(&order, &body)?;
    let items = items(&order, address, &body)?;
    let to = order.addresses.iter().find(|own| own.id == address).ok_or_else(gone)?;
    let shipment = state.id("shipment");
    let mut rows = Vec::new();
    for (line_id, count) in &items {
        let product = order.lines.iter().find(|line| line.id == *line_id).map_or(0, |line| line.product_id);
        rows.push(json!({ "order_product_id": line_id, "product_id": product, "quantity": count }));
    }
    let mut row = json!({
        "id": shipment,
        "order_id": id,
        "customer_id": order.customer_id,
        "order_address_id": address,
        "date_created": view::rfc2822(store.shared.clock.now()),
        "tracking_number": "",
        "merchant_shipping_cost": "0.0000",
        "shipping_method": to.shipping_method,
        "comments": "",
        "shipping_provider": "",
        "tracking_carrier": "",
        "tracking_link": "",
        "billing_address": view::contact(&order.billing),
        "shipping_address": view::contact(&to.contact),
        "items": rows,
        "shipping_provider_display_name": "",
        "generated_tracking_link": "",
    });
    write(&body, &mut row);
    state.shipments.insert(shipment, row.clone());
    for (line_id, count) in &items {
        for line in order.lines.iter_mut().filter(|line| line.id == *line_id) {
            line.shipped += count;
        }
    }
    status(&mut order, store.shared.clock.now());
    store.rewrite(&mut state, order);
    tell(&store, &mut state, shipment, id, "created");
    let location = format!("/v2/orders/{id}/shipments/{shipment}");
    let answer = (StatusCode::CREATED, [(header::LOCATION, location)], Json(row)).into_response();
    Ok(effect(answer, "shipment", &shipment, "create", &body.keys().cloned().collect::<Vec<_>>()))
}

/// Items stay as they were sent.
async fn update(Held(store): Held<Arc<Store>>, Ids(id, shipment): Ids, sent: Sent) -> Answer {
    let body = sent.object().map_err(|_| invalid(""))?;
    let mut state = store.state();
    let order = store.filed(&state, id).ok_or_else(gone)?.order().clone();
    let found = state.shipments.get(&shipment).filter(|row| row["order_id"] == json!(id));
    let mut row = found.ok_or_else(gone)?.clone();
    check(&store, &body, false)?;
    if body.contains_key("order_address_id") {
        let to = address(&order, &body)?;
        row["order_address_id"] = json!(to);
        let contact = order.addresses.iter().find(|own| own.id == to).map(|own| view::contact(&own.contact));
        row["shipping_address"] = contact.unwrap_or_default();
    }
    write(&body, &mut row);
    state.shipments.insert(shipment, row.clone());
    tell(&store, &mut state, shipment, id, "updated");
    let names: Vec<String> = body.keys().cloned().collect();
    Ok(effect(Json(row).into_response(), "shipment", &shipment, "update", &names))
}

/// Takes a shipment back: what it sent is to be sent again, the order's status stays.
fn undo(store: &Arc<Store>, state: &mut State, id: u64, shipment: u64) -> Result<(), Refusal> {
    let mut order = store.filed(state, id).ok_or_else(gone)?.order().clone();
    let found = state.shipments.get(&shipment).filter(|row| row["order_id"] == json!(id));
    let row = found.ok_or_else(gone)?.clone();
    state.shipments.remove(&shipment);
    for item in row["items"].as_array().into_iter().flatten() {
        let count = item["quantity"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
        let line_id = item["order_product_id"].as_u64();
        for line in order.lines.iter_mut().filter(|line| Some(line.id) == line_id) {
            line.shipped = line.shipped.saturating_sub(count);
        }
    }
    store.rewrite(state, order);
    tell(store, state, shipment, id, "deleted");
    Ok(())
}

async fn remove(Held(store): Held<Arc<Store>>, Ids(id, shipment): Ids) -> Answer {
    undo(&store, &mut store.state(), id, shipment)?;
    Ok(no_content("shipment", &shipment, "delete"))
}

async fn remove_all(Held(store): Held<Arc<Store>>, Id(id): Id) -> Answer {
    let mut state = store.state();
    store.filed(&state, id).ok_or_else(gone)?;
    let own = state.shipments.iter().filter(|(_, row)| row["order_id"] == json!(id));
    let own: Vec<u64> = own.map(|(shipment, _)| *shipment).collect();
    for shipment in &own {
        undo(&store, &mut state, id, *shipment)?;
    }
    let list: Vec<String> = own.iter().map(u64::to_string).collect();
    Ok(no_content("shipment", &list.join(","), "delete"))
}
