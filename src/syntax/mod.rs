//! Trees to what files say. In: [`crate::yaml::Node`]. Out: ASTs of flows, overlays, fragments, connectors, estates and
//! test files, and every problem of their form. It knows no connector, no record and no estate: names are resolved by
//! those who do.
//!
//! [`keys`] is the one table of what may stand where. The reader holds a file against it first, which tells every
//! problem, and then takes the AST out of what is good: a piece that is not is left out, never guessed.

pub mod ast;
mod duration;
mod fields;
mod flow;
mod form;
pub mod keys;

use crate::{
    problem::Problems,
    yaml::Node,
};
use form::Form;

pub use duration::duration;

/// A flow file.
pub fn flow(tree: &Node, problems: &mut Problems) -> Option<ast::Flow> {
    Form::new(problems).file(tree, &keys::FLOW);
    flow::flow(tree, problems)
}

/// An overlay on a shipped flow.
pub fn overlay(tree: &Node, problems: &mut Problems) -> Option<ast::Overlay> {
    Form::partial(problems).file(tree, &keys::OVERLAY);
    flow::overlay(tree)
}

/// A fragment file.
pub fn fragment(tree: &Node, problems: &mut Problems) -> Option<ast::Fragment> {
    Form::new(problems).file(tree, &keys::FRAGMENT);
    flow::fragment(tree)
}
