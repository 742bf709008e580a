//! Runs, as a table, as a story and as JSON. In: runs as people see them. Out: text. It must never know where they are kept.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::{
    letters,
    mask::Mask,
    paint::{Paint, Tint, clean},
    words::{class, standing, state, time, tint, took},
};
use crate::{
    event::Outcome,
    story::{NodeView, RunView, State},
    value::Value,
};

/// Longest key and longest note of a table, in characters.
const KEY: usize = 24;
const NOTE: usize = 60;

/// Runs under headings, one a line. What is long is cut; [`run_lines`] and [`run_json`] have it whole.
pub fn runs_table(runs: &[RunView], mask: &Mask, paint: Paint) -> String {
    let head = ["since (UTC)", "flow", "key", "state", "took", "run", ""].map(str::to_owned);
    let row = |run: &RunView| {
        let took = if is_over(run) { lasted(run) } else { String::new() };
        let note = clip(&note(run, mask), NOTE);
        let key = clip(&run.key, KEY);
        [time(run.at), run.flow.to_string(), key, state(run).into(), took, run.run.to_string(), note]
    };
    let rows: Vec<[String; 7]> = runs.iter().map(row).collect();
    let mut widths = [0; 7];
    for row in rows.iter().chain([&head]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for (row, run) in [(&head, None)].into_iter().chain(rows.iter().zip(runs.iter().map(Some))) {
        let mut line = String::new();
        for (place, cell) in row.iter().enumerate() {
            let width = widths[place];
            let cell = clean(cell);
            let cell = if place == 4 { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            let tint = match (run, place) {
                (Some(run), 3) => Some(tint(run)),
                (None, _) | (_, 5) => Some(Tint::Faint),
                _ => None,
            };
            line.push_str(&tint.map_or(cell.clone(), |tint| paint.text(tint, &cell)));
            line.push_str("  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// What is most worth telling of a run in a few words.
fn note(run: &RunView, mask: &Mask) -> String {
    if let Some(letter) = run.letters.first() {
        return format!("{}: {}", letters::place(letter), mask.text(&letter.message));
    }
    let said = match run.state {
        State::Ended(Outcome::Continued(by)) => Some(format!("by run {by}")),
        _ => None,
    };
    said.or_else(|| reason(run, mask)).unwrap_or_else(|| written(run, mask).join(", "))
}

/// What is told of how it ended. Of what somebody asked for: who, why, and what it stood for.
fn reason(run: &RunView, mask: &Mask) -> Option<String> {
    Some(mask.text(run.reason.as_ref()?))
}

/// What the writes of a run gave: the fields that people know the records by, each once; internal ids only if there is nothing
/// better.
fn written(run: &RunView, mask: &Mask) -> Vec<String> {
    let mut told: Vec<(bool, Json, String)> = Vec::new();
    for node in &run.nodes {
        for gave in node.gave.iter().map(|gave| mask.json(gave)) {
            let Some((name, value)) = gave.as_object().and_then(naming) else { continue };
            if told.iter().all(|(_, known, _)| known != value) {
                let text = format!("{} {name} {}", node.name, bare(value));
                told.push((name == "id", value.clone(), text));
            }
        }
    }
    let is_named = told.iter().any(|(is_id, ..)| !is_id);
    told.into_iter().filter(|(is_id, ..)| !(is_named && *is_id)).map(|(.., text)| text).collect()
}

/// The field that people know a record by: a text that is not its internal id, else the id.
fn naming(fields: &Map<String, Json>) -> Option<(&String, &Json)> {
    let is_name = |(name, value): &(&String, &Json)| *name != "id" && value.is_string();
    fields.iter().find(is_name).or_else(|| fields.iter().next())
}

/// Text without quotes, anything else as JSON.
pub(super) fn bare(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), clean)
}

fn is_over(run: &RunView) -> bool {
    matches!(run.state, State::Ended(_))
}

fn lasted(run: &RunView) -> String {
    took(run.at.since(run.started.unwrap_or(run.accepted)).as_millis())
}

pub(super) fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// One run as a story: how it stands, when it came, what each node did, what is open.
pub fn run_lines(run: &RunView, mask: &Mask, paint: Paint) -> String {
    let mut out = head(run, mask, paint);
    if !run.nodes.is_empty() {
        out.push('\n');
        nodes(run, mask, paint, &mut out);
    }
    for warning in &run.warnings {
        let _ = writeln!(out, "  {} {}", paint.text(Tint::Look, "warning"), clean(&mask.text(warning)));
    }
    if !is_over(run) {
        out.push_str(&letters::open_lines(run, mask, paint));
    }
    out
}

/// How a run stands, and its dates.
pub(super) fn head(run: &RunView, mask: &Mask, paint: Paint) -> String {
    let name = paint.text(Tint::Strong, &format!("{} {}", run.flow, run.key));
    let how = paint.text(tint(run), &standing(run));
    let took = if is_over(run) { format!(" in {}", lasted(run)) } else { String::new() };
    let reason = reason(run, mask).map_or(String::new(), |reason| format!(": {}", clean(&reason)));
    let mut out = format!("{name}  {how}{reason}{took}\n");
    let mut line = |what: &str, told: String| {
        let _ = writeln!(out, "  {what:<9} {told}");
    };
    line("run", run.run.to_string());
    line("accepted", format!("{} UTC", time(run.accepted)));
    if let Some(started) = run.started {
        line("began", format!("{} UTC", time(started)));
    }
    match run.state {
        State::Ended(_) => line("ended", format!("{} UTC", time(run.at))),
        State::Parked { .. } | State::Letter => line("parked", format!("{} UTC", time(run.at))),
        State::Waiting | State::Running => {}
    }
    if let Some(plan) = run.plan {
        line("version", plan.to_string()[..12].to_owned());
    }
    out
}

/// A line a node, and one for what it wrote. Nodes that were stopped share a line.
fn nodes(run: &RunView, mask: &Mask, paint: Paint, out: &mut String) {
    let is_stopped = |node: &&NodeView| &*node.outcome == "stopped";
    let width = run.nodes.iter().map(|node| node.name.chars().count()).max().unwrap_or(0);
    let outcomes = run.nodes.iter().map(|node| node.outcome.chars().count()).max().unwrap_or(0);
    for node in run.nodes.iter().filter(|node| !is_stopped(node)) {
        let tint = match &*node.outcome {
            "skipped" | "waiting" => Tint::Faint,
            "failed" => Tint::Bad,
            _ => Tint::Good,
        };
        let outcome = paint.text(tint, &format!("{:<outcomes$}", node.outcome));
        let time = if node.took == 0 { String::new() } else { took(u128::from(node.took)) };
        let line = format!("  {:<width$}  {outcome}  {time:>8}  {}", clean(&node.name), about(node));
        let _ = writeln!(out, "{}", line.trim_end());
        for gave in &node.gave {
            let _ = writeln!(out, "  {:width$}  {}", "", paint.text(Tint::Strong, &fields(gave, mask)));
        }
    }
    let stopped: Vec<&str> = run.nodes.iter().filter(is_stopped).map(|node| &*node.name).collect();
    if !stopped.is_empty() {
        let told = format!("not run: {}", stopped.join(", "));
        let _ = writeln!(out, "  {}", paint.text(Tint::Faint, &told));
    }
}

/// Elements, requests and failures of a node.
fn about(node: &NodeView) -> String {
    let mut parts = Vec::new();
    if node.elements > 1 {
        parts.push(format!("{} elements", node.elements));
    }
    match node.calls {
        0 => {}
        1 => parts.push("1 call".into()),
        more => parts.push(format!("{more} calls")),
    }
    for (kind, count) in &node.failures {
        let often = if *count == 1 { "once".into() } else { format!("{count} times") };
        parts.push(format!("{} {often}", class(*kind)));
    }
    parts.join(", ")
}

/// The fields of an object in one line.
fn fields(value: &Value, mask: &Mask) -> String {
    let shown = mask.json(value);
    let parts = shown.as_object().into_iter().flatten();
    parts.map(|(name, value)| format!("{name} {}", bare(value))).collect::<Vec<_>>().join(" · ")
}

/// What the writes of a run that is over gave, a line a record; nothing if it wrote nothing.
pub fn written_lines(run: &RunView, mask: &Mask, paint: Paint) -> String {
    let width =
        run.nodes.iter().filter(|node| !node.gave.is_empty()).map(|node| node.name.chars().count()).max();
    let mut out = String::new();
    for node in &run.nodes {
        for gave in &node.gave {
            let told = paint.text(Tint::Strong, &fields(gave, mask));
            let _ = writeln!(out, "  {:<width$}  {told}", clean(&node.name), width = width.unwrap_or(0));
        }
    }
    out
}

/// A run as JSON. Of values that were read or sent it has only what is told of writes.
pub fn run_json(run: &RunView, mask: &Mask) -> Json {
    let nodes: Vec<Json> = run.nodes.iter().map(|node| node_json(node, mask)).collect();
    let due = match run.state {
        State::Parked { due } => Some(due.to_string()),
        _ => None,
    };
    json!({
        "run": run.run.to_string(), "flow": &*run.flow, "key": &*run.key, "state": state(run),
        "outcome": is_over(run).then(|| state(run)), "reason": run.reason.as_ref().map(|reason| mask.text(reason)),
        "accepted": run.accepted.to_string(), "started": run.started.map(|at| at.to_string()),
        "ended": is_over(run).then(|| run.at.to_string()), "due": due,
        "plan": run.plan.map(|plan| plan.to_string()), "nodes": nodes,
        "warnings": run.warnings.iter().map(|warning| mask.text(warning)).collect::<Vec<_>>(),
        "letters": letters::reasons_json(run, mask, false),
    })
}

fn node_json(node: &NodeView, mask: &Mask) -> Json {
    let failures: Map<String, Json> =
        node.failures.iter().map(|(kind, count)| (class(*kind), (*count).into())).collect();
    json!({
        "name": &*node.name, "outcome": &*node.outcome, "ms": node.took, "elements": node.elements,
        "calls": node.calls, "failures": failures,
        "gave": node.gave.iter().map(|gave| mask.json(gave)).collect::<Vec<_>>(),
    })
}
