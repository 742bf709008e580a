//! Kinds of orders. In: a [`OrderKind`], or an order. Out: a [`Trade`] that places such an order; the kinds an order is of,
//! read off the order itself. It must never take the word of the trade that placed it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    draw::{Floor, KIT},
    order::{CouponKind, Line, LineKind, Order},
    pricing::{Charge, Priced},
    trade::{MARKETPLACE, TaxCase, Tender, Trade},
};

macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident)+) => {
        /// What an order can be an example of; most orders are of several kinds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum OrderKind { $($(#[$doc])+ $kind,)+ }

        impl OrderKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];
        }
    };
}

kinds! {
    /// Prices entered with tax.
    TaxInclusive
    /// Prices entered without tax.
    TaxExclusive
    /// A buyer who pays no tax.
    TaxExempt
    /// A line with three rates at once.
    ThreeRates
    /// A line with rates of two priorities.
    StackedRates
    /// Lines of different classes.
    SeveralClasses
    /// A currency without minor units.
    Yen
    /// A currency with three decimals.
    Dinar
    /// Paid in another currency than the store's own.
    ForeignCurrency
    /// Shown in another currency than it was paid in.
    DisplayCurrency
    /// Forty lines or more.
    FortyLines
    /// Ten or more of one thing.
    ManyUnits
    /// A thing that costs nothing in the end.
    FreeItem
    /// Nothing to send.
    Digital
    /// A bundle with its parts.
    Kit
    /// A line without a product behind it.
    CustomLine
    /// A thing that is not out yet.
    PreOrder
    /// A thing the ERP does not know.
    UnknownItem
    /// A coupon off each item.
    ItemCoupon
    /// A coupon of so many percent.
    PercentCoupon
    /// A coupon off the order.
    OrderCoupon
    /// A coupon off carriage.
    ShippingCoupon
    /// A coupon for free carriage.
    FreeShipping
    /// A discount on one line, without a coupon.
    LineDiscount
    /// A discount by hand on the order.
    OrderDiscount
    /// Line discount, coupon and order discount together.
    EveryDiscount
    /// Carriage.
    Shipping
    /// Carriage without tax on an order with tax.
    UntaxedShipping
    /// Handling.
    Handling
    /// Gift wrapping.
    Wrapping
    /// A fee with tax.
    Fee
    /// A fee without tax on an order with tax.
    UntaxedFee
    /// A gift certificate bought.
    CertificateSold
    /// A gift certificate pays a part.
    CertificateRedeemed
    /// A gift certificate pays for all.
    CertificateForAll
    /// Credit in the shop pays, all or a part.
    StoreCredit
    /// More than one way to pay.
    SeveralTenders
    /// A card, paid by one movement or two.
    Card
    /// A card whose money is only held.
    Authorized
    /// A card that was refused first.
    RefusedCard
    /// Cheque, bank deposit, money order, cash.
    Offline
    /// Nothing paid yet.
    Unpaid
    /// A customer of the store.
    Registered
    /// A guest.
    Guest
    /// More than one shipping address.
    SeveralAddresses
    /// Through the marketplace.
    Marketplace
    /// A part of the money has gone back.
    PartlyRefunded
    /// All of the money has gone back.
    Refunded
}

