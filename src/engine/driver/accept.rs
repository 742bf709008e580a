//! Events come in: recognised, coalesced, appended, and only then acknowledged. In: offers and pages. Out: what became of
//! each, once it is durable. It must never start a run by itself.

use std::sync::Arc;

use super::{Board, Engine, Error, Inner, Life};
use crate::{
    engine::{lanes::Taken, machine::Input, policy::Guard, prepared::Prepared, scope::Roots},
    event::{
        Code, Event, EventId, Fact, Letter, Origin, Parked, Priority, Version, Watermark, Why,
        table::{EventInput, EventState, LaneState},
    },
    expr::Template,
    journal::Lsn,
    plan::Keep,
    story::What,
    value::{Hash, Value},
};

use super::run::Msg;

/// The longest key, lane, id or version, in bytes: they are kept, compared and shown all the time.
const LONGEST_NAME: usize = 1000;

/// An event that is offered to a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The flow.
    pub flow: Arc<str>,
    /// The mapped event.
    pub body: Value,
    /// Where it comes from.
    pub origin: Origin,
    /// How urgent it is.
    pub priority: Priority,
}

impl Offer {
    /// An event from a source, as urgent as any.
    pub fn new(flow: impl Into<Arc<str>>, body: Value) -> Self {
        Self { flow: flow.into(), body, origin: Origin::Source, priority: Priority::Normal }
    }
}

/// A row of a page that cannot become an event: it is kept as a dead letter, so that nothing is lost when the page is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfit {
    /// The flow.
    pub flow: Arc<str>,
    /// The row, as it came.
    pub row: Value,
    /// Which row it is and what is wrong with it.
    pub why: Arc<str>,
}

/// What became of an offered event. All of them are durable when they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It was done, or waits, already.
    Known,
    /// It is ours.
    Accepted(EventId),
    /// It is ours, and stands for an older one that waited.
    Merged {
        /// The event that runs.
        into: EventId,
    },
    /// Its subject was erased.
    Erased,
}

impl Engine {
    /// Takes one event. Returns when it is durable: only then may its sender be told so.
    pub async fn offer(&self, offer: Offer) -> Result<Offered, Error> {
        let offered = self.inner.accept(vec![offer], Vec::new(), None)?;
        self.acknowledged(offered.lsn).await?;
        Ok(offered.each.first().copied().unwrap_or(Offered::Known))
    }

    /// Whether an offer says what it is about; if not, [`Self::accept_page`] takes it as [`Unfit`].
    pub fn fits(&self, offer: &Offer) -> Result<(), Error> {
        let prepared =
            self.inner.newest(&offer.flow).ok_or_else(|| Error::UnknownFlow(offer.flow.to_string()))?;
        self.inner.event(&prepared, offer.clone(), None).map(drop)
    }

    /// Takes a page of a poll with the watermark behind it, in one commit. Rows that are no events become dead letters, each once.
    pub async fn accept_page(
        &self,
        page: Vec<Offer>,
        unfit: Vec<Unfit>,
        watermark: Watermark,
    ) -> Result<Vec<Offered>, Error> {
        if !self.inner.policy.guards.has(Guard::PageCommit) {
            let marked = self.inner.append(vec![Fact::Watermark(watermark)])?;
            self.inner.durable(marked).await?;
            let offered = self.inner.accept(page, unfit, None)?;
            self.acknowledged(offered.lsn).await?;
            return Ok(offered.each);
        }
        let offered = self.inner.accept(page, unfit, Some(watermark))?;
        self.acknowledged(offered.lsn).await?;
        Ok(offered.each)
    }

    async fn acknowledged(&self, lsn: Option<Lsn>) -> Result<(), Error> {
        self.inner.pump();
        match lsn.filter(|_| self.inner.policy.guards.has(Guard::OfferWait)) {
            Some(lsn) => Ok(self.inner.acknowledged(lsn).await?),
            None => Ok(()),
        }
    }
}

/// What became of several offers, and the append that says so.
pub(super) struct Accepted {
    pub(super) each: Vec<Offered>,
    pub(super) lsn: Option<Lsn>,
}

impl Inner {
    /// Takes events in one commit. Nothing has waited yet.
    pub(super) fn accept(
        &self,
        offers: Vec<Offer>,
        unfit: Vec<Unfit>,
        watermark: Option<Watermark>,
    ) -> Result<Accepted, Error> {
        self.accept_with(offers, unfit, |_| watermark.map(Fact::Watermark).into_iter().collect())
    }

