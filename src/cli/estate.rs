//! What every command does first: find the estate, compile it, say what is wrong, open its connections.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Streams,
    args::{Common, Format},
    engine::Reach,
    exit::Exit,
};
use crate::{
    compile::{Compiled, compile},
    estate::{Disk, root},
    plan::{Plan, SourceKind, Work},
    problem::draw::Style,
    report,
    secret::{self, Secret},
    source::Name,
    syntax::estate::{Connection, Reference},
    trigger,
    wire::{Access, Secrets, Wire},
};

/// Compiles the estate around the paths, from the disk or, without one, as it was shipped.
pub(super) fn compiled(paths: &[PathBuf], common: &Common) -> Compiled {
    compile(&Disk, paths, common.env.as_deref())
}

/// Where a command that names a flow looks: a path that is there, else the estate around the present folder.
pub(super) fn of_flow(flow: &str, common: &Common) -> (Compiled, Arc<str>) {
    let path = Path::new(flow);
    if !path.is_file() {
        return (compiled(&[], common), flow.into());
    }
    let compiled = compiled(&[path.to_owned()], common);
    let name = compiled.asked.first().cloned().unwrap_or_else(|| flow.into());
    (compiled, name)
}

/// The folder of the journal: as asked for, else `.flowrun` beside the estate's file, else in the present folder.
pub(super) fn data(common: &Common, paths: &[PathBuf]) -> PathBuf {
    if let Some(folder) = &common.data {
        return folder.clone();
    }
    let here = PathBuf::from(".");
    let start = paths.first().unwrap_or(&here);
    root(&Disk, start).unwrap_or(here).join(".flowrun")
}

/// Says what is wrong; an exit code if it stops the command.
pub(super) fn refuse(compiled: &Compiled, common: &Common, streams: &mut Streams) -> Option<Exit> {
    if !compiled.has_errors() {
        return None;
    }
    if common.format == Format::Json {
        streams.give(report::problems::json(&compiled.problems, &compiled.sources, compiled.files, 0.0));
    } else {
        streams.show(&report::problems::human(&compiled.problems, &compiled.sources, style(streams)));
    }
    Some(Exit::Problems)
}

/// How problems are drawn on these streams.
pub(super) fn style(streams: &Streams) -> Style {
    Style { color: streams.color, ..Style::PLAIN }
}

/// Why the connections of an estate cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A secret that cannot be had.
    #[error("connection `{connection}`: {source}")]
    Secret {
        connection: Arc<str>,
        #[source]
        source: secret::Error,
    },
    /// The secret that webhooks are signed with is not named.
    #[error(
        "connection `{0}`: flows listen to its webhooks, so it needs the secret `{1}` that they are signed with"
    )]
    Unsigned(Arc<str>, Arc<str>),
    /// A connection that cannot be used.
    #[error(transparent)]
    Wire(#[from] crate::wire::Error),
}

/// The world over HTTP, with every connection of the chosen environment. `known` stands in for variables of the
/// environment (the demo's secrets are nobody else's).
pub(super) fn wire(compiled: &Compiled, known: &[(&str, String)]) -> Result<Wire, Error> {
    let (wire, _) = open(compiled, known, |_| true)?;
    Ok(wire)
}

/// The world as far as these flows and their child flows need it. A connection that only other flows use may lack its secrets.
pub(super) fn world(compiled: &Compiled, flows: &[Arc<Plan>]) -> Result<Reach, Error> {
    let needed = needed(compiled, flows);
    let (wire, shut) = open(compiled, &[], |name| needed.contains(name))?;
    Ok(Reach { wire: Arc::new(wire), shut })
}

