//! What people see of the demo: where the day is, and what came of it. In: the sandbox's counts. Out: a line that moves, a line an
//! hour where nothing can move, a table, an object.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, time::Duration};

use flowrun_sandbox::{Running, verdict::Verdict};
use serde_json::{Value as Json, json};

use super::{super::Streams, super::args::Demo, is_well, site::Site};
use crate::report::{Paint, Tint};

/// Width of the bar.
const BAR: usize = 24;
/// Width of what stands beside a count.
const NOTE: usize = 56;
/// The hours of the shop.
const HOURS: std::ops::RangeInclusive<i8> = 8..=20;

/// Tells where the day is.
pub(super) struct Progress<'a> {
    streams: &'a mut Streams,
    orders: u32,
    quiet: bool,
    hour: i8,
}

impl<'a> Progress<'a> {
    pub(super) fn new(args: &Demo, streams: &'a mut Streams) -> Self {
        Self { streams, orders: args.orders, quiet: args.quiet, hour: *HOURS.start() }
    }

    pub(super) fn opens(&mut self, running: &Running) {
        if !self.quiet {
            let page = &running.access().admin.base_url;
            self.streams.say(format!("a day of trade begins; look inside both platforms at {page}"));
        }
    }

    /// Looks at the clock and the ledger.
    pub(super) fn look(&mut self, running: &Running, placed: usize, site: &Site) {
        let now = running.shared().clock.now();
        let hour = now.strftime("%H").to_string().parse().unwrap_or(self.hour);
        if self.quiet || (!self.streams.terminal && hour <= self.hour) {
            return;
        }
        self.hour = hour;
        let (mut sales, mut faults) = (0, 0);
        running.shared().ledger.read(|entries| {
            for entry in entries {
                faults += u32::from(entry.fault.is_some());
                let made = |effect: &Json| effect["record"] == "salesOrder" && effect["verb"] == "create";
                sales += u32::from(entry.effect.as_ref().is_some_and(made));
            }
        });
        let waiting = super::letters(site.journal()).unwrap_or_default();
        let clock = now.strftime("%H:%M");
        let counts =
            format!("{placed:>4} orders  {sales:>4} in NetSuite  {waiting:>3} waiting  {faults:>3} faults");
        if self.streams.terminal {
            let full = BAR * placed / (self.orders.max(1) as usize);
            let bar = format!("{}{}", "━".repeat(full.min(BAR)), " ".repeat(BAR.saturating_sub(full)));
            let bar = Paint(self.streams.color).text(Tint::Good, &bar);
            self.streams.show(&format!("\r\u{1b}[2K{clock} {bar} {counts}"));
        } else {
            self.streams.say(format!("{clock}  {counts}"));
        }
    }

    /// Leaves the line.
    pub(super) fn ends(self) {
        if self.streams.terminal && !self.quiet {
            self.streams.show("\r\u{1b}[2K");
        }
    }
}

/// What came of the day.
pub(super) struct Told {
    pub(super) verdict: Verdict,
    pub(super) letters: u64,
    pub(super) kinds: BTreeMap<String, u32>,
    pub(super) took: Duration,
}

impl Told {
    pub(super) fn is_well(&self) -> bool {
        is_well(&self.verdict, self.letters)
    }

    /// One object: the sandbox's counts, how many orders of each kind, the letters of our own journal, the time.
    pub(super) fn json(&self) -> Json {
        let mut object = serde_json::to_value(&self.verdict).unwrap_or_default();
        object["kinds"] = json!(self.kinds);
        object["dead_letters"] = json!(self.letters);
        object["seconds"] = json!((self.took.as_secs_f64() * 10.0).round() / 10.0);
        object
    }

    pub(super) fn table(&self, color: bool, data: Option<&Path>) -> String {
        let (found, paint) = (&self.verdict, Paint(color));
        let list = |counts: &BTreeMap<String, u64>, join: &str| {
            let each = counts.iter().map(|(what, count)| format!("{count}{join}{}", what.replace('_', " ")));
            each.collect::<Vec<_>>().join(", ")
        };
        let faults: u64 = found.faults.values().sum();
        let planted: u64 = found.expected_dead_letters.values().sum();
        let mut out = format!(
            "{} from eight to eight, in {:.0} seconds, as both platforms' own records have it:\n\n",
            paint.text(Tint::Strong, "a day of trade"),
            self.took.as_secs_f64(),
        );
        let mut row = |what: &str, count: u64, wanted: Option<u64>, note: &str| {
            let tint = wanted.map(|wanted| if wanted == count { Tint::Good } else { Tint::Bad });
            let number = format!("{count:>5}");
            let number = tint.map_or_else(|| number.clone(), |tint| paint.text(tint, &number));
            let _ = write!(out, "  {what:<38} {number}");
            let mut gap = "   ".to_owned();
            for line in wrapped(note) {
                let _ = write!(out, "{gap}{}", paint.text(Tint::Faint, line.trim_end()));
                gap = format!("\n{:49}", "");
            }
            out.push('\n');
        };
        row(
            "orders placed",
            found.orders,
            None,
            &format!("{} kinds, most orders are of several", self.kinds.len()),
        );
        row("orders that went over", found.exported, None, "the others are unpaid, cancelled or waiting");
        row("sales orders made of them", found.sales_orders, Some(found.exported), "");
        row("with their number back on the order", found.written_back, Some(found.exported), "");
        row("lost", found.lost, Some(0), "");
        row("doubled", found.duplicated, Some(0), "");
        row("with another total, if by a cent", found.totals_off, Some(0), "");
        row("that nobody wanted", found.unwanted, Some(0), "");
        row("waiting for somebody", self.letters, Some(planted), &list(&found.expected_dead_letters, " × "));
        row("faults on the way", faults, None, &list(&found.faults, " "));
        row("calls that a platform refused", found.refused, None, "");
        out.push_str("\nwhere to look next:\n");
        let mut next = |command: &str, why: &str| {
            let _ = writeln!(out, "  {:<44} {}", command, paint.text(Tint::Faint, why));
        };
        if let Some(data) = data {
            let data = data.display();
            next(&format!("flowrun letters list --data {data}"), "what waits, and why");
            next(&format!("flowrun runs list --data {data}"), "what ran");
        } else {
            next("flowrun demo --data day", "the same, and keep the journal to look into");
        }
        next("flowrun graph orders --as svg -o orders.svg", "the flow that ran, as a drawing");
        next("flowrun sandbox --env-file sandbox.env", "both platforms, to try your own flows on");
        out
    }
}

/// A list with commas as lines that fit beside the counts.
fn wrapped(note: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in note.split_inclusive(", ").filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.len() + part.trim_end().len() <= NOTE => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}
