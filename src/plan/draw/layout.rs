//! Where boxes and arrows go: layers from the top, long arrows led between the boxes, few crossings. In: sizes and
//! arrows. Out: centres and way points in pixels. It must never know what a box stands for.

#![expect(clippy::cast_possible_wrap, reason = "pixels and letters of a drawing are few")]

use crate::graph::Graph;

/// Free space between two boxes of a layer.
const GAP: i32 = 26;
/// Free space between two layers; labels of arrows stand there.
const RISE: i32 = 46;
/// How often the order within layers and the places along them are improved.
const SWEEPS: usize = 8;

/// The room that a box takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Its whole width, with what stands beside it.
    pub(super) width: i32,
    pub(super) height: i32,
    /// From its left edge to where its arrows begin and end.
    pub(super) lead: i32,
    /// How far above and below the middle its arrows begin and end.
    pub(super) reach: i32,
}

/// What is to be placed.
pub(super) struct Task<'a> {
    /// Each box.
    pub(super) sizes: &'a [Size],
    /// From box, to box; no circles.
    pub(super) arrows: &'a [(usize, usize)],
    /// Whether the boxes stand one below the other, in their order.
    pub(super) is_column: bool,
}

/// Where everything goes.
pub(super) struct Layout {
    /// Where the arrows of each box meet: as far from its left edge as it says, halfway down.
    pub(super) centres: Vec<(i32, i32)>,
    /// Way points of each arrow, from the lower edge of a box to the upper edge of another.
    pub(super) ways: Vec<Vec<(i32, i32)>>,
    /// Width and height of all.
    pub(super) size: (i32, i32),
}

/// A box, or a place where a long arrow crosses a layer.
struct Cell {
    width: i32,
    lead: i32,
    layer: usize,
    above: Vec<usize>,
    below: Vec<usize>,
    x: i32,
}

/// Places boxes and arrows.
pub(super) fn place(task: &Task<'_>) -> Layout {
    let layers = layers(task);
    let mut cells: Vec<Cell> = task
        .sizes
        .iter()
        .zip(&layers)
        .map(|(size, layer)| Cell {
            width: size.width,
            lead: size.lead,
            layer: *layer,
            above: vec![],
            below: vec![],
            x: 0,
        })
        .collect();
    let chains = chains(task, &mut cells);
    let mut rows = rows(&cells);
    if task.is_column {
        line_up(&chains, &mut cells);
    } else {
        for sweep in 0..SWEEPS {
            untangle(&mut rows, &cells, sweep % 2 == 0);
        }
        spread(&rows, &mut cells);
    }
    finish(task, &cells, &rows, &chains)
}

/// The layer of each box: one below the lowest box that leads to it.
fn layers(task: &Task<'_>) -> Vec<usize> {
    if task.is_column {
        return (0..task.sizes.len()).collect();
    }
    let mut graph = Graph::new(task.sizes.len());
    for (from, to) in task.arrows {
        graph.need(*to, *from);
    }
    let mut layers = vec![0; task.sizes.len()];
    for point in graph.order().unwrap_or_default() {
        layers[point] = graph.needed(point).map(|needed| layers[needed] + 1).max().unwrap_or(0);
    }
    layers
}

/// For each arrow the cells it runs through, its ends included; adds a narrow cell in every layer that it crosses.
fn chains(task: &Task<'_>, cells: &mut Vec<Cell>) -> Vec<Vec<usize>> {
    let mut chains = Vec::new();
    for (from, to) in task.arrows {
        let mut chain = vec![*from];
        for layer in cells[*from].layer + 1..cells[*to].layer {
            cells.push(Cell { width: 10, lead: 5, layer, above: vec![], below: vec![], x: 0 });
            chain.push(cells.len() - 1);
        }
        chain.push(*to);
        for pair in chain.windows(2) {
            cells[pair[0]].below.push(pair[1]);
            cells[pair[1]].above.push(pair[0]);
        }
        chains.push(chain);
    }
    chains
}

fn rows(cells: &[Cell]) -> Vec<Vec<usize>> {
    let count = cells.iter().map(|cell| cell.layer + 1).max().unwrap_or(0);
    let mut rows = vec![Vec::new(); count];
    for (number, cell) in cells.iter().enumerate() {
        rows[cell.layer].push(number);
    }
    rows
}

/// Sorts each layer by the middle of its neighbours in the layer before (downward) or after.
fn untangle(rows: &mut [Vec<usize>], cells: &[Cell], downward: bool) {
    let mut rank = vec![0_usize; cells.len()];
    for row in rows.iter() {
        for (place, cell) in row.iter().enumerate() {
            rank[*cell] = place;
        }
    }
    let count = rows.len();
    for step in 1..count {
        let row = &mut rows[if downward { step } else { count - 1 - step }];
        let middle = |cell: usize| {
            let near = if downward { &cells[cell].above } else { &cells[cell].below };
            let sum: usize = near.iter().map(|other| rank[*other] * 1000).sum();
            sum.checked_div(near.len()).unwrap_or(rank[cell] * 1000)
        };
        row.sort_by_key(|cell| (middle(*cell), rank[*cell]));
        for (place, cell) in row.iter().enumerate() {
            rank[*cell] = place;
        }
    }
}

/// Boxes below one another; arrows that pass some lead along on the left, each in a lane of its own.
fn line_up(chains: &[Vec<usize>], cells: &mut [Cell]) {
    let mut left = -cells.iter().map(|cell| cell.lead).max().unwrap_or(0);
    for chain in chains.iter().filter(|chain| chain.len() > 2) {
        left -= GAP;
        for cell in &chain[1..chain.len() - 1] {
            cells[*cell].x = left;
        }
    }
}

