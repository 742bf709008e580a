//! A run while it happens: one line a node. In: live events. Out: lines.

use std::{collections::HashMap, sync::Arc};

use super::{
    paint::{Paint, Tint},
    runs::clip,
    words::took,
};
use crate::{
    event::{Instant, Outcome, RunId},
    story::{Live, What},
};

/// Longest list of nodes in one line, in characters.
const LIST: usize = 70;

/// Folds live events to lines. Child runs are indented under whoever waits for them.
#[derive(Debug)]
pub struct LiveView {
    paint: Paint,
    width: usize,
    began: HashMap<RunId, Instant>,
    main: RunId,
    /// Nodes that were stopped and are not told yet.
    stopped: HashMap<RunId, Vec<Arc<str>>>,
}

impl LiveView {
    /// A view of one run, and of others as they come in between.
    pub fn new(paint: Paint, main: RunId) -> Self {
        Self { paint, width: 12, began: HashMap::new(), main, stopped: HashMap::new() }
    }

    /// From now on another run is the one that is watched.
    pub fn follow(&mut self, main: RunId) {
        self.main = main;
    }

    /// The lines for an event, if it is worth some. Nodes that were stopped wait for what comes next and share a line.
    pub fn line(&mut self, live: &Live) -> Option<String> {
        if let What::NodeEnded { node, outcome, .. } = &live.what
            && &**outcome == "stopped"
        {
            self.stopped.entry(live.run).or_default().push(Arc::clone(node));
            return None;
        }
        let line = self.said(live)?;
        let stopped = self.stopped.remove(&live.run).map(|nodes| self.not_run(&nodes));
        let indent = if live.run == self.main { "" } else { "    " };
        let lines: Vec<String> = stopped
            .iter()
            .chain([&line])
            .flat_map(|text| text.lines())
            .map(|line| format!("{indent}{line}"))
            .collect();
        Some(lines.join("\n"))
    }

    fn not_run(&self, nodes: &[Arc<str>]) -> String {
        let told = match nodes {
            [one] => one.to_string(),
            _ => format!("{} nodes: {}", nodes.len(), clip(&nodes.join(", "), LIST)),
        };
        self.paint.text(Tint::Faint, &format!("  - not run, {told}"))
    }

    fn said(&mut self, live: &Live) -> Option<String> {
        let paint = self.paint;
        match &live.what {
            What::Started { nodes, resumed } => {
                self.width = self.width.max(nodes.iter().map(|node| node.chars().count()).max().unwrap_or(0));
                self.began.entry(live.run).or_insert(live.at);
                let how = if *resumed { " goes on where it was" } else { "" };
                let head = paint.text(Tint::Strong, &format!("{} {}", live.flow, live.key));
                Some(format!("{head}  {}{how}", paint.text(Tint::Faint, &format!("run {}", live.run))))
            }
            What::NodeEnded { node, outcome, elements, took: ms, .. } => {
                Some(self.node(node, outcome, *elements, *ms))
            }
            What::Failed { node, class, message, again } => {
                let again = again.map_or_else(String::new, |at| {
                    format!(", again in {}", took(at.since(live.at).as_millis()))
                });
                let told = format!("{} {message}{again}", format!("{class:?}").to_lowercase());
                Some(self.note(Tint::Look, "!", node, &told))
            }
            What::Warned { node, message } => Some(self.note(Tint::Look, "!", node, message)),
            What::Parked { due, letters } => Some(self.parked(live, *due, letters)),
            What::Ended { outcome, reason, .. } => Some(self.ended(live, *outcome, reason.as_ref())),
            What::Merged { .. } => Some(paint.text(Tint::Faint, "  gave way to a newer event of its key")),
            What::Accepted | What::NodeStarted { .. } | What::Called { .. } | What::Frozen => None,
        }
    }

    fn node(&self, node: &str, outcome: &str, elements: u32, ms: u32) -> String {
        let (tint, mark) = match outcome {
            "skipped" | "stopped" => (Tint::Faint, "-"),
            "failed" => (Tint::Bad, "x"),
            _ => (Tint::Good, "+"),
        };
        let mut told = if outcome == "done" { String::new() } else { outcome.to_owned() };
        if elements > 1 {
            told = format!("{told}{}{elements} elements", if told.is_empty() { "" } else { ", " });
        }
        if ms > 0 {
            told = format!("{told}{}{}", if told.is_empty() { "" } else { ", " }, took(u128::from(ms)));
        }
        self.note(tint, mark, node, &told)
    }

