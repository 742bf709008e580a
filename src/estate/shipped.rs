//! What comes with flowrun: its estate and its records, inside the binary. In: nothing. Out: files below `/flows` and
//! `/schemas/records`. It must never know what they mean.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};

use super::files::{Error, Files};

static FLOWS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/flows");
static RECORDS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/schemas/records");

/// Where each folder stands.
static FOLDERS: [(&str, &Dir<'_>); 2] = [("/flows", &FLOWS), ("/schemas/records", &RECORDS)];

/// The files inside the binary.
#[derive(Clone, Copy, Debug)]
pub struct Shipped;

/// The files inside the binary.
pub static SHIPPED: Shipped = Shipped;

/// What an estate may use beside its own files: connectors and records. Where there is no estate, or it changes a shipped flow:
/// the `whole` of what flows stand on, fragments, tables and the shipped estate's own file too.
pub(super) fn is_shared(path: &Path, whole: bool) -> bool {
    let system = ["/flows/connectors", "/schemas/records"];
    let more = ["/flows/fragments", "/flows/tables", "/flows/flowrun.yaml"];
    system.iter().any(|folder| path.starts_with(folder))
        || whole && more.iter().any(|folder| path.starts_with(folder))
}

impl Files for Shipped {
    fn read(&self, path: &Path) -> Result<Cow<'_, [u8]>, Error> {
        let found = FOLDERS.iter().find_map(|(folder, dir)| dir.get_file(path.strip_prefix(folder).ok()?));
        found
            .map(|file| Cow::Borrowed(file.contents()))
            .ok_or_else(|| Error::Missing(path.display().to_string()))
    }

    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut found = Vec::new();
        for (root, dir) in FOLDERS {
            below(dir, Path::new(root), &mut found);
        }
        found.retain(|path| path.starts_with(folder));
        found.sort();
        Ok(found)
    }

    fn is_file(&self, path: &Path) -> bool {
        self.read(path).is_ok()
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.list(path).is_ok_and(|found| !found.is_empty()) && !self.is_file(path)
    }

    fn whole(&self, path: &Path) -> PathBuf {
        Path::new("/").join(path)
    }
}

fn below(dir: &Dir<'_>, root: &Path, found: &mut Vec<PathBuf>) {
    found.extend(dir.files().map(|file| root.join(file.path())));
    dir.dirs().for_each(|dir| below(dir, root, found));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_estate_is_there() {
        let all = SHIPPED.list(Path::new("/")).unwrap();
        assert!(all.contains(&PathBuf::from("/flows/flowrun.yaml")));
        assert!(SHIPPED.is_file(Path::new("/schemas/records/bigcommerce/order.json")));
        assert!(SHIPPED.is_folder(Path::new("/flows/connectors")) && !SHIPPED.is_folder(Path::new("/none")));
        assert!(all.iter().all(|path| SHIPPED.read(path).is_ok()));
    }
}
