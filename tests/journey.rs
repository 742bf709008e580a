//! The main job, whole: the real binary against the twins over HTTP. The twins' own records and ledger are the judge.

use std::{fs, path::Path, process::Child};

use flowrun_sandbox::{
    Config, Running,
    bigcommerce::{self, Trade},
    fault::{Fault, Kind},
    ledger::Platform,
    start,
};
use serde_json::Value as Json;

use super::program::{Program, Said};

/// Twins, and an estate that leads to them.
pub(crate) struct World {
    runtime: tokio::runtime::Runtime,
    pub(crate) running: Running,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(bigcommerce::Plan::Unlimited)
    }

    pub(crate) fn with(plan: bigcommerce::Plan) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let bigcommerce =
            bigcommerce::Settings { store_hash: "sandbox".into(), plan, ..bigcommerce::Settings::default() };
        let running = runtime.block_on(start(Config { seed: 7, bigcommerce, ..Config::default() })).unwrap();
        Self { runtime, running }
    }

    /// A program in a folder with the shipped estate, its addresses and secrets those of the twins.
    pub(crate) fn program(&self, arguments: &[&str]) -> Program {
        let program = Program::new(arguments);
        copy(Path::new("flows"), &program.folder().join("flows"));
        self.equip(program)
    }

    /// The same in a folder that is there already: what a restarted program finds.
    pub(crate) fn again(&self, before: &Program, arguments: &[&str]) -> Program {
        self.equip(Program::within(before, arguments))
    }

    fn equip(&self, program: Program) -> Program {
        let access = self.running.access();
        let file = program.folder().join("flows/flowrun.yaml");
        let estate = fs::read_to_string(&file).unwrap();
        let estate = estate
            .replace("http://127.0.0.1:8810/stores/sandbox", &access.bigcommerce.base_url)
            .replace("http://127.0.0.1:8820", access.netsuite["base_url"].as_str().unwrap());
        fs::write(file, estate).unwrap();
        let netsuite = |key: &str| access.netsuite[key].as_str().unwrap().to_owned();
        program
            .env("BIGCOMMERCE_TOKEN", &access.bigcommerce.access_token)
            .env("BIGCOMMERCE_CLIENT_SECRET", &access.bigcommerce.client_secret)
            .env("NETSUITE_CLIENT_ID", &netsuite("client_id"))
            .env("NETSUITE_CERTIFICATE_ID", &netsuite("certificate_id"))
            .env("NETSUITE_PRIVATE_KEY", &netsuite("private_key"))
    }

    pub(crate) fn place(&self, trade: &Trade) -> u64 {
        self.runtime.block_on(async { self.running.store().place(trade) }).unwrap()
    }

    /// Sales orders that the ledger says were created.
    pub(crate) fn created(&self) -> usize {
        let entries = self.running.shared().ledger.since(0);
        entries.iter().filter(|entry| entry.effect.as_ref().is_some_and(is_new_sales_order)).count()
    }

    /// Requests that changed something.
    pub(crate) fn written(&self) -> usize {
        self.running.shared().ledger.since(0).iter().filter(|entry| entry.effect.is_some()).count()
    }

    /// Requests that a twin received whose path holds this.
    fn asked(&self, platform: Platform, path: &str) -> usize {
        let entries = self.running.shared().ledger.since(0);
        entries.iter().filter(|entry| entry.platform == platform && entry.path.contains(path)).count()
    }

    #[track_caller]
    pub(crate) fn all_is_well(&self) {
        let recount = self.running.recount(&[]);
        for what in
            ["missing", "several", "different_total", "exported_but_not_wanted", "sales_orders_of_no_order"]
        {
            assert_eq!(recount[what], Json::Array(Vec::new()), "{what}: {recount:#}");
        }
        assert_eq!(
            recount["once"], recount["tagged"],
            "every order carries its document number: {recount:#}"
        );
    }
}

