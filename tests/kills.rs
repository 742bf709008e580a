//! Real `kill -9`, many of them: the sandbox in one process, the service in another. The instants are drawn from what the
//! sandbox itself has seen: a call that stands still (received and not begun, or committed and not answered), or a position of
//! its ledger. What the ledger and both platforms' records say at the end is the verdict.

use std::{collections::BTreeSet, env, process::Stdio, time::Instant};

use flowrun::{
    event::{EffectId, Fact, Instant as Stamp, RunId},
    journal::Reader,
};
use flowrun_sandbox::seed::Random;
use serde_json::{Value as Json, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::site::{LIMIT, Reach, Served, Site, client};

/// Pairs of sandbox and service that are at work at one time.
const SITES: u64 = 4;
/// Kills of the ordinary run.
const KILLS: u64 = 200;

/// Where the service was killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// Any call stands still.
    Call,
    /// A write that is not repeated freely stands still.
    Write,
    /// The ledger has so many entries.
    Position,
}

/// What was found after a kill.
struct Kill {
    /// The call that stood still, if one did.
    held: Option<Json>,
    /// The journal has an intent without an answer that was not there after the kill before.
    intent: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_lose_nothing_and_double_nothing() {
    campaign(KILLS, 7).await;
}

/// `FLOWRUN_KILLS` says how many, `FLOWRUN_SEED` from which number they are drawn.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: thousands of kills"]
async fn thousands_of_kills_lose_nothing_and_double_nothing() {
    let number = |name, usual| env::var(name).map_or(usual, |text| text.parse().unwrap());
    campaign(number("FLOWRUN_KILLS", 4000), number("FLOWRUN_SEED", 1)).await;
}

async fn campaign(kills: u64, seed: u64) {
    let began = Instant::now();
    let each = kills.div_ceil(SITES);
    let sites = (0..SITES).map(|number| tokio::spawn(site(each, seed * 1000 + number)));
    let (mut all, mut orders, mut calls) = (Vec::new(), 0, 0);
    for site in sites.collect::<Vec<_>>() {
        let (kills, count, ledger) = site.await.unwrap();
        all.extend(kills);
        orders += count;
        calls += ledger;
    }
    let count = |fits: &dyn Fn(&Kill) -> bool| all.iter().filter(|kill| fits(kill)).count();
    let point = |kill: &Kill, point: &str| kill.held.as_ref().is_some_and(|held| held["point"] == point);
    let (received, done) = (count(&|kill| point(kill, "received")), count(&|kill| point(kill, "done")));
    let held = received + done;
    let intent = count(&|kill| kill.intent);
    let held_intent = count(&|kill| kill.held.is_some() && kill.intent);
    println!(
        "
kill -9                                         {:>5}   {orders} orders, {calls} calls, {:.0} s
  between request received and answer written   {held:>5}
    work not begun                              {received:>5}
    work committed                              {done:>5}
    with an intent on disk                      {held_intent:>5}
  at a random position of the ledger            {:>5}
  between intent recorded and answer            {intent:>5}
lost 0, doubled 0, totals off 0",
        all.len(),
        began.elapsed().as_secs_f64(),
        all.len() - held,
    );
    assert!(all.len() as u64 >= kills, "{} kills", all.len());
    let share = all.len() / 4;
    assert!(held >= share && intent >= share, "too few of a kind: {held} {intent}");
    assert!(received >= share / 2 && done >= share / 2, "both sides of the work: {received} {done}");
}

/// One sandbox, one journal, a service that is killed again and again. Gives the kills, and how many orders and calls there were.
async fn site(kills: u64, seed: u64) -> (Vec<Kill>, u64, u64) {
    let shop = Shop::open(seed).await;
    let mut random = Random::new(seed, "kills");
    let mut served = shop.serve().await;
    served.says("registered", 4).await;
    let (mut done, mut known, mut orders) = (Vec::new(), BTreeSet::new(), Vec::new());
    for round in 0..kills {
        let aim = [Aim::Call, Aim::Write, Aim::Position, Aim::Write, Aim::Call]
            [usize::try_from(round % 5).unwrap()];
        let point = if random.chance(50) { "received" } else { "done" };
        match aim {
            Aim::Call => shop.hold(&json!({ "point": point, "skip": random.below(24) })).await,
            Aim::Write => {
                let path = if random.chance(25) { "customer/eid:" } else { "salesOrder/eid:" };
                let hold = json!({ "platform": "netsuite", "method": "PUT", "path": path, "point": point });
                shop.hold(&hold).await;
            }
            Aim::Position => {}
        }
        let until = shop.length(0).await + 1 + random.below(24);
        if let Some(order) = random.pick(&orders).filter(|_| round % 4 == 3) {
            shop.ask("POST", &format!("/bigcommerce/orders/{order}/edit"), Some(&json!("any"))).await;
        }
        orders.extend(shop.place(2, &mut random).await);
        let held = if aim == Aim::Position {
            shop.length(until).await;
            None
        } else {
            Some(shop.held().await)
        };
        served.kill().await;
        shop.let_go().await;
        let doubts = shop.doubts();
        done.push(Kill { held, intent: !doubts.is_subset(&known) });
        known = doubts;
        served = shop.serve().await;
    }
    let calls = shop.verdict(orders.len()).await;
    served.end().await;
    (done, orders.len() as u64, calls)
}

/// A sandbox in a process of its own, and a site on it.
struct Shop {
    _sandbox: Child,
    reach: Reach,
    site: Site,
    client: reqwest::Client,
}

impl Shop {
    async fn open(seed: u64) -> Self {
        let mut sandbox = Command::new(env!("CARGO_BIN_EXE_flowrun"))
            .args([
                "sandbox",
                "--port",
                "0",
                "--orders",
                "0",
                "--plan",
                "unlimited",
                "--allow-loopback-hooks",
            ])
            .args(["--format", "json", "--seed", &seed.to_string()])
            .env_clear()
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(sandbox.stdout.take().unwrap()).lines();
        let access = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
        let reach = Reach(serde_json::from_str(&access).unwrap());
        // Held calls are let go, and end, before the service starts again: a short `settle` is no gamble here.
        let site = Site::new(&reach, "100ms", 1_000_000);
        Self { _sandbox: sandbox, reach, site, client: client() }
    }