impl OrderKind {
    /// The kind's name, in snake case.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl Trade {
    /// A trade whose order is of this kind; what the kind leaves open is drawn.
    pub fn of(kind: OrderKind) -> Self {
        let plain =
            Self { items: Some(vec![("PLATE-26".into(), 2), ("TOWEL-2".into(), 1)]), ..Self::default() };
        let items = |all: &[(&str, u32)]| {
            let items = all.iter().map(|(sku, number)| ((*sku).to_owned(), *number)).collect();
            Self { items: Some(items), ..Self::default() }
        };
        let tender = |tender| Self { tender: Some(tender), ..plain.clone() };
        let coupon = |number| Self { coupon: Some(number), shipping: Some(true), ..plain.clone() };
        let place = |country: &str, state: &str, tax| Self {
            country: Some(country.into()),
            state: Some(state.into()),
            tax: Some(tax),
            addresses: Some(1),
            ..plain.clone()
        };
        let denver = place("US", "Colorado", TaxCase::Exclusive);
        match kind {
            OrderKind::TaxInclusive => place("GB", "Shropshire", TaxCase::Inclusive),
            OrderKind::TaxExclusive => place("US", "Illinois", TaxCase::Exclusive),
            OrderKind::TaxExempt => Self { tax: Some(TaxCase::Exempt), ..plain },
            OrderKind::ThreeRates => denver,
            OrderKind::StackedRates => place("CA", "Quebec", TaxCase::Exclusive),
            OrderKind::SeveralClasses => Self {
                items: items(&[("PLATE-26", 1), ("HONEY-340", 3)]).items,
                ..place("DE", "Hessen", TaxCase::Inclusive)
            },
            OrderKind::Yen => Self { currency: Some("JPY".into()), ..plain },
            OrderKind::Dinar => Self { currency: Some("KWD".into()), ..plain },
            OrderKind::ForeignCurrency => Self { currency: Some("EUR".into()), ..plain },
            OrderKind::DisplayCurrency => {
                Self { currency: Some("USD".into()), display_currency: Some("CAD".into()), ..plain }
            }
            OrderKind::FortyLines => Self { lines: Some(40), ..Self::default() },
            OrderKind::ManyUnits => items(&[("PLATE-26", 24), ("STAMP-1", 144)]),
            OrderKind::FreeItem => Self { free_item: Some(true), ..plain },
            OrderKind::Digital => Self { certificate_line: Some(false), ..items(&[("EBOOK-SOUP", 1)]) },
            OrderKind::Kit => Self { parts: Some(true), ..items(&[(KIT, 2), ("TOWEL-2", 1)]) },
            OrderKind::CustomLine => Self { custom_line: Some(true), ..plain },
            OrderKind::PreOrder => items(&[("MIXER-S26", 1)]),
            OrderKind::UnknownItem => items(&[("LAMP-NEW", 1), ("PLATE-26", 1)]),
            OrderKind::ItemCoupon => coupon(0),
            OrderKind::PercentCoupon => coupon(1),
            OrderKind::OrderCoupon => coupon(2),
            OrderKind::ShippingCoupon => coupon(3),
            OrderKind::FreeShipping => coupon(4),
            OrderKind::LineDiscount => Self { promotion: Some(true), ..plain },
            OrderKind::OrderDiscount => Self { discount: Some(true), ..plain },
            OrderKind::EveryDiscount => Self { promotion: Some(true), discount: Some(true), ..coupon(1) },
            OrderKind::Shipping => Self { shipping: Some(true), coupon: Some(-1), ..plain },
            OrderKind::UntaxedShipping => Self { shipping: Some(true), coupon: Some(-1), ..denver },
            OrderKind::Handling => Self { handling: Some(true), ..plain },
            OrderKind::Wrapping => Self { wrapping: Some(true), ..plain },
            OrderKind::Fee => Self {
                fee: Some(true),
                fee_taxed: Some(true),
                ..place("GB", "Shropshire", TaxCase::Inclusive)
            },
            OrderKind::UntaxedFee => Self { fee: Some(true), fee_taxed: Some(false), ..denver },
            OrderKind::CertificateSold => Self { certificate_line: Some(true), ..plain },
            OrderKind::CertificateRedeemed | OrderKind::SeveralTenders => tender(Tender::Several),
            OrderKind::CertificateForAll => tender(Tender::GiftCertificate),
            OrderKind::StoreCredit => Self { customer_id: Some(1), ..tender(Tender::StoreCredit) },
            OrderKind::Card => tender(Tender::Card),
            OrderKind::Authorized => tender(Tender::Authorized),
            OrderKind::RefusedCard => tender(Tender::RefusedCard),
            OrderKind::Offline => tender(Tender::Offline),
            OrderKind::Unpaid => tender(Tender::Unpaid),
            OrderKind::Registered => Self { customer_id: Some(1), ..plain },
            OrderKind::Guest => Self { customer_id: Some(0), ..plain },
            OrderKind::SeveralAddresses => Self { addresses: Some(2), ..plain },
            OrderKind::Marketplace => Self { channel_id: Some(MARKETPLACE), ..plain },
            OrderKind::PartlyRefunded => Self { refund: Some(Back::Part), ..tender(Tender::Several) },
            OrderKind::Refunded => Self { refund: Some(Back::All), ..tender(Tender::Several) },
        }
    }
}

/// How much of an order is refunded as soon as it is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Back {
    /// Some of the lines, some of their units, sometimes the charges too.
    Part,
    /// Everything.
    All,
}

/// The kinds an order is of.
pub(super) fn kinds(
    floor: &Floor,
    order: &Order,
    priced: &Priced,
    store_currency: &str,
) -> BTreeSet<OrderKind> {
    let mut found = BTreeSet::new();
    let mut add = |is: bool, kind: OrderKind| {
        if is {
            found.insert(kind);
        }
    };
    of_tax(order, priced, &mut add);
    of_lines(floor, order, priced, &mut add);
    of_discounts(order, priced, &mut add);
    of_payment(order, priced, &mut add);
    add(order.currency == "JPY", OrderKind::Yen);
    add(order.currency == "KWD", OrderKind::Dinar);
    add(order.currency != store_currency, OrderKind::ForeignCurrency);
    add(order.currency != order.display_currency, OrderKind::DisplayCurrency);
    add(order.customer_id != 0, OrderKind::Registered);
    add(order.customer_id == 0, OrderKind::Guest);
    add(order.addresses.len() > 1, OrderKind::SeveralAddresses);
    add(order.channel_id == MARKETPLACE, OrderKind::Marketplace);
    found
}

