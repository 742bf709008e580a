//! Estates: folders with a `flowrun.yaml`. In: paths, and a place to read files from. Out: the trees of all files that belong
//! together, each with its number in [`Sources`]. Only this room opens files of an estate. It must never know a connector's
//! meaning, nor a secret.
//!
//! What lies where: `flowrun.yaml` at the root; flows, fragments, connectors and cases are YAML files anywhere below it,
//! told apart by their first key; `tables/x.csv` are tables, `tables/<environment>/x.csv` replace them there;
//! `records/<system>/<record>.json` are records over those that come with flowrun.

mod files;
mod overlay;
mod print;
mod shipped;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::{
    files::{Disk, Error, Files, MAX_BYTES, Memory},
    shipped::{SHIPPED, Shipped},
};
use crate::{
    problem::{Problem, Problems, codes},
    record,
    source::{Name, Source, Sources, Span},
    syntax::{self, FileKind, ast, case::Cases, connector, estate as tree},
    value::Hash,
    yaml,
};

/// The file that makes a folder an estate.
pub const FILE: &str = "flowrun.yaml";

/// A part of an estate, and the file it came from.
#[derive(Clone, Debug)]
pub struct Part<T> {
    /// What the file says.
    pub tree: T,
    /// Its number in the sources.
    pub file: u32,
    /// Its path.
    pub path: PathBuf,
    /// Hash over what it says; comments and layout do not count.
    pub print: Hash,
}

/// A table's text.
#[derive(Clone, Debug)]
pub struct TableFile {
    /// Its name.
    pub name: Arc<str>,
    /// Its file, and those that replace it by environment.
    pub file: u32,
    /// What replaces it in the chosen environment.
    pub overlay: Option<u32>,
}

/// All files that belong together.
#[derive(Debug, Default)]
pub struct Estate {
    /// The folder of `flowrun.yaml`; none: there is no estate around what was asked for.
    pub root: Option<PathBuf>,
    /// What `flowrun.yaml` says.
    pub tree: Option<Part<tree::Estate>>,
    /// The chosen environment.
    pub environment: Option<Arc<str>>,
    /// Flows, by file.
    pub flows: Vec<Part<ast::Flow>>,
    /// Overlays, by file. The flows above hold each flow as it is changed, under the file of its overlay.
    pub overlays: Vec<Part<ast::Overlay>>,
    /// The file of the flow below each overlay, by the overlay's.
    pub under: BTreeMap<u32, u32>,
    /// Fragments, by file.
    pub fragments: Vec<Part<ast::Fragment>>,
    /// Connectors, by file; those that come with flowrun where the estate has none of the name.
    pub connectors: Vec<Part<connector::Connector>>,
    /// Cases, by file.
    pub cases: Vec<Part<Cases>>,
    /// Tables, by name.
    pub tables: Vec<TableFile>,
    /// Record files: the estate's, then those that come with flowrun.
    pub records: Vec<u32>,
    /// Records whose files could not be read at all.
    pub unread: Vec<Arc<str>>,
    /// Files that were asked for by path.
    pub asked: BTreeSet<u32>,
    /// Names (of their files) of parts that could not be read at all: to mention one is no second problem.
    pub broken: BTreeSet<Arc<str>>,
}

impl Estate {
    /// Whether there is a `flowrun.yaml` around or among what was asked for.
    pub fn is_one(&self) -> bool {
        let own = |part: &Part<tree::Estate>| self.asked.contains(&part.file);
        self.root.is_some() || self.tree.as_ref().is_some_and(own)
    }

    /// The connections of the chosen environment.
    pub fn connections(&self) -> &[(Name, tree::Connection)] {
        let environments = self.tree.iter().flat_map(|part| &part.tree.environments);
        let mut chosen = environments.filter(|(name, _)| Some(&name.value) == self.environment.as_ref());
        chosen.next().map_or(&[], |(_, environment)| &environment.connections)
    }
}

