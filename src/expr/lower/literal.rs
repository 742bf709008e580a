//! Literals. Numbers take their digits from the text: the grammar has made binary floats of them.

use minijinja::{machinery::Span as Place, value::ValueKind};

use super::{Lower, Node};
use crate::{
    expr::{FaultKind, node::Kind},
    money,
    value::{Map, Value},
};

impl Lower<'_> {
    pub(super) fn constant(&mut self, value: &minijinja::Value, span: Place) -> Node {
        let place = self.place(span);
        let constant = match value.kind() {
            ValueKind::None => Value::Null,
            ValueKind::Bool => Value::Bool(value.is_true()),
            ValueKind::String => Value::from(value.as_str().unwrap_or_default()),
            ValueKind::Number => {
                let written = &self.source.text[span.start_offset as usize..span.end_offset as usize];
                match number(written) {
                    Ok(number) => number,
                    Err(message) => return self.refuse(FaultKind::Syntax, place, message),
                }
            }
            other => {
                return self.refuse(FaultKind::Syntax, place, format!("a {other} cannot be written here"));
            }
        };
        Node::new(Kind::Const(constant), place)
    }
}

fn number(written: &str) -> Result<Value, String> {
    let digits = written.replace('_', "");
    if let Some(radix) = radix(&digits) {
        let whole = i64::from_str_radix(&digits[2..], radix)
            .map_err(|_| format!("`{written}` does not fit a whole number"))?;
        return Ok(whole.into());
    }
    if digits.contains(['e', 'E']) {
        return Err(format!("`{written}` has an exponent: write its digits out"));
    }
    money::decimal(&digits).map(Value::from).map_err(|error| error.to_string())
}

fn radix(digits: &str) -> Option<u32> {
    match digits.get(..2)? {
        "0x" | "0X" => Some(16),
        "0o" | "0O" => Some(8),
        "0b" | "0B" => Some(2),
        _ => None,
    }
}

/// A list; a constant if all its elements are.
pub(super) fn list(items: Vec<Node>, place: (u32, u32)) -> Node {
    let constants: Option<Vec<Value>> = items.iter().map(|item| constant(item).cloned()).collect();
    Node::new(constants.map_or_else(|| Kind::List(items), |items| Kind::Const(items.into())), place)
}

/// An object; a constant if all its members are.
pub(super) fn object(members: Vec<(std::sync::Arc<str>, Node)>, place: (u32, u32)) -> Node {
    let constants: Option<Map> =
        members.iter().map(|(name, value)| Some((name.clone(), constant(value)?.clone()))).collect();
    Node::new(constants.map_or_else(|| Kind::Object(members), |members| Kind::Const(members.into())), place)
}

fn constant(node: &Node) -> Option<&Value> {
    match &node.kind {
        Kind::Const(value) => Some(value),
        _ => None,
    }
}
