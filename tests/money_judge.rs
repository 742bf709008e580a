//! The judge of money: what a flow made of an order, held against the figures of the twin that drew it. Whole-number
//! arithmetic of its own: an amount counts ten-billionths. In: a drawn order, values. Out: faults in words.

use std::{collections::BTreeMap, sync::Arc};

use flowrun::value::Value;
use flowrun_sandbox::bigcommerce::{Drawn, Figures, On, Part};

const ONE: i128 = 10_000_000_000;

/// Faults of one order.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn hold(&mut self, holds: bool, told: impl FnOnce() -> String) {
        if !holds {
            self.0.push(told());
        }
    }
}

/// Reads a decimal text.
fn exact(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = part.trim_end_matches('0');
    assert!(part.len() <= 10, "{text} is finer than this judge reads");
    let number = |text: &str| text.parse::<i128>().unwrap_or_else(|_| panic!("{text} is no amount"));
    sign * (number(whole) * ONE + number(&format!("{part:0<10}")))
}

fn amount(value: Option<&Value>) -> i128 {
    exact(&value.and_then(Value::scalar_text).unwrap_or_else(|| panic!("no amount: {value:?}")))
}

fn rows(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_list).unwrap_or_default()
}

fn number(value: Option<&Value>) -> i64 {
    value.and_then(Value::as_i64).unwrap_or_else(|| panic!("no number: {value:?}"))
}

/// Key of a part in a mapped order.
fn key(on: On) -> i64 {
    match on {
        On::Line(id) => id as i64,
        On::Shipping => -1,
        On::Handling => -2,
        On::Wrapping => -3,
        On::Fee(id) => -10 - id as i64,
        On::Order => -6,
    }
}

/// The smallest unit of the order's currency.
fn unit(figures: &Figures) -> i128 {
    ONE / 10_i128.pow(figures.digits)
}

/// How far a part's net amount may be from the platform's own figure: not at all where the platform rounds each tax, a
/// unit where it rounds sums only. What was refunded of it was rounded for itself, and the platform does not say how.
fn slack(unit: i128, rounded: bool, drawn: &Drawn) -> i128 {
    let once = if rounded { 0 } else { unit };
    if drawn.figures.parts.iter().all(|part| part.unsent.1 == 0) { once } else { once + 2 * unit }
}

fn find(figures: &Figures, wanted: i64) -> Option<&Part> {
    figures.parts.iter().find(|part| key(part.on) == wanted)
}

/// Amounts by key; a key that is there twice is a fault.
fn by_key(faults: &mut Faults, pairs: impl Iterator<Item = (i64, i128)>) -> BTreeMap<i64, i128> {
    let mut all = BTreeMap::new();
    for (key, amount) in pairs {
        faults.hold(all.insert(key, amount).is_none(), || format!("two lines for {key}"));
    }
    all
}

/// The line a key stands for: members of a kit are lines above all others.
fn of(key: i64) -> i64 {
    if key > 1_000_000_000 { key / 1_000_000_000 } else { key }
}

/// What the flow made of an order, held against the order. `rounded`: the platform rounds the tax of each rate on each
/// line.
pub fn faults(drawn: &Drawn, given: &BTreeMap<Arc<str>, Value>, rounded: bool) -> Vec<String> {
    let mut faults = Faults::default();
    let made = &given["sales_order"];
    sales_order(&mut faults, drawn, made, rounded);
    rate(&mut faults, drawn, made);
    payments(&mut faults, drawn, given.get("payments"));
    discounts(&mut faults, drawn, made.get("custbody_bc_discounts"));
    refunds(&mut faults, drawn, given.get("refunded"));
    faults.0
}