/// The folder of the estate around a path: the nearest one upwards that has a `flowrun.yaml`; of a folder first its own
/// `flows/`, so that commands given at the top of a repository find the estate in it.
pub fn root(files: &dyn Files, path: &Path) -> Option<PathBuf> {
    let path = files.whole(path);
    let start = if files.is_file(&path) { path.parent()?.to_owned() } else { path.clone() };
    let below = start.join("flows");
    if start == path && !files.is_file(&start.join(FILE)) && files.is_file(&below.join(FILE)) {
        return Some(below);
    }
    start.ancestors().find(|folder| files.is_file(&folder.join(FILE))).map(Path::to_owned)
}

/// Reads the estate around the given paths. Without paths: around the present folder. Without an estate: what was asked for,
/// with what comes with flowrun; without paths either, the shipped estate itself.
pub fn load(
    files: &dyn Files,
    paths: &[PathBuf],
    environment: Option<&str>,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Estate {
    let here = PathBuf::from(".");
    let first = paths.first().unwrap_or(&here);
    let mut reader =
        Reader { files, base: files.whole(&here), prefix: "", sources, problems, estate: Estate::default() };
    reader.estate.root = root(files, first);
    let mut listed = match &reader.estate.root {
        Some(root) => reader.list(&root.clone()),
        None => BTreeSet::new(),
    };
    let asked: BTreeSet<PathBuf> = paths.iter().flat_map(|path| reader.asked(path)).collect();
    listed.extend(asked.iter().cloned());
    if reader.estate.root.is_none() && paths.is_empty() {
        return reader.at_shipped().shipped_alone(environment);
    }
    for path in &listed {
        reader.file(path, paths.is_empty() || asked.contains(path));
    }
    reader.choose(environment);
    reader.overlay_tables(&listed);
    reader.shipped(environment)
}

struct Reader<'a> {
    files: &'a dyn Files,
    /// What names of files are told relative to.
    base: PathBuf,
    /// What stands before names of files.
    prefix: &'static str,
    sources: &'a mut Sources,
    problems: &'a mut Problems,
    estate: Estate,
}

