//! What operators order: retry, drop, settle, run. In: the journal's command table. Out: facts, with the word on what was done in
//! the same commit, and lanes stirred. It must never skip the table of runs.

use std::sync::Arc;

use super::{Engine, Error, Inner, Offer, Offered};
use crate::{
    engine::policy::Guard,
    event::{
        EffectId, Event, Fact, Origin, Outcome, Past, Priority, Proof, RunId, Told,
        table::{RunInput, RunState},
    },
    journal::{Asked, Order, Ordered, Query},
    value::Value,
};

/// An operator's request, and what became of it.
#[derive(Clone, Debug)]
pub struct Obeyed {
    /// The request.
    pub ordered: Ordered,
    /// What became of it.
    pub told: Told,
}

/// Something that is asked, while it is carried out.
struct Doing<'a> {
    order: u64,
    asked: &'a Asked,
}

/// What is done, and what is told of it.
struct Done {
    facts: Vec<Fact>,
    told: Told,
}

impl Doing<'_> {
    /// What is done, with the word on it: one commit, so that a crash neither forgets a request nor carries it out twice.
    fn done(&self, mut facts: Vec<Fact>, text: impl Into<Arc<str>>, run: Option<RunId>) -> Done {
        let told = Told { text: text.into(), refused: false, run };
        facts.push(Fact::Ordered { order: self.order, told: told.clone() });
        Done { facts, told }
    }

    /// On whose word.
    fn by(&self) -> Arc<str> {
        match &self.asked.why {
            Some(why) => format!("{} ({why})", self.asked.who).into(),
            None => Arc::clone(&self.asked.who),
        }
    }
}

impl Engine {
    /// Does all that was ordered since the last round, without waiting for the next.
    pub fn obey(&self) {
        self.inner.obey();
        self.inner.pump();
    }

    /// What is done for operators, from now on. A slow listener misses some.
    pub fn obeyed(&self) -> tokio::sync::broadcast::Receiver<Obeyed> {
        self.inner.obeyed.subscribe()
    }
}

impl Inner {
    pub(super) fn obey(&self) {
        let Ok(orders) = self.journal.orders() else { return };
        // What was done stays on the list until that is durable.
        let fresh: Vec<Ordered> = {
            let mut known = self.carried_out();
            known.retain(|known| orders.iter().any(|ordered| ordered.id == *known));
            orders.into_iter().filter(|ordered| known.insert(ordered.id)).collect()
        };
        for (place, ordered) in fresh.iter().enumerate() {
            let told = self.carry_out(ordered).or_else(|error| match error {
                error @ Error::Journal(_) => Err(error),
                error => self.refuse(ordered, &error),
            });
            let Ok(told) = told else {
                let mut known = self.carried_out();
                known.retain(|known| fresh[place..].iter().all(|later| later.id != *known));
                return;
            };
            // Nobody listening is not a fault.
            let _ = self.obeyed.send(Obeyed { ordered: ordered.clone(), told });
        }
    }

    fn refuse(&self, ordered: &Ordered, error: &Error) -> Result<Told, Error> {
        tracing::warn!(request = ordered.id, %error, "a request of an operator is refused");
        let told = Told { text: format!("refused: {error}").into(), refused: true, run: None };
        self.append(vec![Fact::Ordered { order: ordered.id, told: told.clone() }])?;
        Ok(told)
    }

    fn carry_out(&self, ordered: &Ordered) -> Result<Told, Error> {
        let doing = Doing { order: ordered.id, asked: &ordered.asked };
        match &ordered.asked.order {
            Order::Retry { run, newest, edited, force } => {
                self.retry(*run, *newest || edited.is_some() || *force, edited.clone(), *force, &doing)
            }
            Order::Drop { run } => self.drop_run(*run, &doing),
            Order::Settle { run, effect, landed } => self.settle(*run, effect, landed.clone(), &doing),
            Order::Run { flow, bodies } => self.backfill(flow, bodies, &doing),
            Order::Exec { flow, body } => self.exec(flow, body, &doing),
            Order::Erase { flow, key } => self.erase(flow, key, &doing),
        }
    }

