//! Graphviz DOT. In: a drawing. Out: text that `dot` draws. It must never know a plan.

use std::fmt::Write as _;

use super::{Drawing, Look};
use crate::flow::Kind;

/// The drawing in the DOT language.
pub fn dot(drawing: &Drawing) -> String {
    let mut out = format!("digraph {{\n  label={};\n", quote(&drawing.title));
    out.push_str("  labelloc=t;\n  node [style=filled, fontname=\"Helvetica\", fontsize=11];\n");
    out.push_str("  edge [fontname=\"Helvetica\", fontsize=10];\n");
    for block in &drawing.boxes {
        let (fill, stroke) = super::colours(block.look);
        let shape = shape(block.look);
        let text = quote(&block.lines.join("\n"));
        let _ = writeln!(
            out,
            "  {} [label={text}, {shape}, fillcolor=\"{fill}\", color=\"{stroke}\"];",
            block.id
        );
    }
    for arrow in &drawing.arrows {
        let mut marks = Vec::new();
        marks.extend(arrow.label.as_ref().map(|label| format!("label={}", quote(label))));
        marks.extend(arrow.dashed.then(|| "style=dashed".to_owned()));
        let marks = if marks.is_empty() { String::new() } else { format!(" [{}]", marks.join(", ")) };
        let _ = writeln!(out, "  {} -> {}{marks};", drawing.boxes[arrow.from].id, drawing.boxes[arrow.to].id);
    }
    out.push_str("}\n");
    out
}

fn shape(look: Look) -> &'static str {
    match look {
        Look::Trigger | Look::Ignored | Look::Letter | Look::Give => "shape=ellipse",
        Look::Node(Kind::Extract) => "shape=parallelogram",
        Look::Node(Kind::Transform) => "shape=box, style=\"filled,rounded\"",
        Look::Node(Kind::Decision) | Look::Condition => "shape=diamond",
        Look::Node(Kind::Action) => "shape=box, peripheries=2",
        Look::Node(Kind::Writeback) => "shape=cds",
    }
}

/// A quoted string; line breaks become centred lines.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
