//! `flowrun exec` without an event: everything that the flows listen to, until it is stopped. A line a run for people, or an
//! object a line for programs.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::pending,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value as Json, json};
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        mpsc::UnboundedReceiver,
    },
    time::Sleep,
};

use super::{
    Streams,
    args::{Common, Exec, Format},
    engine, estate,
    exit::Exit,
    graph::unknown,
};
use crate::{
    compile::Compiled,
    engine::Obeyed,
    event::{Instant, Priority, RunId},
    journal::Sqlite,
    plan::Plan,
    report::{self, Mask, Paint, Tint},
    serve::{Said, Service, Setup},
    story::{Live, What},
    syntax::estate::Listen,
    trigger, wire,
};

/// How long runs that have begun may go on after a request to end.
const GRACE: Duration = Duration::from_secs(30);
/// Between two looks at what happens in runs: being woken for every one of them costs more than to tell of it.
const REST: Duration = Duration::from_millis(20);
/// How much of the disk is kept for the day on which it is full.
const KEPT: u64 = 64 << 20;
/// Where it listens if the estate says nothing.
const ADDRESS: &str = "127.0.0.1:7780";

pub(super) async fn run(args: &Exec, common: &Common, streams: &mut Streams) -> Exit {
    drop(std::thread::spawn(wire::prepare));
    let (names, paths): (Vec<_>, Vec<_>) = args.flows.iter().partition(|asked| !Path::new(asked).exists());
    let paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
    let compiled = estate::compiled(&paths, common);
    if let Some(exit) = estate::refuse(&compiled, common, streams) {
        return exit;
    }
    if let Some(strange) = names.iter().find(|name| compiled.plan(name).is_none()) {
        streams.say(unknown(strange, compiled.plans.iter().map(|plan| &*plan.flow)));
        return Exit::Usage;
    }
    let flows = flows(&compiled, &names, paths.is_empty());
    match started(&compiled, flows, common, &paths) {
        Ok(started) => serve(started, args.quiet, common, streams).await,
        Err(told) => {
            streams.say(format!("flowrun: {told}"));
            Exit::CannotStart
        }
    }
}

/// The flows that are listened to: those named, those of the paths, else all that are not switched off.
fn flows(compiled: &Compiled, names: &[&String], all: bool) -> Vec<Arc<Plan>> {
    let is_on = |plan: &&Arc<Plan>| {
        let mut settings = compiled.estate.tree.iter().flat_map(|part| &part.tree.flows);
        let setting = settings.find(|(name, _)| name.value == plan.flow);
        setting.and_then(|(_, setting)| setting.on.as_ref()).is_none_or(|on| on.value)
    };
    let is_named = |plan: &Plan| names.iter().any(|name| **name == *plan.flow);
    let is_asked = |plan: &Plan| (!all || names.is_empty()) && compiled.asked.contains(&plan.flow);
    compiled.plans.iter().filter(is_on).filter(|plan| is_named(plan) || is_asked(plan)).cloned().collect()
}

/// A service under way, what it says, and what happens in runs.
struct Started {
    service: Service,
    journal: Arc<Sqlite>,
    said: UnboundedReceiver<Said>,
    stories: Receiver<Live>,
    obeyed: Receiver<Obeyed>,
}

fn started(
    compiled: &Compiled,
    flows: Vec<Arc<Plan>>,
    common: &Common,
    paths: &[PathBuf],
) -> Result<Started, String> {
    if flows.iter().all(|plan| plan.trigger.sources.is_empty()) {
        return Err("none of the flows has a trigger to listen to; to run one event now, add `--event FILE` or `--key ID`".into());
    }
    let (address, public_url) = listen(compiled)?;
    let needs = trigger::needs(flows.iter().map(|plan| &**plan));
    let secrets = estate::hook_secrets(compiled, &needs, &[]).map_err(|error| error.to_string())?;
    let reach = estate::world(compiled, &flows).map_err(|error| error.to_string())?;
    for name in &reach.shut {
        tracing::warn!(connection = &**name, "no secret for it is here: runs of flows that use it wait");
    }
    let wire = Arc::clone(&reach.wire);
    let folder = estate::data(common, paths);
    let journal = Arc::new(Sqlite::open(&folder).map_err(|error| error.to_string())?);
    let engine =
        engine::start(compiled, reach.world(), journal.clone()).map_err(|error| error.to_string())?;
    let (stories, obeyed) = (engine.ends(), engine.obeyed());
    let setup = Setup { flows, engine, wire, address, public_url, secrets, urgency: urgency(compiled) };
    let (service, said) = Service::start(setup).map_err(|error| error.to_string())?;
    Ok(Started { service, journal, said, stories, obeyed })
}

