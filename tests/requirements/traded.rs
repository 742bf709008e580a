//! Requirements that show in trade: the real program, once an order, against both twins. In: an estate. Out: whether
//! it meets one; the twins' own records judge.

use std::{collections::BTreeSet, fs, time::Duration};

use flowrun_sandbox::{
    bigcommerce::{Back, Edit, Plan, Tender, Trade},
    fault::{Fault, Kind},
    ledger::Platform,
};
use serde_json::{Value as Json, json};

use super::{Estate, Verdict, desk::Desk, want};
use crate::{
    journey::{World, kill, plain, until},
    program::{Program, Said},
};

/// A program with the estate in a folder of its own.
pub(super) fn program(world: &World, estate: Estate, arguments: &[&str]) -> Program {
    let program = world.program(arguments);
    estate.slip_in(&program.folder().join("flows"));
    program
}

fn exec(world: &World, estate: Estate, order: u64) -> Said {
    program(world, estate, &["exec", "orders", "--key", &order.to_string()]).run_in("flows")
}

/// It ended well.
fn ok(said: &Said) -> Verdict {
    want(said.code == 0, || format!("exit {}: {}", said.code, said.err))
}

fn one_sales_order(world: &World) -> Verdict {
    want(world.created() == 1, || format!("{} sales orders were created", world.created()))
}

fn fault(world: &World, platform: Platform, method: &str, path: &str, times: u32, kind: Kind) {
    let (method, path) = (Some(method.into()), Some(path.into()));
    world.running.shared().faults.plant(Fault { platform, method, path, skip: 0, times, kind });
}

/// The same order told again, also to a machine that remembers nothing.
pub(super) fn told_again(estate: Estate) -> Verdict {
    let world = World::new();
    let order = world.place(&plain());
    let first = program(&world, estate, &["exec", "orders", "--key", &order.to_string()]);
    for _ in 0..2 {
        ok(&first.run_in("flows"))?;
    }
    ok(&exec(&world, estate, order))?;
    one_sales_order(&world)?;
    let lines = Desk::at(&world.running).lines(&format!("main-{order}"));
    let known: BTreeSet<_> = lines.iter().map(|(id, _)| id).collect();
    want(known.len() == lines.len(), || format!("lines are there twice: {lines:?}"))
}

/// An order is announced before it can be read.
pub(super) fn announced_too_early(estate: Estate) -> Verdict {
    let world = World::new();
    let next = world.place(&plain()) + 1;
    let program = program(&world, estate, &["exec", "orders", "--key", &next.to_string()]);
    let mut child = program.command().current_dir(program.folder().join("flows")).spawn().unwrap();
    let path = format!("/v2/orders/{next}");
    until("it asked for the order", || {
        let asked = world.running.shared().ledger.since(0);
        asked.iter().any(|entry| entry.path.ends_with(&path)) || child.try_wait().unwrap().is_some()
    });
    assert_eq!(world.place(&plain()), next);
    let code = child.wait().unwrap().code();
    want(code == Some(0), || format!("exit {code:?}"))?;
    one_sales_order(&world)
}

/// `NetSuite` wrote the sales order and its answer was lost.
pub(super) fn committed_then_lost(estate: Estate) -> Verdict {
    let world = World::new();
    let order = world.place(&plain());
    fault(&world, Platform::Netsuite, "PUT", "salesOrder/eid:", 1, Kind::ResetAfter);
    ok(&exec(&world, estate, order))?;
    one_sales_order(&world)
}

/// Changes a file of a program's folder.
fn change(program: &Program, file: &str, words: &[(&str, &str)]) {
    let path = program.folder().join(file);
    let mut text = fs::read_to_string(&path).unwrap();
    for (old, new) in words {
        assert!(text.contains(old), "{file} says {old}");
        text = text.replace(old, new);
    }
    fs::write(path, text).unwrap();
}

/// Two stores have an order of one number; both go to one account.
pub(super) fn two_stores(estate: Estate) -> Verdict {
    let (world, other) = (World::new(), World::new());
    let order = world.place(&plain());
    assert_eq!(other.place(&plain()), order);
    ok(&exec(&world, estate, order))?;
    let second = program(&world, estate, &["exec", "orders", "--key", &order.to_string()]);
    let (ours, theirs) = (&world.running.access().bigcommerce, &other.running.access().bigcommerce);
    change(
        &second,
        "flows/flowrun.yaml",
        &[(&ours.base_url, &theirs.base_url), ("code: main", "code: outlet")],
    );
    ok(&second.env("BIGCOMMERCE_TOKEN", &theirs.access_token).run_in("flows"))?;
    want(world.created() == 2, || format!("{} sales orders of two stores", world.created()))
}

