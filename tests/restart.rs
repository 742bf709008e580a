//! A restart with more open runs than may be in memory: it loads a bounded number, and goes on in order until all are done.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use flowrun::{
    engine::{Engine, Permit, Policy, Setup, Waiting, World},
    event::{
        Answer, Code, Event, EventId, Fact, Failure, Instant, Letter, Origin, Outcome, Parked, Priority,
        Request, Why,
    },
    journal::{Asked, Journal, Order, Query, Sqlite},
    plan::{Plan, Repeat},
    trial::sim::{PlanBuilder, Spec},
    value::Value,
};

/// Answers at once, and keeps in which order it was asked about what.
#[derive(Default)]
struct Kind(Mutex<Vec<(String, i64)>>);

impl World for Kind {
    fn permit<'a>(&'a self, _: &'a Request) -> Waiting<'a, Permit> {
        Box::pin(async { Permit::default() })
    }

    fn send<'a>(&'a self, request: &'a Request, _: Permit) -> Waiting<'a, Result<Answer, Failure>> {
        let input = &request.inputs[0];
        let lane = input.get("lane").and_then(Value::scalar_text).unwrap_or_default();
        let number = input.get("number").and_then(Value::as_i64).unwrap_or_default();
        self.0.lock().unwrap().push((lane, number));
        Box::pin(async { Ok(Answer::One(Value::Null)) })
    }

    fn now(&self) -> Instant {
        Instant(1_000_000)
    }

    fn sleep_until(&self, _: Instant) -> Waiting<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn random(&self) -> u64 {
        7
    }
}

fn plan() -> Arc<Plan> {
    let put = Spec::write("put", "erp.put", Repeat::Safe)
        .with("lane", "{{ event.lane }}")
        .with("number", "{{ event.number }}");
    PlanBuilder::new("f").all("{{ event.number }}").node(put).build().unwrap()
}

fn event(number: u64, lanes: u64) -> Event {
    let lane = number % lanes;
    let body = [("number", Value::from(number as i64)), ("lane", Value::from(lane as i64))];
    Event {
        id: EventId(number),
        root: EventId(number),
        awaited_by: None,
        flow: "f".into(),
        lane: format!("f/{lane}").into(),
        key: number.to_string().into(),
        fact: Some(number.to_string().into()),
        version: None,
        latest: false,
        origin: Origin::Source,
        priority: Priority::Normal,
        at: Instant(number),
        body: Value::object(body),
    }
}

fn letter(run: EventId) -> Parked {
    let letter = Letter {
        node: "put".into(),
        element: None,
        code: Code::Rejected,
        message: "no".into(),
        request: None,
        answer: None,
    };
    Parked {
        run,
        at: Instant(1),
        why: Why::Letter,
        due: None,
        frozen: false,
        doubt: false,
        letters: vec![letter],
        tries: Vec::new(),
    }
}

fn fill(folder: &Path, facts: impl Iterator<Item = Vec<Fact>>) {
    let journal = Sqlite::open(folder).unwrap();
    let last = facts.map(|facts| journal.append(facts).unwrap()).last().unwrap();
    journal.durable().wait(last).unwrap();
}

fn start(folder: &Path, world: &Arc<Kind>, most: usize) -> (Engine, Arc<dyn Journal>) {
    let journal: Arc<dyn Journal> = Arc::new(Sqlite::open(folder).unwrap());
    let setup = Setup::new(vec![plan()], Arc::clone(world) as Arc<dyn World>, Arc::clone(&journal));
    let policy = Policy { load_most: most, in_flight: 8, keep_past: None::<Duration>, ..Policy::default() };
    (Engine::start(Setup { policy, ..setup }).unwrap(), journal)
}

#[tokio::test]
async fn a_restart_loads_some_and_goes_on_with_all_in_order() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), (1..=3000).map(|number| vec![Fact::Accepted(event(number, 30))]));
    let world = Arc::new(Kind::default());
    let (engine, journal) = start(folder.path(), &world, 100);
    assert!(engine.loaded() <= 100, "{} are loaded", engine.loaded());
    engine.idle().await;
    assert!(engine.drain(Duration::from_secs(1)).await);
    assert!(journal.open().unwrap().is_empty() && engine.loaded() == 0);
    let sent = world.0.lock().unwrap();
    assert_eq!(sent.len(), 3000, "each once");
    for lane in 0..30 {
        let of = sent.iter().filter(|(of, _)| *of == lane.to_string()).map(|(_, number)| *number);
        assert!(of.is_sorted(), "lane {lane} kept its order");
    }
}

#[tokio::test]
async fn letters_stay_on_disk_until_somebody_asks_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let parked = |number| {
        let event = event(number, 10_000);
        let parked = letter(event.id);
        vec![Fact::Accepted(event), Fact::Parked(parked)]
    };
    fill(folder.path(), (1..=500).map(parked));
    let world = Arc::new(Kind::default());
    let (engine, journal) = start(folder.path(), &world, 20);
    assert!(engine.loaded() <= 20, "{} are loaded", engine.loaded());
    let asks = |order| Asked { at: Instant(2), who: "ann".into(), why: None, order };
    let retry = Order::Retry { run: EventId(400), newest: false, edited: None, force: false };
    let requests =
        [retry, Order::Drop { run: EventId(450) }].map(|order| journal.order(&asks(order)).unwrap());
    engine.obey();
    engine.idle().await;
    assert!(engine.drain(Duration::from_secs(1)).await);
    for request in requests {
        let told = journal.told(request).unwrap().unwrap();
        assert!(!told.refused, "{}", told.text);
    }
    let outcome = |run| {
        let query = Query { run: Some(EventId(run)), ..Query::default() };
        journal.past(&query).unwrap().first().map(|past| past.outcome)
    };
    assert_eq!((outcome(400), outcome(450)), (Some(Outcome::Ok), Some(Outcome::Dropped)));
    assert_eq!(journal.open().unwrap().len(), 498);
}
