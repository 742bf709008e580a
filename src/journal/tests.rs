//! One suite for every store, and what only the store on disk can get wrong.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    task::{Context, Poll, Wake},
};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::event::{
    EffectId, Entry, Event, Froze, Instant, Intent, Kept, Noted, Origin, Parked, Priority, Proof, Why,
};

fn event(id: u64, key: &str, fact: Option<&str>) -> Event {
    Event {
        id: EventId(id),
        root: EventId(id),
        awaited_by: None,
        flow: "orders".into(),
        lane: format!("orders/{key}").into(),
        key: key.into(),
        fact: fact.map(Into::into),
        version: Some(Version(Value::from("2026-01-01"))),
        latest: fact.is_none(),
        origin: Origin::Source,
        priority: Priority::Live,
        at: Instant(1000 + id),
        body: Value::object([("order_id", Value::from(7))]),
    }
}

fn past(id: u64, key: &str, outcome: Outcome) -> Past {
    Past {
        run: EventId(id),
        flow: "orders".into(),
        root: EventId(id),
        lane: format!("orders/{key}").into(),
        key: key.into(),
        fact: (key == "b").then(|| "refund-2".into()),
        version: Some(Version(Value::from("2026-01-01"))),
        body: Value::object([("order_id", Value::from(7))]),
        plan: Hash::of(b"plan"),
        accepted: Instant(1000 + id),
        started: Instant(1001 + id),
        ended: Instant(1050 + id),
        outcome,
        reason: None,
        used: (outcome == Outcome::Ok).then(|| Hash::of(b"used")),
        give: None,
        nodes: Vec::new(),
        effects: Vec::new(),
        warnings: Vec::new(),
    }
}

