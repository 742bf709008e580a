//! The judge of money: what a flow made of an order, held against the figures of the twin that drew it. Whole-number
//! arithmetic of its own: an amount counts ten-billionths. In: a drawn order, values. Out: faults in words.

use std::collections::BTreeMap;

use flowrun::value::Value;
use flowrun_sandbox::bigcommerce::{Drawn, Figures, On, Part};

const ONE: i128 = 10_000_000_000;

/// Faults of one order.
#[derive(Default)]
pub struct Faults(pub Vec<String>);

impl Faults {
    fn hold(&mut self, holds: bool, told: impl FnOnce() -> String) {
        if !holds {
            self.0.push(told());
        }
    }
}

/// Reads a decimal text.
pub fn exact(text: &str) -> i128 {
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

/// How far a part's net amount may be from the platform's own figure: not at all where the platform rounds each tax. Where it
/// rounds sums only, a share is off by less than a unit, and by its part of what rounding the two sums took or gave, which
/// is another unit at most.
fn slack(unit: i128, rounded: bool) -> i128 {
    if rounded { 0 } else { unit * 2 }
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

/// A sales order against the order it is made of. `rounded`: the platform rounds the tax of each rate on each line.
pub fn sales_order(drawn: &Drawn, made: &Value, rounded: bool) -> Faults {
    let (figures, mut faults) = (&drawn.figures, Faults::default());
    let unit = unit(figures);
    let line = |line: &Value| (number(line.get("custcol_bc_line_id")), amount(line.get("amount")));
    rate(&mut faults, drawn, made);
    let items = rows(made.get("item").and_then(|item| item.get("items")));
    let mut lines = by_key(&mut faults, items.iter().map(line));
    let tax_line = lines.remove(&-4);
    let taxes = rows(made.get("taxDetails").and_then(|details| details.get("items")));
    let mut taxed: BTreeMap<i64, (i128, i128)> = BTreeMap::new();
    for tax in taxes {
        let on =
            tax.get("taxDetailsReference").and_then(Value::as_str).and_then(|text| text.strip_prefix('P'));
        let on = on.and_then(|on| on.parse().ok()).unwrap_or_else(|| panic!("{tax:?}"));
        let sum = taxed.entry(on).or_default();
        *sum = (sum.0 + amount(tax.get("taxAmount")), sum.1 + 1);
    }
    let tax = tax_line.unwrap_or_default() + taxed.values().map(|(amount, _)| amount).sum::<i128>();
    let net: i128 = lines.values().sum();
    faults.hold(tax == figures.tax, || format!("tax is {tax}, not {}", figures.tax));
    faults.hold(net + tax == figures.total, || format!("{net} + {tax} are not {}", figures.total));
    for (key, amount) in &lines {
        faults.hold(*amount >= 0 && amount % unit == 0, || format!("line {key} is {amount}"));
        let Some(part) = find(figures, *key) else {
            faults.0.push(format!("line {key} is nothing the buyer ordered"));
            continue;
        };
        part_of(&mut faults, part, *amount, slack(unit, rounded), unit);
    }
    for part in &figures.parts {
        let (key, net): (_, i128) = (key(part.on), part.net);
        faults.hold(net == 0 || lines.contains_key(&key), || format!("nothing stands for {key} ({net})"));
        let owed: i128 = part.taxes.iter().sum();
        let (found, count) = taxed.get(&key).copied().unwrap_or_default();
        // A share of the whole tax is off by less than a unit, and by its part of what rounding the sum took or gave.
        let slack = if rounded { 0 } else { unit * (count + 1) };
        let tied = tax_line.is_some() || (found - owed).abs() <= slack;
        faults.hold(tied, || format!("tax on {key} is {found}, not {owed}"));
    }
    faults
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
    let gap = (amount - part.net).abs();
    faults.hold(gap <= slack, || format!("{:?} is {amount}, not {}", part.on, part.net));
    // Each tax is rounded once on the full price and once on the discounted one.
    let far = unit * (part.taxes.len() as i128 + 1) + slack;
    let gap = (amount - part.taxed).abs();
    faults.hold(gap <= far, || format!("{:?} is {amount}, taxed as {}", part.on, part.taxed));
}

/// What the money fragments give, against the same figures.
pub fn fragments(drawn: &Drawn, given: &Value, rounded: bool) -> Faults {
    let mut faults = Faults::default();
    let paid = |tender: &Value| (number(tender.get("id")).cast_unsigned(), amount(tender.get("amount")));
    let mut tenders: Vec<_> = rows(given.get("tenders")).iter().map(paid).collect();
    let mut wanted = drawn.figures.paid.clone();
    tenders.sort_unstable();
    wanted.sort_unstable();
    faults.hold(tenders == wanted, || format!("paid are {wanted:?}, found {tenders:?}"));
    for (kind, field) in [("coupon", "coupon_discount"), ("discount", "discount_amount")] {
        let of = rows(given.get("discounts")).iter();
        let of = of.filter(|row| row.get("kind").and_then(Value::as_str) == Some(kind));
        let sum: i128 = of.map(|row| amount(row.get("amount"))).sum();
        let owed = exact(drawn.order[field].as_str().unwrap());
        faults.hold(sum == owed, || format!("{field} is {owed}, found {sum}"));
    }
    for kit in rows(given.get("kits")) {
        let (whole, parts) = (amount(kit.get("amount")), rows(kit.get("parts")));
        let sum: i128 = parts.iter().map(|part| amount(part.get("amount"))).sum();
        faults.hold(whole == sum, || format!("a kit of {whole} falls into {sum}"));
        faults.hold(parts.iter().all(|part| amount(part.get("amount")) >= 0), || format!("{parts:?}"));
    }
    refunds(&mut faults, drawn, given);
    after(&mut faults, drawn, given, rounded);
    faults
}

/// Parts of refunds add up to the refunds, each near the twin's own.
fn refunds(faults: &mut Faults, drawn: &Drawn, given: &Value) {
    let (figures, unit) = (&drawn.figures, unit(&drawn.figures));
    let mut sums: BTreeMap<i64, (i128, i128)> = BTreeMap::new();
    for part in rows(given.get("refunded")) {
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

/// The order after its refunds ties out.
fn after(faults: &mut Faults, drawn: &Drawn, given: &Value, rounded: bool) {
    let (figures, unit) = (&drawn.figures, unit(&drawn.figures));
    let of = |field: &str| amount(given.get(field));
    let left = (figures.total - figures.refunded.0, figures.tax - figures.refunded.1);
    let found = (of("total"), of("total_tax"));
    faults.hold(found == left, || format!("after refunds {left:?} are left, found {found:?}"));
    let lines = rows(given.get("lines"));
    let net: i128 = lines.iter().map(|line| amount(line.get("value"))).sum();
    faults.hold(net + of("of_order") + found.1 == found.0, || {
        format!("{net} + {} are not {}", found.1, found.0)
    });
    for line in lines {
        let (key, value) = (number(line.get("key")), amount(line.get("value")));
        faults.hold(value >= 0 && value % unit == 0, || format!("line {key} is {value}"));
        let Some(part) = find(figures, key) else {
            faults.0.push(format!("line {key} is nothing the buyer ordered"));
            continue;
        };
        let wanted = part.net - (part.refunded.1 - part.refunded.2);
        let slack = slack(unit, rounded) + if part.refunded.1 == 0 { 0 } else { 2 * unit };
        faults.hold((value - wanted).abs() <= slack, || {
            format!("{key} is {value} after refunds, not {wanted}")
        });
        if let On::Line(_) = part.on {
            let quantity = amount(line.get("item").and_then(|item| item.get("quantity")));
            let wanted = i128::from(part.quantity - part.refunded.0) * ONE;
            faults.hold(quantity == wanted, || format!("{key} counts {quantity}, not {wanted}"));
        }
    }
}
