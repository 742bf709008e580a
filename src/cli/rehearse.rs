//! `flowrun exec FLOW --key ID --dry-run`: the run with real reads and without a single write; each write is shown as what it
//! would change. Nothing is kept.

use std::sync::Arc;

use serde_json::json;

use super::{
    Streams,
    args::Common,
    estate,
    exec::{self, Watch},
    exit::Exit,
};
use crate::{
    compile::Compiled,
    connector::exec::{HIDDEN, Would},
    engine::{Engine, Offer, Setup},
    event::{Entry, Fact},
    flow::MEMORY,
    journal::{self, Memory, Reader},
    plan::{Plan, Work},
    report::{self, Paint},
    secret::rewrite,
    wire::Rehearsal,
};

pub(super) async fn run(
    mut compiled: Compiled,
    offer: Offer,
    (watch, common): (Watch, &Common),
    streams: &mut Streams,
) -> Exit {
    let journal = match books(&compiled, common) {
        Ok(journal) => Arc::new(journal),
        Err(told) => {
            streams.say(format!("flowrun: {told}"));
            return Exit::CannotStart;
        }
    };
    let flow: Vec<_> = compiled.plan(&offer.flow).cloned().into_iter().collect();
    let started = estate::world(&compiled, &flow).map_err(|error| error.to_string()).and_then(|reach| {
        drop(flow);
        let world = Arc::new(Rehearsal::new(reach.wire));
        compiled.plans.iter_mut().filter_map(Arc::get_mut).for_each(expects_no_answer);
        let setup = Setup::new(compiled.plans.clone(), world.clone(), journal.clone());
        Engine::start(setup).map(|engine| (engine, world)).map_err(|error| error.to_string())
    });
    let (engine, world) = match started {
        Ok(started) => started,
        Err(told) => {
            streams.say(format!("flowrun: {told}"));
            return Exit::CannotStart;
        }
    };
    let stories = engine.stories();
    let (_, exit) = tokio::select! {
        ended = exec::one(&engine, offer, stories, watch, streams) => ended,
        () = super::interrupted() => (None, Exit::Interrupted),
    };
    let mut would = world.take();
    would.extend(journal.facts().into_iter().filter_map(|fact| written(fact, &compiled, &journal)));
    if watch == Watch::Json {
        let calls: Vec<_> = would.iter().map(report::would_json).collect();
        streams.give(json!({ "dry_run": true, "would": calls }).to_string());
        return exit;
    }
    for call in &would {
        streams.give(report::would_lines(call, Paint(streams.color)).trim_end());
    }
    streams.say(match would.len() {
        0 => "dry run: nothing would be written".to_owned(),
        1 => "dry run: 1 write, not sent; what only its answer can tell is in brackets".to_owned(),
        many => format!("dry run: {many} writes, not sent; what only their answers can tell is in brackets"),
    });
    exit
}

/// An empty journal in front of the real one: books are read as they are.
fn books(compiled: &Compiled, common: &Common) -> Result<Memory, journal::Error> {
    let real = if compiled.books.is_empty() { None } else { Reader::visit(&estate::data(common, &[]))? };
    real.map_or_else(|| Ok(Memory::default()), Memory::before)
}

/// What would have been written to a book.
fn written(fact: Fact, compiled: &Compiled, journal: &Memory) -> Option<Would> {
    let Fact::Noted(noted) = fact else { return None };
    let verb = if noted.entry.is_some() { "put" } else { "forget" };
    let is_personal = compiled.books.get(&noted.book).is_none_or(|book| book.personal);
    let shown = |entry: Option<Entry>| {
        let value = entry.map(|entry| entry.value).unwrap_or_default();
        if is_personal { rewrite(&value, &|_| HIDDEN.to_owned()) } else { value }
    };
    let present = journal.entry_behind(&noted.book, noted.key).ok().flatten();
    Some(Would {
        operation: format!("{MEMORY}.{}.{verb}", noted.book),
        asked: String::new(),
        body: shown(noted.entry),
        present: shown(present),
    })
}

/// Answers of writes are suppositions here: nothing is expected of them.
fn expects_no_answer(plan: &mut Plan) {
    for node in &mut plan.nodes {
        if let Work::Call(call) = &node.work
            && call.repeat.is_some()
        {
            node.expect.clear();
            node.warn.clear();
        }
    }
}
