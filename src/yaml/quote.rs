//! Expressions that lack their quotes. In: the text and a place. Out: the bytes of `{{ … }}` that YAML reads as an object.
//! It must never know what the expression says.

use std::ops::Range;

/// How far an expression without quotes may reach.
const REACH: usize = 1024;

/// The place of the unquoted `{{ … }}` that starts at byte `at`, with what hangs on it up to the next blank or comma.
pub(super) fn starting(text: &str, at: usize) -> Option<Range<usize>> {
    if !text.get(at..)?.starts_with("{{") {
        return None;
    }
    let mut end = close(text, at)?;
    loop {
        let rest = &text[end..];
        let tail = rest.find([' ', '\t', '\n', '\r', ',', ']', '}', '{']).unwrap_or(rest.len());
        end += tail;
        let following = &text[end..];
        let spaces = following.len() - following.trim_start_matches(' ').len();
        match close(text, end + spaces) {
            Some(next) => end = next,
            None => return Some(at..end),
        }
    }
}

/// The unquoted expression that a scanner's error at byte `at` comes from: the last `{{` before it that stands where a value
/// begins and is in none of the scalars already read.
pub(super) fn before(text: &str, at: usize, read: &[Range<usize>]) -> Option<Range<usize>> {
    let from = text.floor_char_boundary(at.saturating_sub(REACH));
    let to = text.ceil_char_boundary((at + 2).min(text.len()));
    let begins = |place: &usize| {
        let before = text[..*place].trim_end_matches(' ');
        let inside = read.iter().any(|scalar| scalar.contains(place));
        let line = &text[text[..*place].rfind('\n').map_or(0, |newline| newline + 1)..*place];
        let comment = line.starts_with('#') || line.contains(" #");
        !inside && !comment && before.ends_with([':', ',', '[', '-', '{', '\n'])
    };
    let found = text[from..to].match_indices("{{").map(|(offset, _)| from + offset).find(begins)?;
    starting(text, found)
}

/// One past the `}}` that closes the `{{` at byte `at`; quotes inside the expression hide braces.
fn close(text: &str, at: usize) -> Option<usize> {
    let inside = text.get(at..)?.strip_prefix("{{")?;
    let bytes = inside.as_bytes();
    let mut quote = None;
    for place in 0..bytes.len().min(REACH) {
        match (quote, bytes[place]) {
            (None, letter @ (b'"' | b'\'')) => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            (None, b'}') if bytes.get(place + 1) == Some(&b'}') => return Some(at + 2 + place + 2),
            _ => {}
        }
    }
    inside.get(..inside.floor_char_boundary(REACH))?.find("}}").map(|place| at + 2 + place + 2)
}

/// The text with every byte of `places` replaced by a letter; line breaks stay.
pub(super) fn masked(text: &str, places: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for byte in places.iter().flat_map(Clone::clone) {
        if !matches!(bytes[byte], b'\n' | b'\r') {
            bytes[byte] = b'x';
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
