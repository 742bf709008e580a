//! The one way from text to plan, used by every command. In: paths, and a place to read files from. Out: [`Compiled`]:
//! sources, problems, plans. It must never know what is done with a plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use crate::{
    check::{self, Catalogue, later},
    connector::{self, Connection, Connector},
    estate::{self, Estate, Files, Part, TableFile},
    expr::{ColumnShape, Table, Tables},
    flow::Flow,
    money::Currency,
    plan::{self, Plan},
    problem::{Problem, Problems, Severity, codes},
    record::Records,
    shape::near,
    source::{Name, Scalar, Sources, Span},
    syntax::{ast, estate as tree},
    value::{Hash, Value},
};

/// The table that says which currency an id of a platform stands for: columns `code` and `id`.
const CURRENCIES: &str = "currencies";

/// Flows as they were read, checked and planned.
#[derive(Debug, Default)]
pub struct Compiled {
    /// Every file that was read.
    pub sources: Sources,
    /// What is wrong, by file and place.
    pub problems: Vec<Problem>,
    /// What people should know and is no problem.
    pub notes: Vec<String>,
    /// Plans of all flows of the estate that have no errors, by name.
    pub plans: Vec<Arc<Plan>>,
    /// Names of the flows that were asked for by path, in the order of their files.
    pub asked: Vec<Arc<str>>,
    /// How many files were asked for.
    pub files: usize,
    /// The estate.
    pub estate: Estate,
    /// Its connections, opened.
    pub connections: BTreeMap<Arc<str>, Arc<Connection>>,
    /// Records of all systems.
    pub records: Records,
    /// All tables.
    pub tables: Arc<Tables>,
    /// Books of `memory`.
    pub books: BTreeMap<Arc<str>, check::Declared>,
}

impl Compiled {
    /// The plan of a flow by its name.
    pub fn plan(&self, flow: &str) -> Option<&Arc<Plan>> {
        self.plans.iter().find(|plan| &*plan.flow == flow)
    }

