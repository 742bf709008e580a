//! Where files come from: a disk, a map in memory, or the copy inside the binary. In: paths. Out: bytes and listings.
//! It must never know what they mean.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// Longest file that is read, in bytes. A flow of that size is a mistake, not a flow.
pub const MAX_BYTES: u64 = 8 << 20;

/// Deepest folder below a start that is looked into.
const MAX_DEPTH: usize = 16;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// It is too long.
    #[error("`{0}` is longer than {size} MiB", size = MAX_BYTES >> 20)]
    TooLong(String),
    /// The system said no.
    #[error("`{name}` cannot be read: {why}")]
    System {
        /// The path.
        name: String,
        /// What the system said.
        why: String,
    },
}

impl Error {
    /// The same of the file as people call it.
    #[must_use]
    pub fn called(self, name: String) -> Self {
        match self {
            Self::Missing(_) => Self::Missing(name),
            Self::TooLong(_) => Self::TooLong(name),
            Self::System { why, .. } => Self::System { name, why },
        }
    }
}

/// A place to read files from.
pub trait Files: Send + Sync {
    /// The bytes of a file.
    fn read(&self, path: &Path) -> Result<Cow<'_, [u8]>, Error>;

    /// All files below a folder, in order of their paths; hidden folders and build folders are left out.
    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, Error>;

    /// Whether a file is there.
    fn is_file(&self, path: &Path) -> bool;

    /// Whether a folder is there.
    fn is_folder(&self, path: &Path) -> bool;

    /// The path in the form in which it is compared and climbed: no `.` or `..`, absolute where that means something.
    fn whole(&self, path: &Path) -> PathBuf;
}

/// The disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Cow<'_, [u8]>, Error> {
        let name = || path.display().to_string();
        let told = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::Missing(name()),
            _ => Error::System { name: name(), why: error.to_string() },
        };
        let about = fs::metadata(path).map_err(|error| told(&error))?;
        if about.len() > MAX_BYTES {
            return Err(Error::TooLong(name()));
        }
        fs::read(path).map(Cow::Owned).map_err(|error| told(&error))
    }

    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut found = Vec::new();
        let mut open = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = open.pop() {
            let told = |error: io::Error| Error::System {
                name: folder.display().to_string(),
                why: error.to_string(),
            };
            for entry in fs::read_dir(&folder).map_err(told)? {
                let path = entry.map_err(told)?.path();
                if path.is_file() {
                    found.push(path);
                } else if depth < MAX_DEPTH && !is_left_out(&path) && !path.is_symlink() {
                    open.push((path, depth + 1));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn whole(&self, path: &Path) -> PathBuf {
        // What is not there is looked for from here too: the estate around it is this one.
        let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        fs::canonicalize(path).unwrap_or_else(|_| plain(&absolute()))
    }
}

/// Files in memory, for tests and for whoever has texts but no disk.
#[derive(Clone, Debug, Default)]
pub struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    /// Adds or replaces a file.
    #[must_use]
    pub fn with(mut self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.insert(plain(path.as_ref()), bytes.into());
        self
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Cow<'_, [u8]>, Error> {
        let found = self.0.get(&plain(path)).map(|bytes| Cow::Borrowed(bytes.as_slice()));
        found.ok_or_else(|| Error::Missing(path.display().to_string()))
    }

    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let folder = plain(folder);
        Ok(self.0.keys().filter(|path| path.starts_with(&folder)).cloned().collect())
    }

    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(&plain(path))
    }

    fn is_folder(&self, path: &Path) -> bool {
        let folder = plain(path);
        self.0.keys().any(|path| *path != folder && path.starts_with(&folder))
    }

    fn whole(&self, path: &Path) -> PathBuf {
        plain(path)
    }
}

fn is_left_out(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "target" || name == "node_modules"
}

/// The path without `.`, and without `..` where something stands before it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_disk_list_alike() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a.yaml", "tables/t.csv", ".git/config.yaml"];
        let mut memory = Memory::default();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x: 1").unwrap();
            if !name.starts_with('.') {
                memory = memory.with(path, "x: 1");
            }
        }
        assert_eq!(Disk.list(folder.path()).unwrap(), memory.list(folder.path()).unwrap());
        let start = folder.path().join("tables/../a.yaml");
        assert_eq!(memory.read(&start).unwrap(), Disk.read(&start).unwrap());
        assert!(memory.is_folder(&folder.path().join("tables")) && !memory.is_folder(&start));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Disk.read(&folder.path().join("none")).unwrap_err().to_string().ends_with("does not exist"));
        let long = folder.path().join("long.yaml");
        fs::File::create(&long).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(Disk.read(&long).unwrap_err().to_string().ends_with("is longer than 8 MiB"));
    }
}