fn froze(run: u64, n: u16) -> Froze {
    let slots = vec![(4, Kept::Value(Value::parse(br#"{"total":12.10}"#).unwrap()))];
    Froze { run: EventId(run), n, plan: Hash::of(b"plan"), started: Instant(1), at: Instant(2), slots }
}

fn intent(run: u64, at: u64) -> Intent {
    Intent {
        run: EventId(run),
        effect: EffectId { node: "create".into(), element: "".into() },
        hash: Hash::of(b"request"),
        key: None,
        members: Vec::new(),
        first: Instant(3),
        at: Instant(at),
    }
}

fn parked(run: u64) -> Parked {
    Parked {
        run: EventId(run),
        at: Instant(9),
        why: Why::Timer,
        due: Some(Instant(99)),
        frozen: true,
        doubt: false,
        letters: Vec::new(),
        tries: Vec::new(),
    }
}

#[track_caller]
fn append(journal: &dyn Journal, facts: Vec<Fact>) {
    let lsn = journal.append(facts).unwrap();
    journal.durable().wait(lsn).unwrap();
}

fn noted(key: &str, mail: &str, id: &str) -> Fact {
    let entry = Entry {
        value: Value::object([("id", Value::from(id))]),
        finds: vec![("mail".into(), Hash::of(mail.as_bytes()))],
        until: (key == "c").then_some(Instant(500)),
    };
    let key = Hash::of(key.as_bytes());
    Fact::Noted(Noted { run: EventId(6), book: "people".into(), key, entry: Some(entry), at: Instant(7) })
}

/// The story that every store is told.
fn story() -> Vec<Vec<Fact>> {
    let value = Value::object([("id", Value::from("7"))]);
    let landed = |run, value| Fact::Landed {
        run: EventId(run),
        effect: intent(1, 4).effect,
        by: Proof::Answer,
        value,
    };
    vec![
        vec![Fact::Accepted(event(1, "a", None)), Fact::Accepted(event(2, "b", Some("refund-2")))],
        vec![Fact::Froze(froze(1, 0)), Fact::Froze(froze(1, 1)), Fact::Intent(intent(1, 4))],
        vec![Fact::Parked(parked(2))],
        vec![
            landed(1, value.clone()),
            Fact::Reopened { run: EventId(2), at: Instant(100), by: "timer".into() },
        ],
        vec![Fact::Ended(past(1, "a", Outcome::Dropped)), Fact::Intent(intent(2, 5))],
        vec![Fact::Absent { run: EventId(2), effect: intent(2, 5).effect }],
        vec![Fact::Ended(past(2, "b", Outcome::Ok))],
        // A run that begins and ends in one batch, one that gave way, one that changed nothing, one with an effect.
        vec![Fact::Accepted(event(3, "a", None)), Fact::Ended(past(3, "a", Outcome::Ok))],
        vec![
            Fact::Accepted(event(4, "a", None)),
            Fact::Ended(past(4, "a", Outcome::Unchanged)),
            Fact::Accepted(event(5, "c", None)),
            Fact::Merged { old: EventId(5), into: EventId(6) },
            Fact::Accepted(event(6, "c", None)),
            Fact::Intent(intent(6, 9)),
        ],
        vec![
            Fact::Accepted(event(7, "d", None)),
            Fact::Intent(intent(7, 9)),
            landed(7, value),
            Fact::Ended(past(7, "d", Outcome::Superseded)),
        ],
        vec![Fact::Accepted(event(8, "e", None)), Fact::Ended(past(8, "e", Outcome::Ignored))],
        vec![noted("a", "mail-a", "7"), noted("b", "mail-b", "8")],
        // What is unique goes over, an entry is written again, one is taken out.
        vec![noted("a", "mail-c", "7"), noted("c", "mail-a", "9")],
        vec![Fact::Noted(Noted {
            run: EventId(6),
            book: "people".into(),
            key: Hash::of(b"b"),
            entry: None,
            at: Instant(8),
        })],
        vec![Fact::Watermark(Watermark {
            flow: "orders".into(),
            source: Hash::of(b"query"),
            cursor: Value::from("page 2"),
            at: Instant(5),
        })],
    ]
}

/// Everything a store can be asked about the story.
fn asked(journal: &dyn Journal) -> Vec<String> {
    let mut said = vec![
        format!("open {:#?}", journal.open().unwrap()),
        format!("newest {:?}", journal.newest().unwrap()),
        format!("after {:?}", journal.after(EventId(1), 2).unwrap()),
        format!("parked {:?}", journal.parked_in("orders/b").unwrap()),
        format!("due {:?} {:?}", journal.due(Instant(99), 9).unwrap(), journal.due(Instant(98), 9).unwrap()),
        format!("remembered {:?}", journal.remembered(9).unwrap()),
        format!("watermark {:?}", journal.watermark("orders", Hash::of(b"query")).unwrap()),
        format!("no watermark {:?}", journal.watermark("orders", Hash::of(b"another")).unwrap()),
    ];
    for key in ["a", "b", "c", "d", "e", "refund-2", "a' OR '1'='1"] {
        said.push(format!("{key} last {:?}", journal.last("orders", key).unwrap()));
        said.push(format!("{key} effects {:#?}", journal.effects("orders", key).unwrap()));
        said.push(format!("{key} known {:?}", journal.known("orders", key).unwrap()));
        let query = Query { key: Some(key.into()), ..Query::default() };
        said.push(format!("{key} past {:?}", journal.past(&query).unwrap()));
    }
    for name in ["a", "b", "c", "mail-a", "mail-b", "mail-c"] {
        let hash = Hash::of(name.as_bytes());
        said.push(format!("{name} entry {:?}", journal.entry("people", hash).unwrap()));
        said.push(format!("{name} holder {:?}", journal.holder("people", "mail", hash).unwrap()));
        said.push(format!("{name} elsewhere {:?}", journal.entry("firms", hash).unwrap()));
    }
    for run in 1..9 {
        said.push(format!("run {run} {:#?}", journal.run(EventId(run)).unwrap()));
    }
    for query in [
        Query::default(),
        Query { outcome: Some(Outcome::Ok), limit: 1, ..Query::default() },
        Query { before: Some(EventId(4)), ..Query::default() },
        Query { run: Some(EventId(3)), ..Query::default() },
        Query { flow: Some("refunds".into()), ..Query::default() },
    ] {
        said.push(format!("{query:?} {:?}", journal.past(&query).unwrap()));
    }
    said
}

fn orders_and_bundles(journal: &dyn Journal) {
    let plan = Hash::of(b"plan");
    journal.pin(plan, "orders", b"sources").unwrap();
    journal.pin(plan, "orders", b"sources").unwrap();
    assert_eq!(journal.pinned(plan).unwrap().as_deref(), Some(&b"sources"[..]));
    assert_eq!(journal.pinned(Hash::of(b"another")).unwrap(), None);
    let order = Order::Drop { run: EventId(5) };
    let asked = Asked { at: Instant(7), who: "ops".into(), why: Some("twice".into()), order };
    let id = journal.order(&asked).unwrap();
    assert_eq!(journal.orders().unwrap(), [Ordered { id, asked }]);
    assert_eq!(journal.told(id).unwrap(), None);
    let told = Told { text: "dropped".into(), refused: false, run: None };
    append(journal, vec![Fact::Ordered { order: id, told: told.clone() }]);
    assert_eq!((journal.orders().unwrap(), journal.told(id).unwrap()), (vec![], Some(told)));
    assert_eq!(journal.erased().unwrap(), []);
    let who = Hash::of(b"subject");
    append(journal, vec![Fact::Erased { who, at: Instant(8) }, Fact::Erased { who, at: Instant(9) }]);
    assert_eq!(journal.erased().unwrap(), [who], "once is for ever");
}

#[test]
fn every_store_gives_the_answers_of_the_shelf_also_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let memory = Memory::default();
    let mut disk = Sqlite::open(folder.path()).unwrap();
    for facts in story() {
        append(&memory, facts.clone());
        append(&disk, facts);
        assert_eq!(asked(&disk), asked(&memory));
        let salt = disk.salt();
        drop(disk);
        disk = Sqlite::open(folder.path()).unwrap();
        assert_eq!(asked(&disk), asked(&memory), "after a restart");
        assert_eq!(disk.salt(), salt);
    }
    let open: Vec<_> = disk.open().unwrap().iter().map(|run| run.event.id.0).collect();
    assert_eq!(open, [6], "what is over is not open");
    assert_eq!(
        disk.last("orders", "a").unwrap().unwrap().used,
        Some(Hash::of(b"used")),
        "unchanged keeps what was used"
    );
    orders_and_bundles(&memory);
    orders_and_bundles(&disk);
    assert_eq!((disk.expire(Instant(499), 9).unwrap(), disk.expire(Instant(500), 9).unwrap()), (0, 1));
    let gone = Hash::of(b"mail-a");
    assert_eq!(disk.entry("people", Hash::of(b"c")).unwrap(), None, "it does not count any more");
    assert_eq!(disk.holder("people", "mail", gone).unwrap(), None, "and nothing is found by it");
    assert_eq!(disk.trim(EventId(3), 10).unwrap(), 2);
    assert_eq!(disk.past(&Query::default()).unwrap().len(), 4);
}

#[test]
fn only_one_engine_has_a_journal() {
    let folder = TempDir::new().unwrap();
    let first = Sqlite::open(folder.path()).unwrap();
    let error = Sqlite::open(folder.path()).map(drop).unwrap_err().to_string();
    assert!(
        error.contains(&format!("process {}", std::process::id())) && error.contains("--data"),
        "{error}"
    );
    assert!(Reader::visit(folder.path()).unwrap().is_some(), "a reader may look beside it");
    drop(first);
    Sqlite::open(folder.path()).unwrap();
}

#[test]
fn an_engine_that_lost_its_journal_stops_writing() {
    let folder = TempDir::new().unwrap();
    let journal = Sqlite::open(folder.path()).unwrap();
    append(&journal, vec![Fact::Accepted(event(1, "a", None))]);
    let other = Connection::open(folder.path().join("journal.db")).unwrap();
    other.execute("UPDATE meta SET v = v + 1 WHERE k = 'epoch'", []).unwrap();
    let lsn = journal.append(vec![Fact::Accepted(event(2, "b", None))]).unwrap();
    let broken = journal.durable().wait(lsn).unwrap_err().to_string();
    assert!(broken.contains("took the journal over"), "{broken}");
    assert!(matches!(journal.append(Vec::new()), Err(Error::Broken(_))), "and it stays stopped");
}

#[test]
fn a_journal_of_another_version_is_left_alone() {
    for (version, told) in
        [(9, "journal of version 9, expected at most 3"), (1, "journal of version 1, expected 3")]
    {
        let folder = TempDir::new().unwrap();
        drop(Sqlite::open(folder.path()).unwrap());
        let file = Connection::open(folder.path().join("journal.db")).unwrap();
        file.execute_batch(&format!("PRAGMA user_version = {version}")).unwrap();
        drop(file);
        for opened in [Sqlite::open(folder.path()).map(drop), Reader::visit(folder.path()).map(drop)] {
            let error = opened.unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = Connection::open(folder.path().join("journal.db")).unwrap();
    file.execute_batch("CREATE TABLE recipes (id INTEGER)").unwrap();
    drop(file);
    let error = Sqlite::open(folder.path()).map(drop).unwrap_err().to_string();
    assert!(error.contains("another program"), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("journal.db");
    fs::write(
        &file,
        "not a database, but long enough to look like the head of one, if nobody looks at it closely",
    )
    .unwrap();
    for opened in [Sqlite::open(folder.path()).map(drop), Reader::visit(folder.path()).map(drop)] {
        let error = opened.unwrap_err().to_string();
        assert!(error.contains(&file.display().to_string()) && error.contains("not a database"), "{error}");
    }
}

#[test]
fn a_full_disk_is_waited_for_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let journal = Sqlite::open(folder.path()).unwrap();
    append(&journal, vec![Fact::Accepted(event(1, "a", None))]);
    // A limit of pages is how SQLite meets a full disk in a test: the same error code, the same path.
    let side = Connection::open(folder.path().join("journal.db")).unwrap();
    side.execute("INSERT INTO meta VALUES ('pages', 1)", []).unwrap();
    let large = |id| {
        let mut large = event(id, "b", None);
        large.body = Value::from("x".repeat(1 << 20));
        vec![Fact::Accepted(large)]
    };
    let lsn = journal.append(large(2)).unwrap();
    let file = folder.path().join("journal.db").display().to_string();
    let told = block(|context| journal.durable().poll_short(context));
    assert!(told.contains("full") && told.contains(&file), "{told}");
    assert!(journal.durable().mark() < lsn, "it is not durable");
    side.execute("UPDATE meta SET v = 0 WHERE k = 'pages'", []).unwrap();
    journal.durable().wait(lsn).unwrap();
    block(|context| journal.durable().poll_room(context)).unwrap();
    assert_eq!(journal.open().unwrap().len(), 2);
    // A journal that is closed while it waits keeps what was durable, and no more.
    side.execute("UPDATE meta SET v = 1 WHERE k = 'pages'", []).unwrap();
    journal.append(large(3)).unwrap();
    block(|context| journal.durable().poll_short(context));
    drop(journal);
    let open = Sqlite::open(folder.path()).unwrap().open().unwrap();
    assert_eq!(open.len(), 2, "what was acknowledged is there, what was not is not");
}

/// Waits for a future on this thread.
fn block<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    loop {
        match poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn others_cannot_read_it() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("deep/er");
    let journal = Sqlite::open(&place).unwrap();
    append(&journal, vec![Fact::Accepted(event(1, "a", None))]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    for entry in fs::read_dir(&place).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

/// Cuts the log at every frame boundary and within every frame: every batch that is still whole is there, in order, and
/// nothing of any other.
#[test]
fn a_log_cut_anywhere_keeps_whole_batches() {
    const PAGE: usize = 8192;
    let folder = TempDir::new().unwrap();
    let journal = Sqlite::open(folder.path()).unwrap();
    let mut sizes = Vec::new();
    for id in 1..=6 {
        append(&journal, vec![Fact::Accepted(event(id, "a", None)), Fact::Froze(froze(id, 0))]);
        sizes.push(fs::metadata(folder.path().join("journal.db-wal")).unwrap().len());
    }
    let files = ["journal.db", "journal.db-wal"].map(|name| fs::read(folder.path().join(name)).unwrap());
    let log = files[1].len();
    for frame in (0..=(log - 32) / (PAGE + 24)).map(|frame| 32 + frame * (PAGE + 24)) {
        for cut in [frame, (frame + PAGE / 2).min(log)] {
            let copy = TempDir::new().unwrap();
            fs::write(copy.path().join("journal.db"), &files[0]).unwrap();
            fs::write(copy.path().join("journal.db-wal"), &files[1][..cut]).unwrap();
            let Some(reader) = Reader::visit(copy.path()).unwrap() else {
                assert!(cut < usize::try_from(sizes[0]).unwrap());
                continue;
            };
            let open = reader.open_runs().unwrap();
            let whole = sizes.iter().filter(|size| **size <= cut as u64).count();
            assert_eq!(open.len(), whole, "cut at {cut} of {log}");
            assert!(open.iter().all(|run| run.frozen_by().is_some()), "a batch is whole or not there");
        }
    }
}
