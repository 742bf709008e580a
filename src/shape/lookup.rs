//! What a step into a shape leads to. In: a shape and a name. Out: a shape, or a miss with the nearest name.

use std::sync::Arc;

use super::{Object, Shape, near};
use crate::value::Step;

/// A step that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Miss {
    /// A closed object has no such field.
    #[error("{of} has no field `{name}`")]
    Field {
        /// The object, in words.
        of: String,
        /// The field that was asked for.
        name: String,
        /// The nearest field there is.
        did_you_mean: Option<Arc<str>>,
    },
    /// There is nothing to step into.
    #[error("{of} has no fields, so there is no `{name}` in it")]
    NoFields {
        /// What it is.
        of: String,
        /// The field that was asked for.
        name: String,
    },
}

impl Miss {
    /// How to mend it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Field { did_you_mean, .. } => {
                did_you_mean.as_ref().map(|name| format!("did you mean `{name}`?"))
            }
            Self::NoFields { of, .. } if of.starts_with("list of") => {
                Some("a list has elements: use `[0]`, `map(attribute='…')`, `find(…)` or `each`".into())
            }
            Self::NoFields { .. } => None,
        }
    }
}

/// The shape of the member `name`. A field that is not always there gives an optional shape, and so does a shape that may
/// itself be missing.
pub fn lookup(shape: &Shape, name: &str) -> Result<Shape, Miss> {
    match shape {
        Shape::Any => Ok(Shape::Any),
        Shape::Object(object) => field(object, name),
        Shape::Optional(inner) => lookup(inner, name).map(Shape::optional),
        other => Err(Miss::NoFields { of: other.to_string(), name: name.into() }),
    }
}

fn field(object: &Object, name: &str) -> Result<Shape, Miss> {
    match object.fields.get(name) {
        Some(field) if field.required => Ok(field.shape.clone()),
        Some(field) => Ok(field.shape.clone().optional()),
        None if object.open => Ok(Shape::Any),
        None => Err(Miss::Field {
            of: object.name.as_deref().map_or_else(|| "the object".to_owned(), |name| format!("`{name}`")),
            name: name.into(),
            did_you_mean: near(name, object.fields.keys().map(|key| &**key)).map(Into::into),
        }),
    }
}

/// The shape of an element, if this is a list.
pub fn element(shape: &Shape) -> Option<Shape> {
    match shape.present() {
        Shape::Any => Some(Shape::Any),
        Shape::List(element) => Some(Shape::clone(element)),
        _ => None,
    }
}

/// The same shape, where what the path leads to is known to be there.
pub fn present_at(shape: &Shape, path: &[Step]) -> Shape {
    let present = shape.present();
    match (path.split_first(), present) {
        (Some((Step::Key(name), rest)), Shape::Object(object)) if object.fields.contains_key(name) => {
            let mut object = Object::clone(object);
            if let Some(field) = object.fields.get_mut(name) {
                field.shape = present_at(&field.shape, rest);
                field.required = true;
            }
            Shape::Object(Arc::new(object))
        }
        _ => present.clone(),
    }
}

/// The kind of personal data that a path leads through or to: the first there is. A list on the way means its elements.
pub fn personal<'s>(shape: &'s Shape, path: &[Arc<str>]) -> Option<&'s Arc<str>> {
    match (shape.present(), path.split_first()) {
        (Shape::List(element), _) => personal(element, path),
        (Shape::Object(object), Some((name, rest))) => {
            let field = object.fields.get(name)?;
            field.personal.as_ref().or_else(|| personal(&field.shape, rest))
        }
        (Shape::Object(object), None) => object
            .fields
            .values()
            .find_map(|field| field.personal.as_ref().or_else(|| personal(&field.shape, &[]))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Field;

    #[test]
    fn steps_lead_on_or_say_why_not() {
        let mut order = Object { name: Some("shop.order".into()), ..Object::default() };
        order.fields.insert("email".into(), Field::optional(Shape::TEXT));
        order.fields.insert("id".into(), Field::required(Shape::Int));
        let order = Shape::Object(Arc::new(order));
        assert_eq!(lookup(&order, "id"), Ok(Shape::Int));
        assert_eq!(lookup(&order, "email"), Ok(Shape::TEXT.optional()));
        assert_eq!(lookup(&order.clone().optional(), "id"), Ok(Shape::Int.optional()));
        let miss = lookup(&order, "emial").unwrap_err();
        assert_eq!(miss.to_string(), "`shop.order` has no field `emial`");
        assert_eq!(miss.help().as_deref(), Some("did you mean `email`?"));
        assert_eq!(personal(&order, &[]), None);
        assert!(lookup(&order.list(), "id").unwrap_err().help().unwrap().contains("a list has elements"));
    }
}
