//! The store on disk: `SQLite` in WAL mode, every group of facts one commit that is synced before it counts. In: a folder.
//! Out: a [`Journal`]. It must never know what the facts mean beyond which row they change.

mod apply;
mod ballast;
mod place;
mod read;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, ErrorCode};

pub use self::read::Reader;
use self::{place::Place, writer::Writer};
use super::{Asked, Brief, Durable, Error, Journal, Last, Lsn, OpenRun, Ordered, Query};
use crate::{
    event::{Effect, Entry, EventId, Fact, Instant, Past, RunId, Told, Watermark},
    value::Hash,
};

/// A journal in a folder; one engine at a time.
pub struct Sqlite {
    writer: Writer,
    reader: Mutex<Reader>,
    salt: [u8; 32],
    place: Place,
}

impl Sqlite {
    /// Opens the journal of a folder, making both if they are not there. The folder is 0700, its files 0600.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let place = Place::take(folder)?;
        let named = |error: Error| error.at(&place.name());
        let connection = place.connect()?;
        let (epoch, salt) = place::prepare(&connection, &place.name()).map_err(named)?;
        let reader = Mutex::new(Reader::new(place.connect()?));
        let writer = Writer::start(connection, place.connect()?, epoch, &place);
        Ok(Self { writer, reader, salt, place })
    }

    /// Keeps so many bytes of the disk, to be let go when it is full: what is under way can then still be written down.
    pub fn reserve(&self, bytes: u64) {
        self.writer.reserve(bytes);
    }

    fn read<T>(&self, ask: impl FnOnce(&Reader) -> Result<T, Error>) -> Result<T, Error> {
        let asked = ask(&self.reader.lock().unwrap_or_else(PoisonError::into_inner));
        asked.map_err(|error| error.at(&self.place.name()))
    }
}

impl Journal for Sqlite {
    fn append(&self, facts: Vec<Fact>) -> Result<Lsn, Error> {
        self.writer.append(facts)
    }

    fn durable(&self) -> &Durable {
        self.writer.durable()
    }

    fn open(&self) -> Result<Vec<OpenRun>, Error> {
        self.read(Reader::open_runs)
    }

    fn after(&self, after: EventId, most: usize) -> Result<Vec<Brief>, Error> {
        self.read(|reader| reader.after(after, most))
    }

    fn parked_in(&self, lane: &str) -> Result<Vec<Brief>, Error> {
        self.read(|reader| reader.parked_in(lane))
    }

    fn due(&self, by: Instant, most: usize) -> Result<Vec<Brief>, Error> {
        self.read(|reader| reader.due(by, most))
    }

    fn run(&self, run: RunId) -> Result<Option<OpenRun>, Error> {
        self.read(|reader| reader.open_run(run))
    }

    fn past(&self, query: &Query) -> Result<Vec<Past>, Error> {
        self.read(|reader| reader.past(query))
    }

    fn last(&self, flow: &str, key: &str) -> Result<Option<Last>, Error> {
        self.read(|reader| reader.last(flow, key))
    }

    fn known(&self, flow: &str, fact: &str) -> Result<Option<RunId>, Error> {
        self.read(|reader| reader.known(flow, fact))
    }

    fn effects(&self, flow: &str, key: &str) -> Result<Vec<Effect>, Error> {
        self.read(|reader| reader.effects(flow, key))
    }

    fn remembered(&self, most: usize) -> Result<Vec<(Arc<str>, Arc<str>)>, Error> {
        self.read(|reader| reader.remembered(most))
    }

    fn entry(&self, book: &str, key: Hash) -> Result<Option<Entry>, Error> {
        self.read(|reader| reader.entry(book, key))
    }

    fn holder(&self, book: &str, column: &str, value: Hash) -> Result<Option<Hash>, Error> {
        self.read(|reader| reader.holder(book, column, value))
    }

    fn watermark(&self, flow: &str, source: Hash) -> Result<Option<Watermark>, Error> {
        self.read(|reader| reader.watermark(flow, source))
    }

    fn order(&self, asked: &Asked) -> Result<u64, Error> {
        self.read(|reader| reader.order(asked))
    }

    fn orders(&self) -> Result<Vec<Ordered>, Error> {
        self.read(Reader::orders)
    }

    fn told(&self, id: u64) -> Result<Option<Told>, Error> {
        self.read(|reader| reader.told(id))
    }

    fn erased(&self) -> Result<Vec<Hash>, Error> {
        self.read(Reader::erased)
    }

    fn pin(&self, print: Hash, flow: &str, bundle: &[u8]) -> Result<(), Error> {
        self.read(|reader| reader.pin(print, flow, bundle))
    }

    fn pin_all(&self, plans: &[(Hash, Arc<str>, String)]) -> Result<(), Error> {
        self.read(|reader| reader.pin_all(plans))
    }

    fn pinned(&self, print: Hash) -> Result<Option<Vec<u8>>, Error> {
        self.read(|reader| reader.pinned(print))
    }

    fn salt(&self) -> [u8; 32] {
        self.salt
    }

    fn newest(&self) -> Result<EventId, Error> {
        self.read(Reader::newest)
    }

    fn trim(&self, before: EventId, most: usize) -> Result<usize, Error> {
        self.read(|reader| reader.trim(before, most))
    }

    fn expire(&self, now: Instant, most: usize) -> Result<usize, Error> {
        self.read(|reader| reader.expire(now, most))
    }
}

/// The store cannot be written: nothing is accepted and nothing is sent, for now if it is full, else for good.
fn written(error: impl std::error::Error + 'static) -> Error {
    let told = error.to_string();
    let cause: &dyn std::error::Error = &error;
    match cause.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code) {
        Some(ErrorCode::DiskFull) => Error::NoRoom(told.into()),
        _ => Error::Broken(told),
    }
}

impl Error {
    /// The same, with the journal's file.
    pub(super) fn at(self, file: &str) -> Self {
        match self {
            Self::NoRoom(told) if !told.contains(file) => Self::NoRoom(format!("{file}: {told}").into()),
            Self::Broken(told) if !told.contains(file) => Self::Broken(format!("{file}: {told}")),
            Self::Read(told) if !told.contains(file) => Self::Read(format!("{file}: {told}")),
            other => other,
        }
    }
}

/// The store cannot be read.
fn unread(error: impl std::fmt::Display) -> Error {
    Error::Read(error.to_string())
}

/// Runs ids are unsigned and time-ordered; `SQLite`'s integers are signed. 41 bits of milliseconds last until 2039.
fn id(run: RunId) -> i64 {
    i64::try_from(run.0).unwrap_or(i64::MAX)
}

fn run(id: i64) -> RunId {
    EventId(u64::try_from(id).unwrap_or(0))
}

/// The number of a name; made if it is new.
fn word(connection: &Connection, text: &str) -> rusqlite::Result<i64> {
    let known =
        connection.prepare_cached("SELECT id FROM word WHERE t = ?1")?.query_row([text], |row| row.get(0));
    match known {
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            connection.prepare_cached("INSERT INTO word (t) VALUES (?1)")?.execute([text])?;
            Ok(connection.last_insert_rowid())
        }
        known => known,
    }
}
