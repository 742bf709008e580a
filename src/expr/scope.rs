//! What an evaluation sees: roots, tables, and how much work it may do.

use std::cell::Cell;

use super::{Slot, Tables};
use crate::value::Value;

/// A root's value, as far as there is one.
#[derive(Clone, Copy, Debug)]
pub enum Root<'a> {
    /// Not settled: mentioning it is a mistake of the plan.
    Unset,
    /// The node was skipped.
    Skipped,
    /// It has a value.
    Value(&'a Value),
    /// A node with `apart`: the list of those that succeeded, and of those that failed (for `failed_of`).
    Apart {
        /// What its name gives.
        done: &'a Value,
        /// What `failed_of` gives.
        failed: &'a Value,
    },
}

/// How much work one evaluation may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps: one a node of the tree, one an element of a list that is walked, one for 64 bytes of text.
    pub fuel: u64,
    /// Elements of any one list that is made.
    pub items: usize,
    /// Places that one `JSONPath` may look at.
    pub places: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: 20_000_000, items: 1_000_000, places: 1_000_000 }
    }
}

/// What an evaluation sees.
#[derive(Debug)]
pub struct Scope<'a> {
    pub(super) roots: &'a [Root<'a>],
    pub(super) tables: &'a Tables,
    pub(super) limits: Limits,
    pub(super) fuel: Cell<u64>,
}

impl<'a> Scope<'a> {
    /// Roots by slot, and the tables.
    pub fn new(roots: &'a [Root<'a>], tables: &'a Tables) -> Self {
        Self::limited(roots, tables, Limits::default())
    }

    /// As [`Scope::new`], with other limits.
    pub fn limited(roots: &'a [Root<'a>], tables: &'a Tables, limits: Limits) -> Self {
        Self { roots, tables, limits, fuel: Cell::new(limits.fuel) }
    }
}

/// A name bound inside a mapping (`as:`, `let:`), in front of those bound around it.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) slot: Slot,
    pub(super) value: &'a Value,
    pub(super) outer: Option<&'a Bound<'a>>,
}
