//! Works out every sum of an order. In: an [`Order`]. Out: a [`Priced`]: lines, charges, taxes and totals that tie out
//! to the minor unit (`total_inc = subtotal_inc + shipping_inc + handling_inc + wrapping_inc + fees_inc - discount -
//! coupons`, `total_ex = total_inc - total_tax`). It must never take a sum from a client.

use super::{
    money::{Fixed, allocate},
    order::{Cost, Coupon, CouponKind, Line, LineKind, Order},
    tax::{self, Rate, Rules, Taxed},
};

/// The name under which an amount of tax that a client set is listed.
pub(super) const OVERRIDE_NAME: &str = "API Tax Override";

/// Net, gross and tax of a part of the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Without tax.
    pub ex: Fixed,
    /// With tax.
    pub inc: Fixed,
    /// The tax.
    pub tax: Fixed,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.ex += other.ex;
        self.inc += other.inc;
        self.tax += other.tax;
    }
}

/// An amount of tax with the rate it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaxPart {
    /// The rate; 0 % for an amount that a client set.
    pub rate: Rate,
    /// Class, none for an amount that a client set.
    pub class: Option<u32>,
    /// The tax.
    pub amount: Fixed,
}

/// A charge: shipping, handling, wrapping or a fee.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Charge {
    /// As entered.
    pub base: Fixed,
    /// Worked out; each in whole minor units.
    pub sums: Sums,
    /// The taxes within.
    pub taxes: Vec<TaxPart>,
}

/// A discount as it falls on one line, with tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    /// `coupon`, `total-coupon`, `manual-discount`; choice: `promotion` for a discount on one line without a coupon,
    /// which the documents do not show.
    pub id: &'static str,
    /// Name of the coupon, or of the discount.
    pub name: String,
    /// Code of the coupon.
    pub code: Option<String>,
    /// `product` or `order`.
    pub target: &'static str,
    /// What it takes off this line.
    pub amount: Fixed,
}

/// One line, worked out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PricedLine {
    /// One unit before discounts.
    pub unit: Sums,
    /// The line before discounts.
    pub total: Sums,
    /// The discounts.
    pub discounts: Vec<Applied>,
    /// The line after all discounts, with tax.
    pub discounted_inc: Fixed,
    /// What the taxes after discounts are worked out on; not rounded.
    pub taxed: Fixed,
    /// The taxes on the discounted line.
    pub taxes: Vec<TaxPart>,
    /// Wrapping of the line.
    pub wrapping: Charge,
}

/// An order, worked out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Priced {
    /// In the order of the order's lines.
    pub lines: Vec<PricedLine>,
    /// Carriage by address, in their order.
    pub shippings: Vec<Charge>,
    /// Packing by address, in their order.
    pub handlings: Vec<Charge>,
    /// Wrapping charged on the order as a whole.
    pub order_wrapping: Charge,
    /// In the order of the order's fees.
    pub fees: Vec<Charge>,
    /// What each coupon took off the lines, or off shipping.
    pub coupons: Vec<Fixed>,
    /// Off the lines, by coupons.
    pub coupon_discount: Fixed,
    /// Off the lines, by promotions and by hand.
    pub discount: Fixed,
    /// The part of it that is by hand.
    pub by_hand: Fixed,
    /// Lines; net and gross before discounts, tax after them.
    pub subtotal: Sums,
    /// Carriage.
    pub shipping: Sums,
    /// Packing.
    pub handling: Sums,
    /// Wrapping.
    pub wrapping: Sums,
    /// Fees.
    pub fee: Sums,
    /// The whole order.
    pub total: Sums,
}

/// Works the order out.
pub(super) fn price(order: &Order) -> Priced {
    let mut priced = Priced::default();
    let rates: Vec<Vec<Rate>> = order.lines.iter().map(|line| line_rates(order, line)).collect();
    priced.lines = order.lines.iter().zip(&rates).map(|(line, rates)| before(order, line, rates)).collect();
    discounts(order, &mut priced);
    for ((line, rates), priced) in order.lines.iter().zip(&rates).zip(&mut priced.lines) {
        after(order.rules, line, rates, priced);
    }
    charges(order, &mut priced);
    sums(order, &mut priced);
    priced
}

fn line_rates(order: &Order, line: &Line) -> Vec<Rate> {
    if line.kind == LineKind::GiftCertificate || line.price.set.is_some() {
        return Vec::new();
    }
    rates(order, line.address_id, line.price.class)
}

fn rates(order: &Order, address_id: u64, class: u32) -> Vec<Rate> {
    if order.exempt {
        return Vec::new();
    }
    let (country, state) = order.taxed_at(address_id);
    tax::rates(country, state, class)
}

