//! Money first: a hundred thousand orders that the twin's shop draws, of every kind, go through the compiled flow that is
//! shipped, and come out to the minor unit. The judge is the twin's own arithmetic. The test prints the mix. Broken
//! fragments turn it red.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use flowrun::{
    compile::{Compiled, compile},
    estate::{Disk, Files, Memory},
    plan::Plan,
    shape::inward_with,
    value::Value,
};
use flowrun_sandbox::{
    Config, Running,
    bigcommerce::{Back, Drawn, OrderKind, Rounding, Settings, TaxCase, Trade},
    seed::Random,
    start,
};

use crate::{
    money_judge::faults,
    money_walk::{Ended, walk},
};

/// Orders in all.
const ORDERS: usize = 100_000;
/// Of each kind there are at least so many.
const LEAST: usize = 500;

/// The shipped estate with one text of one file changed.
fn estate(change: Option<(&str, &[(&str, &str)])>, kits: &str) -> Money {
    let kits = format!("account: 1000042-sb1, kits: {kits},");
    let kits = ("flowrun.yaml", &[("account: 1000042-sb1,", &*kits)][..]);
    let mut files = Memory::default();
    for path in Disk.list(Path::new("flows")).unwrap() {
        let mut text = fs::read_to_string(&path).unwrap();
        for (_, words) in change.iter().chain([&kits]).filter(|(file, _)| path.ends_with(file)) {
            for (old, new) in *words {
                assert!(text.contains(old), "{} has no `{old}`", path.display());
                text = text.replace(old, new);
            }
        }
        if !path.to_str().unwrap().ends_with(".test.yaml") {
            files = files.with(Path::new("/").join(&path), text);
        }
    }
    let compiled = compile(&files, &[PathBuf::from("/flows")], None);
    let told = || compiled.problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>();
    assert!(!compiled.has_errors(), "{:?}", told());
    Money { orders: Arc::clone(compiled.plan("orders").unwrap()), compiled }
}

struct Money {
    orders: Arc<Plan>,
    compiled: Compiled,
}

impl Money {
    /// Text of the platform as expressions see it.
    fn read(&self, json: &serde_json::Value, record: &str) -> Value {
        let value = Value::parse(json.to_string().as_bytes()).unwrap();
        let shape = self.compiled.records.get(record).unwrap();
        let code = |id: &Value| self.compiled.connections.values().find_map(|known| known.currency(id));
        inward_with(&value, shape, &code).unwrap_or_else(|miss| panic!("{record}: {miss}: {json}"))
    }

    fn list(&self, json: &serde_json::Value, record: &str) -> Value {
        Value::list(json.as_array().into_iter().flatten().map(|row| self.read(row, record)))
    }

    /// What is wrong with what the flow makes of an order, up to its sales order.
    fn judge(&self, drawn: &Drawn, rounded: bool) -> Vec<String> {
        let mut whole = drawn.order.clone();
        for (field, part) in [
            ("products", &drawn.products),
            ("coupons", &drawn.coupons),
            ("taxes", &drawn.taxes),
            ("fees", &drawn.fees),
            ("shipping_addresses", &drawn.shipping_addresses),
        ] {
            whole[field] = part.clone();
        }
        let answers = Answered {
            order: self.read(&whole, "bigcommerce.order"),
            transactions: self.list(&drawn.transactions, "bigcommerce.transaction"),
            refunds: self.list(&drawn.refunds, "bigcommerce.refund"),
        };
        let event = Value::object([("order_id", answers.order.get("id").cloned().unwrap_or_default())]);
        match walk(&self.orders, &event, "sales_order", &|operation, with| answers.to(operation, with)) {
            Ok(Ended::There(given)) => faults(drawn, &given, rounded),
            Ok(Ended::Stopped(node, outcome)) => vec![format!("{node} says {outcome}")],
            Err(told) => vec![told],
        }
    }
}

fn is_refunded(drawn: &Drawn) -> bool {
    drawn.refunds.as_array().is_some_and(|refunds| !refunds.is_empty())
}

/// What the two systems would answer.
struct Answered {
    order: Value,
    transactions: Value,
    refunds: Value,
}

