//! What is open, as a fold of facts. The store in memory keeps just this; the other stores are tested against it.

use std::collections::BTreeMap;

use crate::event::{Effect, EffectState, Event, Fact, Froze, Intent, Parked, RunId};

/// An event or run that is not over, with what it needs to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRun {
    /// Its event.
    pub event: Event,
    /// What its writes depend on, in order; empty: never frozen, it starts afresh.
    pub froze: Vec<Froze>,
    /// Its effects that may not be repeated freely, by node and element.
    pub effects: Vec<Effect>,
    /// If it left memory: why, and until when.
    pub parked: Option<Parked>,
}

/// The open runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Open(BTreeMap<RunId, OpenRun>);

impl Open {
    /// Takes a fact in.
    pub(super) fn fold(&mut self, fact: &Fact) {
        match fact {
            Fact::Accepted(event) => {
                let run =
                    OpenRun { event: event.clone(), froze: Vec::new(), effects: Vec::new(), parked: None };
                self.0.insert(event.id, run);
            }
            Fact::Merged { old, .. } => drop(self.0.remove(old)),
            Fact::Froze(froze) => self.change(froze.run, |run| run.froze.push(froze.clone())),
            Fact::Intent(intent) => self.change(intent.run, |run| intend(&mut run.effects, intent)),
            Fact::Landed { run, effect, value, .. } => {
                self.change(*run, |open| {
                    settle(&mut open.effects, effect, &EffectState::Landed(value.clone()))
                });
            }
            Fact::Absent { run, effect } => {
                self.change(*run, |open| settle(&mut open.effects, effect, &EffectState::Absent));
            }
            Fact::Parked(parked) => self.change(parked.run, |run| run.parked = Some(parked.clone())),
            Fact::Reopened { run, .. } => self.change(*run, |open| open.parked = None),
            Fact::Ended(past) => drop(self.0.remove(&past.run)),
            Fact::Watermark(_) => {}
        }
    }

    /// The open runs, oldest first.
    pub(super) fn runs(&self) -> Vec<OpenRun> {
        self.0.values().cloned().collect()
    }

    /// One of them.
    pub(super) fn get(&self, run: RunId) -> Option<&OpenRun> {
        self.0.get(&run)
    }

    fn change(&mut self, run: RunId, change: impl FnOnce(&mut OpenRun)) {
        if let Some(open) = self.0.get_mut(&run) {
            change(open);
        }
    }
}

fn intend(effects: &mut Vec<Effect>, intent: &Intent) {
    let effect = Effect {
        run: intent.run,
        id: intent.effect.clone(),
        hash: intent.hash,
        key: intent.key.clone(),
        first: intent.first,
        at: intent.at,
        state: EffectState::Doubt,
    };
    match effects.binary_search_by(|known| known.id.cmp(&effect.id)) {
        Ok(at) => effects[at] = effect,
        Err(at) => effects.insert(at, effect),
    }
}

fn settle(effects: &mut [Effect], id: &crate::event::EffectId, state: &EffectState) {
    if let Some(effect) = effects.iter_mut().find(|effect| effect.id == *id) {
        effect.state = state.clone();
    }
}