/// An order is edited after a part of it was sent: less of one line, another one cancelled.
pub(super) fn edited_after_it_was_sent(estate: Estate) -> Verdict {
    let world = World::new();
    let items = ["PLATE-26", "BOWL-15", "MUG-30"].map(|sku| (sku.to_owned(), 2)).to_vec();
    let order =
        world.place(&Trade { items: Some(items), coupon: Some(-1), discount: Some(false), ..plain() });
    ok(&exec(&world, estate, order))?;
    let (desk, name) = (Desk::at(&world.running), format!("main-{order}"));
    let before = desk.lines(&name);
    send_first(&desk, &name);
    for (at, quantity) in [(1, 1), (2, 0)] {
        let line_id = before[at].0.parse().unwrap();
        world.running.store().edit(order, &Edit::Quantity { line_id, quantity }).unwrap();
    }
    ok(&exec(&world, estate, order))?;
    let after = desk.lines(&name);
    let state = |at: usize| {
        let line = &after[at].1;
        (line["quantity"].clone(), line["quantityFulfilled"].clone(), line["isClosed"].clone())
    };
    let (all, none) = ((json!(2), json!(2), json!(false)), json!(0));
    want(after.len() == before.len(), || format!("{} lines became {}", before.len(), after.len()))?;
    want(state(0) == all, || format!("the line that was sent: {:?}", state(0)))?;
    want(state(1) == (json!(1), none.clone(), json!(false)), || format!("less of a line: {:?}", state(1)))?;
    want((state(2).1, state(2).2) == (none, json!(true)), || format!("a cancelled line: {:?}", state(2)))
}

/// A line that was sent gets another quantity afterwards: it is not sent, and a letter says that the totals differ.
pub(super) fn edited_line_that_was_sent(estate: Estate) -> Verdict {
    let world = World::new();
    let items = ["PLATE-26", "BOWL-15"].map(|sku| (sku.to_owned(), 2)).to_vec();
    let order =
        world.place(&Trade { items: Some(items), coupon: Some(-1), discount: Some(false), ..plain() });
    ok(&exec(&world, estate, order))?;
    let (desk, name) = (Desk::at(&world.running), format!("main-{order}"));
    let before = desk.lines(&name);
    send_first(&desk, &name);
    let state = || {
        let line = desk.lines(&name).swap_remove(0).1;
        ["quantity", "amount", "quantityFulfilled", "isClosed"].map(|field| line[field].to_string())
    };
    let sent = state();
    let line_id = before[0].0.parse().unwrap();
    world.running.store().edit(order, &Edit::Quantity { line_id, quantity: 1 }).unwrap();
    let said = exec(&world, estate, order);
    want(state() == sent, || format!("{sent:?} became {:?}", state()))?;
    want(said.code == 1 && said.err.contains("written, but"), || format!("exit {}: {}", said.code, said.err))
}

/// All of the first line is sent, and nothing of the others.
fn send_first(desk: &Desk, name: &str) {
    let sales_order = desk.ask("sales_order", &json!({ "external_id": name }));
    let lines = desk.lines(name);
    let rest =
        lines.iter().skip(1).map(|(_, line)| json!({ "orderLine": line["line"], "itemReceive": false }));
    let first = &lines[0].1;
    let sent = [json!({ "orderLine": first["line"], "quantity": first["quantity"], "location": "1" })];
    let body = json!({ "item": { "items": sent.into_iter().chain(rest).collect::<Vec<_>>() } });
    desk.ask("fulfil", &json!({ "id": sales_order["id"], "body": body }));
}

