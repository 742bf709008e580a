//! Orders as clients write them. In: the body of a `POST` or `PUT`. Out: a changed [`Order`] or a refusal. Sums that a
//! client sends are checked to come in pairs and then worked out here all the same.

use serde_json::{Map, Value, json};

use super::{
    Store,
    answer::{Refusal, invalid},
    currency, fields,
    money::Fixed,
    order::{Contact, Cost, Fee, Line, LineKind, Order, ShippingAddress, Wrapping},
    query,
    state::State,
    status,
    tax::{self, Rules},
};

type Body = Map<String, Value>;

/// A new order from the body of a `POST`.
pub(super) fn create(store: &Store, state: &mut State, body: &Body) -> Result<Order, Refusal> {
    fields::check(body, true, store.settings.refuse_unknown_fields)?;
    let billing = contact(body.get("billing_address"), "billing_address", &Contact::default())?;
    let currency = match body.get("default_currency_code") {
        None => store.settings.currency.clone(),
        Some(Value::String(code)) if currency::is_transactional(code) => code.clone(),
        Some(_) => return Err(invalid("default_currency_code")),
    };
    let mut order = blank(store, state, billing, &currency);
    update(store, state, &mut order, body)?;
    if order.lines.is_empty() {
        return Err(invalid("products"));
    }
    order.cart_id = String::new();
    Ok(order)
}

/// An order without lines, billed to `billing`.
pub(super) fn blank(store: &Store, state: &mut State, billing: Contact, currency: &str) -> Order {
    let now = store.shared.clock.now();
    let settings = &store.settings;
    Order {
        id: state.id("order"),
        channel_id: 1,
        customer_id: 0,
        created: now,
        modified: now,
        shipped: None,
        status_id: 1,
        deleted: false,
        currency: currency.to_owned(),
        display_currency: currency.to_owned(),
        rules: Rules {
            inclusive: tax::is_inclusive_country(&billing.country_iso2),
            rounding: settings.rounding,
            compound: settings.compound_rates,
            fees_in_total: settings.fees_in_total,
            refunds_lower_total: settings.refunds_lower_total,
            digits: currency::digits(currency),
        },
        exempt: false,
        tax_provider_id: "BasicTaxProvider".into(),
        billing,
        addresses: Vec::new(),
        lines: Vec::new(),
        fees: Vec::new(),
        coupons: Vec::new(),
        discount: Fixed::ZERO,
        wrapping: None,
        payment_method: "Manual".into(),
        payment_status: String::new(),
        store_credit: Fixed::ZERO,
        gift_certificate: Fixed::ZERO,
        transactions: Vec::new(),
        refunds: Vec::new(),
        cart_id: String::new(),
        plain: fields::plain_defaults(),
    }
}

/// Changes an order by the body of a `PUT`. The caller has checked the names of the fields.
pub(super) fn update(
    store: &Store,
    state: &mut State,
    order: &mut Order,
    body: &Body,
) -> Result<(), Refusal> {
    fields::copy_plain(body, &mut order.plain);
    if let Some(Value::String(method)) = body.get("payment_method") {
        order.payment_method.clone_from(method);
    }
    if let Some(text) = body.get("date_created") {
        order.created = text.as_str().and_then(query::instant).ok_or_else(|| invalid("date_created"))?;
    }
    if let Some(id) = number(body, "customer_id")? {
        if id != 0 && !state.customers.contains_key(&id) {
            return Err(invalid("customer_id"));
        }
        order.customer_id = id;
    }
    if let Some(id) = number(body, "channel_id")? {
        order.channel_id = id;
    }
    if let Some(billing) = body.get("billing_address") {
        order.billing = contact(Some(billing), "billing_address", &order.billing)?;
    }
    deliveries(state, order, body)?;
    lines(store, state, order, body)?;
    costs(order, body)?;
    if let Some(fees) = body.get("fees") {
        order.fees = all_fees(state, order, fees)?;
    }
    if let Some(amount) = amount(body, "discount_amount")? {
        order.discount = amount.round(order.rules.digits);
    }
    if let Some(id) = number(body, "status_id")? {
        if !status::exists(id) {
            return Err(invalid("status_id"));
        }
        set_status(order, id, store.shared.clock.now());
    }
    Ok(())
}

