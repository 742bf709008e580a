//! The end of an operation. In: the steps' answers. Out: what the operation gives, joined, taken, brought back to the elements
//! of a batch, and turned to the form expressions see.

use std::{collections::HashMap, sync::Arc};

use super::{Exec, Reply};
use crate::{
    connector::model::{Back, slot},
    event::{Answer, Class, Failure, Sent},
    shape::{self, Shape},
    value::Value,
};

impl Exec<'_> {
    pub(super) fn finish(&mut self) -> Result<Answer, String> {
        let value = self.whole()?;
        let Some(batch) = &self.operation.batch else {
            let value = self.rows(&value).map_or_else(|| self.inward(&value), Ok)?;
            return Ok(if self.batch {
                Answer::Each(self.inputs.iter().map(|_| Ok(value.clone())).collect())
            } else {
                value.into()
            });
        };
        let values = match &batch.back {
            Back::Whole => vec![value; self.inputs.len()],
            Back::InOrder => self.in_order(value)?,
            Back::Match { key, row } => self.matched(key, row, &value)?,
        };
        let mut each = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let failed = self.failed.iter().find(|(place, _)| *place == index);
            each.push(match failed {
                Some((_, told)) => Err(Failure::new(Class::Reject, Sent::No, told.as_str())),
                None => Ok(self.inward(value)?),
            });
        }
        if self.batch {
            return Ok(Answer::Each(each));
        }
        match each.into_iter().next() {
            Some(Ok(value)) => Ok(value.into()),
            Some(Err(failure)) => Err(failure.message.to_string()),
            None => Ok(Value::Null.into()),
        }
    }

    /// What the operation gives, over its steps.
    fn whole(&mut self) -> Result<Value, String> {
        let operation = self.operation;
        let of = |index: usize, exec: &Self| {
            exec.roots.get(slot::STEPS + index as u16).cloned().unwrap_or_default()
        };
        if let Some(main) = operation.join {
            let mut map = match of(main, self) {
                Value::Map(map) => map.as_ref().clone(),
                Value::Null => return Ok(Value::Null),
                other => {
                    return Err(format!(
                        "`{}`: expected an object, found {}",
                        operation.steps[main].name,
                        other.kind()
                    ));
                }
            };
            for (index, step) in operation.steps.iter().enumerate().filter(|(index, _)| *index != main) {
                map.insert(Arc::clone(&step.name), of(index, self));
            }
            return Ok(Value::from(map));
        }
        match &operation.take {
            Some(take) => Ok(self.roots.mapping(take)?.unwrap_or_default()),
            None => Ok(of(operation.steps.len() - 1, self)),
        }
    }

    pub(super) fn inward(&self, value: &Value) -> Result<Value, String> {
        let code = |id: &Value| self.connection.currency(id);
        shape::inward_with(value, &self.operation.gives, &code).map_err(|miss| miss.to_string())
    }

    /// The rows of a poll, each by itself: one that cannot be read does not keep the others back. None: it is no poll, or no row
    /// can be read, which is a mistake in the connector rather than in a row.
    fn rows(&mut self, value: &Value) -> Option<Value> {
        let (Some(_), Shape::List(row), Value::List(rows)) =
            (&self.operation.cursor, &self.operation.gives, value)
        else {
            return None;
        };
        let code = |id: &Value| self.connection.currency(id);
        let (mut good, mut unread) = (Vec::with_capacity(rows.len()), Vec::new());
        for found in rows.iter() {
            match shape::inward_with(found, row, &code) {
                Ok(value) => good.push(value),
                Err(miss) => unread.push((found.clone(), miss.to_string())),
            }
        }
        if good.is_empty() && !unread.is_empty() {
            return None;
        }
        self.unread = unread;
        Some(good.into())
    }

    fn in_order(&self, value: Value) -> Result<Vec<Value>, String> {
        match value {
            Value::List(rows) if rows.len() == self.inputs.len() => Ok(rows.as_ref().clone()),
            Value::List(rows) => {
                Err(format!("{} rows came back for {} elements", rows.len(), self.inputs.len()))
            }
            other => Err(format!("a list was expected, one row an element, found {}", other.kind())),
        }
    }

    fn matched(
        &self,
        key: &crate::expr::Template,
        row: &crate::expr::Template,
        value: &Value,
    ) -> Result<Vec<Value>, String> {
        let rows = match value {
            Value::List(rows) => rows.as_slice(),
            Value::Null => &[],
            other => return Err(format!("a list of rows was expected, found {}", other.kind())),
        };
        let mut by_key: HashMap<String, &Value> = HashMap::new();
        let mut roots = self.roots.clone();
        for found in rows {
            roots.set(slot::ROW, found.clone());
            if let Some(text) = roots.template(row)?.scalar_text() {
                by_key.entry(text).or_insert(found);
            }
        }
        self.inputs
            .iter()
            .map(|input| {
                roots.set(slot::WITH, input.clone());
                let text = roots.template(key)?.scalar_text();
                Ok(text.and_then(|text| by_key.get(&text).map(|row| (*row).clone())).unwrap_or_default())
            })
            .collect()
    }

    /// Whether a refusal names elements that failed by themselves; the others count as done.
    pub(super) fn elements_failed(&mut self, reply: &Reply) -> bool {
        let operation = self.operation;
        let Some(batch) = operation.batch.as_ref().filter(|_| (400..500).contains(&reply.status)) else {
            return false;
        };
        let (Some(errors), Back::Match { key, .. }) = (&batch.errors, &batch.back) else { return false };
        let mut roots = self.roots.clone();
        roots.set(slot::ANSWER, reply.body.clone());
        let Ok(Value::List(rows)) = roots.template(&errors.list) else { return false };
        let mut failed = Vec::new();
        for row in rows.iter() {
            roots.set(slot::ROW, row.clone());
            let Some(name) = roots.template(&errors.row).ok().and_then(|value| value.scalar_text()) else {
                return false;
            };
            let words = errors
                .message
                .as_ref()
                .and_then(|message| roots.template(message).ok())
                .and_then(|value| value.scalar_text());
            failed.push((name, words.unwrap_or_else(|| "refused by the platform".to_owned())));
        }
        for (index, input) in self.inputs.iter().enumerate() {
            roots.set(slot::WITH, input.clone());
            let text = roots.template(key).ok().and_then(|value| value.scalar_text());
            if let Some((_, words)) = text.and_then(|text| failed.iter().find(|(name, _)| *name == text)) {
                self.failed.push((index, format!("{}: {words}", self.operation.name)));
            }
        }
        !self.failed.is_empty()
    }
}
