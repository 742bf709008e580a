//! What is known of the roots before an expression runs.

use std::sync::Arc;

use super::{Fact, facts};
use crate::{
    expr::{Fault, FaultKind, Slot, Tables, Template, template::Body},
    shape::{self, Shape},
};

/// What an expression gives, as far as it is known, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// Its shape.
    pub shape: Shape,
    /// Whether it may say `omit`: a field made so may be absent.
    pub omits: bool,
    /// Data of a person that its value is made of; what only decides, and fingerprints, do not count. Members of an object
    /// say it themselves.
    pub personal: Option<Personal>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// A mention of data of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Personal {
    /// Which kind, as the record says: `email`, `name` and so on.
    pub kind: Arc<str>,
    /// First byte of the mention in the template's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// What is known of a root.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) shape: Shape,
    pub(super) may_be_skipped: bool,
    /// The kind of personal data that all of it is.
    pub(super) personal: Option<Arc<str>>,
}

/// The shapes of the roots, the tables, and what may be taken for granted.
#[derive(Clone, Debug, Default)]
pub struct Env<'a> {
    roots: Vec<Option<Known>>,
    pub(super) tables: Option<&'a Tables>,
    pub(super) facts: Vec<Fact>,
}

impl<'a> Env<'a> {
    /// Nothing is known of any root. Without tables nothing is known of them either.
    pub fn new(tables: Option<&'a Tables>) -> Self {
        Self { tables, ..Self::default() }
    }

    /// Says what a root looks like.
    #[must_use]
    pub fn with(mut self, slot: Slot, shape: Shape) -> Self {
        self.set(slot, shape, false);
        self
    }

    /// Says what a root looks like, and whether its node may be skipped when the expression runs.
    pub fn set(&mut self, slot: Slot, shape: Shape, may_be_skipped: bool) {
        self.replace_known(slot, Some(Known { shape, may_be_skipped, personal: None }));
    }

    /// Says that all of a root is personal data of a kind.
    pub fn set_personal(&mut self, slot: Slot, kind: Option<Arc<str>>) {
        if let Some(Some(known)) = self.roots.get_mut(usize::from(slot)) {
            known.personal = kind;
        }
    }

    /// Takes for granted what holds when a condition is true: after `x is not none`, `x` is there.
    pub fn assume(&mut self, condition: &Template) {
        if let Body::One(node) = condition.body() {
            self.facts.extend(facts::when(node, true));
        }
    }

    /// How much is taken for granted, to be given to [`Env::forget`].
    pub fn mark(&self) -> usize {
        self.facts.len()
    }

    /// Takes for granted only what was at the mark.
    pub fn forget(&mut self, mark: usize) {
        self.facts.truncate(mark);
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Known> {
        self.roots.get(usize::from(slot))?.as_ref()
    }

    fn replace_known(&mut self, slot: Slot, known: Option<Known>) -> Option<Known> {
        let slot = usize::from(slot);
        if self.roots.len() <= slot {
            self.roots.resize(slot + 1, None);
        }
        std::mem::replace(&mut self.roots[slot], known)
    }

    pub(super) fn replace(&mut self, slot: Slot, shape: Shape) -> Option<Known> {
        self.replace_known(slot, Some(Known { shape, may_be_skipped: false, personal: None }))
    }

    pub(super) fn put_back(&mut self, slot: Slot, known: Option<Known>) {
        self.replace_known(slot, known);
    }
}

/// The shape of what an `each` walks over.
pub(super) fn element_of(list: &Template, inferred: &Inferred, faults: &mut Vec<Fault>) -> Shape {
    let place = (0, list.text().len() as u32);
    let mut fault = |kind, message: String, help: &str| {
        let span = list.place(place.0, place.1);
        faults.push(Fault { span, ..Fault::new(kind, place, message).help(help) });
    };
    if inferred.shape.may_miss() {
        fault(
            FaultKind::MayBeMissing,
            format!("`each` needs a list, this may be null ({})", inferred.shape),
            "give it one with `| default([])`",
        );
    } else if shape::element(&inferred.shape).is_none() {
        fault(
            FaultKind::Type,
            format!("`each` needs a list, found {}", inferred.shape),
            "name a list, or wrap one value as `[value]`",
        );
    }
    shape::element(&inferred.shape).unwrap_or(Shape::Any)
}
