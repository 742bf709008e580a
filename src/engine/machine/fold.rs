//! A machine from its facts. In: the facts of one run. Out: what is held, what was done, what is in doubt. It must never look
//! at anything but facts.

use super::{Ice, Machine, run_of, state::NodeState};
use crate::{
    engine::policy::Guard,
    event::{Effect, EffectState, Fact, Froze, Kept, Why, table::RunState},
    plan::Slots,
    value::Value,
};

impl Machine {
    pub(super) fn fold(&mut self) {
        let guards = self.birth.policy.guards;
        let mine = self.birth.event.id;
        for effect in std::mem::take(&mut self.birth.effects) {
            if effect.run == mine || guards.has(Guard::CarryOver) {
                self.effects.insert(effect.id.clone(), effect);
            }
        }
        for fact in std::mem::take(&mut self.birth.facts) {
            match fact {
                Fact::Froze(froze) => self.fold_froze(froze),
                Fact::Intent(intent) => {
                    let state =
                        if guards.has(Guard::Doubt) { EffectState::Doubt } else { EffectState::Absent };
                    let effect = Effect {
                        run: mine,
                        id: intent.effect.clone(),
                        hash: intent.hash,
                        key: intent.key,
                        first: intent.first,
                        at: intent.at,
                        state,
                    };
                    self.effects.insert(intent.effect, effect);
                }
                Fact::Landed { effect, value, .. } => self.fold_landed(effect, value),
                Fact::Absent { effect, .. } => {
                    if let Some(known) = self.effects.get_mut(&effect) {
                        known.state = EffectState::Absent;
                    }
                }
                Fact::Parked(parked) => {
                    self.tries.extend(parked.tries);
                    match parked.why {
                        Why::Retry { since } => self.retry_since = Some(since),
                        Why::Until { asked } => self.asked = asked.into_iter().collect(),
                        Why::Timer | Why::Letter | Why::Later => {}
                    }
                }
                Fact::Reopened { .. } => {
                    self.tries.clear();
                    self.retry_since = None;
                    self.asked.clear();
                }
                Fact::Accepted(_)
                | Fact::Merged { .. }
                | Fact::Ended(_)
                | Fact::Watermark(_)
                | Fact::Noted(_)
                | Fact::Ordered { .. }
                | Fact::Erased { .. } => {}
            }
        }
    }

    fn fold_landed(&mut self, id: crate::event::EffectId, value: Value) {
        let mine = self.birth.event.id;
        let at = self.started;
        let effect = self.effects.entry(id.clone()).or_insert_with(|| Effect {
            run: mine,
            id,
            hash: Value::Null.hash(),
            key: None,
            first: at,
            at,
            state: EffectState::Absent,
        });
        effect.run = mine;
        effect.state = EffectState::Landed(value);
    }

    fn fold_froze(&mut self, froze: Froze) {
        let ice = self.ice.get_or_insert_with(|| Ice {
            next: 0,
            slots: std::collections::BTreeSet::new(),
            since: froze.at,
            resumed: true,
        });
        ice.next = froze.n + 1;
        // A write of the earlier life may still be on its way.
        self.suspect = Some(self.born + self.birth.policy.settle);
        self.state = RunState::Frozen;
        self.started = froze.started;
        self.roots.set(Slots::RUN, run_of(&self.birth.event, froze.started));
        if !self.birth.policy.guards.has(Guard::FrozenReads) {
            return;
        }
        for (slot, kept) in froze.slots {
            let Some(node) = self.birth.prepared.node_of(slot) else { continue };
            ice.slots.insert(slot);
            let run = &mut self.nodes[usize::from(node)];
            match kept {
                Kept::Value(value) => {
                    run.state = NodeState::Done;
                    run.outcome = decided(&self.birth.prepared, node, &value);
                    self.roots.set(slot, value);
                }
                Kept::Apart(done, failed) => {
                    run.state = NodeState::Done;
                    self.roots.set_apart(node, done, failed);
                }
                Kept::Skipped => {
                    run.state = NodeState::Skipped;
                    self.roots.skip(node);
                }
                Kept::Failed => run.state = NodeState::Failed,
            }
        }
    }
}

fn decided(
    prepared: &crate::engine::Prepared,
    node: crate::plan::NodeId,
    value: &Value,
) -> Option<std::sync::Arc<str>> {
    match (&prepared.plan.nodes[usize::from(node)].work, value) {
        (crate::plan::Work::Decide(_), Value::Text(text)) => Some(std::sync::Arc::clone(text)),
        _ => None,
    }
}
