//! The boxes of an SVG. In: a box and its place. Out: its markup. It must never know arrows.

#![expect(clippy::cast_possible_wrap, reason = "pixels and letters of a drawing are few")]

use std::fmt::Write as _;

use super::{
    Block, Look,
    svg::{LETTER, LINE, escape, lines, longest},
};
use crate::flow::Kind;

/// Height of a card's head.
const BAND: i32 = 24;
/// Space around the text of a card.
const PAD: i32 = 12;
/// Space between two rows of a card.
const LEAD: i32 = 4;

/// Room for the text and for the corners that its shape cuts off.
pub(super) fn size(block: &Block, card: bool) -> (i32, i32) {
    if card && is_card(block.look) {
        let told = longest(block.rows.iter().flat_map(|row| &row.told)) * LETTER;
        let rows: i32 = block.rows.iter().map(|row| row.told.len().max(1) as i32 * LINE + LEAD).sum();
        let foot = if block.rows.is_empty() { 0 } else { rows + PAD };
        return (names(block) + told + 2 * PAD, BAND + foot);
    }
    let count = lines(block).count() as i32;
    let (width, height) = (longest(lines(block)) * LETTER + 24, count * LINE + 14);
    match block.look {
        Look::Node(Kind::Decision) | Look::Condition => (width + 40, height + 12),
        Look::Node(Kind::Extract | Kind::Writeback) => (width + 20, height),
        _ => (width, height),
    }
}

/// Whether a box of an overview is a card; ends are none.
fn is_card(look: Look) -> bool {
    !look.is_exit() && look != Look::Give
}

/// Width of the column of names.
fn names(block: &Block) -> i32 {
    let longest = longest(block.rows.iter().filter_map(|row| row.name.as_ref()));
    if longest == 0 { 0 } else { longest * LETTER + PAD }
}

/// Draws a box around a point.
pub(super) fn draw(block: &Block, card: bool, at: (i32, i32), size: (i32, i32), out: &mut String) {
    if card && is_card(block.look) {
        return draw_card(block, at, size, out);
    }
    outline(block.look, at, size, out);
    let (x, y) = at;
    let first = y - (lines(block).count() as i32 * LINE) / 2 + 12;
    for (number, line) in lines(block).enumerate() {
        let weight = if number < block.head.len() { " font-weight=\"bold\"" } else { " fill=\"#444444\"" };
        let low = first + number as i32 * LINE;
        let text = escape(line);
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{low}\" text-anchor=\"middle\"{weight}>{text}</text>");
    }
}

/// A card: its kind on a coloured band, below it a row a node.
fn draw_card(block: &Block, (x, y): (i32, i32), (width, height): (i32, i32), out: &mut String) {
    let (fill, stroke) = block.look.colours();
    let (left, top) = (x - width / 2, y - height / 2);
    let _ = writeln!(
        out,
        "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"1.4\"/>"
    );
    let band = top + BAND;
    let _ = writeln!(
        out,
        "<path d=\"M{left} {band}V{0}a6 6 0 0 1 6 -6H{1}a6 6 0 0 1 6 6V{band}z\" fill=\"{stroke}\"/>",
        top + 6,
        left + width - 6
    );
    let head = escape(&block.head.join(" "));
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" font-weight=\"bold\" font-size=\"13\" fill=\"#ffffff\">{head}</text>",
        left + PAD,
        top + 17
    );
    let mut low = band + PAD / 2 + 12;
    for row in &block.rows {
        if let Some(name) = &row.name {
            let name = escape(name);
            let _ =
                writeln!(out, "<text x=\"{}\" y=\"{low}\" font-weight=\"bold\">{name}</text>", left + PAD);
        }
        let indent = if row.name.is_some() { names(block) } else { 0 };
        for line in &row.told {
            let (x, line) = (left + PAD + indent, escape(line));
            let _ = writeln!(out, "<text x=\"{x}\" y=\"{low}\" fill=\"#333333\">{line}</text>");
            low += LINE;
        }
        low += LEAD;
    }
}

fn outline(look: Look, (x, y): (i32, i32), (width, height): (i32, i32), out: &mut String) {
    let (fill, stroke) = look.colours();
    let (left, right, top, low) = (x - width / 2, x + width / 2, y - height / 2, y + height / 2);
    let polygon = |points: &[(i32, i32)]| {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        format!("<polygon points=\"{}\"", points.join(" "))
    };
    let rect = |round: i32| {
        format!("<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"")
    };
    let shape = match look {
        Look::Trigger | Look::Ignored | Look::Letter | Look::Nothing | Look::Give => {
            rect((height / 2).min(18))
        }
        Look::Node(Kind::Extract) => {
            polygon(&[(left + 12, top), (right, top), (right - 12, low), (left, low)])
        }
        Look::Node(Kind::Writeback) => {
            polygon(&[(left, top), (right - 12, top), (right, low), (left + 12, low)])
        }
        Look::Node(Kind::Decision) | Look::Condition => {
            let cut = 20;
            polygon(&[
                (left + cut, top),
                (right - cut, top),
                (right, y),
                (right - cut, low),
                (left + cut, low),
                (left, y),
            ])
        }
        Look::Node(Kind::Transform) => rect(8),
        Look::Node(Kind::Action) => rect(0),
    };
    let bold = if look == Look::Node(Kind::Action) { "2.4" } else { "1.2" };
    let _ = writeln!(out, "{shape} fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{bold}\"/>");
}