/// Moves an order to a status; "Shipped" marks everything as sent.
pub(super) fn set_status(order: &mut Order, status_id: u64, now: jiff::Timestamp) {
    order.status_id = status_id;
    if status_id == 2 {
        order.shipped.get_or_insert(now);
        for at in 0..order.lines.len() {
            // What was given back before it was sent is not sent.
            let left = order.lines[at].quantity - order.units_refunded(order.lines[at].id);
            let line = &mut order.lines[at];
            if line.kind == LineKind::Physical {
                line.shipped = line.shipped.max(left);
            }
        }
    }
}

fn number(body: &Body, field: &str) -> Result<Option<u64>, Refusal> {
    match body.get(field) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .map(Some)
            .ok_or_else(|| invalid(field)),
    }
}

/// A sum of money that is not negative.
fn amount(body: &Body, field: &str) -> Result<Option<Fixed>, Refusal> {
    let read = |value| Fixed::from_json(value).filter(|amount| *amount >= Fixed::ZERO);
    body.get(field).map(|value| read(value).ok_or_else(|| invalid(field))).transpose()
}

/// Net and gross, if they were sent.
fn pair(body: &Body, stem: &str) -> Result<Option<(Fixed, Fixed)>, Refusal> {
    fields::check_pair(body, stem)?;
    let (ex, inc) = (amount(body, &format!("{stem}_ex_tax"))?, amount(body, &format!("{stem}_inc_tax"))?);
    match (ex, inc) {
        (Some(ex), Some(inc)) if inc < ex => Err(invalid(&format!("{stem}_inc_tax"))),
        (ex, inc) => Ok(ex.zip(inc)),
    }
}

/// An address, on top of what is there already.
pub(super) fn contact(sent: Option<&Value>, field: &str, old: &Contact) -> Result<Contact, Refusal> {
    let Some(Value::Object(sent)) = sent else { return Err(invalid(field)) };
    let mut whole = serde_json::to_value(old).unwrap_or_default();
    for (name, value) in sent {
        let known = whole.get(name).is_some();
        let fits = if name == "form_fields" { value.is_array() } else { value.is_string() };
        if known && !fits {
            return Err(invalid(&format!("{field}.{name}")));
        }
        if known {
            whole[name] = value.clone();
        }
    }
    serde_json::from_value(whole).map_err(|_| invalid(field))
}

fn objects<'a>(value: &'a Value, field: &str) -> Result<Vec<&'a Body>, Refusal> {
    let rows = value.as_array().ok_or_else(|| invalid(field))?;
    rows.iter().map(|row| row.as_object().ok_or_else(|| invalid(field))).collect()
}

/// Shipping addresses and pickups. Without either, an order goes where the bill goes.
fn deliveries(state: &mut State, order: &mut Order, body: &Body) -> Result<(), Refusal> {
    if let Some(sent) = body.get("shipping_addresses") {
        for row in objects(sent, "shipping_addresses")? {
            let id = number(row, "id")?;
            let method = row.get("shipping_method").and_then(Value::as_str);
            let known = order.addresses.iter_mut().find(|address| Some(address.id) == id);
            if let Some(address) = known {
                address.contact = contact(Some(&json!(row)), "shipping_addresses", &address.contact)?;
                if let Some(method) = method {
                    method.clone_into(&mut address.shipping_method);
                }
            } else if id.is_some() {
                return Err(invalid("shipping_addresses"));
            } else {
                let to = contact(Some(&json!(row)), "shipping_addresses", &Contact::default())?;
                order.addresses.push(address(state, to, method.unwrap_or("None")));
            }
        }
    }
    let Some(sent) = body.get("consignments") else { return Ok(()) };
    let pickups = sent.get("pickups").ok_or_else(|| invalid("consignments"))?;
    if body.contains_key("products") {
        return Err(invalid("products"));
    }
    for row in objects(pickups, "consignments.pickups")? {
        let mut shop = row.clone();
        shop.remove("line_items");
        let mut to = address(state, order.billing.clone(), "Pickup");
        to.pickup = Some(shop);
        order.addresses.push(to);
    }
    Ok(())
}

