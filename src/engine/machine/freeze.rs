//! Output commit: what a write depends on is held before it leaves. In: a write that is ready. Out: `Froze` facts, the hash of
//! what a run uses. It must never know how long durability takes.

use std::{collections::BTreeSet, sync::Arc};

use super::{Ice, Machine, Turn, state::NodeState};
use crate::{
    engine::scope::Held,
    event::{
        Fact, Froze, Kept, Outcome,
        table::{Illegal, RunInput},
    },
    plan::{Call, NodeId, Slot, Slots, Work},
    story::What,
    value::{Feed, Hash, Keep as Used, Value},
};

impl Machine {
    /// The facts that must be durable before a write of this node may leave: nothing if all is held already.
    pub(super) fn freeze(&mut self, node: NodeId, turn: &mut Turn) -> Result<Option<Fact>, Illegal> {
        let wanted: Vec<Slot> =
            self.birth.prepared.plan.nodes[usize::from(node)].freeze.keys().copied().collect();
        let slots = self.slots(wanted);
        match (&self.ice, slots.is_empty()) {
            (None, _) => {
                self.state = self.state.next(RunInput::WriteReady)?.0;
                self.tell(turn, || What::Frozen);
            }
            (Some(_), false) => self.state = self.state.next(RunInput::SliceGrew)?.0,
            (Some(_), true) => return Ok(None),
        }
        Ok(Some(self.froze(slots, turn)))
    }

    /// At a park, results of writes are held too: a letter retried goes on behind them.
    pub(super) fn freeze_writes(&mut self, turn: &mut Turn) -> Option<Fact> {
        self.ice.as_ref()?;
        let prepared = Arc::clone(&self.birth.prepared);
        let writes = prepared.plan.nodes.iter().enumerate().filter(|(_, node)| super::super::is_write(node));
        let wanted = writes.map(|(at, _)| prepared.slot(at as NodeId)).collect();
        let slots: Vec<_> = self
            .slots(wanted)
            .into_iter()
            .filter(|(_, kept)| matches!(kept, Kept::Value(_) | Kept::Apart(..)))
            .collect();
        if slots.is_empty() {
            return None;
        }
        Some(self.froze(slots, turn))
    }

    /// Those of the slots that are not yet held, pruned to what is used.
    fn slots(&self, wanted: Vec<Slot>) -> Vec<(Slot, Kept)> {
        let held = self.ice.as_ref().map(|ice| &ice.slots);
        wanted
            .into_iter()
            .filter(|slot| held.is_none_or(|held| !held.contains(slot)))
            .filter_map(|slot| {
                let node = self.birth.prepared.node_of(slot)?;
                let kept = match self.nodes[usize::from(node)].state {
                    NodeState::Done => self.pruned(slot)?,
                    NodeState::Skipped => Kept::Skipped,
                    NodeState::Failed => Kept::Failed,
                    _ => return None,
                };
                Some((slot, kept))
            })
            .collect()
    }

    fn pruned(&self, slot: Slot) -> Option<Kept> {
        let keep = self.birth.prepared.kept.get(&slot).unwrap_or(&Used::Nothing);
        match self.roots.get(slot) {
            Held::Value(value) => Some(Kept::Value(keep.prune(value))),
            Held::Apart(done, failed) => Some(Kept::Apart(keep.prune(done), failed.clone())),
            Held::Unset | Held::Skipped => None,
        }
    }

    fn froze(&mut self, slots: Vec<(Slot, Kept)>, turn: &Turn) -> Fact {
        let ice = self.ice.get_or_insert_with(|| Ice {
            next: 0,
            slots: BTreeSet::new(),
            since: turn.now,
            resumed: false,
        });
        ice.slots.extend(slots.iter().map(|(slot, _)| *slot));
        let n = ice.next;
        ice.next += 1;
        Fact::Froze(Froze {
            run: self.birth.event.id,
            n,
            plan: self.birth.prepared.plan.print,
            started: self.started,
            at: turn.now,
            slots,
        })
    }

    /// The hash of all that the writes use and that does not come from a write (decision R1), as it was read.
    fn used_hash(&self) -> Option<Hash> {
        self.hash_of(|_, value| value.clone())
    }

    /// The same, as it will be read the next time: with what this run wrote back into records that it read. So the echo of our
    /// own write changes nothing, while anybody else's change of the same field does.
    pub(super) fn used_hash_after(&self) -> Option<Hash> {
        let plan = &self.birth.prepared.plan;
        let mut written: Vec<(Slot, &[Arc<str>], Value)> = Vec::new();
        for (at, node) in plan.nodes.iter().enumerate().filter(|(_, node)| node.each.is_none()) {
            let Work::Call(Call { with, changes: Some((read, fields)), .. }) = &node.work else { continue };
            if self.nodes[at].state != NodeState::Done {
                continue;
            }
            let Ok(sent) = self.roots.with_of(plan, with) else { continue };
            let slot = self.birth.prepared.slot(*read);
            written.extend(
                fields.iter().filter_map(|(name, path)| Some((slot, &**path, sent.get(name)?.clone()))),
            );
        }
        self.hash_of(|slot, value| {
            let own = written.iter().filter(|(of, ..)| *of == slot);
            own.fold(value.clone(), |value, (_, path, new)| with_at(&value, path, new))
        })
    }

    fn hash_of(&self, seen: impl Fn(Slot, &Value) -> Value) -> Option<Hash> {
        let prepared = &self.birth.prepared;
        if !prepared.writes || !self.birth.event.latest {
            return None;
        }
        let mut feed = Feed::keyed(&self.birth.salt);
        feed.list(prepared.used.len() + 1);
        feed.value(&Value::from(prepared.plan.print.to_string()));
        for (slot, keep) in &prepared.used {
            let number = Value::from(i64::from(*slot));
            match (self.roots.get(*slot), prepared.node_of(*slot)) {
                (Held::Value(value) | Held::Apart(value, _), _) if *slot != Slots::RUN => {
                    feed.list(2);
                    feed.value(&number);
                    feed.used(keep, &seen(*slot, value));
                }
                (_, Some(node)) if self.nodes[usize::from(node)].state == NodeState::Skipped => {
                    feed.list(3);
                    [number, Value::from("skipped"), Value::Null].iter().for_each(|part| feed.value(part));
                }
                _ => {
                    feed.list(1);
                    feed.value(&number);
                }
            }
        }
        Some(feed.finish())
    }

    /// All that the writes use is known: is it what the last good run used? Then the run is over. Otherwise writes may go.
    pub(super) fn is_unchanged(&mut self, turn: &mut Turn) -> bool {
        self.barrier = true;
        let same = self.letters.is_empty() && self.used_hash() == self.birth.last_used;
        if same && self.state.next(RunInput::Unchanged).is_ok() && !self.any_fired() {
            self.end(Outcome::Unchanged, None, turn);
            return true;
        }
        false
    }

    pub(super) fn any_fired(&self) -> bool {
        (0..self.nodes.len() as NodeId)
            .any(|node| self.nodes[usize::from(node)].state == NodeState::Done && self.fired(node))
    }
}

/// A record with another value at a path of member names.
fn with_at(value: &Value, path: &[Arc<str>], new: &Value) -> Value {
    let (Some((first, rest)), Value::Map(members)) = (path.split_first(), value) else {
        return if path.is_empty() { new.clone() } else { value.clone() };
    };
    let mut members = members.as_ref().clone();
    let inner = members.get(first).cloned().unwrap_or_default();
    members.insert(Arc::clone(first), with_at(&inner, rest, new));
    Value::from(members)
}