fn of_tax(order: &Order, priced: &Priced, add: &mut impl FnMut(bool, OrderKind)) {
    let taxed = !priced.total.tax.is_zero();
    add(taxed && order.rules.inclusive, OrderKind::TaxInclusive);
    add(taxed && !order.rules.inclusive, OrderKind::TaxExclusive);
    add(order.exempt, OrderKind::TaxExempt);
    add(priced.lines.iter().any(|line| line.taxes.len() >= 3), OrderKind::ThreeRates);
    let stacked = |line: &super::pricing::PricedLine| line.taxes.iter().any(|tax| tax.rate.priority > 0);
    add(priced.lines.iter().any(stacked), OrderKind::StackedRates);
    let mut classes: Vec<_> = priced.lines.iter().flat_map(|line| &line.taxes).map(|tax| tax.class).collect();
    classes.sort_unstable();
    classes.dedup();
    add(classes.len() > 1, OrderKind::SeveralClasses);
    add(!priced.shipping.inc.is_zero(), OrderKind::Shipping);
    add(taxed && !priced.shipping.inc.is_zero() && priced.shipping.tax.is_zero(), OrderKind::UntaxedShipping);
    add(!priced.handling.inc.is_zero(), OrderKind::Handling);
    add(!priced.wrapping.inc.is_zero(), OrderKind::Wrapping);
    let fee =
        |with_tax: bool| move |fee: &Charge| !fee.sums.inc.is_zero() && fee.sums.tax.is_zero() != with_tax;
    add(priced.fees.iter().any(fee(true)), OrderKind::Fee);
    add(taxed && priced.fees.iter().any(fee(false)), OrderKind::UntaxedFee);
}

fn of_lines(floor: &Floor, order: &Order, priced: &Priced, add: &mut impl FnMut(bool, OrderKind)) {
    let any = |wanted: &dyn Fn(&Line) -> bool| order.lines.iter().any(wanted);
    let free = |(line, priced): (&Line, &super::pricing::PricedLine)| {
        line.kind == LineKind::Physical && line.parent.is_none() && priced.discounted_inc.is_zero()
    };
    add(order.lines.len() >= 40, OrderKind::FortyLines);
    add(any(&|line| line.quantity >= 10), OrderKind::ManyUnits);
    add(order.lines.iter().zip(&priced.lines).any(free), OrderKind::FreeItem);
    add(order.is_digital() && any(&|line| line.kind == LineKind::Digital), OrderKind::Digital);
    add(any(&|line| line.parent.is_some()), OrderKind::Kit);
    let typed = |line: &Line| line.product_id == 0 && line.kind != LineKind::GiftCertificate;
    add(any(&typed), OrderKind::CustomLine);
    add(any(&|line| line.event_date.is_some()), OrderKind::PreOrder);
    add(any(&|line| floor.is_store_only(&line.sku)), OrderKind::UnknownItem);
    add(any(&|line| line.kind == LineKind::GiftCertificate), OrderKind::CertificateSold);
}

fn of_discounts(order: &Order, priced: &Priced, add: &mut impl FnMut(bool, OrderKind)) {
    let took = |kind: CouponKind| {
        order.coupons.iter().zip(&priced.coupons).any(|(coupon, off)| coupon.kind == kind && !off.is_zero())
    };
    for (coupon, kind) in [
        (CouponKind::PerItem, OrderKind::ItemCoupon),
        (CouponKind::Percentage, OrderKind::PercentCoupon),
        (CouponKind::PerTotal, OrderKind::OrderCoupon),
        (CouponKind::Shipping, OrderKind::ShippingCoupon),
        (CouponKind::FreeShipping, OrderKind::FreeShipping),
    ] {
        add(took(coupon), kind);
    }
    let on_line = priced.discount > priced.by_hand;
    let by_hand = !priced.by_hand.is_zero();
    add(on_line, OrderKind::LineDiscount);
    add(by_hand, OrderKind::OrderDiscount);
    add(on_line && by_hand && !priced.coupon_discount.is_zero(), OrderKind::EveryDiscount);
}

fn of_payment(order: &Order, priced: &Priced, add: &mut impl FnMut(bool, OrderKind)) {
    let good = || order.transactions.iter().filter(|movement| movement.ok && movement.event != "refund");
    let by = |method: &str| good().any(|movement| movement.method == method);
    let total = super::refund::before_refunds(order, priced);
    let redeemed = order.gift_certificate;
    add(!redeemed.is_zero() && redeemed < total, OrderKind::CertificateRedeemed);
    add(!redeemed.is_zero() && redeemed == total, OrderKind::CertificateForAll);
    add(by("store_credit"), OrderKind::StoreCredit);
    let mut methods: Vec<&str> = good().map(|movement| movement.method.as_str()).collect();
    methods.sort_unstable();
    methods.dedup();
    add(methods.len() > 1, OrderKind::SeveralTenders);
    add(by("credit_card"), OrderKind::Card);
    add(order.payment_status == "authorized", OrderKind::Authorized);
    add(order.transactions.iter().any(|movement| !movement.ok), OrderKind::RefusedCard);
    add(by("offline"), OrderKind::Offline);
    add(order.transactions.is_empty() && !total.is_zero(), OrderKind::Unpaid);
    let back = order.refunds_total().0;
    add(!back.is_zero() && back < total, OrderKind::PartlyRefunded);
    add(!back.is_zero() && back == total, OrderKind::Refunded);
}
