//! Order, cycles, reach and dominators of small directed graphs. In: how many points there are and which needs which.
//! Out: numbers of points. It must never know what a point stands for.

use std::{cmp::Reverse, collections::BinaryHeap};

use petgraph::{
    algo::{dominators, tarjan_scc},
    graph::{DiGraph, NodeIndex},
    visit::{Dfs, Reversed},
};

/// Points `0..count` in reading order; an edge runs from what is needed to what needs it.
#[derive(Clone, Debug)]
pub struct Graph(DiGraph<(), ()>);

impl Graph {
    /// A graph of that many points and no edges.
    pub fn new(count: usize) -> Self {
        let mut inner = DiGraph::with_capacity(count, count * 2);
        for _ in 0..count {
            inner.add_node(());
        }
        Self(inner)
    }

    /// `point` comes after `needed`. The same edge twice is one edge.
    pub fn need(&mut self, point: usize, needed: usize) {
        self.0.update_edge(NodeIndex::new(needed), NodeIndex::new(point), ());
    }

    /// Whether `point` needs `needed` directly.
    pub fn needs(&self, point: usize, needed: usize) -> bool {
        self.0.contains_edge(NodeIndex::new(needed), NodeIndex::new(point))
    }

    /// Every point after all it needs; among those that could come next, the first in reading order does. None if
    /// points need one another in a circle.
    pub fn order(&self) -> Option<Vec<usize>> {
        let count = self.0.node_count();
        let mut missing: Vec<usize> = (0..count).map(|point| self.needed(point).count()).collect();
        let mut ready: BinaryHeap<Reverse<usize>> = missing
            .iter()
            .enumerate()
            .filter(|(_, missing)| **missing == 0)
            .map(|(point, _)| Reverse(point))
            .collect();
        let mut order = Vec::with_capacity(count);
        while let Some(Reverse(point)) = ready.pop() {
            order.push(point);
            for next in self.needing(point) {
                missing[next] -= 1;
                if missing[next] == 0 {
                    ready.push(Reverse(next));
                }
            }
        }
        (order.len() == count).then_some(order)
    }

    /// One shortest circle for every knot of points that need one another, each from its first point in reading order
    /// along "needs": each point needs the next, the last needs the first.
    pub fn cycles(&self) -> Vec<Vec<usize>> {
        let mut cycles: Vec<_> = tarjan_scc(&self.0)
            .into_iter()
            .filter_map(|knot| {
                let mut members: Vec<usize> = knot.into_iter().map(NodeIndex::index).collect();
                members.sort_unstable();
                members.iter().filter_map(|point| self.circle_through(*point)).min_by_key(Vec::len)
            })
            .collect();
        cycles.sort_unstable();
        cycles
    }

    /// The shortest way from a point along "needs" back to itself.
    fn circle_through(&self, start: usize) -> Option<Vec<usize>> {
        let mut came_from = vec![None; self.0.node_count()];
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(point) = queue.pop_front() {
            let mut needed: Vec<_> = self.needed(point).collect();
            needed.sort_unstable();
            for next in needed {
                if next == start {
                    return Some(way_back(&came_from, point));
                }
                if came_from[next].is_none() {
                    came_from[next] = Some(point);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// All points that `point` needs, directly or through others; not itself, unless it stands in a circle.
    pub fn all_needed(&self, point: usize) -> Vec<bool> {
        let mut seen = vec![false; self.0.node_count()];
        let reversed = Reversed(&self.0);
        for first in self.needed(point) {
            let mut walk = Dfs::new(reversed, NodeIndex::new(first));
            while let Some(found) = walk.next(reversed) {
                seen[found.index()] = true;
            }
        }
        seen
    }

    /// All points that are needed by one of `points`, those themselves included.
    pub fn reach(&self, points: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut seen = vec![false; self.0.node_count()];
        for point in points {
            for (at, needed) in self.all_needed(point).into_iter().enumerate() {
                seen[at] |= needed;
            }
            seen[point] = true;
        }
        seen
    }

    /// The point that every way from `root` to `point` goes through last, if `root` leads there.
    pub fn dominator(&self, root: usize, point: usize) -> Option<usize> {
        let all = dominators::simple_fast(&self.0, NodeIndex::new(root));
        all.immediate_dominator(NodeIndex::new(point)).map(NodeIndex::index)
    }

    /// What `point` needs directly.
    pub fn needed(&self, point: usize) -> impl Iterator<Item = usize> {
        self.0.neighbors_directed(NodeIndex::new(point), petgraph::Incoming).map(NodeIndex::index)
    }

    /// What needs `point` directly.
    pub fn needing(&self, point: usize) -> impl Iterator<Item = usize> {
        self.0.neighbors_directed(NodeIndex::new(point), petgraph::Outgoing).map(NodeIndex::index)
    }
}

fn way_back(came_from: &[Option<usize>], end: usize) -> Vec<usize> {
    let mut way: Vec<_> = std::iter::successors(Some(end), |point| came_from[*point]).collect();
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(count: usize, needs: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::new(count);
        for (point, needed) in needs {
            graph.need(*point, *needed);
        }
        graph
    }

    #[test]
    fn order_is_reading_order_where_edges_allow() {
        for (count, needs, order) in [
            (3, &[][..], vec![0, 1, 2]),
            (3, &[(0, 2)], vec![1, 2, 0]),
            (4, &[(0, 3), (1, 0)], vec![2, 3, 0, 1]),
            (4, &[(3, 0), (3, 1), (3, 0)], vec![0, 1, 2, 3]),
        ] {
            assert_eq!(graph(count, needs).order(), Some(order), "{needs:?}");
        }
        assert_eq!(graph(2, &[(0, 1), (1, 0)]).order(), None);
    }

    #[test]
    fn each_knot_shows_its_shortest_circle() {
        let knots = graph(7, &[(0, 1), (1, 2), (2, 0), (2, 1), (4, 4), (5, 6)]);
        assert_eq!(knots.cycles(), [vec![1, 2], vec![4]]);
        assert_eq!(graph(3, &[(0, 2), (2, 1), (1, 0)]).cycles(), [vec![0, 2, 1]]);
        assert!(graph(3, &[(1, 0)]).cycles().is_empty());
    }

    #[test]
    fn reach_follows_needs() {
        let chain = graph(5, &[(1, 0), (2, 1), (4, 3)]);
        assert_eq!(chain.all_needed(2), [true, true, false, false, false]);
        assert_eq!(chain.reach([1, 4]), [true, true, false, true, true]);
    }

    #[test]
    fn a_dominator_stands_on_every_way() {
        let diamond = graph(5, &[(1, 0), (2, 0), (3, 1), (3, 2), (4, 3)]);
        assert_eq!(diamond.dominator(0, 3), Some(0));
        assert_eq!(diamond.dominator(0, 4), Some(3));
        assert_eq!(diamond.dominator(1, 2), None);
    }
}
