//! `flowrun backfill FLOW --since INSTANT`: the flow's poll again, over an older window. Its watermark stays where it is. With a
//! service on the same journal the events are handed to it; else they run here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use serde_json::json;

use super::{
    Streams,
    args::{Backfill, Common, Format},
    engine, estate,
    exit::Exit,
    graph::unknown,
};
use crate::{
    compile::Compiled,
    engine::{Engine, Error, Offer, Offered},
    event::{Class, Instant, Origin, Priority, RunId},
    journal::{self, Journal, Order, Query, Reader, Sqlite},
    plan::{Plan, Source, SourceKind},
    report,
    time::{self, TimeZone},
    trigger::{self, Place, Poll},
    value::Value,
    wire::{Page, Polling, Wire},
};

/// Past runs that are read at a time.
const PAGE: usize = 1000;
/// How often a page is asked for.
const PATIENCE: u32 = 8;

pub(super) async fn run(args: &Backfill, common: &Common, streams: &mut Streams) -> Exit {
    let (compiled, name) = estate::of_flow(&args.flow, common);
    if let Some(exit) = estate::refuse(&compiled, common, streams) {
        return exit;
    }
    let Some(plan) = compiled.plan(&name) else {
        streams.say(unknown(&name, compiled.plans.iter().map(|plan| &*plan.flow)));
        return Exit::Usage;
    };
    let window = match Window::of(args) {
        Ok(window) => window,
        Err(told) => {
            streams.say(format!("flowrun: {told}"));
            return Exit::Usage;
        }
    };
    let ended = match start(&compiled, plan, common) {
        Ok(Some(sweep)) => tokio::select! {
            ended = sweep.run(window, common, streams) => ended,
            () = super::interrupted() => return Exit::Interrupted,
        },
        Ok(None) => {
            streams.say(format!(
                "flowrun: `{name}` polls nothing, so there is no window to look through: give it a `poll:` source"
            ));
            return Exit::Usage;
        }
        Err(told) => Err(told),
    };
    ended.unwrap_or_else(|told| {
        streams.say(format!("flowrun: {told}"));
        Exit::CannotStart
    })
}

/// Which rows count: by their stamp, both ends included.
#[derive(Clone, Copy)]
struct Window {
    since: Instant,
    until: Option<Instant>,
}

impl Window {
    fn of(args: &Backfill) -> Result<Self, String> {
        let since = instant(&args.since)?;
        let until = args.until.as_deref().map(instant).transpose()?;
        if until.is_some_and(|until| until < since) {
            return Err("`--until` lies before `--since`".into());
        }
        Ok(Self { since, until })
    }

    fn is_past(self, at: Instant) -> bool {
        self.until.is_some_and(|until| at > until)
    }
}

/// A date or an instant, in UTC if it does not say.
fn instant(text: &str) -> Result<Instant, String> {
    let read = time::read(text, &TimeZone::UTC);
    let at = read.map_err(|_| format!("`{text}` is no instant: write 2026-11-01 or 2026-11-01T08:00:00Z"))?;
    u64::try_from(at.timestamp().as_millisecond())
        .map(Instant)
        .map_err(|_| format!("`{text}` lies before 1970"))
}

/// Who runs the events.
enum Runner {
    Here(Engine),
    /// A service that has the journal.
    Service(Reader),
}

struct Sweep<'a> {
    plan: &'a Plan,
    source: &'a Source,
    with: Value,
    polling: Polling,
    wire: Arc<Wire>,
    runner: Runner,
}

