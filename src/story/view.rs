//! One run, folded for people. In: live events, or a past run, or an open one. Out: [`RunView`]. It must never know where
//! facts are kept.

use std::sync::Arc;

use super::{Live, What};
use crate::{
    event::{Class, EffectId, EffectState, Event, Fact, Instant, Letter, Outcome, Past, RunId, Why},
    value::{Hash, Value},
};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for its lane.
    Waiting,
    /// It runs.
    Running,
    /// It comes back by itself.
    Parked {
        /// When.
        due: Instant,
    },
    /// A person must look.
    Letter,
    /// It is over.
    Ended(Outcome),
}

/// A run as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    /// The run.
    pub run: RunId,
    /// Its flow.
    pub flow: Arc<str>,
    /// What it is about.
    pub key: Arc<str>,
    /// How it stands.
    pub state: State,
    /// When its event was taken.
    pub accepted: Instant,
    /// When it began, if it did.
    pub started: Option<Instant>,
    /// When it last changed.
    pub at: Instant,
    /// The version of the flow that it ran by or is bound to, if that is known.
    pub plan: Option<Hash>,
    /// Whether it holds frozen values.
    pub frozen: bool,
    /// Why it is parked, if it is.
    pub why: Option<Why>,
    /// Its nodes, in order.
    pub nodes: Vec<NodeView>,
    /// Reasons of a dead letter.
    pub letters: Vec<Letter>,
    /// Of a run that is not over, the effects that are remembered, and how each stands.
    pub effects: Vec<(EffectId, EffectState)>,
    /// Warnings told on the way.
    pub warnings: Vec<Arc<str>>,
    /// What is told of the outcome.
    pub reason: Option<Arc<str>>,
    /// What a child gave.
    pub give: Option<Value>,
}

/// A node as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    /// Its name.
    pub name: Arc<str>,
    /// `waiting`, `running`, `done`, `skipped`, `stopped`, `failed`, or a decision's outcome.
    pub outcome: Arc<str>,
    /// Milliseconds from start to end.
    pub took: u32,
    /// Elements of an `each`; 1 without.
    pub elements: u32,
    /// Requests that left.
    pub calls: u32,
    /// How requests failed on the way, and how often each way.
    pub failures: Vec<(Class, u32)>,
    /// The last failure, while it is tried again.
    pub trouble: Option<Arc<str>>,
    /// What it gave, if it was watched.
    pub value: Option<Value>,
    /// Of a write of a run that is over, what is told of what it gave; an element each.
    pub gave: Vec<Value>,
}

impl NodeView {
    fn waiting(name: Arc<str>) -> Self {
        Self {
            name,
            outcome: "waiting".into(),
            took: 0,
            elements: 0,
            calls: 0,
            failures: Vec::new(),
            trouble: None,
            value: None,
            gave: Vec::new(),
        }
    }
}

impl RunView {
    /// A run that has just been heard of.
    pub fn new(live: &Live) -> Self {
        Self::waiting(live.run, &live.flow, &live.key, live.at)
    }

    fn waiting(run: RunId, flow: &Arc<str>, key: &Arc<str>, at: Instant) -> Self {
        Self {
            run,
            flow: Arc::clone(flow),
            key: Arc::clone(key),
            state: State::Waiting,
            accepted: at,
            started: None,
            at,
            plan: None,
            frozen: false,
            why: None,
            nodes: Vec::new(),
            letters: Vec::new(),
            effects: Vec::new(),
            warnings: Vec::new(),
            reason: None,
            give: None,
        }
    }

    /// A run that is over.
    pub fn of_past(past: &Past) -> Self {
        let nodes = past.nodes.iter().map(|node| NodeView {
            outcome: Arc::clone(&node.outcome),
            took: node.took,
            elements: node.elements,
            calls: node.calls,
            failures: node.failures.clone(),
            gave: node.gave.clone(),
            ..NodeView::waiting(Arc::clone(&node.name))
        });
        Self {
            state: State::Ended(past.outcome),
            started: Some(past.started),
            at: past.ended,
            plan: Some(past.plan),
            nodes: nodes.collect(),
            warnings: past.warnings.clone(),
            reason: past.reason.clone(),
            give: past.give.clone(),
            ..Self::waiting(past.run, &past.flow, &past.key, past.accepted)
        }
    }

