//! An order that is drawn and never filed: for tests that want many. In: an order and its sums. Out: what a client would
//! read of it, and the twin's own figures to judge what a client makes of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    kind::OrderKind,
    money::Fixed,
    order::{Order, RefundItem},
    pricing::{Priced, TaxPart},
    refund, tax_view, transactions,
    view::View,
};

/// An order as a client would read it, part by part, and its figures.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// `/v2/orders/{id}`.
    pub order: Value,
    /// `/v2/orders/{id}/products`.
    pub products: Value,
    /// `/v2/orders/{id}/coupons`.
    pub coupons: Value,
    /// `/v2/orders/{id}/taxes?details=true`.
    pub taxes: Value,
    /// The fees of `/v2/orders/{id}/fees`.
    pub fees: Value,
    /// `/v2/orders/{id}/shipping_addresses`.
    pub shipping_addresses: Value,
    /// The data of `/v3/orders/{id}/transactions`.
    pub transactions: Value,
    /// The data of `/v3/orders/{id}/payment_actions/refunds`.
    pub refunds: Value,
    /// The kinds it is of.
    pub kinds: BTreeSet<OrderKind>,
    /// The twin's own figures.
    pub figures: Figures,
}

/// Exact figures of an order, in the order's currency. An amount counts ten-billionths of the currency's major unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Decimals of the currency.
    pub digits: u32,
    /// What was ordered, with tax.
    pub total: i128,
    /// The tax within.
    pub tax: i128,
    /// Lines and charges.
    pub parts: Vec<Part>,
    /// Money that has come in, by number of its movement; gift certificates too.
    pub paid: Vec<(u64, i128)>,
    /// The part of it that gift certificates paid.
    pub redeemed: i128,
    /// What went back, with tax, and the tax within.
    pub refunded: (i128, i128),
    /// What is to be sent, or was, with tax, and the tax within: less what went back before it was sent.
    pub to_send: (i128, i128),
}

/// One line or charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub on: On,
    /// Units; 1 for charges.
    pub quantity: u32,
    /// Without tax, as the platform's own figures say it: what it costs less its taxes.
    pub net: i128,
    /// What its taxes were worked out on, before any of them was rounded.
    pub taxed: i128,
    /// Its tax of each rate.
    pub taxes: Vec<i128>,
    /// What has been refunded of it: units, amount with tax, tax.
    pub refunded: (u32, i128, i128),
    /// What of that was never sent.
    pub unsent: (u32, i128, i128),
}

/// What a [`Part`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// A line, by its id.
    Line(u64),
    /// All carriage.
    Shipping,
    /// All handling.
    Handling,
    /// All wrapping.
    Wrapping,
    /// A fee, by its id.
    Fee(u64),
    /// Amounts off or back that are on no line: refunds of the order as a whole.
    Order,
}

pub(super) fn drawn(
    order: &Order,
    priced: &Priced,
    store_currency: &str,
    kinds: BTreeSet<OrderKind>,
) -> Drawn {
    let view = View { order, priced, base: "", store_currency };
    Drawn {
        order: view.order(),
        products: view.products().into(),
        coupons: view.coupons().into(),
        taxes: tax_view::taxes(order, priced, true).into(),
        fees: view.fees().into(),
        shipping_addresses: view.addresses().into(),
        transactions: json!(transactions::all(order)),
        refunds: order.refunds.iter().map(|refund| refund::view(order, refund)).collect(),
        kinds,
        figures: figures(order, priced),
    }
}

fn figures(order: &Order, priced: &Priced) -> Figures {
    let (refunded, refunded_tax) = order.refunds_total();
    let lowered = if order.rules.refunds_lower_total { refunded_tax } else { Fixed::ZERO };
    let came = |event: &str| matches!(event, "purchase" | "capture" | "settled");
    let to_send = refund::to_send(order, priced);
    let paid = order.transactions.iter().filter(|movement| movement.ok && came(&movement.event));
    Figures {
        digits: order.rules.digits,
        total: refund::before_refunds(order, priced).raw(),
        tax: (priced.total.tax + lowered).raw(),
        parts: parts(order, priced),
        paid: paid.map(|movement| (movement.id, movement.amount.raw())).collect(),
        redeemed: order.gift_certificate.raw(),
        refunded: (refunded.raw(), refunded_tax.raw()),
        to_send: (to_send.0.raw(), to_send.1.raw()),
    }
}

fn parts(order: &Order, priced: &Priced) -> Vec<Part> {
    let mut out = Vec::new();
    for (line, priced) in order.lines.iter().zip(&priced.lines) {
        let taxes: Fixed = priced.taxes.iter().map(|tax| tax.amount).sum();
        let taxed = if priced.taxes.is_empty() { priced.discounted_inc } else { priced.taxed };
        out.push(part(
            order,
            On::Line(line.id),
            line.quantity,
            priced.discounted_inc - taxes,
            taxed,
            &priced.taxes,
        ));
    }
    let mut charge = |on, charges: Vec<&super::pricing::Charge>| {
        let net: Fixed = charges.iter().map(|charge| charge.sums.ex).sum();
        let taxes: Vec<TaxPart> = charges.iter().flat_map(|charge| charge.taxes.clone()).collect();
        out.push(part(order, on, 1, net, net, &taxes));
    };
    charge(On::Shipping, priced.shippings.iter().collect());
    charge(On::Handling, priced.handlings.iter().collect());
    let wrappings = priced.lines.iter().map(|line| &line.wrapping).chain([&priced.order_wrapping]);
    charge(On::Wrapping, wrappings.collect());
    for (fee, charged) in order.fees.iter().zip(&priced.fees) {
        charge(On::Fee(fee.id), vec![charged]);
    }
    out
}

fn part(order: &Order, on: On, quantity: u32, net: Fixed, taxed: Fixed, taxes: &[TaxPart]) -> Part {
    let sums = |items: &mut dyn Iterator<Item = &RefundItem>| {
        let none = (0, Fixed::ZERO, Fixed::ZERO);
        let add = |sum: (u32, Fixed, Fixed), item: &RefundItem| {
            (sum.0 + item.quantity, sum.1 + item.amount, sum.2 + item.tax)
        };
        let (units, amount, tax) = items.filter(|item| of(item) == on).fold(none, add);
        (units, amount.raw(), tax.raw())
    };
    Part {
        on,
        quantity,
        net: net.raw(),
        taxed: taxed.raw(),
        taxes: taxes.iter().map(|tax| tax.amount.raw()).collect(),
        refunded: sums(&mut order.refunds.iter().flat_map(|refund| &refund.items)),
        unsent: sums(&mut refund::unsent(order).into_iter()),
    }
}

fn of(item: &RefundItem) -> On {
    use super::order::RefundKind as K;
    match item.kind {
        K::Product => On::Line(item.id),
        K::GiftWrapping => On::Wrapping,
        K::Shipping => On::Shipping,
        K::Handling => On::Handling,
        K::Fee => On::Fee(item.id),
        K::Order => On::Order,
    }
}
