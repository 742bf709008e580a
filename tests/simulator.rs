//! The real engine against an abstract platform: killed at every point, with every fault, and with each guard taken away.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use flowrun::{
    engine::{Guard, Guards},
    journal::Order,
    plan::{Plan, Repeat},
    trial::sim::{
        Act, At, Case, Crash, Explored, Explorer, Happens, Hook, Outcome, PlanBuilder, Scenario, Spec, Tail,
        Violation,
    },
    value::Value,
};

use super::simulator_lasts::{asked_again, at_an_instant, books};

const MS: fn(u64) -> Duration = Duration::from_millis;
pub const S: fn(u64) -> Duration = Duration::from_secs;

pub fn look() -> Repeat {
    Repeat::Look { operation: "find_it".into(), settle: S(120), lag: S(60) }
}

fn key() -> Repeat {
    Repeat::Key { valid_for: S(3000) }
}

pub fn order(version: i64) -> Value {
    let tier = if version % 2 == 1 { "gold" } else { "std" };
    let items =
        [1, 2, 3].map(|sku| Value::object([("sku", Value::from(sku)), ("qty", Value::from(version))]));
    Value::object([("version", Value::from(version)), ("tier", tier.into()), ("items", Value::list(items))])
}

fn event(id: i64) -> Value {
    Value::object([("id", Value::from(id))])
}

pub fn hook(at: Duration, flow: &'static str, id: i64) -> Hook {
    Hook { at, flow, body: event(id), insists: true }
}

#[expect(clippy::needless_pass_by_value, reason = "a builder is used up")]
pub fn built(builder: PlanBuilder) -> Arc<Plan> {
    builder.build().expect("a plan of this file is sound")
}

pub fn get() -> Spec {
    Spec::read("order", "store.get_order").with("id", "{{ event.id }}")
}

pub fn tag(name: &str, from: &str) -> Spec {
    Spec::write(name, "store.put_tag", Repeat::Safe)
        .with("mark", "{{ event.id }}")
        .with("seen", "{{ order.version }}")
        .with("number", &format!("{{{{ {from}.number }}}}"))
}

/// Read, decide, write, write back: the order flow, while the order changes.
fn orders() -> Scenario {
    let plan = built(
        PlanBuilder::new("orders")
            .node(get())
            .node(
                Spec::decide("exportable", &[("ready", "{{ order.tier != 'draft' }}")], "not_yet")
                    .ignore("not_yet", "tier {{ order.tier }}"),
            )
            .node(
                Spec::write("sales", "erp.put_sales", Repeat::Safe)
                    .with("mark", "{{ event.id }}")
                    .with("seen", "{{ order.version }}"),
            )
            .node(tag("tag", "sales")),
    );
    let mut scenario = Scenario::new("orders", vec![plan]);
    scenario.history = vec![("1", S(0), order(1)), ("1", MS(3_020), order(2))];
    scenario.hooks = vec![hook(S(3), "orders", 1), hook(MS(3_025), "orders", 1)];
    scenario.converges = vec![("1", Value::from(2))];
    scenario
}

/// The order changes while a frozen run is down, and nobody tells.
fn silent_change() -> Scenario {
    let mut scenario = orders();
    scenario.name = "a change that nobody tells";
    // After the crash-free run is over, but within the outage of a crashed one.
    scenario.history = vec![("1", S(0), order(1)), ("1", MS(3_900), order(2))];
    scenario.hooks = vec![hook(S(3), "orders", 1)];
    scenario.converges = Vec::new();
    scenario.latest = true;
    scenario
}

/// A write that may be repeated freely is still on its way when a newer run has written already.
fn late_write() -> Scenario {
    let mut scenario = orders();
    scenario.name = "a late write";
    scenario.history = vec![("1", S(0), order(1)), ("1", S(10), order(2))];
    scenario.hooks = vec![hook(S(3), "orders", 1), hook(S(11), "orders", 1)];
    scenario.faults = BTreeMap::from([(2, Outcome::Late)]);
    scenario
}

