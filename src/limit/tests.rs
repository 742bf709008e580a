//! The gate against simulated servers: nothing refused, nothing wasted, nobody starved.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const QUOTA: u32 = 150;
const EVERY: u64 = 30_000;

fn ask(class: Priority, tenant: &str) -> Ask {
    Ask { class, tenant: tenant.into(), cost: 1, group: None, tag: None }
}

/// A server whose windows are fixed from `offset` on, or open with the first call after the last one; another app that takes its
/// share, and answers that take a while.
#[derive(Default)]
struct Server {
    offset: u64,
    opens_with_a_call: bool,
    window: u64,
    ends: u64,
    used: BTreeMap<u64, u32>,
    refused: u32,
}

impl Server {
    fn turn(&mut self, now: u64) {
        if !self.opens_with_a_call {
            self.window = (now + self.offset) / EVERY;
            self.ends = now + EVERY - (now + self.offset) % EVERY;
        } else if now >= self.ends {
            self.window += 1;
            self.ends = now + EVERY;
        }
    }

    fn take(&mut self, now: u64) -> (bool, Header) {
        self.turn(now);
        let used = self.used.entry(self.window).or_default();
        let ok = *used < QUOTA;
        *used += u32::from(ok);
        self.refused += u32::from(!ok);
        let header = Header {
            quota: Some(QUOTA),
            left: Some(QUOTA - *used),
            reset: Some(Duration::from_millis(self.ends - now)),
        };
        (ok, header)
    }
}

struct World {
    latency: Vec<u64>,
    foreign_every: Option<u64>,
    offset: u64,
    opens_with_a_call: bool,
    slots: Option<u32>,
}

/// Plays a backlog for `windows` windows; returns (ours answered well by window, refusals of ours).
fn play(world: &World, windows: u64) -> (BTreeMap<u64, u32>, u32) {
    let mut gate = Gate::new(&Limits {
        window: Some((QUOTA, Duration::from_millis(EVERY))),
        slots: world.slots,
        ..Limits::default()
    });
    let mut server =
        Server { offset: world.offset, opens_with_a_call: world.opens_with_a_call, ..Server::default() };
    let mut arrivals: Vec<(u64, Ticket)> = Vec::new();
    let mut answers: Vec<(u64, Ticket, bool, Header)> = Vec::new();
    let (mut ours, mut refused) = (BTreeMap::new(), 0);
    for _ in 0..QUOTA * windows as u32 + 500 {
        gate.ask(ask(Priority::Normal, "orders"));
    }
    let mut turn = 0;
    for now in (0..EVERY * windows).step_by(5) {
        if world.foreign_every.is_some_and(|every| now % every == 0) {
            server.take(now);
        }
        arrivals.retain(|(at, ticket)| {
            let arrived = *at <= now;
            if arrived {
                let (ok, header) = server.take(now);
                *ours.entry(server.window).or_default() += u32::from(ok);
                refused += u32::from(!ok);
                turn += 1;
                answers.push((now + world.latency[turn % world.latency.len()], *ticket, ok, header));
            }
            !arrived
        });
        answers.retain(|(at, ticket, ok, header)| {
            if *at <= now {
                let ended = if *ok { Ended::Answered } else { Ended::Throttled };
                gate.answered(*ticket, ended, *header, None, Instant(now));
            }
            *at > now
        });
        for grant in gate.grant(Instant(now)) {
            turn += 1;
            arrivals.push((now + world.latency[turn % world.latency.len()], grant.ticket));
        }
    }
    (ours, refused)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Alone on the account: no refusal, and at least 98 % of every whole window is used.
    #[test]
    fn a_backlog_alone_uses_the_whole_window(offset in 0..EVERY, latency in prop::collection::vec(10_u64..400, 1..20)) {
        let world = World { latency, foreign_every: None, offset, opens_with_a_call: false, slots: None };
        let (ours, refused) = play(&world, 6);
        prop_assert_eq!(refused, 0);
        let whole: Vec<_> = ours.iter().filter(|(window, _)| **window > 1 && **window < 5).collect();
        prop_assert!(!whole.is_empty());
        for (window, used) in whole {
            prop_assert!(f64::from(*used) >= 0.98 * f64::from(QUOTA), "window {window}: {used}");
        }
    }

    /// A window that opens with its first call ends later than one would think: nobody goes before that.
    #[test]
    fn a_window_that_opens_with_a_call_is_not_entered_early(latency in prop::collection::vec(5_u64..150, 60..90)) {
        let world = World { latency, foreign_every: None, offset: 0, opens_with_a_call: true, slots: Some(4) };
        let (ours, refused) = play(&world, 8);
        prop_assert_eq!(refused, 0);
        let whole: Vec<_> = ours.iter().filter(|(window, _)| **window > 1 && **window < 7).collect();
        prop_assert!(whole.len() >= 5 && whole.iter().all(|(_, used)| **used == QUOTA), "{whole:?}");
    }

    /// With another app on the account: refusals stay rare although nobody tells us of it, and its share is left to it.
    #[test]
    fn other_apps_are_left_their_share(offset in 0..EVERY, every in 400_u64..2000) {
        let foreign_every = Some(every / 5 * 5);
        let world = World { latency: vec![40, 120, 80], foreign_every, offset, opens_with_a_call: false, slots: None };
        let (ours, refused) = play(&world, 6);
        let total: u32 = ours.values().sum();
        prop_assert!(f64::from(refused) <= 0.02 * f64::from(total), "{refused} of {total} refused");
    }

    /// Two tenants of a class that both wait get the same, whatever the order in which they asked.
    #[test]
    fn tenants_share_evenly(first in 20_usize..200, second in 20_usize..200) {
        let mut gate = Gate::new(&Limits { slots: Some(1), ..Limits::default() });
        let mut tenants = BTreeMap::new();
        for (tenant, count) in [("a", first), ("b", second)] {
            for _ in 0..count {
                tenants.insert(gate.ask(ask(Priority::Normal, tenant)), tenant);
            }
        }
        let mut got = BTreeMap::from([("a", 0_i32), ("b", 0)]);
        for step in 0..first.min(second) as u64 {
            let grants = gate.grant(Instant(step));
            prop_assert_eq!(grants.len(), 1);
            *got.get_mut(tenants[&grants[0].ticket]).unwrap() += 1;
            prop_assert!((got["a"] - got["b"]).abs() <= 1);
            gate.answered(grants[0].ticket, Ended::Answered, Header::default(), None, Instant(step));
        }
    }
}

