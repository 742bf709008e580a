//! What the YAML parser cannot read, said so that it can be mended. In: its error. Out: a problem. It must never guess
//! beyond the place the parser stopped at.

use granit_parser::ErrorKind;

use crate::{
    problem::{Problem, codes},
    source::Span,
};

/// The problem at byte `at` of the text.
pub(super) fn problem(text: &str, file: u32, at: usize, kind: &ErrorKind) -> Problem {
    let mut start = text.floor_char_boundary(at);
    let (code, message, help) = said(text, start, kind);
    if code == codes::TAB {
        start = tab(text, start);
    } else if let ErrorKind::UnexpectedCharacter { character } = kind {
        start += text[start..].find(*character).unwrap_or(0);
    }
    let width = text[start..].chars().next().filter(|letter| *letter != '\n').map_or(0, char::len_utf8);
    let span = Span { file, start: start as u32, end: (start + width) as u32 };
    Problem::error(code, span, message).help(help)
}

/// The tab that stopped the parser: it stands before or behind that place, in its line or the next one.
fn tab(text: &str, at: usize) -> usize {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let before = text[line..text.ceil_char_boundary(at + 1)].rfind('\t').map(|found| line + found);
    let behind = || text[at..].find('\t').map(|found| at + found);
    before.or_else(behind).unwrap_or(at)
}

fn said(text: &str, at: usize, kind: &ErrorKind) -> (&'static str, String, &'static str) {
    use ErrorKind as E;
    let (code, message, help) = match kind {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabAtBlockScalarStart
        | E::TabInIndentation
        | E::TabInPlainScalar => {
            (codes::TAB, "a tab: YAML is indented with spaces", "replace the tab with spaces")
        }
        E::DirectiveDisallowed => (codes::TAG, "a directive: files here have none", "leave the line out"),
        E::RecursionLimitExceeded => {
            (codes::LIMIT, "lists and objects stand too deep within one another", "say it flatter")
        }
        E::UnexpectedCharacter { character } if character.is_control() => {
            let message = format!("the control character U+{:04X} is no text", u32::from(*character));
            return (codes::NOT_TEXT, message, "remove it, or write it as an escape in double quotes");
        }
        E::BomInsideDocument => {
            (codes::NOT_TEXT, "a byte-order mark inside the text", "remove the invisible character")
        }
        E::UnexpectedCharacter { character: letter @ ('@' | '`' | '%') } => {
            return (codes::SYNTAX, format!("text may not begin with `{letter}`"), "put the text in quotes");
        }
        E::UnclosedQuotedScalar => (codes::SYNTAX, "the quote that opens here is never closed", "close it"),
        E::MappingValueNotAllowed | E::InvalidColonPlacement if within_text(text, at) => (
            codes::SYNTAX,
            "a second `: ` in one line: YAML reads it as another key",
            "put the text that holds the colon in quotes",
        ),
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => (
            codes::SYNTAX,
            "text goes on after the closing quote",
            "put the whole value in quotes; inside double quotes write \\\", inside single quotes ''",
        ),
        E::UnknownQuotedScalarEscape => (
            codes::SYNTAX,
            "an unknown escape in double quotes",
            "write \\\\ for a backslash, or use single quotes",
        ),
        E::UnclosedFlowCollection { open } => {
            return (codes::SYNTAX, format!("the `{open}` is never closed"), "add the closing bracket");
        }
        E::MismatchedFlowCollectionEnd { open, close } => {
            return (codes::SYNTAX, format!("`{close}` closes `{open}`"), "make the brackets match");
        }
        E::UnexpectedEofFlowMapping | E::UnexpectedEofFlowSequence | E::UnexpectedEofImplicitFlowMapping => {
            (codes::SYNTAX, "the file ends inside brackets", "add the closing bracket")
        }
        E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator => (
            codes::SYNTAX,
            "a comma or the closing bracket is missing here",
            "add it, or put the text in quotes",
        ),
        E::ExpectedBlockMappingKey
        | E::InvalidIndentation
        | E::ExpectedBlockSequenceEntry
        | E::InvalidSimpleKey
        | E::MappingValueNotAllowed
        | E::InvalidColonPlacement => (
            codes::SYNTAX,
            "this line does not fit the lines above",
            "keys of one object stand in one column and end with `:`; entries of a list begin with `- `",
        ),
        E::SimpleKeyExpected => {
            (codes::SYNTAX, "this line is no `key: value`", "add the colon, or indent the line under its key")
        }
        other => {
            return (
                codes::SYNTAX,
                format!("not valid YAML: {other}"),
                "check quotes, colons and indentation here",
            );
        }
    };
    (code, message.to_owned(), help)
}

/// Whether an earlier `: ` stands in the same line.
fn within_text(text: &str, at: usize) -> bool {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[line..at].contains(": ")
}
