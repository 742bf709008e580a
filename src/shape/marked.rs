//! Personal data in a value. In: a value and its shape, with the marks of the record. Out: the texts that are personal.

use std::{collections::BTreeSet, sync::Arc};

use super::Shape;
use crate::value::Value;

/// Adds the texts that stand where the shape says that something is personal, and all below such a place.
pub fn marked<'v>(value: &'v Value, shape: &Shape, found: &mut BTreeSet<&'v str>) {
    walk(value, shape, false, found);
}

/// Adds the names of the fields that are marked, wherever they stand in the shape.
pub fn names_marked(shape: &Shape, found: &mut BTreeSet<Arc<str>>) {
    match shape {
        Shape::Object(object) => {
            for (name, field) in &object.fields {
                if field.personal.is_some() {
                    found.insert(Arc::clone(name));
                }
                names_marked(&field.shape, found);
            }
        }
        Shape::List(inner) | Shape::Optional(inner) => names_marked(inner, found),
        _ => {}
    }
}

fn walk<'v>(value: &'v Value, shape: &Shape, is_personal: bool, found: &mut BTreeSet<&'v str>) {
    match (value, shape.present()) {
        (Value::Map(map), Shape::Object(object)) => {
            for (name, value) in map.iter() {
                let field = object.fields.get(name);
                let inner = field.map_or(&Shape::Any, |field| &field.shape);
                walk(value, inner, is_personal || field.is_some_and(|field| field.personal.is_some()), found);
            }
        }
        (Value::List(items), Shape::List(element)) => {
            items.iter().for_each(|item| walk(item, element, is_personal, found));
        }
        (Value::Map(map), _) if is_personal => {
            map.values().for_each(|value| walk(value, &Shape::Any, true, found));
        }
        (Value::List(items), _) if is_personal => {
            items.iter().for_each(|item| walk(item, &Shape::Any, true, found));
        }
        (Value::Text(text), _) if is_personal && !text.is_empty() => {
            found.insert(text);
        }
        _ => {}
    }
}
