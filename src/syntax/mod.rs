//! Trees to what files say. In: [`crate::yaml::Node`]. Out: ASTs of flows, overlays, fragments, connectors, estates and
//! test files, and every problem of their form. It knows no connector, no record and no estate: names are resolved by
//! those who do.
//!
//! [`keys`] is the one table of what may stand where. The reader holds a file against it first, which tells every
//! problem, and then takes the AST out of what is good, misspelt keys read as they were meant: a piece that is not good is
//! left out, never guessed.

pub mod ast;
pub mod case;
pub mod connector;
mod duration;
pub mod estate;
mod fields;
mod flow;
mod form;
pub mod keys;
mod overlay;
pub mod reference;
pub mod schema;

use crate::{
    problem::{Problem, Problems, codes},
    shape::near,
    yaml::{Kind, Node},
};
use form::Form;

pub use duration::duration;

/// A flow file.
pub fn flow(tree: &Node, problems: &mut Problems) -> Option<ast::Flow> {
    let tree = Form::new(problems).file(tree, &keys::FLOW);
    flow::flow(&tree, problems)
}

/// An overlay on a shipped flow.
pub fn overlay(tree: &Node, problems: &mut Problems) -> Option<ast::Overlay> {
    let tree = Form::partial(problems).file(tree, &keys::OVERLAY);
    flow::overlay(&tree)
}

/// The flow of a tree with an overlay laid over it.
pub fn overlaid(tree: &Node, overlay: &ast::Overlay, problems: &mut Problems) -> Option<ast::Flow> {
    flow(&overlay::laid_over(tree, overlay, problems), problems)
}

/// A fragment file.
pub fn fragment(tree: &Node, problems: &mut Problems) -> Option<ast::Fragment> {
    let tree = Form::new(problems).file(tree, &keys::FRAGMENT);
    flow::fragment(&tree)
}

/// A connector file.
pub fn connector(tree: &Node, problems: &mut Problems) -> Option<connector::Connector> {
    let tree = Form::new(problems).file(tree, &keys::CONNECTOR);
    connector::connector(&tree)
}

/// `flowrun.yaml`.
pub fn estate(tree: &Node, problems: &mut Problems) -> Option<estate::Estate> {
    let tree = Form::new(problems).file(tree, &keys::ESTATE);
    estate::estate(&tree)
}

/// A test file.
pub fn cases(tree: &Node, problems: &mut Problems) -> Option<case::Cases> {
    let tree = Form::new(problems).file(tree, &keys::CASES);
    case::cases(&tree, problems)
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `flow:`.
    Flow,
    /// `extends:`.
    Overlay,
    /// `fragment:`.
    Fragment,
    /// `connector:`.
    Connector,
    /// `estate:`.
    Estate,
    /// `test:`.
    Cases,
}

/// What a file is, told by its keys. None: it is no object, or has none of the keys that tell, and then that is a problem.
/// A first key that is nearly one of them tells too; that it is misspelt is left to the reader of such files.
pub fn kind(tree: &Node, problems: &mut Problems) -> Option<FileKind> {
    let kinds = [
        ("flow", FileKind::Flow),
        ("extends", FileKind::Overlay),
        ("fragment", FileKind::Fragment),
        ("connector", FileKind::Connector),
        ("estate", FileKind::Estate),
        ("test", FileKind::Cases),
    ];
    let keys = match &tree.kind {
        Kind::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    let found = keys.iter().find_map(|(name, _)| kinds.iter().find(|(key, _)| *key == &*name.value));
    if let Some((_, kind)) = found {
        return Some(*kind);
    }
    let meant = keys.first().and_then(|(name, _)| near(&name.value, kinds.iter().map(|(key, _)| *key)));
    if let Some((_, kind)) = kinds.iter().find(|(key, _)| Some(*key) == meant) {
        return Some(*kind);
    }
    let place = keys.first().map_or(tree.span, |(name, _)| name.span);
    let problem = Problem::error(codes::ONE_OF, place, "the file does not say what it is");
    problems.add(problem.help("a file begins with `flow: name`, `fragment: name`, `connector: name`, `estate: name`, `test: name` or `extends: flow`"));
    None
}

#[cfg(test)]
mod tests;
