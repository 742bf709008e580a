//! Text to a tree in which everything knows its place. In: a file. Out: [`Node`], and every problem of form: bad YAML, keys
//! that stand twice, features that estates do not use, files too large. The only reader of flow, connector and estate
//! files; it must never know what a key means.
//!
//! Copying (anchors, aliases, merge keys), tags, directives and several documents are refused: a file says what it says
//! where it says it, and nothing can grow beyond what was written.

mod fault;
mod places;
mod plain;
mod quote;
mod tree;

use crate::{
    problem::{Problem, Problems, codes},
    source::{Name, Scalar, Sources, Span},
};

pub use plain::{Plain, plain};

/// Bytes of a file.
pub const MAX_FILE: usize = 1 << 20;
/// Bytes of one scalar.
pub const MAX_SCALAR: usize = 256 << 10;
/// Lists and objects within one another.
pub const MAX_DEPTH: usize = 64;
/// Expressions without quotes that are told one by one before the reader gives up on the file.
const MAX_UNQUOTED: usize = 50;

/// A value of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Text, number, boolean: see [`plain()`].
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// An object, keys in the order written, none twice.
    Map(Vec<(Name, Node)>),
    /// `null`, `~`, or nothing at all (then the span is empty).
    Null,
}

/// Adds a file as it lies on the disk. A file that is no UTF-8 text or too large is a problem and gives nothing to read;
/// it still has its number, so that the problem can be shown.
pub fn decode(sources: &mut Sources, name: &str, bytes: &[u8], problems: &mut Problems) -> Option<u32> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.len() > MAX_FILE {
        let file = sources.add(name, "");
        problems.add(too_large(file, bytes.len()));
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(sources.add(name, text)),
        Err(broken) => {
            let at = broken.valid_up_to();
            let file = sources.add(name, String::from_utf8_lossy(bytes));
            let place = Span { file, start: at as u32, end: at as u32 + 3 };
            let wide = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
            let found = if wide { "this is UTF-16" } else { "these bytes are no UTF-8" };
            let problem = Problem::error(codes::NOT_TEXT, place, format!("{found}, expected UTF-8 text"));
            problems.add(problem.help("save the file as UTF-8"));
            None
        }
    }
}

/// Reads a file. A file that is no YAML at all gives nothing; all other problems leave a tree to go on with.
pub fn read(sources: &Sources, file: u32, problems: &mut Problems) -> Option<Node> {
    let source = sources.get(file)?;
    if source.text.len() > MAX_FILE {
        problems.add(too_large(file, source.text.len()));
        return None;
    }
    let mut unquoted = Vec::new();
    let (found, root) = loop {
        match tree::build(&source.text, file, &unquoted) {
            tree::Built::Tree(found, root) => break (found, root),
            tree::Built::Unquoted(place) => unquoted.push(place),
        }
        if unquoted.len() > MAX_UNQUOTED {
            break (Vec::new(), None);
        }
    };
    for place in unquoted {
        let span = Span { file, start: place.start as u32, end: place.end as u32 };
        let problem = Problem::error(
            codes::UNQUOTED,
            span,
            "an expression without quotes: YAML reads its braces as an object",
        );
        let written = source.text[place].split_whitespace().collect::<Vec<_>>().join(" ");
        let help =
            if written.contains('"') { format!("write '{written}'") } else { format!("write \"{written}\"") };
        problems.add(problem.says("quote this").help(help));
    }
    for problem in found {
        problems.add(problem);
    }
    root
}

fn too_large(file: u32, bytes: usize) -> Problem {
    let message = format!("the file has {bytes} bytes, at most {MAX_FILE} are read");
    Problem::error(codes::LIMIT, Span { file, start: 0, end: 0 }, message).help("split it into several files")
}

#[cfg(test)]
mod tests;
