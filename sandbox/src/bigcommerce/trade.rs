//! Trade: shoppers and shop staff at work. In: a [`Trade`], whose blanks are drawn from the sandbox's seed, or an
//! [`Edit`]. Out: orders of every kind of payment, tax and discount, with their webhooks. It must never set a sum.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Store,
    draw::{self, CARRIAGE, Floor, contact},
    drawn::{Drawn, drawn},
    kind::{Back, OrderKind, kinds},
    money::Fixed,
    order::{Cost, Line, LineKind, Order, ShippingAddress},
    order_write,
    pricing::{Priced, price},
    refund,
    state::State,
    status, tax,
    tender::Till,
};
use crate::seed::{person, place};

/// How an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tender {
    /// A card, at once or in two steps; sometimes after an attempt that failed, sometimes only held.
    Card,
    /// A card whose money is held and not taken.
    Authorized,
    /// A card that is refused, and another one.
    RefusedCard,
    /// A gift certificate, credit in the shop for registered customers, a card for the rest.
    Several,
    /// A gift certificate pays for all.
    GiftCertificate,
    /// Credit in the shop pays for all; guests use a certificate.
    StoreCredit,
    /// Cheque, bank deposit, money order, cash.
    Offline,
    /// Nothing yet, and no transaction.
    Unpaid,
}

/// How an order is taxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxCase {
    /// Prices are entered with tax.
    Inclusive,
    /// Prices are entered without tax.
    Exclusive,
    /// No tax at all.
    Exempt,
}

/// An order to be placed; what is left out is drawn.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trade {
    /// How it is paid.
    pub tender: Option<Tender>,
    /// How it is taxed.
    pub tax: Option<TaxCase>,
    /// ISO code of the currency it is paid in.
    pub currency: Option<String>,
    /// ISO code of the currency the shopper saw.
    pub display_currency: Option<String>,
    /// ISO alpha-2 code of the country it goes to.
    pub country: Option<String>,
    /// State or province within that country.
    pub state: Option<String>,
    /// Storefront or marketplace.
    pub channel_id: Option<u64>,
    /// A customer of the store; 0 for a guest.
    pub customer_id: Option<u64>,
    /// E-mail address of a guest.
    pub email: Option<String>,
    /// What is bought: SKU and number.
    pub items: Option<Vec<(String, u32)>>,
    /// How many lines, if `items` is not said.
    pub lines: Option<u32>,
    /// How many shipping addresses.
    pub addresses: Option<u32>,
    /// A coupon, by the platform's number (0 to 4), or -1 for none.
    pub coupon: Option<i8>,
    /// A discount given by hand.
    pub discount: Option<bool>,
    /// A discount on one line, without a coupon.
    pub promotion: Option<bool>,
    /// A line that costs nothing in the end.
    pub free_item: Option<bool>,
    /// A line without a product behind it.
    pub custom_line: Option<bool>,
    /// The parts of bundles are listed as lines.
    pub parts: Option<bool>,
    /// Carriage that costs something; some of it is free if left to chance.
    pub shipping: Option<bool>,
    /// A fee.
    pub fee: Option<bool>,
    /// Whether the fee is taxed.
    pub fee_taxed: Option<bool>,
    /// Gift wrapping on a line.
    pub wrapping: Option<bool>,
    /// A charge for handling.
    pub handling: Option<bool>,
    /// A line that sells a gift certificate.
    pub certificate_line: Option<bool>,
    /// What goes back as soon as it is paid; nothing if left out, and nothing that was not paid.
    pub refund: Option<Back>,
    /// Everything was sent before that.
    pub sent_first: bool,
    /// The status it ends up in; follows from the payment if left out.
    pub status_id: Option<u64>,
}

/// A change that shop staff make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// One more line.
    Add {
        /// SKU.
        sku: String,
        /// How many.
        quantity: u32,
    },
    /// Another number of a line; 0 removes it.
    Quantity {
        /// Id of the line.
        line_id: u64,
        /// How many.
        quantity: u32,
    },
    /// The staff's notes.
    Note(String),
    /// Something drawn: another number of the first line.
    Any,
}

/// The status of orders that were sent.
const SHIPPED: u64 = 2;

/// The marketplace; orders come through it only if a trade asks for it.
pub const MARKETPLACE: u64 = 664_001;