fn sales_order(faults: &mut Faults, drawn: &Drawn, made: &Value, rounded: bool) {
    let (figures, unit) = (&drawn.figures, unit(&drawn.figures));
    let line = |line: &Value| (number(line.get("custcol_bc_line_id")), amount(line.get("amount")));
    let items = rows(made.get("item").and_then(|item| item.get("items")));
    let mut members = by_key(faults, items.iter().map(line));
    let tax_line = members.remove(&-4);
    let mut lines: BTreeMap<i64, i128> = BTreeMap::new();
    for (key, amount) in members {
        faults.hold(amount >= 0 && amount % unit == 0, || format!("line {key} is {amount}"));
        *lines.entry(of(key)).or_default() += amount;
    }
    let taxed = taxed(made);
    let tax = tax_line.unwrap_or_default() + taxed.values().map(|(amount, _)| amount).sum::<i128>();
    let net: i128 = lines.values().sum();
    let off = mixed(drawn) * unit;
    let (total, total_tax) = figures.to_send;
    faults.hold((tax - total_tax).abs() <= off, || format!("tax is {tax}, not {total_tax}"));
    faults.hold((net + tax - total).abs() <= off, || format!("{net} + {tax} are not {total}"));
    for (key, amount) in &lines {
        let Some(part) = find(figures, *key) else {
            faults.0.push(format!("line {key} is nothing the buyer ordered"));
            continue;
        };
        part_of(faults, part, *amount, slack(unit, rounded, drawn), unit);
    }
    for part in &figures.parts {
        let (key, net) = (key(part.on), part.net - (part.unsent.1 - part.unsent.2));
        let slack = slack(unit, rounded, drawn);
        let all_back = part.unsent.0 == part.quantity || (key < 0 && net <= slack);
        let there = lines.contains_key(&key);
        faults.hold(there || all_back || net == 0, || format!("nothing stands for {key} ({net})"));
        faults.hold(!there || key < 0 || !all_back, || format!("{key} was given back and is there"));
        let owed = part.taxes.iter().sum::<i128>() - part.unsent.2;
        let (found, count) = taxed.get(&key).copied().unwrap_or_default();
        // Each tax is off by less than a unit where the platform rounds their sum only; refunds were rounded for themselves.
        let slack =
            if rounded { 0 } else { unit * count.max(1) } + if is_refunded(drawn) { 2 * unit } else { 0 };
        let tied = tax_line.is_some() || (found - owed).abs() <= slack;
        faults.hold(tied, || format!("tax on {key} is {found}, not {owed}"));
    }
    for item in items {
        let key = number(item.get("custcol_bc_line_id"));
        let Some(part) = find(figures, key).filter(|_| key > 0) else { continue };
        let (found, wanted) = (amount(item.get("quantity")), i128::from(part.quantity - part.unsent.0) * ONE);
        faults.hold(found == wanted, || format!("{key} counts {found}, not {wanted}"));
    }
}

/// Tax and number of taxes by the line they are on.
fn taxed(made: &Value) -> BTreeMap<i64, (i128, i128)> {
    let mut taxed: BTreeMap<i64, (i128, i128)> = BTreeMap::new();
    for tax in rows(made.get("taxDetails").and_then(|details| details.get("items"))) {
        let on = tax.get("taxDetailsReference").and_then(Value::as_str).and_then(|on| on.strip_prefix('P'));
        let on: i64 = on.and_then(|on| on.parse().ok()).unwrap_or_else(|| panic!("{tax:?}"));
        let lines = rows(made.get("item").and_then(|item| item.get("items")));
        let known = lines.iter().any(|line| number(line.get("custcol_bc_line_id")) == on);
        let sum = taxed.entry(if known { of(on) } else { i64::MAX }).or_default();
        *sum = (sum.0 + amount(tax.get("taxAmount")), sum.1 + 1);
    }
    taxed
}

fn is_refunded(drawn: &Drawn) -> bool {
    drawn.figures.refunded.0 != 0
}

/// How many units a total may be off: the platform says what each thing of a refund came to for charges only. It does not
/// matter where all of a refund was sent, or nothing of it.
fn mixed(drawn: &Drawn) -> i128 {
    let parts = || drawn.figures.parts.iter().filter(|part| part.refunded.1 != 0);
    let (all, none) =
        (parts().all(|part| part.unsent == part.refunded), parts().all(|part| part.unsent.1 == 0));
    i128::from(!all && !none)
}