    /// Takes events in one commit with what else is to be written once it is known what became of each.
    pub(super) fn accept_with(
        &self,
        offers: Vec<Offer>,
        unfit: Vec<Unfit>,
        more: impl FnOnce(&[Offered]) -> Vec<Fact>,
    ) -> Result<Accepted, Error> {
        // While it drains, events are still taken: they are durable, and run after the next start.
        if self.life() == Life::Broken {
            return Err(Error::Stopping);
        }
        self.room()?;
        let mut events = Vec::with_capacity(offers.len());
        for offer in offers {
            let prepared =
                self.newest(&offer.flow).ok_or_else(|| Error::UnknownFlow(offer.flow.to_string()))?;
            events.push(self.event(&prepared, offer, None)?);
        }
        let mut board = self.board();
        let mut facts = Vec::with_capacity(events.len() + 1);
        let mut each = Vec::with_capacity(events.len());
        let mut nudges = Vec::new();
        for event in events {
            let id = board.ids.next(event.at);
            let event = event.named(id);
            each.push(self.take(&mut board, event, &mut facts, &mut nudges)?);
        }
        for row in unfit {
            self.put_by(&mut board, row, &mut facts)?;
        }
        facts.extend(more(&each));
        let lsn = if facts.is_empty() { None } else { Some(self.append(facts)?) };
        drop(board);
        for run in nudges {
            if let Some(to) = self.runs().get(&run) {
                // A run that is over needs no nudge.
                let _ = to.send(Msg::Input(Input::Newer));
            }
        }
        // What is known may still be on its way to the disk: whoever is told so waits for all that was appended.
        let last = Lsn(self.appended.load(std::sync::atomic::Ordering::Acquire));
        Ok(Accepted { each, lsn: lsn.or(Some(last)) })
    }

    /// Takes one event into its lane, by the table of events.
    fn take(
        &self,
        board: &mut Board,
        event: Event,
        facts: &mut Vec<Fact>,
        nudges: &mut Vec<EventId>,
    ) -> Result<Offered, Error> {
        if self.is_erased(board, &event) {
            return Ok(Offered::Erased);
        }
        if self.is_done(&event)? {
            return Ok(Offered::Known);
        }
        let id = event.id;
        if board.backlog.is_open() {
            // It waits behind those that wait on disk.
            self.tell(&event, What::Accepted);
            facts.push(Fact::Accepted(event));
            return Ok(Offered::Accepted(id));
        }
        self.bring_lane(board, &event)?;
        let taken = board.lanes.offer(event.clone());
        let input = if taken == Taken::Known { EventInput::Late } else { EventInput::Fresh };
        if EventState::New.next(input) != Ok((EventState::Waiting, &[crate::event::table::Mark::Accepted])) {
            return Ok(Offered::Known);
        }
        self.tell(&event, What::Accepted);
        let replaced = match taken {
            Taken::Replaces(old) => Some(old),
            Taken::Waits { nudge } => {
                nudges.extend(nudge);
                None
            }
            Taken::Known => None,
        };
        let gone = replaced.map(|old| Event { id: old, ..event.clone() });
        facts.push(Fact::Accepted(event));
        Ok(match gone {
            Some(gone) => {
                self.tell(&gone, What::Merged { into: id });
                let old = gone.id;
                facts.push(Fact::Merged { old, into: id });
                Offered::Merged { into: id }
            }
            None => Offered::Accepted(id),
        })
    }

    /// Keeps a row that is no event as a letter; one that stands already is not kept again.
    fn put_by(&self, board: &mut Board, unfit: Unfit, facts: &mut Vec<Fact>) -> Result<(), Error> {
        let Unfit { flow, row, why } = unfit;
        let name: Arc<str> = format!("unfit-{}", &row.keyed_hash(&self.salt).to_string()[..12]).into();
        let at = self.world.now();
        let event = Event {
            id: EventId::default(),
            root: EventId::default(),
            awaited_by: None,
            lane: format!("{flow}/{name}").into(),
            flow,
            key: name,
            fact: None,
            version: None,
            latest: true,
            origin: Origin::Source,
            priority: Priority::Normal,
            at,
            body: row,
        };
        self.bring_lane(board, &event)?;
        if board.lanes.state(&event) != LaneState::Idle {
            return Ok(());
        }
        let event = event.named(board.ids.next(at));
        let letter = Letter {
            node: "trigger".into(),
            element: None,
            code: Code::Expression,
            message: why,
            request: None,
            answer: None,
        };
        let parked = Parked {
            run: event.id,
            at,
            why: Why::Letter,
            due: None,
            frozen: false,
            doubt: false,
            letters: vec![letter],
            tries: Vec::new(),
        };
        board.lanes.restore(event.clone(), Some(&parked), false);
        facts.extend([Fact::Accepted(event), Fact::Parked(parked)]);
        Ok(())
    }

