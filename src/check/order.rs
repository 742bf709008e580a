//! In which order nodes may run, and which gates they stand behind. In: who mentions, waits for or asks whom. Out: an
//! order, the gates of each node, and circles. It must never know text or types.

use std::collections::BTreeSet;

use crate::graph::Graph;

/// What a node waits for, by place in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    /// Nodes whose value it reads.
    pub(super) mentions: BTreeSet<usize>,
    /// Nodes of `after:`.
    pub(super) after: BTreeSet<usize>,
    /// Nodes of `when:`.
    pub(super) when: BTreeSet<usize>,
    /// Whether an outcome of it stops what stands behind it.
    pub(super) gate: bool,
}

/// The nodes of a flow in order.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Places in the file, each after all it needs.
    pub(super) places: Vec<usize>,
    /// By place in the file: the gates it stands behind, in the order of the file.
    pub(super) gates: Vec<Vec<usize>>,
    /// Nodes that need one another; each needs the next, the last the first. If there are any, `places` is the file's.
    pub(super) cycles: Vec<Vec<usize>>,
}

/// Orders nodes: every node after all it mentions, waits for or asks, and after every gate listed before it, save the
/// nodes the gate itself needs.
pub(super) fn arrange(edges: &[Edges]) -> Order {
    let mut graph = Graph::new(edges.len());
    for (node, own) in edges.iter().enumerate() {
        for needed in own.mentions.iter().chain(&own.after).chain(&own.when) {
            graph.need(node, *needed);
        }
    }
    let cycles = graph.cycles();
    if !cycles.is_empty() {
        return Order { places: (0..edges.len()).collect(), gates: vec![Vec::new(); edges.len()], cycles };
    }
    let mut gates = vec![Vec::new(); edges.len()];
    for gate in (0..edges.len()).filter(|node| edges[*node].gate) {
        let needed = graph.all_needed(gate);
        for node in (gate + 1..edges.len()).filter(|node| !needed[*node]) {
            graph.need(node, gate);
            gates[node].push(gate);
        }
    }
    // No circle can come in: an edge is added only to what the gate does not need.
    Order { places: graph.order().unwrap_or_default(), gates, cycles }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions(of: &[usize]) -> Edges {
        Edges { mentions: of.iter().copied().collect(), ..Edges::default() }
    }

    fn gate(of: &[usize]) -> Edges {
        Edges { gate: true, ..mentions(of) }
    }

    #[test]
    fn a_gate_holds_what_is_listed_after_it() {
        let order = arrange(&[mentions(&[]), gate(&[0, 3]), mentions(&[]), mentions(&[]), mentions(&[0])]);
        assert_eq!(order.gates, [vec![], vec![], vec![1], vec![], vec![1]], "3 is needed by the gate itself");
        assert_eq!(order.places, [0, 3, 1, 2, 4]);
    }

    #[test]
    fn gates_that_need_later_nodes_make_no_circle() {
        let order = arrange(&[gate(&[2]), gate(&[]), mentions(&[])]);
        assert_eq!(
            order.gates,
            [vec![], vec![0], vec![]],
            "the first gate needs node 2, so the second must not hold it"
        );
        assert_eq!(order.places, [2, 0, 1]);
    }

    #[test]
    fn circles_are_told() {
        let order = arrange(&[mentions(&[2]), mentions(&[0]), mentions(&[1])]);
        assert_eq!(order.cycles, [vec![0, 2, 1]]);
    }
}
