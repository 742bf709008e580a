//! `at` and `until`: what waits for an instant, and what is asked again until it holds. In: nodes and answers. Out: waits. It must
//! never read a clock: the turn says what time it is.

use std::sync::Arc;

use super::{Command, Machine, Timer, Turn, state::StepId};
use crate::{
    event::{
        Class, Code, Failure, Instant, Sent,
        table::{Illegal, StepInput},
    },
    plan::{NodeId, Slots, Until, Work},
    time,
    value::Value,
};

impl Machine {
    /// Whether a node must wait for its `at`. A node that is too late fails.
    pub(super) fn waits_for(&mut self, id: NodeId, turn: &mut Turn) -> Result<bool, (Code, Arc<str>)> {
        let plan = Arc::clone(&self.birth.prepared.plan);
        let Some(at) = &plan.nodes[usize::from(id)].at else { return Ok(false) };
        let wrong = |message: Arc<str>| (Code::Expression, message);
        let value = self.roots.value(&plan, &at.instant).map_err(wrong)?;
        let instant = instant(&value).map_err(|message| wrong(message.into()))?;
        if turn.now < instant {
            if self.timed.insert((instant, id)) {
                turn.out.push(Command::Wake { timer: Timer::Node(id), at: instant });
            }
            return Ok(true);
        }
        self.timed.retain(|(_, node)| *node != id);
        match at.late.filter(|late| turn.now > instant + *late) {
            Some(_) => Err((
                Code::Late,
                format!("found {}, expected to begin soon after {instant}", turn.now).into(),
            )),
            None => Ok(false),
        }
    }

    fn until(&self, id: StepId) -> Option<(NodeId, &Until)> {
        let node = self.steps[id as usize].node;
        match &self.birth.prepared.plan.nodes[usize::from(node)].work {
            Work::Call(call) if call.repeat.is_none() => Some((node, call.until.as_ref()?)),
            _ => None,
        }
    }

    /// Whether every result of a read is what its `until` asks for. What cannot be worked out does not hold.
    pub(super) fn holds(&mut self, id: StepId, results: &[Result<Value, Failure>]) -> bool {
        let plan = Arc::clone(&self.birth.prepared.plan);
        let Some((node, _)) = self.until(id) else { return true };
        let Work::Call(call) = &plan.nodes[usize::from(node)].work else { return true };
        let Some(until) = &call.until else { return true };
        let groups = self.steps[id as usize].groups.clone();
        let mut holds = true;
        for (group, result) in groups.iter().zip(results) {
            let (Some(at), Ok(value)) = (group.first(), result) else { continue };
            self.bind(node, *at as usize);
            self.roots.set(Slots::RESULT, value.clone());
            holds &= matches!(self.roots.truth(&plan, &until.that), Ok(true));
        }
        self.roots.clear(Slots::RESULT);
        holds
    }

    /// It does not hold yet: asked again after a while, for so long.
    pub(super) fn not_yet(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        let Some((every, within)) = self.until(id).map(|(_, until)| (until.every, until.within)) else {
            return Ok(());
        };
        let effect = self.steps[id as usize].effect.clone();
        let since = *self.asked.entry(effect.clone()).or_insert(turn.now);
        if turn.now + every > since + within {
            self.shift(id, StepInput::Rejected { intent: false })?;
            self.asked.remove(&effect);
            let message = format!("asked since {since}, and what `until` wants does not hold");
            self.fail_step(id, Code::Spent, &Failure::new(Class::Reject, Sent::No, message), turn);
            return Ok(());
        }
        self.shift(id, StepInput::NotYet)?;
        self.wait_until(id, turn.now + every, turn);
        Ok(())
    }
}

/// The instant that a value says: text with a date, or seconds since 1970.
fn instant(value: &Value) -> Result<Instant, String> {
    let told =
        || format!("found {} in `at`, expected a date with its offset, or seconds since 1970", value.kind());
    if let Some(seconds) = value.as_i64() {
        return Ok(Instant(u64::try_from(seconds).map_err(|_| told())? * 1000));
    }
    let utc = time::zone("UTC").map_err(|error| error.to_string())?;
    let at = time::read(value.as_str().ok_or_else(told)?, &utc).map_err(|error| error.to_string())?;
    u64::try_from(at.timestamp().as_millisecond()).map(Instant).map_err(|_| told())
}
