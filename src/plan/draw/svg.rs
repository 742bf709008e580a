//! SVG without scripts, fonts or links. In: a drawing. Out: one `<svg>` element. It must never know a plan.

#![expect(clippy::cast_possible_wrap, reason = "pixels and letters of a drawing are few")]

use std::fmt::Write as _;

use super::{
    Block, Drawing, Look,
    layout::{Layout, Size, Task, place},
    shape,
};

pub(super) const LETTER: i32 = 7;
pub(super) const LINE: i32 = 16;
pub(super) const MARGIN: i32 = 24;
/// Room for the title.
const HEAD: i32 = 40;
/// Room for a line of the legend.
const LEGEND: i32 = 22;
/// Free space around the label of an arrow to an exit.
const BESIDE: i32 = 34;
/// Free space between the exits of one box.
const APART: i32 = 10;

/// The drawing as SVG.
pub fn svg(drawing: &Drawing) -> String {
    let scene = Scene::of(drawing);
    let (legend, below) = legend(drawing, scene.layout.size.0);
    let title = drawing.title.chars().count() as i32 * 9;
    let width = scene.layout.size.0.max(title).max(360) + 2 * MARGIN;
    let height = scene.layout.size.1 + 2 * MARGIN + HEAD + below;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" role=\"img\">\n"
    );
    let title = escape(&drawing.title);
    let _ = writeln!(out, "<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"{}\" font-size=\"16\" font-weight=\"bold\">{title}</text>",
        MARGIN + 8
    );
    out.push_str("<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" ");
    out.push_str("orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#555555\"/></marker></defs>\n");
    let _ = writeln!(out, "<g transform=\"translate({MARGIN},{})\">", MARGIN + HEAD - 10);
    scene.draw(&mut out);
    let _ = writeln!(out, "<g transform=\"translate(0,{})\">", scene.layout.size.1 + MARGIN);
    out.push_str(&legend);
    out.push_str("</g>\n</g>\n</svg>\n");
    out
}

/// A drawing with everything in its place.
struct Scene<'a> {
    drawing: &'a Drawing,
    /// Width and height of each box by itself.
    sizes: Vec<(i32, i32)>,
    /// The boxes that are laid out: all but exits, which stand beside what they leave.
    main: Vec<usize>,
    /// The arrows between those, as numbers of the drawing's.
    arrows: Vec<usize>,
    layout: Layout,
}

impl<'a> Scene<'a> {
    fn of(drawing: &'a Drawing) -> Self {
        let mut sizes: Vec<(i32, i32)> =
            drawing.boxes.iter().map(|block| shape::size(block, drawing.is_overview)).collect();
        let is_main = |number: &usize| !drawing.boxes[*number].look.is_exit();
        let main: Vec<usize> = (0..sizes.len()).filter(is_main).collect();
        if drawing.is_overview {
            let widest = main.iter().map(|number| sizes[*number].0).max().unwrap_or(0);
            let cards = main.iter().filter(|number| drawing.boxes[**number].look != Look::Give);
            cards.for_each(|number| sizes[*number].0 = widest);
        }
        let place_of = |block: usize| main.iter().position(|number| *number == block);
        let ends = |arrow: &super::Arrow| Some((place_of(arrow.from)?, place_of(arrow.to)?));
        let (arrows, between): (Vec<usize>, Vec<(usize, usize)>) = drawing
            .arrows
            .iter()
            .enumerate()
            .filter_map(|(number, arrow)| Some((number, ends(arrow)?)))
            .unzip();
        let rooms: Vec<Size> = main.iter().map(|number| room(drawing, &sizes, *number)).collect();
        let layout = place(&Task { sizes: &rooms, arrows: &between, is_column: drawing.is_overview });
        Self { drawing, sizes, main, arrows, layout }
    }

    fn draw(&self, out: &mut String) {
        for (number, way) in self.arrows.iter().zip(&self.layout.ways) {
            path(&curve(way), self.drawing.arrows[*number].dashed, out);
        }
        for (number, centre) in self.main.iter().zip(&self.layout.centres) {
            let cards = self.drawing.is_overview;
            shape::draw(&self.drawing.boxes[*number], cards, *centre, self.sizes[*number], out);
            self.exits(*number, *centre, out);
        }
        let mut taken = Vec::new();
        for (number, way) in self.arrows.iter().zip(&self.layout.ways) {
            if let Some(text) = &self.drawing.arrows[*number].label {
                label(text, spot(text, way, &mut taken), out);
            }
        }
    }

    /// The exits of a box, one below the other on its right.
    fn exits(&self, number: usize, (x, y): (i32, i32), out: &mut String) {
        let exits: Vec<&super::Arrow> = exits(self.drawing, number).collect();
        let whole: i32 = exits.iter().map(|arrow| self.sizes[arrow.to].1 + APART).sum();
        let right = x + self.sizes[number].0 / 2;
        let left = right + gap(self.drawing, number);
        let mut top = y - (whole - APART) / 2;
        for arrow in exits {
            let (width, height) = self.sizes[arrow.to];
            let middle = top + height / 2;
            let half = i32::midpoint(right, left);
            let bend = if middle == y {
                format!("M{right} {y}L{left} {y}")
            } else {
                format!("M{right} {y}C{half} {y} {half} {middle} {left} {middle}")
            };
            path(&bend, arrow.dashed, out);
            shape::draw(
                &self.drawing.boxes[arrow.to],
                false,
                (left + width / 2, middle),
                (width, height),
                out,
            );
            if let Some(text) = &arrow.label {
                let along = if middle == y { middle } else { i32::midpoint(y, middle) };
                label(text, (half, along), out);
            }
            top += height + APART;
        }
    }
}

