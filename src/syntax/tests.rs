//! Files read whole: what is good gives an AST, what is not gives every problem.
use super::*;
use crate::{
    problem::draw::{Style, draw},
    source::Sources,
    yaml,
};

/// Reads with one of the readers; gives what was read and the problems, drawn.
pub(super) fn read<T>(text: &str, reader: fn(&Node, &mut Problems) -> Option<T>) -> (Option<T>, String) {
    let mut sources = Sources::default();
    let file = sources.add("a.yaml", text);
    let mut problems = Problems::default();
    let tree = yaml::read(&sources, file, &mut problems);
    let found = tree.and_then(|tree| reader(&tree, &mut problems));
    (found, draw(&problems.into_sorted(), &sources, Style::PLAIN))
}

/// Reads a file that must be good.
#[track_caller]
pub(super) fn good<T>(text: &str, reader: fn(&Node, &mut Problems) -> Option<T>) -> T {
    let (found, problems) = read(text, reader);
    assert_eq!("", problems, "{text}");
    found.expect("a good file is read")
}