/// Two branches of which a run may take one: history (a) of the run model.
fn branches() -> Scenario {
    let hold = |name: &str, target: &str, tier: &str| {
        Spec::write(name, target, Repeat::Safe)
            .when("tier", &[tier])
            .with("mark", "{{ event.id }}")
            .with("seen", "{{ order.version }}")
    };
    let plan = built(
        PlanBuilder::new("holds")
            .node(get())
            .node(Spec::decide("tier", &[("gold", "{{ order.tier == 'gold' }}")], "std"))
            .node(hold("gold_hold", "erp.put_gold", "gold"))
            .node(hold("std_hold", "erp.put_std", "std"))
            .node(
                Spec::write("note", "erp.put_note", Repeat::Safe)
                    .after("gold_hold")
                    .after("std_hold")
                    .with("mark", "{{ event.id }}")
                    .with("seen", "{{ order.version }}"),
            ),
    );
    let mut scenario = Scenario::new("branches", vec![plan]);
    scenario.history = vec![("1", S(0), order(1)), ("1", MS(3_030), order(2))];
    scenario.hooks = vec![hook(S(3), "holds", 1)];
    scenario
}

/// A create that is looked for, once an element, then a write that uses what it gave.
fn looked_for() -> Scenario {
    let plan = built(
        PlanBuilder::new("invoices")
            .all("{{ event.id }}")
            .node(get())
            .node(
                Spec::write("invoice", "erp.create_it", look())
                    .each("{{ order.items }}", "item")
                    .by("{{ item.sku }}")
                    .with("mark", "{{ event.id }}-{{ item.sku }}")
                    .with("seen", "{{ order.version }}"),
            )
            .node(
                Spec::write("tag", "store.put_tag", Repeat::Safe)
                    .with("mark", "{{ event.id }}")
                    .with("seen", "{{ order.version }}")
                    .with("number", "{{ invoice[1].value.number }}"),
            ),
    );
    let mut scenario = Scenario::new("looked for", vec![plan]);
    scenario.history = vec![("1", S(0), order(1)), ("2", S(0), order(1))];
    scenario.hooks = vec![hook(S(3), "invoices", 1), hook(MS(3_010), "invoices", 2)];
    scenario.narrow = true;
    scenario
}

/// A refund under an idempotency key.
fn keyed() -> Scenario {
    let plan = built(
        PlanBuilder::new("refunds").all("{{ event.id }}").lane("order").node(get()).node(
            Spec::write("refund", "store.keyed_refund", key())
                .with("mark", "{{ event.id }}")
                .with("seen", "{{ order.version }}"),
        ),
    );
    let mut scenario = Scenario::new("keyed", vec![plan]);
    scenario.history = vec![("1", S(0), order(1))];
    scenario.hooks = vec![hook(S(3), "refunds", 1), hook(MS(3_020), "refunds", 1)];
    scenario
}

/// A write that is never repeated: operators settle what is in doubt.
fn never() -> Scenario {
    let plan = built(
        PlanBuilder::new("mails")
            .all("{{ event.id }}")
            .node(get())
            .node(
                Spec::write("mail", "mailer.create_mail", Repeat::Never)
                    .with("mark", "{{ event.id }}")
                    .with("seen", "{{ order.version }}"),
            )
            .node(tag("tag", "mail")),
    );
    let mut scenario = Scenario::new("never", vec![plan]);
    scenario.history = vec![("1", S(0), order(1))];
    scenario.hooks = vec![hook(S(3), "mails", 1)];
    scenario
}

/// A letter behind a write that is never repeated, retried with a newer flow.
fn mended() -> Scenario {
    let flow = |print: &str| {
        built(
            PlanBuilder::new("mails")
                .print(print)
                .node(get())
                .node(
                    Spec::write("mail", "mailer.create_mail", Repeat::Never)
                        .with("mark", "{{ event.id }}")
                        .with("seen", "{{ order.version }}"),
                )
                .node(tag("tag", "mail")),
        )
    };
    let mut scenario = Scenario::new("mended", vec![flow("1")]);
    scenario.mended = vec![flow("2")];
    scenario.history = vec![("1", S(0), order(1))];
    scenario.hooks = vec![hook(S(3), "mails", 1)];
    scenario.faults = BTreeMap::from([(3, Outcome::Refused)]);
    scenario
}

/// Elements that stand apart, one of them refused; what was made is shown by no look for a very long time, and the connector does
/// not say so.
fn shown_late() -> Scenario {
    let at_once = Repeat::Look { operation: "find_it".into(), settle: S(0), lag: S(0) };
    let flow = |print: &str| {
        built(
            PlanBuilder::new("labels").print(print).node(get()).node(
                Spec::write("label", "erp.create_it", at_once.clone())
                    .each("{{ order.items }}", "item")
                    .apart("{{ item.sku }}")
                    .with("mark", "{{ event.id }}-{{ item.sku }}")
                    .with("seen", "{{ order.version }}"),
            ),
        )
    };
    let mut scenario = Scenario::new("shown late", vec![flow("1")]);
    scenario.mended = vec![flow("2")];
    scenario.physics.lag = S(10_000_000);
    scenario.history = vec![("1", S(0), order(1))];
    scenario.hooks = vec![hook(S(3), "labels", 1)];
    scenario
}