impl Store {
    /// Places an order; its number. Refuses what the shop does not have, in words.
    pub fn place(self: &Arc<Self>, trade: &Trade) -> Result<u64, String> {
        let mut floor = self.trade.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        let (order, _) = self.take(&mut floor, &mut state, trade)?;
        let id = order.id;
        let moved: Vec<_> = order.transactions.iter().map(|movement| (movement.id, movement.ok)).collect();
        state.file(order);
        let about = json!({ "type": "order", "id": id });
        self.emit(&mut state, "store/order/created", &about);
        for (transaction, _) in moved.into_iter().filter(|(_, ok)| *ok) {
            self.tell_transaction(&mut state, id, transaction);
        }
        self.shared.note(
            crate::ledger::Platform::Bigcommerce,
            "trade",
            json!({ "verb": "place", "order_id": id }),
        );
        Ok(id)
    }

    /// Draws an order as [`Store::place`] does, files nothing and tells nobody: its parts as a client would read them, its
    /// kinds and its figures.
    pub fn draw(&self, trade: &Trade) -> Result<Drawn, String> {
        let mut floor = self.trade.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        let (order, priced) = self.take(&mut floor, &mut state, trade)?;
        state.certificates.clear();
        let own = &self.settings.currency;
        let kinds = kinds(&floor, &order, &priced, own);
        Ok(drawn(&order, &priced, own, kinds))
    }

    /// The kinds a filed order is of; none for an unknown one.
    pub fn kinds(&self, id: u64) -> BTreeSet<OrderKind> {
        let floor = self.trade.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        let filed = state.orders.get(&id);
        filed.map_or_else(BTreeSet::new, |filed| {
            kinds(&floor, filed.order(), filed.priced(), &self.settings.currency)
        })
    }

    /// Composes an order and takes the money for it, some of it perhaps back.
    fn take(&self, floor: &mut Floor, state: &mut State, trade: &Trade) -> Result<(Order, Priced), String> {
        let mut order = self.compose(floor, state, trade)?;
        let priced = price(&order);
        let tender = trade.tender.unwrap_or_else(|| draw::tender(&mut floor.random));
        Till { state, random: &mut floor.random, order: &mut order }.pay(priced.total.inc, tender);
        let now = self.shared.clock.now();
        if trade.sent_first {
            order_write::set_status(&mut order, SHIPPED, now);
        }
        if let Some(back) = trade.refund {
            let wanted = draw::back(&mut floor.random, back, order.lines.len());
            refund::refund(state, &mut order, &priced, &wanted, now);
        }
        if let Some(status_id) = trade.status_id {
            if !status::exists(status_id) {
                return Err(format!("there is no order status {status_id}; see /v2/order_statuses"));
            }
            order_write::set_status(&mut order, status_id, now);
        }
        let priced = if order.refunds.is_empty() { priced } else { price(&order) };
        Ok((order, priced))
    }

    /// Gives money back for a paid order; the number of the refund.
    pub fn refund(self: &Arc<Self>, id: u64, back: Back) -> Result<u64, String> {
        let mut floor = self.trade.lock().unwrap_or_else(PoisonError::into_inner);
        let mut made = None;
        self.change(id, "refund", |store, state, order| {
            let wanted = draw::back(&mut floor.random, back, order.lines.len());
            made = refund::refund(state, order, &price(order), &wanted, store.shared.clock.now());
            made.map(|_| ()).ok_or_else(|| format!("order {id} has nothing left to refund"))
        })?;
        let refund_id = made.unwrap_or_default();
        let about = json!({ "type": "order", "id": id, "refund": { "refund_id": refund_id } });
        self.emit(&mut self.state(), "store/order/refund/created", &about);
        Ok(refund_id)
    }

    fn tell_transaction(self: &Arc<Self>, state: &mut State, order_id: u64, transaction_id: u64) {
        let about = json!({
            "type": "transaction",
            "order_id": order_id.to_string(),
            "transaction_id": transaction_id.to_string(),
        });
        self.emit(state, "store/order/transaction/created", &about);
    }

