//! What came in becomes an event. In: a source of a plan's trigger, a webhook's body or a row. Out: the event as the source maps
//! it, the parameters of a read, and what names the source in the journal. It must never know where it came from.

use std::sync::Arc;

use crate::{
    expr::{Mapping, Root, Scope},
    plan::{Plan, Slots, Source},
    shape::inward,
    value::{Hash, Value},
};

/// The event that a source makes of a webhook's body, a poll's row or a firing; none if its mapping leaves it out.
pub fn event(plan: &Plan, source: &Source, came: &Value) -> Result<Option<Value>, String> {
    let came =
        inward(came, &source.body).map_err(|miss| format!("the body is not what its record says: {miss}"))?;
    let Some(mapping) = &source.event else { return Ok(Some(came)) };
    with(plan, source, Some(&came), |scope| mapping.eval(scope).map_err(|error| error.to_string()))
}

/// The parameters that a source's read is asked with.
pub fn parameters(plan: &Plan, source: &Source, given: &[(Arc<str>, Mapping)]) -> Result<Value, String> {
    let mut pairs = Vec::with_capacity(given.len());
    with(plan, source, None, |scope| {
        for (name, mapping) in given {
            let value = mapping.eval(scope).map_err(|error| format!("`{name}`: {error}"))?;
            pairs.extend(value.map(|value| (Arc::clone(name), value)));
        }
        Ok(())
    })?;
    Ok(Value::object(pairs))
}

/// What names a source in the journal: account, operation (or cron and zone) and what is asked. Another query starts anew.
pub fn name(account: &str, asked: &str, with: &Value) -> Hash {
    Value::list([Value::from(account), Value::from(asked), with.clone()]).hash()
}

fn with<T>(
    plan: &Plan,
    source: &Source,
    came: Option<&Value>,
    work: impl FnOnce(&Scope<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let mut roots = vec![Root::Unset; usize::from(source.count.max(Slots::NODES))];
    roots[usize::from(Slots::CONNECTION)] = Root::Value(&plan.settings);
    if let Some(came) = came {
        roots[usize::from(Slots::EVENT)] = Root::Value(came);
    }
    work(&Scope::new(&roots, &plan.tables))
}