    /// What a tombstone is compared with.
    pub(super) fn subject(&self, flow: &str, key: &str) -> Hash {
        Value::list([Value::from(flow), Value::from(key)]).keyed_hash(&self.salt)
    }

    /// Whether what an event is about was erased, by the table of events.
    pub(super) fn is_erased(&self, board: &Board, event: &Event) -> bool {
        !board.erased.is_empty()
            && self.policy.guards.has(Guard::Tombstone)
            && board.erased.contains(&self.subject(&event.flow, &event.key))
            && EventState::New.next(EventInput::Tombstone) == Ok((EventState::Erased, &[]))
    }

    /// Whether the same fact, or this version or a newer one, is done.
    fn is_done(&self, event: &Event) -> Result<bool, Error> {
        if !self.policy.guards.has(Guard::Recognition) {
            return Ok(false);
        }
        if let Some(fact) = &event.fact {
            return Ok(self.known(&event.flow, fact)?.is_some());
        }
        if event.version.is_none() || !event.latest || !event.origin.may_be_unchanged() {
            return Ok(false);
        }
        let last = self.last(&event.flow, &event.key)?;
        Ok(last.is_some_and(|last| last.version.is_some() && event.version <= last.version))
    }

    /// The event of an offer: key, lane, fact and version worked out.
    pub(super) fn event(
        &self,
        prepared: &Prepared,
        offer: Offer,
        child: Option<Arc<str>>,
    ) -> Result<Event, Error> {
        let plan = &prepared.plan;
        let trigger = &plan.trigger;
        let roots = Roots::new(plan, &offer.body, Value::Null);
        let text = |part: &'static str, template: &Template| {
            let fault = |message: String| Error::Trigger { flow: plan.flow.to_string(), part, message };
            let value = roots.value(plan, template).map_err(|message| fault(message.to_string()))?;
            match value.scalar_text() {
                Some(written) if written.is_empty() => Err(fault("found empty text, expected a name".into())),
                Some(written) if written.len() > LONGEST_NAME => {
                    Err(fault(format!("found {} bytes, expected at most {LONGEST_NAME}", written.len())))
                }
                Some(written) => Ok(Arc::<str>::from(written)),
                None => Err(fault(format!("found {}, expected text or a number", value.kind()))),
            }
        };
        let key = text("key", &trigger.key)?;
        let lane = match &trigger.lane {
            None => format!("{}/{key}", plan.flow),
            Some((name, None)) => format!("{name}/{key}"),
            Some((name, Some(by))) => format!("{name}/{}", text("lane", by)?),
        };
        let awaited = matches!(offer.origin, Origin::Child { awaited: true, .. });
        let again = matches!(offer.origin, Origin::Again { .. } | Origin::Refresh { .. });
        let fact = match (&trigger.id, child) {
            (_, Some(child)) => Some(child),
            (Some(id), None) if !again => Some(text("id", id)?),
            _ => None,
        };
        let version = match &trigger.version {
            Some(version) => {
                let fault = |message: Arc<str>| Error::Trigger {
                    flow: plan.flow.to_string(),
                    part: "version",
                    message: message.to_string(),
                };
                let value = roots.value(plan, version).map_err(fault)?;
                Some(Version(value)).filter(|version| !version.0.is_null())
            }
            None => None,
        };
        Ok(Event {
            id: EventId::default(),
            root: EventId::default(),
            awaited_by: match offer.origin {
                Origin::Child { parent, awaited: true } => Some(parent),
                _ => None,
            },
            flow: Arc::clone(&plan.flow),
            lane: lane.into(),
            key,
            fact,
            version,
            latest: trigger.keep == Keep::Latest && !awaited,
            origin: offer.origin,
            priority: offer.priority,
            at: self.world.now(),
            body: offer.body,
        })
    }
}
