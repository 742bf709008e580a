//! Polls: what changed since the last time. In: a source, its watermark in the journal, pages from the wire. Out: each page's
//! events with the place behind it, in one commit. It must never skip a page it could not commit.

use std::{sync::Arc, time::Duration};

use super::{
    Said, Shared,
    said::{Health, at},
};
use crate::{
    connector::Connection,
    engine::{self, Offer, Unfit},
    event::{Instant, Priority, Watermark},
    plan::{Plan, SourceKind},
    time::Timestamp,
    trigger::{self, Place, Poll},
    value::{Hash, Value},
    wire::{self, Polling},
};

/// Rows that were too young are asked for again after this, once: on a busy platform some are always young.
const SOON: Duration = Duration::from_secs(3);
/// Longest wait after a failure.
const LONGEST: Duration = Duration::from_mins(1);

/// Polls until the service stops.
pub(super) async fn run(shared: Arc<Shared>, plan: Arc<Plan>, at: usize) {
    if let Some(poller) = Poller::new(&shared, &plan, at) {
        poller.run().await;
    }
}

struct Poller {
    shared: Arc<Shared>,
    plan: Arc<Plan>,
    at: usize,
    connection: Arc<Connection>,
    polling: Polling,
    every: Duration,
    start: Arc<str>,
    with: Value,
    mark: Hash,
    zone: String,
    source: String,
}

impl Poller {
    fn new(shared: &Arc<Shared>, plan: &Arc<Plan>, at: usize) -> Option<Self> {
        let source = &plan.trigger.sources[at];
        let SourceKind::Poll { connection, operation, every, start, with } = &source.kind else {
            return None;
        };
        let name = format!("{connection}.{operation}");
        shared.say(Said::Polls {
            source: name.clone(),
            flow: Arc::clone(&plan.flow),
            every: every.as_secs(),
        });
        let trouble = |why: String| shared.say(Said::Trouble { source: name.clone(), why });
        let Some(opened) = shared.wire.connection(connection) else {
            trouble("the estate has no such connection".into());
            return None;
        };
        let with = trigger::parameters(plan, source, with).map_err(&trouble).ok()?;
        let cursor = opened.operation(operation).and_then(|operation| operation.cursor.as_ref());
        let Some(cursor) = cursor else {
            trouble("the operation has no cursor".into());
            return None;
        };
        Some(Self {
            zone: opened.cursor_zone(cursor),
            mark: trigger::name(&opened.account, operation, &with),
            connection: Arc::clone(opened),
            polling: Polling {
                connection: Arc::clone(connection),
                operation: Arc::clone(operation),
                flow: Arc::clone(&plan.flow),
                priority: Priority::Normal,
            },
            every: *every,
            start: Arc::clone(start),
            with,
            source: name,
            shared: Arc::clone(shared),
            plan: Arc::clone(plan),
            at,
        })
    }

