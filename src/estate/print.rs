//! What a file says, as a hash: comments, layout and quotes do not count. In: a tree. Out: a hash. It must never know what
//! the keys mean.

use crate::{
    value::{Hash, Value},
    yaml::{Kind, Node, Plain, plain},
};

/// The hash of a tree.
pub(super) fn of(node: &Node) -> Hash {
    value(node).hash()
}

fn value(node: &Node) -> Value {
    match &node.kind {
        // Plain `5` and quoted `"5"` mean different things.
        Kind::Scalar(scalar) if scalar.plain && !matches!(plain(&scalar.text), Plain::Text(_)) => {
            Value::list([Value::from(scalar.text.clone())])
        }
        Kind::Scalar(scalar) => Value::from(scalar.text.clone()),
        Kind::List(items) => Value::list(items.iter().map(value)),
        // The order of keys is the reading order of nodes' fields: it is kept.
        Kind::Map(entries) => {
            Value::list(entries.iter().map(|(name, node)| Value::object([(name.value.clone(), value(node))])))
        }
        Kind::Null => Value::Null,
    }
}
