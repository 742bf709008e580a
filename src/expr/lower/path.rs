//! Roots, steps into values, tables.

use minijinja::machinery::{
    Span as Place,
    ast::{Expr, GetAttr, GetItem, Slice, Spanned},
};

use super::{Lower, Node};
use crate::{
    expr::{
        Fault, FaultKind,
        node::{Kind, Named, Step, Way},
    },
    value::Value,
};

/// What other tools call the environment of a process.
const OUTSIDE: &[&str] = &["env", "ENV", "environ", "environment", "process", "secrets", "secret", "vars"];

impl Lower<'_> {
    pub(super) fn root(&mut self, name: &str, span: Place) -> Node {
        let place = self.place(span);
        if let Some(slot) = self.names.get(name) {
            return Node::new(Kind::Path { slot, steps: Vec::new() }, place);
        }
        match name {
            "omit" => Node::new(Kind::Omit, place),
            "tables" => {
                let fault = Fault::new(FaultKind::Syntax, place, "`tables` is no value");
                self.fault(fault.help("name a table: `tables.currencies[code].id`"))
            }
            _ => {
                let nearest = self.names.nearest(name).map(str::to_owned);
                let fault = Fault::new(FaultKind::UnknownName, place, format!("there is no `{name}` here"));
                self.fault(match (&nearest, crate::function::find(name)) {
                    _ if OUTSIDE.contains(&name) => fault.help(
                        "an expression reads no environment: a secret is named under `secrets` of a connection, \
                         a constant stands in its `settings` and is read as `connection.name.setting`",
                    ),
                    (None, Some(_)) => fault.help(format!("`{name}` is a function: call it, `{name}(…)`")),
                    _ => fault.did_you_mean(nearest.as_deref()),
                })
            }
        }
    }

    fn is_tables(&self, tree: &Expr<'_>) -> bool {
        matches!(tree, Expr::Var(var) if var.id == "tables" && self.names.get("tables").is_none())
    }

    pub(super) fn member(&mut self, attr: &Spanned<GetAttr<'_>>) -> Node {
        let end = self.offset + attr.span().end_offset;
        let place = (end.saturating_sub(attr.name.len() as u32), end);
        if self.is_tables(&attr.expr) {
            let start = self.offset + attr.expr.span().start_offset;
            let table = Named { name: attr.name.into(), place };
            return Node::new(Kind::Rows { table }, (start, end));
        }
        let base = self.lower(&attr.expr);
        let whole = self.balanced(base.start, end);
        match base.kind {
            Kind::Rows { table } => {
                let column = Named { name: attr.name.into(), place };
                Node::new(Kind::Column { table, column }, whole)
            }
            _ => step(base, Step::new(Way::Member(attr.name.into()), place), whole),
        }
    }

    pub(super) fn subscript(&mut self, item: &Spanned<GetItem<'_>>) -> Node {
        if self.is_tables(&item.expr) {
            let place = self.place(item.span());
            let fault = Fault::new(FaultKind::Syntax, place, "a table is named after a dot");
            return self.fault(fault.help("write `tables.name[key]`"));
        }
        let base = self.lower(&item.expr);
        let key = self.lower(&item.subscript_expr);
        let whole = self.since(&base, item.span());
        let place = key.place();
        match (base.kind, &key.kind) {
            (Kind::Rows { table }, _) => Node::new(Kind::Row { table, keys: vec![key] }, whole),
            (kind, Kind::Const(Value::Text(name))) => {
                step(Node { kind, ..base }, Step::new(Way::Look(name.clone()), place), whole)
            }
            (kind, Kind::Const(number @ Value::Number(_))) => match number.as_i64() {
                Some(at) => step(Node { kind, ..base }, Step::new(Way::At(at), place), whole),
                None => self.refuse(FaultKind::Type, place, "an element is named by a whole number"),
            },
            (kind, _) => {
                let base = Box::new(Node { kind, ..base });
                Node::new(Kind::Index { base, key: Box::new(key) }, whole)
            }
        }
    }

    /// `tables.x[a, b]`: the guard has made parentheses of the brackets.
    pub(super) fn several_keys(&mut self, base: Node, keys: Vec<Node>, span: Place) -> Node {
        let whole = self.since(&base, span);
        match base.kind {
            Kind::Rows { table } => Node::new(Kind::Row { table, keys }, whole),
            _ => self.refuse(FaultKind::Syntax, whole, "only a table takes several keys"),
        }
    }

    pub(super) fn slice(&mut self, slice: &Spanned<Slice<'_>>) -> Node {
        let base = self.lower(&slice.expr);
        let whole = self.since(&base, slice.span());
        if slice.step.is_some() {
            return self.refuse(FaultKind::Syntax, whole, "a slice has no step here: `x[from:to]`");
        }
        let from = slice.start.as_ref().map(|from| Box::new(self.lower(from)));
        let to = slice.stop.as_ref().map(|to| Box::new(self.lower(to)));
        Node::new(Kind::Slice { base: Box::new(base), from, to }, whole)
    }
}

/// One step further.
fn step(base: Node, step: Step, place: (u32, u32)) -> Node {
    let kind = match base.kind {
        Kind::Path { slot, mut steps } => {
            steps.push(step);
            Kind::Path { slot, steps }
        }
        Kind::Steps { base, mut steps } => {
            steps.push(step);
            Kind::Steps { base, steps }
        }
        kind => Kind::Steps { base: Box::new(Node { kind, ..base }), steps: vec![step] },
    };
    Node::new(kind, place)
}