    /// Whether anything was refused.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

/// A setting that stands over the estate's: the estate's name of the connection, the setting, its value.
pub type Over = (Arc<str>, Name, Scalar);

/// Compiles the estate around the given paths. Problems are those of the files asked for, and of what they stand on
/// (connectors, records, fragments, tables, the estate's own file); other flows keep theirs to themselves.
pub fn compile(files: &dyn Files, paths: &[PathBuf], environment: Option<&str>) -> Compiled {
    compile_with(files, paths, environment, &[])
}

/// As [`compile`], with settings over those of the estate: for cases.
pub fn compile_with(
    files: &dyn Files,
    paths: &[PathBuf],
    environment: Option<&str>,
    over: &[Over],
) -> Compiled {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let estate = estate::load(files, paths, environment, &mut sources, &mut problems);
    let records = Records::read_beside(&estate.records, estate.unread.clone(), &sources, &mut problems);
    let mut broken = estate.broken.clone();
    let tables = tables(&estate, &sources, &mut broken, &mut problems);
    let connectors = connectors(&estate, &records, &mut problems);
    examples(&estate, &connectors, &mut problems);
    let connections = connections(&estate, over, &connectors, &tables, &mut problems);
    broken.extend(unopened(&estate, &connections));
    same_names(&estate, &mut problems);
    names_of_estate(&estate, &mut problems);
    later::in_estate(&estate, &mut problems);
    currencies_are_checked(&estate, &tables, &sources, &mut problems);
    let fragments =
        estate.fragments.iter().map(|part| (Arc::clone(&part.tree.name.value), part.tree.clone()));
    let mut catalogue = Catalogue {
        fragments: fragments.collect(),
        connections,
        records,
        tables: Arc::new(tables),
        broken,
        books: BTreeMap::new(),
        flows: BTreeMap::new(),
    };
    let files = estate.connectors.iter().map(|part| &part.tree);
    check::operations(files, &connectors, &catalogue, &mut problems);
    if let Some(Part { tree, .. }) = estate.tree.as_ref().filter(|_| estate.is_one()) {
        catalogue.books = check::books(&tree.books, &catalogue, &mut problems);
    }
    let asts: Vec<&ast::Flow> = estate.flows.iter().map(|part| &part.tree).collect();
    let flows = check::check(&asts, &mut catalogue, &mut problems);
    let asked = estate.cases.iter().filter(|part| estate.asked.contains(&part.file)).map(|part| &part.tree);
    check::cases(asked, &asts, &catalogue, &mut problems);
    let prints: Vec<Hash> =
        estate.flows.iter().map(|part| print(part, &estate, &catalogue, &sources)).collect();
    finish(Parts { sources, problems: problems.into_sorted(), estate, catalogue }, flows, &prints)
}

/// What is at hand once everything is checked.
struct Parts {
    sources: Sources,
    problems: Vec<Problem>,
    estate: Estate,
    catalogue: Catalogue,
}

fn finish(parts: Parts, flows: Vec<Flow>, prints: &[Hash]) -> Compiled {
    let Parts { sources, mut problems, estate, catalogue } = parts;
    let refused: BTreeSet<u32> = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .filter_map(|problem| problem.labels.first().map(|label| label.span.file))
        .collect();
    let flow_files: BTreeSet<u32> =
        estate.flows.iter().map(|part| part.file).chain(estate.under.values().copied()).collect();
    let stands = refused.iter().all(|file| flow_files.contains(file) || is_aside(&estate, *file));
    let is_good = |file: u32| !refused.contains(&file);
    let good =
        |file: u32| stands && is_good(file) && estate.under.get(&file).is_none_or(|base| is_good(*base));
    let mut plans: Vec<Arc<Plan>> = flows
        .into_iter()
        .zip(&estate.flows)
        .zip(prints)
        .filter(|((_, part), _)| good(part.file))
        .map(|((flow, _), print)| Arc::new(plan::plan(flow, *print)))
        .collect();
    plans.sort_by(|one, two| one.flow.cmp(&two.flow));
    let under =
        |file: u32| estate.under.iter().any(|(over, base)| *base == file && estate.asked.contains(over));
    let unasked = |file: u32| flow_files.contains(&file) && !estate.asked.contains(&file) && !under(file);
    problems.retain(|problem| problem.labels.first().is_none_or(|label| !unasked(label.span.file)));
    let asked = estate.flows.iter().filter(|part| estate.asked.contains(&part.file));
    let mut notes = Vec::new();
    if !estate.is_one() {
        notes.push(format!(
            "no {} here or above: the connectors and records that come with flowrun are used",
            estate::FILE
        ));
    }
    Compiled {
        asked: asked.map(|part| Arc::clone(&part.tree.name.value)).collect(),
        files: estate.asked.len(),
        sources,
        problems,
        notes,
        plans,
        estate,
        connections: catalogue.connections,
        records: catalogue.records,
        tables: catalogue.tables,
        books: catalogue.books,
    }
}

/// Whether no plan stands on a file: cases and overlays.
fn is_aside(estate: &Estate, file: u32) -> bool {
    estate.cases.iter().any(|part| part.file == file) || estate.overlays.iter().any(|part| part.file == file)
}

fn tables(
    estate: &Estate,
    sources: &Sources,
    broken: &mut BTreeSet<Arc<str>>,
    problems: &mut Problems,
) -> Tables {
    let mut tables = Tables::default();
    for file in &estate.tables {
        let base = table(file.file, &file.name, sources, problems);
        let overlay = file.overlay.and_then(|overlay| table(overlay, &file.name, sources, problems));
        if let (Some(base), Some(overlay)) = (&base, &overlay)
            && base.columns != overlay.columns
        {
            let span = Span { file: file.overlay.unwrap_or(file.file), start: 0, end: 0 };
            let message = format!("the columns of `{}` are not those of the table it replaces", file.name);
            problems.add(Problem::error(codes::OVERLAY, span, message).help("give both the same header"));
        }
        match overlay.or(base) {
            Some(table) => tables.add(table),
            None => drop(broken.insert(Arc::clone(&file.name))),
        }
    }
    tables
}

fn table(file: u32, name: &str, sources: &Sources, problems: &mut Problems) -> Option<Table> {
    match Table::from_csv(name, &sources.get(file)?.text) {
        Ok(table) => Some(table),
        Err(faults) => {
            for fault in faults {
                let place = cell(sources, file, fault.line, fault.column);
                problems.add(Problem::error(codes::TABLE, place, fault.message));
            }
            None
        }
    }
}

/// The place of a cell, by line and number in its line, both from 1.
fn cell(sources: &Sources, file: u32, line: usize, column: usize) -> Span {
    let start = sources.line_start(file, line);
    let text = sources.get(file).map_or("", |source| &*source.text);
    let row = text[start..].lines().next().unwrap_or_default();
    let mut cells = row.split(',');
    let before: usize = cells.by_ref().take(column.saturating_sub(1)).map(|cell| cell.len() + 1).sum();
    let from = start + before.min(row.len());
    let length = cells.next().map_or(0, str::len);
    Span { file, start: from as u32, end: (from + length) as u32 }
}

fn connectors(
    estate: &Estate,
    records: &Records,
    problems: &mut Problems,
) -> BTreeMap<Arc<str>, Arc<Connector>> {
    let lower = |part: &Part<crate::syntax::connector::Connector>| {
        let connector = connector::lower(&part.tree, records, problems);
        (Arc::clone(&connector.name), Arc::new(connector))
    };
    estate.connectors.iter().map(lower).collect()
}

/// Plays the examples of the connectors that were asked for: what they show must hold.
fn examples(estate: &Estate, connectors: &BTreeMap<Arc<str>, Arc<Connector>>, problems: &mut Problems) {
    if problems.has_errors() {
        return; // an example of something broken says nothing new
    }
    for part in estate.connectors.iter().filter(|part| estate.asked.contains(&part.file)) {
        if let Some(connector) = connectors.get(&part.tree.name.value) {
            connector::example::check(connector, &part.tree, problems);
        }
    }
}

/// Opens the connections of the chosen environment; without an estate, one for each connector.
fn connections(
    estate: &Estate,
    over: &[Over],
    connectors: &BTreeMap<Arc<str>, Arc<Connector>>,
    tables: &Tables,
    problems: &mut Problems,
) -> BTreeMap<Arc<str>, Arc<Connection>> {
    let (currencies, heard) = (currencies(tables), heard(estate));
    let mut opened = BTreeMap::new();
    for (name, given) in estate.connections() {
        if estate.broken.contains(&given.connector.value) && !connectors.contains_key(&given.connector.value)
        {
            continue;
        }
        let given = &with_over(name, given, over);
        let Some(connector) = connectors.get(&given.connector.value) else {
            problems.add(unknown_connector(&given.connector, connectors));
            continue;
        };
        let settings =
            given.settings.iter().map(|(name, scalar)| (Arc::clone(&name.value), constant(scalar)));
        let said = connector::Given {
            url: given.url.as_ref().map(|url| Arc::clone(&url.value)),
            auth: given.auth.as_ref().map(|auth| Arc::clone(&auth.value)),
            settings: settings.collect(),
            currencies: currencies.clone(),
            allow_private: given.allow_private.as_ref().is_some_and(|allow| allow.value),
        };
        match Connection::open(Arc::clone(&name.value), Arc::clone(connector), said) {
            Ok(connection) => {
                secrets(&connection, (name, given), &heard, problems);
                private(&connection, (name, given), problems);
                opened.insert(Arc::clone(&name.value), Arc::new(connection));
            }
            Err(error) => problems.add(cannot_open(&error, name, given, connector)),
        }
    }
    opened
}

/// Connections that are declared and cannot be used; all that flows name, if the estate's own file cannot be read.
fn unopened(estate: &Estate, opened: &BTreeMap<Arc<str>, Arc<Connection>>) -> Vec<Arc<str>> {
    let declared = estate.connections().iter().map(|(name, _)| &name.value);
    let named = estate.flows.iter().flat_map(|part| &part.tree.connections).map(|(_, name)| &name.value);
    let lost = estate.tree.is_none();
    declared.chain(named.filter(|_| lost)).filter(|name| !opened.contains_key(*name)).cloned().collect()
}

/// The connections to whose webhooks flows listen.
fn heard(estate: &Estate) -> BTreeSet<&str> {
    let webhooks = |flow: &'_ ast::Flow| -> Vec<Arc<str>> {
        let sources = flow.trigger.from.iter().filter_map(|source| match &source.kind {
            ast::SourceKind::Webhook { connection, .. } => Some(Arc::clone(&connection.value)),
            _ => None,
        });
        sources.collect()
    };
    let all = estate.flows.iter().flat_map(|part| {
        let own = webhooks(&part.tree);
        part.tree.connections.iter().filter(move |(local, _)| own.contains(&local.value))
    });
    all.map(|(_, connection)| &*connection.value).collect()
}