fn is_new_sales_order(effect: &Json) -> bool {
    effect["record"].as_str().is_some_and(|record| record.eq_ignore_ascii_case("salesOrder"))
        && effect["verb"] == "create"
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// An order that the shipped flow takes as it is: one card, one address, a storefront the tables know.
pub(crate) fn plain() -> Trade {
    Trade {
        tender: Some(bigcommerce::Tender::Card),
        tax: Some(bigcommerce::TaxCase::Exclusive),
        channel_id: Some(1),
        currency: Some("USD".into()),
        country: Some("US".into()),
        customer_id: Some(0),
        email: Some("journey@example.org".into()),
        ..Trade::default()
    }
}

#[track_caller]
fn ok(said: &Said) {
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
}

/// Waits for what must come; the bound is generous and only ever ends a test that has failed.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        std::thread::yield_now();
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    panic!("never came: {what}");
}

pub(crate) fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn one_order_becomes_one_sales_order_and_carries_its_number() {
    let world = World::new();
    let order = world.place(&plain()).to_string();
    let program = world.program(&[
        "exec",
        "flows/bigcommerce-netsuite/orders.yaml",
        "--key",
        &order,
        "--data",
        "journal",
    ]);
    let said = program.run();
    ok(&said);
    assert!(said.err.contains("+ create") && said.err.contains("+ tag"), "{}", said.err);
    world.all_is_well();
    assert_eq!(world.created(), 1);

    let again =
        world.again(&program, &["exec", "orders", "--key", &order, "--data", "journal", "--format", "json"]);
    let said = again.run();
    ok(&said);
    let run: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!((run["flow"].as_str(), run["key"].as_str()), (Some("orders"), Some(&*order)));
    assert_eq!(world.created(), 1, "the same order again makes nothing new");
    world.all_is_well();

    let found = world
        .again(&program, &["runs", "list", "--key", &order, "--data", "journal", "--format", "json"])
        .run();
    let runs: Json = serde_json::from_str(&found.out).unwrap();
    assert!(runs.as_array().unwrap().len() >= 2, "{runs}");
}

#[test]
fn killed_between_the_write_and_its_record_the_ledger_shows_one() {
    let world = World::new();
    let order = world.place(&plain()).to_string();
    let slow = Fault {
        platform: Platform::Netsuite,
        method: Some("PUT".into()),
        path: Some("salesOrder/eid:".into()),
        skip: 0,
        times: 1,
        kind: Kind::Slow(600_000),
    };
    world.running.shared().faults.plant(slow);
    let program = world.program(&["exec", "orders", "--key", &order, "--data", "journal"]);
    let child = program.command().current_dir(program.folder().join("flows")).spawn().unwrap();
    until("the write is committed and its answer is still on its way", || world.created() == 1);
    kill(child);
    let said =
        world.again(&program, &["exec", "orders", "--key", &order, "--data", "journal"]).run_in("flows");
    ok(&said);
    assert_eq!(world.created(), 1, "{}", said.err);
    world.all_is_well();
}

#[test]
fn an_answer_that_was_lost_makes_no_second_order() {
    for kind in [
        Kind::ResetAfter,
        Kind::ErrorAfter,
        Kind::ResetBefore,
        Kind::ErrorBefore,
        Kind::TooMany,
        Kind::ExpiredToken,
    ] {
        let world = World::new();
        let order = world.place(&plain()).to_string();
        world.running.shared().faults.plant(Fault {
            platform: Platform::Netsuite,
            method: Some("PUT".into()),
            path: Some("salesOrder/eid:".into()),
            skip: 0,
            times: 1,
            kind: kind.clone(),
        });
        let program = world.program(&["exec", "orders", "--key", &order, "--data", "journal"]);
        let said = program.run_in("flows");
        assert_eq!(said.code, 0, "{kind:?}: {}", said.err);
        assert_eq!(world.created(), 1, "{kind:?}: {}", said.err);
        world.all_is_well();
    }
}