    fn compose(&self, floor: &mut Floor, state: &mut State, trade: &Trade) -> Result<Order, String> {
        let currency = draw::currency(&mut floor.random, trade)?;
        let buyer = draw::buyer(floor, state, trade, &currency)?;
        let mut order = order_write::blank(self, state, contact(&buyer.person, &buyer.place), &currency);
        order.customer_id = buyer.customer_id;
        order.exempt = buyer.exempt;
        match trade.tax {
            Some(TaxCase::Exempt) => order.exempt = true,
            Some(case) => (order.exempt, order.rules.inclusive) = (false, case == TaxCase::Inclusive),
            None => {}
        }
        if order.exempt {
            order.tax_provider_id = String::new();
        }
        order.cart_id = draw::uuid(&mut floor.random);
        order.channel_id = trade.channel_id.unwrap_or_else(|| draw::storefront(&currency));
        let market = order.channel_id == MARKETPLACE;
        order.plain.insert("order_source".into(), json!(if market { "amazon" } else { "www" }));
        order.display_currency = trade.display_currency.clone().unwrap_or_else(|| {
            if currency == "USD" && floor.random.chance(12) { "CAD".into() } else { currency.clone() }
        });
        order.billing.form_fields = draw::fields(&mut floor.random);
        self.fill(floor, state, &mut order, trade)?;
        draw::extras(floor, state, &mut order, trade)?;
        Ok(order)
    }

    /// Addresses and lines.
    fn fill(
        &self,
        floor: &mut Floor,
        state: &mut State,
        order: &mut Order,
        trade: &Trade,
    ) -> Result<(), String> {
        let wanted = match &trade.items {
            Some(items) => items.clone(),
            None => draw::items(floor, trade),
        };
        let count = trade.addresses.unwrap_or_else(|| if floor.random.chance(12) { 2 } else { 1 });
        let mut addresses = Vec::new();
        for at in 0..count.max(1) {
            let carriages = match trade.shipping {
                Some(true) => &CARRIAGE[1..],
                Some(false) => &CARRIAGE[..1],
                None => CARRIAGE,
            };
            let (method, carriage) = floor.random.pick(carriages).copied().unwrap_or(CARRIAGE[0]);
            let mut to = order.billing.clone();
            if at > 0 {
                floor.shoppers += 1;
                let who = person(&mut floor.random, floor.shoppers);
                let there = place(&mut floor.random, Some(&order.billing.country_iso2));
                to = contact(&who, &there);
            }
            to.form_fields = Vec::new();
            addresses.push(ShippingAddress {
                id: state.id("address"),
                contact: to,
                shipping_method: method.into(),
                shipping: Cost::entered(Self::convert(carriage, &order.currency), tax::SHIPPING),
                handling: Cost::none(),
                taxed_at: None,
                pickup: None,
            });
        }
        for (at, (sku, quantity)) in wanted.into_iter().enumerate() {
            let mut line = self.line(state, order, &sku)?;
            line.quantity = quantity.max(1);
            line.id = state.id("line");
            if line.kind == LineKind::Physical {
                line.address_id = addresses[at % addresses.len()].id;
            }
            let parts = draw::parts(floor, &sku);
            let parent = (line.id, line.quantity, line.address_id);
            order.lines.push(line);
            if !parts.is_empty() && floor.flag(trade.parts, 50) {
                for (sku, number) in parts {
                    let part = self.line(state, order, &sku)?;
                    let id = state.id("line");
                    order.lines.push(bundled(part, id, number, parent));
                }
            }
        }
        let goes = |id: u64| order.lines.iter().any(|line| line.address_id == id);
        addresses.retain(|address| goes(address.id));
        order.addresses = addresses;
        Ok(())
    }

    fn line(&self, state: &State, order: &Order, sku: &str) -> Result<Line, String> {
        let unknown = || format!("the shop has no SKU {sku}; see /v3/catalog/variants");
        let variants = state.products.values().filter_map(|product| product["variants"].as_array()).flatten();
        let variant =
            variants.into_iter().find(|variant| variant["sku"] == json!(sku)).ok_or_else(unknown)?;
        let product_id = variant["product_id"].as_u64().ok_or_else(unknown)?;
        self.catalogue_line(state, product_id, variant["id"].as_u64(), order).ok_or_else(unknown)
    }