    async fn serve(&self) -> Served {
        self.site.serve(&self.reach).await
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Json>) -> Json {
        let url = format!("{}{path}", self.reach.text("admin_url"));
        let mut request = self.client.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let told = async { request.send().await?.error_for_status()?.text().await };
        let text =
            timeout(LIMIT, told).await.unwrap_or_else(|_| panic!("{method} {path}: no answer")).unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn hold(&self, hold: &Json) {
        self.ask("POST", "/holds", Some(hold)).await;
    }

    /// The call that stands still, as soon as one does.
    async fn held(&self) -> Json {
        self.ask("GET", "/holds", None).await[0].clone()
    }

    async fn let_go(&self) {
        self.ask("DELETE", "/holds", None).await;
    }

    /// The ledger's length, as soon as it is this.
    async fn length(&self, at_least: u64) -> u64 {
        let told = self.ask("GET", &format!("/ledger/length?at_least={at_least}"), None).await;
        told["length"].as_u64().unwrap()
    }

    /// Paid orders, of guests that nobody knows and of registered customers.
    async fn place(&self, count: u32, random: &mut Random) -> Vec<u64> {
        let mut trade = json!({ "count": count, "tender": "card", "status_id": 11, "lines": 2 });
        if random.chance(60) {
            trade["customer_id"] = json!(0);
        }
        let told = self.ask("POST", "/bigcommerce/orders", Some(&trade)).await;
        told["order_ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect()
    }

    /// Writes that the journal holds an intent of, and no answer.
    fn doubts(&self) -> BTreeSet<(RunId, EffectId, Stamp)> {
        let Some(reader) = Reader::visit(&self.site.folder().join(".flowrun")).unwrap() else {
            return BTreeSet::new();
        };
        let mut doubts = BTreeSet::new();
        for fact in reader.open_runs().unwrap().into_iter().flat_map(|run| run.facts) {
            match fact {
                Fact::Intent(intent) => drop(doubts.insert((intent.run, intent.effect, intent.at))),
                Fact::Landed { run, effect, .. } | Fact::Absent { run, effect } => {
                    doubts.retain(|(of, which, _)| (of, which) != (&run, &effect));
                }
                _ => {}
            }
        }
        doubts
    }

    /// Waits until every order is over, then asks the ledger. Gives its length.
    async fn verdict(&self, orders: usize) -> u64 {
        let mut length = self.length(0).await;
        let count = loop {
            let count = self.ask("GET", "/summary?statuses=11", None).await["orders"].take();
            let even = count["tagged"] == count["once"] && count["different_total"] == json!([]);
            if count["once"] == json!(orders) && even {
                break count;
            }
            length = timeout(LIMIT, self.length(length + 1))
                .await
                .unwrap_or_else(|_| panic!("of {orders} orders some never came: {count:#}"));
        };
        for wrong in ["missing", "several", "exported_but_not_wanted", "sales_orders_of_no_order"] {
            assert_eq!(count[wrong], json!([]), "{wrong}: {count:#}");
        }
        let entries = self.ask("GET", "/ledger", None).await;
        let mut made = BTreeSet::new();
        for effect in entries.as_array().unwrap().iter().map(|entry| &entry["effect"]) {
            if effect["verb"] == "create" && effect["externalId"].is_string() {
                let name = (effect["record"].to_string(), effect["externalId"].to_string());
                assert!(made.insert(name), "made twice: {effect}");
            }
        }
        let sales = made.iter().filter(|(record, _)| record == "\"salesOrder\"").count();
        assert_eq!(sales, orders, "each order was made once, and nothing else");
        let records = self.ask("GET", "/snapshot", None).await;
        let mut buyers = BTreeSet::new();
        for buyer in records["netsuite"]["customer"].as_array().unwrap() {
            if buyer["custentity_bc_store"].is_string() && buyer["email"].is_string() {
                let email = buyer["email"].as_str().unwrap().to_lowercase();
                assert!(buyers.insert(email), "a customer is there twice: {buyer}");
            }
        }
        length
    }
}
