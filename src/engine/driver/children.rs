//! Child runs: started once, waited for, woken. In: a parent's step. Out: an accepted event, and later how the child ended. It
//! must never know what the parent makes of it.

use std::sync::Arc;

use super::{Error, Inner, Offer, run::Msg};
use crate::{
    engine::lanes::Taken,
    engine::machine::{ChildEnd, ChildStart, Input, StepId},
    event::{Code, Event, Fact, Origin, Outcome, Parked, Past, RunId},
    journal::{self, Query},
    value::Value,
};

impl Inner {
    /// Accepts a child's event, once for each parent's run, node and element. What is known already of how it ended;
    /// nothing if the parent must wait.
    pub(super) fn start_child(
        &self,
        parent: &Event,
        step: StepId,
        start: ChildStart,
    ) -> Result<Option<ChildEnd>, journal::Error> {
        let wait = start.wait;
        match self.accept_child(parent, step, start) {
            Ok(Some(end)) => Ok(Some(end)),
            Ok(None) => Ok((!wait).then_some(ChildEnd::Accepted)),
            Err(Error::Journal(error)) => Err(error),
            Err(error) => Ok(Some(ChildEnd::Failed(error.to_string().into()))),
        }
    }

    /// The run of a child that was accepted before.
    pub(super) fn known_run(&self, start: &ChildStart) -> Result<Option<RunId>, journal::Error> {
        self.known(&start.flow, &start.id)
    }

    /// A run that looks again has new children for what has changed, and the old ones for what has not.
    pub(super) fn child_of(&self, parent: &Event, start: ChildStart) -> Result<ChildStart, journal::Error> {
        let Some(run) = self.known_run(&start)?.filter(|_| matches!(parent.origin, Origin::Refresh { .. }))
        else {
            return Ok(start);
        };
        let past = self.journal.past(&Query { run: Some(run), limit: 1, ..Query::default() })?;
        let before = match past.into_iter().next() {
            Some(past) => Some(past.body),
            None => self.journal.run(run)?.map(|open| open.event.body),
        };
        let hash = start.body.hash();
        if before.is_some_and(|body| body.hash() == hash) {
            return Ok(start);
        }
        Ok(ChildStart { id: format!("{}#{hash:?}", start.id).into(), ..start })
    }

    /// A parent parked because of a child, and the child is over by now: the parent goes on.
    pub(super) fn waits_in_vain(&self, event: &Event, parked: &Parked) -> Result<(), journal::Error> {
        let waits = parked.letters.iter().any(|letter| letter.code == Code::Child);
        if waits && !self.parents().values().any(|(parent, _)| *parent == event.id) {
            self.wake_parent(event.id)?;
        }
        Ok(())
    }

    /// Brings back a parent that is parked as a letter.
    pub(super) fn wake_parent(&self, parent: RunId) -> Result<(), journal::Error> {
        self.bring(parent)?;
        let mut board = self.board();
        if board.lanes.standing(parent).is_some_and(|stand| stand.letter) {
            self.append(vec![Fact::Reopened {
                run: parent,
                at: self.world.now(),
                by: "its child run".into(),
            }])?;
            board.lanes.resume(parent);
        }
        Ok(())
    }

    /// How it ended, if it is over already; nothing if it is under way.
    fn accept_child(
        &self,
        parent: &Event,
        step: StepId,
        start: ChildStart,
    ) -> Result<Option<ChildEnd>, Error> {
        let prepared = self.newest(&start.flow).ok_or_else(|| Error::UnknownFlow(start.flow.to_string()))?;
        if let Some(run) = self.known_run(&start)? {
            return Ok(self.known_child(parent.id, step, run, start.wait)?);
        }
        let offer = Offer {
            flow: start.flow,
            body: start.body,
            origin: Origin::Child { parent: parent.id, awaited: start.wait },
            priority: parent.priority,
        };
        let event = self.event(&prepared, offer, Some(start.id))?;
        let mut board = self.board();
        if self.is_erased(&board, &event) {
            return Err(Error::Erased);
        }
        let id = board.ids.next(event.at);
        let event = event.named(id);
        if start.wait {
            self.parents().insert(event.id, (parent.id, step));
        }
        self.bring_lane(&mut board, &event)?;
        board.backlog.enters(id);
        let taken = board.lanes.offer(event.clone());
        let mut facts = vec![Fact::Accepted(event)];
        match taken {
            // A child that nobody waits for is as good as the newer one that waits.
            Taken::Known => return Ok(Some(ChildEnd::Accepted)),
            Taken::Replaces(old) => facts.push(Fact::Merged { old, into: id }),
            Taken::Waits { .. } => {}
        }
        self.append(facts)?;
        Ok(None)
    }

    fn known_child(
        &self,
        parent: RunId,
        step: StepId,
        mut run: RunId,
        wait: bool,
    ) -> Result<Option<ChildEnd>, journal::Error> {
        if !wait {
            return Ok(Some(ChildEnd::Accepted));
        }
        self.parents().insert(run, (parent, step));
        // A letter that was retried with a newer flow goes on under another name.
        while let Some(past) = self.ended(run)? {
            self.parents().remove(&run);
            let Outcome::Continued(next) = past.outcome else { return Ok(Some(end_of_past(&past))) };
            run = next;
            self.parents().insert(run, (parent, step));
        }
        self.bring(run)?;
        let letter = self.board().lanes.standing(run).is_some_and(|stand| stand.letter);
        Ok(letter.then_some(ChildEnd::Parked))
    }

    fn ended(&self, run: RunId) -> Result<Option<Past>, journal::Error> {
        Ok(self.journal.past(&Query { run: Some(run), limit: 1, ..Query::default() })?.into_iter().next())
    }

    /// A run became a letter: who waits for it is told.
    pub(super) fn child_parked(&self, event: &Event) {
        if let Some(parent) = event.awaited_by {
            let step = self.parents().get(&event.id).map(|(_, step)| *step);
            self.tell_parent(parent, step, ChildEnd::Parked);
        }
    }

    /// A run is over: who waits for it is told, and brought back if it is parked because of it.
    pub(super) fn child_done(
        &self,
        event: &Event,
        outcome: Outcome,
        give: Option<Value>,
        reason: Option<Arc<str>>,
    ) {
        let Some(parent) = event.awaited_by else { return };
        let step = self.parents().remove(&event.id).map(|(_, step)| step);
        self.tell_parent(parent, step, end_of(outcome, give, reason));
        // It may have parked in the same breath: then nobody listens to what it was told.
        if self.wake_parent(parent).is_err() {
            self.break_down();
        }
    }

    fn tell_parent(&self, parent: RunId, step: Option<StepId>, end: ChildEnd) {
        let to = self.runs().get(&parent).cloned();
        if let (Some(to), Some(step)) = (to, step) {
            // A parent that is over does not listen.
            let _ = to.send(Msg::Input(Input::Child { step, end }));
        }
    }
}

fn end_of_past(past: &Past) -> ChildEnd {
    end_of(past.outcome, past.give.clone(), past.reason.clone())
}

fn end_of(outcome: Outcome, give: Option<Value>, reason: Option<Arc<str>>) -> ChildEnd {
    match outcome {
        Outcome::Ok | Outcome::Unchanged => ChildEnd::Gave(give.unwrap_or_default()),
        Outcome::Ignored => {
            ChildEnd::Failed(format!("the child run was ignored: {}", reason.unwrap_or_default()).into())
        }
        other => ChildEnd::Failed(format!("the child run ended `{other:?}`").to_lowercase().into()),
    }
}
