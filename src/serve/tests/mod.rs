//! The parts of a service by themselves, over a journal in memory and with no platform.

mod stuck;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{mpsc, watch},
};

use self::stuck::Stuck;
use super::{Said, Service, Setup, Shared, polls::Page, schedules::Firing};
use crate::{
    compile::{Compiled, compile},
    engine::{self, Engine},
    estate::Memory as Folder,
    event::{Fact, Instant, Watermark},
    journal::Journal,
    secret::Secret,
    sign, trigger,
    value::Value,
    wire::{self, Access, Secrets, Wire},
};

const ESTATE: &str = "estate: trial
environment: here
environments:
  here:
    connections:
      bigcommerce:
        connector: bigcommerce
        url: http://127.0.0.1:9/stores/s
        allow_private: true
        settings: { store_hash: s, code: main }
        secrets: { token: env:TOKEN, client_secret: env:SECRET }
";

const NIGHTLY: &str = r#"flow: nightly
connections: { store: bigcommerce }
trigger:
  from: [{ schedule: "0 2 * * *", zone: Europe/London, event: { day: "{{ row.at }}" } }]
  key: "{{ event.day }}"
  keep: latest
nodes:
  - transform: day
    value: "{{ event.day }}"
"#;

const HEARD: &str = r#"flow: heard
connections: { store: bigcommerce }
trigger:
  from: [{ webhook: store, scopes: [store/sku/created], event: { id: "{{ body.data.id }}" } }]
  key: "{{ event.id }}"
  keep: latest
nodes:
  - transform: id
    value: "{{ event.id }}"
"#;

const POLLED: &str = r#"flow: polled
connections: { store: bigcommerce }
trigger:
  from:
    - { poll: store.orders_modified, every: 1h, start: 2026-01-31T00:00:00Z, event: { id: "{{ row.id }}" } }
  key: "{{ event.id }}"
  keep: latest
nodes:
  - transform: id
    value: "{{ event.id }}"
"#;

struct Bench {
    compiled: Compiled,
    journal: Arc<Stuck>,
    engine: Engine,
    wire: Arc<Wire>,
}

impl Bench {
    fn new(flow: &str) -> Self {
        let folder = PathBuf::from("/estate");
        let files =
            Folder::default().with(folder.join("flowrun.yaml"), ESTATE).with(folder.join("flow.yaml"), flow);
        let compiled = compile(&files, &[folder], None);
        assert!(!compiled.has_errors(), "{:?}", compiled.problems);
        let mut wire = Wire::new();
        for connection in compiled.connections.values() {
            let secret = |name: &str| (Arc::from(name), Secret::new("word".to_owned()));
            let secrets: Secrets = ["token", "client_secret"].map(secret).into_iter().collect();
            wire.add(Arc::clone(connection), Access { secrets, root: None }).unwrap();
        }
        let (wire, journal) = (Arc::new(wire), Arc::new(Stuck::default()));
        let setup = engine::Setup::new(compiled.plans.clone(), wire.clone(), journal.clone());
        Self { engine: Engine::start(setup).unwrap(), compiled, journal, wire }
    }

    fn shared(&self) -> (Arc<Shared>, watch::Sender<bool>) {
        let (stop, stopping) = watch::channel(false);
        let shared = Shared {
            flows: self.compiled.plans.clone(),
            engine: self.engine.clone(),
            wire: Arc::clone(&self.wire),
            urgency: [].into(),
            says: mpsc::unbounded_channel().0,
            stop: stopping,
            wakes: Mutex::default(),
        };
        (Arc::new(shared), stop)
    }

    fn setup(&self) -> Setup {
        Setup {
            flows: self.compiled.plans.clone(),
            engine: self.engine.clone(),
            wire: Arc::clone(&self.wire),
            address: ([127, 0, 0, 1], 0).into(),
            public_url: None,
            secrets: [("bigcommerce".into(), trigger::Secrets::new([Secret::new("word".to_owned())]))].into(),
            urgency: [].into(),
        }
    }

    fn accepted(&self) -> Vec<Value> {
        let event =
            |fact: &Fact| if let Fact::Accepted(event) = fact { Some(event.body.clone()) } else { None };
        self.journal.facts().iter().filter_map(event).collect()
    }
}

#[tokio::test]
async fn a_firing_missed_while_nobody_ran_is_made_up_for_once() {
    let bench = Bench::new(NIGHTLY);
    let (shared, stop) = bench.shared();
    let plan = &bench.compiled.plans[0];
    let firing = || Firing::new(&shared, plan, 0).unwrap();
    let long_ago = i64::try_from((wire::now() - Duration::from_hours(72)).0).unwrap();
    let mark = Watermark {
        flow: plan.flow.clone(),
        source: firing().mark,
        cursor: Value::object([("fired", Value::from(long_ago))]),
        at: Instant(0),
    };
    bench.journal.append(vec![Fact::Watermark(mark)]).unwrap();
    let mut stories = bench.engine.stories();
    let running = tokio::spawn(firing().run());
    stories.recv().await.unwrap();
    stop.send_replace(true);
    running.await.unwrap();
    let fired = bench.accepted();
    assert_eq!(fired.len(), 1, "once, not once a missed day: {fired:?}");
    assert_eq!(firing().schedule.due(wire::now()), None, "it is remembered");
}

