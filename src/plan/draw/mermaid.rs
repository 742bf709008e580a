//! Mermaid flowcharts. In: a drawing. Out: text that Mermaid draws. It must never know a plan.

use std::fmt::Write as _;

use super::{Block, Drawing, Look};
use crate::flow::Kind;

/// Lines are broken by us, so that Mermaid need not.
const CONFIG: &str = "config: { flowchart: { wrappingWidth: 600 } }";

/// The drawing as a Mermaid flowchart. Every box says in words what it is, so there is no legend but for dashed arrows.
pub fn mermaid(drawing: &Drawing) -> String {
    let mut out = format!("---\ntitle: {}\n{CONFIG}\n---\nflowchart TD\n", quoted(&drawing.title));
    for block in &drawing.boxes {
        let (open, close) = if drawing.is_overview { ("(", ")") } else { brackets(block.look) };
        let _ = writeln!(out, "  {}{open}\"{}\"{close}:::{}", block.id, text(block), block.look.word());
    }
    for arrow in &drawing.arrows {
        let line = if arrow.dashed { "-.->" } else { "-->" };
        let label = arrow.label.as_ref().map_or(String::new(), |label| format!("|\"{}\"|", escape(label)));
        let _ =
            writeln!(out, "  {} {line}{label} {}", drawing.boxes[arrow.from].id, drawing.boxes[arrow.to].id);
    }
    if drawing.has_dashes() {
        let _ = writeln!(out, "  legend[\"{}\"]:::legend", super::DASHED);
        out.push_str("  classDef legend fill:none,stroke:none,color:#777777\n");
    }
    for look in drawing.looks() {
        let (fill, stroke) = look.colours();
        let _ = writeln!(out, "  classDef {} fill:{fill},stroke:{stroke},color:#1b1b1b", look.word());
    }
    out
}

fn text(block: &Block) -> String {
    let head = block.head.iter().map(|line| format!("<b>{}</b>", escape(line)));
    let rows = block.rows.iter().map(|row| {
        let name = row.name.as_ref().map_or(String::new(), |name| format!("<b>{}</b> ", escape(name)));
        let told: Vec<String> = row.told.iter().map(|line| escape(line)).collect();
        format!("{name}{}", told.join("<br>"))
    });
    head.chain(rows).collect::<Vec<_>>().join("<br>")
}

fn brackets(look: Look) -> (&'static str, &'static str) {
    match look {
        Look::Trigger | Look::Ignored | Look::Letter | Look::Nothing | Look::Give => ("(", ")"),
        Look::Node(Kind::Extract) => ("[/", "/]"),
        Look::Node(Kind::Transform) => ("[", "]"),
        Look::Node(Kind::Decision) | Look::Condition => ("{{", "}}"),
        Look::Node(Kind::Action) => ("[[", "]]"),
        Look::Node(Kind::Writeback) => ("[\\", "\\]"),
    }
}

/// A title in the head of the file, which is YAML.
fn quoted(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("'{}'", text.replace('\'', "''"))
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