#[test]
fn an_order_number_that_is_none_sends_nothing() {
    let world = World::new();
    for (number, code) in [("101.5", 2), ("1e400", 2), ("99999999999999999999", 2), ("-", 2)] {
        let by_key = ["exec", "orders", "--key", number, "--data", "journal"];
        let said = world.program(&by_key[..]).run_in("flows");
        assert_eq!(said.code, code, "{number}: {}", said.err);
        assert!(!said.err.contains("dead letter"), "{number}: {}", said.err);
        assert!(said.err.contains("`id` of `get_order`: expected whole number"), "{number}: {}", said.err);
    }
    let by_file = ["exec", "orders", "--event", "event.json", "--data", "journal"];
    let program = world.program(&by_file[..]).file("flows/event.json", r#"{"order_id": 1e400}"#);
    let said = program.run_in("flows");
    assert!(said.code == 1 && said.err.contains("`id` of `get_order`"), "{}", said.err);
    assert_eq!(world.asked(Platform::Bigcommerce, "/orders/"), 0, "nothing was sent");
}

#[test]
fn an_order_that_is_not_there_is_asked_for_a_few_times() {
    let world = World::new();
    let program = world.program(&["exec", "orders", "--key", "999999", "--data", "journal"]);
    let said = program.run_in("flows");
    assert_eq!(said.code, 1, "a letter: {}", said.err);
    assert!(said.err.contains("404"), "{}", said.err);
    assert_eq!(world.asked(Platform::Bigcommerce, "/v2/orders/999999?"), 0);
    let asked = world.asked(Platform::Bigcommerce, "/v2/orders/999999");
    assert!((4..=4 * 6).contains(&asked), "four rounds of what the operation asks: {asked}");
}

#[test]
fn a_wrong_token_parks_the_run_and_is_told_once() {
    let world = World::new();
    let order = world.place(&plain()).to_string();
    let arguments = ["exec", "orders", "--key", &order, "--data", "journal"];
    let program = world.program(&arguments).env("BIGCOMMERCE_TOKEN", "of-another-store");
    let said = program.run_in("flows");
    assert_eq!(said.code, 3, "parked, no letter: {}", said.err);
    assert_eq!(said.err.matches("401").count(), 1, "{}", said.err);
    assert!(!said.err.contains("of-another-store"));
    assert!(world.asked(Platform::Bigcommerce, "/orders/") <= 6, "one round of what the operation asks");
    let letters = ["letters", "list", "--data", "journal", "--format", "json"];
    let parked: Json = serde_json::from_str(&world.again(&program, &letters).run_in("flows").out).unwrap();
    assert!(parked[0]["due"].is_string() && parked[0]["letters"] == Json::Array(Vec::new()), "{parked}");
    // With the right token the next start takes it up, here beside another event.
    let other = world.place(&plain()).to_string();
    let said =
        world.again(&program, &["exec", "orders", "--key", &other, "--data", "journal"]).run_in("flows");
    ok(&said);
    let said = world.again(&program, &arguments).run_in("flows");
    ok(&said);
    assert_eq!(world.created(), 2);
    world.all_is_well();
}

#[test]
fn an_item_that_netsuite_does_not_know_parks_the_order_by_name() {
    let world = World::new();
    let order = world.place(&Trade { items: Some(vec![("LAMP-NEW".into(), 1)]), ..plain() }).to_string();
    let program = world.program(&["exec", "orders", "--key", &order, "--data", "journal"]);
    let said = program.run_in("flows");
    assert_eq!(said.code, 3, "parked: {}", said.err);
    assert!(said.err.contains("NetSuite has no item for LAMP-NEW"), "{}", said.err);
    assert_eq!(world.created(), 0);
    let letters = world
        .again(&program, &["letters", "list", "--key", &order, "--data", "journal", "--format", "json"])
        .run_in("flows");
    let letters: Json = serde_json::from_str(&letters.out).unwrap();
    assert_eq!(letters[0]["letters"][0]["node"], "skus_known", "{letters}");
}
