//! A day of trade from eight to eight: what shoppers, staff and the network do, hour by hour. In: a seed, how many orders. Out:
//! deeds, done when the sandbox clock shows their hour, and what is [`Known`] of the orders for the verdict. The same seed gives
//! the same orders. It must never look at what came of them.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::{
    Running,
    bigcommerce::{Edit, OrderKind, Tender, Trade},
    fault::{Fault, Kind},
    ledger::Platform,
    seed::Random,
    verdict::Known,
};

/// How long the shop is open.
const OPEN: Duration = Duration::from_hours(12);
/// When somebody enters the item that was missing, after the shop opens.
const NOON: Duration = Duration::from_hours(4);
/// The item that the account gets to know at noon.
const LATE_SKU: &str = "LAMP-NEW";
/// An item that it never gets to know.
const STRANGE_SKU: &str = "VASE-OLD";
/// A storefront that no table knows.
const STRANGE_CHANNEL: u64 = 9;
/// How often each fault is played.
const FAULTS: u32 = 4;

/// Something that is done.
#[derive(Clone, Debug)]
enum Deed {
    /// An order is placed; it cannot go over if a cause is said.
    Place(Box<Trade>, Option<&'static str>),
    /// The order placed as the n-th is changed.
    Change(usize, Change),
    /// An item is entered in the account.
    Enter(&'static str),
    /// The network or a platform will misbehave.
    Fault(Fault),
}

/// What staff do to an order.
#[derive(Clone, Debug)]
enum Change {
    Edit(Edit),
    Status(u64),
    Pay,
    Cancel,
    Archive,
}

/// The rest of a day.
#[derive(Debug)]
pub struct Day {
    /// Latest first.
    deeds: Vec<(Duration, Deed)>,
    opens: Timestamp,
    placed: Vec<u64>,
    kinds: BTreeMap<OrderKind, u32>,
    known: Known,
}

impl Day {
    /// A day with so many orders; the shop opens when the sandbox clock shows `opens`.
    pub fn new(seed: u64, orders: u32, opens: Timestamp) -> Self {
        let mut random = Random::new(seed, "day");
        let mut deeds = vec![(NOON, Deed::Enter(LATE_SKU))];
        let span = OPEN / orders.max(1);
        for number in 0..orders {
            let at = span * number + span * u32::try_from(random.below(100)).unwrap_or(0) / 100;
            let (trade, cause) = trade(number, orders);
            let changes = changes(number, &trade);
            deeds.push((at, Deed::Place(Box::new(trade), cause)));
            let index = number as usize;
            let after =
                |minutes: u64, change| (at + Duration::from_mins(minutes), Deed::Change(index, change));
            deeds.extend(changes.into_iter().map(|(minutes, change)| after(minutes, change)));
        }
        deeds.extend(faults(&mut random));
        // Stable: what happens to an order comes after it is placed.
        deeds.sort_by_key(|(at, _)| *at);
        deeds.reverse();
        Self { deeds, opens, placed: Vec::new(), kinds: BTreeMap::new(), known: Known::default() }
    }

    /// Orders placed so far.
    pub fn placed(&self) -> usize {
        self.placed.len()
    }

    /// How many orders of each kind were placed so far, read off the orders; most are of several kinds.
    pub fn kinds(&self) -> &BTreeMap<OrderKind, u32> {
        &self.kinds
    }

    /// What is known of the orders so far.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Waits for the hour of the next deed; false if the day is over.
    pub async fn comes(&self, running: &Running) -> bool {
        let Some((at, _)) = self.deeds.last() else { return false };
        let until = self.opens.checked_add(*at).unwrap_or(Timestamp::MAX);
        running.shared().clock.sleep_until(until).await;
        true
    }

    /// Does the next deed.
    pub fn act(&mut self, running: &Running) -> Result<(), String> {
        let Some((_, deed)) = self.deeds.pop() else { return Ok(()) };
        match deed {
            Deed::Place(trade, cause) => {
                let order = running.store().place(&trade)?;
                self.placed.push(order);
                for kind in running.store().kinds(order) {
                    *self.kinds.entry(kind).or_default() += 1;
                }
                if let Some(cause) = cause {
                    self.known.impossible.entry(cause.to_owned()).or_default().insert(order);
                }
                Ok(())
            }
            Deed::Change(index, change) => self.change(running, index, &change),
            Deed::Enter(sku) => running.enter_item(sku),
            Deed::Fault(fault) => {
                running.shared().faults.plant(fault);
                Ok(())
            }
        }
    }

    fn change(&mut self, running: &Running, index: usize, change: &Change) -> Result<(), String> {
        let order = self.placed.get(index).copied().ok_or_else(|| format!("no order {index} was placed"))?;
        let store = running.store();
        if matches!(change, Change::Cancel | Change::Archive) {
            self.known.withdrawn.insert(order);
        }
        match change {
            Change::Edit(edit) => store.edit(order, edit),
            Change::Status(status) => store.set_order_status(order, *status),
            Change::Pay => store.receive_payment(order),
            Change::Cancel => store.cancel(order),
            Change::Archive => store.archive_order(order),
        }
    }
}

/// The n-th order of a day, and why it cannot go over, if it cannot. Every kind comes by turns; what a kind leaves open is drawn.
fn trade(number: u32, orders: u32) -> (Trade, Option<&'static str>) {
    let paid = Trade { tender: Some(Tender::Card), status_id: Some(11), ..Trade::default() };
    if number % 5 == 2 && number < orders / 3 {
        return (Trade { items: Some(vec![(LATE_SKU.into(), 1), ("MUG-30".into(), 2)]), ..paid }, None);
    }
    if number % 45 == 15 {
        let items = Some(vec![("BOWL-15".into(), 1), (STRANGE_SKU.into(), 1)]);
        return (Trade { items, ..paid }, Some("the account has no such item"));
    }
    if number % 60 == 35 {
        return (Trade { channel_id: Some(STRANGE_CHANNEL), ..paid }, Some("no table knows the storefront"));
    }
    if matches!(number % 30, 20 | 21) {
        // The same guest buys twice within minutes.
        let email = Some(format!("twice{}@example.org", number / 30));
        return (Trade { email, customer_id: Some(0), country: Some("US".into()), ..paid }, None);
    }
    (Trade::of(OrderKind::ALL[number as usize % OrderKind::ALL.len()]), None)
}

/// What staff do to the n-th order, in minutes after it was placed.
fn changes(number: u32, trade: &Trade) -> Vec<(u64, Change)> {
    match trade.tender {
        Some(Tender::Unpaid) if number.is_multiple_of(3) => return vec![(70, Change::Cancel)],
        Some(Tender::Unpaid) => return vec![(45, Change::Pay)],
        Some(Tender::Authorized) => return Vec::new(),
        _ if trade.refund.is_some() => return Vec::new(),
        _ => {}
    }
    let more = || Edit::Add { sku: "TOWEL-2".into(), quantity: 2 };
    match number % 24 {
        1 | 13 => vec![(30, Change::Edit(Edit::Any))],
        4 => vec![(20, Change::Edit(more())), (25, Change::Edit(Edit::Any)), (90, Change::Status(2))],
        6 => vec![(50, Change::Edit(Edit::Note("Rang: leave it with the neighbour.".into())))],
        8 => vec![(60, Change::Cancel)],
        10 => vec![(1, Change::Cancel)],
        16 => vec![(120, Change::Archive)],
        n if n % 2 == 0 => vec![(40, Change::Status(9)), (100, Change::Status(2)), (160, Change::Status(10))],
        _ => Vec::new(),
    }
}

/// Each kind of fault some times over the day, on calls that matter.
fn faults(random: &mut Random) -> Vec<(Duration, Deed)> {
    const TARGETS: [(Platform, &str, &str); 4] = [
        (Platform::Netsuite, "PUT", "salesOrder/eid:"),
        (Platform::Bigcommerce, "GET", "/v2/orders/"),
        (Platform::Netsuite, "POST", "suiteql"),
        (Platform::Bigcommerce, "PUT", "/v2/orders/"),
    ];
    let calls = [
        Kind::TooMany,
        Kind::ErrorBefore,
        Kind::ErrorAfter,
        Kind::ResetBefore,
        Kind::ResetAfter,
        Kind::Slow(300),
        Kind::ExpiredToken,
    ];
    let twenty_minutes = Duration::from_mins(20).as_millis();
    let hooks =
        [Kind::DuplicateHook, Kind::LateHook(u64::try_from(twenty_minutes).unwrap_or(0)), Kind::ReorderHook];
    let mut all = Vec::new();
    for time in 0..FAULTS {
        for (number, kind) in calls.iter().chain(&hooks).enumerate() {
            let is_hook = number >= calls.len();
            // The store's token never expires.
            let step = if *kind == Kind::ExpiredToken { 2 } else { 1 };
            let (platform, method, path) = TARGETS[(number + time as usize) * step % TARGETS.len()];
            let fault = Fault {
                platform: if is_hook { Platform::Bigcommerce } else { platform },
                method: (!is_hook).then(|| method.to_owned()),
                path: (!is_hook).then(|| path.to_owned()),
                skip: 0,
                times: 1,
                kind: kind.clone(),
            };
            let at = OPEN * (time * 20 + u32::try_from(random.between(5, 20)).unwrap_or(5)) / 100;
            all.push((at, Deed::Fault(fault)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_every_kind_and_repeats() {
        let day = |seed| Day::new(seed, 300, Timestamp::UNIX_EPOCH);
        let (one, same, other) = (day(1), day(1), day(2));
        assert_eq!(format!("{:?}", one.deeds), format!("{:?}", same.deeds));
        assert_ne!(format!("{:?}", one.deeds), format!("{:?}", other.deeds));
        let trades = || {
            one.deeds.iter().filter_map(|(at, deed)| match deed {
                Deed::Place(trade, cause) => Some((at, trade, cause)),
                _ => None,
            })
        };
        assert_eq!(trades().count(), 300);
        let late = |trade: &Trade| trade.items.iter().flatten().any(|(sku, _)| sku == LATE_SKU);
        let too_early = trades().filter(|(at, trade, _)| late(trade) && **at < NOON).count();
        assert!(too_early >= 3, "{too_early}");
        for cause in ["the account has no such item", "no table knows the storefront"] {
            assert!(trades().filter(|(_, _, found)| **found == Some(cause)).count() >= 3, "{cause}");
        }
        let faults = one.deeds.iter().filter(|(_, deed)| matches!(deed, Deed::Fault(_))).count();
        assert_eq!(faults, 10 * FAULTS as usize);
    }
}
