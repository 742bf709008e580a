//! One event by hand, beside what is there already: whether it can be an event of its flow at all, and a service that has the
//! journal and runs it for us.

use std::{sync::Arc, time::Duration};

use super::{
    Streams,
    exec::{self, Watch},
    exit::Exit,
    letters::word,
    runs::{self, newest},
};
use crate::{
    compile::Compiled,
    connector::exec::{Asking, Exec},
    engine::{
        Offer, Policy, Prepared,
        machine::{Birth, Command, Machine, Turn},
    },
    event::{Code, Event, EventId, Fact, Origin, Outcome, Priority, Request, RunId},
    journal::{Error, Order, Query, Reader},
    plan::Plan,
    report::{self, Mask, Paint},
    story::{RunView, State, Watched},
    value::Value,
};

/// How often we look how far the run is.
const LOOK: Duration = Duration::from_millis(100);

/// Why an event cannot be one of its flow: a run is begun and its first calls are made, and neither kept nor sent.
pub(super) fn why_not(compiled: &Compiled, plan: &Arc<Plan>, body: &Value) -> Option<String> {
    let event = Event {
        id: EventId::default(),
        root: EventId::default(),
        awaited_by: None,
        flow: Arc::clone(&plan.flow),
        lane: Arc::clone(&plan.flow),
        key: "".into(),
        fact: None,
        version: None,
        latest: true,
        origin: Origin::Hand,
        priority: Priority::Live,
        at: crate::wire::now(),
        body: body.clone(),
    };
    let birth = Birth {
        prepared: Arc::new(Prepared::new(Arc::clone(plan))),
        event,
        facts: Vec::new(),
        effects: Vec::new(),
        last_used: None,
        policy: Arc::new(Policy::default()),
        salt: [0; 32],
        watched: Watched::No,
    };
    let mut turn = Turn::new(crate::wire::now(), 0);
    drop(Machine::begin(birth, &mut turn));
    turn.out.iter().find_map(|command| match command {
        Command::Ask { request, .. } => unfit(compiled, request),
        Command::Park(facts) => facts.iter().find_map(|fact| match fact {
            Fact::Parked(parked) => {
                let wrong = parked.letters.iter().find(|letter| letter.code == Code::Expression)?;
                Some(format!("{}: {}", wrong.node, wrong.message))
            }
            _ => None,
        }),
        _ => None,
    })
}

/// Why a call cannot be made.
fn unfit(compiled: &Compiled, request: &Request) -> Option<String> {
    let connection = compiled.connections.get(&request.connection)?;
    let operation = connection.operation(&request.operation)?;
    let asking = Asking { inputs: &request.inputs, batch: request.batch, ..Asking::default() };
    let made = Exec::begin(connection, operation, asking).and_then(|mut exec| exec.turn());
    made.err().map(|failure| failure.message.to_string())
}

/// Hands an event to the engine that has the journal, and follows its run.
pub(super) async fn hand_over(
    reader: &Reader,
    offer: Offer,
    how: Watch,
    mask: &Mask,
    streams: &mut Streams,
) -> Exit {
    let done = tokio::select! {
        done = hand(reader, offer, how, mask, streams) => done,
        () = super::interrupted() => return Exit::Interrupted,
    };
    done.unwrap_or_else(|error| {
        streams.say(format!("flowrun: {error}"));
        Exit::CannotStart
    })
}

async fn hand(
    reader: &Reader,
    offer: Offer,
    how: Watch,
    mask: &Mask,
    streams: &mut Streams,
) -> Result<Exit, Error> {
    let number = reader.order(&runs::asks(Order::Exec { flow: offer.flow, body: offer.body }, None))?;
    let Some(told) = word(reader, number)? else {
        streams.say(format!(
            "request {number} recorded; the flowrun that has the journal has not carried it out yet: see `flowrun letters requests`"
        ));
        return Ok(Exit::Parked);
    };
    if how == Watch::All || told.refused {
        streams.say(format!("the flowrun that has the journal: {}", told.text));
    }
    match told.run {
        Some(run) => {
            let view = follow(reader, run).await?;
            let Some(view) = view else {
                streams.say("it gave way to a newer event: see `flowrun runs list`");
                return Ok(Exit::Done);
            };
            match how {
                Watch::Json => streams.give(report::run_json(&view, mask).to_string()),
                Watch::Quiet if matches!(view.state, State::Ended(_)) => {}
                _ => streams.show(&report::run_lines(&view, mask, Paint(streams.color))),
            }
            Ok(exec::of_view(&view))
        }
        None if told.refused => Ok(Exit::Problems),
        None => Ok(Exit::Done),
    }
}

/// Waits until a run is over or parked; none: a newer event stands for it.
async fn follow(reader: &Reader, mut run: RunId) -> Result<Option<RunView>, Error> {
    loop {
        if let Some(past) = newest(reader, Query { run: Some(run), ..Query::default() })? {
            match past.outcome {
                Outcome::Continued(next) => run = next,
                _ => return Ok(Some(RunView::of_past(&past))),
            }
            continue;
        }
        match reader.open_run(run)? {
            Some(open) if open.parked().is_some() => {
                return Ok(Some(RunView::of_open(&open.event, &open.facts, false)));
            }
            Some(_) => {}
            // It may have ended since we asked.
            None if newest(reader, Query { run: Some(run), ..Query::default() })?.is_none() => {
                return Ok(None);
            }
            None => {}
        }
        tokio::time::sleep(LOOK).await;
    }
}
