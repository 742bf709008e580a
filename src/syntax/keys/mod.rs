//! What may stand in a file, as data: objects, their keys, what each key wants. In: nothing. Out: the table that the reader
//! ([`super::form`]), the JSON Schemas ([`super::schema`]) and the key reference ([`super::reference`]) walk. It must never
//! know how a value is used.

mod case;
mod connector;
mod estate;
mod flow;
mod node;

pub use case::CASES;
pub use connector::CONNECTOR;
pub use estate::ESTATE;
pub use flow::{EACH, FLOW, FRAGMENT, OVERLAY, USE};

/// The object that keys standing where a value may stand make it: a nested `each`, a fragment's `use`, or none. One key of
/// it may be misspelt: `as` beside `fields` is an `each` that lacks its list, `with` beside one other key is a `use`.
pub(super) fn given(names: &[&str]) -> Option<&'static Object> {
    let has = |key| names.contains(&key);
    let mapped = has("fields") || has("value") || has("use");
    if has("each") || (has("as") && mapped) {
        Some(&EACH)
    } else if has("use") || (names.len() == 2 && has("with")) {
        Some(&USE)
    } else {
        None
    }
}

/// What a key wants.
#[derive(Clone, Copy, Debug)]
pub enum Want {
    /// A constant text, number or boolean, taken as text.
    Text,
    /// A name: letters, digits and `_`, not one of the names that [`Names`] keeps back.
    Name(Names),
    /// `connection.operation` or `memory.book.verb`: names joined by dots.
    Call,
    /// A constant, an expression, or text with expressions.
    Expression,
    /// A whole number within bounds.
    Whole(u32, u32),
    /// A number within bounds.
    Number(f64, f64),
    /// `true` or `false`.
    Bool,
    /// `500ms`, `90s`, `10m`, `24h`, `3d`.
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An instant such as `2026-01-31T10:00:00Z`, or one of these words.
    Instant(&'static [&'static str]),
    /// What the inner one wants, or an expression.
    Or(&'static Want),
    /// `env:NAME` or `file:path`; never the secret itself.
    Reference,
    /// Any value; expressions, `each` and `use` may stand in it.
    Given,
    /// Any value, taken as it stands.
    Data,
    /// The name of a type, or a list of one.
    Type,
    /// The name of a type, a list of one, or an object of types: `{ id: int, lines: [any] }`.
    Shape,
    /// An object with these keys.
    Object(&'static Object),
    /// An object that one of several keys tells the kind of.
    Choice(&'static Choice),
    /// A list.
    List(&'static Want),
    /// One, or a list.
    Many(&'static Want),
    /// An object with free keys.
    Map(Names, &'static Want),
    /// An object by the second; anything else by the first.
    Either(&'static Want, &'static Want),
}

/// Which names may stand in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Any name of letters, digits and `_`.
    Any,
    /// A name that expressions mention: nodes, and what `as:` binds.
    Scope,
    /// An outcome of a decision.
    Outcome,
    /// A connection.
    Connection,
    /// Any text but expressions: fields of other systems.
    Free,
    /// `connection.operation`.
    Call,
}

impl Names {
    /// The names that may not stand here, and why.
    pub fn reserved(self) -> &'static [&'static str] {
        match self {
            Self::Any | Self::Free | Self::Call => &[],
            Self::Scope => &[
                "event",
                "run",
                "tables",
                "connection",
                "result",
                "omit",
                "memory",
                "flows",
                "failed",
                "true",
                "false",
                "none",
                "and",
                "or",
                "not",
                "in",
                "is",
                "if",
                "else",
            ],
            Self::Outcome => &["failed"],
            Self::Connection => &["memory", "flows"],
        }
    }
}

/// One key of an object.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// What it wants.
    pub want: Want,
    /// Whether it must be there.
    pub required: bool,
    /// What it means; a sentence for editors and the reference.
    pub doc: &'static str,
    /// A value of it, as YAML.
    pub example: &'static str,
}

/// An object with known keys.
#[derive(Debug)]
pub struct Object {
    /// What people call it, with its article: `an extract`.
    pub name: &'static str,
    /// What it is; a sentence.
    pub doc: &'static str,
    /// Its keys, in groups that objects share, in the order they are usually written.
    pub keys: &'static [&'static [Key]],
    /// What must hold between keys.
    pub rules: &'static [Rule],
}

impl Object {
    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().flat_map(|group| group.iter())
    }

    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

/// What must hold between the keys of an object.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Exactly one of these.
    OneOf(&'static [&'static str]),
    /// If the first is there, the second must be too.
    Needs(&'static str, &'static str),
    /// The value of an unknown key may be a secret that stands in the wrong place: it is never shown.
    Private,
}

/// Objects told apart by a key that only one of them has.
#[derive(Debug)]
pub struct Choice {
    /// What people call it: `node`.
    pub name: &'static str,
    /// What it is; a sentence.
    pub doc: &'static str,
    /// The key and the object it tells.
    pub of: &'static [(&'static str, &'static Object)],
}

/// A key that may be left out.
pub(super) const fn may(name: &'static str, want: Want, doc: &'static str, example: &'static str) -> Key {
    Key { name, want, required: false, doc, example }
}

/// A key that must be there.
pub(super) const fn must(name: &'static str, want: Want, doc: &'static str, example: &'static str) -> Key {
    Key { name, want, required: true, doc, example }
}
