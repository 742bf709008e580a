//! Every point of a scenario, once and in pairs, with every tail and every fault. In: a scenario. Out: how many cases, and what
//! was found in which. It must never stop at the first.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    case::{Case, Crash, Scenario, Verdict},
    disk::Tail,
    oracle::Violation,
    platform::Outcome,
    probe::{At, Counts, Happens},
};
use crate::engine::Guards;

/// What was tried and what was found.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Cases in all.
    pub cases: u32,
    /// What happens in a life without a crash.
    pub points: Counts,
    /// Crashes by kind.
    pub deaths: BTreeMap<Happens, u32>,
    /// Cases in which each kind happens.
    pub kinds: BTreeMap<Happens, u32>,
    /// Violations, and the first case that shows each.
    pub found: BTreeMap<Violation, (Case, Vec<String>)>,
}

/// Explores a scenario.
pub struct Explorer<'a> {
    scenario: &'a Scenario,
    guards: Guards,
    explored: Explored,
    until: Option<BTreeSet<Violation>>,
}

impl<'a> Explorer<'a> {
    /// With all guards.
    pub fn new(scenario: &'a Scenario) -> Self {
        Self { scenario, guards: Guards::default(), explored: Explored::default(), until: None }
    }

    /// With one guard away, until one of these is found.
    #[must_use]
    pub fn without(mut self, guards: Guards, until: impl IntoIterator<Item = Violation>) -> Self {
        self.guards = guards;
        self.until = Some(until.into_iter().collect());
        self
    }

    fn enough(&self) -> bool {
        self.until
            .as_ref()
            .is_some_and(|until| until.iter().any(|wanted| self.explored.found.contains_key(wanted)))
    }

    fn play(&mut self, case: Case) -> Verdict {
        let case = Case { guards: self.guards, ..case };
        let verdict = self.scenario.play(&case);
        self.explored.cases += 1;
        for death in &verdict.deaths {
            *self.explored.deaths.entry(*death).or_default() += 1;
        }
        for kind in verdict.kinds.keys() {
            *self.explored.kinds.entry(*kind).or_default() += 1;
        }
        for violation in &verdict.found {
            self.explored.found.entry(*violation).or_insert_with(|| (case.clone(), verdict.notes.clone()));
        }
        verdict
    }

    /// Plays all: no crash with many seeds, each fault, each crash with each tail, crash and fault, and pairs of crashes: about
    /// so many of them, evenly spread.
    pub fn run(mut self, seeds: u64, pairs: u32) -> Explored {
        let base = self.play(Case::default());
        self.explored.points = base.points.first().copied().unwrap_or_default();
        for seed in 1..seeds {
            if self.enough() {
                return self.explored;
            }
            self.play(Case { seed, ..Case::default() });
        }
        for request in 1..=base.requests {
            for fault in Outcome::FAULTS {
                self.play(Case { faults: BTreeMap::from([(request, fault)]), ..Case::default() });
            }
        }
        self.between(&base.points.first().copied().unwrap_or_default());
        for at in 1..=self.explored.points.points {
            if self.enough() {
                return self.explored;
            }
            let points = self.explored.points.points;
            let stride = (points * points * 3 / pairs.max(1)).max(1);
            self.crashes(at, base.requests, Some(stride).filter(|_| pairs > 0));
        }
        self.explored
    }

    /// A crash before each command, and before each request of an operator is carried out.
    fn between(&mut self, counts: &Counts) {
        let down = Duration::from_secs(1);
        for at in 1..=counts.commands {
            let tail = [Tail::Lost, Tail::Half, Tail::Kept][at as usize % 3];
            let crash = Crash { at: At::Command(at), tail, finishes: at.is_multiple_of(2), down };
            self.play(Case { crashes: vec![crash], ..Case::default() });
        }
        for at in 1..=counts.orders {
            for tail in [Tail::Lost, Tail::Half, Tail::Kept] {
                for finishes in [false, true] {
                    let crash = Crash { at: At::Order(at), tail, finishes, down };
                    self.play(Case { crashes: vec![crash], ..Case::default() });
                }
            }
        }
    }

    fn crashes(&mut self, at: u32, requests: u32, stride: Option<u32>) {
        let mut lives = BTreeMap::new();
        for tail in [Tail::Lost, Tail::Half, Tail::Kept] {
            for finishes in [false, true] {
                for down in [Duration::from_secs(1), Duration::from_secs(2 * 3600)] {
                    let crash = Crash { at: At::Point(at), tail, finishes, down };
                    let verdict =
                        self.play(Case { seed: u64::from(at % 3), crashes: vec![crash], ..Case::default() });
                    let second = verdict.points.get(1).map_or(0, |counts| counts.points);
                    lives.entry(second).or_insert(crash);
                }
            }
        }
        let crash =
            Crash { at: At::Point(at), tail: Tail::Lost, finishes: true, down: Duration::from_secs(1) };
        for request in 1..=requests {
            for fault in [Outcome::LostAfter, Outcome::Late, Outcome::DownAfter] {
                let faults = BTreeMap::from([(request, fault)]);
                self.play(Case { faults, crashes: vec![crash], ..Case::default() });
            }
        }
        if let Some(stride) = stride {
            for (points, first) in lives {
                for second in (1 + at % stride..=points).step_by(stride as usize) {
                    let second = Crash { at: At::Point(second), ..crash };
                    self.play(Case { crashes: vec![first, second], ..Case::default() });
                }
            }
        }
    }
}
