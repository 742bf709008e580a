//! What is known to have happened when a node runs. In: each node's own conditions, its gates, and the outcomes of
//! decisions. Out: whether another node surely ran before it, and whether it can ever run. It must never know text,
//! types or systems.
//!
//! Skips are said, not inherited: a node runs if its own `when` and `if` hold and no gate it stands behind stopped it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The outcome of an effect whose failure somebody waits for.
pub(super) const FAILED: &str = "failed";

/// What decides whether a node runs, and what it can choose.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Nodes and the outcomes that are wanted of them.
    pub(super) when: Vec<(usize, BTreeSet<Arc<str>>)>,
    /// The text of `if:`, white space evened out.
    pub(super) condition: Option<Arc<str>>,
    /// Decisions that may stop it.
    pub(super) gates: Vec<usize>,
    /// What it can choose, if it is a decision.
    pub(super) outcomes: BTreeSet<Arc<str>>,
    /// Those of them that stop what stands behind it.
    pub(super) stops: BTreeSet<Arc<str>>,
}

/// The facts of every node of a flow.
#[derive(Debug)]
pub(super) struct Outcomes(pub(super) Vec<Facts>);

/// What is known while one node runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    allowed: BTreeMap<usize, BTreeSet<Arc<str>>>,
    held: BTreeSet<Arc<str>>,
    ran: BTreeSet<usize>,
}

impl Known {
    /// The outcome that a node surely had.
    pub(super) fn only(&self, node: usize) -> Option<&Arc<str>> {
        let allowed = self.allowed.get(&node)?;
        allowed.iter().next().filter(|_| allowed.len() == 1)
    }
}

/// Why a node may be skipped while another runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// This decision may have had another outcome (or not have run at all).
    When(usize, BTreeSet<Arc<str>>),
    /// Its `if` may not have held.
    If,
}

impl Outcomes {
    /// Takes out conditions on outcomes that are not there: those are told elsewhere.
    pub(super) fn forget_unknown(&mut self) {
        let known: Vec<BTreeSet<Arc<str>>> = (0..self.0.len()).map(|node| self.outcomes(node)).collect();
        for facts in &mut self.0 {
            facts.when.retain(|(decision, wanted)| !wanted.is_disjoint(&known[*decision]));
        }
    }

    /// What is known while `node` runs.
    pub(super) fn known(&self, node: usize) -> Known {
        let mut known = Known::default();
        self.learn(node, &mut known);
        known
    }

    /// Whether `node` surely ran, given what is known; the first doubt if not.
    pub(super) fn surely_ran(&self, node: usize, known: &Known) -> Result<(), Doubt> {
        if known.ran.contains(&node) {
            return Ok(());
        }
        let facts = &self.0[node];
        for (decision, wanted) in &facts.when {
            let sure = known.allowed.get(decision).is_some_and(|allowed| allowed.is_subset(wanted));
            let total =
                self.outcomes(*decision).is_subset(wanted) && self.surely_ran(*decision, known).is_ok();
            if !sure && !total {
                return Err(Doubt::When(*decision, wanted.clone()));
            }
        }
        match &facts.condition {
            Some(text) if !known.held.contains(text) => Err(Doubt::If),
            _ => Ok(()),
        }
    }

    /// The decision whose outcomes can never be such that `node` runs.
    pub(super) fn never(&self, node: usize) -> Option<usize> {
        let known = self.known(node);
        known.allowed.iter().find(|(_, allowed)| allowed.is_empty()).map(|(decision, _)| *decision)
    }

    /// The outcomes of a decision that stop what stands behind it.
    pub(super) fn stops(&self, node: usize) -> &BTreeSet<Arc<str>> {
        &self.0[node].stops
    }

    /// What a node can come out as: a decision's outcomes, or for an effect that it failed or not.
    fn outcomes(&self, node: usize) -> BTreeSet<Arc<str>> {
        let own = &self.0[node].outcomes;
        if own.is_empty() { [FAILED.into(), "done".into()].into() } else { own.clone() }
    }