impl Answered {
    fn to(&self, operation: &str, with: &Value) -> Value {
        let text = |text: &str| Value::from(text);
        match operation {
            "get_order" => self.order.clone(),
            "list_transactions" => self.transactions.clone(),
            "list_refunds" => self.refunds.clone(),
            "order_metafields" => Value::list([]),
            "items_by_sku" => {
                let kit = with.get("sku").and_then(Value::as_str) == Some("SET-TABLE");
                Value::object([("id", text("31")), ("itemtype", text(if kit { "Kit" } else { "InvtPart" }))])
            }
            "kit_members" => {
                let members = [("7", "4", "14.50"), ("8", "4", "11.75"), ("9", "2", "9.99")];
                let number = |digits: &str| Value::parse(digits.as_bytes()).unwrap();
                Value::list(members.map(|(item, quantity, price)| {
                    let (quantity, price) = (number(quantity), number(price));
                    Value::object([("item", text(item)), ("quantity", quantity), ("price", price)])
                }))
            }
            "find_customer" => {
                let yes = |name| (name, Value::from(true));
                Value::object([("id", text("77")), yes("deals"), yes("pays"), ("matches", text("1"))])
            }
            _ => Value::Null,
        }
    }
}

/// A trade: by turns an example of a kind, one left to chance, and one whose store, currency and country do not belong
/// together.
fn trade(random: &mut Random, at: usize) -> Trade {
    let mut trade = match at % 3 {
        0 => Trade::of(OrderKind::ALL[at / 3 % OrderKind::ALL.len()]),
        1 => Trade::default(),
        _ => {
            let case = random.pick(&[TaxCase::Inclusive, TaxCase::Exclusive]).copied();
            let of = |random: &mut Random, all: &[&str]| random.pick(all).map(|code| (*code).to_owned());
            let currency = of(random, &["USD", "GBP", "EUR", "JPY", "KWD"]);
            let country = of(random, &["US", "CA", "GB", "DE", "JP", "KW"]);
            Trade { tax: case, currency, country, ..Trade::default() }
        }
    };
    if trade.lines.is_none() && random.chance(3) {
        trade.lines = u32::try_from(random.between(7, 40)).ok();
    }
    if trade.refund.is_none() && random.chance(4) {
        trade.refund = Some(Back::Part);
    }
    trade.sent_first = random.chance(30);
    trade.status_id = Some(11);
    trade
}

/// A shop: when it rounds, and whether its refunds lower an order's total.
#[derive(Clone, Copy)]
struct Shop {
    seed: u64,
    rounding: Rounding,
    lowered: bool,
}

const SHOPS: [Shop; 4] = [
    Shop { seed: 1, rounding: Rounding::RateRounding, lowered: false },
    Shop { seed: 2, rounding: Rounding::RateRounding, lowered: true },
    Shop { seed: 3, rounding: Rounding::NoRounding, lowered: false },
    Shop { seed: 4, rounding: Rounding::NoRounding, lowered: true },
];

async fn open(shop: Shop) -> Running {
    let bigcommerce =
        Settings { rounding: shop.rounding, refunds_lower_total: shop.lowered, ..Settings::default() };
    start(Config { seed: shop.seed, bigcommerce, ..Config::default() }).await.unwrap()
}

/// What came of many orders.
#[derive(Default)]
struct Tally {
    judged: usize,
    refunded: usize,
    kinds: BTreeMap<OrderKind, usize>,
    lines: usize,
    longest: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.judged += other.judged;
        self.refunded += other.refunded;
        self.lines += other.lines;
        self.longest = self.longest.max(other.longest);
        self.wrong.extend(other.wrong);
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
    }
}

/// Draws and judges; ends early after a few wrong ones.
fn judge(money: &Money, running: &Running, shop: Shop, orders: usize) -> Tally {
    let mut tally = Tally::default();
    let mut random = Random::new(shop.seed, "money test");
    for at in 0..orders {
        let trade = trade(&mut random, at);
        let drawn = running.store().draw(&trade).unwrap_or_else(|error| panic!("{error}: {trade:?}"));
        let lines = drawn.products.as_array().map_or(0, Vec::len);
        let faults = money.judge(&drawn, shop.rounding == Rounding::RateRounding);
        tally.judged += 1;
        tally.refunded += usize::from(is_refunded(&drawn));
        tally.lines += lines;
        tally.longest = tally.longest.max(lines);
        for kind in &drawn.kinds {
            *tally.kinds.entry(*kind).or_default() += 1;
        }
        if !faults.is_empty() {
            tally.wrong.push(format!("shop {} order {at}: {}", shop.seed, faults.join("; ")));
            if tally.wrong.len() >= 5 {
                break;
            }
        }
    }
    tally
}