    fn note(&self, tint: Tint, mark: &str, node: &str, told: &str) -> String {
        let name = format!("{node:<width$}", width = self.width);
        let line =
            format!("  {} {name}  {}", self.paint.text(tint, mark), self.paint.text(Tint::Faint, told));
        line.trim_end().to_owned()
    }

    fn parked(&self, live: &Live, due: Option<Instant>, letters: &[crate::event::Letter]) -> String {
        let head = due.map_or_else(
            || self.paint.text(Tint::Bad, "dead letter"),
            |due| {
                let wait = took(due.since(live.at).as_millis());
                self.paint.text(Tint::Look, &format!("parked, comes back in {wait}"))
            },
        );
        let more = self.paint.text(Tint::Faint, &format!("flowrun letters show {}", live.run));
        let mut lines = vec![format!("{head}: {more}")];
        lines.extend(letters.iter().map(|letter| {
            let element = letter.element.as_ref().map_or_else(String::new, |element| format!("[{element}]"));
            format!(
                "  {}{element}: {}",
                self.paint.text(Tint::Strong, &letter.node),
                super::paint::clean(&letter.message)
            )
        }));
        lines.join("\n")
    }

    fn ended(&self, live: &Live, outcome: Outcome, reason: Option<&Arc<str>>) -> String {
        let (tint, word) = match outcome {
            Outcome::Ok => (Tint::Good, "ok"),
            Outcome::Unchanged => {
                (Tint::Good, "unchanged: what it uses is what the last good run used, nothing was sent")
            }
            Outcome::Ignored => (Tint::Faint, "ignored"),
            Outcome::Superseded => (Tint::Faint, "superseded by a newer event"),
            Outcome::Continued(_) => (Tint::Faint, "continued by another run"),
            Outcome::Dropped => (Tint::Look, "dropped"),
        };
        let reason = reason.map_or_else(String::new, |reason| format!(": {}", super::paint::clean(reason)));
        let began = self
            .began
            .get(&live.run)
            .map_or_else(String::new, |began| format!(" in {}", took(live.at.since(*began).as_millis())));
        format!("{}{reason}{}", self.paint.text(tint, word), self.paint.text(Tint::Faint, &began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Class, Code, EventId, Letter};

    #[test]
    fn a_run_reads_like_its_flow() {
        let mut view = LiveView::new(Paint(false), EventId(1));
        let mut at = 0;
        let mut line = |run: u64, what: What| {
            at += 40;
            let live =
                Live { run: EventId(run), flow: "orders".into(), key: "250".into(), at: Instant(at), what };
            view.line(&live).unwrap_or_default()
        };
        let ended = |node: &str, outcome: &str, elements, took| What::NodeEnded {
            node: node.into(),
            outcome: outcome.into(),
            elements,
            took,
            value: None,
        };
        let nodes: Arc<[Arc<str>]> = ["order".into(), "exportable".into(), "new_customer".into()].into();
        let said = [
            line(1, What::Started { nodes: Arc::clone(&nodes), resumed: false }),
            line(1, ended("order", "done", 1, 38)),
            line(1, ended("exportable", "ready", 1, 0)),
            line(1, ended("items", "done", 2, 12)),
            line(2, What::Started { nodes, resumed: false }),
            line(1, ended("new_customer", "skipped", 1, 0)),
            line(1, ended("sales_order", "stopped", 1, 0)),
            line(1, ended("tag", "stopped", 1, 0)),
            line(
                1,
                What::Failed {
                    node: "create".into(),
                    class: Class::Outage,
                    message: "503\u{1b}[2J".into(),
                    again: Some(Instant(3000)),
                },
            ),
            line(
                1,
                What::Parked {
                    due: None,
                    letters: vec![Letter {
                        node: "create".into(),
                        element: Some("A".into()),
                        code: Code::Rejected,
                        message: "no such item".into(),
                        request: None,
                        answer: None,
                    }],
                },
            ),
            line(1, What::Ended { outcome: Outcome::Ok, reason: None, give: None }),
        ];
        assert_eq!(
            said,
            [
                "orders 250  run 1",
                "  + order         38 ms",
                "  + exportable    ready",
                "  + items         2 elements, 12 ms",
                "    orders 250  run 2",
                "  - new_customer  skipped",
                "",
                "",
                "  - not run, 2 nodes: sales_order, tag\n  ! create        outage 503 [2J, again in 2.6 s",
                "dead letter: flowrun letters show 1\n  create[A]: no such item",
                "ok in 400 ms",
            ]
        );
    }
}