fn address(state: &mut State, contact: Contact, method: &str) -> ShippingAddress {
    ShippingAddress {
        id: state.id("address"),
        contact,
        shipping_method: method.to_owned(),
        shipping: Cost::none(),
        handling: Cost::none(),
        taxed_at: None,
        pickup: None,
    }
}

/// Adds lines without an id, changes those with one, removes those of quantity 0; any of it clears the discounts.
fn lines(store: &Store, state: &mut State, order: &mut Order, body: &Body) -> Result<(), Refusal> {
    let pickups = body.get("consignments").and_then(|sent| sent.get("pickups")).and_then(Value::as_array);
    if let Some(pickups) = pickups {
        for (at, pickup) in pickups.iter().enumerate() {
            let items = pickup.get("line_items").ok_or_else(|| invalid("line_items"))?;
            let to = order.addresses.iter().filter(|address| address.pickup.is_some()).nth(at);
            let address_id = to.map_or(0, |address| address.id);
            for row in objects(items, "line_items")? {
                let line = new_line(store, state, order, row, address_id)?;
                order.lines.push(line);
            }
        }
    }
    let Some(sent) = body.get("products") else { return Ok(()) };
    let changing = !order.lines.is_empty();
    for row in objects(sent, "products")? {
        if let Some(id) = number(row, "id")? {
            change_line(order, row, id)?;
        } else {
            let line = new_line(store, state, order, row, 0)?;
            order.lines.push(line);
        }
    }
    if changing {
        order.clear_discounts();
    }
    settle_addresses(state, order);
    Ok(())
}

/// Gives every thing that is sent an address: the first one, or the bill's.
fn settle_addresses(state: &mut State, order: &mut Order) {
    let homeless = |line: &Line| line.kind == LineKind::Physical && line.address_id == 0;
    if order.lines.iter().any(homeless) && order.addresses.is_empty() {
        let to = address(state, order.billing.clone(), "None");
        order.addresses.push(to);
    }
    let first = order.addresses.first().map_or(0, |address| address.id);
    for line in order.lines.iter_mut().filter(|line| homeless(line)) {
        line.address_id = first;
    }
}

fn change_line(order: &mut Order, row: &Body, id: u64) -> Result<(), Refusal> {
    let price = pair(row, "price")?;
    let quantity = number(row, "quantity")?;
    let at = order.lines.iter().position(|line| line.id == id).ok_or_else(|| invalid("products"))?;
    if quantity == Some(0) {
        order.lines.remove(at);
        return Ok(());
    }
    let inclusive = order.rules.inclusive;
    let line = &mut order.lines[at];
    if let Some(quantity) = quantity {
        line.quantity = u32::try_from(quantity).map_err(|_| invalid("quantity"))?;
    }
    if let Some((ex, inc)) = price {
        line.price.base = if inclusive { inc } else { ex };
        line.price.set = Some((ex, inc));
    }
    if let Some(Value::String(name)) = row.get("name") {
        line.name.clone_from(name);
    }
    Ok(())
}

fn new_line(
    store: &Store,
    state: &mut State,
    order: &Order,
    row: &Body,
    address_id: u64,
) -> Result<Line, Refusal> {
    let price = pair(row, "price")?;
    let quantity = number(row, "quantity")?.unwrap_or(1);
    let quantity =
        u32::try_from(quantity).ok().filter(|number| *number > 0).ok_or_else(|| invalid("quantity"))?;
    let text = |field: &str| row.get(field).and_then(Value::as_str).unwrap_or("").to_owned();
    let mut line = match number(row, "product_id")?.filter(|id| *id != 0) {
        Some(id) => {
            let variant = number(row, "variant_id")?;
            store.catalogue_line(state, id, variant, order).ok_or_else(|| invalid("product_id"))?
        }
        None if text("name").is_empty() || price.is_none() => return Err(invalid("products")),
        None => custom_line(&text("name"), &text("sku")),
    };
    (line.id, line.quantity, line.address_id) = (state.id("line"), quantity, address_id);
    if !text("name").is_empty() {
        line.name = text("name");
    }
    if let Some((ex, inc)) = price {
        line.price.base = if order.rules.inclusive { inc } else { ex };
        line.price.set = Some((ex, inc));
    }
    if let Some(set) = pair(row, "wrapping_cost")? {
        let cost = Cost { base: set.0, class: tax::WRAPPING, set: Some(set) };
        let id = number(row, "wrapping_id")?.unwrap_or(0);
        line.wrapping =
            Some(Wrapping { id, name: text("wrapping_name"), message: text("wrapping_message"), cost });
    }
    Ok(line)
}