/// A line before discounts.
fn before(order: &Order, line: &Line, rates: &[Rate]) -> PricedLine {
    let rules = order.rules;
    let (unit, total) = if let Some((ex, inc)) = line.price.set {
        let round = |amount: Fixed| amount.times(line.quantity).round(rules.digits);
        (
            Taxed { ex, inc, parts: vec![inc - ex] },
            Taxed { ex: round(ex), inc: round(inc), parts: Vec::new() },
        )
    } else {
        let total = line.price.base.times(line.quantity);
        (rules.split(line.price.base, rates), rules.split(total, rates))
    };
    let estimate = |taxed: &Taxed| {
        // With tax in the price the net amount is an estimate that is not rounded to the minor unit.
        let net = line.price.set.is_none() && rules.inclusive && !rates.is_empty();
        let ex = if net { rules.net(taxed.inc, rates).round(4) } else { taxed.ex };
        Sums { ex, inc: taxed.inc, tax: taxed.inc - ex }
    };
    PricedLine {
        unit: estimate(&unit),
        discounted_inc: total.inc,
        total: estimate(&total),
        ..PricedLine::default()
    }
}

/// Takes all discounts off the lines: promotions on single lines, then coupons, then the discount given by hand.
fn discounts(order: &Order, priced: &mut Priced) {
    let promotion = |(line, room): (&Line, i128)| line.promotion.minor(order.rules.digits).min(room);
    let off: Vec<i128> = order.lines.iter().zip(room(order, &priced.lines)).map(promotion).collect();
    let applied = Applied {
        id: "promotion",
        name: "Promotion".into(),
        code: None,
        target: "product",
        amount: Fixed::ZERO,
    };
    priced.discount = apply(order, &off, &applied, &mut priced.lines);
    for coupon in &order.coupons {
        let off = off_lines(order, coupon, &priced.lines);
        let target = if coupon.kind == CouponKind::PerTotal { "order" } else { "product" };
        let id = if target == "order" { "total-coupon" } else { "coupon" };
        let applied = Applied {
            id,
            name: coupon.name.clone(),
            code: Some(coupon.code.clone()),
            target,
            amount: Fixed::ZERO,
        };
        let taken = apply(order, &off, &applied, &mut priced.lines);
        priced.coupons.push(taken);
        priced.coupon_discount += taken;
    }
    let room = room(order, &priced.lines);
    let wanted = order.discount.minor(order.rules.digits).min(room.iter().sum());
    let applied = Applied {
        id: "manual-discount",
        name: "Manual Discount".into(),
        code: None,
        target: "order",
        amount: Fixed::ZERO,
    };
    priced.by_hand = apply(order, &allocate(wanted, &room), &applied, &mut priced.lines);
    priced.discount += priced.by_hand;
}

/// What a coupon takes off each line, in minor units.
fn off_lines(order: &Order, coupon: &Coupon, lines: &[PricedLine]) -> Vec<i128> {
    let room = room(order, lines);
    let sum: i128 = room.iter().sum();
    let digits = order.rules.digits;
    match coupon.kind {
        CouponKind::PerItem => {
            let wanted = |line: &Line| coupon.amount.times(line.quantity).minor(digits);
            order.lines.iter().zip(&room).map(|(line, room)| wanted(line).min(*room)).collect()
        }
        CouponKind::Percentage => {
            let all = Fixed::from_minor(sum, digits).mul(coupon.amount).div(Fixed::whole(100));
            allocate(all.minor(digits).min(sum), &room)
        }
        CouponKind::PerTotal => allocate(coupon.amount.minor(digits).min(sum), &room),
        CouponKind::Shipping | CouponKind::FreeShipping => vec![0; lines.len()],
    }
}

/// What is left to discount on each line, in whole minor units; certificates cannot be discounted.
fn room(order: &Order, lines: &[PricedLine]) -> Vec<i128> {
    let digits = order.rules.digits;
    let floor = |amount: Fixed| {
        let minor = amount.minor(digits);
        if Fixed::from_minor(minor, digits) > amount { minor - 1 } else { minor }
    };
    let left = |(line, priced): (&Line, &PricedLine)| match line.kind {
        LineKind::GiftCertificate => 0,
        _ => floor(priced.discounted_inc).max(0),
    };
    order.lines.iter().zip(lines).map(left).collect()
}

fn apply(order: &Order, shares: &[i128], applied: &Applied, lines: &mut [PricedLine]) -> Fixed {
    let mut taken = Fixed::ZERO;
    for (line, share) in lines.iter_mut().zip(shares).filter(|(_, share)| **share != 0) {
        let amount = Fixed::from_minor(*share, order.rules.digits);
        line.discounted_inc -= amount;
        line.discounts.push(Applied { amount, ..applied.clone() });
        taken += amount;
    }
    taken
}

/// The taxes of a line after its discounts.
fn after(rules: Rules, line: &Line, rates: &[Rate], priced: &mut PricedLine) {
    let off = priced.total.inc - priced.discounted_inc;
    if line.price.set.is_some() {
        let kept = priced.total.tax.mul(priced.discounted_inc.div(priced.total.inc));
        priced.taxes = override_tax(if off.is_zero() { priced.total.tax } else { kept.round(rules.digits) });
        priced.taxed = priced.discounted_inc - priced.taxes.iter().map(|tax| tax.amount).sum();
        return;
    }
    let net = if rules.inclusive {
        rules.net(priced.discounted_inc, rates)
    } else {
        (priced.total.ex - rules.net(off, rates)).max(Fixed::ZERO)
    };
    priced.taxed = net;
    priced.taxes = tax_parts(rates, line.price.class, &rules.parts(net, rates));
}