/// All shops, on two threads; the account of every second one takes kits as their members.
fn everything(change: Option<(&str, &[(&str, &str)])>, orders: usize) -> Tally {
    let (whole, members) = (&estate(change, "whole"), &estate(change, "members"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let shops: Vec<(Shop, Running)> =
        SHOPS.into_iter().map(|shop| (shop, runtime.block_on(open(shop)))).collect();
    let mut all = Tally::default();
    thread::scope(|scope| {
        let half = |shops: &[(Shop, Running)]| {
            let mut tally = Tally::default();
            for (shop, running) in shops {
                let money = if shop.seed.is_multiple_of(2) { members } else { whole };
                tally.add(judge(money, running, *shop, orders / SHOPS.len()));
            }
            tally
        };
        let (first, second) = shops.split_at(SHOPS.len() / 2);
        let other = scope.spawn(move || half(second));
        all.add(half(first));
        all.add(other.join().unwrap());
    });
    drop(shops);
    all
}

#[test]
fn a_hundred_thousand_orders_come_out_to_the_minor_unit() {
    let tally = everything(None, ORDERS);
    println!("{} orders, {} of them refunded, some after they were sent", tally.judged, tally.refunded);
    println!("{} lines, {} in the longest", tally.lines, tally.longest);
    for kind in OrderKind::ALL {
        println!("{:>7} {}", tally.kinds.get(kind).copied().unwrap_or_default(), kind.name());
    }
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    assert_eq!(tally.judged, ORDERS);
    assert!(tally.longest >= 40);
    for kind in OrderKind::ALL {
        assert!(tally.kinds.get(kind).is_some_and(|count| *count >= LEAST), "too few of {}", kind.name());
    }
}

/// Each is one text of one file changed; what it breaks is found within a few hundred orders.
const MUTANTS: &[(&str, &str, &[(&str, &str)])] = &[
    (
        "tax is rounded row by row",
        "tax_by_line.yaml",
        &[("{{ share.value }}", "{{ round(total_tax * share.item.amount / (total_tax | decimal)) }}")],
    ),
    ("fees are left out", "order_charges.yaml", &[("of_order + of_fees", "of_order")]),
    (
        "the net amount has the tax in it",
        "net_of_line.yaml",
        &[(
            "line.discounted_total_inc_tax - (on_line | sum(attribute='line_amount'))",
            "line.discounted_total_inc_tax",
        )],
    ),
    (
        "money that is only held counts",
        "tenders.yaml",
        &[("['purchase', 'capture']", "['purchase', 'capture', 'authorization']")],
    ),
    (
        "refunded tax is shared out by what things cost",
        "refund_parts.yaml",
        &[("weight='item.tax_weight'", "weight='item.weight'")],
    ),
    (
        "refunds are taken off twice",
        "order_after_refunds.yaml",
        &[("{{ total + back if lowered else total }}", "{{ total }}")],
    ),
    (
        "what was sent is taken off too",
        "refunded_before_sent.yaml",
        &[("{{ c.units <= (unsent", "{{ c.units >= 0 or c.units <= (unsent")],
    ),
    (
        "the tax that went back stays on its line",
        "tax_after_refunds.yaml",
        &[(
            "max(0, (of_parts | selectattr('key', 'eq', r.part) | sum(attribute='whole'))\n      - (of_parts",
            "max(0, (of_parts | selectattr('key', 'eq', r.part) | sum(attribute='whole'))\n      - 0 * (of_parts",
        )],
    ),
    (
        "every share is scaled",
        "rounded_parts.yaml",
        &[("round_to_sum(parts, amount='net'", "allocate(parts, weight='net'")],
    ),
    (
        "the members of a kit cost a little more",
        "kit_lines.yaml",
        &[("value: \"{{ s.value }}\"", "value: \"{{ round(s.value * 1.01) }}\"")],
    ),
    (
        "the tax of a kit stays where the kit was",
        "tax_by_line.yaml",
        &[("of_kits: \"{{ members", "of_kits: \"{{ members | selectattr('key', 'eq', 0)")],
    ),
    (
        "coupons are said to be discounts",
        "order_discounts.yaml",
        &[("['coupon', 'total-coupon']", "['total-coupon']")],
    ),
];

#[test]
fn broken_fragments_are_found() {
    for (what, file, words) in MUTANTS {
        let tally = everything(Some((file, words)), 1200);
        assert!(!tally.wrong.is_empty(), "{what}: not found in {} orders", tally.judged);
        println!("{what}: {}", tally.wrong[0]);
    }
}