#[test]
fn a_bulk_backlog_never_makes_a_live_call_wait_for_it() {
    let mut gate = Gate::new(&Limits { slots: Some(3), ..Limits::default() });
    for _ in 0..5000 {
        gate.ask(ask(Priority::Bulk, "stock"));
    }
    let bulk = gate.grant(Instant(0));
    assert_eq!(bulk.len(), 2, "one slot stays free");
    let live = gate.ask(ask(Priority::Live, "orders"));
    assert_eq!(gate.grant(Instant(1)).iter().map(|grant| grant.ticket).collect::<Vec<_>>(), [live]);
}

#[test]
fn a_full_group_blocks_nobody_else() {
    let groups = BTreeMap::from([("prices_bulk".into(), 1)]);
    let mut gate = Gate::new(&Limits { slots: Some(10), groups, ..Limits::default() });
    let bulk = |gate: &mut Gate| {
        gate.ask(Ask { group: Some("prices_bulk".into()), ..ask(Priority::Normal, "prices") })
    };
    let (first, second) = (bulk(&mut gate), bulk(&mut gate));
    let other = gate.ask(ask(Priority::Normal, "orders"));
    let granted: Vec<_> = gate.grant(Instant(0)).iter().map(|grant| grant.ticket).collect();
    assert!(
        granted.contains(&first) && granted.contains(&other) && !granted.contains(&second),
        "{granted:?}"
    );
    gate.answered(first, Ended::Answered, Header::default(), None, Instant(1));
    assert_eq!(gate.grant(Instant(1)).first().map(|grant| grant.ticket), Some(second));
}

#[test]
fn a_refusal_cuts_the_slots_once_for_all_calls_under_way() {
    let mut gate = Gate::new(&Limits { slots: Some(10), ..Limits::default() });
    for _ in 0..40 {
        gate.ask(ask(Priority::Normal, "orders"));
    }
    let first = gate.grant(Instant(0));
    assert_eq!(first.len(), 10);
    for grant in &first {
        gate.answered(grant.ticket, Ended::Throttled, Header::default(), None, Instant(5));
    }
    assert_eq!(gate.grant(Instant(6)).len(), 7);
}