/// A put that is refused once behind a write that is never repeated: the letter is in an operator's hands.
fn refused(name: &'static str, act: Act) -> Scenario {
    let mut scenario = never();
    (scenario.name, scenario.act) = (name, Some(act));
    scenario.faults = BTreeMap::from([(3, Outcome::Refused)]);
    scenario
}

/// An event about an order that does not exist: an operator says which one was meant.
fn edited() -> Scenario {
    let mut scenario = orders();
    scenario.name = "edited";
    scenario.history = vec![("1", S(0), order(1))];
    scenario.hooks = vec![hook(S(3), "orders", 9)];
    scenario.act = Some(Act::Edit(event(1)));
    scenario.converges = vec![("1", Value::from(1))];
    scenario
}

/// A write that is never repeated and whose answer is lost: an operator looks whether it happened.
fn in_doubt(name: &'static str, lost: Outcome) -> Scenario {
    let mut scenario = never();
    scenario.name = name;
    scenario.faults = BTreeMap::from([(2, lost)]);
    scenario
}

/// What people start: one event by hand, an older window.
fn by_hand() -> Scenario {
    let mut scenario = orders();
    scenario.name = "by hand";
    scenario.hooks = Vec::new();
    scenario.asks = vec![
        (S(3), Order::Exec { flow: "orders".into(), body: event(1) }),
        (MS(3_010), Order::Run { flow: "orders".into(), bodies: vec![event(1), event(2), event(1)] }),
    ];
    scenario.history = vec![("1", S(0), order(1)), ("2", S(1), order(1))];
    scenario.converges = vec![("1", Value::from(1)), ("2", Value::from(1))];
    scenario
}

/// What was erased is announced again.
fn erased() -> Scenario {
    let mut scenario = orders();
    scenario.name = "erased";
    scenario.asks = vec![
        (S(5), Order::Erase { flow: "orders".into(), key: "1".into() }),
        (S(7), Order::Exec { flow: "orders".into(), body: event(1) }),
    ];
    scenario.hooks.push(hook(S(6), "orders", 1));
    scenario.converges = Vec::new();
    scenario
}

/// Events of one lane, all to be run in order.
fn in_order() -> Scenario {
    let plan = built(
        PlanBuilder::new("moves").all("{{ event.fact }}").node(get()).node(
            Spec::write("move", "erp.create_it", look())
                .with("mark", "{{ event.fact }}")
                .with("seen", "{{ order.version }}"),
        ),
    );
    let mut scenario = Scenario::new("in order", vec![plan]);
    scenario.history = vec![("1", S(0), order(1))];
    let moved = |at, fact: i64| Hook {
        at,
        flow: "moves",
        body: Value::object([("id", Value::from(1)), ("fact", Value::from(fact))]),
        insists: true,
    };
    scenario.hooks = vec![moved(S(3), 1), moved(MS(3_002), 2), moved(MS(3_004), 2)];
    scenario
}

/// Polled rows.
fn polled() -> Scenario {
    let mut scenario = orders();
    scenario.name = "polled";
    scenario.hooks = Vec::new();
    scenario.polls = Some(("orders", vec![S(4), S(5), S(10_000), S(100_000), S(200_000)]));
    scenario.history = vec![("1", S(0), order(1)), ("2", S(1), order(1)), ("1", MS(4_500), order(2))];
    scenario.converges = vec![("1", Value::from(2)), ("2", Value::from(1))];
    scenario
}

/// A parent that waits for what its child gives.
fn child() -> Scenario {
    let customers = built(
        PlanBuilder::new("customers").lane("customer").give("{{ made.number }}").node(
            Spec::write("made", "erp.create_it", look())
                .with("mark", "customer-{{ event.id }}")
                .with("seen", "{{ event.id }}"),
        ),
    );
    let orders = built(
        PlanBuilder::new("orders")
            .node(get())
            .node(Spec::child("customer", "customers", true).with("id", "{{ event.id }}"))
            .node(
                Spec::write("sales", "erp.put_sales", Repeat::Safe)
                    .with("mark", "{{ event.id }}")
                    .with("seen", "{{ order.version }}")
                    .with("entity", "{{ customer }}"),
            ),
    );
    let mut scenario = Scenario::new("child", vec![customers, orders]);
    scenario.history = vec![("1", S(0), order(1))];
    scenario.hooks = vec![hook(S(3), "orders", 1)];
    scenario.converges = vec![("1", Value::from(1))];
    scenario
}

