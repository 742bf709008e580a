//! Parked runs and dead letters: why, what was sent, what to do. In: runs as people see them. Out: text and JSON. It must never
//! know where they are kept.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Value as Json, json};

use super::{
    mask::Mask,
    paint::{Paint, Tint, clean},
    runs::head,
    words::{cause, standing, state, time, tint},
};
use crate::{
    event::{Code, EffectState, Letter, Told},
    journal::{Asked, Order, Ordered},
    story::{RunView, State},
    value::Value,
};

/// Longest part of a request or an answer that is shown, in lines; JSON has the rest.
const LINES: usize = 60;

/// Parked runs with their reasons.
pub fn letters_table(runs: &[RunView], mask: &Mask, paint: Paint) -> String {
    let mut out = String::new();
    for run in runs {
        let name = paint.text(Tint::Strong, &format!("{} {}", run.flow, run.key));
        let number = paint.text(Tint::Faint, &format!("run {}", run.run));
        let _ = writeln!(out, "{name}  {}  {number}", paint.text(tint(run), &standing(run)));
        for letter in &run.letters {
            let _ = writeln!(out, "  {}: {}", place(letter), clean(&mask.text(&letter.message)));
        }
    }
    out
}

/// Node and element of a reason.
pub(super) fn place(letter: &Letter) -> String {
    let element = letter.element.as_ref().map_or_else(String::new, |element| format!("[{}]", clean(element)));
    format!("{}{element}", clean(&letter.node))
}

/// One parked run: every reason with its kind, what was sent and answered, what was done already, what can be done now.
pub fn letter_lines(run: &RunView, mask: &Mask, paint: Paint) -> String {
    let mut out = head(run, mask, paint);
    for letter in &run.letters {
        let place = paint.text(Tint::Strong, &place(letter));
        let _ = writeln!(out, "\n{place}: {}", clean(&mask.text(&letter.message)));
        let _ = writeln!(out, "  {}", paint.text(Tint::Faint, cause(letter.code)));
        part("sent", letter.request.as_ref(), mask, &mut out);
        part("answered", letter.answer.as_ref(), mask, &mut out);
    }
    out.push_str(&effects(run));
    let _ = writeln!(out, "\nwhat can be done:\n{}", advice(run));
    out
}

/// What is open of a run that is not over: for the story of a run.
pub(super) fn open_lines(run: &RunView, mask: &Mask, paint: Paint) -> String {
    let mut out = String::new();
    for letter in &run.letters {
        let place = paint.text(Tint::Strong, &place(letter));
        let _ = writeln!(out, "  {place}: {} ({})", clean(&mask.text(&letter.message)), cause(letter.code));
    }
    out.push_str(&effects(run));
    if matches!(run.state, State::Letter | State::Parked { .. }) {
        let _ = writeln!(out, "more: flowrun letters show {}", run.run);
    }
    out
}

fn part(what: &str, value: Option<&Value>, mask: &Mask, out: &mut String) {
    let Some(value) = value else { return };
    let text = format!("{:#}", mask.json(value));
    let _ = writeln!(out, "  {what}:");
    for line in text.lines().take(LINES) {
        let _ = writeln!(out, "    {}", clean(line));
    }
    let more = text.lines().count().saturating_sub(LINES);
    if more > 0 {
        let _ = writeln!(out, "    … {more} more lines: --format json shows all");
    }
}

/// The writes that are remembered of a run that is not over.
fn effects(run: &RunView) -> String {
    let of = |wanted: fn(&EffectState) -> bool| {
        let named = run.effects.iter().filter(|(_, state)| wanted(state)).map(|(id, _)| match &*id.element {
            "" => id.node.to_string(),
            element => format!("{}[{}]", id.node, clean(element)),
        });
        named.collect::<Vec<_>>().join(", ")
    };
    let done = of(|state| matches!(state, EffectState::Landed(_)));
    let doubt = of(|state| matches!(state, EffectState::Doubt));
    let mut out = String::new();
    if !done.is_empty() {
        let _ = writeln!(out, "\nalready done, and not done again: {done}");
    }
    if !doubt.is_empty() {
        let _ = writeln!(out, "\nsent, and nobody knows whether it happened: {doubt}");
    }
    out
}

