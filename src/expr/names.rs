//! Which roots an expression may mention.

use std::borrow::Cow;

use crate::shape::near;

/// A root's number in a scope.
pub type Slot = u16;

/// Stands for what cannot be read: no root has it, so nothing is known of its value.
pub(super) const UNKNOWN: Slot = Slot::MAX;

/// The roots that an expression may mention, and their numbers. `tables` and `omit` are always there.
#[derive(Clone, Debug, Default)]
pub struct Names<'a>(Vec<(Cow<'a, str>, Slot)>);

impl<'a> Names<'a> {
    /// No roots.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a root; a later one of the same name hides the earlier.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'a, str>>, slot: Slot) -> Self {
        self.add(name, slot);
        self
    }

    /// Adds a root; a later one of the same name hides the earlier.
    pub fn add(&mut self, name: impl Into<Cow<'a, str>>, slot: Slot) {
        self.0.push((name.into(), slot));
    }

    /// The number of a root.
    pub fn get(&self, name: &str) -> Option<Slot> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, slot)| *slot)
    }

    /// The root whose name is most like this.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        near(name, self.0.iter().map(|(known, _)| &**known).chain(["tables", "omit"]))
    }
}