/// A child that becomes a letter, is settled by an operator, and brings its parent back.
fn child_in_doubt() -> Scenario {
    let mails = built(
        PlanBuilder::new("mails").give("{{ mail.number }}").node(
            Spec::write("mail", "mailer.create_mail", Repeat::Never)
                .with("mark", "mail-{{ event.id }}")
                .with("seen", "{{ event.id }}"),
        ),
    );
    let orders = built(
        PlanBuilder::new("orders")
            .node(get())
            .node(
                Spec::child("mail", "mails", true)
                    .each("{{ order.items }}", "item")
                    .by("{{ item.sku }}")
                    .with("id", "{{ item.sku }}"),
            )
            .node(
                Spec::write("sales", "erp.put_sales", Repeat::Safe)
                    .with("mark", "{{ event.id }}")
                    .with("seen", "{{ order.version }}")
                    .with("mails", "{{ mail | length }}"),
            ),
    );
    let mut scenario = Scenario::new("child in doubt", vec![mails, orders]);
    scenario.history = vec![("1", S(0), order(1))];
    scenario.hooks = vec![hook(S(3), "orders", 1)];
    scenario.converges = vec![("1", Value::from(1))];
    scenario
}

fn all() -> Vec<Scenario> {
    vec![
        refused("retried", Act::Retry),
        refused("forced", Act::Force),
        refused("dropped", Act::Drop),
        edited(),
        in_doubt("it happened", Outcome::LostAfter),
        in_doubt("it did not happen", Outcome::LostBefore),
        by_hand(),
        erased(),
        orders(),
        silent_change(),
        late_write(),
        branches(),
        looked_for(),
        keyed(),
        never(),
        mended(),
        in_order(),
        polled(),
        child(),
        child_in_doubt(),
        books(),
        asked_again(),
        at_an_instant(),
    ]
}

/// Every violation with its case and the facts of that case: a case repeats exactly.
fn told(scenario: &Scenario, explored: &Explored) -> String {
    let found = explored.found.iter().map(|(violation, (case, notes))| {
        let facts: Vec<_> = scenario.play(case).facts.iter().map(|fact| format!("  {fact:?}")).collect();
        format!("{violation:?}: {notes:#?}\n{case:?}\n{}", facts.join("\n"))
    });
    found.collect::<Vec<_>>().join("\n")
}

/// How many pairs of crashes of each scenario are played: `SIM_PAIRS`, for long nights; otherwise few enough for every day.
/// (`SIM_ONLY=books,never` plays the scenarios of those names only.)
fn pairs() -> u32 {
    std::env::var("SIM_PAIRS").ok().and_then(|pairs| pairs.parse().ok()).unwrap_or(400)
}

#[test]
fn no_crash_and_no_fault_breaks_anything() {
    let (mut deaths, mut kinds): (BTreeMap<Happens, u32>, BTreeMap<Happens, u32>) = Default::default();
    let mut cases = 0;
    let only = std::env::var("SIM_ONLY").ok();
    let wanted =
        |one: &Scenario| only.as_ref().is_none_or(|only| only.split(',').any(|name| name == one.name));
    for scenario in all().into_iter().filter(wanted) {
        let explored = Explorer::new(&scenario).run(60, pairs());
        println!("{}: {:?}, {} cases", scenario.name, explored.points, explored.cases);
        assert!(explored.found.is_empty(), "{}:\n{}", scenario.name, told(&scenario, &explored));
        assert!(explored.points.points >= 15, "{}: {:?}", scenario.name, explored.points);
        cases += explored.cases;
        for (all, more) in [(&mut deaths, explored.deaths), (&mut kinds, explored.kinds)] {
            for (kind, count) in more {
                *all.entry(kind).or_default() += count;
            }
        }
    }
    println!("{cases} cases");
    for kind in Happens::all().filter(|_| only.is_none()) {
        let count = |of: &BTreeMap<Happens, u32>| of.get(&kind).copied().unwrap_or_default();
        println!("{kind:?}: in {} cases, {} crashes at it", count(&kinds), count(&deaths));
        assert!(count(&deaths) > 0 && count(&kinds) > 0, "{kind:?} never was one");
    }
}

