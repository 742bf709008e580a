//! Mermaid flowcharts. In: a drawing. Out: text that Mermaid draws. It must never know a plan.

use std::fmt::Write as _;

use super::{Drawing, Look};
use crate::flow::Kind;

/// The drawing as a Mermaid flowchart.
pub fn mermaid(drawing: &Drawing) -> String {
    let mut out = String::from("flowchart TD\n");
    for block in &drawing.boxes {
        let text: Vec<String> = block.lines.iter().map(|line| escape(line)).collect();
        let (open, close) = brackets(block.look);
        let _ = writeln!(out, "  {}{open}\"{}\"{close}:::{}", block.id, text.join("<br>"), class(block.look));
    }
    for arrow in &drawing.arrows {
        let line = if arrow.dashed { "-.->" } else { "-->" };
        let label = arrow.label.as_ref().map_or(String::new(), |label| format!("|\"{}\"|", escape(label)));
        let _ =
            writeln!(out, "  {} {line}{label} {}", drawing.boxes[arrow.from].id, drawing.boxes[arrow.to].id);
    }
    for (look, (fill, stroke)) in LOOKS.map(|look| (look, super::colours(look))) {
        let _ = writeln!(out, "  classDef {} fill:{fill},stroke:{stroke},color:#1b1b1b", class(look));
    }
    out
}

const LOOKS: [Look; 10] = [
    Look::Trigger,
    Look::Node(Kind::Extract),
    Look::Node(Kind::Transform),
    Look::Node(Kind::Decision),
    Look::Node(Kind::Action),
    Look::Node(Kind::Writeback),
    Look::Condition,
    Look::Ignored,
    Look::Letter,
    Look::Give,
];

fn class(look: Look) -> &'static str {
    match look {
        Look::Trigger => "trigger",
        Look::Node(kind) => kind.word(),
        Look::Condition => "condition",
        Look::Ignored => "ignored",
        Look::Letter => "letter",
        Look::Give => "give",
    }
}

fn brackets(look: Look) -> (&'static str, &'static str) {
    match look {
        Look::Trigger | Look::Ignored | Look::Letter | Look::Give => ("([", "])"),
        Look::Node(Kind::Extract) => ("[/", "/]"),
        Look::Node(Kind::Transform) => ("[", "]"),
        Look::Node(Kind::Decision) | Look::Condition => ("{", "}"),
        Look::Node(Kind::Action) => ("[[", "]]"),
        Look::Node(Kind::Writeback) => ("[\\", "\\]"),
    }
}

/// Text that Mermaid shows as it is: no quotes, no markup, no entities.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '`' => out.push_str("#96;"),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
