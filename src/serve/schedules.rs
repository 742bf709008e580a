//! Schedules: firings that are due, once each, also after a restart. In: a source, the time. Out: events with the firing as
//! watermark, in one commit. It must never fire twice for one instant.

use std::{sync::Arc, time::Duration};

use super::{
    Error, Said, Shared,
    polls::Page,
    said::{Health, at},
};
use crate::{
    event::{Answer, Instant, Priority, Request, RunId, Watermark},
    plan::{Plan, SourceKind},
    trigger::{self, Schedule},
    value::{Hash, Value},
    wire,
};

/// The clock is looked at this often, so that a machine that slept or a clock that was set is noticed.
const LOOK: Duration = Duration::from_mins(1);

/// A schedule of one flow.
pub(super) struct Firing {
    shared: Arc<Shared>,
    plan: Arc<Plan>,
    at: usize,
    pub(super) schedule: Schedule,
    known: bool,
    seen: Instant,
    pub(super) mark: Hash,
    read: Option<(Arc<str>, Arc<str>)>,
    with: Value,
    name: String,
}

impl Firing {
    pub(super) fn new(shared: &Arc<Shared>, plan: &Arc<Plan>, at_source: usize) -> Result<Self, Error> {
        let failed = |told: String| Error::Schedule { flow: Arc::clone(&plan.flow), told };
        let source = &plan.trigger.sources[at_source];
        let SourceKind::Schedule { cron, zone, read, with } = &source.kind else {
            return Err(failed("it is none".into()));
        };
        let with = trigger::parameters(plan, source, with).map_err(failed)?;
        let account = read.as_ref().and_then(|(connection, _)| shared.wire.connection(connection));
        let account = account.map(|connection| Arc::clone(&connection.account)).unwrap_or_default();
        let operation = read.as_ref().map_or("", |(_, operation)| &**operation);
        let mark = trigger::name(&account, &format!("{cron} {zone} {operation}"), &with);
        let found =
            shared.engine.journal().watermark(&plan.flow, mark).map_err(|error| failed(error.to_string()))?;
        let fired = found.as_ref().and_then(|mark| u64::try_from(mark.cursor.get("fired")?.as_i64()?).ok());
        let last = fired.map_or_else(wire::now, Instant);
        let schedule = Schedule::new(cron, zone, last).map_err(|error| failed(error.to_string()))?;
        let name = format!("{cron} {zone}");
        let next = schedule.next().map_or_else(|| "never".to_owned(), at);
        shared.say(Said::Fires { schedule: name.clone(), flow: Arc::clone(&plan.flow), next });
        Ok(Self {
            shared: Arc::clone(shared),
            plan: Arc::clone(plan),
            at: at_source,
            schedule,
            known: fired.is_some(),
            seen: last,
            mark,
            read: read.clone(),
            with,
            name,
        })
    }

    pub(super) async fn run(mut self) {
        let mut health = Health::new(format!("{}: {}", self.plan.flow, self.name));
        let mut due = None;
        loop {
            if !self.known && !self.first_seen(&mut health).await {
                return;
            }
            due = due.or_else(|| self.schedule.due(wire::now()));
            let mut wait = self.schedule.next().map_or(LOOK, |next| next.since(wire::now())).min(LOOK);
            if let Some(firing) = due {
                let fired = tokio::select! {
                    fired = self.fire(firing) => fired,
                    () = self.shared.stopped() => return,
                };
                let said = match fired {
                    Ok(()) => {
                        due = None;
                        health.worked()
                    }
                    Err(told) => {
                        let (said, pause) = health.failed(told, LOOK);
                        wait = pause;
                        said
                    }
                };
                said.into_iter().for_each(|said| self.shared.say(said));
            }
            if !self.shared.pause(wait).await {
                return;
            }
        }
    }

    /// Puts in the journal when it was first seen: firings are made up for from then on. False: the service stops.
    async fn first_seen(&mut self, health: &mut Health) -> bool {
        loop {
            let Err(told) = self.commit(Page::default(), self.seen).await else {
                self.known = true;
                return true;
            };
            let (said, pause) = health.failed(told, LOOK);
            said.into_iter().for_each(|said| self.shared.say(said));
            if !self.shared.pause(pause).await {
                return false;
            }
        }
    }

    /// One firing: one event, or one a row.
    async fn fire(&self, firing: Instant) -> Result<(), String> {
        let mut page = Page::default();
        for row in self.rows(firing).await? {
            self.shared.read(&self.plan, self.at, &row, &mut page);
        }
        self.commit(page, firing).await
    }

    /// What a firing gives: the rows it reads, or the instant itself.
    async fn rows(&self, firing: Instant) -> Result<Vec<Value>, String> {
        let Some((connection, operation)) = &self.read else {
            return Ok(vec![Value::object([("at", Value::from(at(firing)))])]);
        };
        let request = Request {
            run: RunId::default(),
            flow: Arc::clone(&self.plan.flow),
            connection: Arc::clone(connection),
            operation: Arc::clone(operation),
            inputs: vec![self.with.clone()],
            batch: false,
            write: false,
            key: None,
            priority: Priority::Bulk,
        };
        match self.shared.wire.ask(&request, None).await {
            Ok(Answer::One(Value::List(rows))) => Ok(rows.to_vec()),
            Ok(_) => Err(format!("{connection}.{operation} gave no list")),
            Err(failure) => Err(failure.message.to_string()),
        }
    }

    async fn commit(&self, page: Page, fired: Instant) -> Result<(), String> {
        let fired = i64::try_from(fired.0).unwrap_or(i64::MAX);
        let mark = Watermark {
            flow: Arc::clone(&self.plan.flow),
            source: self.mark,
            cursor: Value::object([("fired", Value::from(fired))]),
            at: wire::now(),
        };
        self.shared.accept(&self.name, page, mark).await.map_err(|error| error.to_string())
    }
}
