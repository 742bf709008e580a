//! What a trade leaves open is drawn here: buyers, goods, payment, coupons, extras. In: chance and a [`Trade`]. Out: parts
//! of an order. It must never file an order.

use serde_json::{Value, json};

use super::{
    Store, currency,
    kind::Back,
    money::Fixed,
    order::{Contact, Cost, Coupon, CouponKind, Fee, Line, LineKind, Order, Wrapping},
    order_write,
    refund::Wanted,
    state::State,
    tax,
    trade::{Tender, Trade},
};
use crate::seed::{Item, ItemKind, Person, Place, Random, catalogue, person, place, place_in};

/// Where trade draws from.
#[derive(Debug)]
pub(super) struct Floor {
    /// Chance.
    pub random: Random,
    /// Number of the last shopper made up.
    pub shoppers: u64,
    items: Vec<Item>,
}

impl Floor {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed, "trade"), shoppers: 1000, items: catalogue() }
    }

    /// Whether only the store knows this SKU.
    pub(super) fn is_store_only(&self, sku: &str) -> bool {
        self.items.iter().any(|item| item.store_only && item.sku == sku)
    }

    /// What was said, or chance.
    pub(super) fn flag(&mut self, said: Option<bool>, percent: u64) -> bool {
        said.unwrap_or_else(|| self.random.chance(percent))
    }
}

/// The buyer of one order.
pub(super) struct Buyer {
    pub customer_id: u64,
    pub exempt: bool,
    pub person: Person,
    pub place: Place,
}

/// The storefront that sells in a currency.
pub(super) fn storefront(currency: &str) -> u64 {
    match currency {
        "GBP" => 2,
        "EUR" => 3,
        "JPY" => 4,
        "KWD" => 5,
        _ => 1,
    }
}

pub(super) fn parts(floor: &Floor, sku: &str) -> Vec<(String, u32)> {
    floor.items.iter().find(|item| item.sku == sku).map(|item| item.parts.clone()).unwrap_or_default()
}

/// What the shopper typed into the shop's own checkout fields.
pub(super) fn fields(random: &mut Random) -> Vec<Value> {
    let mut fields = Vec::new();
    if random.chance(25) {
        let place = random.pick(&["At the side gate", "With the neighbour", "Ring twice"]).copied();
        fields.push(json!({ "name": "Delivery Instructions", "value": place }));
    }
    if random.chance(10) {
        fields.push(
            json!({ "name": "VAT Number", "value": format!("XX{}", random.between(100_000, 999_999)) }),
        );
    }
    fields
}

/// How a parcel goes: name and cents.
pub(super) const CARRIAGE: &[(&str, u32)] = &[
    ("Free Shipping", 0),
    ("Standard", 495),
    ("Flat Rate", 799),
    ("Express", 1250),
    ("International", 2195),
];

pub(super) fn tender(random: &mut Random) -> Tender {
    match random.below(100) {
        0..50 => Tender::Card,
        50..65 => Tender::Several,
        65..75 => Tender::GiftCertificate,
        75..83 => Tender::StoreCredit,
        83..95 => Tender::Offline,
        _ => Tender::Unpaid,
    }
}

pub(super) fn currency(random: &mut Random, trade: &Trade) -> Result<String, String> {
    match &trade.currency {
        Some(code) if currency::is_transactional(code) => Ok(code.clone()),
        Some(code) => Err(format!(
            "orders cannot be paid in {code}; take one of {}",
            currency::transactional().join(", ")
        )),
        None => {
            let by_country = match trade.country.as_deref() {
                Some("GB") => Some("GBP"),
                Some("DE") => Some("EUR"),
                Some("JP") => Some("JPY"),
                Some("KW") => Some("KWD"),
                Some(_) => Some("USD"),
                None => random.pick(&["USD", "USD", "USD", "GBP", "GBP", "EUR", "JPY", "KWD"]).copied(),
            };
            Ok(by_country.unwrap_or("USD").to_owned())
        }
    }
}

fn home(currency: &str, random: &mut Random) -> &'static str {
    match currency {
        "GBP" => "GB",
        "EUR" => "DE",
        "JPY" => "JP",
        "KWD" => "KW",
        _ if random.chance(25) => "CA",
        _ => "US",
    }
}

