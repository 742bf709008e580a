//! SVG without scripts, fonts or links. In: a drawing. Out: one `<svg>` element. It must never know a plan.

#![expect(clippy::cast_possible_wrap, reason = "pixels and letters of a drawing are few")]

use std::fmt::Write as _;

use super::{
    Block, Drawing, Look,
    layout::{Layout, Task, place},
};
use crate::flow::Kind;

const LETTER: i32 = 7;
const LINE: i32 = 16;
const MARGIN: i32 = 24;
const HEAD: i32 = 34;

/// The drawing as SVG.
pub fn svg(drawing: &Drawing) -> String {
    let sizes: Vec<(i32, i32)> = drawing.boxes.iter().map(size).collect();
    let arrows: Vec<(usize, usize)> = drawing.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    let layout = place(&Task { sizes: &sizes, arrows: &arrows });
    let width = (layout.size.0 + 2 * MARGIN).max(drawing.title.chars().count() as i32 * 9 + 2 * MARGIN);
    let height = layout.size.1 + 2 * MARGIN + HEAD;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" role=\"img\">\n"
    );
    let title = escape(&drawing.title);
    let _ = writeln!(out, "<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"{MARGIN}\" font-size=\"15\" font-weight=\"bold\">{title}</text>"
    );
    out.push_str("<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" ");
    out.push_str("orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#555555\"/></marker></defs>\n");
    let _ = writeln!(out, "<g transform=\"translate({MARGIN},{})\">", MARGIN + HEAD - 10);
    arrows_to(drawing, &layout, &mut out);
    for ((block, centre), size) in drawing.boxes.iter().zip(&layout.centres).zip(&sizes) {
        block_to(block, *centre, *size, &mut out);
    }
    labels_to(drawing, &layout, &mut out);
    out.push_str("</g>\n</svg>\n");
    out
}

/// Room for the text and for the corners that its shape cuts off.
fn size(block: &Block) -> (i32, i32) {
    let letters = block.lines.iter().map(|line| line.chars().count()).max().unwrap_or(0) as i32;
    let (width, height) = (letters * LETTER + 24, block.lines.len() as i32 * LINE + 14);
    match block.look {
        Look::Node(Kind::Decision) | Look::Condition => (width + 40, height + 12),
        Look::Node(Kind::Extract | Kind::Writeback) => (width + 20, height),
        _ => (width, height),
    }
}

fn arrows_to(drawing: &Drawing, layout: &Layout, out: &mut String) {
    for (arrow, way) in drawing.arrows.iter().zip(&layout.ways) {
        let dashes = if arrow.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let mut path = String::new();
        for (step, (x, y)) in way.iter().enumerate() {
            match step.checked_sub(1).map(|before| way[before]) {
                None => path = format!("M{x} {y}"),
                Some((from, _)) if from == *x => {
                    let _ = write!(path, "L{x} {y}");
                }
                Some((from, above)) => {
                    let middle = i32::midpoint(above, *y);
                    let _ = write!(path, "C{from} {middle} {x} {middle} {x} {y}");
                }
            }
        }
        let _ = writeln!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"#555555\" stroke-width=\"1.2\"{dashes} marker-end=\"url(#tip)\"/>"
        );
    }
}

/// Labels stand over the last stretch of their arrow, on white, so that lines below do not strike them through.
fn labels_to(drawing: &Drawing, layout: &Layout, out: &mut String) {
    for (arrow, way) in drawing.arrows.iter().zip(&layout.ways) {
        let (Some(label), [.., above, end]) = (&arrow.label, way.as_slice()) else { continue };
        let (x, y) = (i32::midpoint(above.0, end.0), i32::midpoint(above.1, end.1));
        let width = label.chars().count() as i32 * 6 + 8;
        let _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"14\" rx=\"3\" fill=\"#ffffff\" fill-opacity=\"0.9\"/>\
             <text x=\"{x}\" y=\"{}\" font-size=\"11\" fill=\"#333333\" text-anchor=\"middle\">{}</text>",
            x - width / 2,
            y - 7,
            y + 4,
            escape(label)
        );
    }
}

fn block_to(block: &Block, (x, y): (i32, i32), (width, height): (i32, i32), out: &mut String) {
    let (fill, stroke) = super::colours(block.look);
    let (left, right, top, low) = (x - width / 2, x + width / 2, y - height / 2, y + height / 2);
    let polygon = |points: &[(i32, i32)]| {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        format!("<polygon points=\"{}\"", points.join(" "))
    };
    let rect = |round: i32| {
        format!("<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"")
    };
    let shape = match block.look {
        Look::Trigger | Look::Ignored | Look::Letter | Look::Give => rect(height / 2),
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
    let bold = if block.look == Look::Node(Kind::Action) { "2.4" } else { "1.2" };
    let _ = writeln!(out, "{shape} fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{bold}\"/>");
    let first = y - (block.lines.len() as i32 * LINE) / 2 + 12;
    for (number, line) in block.lines.iter().enumerate() {
        let weight = if number == 0 { " font-weight=\"bold\"" } else { " fill=\"#444444\"" };
        let low = first + number as i32 * LINE;
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{low}\" text-anchor=\"middle\"{weight}>{}</text>",
            escape(line)
        );
    }
}

/// Text that cannot become markup.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
