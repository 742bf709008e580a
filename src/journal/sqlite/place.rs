//! The folder of a journal: who may see it, who has it, which version it is.

use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, config::DbConfig};

use super::{unread, written};
use crate::journal::Error;

/// `FLWR` in ASCII: whose file it is.
const APPLICATION: i64 = 0x464c_5752;
const VERSION: i64 = 3;

/// A folder that this process has.
pub(super) struct Place {
    file: PathBuf,
    _lock: File,
}

impl Place {
    /// Takes the folder, or says who has it.
    pub(super) fn take(folder: &Path) -> Result<Self, Error> {
        let failed = |error: std::io::Error| unread(format!("{}: {error}", folder.display()));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = folder.join("lock");
        let mut options = OpenOptions::new();
        let mut lock = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(lock)
            .map_err(failed)?;
        match try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                drop(lock.read_to_string(&mut owner));
                return Err(Error::Locked {
                    path: format!("{} (process {})", folder.display(), owner.trim()),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        lock.set_len(0).and_then(|()| lock.rewind()).map_err(failed)?;
        writeln!(lock, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { file: file(folder), _lock: lock })
    }

    /// One more connection to the journal.
    pub(super) fn connect(&self) -> Result<Connection, Error> {
        connect(&self.file).map_err(|error| error.at(&self.name()))
    }

    /// The file that keeps a part of the disk.
    pub(super) fn ballast(&self) -> PathBuf {
        self.file.with_file_name("ballast")
    }

    /// The journal's file, for messages.
    pub(super) fn name(&self) -> String {
        self.file.display().to_string()
    }
}

/// Locks, or finds that another engine has it. Whoever only asks ([`is_taken`]) holds the lock for a moment: that is waited out.
fn try_lock(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..10 {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
            done => return done,
        }
    }
    lock.try_lock()
}

/// Whether an engine has the folder.
pub(super) fn is_taken(folder: &Path) -> bool {
    let Ok(lock) = File::open(folder.join("lock")) else { return false };
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// The file in a folder.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("journal.db")
}

/// Opens a connection. The file is made with the mode 0600, and `SQLite` gives its side files the same.
pub(super) fn connect(file: &Path) -> Result<Connection, Error> {
    if !file.exists() {
        let made = OpenOptions::new().create(true).append(true).mode(0o600).open(file);
        made.and_then(|_| fs::set_permissions(file, Permissions::from_mode(0o600)))
            .map_err(|error| unread(format!("{}: {error}", file.display())))?;
    }
    let connection = Connection::open(file).map_err(unread)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(unread)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Otherwise a statement is planned anew for every other value that is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(unread)?;
    connection
        .execute_batch(
            "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = FAST; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;",
        )
        .map_err(unread)?;
    Ok(connection)
}

/// Whether there are tables of ours; an error if they are another program's or a newer version's.
pub(super) fn is_ours(connection: &Connection, file: &Path) -> Result<bool, Error> {
    let number = |pragma: &str| {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0)).map_err(unread)
    };
    let found = number("user_version")?;
    if found > VERSION {
        return Err(Error::Newer { found, known: VERSION });
    }
    // Before the first release no journal is carried over.
    if (1..VERSION).contains(&found) {
        return Err(Error::Older { found, known: VERSION });
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(unread)?;
    if tables > 0 && number("application_id")? != APPLICATION {
        return Err(Error::Foreign { path: file.display().to_string() });
    }
    Ok(found > 0)
}

/// Makes or checks the tables and begins a new epoch: whoever still holds an older one is fenced off. Returns the epoch and
/// the key of hashes over what may be personal.
pub(super) fn prepare(connection: &Connection, place: &str) -> Result<(i64, [u8; 32]), Error> {
    let is_made = is_ours(connection, Path::new(place))?;
    let transaction = connection.unchecked_transaction().map_err(written)?;
    if !is_made {
        transaction.execute_batch(include_str!("schema.sql")).map_err(written)?;
        let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};");
        transaction.execute_batch(&marks).map_err(written)?;
    }
    transaction
        .execute_batch(
            "INSERT INTO meta VALUES ('epoch', 1) ON CONFLICT (k) DO UPDATE SET v = v + 1;
             INSERT OR IGNORE INTO meta VALUES ('salt', randomblob(32));",
        )
        .map_err(written)?;
    let meta = |key: &str| ("SELECT v FROM meta WHERE k = ?1", [key.to_owned()]);
    let (ask, key) = meta("epoch");
    let epoch = transaction.query_row(ask, key, |row| row.get(0)).map_err(written)?;
    let (ask, key) = meta("salt");
    let salt = transaction.query_row(ask, key, |row| row.get(0)).map_err(written)?;
    transaction.commit().map_err(written)?;
    Ok((epoch, salt))
}
