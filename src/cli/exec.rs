//! `flowrun exec FLOW --event FILE`: one run now, with a live view of its nodes, and an exit code by its outcome.

use std::{io::Read as _, path::Path, sync::Arc, time::Duration};

use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    Streams,
    args::{Common, Exec, Format},
    by_hand, engine, estate,
    exit::Exit,
    graph::unknown,
    rehearse,
    runs::hidden,
    service,
};
use crate::{
    compile::Compiled,
    engine::{Engine, Obeyed, Offer, Offered},
    event::{Code, Letter, Origin, Outcome, Priority, RunId},
    flow::{Slots, SourceKind},
    journal::{Journal, Query, Reader, Sqlite},
    money,
    plan::Plan,
    report::{self, LiveView, Paint},
    story::{Live, RunView, State, What},
    trigger,
    value::Value,
};

/// How long calls of runs that others started may go on after ours is done; whatever is cut off is looked up at the next
/// start.
const GRACE: Duration = Duration::from_secs(3);

pub(super) async fn run(args: &Exec, common: &Common, streams: &mut Streams) -> Exit {
    if args.event.is_none() && args.key.is_none() {
        if args.dry_run {
            streams.say("flowrun: `--dry-run` shows what one event would write: give it with `--key ID` or `--event FILE`");
            return Exit::Usage;
        }
        return service::run(args, common, streams).await;
    }
    let [flow] = &args.flows[..] else {
        streams.say("flowrun: `--event` and `--key` run one flow: say which");
        return Exit::Usage;
    };
    let (compiled, name) = estate::of_flow(flow, common);
    if let Some(exit) = estate::refuse(&compiled, common, streams) {
        return exit;
    }
    let Some(plan) = compiled.plan(&name) else {
        streams.say(unknown(&name, compiled.plans.iter().map(|plan| &*plan.flow)));
        return Exit::Usage;
    };
    let event = match event(args, plan) {
        Ok(event) => event,
        Err(told) => {
            streams.say(format!("flowrun: {told}"));
            return Exit::Usage;
        }
    };
    if let (Some(key), Some(why)) = (&args.key, by_hand::why_not(&compiled, plan, &event)) {
        streams.say(format!("flowrun: `{key}` cannot be a key of `{name}`: {why}; nothing was accepted"));
        return Exit::Usage;
    }
    let offer = Offer { flow: name, body: event, origin: Origin::Hand, priority: Priority::Live };
    if args.dry_run {
        return rehearse::run(compiled, offer, (Watch::of(args, common), common), streams).await;
    }
    let folder = estate::data(common, &[]);
    let served = Reader::visit(&folder).ok().flatten().filter(Reader::has_engine);
    if let Some(reader) = served {
        let mask = hidden(&compiled);
        return by_hand::hand_over(&reader, offer, Watch::of(args, common), &mask, streams).await;
    }
    here(&compiled, offer, &folder, args, common, streams).await
}

/// Runs one event in this process.
async fn here(
    compiled: &Compiled,
    offer: Offer,
    folder: &Path,
    args: &Exec,
    common: &Common,
    streams: &mut Streams,
) -> Exit {
    let plan: Vec<_> = compiled.plan(&offer.flow).cloned().into_iter().collect();
    let started = estate::world(compiled, &plan).map_err(|error| error.to_string()).and_then(|reach| {
        let journal: Arc<dyn Journal> = Arc::new(Sqlite::open(folder).map_err(|error| error.to_string())?);
        engine::start(compiled, reach.world(), journal).map_err(|error| error.to_string())
    });
    let engine = match started {
        Ok(engine) => engine,
        Err(told) => {
            streams.say(format!("flowrun: {told}"));
            return Exit::CannotStart;
        }
    };
    let stories = engine.stories();
    let mut obeyed = engine.obeyed();
    engine.obey();
    tell_obeyed(&mut obeyed, args.quiet, streams);
    let ended = tokio::select! {
        ended = one(&engine, offer, stories, Watch::of(args, common), streams) => Ok(ended),
        told = engine.short() => Err(told),
        () = super::interrupted() => Ok((None, Exit::Interrupted)),
    };
    let (run, exit) = ended.unwrap_or_else(|told| {
        streams.say(format!("flowrun: {told}"));
        (None, Exit::CannotStart)
    });
    tokio::select! {
        _ = engine.drain(GRACE) => {}
        () = super::interrupted() => {}
    }
    tell_obeyed(&mut obeyed, args.quiet, streams);
    if let Some(view) = run.and_then(|run| found(engine.journal().as_ref(), run)) {
        let mask = hidden(compiled);
        match Watch::of(args, common) {
            Watch::Json => streams.give(report::run_json(&view, &mask).to_string()),
            Watch::Quiet => {}
            Watch::All => streams.show(&report::written_lines(&view, &mask, Paint(streams.color))),
        }
    }
    exit
}

/// Tells what was done for those who left requests in the journal: whoever starts an engine should know. Quietly: what was refused.
pub(super) fn tell_obeyed(obeyed: &mut Receiver<Obeyed>, quiet: bool, streams: &mut Streams) {
    while let Ok(done) = obeyed.try_recv() {
        if !quiet || done.told.refused {
            streams.say(report::obeyed_line(&done.ordered, &done.told));
        }
    }
}

