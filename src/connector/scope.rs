//! Evaluating a connector's expressions. In: templates, roots. Out: values, or a message that names the place. The one file
//! that touches the evaluator's types.

use crate::{
    expr::{Mapping, Root, Scope, Tables, Template},
    value::Value,
};

use super::model::Slot;

/// The values that expressions may mention, by slot.
#[derive(Clone, Debug)]
pub(super) struct Roots(Vec<Option<Value>>);

impl Roots {
    /// Room for so many roots, none of them set.
    pub(super) fn new(count: usize) -> Self {
        Self(vec![None; count])
    }

    pub(super) fn set(&mut self, slot: Slot, value: Value) {
        let slot = usize::from(slot);
        if self.0.len() <= slot {
            self.0.resize(slot + 1, None);
        }
        self.0[slot] = Some(value);
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Value> {
        self.0.get(usize::from(slot)).and_then(Option::as_ref)
    }

    /// The value of a mapping; null and `omit` are both none.
    pub(super) fn maybe(&self, mapping: &Mapping) -> Result<Option<Value>, String> {
        Ok(self.mapping(mapping)?.filter(|value| !value.is_null()))
    }

    /// The value of a mapping; none is `omit`.
    pub(super) fn mapping(&self, mapping: &Mapping) -> Result<Option<Value>, String> {
        self.with(|scope| mapping.eval(scope).map_err(|error| error.to_string()))
    }

    /// The value of an expression; `omit` is null.
    pub(super) fn template(&self, template: &Template) -> Result<Value, String> {
        self.with(|scope| {
            template.eval(scope).map(Option::unwrap_or_default).map_err(|error| error.to_string())
        })
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self, template: &Template) -> Result<bool, String> {
        let value = self.template(template)?;
        value.as_bool().ok_or_else(|| format!("a condition gave {}, expected true or false", value.kind()))
    }

    fn with<T>(&self, eval: impl FnOnce(&mut Scope<'_>) -> Result<T, String>) -> Result<T, String> {
        let tables = Tables::default();
        let roots: Vec<_> =
            self.0.iter().map(|value| value.as_ref().map_or(Root::Unset, Root::Value)).collect();
        eval(&mut Scope::new(&roots, &tables))
    }
}
