//! Lines of sublists. In: a body, the record as it is now. Out: the body whose lines carry the platform's keys, so that no line
//! is ever added a second time; lines of ours that are gone are closed the connector's way. Lines that it keeps are not sent.

use std::{collections::HashMap, sync::Arc};

use super::Exec;
use crate::{
    connector::{
        model::{Step, Sublist, slot},
        scope::Roots,
    },
    expr::Template,
    value::Value,
};

impl Exec<'_> {
    /// The body of a step with `over`.
    pub(super) fn lines(&self, step: &Step, body: Option<Value>) -> Result<Option<Value>, String> {
        let (Some(over), Some(Value::Map(map))) = (step.over, &body) else { return Ok(body) };
        let Some(present) = self.roots.get(slot::STEPS + over as u16) else { return Ok(body) };
        let mut map = map.as_ref().clone();
        for (name, sublist) in &self.operation.sublists {
            let Sublist::Key { key, by: Some(by), gone, keep } = sublist else { continue };
            let Some(given) = map.get(name) else { continue };
            let old = rows(present.get(name).unwrap_or(&Value::Null));
            let known: HashMap<String, &Value> =
                old.iter().filter_map(|line| Some((line.get(by)?.scalar_text()?, line))).collect();
            let mut lines = Vec::new();
            let mut met = Vec::new();
            for line in rows(given) {
                let id = line.get(by).and_then(Value::scalar_text);
                let same = id.as_ref().and_then(|id| known.get(id));
                met.extend(id.filter(|_| same.is_some()));
                if let Some(line) = same
                    && self.is_kept(keep.as_ref(), line)?
                {
                    continue;
                }
                let place = same.and_then(|line| line.get(key)).filter(|place| !place.is_null());
                lines.push(place.map_or_else(|| line.clone(), |place| with(line, key, place.clone())));
            }
            if let Some(gone) = gone {
                for line in old.iter().filter(|line| {
                    line.get(by).and_then(Value::scalar_text).is_some_and(|id| !met.contains(&id))
                }) {
                    if self.is_kept(keep.as_ref(), line)? {
                        continue;
                    }
                    if let (Some(place), Some(sent)) = (line.get(key), self.over(line).mapping(gone)?) {
                        lines.push(with(&sent, key, place.clone()));
                    }
                }
            }
            map.insert(Arc::clone(name), like(given, lines));
        }
        Ok(Some(Value::from(map)))
    }

    /// What an expression over a line sees.
    fn over(&self, line: &Value) -> Roots {
        let mut roots = self.roots.clone();
        roots.set(slot::LINE, line.clone());
        roots
    }

    /// Whether a line is left alone.
    fn is_kept(&self, keep: Option<&Template>, line: &Value) -> Result<bool, String> {
        keep.map_or(Ok(false), |keep| self.over(line).holds(keep))
    }
}

/// The lines of a sublist, with or without the `{items: […]}` around them.
pub(super) fn rows(sublist: &Value) -> &[Value] {
    sublist.as_list().or_else(|| sublist.get("items")?.as_list()).unwrap_or_default()
}

fn like(given: &Value, lines: Vec<Value>) -> Value {
    match given {
        Value::Map(map) => {
            let mut map = map.as_ref().clone();
            map.insert("items".into(), Value::from(lines));
            Value::from(map)
        }
        _ => Value::from(lines),
    }
}

fn with(line: &Value, key: &Arc<str>, place: Value) -> Value {
    let mut map = line.as_map().cloned().unwrap_or_default();
    map.insert(Arc::clone(key), place);
    Value::from(map)
}
