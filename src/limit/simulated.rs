//! The gate against a simulated platform: fixed windows, other apps, slow and reordered answers. In: a case. Out: refusals,
//! use, waits. Time is virtual.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use proptest::prelude::*;

use super::*;

/// A small generator, so that a case is its seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    seed: u64,
    quota: u32,
    slots: u32,
    /// Longest way of a request or an answer, milliseconds.
    way: u64,
    /// Milliseconds between requests of other apps, on average; 0: there are none.
    foreign: u64,
    /// Milliseconds between urgent requests.
    live: u64,
    offset: u64,
    windows: u64,
}

#[derive(Debug, Default)]
struct Outcome {
    refused: u32,
    used: BTreeMap<u64, u32>,
    waits: Vec<u64>,
    most_at_once: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Foreign,
    Live,
    Arrives(Ticket),
    Answered(Ticket, Option<(u32, u64)>, bool),
    Look,
}

const EVERY: u64 = 30_000;

struct World {
    case: Case,
    dice: Dice,
    gate: Gate,
    line: BinaryHeap<Reverse<(u64, Happens)>>,
    asked: BTreeMap<Ticket, u64>,
    out: Outcome,
    flying: usize,
}

impl World {
    fn ask(&mut self, priority: Priority, now: u64) {
        let ticket = self.gate.ask(Ask { priority, tenant: "t".into(), group: None, after: None });
        if priority == Priority::Live {
            self.asked.insert(ticket, now);
        }
    }

    fn later(&mut self, now: u64, wait: u64, what: Happens) {
        self.line.push(Reverse((now + wait, what)));
    }

    fn count(&mut self, now: u64) -> (bool, u32, u64) {
        let window = (now + self.case.offset) / EVERY;
        let used = self.out.used.entry(window).or_default();
        let refused = *used >= self.case.quota;
        *used += u32::from(!refused);
        (refused, self.case.quota - *used, EVERY - (now + self.case.offset) % EVERY)
    }

    fn happen(&mut self, now: u64, what: Happens) {
        match what {
            Happens::Foreign => {
                self.count(now);
                let wait = self.dice.below(self.case.foreign * 2) + 1;
                self.later(now, wait, Happens::Foreign);
            }
            Happens::Live => {
                self.ask(Priority::Live, now);
                let wait = self.dice.below(self.case.live * 2) + 1;
                self.later(now, wait, Happens::Live);
            }
            Happens::Arrives(ticket) => {
                let (refused, left, reset) = self.count(now);
                self.out.refused += u32::from(refused);
                let wait = self.dice.below(self.case.way) + 1;
                self.later(now, wait, Happens::Answered(ticket, Some((left, reset)), refused));
            }
            Happens::Answered(ticket, seen, refused) => {
                self.flying -= 1;
                let seen = seen.map(|(left, reset)| {
                    Seen { quota: self.case.quota, left, reset: Duration::from_millis(reset) }
                });
                let went = if refused { Went::Throttled(None) } else { Went::Answered };
                self.gate.done(ticket, Instant(now), went, seen);
            }
            Happens::Look => {}
        }
    }

    fn go(&mut self, now: u64) {
        while self.gate.waiting() < 50 {
            self.ask(Priority::Bulk, now);
        }
        for ticket in self.gate.grants(Instant(now)) {
            if let Some(asked) = self.asked.remove(&ticket) {
                self.out.waits.push(now - asked);
            }
            self.flying += 1;
            self.out.most_at_once = self.out.most_at_once.max(self.flying);
            let wait = self.dice.below(self.case.way) + 1;
            self.later(now, wait, Happens::Arrives(ticket));
        }
        if let Some(wake) = self.gate.wake(Instant(now)) {
            self.later(wake.0.max(now + 1), 0, Happens::Look);
        }
    }
}

fn simulate(case: Case) -> Outcome {
    let every = Duration::from_millis(EVERY);
    let window = Some(Allowance { quota: case.quota, every, told: true });
    let gate = Gate::new(Limits { window, slots: Some(case.slots), groups: BTreeMap::new() });
    let dice = Dice(case.seed | 1);
    let line = BinaryHeap::new();
    let mut world = World { case, dice, gate, line, asked: BTreeMap::new(), out: Outcome::default(), flying: 0 };
    world.later(0, 0, Happens::Look);
    world.later(0, 50, Happens::Live);
    if case.foreign > 0 {
        world.later(0, 10, Happens::Foreign);
    }
    let mut looked = 0;
    while let Some(Reverse((now, what))) = world.line.pop() {
        if now > case.windows * EVERY {
            break;
        }
        // Many wakes may be due at one instant: one look is enough.
        if what == Happens::Look && looked == now && now > 0 {
            continue;
        }
        looked = now;
        world.happen(now, what);
        world.go(now);
    }
    world.out
}

