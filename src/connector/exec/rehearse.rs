//! What a write would do. In: an operation that has come to a call with an effect. Out: that call beside the record as it is
//! now, and the answer that may be supposed. Nothing is sent.

use std::sync::Arc;

use super::{Call, Exec, Target, lines::rows};
use crate::{
    connector::model::{Sublist, slot},
    event::Answer,
    secret::rewrite,
    shape::Shape,
    value::{Map, Value},
};

/// What stands in place of personal data.
pub const HIDDEN: &str = "(personal data)";

/// A call that was not sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Would {
    /// Connection and operation: `erp.upsert_sales_order`.
    pub operation: String,
    /// The method and the path behind the connection's base.
    pub asked: String,
    /// Its body; personal data hidden.
    pub body: Value,
    /// What the operation itself read of the record it would change, with lines in the body's order; null: nothing.
    pub present: Value,
}

impl Exec<'_> {
    /// The call as it would be sent, and what it would change.
    pub fn would(&self, call: &Call) -> Would {
        let (Target::Path(path) | Target::Whole(path)) = &call.target;
        let body = call.body.clone().unwrap_or_default();
        let present = self.present(call).map(|present| self.aligned(&present, &body)).unwrap_or_default();
        let personal = self.operation.personal(&self.inputs);
        let hidden = |text: &str| if personal.contains(text) { HIDDEN.to_owned() } else { text.to_owned() };
        Would {
            operation: self.name(),
            asked: format!("{} {path}", call.method.name()),
            body: rewrite(&body, &hidden),
            present: rewrite(&present, &hidden),
        }
    }

    /// The answer that may be supposed if the call went well: what is known of it; a text that only the platform can give says so.
    pub fn supposed(&self, call: &Call) -> Answer {
        let mut known = self.present(call).and_then(|present| present.as_map().cloned()).unwrap_or_default();
        known.extend(call.body.as_ref().and_then(Value::as_map).into_iter().flatten().map(pair));
        let given = filled(&self.operation.gives, &Value::from(known), "answer");
        let given = self.inward(&given).unwrap_or(given);
        if self.batch {
            Answer::Each(self.inputs.iter().map(|_| Ok(given.clone())).collect())
        } else {
            given.into()
        }
    }

    /// The record that a call changes, if an earlier step read it.
    fn present(&self, call: &Call) -> Option<Value> {
        let over = self.operation.steps[call.step].over?;
        self.roots.get(slot::STEPS + over as u16).filter(|present| !present.is_null()).cloned()
    }

    /// The record with the lines of its sublists in the order in which the body has them: by the platform's key.
    fn aligned(&self, present: &Value, body: &Value) -> Value {
        let Some(map) = present.as_map() else { return present.clone() };
        let mut map = map.clone();
        for (name, sublist) in &self.operation.sublists {
            let Some(sent) = body.get(name) else { continue };
            let old = rows(present.get(name).unwrap_or(&Value::Null));
            let Sublist::Key { key, .. } = sublist else { continue };
            let same = |line: &Value| {
                let place = line.get(key)?.scalar_text()?;
                old.iter()
                    .find(|old| old.get(key).and_then(Value::scalar_text).as_ref() == Some(&place))
                    .cloned()
            };
            let lines = Value::list(rows(sent).iter().map(|line| same(line).unwrap_or_default()));
            let lines = if sent.as_list().is_some() { lines } else { Value::object([("items", lines)]) };
            map.insert(Arc::clone(name), lines);
        }
        Value::from(map)
    }
}

fn pair((key, value): (&Arc<str>, &Value)) -> (Arc<str>, Value) {
    (Arc::clone(key), value.clone())
}

/// What is known, in the form of the shape.
fn filled(shape: &Shape, known: &Value, name: &str) -> Value {
    match (shape.present(), known) {
        (Shape::Object(object), _) => {
            let mut map: Map = known.as_map().cloned().unwrap_or_default();
            for (name, field) in &object.fields {
                let member = known.get(name).cloned().unwrap_or_default();
                if field.required || !member.is_null() {
                    map.insert(Arc::clone(name), filled(&field.shape, &member, name));
                }
            }
            Value::from(map)
        }
        (Shape::Text(_), Value::Null) => format!("({name})").into(),
        _ => known.clone(),
    }
}
