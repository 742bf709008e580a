//! Money first: a hundred thousand orders that the twin's shop draws, of every kind, go through the compiled flow that is
//! shipped and through every money fragment, and come out to the minor unit. The judge is the twin's own arithmetic. The test
//! prints the mix. Broken fragments turn it red.

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
    money_judge::{Faults, fragments, sales_order},
    money_walk::{Ended, walk},
};

/// Orders in all. Some are refunded in part: those go through the fragments for refunds, and not through the orders flow.
const ORDERS: usize = 105_000;
/// So many go through the orders flow.
const THROUGH_FLOW: usize = 100_000;
/// Of each kind there are at least so many.
const LEAST: usize = 500;

/// The shipped estate with one text of one file changed, and the flow that uses every money fragment.
fn estate(change: Option<(&str, &[(&str, &str)])>) -> Money {
    let mut files = Memory::default();
    for path in Disk.list(Path::new("flows")).unwrap() {
        let mut text = fs::read_to_string(&path).unwrap();
        if let Some((_, words)) = change.filter(|(file, _)| path.ends_with(file)) {
            for (old, new) in words {
                assert!(text.contains(old), "{} has no `{old}`", path.display());
                text = text.replace(old, new);
            }
        }
        if !path.to_str().unwrap().ends_with(".test.yaml") {
            files = files.with(Path::new("/").join(&path), text);
        }
    }
    files = files.with("/flows/bigcommerce-netsuite/money.yaml", fs::read("tests/data/money.yaml").unwrap());
    let compiled = compile(&files, &[PathBuf::from("/flows")], None);
    let told = || compiled.problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>();
    assert!(!compiled.has_errors(), "{:?}", told());
    let plan = |name: &str| Arc::clone(compiled.plan(name).unwrap());
    Money { orders: plan("orders"), money: plan("money"), compiled }
}

struct Money {
    orders: Arc<Plan>,
    money: Arc<Plan>,
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

    /// What is wrong with what the flow and the fragments make of an order.
    fn judge(&self, drawn: &Drawn, rounded: bool) -> Faults {
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
        let order = self.read(&whole, "bigcommerce.order");
        let transactions = self.list(&drawn.transactions, "bigcommerce.transaction");
        let mut faults = self.with_fragments(drawn, &order, &transactions, rounded);
        if !is_refunded(drawn) {
            match self.with_flow(&order, &transactions) {
                Ok(Ended::There(given)) => {
                    faults.0.extend(sales_order(drawn, &given["sales_order"], rounded).0);
                }
                Ok(Ended::Stopped(node, outcome)) => faults.0.push(format!("{node} says {outcome}")),
                Err(told) => faults.0.push(told),
            }
        }
        faults
    }

    /// The flow that is shipped, up to the sales order.
    fn with_flow(&self, order: &Value, transactions: &Value) -> Result<Ended, String> {
        let event = Value::object([("order_id", order.get("id").cloned().unwrap_or_default())]);
        walk(&self.orders, &event, "sales_order", &|operation, with| {
            answer(operation, with, order, transactions)
        })
    }

    fn with_fragments(&self, drawn: &Drawn, order: &Value, transactions: &Value, rounded: bool) -> Faults {
        let event = Value::object([
            ("order", order.clone()),
            ("transactions", transactions.clone()),
            ("refunds", self.list(&drawn.refunds, "bigcommerce.refund")),
            ("kit", "SET-TABLE".into()),
        ]);
        match walk(&self.money, &event, "", &|_, _| Value::Null) {
            Ok(Ended::There(given)) => fragments(drawn, &given["give"], rounded),
            Ok(Ended::Stopped(node, outcome)) => Faults(vec![format!("{node} says {outcome}")]),
            Err(told) => Faults(vec![told]),
        }
    }
}

fn is_refunded(drawn: &Drawn) -> bool {
    drawn.refunds.as_array().is_some_and(|refunds| !refunds.is_empty())
}

/// What the two systems would answer.
fn answer(operation: &str, with: &Value, order: &Value, transactions: &Value) -> Value {
    let text = |text: &str| Value::from(text);
    match operation {
        "get_order" => order.clone(),
        "list_transactions" => transactions.clone(),
        "order_metafields" | "list_messages" => Value::list([]),
        "items_by_sku" => {
            let kit = with.get("sku").and_then(Value::as_str) == Some("SET-TABLE");
            Value::object([("id", text("31")), ("itemtype", text(if kit { "Kit" } else { "InvtPart" }))])
        }
        "find_customer" => {
            let all =
                [("id", text("77")), ("deals", true.into()), ("pays", true.into()), ("matches", text("1"))];
            Value::object(all)
        }
        _ => Value::Null,
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
    through_flow: usize,
    kinds: BTreeMap<OrderKind, usize>,
    lines: usize,
    longest: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.judged += other.judged;
        self.through_flow += other.through_flow;
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
        tally.through_flow += usize::from(!is_refunded(&drawn));
        tally.lines += lines;
        tally.longest = tally.longest.max(lines);
        for kind in &drawn.kinds {
            *tally.kinds.entry(*kind).or_default() += 1;
        }
        if !faults.0.is_empty() {
            tally.wrong.push(format!("shop {} order {at}: {}", shop.seed, faults.0.join("; ")));
            if tally.wrong.len() >= 5 {
                break;
            }
        }
    }
    tally
}

/// All shops, on two threads.
fn everything(money: &Money, orders: usize) -> Tally {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let shops: Vec<(Shop, Running)> =
        SHOPS.into_iter().map(|shop| (shop, runtime.block_on(open(shop)))).collect();
    let mut all = Tally::default();
    thread::scope(|scope| {
        let half = |shops: &[(Shop, Running)]| {
            let mut tally = Tally::default();
            for (shop, running) in shops {
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
    let tally = everything(&estate(None), ORDERS);
    println!("{} orders, {} of them through the flow", tally.judged, tally.through_flow);
    println!("{} lines, {} in the longest", tally.lines, tally.longest);
    for kind in OrderKind::ALL {
        println!("{:>7} {}", tally.kinds.get(kind).copied().unwrap_or_default(), kind.name());
    }
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    assert_eq!(tally.judged, ORDERS);
    assert!(tally.through_flow >= THROUGH_FLOW, "{}", tally.through_flow);
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
        &[("{{ total if lowered else total - back }}", "{{ total - back }}")],
    ),
];

#[test]
fn broken_fragments_are_found() {
    for (what, file, words) in MUTANTS {
        let tally = everything(&estate(Some((file, words))), 1200);
        assert!(!tally.wrong.is_empty(), "{what}: not found in {} orders", tally.judged);
        println!("{what}: {}", tally.wrong[0]);
    }
}