/// The share of the quota that was used in windows that were whole and had time to settle.
fn use_of(out: &Outcome, quota: u32) -> f64 {
    let whole: Vec<_> = out.used.values().skip(2).take(out.used.len().saturating_sub(4)).collect();
    f64::from(whole.iter().copied().sum::<u32>()) / (whole.len() as f64 * f64::from(quota))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_refused_and_nearly_all_is_used(
        seed in any::<u64>(),
        quota in prop::sample::select(vec![150_u32, 450, 1000]),
        way in 5_u64..200,
        offset in 0_u64..EVERY,
        live in 300_u64..3000,
    ) {
        let case = Case { seed, quota, slots: 20, way, foreign: 0, live, offset, windows: 12 };
        let out = simulate(case);
        prop_assert_eq!(out.refused, 0, "{:?}", case);
        prop_assert!(use_of(&out, quota) >= 0.98, "{} of the quota in {:?}", use_of(&out, quota), case);
        prop_assert!(out.most_at_once <= 20);
    }

    #[test]
    fn other_apps_on_the_same_quota_earn_us_no_refusal(
        seed in any::<u64>(),
        way in 5_u64..120,
        foreign in 400_u64..5000,
        offset in 0_u64..EVERY,
    ) {
        let case = Case { seed, quota: 450, slots: 20, way, foreign, live: 1000, offset, windows: 12 };
        let out = simulate(case);
        prop_assert_eq!(out.refused, 0, "{:?}", case);
        prop_assert!(use_of(&out, 450) >= 0.98, "{} of the quota in {:?}", use_of(&out, 450), case);
    }

    #[test]
    fn urgent_requests_do_not_wait_for_bulk(seed in any::<u64>(), offset in 0_u64..EVERY) {
        let case = Case { seed, quota: 450, slots: 20, way: 100, foreign: 2000, live: 700, offset, windows: 12 };
        let mut waits = simulate(case).waits;
        waits.sort_unstable();
        prop_assert!(waits.len() > 200);
        let most = waits[waits.len() * 99 / 100];
        prop_assert!(most <= 1000, "99 of 100 urgent requests waited up to {most} ms");
    }
}

fn gate(slots: u32) -> Gate {
    Gate::new(Limits { window: None, slots: Some(slots), groups: [("one".into(), 1)].into() })
}

fn ask(priority: Priority, tenant: &str, group: Option<&str>) -> Ask {
    Ask { priority, tenant: tenant.into(), group: group.map(Into::into), after: None }
}

#[test]
fn a_full_group_lets_others_pass() {
    let mut gate = gate(10);
    let first = gate.ask(ask(Priority::Live, "a", Some("one")));
    let second = gate.ask(ask(Priority::Live, "a", Some("one")));
    let other = gate.ask(ask(Priority::Bulk, "b", None));
    assert_eq!(gate.grants(Instant(0)), [first, other]);
    gate.done(first, Instant(1), Went::Answered, None);
    assert_eq!(gate.grants(Instant(1)), [second]);
}

#[test]
fn tenants_share_alike_and_priorities_by_weight() {
    let mut gate = gate(1);
    let mut who = BTreeMap::new();
    for (priority, tenant, count) in [(Priority::Normal, "a", 300), (Priority::Normal, "b", 300), (Priority::Bulk, "c", 300)] {
        for _ in 0..count {
            who.insert(gate.ask(ask(priority, tenant, None)), tenant);
        }
    }
    let mut served: BTreeMap<&str, u32> = BTreeMap::new();
    for now in 0..210 {
        for ticket in gate.grants(Instant(now)) {
            *served.entry(who[&ticket]).or_default() += 1;
            gate.done(ticket, Instant(now), Went::Answered, None);
            if now < 209 {
                break;
            }
        }
    }
    let (a, b, c) = (served["a"], served["b"], served["c"]);
    assert!(a.abs_diff(b) <= 1 && c >= a / 12 && c <= a / 8, "{served:?}");
}

#[test]
fn what_goes_on_keeps_its_place() {
    let mut gate = gate(1);
    let first = gate.ask(ask(Priority::Normal, "a", None));
    let later: Vec<_> = (0..5).map(|_| gate.ask(ask(Priority::Normal, "a", None))).collect();
    assert_eq!(gate.grants(Instant(0)), [first]);
    let tag = gate.tag(first);
    gate.done(first, Instant(1), Went::Answered, None);
    let next = gate.ask(Ask { after: tag, ..ask(Priority::Normal, "a", None) });
    assert_eq!(gate.grants(Instant(1)), [next]);
    gate.cancel(next);
    gate.cancel(later[0]);
    assert_eq!(gate.grants(Instant(1)), [later[1]]);
}

#[test]
fn a_refusal_holds_everything_for_as_long_as_it_says() {
    let mut gate = gate(4);
    let first = gate.ask(ask(Priority::Live, "a", None));
    gate.grants(Instant(0));
    gate.done(first, Instant(10), Went::Throttled(Some(Duration::from_secs(2))), None);
    let second = gate.ask(ask(Priority::Live, "a", None));
    assert_eq!(gate.grants(Instant(1000)), []);
    assert_eq!(gate.wake(Instant(1000)), Some(Instant(2010)));
    assert_eq!(gate.grants(Instant(2010)), [second]);
}

#[test]
fn without_a_word_from_the_platform_no_span_sees_more_than_the_quota() {
    let every = Duration::from_secs(60);
    let window = Some(Allowance { quota: 20, every, told: false });
    let mut gate = Gate::new(Limits { window, ..Limits::default() });
    let mut sent: Vec<u64> = Vec::new();
    for now in (0..300_000).step_by(250) {
        gate.ask(ask(Priority::Normal, "a", None));
        for ticket in gate.grants(Instant(now)) {
            sent.push(now);
            gate.done(ticket, Instant(now), Went::Answered, None);
        }
    }
    for at in &sent {
        assert!(sent.iter().filter(|other| (*at..*at + 60_000).contains(other)).count() <= 20);
    }
    assert!(sent.len() >= 95, "{}", sent.len());
}
