//! What the benchmarks share: CPU and memory of a process as the kernel counts them, spreads of several rounds, goals.

#![allow(dead_code, clippy::allow_attributes, reason = "each benchmark uses a part of it")]

pub(crate) mod service;

use std::{fs, time::Duration};

/// Whether this is the benchmark itself; without `--bench` (`cargo test --benches`) it only shows that it works.
pub(crate) fn is_real() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// CPU time of a process so far, all its threads; the kernel tells it in hundredths of a second.
pub(crate) fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// Memory of a process in MiB: `VmRSS` now, `VmHWM` the most so far.
pub(crate) fn memory(process: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// One figure in several rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Round by round, so that what slowed both down does not count.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }
}

impl Rounds {
    /// The median with so many places, and the least and the most beside it.
    pub(crate) fn told(&self, places: usize) -> String {
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{:.places$} ({least:.places$} to {most:.places$})", self.median())
    }
}

/// Prints whether a figure is at most the goal.
pub(crate) fn at_most(what: &str, figure: f64, goal: f64) {
    println!("goal: {what} at most {goal}: {figure:.2}, {}", if figure <= goal { "met" } else { "NOT MET" });
}

/// Prints whether a figure is at least the goal.
pub(crate) fn at_least(what: &str, figure: f64, goal: f64) {
    println!("goal: {what} at least {goal}: {figure:.2}, {}", if figure >= goal { "met" } else { "NOT MET" });
}