/// The wire, and the connections that nobody needs and that cannot be opened.
fn open(
    compiled: &Compiled,
    known: &[(&str, String)],
    needed: impl Fn(&str) -> bool,
) -> Result<(Wire, BTreeSet<Arc<str>>), Error> {
    let folder = compiled.estate.root.clone().unwrap_or_else(|| PathBuf::from("."));
    let (mut wire, mut shut) = (Wire::new(), BTreeSet::new());
    for (name, given) in compiled.estate.connections() {
        let Some(connection) = compiled.connections.get(&name.value) else { continue };
        let secrets = secrets(given, &folder, known)
            .map_err(|source| Error::Secret { connection: Arc::clone(&name.value), source });
        let added = secrets.and_then(|secrets| {
            wire.add(Arc::clone(connection), Access { secrets, root: None }).map_err(Error::Wire)
        });
        match added {
            Err(error) if needed(&name.value) => return Err(error),
            Err(_) => drop(shut.insert(Arc::clone(&name.value))),
            Ok(()) => {}
        }
    }
    Ok((wire, shut))
}

/// Connections that flows use, those of their child flows and those that they listen to.
fn needed(compiled: &Compiled, flows: &[Arc<Plan>]) -> BTreeSet<Arc<str>> {
    let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut todo: Vec<&Arc<Plan>> = flows.iter().collect();
    while let Some(plan) = todo.pop() {
        if !seen.insert(Arc::clone(&plan.flow)) {
            continue;
        }
        for source in &plan.trigger.sources {
            if let SourceKind::Webhook { connection, .. } | SourceKind::Poll { connection, .. } = &source.kind
            {
                names.insert(Arc::clone(connection));
            }
        }
        for node in &plan.nodes {
            match &node.work {
                Work::Call(call) => drop(names.insert(Arc::clone(&call.connection))),
                Work::Child(child) => todo.extend(compiled.plan(&child.flow)),
                _ => {}
            }
        }
    }
    names
}

/// The secrets that the webhooks of these connections are signed with: the one that the connector names, and any whose name
/// goes on from it (`client_secret_next`), for the time in which it is changed. `known` as for [`wire`].
pub(super) fn hook_secrets(
    compiled: &Compiled,
    needs: &trigger::Needs,
    known: &[(&str, String)],
) -> Result<BTreeMap<Arc<str>, trigger::Secrets>, Error> {
    let folder = compiled.estate.root.clone().unwrap_or_else(|| PathBuf::from("."));
    let mut all = BTreeMap::new();
    for (name, given) in
        compiled.estate.connections().iter().filter(|(name, _)| needs.contains_key(&name.value))
    {
        let opened = compiled.connections.get(&name.value);
        let Some(webhooks) = opened.and_then(|opened| opened.connector.webhooks.as_ref()) else { continue };
        let wanted = webhooks.verify.secret();
        if !given.secrets.iter().any(|(found, _)| found.value == *wanted) {
            return Err(Error::Unsigned(Arc::clone(&name.value), Arc::clone(wanted)));
        }
        let signs = |found: &str| {
            found.strip_prefix(&**wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let found = secrets(given, &folder, known)
            .map_err(|source| Error::Secret { connection: Arc::clone(&name.value), source })?;
        let signing = found.into_iter().filter(|(found, _)| signs(found)).map(|(_, secret)| secret);
        all.insert(Arc::clone(&name.value), trigger::Secrets::new(signing));
    }
    Ok(all)
}

fn secrets(given: &Connection, folder: &Path, known: &[(&str, String)]) -> Result<Secrets, secret::Error> {
    let fetched = |(name, reference): &(Name, Reference)| {
        Ok((Arc::clone(&name.value), fetch(reference, folder, known)?))
    };
    given.secrets.iter().map(fetched).collect()
}

fn fetch(
    reference: &Reference,
    folder: &Path,
    known: &[(&str, String)],
) -> Result<Secret<String>, secret::Error> {
    match reference {
        Reference::Env(name) => match known.iter().find(|(known, _)| **known == *name.value) {
            Some((_, value)) => Ok(Secret::new(value.clone())),
            None => secret::Reference::Variable(Arc::clone(&name.value)).fetch(folder),
        },
        Reference::File(name) => secret::Reference::File(PathBuf::from(&*name.value)).fetch(folder),
    }
}
