//! Refunds. In: an order, its sums and what is to go back. Out: a [`Refund`] whose amounts never exceed what is left,
//! with the money movements it makes. It must never take a sum from a client.

use serde_json::{Map, Value, json};

use super::{
    money::{Fixed, allocate},
    order::{Order, Refund, RefundItem, RefundKind},
    pricing::{Charge, Priced, TaxPart},
    state::State,
};

/// What is left to refund of one thing.
struct Left {
    kind: RefundKind,
    id: u64,
    quantity: u32,
    amount: Fixed,
    tax: Fixed,
}

/// A share of what the order has left: `units` of each of the first lines, whole charges.
pub(super) struct Wanted {
    /// How many lines; of each, half of its units, at least one.
    pub lines: usize,
    /// Carriage, handling, wrapping and fees too.
    pub charges: bool,
    /// All units of all lines.
    pub whole: bool,
}

/// Works the refund out and notes it on the order with its money movements. None if nothing is left.
pub(super) fn refund(
    state: &mut State,
    order: &mut Order,
    priced: &Priced,
    wanted: &Wanted,
    now: jiff::Timestamp,
) -> Option<u64> {
    let mut items: Vec<RefundItem> = Vec::new();
    let lines = left_of_lines(order, priced);
    let most = if wanted.whole { lines.len() } else { wanted.lines };
    for left in lines.into_iter().take(most) {
        let units = if wanted.whole { left.quantity } else { left.quantity.div_ceil(2) };
        items.push(share(&left, units, order.rules.digits));
    }
    if wanted.charges || wanted.whole {
        let whole = |left: Left| RefundItem {
            kind: left.kind,
            id: left.id,
            quantity: left.quantity,
            amount: left.amount,
            tax: left.tax,
        };
        items.extend(left_of_charges(order, priced).into_iter().map(whole));
    }
    if wanted.whole {
        settle(order, priced, &mut items);
    }
    let total: Fixed = items.iter().map(|item| item.amount).sum();
    if total.is_zero() || total > in_hand(order) {
        return None;
    }
    let whole = before_refunds(order, priced);
    let id = state.id("refund");
    let mut refund =
        Refund { id, created: now, reason: "Not as expected".into(), items, payments: Vec::new() };
    refund.payments = pay_back(state, order, refund.total(), now);
    order.refunds.push(refund);
    let all = order.refunds_total().0 == whole;
    order.status_id = if all { 4 } else { 14 };
    order.payment_status = if all { "refunded" } else { "partially refunded" }.into();
    Some(id)
}

/// The last refund takes what is left to the minor unit, also where only the order's sums are rounded.
fn settle(order: &Order, priced: &Priced, items: &mut [RefundItem]) {
    let (gone, gone_tax) = order.refunds_total();
    let lowered = if order.rules.refunds_lower_total { gone_tax } else { Fixed::ZERO };
    let amount: Fixed = items.iter().map(|item| item.amount).sum();
    let tax: Fixed = items.iter().map(|item| item.tax).sum();
    if let Some(first) = items.first_mut() {
        first.amount += before_refunds(order, priced) - gone - amount;
        first.tax += priced.total.tax + lowered - gone_tax - tax;
    }
}

/// Money that came in and has not gone back.
fn in_hand(order: &Order) -> Fixed {
    let sum = |wanted: fn(&str) -> bool| -> Fixed {
        let movements = order.transactions.iter().filter(|movement| movement.ok && wanted(&movement.event));
        movements.map(|movement| movement.amount).sum()
    };
    sum(|event| matches!(event, "purchase" | "capture" | "settled")) - sum(|event| event == "refund")
}

/// What was given back before it was sent: units of lines that were never sent, the earliest refunds first; charges and
/// amounts off the order if nothing had been sent. What was sent and came back is not in it.
pub(super) fn unsent(order: &Order) -> Vec<&RefundItem> {
    let mut out = Vec::new();
    for (at, refund) in order.refunds.iter().enumerate() {
        for item in &refund.items {
            let line = order.lines.iter().find(|line| line.id == item.id);
            let never_sent = match (item.kind, line) {
                (RefundKind::Product, Some(line)) => {
                    let so_far = order.refunds[..=at].iter().flat_map(|refund| &refund.items);
                    let so_far = so_far.filter(|other| (other.kind, other.id) == (item.kind, item.id));
                    so_far.map(|item| item.quantity).sum::<u32>() <= line.quantity - line.shipped
                }
                (RefundKind::Product, None) => false,
                _ => order.shipped.is_none_or(|sent| refund.created.as_second() < sent.as_second()),
            };
            if never_sent {
                out.push(item);
            }
        }
    }
    out
}

/// What is to be sent, or was: the order's total less what was given back before it was sent.
pub(super) fn to_send(order: &Order, priced: &Priced) -> (Fixed, Fixed) {
    let items = unsent(order);
    let back: Fixed = items.iter().map(|item| item.amount).sum();
    let tax: Fixed = items.iter().map(|item| item.tax).sum();
    let lowered = if order.rules.refunds_lower_total { order.refunds_total().1 } else { Fixed::ZERO };
    (before_refunds(order, priced) - back, priced.total.tax + lowered - tax)
}

/// The order's total as it was ordered.
pub(super) fn before_refunds(order: &Order, priced: &Priced) -> Fixed {
    let off = if order.rules.refunds_lower_total { order.refunds_total().0 } else { Fixed::ZERO };
    priced.total.inc + off
}