    /// Appends what is done.
    fn finish_order(&self, mut done: Done) -> Result<Told, Error> {
        if !self.policy.guards.has(Guard::OrderCommit)
            && let Some(word) = done.facts.pop()
        {
            self.append_surely(vec![word])?;
        }
        self.append_surely(done.facts)?;
        Ok(done.told)
    }

    /// Goes on with a parked run: as it is bound, or as a new run that inherits its effects. A past run runs again.
    fn retry(
        &self,
        run: RunId,
        anew: bool,
        edited: Option<Value>,
        force: bool,
        doing: &Doing<'_>,
    ) -> Result<Told, Error> {
        self.bring(run)?;
        let standing = self.board().lanes.standing(run).map(|stand| (stand.event.clone(), stand.letter));
        let Some((event, letter)) = standing else { return self.replay(run, edited, force, doing) };
        let state = self.state(run, letter)?;
        if anew {
            return self.continue_anew(&event, state, edited, force, doing);
        }
        state.next(RunInput::Retry).map_err(|_| Error::NoRun(run))?;
        let mut board = self.board();
        let reopened = Fact::Reopened { run, at: self.world.now(), by: doing.by() };
        let told = self.finish_order(doing.done(vec![reopened], format!("run {run} goes on"), Some(run)))?;
        board.lanes.resume(run);
        Ok(told)
    }

    /// Events of an older window. One that does not say what it is about is told of, and the others still run.
    fn backfill(&self, flow: &Arc<str>, bodies: &[Value], doing: &Doing<'_>) -> Result<Told, Error> {
        let prepared = self.newest(flow).ok_or_else(|| Error::UnknownFlow(flow.to_string()))?;
        let (mut offers, mut refused) = (Vec::new(), Vec::new());
        for body in bodies {
            let (flow, body) = (Arc::clone(flow), body.clone());
            let offer = Offer { flow, body, origin: Origin::Backfill, priority: Priority::Bulk };
            match self.event(&prepared, offer.clone(), None) {
                Ok(_) => offers.push(offer),
                Err(error) => refused.push(error.to_string()),
            }
        }
        let taken = format!("{} events of `{flow}` taken", offers.len());
        let text = refused.iter().fold(taken, |told, refused| format!("{told}; {refused}"));
        let mut told = None;
        self.accept_with(offers, Vec::new(), |_| {
            let done = doing.done(Vec::new(), text.clone(), None);
            told = Some(done.told);
            done.facts
        })?;
        told.ok_or(Error::Stopping)
    }

    /// One event by hand.
    fn exec(&self, flow: &Arc<str>, body: &Value, doing: &Doing<'_>) -> Result<Told, Error> {
        let (flow, body) = (Arc::clone(flow), body.clone());
        let offer = Offer { flow, body, origin: Origin::Hand, priority: Priority::Live };
        let mut told = None;
        self.accept_with(vec![offer], Vec::new(), |each| {
            let (text, run) = match each.first() {
                Some(Offered::Accepted(run) | Offered::Merged { into: run }) => {
                    (format!("run {run} begins"), Some(*run))
                }
                Some(Offered::Erased) => ("its subject was erased: nothing to do".into(), None),
                _ => ("this event was done before, or waits already: nothing to do".into(), None),
            };
            let done = doing.done(Vec::new(), text, run);
            told = Some(done.told);
            done.facts
        })?;
        told.ok_or(Error::Stopping)
    }

    fn erase(&self, flow: &str, key: &str, doing: &Doing<'_>) -> Result<Told, Error> {
        let who = self.subject(flow, key);
        let mut board = self.board();
        let erased = Fact::Erased { who, at: self.world.now() };
        let text = format!("no more events of `{flow}` about it are taken");
        let told = self.finish_order(doing.done(vec![erased], text, None))?;
        board.erased.insert(who);
        Ok(told)
    }

    fn state(&self, run: RunId, letter: bool) -> Result<RunState, Error> {
        let frozen = self.journal.run(run)?.is_some_and(|open| open.frozen_by().is_some());
        Ok(if letter { RunState::Letter { frozen } } else { RunState::Until { frozen } })
    }