/// Commands that help, a line each.
fn advice(run: &RunView) -> String {
    let number = run.run;
    let has = |code| run.letters.iter().any(|letter| letter.code == code);
    let mut lines = Vec::new();
    if has(Code::InDoubt) {
        let node = run.letters.iter().find(|letter| letter.code == Code::InDoubt);
        let node = node.map_or_else(String::new, |letter| {
            let element =
                letter.element.as_ref().map_or(String::new(), |key| format!(" --element '{}'", clean(key)));
            format!("{}{element}", clean(&letter.node))
        });
        lines.push((
            "look at the platform; it is there:",
            format!("settle {number} --node {node} --landed ID"),
        ));
        lines.push(("... it is not there:", format!("settle {number} --node {node} --absent")));
    } else {
        if has(Code::Child) {
            lines.push(("mend the run it waits for:", "list".to_owned()));
        }
        let when = match run.state {
            State::Parked { .. } => "go on now, not only when it is due:",
            _ => "mend the cause, then let it go on:",
        };
        lines.push((when, format!("retry {number}")));
        lines.push(("go on with another event:", format!("edit {number} --event FILE")));
    }
    lines.push(("give it up:", format!("drop {number}")));
    let line = |(what, command): &(&str, String)| format!("  {what:<36} flowrun letters {command}");
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A parked run as JSON; `whole` adds what was sent and what was answered.
pub fn letter_json(run: &RunView, mask: &Mask, whole: bool) -> Json {
    let due = match run.state {
        State::Parked { due } => Some(due.to_string()),
        _ => None,
    };
    let in_doubt = run.letters.iter().any(|letter| letter.code == Code::InDoubt);
    json!({
        "run": run.run.to_string(), "flow": &*run.flow, "key": &*run.key, "state": state(run),
        "at": run.at.to_string(), "due": due, "in_doubt": in_doubt, "letters": reasons_json(run, mask, whole),
    })
}

pub(super) fn reasons_json(run: &RunView, mask: &Mask, whole: bool) -> Vec<Json> {
    let value = |value: Option<&Value>| value.filter(|_| whole).map(|value| mask.json(value));
    let reason = |letter: &Letter| {
        json!({
            "node": &*letter.node, "element": letter.element.as_deref(), "code": letter.code,
            "message": mask.text(&letter.message),
            "request": value(letter.request.as_ref()), "answer": value(letter.answer.as_ref()),
        })
    };
    run.letters.iter().map(reason).collect()
}

/// What operators asked for, one a line, with what became of it below.
pub fn requests_table(all: &[(Ordered, Option<Told>)], mask: &Mask, paint: Paint) -> String {
    let mut out = String::new();
    for (ordered, told) in all {
        let head = format!("{} UTC  {}", time(ordered.asked.at), clean(&request_line(&ordered.asked)));
        let _ = writeln!(out, "{}  {head}", paint.text(Tint::Faint, &format!("request {}", ordered.id)));
        let (tint, text) = match told {
            Some(told) if told.refused => (Tint::Bad, clean(&mask.text(&told.text))),
            Some(told) => (Tint::Good, clean(&mask.text(&told.text))),
            None => (Tint::Look, "not carried out yet".to_owned()),
        };
        let _ = writeln!(out, "  {}", paint.text(tint, &text));
    }
    out
}

/// Who asks for what, and why, in one line.
pub fn request_line(asked: &Asked) -> String {
    let why = asked.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    let what = match &asked.order {
        Order::Retry { run, edited: Some(_), .. } => format!("go on with run {run}, with another event"),
        Order::Retry { run, force: true, .. } => format!("go on with run {run}, and do again what was done"),
        Order::Retry { run, .. } => format!("go on with run {run}"),
        Order::Drop { run } => format!("drop run {run}"),
        Order::Settle { run, effect, landed } => {
            let how = if landed.is_some() { "it happened" } else { "it did not happen" };
            format!("settle {} of run {run}: {how}", effect.node)
        }
        Order::Run { flow, bodies } => format!("run {} older events of {flow}", bodies.len()),
        Order::Exec { flow, .. } => format!("run one event of {flow}"),
        Order::Erase { flow, .. } => format!("take no more events of {flow} about what was erased"),
    };
    format!("{}{why}: {what}", asked.who)
}

/// A request and what became of it, in one line.
pub fn obeyed_line(ordered: &Ordered, told: &Told) -> String {
    let addresses = Mask::Fields(BTreeSet::new());
    let line = format!("{}: {}", request_line(&ordered.asked), addresses.text(&told.text));
    format!("request {} by {}", ordered.id, clean(&line))
}

/// A request as JSON.
pub fn request_json(ordered: &Ordered, told: Option<&Told>, mask: &Mask) -> Json {
    json!({
        "request": ordered.id, "at": ordered.asked.at.to_string(), "who": &*ordered.asked.who,
        "why": ordered.asked.why.as_deref(), "asked": request_line(&ordered.asked),
        "done": told.is_some_and(|told| !told.refused), "refused": told.is_some_and(|told| told.refused),
        "told": told.map(|told| mask.text(&told.text)),
        "run": told.and_then(|told| told.run).map(|run| run.to_string()),
    })
}