#[test]
fn a_pause_that_the_platform_asks_for_is_kept() {
    let mut gate = Gate::new(&Limits { slots: Some(2), ..Limits::default() });
    gate.ask(ask(Priority::Live, "orders"));
    let grant = gate.grant(Instant(0))[0];
    gate.answered(
        grant.ticket,
        Ended::Throttled,
        Header::default(),
        Some(Duration::from_secs(7)),
        Instant(10),
    );
    gate.ask(ask(Priority::Live, "orders"));
    assert_eq!(gate.grant(Instant(7009)), []);
    assert_eq!(gate.wake(Instant(20)), Some(Instant(7010)));
    assert_eq!(gate.grant(Instant(7010)).len(), 1);
}

#[test]
fn the_breaker_opens_once_probes_and_closes() {
    let mut gate = Gate::new(&Limits { slots: Some(20), ..Limits::default() });
    for _ in 0..30 {
        gate.ask(ask(Priority::Live, "orders"));
    }
    let down = Ended::Trouble(Trouble::Outage);
    let end = |gate: &mut Gate, ticket, ended, now| {
        gate.answered(ticket, ended, Header::default(), None, Instant(now))
    };
    let calls = gate.grant(Instant(0));
    let changes: Vec<_> = calls.iter().filter_map(|call| end(&mut gate, call.ticket, down, 1)).collect();
    assert_eq!(changes, [Change::Opened(Trouble::Outage)], "people are told once");
    assert!(gate.is_held(Instant(5000)) && gate.grant(Instant(5000)).is_empty());
    assert_eq!(gate.wake(Instant(2)), Some(Instant(5001)));
    let probe = gate.grant(Instant(5001));
    assert_eq!(probe.len(), 1, "one probe");
    assert_eq!(end(&mut gate, probe[0].ticket, down, 5002), None);
    assert!(gate.is_held(Instant(15_001)), "the pause doubles");
    let probe = gate.grant(Instant(15_002));
    assert_eq!(end(&mut gate, probe[0].ticket, Ended::Answered, 15_003), Some(Change::Closed));
    assert_eq!(gate.grant(Instant(15_003)).len(), 8, "the rest goes on");
}

#[test]
fn being_locked_out_opens_at_once() {
    let mut gate = Gate::new(&Limits { slots: Some(2), ..Limits::default() });
    gate.ask(ask(Priority::Live, "orders"));
    let call = gate.grant(Instant(0))[0];
    let ended = Ended::Trouble(Trouble::Auth);
    assert_eq!(
        gate.answered(call.ticket, ended, Header::default(), None, Instant(1)),
        Some(Change::Opened(Trouble::Auth))
    );
}

#[test]
fn what_was_under_way_when_it_opened_does_not_close_it() {
    let mut gate = Gate::new(&Limits { slots: Some(9), ..Limits::default() });
    for _ in 0..6 {
        gate.ask(ask(Priority::Live, "orders"));
    }
    let calls = gate.grant(Instant(0));
    let mut end =
        |at: usize, ended, now| gate.answered(calls[at].ticket, ended, Header::default(), None, Instant(now));
    assert_eq!(end(0, Ended::Trouble(Trouble::Auth), 1), Some(Change::Opened(Trouble::Auth)));
    assert_eq!([end(1, Ended::Unknown, 2), end(2, Ended::Answered, 3)], [None, None]);
    assert_eq!(end(3, Ended::Trouble(Trouble::Auth), 4), None, "told once");
    assert!(gate.is_held(Instant(5000)));
    gate.ask(ask(Priority::Live, "orders"));
    let probe = gate.grant(Instant(5001));
    assert_eq!(probe.len(), 1);
    gate.answered(calls[4].ticket, Ended::Answered, Header::default(), None, Instant(5002));
    assert!(gate.is_tripped(), "an older answer is no probe");
    gate.answered(probe[0].ticket, Ended::Unknown, Header::default(), None, Instant(5003));
    gate.ask(ask(Priority::Live, "orders"));
    assert_eq!(gate.grant(Instant(5003)).len(), 1, "a probe that nobody waited for is sent again");
}

#[test]
fn a_withdrawn_ask_leaves_nothing_behind() {
    let mut gate = Gate::new(&Limits {
        slots: Some(1),
        window: Some((5, Duration::from_secs(30))),
        ..Limits::default()
    });
    let (first, second) = (gate.ask(ask(Priority::Live, "a")), gate.ask(ask(Priority::Live, "a")));
    assert_eq!(gate.grant(Instant(0)).len(), 1);
    gate.withdraw(second, Instant(1));
    gate.withdraw(first, Instant(1));
    let third = gate.ask(ask(Priority::Live, "a"));
    assert_eq!(gate.grant(Instant(2)).first().map(|grant| grant.ticket), Some(third));
}