/// Where it listens, and how platforms reach that: the environment's word counts before the estate's.
fn listen(compiled: &Compiled) -> Result<(SocketAddr, Option<Arc<str>>), String> {
    let Some(estate) = compiled.estate.tree.as_ref().map(|part| &part.tree) else {
        return Ok((SocketAddr::from(([127, 0, 0, 1], 7780)), None));
    };
    let chosen = estate
        .environments
        .iter()
        .find(|(name, _)| Some(&name.value) == compiled.estate.environment.as_ref());
    let none = Listen::default();
    let own = chosen.map_or(&none, |(_, environment)| &environment.listen);
    let address = own.address.as_ref().or(estate.listen.address.as_ref()).map_or(ADDRESS, |name| &name.value);
    let address = address.parse().map_err(|_| {
        format!("`listen: {{ address: {address} }}` is no address: expected one such as {ADDRESS}")
    })?;
    let public = own.public_url.as_ref().or(estate.listen.public_url.as_ref());
    Ok((address, public.map(|url| Arc::clone(&url.value))))
}

fn urgency(compiled: &Compiled) -> BTreeMap<Arc<str>, Priority> {
    let settings = compiled.estate.tree.iter().flat_map(|part| &part.tree.flows);
    let class = |(name, setting): &(crate::source::Name, crate::syntax::estate::FlowSettings)| {
        let priority = match &*setting.class.as_ref()?.value {
            "live" => Priority::Live,
            "bulk" => Priority::Bulk,
            _ => Priority::Normal,
        };
        Some((Arc::clone(&name.value), priority))
    };
    settings.filter_map(class).collect()
}

/// Tells what happens until a signal comes, then drains.
async fn serve(started: Started, quiet: bool, common: &Common, streams: &mut Streams) -> Exit {
    let Started { service, journal, mut said, mut stories, mut obeyed } = started;
    let ended = super::interrupted();
    tokio::pin!(ended);
    let json = common.format == Format::Json;
    let mut view = View { json, quiet, streams, runs: Runs::default(), told: String::new() };
    while let Ok(first) = said.try_recv() {
        view.said(&first);
    }
    view.ready(&service);
    view.flush();
    // Not before: a new journal's part of the disk is written in full, and all that starts would wait behind it.
    journal.reserve(KEPT);
    drop(journal);
    let mut rest = pin!(tokio::time::sleep(Duration::ZERO));
    let mut stopping = None;
    let mut exit = Exit::Done;
    let mut service = Some(service);
    loop {
        tokio::select! {
            () = &mut ended => match service.take() {
                Some(service) => {
                    view.draining();
                    stopping = Some(Box::pin(service.stop(GRACE)));
                    ended.set(super::interrupted());
                }
                None => return Exit::Interrupted,
            },
            finished = until(&mut stopping) => {
                while let Ok(live) = stories.try_recv() {
                    view.live(&live);
                }
                view.drained(finished);
                view.flush();
                return exit;
            }
            told = said.recv() => if let Some(told) = told {
                view.said(&told);
                if told == Said::Broken && let Some(service) = service.take() {
                    exit = Exit::CannotStart;
                    stopping = Some(Box::pin(service.stop(Duration::ZERO)));
                }
            },
            // That some are missed is told of runs; requests can be asked for.
            done = obeyed.recv() => if let Ok(done) = done {
                view.obeyed(&done);
            },
            live = rested(rest.as_mut(), &mut stories) => {
                match live {
                    Ok(live) => view.live(&live),
                    Err(RecvError::Lagged(missed)) => view.missed(missed),
                    Err(RecvError::Closed) => return exit,
                }
                while let Ok(live) = stories.try_recv() {
                    view.live(&live);
                }
                rest.set(tokio::time::sleep(REST));
            },
        }
        view.flush();
    }
}

/// What happens next, once the rest is over.
async fn rested(mut rest: Pin<&mut Sleep>, stories: &mut Receiver<Live>) -> Result<Live, RecvError> {
    rest.as_mut().await;
    stories.recv().await
}

/// Waits for what is stopping, if anything is.
async fn until<F: Future<Output = bool> + Unpin>(stopping: &mut Option<F>) -> bool {
    match stopping {
        Some(stopping) => stopping.await,
        None => pending().await,
    }
}

/// Writes what happens.
struct View<'a> {
    json: bool,
    /// Only runs that somebody must look at.
    quiet: bool,
    streams: &'a mut Streams,
    runs: Runs,
    /// What is not yet written.
    told: String,
}