/// Every secret that the way in wants, and that webhooks are signed with, must be named; and no other.
fn secrets(
    connection: &Connection,
    (name, given): (&Name, &tree::Connection),
    heard: &BTreeSet<&str>,
    problems: &mut Problems,
) {
    let webhooks = connection.connector.webhooks.as_ref().map(|webhooks| &**webhooks.verify.secret());
    let mut wanted: Vec<&str> =
        connection.auth.iter().flat_map(|(_, auth)| auth.secrets()).copied().collect();
    wanted.extend(webhooks.filter(|_| heard.contains(&*name.value)));
    wanted.dedup();
    let misspelt = |secret: &Name| {
        let ways = connection.connector.auth.values().flat_map(|auth| auth.secrets().iter()).copied();
        let known: Vec<&str> = ways.chain(webhooks).collect();
        // Webhooks may be signed with several secrets for a time: `client_secret_next`.
        let next = |known: &&str| secret.value.strip_prefix(*known).is_some_and(|rest| rest.starts_with('_'));
        (!known.contains(&&*secret.value) && !webhooks.iter().any(next)).then_some(known)
    };
    for (secret, _) in &given.secrets {
        let Some(known) = misspelt(secret) else { continue };
        let message = format!("the connector of `{}` has no secret `{}`", name.value, secret.value);
        let problem = Problem::error(codes::SETTINGS, secret.span, message);
        let close = near(&secret.value, known.iter().copied());
        wanted.retain(|wanted| Some(*wanted) != close);
        problems.add(match close {
            Some(close) => problem.help(format!("did you mean `{close}`?")),
            None => problem,
        });
    }
    let missing: Vec<&str> = wanted
        .into_iter()
        .filter(|secret| !given.secrets.iter().any(|(name, _)| &*name.value == *secret))
        .collect();
    if !missing.is_empty() {
        let message = format!("the connection `{}` needs the secrets {}", name.value, missing.join(", "));
        let problem = Problem::error(codes::SETTINGS, name.span, message);
        let example =
            missing.iter().map(|secret| format!("{secret}: env:NAME")).collect::<Vec<_>>().join(", ");
        problems.add(problem.help(format!("say where they are: `secrets: {{ {example} }}`")));
    }
}

