//! Files as text, and places in them. In: a name and a text. Out: [`Source`], [`Span`], [`Spanned`], [`Scalar`]. It must
//! never know what the text means.

use std::sync::Arc;

/// A file of an estate: its name as people know it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path relative to where the command was started, or `<embedded>/…`.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

/// Bytes `start..end` of file number `file` in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Span {
    /// Index into [`Sources`].
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span from the start of `self` to the end of `other`, in the file of `self`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { end: other.end.max(self.start), ..self }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts a value and its place together.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), span: self.span }
    }
}

/// Text with its place.
pub type Name = Spanned<Arc<str>>;

/// A scalar as text, with what is needed to point inside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// The text after unescaping and folding. White space around it is stripped, save in a quoted constant.
    pub text: Arc<str>,
    /// The place of the whole scalar, quotes included; of a block scalar its content, header left out.
    pub span: Span,
    /// Whether it was written plain (unquoted, not a block): only plain scalars may be numbers, booleans or null.
    pub plain: bool,
    /// For each run of `text` (offset in `text`), the byte of the file it came from; sorted, never empty.
    pub places: Arc<[(u32, u32)]>,
}

impl Scalar {
    /// The place in the file of bytes `start..end` of `text`. What was written as an escape or folded from a line break is
    /// placed at its first byte.
    pub fn place(&self, start: u32, end: u32) -> Span {
        let first = self.byte(start);
        let last = if end > start { (self.byte(end - 1) + 1).min(self.span.end) } else { first };
        Span { file: self.span.file, start: first, end: last.max(first) }
    }

    /// The byte of the file that byte `offset` of `text` came from, never beyond its own run.
    fn byte(&self, offset: u32) -> u32 {
        let run = self.places.partition_point(|(from, _)| *from <= offset).max(1) - 1;
        let (from, byte) = self.places[run];
        let limit = self.places.get(run + 1).map_or(self.span.end, |(_, next)| next.saturating_sub(1));
        (byte + (offset - from)).min(limit.max(byte))
    }

    /// The text with the place of the whole.
    #[must_use]
    pub fn name(&self) -> Name {
        Spanned::new(self.text.clone(), self.span)
    }
}

/// Every file that was read, so that a span can be shown.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
    lines: Vec<Lines>,
}

/// Where the lines of a file begin, and whether a byte is a character there.
#[derive(Clone, Debug)]
struct Lines {
    starts: Vec<u32>,
    ascii: bool,
}

impl Sources {
    /// Adds a file and returns its number.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> u32 {
        let source = Source { name: name.into(), text: text.into() };
        let starts = source.text.bytes().zip(1..).filter(|(byte, _)| *byte == b'\n').map(|(_, next)| next);
        let (starts, ascii) = (std::iter::once(0).chain(starts).collect(), source.text.is_ascii());
        self.lines.push(Lines { starts, ascii });
        self.files.push(source);
        (self.files.len() - 1) as u32
    }

    /// The file of that number.
    pub fn get(&self, file: u32) -> Option<&Source> {
        self.files.get(file as usize)
    }

    /// All files, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn line_column(&self, file: u32, at: u32) -> (usize, usize) {
        let (Some(source), Some(Lines { starts: lines, ascii })) =
            (self.get(file), self.lines.get(file as usize))
        else {
            return (1, 1);
        };
        let end = source.text.floor_char_boundary(at as usize);
        let line = lines.partition_point(|start| *start as usize <= end).max(1);
        let start = lines.get(line - 1).map_or(0, |start| *start as usize);
        let before = if *ascii { end - start } else { source.text[start..end].chars().count() };
        (line, before + 1)
    }

    /// The first byte of a line, from 1; of one behind the last, the end of the file.
    pub fn line_start(&self, file: u32, line: usize) -> usize {
        let starts = self.lines.get(file as usize).map(|lines| lines.starts.as_slice()).unwrap_or_default();
        let end = self.get(file).map_or(0, |source| source.text.len());
        starts.get(line.saturating_sub(1)).map_or(end, |start| *start as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_and_column_count_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "a: é\r\nb: 漢x\n");
        let found = |at| sources.line_column(file, at);
        assert_eq!((1, 1), found(0));
        assert_eq!((1, 4), found(4), "inside a character means at it");
        assert_eq!((2, 1), found(7));
        assert_eq!((2, 5), found(13));
        assert_eq!((3, 1), found(15));
        assert_eq!((3, 1), found(999));
        assert_eq!((1, 1), sources.line_column(7, 3), "an unknown file has one place");
    }

    #[test]
    fn a_place_never_leaves_its_run() {
        // Text `a` + an escape of two bytes written as six + `b`.
        let span = Span { file: 3, start: 10, end: 20 };
        let scalar =
            Scalar { text: "aéb".into(), span, plain: false, places: [(0, 11), (1, 12), (3, 18)].into() };
        assert_eq!(Span { file: 3, start: 12, end: 14 }, scalar.place(1, 3));
        assert_eq!(Span { file: 3, start: 11, end: 19 }, scalar.place(0, 4));
        assert_eq!(20, scalar.place(4, 400).end, "past the end is the end");
    }
}
