//! Values out of a tree that was already held against the table of keys. In: nodes. Out: pieces of an AST. It tells no
//! problems: what is not as wanted was told by [`super::form`] and is left out here.

use std::{sync::Arc, time::Duration};

use crate::{
    source::{Name, Scalar, Span, Spanned},
    syntax::{
        ast::{Each, Given, Use},
        duration::duration,
        keys,
    },
    yaml::{Kind, Node, Plain, plain},
};

/// The entries of an object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    entries: &'n [(Name, Node)],
    pub(super) span: Span,
}

impl<'n> Fields<'n> {
    pub(super) fn of(node: &'n Node) -> Option<Self> {
        match &node.kind {
            Kind::Map(entries) => Some(Self { entries, span: node.span }),
            _ => None,
        }
    }

    pub(super) fn get(self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(name, _)| &*name.value == key).map(|(_, node)| node)
    }

    /// The first of these keys that is there, and its value.
    pub(super) fn first(self, keys: &[&str]) -> Option<(&'n Name, &'n Node)> {
        self.entries.iter().find(|(name, _)| keys.contains(&&*name.value)).map(|(name, node)| (name, node))
    }

    pub(super) fn scalar(self, key: &str) -> Option<Scalar> {
        scalar(self.get(key)?)
    }

    pub(super) fn name(self, key: &str) -> Option<Name> {
        name(self.get(key)?)
    }

    pub(super) fn given(self, key: &str) -> Option<Given> {
        Some(given(self.get(key)?))
    }

    pub(super) fn data(self, key: &str) -> Option<Given> {
        Some(data(self.get(key)?))
    }

    pub(super) fn duration(self, key: &str) -> Option<Spanned<Duration>> {
        let found = name(self.get(key)?)?;
        Some(Spanned::new(duration(&found.value)?, found.span))
    }

    pub(super) fn whole(self, key: &str) -> Option<Spanned<u32>> {
        let found = name(self.get(key)?)?;
        Some(Spanned::new(found.value.parse().ok()?, found.span))
    }

    pub(super) fn flag(self, key: &str) -> Option<Spanned<bool>> {
        let found = scalar(self.get(key)?)?;
        match plain(&found.text) {
            Plain::Bool(flag) if found.plain => Some(Spanned::new(flag, found.span)),
            _ => None,
        }
    }

    /// One name or a list of them.
    pub(super) fn names(self, key: &str) -> Vec<Name> {
        self.many(key, name)
    }

    /// One or a list.
    pub(super) fn many<T>(self, key: &str, read: impl FnMut(&'n Node) -> Option<T>) -> Vec<T> {
        self.get(key).map_or_else(Vec::new, |node| many(node, read))
    }

    pub(super) fn list<T>(self, key: &str, read: impl FnMut(&'n Node) -> Option<T>) -> Vec<T> {
        match self.get(key).map(|node| &node.kind) {
            Some(Kind::List(items)) => items.iter().filter_map(read).collect(),
            _ => Vec::new(),
        }
    }

    /// An object with free keys.
    pub(super) fn map<T>(self, key: &str, mut read: impl FnMut(&'n Node) -> Option<T>) -> Vec<(Name, T)> {
        let inner = self.get(key).and_then(Fields::of);
        let entries = inner.map_or(&[][..], |fields| fields.entries);
        entries.iter().filter_map(|(name, node)| Some((name.clone(), read(node)?))).collect()
    }

    pub(super) fn object<T>(self, key: &str, read: impl FnOnce(Fields<'n>) -> Option<T>) -> Option<T> {
        read(Fields::of(self.get(key)?)?)
    }

    /// All entries as values.
    pub(super) fn rest(self, but: &[&str]) -> Vec<(Name, Given)> {
        let kept = self.entries.iter().filter(|(name, _)| !but.contains(&&*name.value));
        kept.map(|(name, node)| (name.clone(), given(node))).collect()
    }

    /// All entries as they stand.
    pub(super) fn entries(self) -> &'n [(Name, Node)] {
        self.entries
    }

    /// The names of all keys.
    pub(super) fn keys(self) -> impl Iterator<Item = &'n Name> {
        self.entries.iter().map(|(name, _)| name)
    }
}

pub(super) fn scalar(node: &Node) -> Option<Scalar> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(scalar.clone()),
        _ => None,
    }
}