    /// Changes an order as shop staff do; changed lines lose their discounts.
    pub fn edit(self: &Arc<Self>, id: u64, edit: &Edit) -> Result<(), String> {
        let mut floor = self.trade.lock().unwrap_or_else(PoisonError::into_inner);
        self.change(id, "edit", |store, state, order| {
            match edit {
                Edit::Note(text) => drop(order.plain.insert("staff_notes".into(), json!(text))),
                Edit::Add { sku, quantity } => {
                    let mut line = store.line(state, order, sku)?;
                    (line.id, line.quantity) = (state.id("line"), (*quantity).max(1));
                    line.address_id = order.addresses.first().map_or(0, |address| address.id);
                    order.lines.push(line);
                }
                Edit::Quantity { line_id, quantity } => set_quantity(order, *line_id, *quantity)?,
                Edit::Any => {
                    let first = order.lines.first().map_or(0, |line| line.id);
                    let quantity = floor.random.between(1, 6);
                    set_quantity(order, first, u32::try_from(quantity).unwrap_or(1))?;
                }
            }
            if !matches!(edit, Edit::Note(_)) {
                order.clear_discounts();
            }
            Ok(())
        })
    }

    /// Cancels an order.
    pub fn cancel(self: &Arc<Self>, id: u64) -> Result<(), String> {
        self.set_order_status(id, 5)
    }

    /// Moves an order to a status.
    pub fn set_order_status(self: &Arc<Self>, id: u64, status_id: u64) -> Result<(), String> {
        if !status::exists(status_id) {
            return Err(format!("there is no order status {status_id}; see /v2/order_statuses"));
        }
        self.change(id, "status", |store, _, order| {
            order_write::set_status(order, status_id, store.shared.clock.now());
            Ok(())
        })
    }

    /// Archives an order.
    pub fn archive_order(self: &Arc<Self>, id: u64) -> Result<(), String> {
        self.change(id, "archive", |_, _, order| {
            order.deleted = true;
            Ok(())
        })
    }

    /// The money for an unpaid or pending order comes in.
    pub fn receive_payment(self: &Arc<Self>, id: u64) -> Result<(), String> {
        let mut floor = self.trade.lock().unwrap_or_else(PoisonError::into_inner);
        let mut made = 0;
        self.change(id, "pay", |_, state, order| {
            if order.payment_status == "captured" {
                return Err(format!("order {id} has been paid already"));
            }
            let due = price(order).total.inc - order.store_credit - order.gift_certificate;
            let gateway = order.transactions.last().map_or("bankdeposit".into(), |last| last.gateway.clone());
            let detail = order.transactions.last().map(|last| last.detail.clone()).unwrap_or_default();
            let mut till = Till { state, random: &mut floor.random, order };
            made = till.movement(["purchase", "offline", &gateway], due, detail).id;
            order.payment_status = "captured".into();
            order.status_id = 11;
            Ok(())
        })?;
        self.tell_transaction(&mut self.state(), id, made);
        Ok(())
    }

    fn change(
        self: &Arc<Self>,
        id: u64,
        verb: &str,
        work: impl FnOnce(&Self, &mut State, &mut Order) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut state = self.state();
        let missing = || format!("there is no order {id}");
        let mut order = state.orders.get(&id).ok_or_else(missing)?.order().clone();
        work(self, &mut state, &mut order)?;
        self.rewrite(&mut state, order);
        let detail = json!({ "verb": verb, "order_id": id });
        self.shared.note(crate::ledger::Platform::Bigcommerce, "trade", detail);
        Ok(())
    }
}

fn set_quantity(order: &mut Order, line_id: u64, quantity: u32) -> Result<(), String> {
    let missing = || format!("order {} has no line {line_id}", order.id);
    let at = order.lines.iter().position(|line| line.id == line_id).ok_or_else(missing)?;
    if quantity == 0 {
        order.lines.remove(at);
    } else {
        order.lines[at].quantity = quantity;
    }
    Ok(())
}

/// A part of a bundle: it is listed with the bundle and costs nothing by itself.
fn bundled(part: Line, id: u64, number: u32, (parent, quantity, address_id): (u64, u32, u64)) -> Line {
    Line {
        id,
        quantity: number * quantity,
        address_id,
        price: Cost::entered(Fixed::ZERO, part.price.class),
        parent: Some(parent),
        ..part
    }
}
