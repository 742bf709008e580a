//! `flowrun exec FLOW --key ID --dry-run`: the run with real reads and without a single write; each write is shown as what it
//! would change. Nothing is kept.

use std::sync::Arc;

use serde_json::json;

use super::{
    Streams, estate,
    exec::{self, Watch},
    exit::Exit,
};
use crate::{
    compile::Compiled,
    engine::{Engine, Offer, Setup},
    journal::Memory,
    plan::{Plan, Work},
    report::{self, Paint},
    wire::Rehearsal,
};

pub(super) async fn run(mut compiled: Compiled, offer: Offer, watch: Watch, streams: &mut Streams) -> Exit {
    let flow: Vec<_> = compiled.plan(&offer.flow).cloned().into_iter().collect();
    let started = estate::world(&compiled, &flow).map_err(|error| error.to_string()).and_then(|reach| {
        drop(flow);
        let world = Arc::new(Rehearsal::new(reach.wire));
        compiled.plans.iter_mut().filter_map(Arc::get_mut).for_each(expects_no_answer);
        let setup = Setup::new(compiled.plans.clone(), world.clone(), Arc::new(Memory::default()));
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
    let would = world.take();
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