    fn learn(&self, node: usize, known: &mut Known) {
        if !known.ran.insert(node) {
            return;
        }
        let facts = &self.0[node];
        known.held.extend(facts.condition.clone());
        for (decision, wanted) in &facts.when {
            self.narrow(*decision, known, |outcome| wanted.contains(outcome));
            self.learn(*decision, known);
        }
        // A gate that ran did not stop us. Gates are in order: an earlier one may tell that a later one ran.
        for gate in &facts.gates {
            if self.surely_ran(*gate, known).is_ok() || known.allowed.contains_key(gate) {
                let stops = &self.0[*gate].stops;
                self.narrow(*gate, known, |outcome| !stops.contains(outcome));
                self.learn(*gate, known);
            }
        }
    }

    fn narrow(&self, node: usize, known: &mut Known, keep: impl Fn(&Arc<str>) -> bool) {
        known.allowed.entry(node).or_insert_with(|| self.outcomes(node)).retain(keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &str) -> BTreeSet<Arc<str>> {
        words.split_whitespace().map(Into::into).collect()
    }

    fn decision(outcomes: &str, stops: &str) -> Facts {
        Facts { outcomes: set(outcomes), stops: set(stops), ..Facts::default() }
    }

    fn when(wanted: &[(usize, &str)]) -> Facts {
        Facts { when: wanted.iter().map(|(node, words)| (*node, set(words))).collect(), ..Facts::default() }
    }

    fn behind(gates: &[usize], facts: Facts) -> Facts {
        Facts { gates: gates.to_vec(), ..facts }
    }

    #[track_caller]
    fn ran(outcomes: &Outcomes, reader: usize, read: usize) -> bool {
        outcomes.surely_ran(read, &outcomes.known(reader)).is_ok()
    }

    #[test]
    fn conditions_imply_conditions() {
        let flow = Outcomes(vec![
            decision("a b c", ""),
            when(&[(0, "a")]),
            when(&[(0, "a")]),
            when(&[(0, "a b")]),
            Facts::default(),
            when(&[(0, "a b c")]),
        ]);
        assert!(ran(&flow, 2, 1) && ran(&flow, 1, 3) && ran(&flow, 4, 5));
        assert!(!ran(&flow, 3, 1) && !ran(&flow, 4, 1));
    }

    #[test]
    fn a_gate_tells_what_it_let_through() {
        let flow = Outcomes(vec![
            decision("ready not_yet", "not_yet"),
            behind(&[0], when(&[(0, "ready")])),
            behind(&[0], Facts::default()),
            when(&[(0, "not_yet")]),
            behind(&[0], when(&[(0, "not_yet")])),
        ]);
        assert!(ran(&flow, 2, 1), "ready is the only outcome that lets anything through");
        assert_eq!(flow.never(4), Some(0));
        assert_eq!(flow.never(3), None, "listed before the gate");
    }

    #[test]
    fn a_skipped_gate_is_open() {
        let flow = Outcomes(vec![
            decision("x y", ""),
            Facts { when: vec![(0, set("x"))], ..decision("go stop", "stop") },
            behind(&[1], when(&[(1, "go")])),
            behind(&[1], Facts::default()),
            behind(&[1], when(&[(0, "x")])),
        ]);
        assert!(!ran(&flow, 3, 2), "the gate may have been skipped");
        assert!(ran(&flow, 4, 2), "the gate ran, for its own condition held");
    }

    #[test]
    fn decisions_on_decisions_carry_what_they_know() {
        let flow = Outcomes(vec![
            decision("x y", ""),
            Facts { when: vec![(0, set("x"))], ..decision("p q", "") },
            when(&[(1, "p")]),
            when(&[(0, "x")]),
            when(&[(0, "y"), (1, "p")]),
        ]);
        assert!(ran(&flow, 2, 3), "p was chosen, so x was");
        assert!(!ran(&flow, 3, 2));
        assert_eq!(flow.never(4), Some(0), "p means x, never y");
    }

    #[test]
    fn an_if_is_known_by_its_text() {
        let text = |text: &str| Facts { condition: Some(text.into()), ..Facts::default() };
        let flow = Outcomes(vec![text("a > 1"), text("a > 1"), text("a > 2"), when(&[(0, FAILED)])]);
        assert!(ran(&flow, 1, 0) && !ran(&flow, 2, 0));
        assert!(ran(&flow, 3, 0), "to fail it must have run");
    }
}
