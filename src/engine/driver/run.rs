//! One run as a task: the machine's commands are performed in order, answers come back as inputs. In: a start from the lanes.
//! Out: appends and requests: permit, then intent, then durable, then send. It must never decide what to send.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::mpsc;

use super::{Inner, Life, Offer};
use crate::{
    engine::{
        lanes::Start,
        machine::{Birth, ChildStart, Command, Input, Machine, Note, Refresh, StepId, Timer, Turn},
        prepared::Prepared,
        world::{Permit, Waiting},
    },
    event::{
        Answer, Code, Effect, Event, Fact, Failure, Instant, Letter, Origin, Outcome, Parked, Past, Request,
        RunId, Why,
    },
    journal::{self, Lsn, Query},
    value::{Hash, Value},
};

/// What a run's task hears.
pub(super) enum Msg {
    /// For the machine.
    Input(Input),
    /// The limiter let a request go.
    Permit(StepId, u16, Permit),
    /// An answer that may be shared, with what it answers.
    Fresh(StepId, u16, Value),
}

/// A request between its permit and its answer.
struct Asked {
    attempt: u16,
    request: Arc<Request>,
    fresh: Option<Duration>,
    permit: Option<Permit>,
    kept: Option<Value>,
}

/// One run's task.
pub(super) struct Task {
    inner: Arc<Inner>,
    event: Event,
    prepared: Arc<Prepared>,
    to: mpsc::UnboundedSender<Msg>,
    asked: HashMap<StepId, Asked>,
    /// What the run waits for: permits, answers, instants. It is part of this task, so that an answer wakes one task and no more.
    flying: FuturesUnordered<Waiting<'static, Option<Msg>>>,
    /// The append that must be durable before a write leaves.
    guard: Lsn,
    /// Steps that wait for a child run.
    children: HashSet<StepId>,
}

/// Why a task stops before its machine does.
enum Stop {
    Journal(journal::Error),
    PlanGone(Hash),
}

impl From<journal::Error> for Stop {
    fn from(error: journal::Error) -> Self {
        Self::Journal(error)
    }
}

impl From<journal::Broken> for Stop {
    fn from(broken: journal::Broken) -> Self {
        Self::Journal(broken.into())
    }
}

impl Inner {
    /// Starts all runs that may start.
    pub(super) fn pump(self: &Arc<Self>) {
        if self.room().is_err() {
            return;
        }
        if self.life() != Life::Broken && self.refill().is_err() {
            return self.break_down();
        }
        let sooner = loop {
            let quota = match self.life() {
                Life::Open => self.policy.in_flight,
                // Only child runs that a run which has begun waits for.
                Life::Draining => 0,
                Life::Broken => return,
            };
            let mut board = self.board();
            let start = board.lanes.next(quota, |event| self.is_held(event));
            let Some(start) = start else { break self.is_sooner(&board) };
            let gone: Vec<Fact> = start.supersedes.iter().map(|old| self.superseded(old)).collect();
            if !gone.is_empty() && self.append(gone).is_err() {
                return;
            }
            let remembered = board.asks_always
                || board.remembered.contains(&(Arc::clone(&start.event.flow), start.event.effect_key()));
            drop(board);
            self.begin(start, remembered);
        };
        if sooner {
            self.stir.notify_one();
        }
        self.quiet.notify_waiters();
    }

    fn is_held(&self, event: &Event) -> bool {
        let connections =
            self.newest(&event.flow).map(|prepared| prepared.connections.clone()).unwrap_or_default();
        connections.iter().any(|connection| self.world.held(connection))
    }

    fn begin(self: &Arc<Self>, start: Start, remembered: bool) {
        let (to, from) = mpsc::unbounded_channel();
        self.runs().insert(start.event.id, to.clone());
        let mine = to.clone();
        let inner = Arc::clone(self);
        (self.spawn)(Box::pin(async move {
            let event = start.event.clone();
            let ran = drive(&inner, start, remembered, to, from).await;
            match ran {
                Ok(()) => {}
                Err(Stop::PlanGone(print)) => inner.plan_gone(event.clone(), print),
                Err(Stop::Journal(error)) => {
                    tracing::error!(run = %event.id, %error, "the engine stops");
                    inner.break_down();
                }
            }
            let mut runs = inner.runs();
            // The run may have come back under the same name already.
            if runs.get(&event.id).is_some_and(|now| now.same_channel(&mine)) {
                runs.remove(&event.id);
            }
            drop(runs);
            inner.pump();
            inner.quiet.notify_waiters(); // a drain waits for this
        }));
    }

