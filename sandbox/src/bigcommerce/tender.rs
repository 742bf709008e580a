//! How an order is paid. In: an order, what it costs and the kind of payment. Out: its transactions and payment fields.
//! The parts of a payment add up to the total to the minor unit.

use serde_json::{Map, Value, json};

use super::{
    money::Fixed,
    order::{Order, Transaction},
    state::State,
    trade::Tender,
};
use crate::seed::Random;

/// Gateway and name of the offline methods; money in hand at once for the last.
const OFFLINE: &[(&str, &str)] = &[
    ("cheque", "Cheque"),
    ("bankdeposit", "Bank Deposit"),
    ("moneyorder", "Money Order"),
    ("cod", "Cash on Delivery"),
    ("instore", "Pay in Store"),
];

/// How far a card payment gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Paid,
    Held,
}

/// A payment being made.
pub(super) struct Till<'a> {
    /// The records.
    pub state: &'a mut State,
    /// Chance.
    pub random: &'a mut Random,
    /// The order.
    pub order: &'a mut Order,
}

impl Till<'_> {
    /// Pays `total` in the way asked for.
    pub(super) fn pay(&mut self, total: Fixed, tender: Tender) {
        if total.is_zero() || tender == Tender::Unpaid {
            return;
        }
        let registered = self.order.customer_id != 0;
        match tender {
            Tender::Card => {
                let refused = self.random.chance(15);
                let how = if self.random.chance(90) { How::Paid } else { How::Held };
                self.card(total, refused, how);
            }
            Tender::Authorized => self.card(total, false, How::Held),
            Tender::RefusedCard => self.card(total, true, How::Paid),
            Tender::Offline => self.offline(total),
            Tender::StoreCredit if registered => self.credit(total),
            // A guest has no credit in the shop.
            Tender::GiftCertificate | Tender::StoreCredit => self.certificate(total),
            Tender::Several => self.several(total, registered),
            Tender::Unpaid => {}
        }
        if matches!(tender, Tender::GiftCertificate | Tender::StoreCredit) {
            let credit = !self.order.store_credit.is_zero();
            self.order.payment_method = if credit { "Store Credit" } else { "Gift Certificate" }.into();
            self.order.payment_status = "captured".into();
            self.order.status_id = 11;
        }
    }

    /// A certificate, credit in the shop if there may be any, and a card for the rest.
    fn several(&mut self, total: Fixed, registered: bool) {
        let digits = self.order.rules.digits;
        let mut left = total.minor(digits);
        let mut part = |random: &mut Random| {
            let share = left * i128::from(random.between(10, 45)) / 100;
            left -= share;
            Fixed::from_minor(share, digits)
        };
        let (first, second) = (part(self.random), part(self.random));
        if !first.is_zero() {
            self.certificate(first);
        }
        let mut rest = total - first;
        if registered && !second.is_zero() {
            self.credit(second);
            rest -= second;
        }
        self.card(rest, false, How::Paid);
    }

    /// A card: paid by one movement or two, or only held; perhaps after an attempt that was refused.
    fn card(&mut self, amount: Fixed, refused: bool, how: How) {
        self.order.payment_method = "Test Payment Gateway".into();
        self.order.status_id = 11;
        let last4 = format!("{:04}", self.random.below(10_000));
        let detail = one(
            "credit_card",
            json!({
                "card_type": "visa",
                "card_iin": "411111",
                "card_last4": last4,
                "card_expiry_month": self.random.between(1, 12),
                "card_expiry_year": 2031,
            }),
        );
        if refused {
            self.movement(["purchase", "credit_card", "testgateway"], amount, detail.clone()).ok = false;
        }
        if how == How::Paid && self.random.chance(50) {
            self.movement(["purchase", "credit_card", "testgateway"], amount, detail);
            self.order.payment_status = "captured".into();
            return;
        }
        let authorization =
            self.movement(["authorization", "credit_card", "testgateway"], amount, detail.clone()).id;
        if how == How::Paid {
            self.movement(["capture", "credit_card", "testgateway"], amount, detail).reference =
                Some(authorization);
            self.order.payment_status = "captured".into();
        } else {
            self.order.payment_status = "authorized".into();
        }
    }

    fn offline(&mut self, amount: Fixed) {
        let (gateway, name) = self.random.pick(OFFLINE).copied().unwrap_or(OFFLINE[0]);
        let paid = gateway == "instore";
        let event = if paid { "purchase" } else { "pending" };
        self.movement([event, "offline", gateway], amount, one("offline", json!({ "display_name": name })));
        self.order.payment_method = name.into();
        self.order.payment_status = if paid { "captured" } else { "pending" }.into();
        self.order.status_id = if paid { 11 } else { 7 };
    }

    fn certificate(&mut self, amount: Fixed) {
        let code = self.random.text("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 12);
        let left = Fixed::whole(i64::try_from(self.random.below(3)).unwrap_or(0) * 10);
        let detail = json!({
            "code": code,
            "original_balance": (amount + left).v3(),
            "starting_balance": (amount + left).v3(),
            "remaining_balance": left.v3(),
            "status": "active",
        });
        self.state.certificates.insert(code, detail.clone());
        self.movement(
            ["purchase", "gift_certificate", "giftcertificate"],
            amount,
            one("gift_certificate", detail),
        );
        self.order.gift_certificate += amount;
    }

    fn credit(&mut self, amount: Fixed) {
        let detail = one("store_credit", json!({ "remaining_balance": 0 }));
        self.movement(["purchase", "store_credit", "storecredit"], amount, detail);
        self.order.store_credit += amount;
    }

    /// Notes a movement that went well; the caller may change it.
    pub(super) fn movement(
        &mut self,
        [event, method, gateway]: [&str; 3],
        amount: Fixed,
        detail: Map<String, Value>,
    ) -> &mut Transaction {
        let id = self.state.id("transaction");
        let at = self.order.transactions.len();
        self.order.transactions.push(Transaction {
            id,
            event: event.to_owned(),
            method: method.to_owned(),
            gateway: gateway.to_owned(),
            amount,
            ok: true,
            created: self.order.created,
            reference: None,
            detail,
        });
        &mut self.order.transactions[at]
    }
}

fn one(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}
