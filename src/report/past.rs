//! Runs that are over and letters that wait, as tables for people and as JSON for programs.

use serde_json::{Value as Json, json};

use super::paint::{Paint, Tint, clean};
use crate::event::{Letter, Outcome, Parked, Past, Why};

/// A duration as people read it.
pub(super) fn took(ms: u128) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// The word for an outcome.
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Unchanged => "unchanged",
        Outcome::Ignored => "ignored",
        Outcome::Superseded => "superseded",
        Outcome::Continued(_) => "continued",
        Outcome::Dropped => "dropped",
    }
}

fn tint(outcome: Outcome) -> Tint {
    match outcome {
        Outcome::Ok | Outcome::Unchanged => Tint::Good,
        Outcome::Ignored | Outcome::Superseded | Outcome::Continued(_) => Tint::Faint,
        Outcome::Dropped => Tint::Look,
    }
}

/// Past runs, one a line, newest first.
pub fn runs_table(runs: &[Past], paint: Paint) -> String {
    let rows = runs.iter().map(|run| {
        let reason = run.reason.as_deref().map_or_else(String::new, |reason| format!("  {}", clean(reason)));
        let took = took(run.ended.since(run.started).as_millis());
        format!(
            "{}  {:<18} {:<14} {}  {:>8}  {}{reason}\n",
            &run.ended.to_string()[..19],
            clean(&run.flow),
            clean(&run.key),
            paint.text(tint(run.outcome), &format!("{:<10}", word(run.outcome))),
            took,
            paint.text(Tint::Faint, &run.run.to_string()),
        )
    });
    rows.collect()
}

/// One past run, node by node.
pub fn past_lines(run: &Past, paint: Paint) -> String {
    let mut out = runs_table(std::slice::from_ref(run), paint);
    let width = run.nodes.iter().map(|node| node.name.chars().count()).max().unwrap_or(0);
    for node in &run.nodes {
        let elements =
            if node.elements == 1 { String::new() } else { format!("  {} elements", node.elements) };
        let ms = if node.took == 0 { String::new() } else { format!("  {}", took(u128::from(node.took))) };
        out.push_str(&format!("  {:<width$}  {}{elements}{ms}\n", clean(&node.name), clean(&node.outcome)));
    }
    for warning in &run.warnings {
        out.push_str(&format!("  {} {}\n", paint.text(Tint::Look, "!"), clean(warning)));
    }
    out
}

/// A past run as JSON. Values that were read or sent are not in it.
pub fn past_json(run: &Past) -> Json {
    let nodes: Vec<Json> = run
        .nodes
        .iter()
        .map(|node| json!({ "name": &*node.name, "outcome": &*node.outcome, "ms": node.took, "elements": node.elements }))
        .collect();
    json!({
        "run": run.run.to_string(), "flow": &*run.flow, "key": &*run.key, "outcome": word(run.outcome),
        "reason": run.reason.as_deref(), "accepted": run.accepted.to_string(), "started": run.started.to_string(),
        "ended": run.ended.to_string(), "plan": run.plan.to_string(), "nodes": nodes, "warnings": run.warnings,
    })
}

/// A parked run, for tables.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// Its flow.
    pub flow: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Why and until when.
    pub parked: &'a Parked,
}

/// Parked runs with their reasons.
pub fn letters_table(rows: &[Row<'_>], paint: Paint) -> String {
    let mut out = String::new();
    for row in rows {
        let when = row.parked.due.map_or_else(
            || paint.text(Tint::Bad, "dead letter"),
            |due| paint.text(Tint::Look, &format!("comes back at {}", &due.to_string()[..19])),
        );
        let head = format!("{} {}", clean(row.flow), clean(row.key));
        let run = paint.text(Tint::Faint, &format!("run {}", row.parked.run));
        out.push_str(&format!("{}  {when}  {run}\n", paint.text(Tint::Strong, &head)));
        if row.parked.why == Why::Later {
            out.push_str("  looks once more, in case an older write was still under way\n");
        }
        for letter in &row.parked.letters {
            out.push_str(&format!("  {}: {}\n", place(letter), clean(&letter.message)));
        }
    }
    out
}

fn place(letter: &Letter) -> String {
    let element = letter.element.as_ref().map_or_else(String::new, |element| format!("[{}]", clean(element)));
    format!("{}{element}", clean(&letter.node))
}

/// A parked run as JSON; `whole` adds what was sent and what was answered.
pub fn letter_json(row: &Row<'_>, whole: bool) -> Json {
    let value = |value: Option<&crate::value::Value>| {
        value.filter(|_| whole).and_then(|value| serde_json::from_str::<Json>(&value.to_json()).ok())
    };
    let letters: Vec<Json> = row
        .parked
        .letters
        .iter()
        .map(|letter| {
            json!({
                "node": &*letter.node, "element": letter.element.as_deref(), "code": letter.code, "message": &*letter.message,
                "request": value(letter.request.as_ref()), "answer": value(letter.answer.as_ref()),
            })
        })
        .collect();
    json!({
        "run": row.parked.run.to_string(), "flow": row.flow, "key": row.key, "at": row.parked.at.to_string(),
        "due": row.parked.due.map(|due| due.to_string()), "in_doubt": row.parked.doubt, "letters": letters,
    })
}
