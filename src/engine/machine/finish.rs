//! How a run leaves memory: ended, parked for later, or a letter. In: settled nodes. Out: the last command. It must never
//! decide what to send.

use std::sync::Arc;

use super::{Command, Machine, Refresh, Turn, state::NodeState};
use crate::{
    engine::policy::Guard,
    event::{
        Code, EffectState, Fact, Instant, Letter, NodePast, Outcome, Parked, Past, Proof, Why,
        table::{RunInput, StepState},
    },
    plan::{Node, NodeId, Retry, Work},
    story::What,
    value::Value,
};

/// Of how many elements a past run keeps what was given.
const MOST_TOLD: usize = 8;

impl Machine {
    /// Sees whether anything is still under way; if not, parks or ends.
    pub(super) fn conclude(&mut self, turn: &mut Turn) {
        if self.open > self.waiting.len() {
            return;
        }
        let soonest =
            self.waiting.first().map(|(at, _)| *at).into_iter().chain(self.timed.first().map(|(at, _)| *at));
        if let Some(due) = soonest.min() {
            let held = self.waiting.iter().any(|(_, step)| self.steps[*step as usize].held);
            if held || due.since(turn.now) > self.birth.policy.park_after {
                let asked: Vec<_> = self.asked.iter().map(|(id, since)| (id.clone(), *since)).collect();
                let why = if asked.is_empty() { Why::Timer } else { Why::Until { asked } };
                self.park(why, Some(due), Vec::new(), turn);
            }
            return;
        }
        if let Some(stuck) = self.nodes.iter().position(|node| !node.state.settled()) {
            let message = "found a node that nothing moves, expected every node to settle".into();
            self.letter(stuck as NodeId, None, Code::Internal, message, None);
        }
        let letters = self.unhandled();
        match (letters.is_empty(), self.ignored()) {
            (true, Some(reason)) => self.end(Outcome::Ignored, Some(reason), turn),
            (true, None) => self.end(Outcome::Ok, None, turn),
            (false, _) => self.park_letters(turn),
        }
    }

    /// Letters that no decision behind the failure has dealt with.
    fn unhandled(&self) -> Vec<Letter> {
        let ends: Vec<NodeId> = self.ignoring().collect();
        let dealt_with = |node: &NodeId| {
            ends.iter().any(|end| self.birth.prepared.ancestors[usize::from(*end)].contains(node))
        };
        let open = |(node, letter): &&(NodeId, Letter)| letter.code == Code::InDoubt || !dealt_with(node);
        self.letters.iter().filter(open).map(|(_, letter)| letter.clone()).collect()
    }

    fn ignoring(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.birth.prepared.plan.nodes.iter().enumerate().filter_map(|(at, node)| {
            let Work::Decide(decide) = &node.work else { return None };
            let run = &self.nodes[at];
            let outcome = run.outcome.as_ref().filter(|_| run.state == NodeState::Done)?;
            decide.ignore.contains_key(outcome).then_some(at as NodeId)
        })
    }

    fn ignored(&self) -> Option<Arc<str>> {
        let first = self.ignoring().next()?;
        let plan = &self.birth.prepared.plan;
        let Work::Decide(decide) = &plan.nodes[usize::from(first)].work else { return None };
        let outcome = self.nodes[usize::from(first)].outcome.as_ref()?;
        Some(self.roots.text(plan, decide.ignore.get(outcome)?))
    }

    /// Parks with letters; a decision that lets the run come back parks it for later instead.
    pub(super) fn park_letters(&mut self, turn: &mut Turn) {
        let letters = self.unhandled();
        let since = self.retry_since.unwrap_or(turn.now);
        if let Some(retry) =
            self.retry_of_all().filter(|retry| turn.now + retry.every <= since + retry.within)
        {
            return self.park(Why::Retry { since }, Some(turn.now + retry.every), letters, turn);
        }
        self.park(Why::Letter, None, letters, turn);
    }

    /// The shortest `retry` if every letter is a decision that has one.
    fn retry_of_all(&self) -> Option<Retry> {
        let retries = self.letters.iter().map(|(node, letter)| {
            match &self.birth.prepared.plan.nodes.get(usize::from(*node))?.work {
                Work::Decide(decide) if letter.code == Code::Decided => decide.retry,
                _ => None,
            }
        });
        retries.collect::<Option<Vec<_>>>()?.into_iter().min_by_key(|retry| retry.every)
    }

    fn park(&mut self, why: Why, due: Option<Instant>, letters: Vec<Letter>, turn: &mut Turn) {
        let input = if due.is_some() { RunInput::ParkUntil } else { RunInput::ParkLetter };
        if let Ok((state, _)) = self.state.next(input) {
            self.state = state;
        }
        let mut facts: Vec<Fact> = self.freeze_writes(turn).into_iter().collect();
        facts.extend(self.freely_landed());
        let tries = self.steps.iter().filter(|step| step.tries > 0 && !step.state.is_final());
        let tries = tries.map(|step| (step.effect.clone(), step.tries)).collect();
        let doubtful = |state| matches!(state, StepState::Doubt | StepState::Looking | StepState::Unsettled);
        let doubt = self.steps.iter().any(|step| {
            (step.intent && step.state != StepState::Landed) || (doubtful(step.state) && step.child.is_none())
        });
        self.tell_end(turn, || What::Parked { due, letters: letters.clone() });
        let frozen = self.ice.is_some();
        let run = self.birth.event.id;
        facts.push(Fact::Parked(Parked { run, at: turn.now, why, due, frozen, doubt, letters, tries }));
        self.over = true;
        turn.out.push(Command::Park(facts));
    }

