//! What stands in the boxes of a drawing. In: parts of a plan. Out: short lines. It must never know a drawing language.

use std::time::Duration;

use super::{
    super::{Call, Child, Node, Plan, Retry, SourceKind, Work},
    Row,
};
use crate::{expr::Template, flow::Keep};

/// Longest line of a box, in characters; longer text goes on in the next line.
const WIDTH: usize = 46;

/// What the trigger listens to, then key and keep.
pub(super) fn trigger(plan: &Plan) -> Vec<Row> {
    let source = |kind: &SourceKind| match kind {
        SourceKind::Webhook { connection, scopes } => format!("webhook {connection}: {}", scopes.join(", ")),
        SourceKind::Poll { connection, operation, every, .. } => {
            format!("poll {connection}.{operation} every {}", span(*every))
        }
        SourceKind::Schedule { cron, zone, .. } => format!("schedule {cron} {zone}"),
        SourceKind::Flow => "called by other flows".to_owned(),
    };
    let mut rows: Vec<Row> = plan.trigger.sources.iter().map(|from| row(&source(&from.kind))).collect();
    if rows.is_empty() {
        rows.push(row("started by hand"));
    }
    let keep = match plan.trigger.keep {
        Keep::Latest => "latest",
        Keep::All => "all",
    };
    rows.push(row(&format!("key {}, keep {keep}", bare(&plan.trigger.key))));
    rows
}

/// What a node is called.
pub(super) fn head(node: &Node) -> Vec<String> {
    wrap(node.title.as_ref().unwrap_or(&node.name))
}

/// What a node does, and over what.
pub(super) fn rows(node: &Node) -> Vec<Row> {
    let work = match &node.work {
        Work::Call(_) => format!("{} {}", node.kind.word(), called(node).unwrap_or_default()),
        Work::Child(_) => called(node).unwrap_or_default(),
        Work::Map(_) | Work::Decide(_) => node.kind.word().to_owned(),
    };
    let each = node.each.as_ref().map(|each| row(&format!("each {}", bare(&each.list))));
    let at = node.at.as_ref().map(|at| {
        let late = at.late.map(|late| format!(", {} late at most", span(late))).unwrap_or_default();
        row(&format!("at {}{late}", bare(&at.instant)))
    });
    let until = match &node.work {
        Work::Call(Call { until: Some(until), .. }) => {
            let (every, within) = (span(until.every), span(until.within));
            Some(row(&format!("until {}, every {every}, for {within}", bare(&until.that))))
        }
        _ => None,
    };
    [row(&work)].into_iter().chain(each).chain(at).chain(until).collect()
}

/// The operation or the flow that a node calls.
pub(super) fn called(node: &Node) -> Option<String> {
    match &node.work {
        Work::Call(Call { connection, operation, .. }) => Some(format!("{connection}.{operation}")),
        Work::Child(Child { flow, .. }) => Some(format!("flow {flow}")),
        Work::Map(_) | Work::Decide(_) => None,
    }
}

/// How a rejected run comes back.
pub(super) fn retry(retry: Retry) -> String {
    format!("again every {}, for {}", span(retry.every), span(retry.within))
}

/// The text of a template in one line, without its braces if it is one expression.
pub(super) fn bare(template: &Template) -> String {
    let text = even(template.text());
    let one = text
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .filter(|inner| !inner.contains("}}"))
        .map(|inner| inner.trim().to_owned());
    one.unwrap_or(text)
}

/// A row without a name.
pub(super) fn row(text: &str) -> Row {
    Row { name: None, told: wrap(text) }
}

/// The text in lines that fit a box: broken at spaces, and inside words that are longer than a line.
pub(super) fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for part in letters.chunks(WIDTH) {
            let held = lines.last().map_or(0, |line| line.chars().count());
            if held > 0 && held + 1 + part.len() > WIDTH {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.extend(part);
            }
        }
    }
    lines
}

fn even(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A duration in its largest whole unit.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60)] {
        if seconds > 0 && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_goes_on_in_the_next_line_and_none_is_lost() {
        for text in ["", "a b", &"word ".repeat(30), &"x".repeat(WIDTH * 2 + 1)] {
            let lines = wrap(text);
            assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
            let kept: String = lines.concat().split_whitespace().collect();
            assert_eq!(kept, text.split_whitespace().collect::<String>());
        }
    }

    #[test]
    fn durations_are_told_in_their_largest_whole_unit() {
        assert_eq!(span(Duration::from_mins(15)), "15m");
        assert_eq!(span(Duration::from_hours(72)), "3d");
        assert_eq!(span(Duration::from_secs(90)), "90s");
    }
}