impl Reader<'_> {
    /// The same, reading what comes with flowrun.
    fn at_shipped(self) -> Self {
        Self { files: &SHIPPED, base: PathBuf::from("/"), prefix: "<embedded>/", ..self }
    }

    fn list(&mut self, folder: &Path) -> BTreeSet<PathBuf> {
        match self.files.list(folder) {
            Ok(found) => found.into_iter().filter(|path| is_ours(path)).collect(),
            Err(error) => {
                self.unreadable(folder, error);
                BTreeSet::new()
            }
        }
    }

    /// The files that a path stands for.
    fn asked(&mut self, path: &Path) -> BTreeSet<PathBuf> {
        let whole = self.files.whole(path);
        if !self.files.is_folder(&whole) {
            return BTreeSet::from([whole]);
        }
        // A folder above the estate stands for the estate.
        let root = self.estate.root.clone().filter(|root| root.starts_with(&whole));
        self.list(&root.unwrap_or(whole))
    }

    fn name(&self, path: &Path) -> String {
        format!("{}{}", self.prefix, path.strip_prefix(&self.base).unwrap_or(path).display())
    }

    fn unreadable(&mut self, path: &Path, error: Error) {
        let name = self.name(path);
        let error = error.called(name.clone());
        let file = self.sources.add(name, "");
        self.problems.add(Problem::error(
            codes::UNREADABLE,
            Span { file, start: 0, end: 0 },
            error.to_string(),
        ));
    }

    /// A file's number, once it is read.
    fn text(&mut self, path: &Path) -> Option<u32> {
        match self.files.read(path) {
            Ok(bytes) => yaml::decode(self.sources, &self.name(path), &bytes, self.problems),
            Err(error) => {
                self.unreadable(path, error);
                None
            }
        }
    }

    fn file(&mut self, path: &Path, asked: bool) {
        match ending(path) {
            "csv" if overlay_of(path).is_none() => self.table(path, asked),
            "csv" => {}
            "json" => match self.text(path) {
                Some(file) => self.estate.records.push(file),
                None => self.estate.unread.extend(record::name_of(&path.to_string_lossy())),
            },
            _ => self.tree(path, asked),
        }
    }

    fn table(&mut self, path: &Path, asked: bool) {
        let Some(file) = self.text(path) else {
            self.estate.broken.insert(stem(path));
            return;
        };
        if asked {
            self.estate.asked.insert(file);
        }
        self.estate.tables.push(TableFile { name: stem(path), file, overlay: None });
    }

    fn tree(&mut self, path: &Path, asked: bool) {
        let Some(file) = self.text(path) else {
            self.estate.broken.insert(stem(path));
            return;
        };
        if asked {
            self.estate.asked.insert(file);
        }
        let node = yaml::read(self.sources, file, self.problems);
        let kind = node.as_ref().and_then(|node| syntax::kind(node, self.problems));
        let read = node.zip(kind).is_some_and(|(node, kind)| self.part(&node, kind, file, path));
        if !read {
            let text = self.sources.get(file).map(|source| Arc::clone(&source.text)).unwrap_or_default();
            self.estate.broken.extend([stem(path)].into_iter().chain(name_in(&text)));
        }
    }

    /// Reads a tree as what it says it is. False: there is nothing of it to go on with.
    fn part(&mut self, node: &yaml::Node, kind: FileKind, file: u32, path: &Path) -> bool {
        let at = (file, path.to_owned(), print::of(node));
        let (estate, problems) = (&mut self.estate, &mut *self.problems);
        match kind {
            FileKind::Flow => add(&mut estate.flows, syntax::flow(node, problems), at),
            FileKind::Overlay => add(&mut estate.overlays, syntax::overlay(node, problems), at),
            FileKind::Fragment => add(&mut estate.fragments, syntax::fragment(node, problems), at),
            FileKind::Connector => add(&mut estate.connectors, syntax::connector(node, problems), at),
            FileKind::Cases => add(&mut estate.cases, syntax::cases(node, problems), at),
            FileKind::Estate => {
                let mut found = Vec::new();
                let read = add(&mut found, syntax::estate(node, problems), at);
                estate.tree = found.pop();
                read
            }
        }
    }

    /// Chooses the environment: the named one, the estate's own choice, or the only one.
    fn choose(&mut self, wanted: Option<&str>) {
        let Some(part) = &self.estate.tree else { return };
        let known: Vec<&Name> = part.tree.environments.iter().map(|(name, _)| name).collect();
        let own = part.tree.environment.as_ref();
        let name = wanted.or(own.map(|name| &*name.value)).or(known.first().map(|name| &*name.value));
        let found = known.iter().find(|known| Some(&*known.value) == name);
        if let (None, Some(name)) = (found, name) {
            let span = match own {
                Some(own) if wanted.is_none() => own.span,
                _ => part.tree.name.span,
            };
            let problem =
                Problem::error(codes::UNKNOWN_ENVIRONMENT, span, format!("there is no environment `{name}`"));
            let near = crate::shape::near(name, known.iter().map(|known| &*known.value));
            self.problems.add(match near {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            });
        }
        // With an environment that is not there, flows are still checked against one that is.
        self.estate.environment = found.or(known.first()).map(|name| Arc::clone(&name.value));
    }

    /// Tables of the chosen environment.
    fn overlay_tables(&mut self, listed: &BTreeSet<PathBuf>) {
        for path in listed.iter().filter(|path| ending(path) == "csv") {
            let Some(environment) = overlay_of(path) else { continue };
            if Some(&*environment) != self.estate.environment.as_deref() {
                continue;
            }
            let Some(file) = self.text(path) else { continue };
            let name = stem(path);
            match self.estate.tables.iter_mut().find(|table| table.name == name) {
                Some(table) => table.overlay = Some(file),
                None => self.estate.tables.push(TableFile { name, file, overlay: None }),
            }
        }
    }

    /// What comes with flowrun, where the estate has nothing of the name. A shipped file is called as what it holds.
    fn shipped(self, environment: Option<&str>) -> Estate {
        let mut estate = self.estate;
        let alone = !estate.is_one();
        let mut reader = Reader { estate: Estate::default(), ..self }.at_shipped();
        let whole_record = |source: &&Source| !source.text.contains(record::ADDS);
        let sources = estate.records.iter().filter_map(|file| reader.sources.get(*file)).filter(whole_record);
        let known: BTreeSet<String> = sources.map(|source| record_name(&source.name)).collect();
        let has = |path: &Path| match ending(path) {
            "json" => known.contains(&record_name(&path.to_string_lossy())),
            "csv" => estate.tables.iter().any(|table| table.name == stem(path)),
            _ if is_called(folder(path), "connectors") => {
                estate.connectors.iter().any(|part| part.tree.name.value == stem(path))
            }
            _ => estate.fragments.iter().any(|part| part.tree.name.value == stem(path)),
        };
        let whole = alone || overlay::is_on_shipped(&estate);
        let shipped = SHIPPED.list(Path::new("/")).unwrap_or_default();
        let wanted =
            |path: &&PathBuf| shipped::is_shared(path, whole) && (alone || !is_called(Some(path), FILE));
        for path in shipped.iter().filter(wanted).filter(|path| !has(path)) {
            reader.file(path, false);
        }
        reader.choose(environment);
        reader.lay_overlays(&mut estate);
        let theirs = reader.estate;
        if alone {
            (estate.tree, estate.environment) = (theirs.tree, theirs.environment);
        }
        estate.fragments.extend(theirs.fragments);
        estate.connectors.extend(theirs.connectors);
        estate.tables.extend(theirs.tables);
        estate.records.extend(theirs.records);
        estate.unread.extend(theirs.unread);
        estate
    }

    /// The shipped estate by itself.
    fn shipped_alone(mut self, environment: Option<&str>) -> Estate {
        let listed = self.list(Path::new("/"));
        for path in &listed {
            self.file(path, true);
        }
        self.choose(environment);
        self.estate
    }
}

