//! What operators order: retry, drop, settle. In: the journal's command table. Out: facts and lanes stirred, and a word on what
//! was done. It must never skip the table of runs.

use std::sync::Arc;

use super::{Engine, Error, Inner, Offer};
use crate::{
    event::{
        EffectId, Event, Fact, Origin, Outcome, Past, Priority, Proof, RunId,
        table::{RunInput, RunState},
    },
    journal::{Order, Ordered, Query},
    value::Value,
};

impl Engine {
    /// Does all that was ordered since the last round, without waiting for the next.
    pub fn obey(&self) {
        self.inner.obey();
        self.inner.pump();
    }
}

impl Inner {
    pub(super) fn obey(&self) {
        let Ok(orders) = self.journal.orders() else { return };
        for ordered in orders {
            let told = match self.carry_out(&ordered) {
                Ok(told) => told,
                Err(error @ Error::Journal(_)) => {
                    let _ = error;
                    return;
                }
                Err(error) => {
                    tracing::warn!(request = ordered.id, %error, "a request of an operator is refused");
                    format!("refused: {error}")
                }
            };
            if self.journal.ordered(ordered.id, &told).is_err() {
                return;
            }
        }
    }

    fn carry_out(&self, ordered: &Ordered) -> Result<String, Error> {
        match &ordered.order {
            Order::Retry { run, newest, edited, force } => {
                self.retry(*run, *newest || edited.is_some() || *force, edited.clone(), *force, &ordered.who)
            }
            Order::Drop { run } => self.drop_run(*run, &ordered.who),
            Order::Settle { run, effect, landed } => self.settle(*run, effect, landed.clone(), &ordered.who),
            Order::Run { flow, bodies } => self.backfill(flow, bodies),
        }
    }

    /// Goes on with a parked run: as it is bound, or as a new run that inherits its effects. A past run runs again.
    fn retry(
        &self,
        run: RunId,
        anew: bool,
        edited: Option<Value>,
        force: bool,
        who: &Arc<str>,
    ) -> Result<String, Error> {
        let standing = self.board().lanes.standing(run).map(|stand| (stand.event.clone(), stand.letter));
        let Some((event, letter)) = standing else { return self.replay(run, edited, force) };
        let state = self.state(run, letter)?;
        if anew {
            return self.continue_anew(&event, state, edited, force, who);
        }
        state.next(RunInput::Retry).map_err(|_| Error::NoRun(run))?;
        let mut board = self.board();
        self.append(vec![Fact::Reopened { run, at: self.world.now(), by: Arc::clone(who) }])?;
        board.lanes.resume(run);
        Ok(format!("run {run} goes on"))
    }

    /// Events of an older window. One that does not say what it is about is told of, and the others still run.
    fn backfill(&self, flow: &Arc<str>, bodies: &[Value]) -> Result<String, Error> {
        let mut refused = Vec::new();
        for body in bodies {
            let (flow, body) = (Arc::clone(flow), body.clone());
            let offer = Offer { flow, body, origin: Origin::Backfill, priority: Priority::Bulk };
            match self.accept(vec![offer], Vec::new(), None) {
                Ok(_) => {}
                Err(error @ Error::Trigger { .. }) => refused.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        let taken = format!("{} events of `{flow}` taken", bodies.len() - refused.len());
        Ok(refused.iter().fold(taken, |told, refused| format!("{told}; {refused}")))
    }

    fn state(&self, run: RunId, letter: bool) -> Result<RunState, Error> {
        let frozen = self.journal.run(run)?.is_some_and(|open| open.frozen_by().is_some());
        Ok(if letter { RunState::Letter { frozen } } else { RunState::Until { frozen } })
    }

    fn continue_anew(
        &self,
        event: &Event,
        state: RunState,
        edited: Option<Value>,
        force: bool,
        who: &Arc<str>,
    ) -> Result<String, Error> {
        state.next(RunInput::RetryNewer).map_err(|_| Error::NoRun(event.id))?;
        let next = self.again(
            &event.flow,
            (event.id, event.root),
            edited.unwrap_or_else(|| event.body.clone()),
            force,
        )?;
        let mut board = self.board();
        let id = board.ids.next(next.at);
        let mut next = next.named(id);
        if event.effect_key() != next.effect_key() {
            // The same effects under the same name: an edited event stays what it was about.
            next.fact = Some(event.effect_key()).filter(|_| event.fact.is_some());
        }
        (next.awaited_by, next.latest) = (event.awaited_by, event.latest);
        self.parents().remove(&event.id);
        if board.lanes.drop(event.id).is_none() {
            return Err(Error::NoRun(event.id));
        }
        let ended = self.bare(event, Outcome::Continued(next.id), Some(Arc::clone(who)));
        board.lanes.push(next.clone());
        self.append(vec![Fact::Ended(ended), Fact::Accepted(next)])?;
        Ok(format!("run {} goes on as {id}", event.id))
    }

    fn replay(&self, run: RunId, edited: Option<Value>, force: bool) -> Result<String, Error> {
        let past = self.journal.past(&Query { run: Some(run), limit: 1, ..Query::default() })?;
        let Some(Past { flow, body, root, .. }) = past.into_iter().next() else {
            return Err(Error::NoRun(run));
        };
        let body = edited.unwrap_or(body);
        let next = self.again(&flow, (run, root), body, force)?;
        let mut board = self.board();
        let id = board.ids.next(next.at);
        let next = next.named(id);
        board.lanes.push(next.clone());
        self.append(vec![Fact::Accepted(next)])?;
        Ok(format!("run {run} runs again as {id}"))
    }

    fn again(
        &self,
        flow: &Arc<str>,
        (of, root): (RunId, RunId),
        body: Value,
        force: bool,
    ) -> Result<Event, Error> {
        let prepared = self.newest(flow).ok_or_else(|| Error::UnknownFlow(flow.to_string()))?;
        let origin = Origin::Again { of, root, force };
        let offer = Offer { flow: Arc::clone(flow), body, origin, priority: Priority::Live };
        self.event(&prepared, offer, None)
    }

    fn drop_run(&self, run: RunId, who: &Arc<str>) -> Result<String, Error> {
        let mut board = self.board();
        let event = board.lanes.drop(run).ok_or(Error::NoRun(run))?;
        self.append(vec![Fact::Ended(self.bare(&event, Outcome::Dropped, Some(Arc::clone(who))))])?;
        drop(board);
        self.child_done(&event, Outcome::Dropped, None, None);
        Ok(format!("run {run} is dropped"))
    }

    fn settle(
        &self,
        run: RunId,
        effect: &EffectId,
        landed: Option<Value>,
        who: &Arc<str>,
    ) -> Result<String, Error> {
        let letter = self.board().lanes.standing(run).map(|stand| stand.letter).ok_or(Error::NoRun(run))?;
        let input = if landed.is_some() { RunInput::SettleLanded } else { RunInput::SettleAbsent };
        self.state(run, letter)?.next(input).map_err(|_| Error::NoRun(run))?;
        let settled = match landed {
            Some(value) => Fact::Landed { run, effect: effect.clone(), by: Proof::Operator, value },
            None => Fact::Absent { run, effect: effect.clone() },
        };
        let mut board = self.board();
        self.append(vec![settled, Fact::Reopened { run, at: self.world.now(), by: Arc::clone(who) }])?;
        board.lanes.resume(run);
        Ok(format!("run {run} goes on: {} is settled", effect.node))
    }
}