/// The order's rate, if it is sent: one, or the inverse of what the store tells, to eight digits.
fn rate(faults: &mut Faults, drawn: &Drawn, made: &Value) {
    let Some(sent) = made.get("exchangeRate") else { return };
    let told = exact(drawn.order["store_default_to_transactional_exchange_rate"].as_str().unwrap());
    let sent = amount(Some(sent));
    // Half a unit of the eighth digit, seen from the other side.
    let off = (sent * told / ONE - ONE).abs();
    faults
        .hold(sent == ONE || off <= told / 200_000_000 + 1, || format!("the rate {told} is sent as {sent}"));
}

/// A part's net amount: near the platform's figure, and near what its taxes were worked out on.
fn part_of(faults: &mut Faults, part: &Part, amount: i128, slack: i128, unit: i128) {
    let net = part.net - (part.unsent.1 - part.unsent.2);
    faults.hold((amount - net).abs() <= slack, || format!("{:?} is {amount}, not {net}", part.on));
    if part.unsent.1 != 0 {
        return;
    }
    // Each tax is rounded once on the full price and once on the discounted one.
    let far = unit * (part.taxes.len() as i128 + 1) + slack;
    let gap = (amount - part.taxed).abs();
    faults.hold(gap <= far, || format!("{:?} is {amount}, taxed as {}", part.on, part.taxed));
}

fn payments(faults: &mut Faults, drawn: &Drawn, given: Option<&Value>) {
    let paid = |tender: &Value| (number(tender.get("id")).cast_unsigned(), amount(tender.get("amount")));
    let mut found: Vec<_> = rows(given).iter().map(paid).collect();
    let mut wanted = drawn.figures.paid.clone();
    found.sort_unstable();
    wanted.sort_unstable();
    faults.hold(found == wanted, || format!("paid are {wanted:?}, found {found:?}"));
}

/// Every discount is said, with its amount: `coupon TENTH: 2.00 USD; discount Spring: 1.50 USD`.
fn discounts(faults: &mut Faults, drawn: &Drawn, said: Option<&Value>) {
    let said = said.and_then(Value::as_str).unwrap_or_default();
    for (kind, field) in [("coupon ", "coupon_discount"), ("discount ", "discount_amount")] {
        let of = said.split("; ").filter(|one| one.starts_with(kind));
        let sum: i128 = of.map(|one| exact(one.rsplit(' ').nth(1).unwrap_or_default())).sum();
        let owed = exact(drawn.order[field].as_str().unwrap());
        faults.hold(sum == owed, || format!("{field} is {owed}, found {sum} in {said}"));
    }
}

/// Parts of refunds add up to the refunds, each near the twin's own.
fn refunds(faults: &mut Faults, drawn: &Drawn, given: Option<&Value>) {
    let (figures, unit) = (&drawn.figures, unit(&drawn.figures));
    let mut sums: BTreeMap<i64, (i128, i128)> = BTreeMap::new();
    for part in rows(given) {
        let sum = sums.entry(number(part.get("key"))).or_default();
        *sum = (sum.0 + amount(part.get("amount")), sum.1 + amount(part.get("tax")));
    }
    let all = sums.values().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    faults.hold(all == figures.refunded, || format!("refunded {:?}, found {all:?}", figures.refunded));
    let slack = unit * drawn.refunds.as_array().map_or(0, Vec::len) as i128;
    for part in &figures.parts {
        let (amount, tax) = sums.get(&key(part.on)).copied().unwrap_or_default();
        let near = (amount - part.refunded.1).abs() <= slack && (tax - part.refunded.2).abs() <= slack;
        faults.hold(near, || format!("{:?} got {:?} back, found {amount}, {tax}", part.on, part.refunded));
    }
}
