//! The protocol of one request: permit, guard, send, answer, doubt, look. In: what the outside says. Out: commands, by the
//! step table and by nothing else. It must never know what a node means.

use std::{sync::Arc, time::Duration};

use super::{
    ChildEnd, Command, Machine, Timer, Turn,
    state::{Step, StepId},
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
    fn shift(&mut self, id: StepId, input: StepInput) -> Result<&'static [Mark], Illegal> {
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

    fn stop_waiting(&mut self, id: StepId) {
        if let Some(due) = self.steps[id as usize].due.take() {
            self.waiting.remove(&(due, id));
        }
    }

    fn wait_until(&mut self, id: StepId, at: Instant, turn: &mut Turn) {
        self.stop_waiting(id);
        self.steps[id as usize].due = Some(at);
        self.waiting.insert((at, id));
        turn.out.push(Command::Wake { timer: Timer::Step(id), at });
    }

    fn repeat(&self, id: StepId) -> Repeat {
        let node = &self.birth.prepared.plan.nodes[usize::from(self.steps[id as usize].node)];
        match &node.work {
            Work::Call(Call { repeat: Some(repeat), .. }) => repeat.clone(),
            _ => Repeat::Safe,
        }
    }

    /// How the step may be repeated right now.
    fn repeats(&self, id: StepId, now: Instant) -> Repeats {
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

    fn try_open(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
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
            (EffectState::Landed(_), Repeat::Look { .. }) if !mine => {
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

    fn ask(&mut self, id: StepId, turn: &mut Turn) {
        self.stop_waiting(id);
        let early = !self.birth.policy.guards.has(Guard::PermitFirst) && !self.steps[id as usize].looking;
        if early && self.needs_intent(id) {
            let intent = self.intent(id, turn);
            turn.out.push(Command::Record(vec![intent]));
        }
        let step = &mut self.steps[id as usize];
        step.attempt += 1;
        let request = if step.looking { self.look_request(id) } else { Arc::clone(&step.request) };
        let step = &self.steps[id as usize];
        let fresh = match &self.birth.prepared.plan.nodes[usize::from(step.node)].work {
            Work::Call(call) if call.repeat.is_none() => call.fresh,
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

    fn tell_called(&self, id: StepId, turn: &mut Turn) {
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

    fn landed(&mut self, id: StepId, answer: Answer, turn: &mut Turn) -> Result<(), Illegal> {
        let intent = self.steps[id as usize].intent;
        self.shift(id, StepInput::Answer { intent })?;
        let results = aligned(&self.steps[id as usize], answer);
        if intent {
            self.record_landed(id, encode(&self.steps[id as usize], &results), Proof::Answer, turn);
        }
        self.spread(id, results, turn);
        Ok(())
    }

    fn record_landed(&mut self, id: StepId, value: Value, by: Proof, turn: &mut Turn) {
        let run = self.birth.event.id;
        let effect = self.steps[id as usize].effect.clone();
        if let Some(known) = self.effects.get_mut(&effect) {
            known.run = run;
            known.state = EffectState::Landed(value.clone());
        }
        turn.out.push(Command::Record(vec![Fact::Landed { run, effect, by, value }]));
    }

    fn record_absent(&mut self, id: StepId, turn: &mut Turn) {
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

    /// Results of a request go to their elements; those of a batch that may go again are asked again.
    fn spread(&mut self, id: StepId, results: Vec<Result<Value, Failure>>, turn: &mut Turn) {
        let (node, groups) = (self.steps[id as usize].node, self.steps[id as usize].groups.clone());
        let freely = self.repeat(id) == Repeat::Safe;
        let mut again = Vec::new();
        for (place, (group, result)) in groups.iter().zip(results).enumerate() {
            match result {
                Ok(value) => {
                    for at in group {
                        self.give(node, *at, Some(value.clone()), turn);
                    }
                }
                Err(failure) if may_go_again(&failure, freely) && self.tries_left(id) => {
                    again.push((place, failure))
                }
                Err(failure) => {
                    let code =
                        if failure.sent == Sent::Maybe && !freely { Code::InDoubt } else { Code::Rejected };
                    for at in group {
                        self.letter(
                            node,
                            Some(*at),
                            code,
                            Arc::clone(&failure.message),
                            failure.answer.clone(),
                        );
                        self.set_result(node, *at, Err(()), turn);
                    }
                }
            }
        }
        if let Some((_, failure)) = again.first().cloned() {
            let places: Vec<usize> = again.into_iter().map(|(place, _)| place).collect();
            self.again(id, &places, &failure, turn);
        }
    }

    fn tries_left(&self, id: StepId) -> bool {
        self.steps[id as usize].tries + 1 < self.birth.policy.attempts
    }

    /// A part of a batch goes again as a batch of its own, after a wait.
    fn again(&mut self, id: StepId, places: &[usize], failure: &Failure, turn: &mut Turn) {
        if let Some(part) = self.part(id, places) {
            let tries = self.steps[id as usize].tries + u16::from(burns(failure.class));
            let step = &mut self.steps[part as usize];
            (step.tries, step.failures) = (tries, tries.max(1));
            if self.shift(part, StepInput::Settled).is_ok() {
                self.retry(part, failure, turn);
            }
        }
    }

    /// A new step for some of a step's inputs.
    fn part(&mut self, id: StepId, places: &[usize]) -> Option<StepId> {
        let prepared = Arc::clone(&self.birth.prepared);
        let step = &self.steps[id as usize];
        let (node, groups, request) = (step.node, step.groups.clone(), Arc::clone(&step.request));
        let Work::Call(call) = &prepared.plan.nodes[usize::from(node)].work else { return None };
        let groups = places.iter().map(|place| groups[*place].clone()).collect();
        let inputs = places.iter().map(|place| request.inputs[*place].clone()).collect();
        Some(self.push_step(node, call, groups, inputs))
    }

    fn spread_carried(&mut self, id: StepId, value: Value, turn: &mut Turn) {
        let results = decode(&self.steps[id as usize], value);
        self.spread(id, results, turn);
    }

    fn failed(&mut self, id: StepId, failure: &Failure, turn: &mut Turn) -> Result<(), Illegal> {
        let intent = self.steps[id as usize].intent;
        let repeat = self.repeat(id);
        match failure.class {
            Class::Landed => return self.exists(id, &repeat, failure, turn),
            Class::Reject | Class::Gone if failure.sent == Sent::No || repeat == Repeat::Safe => {
                self.shift(id, StepInput::Rejected { intent })?;
                if intent {
                    self.record_absent(id, turn);
                }
                return self.rejected(id, failure, turn);
            }
            _ => {}
        }
        let step = &mut self.steps[id as usize];
        step.failures += 1;
        step.tries += u16::from(burns(failure.class));
        if failure.sent == Sent::No || !self.birth.policy.guards.has(Guard::Certainty) {
            self.shift(id, StepInput::Refused { intent })?;
            if intent {
                self.record_absent(id, turn);
            }
        } else {
            let repeats = self.repeats(id, turn.now);
            self.shift(id, StepInput::Lost(repeats))?;
            if repeats == Repeats::Freely && self.steps[id as usize].request.write {
                self.suspect = Some(turn.now + self.birth.policy.settle);
            }
        }
        self.after_failure(id, &repeat, failure, turn)
    }

    fn after_failure(
        &mut self,
        id: StepId,
        repeat: &Repeat,
        failure: &Failure,
        turn: &mut Turn,
    ) -> Result<(), Illegal> {
        let step = &self.steps[id as usize];
        match (step.state, repeat) {
            (StepState::Ready, _) if step.tries >= self.birth.policy.attempts => {
                if step.intent {
                    return self.forbid(
                        id,
                        Code::InDoubt,
                        "all attempts are burnt and the last may have landed",
                        turn,
                    );
                }
                self.shift(id, StepInput::Spent)?;
                self.fail_step(id, Code::Spent, failure, turn);
                Ok(())
            }
            (StepState::Ready, _) => {
                self.retry(id, failure, turn);
                Ok(())
            }
            (StepState::Doubt, Repeat::Look { settle, .. }) => {
                let at = self.settled_at(id, *settle);
                self.wait_or_look(id, at, turn)
            }
            _ => {
                self.in_doubt(id, &failure.message, turn);
                Ok(())
            }
        }
    }

    fn retry(&mut self, id: StepId, failure: &Failure, turn: &mut Turn) {
        let wait = self.birth.policy.wait(self.steps[id as usize].failures, turn.roll());
        let at = turn.now + failure.after.unwrap_or_default().max(wait);
        let node = Arc::clone(&self.steps[id as usize].effect.node);
        self.tell(turn, || What::Failed {
            node,
            class: failure.class,
            message: Arc::clone(&failure.message),
            again: Some(at),
        });
        self.wait_until(id, at, turn);
    }

    /// Refused for good: a batch that may be repeated freely is halved to find the culprit.
    fn rejected(&mut self, id: StepId, failure: &Failure, turn: &mut Turn) -> Result<(), Illegal> {
        let step = &self.steps[id as usize];
        let many = step.groups.len();
        if step.request.batch && many > 1 && self.repeat(id) == Repeat::Safe {
            let halves = [(0..many / 2).collect::<Vec<_>>(), (many / 2..many).collect()];
            let parts: Vec<StepId> = halves.iter().filter_map(|places| self.part(id, places)).collect();
            return parts.into_iter().try_for_each(|part| self.try_open(part, turn));
        }
        self.fail_step(id, Code::Rejected, failure, turn);
        Ok(())
    }

    /// The platform says that it is there already.
    fn exists(
        &mut self,
        id: StepId,
        repeat: &Repeat,
        failure: &Failure,
        turn: &mut Turn,
    ) -> Result<(), Illegal> {
        if matches!(repeat, Repeat::Look { .. }) {
            self.shift(id, StepInput::Exists)?;
            let step = &mut self.steps[id as usize];
            (step.exists, step.looking) = (true, true);
            self.ask(id, turn);
            return Ok(());
        }
        if let Some(answer) = &failure.answer {
            return self.landed(id, Answer::One(answer.clone()), turn);
        }
        self.shift(id, StepInput::Lost(Repeats::Never))?;
        self.in_doubt(id, &failure.message, turn);
        Ok(())
    }

    fn settled_at(&self, id: StepId, settle: Duration) -> Instant {
        let guarded = self.birth.policy.guards.has(Guard::Settle);
        self.steps[id as usize].last + if guarded { settle } else { Duration::ZERO }
    }

    fn wait_or_look(&mut self, id: StepId, at: Instant, turn: &mut Turn) -> Result<(), Illegal> {
        if turn.now >= at {
            return self.look(id, turn);
        }
        self.wait_until(id, at, turn);
        Ok(())
    }

    fn look(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        self.shift(id, StepInput::Look)?;
        self.steps[id as usize].looking = true;
        self.ask(id, turn);
        Ok(())
    }

    fn looked(&mut self, id: StepId, got: Result<Answer, Failure>, turn: &mut Turn) -> Result<(), Illegal> {
        match got.map(|answer| seen(&self.steps[id as usize], answer)) {
            Ok(Seen::All(results)) => {
                self.shift(id, StepInput::One)?;
                self.steps[id as usize].looking = false;
                self.record_landed(id, encode(&self.steps[id as usize], &results), Proof::Look, turn);
                self.spread(id, results, turn);
                Ok(())
            }
            Ok(Seen::None) => self.saw_none(id, turn),
            Ok(Seen::Unclear) => {
                self.shift(id, StepInput::Many)?;
                self.in_doubt(id, "the look found more than one, or only a part", turn);
                Ok(())
            }
            Err(failure) => {
                let step = &mut self.steps[id as usize];
                step.failures += 1;
                step.tries += u16::from(burns(failure.class));
                let hopeless = !may_go_again(&failure, true) || step.tries >= self.birth.policy.attempts;
                if hopeless {
                    self.shift(id, StepInput::Many)?;
                    self.in_doubt(id, &format!("the look failed: {}", failure.message), turn);
                    return Ok(());
                }
                self.shift(id, StepInput::LookAgain)?;
                self.retry(id, &failure, turn);
                Ok(())
            }
        }
    }

    fn saw_none(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        let Repeat::Look { settle, lag, .. } = self.repeat(id) else { return Ok(()) };
        let step = &self.steps[id as usize];
        let settled = if step.exists { step.last } else { self.settled_at(id, settle) };
        let visible = settled + lag;
        if turn.now < visible && self.birth.policy.guards.has(Guard::Lag) {
            self.shift(id, StepInput::LookAgain)?;
            self.wait_until(id, visible, turn);
            return Ok(());
        }
        if step.exists {
            self.shift(id, StepInput::Many)?;
            self.in_doubt(id, "the platform says that it is there, the look finds nothing", turn);
            return Ok(());
        }
        self.shift(id, StepInput::None)?;
        self.steps[id as usize].looking = false;
        if self.steps[id as usize].drifted {
            let message = "it did not land, and its content is not what was sent before: sent anew".into();
            self.warn(self.steps[id as usize].node, message, turn);
        }
        self.record_absent(id, turn);
        self.ask(id, turn);
        Ok(())
    }

    /// A wait of a step is over.
    pub(super) fn due(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        if self.steps[id as usize].due.is_none_or(|due| due > turn.now) {
            return Ok(());
        }
        self.stop_waiting(id);
        match self.steps[id as usize].state {
            StepState::Doubt => self.look(id, turn),
            _ => {
                self.ask(id, turn);
                Ok(())
            }
        }
    }

    /// It may not leave any more.
    fn forbid(&mut self, id: StepId, code: Code, message: &str, turn: &mut Turn) -> Result<(), Illegal> {
        self.shift(id, StepInput::Forbidden)?;
        self.fail_step(id, code, &Failure::new(Class::Reject, Sent::Maybe, message), turn);
        Ok(())
    }

    fn in_doubt(&mut self, id: StepId, message: &str, turn: &mut Turn) {
        self.fail_step(id, Code::InDoubt, &Failure::new(Class::Reject, Sent::Maybe, message), turn);
    }

    fn start_child(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        self.shift(id, StepInput::Permit)?;
        let facts = self.freeze(self.steps[id as usize].node, turn)?.into_iter().collect();
        self.shift(id, StepInput::Leave { intent: false })?;
        let Some(start) = self.steps[id as usize].child.clone() else { return Ok(()) };
        if start.wait {
            if self.children == 0 {
                self.state = self.state.next(RunInput::Await)?.0;
            }
            self.children += 1;
        }
        turn.out.push(Command::Child { step: id, facts, start });
        Ok(())
    }

    /// A child run ended, or became a letter.
    pub(super) fn child_ended(&mut self, id: StepId, end: ChildEnd, turn: &mut Turn) -> Result<(), Illegal> {
        if self.steps[id as usize].state != StepState::Sent {
            return Ok(());
        }
        let waited = self.steps[id as usize].child.as_ref().is_some_and(|child| child.wait);
        if waited && end != ChildEnd::Parked {
            self.children -= 1;
            if self.children == 0 {
                self.state = self.state.next(RunInput::ChildEnded)?.0;
            }
        }
        match end {
            ChildEnd::Gave(value) => self.landed(id, Answer::One(value), turn),
            ChildEnd::Accepted => self.landed(id, Answer::One(Value::Null), turn),
            ChildEnd::Failed(message) => {
                self.shift(id, StepInput::Rejected { intent: false })?;
                self.fail_step(id, Code::Child, &Failure::new(Class::Reject, Sent::No, message), turn);
                Ok(())
            }
            ChildEnd::Parked => {
                self.shift(id, StepInput::Lost(Repeats::Never))?;
                let message = "the child run became a dead letter; this run goes on when it ends";
                self.fail_step(id, Code::Child, &Failure::new(Class::Reject, Sent::Maybe, message), turn);
                Ok(())
            }
        }
    }
}

/// Whether a failure burns an attempt.
fn burns(class: Class) -> bool {
    matches!(class, Class::Retry | Class::Conflict)
}

fn may_go_again(failure: &Failure, freely: bool) -> bool {
    let by_class = matches!(
        failure.class,
        Class::Retry | Class::Conflict | Class::Outage | Class::Throttle | Class::Auth
    );
    by_class && (freely || failure.sent == Sent::No)
}

/// What a look shows.
enum Seen {
    All(Vec<Result<Value, Failure>>),
    None,
    Unclear,
}

fn seen(step: &Step, answer: Answer) -> Seen {
    let found: Vec<Option<Value>> = match answer {
        Answer::Each(results) => {
            if results.iter().any(Result::is_err) || results.len() != step.groups.len() {
                return Seen::Unclear;
            }
            results
                .into_iter()
                .filter_map(Result::ok)
                .map(|value| Some(value).filter(|v| !v.is_null()))
                .collect()
        }
        Answer::One(Value::List(many)) if many.len() > 1 => return Seen::Unclear,
        Answer::One(Value::List(many)) => vec![many.first().cloned()],
        Answer::One(value) => vec![Some(value).filter(|value| !value.is_null())],
    };
    if found.iter().all(Option::is_none) {
        return Seen::None;
    }
    match found.into_iter().collect::<Option<Vec<_>>>() {
        Some(all) => Seen::All(all.into_iter().map(Ok).collect()),
        None => Seen::Unclear,
    }
}

/// The results of a request, one an input.
fn aligned(step: &Step, answer: Answer) -> Vec<Result<Value, Failure>> {
    let wanted = step.groups.len();
    let results: Vec<Result<Value, Failure>> = match answer {
        Answer::Each(results) => results,
        Answer::One(Value::List(many)) if step.request.batch && many.len() == wanted => {
            many.iter().cloned().map(Ok).collect()
        }
        Answer::One(value) => vec![Ok(value)],
    };
    if results.len() == wanted {
        return results;
    }
    let message = format!("found {} results in the answer to a batch, expected {wanted}", results.len());
    vec![Err(Failure::new(Class::Reject, Sent::Maybe, message)); wanted]
}

/// What a landed effect gave, as it is written: a batch says of each element what it gave or why not.
fn encode(step: &Step, results: &[Result<Value, Failure>]) -> Value {
    match results {
        [Ok(one)] if !step.request.batch => one.clone(),
        many => Value::list(many.iter().map(|result| match result {
            Ok(value) => Value::object([("value", value.clone())]),
            Err(failure) => Value::object([("failed", Value::Text(Arc::clone(&failure.message)))]),
        })),
    }
}

fn decode(step: &Step, value: Value) -> Vec<Result<Value, Failure>> {
    let read = |part: &Value| match (part.get("value"), part.get("failed").and_then(Value::as_str)) {
        (Some(value), _) => Ok(value.clone()),
        (None, message) => {
            Err(Failure::new(Class::Retry, Sent::No, message.unwrap_or("failed in an earlier attempt")))
        }
    };
    match &value {
        Value::List(parts) if step.request.batch => parts.iter().map(read).collect(),
        _ => vec![Ok(value)],
    }
}
