//! What goes wrong with a request, and what is done about it: wait, look, give up. In: failures and what looks show. Out: by the
//! step table, the next thing to do. It must never guess whether a request took effect.

use std::{sync::Arc, time::Duration};

use super::{
    Machine, Turn,
    batch::{Seen, encode, seen},
    state::StepId,
};
use crate::{
    engine::policy::Guard,
    event::{
        Answer, Class, Code, Failure, Instant, Proof, Sent,
        table::{Illegal, Repeats, StepInput, StepState},
    },
    plan::Repeat,
    story::What,
};

impl Machine {
    pub(super) fn failed(&mut self, id: StepId, failure: &Failure, turn: &mut Turn) -> Result<(), Illegal> {
        self.nodes[usize::from(self.steps[id as usize].node)].count_failure(failure.class);
        let intent = self.steps[id as usize].intent;
        let repeat = self.repeat(id);
        match failure.class {
            Class::Landed => return self.exists(id, &repeat, failure, turn),
            Class::Gone if self.may_still_come(id) => {
                self.shift(id, StepInput::Refused { intent })?;
                let step = &mut self.steps[id as usize];
                (step.failures, step.tries) = (step.failures + 1, step.tries + 1);
                let wait = self.birth.policy.wait_for_gone(self.steps[id as usize].tries, turn.roll());
                self.wait_after(id, wait, failure, turn);
                return Ok(());
            }
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

    /// Whether what a read did not find may have been announced before it can be read.
    fn may_still_come(&self, id: StepId) -> bool {
        let step = &self.steps[id as usize];
        !step.request.write && step.tries + 1 < self.birth.policy.gone_attempts
    }

    pub(super) fn after_failure(
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

    pub(super) fn retry(&mut self, id: StepId, failure: &Failure, turn: &mut Turn) {
        let wait = self.birth.policy.wait(self.steps[id as usize].failures, turn.roll());
        // Nobody is let in before people have done something, so the run is away at least as long as a held one.
        let shut_out = failure.class == Class::Auth;
        self.steps[id as usize].held = shut_out;
        let wait = if shut_out { wait.max(self.birth.policy.hold) } else { wait };
        self.wait_after(id, wait, failure, turn);
    }

    fn wait_after(&mut self, id: StepId, wait: Duration, failure: &Failure, turn: &mut Turn) {
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
    pub(super) fn rejected(&mut self, id: StepId, failure: &Failure, turn: &mut Turn) -> Result<(), Illegal> {
        let step = &self.steps[id as usize];
        let many = step.groups.len();
        if step.request.batch && many > 1 && self.repeat(id) == Repeat::Safe {
            let halves = [(0..many / 2).collect::<Vec<_>>(), (many / 2..many).collect()];
            let parts: Vec<StepId> = halves.iter().filter_map(|places| self.part(id, places)).collect();
            return parts.into_iter().try_for_each(|part| self.try_open(part, turn));
        }
        self.fail_step(id, failure.code(), failure, turn);
        Ok(())
    }

    /// The platform says that it is there already.
    pub(super) fn exists(
        &mut self,
        id: StepId,
        repeat: &Repeat,
        failure: &Failure,
        turn: &mut Turn,
    ) -> Result<(), Illegal> {
        if matches!(repeat, Repeat::Look { .. }) {
            self.shift(id, StepInput::Exists)?;
            let step = &mut self.steps[id as usize];
            (step.exists, step.looking) = (Some(failure.clone()), true);
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

    pub(super) fn settled_at(&self, id: StepId, settle: Duration) -> Instant {
        let guarded = self.birth.policy.guards.has(Guard::Settle);
        self.steps[id as usize].last + if guarded { settle } else { Duration::ZERO }
    }

    pub(super) fn wait_or_look(&mut self, id: StepId, at: Instant, turn: &mut Turn) -> Result<(), Illegal> {
        if turn.now >= at {
            return self.look(id, turn);
        }
        self.wait_until(id, at, turn);
        Ok(())
    }

    pub(super) fn look(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        self.shift(id, StepInput::Look)?;
        self.steps[id as usize].looking = true;
        self.ask(id, turn);
        Ok(())
    }

    pub(super) fn looked(
        &mut self,
        id: StepId,
        got: Result<Answer, Failure>,
        turn: &mut Turn,
    ) -> Result<(), Illegal> {
        match got.map(|answer| seen(&self.steps[id as usize], answer)) {
            Ok(Seen::All(results)) => {
                self.shift(id, StepInput::One)?;
                self.steps[id as usize].looking = false;
                self.record_landed(
                    id,
                    encode(self.steps[id as usize].request.batch, &results),
                    Proof::Look,
                    turn,
                );
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
        let refused = self.steps[id as usize].exists.clone();
        // A plain refusal is settled at once.
        let at_once = refused.as_ref().is_some_and(|failure| failure.sent == Sent::No);
        let settled = if at_once { self.steps[id as usize].last } else { self.settled_at(id, settle) };
        let visible = settled + lag;
        if turn.now < visible && self.birth.policy.guards.has(Guard::Lag) {
            self.shift(id, StepInput::LookAgain)?;
            self.wait_until(id, visible, turn);
            return Ok(());
        }
        if let Some(failure) = refused {
            // What was refused was not that it is there: the refusal stands, in the platform's words.
            self.shift(id, StepInput::Denied)?;
            self.steps[id as usize].looking = false;
            self.record_absent(id, turn);
            return self.rejected(id, &failure, turn);
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
}

/// Whether a failure burns an attempt.
pub(super) fn burns(class: Class) -> bool {
    matches!(class, Class::Retry | Class::Conflict)
}

pub(super) fn may_go_again(failure: &Failure, freely: bool) -> bool {
    let by_class = matches!(
        failure.class,
        Class::Retry | Class::Conflict | Class::Outage | Class::Throttle | Class::Auth
    );
    by_class && (freely || failure.sent == Sent::No)
}