/// What was refunded before it was sent is taken off its sales order, and closed where nothing is left; what comes back
/// later stays sold. The same if the refund came before the sales order.
pub(super) fn refunded(estate: Estate) -> Verdict {
    let world = World::new();
    let items = [("PLATE-26", 1), ("BOWL-15", 4)].map(|(sku, units)| (sku.to_owned(), units)).to_vec();
    let trade = Trade { items: Some(items), tender: Some(Tender::GiftCertificate), ..plain() };
    let first = world.place(&trade);
    let sent = world.place(&trade);
    let late = world.place(&Trade { refund: Some(Back::Part), status_id: Some(11), ..trade });
    for order in [first, sent] {
        ok(&exec(&world, estate, order))?;
    }
    let desk = Desk::at(&world.running);
    let sold = desk.lines(&format!("main-{sent}"));
    world.running.store().set_order_status(sent, 2).unwrap();
    world.running.shared().clock.advance(Duration::from_secs(60));
    for order in [first, sent] {
        world.running.store().refund(order, Back::Part).unwrap();
    }
    for order in [first, sent, late] {
        ok(&exec(&world, estate, order))?;
    }
    let state = |line: &Json| (line["quantity"].clone(), line["amount"].clone(), line["isClosed"].clone());
    let plate = desk.lines(&format!("main-{first}")).swap_remove(0).1;
    want(state(&plate) == (json!(0), json!(0), json!(true)), || format!("all of it was refunded: {plate}"))?;
    let bowls = desk.lines(&format!("main-{late}")).swap_remove(0).1;
    want(bowls["item"]["refName"] == "BOWL-15", || format!("nothing is left of the plate: {bowls}"))?;
    let states = |lines: &[(String, Json)]| lines.iter().map(|(_, line)| state(line)).collect::<Vec<_>>();
    let after = desk.lines(&format!("main-{sent}"));
    want(states(&after) == states(&sold), || format!("what was sent: {sold:?} became {after:?}"))?;
    let recount = world.running.recount(&[]);
    want(recount["once"] == 3 && recount["different_total"] == json!([]), || format!("{recount:#}"))
}

/// A guest has the e-mail address of a customer of this store, and of one of another store.
pub(super) fn guest_with_a_known_address(estate: Estate) -> Verdict {
    let world = World::new();
    let desk = Desk::at(&world.running);
    for store in ["outlet", "main"] {
        let body = json!({
            "isPerson": true, "firstName": "Wren", "lastName": store, "email": "Wren@example.org",
            "phone": "+1 555 0101",
            "subsidiary": { "id": "1" }, "currency": { "id": "1" }, "custentity_bc_store": store,
        });
        desk.ask("add_customer", &json!({ "body": body }));
    }
    let customers = || desk.ask("customers", &json!({ "email": "wren@example.org" }));
    let before = customers();
    let order = world.place(&Trade { email: Some("wren@EXAMPLE.org".into()), ..plain() });
    ok(&exec(&world, estate, order))?;
    want(customers() == before, || format!("customers were {before}, are {}", customers()))?;
    let sales_order = desk.ask("sales_order", &json!({ "external_id": format!("main-{order}") }));
    let (entity, own) = (&sales_order["entity"]["id"], &before[1]["id"]);
    want(entity == own, || format!("the order is {entity}'s, the store's own customer is {own}"))
}

/// An order of the German storefront: subsidiary, location, items and customer belong together.
pub(super) fn one_subsidiary(estate: Estate) -> Verdict {
    let world = World::new();
    let german =
        Trade { channel_id: Some(3), currency: Some("EUR".into()), country: Some("DE".into()), ..plain() };
    let order = world.place(&german);
    ok(&exec(&world, estate, order))?;
    let sales_order =
        Desk::at(&world.running).ask("sales_order", &json!({ "external_id": format!("main-{order}") }));
    let of = |field: &str| sales_order[field]["id"].clone();
    want((of("subsidiary"), of("location")) == (json!("3"), json!("3")), || sales_order.to_string())
}

/// Orders of every kind come over with their totals.
pub(super) fn totals(estate: Estate) -> Verdict {
    let world = World::new();
    let drawn =
        |at: u32| Trade { status_id: Some(11), handling: Some(at.is_multiple_of(2)), ..Trade::default() };
    let orders: Vec<u64> = (0..12).map(|at| world.place(&drawn(at))).collect();
    let folder = program(&world, estate, &["exec", "orders"]);
    for order in orders {
        ok(&world.again(&folder, &["exec", "orders", "--key", &order.to_string()]).run_in("flows"))?;
    }
    let recount = world.running.recount(&[]);
    want(recount["once"] == 12 && recount["different_total"] == json!([]), || format!("{recount:#}"))
}

/// Prices of the store differ from those of the account.
pub(super) fn prices_stick(estate: Estate) -> Verdict {
    let world = World::new();
    let order = world.place(&Trade { items: Some(vec![("PLATE-26".into(), 3)]), coupon: Some(1), ..plain() });
    ok(&exec(&world, estate, order))?;
    let lines = Desk::at(&world.running).lines(&format!("main-{order}"));
    let level = |line: &Json| line["price"]["id"].clone();
    want(lines.iter().all(|(_, line)| level(line) == "-1"), || format!("{lines:?}"))
}