fn left_of_lines(order: &Order, priced: &Priced) -> Vec<Left> {
    let digits = order.rules.digits;
    let mut out = Vec::new();
    for (line, priced) in order.lines.iter().zip(&priced.lines) {
        let (amount, tax) = gone(order, RefundKind::Product, line.id);
        let quantity = line.quantity - order.units_refunded(line.id);
        if quantity > 0 && priced.discounted_inc > Fixed::ZERO {
            out.push(Left {
                kind: RefundKind::Product,
                id: line.id,
                quantity,
                amount: priced.discounted_inc.round(digits) - amount,
                tax: tax_of(&priced.taxes).round(digits) - tax,
            });
        }
    }
    out
}

fn left_of_charges(order: &Order, priced: &Priced) -> Vec<Left> {
    let mut out = Vec::new();
    let mut push = |kind, id, quantity, charge: &Charge| {
        let (amount, tax) = gone(order, kind, id);
        if charge.sums.inc > amount {
            let (amount, tax) = (charge.sums.inc - amount, charge.sums.tax - tax);
            out.push(Left { kind, id, quantity, amount, tax });
        }
    };
    for (line, priced) in order.lines.iter().zip(&priced.lines) {
        push(RefundKind::GiftWrapping, line.id, line.quantity, &priced.wrapping);
    }
    for (address, (shipping, handling)) in
        order.addresses.iter().zip(priced.shippings.iter().zip(&priced.handlings))
    {
        push(RefundKind::Shipping, address.id, 1, shipping);
        push(RefundKind::Handling, address.id, 1, handling);
    }
    if order.rules.fees_in_total {
        for (fee, charge) in order.fees.iter().zip(&priced.fees) {
            push(RefundKind::Fee, fee.id, 1, charge);
        }
    }
    out
}

fn gone(order: &Order, kind: RefundKind, id: u64) -> (Fixed, Fixed) {
    let sum = |of: fn(&RefundItem) -> Fixed| order.refunded(kind, id).map(of).sum();
    (sum(|item| item.amount), sum(|item| item.tax))
}

fn tax_of(taxes: &[TaxPart]) -> Fixed {
    taxes.iter().map(|tax| tax.amount).sum()
}

/// So many units of what is left of a line, in whole minor units; the last units take what is left.
fn share(left: &Left, units: u32, digits: u32) -> RefundItem {
    let part = |whole: Fixed| {
        let exact = whole.times(units).div(Fixed::whole(i64::from(left.quantity)));
        if units == left.quantity { whole } else { exact.round(digits) }
    };
    RefundItem {
        kind: left.kind,
        id: left.id,
        quantity: units,
        amount: part(left.amount),
        tax: part(left.tax),
    }
}

/// Gives the money back by the ways it came, in proportion to what each has left.
fn pay_back(
    state: &mut State,
    order: &mut Order,
    total: Fixed,
    now: jiff::Timestamp,
) -> Vec<(String, Fixed, u64)> {
    let digits = order.rules.digits;
    let paid = order.transactions.iter().filter(|movement| {
        movement.ok && matches!(movement.event.as_str(), "purchase" | "capture" | "settled")
    });
    let paid: Vec<_> = paid.cloned().collect();
    let back = |id: u64| -> Fixed {
        let backs = order.transactions.iter().filter(|movement| movement.event == "refund");
        backs.filter(|movement| movement.reference == Some(id)).map(|movement| movement.amount).sum()
    };
    let room: Vec<i128> =
        paid.iter().map(|movement| (movement.amount - back(movement.id)).minor(digits)).collect();
    let shares = allocate(total.minor(digits), &room);
    let mut payments = Vec::new();
    for (movement, share) in paid.into_iter().zip(shares).filter(|(_, share)| *share != 0) {
        let (id, amount) = (state.id("transaction"), Fixed::from_minor(share, digits));
        payments.push((movement.gateway.clone(), amount, id));
        order.transactions.push(super::order::Transaction {
            id,
            event: "refund".into(),
            amount,
            created: now,
            reference: Some(movement.id),
            ..movement
        });
    }
    payments
}

/// A refund as V3 prints it. Units of a line have no requested amount: the platform works it out.
pub(super) fn view(order: &Order, refund: &Refund) -> Value {
    let items = refund.items.iter().map(|item| {
        let units = matches!(item.kind, RefundKind::Product | RefundKind::GiftWrapping);
        json!({
            "item_type": item.kind,
            "item_id": item.id,
            "reason": refund.reason,
            "quantity": item.quantity,
            "requested_amount": if units { Value::Null } else { item.amount.v3() },
            "adjustments": [],
        })
    });
    let payments = refund.payments.iter().map(|(provider, amount, transaction)| {
        let mut out = Map::new();
        out.insert("id".into(), json!(transaction));
        out.insert("provider_id".into(), json!(provider));
        out.insert("amount".into(), amount.v3());
        out.insert("offline".into(), json!(false));
        out.insert("is_declined".into(), json!(false));
        out.insert("declined_message".into(), json!(""));
        out.insert("transaction_id".into(), json!(transaction.to_string()));
        Value::Object(out)
    });
    json!({
        "id": refund.id,
        "order_id": order.id,
        "user_id": 0,
        "created": refund.created.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        "reason": refund.reason,
        "total_amount": refund.total().v3(),
        "total_tax": refund.tax().v3(),
        "uses_merchant_override_values": false,
        "items": items.collect::<Vec<_>>(),
        "payments": payments.collect::<Vec<_>>(),
    })
}