/// A private address is called only if the estate says so: `exec` would refuse.
fn private(connection: &Connection, (name, given): (&Name, &tree::Connection), problems: &mut Problems) {
    if connection.base.is_private() && !connection.allow_private {
        let span = given.url.as_ref().map_or(name.span, |url| url.span);
        let message = format!("the connection `{}` leads to a private address", name.value);
        let problem = Problem::error(codes::SETTINGS, span, message);
        problems.add(problem.help("say `allow_private: true` if that is meant (a sandbox)"));
    }
}

/// What the estate says of a connection, other settings before its own: the first of a name counts.
fn with_over(name: &Name, given: &tree::Connection, over: &[Over]) -> tree::Connection {
    let over = over.iter().filter(|(connection, ..)| *connection == name.value);
    let mut given = given.clone();
    given.settings.splice(0..0, over.map(|(_, setting, value)| (setting.clone(), value.clone())));
    given
}

fn unknown_connector(name: &Name, connectors: &BTreeMap<Arc<str>, Arc<Connector>>) -> Problem {
    let problem = Problem::error(
        codes::UNKNOWN_CONNECTOR,
        name.span,
        format!("there is no connector `{}`", name.value),
    );
    match near(&name.value, connectors.keys().map(|known| &**known)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("connectors are files that begin with `connector: name`"),
    }
}