impl View<'_> {
    fn tell(&mut self, line: impl FnOnce(Paint) -> String, object: impl FnOnce() -> Json) {
        self.told += &if self.json { object().to_string() } else { line(Paint(self.streams.color)) };
        self.told.push('\n');
    }

    /// Writes what was told, all of it at once. A closed pipe is nobody's error.
    fn flush(&mut self) {
        let out = if self.json { &mut self.streams.out } else { &mut self.streams.err };
        drop(out.write_all(self.told.as_bytes()).and_then(|()| out.flush()));
        self.told.clear();
    }

    fn said(&mut self, said: &Said) {
        let object = || serde_json::to_value(said).unwrap_or_default();
        self.tell(|paint| paint.text(Tint::Faint, &said.line()), object);
    }

    fn ready(&mut self, service: &Service) {
        let address = service.address().map(|address| address.to_string());
        let object = || json!({ "what": "ready", "address": address });
        self.tell(
            |paint| paint.text(Tint::Strong, "ready: Ctrl-C or SIGTERM lets runs that have begun finish"),
            object,
        );
    }

    fn draining(&mut self) {
        let told = "stopping: runs that have begun may finish (30 s), webhooks are still taken; once more stops at once";
        self.tell(|_| told.to_owned(), || json!({ "what": "draining" }));
    }

    fn drained(&mut self, finished: bool) {
        let told = if finished {
            "stopped"
        } else {
            "stopped; some runs were cut off, they go on at the next start"
        };
        self.tell(|_| told.to_owned(), || json!({ "what": "stopped", "finished": finished }));
    }

    fn obeyed(&mut self, done: &Obeyed) {
        if !self.quiet || done.told.refused {
            let mut object =
                report::request_json(&done.ordered, Some(&done.told), &Mask::Fields(BTreeSet::new()));
            object["what"] = "request".into();
            self.tell(|_| report::obeyed_line(&done.ordered, &done.told), || object);
        }
    }

    fn missed(&mut self, missed: u64) {
        let told = format!("{missed} happenings are not shown: too many at a time (see `flowrun runs list`)");
        self.tell(|_| told, || json!({ "what": "missed", "count": missed }));
    }

    fn live(&mut self, live: &Live) {
        let quiet = self.quiet;
        if let Some(done) = self.runs.take(live).filter(|done| !quiet || done.how == "letter") {
            self.tell(|paint| done.line(paint), || done.object());
        }
    }
}

/// Runs under way, and since when.
#[derive(Default)]
struct Runs(HashMap<RunId, Instant>);

/// A run that ended, or left memory.
struct Done {
    run: RunId,
    flow: Arc<str>,
    key: Arc<str>,
    /// Its outcome, `parked` or `letter`.
    how: &'static str,
    ms: u64,
    due: Option<Instant>,
    /// Where and why it is parked: node and code; no text of the platform's.
    places: Vec<String>,
}

impl Runs {
    fn take(&mut self, live: &Live) -> Option<Done> {
        let (how, due, letters) = match &live.what {
            What::Started { .. } => {
                self.0.entry(live.run).or_insert(live.at);
                return None;
            }
            What::Ended { outcome, .. } => (report::word(*outcome), None, &[][..]),
            What::Parked { due, letters } => {
                (if due.is_some() { "parked" } else { "letter" }, *due, &letters[..])
            }
            _ => return None,
        };
        let began = self.0.remove(&live.run).unwrap_or(live.at);
        let ms = u64::try_from(live.at.since(began).as_millis()).unwrap_or(u64::MAX);
        let code = |code| {
            serde_json::to_value(code)
                .ok()
                .and_then(|code| code.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let places = letters.iter().map(|letter| format!("{} {}", letter.node, code(letter.code))).collect();
        Some(Done {
            run: live.run,
            flow: Arc::clone(&live.flow),
            key: Arc::clone(&live.key),
            how,
            ms,
            due,
            places,
        })
    }
}

impl Done {
    fn line(&self, paint: Paint) -> String {
        let tint = match self.how {
            "ok" | "unchanged" => Tint::Good,
            "letter" | "dropped" => Tint::Bad,
            "parked" => Tint::Look,
            _ => Tint::Faint,
        };
        let what = paint.text(tint, &format!("{:<10}", self.how));
        let line =
            format!("{}  {:<14} {what} {:>6} ms", paint.text(Tint::Strong, &self.flow), self.key, self.ms);
        match (&self.places[..], self.due) {
            ([], _) => line,
            (places, Some(due)) => format!("{line}  {}, comes back at {due}", places.join(", ")),
            (places, None) => {
                format!("{line}  {}: see `flowrun letters show {}`", places.join(", "), self.run)
            }
        }
    }

    fn object(&self) -> Json {
        json!({
            "what": "run", "run": self.run.to_string(), "flow": &*self.flow, "key": &*self.key, "outcome": self.how,
            "ms": self.ms, "due": self.due.map(|due| due.to_string()), "places": self.places,
        })
    }
}