/// Opens what a sweep of the flow's first poll needs; none: it polls nothing.
fn start<'a>(compiled: &Compiled, plan: &'a Plan, common: &Common) -> Result<Option<Sweep<'a>>, String> {
    let poll = plan.trigger.sources.iter().find_map(|source| match &source.kind {
        SourceKind::Poll { connection, operation, with, .. } => Some((source, connection, operation, with)),
        _ => None,
    });
    let Some((source, connection, operation, with)) = poll else { return Ok(None) };
    let with = trigger::parameters(plan, source, with)?;
    let wire = Arc::new(estate::wire(compiled, &[]).map_err(|error| error.to_string())?);
    let folder: PathBuf = estate::data(common, &[]);
    let runner = match Sqlite::open(&folder) {
        Ok(journal) => {
            let journal: Arc<dyn Journal> = Arc::new(journal);
            Runner::Here(engine::start(compiled, wire.clone(), journal).map_err(|error| error.to_string())?)
        }
        Err(locked @ journal::Error::Locked { .. }) => {
            let reader = Reader::visit(&folder).map_err(|error| error.to_string())?;
            Runner::Service(reader.ok_or_else(|| locked.to_string())?)
        }
        Err(error) => return Err(error.to_string()),
    };
    let polling = Polling {
        connection: Arc::clone(connection),
        operation: Arc::clone(operation),
        flow: Arc::clone(&plan.flow),
        priority: Priority::Bulk,
    };
    Ok(Some(Sweep { plan, source, with, polling, wire, runner }))
}

/// What was found and taken so far.
#[derive(Default)]
struct Found {
    rows: usize,
    skipped: usize,
    handed: usize,
    runs: BTreeSet<RunId>,
}

impl Found {
    /// A row that does not count; the others do.
    fn skip(&mut self, told: &str, streams: &mut Streams) {
        self.skipped += 1;
        streams.say(format!("  {told}"));
    }
}

