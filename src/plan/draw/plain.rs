//! A drawing in plain words, for a terminal. In: a drawing. Out: lines. It must never know a plan.

use std::fmt::Write as _;

use super::{Block, Drawing};

/// The drawing box by box: what stands in each, then where its arrows lead.
pub fn plain(drawing: &Drawing) -> String {
    let mut out = format!("{}\n", clean(&drawing.title));
    for (number, block) in drawing.boxes.iter().enumerate() {
        if block.look.is_exit() {
            continue; // told with the arrow that leads to it
        }
        let _ = writeln!(out, "\n{}", clean(&block.head.join(" ")));
        let width =
            block.rows.iter().filter_map(|row| row.name.as_ref()).map(|name| name.chars().count()).max();
        for row in &block.rows {
            let name = row
                .name
                .as_ref()
                .map_or(String::new(), |name| format!("{name:<width$}  ", width = width.unwrap_or_default()));
            let _ = writeln!(out, "  {}{}", clean(&name), clean(&row.told.join(" ")));
        }
        for arrow in drawing.arrows.iter().filter(|arrow| arrow.from == number) {
            let line = if arrow.dashed { "┄>" } else { "─>" };
            let label = arrow.label.as_ref().map_or(String::new(), |label| format!("{}: ", clean(label)));
            let _ = writeln!(out, "  {line} {label}{}", end(&drawing.boxes[arrow.to]));
        }
    }
    out
}

/// What an arrow leads to: its name, and of an exit all that stands there.
fn end(block: &Block) -> String {
    let mut parts = vec![block.head.join(" ")];
    if block.look.is_exit() {
        parts.extend(block.rows.iter().map(|row| row.told.join(" ")));
    }
    clean(&parts.join("; "))
}

fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
