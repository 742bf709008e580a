//! What stands in the boxes of a drawing. In: parts of a plan. Out: short lines. It must never know a drawing language.

use std::time::Duration;

use super::super::{Call, Child, Node, Plan, Retry, SourceKind, Work};
use crate::flow::Keep;

/// Longest line of a box, in characters.
const WIDTH: usize = 44;

/// The lines of the trigger: its sources, then key and keep.
pub(super) fn trigger(plan: &Plan) -> Vec<String> {
    let source = |kind: &SourceKind| match kind {
        SourceKind::Webhook { connection, scopes } if scopes.len() == 1 => {
            format!("webhook {connection} {}", scopes[0])
        }
        SourceKind::Webhook { connection, scopes } => {
            format!("webhook {connection}, {} scopes", scopes.len())
        }
        SourceKind::Poll { connection, operation, every, .. } => {
            format!("poll {connection}.{operation} every {}", span(*every))
        }
        SourceKind::Schedule { cron, zone, .. } => format!("schedule {cron} {zone}"),
        SourceKind::Flow => "called by other flows".to_owned(),
    };
    let mut lines: Vec<String> = plan.trigger.sources.iter().map(|from| short(&source(&from.kind))).collect();
    if lines.is_empty() {
        lines.push("started by hand".to_owned());
    }
    let keep = match plan.trigger.keep {
        Keep::Latest => "latest",
        Keep::All => "all",
    };
    lines.push(short(&format!("key {} · keep {keep}", bare(plan.trigger.key.text()))));
    lines
}

/// The lines of a node: its name (or title), what it does, its `each`.
pub(super) fn node(node: &Node) -> Vec<String> {
    let mut lines = vec![short(node.title.as_ref().unwrap_or(&node.name))];
    match &node.work {
        Work::Call(Call { connection, operation, .. }) => {
            lines.push(short(&format!("{} {connection}.{operation}", node.kind.word())));
        }
        Work::Child(Child { flow, .. }) => lines.push(short(&format!("flow {flow}"))),
        Work::Map(_) | Work::Decide(_) => lines.push(node.kind.word().to_owned()),
    }
    if let Some(each) = &node.each {
        lines.push(short(&format!("each {}", bare(each.list.text()))));
    }
    lines
}

/// How a rejected run comes back.
pub(super) fn retry(retry: Retry) -> String {
    format!("again every {}, for {}", span(retry.every), span(retry.within))
}

/// The text of a template without its braces, if it is one expression; shortened.
pub(super) fn bare(text: &str) -> String {
    let one = text
        .trim()
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .filter(|inner| !inner.contains("}}"));
    short(one.unwrap_or(text).trim())
}

fn short(text: &str) -> String {
    let even: Vec<&str> = text.split_whitespace().collect();
    let even = even.join(" ");
    if even.chars().count() <= WIDTH {
        return even;
    }
    even.chars().take(WIDTH - 1).chain(['…']).collect()
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
    fn lines_are_short_and_bare() {
        assert_eq!(bare("{{ order.id }}"), "order.id");
        assert_eq!(bare("{{ a }}-{{ b }}"), "{{ a }}-{{ b }}");
        assert_eq!(short(&"x ".repeat(40)).chars().count(), WIDTH);
        assert_eq!(span(Duration::from_mins(15)), "15m");
        assert_eq!(span(Duration::from_hours(72)), "3d");
        assert_eq!(span(Duration::from_secs(90)), "90s");
    }
}
