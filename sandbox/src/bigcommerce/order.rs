//! What the store keeps of an order: what was bought, from whom, how it was paid. Sums are not kept; they are worked
//! out anew by `pricing`. In: parts of an order. Out: plain data that is saved and read as JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    money::Fixed,
    tax::{self, Rules},
};

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Number of the order.
    pub id: u64,
    /// Storefront or marketplace.
    pub channel_id: u64,
    /// 0 = guest.
    pub customer_id: u64,
    /// Placed.
    pub created: Timestamp,
    /// Last written.
    pub modified: Timestamp,
    /// Sent, if it was.
    pub shipped: Option<Timestamp>,
    /// One of the fifteen statuses.
    pub status_id: u64,
    /// Archived.
    pub deleted: bool,
    /// ISO code of the currency the amounts are in.
    pub currency: String,
    /// ISO code of the currency the shopper saw.
    pub display_currency: String,
    /// How tax is worked out.
    pub rules: Rules,
    /// No tax at all.
    pub exempt: bool,
    /// `BasicTaxProvider`, or empty.
    pub tax_provider_id: String,
    /// Bill to.
    pub billing: Contact,
    /// Ship to; none for downloads and certificates.
    pub addresses: Vec<ShippingAddress>,
    /// What was bought.
    pub lines: Vec<Line>,
    /// Surcharges.
    pub fees: Vec<Fee>,
    /// Coupons used.
    pub coupons: Vec<Coupon>,
    /// Discount given by hand, with tax.
    pub discount: Fixed,
    /// Wrapping charged on the order as a whole.
    pub wrapping: Option<Cost>,
    /// Words for people.
    pub payment_method: String,
    /// `captured`, `pending`, … or empty.
    pub payment_status: String,
    /// Paid with the customer's credit in the shop.
    pub store_credit: Fixed,
    /// Paid with gift certificates.
    pub gift_certificate: Fixed,
    /// Money movements.
    pub transactions: Vec<Transaction>,
    /// Refunds, oldest first.
    #[serde(default)]
    pub refunds: Vec<Refund>,
    /// Identifier of the cart, empty for orders made through the API.
    pub cart_id: String,
    /// Fields that are only kept and shown: notes, references, where it came from.
    pub plain: Map<String, Value>,
}

/// A person's address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Contact {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Firm.
    pub company: String,
    /// First line.
    pub street_1: String,
    /// Second line.
    pub street_2: String,
    /// Town.
    pub city: String,
    /// State or province.
    pub state: String,
    /// Postal code.
    pub zip: String,
    /// Name of the country.
    pub country: String,
    /// ISO alpha-2 code of the country.
    pub country_iso2: String,
    /// Telephone.
    pub phone: String,
    /// E-mail.
    pub email: String,
    /// The shop's own checkout fields, `{name, value}`.
    pub form_fields: Vec<Value>,
}

/// Where a part of the order goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ShippingAddress {
    /// Id within the store.
    pub id: u64,
    /// The address.
    pub contact: Contact,
    /// Words for people.
    pub shipping_method: String,
    /// Carriage.
    pub shipping: Cost,
    /// Packing.
    pub handling: Cost,
    /// Country and state whose rates hold, once the address has been changed: that works nothing out anew.
    #[serde(default)]
    pub taxed_at: Option<(String, String)>,
    /// Collected by the buyer: what the shop says about it; the address is then the shop's.
    #[serde(default)]
    pub pickup: Option<Map<String, Value>>,
}

/// A charge: as the store entered it, or as net and gross sent by an API client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cost {
    /// As entered.
    pub base: Fixed,
    /// Tax class.
    pub class: u32,
    /// Net and gross set by a client, which then count instead of `base` and the rates.
    #[serde(default)]
    pub set: Option<(Fixed, Fixed)>,
}

impl Cost {
    /// A charge as entered.
    pub(super) fn entered(base: Fixed, class: u32) -> Self {
        Self { base, class, set: None }
    }

    /// No charge for shipping or handling.
    pub(super) fn none() -> Self {
        Self::entered(Fixed::ZERO, tax::SHIPPING)
    }
}

/// How a line is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LineKind {
    /// Sent or collected.
    Physical,
    /// Downloaded.
    Digital,
    /// A gift certificate bought: not taxed, not discounted.
    GiftCertificate,
}

impl LineKind {
    /// The platform's word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Physical => "physical",
            Self::Digital => "digital",
            Self::GiftCertificate => "giftcertificate",
        }
    }
}

/// One line of an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    /// Id within the store: the key of shipments and refunds.
    pub id: u64,
    /// 0 = not in the catalogue.
    pub product_id: u64,
    /// Variant, 0 if not in the catalogue.
    pub variant_id: u64,
    /// The shipping address it goes to, 0 for none.
    pub address_id: u64,
    /// Name.
    pub name: String,
    /// SKU, may be empty for lines that are not in the catalogue.
    pub sku: String,
    /// UPC.
    pub upc: String,
    /// How it is delivered.
    pub kind: LineKind,
    /// How many.
    pub quantity: u32,
    /// How many were sent.
    pub shipped: u32,
    /// Unit price.
    pub price: Cost,
    /// A discount on this line alone, off its total with tax.
    #[serde(default)]
    pub promotion: Fixed,
    /// What the shop paid for one.
    pub cost_price: Fixed,
    /// Kilograms.
    pub weight: Fixed,
    /// Wrapping of the whole line.
    pub wrapping: Option<Wrapping>,
    /// Chosen options, as shown.
    pub options: Vec<Value>,
    /// Line of the bundle this line is part of.
    pub parent: Option<u64>,
    /// Certificate bought, for certificate lines.
    pub gift_certificate_id: Option<u64>,
    /// Date the buyer may expect a pre-ordered thing.
    pub event_date: Option<String>,
}