pub(super) fn name(node: &Node) -> Option<Name> {
    scalar(node).map(|scalar| scalar.name())
}

pub(super) fn many<'n, T>(node: &'n Node, mut read: impl FnMut(&'n Node) -> Option<T>) -> Vec<T> {
    match &node.kind {
        Kind::List(items) => items.iter().filter_map(read).collect(),
        _ => read(node).into_iter().collect(),
    }
}

/// A value in which nested `each` and `use` are understood.
pub(super) fn given(node: &Node) -> Given {
    let Kind::Map(entries) = &node.kind else { return leaf(node, given) };
    let fields = Fields { entries, span: node.span };
    let names: Vec<_> = entries.iter().map(|(name, _)| &*name.value).collect();
    let kind = keys::given(&names).map(|object| object.name);
    let special = match kind {
        Some(name) if name == keys::EACH.name => each(fields).map(|each| Given::Each(Box::new(each))),
        Some(_) => placed(fields).map(|placed| Given::Use(Box::new(placed))),
        None => None,
    };
    special.unwrap_or_else(|| {
        Given::Object(entries.iter().map(|(name, value)| (name.clone(), given(value))).collect(), node.span)
    })
}

/// A value as it stands.
pub(super) fn data(node: &Node) -> Given {
    match &node.kind {
        Kind::Map(entries) => Given::Object(
            entries.iter().map(|(name, value)| (name.clone(), data(value))).collect(),
            node.span,
        ),
        _ => leaf(node, data),
    }
}

fn leaf(node: &Node, inner: fn(&Node) -> Given) -> Given {
    match &node.kind {
        Kind::Scalar(scalar) => Given::Scalar(scalar.clone()),
        Kind::List(items) => Given::List(items.iter().map(inner).collect(), node.span),
        Kind::Null | Kind::Map(_) => Given::Scalar(null(node.span)),
    }
}

fn null(span: Span) -> Scalar {
    Scalar { text: Arc::from("null"), span, plain: true, places: [(0, span.start)].into() }
}

/// `fields:`, `value:`, or `use:` with `with:`.
pub(super) fn body(fields: Fields<'_>) -> Option<Given> {
    let as_use = || placed(fields).map(|placed| Given::Use(Box::new(placed)));
    fields.given("fields").or_else(|| fields.given("value")).or_else(as_use)
}

/// The list of an `each` and the name of its element. One of them may be lost, which is told: then a list of anything stands
/// for the list, and a name that nothing else has for the name.
pub(super) fn each_as(fields: Fields<'_>) -> Option<(Scalar, Name)> {
    let list = fields.scalar("each");
    let name = fields.name("as");
    let span = list.as_ref().map(|list| list.span).or(name.as_ref().map(|name| name.span))?;
    let any = || Scalar { text: "{{ [] }}".into(), span, plain: false, places: [(0, span.start)].into() };
    Some((list.unwrap_or_else(any), name.unwrap_or_else(|| Name::new("".into(), span))))
}

fn each(fields: Fields<'_>) -> Option<Each> {
    let (list, name) = each_as(fields)?;
    Some(Each { list, name, filter: fields.scalar("where"), body: body(fields)?, span: fields.span })
}

fn placed(fields: Fields<'_>) -> Option<Use> {
    let with = fields.map("with", |node| Some(given(node)));
    Some(Use { fragment: fields.name("use")?, with, span: fields.span })
}

/// The name of a type; a list of one is written `[type]`.
pub(super) fn type_name(node: &Node) -> Option<Name> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(scalar.name()),
        Kind::List(items) => {
            let inner = type_name(items.first()?)?;
            Some(Spanned::new(format!("[{}]", inner.value).into(), node.span))
        }
        _ => None,
    }
}
