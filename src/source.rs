//! Files as text, and places in them. In: a name and a text. Out: [`Source`], [`Span`], [`Spanned`]. It must never know
//! what the text means.

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

/// Every file that was read, so that a span can be shown.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a file and returns its number.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> u32 {
        self.0.push(Source { name: name.into(), text: text.into() });
        (self.0.len() - 1) as u32
    }

    /// The file of that number.
    pub fn get(&self, file: u32) -> Option<&Source> {
        self.0.get(file as usize)
    }

    /// All files, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn line_column(&self, file: u32, at: u32) -> (usize, usize) {
        let Some(source) = self.get(file) else { return (1, 1) };
        let mut end = (at as usize).min(source.text.len());
        while !source.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &source.text[..end];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }
}
