//! FR407: with `keep: latest`, more of the event is read than its key is made of. In: reads of the event. Out: a problem at
//! the mention, one a path.

use std::{collections::BTreeSet, sync::Arc};

use super::{Mention, Subject, reads};
use crate::{
    check::desk::is_readable,
    expr::Template,
    flow::{Keep, Slots},
    problem::{Problem, Problems, codes},
    shape::{Shape, lookup},
};

pub(super) fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let trigger = subject.trigger;
    if trigger.keep == Keep::All || trigger.version.is_some() || trigger.sources.is_empty() {
        return;
    }
    let lane = trigger.lane.iter().filter_map(|(_, lane)| lane.as_ref());
    let names: Vec<Vec<Arc<str>>> = lane
        .chain([&trigger.key])
        .chain(&trigger.id)
        .flat_map(Template::reads)
        .filter(|read| read.slot == Slots::EVENT)
        .map(|read| read.path)
        .collect();
    // A key that cannot be read, or reads what the event does not have, says nothing of what is sure to stay.
    let unread = |name: &Vec<Arc<str>>| name.is_empty() || !is_there(subject.event, name);
    if !is_readable(&trigger.key) || names.iter().any(unread) {
        return;
    }
    let mut told = BTreeSet::new();
    let all = subject.nodes.iter().flat_map(reads).chain(subject.given());
    for Mention { read, span, .. } in all.filter(|mention| mention.read.slot == Slots::EVENT) {
        let Some(span) = span else { continue };
        if names.iter().any(|name| read.path.starts_with(name))
            || !is_there(subject.event, &read.path)
            || !told.insert(read.path.clone())
        {
            continue;
        }
        let path = ["event".into()].into_iter().chain(read.path).collect::<Vec<Arc<str>>>().join(".");
        let message =
            format!("with `keep: latest` a newer event may have replaced the one that `{path}` belonged to");
        let problem = Problem::error(codes::LATEST_EVENT, span, message);
        problems.add(
            problem
                .also(subject.sheet.ast.trigger.key.span, "only what the key is made of is sure to stay")
                .help("read it from the system in an `extract`; or `keep: all` with an `id`; or name a `version`"),
        );
    }
}

/// Whether the event can have such a field; if not, that is told already.
fn is_there(event: &Shape, path: &[Arc<str>]) -> bool {
    let step =
        |shape: Shape, name: &Arc<str>| if name.is_empty() { Some(shape) } else { lookup(&shape, name).ok() };
    path.iter().try_fold(event.clone(), step).is_some()
}
