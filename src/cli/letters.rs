//! `flowrun letters`: the runs that wait for somebody, and what is to be done with them. What is asked for goes into the
//! journal, and whoever has the journal carries it out.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value as Json, json};

use super::{
    Streams,
    args::{Common, Format, Letters, LettersCommand, Why as Reason},
    exec,
    exit::Exit,
    runs::{asks, mask, nothing, open, with_journal},
};
use crate::{
    event::{EffectId, RunId, Told, Why},
    journal::{Error, OpenRun, Order, Reader},
    report::{self, Paint},
    story::RunView,
    value::Value,
};

/// How long a running engine may take to carry a request out before we stop waiting for its word.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often we look for its word.
const LOOK: Duration = Duration::from_millis(50);

/// Carries `letters` out over the journal of a folder.
pub(super) fn letters(args: &Letters, common: &Common, folder: &Path, streams: &mut Streams) -> Exit {
    with_journal(folder, streams, |reader, streams| {
        let mut desk = Desk { reader, common, streams };
        match &args.what {
            LettersCommand::List { key } => desk.list(key.as_deref()),
            LettersCommand::Show { run, reveal } => desk.with(run, |desk, open| {
                let mask = mask(common, *reveal);
                let view = RunView::of_open(&open.event, &open.facts, false);
                if common.format == Format::Json {
                    desk.streams.give(report::letter_json(&view, &mask, true).to_string());
                } else {
                    let paint = Paint(desk.streams.color);
                    desk.streams.show(&report::letter_lines(&view, &mask, paint));
                }
                Ok(Exit::Done)
            }),
            LettersCommand::Retry { run, again, why } => desk.with(run, |desk, open| {
                let run = open.event.id;
                desk.leave(run, Order::Retry { run, newest: true, edited: None, force: *again }, why)
            }),
            LettersCommand::Edit { run, event, why } => {
                desk.with(run, |desk, open| desk.edit(open, event.as_deref(), why))
            }
            LettersCommand::Drop { run, why } => desk.with(run, |desk, open| {
                let run = open.event.id;
                desk.leave(run, Order::Drop { run }, why)
            }),
            LettersCommand::Requests { limit } => desk.requests(*limit),
            LettersCommand::Settle { run, node, element, landed, absent: _, why } => {
                desk.with(run, |desk, open| {
                    let landed = landed.as_deref().map(|id| Value::object([("id", Value::from(id))]));
                    let element = element.as_deref().unwrap_or_default().into();
                    let effect = EffectId { node: node.as_str().into(), element };
                    let run = open.event.id;
                    desk.leave(run, Order::Settle { run, effect, landed }, why)
                })
            }
        }
    })
}

/// What every command here needs.
struct Desk<'a> {
    reader: &'a Reader,
    common: &'a Common,
    streams: &'a mut Streams,
}

impl Desk<'_> {
    fn list(&mut self, key: Option<&str>) -> Result<Exit, Error> {
        let mut runs = open(self.reader)?;
        // One that only looks once more waits for nobody.
        runs.retain(|run| run.why.as_ref().is_some_and(|why| *why != Why::Later));
        runs.retain(|run| key.is_none_or(|key| *key == *run.key));
        let mask = mask(self.common, super::args::Reveal { reveal: false });
        if self.common.format == Format::Json {
            let all = Json::from_iter(runs.iter().map(|run| report::letter_json(run, &mask, false)));
            self.streams.give(all.to_string());
        } else if runs.is_empty() {
            self.streams.say("nothing is parked");
        } else {
            self.streams.show(&report::letters_table(&runs, &mask, Paint(self.streams.color)));
        }
        Ok(Exit::Done)
    }

    /// Finds a parked run by its number, else the newest of a key.
    fn with(
        &mut self,
        wanted: &str,
        work: impl FnOnce(&mut Self, &OpenRun) -> Result<Exit, Error>,
    ) -> Result<Exit, Error> {
        let open = self.reader.open_runs()?;
        let number = wanted.parse::<RunId>().ok();
        let parked = |run: &&OpenRun| run.parked().is_some_and(|parked| parked.why != Why::Later);
        let by_number = open.iter().filter(parked).find(|run| number == Some(run.event.id));
        let by_key = || open.iter().filter(parked).rfind(|run| *run.event.key == *wanted);
        if let Some(run) = by_number.or_else(by_key) {
            return work(self, run);
        }
        let told = format!("no parked run has the number or key `{wanted}`: see `flowrun letters list`");
        Ok(nothing(self.streams, &told))
    }

    /// Goes on with another event, or prints the one there is.
    fn edit(&mut self, open: &OpenRun, file: Option<&Path>, why: &Reason) -> Result<Exit, Error> {
        let run = open.event.id;
        let Some(file) = file else {
            self.streams.give(open.event.body.to_json());
            let next = format!("change it and hand it back: flowrun letters edit {run} --event FILE");
            self.streams.say(next);
            return Ok(Exit::Done);
        };
        match exec::read_event(file) {
            Ok(event) => {
                self.leave(run, Order::Retry { run, newest: true, edited: Some(event), force: false }, why)
            }
            Err(told) => {
                self.streams.say(format!("flowrun: {told}"));
                Ok(Exit::Usage)
            }
        }
    }

    /// Leaves a request in the journal; if an engine has the journal, waits for its word.
    fn leave(&mut self, run: RunId, order: Order, why: &Reason) -> Result<Exit, Error> {
        let number = self.reader.order(&asks(order, why.why.as_deref()))?;
        let told = word(self.reader, number)?;
        let refused = told.as_ref().is_some_and(|told| told.refused);
        let next = told.as_ref().and_then(|told| told.run).filter(|next| *next != run);
        let text = told.as_ref().map(|told| Arc::clone(&told.text));
        if self.common.format == Format::Json {
            self.streams.give(
                json!({
                    "order": number, "run": run.to_string(), "done": told.is_some() && !refused, "told": text.as_deref(),
                    "next": next.map(|next| next.to_string()),
                })
                .to_string(),
            );
        } else {
            let when = || {
                let when = if self.reader.has_engine() {
                    "the engine at work has not carried it out yet: see `flowrun letters requests`"
                } else {
                    "no engine is at work here, the next `flowrun exec` carries it out and says so"
                };
                format!("request {number} recorded; {when}").into()
            };
            let text = text.unwrap_or_else(when);
            self.streams.say(text);
        }
        Ok(if refused { Exit::Problems } else { Exit::Done })
    }

    /// What was asked for, and what became of it.
    fn requests(&mut self, limit: usize) -> Result<Exit, Error> {
        let all = self.reader.newest_orders(limit)?;
        let mask = mask(self.common, super::args::Reveal { reveal: false });
        if self.common.format == Format::Json {
            let all = Json::from_iter(
                all.iter().map(|(asked, told)| report::request_json(asked, told.as_ref(), &mask)),
            );
            self.streams.give(all.to_string());
        } else if all.is_empty() {
            self.streams.say("nothing was asked for");
        } else {
            self.streams.show(&report::requests_table(&all, &mask, Paint(self.streams.color)));
        }
        Ok(Exit::Done)
    }
}

/// What the engine that has the journal says of a request; none without one, or if it takes too long.
pub(super) fn word(reader: &Reader, number: u64) -> Result<Option<Told>, Error> {
    for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
        let told = reader.told(number)?;
        if told.is_some() || !reader.has_engine() {
            return Ok(told);
        }
        std::thread::sleep(LOOK);
    }
    Ok(None)
}
