//! `flowrun runs` and `flowrun letters`: what the journal holds, found by business key, also beside a running engine.

use std::{path::Path, sync::Arc};

use serde_json::{Value as Json, json};

use super::{
    Streams,
    args::{Common, Format, Letters, LettersCommand, Runs, RunsCommand},
    exit::Exit,
};
use crate::{
    event::{EffectId, Past, RunId},
    journal::{Error, OpenRun, Order, Query, Reader},
    report::{self, Paint, Row},
    value::Value,
};

/// Carries `runs` out over the journal of a folder.
pub(super) fn runs(args: &Runs, common: &Common, folder: &Path, streams: &mut Streams) -> Exit {
    with_journal(folder, streams, |reader, streams| match &args.what {
        RunsCommand::List { flow, key, limit } => {
            let query = Query {
                flow: flow.as_deref().map(Arc::from),
                key: key.as_deref().map(Arc::from),
                limit: *limit,
                ..Query::default()
            };
            let past = reader.past(&query)?;
            if common.format == Format::Json {
                streams.give(Json::from_iter(past.iter().map(report::past_json)).to_string());
            } else if past.is_empty() {
                streams.say("no runs yet that fit");
            } else {
                streams.show(&report::runs_table(&past, Paint(streams.color)));
            }
            Ok(Exit::Done)
        }
        RunsCommand::Show { run } => {
            let Some(past) = find_past(reader, run)? else {
                return Ok(nothing(streams, &format!("no run that is over has the number or key `{run}`")));
            };
            if common.format == Format::Json {
                streams.give(report::past_json(&past).to_string());
            } else {
                streams.show(&report::past_lines(&past, Paint(streams.color)));
            }
            Ok(Exit::Done)
        }
    })
}

/// Carries `letters` out over the journal of a folder.
pub(super) fn letters(args: &Letters, common: &Common, folder: &Path, streams: &mut Streams) -> Exit {
    with_journal(folder, streams, |reader, streams| match &args.what {
        LettersCommand::List { key } => {
            let open = reader.open_runs()?;
            let rows: Vec<Row<'_>> = open
                .iter()
                .filter(|run| key.as_ref().is_none_or(|key| **key == *run.event.key))
                .filter_map(row)
                .collect();
            if common.format == Format::Json {
                streams.give(
                    Json::from_iter(rows.iter().map(|row| report::letter_json(row, false))).to_string(),
                );
            } else if rows.is_empty() {
                streams.say("nothing is parked");
            } else {
                streams.show(&report::letters_table(&rows, Paint(streams.color)));
            }
            Ok(Exit::Done)
        }
        LettersCommand::Show { run } => with_parked(reader, run, streams, |open, streams| {
            let Some(row) = row(open) else { return Ok(Exit::Done) };
            streams.give(format!("{:#}", report::letter_json(&row, true)));
            Ok(Exit::Done)
        }),
        LettersCommand::Retry { run } => with_parked(reader, run, streams, |open, streams| {
            let order = Order::Retry { run: open.event.id, newest: true, edited: None, force: false };
            leave(reader, &order, common, streams)
        }),
        LettersCommand::Drop { run } => with_parked(reader, run, streams, |open, streams| {
            leave(reader, &Order::Drop { run: open.event.id }, common, streams)
        }),
        LettersCommand::Settle { run, node, element, landed, absent: _ } => {
            with_parked(reader, run, streams, |open, streams| {
                let landed = landed.as_deref().map(|id| Value::object([("id", Value::from(id))]));
                let effect = EffectId {
                    node: node.as_str().into(),
                    element: element.as_deref().unwrap_or_default().into(),
                };
                let order = Order::Settle { run: open.event.id, effect, landed };
                leave(reader, &order, common, streams)
            })
        }
    })
}

fn with_journal(
    folder: &Path,
    streams: &mut Streams,
    work: impl FnOnce(&Reader, &mut Streams) -> Result<Exit, Error>,
) -> Exit {
    let done = match Reader::visit(folder) {
        Ok(Some(reader)) => work(&reader, streams),
        Ok(None) => {
            return nothing(
                streams,
                &format!("no journal in {}: nothing has run here yet", folder.display()),
            );
        }
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| {
        streams.say(format!("flowrun: {error}"));
        Exit::CannotStart
    })
}

fn with_parked(
    reader: &Reader,
    wanted: &str,
    streams: &mut Streams,
    work: impl FnOnce(&OpenRun, &mut Streams) -> Result<Exit, Error>,
) -> Result<Exit, Error> {
    let open = reader.open_runs()?;
    let number = wanted.parse::<RunId>().ok();
    let parked = |run: &&OpenRun| run.parked().is_some();
    let by_number = open.iter().filter(parked).find(|run| number == Some(run.event.id));
    match by_number.or_else(|| open.iter().filter(parked).rfind(|run| *run.event.key == *wanted)) {
        Some(run) => work(run, streams),
        None => Ok(nothing(
            streams,
            &format!("no parked run has the number or key `{wanted}`: see `flowrun letters list`"),
        )),
    }
}

fn find_past(reader: &Reader, wanted: &str) -> Result<Option<Past>, Error> {
    let by_number = match wanted.parse::<RunId>() {
        Ok(run) => reader.past(&Query { run: Some(run), limit: 1, ..Query::default() })?,
        Err(_) => Vec::new(),
    };
    let mut found = by_number;
    if found.is_empty() {
        found = reader.past(&Query { key: Some(wanted.into()), limit: 1, ..Query::default() })?;
    }
    Ok(found.pop())
}

fn row(open: &OpenRun) -> Option<Row<'_>> {
    Some(Row { flow: &open.event.flow, key: &open.event.key, parked: open.parked()? })
}

fn leave(reader: &Reader, order: &Order, common: &Common, streams: &mut Streams) -> Result<Exit, Error> {
    let who = who();
    let number = reader.order(crate::wire::now(), &who, order)?;
    if common.format == Format::Json {
        streams.give(json!({ "order": number }).to_string());
    } else {
        streams.say(format!("order {number} is in the journal; a running `flowrun exec` carries it out, or the next one to start"));
    }
    Ok(Exit::Done)
}

/// Who gives orders: for the audit trail.
pub(super) fn who() -> String {
    std::env::var("USER").unwrap_or_else(|_| "unknown".into())
}

fn nothing(streams: &mut Streams, told: &str) -> Exit {
    streams.say(told);
    Exit::Problems
}