    async fn run(self) {
        let mut health = Health::new(self.source.clone());
        // Whether this poll only looks again at what was too young for the one before.
        let mut again = false;
        let wake = self.shared.wake(&self.polling.connection);
        loop {
            // Before the poll: whoever wakes it while it is under way is heard.
            let woken = wake.notified();
            let done = tokio::select! {
                done = self.sweep() => done,
                () = self.shared.stopped() => return,
            };
            let wait = match done {
                Ok(young) => {
                    health.worked().into_iter().for_each(|said| self.shared.say(said));
                    again = young && !again;
                    if again { SOON.min(self.every) } else { self.every }
                }
                Err(told) => {
                    let (said, wait) = health.failed(told, LONGEST.min(self.every));
                    said.into_iter().for_each(|said| self.shared.say(said));
                    wait
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = woken => again = false,
                () = self.shared.stopped() => return,
            }
        }
    }

    /// One poll: pages until there are no more. True: rows were left that are too young to be sure of.
    async fn sweep(&self) -> Result<bool, String> {
        let Some(operation) = self.connection.operation(&self.polling.operation) else { return Ok(false) };
        let Some(poll) = Poll::of(operation, &self.zone) else { return Ok(false) };
        let before = self.place(&poll).await?;
        let mut place = poll.again(&before);
        loop {
            let page = self.page(&poll, &place).await?;
            let all = page.rows.len() + page.unread.len();
            let rows = poll.take(&place, &page.rows, all, page.at)?;
            let unread = || page.unread.iter().chain(&rows.unread);
            let next = if rows.more { rows.next.clone() } else { later(rows.next.clone(), &before) };
            if !rows.rows.is_empty() || unread().next().is_some() || next != before {
                self.commit(&rows.rows, unread(), &next).await?;
            }
            if !rows.more {
                return Ok(rows.rows.len() + rows.unread.len() < page.rows.len());
            }
            place = rows.next;
        }
    }

    /// Where the poll stands: as the journal says; the very first time as the flow says, and then the journal knows.
    async fn place(&self, poll: &Poll<'_>) -> Result<Place, String> {
        let known = self.shared.engine.journal().watermark(&self.plan.flow, self.mark);
        let known = known.map_err(|error| error.to_string())?;
        if let Some(place) = known.and_then(|mark| Place::from_value(&mark.cursor)) {
            return Ok(place);
        }
        let place = Place::at(self.first(poll).await?);
        let (source, flow) = (self.source.clone(), Arc::clone(&self.plan.flow));
        self.shared.say(Said::Begins { source, flow, since: at(place.since) });
        self.commit(&[], [].iter(), &place).await?;
        Ok(place)
    }

    /// Where the very first poll begins. `now` is the platform's, for stamps are.
    async fn first(&self, poll: &Poll<'_>) -> Result<Instant, String> {
        match &*self.start {
            "all" => Ok(Instant(0)),
            "now" => {
                let page = self.page(poll, &Place::at(wire::now())).await?;
                Ok(Instant(page.at.0 / 1000 * 1000))
            }
            instant => {
                let found: Timestamp = instant.parse().map_err(|_| format!("`{instant}` is no instant"))?;
                Ok(Instant(u64::try_from(found.as_millisecond()).unwrap_or(0)))
            }
        }
    }

    async fn page(&self, poll: &Poll<'_>, place: &Place) -> Result<wire::Page, String> {
        let page = self.shared.wire.page(&self.polling, self.with.clone(), poll.root(place)?).await;
        page.map_err(|failure| failure.message.to_string())
    }

    /// The events of a page and the place behind it. A row that cannot become an event is told of and becomes a dead letter.
    async fn commit(
        &self,
        rows: &[(Instant, Value)],
        unread: impl Iterator<Item = &(Value, String)>,
        next: &Place,
    ) -> Result<(), String> {
        let mut page = Page::default();
        for (_, row) in rows {
            self.shared.read(&self.plan, self.at, row, &mut page);
        }
        for (row, why) in unread {
            page.put_by(&self.plan, row, why);
        }
        let mark = Watermark {
            flow: Arc::clone(&self.plan.flow),
            source: self.mark,
            cursor: next.to_value(),
            at: wire::now(),
        };
        self.shared.accept(&self.source, page, mark).await.map_err(|error| error.to_string())
    }
}

/// What becomes of the rows of a page.
#[derive(Default)]
pub(super) struct Page {
    offers: Vec<Offer>,
    unfit: Vec<Unfit>,
}

impl Page {
    /// Takes a row that is no event.
    fn put_by(&mut self, plan: &Plan, row: &Value, why: &str) {
        let name = row.get("id").and_then(Value::scalar_text).map_or_else(String::new, |id| format!(" {id}"));
        let why = format!("row{name}: {why}").into();
        self.unfit.push(Unfit { flow: Arc::clone(&plan.flow), row: row.clone(), why });
    }
}

impl Shared {
    /// Turns a row to an event of a flow, if the source's mapping wants it to be one.
    pub(super) fn read(&self, plan: &Plan, source: usize, row: &Value, page: &mut Page) {
        let event = trigger::event(plan, &plan.trigger.sources[source], row);
        let fits = |event: Option<Value>| {
            let offer = event.map(|event| self.offer(plan, event));
            offer
                .map(|offer| self.engine.fits(&offer).map(|()| offer).map_err(|error| error.to_string()))
                .transpose()
        };
        match event.and_then(fits) {
            Ok(offer) => page.offers.extend(offer),
            Err(why) => page.put_by(plan, row, &why),
        }
    }

    /// Takes a page with its watermark, and tells of rows that are no events.
    pub(super) async fn accept(
        &self,
        source: &str,
        page: Page,
        mark: Watermark,
    ) -> Result<(), engine::Error> {
        let Page { offers, unfit } = page;
        let skipped = unfit.clone();
        self.engine.accept_page(offers, unfit, mark).await?;
        for Unfit { flow, why, .. } in skipped {
            self.say(Said::Skipped { source: source.to_owned(), flow, why: why.to_string() });
        }
        Ok(())
    }
}

/// The place after a poll that began before its mark: never earlier than the mark.
fn later(next: Place, before: &Place) -> Place {
    if next.since < before.since { before.clone() } else { next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_that_looked_back_never_ends_before_its_mark() {
        let before = Place::at(Instant(9000));
        assert_eq!(later(Place::at(Instant(4000)), &before), before);
        assert_eq!(later(Place::at(Instant(12_000)), &before), Place::at(Instant(12_000)));
    }
}