/// A connection that cannot be opened, at the setting that is wrong, if it is one.
fn cannot_open(
    error: &connector::Error,
    name: &Name,
    given: &tree::Connection,
    connector: &Connector,
) -> Problem {
    let at = |wanted: &str| given.settings.iter().find(|(name, _)| &*name.value == wanted);
    let problem = |span: Span| Problem::error(codes::SETTINGS, span, error.to_string());
    match error {
        connector::Error::UnknownSetting(_, setting) => {
            let problem = problem(at(setting).map_or(name.span, |(name, _)| name.span));
            match near(setting, connector.settings.iter().map(|setting| &*setting.name)) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            }
        }
        connector::Error::BadSetting(_, setting, _) => {
            let (written, known) =
                (at(setting), connector.settings.iter().find(|known| known.name == *setting));
            let problem = problem(written.map_or(name.span, |(_, scalar)| scalar.span));
            match written.zip(known).and_then(|((_, scalar), known)| known.near(&constant(scalar))) {
                Some(word) => problem.help(format!("did you mean `{word}`?")),
                None => problem,
            }
        }
        connector::Error::Address(_) => problem(given.url.as_ref().map_or(name.span, |url| url.span)),
        connector::Error::Auth(..) => problem(given.auth.as_ref().map_or(name.span, |auth| auth.span)),
        connector::Error::NoSetting(..) | connector::Error::Expression(..) => problem(name.span),
    }
}

/// The codes of the table of currencies are such: one that is none would be an id that nobody knows at run time.
fn currencies_are_checked(estate: &Estate, tables: &Tables, sources: &Sources, problems: &mut Problems) {
    let Some(table) = tables.get(CURRENCIES) else { return };
    let column = |name: &str| table.columns.iter().position(|column| &*column.name == name);
    let (Some(code), Some(_)) = (column("code"), column("id")) else { return };
    if table.columns[code].shape == ColumnShape::Currency {
        return;
    }
    let Some(file) = estate.tables.iter().find(|file| &*file.name == CURRENCIES) else { return };
    let file = file.overlay.unwrap_or(file.file);
    let problem = Problem::error(
        codes::TABLE,
        cell(sources, file, 1, code + 1),
        "the table `currencies` says which currency an id of a platform stands for, so its codes are currencies",
    );
    problems.add(problem.help("write `code:currency*`"));
}

/// ISO codes by the platform's own ids.
fn currencies(tables: &Tables) -> BTreeMap<Arc<str>, Currency> {
    let rows = tables.get(CURRENCIES).map(|table| table.rows.as_slice()).unwrap_or_default();
    rows.iter()
        .filter_map(|row| {
            Some((row.get("id")?.scalar_text()?.into(), Currency::from_code(row.get("code")?.as_str()?)?))
        })
        .collect()
}

/// A setting as written.
fn constant(scalar: &Scalar) -> Value {
    check::constant(scalar).unwrap_or_else(|| Value::from(Arc::clone(&scalar.text)))
}

fn same_names(estate: &Estate, problems: &mut Problems) {
    let tables: Vec<Name> = estate.tables.iter().map(table_name).collect();
    twice("flow", estate.flows.iter().map(|part| &part.tree.name), problems);
    twice("fragment", estate.fragments.iter().map(|part| &part.tree.name), problems);
    twice("connector", estate.connectors.iter().map(|part| &part.tree.name), problems);
    twice("table", tables.iter(), problems);
}

/// The classes of work there are, the most urgent first.
const CLASSES: [&str; 3] = ["live", "normal", "bulk"];

