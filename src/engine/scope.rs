//! Expressions of a run, worked out over its slots. In: templates and slots. Out: values, or a message for a letter. The only
//! file of the engine that knows how an expression is called.

use std::sync::Arc;

use crate::{
    expr::{Mapping, Root, Scope, Template},
    plan::{NodeId, Plan, Slot, Slots},
    value::Value,
};

/// What a slot holds.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) enum Held {
    /// Not yet, or never.
    #[default]
    Unset,
    /// The node was skipped.
    Skipped,
    /// A value.
    Value(Value),
    /// Of a node with `apart`: what succeeded, and what failed.
    Apart(Value, Value),
}

/// All slots of a run.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Roots {
    held: Vec<Held>,
    nodes: Slot,
}

impl Roots {
    pub(in crate::engine) fn new(plan: &Plan, event: &Value, run: Value) -> Self {
        let mut held = vec![Held::Unset; usize::from(plan.slots.count)];
        held[usize::from(Slots::EVENT)] = Held::Value(event.clone());
        held[usize::from(Slots::RUN)] = Held::Value(run);
        held[usize::from(Slots::CONNECTION)] = Held::Value(plan.settings.clone());
        Self { held, nodes: plan.slots.nodes }
    }

    pub(in crate::engine) fn set(&mut self, slot: Slot, value: Value) {
        self.held[usize::from(slot)] = Held::Value(value);
    }

    pub(in crate::engine) fn clear(&mut self, slot: Slot) {
        self.held[usize::from(slot)] = Held::Unset;
    }

    pub(in crate::engine) fn skip(&mut self, node: NodeId) {
        self.held[usize::from(self.nodes + node)] = Held::Skipped;
    }

    pub(in crate::engine) fn set_node(&mut self, node: NodeId, value: Value) {
        self.set(self.nodes + node, value);
    }

    pub(in crate::engine) fn set_apart(&mut self, node: NodeId, done: Value, failed: Value) {
        self.held[usize::from(self.nodes + node)] = Held::Apart(done, failed);
    }

    pub(in crate::engine) fn get(&self, slot: Slot) -> &Held {
        &self.held[usize::from(slot)]
    }

    pub(in crate::engine) fn node(&self, node: NodeId) -> Option<&Value> {
        match self.get(self.nodes + node) {
            Held::Value(value) | Held::Apart(value, _) => Some(value),
            Held::Unset | Held::Skipped => None,
        }
    }

    fn with<T>(&self, plan: &Plan, work: impl FnOnce(&Scope<'_>) -> T) -> T {
        let roots: Vec<Root<'_>> = self
            .held
            .iter()
            .map(|held| match held {
                Held::Unset => Root::Unset,
                Held::Skipped => Root::Skipped,
                Held::Value(value) => Root::Value(value),
                Held::Apart(done, failed) => Root::Apart { done, failed },
            })
            .collect();
        work(&Scope::new(&roots, &plan.tables))
    }

    /// What a template gives; `null` if it leaves itself out.
    pub(in crate::engine) fn value(&self, plan: &Plan, template: &Template) -> Result<Value, Arc<str>> {
        let got = self.with(plan, |scope| template.eval(scope));
        got.map(Option::unwrap_or_default).map_err(|error| error.to_string().into())
    }

    /// A condition: a boolean, or a message.
    pub(in crate::engine) fn truth(&self, plan: &Plan, template: &Template) -> Result<bool, Arc<str>> {
        match self.value(plan, template)? {
            Value::Bool(truth) => Ok(truth),
            other => Err(format!("found {} in a condition, expected a boolean", other.kind()).into()),
        }
    }

    /// A text for people; a fault in it is told in its place, since the text itself tells of a fault.
    pub(in crate::engine) fn text(&self, plan: &Plan, template: &Template) -> Arc<str> {
        match self.value(plan, template) {
            Ok(Value::Text(text)) => text,
            Ok(other) => other.to_json().into(),
            Err(message) => format!("(the reason could not be worked out: {message})").into(),
        }
    }

    /// What a mapping gives; none if it leaves itself out.
    pub(in crate::engine) fn map(&self, plan: &Plan, mapping: &Mapping) -> Result<Option<Value>, Arc<str>> {
        self.with(plan, |scope| mapping.eval(scope)).map_err(|error| error.to_string().into())
    }

    /// The object of parameters.
    pub(in crate::engine) fn with_of(
        &self,
        plan: &Plan,
        with: &[(Arc<str>, Mapping)],
    ) -> Result<Value, Arc<str>> {
        let mut pairs = Vec::with_capacity(with.len());
        self.with(plan, |scope| {
            for (name, mapping) in with {
                match mapping.eval(scope) {
                    Ok(Some(value)) => pairs.push((Arc::clone(name), value)),
                    Ok(None) => {}
                    Err(error) => return Err(Arc::from(format!("`{name}`: {error}"))),
                }
            }
            Ok(())
        })?;
        Ok(Value::object(pairs))
    }
}