/// The account refuses calls because too many are under way.
pub(super) fn account_is_busy(estate: Estate) -> Verdict {
    let world = World::new();
    let order = world.place(&plain());
    for path in ["suiteql", "salesOrder"] {
        let (platform, path) = (Platform::Netsuite, Some(path.into()));
        world.running.shared().faults.plant(Fault {
            platform,
            method: None,
            path,
            skip: 0,
            times: 2,
            kind: Kind::TooMany,
        });
    }
    ok(&exec(&world, estate, order))?;
    one_sales_order(&world)
}

/// A window of the store's quota that others have all but used up: nobody is refused, what is left waits.
pub(super) fn quota_is_kept(estate: Estate) -> Verdict {
    let world = World::with(Plan::Plus);
    let order = world.place(&plain());
    let access = &world.running.access().bigcommerce;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for call in 0..146 {
            let asked = client
                .get(format!("{}/v2/time", access.base_url))
                .header("x-auth-token", &access.access_token);
            assert_eq!(asked.send().await.unwrap().status(), 200);
            if call == 0 {
                // The window of thirty seconds that this call has opened is all but over.
                world.running.shared().clock.advance(Duration::from_secs(26));
            }
        }
    });
    ok(&exec(&world, estate, order))?;
    let refused = world.running.shared().ledger.since(0).iter().filter(|entry| entry.status == 429).count();
    want(refused == 0, || format!("{refused} calls were refused"))
}

/// What was rejected is listed by name, and a later success takes it off the list.
pub(super) fn letters(estate: Estate) -> Verdict {
    let world = World::new();
    let order = world.place(&plain()).to_string();
    let exec = program(&world, estate, &["exec", "orders", "--key", &order]);
    let table = exec.folder().join("flows/tables/ship_methods.csv");
    let shipped = fs::read_to_string(&table).unwrap();
    fs::write(&table, "method:text*,ship_item:text\n").unwrap();
    exec.run_in("flows");
    let list = || {
        let said =
            world.again(&exec, &["letters", "list", "--key", &order, "--format", "json"]).run_in("flows");
        serde_json::from_str::<Json>(&said.out).unwrap_or_default()
    };
    let first = list();
    want(first.to_string().contains("table ship_methods"), || format!("no letter says why: {first}"))?;
    fs::write(&table, shipped).unwrap();
    ok(&exec.run_in("flows"))?;
    one_sales_order(&world)?;
    want(list() == json!([]), || format!("the letter is still there: {}", list()))
}

/// Killed after `NetSuite` wrote and before flowrun knew.
pub(super) fn killed(estate: Estate) -> Verdict {
    let world = World::new();
    let order = world.place(&plain());
    fault(&world, Platform::Netsuite, "PUT", "salesOrder/eid:", 1, Kind::Slow(600_000));
    let program = program(&world, estate, &["exec", "orders", "--key", &order.to_string()]);
    let child = program.command().current_dir(program.folder().join("flows")).spawn().unwrap();
    until("NetSuite has written", || world.created() == 1);
    kill(child);
    ok(&program.run_in("flows"))?;
    one_sales_order(&world)?;
    let recount = world.running.recount(&[]);
    want(recount["tagged"] == 1, || format!("{recount:#}"))
}

/// Every payment is a deposit, once; a cancelled order is closed, once.
#[test]
fn payments_become_deposits_and_a_cancelled_order_is_closed() {
    let (world, estate) = (World::new(), Estate(None));
    let several = Trade { tender: Some(Tender::Several), ..plain() };
    let order = world.place(&several);
    let deposits = || {
        let account = world.running.snapshot(Platform::Netsuite);
        account["customerDeposit"].as_array().cloned().unwrap_or_default()
    };
    ok(&exec(&world, estate, order)).unwrap();
    let first = deposits();
    assert!(first.len() >= 2, "a certificate and a card: {first:?}");
    let paid: Vec<String> = first.iter().map(|deposit| deposit["externalId"].to_string()).collect();
    assert!(paid.iter().all(|name| name.starts_with("\"main-T")), "{paid:?}");
    ok(&exec(&world, estate, order)).unwrap();
    assert_eq!(deposits().len(), first.len(), "a machine that remembers nothing makes none again");

    world.running.store().cancel(order).unwrap();
    for _ in 0..2 {
        ok(&exec(&world, estate, order)).unwrap();
        let lines = Desk::at(&world.running).lines(&format!("main-{order}"));
        assert!(lines.iter().all(|(_, line)| line["isClosed"] == true), "{lines:?}");
    }
    assert_eq!(world.created(), 1);
}
