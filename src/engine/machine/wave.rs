//! Waves: every node whose needs are settled starts. In: the states of nodes. Out: nodes started, skipped or stopped. It must
//! never know how a step is sent.

use std::sync::Arc;

use super::{Command, Machine, Turn, state::NodeState};
use crate::{
    engine::prepared::is_write,
    event::Code,
    plan::{NodeId, Work},
    story::{Watched, What},
};

/// What to do with a node.
enum Verdict {
    /// Something it needs is not settled.
    Wait,
    /// Its conditions do not hold.
    Skip,
    /// A gate or a failure stops it.
    Stop,
    /// It goes.
    Go,
}

impl Machine {
    /// Starts all that can start, then sees whether the run is over.
    pub(super) fn advance(&mut self, turn: &mut Turn) {
        loop {
            let mut moved = false;
            for node in 0..self.nodes.len() as NodeId {
                if !self.over
                    && matches!(self.nodes[usize::from(node)].state, NodeState::Waiting | NodeState::Held)
                {
                    moved |= self.consider(node, turn);
                }
            }
            if self.over {
                return;
            }
            if !self.barrier && self.all_known() {
                if self.is_unchanged(turn) {
                    return;
                }
                moved = true;
            }
            if !moved {
                break;
            }
        }
        self.conclude(turn);
    }

    /// Whether every node that does not depend on a write is settled.
    fn all_known(&self) -> bool {
        self.nodes
            .iter()
            .zip(&self.birth.prepared.downstream)
            .all(|(node, after)| *after || node.state.settled())
    }

    /// Moves a node that has not begun, if it can move.
    fn consider(&mut self, id: NodeId, turn: &mut Turn) -> bool {
        match self.verdict(id) {
            Verdict::Wait => return false,
            Verdict::Skip => self.settle_as(id, NodeState::Skipped, turn),
            Verdict::Stop => self.settle_as(id, NodeState::Stopped, turn),
            Verdict::Go => {
                let prepared = Arc::clone(&self.birth.prepared);
                let node = &prepared.plan.nodes[usize::from(id)];
                if is_write(node) && !self.barrier {
                    self.nodes[usize::from(id)].state = NodeState::Held;
                    return false;
                }
                match self.waits_for(id, turn) {
                    Ok(false) => {}
                    Ok(true) => {
                        self.nodes[usize::from(id)].state = NodeState::Held;
                        return false;
                    }
                    Err((code, message)) => {
                        self.fail_node(id, code, message, turn);
                        return true;
                    }
                }
                let goes = node.condition.as_ref().map_or(Ok(true), |c| self.roots.truth(&prepared.plan, c));
                match goes {
                    Ok(true) => self.start(id, turn),
                    Ok(false) => self.settle_as(id, NodeState::Skipped, turn),
                    Err(message) => self.fail_node(id, Code::Expression, message, turn),
                }
            }
        }
        true
    }

    fn verdict(&self, id: NodeId) -> Verdict {
        let node = &self.birth.prepared.plan.nodes[usize::from(id)];
        let state = |need: NodeId| &self.nodes[usize::from(need)].state;
        if !node.needs.iter().all(|need| state(*need).settled()) {
            return Verdict::Wait;
        }
        for gate in &node.gates {
            match state(*gate) {
                NodeState::Failed | NodeState::Stopped => return Verdict::Stop,
                NodeState::Done if self.fired(*gate) => return Verdict::Stop,
                _ => {}
            }
        }
        let mut stop = false;
        for (on, outcomes) in &node.when {
            let wants = |outcome: &str| outcomes.iter().any(|wanted| &**wanted == outcome);
            match state(*on) {
                NodeState::Failed if wants("failed") => {}
                NodeState::Failed | NodeState::Stopped => stop = true,
                NodeState::Done
                    if wants(self.nodes[usize::from(*on)].outcome.as_deref().unwrap_or("done")) => {}
                _ => return Verdict::Skip,
            }
        }
        let caught = |need: &NodeId| node.when.iter().any(|(on, _)| on == need);
        stop |= node
            .needs
            .iter()
            .any(|need| matches!(state(*need), NodeState::Failed | NodeState::Stopped) && !caught(need));
        if stop { Verdict::Stop } else { Verdict::Go }
    }

    /// Whether a decision's outcome closes its gate.
    pub(super) fn fired(&self, id: NodeId) -> bool {
        let Work::Decide(decide) = &self.birth.prepared.plan.nodes[usize::from(id)].work else {
            return false;
        };
        let outcome = self.nodes[usize::from(id)].outcome.as_ref();
        outcome
            .is_some_and(|outcome| decide.ignore.contains_key(outcome) || decide.reject.contains_key(outcome))
    }

    /// Settles a node that did not run.
    pub(super) fn settle_as(&mut self, id: NodeId, state: NodeState, turn: &mut Turn) {
        if state == NodeState::Skipped {
            self.roots.skip(id);
        }
        let outcome = match state {
            NodeState::Skipped => "skipped",
            NodeState::Failed => "failed",
            _ => "stopped",
        };
        let run = &mut self.nodes[usize::from(id)];
        if matches!(run.state, NodeState::Waiting | NodeState::Held) {
            run.began = turn.now; // it never began: it took no time
        }
        run.state = state;
        run.ended = turn.now;
        self.tell_ended(id, outcome.into(), turn);
    }

    /// Tells that a node is settled.
    pub(super) fn tell_ended(&self, id: NodeId, outcome: Arc<str>, turn: &mut Turn) {
        if self.birth.watched == Watched::Closely {
            let run = &self.nodes[usize::from(id)];
            turn.out.push(Command::Tell(What::NodeEnded {
                node: Arc::clone(&self.birth.prepared.plan.nodes[usize::from(id)].name),
                outcome,
                elements: run.elements.len() as u32,
                took: run.took(),
                value: self.roots.node(id).cloned(),
            }));
        }
    }
}