pub(super) fn buyer(
    floor: &mut Floor,
    state: &State,
    trade: &Trade,
    currency: &str,
) -> Result<Buyer, String> {
    let country = match &trade.country {
        Some(country) => country.clone(),
        None => home(currency, &mut floor.random).to_owned(),
    };
    let there = match &trade.state {
        Some(state) => place_in(&country, state)
            .ok_or_else(|| format!("the shop does not send to {state} in {country}"))?,
        None => place(&mut floor.random, Some(&country)),
    };
    let known: Vec<u64> = state.customers.keys().copied().collect();
    let guest = trade.email.is_some() || known.is_empty() || floor.random.chance(45);
    let customer_id = match trade.customer_id {
        Some(id) => id,
        None if guest => 0,
        None => floor.random.pick(&known).copied().unwrap_or(0),
    };
    floor.shoppers += 1;
    let mut who = person(&mut floor.random, floor.shoppers);
    let mut exempt = false;
    if customer_id == 0 {
        who.email = trade.email.clone().unwrap_or(who.email);
    } else {
        let missing = || format!("there is no customer {customer_id}; see /v3/customers");
        let customer = state.customers.get(&customer_id).ok_or_else(missing)?;
        let text = |field: &str| customer[field].as_str().unwrap_or("").to_owned();
        exempt = !text("tax_exempt_category").is_empty();
        who = Person {
            first_name: text("first_name"),
            last_name: text("last_name"),
            email: text("email"),
            phone: text("phone"),
            company: text("company"),
            ..who
        };
    }
    Ok(Buyer { customer_id, exempt, person: who, place: there })
}

pub(super) fn contact(who: &Person, place: &Place) -> Contact {
    Contact {
        first_name: who.first_name.clone(),
        last_name: who.last_name.clone(),
        company: who.company.clone(),
        street_1: who.street.clone(),
        street_2: String::new(),
        city: place.city.into(),
        state: place.state.into(),
        zip: place.zip.into(),
        country: place.country.into(),
        country_iso2: place.country_iso2.into(),
        phone: who.phone.clone(),
        email: who.email.clone(),
        form_fields: Vec::new(),
    }
}

/// Items the ERP knows too; what only the store knows has to be asked for by SKU.
pub(super) fn items(floor: &mut Floor, trade: &Trade) -> Vec<(String, u32)> {
    let sold: Vec<String> = floor
        .items
        .iter()
        .filter(|item| item.kind != ItemKind::Parent && !item.store_only)
        .map(|item| item.sku.clone())
        .collect();
    let count = trade.lines.map_or_else(|| floor.random.between(1, 6), u64::from);
    let mut drawn = Vec::new();
    for _ in 0..count {
        let most = if floor.random.chance(5) { 40 } else { 4 };
        let quantity = u32::try_from(floor.random.between(1, most)).unwrap_or(1);
        drawn.push((floor.random.pick(&sold).cloned().unwrap_or_default(), quantity));
    }
    drawn
}

/// The bundle of the catalogue.
pub(super) const KIT: &str = "SET-TABLE";

/// What goes back.
pub(super) fn back(random: &mut Random, back: Back, lines: usize) -> Wanted {
    match back {
        Back::All => Wanted { lines, charges: true, whole: true },
        Back::Part => {
            let most = random.between(1, 3).min(lines as u64);
            Wanted { lines: usize::try_from(most).unwrap_or(1), charges: random.chance(30), whole: false }
        }
    }
}

/// Certificate lines, wrapping, handling, coupon, discount and fee.
pub(super) fn extras(
    floor: &mut Floor,
    state: &mut State,
    order: &mut Order,
    trade: &Trade,
) -> Result<(), String> {
    if floor.flag(trade.certificate_line, 7) {
        let line = certificate_line(floor, state, order);
        order.lines.push(line);
    }
    let currency = order.currency.clone();
    if floor.flag(trade.wrapping, 12)
        && let Some(line) = order.lines.iter_mut().find(|line| line.kind == LineKind::Physical)
    {
        let cost = Cost::entered(Store::convert(350, &currency), tax::WRAPPING);
        let (name, message) = ("Brown paper".into(), "With our best wishes".into());
        line.wrapping = Some(Wrapping { id: 1, name, message, cost });
    }
    if floor.flag(trade.handling, 12)
        && let Some(address) = order.addresses.first_mut()
    {
        address.handling = Cost::entered(Store::convert(225, &currency), tax::SHIPPING);
    }
    let fee_class = if floor.flag(trade.fee_taxed, 75) { tax::DEFAULT } else { tax::EXEMPT };
    if floor.flag(trade.fee, 8) {
        order.fees.push(Fee {
            id: state.id("fee"),
            customer_name: "Parcel protection".into(),
            merchant_name: "Parcel protection".into(),
            source: "shop".into(),
            cost: Cost::entered(Store::convert(199, &currency), fee_class),
            has_class: true,
        });
    }
    let coupon = trade.coupon.unwrap_or_else(|| coupon(&mut floor.random));
    if coupon >= 0 {
        order.coupons.push(make_coupon(state, &currency, coupon)?);
    }
    if floor.flag(trade.discount, 12) {
        let cents = u32::try_from(floor.random.between(50, 900)).unwrap_or(50);
        order.discount = Store::convert(cents, &currency);
    }
    lines_apart(floor, state, order, trade);
    Ok(())
}

