//! One suite for every store, and what only the store on disk can get wrong.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::event::{
    Effect, EffectId, EffectState, Event, Froze, Instant, Intent, Kept, Origin, Parked, Priority, Proof, Why,
};

fn event(id: u64, key: &str, fact: Option<&str>) -> Event {
    Event {
        id: EventId(id),
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
        lane: format!("orders/{key}").into(),
        key: key.into(),
        version: Some(Version(Value::from("2026-01-01"))),
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
    let lsn = journal.append(facts);
    assert!(matches!(journal.mark().wait(lsn), Standing::Durable));
}

/// What every store does.
fn conforms(journal: &dyn Journal) {
    append(
        journal,
        vec![Fact::Accepted(event(1, "a", None)), Fact::Accepted(event(2, "b", Some("refund-2")))],
    );
    append(journal, vec![Fact::Froze(froze(1, 0)), Fact::Froze(froze(1, 1)), Fact::Intent(intent(1, 4))]);
    append(journal, vec![Fact::Parked(parked(2))]);
    let open = journal.open().unwrap();
    assert_eq!(open.iter().map(|run| run.event.id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(open[0].froze, [froze(1, 0), froze(1, 1)]);
    assert_eq!(open[0].effects.iter().map(|effect| &effect.state).collect::<Vec<_>>(), [&EffectState::Doubt]);
    assert_eq!(open[1].parked, Some(parked(2)));

    let value = Value::object([("id", Value::from("7"))]);
    let effect = intent(1, 4).effect;
    append(
        journal,
        vec![
            Fact::Landed { run: EventId(1), effect: effect.clone(), by: Proof::Answer, value: value.clone() },
            Fact::Reopened { run: EventId(2), at: Instant(100), by: "timer".into() },
        ],
    );
    let open = journal.open().unwrap();
    assert_eq!(
        open[0].effects[0],
        Effect {
            run: EventId(1),
            id: effect,
            hash: Hash::of(b"request"),
            key: None,
            first: Instant(3),
            at: Instant(4),
            state: EffectState::Landed(value),
        }
    );
    assert_eq!(open[1].parked, None);

    append(journal, vec![Fact::Ended(past(1, "a", Outcome::Ok)), Fact::Ended(past(2, "b", Outcome::Ok))]);
    assert_eq!(journal.open().unwrap(), []);
    assert_eq!(journal.fact("orders", "refund-2").unwrap(), Some(EventId(2)));
    assert_eq!(journal.fact("orders", "refund-3").unwrap(), None);

    // A run that begins and ends in one batch, one that gave way, and one that changed nothing.
    append(
        journal,
        vec![
            Fact::Accepted(event(3, "a", Some("refund-3"))),
            Fact::Ended(past(3, "a", Outcome::Unchanged)),
            Fact::Accepted(event(4, "c", None)),
            Fact::Merged { old: EventId(4), into: EventId(5) },
            Fact::Accepted(event(5, "c", None)),
        ],
    );
    assert_eq!(journal.fact("orders", "refund-3").unwrap(), Some(EventId(3)));
    assert_eq!(journal.open().unwrap().len(), 1);
    assert_eq!(
        journal.last("orders", "a").unwrap().unwrap().run,
        EventId(1),
        "unchanged is not the last good one"
    );
    assert_eq!(journal.last("orders", "c").unwrap(), None);
    assert_eq!(journal.last_id().unwrap(), EventId(5));
    asks(journal);
}

fn asks(journal: &dyn Journal) {
    let ids = |query: Query| journal.past(&query).unwrap().iter().map(|past| past.run.0).collect::<Vec<_>>();
    assert_eq!(ids(Query::default()), [3, 2, 1]);
    assert_eq!(ids(Query { key: Some("a".into()), ..Query::default() }), [3, 1]);
    assert_eq!(ids(Query { key: Some("a' OR '1'='1".into()), ..Query::default() }), Vec::<u64>::new());
    assert_eq!(ids(Query { outcome: Some(Outcome::Ok), limit: 1, ..Query::default() }), [2]);
    assert_eq!(ids(Query { flow: Some("refunds".into()), ..Query::default() }), Vec::<u64>::new());

    let source = Hash::of(b"query");
    let mark = Watermark { flow: "orders".into(), source, cursor: Value::from("page 2"), at: Instant(5) };
    append(journal, vec![Fact::Watermark(mark.clone())]);
    assert_eq!(journal.watermark("orders", &source).unwrap(), Some(mark));
    assert_eq!(journal.watermark("orders", &Hash::of(b"another query")).unwrap(), None);

    let plan = Hash::of(b"plan");
    journal.pin(&plan, "orders", b"sources").unwrap();
    journal.pin(&plan, "orders", b"sources").unwrap();
    assert_eq!(journal.bundle(&plan).unwrap().as_deref(), Some(&b"sources"[..]));

    let order = Order::Drop { run: EventId(5), reason: "a test order".into() };
    let number = journal.order("ops", &order).unwrap();
    assert_eq!(journal.orders().unwrap(), [(number, order)]);
    journal.done(number, "dropped").unwrap();
    assert_eq!(journal.orders().unwrap(), []);
}

#[test]
fn the_store_in_memory_conforms() {
    conforms(&Memory::new());
}

#[test]
fn the_store_on_disk_conforms_and_comes_back() {
    let folder = TempDir::new().unwrap();
    let journal = Sqlite::open(folder.path()).unwrap();
    conforms(&journal);
    let before = (journal.open().unwrap(), journal.past(&Query::default()).unwrap());
    drop(journal);
    let journal = Sqlite::open(folder.path()).unwrap();
    assert_eq!((journal.open().unwrap(), journal.past(&Query::default()).unwrap()), before);
    assert_eq!(journal.trim(EventId(3), 10).unwrap(), 2);
    assert_eq!(journal.past(&Query::default()).unwrap().len(), 1);
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
    let lsn = journal.append(vec![Fact::Accepted(event(2, "b", None))]);
    assert!(matches!(journal.mark().wait(lsn), Standing::Broken(Error::Fenced)));
    let lsn = journal.append(vec![Fact::Accepted(event(3, "c", None))]);
    assert!(matches!(journal.mark().wait(lsn), Standing::Broken(Error::Fenced)), "and it stays stopped");
}

#[test]
fn a_journal_of_a_newer_version_is_left_alone() {
    let folder = TempDir::new().unwrap();
    drop(Sqlite::open(folder.path()).unwrap());
    let file = Connection::open(folder.path().join("journal.db")).unwrap();
    file.execute_batch("PRAGMA user_version = 9").unwrap();
    drop(file);
    let error = Sqlite::open(folder.path()).map(drop).unwrap_err().to_string();
    assert!(error.contains("newer flowrun (its version is 9, this program knows 1)"), "{error}");
}

#[test]
fn a_full_disk_breaks_the_mark_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let journal = Sqlite::open(folder.path()).unwrap();
    append(&journal, vec![Fact::Accepted(event(1, "a", None))]);
    // A limit of pages is how SQLite meets a full disk in a test: the same error code, the same path.
    let side = Connection::open(folder.path().join("journal.db")).unwrap();
    let pages: i64 = side.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    journal.writer_limit(pages);
    let mut large = event(2, "b", None);
    large.body = Value::from("x".repeat(1 << 20));
    let lsn = journal.append(vec![Fact::Accepted(large)]);
    let Standing::Broken(error) = journal.mark().wait(lsn) else { panic!("a full disk must be seen") };
    assert!(error.to_string().contains("full"), "{error}");
    drop(journal);
    let open = Sqlite::open(folder.path()).unwrap().open().unwrap();
    assert_eq!(open.len(), 1, "what was acknowledged is there, what was not is not");
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
            assert!(open.iter().all(|run| run.froze.len() == 1), "a batch is whole or not there");
        }
    }
}