#[test]
fn a_run_that_goes_on_repeats_nothing_that_was_acknowledged() {
    for refused in 2..=4 {
        let mut scenario = shown_late();
        scenario.faults = BTreeMap::from([(refused, Outcome::Refused)]);
        for seed in 0..60 {
            let case = Case { seed, ..Case::default() };
            let verdict = scenario.play(&case);
            assert!(verdict.found.is_empty(), "{refused} {seed}: {:#?}", verdict.notes);
            // The order twice, three labels, and the one that was refused again.
            assert_eq!(verdict.requests, 6, "{refused} {seed}");
        }
    }
}

/// Many events at once, of a flow that takes all of them and of one that takes the latest, one a key at a time.
fn crowd() -> Scenario {
    let moves = built(
        PlanBuilder::new("moves").all("{{ event.fact }}").node(get()).node(
            Spec::write("move", "erp.create_it", look())
                .with("mark", "{{ event.fact }}")
                .with("seen", "{{ order.version }}"),
        ),
    );
    let mut scenario = orders();
    scenario.name = "a crowd";
    scenario.plans.push(moves);
    scenario.history = vec![("1", S(0), order(1)), ("2", S(0), order(1)), ("1", MS(3_020), order(2))];
    scenario.hooks = (1..=4)
        .map(|fact| Hook {
            at: S(3),
            flow: "moves",
            body: Value::object([("id", Value::from(1)), ("fact", Value::from(fact))]),
            insists: true,
        })
        .chain([hook(S(3), "orders", 1), hook(S(3), "orders", 2), hook(MS(3_025), "orders", 1)])
        .collect();
    scenario.converges = vec![("1", Value::from(2)), ("2", Value::from(1))];
    scenario.narrow = true;
    scenario
}

#[test]
fn a_start_that_may_load_only_one_event_loses_none_and_keeps_their_order() {
    let refused = refused("dropped", Act::Drop);
    for mut scenario in [crowd(), in_order(), child_in_doubt(), by_hand(), mended(), refused] {
        scenario.load_most = 1;
        let points = scenario.play(&Case::default()).points[0].points;
        for at in 1..=points {
            let tail = [Tail::Lost, Tail::Half, Tail::Kept][at as usize % 3];
            let crash = Crash { at: At::Point(at), tail, finishes: at.is_multiple_of(2), down: S(1) };
            let case = Case { seed: u64::from(at % 5), crashes: vec![crash], ..Case::default() };
            let verdict = scenario.play(&case);
            assert!(verdict.found.is_empty(), "{} {case:?}: {:#?}", scenario.name, verdict.notes);
        }
    }
}

/// Each guard, the scenario that needs it, and the harm without it.
fn harm(guard: Guard) -> (Scenario, Violation) {
    match guard {
        Guard::FrozeWait => (orders(), Violation::SentBeforeFrozen),
        Guard::IntentWait => (never(), Violation::SentBeforeIntent),
        Guard::PermitFirst => (looked_for(), Violation::IntentBeforePermit),
        Guard::FrozenReads => (branches(), Violation::MixedRun),
        Guard::Doubt => (looked_for(), Violation::EffectTwice),
        Guard::Settle => (looked_for(), Violation::EffectTwice),
        Guard::Lag => (looked_for(), Violation::EffectTwice),
        Guard::ValidFor => (keyed(), Violation::EffectTwice),
        Guard::Certainty => (looked_for(), Violation::EffectTwice),
        Guard::Lane => (in_order(), Violation::Overlap),
        Guard::OfferWait => (orders(), Violation::AckedLost),
        Guard::PageCommit => (polled(), Violation::NotConverged),
        Guard::Recognition => (keyed(), Violation::RanTwice),
        Guard::CarryOver => (mended(), Violation::EffectTwice),
        Guard::Refresh => (silent_change(), Violation::Stale),
        Guard::Later => (late_write(), Violation::NotConverged),
        Guard::NoteCommit => (books(), Violation::NotedTwice),
        Guard::OrderCommit => (mended(), Violation::NotObeyed),
        Guard::Tombstone => (erased(), Violation::CameBack),
    }
}

#[test]
fn without_any_one_guard_there_is_harm() {
    for guard in Guard::ALL {
        let (scenario, harm) = harm(guard);
        let explored = Explorer::new(&scenario).without(Guards::without(guard), [harm]).run(40, 0);
        println!("{guard:?} away: {harm:?} after {} cases of {}", explored.cases, scenario.name);
        assert!(
            explored.found.contains_key(&harm),
            "{guard:?} away: expected {harm:?}, found {:?} in {} cases",
            explored.found.keys(),
            explored.cases
        );
    }
}