impl Sweep<'_> {
    async fn run(&self, window: Window, common: &Common, streams: &mut Streams) -> Result<Exit, String> {
        let opened =
            self.wire.connection(&self.polling.connection).ok_or("the estate has no such connection")?;
        let operation =
            opened.operation(&self.polling.operation).ok_or("the connector has no such operation")?;
        let cursor = operation.cursor.as_ref().ok_or("the operation has no cursor")?;
        let zone = opened.cursor_zone(cursor);
        let poll = Poll::of(operation, &zone).ok_or("the operation has no cursor")?;
        let mut place = Place::at(window.since);
        let mut found = Found::default();
        let mut again = false;
        for number in 1_u32.. {
            let page = self.page(poll.root(&place)?, streams).await?;
            let rows = poll.take(&place, &page.rows, page.rows.len() + page.unread.len(), page.at)?;
            for (_, why) in page.unread.iter().chain(&rows.unread) {
                found.skip(&format!("a row cannot be read: {why}"), streams);
            }
            let beyond = rows.rows.iter().any(|(at, _)| window.is_past(*at));
            let last = rows.rows.last().map(|(at, _)| *at);
            let wanted = rows.rows.iter().filter(|(at, _)| !window.is_past(*at)).map(|(_, row)| row);
            self.hand_on(wanted, &mut found, streams).await?;
            if let (Some(last), false) = (last, common.format == Format::Json) {
                let up_to = &last.to_string()[..19];
                streams.say(format!("  page {number}: {} rows so far, up to {up_to}", found.rows));
            }
            let taken = rows.rows.len() + rows.unread.len();
            let left_young = !beyond && !rows.more && taken < page.rows.len();
            if left_young && !again {
                // What changed just now is asked for once more when it is old enough; later changes are the poll's.
                tokio::time::sleep(cursor.lag).await;
                again = true;
            } else if !rows.more || beyond {
                break;
            }
            place = rows.next;
        }
        self.told(&found, common, streams).await
    }

    /// One page; a platform that is busy or down is asked again for a while.
    async fn page(&self, cursor: Value, streams: &mut Streams) -> Result<Page, String> {
        for asked in 1..PATIENCE {
            let failure = match self.wire.page(&self.polling, self.with.clone(), cursor.clone()).await {
                Ok(page) => return Ok(page),
                Err(failure) => failure,
            };
            if !matches!(failure.class, Class::Throttle | Class::Outage | Class::Retry) {
                return Err(failure.message.to_string());
            }
            let wait = failure.after.unwrap_or(Duration::from_secs(u64::from(asked)));
            streams.say(format!("  {}; again in {} s", failure.message, wait.as_secs()));
            tokio::time::sleep(wait).await;
        }
        let page = self.wire.page(&self.polling, self.with.clone(), cursor).await;
        page.map_err(|failure| failure.message.to_string())
    }

    /// Events of one page; here they run before the next page is read, so that a long window needs little memory.
    async fn hand_on(
        &self,
        rows: impl Iterator<Item = &Value>,
        found: &mut Found,
        streams: &mut Streams,
    ) -> Result<(), String> {
        let mut bodies = Vec::new();
        for row in rows {
            found.rows += 1;
            match trigger::event(self.plan, self.source, row) {
                Ok(event) => bodies.extend(event),
                Err(why) => found.skip(&format!("a row makes no event: {why}"), streams),
            }
        }
        match &self.runner {
            Runner::Service(_) if bodies.is_empty() => {}
            Runner::Service(reader) => {
                found.handed += bodies.len();
                let order = Order::Run { flow: Arc::clone(&self.plan.flow), bodies };
                reader.order(&super::runs::asks(order, None)).map_err(|error| error.to_string())?;
            }
            Runner::Here(engine) => {
                for body in bodies {
                    let flow = Arc::clone(&self.plan.flow);
                    let offer = Offer { flow, body, origin: Origin::Backfill, priority: Priority::Bulk };
                    match engine.offer(offer).await {
                        Ok(Offered::Accepted(run) | Offered::Merged { into: run }) => {
                            found.runs.insert(run);
                        }
                        Ok(Offered::Known | Offered::Erased) => {}
                        Err(error @ Error::Trigger { .. }) => found.skip(&error.to_string(), streams),
                        Err(error) => return Err(error.to_string()),
                    }
                }
                engine.idle().await;
            }
        }
        Ok(())
    }

    async fn told(&self, found: &Found, common: &Common, streams: &mut Streams) -> Result<Exit, String> {
        let engine = match &self.runner {
            Runner::Here(engine) => engine,
            Runner::Service(_) => {
                let (rows, handed) = (found.rows, found.handed);
                if common.format == Format::Json {
                    streams.give(
                        json!({ "rows": rows, "handed_over": handed, "skipped": found.skipped }).to_string(),
                    );
                } else {
                    streams.say(format!("{rows} rows; {handed} events handed to the flowrun that has the journal: see `flowrun runs list`"));
                }
                return Ok(Exit::Done);
            }
        };
        engine::settled(engine).await;
        let outcomes = outcomes(engine.journal().as_ref(), &self.plan.flow, &found.runs)?;
        let open = found.runs.len() - outcomes.values().sum::<usize>();
        if common.format == Format::Json {
            streams.give(
                json!({ "rows": found.rows, "runs": found.runs.len(), "outcomes": outcomes, "parked": open, "skipped": found.skipped })
                    .to_string(),
            );
        } else {
            let mut told: Vec<_> = outcomes.iter().map(|(word, count)| format!("{count} {word}")).collect();
            told.extend((open > 0).then(|| format!("{open} parked: see `flowrun letters list`")));
            let told = if told.is_empty() { "nothing to do".to_owned() } else { told.join(", ") };
            streams.say(format!("{} rows, {} runs: {told}", found.rows, found.runs.len()));
        }
        Ok(if open > 0 || found.skipped > 0 { Exit::Problems } else { Exit::Done })
    }
}

/// How the runs ended, by the word for it.
fn outcomes(
    journal: &dyn Journal,
    flow: &Arc<str>,
    runs: &BTreeSet<RunId>,
) -> Result<BTreeMap<&'static str, usize>, String> {
    let mut outcomes = BTreeMap::new();
    let mut before = None;
    let Some(first) = runs.first() else { return Ok(outcomes) };
    loop {
        let query = Query { flow: Some(Arc::clone(flow)), before, limit: PAGE, ..Query::default() };
        let past = journal.past(&query).map_err(|error| error.to_string())?;
        for run in past.iter().filter(|past| runs.contains(&past.run)) {
            *outcomes.entry(report::word(run.outcome)).or_default() += 1;
        }
        before = past.last().map(|past| past.run);
        if past.len() < PAGE || before.is_none_or(|oldest| oldest < *first) {
            return Ok(outcomes);
        }
    }
}
