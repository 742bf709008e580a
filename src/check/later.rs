//! FR506: keys that belong to the language and that this version does not carry out. In: trees. Out: a problem at each. None
//! of them is overlooked, so that nothing runs otherwise than it reads.

use crate::{
    estate::Estate,
    problem::{Problem, Problems, codes},
    source::{Name, Span},
    syntax::{ast, estate as tree},
};

/// What comes later, as it is told; docs/language.md lists the same.
pub const LATER: [&str; 10] = [
    "`batch` of a trigger",
    "`reconcile`",
    "`for` of a flow",
    "`settings` of a flow",
    "`classes`",
    "`service_levels`",
    "`alerts`",
    "`retention`",
    "`token` of `listen`",
    "`journal`",
];

/// Tells that a key comes later.
pub(super) fn tell(what: &'static str, span: Span, problems: &mut Problems) {
    debug_assert!(LATER.contains(&what), "{what} is listed");
    problems.add(Problem::error(codes::LATER, span, format!("{what} comes with a later version")));
}

/// Keys of a flow and of its trigger.
pub(super) fn in_flow(flow: &ast::Flow, problems: &mut Problems) {
    if let Some((.., span)) = &flow.trigger.batch {
        tell("`batch` of a trigger", *span, problems);
    }
    first("`reconcile`", flow.reconcile.iter().map(|name| name.span), problems);
}

/// Keys of `flowrun.yaml`: each is told once, where its first value stands.
pub(crate) fn in_estate(estate: &Estate, problems: &mut Problems) {
    let Some(part) = estate.tree.as_ref().filter(|_| estate.is_one()) else { return };
    let tree = &part.tree;
    for (_, settings) in &tree.flows {
        first("`for` of a flow", settings.instances.iter().map(|(name, _)| name.span), problems);
        first("`settings` of a flow", settings.settings.iter().map(|(name, _)| name.span), problems);
    }
    first("`classes`", tree.classes.iter().map(|(name, _)| name.span), problems);
    first("`service_levels`", tree.service_levels.iter().map(|level| level.span), problems);
    first("`alerts`", tree.alerts.iter().map(|(name, _)| name.span), problems);
    let tree::Retention { runs, letters, answers } = &tree.retention;
    first("`retention`", [runs, letters, answers].into_iter().flatten().map(|length| length.span), problems);
    listening(&tree.listen, tree.journal.as_ref(), problems);
    for (_, environment) in &tree.environments {
        listening(&environment.listen, environment.journal.as_ref(), problems);
    }
}

fn listening(listen: &tree::Listen, journal: Option<&Name>, problems: &mut Problems) {
    let token = listen.token.iter().map(|token| match token {
        tree::Reference::Env(name) | tree::Reference::File(name) => name.span,
    });
    first("`token` of `listen`", token, problems);
    first("`journal`", journal.map(|folder| folder.span).into_iter(), problems);
}

fn first(what: &'static str, mut places: impl Iterator<Item = Span>, problems: &mut Problems) {
    if let Some(span) = places.next() {
        tell(what, span, problems);
    }
}