/// A line that is not in the catalogue.
pub(super) fn custom_line(name: &str, sku: &str) -> Line {
    Line {
        id: 0,
        product_id: 0,
        variant_id: 0,
        address_id: 0,
        name: name.to_owned(),
        sku: sku.to_owned(),
        upc: String::new(),
        kind: LineKind::Physical,
        quantity: 1,
        shipped: 0,
        price: Cost::entered(Fixed::ZERO, tax::DEFAULT),
        promotion: Fixed::ZERO,
        cost_price: Fixed::ZERO,
        weight: Fixed::ZERO,
        wrapping: None,
        options: Vec::new(),
        parent: None,
        gift_certificate_id: None,
        event_date: None,
    }
}

/// Shipping and handling fall on the first address, wrapping on the order as a whole.
fn costs(order: &mut Order, body: &Body) -> Result<(), Refusal> {
    let digits = order.rules.digits;
    let read = |name: &str, class: u32| -> Result<Option<Cost>, Refusal> {
        let set = pair(body, &format!("{name}_cost"))?.map(|(ex, inc)| (ex.round(digits), inc.round(digits)));
        let base = amount(body, &format!("base_{name}_cost"))?.map(|base| base.round(digits));
        let entered = set.map(|(ex, inc)| if order.rules.inclusive { inc } else { ex });
        Ok(base.or(entered).map(|base| Cost { base, class, set }))
    };
    let (shipping, handling) = (read("shipping", tax::SHIPPING)?, read("handling", tax::SHIPPING)?);
    let wrapping = read("wrapping", tax::WRAPPING)?;
    if let Some(first) = order.addresses.first_mut() {
        first.shipping = shipping.unwrap_or(first.shipping.clone());
        first.handling = handling.unwrap_or(first.handling.clone());
    }
    if wrapping.is_some() {
        order.wrapping = wrapping;
    }
    Ok(())
}

/// Fees are replaced as a whole.
fn all_fees(state: &mut State, order: &Order, sent: &Value) -> Result<Vec<Fee>, Refusal> {
    objects(sent, "fees")?.into_iter().map(|row| fee(state, order, row)).collect()
}

fn fee(state: &mut State, order: &Order, row: &Body) -> Result<Fee, Refusal> {
    if row.get("type").is_some_and(|kind| kind != "custom_fee") {
        return Err(invalid("fees.type"));
    }
    let read = |field| amount(row, field).map(|amount| amount.map(|amount| amount.round(order.rules.digits)));
    let (ex, inc, tax) = (read("cost_ex_tax")?, read("cost_inc_tax")?, read("cost_tax")?.unwrap_or_default());
    let ex = ex.or(inc.map(|inc| inc - tax)).ok_or_else(|| invalid("fees.cost_ex_tax"))?;
    let inc = inc.unwrap_or(ex + tax);
    let text = |field: &str| row.get(field).and_then(Value::as_str).map(str::to_owned);
    let class = number(row, "tax_class_id").ok().flatten().and_then(|class| u32::try_from(class).ok());
    let names = (text("display_name_customer"), text("display_name_merchant"));
    Ok(Fee {
        id: match number(row, "id")? {
            Some(id) => id,
            None => state.id("fee"),
        },
        customer_name: names.0.clone().or(names.1.clone()).unwrap_or_default(),
        merchant_name: names.1.or(names.0).unwrap_or_default(),
        source: text("source").unwrap_or_default(),
        cost: Cost { base: ex, class: class.unwrap_or(tax::DEFAULT), set: Some((ex, inc)) },
        has_class: class.is_some(),
    })
}