fn tax_parts(rates: &[Rate], class: u32, parts: &[Fixed]) -> Vec<TaxPart> {
    let part =
        |(rate, amount): (&Rate, &Fixed)| TaxPart { rate: rate.clone(), class: Some(class), amount: *amount };
    rates.iter().zip(parts).map(part).collect()
}

fn override_tax(amount: Fixed) -> Vec<TaxPart> {
    if amount.is_zero() {
        return Vec::new();
    }
    let rate = Rate { id: 0, name: OVERRIDE_NAME.into(), percent: Fixed::ZERO, priority: 0 };
    vec![TaxPart { rate, class: None, amount }]
}

fn charges(order: &Order, priced: &mut Priced) {
    let mut free = order
        .coupons
        .iter()
        .enumerate()
        .filter(|(_, coupon)| matches!(coupon.kind, CouponKind::Shipping | CouponKind::FreeShipping));
    let shipping_coupon = free.next();
    let mut left = shipping_coupon.map_or(Fixed::ZERO, |(_, coupon)| match coupon.kind {
        CouponKind::FreeShipping => order.addresses.iter().map(|address| address.shipping.base).sum(),
        _ => coupon.amount.round(order.rules.digits),
    });
    let budget = left;
    for address in &order.addresses {
        let off = left.min(address.shipping.base);
        left -= off;
        priced.shippings.push(charge(order, address.id, &address.shipping, off));
        priced.handlings.push(charge(order, address.id, &address.handling, Fixed::ZERO));
    }
    if let Some((at, _)) = shipping_coupon {
        priced.coupons[at] = budget - left;
    }
    for (line, priced) in order.lines.iter().zip(&mut priced.lines) {
        if let Some(wrapping) = &line.wrapping {
            priced.wrapping = charge(order, line.address_id, &wrapping.cost, Fixed::ZERO);
        }
    }
    let first = order.addresses.first().map_or(0, |address| address.id);
    if let Some(wrapping) = &order.wrapping {
        priced.order_wrapping = charge(order, first, wrapping, Fixed::ZERO);
    }
    priced.fees = order.fees.iter().map(|fee| charge(order, first, &fee.cost, Fixed::ZERO)).collect();
}

/// A charge less a discount, with its taxes; sums in whole minor units whatever the rounding strategy.
fn charge(order: &Order, address_id: u64, cost: &Cost, off: Fixed) -> Charge {
    let digits = order.rules.digits;
    if let Some((ex, inc)) = cost.set {
        let sums = Sums { ex, inc, tax: inc - ex };
        return Charge { base: cost.base, sums, taxes: override_tax(sums.tax) };
    }
    let rates = rates(order, address_id, cost.class);
    let taxed = order.rules.split((cost.base - off).round(digits), &rates);
    let tax = taxed.tax().round(digits);
    let sums = if order.rules.inclusive {
        Sums { ex: taxed.inc - tax, inc: taxed.inc, tax }
    } else {
        Sums { ex: taxed.ex, inc: taxed.ex + tax, tax }
    };
    Charge { base: cost.base, sums, taxes: tax_parts(&rates, cost.class, &taxed.parts) }
}

fn sums(order: &Order, priced: &mut Priced) {
    let digits = order.rules.digits;
    for line in &priced.lines {
        priced.subtotal.ex += line.total.ex;
        priced.subtotal.inc += line.total.inc;
        priced.subtotal.tax += line.taxes.iter().map(|tax| tax.amount).sum();
        priced.wrapping.add(line.wrapping.sums);
    }
    priced.subtotal.inc = priced.subtotal.inc.round(digits);
    priced.subtotal.tax = priced.subtotal.tax.round(digits);
    priced.wrapping.add(priced.order_wrapping.sums);
    priced.shippings.iter().for_each(|charge| priced.shipping.add(charge.sums));
    priced.handlings.iter().for_each(|charge| priced.handling.add(charge.sums));
    priced.fees.iter().for_each(|charge| priced.fee.add(charge.sums));
    let fee = if order.rules.fees_in_total { priced.fee } else { Sums::default() };
    let parts = [priced.subtotal, priced.shipping, priced.handling, priced.wrapping, fee];
    let inc: Fixed = parts.iter().map(|part| part.inc).sum();
    priced.total.inc = inc - priced.discount - priced.coupon_discount;
    priced.total.tax = parts.iter().map(|part| part.tax).sum();
    if order.rules.refunds_lower_total {
        let (inc, tax) = order.refunds_total();
        priced.total.inc -= inc;
        priced.total.tax -= tax;
    }
    priced.total.ex = priced.total.inc - priced.total.tax;
}