/// What `flowrun.yaml` says of flows and classes names such as are there.
fn names_of_estate(estate: &Estate, problems: &mut Problems) {
    let Some(Part { tree, .. }) = estate.tree.as_ref().filter(|_| estate.is_one()) else { return };
    let flows: Vec<&str> = estate.flows.iter().map(|part| &*part.tree.name.value).collect();
    for (name, settings) in &tree.flows {
        if !estate.broken.contains(&name.value) {
            known(name, &flows, ("flow", codes::UNKNOWN_FLOW), problems);
        }
        if let Some(class) = &settings.class {
            known(class, &CLASSES, ("class", codes::ESTATE_NAME), problems);
        }
    }
}

fn known(name: &Name, names: &[&str], (what, code): (&str, &'static str), problems: &mut Problems) {
    if names.contains(&&*name.value) {
        return;
    }
    let problem = Problem::error(code, name.span, format!("there is no {what} `{}`", name.value));
    problems.add(match near(&name.value, names.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    });
}

fn table_name(file: &TableFile) -> Name {
    Name::new(Arc::clone(&file.name), Span { file: file.file, start: 0, end: 0 })
}

fn twice<'a>(what: &str, names: impl Iterator<Item = &'a Name>, problems: &mut Problems) {
    let mut known: BTreeMap<&str, Span> = BTreeMap::new();
    for name in names {
        if let Some(first) = known.insert(&name.value, name.span) {
            let message = format!("there is another {what} `{}`", name.value);
            problems.add(Problem::error(codes::SAME_FLOW, name.span, message).also(first, "the other one"));
        }
    }
}

/// Hash over everything that decides what a run of a flow does.
fn print(part: &Part<ast::Flow>, estate: &Estate, catalogue: &Catalogue, sources: &Sources) -> Hash {
    let text_of = |file: u32| sources.get(file).map(|source| Arc::clone(&source.text)).unwrap_or_default();
    let files = [Some(part.file), estate.under.get(&part.file).copied()];
    let mut texts: Vec<Arc<str>> = files.into_iter().flatten().map(text_of).collect();
    let mut parts = vec![Value::from(env!("CARGO_PKG_VERSION")), Value::from(part.print.to_string())];
    let mut fragments: BTreeSet<&str> = BTreeSet::new();
    let mut open = texts.clone();
    while let Some(text) = open.pop() {
        for fragment in &estate.fragments {
            let name = &*fragment.tree.name.value;
            if mentions(&text, name) && fragments.insert(name) {
                parts.push(Value::from(fragment.print.to_string()));
                let text = text_of(fragment.file);
                texts.push(Arc::clone(&text));
                open.push(text);
            }
        }
    }
    for (_, connection) in &part.tree.connections {
        let Some(opened) = catalogue.connections.get(&connection.value) else { continue };
        let files = estate.connectors.iter().filter(|found| found.tree.name.value == opened.connector.name);
        parts.extend(files.map(|found| Value::from(found.print.to_string())));
        parts.extend([Value::from(Arc::clone(&opened.account)), opened.settings.clone()]);
        let folder = format!("/{}/", opened.connector.name);
        let records = estate.records.iter().filter_map(|file| sources.get(*file));
        parts.extend(
            records
                .filter(|source| source.name.contains(&folder))
                .map(|source| Value::from(Arc::clone(&source.text))),
        );
    }
    for file in estate.tables.iter().filter(|file| texts.iter().any(|text| mentions(text, &file.name))) {
        parts.extend(catalogue.tables.get(&file.name).map(|table| table.all().clone()));
    }
    for (name, declared) in catalogue.books.iter().filter(|(name, _)| mentions(&texts[0], name)) {
        let told = format!("{name} {:?} {:?}", declared.book, declared.columns);
        parts.push(Value::from(Hash::of(told.as_bytes()).to_string()));
    }
    Value::list(parts).hash()
}

/// Whether a text has this name as a word: rather one part too many in the fingerprint than one too few.
fn mentions(text: &str, name: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_word);
        let after = text[at + name.len()..].chars().next().is_some_and(is_word);
        !before && !after
    })
}