    /// What is told of a run that ends because somebody asked for it: who, why, and what it was parked for.
    fn reason(&self, run: RunId, doing: &Doing<'_>) -> Result<Arc<str>, Error> {
        let parked = self.journal.run(run)?.and_then(|open| open.parked().cloned());
        let letters = parked.map(|parked| parked.letters).unwrap_or_default();
        let stood =
            letters.first().map(|letter| format!("; it stood at {}: {}", letter.node, letter.message));
        Ok(format!("asked for by {}{}", doing.by(), stood.unwrap_or_default()).into())
    }

    fn continue_anew(
        &self,
        event: &Event,
        state: RunState,
        edited: Option<Value>,
        force: bool,
        doing: &Doing<'_>,
    ) -> Result<Told, Error> {
        state.next(RunInput::RetryNewer).map_err(|_| Error::NoRun(event.id))?;
        let next = self.again(
            &event.flow,
            (event.id, event.root),
            edited.unwrap_or_else(|| event.body.clone()),
            force,
        )?;
        let reason = self.reason(event.id, doing)?;
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
        let ended = self.bare(event, Outcome::Continued(next.id), Some(reason));
        self.bring_lane(&mut board, &next)?;
        board.backlog.enters(id);
        board.lanes.push(next.clone());
        let text = format!("run {} goes on as {id}", event.id);
        self.finish_order(doing.done(vec![Fact::Ended(ended), Fact::Accepted(next)], text, Some(id)))
    }

    fn replay(
        &self,
        run: RunId,
        edited: Option<Value>,
        force: bool,
        doing: &Doing<'_>,
    ) -> Result<Told, Error> {
        let past = self.journal.past(&Query { run: Some(run), limit: 1, ..Query::default() })?;
        // Whoever asked while it was parked did not ask for what is over meanwhile to run again.
        let over = past.into_iter().next().filter(|past| past.ended < doing.asked.at);
        let Some(Past { flow, body, root, .. }) = over else {
            return Err(Error::NoRun(run));
        };
        let body = edited.unwrap_or(body);
        let next = self.again(&flow, (run, root), body, force)?;
        let mut board = self.board();
        let id = board.ids.next(next.at);
        let next = next.named(id);
        self.bring_lane(&mut board, &next)?;
        board.backlog.enters(id);
        board.lanes.push(next.clone());
        let text = format!("run {run} runs again as {id}");
        self.finish_order(doing.done(vec![Fact::Accepted(next)], text, Some(id)))
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
        let event = self.event(&prepared, offer, None)?;
        if self.is_erased(&self.board(), &event) {
            return Err(Error::Erased);
        }
        Ok(event)
    }

    fn drop_run(&self, run: RunId, doing: &Doing<'_>) -> Result<Told, Error> {
        let reason = self.reason(run, doing)?;
        self.bring(run)?;
        let mut board = self.board();
        let event = board.lanes.drop(run).ok_or(Error::NoRun(run))?;
        let ended = Fact::Ended(self.bare(&event, Outcome::Dropped, Some(reason)));
        let told = self.finish_order(doing.done(vec![ended], format!("run {run} is dropped"), None))?;
        drop(board);
        self.child_done(&event, Outcome::Dropped, None, None);
        Ok(told)
    }

    fn settle(
        &self,
        run: RunId,
        effect: &EffectId,
        landed: Option<Value>,
        doing: &Doing<'_>,
    ) -> Result<Told, Error> {
        self.bring(run)?;
        let letter = self.board().lanes.standing(run).map(|stand| stand.letter).ok_or(Error::NoRun(run))?;
        let input = if landed.is_some() { RunInput::SettleLanded } else { RunInput::SettleAbsent };
        self.state(run, letter)?.next(input).map_err(|_| Error::NoRun(run))?;
        let settled = match landed {
            Some(value) => Fact::Landed { run, effect: effect.clone(), by: Proof::Operator, value },
            None => Fact::Absent { run, effect: effect.clone() },
        };
        let mut board = self.board();
        let reopened = Fact::Reopened { run, at: self.world.now(), by: doing.by() };
        let text = format!("run {run} goes on: {} is settled", effect.node);
        let told = self.finish_order(doing.done(vec![settled, reopened], text, Some(run)))?;
        board.lanes.resume(run);
        Ok(told)
    }
}