/// Arrows from a box to its exits.
fn exits(drawing: &Drawing, number: usize) -> impl Iterator<Item = &super::Arrow> {
    drawing.arrows.iter().filter(move |arrow| arrow.from == number && drawing.boxes[arrow.to].look.is_exit())
}

/// The space between a box and its exits.
fn gap(drawing: &Drawing, number: usize) -> i32 {
    let labels = exits(drawing, number).filter_map(|arrow| arrow.label.as_ref());
    labels.map(|label| label.chars().count() as i32 * 6).max().unwrap_or(0) + BESIDE
}

/// The room of a box with its exits beside it.
fn room(drawing: &Drawing, sizes: &[(i32, i32)], number: usize) -> Size {
    let (width, height) = sizes[number];
    let beside: Vec<(i32, i32)> = exits(drawing, number).map(|arrow| sizes[arrow.to]).collect();
    let own = Size { width, height, lead: width / 2, reach: height / 2 };
    let Some(widest) = beside.iter().map(|size| size.0).max() else { return own };
    let whole: i32 = beside.iter().map(|size| size.1 + APART).sum();
    Size { width: width + gap(drawing, number) + widest, height: height.max(whole - APART), ..own }
}

fn path(steps: &str, dashed: bool, out: &mut String) {
    let dashes = if dashed { " stroke-dasharray=\"5 4\"" } else { "" };
    let _ = writeln!(
        out,
        "<path d=\"{steps}\" fill=\"none\" stroke=\"#555555\" stroke-width=\"1.2\"{dashes} marker-end=\"url(#tip)\"/>"
    );
}

/// The steps of a path along way points: straight down, or a bend that leaves and arrives straight down.
fn curve(way: &[(i32, i32)]) -> String {
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
    path
}

/// Where a label stands: over the last stretch of its arrow, or where else along it no other label stands.
fn spot(text: &str, way: &[(i32, i32)], taken: &mut Vec<(i32, i32, i32)>) -> (i32, i32) {
    let half = text.chars().count() as i32 * 3 + 6;
    let stretches = way.windows(2).rev().map(|pair| (pair[0], pair[1]));
    let spots: Vec<(i32, i32)> =
        stretches.flat_map(|(from, to)| [50, 30, 70].map(|part| along(from, to, part))).collect();
    let is_free = |(x, y): &&(i32, i32)| {
        taken.iter().all(|(other, level, width)| (y - level).abs() >= 16 || (x - other).abs() >= half + width)
    };
    let spot = spots.iter().find(is_free).or(spots.first()).copied().unwrap_or_default();
    taken.push((spot.0, spot.1, half));
    spot
}

/// The point of a bend after so many per cent of its steps.
fn along((x, y): (i32, i32), (to_x, to_y): (i32, i32), part: i32) -> (i32, i32) {
    // A cubic Bezier curve with both handles halfway down: across 3t²-2t³, down 1.5t-1.5t²+t³.
    let (t, rest) = (i64::from(part), i64::from(100 - part));
    let across = 3 * t * t * rest + t * t * t;
    let down = i64::midpoint(3 * rest * rest * t, 3 * rest * t * t) + t * t * t;
    let at = |from: i32, to: i32, share: i64| {
        from + i32::try_from(i64::from(to - from) * share / 1_000_000).unwrap_or(0)
    };
    (at(x, to_x, across), at(y, to_y, down))
}

/// A label on white, so that lines below do not strike it through.
fn label(text: &str, (x, y): (i32, i32), out: &mut String) {
    let width = text.chars().count() as i32 * 6 + 8;
    let _ = writeln!(
        out,
        "<rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"14\" rx=\"3\" fill=\"#ffffff\" fill-opacity=\"0.9\"/>\
         <text x=\"{x}\" y=\"{}\" font-size=\"11\" fill=\"#333333\" text-anchor=\"middle\">{}</text>",
        x - width / 2,
        y - 7,
        y + 4,
        escape(text)
    );
}

/// What the colours and dashes of the drawing mean, and how high that is.
fn legend(drawing: &Drawing, width: i32) -> (String, i32) {
    let mut out = String::new();
    let (mut x, mut y) = (0, 0);
    let looks = drawing.looks().map(|look| (Some(look), look.meaning()));
    let dashes = drawing.has_dashes().then_some((None, super::DASHED));
    for (look, meaning) in looks.chain(dashes) {
        let wide = 26 + meaning.chars().count() as i32 * 6 + 14;
        if x > 0 && x + wide > width.max(360) {
            (x, y) = (0, y + LEGEND);
        }
        swatch(look, (x, y), &mut out);
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" font-size=\"11\" fill=\"#444444\">{}</text>",
            x + 26,
            y + 12,
            escape(meaning)
        );
        x += wide;
    }
    (out, y + LEGEND + MARGIN)
}

/// A little box in the colours of its kind; without a kind a dashed arrow.
fn swatch(look: Option<Look>, (x, y): (i32, i32), out: &mut String) {
    let Some(look) = look else { return path(&format!("M{x} {0}L{1} {0}", y + 8, x + 20), true, out) };
    let (fill, stroke) = look.colours();
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{}\" width=\"18\" height=\"12\" rx=\"3\" fill=\"{fill}\" stroke=\"{stroke}\"/>",
        y + 2
    );
}

/// The letters of the longest line.
pub(super) fn longest<'a>(lines: impl Iterator<Item = &'a String>) -> i32 {
    lines.map(|line| line.chars().count() as i32).max().unwrap_or(0)
}

/// All lines of a box that is no card.
pub(super) fn lines(block: &Block) -> impl Iterator<Item = &String> {
    block.head.iter().chain(block.rows.iter().flat_map(|row| &row.told))
}

/// Text that cannot become markup.
pub(super) fn escape(text: &str) -> String {
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
