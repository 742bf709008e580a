//! Constants that are refused whenever the expression runs: `'1.00' | money('XXY')`. In: a tree whose shapes are right. Out:
//! faults with the words of the function itself.

use super::{Infer, shape_of};
use crate::{
    expr::{
        Fault, FaultKind, Scope, Tables, eval,
        node::{Kind, Node},
        template::{Body, Part},
    },
    function::{Function, Takes},
    shape::Shape,
    value::Value,
};

impl Infer<'_> {
    /// A constant argument, whatever the others are; of a choice each branch that is one.
    pub(super) fn constant_argument(
        &mut self,
        function: &Function,
        position: usize,
        arg: &Node,
        shape: &Shape,
    ) {
        let Some(param) = function.param(position) else { return };
        let Some(accepts) = param.constant else { return };
        // of another kind: that is told already
        let fits = |value: &Value| param.takes.all_of(Takes::of(&shape_of(value)));
        for (node, value) in constants(arg, shape).into_iter().filter(|(_, value)| fits(value)) {
            if let Err(refusal) = accepts(&value) {
                let message = format!("`{}`: {refusal}", function.name);
                self.fault(FaultKind::Refused, node.place(), message, None);
            }
        }
    }
}

/// The constants that a node can stand for.
fn constants<'n>(node: &'n Node, shape: &Shape) -> Vec<(&'n Node, Value)> {
    let branches = |nodes: &'n [Node]| nodes.iter().flat_map(|node| constants(node, &Shape::Any)).collect();
    match (&node.kind, shape) {
        (Kind::Const(Value::Null), _) => Vec::new(),
        (Kind::Const(value), _) => vec![(node, value.clone())],
        (Kind::If(nodes), _) => branches(&nodes[1..]),
        (Kind::Default(nodes), _) => branches(&nodes[..]),
        (Kind::FirstOf(nodes), _) => branches(nodes),
        (_, Shape::Enum(words)) if words.len() == 1 => vec![(node, Value::from(words[0].clone()))],
        _ => Vec::new(),
    }
}

/// What fails in parts that read nothing: they are worked out here, once.
pub(super) fn refused(body: &Body, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    match body {
        Body::Const(_) => {}
        Body::One(node) => work_out(node, text, &mut faults),
        Body::Mixed(parts) => {
            for part in parts {
                if let Part::Expression(node) = part {
                    work_out(node, text, &mut faults);
                }
            }
        }
    }
    faults
}

fn work_out(node: &Node, text: &str, faults: &mut Vec<Fault>) {
    if !is_constant(node) {
        return node.parts().into_iter().for_each(|part| work_out(part, text, faults));
    }
    let tables = Tables::new();
    let scope = Scope::new(&[], &tables);
    if let Err(error) = eval::eval(node, &eval::Context::new(&scope, None, text)) {
        faults.push(Fault::new(FaultKind::Refused, (error.start, error.end), error.message.clone()));
    }
}

/// Whether a node reads nothing: neither a root nor a table.
fn is_constant(node: &Node) -> bool {
    let reads = matches!(
        node.kind,
        Kind::Path { .. }
            | Kind::Rows { .. }
            | Kind::Row { .. }
            | Kind::Column { .. }
            | Kind::FailedOf { .. }
            | Kind::TieOut { .. }
            | Kind::Omit
            | Kind::Attribute(_)
    );
    !reads && node.parts().into_iter().all(is_constant)
}
