//! A file held against the table of keys. In: a tree and what is wanted of it. Out: every problem of form, none twice and
//! none that only follows from another. It must never know what the file is used for.

mod object;
mod scalar;
mod words;

use std::{borrow::Cow, collections::HashMap};

use crate::{
    problem::{Problem, Problems, codes},
    source::Span,
    syntax::keys::{self, Names, Object, Want},
    yaml::{Kind, Node},
};
use words::{example, found, mark, wanted};

/// Holds files against the table.
pub(super) struct Form<'p> {
    problems: &'p mut Problems,
    /// Objects may lack what they need: an overlay says only what it changes.
    partial: bool,
    /// Misspelt keys, told already, and what they were meant to be.
    meant: HashMap<Span, &'static str>,
}

/// What is being read, for messages.
#[derive(Clone, Copy)]
struct Place<'a> {
    key: &'a str,
    example: &'a str,
    /// An entry of the list that the key has.
    entry: bool,
}

impl Place<'_> {
    fn called(self) -> String {
        if self.entry { format!("an entry of `{}`", self.key) } else { format!("`{}`", self.key) }
    }
}

impl<'p> Form<'p> {
    pub(super) fn new(problems: &'p mut Problems) -> Self {
        Self { problems, partial: false, meant: HashMap::new() }
    }

    /// The same for a file that only changes another.
    pub(super) fn partial(problems: &'p mut Problems) -> Self {
        Self { partial: true, ..Self::new(problems) }
    }

    /// A whole file: an object. The tree as it was meant: misspelt keys are told, so nothing is to follow from them.
    pub(super) fn file<'n>(mut self, node: &'n Node, object: &'static Object) -> Cow<'n, Node> {
        self.object(node, object, Place { key: object.name, example: "", entry: false }, None, None);
        if self.meant.is_empty() {
            return Cow::Borrowed(node);
        }
        let mut node = node.clone();
        as_meant(&mut node, &self.meant);
        Cow::Owned(node)
    }

    /// An example of the table.
    #[cfg(test)]
    pub(super) fn example(&mut self, node: &Node, want: &Want) {
        self.value(node, want, Place { key: "example", example: "", entry: false });
    }

    fn problem(&mut self, code: &'static str, span: Span, message: String, help: impl Into<String>) {
        let help = help.into();
        let problem = Problem::error(code, span, message);
        self.problems.add(if help.is_empty() { problem } else { problem.help(help) });
    }

    fn value(&mut self, node: &Node, want: &Want, place: Place<'_>) {
        if node.kind == Kind::Null && !matches!(want, Want::Data) {
            return self.null(node, want, place);
        }
        match want {
            Want::Given => self.given(node, place),
            Want::Data => {}
            Want::Type => self.types(node, place, false),
            Want::Shape => self.types(node, place, true),
            Want::Object(object) => self.object(node, object, place, None, None),
            Want::Choice(choice) => self.choice(node, choice, place),
            Want::List(inner) => match &node.kind {
                Kind::List(items) => self.entries(items, inner, place),
                _ => self.kind(node, want, place),
            },
            Want::Many(inner) => match &node.kind {
                Kind::List(items) => self.entries(items, inner, place),
                _ => self.value(node, inner, place),
            },
            Want::Map(names, inner) => self.map(node, *names, inner, want, place),
            Want::Either(plain, object) => {
                let chosen = if matches!(node.kind, Kind::Map(_)) { object } else { plain };
                self.value(node, chosen, place);
            }
            _ => match &node.kind {
                Kind::Scalar(scalar) => self.scalar(node, scalar, want, place),
                _ => self.kind(node, want, place),
            },
        }
    }

    fn entries(&mut self, items: &[Node], want: &Want, place: Place<'_>) {
        for item in items {
            self.value(item, want, Place { entry: true, ..place });
        }
    }

    fn null(&mut self, node: &Node, want: &Want, place: Place<'_>) {
        if node.span.start == node.span.end {
            let message = format!("{} has no value", place.called());
            let sent =
                if matches!(want, Want::Given) { "; to send nothing on purpose, write null" } else { "" };
            self.problem(
                codes::EMPTY,
                node.span,
                message,
                format!(
                    "{}{sent}",
                    if place.example.is_empty() {
                        "write a value after the colon".to_owned()
                    } else {
                        example(place)
                    }
                ),
            );
        } else if !matches!(want, Want::Given) {
            self.kind(node, want, place);
        }
    }

    fn kind(&mut self, node: &Node, want: &Want, place: Place<'_>) {
        let message = format!("{} wants {}, found {}", place.called(), wanted(want), found(node));
        self.problem(codes::KIND, mark(node), message, example(place));
    }

    fn map(&mut self, node: &Node, names: Names, inner: &Want, want: &Want, place: Place<'_>) {
        let Kind::Map(entries) = &node.kind else { return self.kind(node, want, place) };
        for (name, value) in entries {
            self.name(&name.value, name.span, names, place.key);
            self.value(value, inner, Place { key: &name.value, example: "", entry: false });
        }
    }

    fn given(&mut self, node: &Node, place: Place<'_>) {
        match &node.kind {
            Kind::List(items) => self.entries(items, &Want::Given, place),
            Kind::Map(entries) => {
                let names: Vec<_> = entries.iter().map(|(name, _)| &*name.value).collect();
                match keys::given(&names) {
                    Some(object) => self.object(node, object, place, None, None),
                    None => self.map(node, Names::Free, &Want::Given, &Want::Given, place),
                }
            }
            _ => {}
        }
    }

    fn types(&mut self, node: &Node, place: Place<'_>, objects: bool) {
        let word = |letter: char| {
            letter.is_ascii_alphanumeric()
                || matches!(letter, '_' | '.' | '?' | '[' | ']' | ' ' | '=' | '-' | ':' | '/' | '|')
        };
        match &node.kind {
            Kind::Scalar(scalar) if !scalar.text.is_empty() && scalar.text.chars().all(word) => {}
            Kind::List(items) if items.len() == 1 => self.types(&items[0], place, objects),
            Kind::Map(entries) if objects => {
                for (name, value) in entries {
                    self.value(value, &Want::Shape, Place { key: &name.value, example: "", entry: false });
                }
            }
            _ => self.kind(node, if objects { &Want::Shape } else { &Want::Type }, place),
        }
    }
}

fn as_meant(node: &mut Node, meant: &HashMap<Span, &'static str>) {
    match &mut node.kind {
        Kind::Map(entries) => {
            for (name, value) in entries {
                if let Some(key) = meant.get(&name.span) {
                    name.value = (*key).into();
                }
                as_meant(value, meant);
            }
        }
        Kind::List(items) => items.iter_mut().for_each(|item| as_meant(item, meant)),
        Kind::Null | Kind::Scalar(_) => {}
    }
}