/// How much is told while a run is under way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    All,
    /// Only what somebody must look at.
    Quiet,
    /// Nothing: JSON at the end.
    Json,
}

impl Watch {
    pub(super) fn of(args: &Exec, common: &Common) -> Self {
        match (common.format, args.quiet) {
            (Format::Json, _) => Self::Json,
            (_, true) => Self::Quiet,
            _ => Self::All,
        }
    }

    /// Whether an event of a run is told.
    fn shows(self, live: &Live) -> bool {
        match self {
            Self::All => true,
            Self::Quiet => matches!(live.what, What::Parked { .. }),
            Self::Json => false,
        }
    }
}

/// Offers the event and tells what happens until its run is over or parked.
pub(super) async fn one(
    engine: &Engine,
    offer: Offer,
    stories: Receiver<Live>,
    how: Watch,
    streams: &mut Streams,
) -> (Option<RunId>, Exit) {
    let run = match engine.offer(offer).await {
        Ok(Offered::Accepted(run) | Offered::Merged { into: run }) => run,
        Ok(Offered::Known) => {
            streams.say("this event was done before, or waits already: nothing to do");
            return (None, Exit::Done);
        }
        Ok(Offered::Erased) => {
            streams.say("its subject was erased: nothing to do");
            return (None, Exit::Done);
        }
        Err(error) => {
            streams.say(format!("flowrun: {error}"));
            return (None, Exit::CannotStart);
        }
    };
    let (run, end) = watch(run, stories, how, streams).await;
    (Some(run), end)
}

/// Follows a run, also into the newer event that it gave way to; returns the run that ended and how.
async fn watch(
    mut run: RunId,
    mut stories: Receiver<Live>,
    how: Watch,
    streams: &mut Streams,
) -> (RunId, Exit) {
    let mut view = LiveView::new(Paint(streams.color), run);
    loop {
        let live = match stories.recv().await {
            Ok(live) => live,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return (run, Exit::Interrupted),
        };
        if how.shows(&live)
            && let Some(line) = view.line(&live)
        {
            let about =
                if how == Watch::Quiet { format!("{} {}: ", live.flow, live.key) } else { String::new() };
            streams.say(about + &line);
        }
        if live.run != run {
            continue;
        }
        match &live.what {
            What::Merged { into } => {
                run = *into;
                view.follow(run);
            }
            What::Ended { outcome, .. } => return (run, of_outcome(*outcome)),
            What::Parked { due, letters } => return (run, of_letters(due.is_some(), letters)),
            _ => {}
        }
    }
}

fn of_outcome(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Dropped => Exit::Problems,
        _ => Exit::Done,
    }
}

/// How a run ended, or that it is parked.
pub(super) fn of_view(view: &RunView) -> Exit {
    match view.state {
        State::Ended(outcome) => of_outcome(outcome),
        state => of_letters(matches!(state, State::Parked { .. }), &view.letters),
    }
}

fn of_letters(comes_back: bool, letters: &[Letter]) -> Exit {
    match comes_back {
        true => Exit::Parked,
        false if letters.iter().any(|letter| letter.code == Code::InDoubt) => Exit::InDoubt,
        false => Exit::Problems,
    }
}

/// The run as the journal has it by now.
fn found(journal: &dyn Journal, run: RunId) -> Option<RunView> {
    let past = journal.past(&Query { run: Some(run), limit: 1, ..Query::default() }).ok()?.pop();
    if let Some(past) = past {
        return Some(RunView::of_past(&past));
    }
    let open = journal.run(run).ok()??;
    Some(RunView::of_open(&open.event, &open.facts, false))
}

/// The event: from a file, from a webhook's body, or made of the one field that the key reads.
fn event(args: &Exec, plan: &Plan) -> Result<Value, String> {
    if let Some(key) = &args.key {
        return of_key(key, plan);
    }
    let file = args.event.as_deref().unwrap_or(Path::new("-"));
    let value = read_event(file)?;
    if args.hook { mapped(&value, plan) } else { Ok(value) }
}

/// JSON from a file, or from standard input for `-`.
pub(super) fn read_event(file: &Path) -> Result<Value, String> {
    Value::parse(&read(file)?).map_err(|error| format!("{}: {error}", file.display()))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|found| bytes = found)
    };
    read.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(bytes)
}

fn of_key(key: &str, plan: &Plan) -> Result<Value, String> {
    let reads = plan.trigger.key.reads();
    let mut fields =
        reads.iter().filter(|read| read.slot == Slots::EVENT).filter_map(|read| read.path.first());
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return Err(format!(
            "the key of `{}` is made of more than one field: give the event with `--event FILE`",
            plan.flow
        ));
    };
    let is_number = !key.starts_with('0') && !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    let value =
        if is_number { money::decimal(key).map_or_else(|_| key.into(), Value::from) } else { key.into() };
    Ok(Value::object([(Arc::clone(field), value)]))
}

/// A webhook's body as the trigger's first webhook maps it.
fn mapped(body: &Value, plan: &Plan) -> Result<Value, String> {
    let hooks =
        plan.trigger.sources.iter().filter(|source| matches!(source.kind, SourceKind::Webhook { .. }));
    let source = hooks.into_iter().next().ok_or_else(|| format!("`{}` listens to no webhook", plan.flow))?;
    trigger::event(plan, source, body)?.ok_or_else(|| "the webhook maps to nothing".to_owned())
}