    fn plan_gone(&self, event: Event, print: Hash) {
        let message =
            format!("found no plan {print:?}, expected the one it began with; retry with the newest");
        let letter = Letter {
            node: "".into(),
            element: None,
            code: Code::PlanGone,
            message: message.into(),
            request: None,
            answer: None,
        };
        let parked = Parked {
            run: event.id,
            at: self.world.now(),
            why: Why::Letter,
            due: None,
            frozen: true,
            doubt: false,
            letters: vec![letter],
            tries: Vec::new(),
        };
        let mut board = self.board();
        if self.append(vec![Fact::Parked(parked.clone())]).is_ok() {
            board.lanes.parked(event, &parked);
        }
    }

    /// A run that ends because a newer one took over.
    pub(super) fn superseded(&self, event: &Event) -> Fact {
        Fact::Ended(self.bare(event, Outcome::Superseded, None))
    }

    /// The past of a run that is not in memory.
    pub(super) fn bare(&self, event: &Event, outcome: Outcome, reason: Option<Arc<str>>) -> Past {
        let now = self.world.now();
        Past {
            run: event.id,
            flow: Arc::clone(&event.flow),
            root: event.root,
            lane: Arc::clone(&event.lane),
            key: Arc::clone(&event.key),
            fact: event.fact.clone(),
            version: event.version.clone(),
            body: event.body.clone(),
            plan: self.newest(&event.flow).map_or(Hash([0; 32]), |prepared| prepared.plan.print),
            accepted: event.at,
            started: event.at,
            ended: now,
            outcome,
            reason,
            used: None,
            give: None,
            nodes: Vec::new(),
            effects: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

async fn drive(
    inner: &Arc<Inner>,
    start: Start,
    remembered: bool,
    to: mpsc::UnboundedSender<Msg>,
    mut from: mpsc::UnboundedReceiver<Msg>,
) -> Result<(), Stop> {
    let birth = inner.birth(&start, remembered).await?;
    let guard = Lsn(inner.appended.load(Ordering::Acquire));
    let prepared = Arc::clone(&birth.prepared);
    let mut task = Task {
        inner: Arc::clone(inner),
        event: start.event,
        prepared,
        to,
        asked: HashMap::new(),
        flying: FuturesUnordered::new(),
        guard,
        children: HashSet::new(),
    };
    let mut turn = Turn::new(inner.world.now(), inner.world.random());
    let mut machine = Machine::begin(birth, &mut turn);
    loop {
        for command in std::mem::take(&mut turn.out) {
            task.perform(command, &mut machine).await?;
        }
        if machine.is_over() {
            task.let_fly();
            return Ok(());
        }
        // `task` holds a sender, so the channel never closes.
        let Some(message) = task.next(&mut from).await else { return Ok(()) };
        turn = Turn::new(inner.world.now(), inner.world.random());
        if let Some(input) = task.hear(message) {
            machine.on(input, &mut turn);
        }
    }
}

impl Inner {
    /// All that a run begins with.
    async fn birth(&self, start: &Start, remembered: bool) -> Result<Birth, Stop> {
        let event = start.event.clone();
        let mut facts = Vec::new();
        let mut effects = Vec::new();
        if start.resume || start.inherits || remembered {
            // What is read back must be there to be read.
            self.settled().await?;
            if start.resume {
                facts = self.journal.run(event.id)?.map(|open| open.facts).unwrap_or_default();
            }
            effects = self.journal.effects(&event.flow, &event.effect_key())?;
        }
        if let Origin::Again { of, .. } | Origin::Refresh { of, .. } = event.origin {
            self.settled().await?;
            effects.extend(self.effects_of(of, &effects)?);
        }
        let bound =
            facts.iter().find_map(|fact| if let Fact::Froze(froze) = fact { Some(froze.plan) } else { None });
        let prepared = match bound {
            Some(print) => self.bound(print).ok_or(Stop::PlanGone(print))?,
            None => self.newest(&event.flow).ok_or(Stop::PlanGone(Hash([0; 32])))?,
        };
        let compares = event.latest && prepared.writes && event.origin.may_be_unchanged();
        let last = if compares { self.last(&event.flow, &event.key)? } else { None };
        Ok(Birth {
            prepared,
            event,
            facts,
            effects,
            last_used: last.and_then(|last| last.used),
            policy: Arc::clone(&self.policy),
            salt: self.salt,
            watched: self.watched(),
        })
    }

    /// Effects of a past run that are not remembered otherwise.
    fn effects_of(&self, run: RunId, known: &[Effect]) -> Result<Vec<Effect>, journal::Error> {
        let past = self.journal.past(&Query { run: Some(run), limit: 1, ..Query::default() })?;
        let all = past.into_iter().flat_map(|past| past.effects);
        Ok(all.filter(|effect| known.iter().all(|other| other.id != effect.id)).collect())
    }
}

impl Task {
    /// The next message, from outside or of what this run waits for.
    async fn next(&mut self, from: &mut mpsc::UnboundedReceiver<Msg>) -> Option<Msg> {
        loop {
            tokio::select! {
                biased;
                message = from.recv() => return message,
                Some(message) = self.flying.next() => if message.is_some() {
                    return message;
                },
            }
        }
    }

    /// The run is over: requests under way are still waited for, since a call that is cut off costs its connection.
    fn let_fly(&mut self) {
        let rest = std::mem::take(&mut self.flying);
        if !rest.is_empty() {
            (self.inner.spawn)(Box::pin(rest.for_each(|_| std::future::ready(()))));
        }
    }

    /// What the machine hears of a message.
    fn hear(&mut self, message: Msg) -> Option<Input> {
        match message {
            Msg::Input(Input::Answer { step, attempt, got }) => {
                self.keep_fresh(step, attempt, &got);
                Some(Input::Answer { step, attempt, got })
            }
            Msg::Input(Input::Child { step, end }) => {
                if self.children.remove(&step) && self.children.is_empty() {
                    self.inner.board().lanes.awaits(false);
                }
                Some(Input::Child { step, end })
            }
            Msg::Input(input) => Some(input),
            Msg::Permit(step, attempt, permit) => {
                let asked = self.asked.get_mut(&step).filter(|asked| asked.attempt == attempt)?;
                asked.permit = Some(permit);
                Some(Input::Permit { step, attempt })
            }
            Msg::Fresh(step, attempt, value) => {
                let asked = self.asked.get_mut(&step).filter(|asked| asked.attempt == attempt)?;
                asked.kept = Some(value);
                Some(Input::Permit { step, attempt })
            }
        }
    }

    async fn perform(&mut self, command: Command, machine: &mut Machine) -> Result<(), Stop> {
        self.inner.world.hears(&command);
        match command {
            Command::Ask { step, attempt, request, fresh } => self.ask(step, attempt, request, fresh),
            Command::Leave { step, attempt, facts, wait } => self.leave(step, attempt, facts, wait)?,
            Command::Child { step, facts, start } => {
                self.append(facts, true)?;
                self.child(step, start).await?;
            }
            Command::Note(note) => self.note(*note)?,
            Command::Record(facts) => self.append(facts, false)?,
            Command::Wake { timer, at } => self.wake(timer, at),
            Command::Tell(what) => self.inner.tell(&self.event, what),
            Command::Park(facts) => self.park(facts)?,
            Command::End { past, refresh } => self.end(*past, refresh, machine)?,
        }
        Ok(())
    }

    /// Starts a child run. While it waits for one, this run does not count for the quota.
    async fn child(&mut self, step: StepId, start: ChildStart) -> Result<(), Stop> {
        if self.inner.known_run(&start)?.is_some() {
            // How it ended must be there to be read.
            self.inner.settled().await?;
        }
        let start = self.inner.child_of(&self.event, start)?;
        if let Some(end) = self.inner.start_child(&self.event, step, start)? {
            // The task itself holds the other end.
            let _ = self.to.send(Msg::Input(Input::Child { step, end }));
        } else {
            if self.children.is_empty() {
                self.inner.board().lanes.awaits(true);
            }
            self.children.insert(step);
        }
        self.inner.pump();
        Ok(())
    }

    fn ask(&mut self, step: StepId, attempt: u16, request: Arc<Request>, fresh: Option<Duration>) {
        let kept = fresh.and_then(|age| self.inner.fresh_answer(&request, age));
        let asked = Asked { attempt, request: Arc::clone(&request), fresh, permit: None, kept: None };
        self.asked.insert(step, asked);
        if let Some(value) = kept {
            // The task itself holds the other end.
            let _ = self.to.send(Msg::Fresh(step, attempt, value));
            return;
        }
        let inner = Arc::clone(&self.inner);
        self.flying.push(Box::pin(async move {
            // A run that is over drops the permit, which refunds it.
            Some(tokio::select! {
                biased;
                permit = inner.world.permit(&request) => Msg::Permit(step, attempt, permit),
                () = inner.world.shut(&request.connection) => Msg::Input(Input::Held { step, attempt }),
            })
        }));
    }

    fn leave(&mut self, step: StepId, attempt: u16, facts: Vec<Fact>, wait: bool) -> Result<(), Stop> {
        self.append(facts, true)?;
        let Some(asked) = self.asked.get_mut(&step).filter(|asked| asked.attempt == attempt) else {
            return Ok(());
        };
        if let Some(value) = asked.kept.take() {
            let _ = self.to.send(Msg::Input(Input::Answer { step, attempt, got: Ok(Answer::One(value)) }));
            return Ok(());
        }
        let (request, permit) = (Arc::clone(&asked.request), asked.permit.take().unwrap_or_default());
        let (inner, guard) = (Arc::clone(&self.inner), self.guard);
        self.flying.push(Box::pin(async move {
            if wait {
                inner.durable(guard).await.ok()?;
            }
            if request.write {
                inner.has_room().await.ok()?;
            }
            let got = inner.world.send(&request, permit).await;
            Some(Msg::Input(Input::Answer { step, attempt, got }))
        }));
        Ok(())
    }

    /// Asks or writes a book. A write that leaves later waits until what was written is durable.
    fn note(&mut self, note: Note) -> Result<(), Stop> {
        let (step, attempt) = (note.step, note.attempt);
        if note.verb.writes() {
            self.remember();
        }
        let (got, lsn) = self.inner.note(note)?;
        self.guard = lsn.unwrap_or(self.guard);
        // The task itself holds the other end.
        let _ = self.to.send(Msg::Input(Input::Answer { step, attempt, got }));
        Ok(())
    }

    fn wake(&self, timer: Timer, at: Instant) {
        let inner = Arc::clone(&self.inner);
        self.flying.push(Box::pin(async move {
            inner.world.sleep_until(at).await;
            Some(Msg::Input(Input::Due(timer)))
        }));
    }

    fn append(&mut self, facts: Vec<Fact>, guards: bool) -> Result<(), Stop> {
        if facts.is_empty() {
            return Ok(());
        }
        if facts.iter().any(|fact| matches!(fact, Fact::Intent(_))) {
            self.remember();
        }
        let lsn = self.inner.append_surely(facts)?;
        if guards {
            self.guard = lsn;
        }
        Ok(())
    }

    fn remember(&self) {
        let key = (Arc::clone(&self.event.flow), self.event.effect_key());
        self.inner.board().remembered.insert(key);
    }

    fn park(&mut self, mut facts: Vec<Fact>) -> Result<(), Stop> {
        let parked = facts.iter().find_map(|fact| match fact {
            Fact::Parked(parked) => Some(parked.clone()),
            _ => None,
        });
        let Some(parked) = parked else { return Ok(()) };
        if facts.iter().any(|fact| matches!(fact, Fact::Landed { .. })) {
            self.remember();
        }
        let mut board = self.inner.board();
        let superseded = board.lanes.parked(self.event.clone(), &parked);
        facts.extend(superseded.iter().map(|old| self.inner.superseded(old)));
        self.inner.append_surely(facts)?;
        drop(board);
        if parked.due.is_none() {
            self.inner.child_parked(&self.event);
        }
        self.inner.waits_in_vain(&self.event, &parked)?;
        Ok(())
    }

    fn end(&mut self, past: Past, refresh: Refresh, machine: &Machine) -> Result<(), Stop> {
        let ok = past.outcome.is_well();
        let wanted = refresh.now || refresh.later.is_some();
        let again = wanted.then(|| self.inner.refresh(&self.prepared, machine.event())).flatten();
        if ok {
            let key = (Arc::clone(&self.event.flow), self.event.effect_key());
            self.inner.board().remembered.remove(&key);
        }
        let give = past.give.clone();
        let reason = past.reason.clone();
        let outcome = past.outcome;
        self.inner.finish(&self.event, past, again.map(|again| (again, refresh)))?;
        self.inner.child_done(&self.event, outcome, give, reason);
        Ok(())
    }

    fn keep_fresh(&mut self, step: StepId, attempt: u16, got: &Result<Answer, Failure>) {
        let Some(asked) = self.asked.get(&step).filter(|asked| asked.attempt == attempt) else { return };
        if let (Some(_), Ok(Answer::One(value))) = (asked.fresh, got) {
            self.inner.keep_fresh(&asked.request, value);
        }
    }
}

impl Inner {
    /// The end of a run, of the letters it supersedes, and the event that looks again: one commit, one change of lanes.
    fn finish(
        &self,
        event: &Event,
        past: Past,
        again: Option<(Event, Refresh)>,
    ) -> Result<(), journal::Error> {
        let mut board = self.board();
        let superseded =
            board.lanes.ended(event, past.outcome.is_well(), past.outcome == Outcome::Superseded);
        let mut facts = vec![Fact::Ended(past)];
        facts.extend(superseded.iter().map(|old| self.superseded(old)));
        if let Some((again, refresh)) = again {
            // An event that waits looks again anyway.
            let erased = self.is_erased(&board, &again);
            if refresh.now && !erased && !board.lanes.waits(&again) {
                let id = board.ids.next(again.at);
                let now = again.clone().named(id);
                if !board.backlog.is_open() {
                    board.lanes.push(now.clone());
                }
                facts.push(Fact::Accepted(now));
            }
            if let Some(due) = refresh.later.filter(|_| !erased) {
                let id = board.ids.next(again.at);
                let later = again.named(id);
                let parked = Parked {
                    run: later.id,
                    at: later.at,
                    why: Why::Later,
                    due: Some(due),
                    frozen: false,
                    doubt: false,
                    letters: Vec::new(),
                    tries: Vec::new(),
                };
                board.lanes.restore(later.clone(), Some(&parked), false);
                facts.extend([Fact::Accepted(later), Fact::Parked(parked)]);
            }
        }
        self.append_surely(facts).map(drop)
    }

    fn refresh(&self, prepared: &Prepared, event: &Event) -> Option<Event> {
        let offer = Offer {
            flow: Arc::clone(&event.flow),
            body: event.body.clone(),
            origin: Origin::Refresh { of: event.id, root: event.root },
            priority: event.priority,
        };
        self.event(prepared, offer, None).ok()
    }

    fn fresh_answer(&self, request: &Request, age: Duration) -> Option<Value> {
        let held = self.fresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (at, value) = held.get(&request.hash())?;
        (self.world.now().since(*at) <= age).then(|| value.clone())
    }

    fn keep_fresh(&self, request: &Request, value: &Value) {
        let mut held = self.fresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if held.len() >= self.policy.fresh_most {
            held.clear();
        }
        held.insert(request.hash(), (self.world.now(), value.clone()));
    }
}