fn add<T>(to: &mut impl Extend<Part<T>>, tree: Option<T>, (file, path, print): (u32, PathBuf, Hash)) -> bool {
    let found = tree.is_some();
    to.extend(tree.map(|tree| Part { tree, file, path, print }));
    found
}

/// `record.json/system` of a record file.
fn record_name(path: &str) -> String {
    path.rsplit('/').take(2).collect::<Vec<_>>().join("/")
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

fn stem(path: &Path) -> Arc<str> {
    path.file_stem().unwrap_or_default().to_string_lossy().into()
}

/// The name that a text gives itself in its first line of that kind, as far as it can be told without reading it.
fn name_in(text: &str) -> Option<Arc<str>> {
    let kinds = ["flow:", "fragment:", "connector:"];
    let of_line = |line: &str| {
        let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
        let name = rest.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        (!name.is_empty()).then(|| name.into())
    };
    text.lines().find_map(of_line)
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent()
}

fn is_called(path: Option<&Path>, name: &str) -> bool {
    path.and_then(Path::file_name).is_some_and(|found| found == name)
}

/// The environment whose table this is: `tables/<environment>/x.csv`.
fn overlay_of(path: &Path) -> Option<String> {
    let environment = folder(path)?;
    if !is_called(folder(environment), "tables") {
        return None;
    }
    Some(environment.file_name()?.to_string_lossy().into_owned())
}

/// Whether a file below an estate belongs to it.
fn is_ours(path: &Path) -> bool {
    match ending(path) {
        "yaml" | "yml" => true,
        "csv" => is_called(folder(path), "tables") || overlay_of(path).is_some(),
        "json" => is_called(folder(path).and_then(folder), "records"),
        _ => false,
    }
}