/// Gift wrapping of a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Wrapping {
    /// Kind of wrapping.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Words on the card.
    pub message: String,
    /// Charge for the whole line.
    pub cost: Cost,
}

/// A surcharge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Fee {
    /// Id within the store.
    pub id: u64,
    /// Name shown to the customer.
    pub customer_name: String,
    /// Name shown to the merchant.
    pub merchant_name: String,
    /// Who charged it.
    pub source: String,
    /// The charge.
    pub cost: Cost,
    /// Whether the tax class is known (an amount set by a client may have none).
    pub has_class: bool,
}

/// What a coupon takes off (the platform's numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CouponKind {
    /// 0: an amount off each item.
    PerItem,
    /// 1: percent off the items.
    Percentage,
    /// 2: an amount off the order.
    PerTotal,
    /// 3: an amount off shipping.
    Shipping,
    /// 4: free shipping.
    FreeShipping,
}

impl CouponKind {
    /// The platform's number.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::PerItem => 0,
            Self::Percentage => 1,
            Self::PerTotal => 2,
            Self::Shipping => 3,
            Self::FreeShipping => 4,
        }
    }
}

/// A coupon used on an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Coupon {
    /// Id within the store, of this use.
    pub id: u64,
    /// Id of the coupon.
    pub definition: u64,
    /// What the shopper typed.
    pub code: String,
    /// Name of the coupon.
    pub name: String,
    /// What it takes off.
    pub kind: CouponKind,
    /// Amount or percent.
    pub amount: Fixed,
}

/// A money movement of an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Transaction {
    /// Id within the store.
    pub id: u64,
    /// `purchase`, `authorization`, `capture`, `pending`, …
    pub event: String,
    /// `credit_card`, `gift_certificate`, `store_credit`, `offline`, …
    pub method: String,
    /// `testgateway`, `giftcertificate`, `cod`, …
    pub gateway: String,
    /// In the order's currency.
    pub amount: Fixed,
    /// False for an attempt that failed.
    pub ok: bool,
    /// When.
    pub created: Timestamp,
    /// The authorisation a capture belongs to.
    pub reference: Option<u64>,
    /// The platform's further fields of this method: `credit_card`, `gift_certificate`, `store_credit`, `offline`.
    pub detail: Map<String, Value>,
}

/// What a refund is for (`item_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum RefundKind {
    /// Units of a line.
    Product,
    /// The wrapping of a line.
    GiftWrapping,
    /// Carriage to an address.
    Shipping,
    /// Handling of an address.
    Handling,
    /// A fee.
    Fee,
    /// An amount off the order as a whole; no tax is in it.
    Order,
}

/// One thing refunded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RefundItem {
    /// What sort of thing.
    pub kind: RefundKind,
    /// Id of the line, address, fee or order.
    pub id: u64,
    /// Units, for lines.
    pub quantity: u32,
    /// What goes back, with tax.
    pub amount: Fixed,
    /// The tax within.
    pub tax: Fixed,
}

/// Money given back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refund {
    /// Id within the store.
    pub id: u64,
    /// When.
    pub created: Timestamp,
    /// Why.
    pub reason: String,
    /// For what.
    pub items: Vec<RefundItem>,
    /// How: provider, amount, transaction.
    pub payments: Vec<(String, Fixed, u64)>,
}

impl Refund {
    /// What goes back, with tax.
    pub(super) fn total(&self) -> Fixed {
        self.items.iter().map(|item| item.amount).sum()
    }

    /// The tax within.
    pub(super) fn tax(&self) -> Fixed {
        self.items.iter().map(|item| item.tax).sum()
    }
}

impl Order {
    /// Takes every discount off: that is what a change of the lines does.
    pub(super) fn clear_discounts(&mut self) {
        self.coupons.clear();
        self.discount = Fixed::ZERO;
        self.lines.iter_mut().for_each(|line| line.promotion = Fixed::ZERO);
    }

    /// What was refunded of one thing so far, with tax.
    pub(super) fn refunded(&self, kind: RefundKind, id: u64) -> impl Iterator<Item = &RefundItem> {
        let items = self.refunds.iter().flat_map(|refund| &refund.items);
        items.filter(move |item| item.kind == kind && item.id == id)
    }

    /// What was refunded in all, with tax, and the tax within.
    pub(super) fn refunds_total(&self) -> (Fixed, Fixed) {
        (self.refunds.iter().map(Refund::total).sum(), self.refunds.iter().map(Refund::tax).sum())
    }

    /// Units of a line that were refunded.
    pub(super) fn units_refunded(&self, line: u64) -> u32 {
        self.refunded(RefundKind::Product, line).map(|item| item.quantity).sum()
    }

    /// Country and state whose rates hold for what goes to an address; without one, those of the bill.
    pub(super) fn taxed_at(&self, address_id: u64) -> (&str, &str) {
        let Some(address) = self.addresses.iter().find(|address| address.id == address_id) else {
            return (&self.billing.country_iso2, &self.billing.state);
        };
        match &address.taxed_at {
            Some((country, state)) => (country, state),
            None => (&address.contact.country_iso2, &address.contact.state),
        }
    }

    /// Units bought, gift certificates included.
    pub(super) fn items_total(&self) -> u32 {
        self.lines.iter().map(|line| line.quantity).sum()
    }

    /// Units sent.
    pub(super) fn items_shipped(&self) -> u32 {
        self.lines.iter().map(|line| line.shipped).sum()
    }

    /// Whether nothing has to be sent.
    pub(super) fn is_digital(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|line| line.kind != LineKind::Physical)
    }
}