/// A promotion, a thing for nothing, a line without a product.
fn lines_apart(floor: &mut Floor, state: &mut State, order: &mut Order, trade: &Trade) {
    let address_id = order.addresses.first().map_or(0, |address| address.id);
    if floor.flag(trade.custom_line, 4) && address_id != 0 {
        let cents = u32::try_from(floor.random.between(150, 8000)).unwrap_or(150);
        let price = Cost::entered(Store::convert(cents, &order.currency), tax::DEFAULT);
        let id = state.id("line");
        order.lines.push(Line { id, address_id, price, ..order_write::custom_line("Engraving by hand", "") });
    }
    let digits = order.rules.digits;
    let goods = |line: &&mut Line| line.kind != LineKind::GiftCertificate && line.parent.is_none();
    if floor.flag(trade.promotion, 12)
        && let Some(line) = order.lines.iter_mut().find(|line| goods(line))
    {
        let percent = i64::try_from(floor.random.between(5, 40)).unwrap_or(5);
        let whole = line.price.base.times(line.quantity);
        line.promotion = whole.mul(Fixed::whole(percent)).div(Fixed::whole(100)).round(digits);
    }
    if floor.flag(trade.free_item, 5)
        && let Some(line) =
            order.lines.iter().rfind(|line| line.kind == LineKind::Physical && line.parent.is_none())
    {
        let mut free = Line { id: state.id("line"), quantity: 1, wrapping: None, ..line.clone() };
        // Priced at nothing, or given away by a promotion that takes all of it, tax included.
        if floor.random.chance(50) {
            free.price = Cost::entered(Fixed::ZERO, free.price.class);
            free.promotion = Fixed::ZERO;
        } else {
            free.promotion = free.price.base.times(2);
        }
        order.lines.push(free);
    }
}

fn coupon(random: &mut Random) -> i8 {
    if random.chance(25) { i8::try_from(random.below(5)).unwrap_or(0) } else { -1 }
}

fn make_coupon(state: &mut State, currency: &str, number: i8) -> Result<Coupon, String> {
    let off = |cents| Store::convert(cents, currency);
    let (kind, code, amount) = match number {
        0 => (CouponKind::PerItem, "EACH1", off(100)),
        1 => (CouponKind::Percentage, "TENTH", Fixed::whole(10)),
        2 => (CouponKind::PerTotal, "SEVENOFF", off(700)),
        3 => (CouponKind::Shipping, "SHIP3", off(300)),
        4 => (CouponKind::FreeShipping, "FREESHIP", Fixed::ZERO),
        _ => return Err(format!("there is no kind of coupon {number}; take 0 to 4, or -1 for none")),
    };
    let definition = kind.number() + 1;
    Ok(Coupon {
        id: state.id("coupon"),
        definition,
        code: code.into(),
        name: format!("Coupon {code}"),
        kind,
        amount,
    })
}

fn certificate_line(floor: &mut Floor, state: &mut State, order: &Order) -> Line {
    let amount = floor.random.pick(&[2500, 5000, 10_000]).copied().unwrap_or(2500);
    Line {
        id: state.id("line"),
        product_id: 0,
        variant_id: 0,
        address_id: 0,
        name: "Gift Certificate".into(),
        sku: String::new(),
        upc: String::new(),
        kind: LineKind::GiftCertificate,
        quantity: 1,
        shipped: 0,
        price: Cost::entered(Store::convert(amount, &order.currency), tax::EXEMPT),
        promotion: Fixed::ZERO,
        cost_price: Fixed::ZERO,
        weight: Fixed::ZERO,
        wrapping: None,
        options: Vec::new(),
        parent: None,
        gift_certificate_id: Some(state.id("gift certificate")),
        event_date: None,
    }
}

pub(super) fn uuid(random: &mut Random) -> String {
    let (high, low) = (random.bits(), random.bits());
    let text = format!("{high:016x}{low:016x}");
    format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..32])
}