    /// Elements of a write that may be repeated freely and is not done as a whole: what landed need not go again.
    fn freely_landed(&self) -> Vec<Fact> {
        let landed = self.steps.iter().filter(|step| {
            step.state == StepState::Landed
                && step.request.write
                && self.nodes[usize::from(step.node)].state != NodeState::Done
                && !self.effects.contains_key(&step.effect)
                && step.child.is_none()
                && step.groups.len() == 1
        });
        landed
            .filter_map(|step| {
                let at = step.groups.first()?.first()?;
                let value = self.nodes[usize::from(step.node)].elements[*at as usize].result.clone()?.ok()?;
                let (run, effect) = (self.birth.event.id, step.effect.clone());
                Some(Fact::Landed { run, effect, by: Proof::Answer, value })
            })
            .collect()
    }

    pub(super) fn end(&mut self, outcome: Outcome, reason: Option<Arc<str>>, turn: &mut Turn) {
        let plan = Arc::clone(&self.birth.prepared.plan);
        if matches!(outcome, Outcome::Ok | Outcome::Ignored) {
            match self.state.next(RunInput::Done) {
                Ok((state, _)) => self.state = state,
                Err(illegal) => return self.broken(&illegal, turn),
            }
        }
        let give = match plan
            .give
            .as_ref()
            .filter(|_| outcome == Outcome::Ok)
            .map(|give| self.roots.map(&plan, give))
        {
            None => None,
            Some(Ok(value)) => Some(value.unwrap_or_default()),
            Some(Err(message)) => {
                self.warnings.push(format!("give: {message}").into());
                None
            }
        };
        self.tell_end(turn, || What::Ended { outcome, reason: reason.clone(), give: give.clone() });
        let nodes = (0..plan.nodes.len()).map(|node| self.node_past(&plan.nodes[node], node)).collect();
        let event = &self.birth.event;
        let past = Past {
            run: event.id,
            flow: Arc::clone(&event.flow),
            root: event.root,
            lane: Arc::clone(&event.lane),
            key: Arc::clone(&event.key),
            fact: event.fact.clone(),
            version: event.version.clone(),
            body: event.body.clone(),
            plan: plan.print,
            accepted: event.at,
            started: self.started,
            ended: turn.now,
            outcome,
            reason,
            used: match outcome {
                Outcome::Ok => self.used_hash_after(),
                Outcome::Unchanged => self.birth.last_used,
                _ => None,
            },
            give,
            nodes,
            effects: self
                .effects
                .values()
                .filter(|e| matches!(e.state, EffectState::Landed(_)))
                .cloned()
                .collect(),
            warnings: std::mem::take(&mut self.warnings),
        };
        self.over = true;
        let refresh = if outcome == Outcome::Ok { self.refresh(turn.now) } else { Refresh::default() };
        turn.out.push(Command::End { past: Box::new(past), refresh });
    }

    fn node_past(&self, node: &Node, number: usize) -> NodePast {
        let run = &self.nodes[number];
        let calls = self.steps.iter().filter(|step| usize::from(step.node) == number);
        NodePast {
            name: Arc::clone(&node.name),
            outcome: run.told(),
            took: run.took(),
            elements: run.elements.len() as u32,
            calls: if node.asks_book() { 0 } else { calls.map(|step| u32::from(step.attempt)).sum() },
            failures: run.failures.clone(),
            gave: self.roots.node(number as NodeId).map_or_else(Vec::new, |value| gave(node, value)),
        }
    }

    /// Whether the run wrote what may be old by now, or wrote what an older write may still undo: somebody must look again.
    fn refresh(&self, now: Instant) -> Refresh {
        let event = &self.birth.event;
        let policy = &self.birth.policy;
        // What is right at its time only is not done again.
        let timely = |node: &Node| node.at.as_ref().is_some_and(|at| at.late.is_some());
        let timely = self.birth.prepared.plan.nodes.iter().any(timely);
        let Some(ice) = self.ice.as_ref().filter(|_| event.latest && !timely) else {
            return Refresh::default();
        };
        let stale = ice.resumed || now.since(ice.since) > policy.stale_after;
        Refresh {
            now: stale && policy.guards.has(Guard::Refresh),
            later: self.suspect.filter(|until| *until > now && policy.guards.has(Guard::Later)),
        }
    }
}

/// What is told of what a write gave: of each element, its fields that are told.
fn gave(node: &Node, value: &Value) -> Vec<Value> {
    let tell = |value| Value::object(node.tells.iter().filter_map(|field| told_field(field, value)));
    match (&node.each, value) {
        _ if node.tells.is_empty() => Vec::new(),
        (None, value) => vec![tell(value)],
        (Some(each), Value::List(elements)) => {
            let keyed = each.by.is_some();
            let given = elements
                .iter()
                .filter_map(|element| if keyed { element.get("value") } else { Some(element) });
            given.take(MOST_TOLD).map(tell).collect()
        }
        (Some(_), _) => Vec::new(),
    }
}

/// A field of what a write gave, if it is there and short enough to be told.
fn told_field(name: &Arc<str>, value: &Value) -> Option<(Arc<str>, Value)> {
    let field = value.get(name)?;
    let is_short = field.scalar_text().is_some_and(|text| text.len() <= 80);
    is_short.then(|| (Arc::clone(name), field.clone()))
}

impl super::state::NodeRun {
    fn told(&self) -> Arc<str> {
        let word = match self.state {
            NodeState::Done => return self.outcome.clone().unwrap_or_else(|| "done".into()),
            NodeState::Skipped => "skipped",
            NodeState::Failed => "failed",
            _ => "stopped",
        };
        word.into()
    }
}

impl super::state::Step {
    pub(super) fn is_unsettled(&self) -> bool {
        self.state == StepState::Unsettled
    }
}