    /// A run that is not over, from its event and what else is known of it. Whether one that is not parked runs or waits for
    /// its lane is not written anywhere: the caller says.
    pub fn of_open(event: &Event, facts: &[Fact], running: bool) -> Self {
        let mut view = Self::waiting(event.id, &event.flow, &event.key, event.at);
        if running {
            view.state = State::Running;
        }
        for fact in facts {
            match fact {
                Fact::Froze(froze) => {
                    (view.frozen, view.plan, view.started) = (true, Some(froze.plan), Some(froze.started));
                }
                Fact::Intent(intent) => view.effect(&intent.effect, EffectState::Doubt),
                Fact::Landed { effect, value, .. } => {
                    view.effect(effect, EffectState::Landed(value.clone()));
                }
                Fact::Absent { effect, .. } => view.effect(effect, EffectState::Absent),
                Fact::Parked(parked) => {
                    view.state = parked.due.map_or(State::Letter, |due| State::Parked { due });
                    (view.at, view.why) = (parked.at, Some(parked.why.clone()));
                    view.letters.clone_from(&parked.letters);
                }
                _ => {}
            }
        }
        view
    }

    fn effect(&mut self, id: &EffectId, state: EffectState) {
        match self.effects.iter_mut().find(|(known, _)| known == id) {
            Some((_, known)) => *known = state,
            None => self.effects.push((id.clone(), state)),
        }
    }

    /// Takes one live event of this run.
    pub fn hear(&mut self, live: &Live) {
        self.at = live.at;
        match &live.what {
            What::Accepted => {}
            What::Merged { into } => {
                self.state = State::Ended(Outcome::Superseded);
                self.reason = Some(format!("run {into} stands for it").into());
            }
            What::Started { nodes, resumed } => {
                self.state = State::Running;
                self.started.get_or_insert(live.at);
                self.frozen |= resumed;
                self.letters.clear();
                self.nodes = nodes.iter().map(|name| NodeView::waiting(Arc::clone(name))).collect();
            }
            What::NodeStarted { node } => self.with(node, |view| view.outcome = "running".into()),
            What::NodeEnded { node, outcome, elements, took, value } => self.with(node, |view| {
                view.outcome = Arc::clone(outcome);
                (view.elements, view.took) = (*elements, *took);
                view.trouble = None;
                view.value.clone_from(value);
            }),
            What::Called { node, .. } => self.with(node, |view| view.calls += 1),
            What::Failed { node, class, message, .. } => self.with(node, |view| {
                view.trouble = Some(Arc::clone(message));
                match view.failures.iter_mut().find(|(known, _)| known == class) {
                    Some((_, count)) => *count += 1,
                    None => view.failures.push((*class, 1)),
                }
            }),
            What::Warned { node, message } => self.warnings.push(format!("{node}: {message}").into()),
            What::Frozen => self.frozen = true,
            What::Parked { due, letters } => {
                self.state = due.map_or(State::Letter, |due| State::Parked { due });
                self.letters.clone_from(letters);
            }
            What::Ended { outcome, reason, give } => {
                self.state = State::Ended(*outcome);
                self.reason.clone_from(reason);
                self.give.clone_from(give);
            }
        }
    }

    fn with(&mut self, name: &str, change: impl FnOnce(&mut NodeView)) {
        if let Some(node) = self.nodes.iter_mut().find(|node| &*node.name == name) {
            change(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(at: u64, what: What) -> Live {
        Live { run: crate::event::EventId(7), flow: "orders".into(), key: "42".into(), at: Instant(at), what }
    }

    #[test]
    fn live_events_become_a_run_as_people_see_it() {
        let node: Arc<str> = "order".into();
        let story = [
            live(1, What::Accepted),
            live(2, What::Started { nodes: [Arc::clone(&node), "tag".into()].into(), resumed: false }),
            live(3, What::NodeStarted { node: Arc::clone(&node) }),
            live(4, What::Called { node: Arc::clone(&node), operation: "get".into(), attempt: 1 }),
            live(9, What::NodeEnded { node, outcome: "done".into(), elements: 1, took: 6, value: None }),
            live(10, What::Parked { due: Some(Instant(99)), letters: Vec::new() }),
        ];
        let mut view = RunView::new(&story[0]);
        story.iter().for_each(|live| view.hear(live));
        assert_eq!(view.state, State::Parked { due: Instant(99) });
        assert_eq!((view.accepted, view.started), (Instant(1), Some(Instant(2))));
        let nodes: Vec<_> =
            view.nodes.iter().map(|node| (&*node.name, &*node.outcome, node.calls, node.took)).collect();
        assert_eq!(nodes, [("order", "done", 1, 6), ("tag", "waiting", 0, 0)]);
    }
}
