//! Used paths: which parts of a value are worth keeping on disk.

use std::{collections::BTreeMap, sync::Arc};

use super::Value;

/// Which parts of a value are used. Pruning by it drops the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing below here is used (the place itself may be asked whether it is there).
    #[default]
    Nothing,
    /// All of it.
    All,
    /// These members of an object; of a list, these members of every element.
    Fields(BTreeMap<Arc<str>, Keep>),
}

impl Keep {
    /// Adds a path of member names; list steps leave no name, since a field of a list means that field of each element.
    pub fn add(&mut self, path: &[Arc<str>]) {
        if matches!(self, Self::All) {
            return;
        }
        let Some((first, rest)) = path.split_first() else {
            *self = Self::All;
            return;
        };
        if !matches!(self, Self::Fields(_)) {
            *self = Self::Fields(BTreeMap::new());
        }
        if let Self::Fields(fields) = self {
            fields.entry(Arc::clone(first)).or_default().add(rest);
        }
    }

    /// Everything that either keeps.
    pub fn union(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::All, _) | (_, Self::Nothing) => {}
            (_, Self::All) => *self = Self::All,
            (Self::Nothing, _) => *self = other.clone(),
            (Self::Fields(mine), Self::Fields(theirs)) => {
                for (name, keep) in theirs {
                    mine.entry(Arc::clone(name)).or_default().union(keep);
                }
            }
        }
    }

    /// The used parts of a value. Lists keep their length, scalars stay whole.
    pub fn prune(&self, value: &Value) -> Value {
        match (self, value) {
            (Self::Fields(_), Value::List(items)) => Value::list(items.iter().map(|item| self.prune(item))),
            (Self::Fields(fields), Value::Map(map)) => {
                let mut kept = super::map_with_capacity(fields.len().min(map.len()));
                let used = map.iter().filter_map(|(key, value)| Some((key, value, fields.get(key)?)));
                kept.extend(used.map(|(key, value, keep)| (Arc::clone(key), keep.prune(value))));
                Value::from(kept)
            }
            (Self::Nothing, Value::Null | Value::Bool(_)) | (Self::All | Self::Fields(_), _) => value.clone(),
            (Self::Nothing, Value::List(_)) => Value::list([]),
            (Self::Nothing, Value::Map(_)) => Value::object::<Arc<str>>([]),
            (Self::Nothing, _) => Value::Bool(true),
        }
    }
}