#[tokio::test]
async fn a_schedule_seen_for_the_first_time_makes_up_for_nothing() {
    let bench = Bench::new(NIGHTLY);
    let (shared, stop) = bench.shared();
    stop.send_replace(true);
    Firing::new(&shared, &bench.compiled.plans[0], 0).unwrap().run().await;
    assert_eq!(bench.accepted(), []);
    assert!(matches!(&bench.journal.facts()[..], [Fact::Watermark(_)]), "but when it was seen is remembered");
}

#[tokio::test]
async fn trouble_with_a_poll_is_told_once_and_its_beginning_is_remembered() {
    let bench = Bench::new(POLLED);
    let (service, mut said) = Service::start(bench.setup()).unwrap();
    let mut told = Vec::new();
    while !matches!(told.last(), Some(Said::Trouble { .. })) {
        told.push(said.recv().await.unwrap());
    }
    assert!(service.stop(Duration::ZERO).await);
    let words: Vec<String> = told.iter().map(Said::line).collect();
    assert_eq!(
        words,
        [
            "polls bigcommerce.orders_modified every 1 h for polled",
            "bigcommerce.orders_modified: the first poll for polled begins at 2026-01-31T00:00:00.000Z",
            "bigcommerce.orders_modified: no connection; tried again until it works",
        ]
    );
    let marks = bench.journal.facts();
    assert!(matches!(&marks[..], [Fact::Watermark(_)]), "{marks:?}");
}

#[tokio::test]
async fn one_row_that_is_no_event_becomes_one_letter_and_keeps_no_other_back() {
    let bench = Bench::new(POLLED);
    let (shared, _stop) = bench.shared();
    let plan = &bench.compiled.plans[0];
    let row = |id: Value| Value::object([("id", id)]);
    for round in 1..3 {
        let mut page = Page::default();
        for id in [Value::from(1), Value::from("x".repeat(2000)), Value::from(3)] {
            shared.read(plan, 0, &row(id), &mut page);
        }
        shared.read(plan, 0, &Value::object([("other", Value::from(round))]), &mut page);
        let source = trigger::name("s", "orders_modified", &Value::Null);
        let mark = Watermark { flow: plan.flow.clone(), source, cursor: Value::Null, at: Instant(1) };
        shared.accept("bigcommerce.orders_modified", page, mark).await.unwrap();
        bench.engine.idle().await;
    }
    let open = bench.journal.open().unwrap();
    let letters: Vec<_> = open.iter().filter_map(|run| run.parked()?.letters.first()).collect();
    let told: Vec<_> = letters.iter().map(|letter| (&*letter.node, &letter.message[..12])).collect();
    assert_eq!(open.len(), 3, "the long one once, each of the others once: {open:#?}");
    assert_eq!(told[0], ("trigger", "row xxxxxxxx"));
    assert!(letters[0].message.contains("found 2000 bytes, expected at most 1000"), "{}", letters[0].message);
    assert!(
        letters[1].message.contains("`id`") || letters[1].message.contains("id"),
        "{}",
        letters[1].message
    );
    assert_eq!(bench.accepted().iter().filter(|body| body.get("id") == Some(&Value::from(3))).count(), 2);
}

/// Posts a signed webhook over plain TCP; the status line's number.
async fn post(address: std::net::SocketAddr, id: u64) -> String {
    let body = format!(r#"{{"producer":"stores/s","scope":"store/sku/created","data":{{"id":{id}}}}}"#);
    let seconds = wire::now().0 / 1000;
    let signature = sign::base64(&sign::hmac_sha256(b"word", format!("m.{seconds}.{body}").as_bytes()));
    let head = format!(
        "POST /hooks/bigcommerce HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: {}\r\nwebhook-id: m\r\n\
         webhook-timestamp: {seconds}\r\nwebhook-signature: v1,{signature}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn without_a_disk_the_sender_is_told_to_come_again() {
    let bench = Bench::new(HEARD);
    let (service, mut said) = Service::start(bench.setup()).unwrap();
    let address = service.address().unwrap();
    assert_eq!(post(address, 1).await, "204");
    bench.journal.stop();
    assert_eq!(post(address, 2).await, "503", "the disk takes too long");
    bench.journal.durable().break_with("the disk is gone");
    assert_eq!(post(address, 3).await, "503", "the disk is gone");
    assert_eq!(post(address, 4).await, "503", "nothing is tried any more");
    let mut told = Vec::new();
    while !matches!(told.last(), Some(Said::Broken)) {
        told.push(said.recv().await.unwrap());
    }
    let refused = told.iter().filter(|said| matches!(said, Said::Refused { status: 503, .. })).count();
    assert_eq!(refused, 1, "told once, then now and then: {told:?}");
    assert!(!service.stop(Duration::ZERO).await);
}
