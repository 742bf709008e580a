//! `flowrun demo`: a day of trade on twins of both platforms. The shipped flows run as a service, as a customer would have them;
//! the twins' own records say what came of it.

mod site;
mod told;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use flowrun_sandbox::{Config, Running, bigcommerce, day::Day, netsuite, start, verdict::Verdict};

use self::{
    site::Site,
    told::{Progress, Told},
};
use super::{
    Streams,
    args::{Common, Demo, Format},
    engine, estate,
    exit::Exit,
};
use crate::{
    journal::{Journal, OpenRun},
    time::Timestamp,
};

/// When the sandbox clock begins: a Tuesday, half an hour before the shop opens.
const MORNING: &str = "2026-06-02T07:30:00Z";
/// How often progress is looked at.
const TICK: Duration = Duration::from_millis(100);
/// After so long without a write, while nothing runs, no more will come of the day.
const STILL: Duration = Duration::from_secs(10);
/// After so long without a write, whatever runs: the day is told as it stands.
const STUCK: Duration = Duration::from_secs(60);

pub(super) async fn run(args: &Demo, common: &Common, streams: &mut Streams) -> Exit {
    match play(args, common, streams).await {
        Ok(exit) => exit,
        Err(told) => {
            streams.say(format!("flowrun: {told}"));
            Exit::CannotStart
        }
    }
}

async fn play(args: &Demo, common: &Common, streams: &mut Streams) -> Result<Exit, String> {
    let morning: Timestamp = MORNING.parse().map_err(|error| format!("{MORNING}: {error}"))?;
    let running = start(config(args, morning)).await.map_err(|error| error.to_string())?;
    let compiled = site::compiled(running.access(), args.speed)?;
    if let Some(exit) = estate::refuse(&compiled, common, streams) {
        return Ok(exit);
    }
    let folder = Folder::new(common.data.as_deref())?;
    let began = Instant::now();
    let mut site = Site::open(&compiled, running.access(), &folder.path)?;
    let mut progress = Progress::new(args, streams);
    progress.opens(&running);
    let opens = morning + Duration::from_mins(30);
    let (day, letters) = tokio::select! {
        day = trade(args, opens, &running, &mut site, &mut progress) => day?,
        () = super::interrupted() => return Ok(Exit::Interrupted),
    };
    progress.ends();
    let kinds = day.kinds().iter().map(|(kind, count)| (kind.name(), *count)).collect();
    let told = Told { verdict: running.verdict(day.known()), letters, kinds, took: began.elapsed() };
    site.close().await;
    if common.format == Format::Json {
        streams.give(told.json().to_string());
    } else {
        let text = told.table(streams.color, common.data.as_deref());
        streams.show(&text);
    }
    running.stop().map_err(|error| error.to_string())?;
    Ok(if told.is_well() { Exit::Done } else { Exit::Problems })
}

fn config(args: &Demo, start: Timestamp) -> Config {
    Config {
        seed: args.seed,
        speed: args.speed,
        start: Some(start),
        bigcommerce: bigcommerce::Settings {
            store_hash: "demo".into(),
            plan: bigcommerce::Plan::Pro,
            ..bigcommerce::Settings::default()
        },
        netsuite: netsuite::Settings { token_seconds: 24 * 60 * 60, ..netsuite::Settings::default() },
        ..Config::default()
    }
}

/// The day, hour by hour, and the evening until all is quiet; how many orders wait for somebody then. (A moment later one of
/// them may be on its way again.)
async fn trade(
    args: &Demo,
    opens: Timestamp,
    running: &Running,
    site: &mut Site,
    progress: &mut Progress<'_>,
) -> Result<(Day, u64), String> {
    site.listens().await;
    let mut day = Day::new(args.seed, args.orders, opens);
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            more = day.comes(running) => {
                if !more {
                    break;
                }
                day.act(running)?;
            }
            _ = ticks.tick() => progress.look(running, day.placed(), site),
        }
    }
    let (mut written, mut since) = (0, Instant::now());
    loop {
        let idle = tokio::select! {
            () = site.idle() => true,
            _ = ticks.tick() => false,
        };
        let letters = letters(site.journal())?;
        let even =
            idle && engine::is_quiet(site.journal()) && is_well(&running.verdict(day.known()), letters);
        if even || since.elapsed() > if idle { STILL } else { STUCK } {
            return Ok((day, letters));
        }
        ticks.tick().await;
        progress.look(running, day.placed(), site);
        let now = writes(running);
        if now != written {
            (written, since) = (now, Instant::now());
        }
    }
}

/// Calls so far that changed a record.
fn writes(running: &Running) -> usize {
    running.shared().ledger.read(|entries| entries.iter().filter(|entry| entry.effect.is_some()).count())
}

/// The orders whose runs are parked with a reason.
fn letters(journal: &dyn Journal) -> Result<u64, String> {
    let open = journal.open().map_err(|error| error.to_string())?;
    let of_orders = open.iter().filter(|run| &*run.event.flow == "orders");
    let with_letters = |run: &&OpenRun| run.parked().is_some_and(|parked| !parked.letters.is_empty());
    Ok(of_orders.filter(with_letters).map(|run| Arc::clone(&run.event.key)).collect::<BTreeSet<_>>().len()
        as u64)
}

/// The journal's folder: as asked for, else one that goes away with the demo.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn new(asked: Option<&Path>) -> Result<Self, String> {
        let own = || std::env::temp_dir().join(format!("flowrun-demo-{}", std::process::id()));
        let path = asked.map_or_else(own, Path::to_owned);
        if asked.is_some() && path.exists() {
            return Err(format!(
                "{} is there already: a demo begins with a journal of its own",
                path.display()
            ));
        }
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, keep: asked.is_some() })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

/// Whether all is as it should be: nothing lost, doubled or off, and nobody waits but those who must.
fn is_well(verdict: &Verdict, letters: u64) -> bool {
    verdict.is_well() && letters == verdict.expected_dead_letters.values().sum::<u64>()
}