/// Gives every cell its place along its layer: near the middle of its neighbours, never over another.
fn spread(rows: &[Vec<usize>], cells: &mut [Cell]) {
    for row in rows {
        let mut left = 0;
        for cell in row {
            cells[*cell].x = left + cells[*cell].lead;
            left += cells[*cell].width + GAP;
        }
    }
    for sweep in 0..SWEEPS * 2 {
        let downward = sweep % 2 == 0;
        for step in 0..rows.len() {
            let row = &rows[if downward { step } else { rows.len() - 1 - step }];
            let wanted: Vec<i32> = row.iter().map(|cell| wish(cells, *cell, downward)).collect();
            settle(row, &wanted, cells);
        }
    }
}

fn wish(cells: &[Cell], cell: usize, downward: bool) -> i32 {
    let own = &cells[cell];
    let near = if downward { &own.above } else { &own.below };
    let sum: i32 = near.iter().map(|other| cells[*other].x).sum();
    sum.checked_div(near.len() as i32).unwrap_or(own.x)
}

/// Moves the cells of a layer to where they want to be; those that would overlap share the shift evenly.
fn settle(row: &[usize], wanted: &[i32], cells: &mut [Cell]) {
    // Blocks of touching cells: (first place in the row, wished left edge, width).
    let mut blocks: Vec<(usize, i32, i32)> = Vec::new();
    let mut sums: Vec<(i32, i32)> = Vec::new();
    for (place, cell) in row.iter().enumerate() {
        let width = cells[*cell].width + GAP;
        let (mut first, mut whole) = (place, width);
        let (mut sum, mut count) = (wanted[place] - cells[*cell].lead - GAP / 2, 1);
        let mut left = sum;
        while let (Some((start, edge, before)), Some((other, many))) =
            (blocks.last().copied(), sums.last().copied())
        {
            if edge + before <= left {
                break;
            }
            blocks.pop();
            sums.pop();
            sum = other + sum - before * count;
            count += many;
            (first, whole) = (start, before + whole);
            left = sum / count;
        }
        blocks.push((first, left, whole));
        sums.push((sum, count));
    }
    let ends = blocks.iter().skip(1).map(|block| block.0).chain([row.len()]).collect::<Vec<_>>();
    for ((first, left, _), end) in blocks.iter().zip(ends) {
        let mut edge = *left;
        for cell in &row[*first..end] {
            let width = cells[*cell].width + GAP;
            cells[*cell].x = edge + cells[*cell].lead + GAP / 2;
            edge += width;
        }
    }
}

fn finish(task: &Task<'_>, cells: &[Cell], rows: &[Vec<usize>], chains: &[Vec<usize>]) -> Layout {
    let left = cells.iter().map(|cell| cell.x - cell.lead).min().unwrap_or(0);
    let right = cells.iter().map(|cell| cell.x - cell.lead + cell.width).max().unwrap_or(0);
    let (mut tops, mut heights, mut top) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        let height =
            row.iter().filter_map(|cell| task.sizes.get(*cell)).map(|size| size.height).max().unwrap_or(0);
        tops.push(top);
        heights.push(height);
        top += height + RISE;
    }
    let centre =
        |cell: usize| (cells[cell].x - left, tops[cells[cell].layer] + heights[cells[cell].layer] / 2);
    let way = |chain: &Vec<usize>| -> Vec<(i32, i32)> {
        let mut points: Vec<(i32, i32)> = Vec::new();
        for cell in chain {
            let (x, y) = centre(*cell);
            match task.sizes.get(*cell) {
                Some(size) if points.is_empty() => points.push((x, y + size.reach)),
                Some(size) => points.push((x, y - size.reach)),
                None => {
                    let layer = cells[*cell].layer;
                    points.extend([(x, tops[layer]), (x, tops[layer] + heights[layer])]);
                }
            }
        }
        points
    };
    Layout {
        centres: (0..task.sizes.len()).map(centre).collect(),
        ways: chains.iter().map(way).collect(),
        size: (right - left, (top - RISE).max(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_never_overlap_and_arrows_run_down() {
        let size = |number: i32| Size {
            width: 60 + number * 20,
            height: 30,
            lead: 20 + number * 5,
            reach: 15 - number % 3 * 4,
        };
        let sizes: Vec<Size> = (0..9).map(size).collect();
        let arrows = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (0, 5), (4, 6), (3, 6), (0, 6), (5, 7), (4, 8)];
        let layout = place(&Task { sizes: &sizes, arrows: &arrows, is_column: false });
        let left = |number: usize| layout.centres[number].0 - sizes[number].lead;
        for one in 0..sizes.len() {
            for other in 0..one {
                let beside = left(one) >= left(other) + sizes[other].width
                    || left(other) >= left(one) + sizes[one].width;
                let above = (layout.centres[one].1 - layout.centres[other].1).abs() >= 30;
                assert!(beside || above, "{one} over {other}");
            }
        }
        for way in &layout.ways {
            assert!(way.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{way:?}");
        }
        let inside = |point: &(i32, i32)| {
            (0..=layout.size.0).contains(&point.0) && (0..=layout.size.1).contains(&point.1)
        };
        assert!(layout.centres.iter().chain(layout.ways.iter().flatten()).all(inside));
    }
}
