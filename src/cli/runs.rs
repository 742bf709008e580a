//! `flowrun runs`: what the journal holds of runs, those under way too, also beside a running engine.

use std::{collections::BTreeSet, fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc};

use serde_json::Value as Json;

use super::{
    Streams,
    args::{Common, Format, Reveal, Runs, RunsCommand, Standing},
    estate,
    exit::Exit,
};
use crate::{
    compile::Compiled,
    event::{Past, RunId, Why},
    journal::{Asked, Error, OpenRun, Order, Query, Reader},
    report::{self, Mask, Paint},
    shape::names_marked,
    story::RunView,
};

/// Past runs that are read at a time while those wanted are looked for.
const PAGE: usize = 500;

/// Carries `runs` out over the journal of a folder.
pub(super) fn runs(args: &Runs, common: &Common, folder: &Path, streams: &mut Streams) -> Exit {
    with_journal(folder, streams, |reader, streams| match &args.what {
        RunsCommand::List { flow, key, state, limit } => {
            let wanted = Wanted { flow: flow.as_deref(), key: key.as_deref(), state: *state };
            let runs = list(reader, &wanted, *limit)?;
            let mask = mask(common, Reveal { reveal: false });
            if common.format == Format::Json {
                let all = Json::from_iter(runs.iter().map(|run| report::run_json(run, &mask)));
                streams.give(all.to_string());
            } else if runs.is_empty() {
                streams.say("no runs that fit");
            } else {
                streams.show(&report::runs_table(&runs, &mask, Paint(streams.color)));
            }
            Ok(Exit::Done)
        }
        RunsCommand::Show { run, reveal } => {
            let Some(view) = find(reader, run)? else {
                let told = format!("no run has the number or key `{run}`: see `flowrun runs list`");
                return Ok(nothing(streams, &told));
            };
            let mask = mask(common, *reveal);
            if common.format == Format::Json {
                streams.give(report::run_json(&view, &mask).to_string());
            } else {
                streams.show(&report::run_lines(&view, &mask, Paint(streams.color)));
            }
            Ok(Exit::Done)
        }
    })
}

/// What is hidden: the fields that a record of the estate marks as personal, and those of events that carry such data on.
pub(super) fn mask(common: &Common, reveal: Reveal) -> Mask {
    if reveal.reveal {
        return Mask::Nothing;
    }
    hidden(&estate::compiled(&[], common))
}

/// Hides the fields that records and events of these files mark as personal.
pub(super) fn hidden(compiled: &Compiled) -> Mask {
    let mut names = BTreeSet::new();
    compiled.records.iter().for_each(|(_, record)| names_marked(record, &mut names));
    names.extend(compiled.plans.iter().flat_map(|plan| plan.trigger.personal.iter().cloned()));
    Mask::Fields(names)
}

/// Asks the journal of a folder; says so if there is none.
pub(super) fn with_journal(
    folder: &Path,
    streams: &mut Streams,
    work: impl FnOnce(&Reader, &mut Streams) -> Result<Exit, Error>,
) -> Exit {
    let done = match Reader::visit(folder) {
        Ok(Some(reader)) => work(&reader, streams),
        Ok(None) => {
            let told = format!("no journal in {}: nothing has run here yet", folder.display());
            return nothing(streams, &told);
        }
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| {
        streams.say(format!("flowrun: {error}"));
        Exit::CannotStart
    })
}

/// A request, with who asks and when: for the audit trail.
pub(super) fn asks(order: Order, why: Option<&str>) -> Asked {
    Asked { at: crate::wire::now(), who: who().into(), why: why.map(Arc::from), order }
}

/// Who gives orders: as the environment says, else the account that this program runs under.
fn who() -> String {
    let named = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| {
        let Ok(own) = fs::metadata("/proc/self") else { return "somebody without a name".into() };
        let number = own.uid().to_string();
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let mine = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let mine = mine
            .filter(|fields| fields.get(2) == Some(&number.as_str()))
            .find_map(|fields| fields.first().copied());
        mine.map_or_else(|| format!("user {number}"), str::to_owned)
    })
}

pub(super) fn nothing(streams: &mut Streams, told: &str) -> Exit {
    streams.say(told);
    Exit::Problems
}

/// Which runs are wanted.
struct Wanted<'a> {
    flow: Option<&'a str>,
    key: Option<&'a str>,
    state: Option<Standing>,
}

impl Wanted<'_> {
    fn fits(&self, run: &RunView) -> bool {
        self.flow.is_none_or(|flow| *flow == *run.flow)
            && self.key.is_none_or(|key| *key == *run.key)
            && self.state.is_none_or(|state| state.means(report::state(run)))
    }
}

/// The newest runs that are wanted, open and past.
fn list(reader: &Reader, wanted: &Wanted<'_>, limit: usize) -> Result<Vec<RunView>, Error> {
    let mut found: Vec<RunView> = open(reader)?.into_iter().filter(|run| wanted.fits(run)).collect();
    let mut query = Query {
        flow: wanted.flow.map(Arc::from),
        key: wanted.key.map(Arc::from),
        limit: PAGE.min(limit.max(1)),
        ..Query::default()
    };
    let mut past = 0;
    while past < limit {
        let page = reader.past(&query)?;
        let Some(last) = page.last().map(|past| past.run) else { break };
        let fitting = page.iter().map(RunView::of_past).filter(|run| wanted.fits(run));
        let before = found.len();
        found.extend(fitting.take(limit - past));
        past += found.len() - before;
        query.before = Some(last);
    }
    found.sort_by_key(|run| std::cmp::Reverse(run.run));
    found.truncate(limit);
    Ok(found)
}

/// All runs that are not over. While an engine is at work, the oldest of a lane that is not parked is the one that runs.
pub(super) fn open(reader: &Reader) -> Result<Vec<RunView>, Error> {
    let is_served = reader.has_engine();
    let mut begun: BTreeSet<Arc<str>> = BTreeSet::new();
    let view = |open: OpenRun| {
        let keeps = open.parked().is_some() && !open.event.latest;
        let runs = open.parked().is_none() && is_served && !begun.contains(&open.event.lane);
        if runs || keeps {
            begun.insert(Arc::clone(&open.event.lane));
        }
        RunView::of_open(&open.event, &open.facts, runs)
    };
    Ok(reader.open_runs()?.into_iter().map(view).collect())
}

/// The run of a number, else the newest about a key: one that is not over before one that is. One that only looks once more is
/// found by its number.
fn find(reader: &Reader, wanted: &str) -> Result<Option<RunView>, Error> {
    let open = open(reader)?;
    let number = wanted.parse::<RunId>().ok();
    let by_key = |run: &&RunView| *run.key == *wanted && run.why != Some(Why::Later);
    if let Some(run) = number {
        if let Some(view) = open.iter().find(|view| view.run == run) {
            return Ok(Some(view.clone()));
        }
        if let Some(past) = newest(reader, Query { run: Some(run), ..Query::default() })? {
            return Ok(Some(RunView::of_past(&past)));
        }
    }
    if let Some(view) = open.iter().rev().find(by_key) {
        return Ok(Some(view.clone()));
    }
    let past = newest(reader, Query { key: Some(wanted.into()), ..Query::default() })?;
    Ok(past.map(|past| RunView::of_past(&past)))
}

/// The newest past run that fits.
pub(super) fn newest(reader: &Reader, query: Query) -> Result<Option<Past>, Error> {
    Ok(reader.past(&Query { limit: 1, ..query })?.pop())
}
