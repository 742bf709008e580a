//! Graphviz DOT. In: a drawing. Out: text that `dot` draws. It must never know a plan.

use std::fmt::Write as _;

use super::{Block, Drawing, Look};
use crate::flow::Kind;

/// The drawing in the DOT language.
pub fn dot(drawing: &Drawing) -> String {
    let mut out = format!("digraph {{\n  label={};\n", quote(&drawing.title));
    out.push_str("  labelloc=t;\n  node [style=filled, fontname=\"Helvetica\", fontsize=11];\n");
    out.push_str("  edge [fontname=\"Helvetica\", fontsize=10];\n");
    for block in &drawing.boxes {
        let text = quote(&text(block));
        let _ = writeln!(out, "  {} [label={text}, {}];", block.id, style(block.look));
    }
    for arrow in &drawing.arrows {
        let mut marks = Vec::new();
        marks.extend(arrow.label.as_ref().map(|label| format!("label={}", quote(label))));
        marks.extend(arrow.dashed.then(|| "style=dashed".to_owned()));
        let marks = if marks.is_empty() { String::new() } else { format!(" [{}]", marks.join(", ")) };
        let _ = writeln!(out, "  {} -> {}{marks};", drawing.boxes[arrow.from].id, drawing.boxes[arrow.to].id);
    }
    out.push_str(
        "  subgraph cluster_legend {\n    label=legend;\n    fontsize=10;\n    node [fontsize=9];\n",
    );
    for look in drawing.looks() {
        let text = quote(look.meaning());
        let _ = writeln!(out, "    legend_{} [label={text}, {}];", look.word(), style(look));
    }
    if drawing.has_dashes() {
        let _ = writeln!(out, "    legend_dashed [label={}, shape=plain, style=\"\"];", quote(super::DASHED));
    }
    out.push_str("  }\n}\n");
    out
}

fn text(block: &Block) -> String {
    let rows = block.rows.iter().flat_map(|row| {
        let name = row.name.as_ref().map_or(String::new(), |name| format!("{name}: "));
        let mut lines = row.told.clone();
        if let Some(first) = lines.first_mut() {
            first.insert_str(0, &name);
        }
        lines
    });
    block.head.iter().cloned().chain(rows).collect::<Vec<_>>().join("\n")
}

fn style(look: Look) -> String {
    let shape = match look {
        Look::Trigger | Look::Ignored | Look::Letter | Look::Nothing | Look::Give => "shape=ellipse",
        Look::Node(Kind::Extract) => "shape=parallelogram",
        Look::Node(Kind::Transform) => "shape=box, style=\"filled,rounded\"",
        Look::Node(Kind::Decision) | Look::Condition => "shape=hexagon",
        Look::Node(Kind::Action) => "shape=box, peripheries=2",
        Look::Node(Kind::Writeback) => "shape=cds",
    };
    let (fill, stroke) = look.colours();
    format!("{shape}, fillcolor=\"{fill}\", color=\"{stroke}\"")
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
