//! The protocol of one request: permit, guard, send, answer, doubt, look. In: what the outside says. Out: commands, by the
//! step table and by nothing else. It must never know what a node means.

use std::{sync::Arc, time::Duration};

use super::{
    Command, Machine, Timer, Turn,
    batch::{aligned, encode},
    state::StepId,
};
use crate::{
    engine::policy::Guard,
    event::{
        Answer, Class, Code, Effect, EffectState, Fact, Failure, Instant, Intent, Proof, Request, Sent,
        table::{Illegal, Mark, Repeats, RunInput, StepInput, StepState},
    },
    plan::{Call, Repeat, Work},
    story::What,
    value::{Hash, Value},
};

impl Machine {
    /// Moves a step by the table.
    pub(super) fn shift(&mut self, id: StepId, input: StepInput) -> Result<&'static [Mark], Illegal> {
        let step = &mut self.steps[id as usize];
        let was_final = step.state.is_final();
        let (state, marks) = step.state.next(input)?;
        step.state = state;
        if state.is_final() && !was_final {
            self.open -= 1;
            self.stop_waiting(id);
        }
        Ok(marks)
    }

    pub(super) fn stop_waiting(&mut self, id: StepId) {
        if let Some(due) = self.steps[id as usize].due.take() {
            self.waiting.remove(&(due, id));
        }
    }

    pub(super) fn wait_until(&mut self, id: StepId, at: Instant, turn: &mut Turn) {
        self.stop_waiting(id);
        self.steps[id as usize].due = Some(at);
        self.waiting.insert((at, id));
        turn.out.push(Command::Wake { timer: Timer::Step(id), at });
    }

    pub(super) fn repeat(&self, id: StepId) -> Repeat {
        let node = &self.birth.prepared.plan.nodes[usize::from(self.steps[id as usize].node)];
        match &node.work {
            Work::Call(Call { repeat: Some(repeat), .. }) => repeat.clone(),
            _ => Repeat::Safe,
        }
    }

    /// How the step may be repeated right now.
    pub(super) fn repeats(&self, id: StepId, now: Instant) -> Repeats {
        match self.repeat(id) {
            Repeat::Safe => Repeats::Freely,
            Repeat::Key { valid_for } => Repeats::Key { valid: self.key_is_valid(id, valid_for, now) },
            Repeat::Look { .. } => Repeats::Look,
            Repeat::Never => Repeats::Never,
        }
    }

    fn key_is_valid(&self, id: StepId, valid_for: Duration, now: Instant) -> bool {
        let first = self.steps[id as usize].first;
        first.is_none_or(|first| now < first + valid_for) || !self.birth.policy.guards.has(Guard::ValidFor)
    }

    /// A new step: what earlier attempts and earlier runs did decides how it begins.
    pub(super) fn open_step(&mut self, id: StepId, turn: &mut Turn) {
        if let Err(illegal) = self.try_open(id, turn) {
            self.broken(&illegal, turn);
        }
    }

    pub(super) fn try_open(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        let known = self.effects.get(&self.steps[id as usize].effect).cloned();
        let Some(effect) = known.filter(|_| self.steps[id as usize].request.write) else {
            return self.set_out(id, turn);
        };
        let mine = effect.run == self.birth.event.id;
        let refreshes = matches!(self.birth.event.origin, crate::event::Origin::Refresh { .. });
        let force =
            matches!(self.birth.event.origin, crate::event::Origin::Again { force: true, .. }) && !mine;
        let repeat = self.repeat(id);
        let same = effect.hash == self.steps[id as usize].hash;
        match (&effect.state, &repeat) {
            (EffectState::Absent, _) => self.set_out(id, turn),
            (EffectState::Landed(_), _) if force => self.set_out(id, turn),
            (EffectState::Landed(_), Repeat::Safe) if !mine => self.set_out(id, turn),
            (EffectState::Landed(_), Repeat::Key { .. }) if !mine && !same && !refreshes => {
                self.shift(id, StepInput::Settled)?;
                self.forbid(
                    id,
                    Code::Drift,
                    "done before with other content; retry with --again to send it anew",
                    turn,
                )
            }
            // The same bytes were acknowledged: the journal is the witness. A platform may show late what it has taken.
            (EffectState::Landed(_), Repeat::Look { .. }) if !mine && !same => {
                self.recall(id, &effect);
                self.shift(id, StepInput::Found(Repeats::Look))?;
                self.look(id, turn)
            }
            (EffectState::Landed(value), _) => {
                let value = value.clone();
                self.shift(id, StepInput::Carried)?;
                if !mine {
                    self.record_landed(id, value.clone(), Proof::Carried, turn);
                }
                self.spread_carried(id, value, turn);
                Ok(())
            }
            (EffectState::Doubt, _) => {
                self.recall(id, &effect);
                self.steps[id as usize].drifted = !same;
                self.found(id, &repeat, turn)
            }
        }
    }

    /// An intent of which nobody knows how it went.
    fn found(&mut self, id: StepId, repeat: &Repeat, turn: &mut Turn) -> Result<(), Illegal> {
        let drifted = self.steps[id as usize].drifted;
        let repeats = self.repeats(id, turn.now);
        self.shift(id, StepInput::Found(repeats))?;
        match (self.steps[id as usize].state, repeat) {
            (StepState::Ready, Repeat::Key { .. }) if drifted => self.forbid(
                id,
                Code::Drift,
                "what would be sent now is not what was sent under its key",
                turn,
            ),
            (StepState::Ready, _) => {
                self.ask(id, turn);
                Ok(())
            }
            (StepState::Doubt, Repeat::Look { settle, .. }) => {
                let at = self.settled_at(id, *settle);
                self.wait_or_look(id, at, turn)
            }
            _ => {
                self.in_doubt(id, "nobody knows whether it took effect", turn);
                Ok(())
            }
        }
    }

    fn recall(&mut self, id: StepId, effect: &Effect) {
        let step = &mut self.steps[id as usize];
        step.first = Some(effect.first);
        step.last = effect.at;
        step.intent = effect.run == self.birth.event.id;
        if effect.key.is_some() {
            let mut request = (*step.request).clone();
            request.key.clone_from(&effect.key);
            step.request = Arc::new(request);
        }
    }

    /// Its needs are settled: it asks for a permit.
    fn set_out(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        self.shift(id, StepInput::Settled)?;
        if matches!(self.repeat(id), Repeat::Key { .. }) {
            self.new_key(id);
        }
        if self.steps[id as usize].child.is_some() {
            self.steps[id as usize].attempt = 1;
            return self.start_child(id, turn);
        }
        self.ask(id, turn);
        Ok(())
    }

    /// An idempotency key that only this effect of this run has.
    fn new_key(&mut self, id: StepId) {
        let run = self.birth.event.id;
        let step = &mut self.steps[id as usize];
        let name = format!("{run}/{}/{}", step.effect.node, step.effect.element);
        let mut request = (*step.request).clone();
        request.key = Some(Hash::of(name.as_bytes()).to_string()[..32].into());
        step.request = Arc::new(request);
    }

    pub(super) fn ask(&mut self, id: StepId, turn: &mut Turn) {
        self.stop_waiting(id);
        if let Some((book, verb)) = self.book(id) {
            return self.note(id, book, verb, turn);
        }
        let early = !self.birth.policy.guards.has(Guard::PermitFirst) && !self.steps[id as usize].looking;
        if early && self.needs_intent(id) {
            let intent = self.intent(id, turn);
            turn.out.push(Command::Record(vec![intent]));
        }
        let step = &mut self.steps[id as usize];
        step.attempt += 1;
        step.held = false;
        let request = if step.looking { self.look_request(id) } else { Arc::clone(&step.request) };
        let step = &self.steps[id as usize];
        let fresh = match &self.birth.prepared.plan.nodes[usize::from(step.node)].work {
            // What is asked again must be news.
            Work::Call(call) if call.repeat.is_none() && call.until.is_none() => call.fresh,
            _ => None,
        };
        turn.out.push(Command::Ask { step: id, attempt: step.attempt, request, fresh });
    }

    fn look_request(&self, id: StepId) -> Arc<Request> {
        let step = &self.steps[id as usize];
        let Repeat::Look { operation, .. } = self.repeat(id) else { return Arc::clone(&step.request) };
        Arc::new(Request { operation, write: false, key: None, ..(*step.request).clone() })
    }

    fn needs_intent(&self, id: StepId) -> bool {
        let step = &self.steps[id as usize];
        step.request.write && step.child.is_none() && self.repeat(id) != Repeat::Safe
    }

    /// The limiter lets it go: what guards it is written first.
    pub(super) fn permitted(&mut self, id: StepId, attempt: u16, turn: &mut Turn) -> Result<(), Illegal> {
        if self.steps[id as usize].attempt != attempt {
            return Ok(());
        }
        if self.steps[id as usize].looking {
            self.tell_called(id, turn);
            turn.out.push(Command::Leave { step: id, attempt, facts: Vec::new(), wait: false });
            return Ok(());
        }
        if self.repeats(id, turn.now) == (Repeats::Key { valid: false }) {
            return self.forbid(id, Code::InDoubt, "its idempotency key ran out before an answer came", turn);
        }
        self.shift(id, StepInput::Permit)?;
        let (mut facts, mut wait) = (Vec::new(), false);
        let intent = self.needs_intent(id);
        if self.steps[id as usize].request.write {
            facts.extend(self.freeze(self.steps[id as usize].node, turn)?);
            let guards = self.birth.policy.guards;
            wait = guards.has(if intent { Guard::IntentWait } else { Guard::FrozeWait });
        }
        if intent {
            facts.push(self.intent(id, turn));
        }
        self.shift(id, StepInput::Leave { intent })?;
        self.steps[id as usize].last = turn.now;
        self.tell_called(id, turn);
        turn.out.push(Command::Leave { step: id, attempt, facts, wait });
        Ok(())
    }

    pub(super) fn tell_called(&self, id: StepId, turn: &mut Turn) {
        let step = &self.steps[id as usize];
        self.tell(turn, || What::Called {
            node: Arc::clone(&step.effect.node),
            operation: if step.looking { self.look_request(id) } else { Arc::clone(&step.request) }
                .operation
                .clone(),
            attempt: step.attempt,
        });
    }

    fn intent(&mut self, id: StepId, turn: &Turn) -> Fact {
        let run = self.birth.event.id;
        let step = &mut self.steps[id as usize];
        step.intent = true;
        let first = *step.first.get_or_insert(turn.now);
        let members = if step.groups.len() > 1 {
            let elements = &self.nodes[usize::from(step.node)].elements;
            step.groups.iter().flatten().map(|at| Arc::clone(&elements[*at as usize].name)).collect()
        } else {
            Vec::new()
        };
        let effect = Effect {
            run,
            id: step.effect.clone(),
            hash: step.hash,
            key: step.request.key.clone(),
            first,
            at: turn.now,
            state: EffectState::Doubt,
        };
        let (hash, key) = (step.hash, step.request.key.clone());
        self.effects.insert(step.effect.clone(), effect.clone());
        Fact::Intent(Intent { run, effect: effect.id, hash, key, members, first, at: turn.now })
    }

    /// No permit comes before its connection is back: it asks again later, and the run need not wait in memory.
    pub(super) fn held(&mut self, id: StepId, attempt: u16, turn: &mut Turn) {
        if self.steps[id as usize].attempt == attempt && self.steps[id as usize].due.is_none() {
            self.steps[id as usize].held = true;
            self.wait_until(id, turn.now + self.birth.policy.hold, turn);
        }
    }

    /// An answer, to the request itself or to its look.
    pub(super) fn answered(
        &mut self,
        id: StepId,
        attempt: u16,
        got: Result<Answer, Failure>,
        turn: &mut Turn,
    ) -> Result<(), Illegal> {
        if self.steps[id as usize].attempt != attempt || self.steps[id as usize].due.is_some() {
            return Ok(());
        }
        if let Ok((state, _)) = self.state.next(RunInput::Answer) {
            self.state = state;
        }
        match (self.steps[id as usize].looking, got) {
            (true, got) => self.looked(id, got, turn),
            (false, Ok(answer)) => self.landed(id, answer, turn),
            (false, Err(failure)) => self.failed(id, &failure, turn),
        }
    }

    pub(super) fn landed(&mut self, id: StepId, answer: Answer, turn: &mut Turn) -> Result<(), Illegal> {
        let intent = self.steps[id as usize].intent;
        let results = aligned(&self.steps[id as usize], answer);
        if !self.holds(id, &results) {
            return self.not_yet(id, turn);
        }
        self.asked.remove(&self.steps[id as usize].effect);
        self.shift(id, StepInput::Answer { intent })?;
        if intent {
            self.record_landed(
                id,
                encode(self.steps[id as usize].request.batch, &results),
                Proof::Answer,
                turn,
            );
        } else if self.book(id).is_some_and(|(_, verb)| verb.writes()) {
            self.noted(id, &results);
        }
        self.spread(id, results, turn);
        Ok(())
    }

    pub(super) fn record_landed(&mut self, id: StepId, value: Value, by: Proof, turn: &mut Turn) {
        let run = self.birth.event.id;
        let effect = self.steps[id as usize].effect.clone();
        if let Some(known) = self.effects.get_mut(&effect) {
            known.run = run;
            known.state = EffectState::Landed(value.clone());
        }
        turn.out.push(Command::Record(vec![Fact::Landed { run, effect, by, value }]));
    }

    pub(super) fn record_absent(&mut self, id: StepId, turn: &mut Turn) {
        let run = self.birth.event.id;
        let step = &mut self.steps[id as usize];
        step.intent = false;
        step.first = None;
        let effect = step.effect.clone();
        if let Some(known) = self.effects.get_mut(&effect) {
            known.run = run;
            known.state = EffectState::Absent;
        }
        turn.out.push(Command::Record(vec![Fact::Absent { run, effect }]));
    }

    /// A wait of a step is over.
    pub(super) fn due(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        if self.steps[id as usize].due.is_none_or(|due| due > turn.now) {
            return Ok(());
        }
        self.stop_waiting(id);
        if self.steps[id as usize].state == StepState::Doubt {
            return self.look(id, turn);
        }
        self.ask(id, turn);
        Ok(())
    }

    /// It may not leave any more.
    pub(super) fn forbid(
        &mut self,
        id: StepId,
        code: Code,
        message: &str,
        turn: &mut Turn,
    ) -> Result<(), Illegal> {
        self.shift(id, StepInput::Forbidden)?;
        self.fail_step(id, code, &Failure::new(Class::Reject, Sent::Maybe, message), turn);
        Ok(())
    }

    pub(super) fn in_doubt(&mut self, id: StepId, message: &str, turn: &mut Turn) {
        self.fail_step(id, Code::InDoubt, &Failure::new(Class::Reject, Sent::Maybe, message), turn);
    }
}
