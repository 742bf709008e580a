//! minijinja's tree to our own. The only room of its grammar: everything that depends on its shape is here. Every fault is
//! collected; of a part that has one nothing is known, so that the rest is still looked at.

mod call;
mod forms;
mod literal;
mod path;

use minijinja::machinery::{
    Span as Place,
    ast::{BinOpKind, CompareOpKind, Expr, Spanned, UnaryOpKind},
    parse_expr,
};

use super::{
    Fault, FaultKind, Names,
    names::UNKNOWN,
    node::{Comparison, Kind, Node},
    scan::{self, Guarded},
};
use crate::value::{Arithmetic, Value};

/// Enough for the deepest tree that the token limit lets through, in a debug build too.
const PARSER_STACK: usize = 64 << 20;
const MAX_DEPTH: usize = 100;

/// Reads one expression at `offset` of its scalar. The parser runs on a stack of its own: it could overflow any other, which
/// would end the process.
pub(super) fn expression(text: &str, offset: usize, names: &Names<'_>) -> Result<Node, Faulty> {
    let unread = |fault| Faulty { faults: vec![fault], parts: Vec::new() };
    let guarded = scan::guard(text, offset).map_err(unread)?;
    stacker::grow(PARSER_STACK, || {
        let tree = parse_expr(&guarded.text).map_err(|error| unread(scan::syntax(&error, text, offset)))?;
        let mut lower = Lower {
            source: &guarded,
            offset: offset as u32,
            names,
            depth: 0,
            faults: Vec::new(),
            parts: Vec::new(),
        };
        let node = lower.lower(&tree);
        if lower.faults.is_empty() {
            return Ok(node);
        }
        lower.parts.push(node);
        Err(Faulty { faults: lower.faults, parts: lower.parts })
    })
}

/// An expression with faults, and what of it can be read.
pub(super) struct Faulty {
    pub(super) faults: Vec<Fault>,
    pub(super) parts: Vec<Node>,
}

struct Lower<'x> {
    source: &'x Guarded,
    /// Where the expression begins in its scalar.
    offset: u32,
    names: &'x Names<'x>,
    depth: usize,
    faults: Vec<Fault>,
    /// What stood in parts that have a fault: it may have others.
    parts: Vec<Node>,
}

impl Lower<'_> {
    /// Notes a fault; nothing is known of the part.
    fn fault(&mut self, fault: Fault) -> Node {
        let place = (fault.start, fault.end);
        self.faults.push(fault);
        unknown(place)
    }

    /// Keeps what stands in a part that has a fault.
    fn keep(&mut self, tree: &Expr<'_>) {
        let node = self.lower(tree);
        self.parts.push(node);
    }

    fn refuse(&mut self, kind: FaultKind, place: (u32, u32), message: impl Into<String>) -> Node {
        self.fault(Fault::new(kind, place, message))
    }

    fn place(&self, span: Place) -> (u32, u32) {
        (self.offset + span.start_offset, self.offset + span.end_offset)
    }

    /// From the start of a part to the end of the whole: minijinja's own starts are wrong where an operator stands between.
    fn since(&self, first: &Node, span: Place) -> (u32, u32) {
        self.balanced(first.start, (self.offset + span.end_offset).max(first.end))
    }

    /// Takes back the opening parentheses that belong to what is closed inside `start..end`.
    fn balanced(&self, start: u32, end: u32) -> (u32, u32) {
        let bytes = self.source.text.as_bytes();
        let mut at = (start - self.offset) as usize;
        let mut missing = unopened(&bytes[at..((end - self.offset) as usize).min(bytes.len())]);
        let mut left = at;
        while missing > 0 && left > 0 {
            left -= 1;
            match bytes[left] {
                b'(' => (missing, at) = (missing - 1, left),
                byte if byte.is_ascii_whitespace() => {}
                _ => break,
            }
        }
        (at as u32 + self.offset, end)
    }

    fn lower(&mut self, tree: &Expr<'_>) -> Node {
        if self.depth >= MAX_DEPTH {
            let place = self.place(tree.span());
            return self.refuse(
                FaultKind::TooLarge,
                place,
                format!("the expression is nested more than {MAX_DEPTH} levels"),
            );
        }
        self.depth += 1;
        let node = self.lower_kind(tree);
        self.depth -= 1;
        node
    }

    fn lower_kind(&mut self, tree: &Expr<'_>) -> Node {
        match tree {
            Expr::Var(var) => self.root(var.id, var.span()),
            Expr::Const(constant) => self.constant(&constant.value, constant.span()),
            Expr::GetAttr(attr) => self.member(attr),
            Expr::GetItem(item) => self.subscript(item),
            Expr::Slice(slice) => self.slice(slice),
            Expr::UnaryOp(unary) => {
                let inner = self.lower(&unary.expr);
                let place = (self.place(unary.span()).0.min(inner.start), inner.end);
                let kind = match unary.op {
                    UnaryOpKind::Not => negated(inner),
                    UnaryOpKind::Neg => minus(inner),
                };
                Node::new(kind, place)
            }
            Expr::BinOp(binary) => self.binary(binary.op, [&binary.left, &binary.right], binary.span()),
            Expr::Compare(compare) => {
                let first = self.lower(&compare.expr);
                let place = self.since(&first, compare.span());
                let rest =
                    compare.ops.iter().map(|next| (comparison(next.op), self.lower(&next.expr))).collect();
                Node::new(Kind::Compare { first: Box::new(first), rest }, place)
            }
            Expr::IfExpr(choice) => {
                let then = self.lower(&choice.true_expr);
                let place = self.since(&then, choice.span());
                let test = self.lower(&choice.test_expr);
                let Some(otherwise) = &choice.false_expr else {
                    self.parts.extend([then, test]);
                    let fault = Fault::new(FaultKind::Syntax, place, "an `if` needs its `else`");
                    return self.fault(
                        fault.help("say what it is otherwise: `else none`, or `else omit` to leave it out"),
                    );
                };
                let otherwise = self.lower(otherwise);
                Node::new(Kind::If(Box::new([test, then, otherwise])), place)
            }
            Expr::Filter(filter) => self.filter(filter),
            Expr::Test(test) => self.test(test),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.list(&list.items, list.span()),
            Expr::Tuple(tuple) => self.list(&tuple.items, tuple.span()),
            Expr::Map(map) => self.object(map),
        }
    }

    fn list(&mut self, items: &[Expr<'_>], span: Place) -> Node {
        let place = self.place(span);
        let items: Vec<Node> = items.iter().map(|item| self.lower(item)).collect();
        literal::list(items, place)
    }

    fn binary(&mut self, operator: BinOpKind, [left, right]: [&Expr<'_>; 2], span: Place) -> Node {
        let (left, right) = (self.lower(left), self.lower(right));
        let place = self.since(&left, span);
        let place = (place.0, place.1.max(right.end));
        let compare =
            |operator, left, right| Kind::Compare { first: Box::new(left), rest: vec![(operator, right)] };
        let kind = match operator {
            BinOpKind::Eq => compare(Comparison::Equal, left, right),
            BinOpKind::Ne => compare(Comparison::Unequal, left, right),
            BinOpKind::Lt => compare(Comparison::Less, left, right),
            BinOpKind::Lte => compare(Comparison::LessOrEqual, left, right),
            BinOpKind::Gt => compare(Comparison::Greater, left, right),
            BinOpKind::Gte => compare(Comparison::GreaterOrEqual, left, right),
            BinOpKind::In => compare(Comparison::In, left, right),
            BinOpKind::ScAnd => Kind::And(Box::new([left, right])),
            BinOpKind::ScOr => Kind::Or(Box::new([left, right])),
            BinOpKind::Concat => concat(left, right),
            BinOpKind::Add => Kind::Arithmetic(Arithmetic::Add, Box::new([left, right])),
            BinOpKind::Sub => Kind::Arithmetic(Arithmetic::Subtract, Box::new([left, right])),
            BinOpKind::Mul => Kind::Arithmetic(Arithmetic::Multiply, Box::new([left, right])),
            BinOpKind::Div => Kind::Arithmetic(Arithmetic::Divide, Box::new([left, right])),
            BinOpKind::FloorDiv => Kind::Arithmetic(Arithmetic::FloorDivide, Box::new([left, right])),
            BinOpKind::Rem => Kind::Arithmetic(Arithmetic::Remainder, Box::new([left, right])),
            BinOpKind::Pow => Kind::Arithmetic(Arithmetic::Power, Box::new([left, right])),
        };
        Node::new(kind, place)
    }

    fn object(&mut self, map: &Spanned<minijinja::machinery::ast::Map<'_>>) -> Node {
        let place = self.place(map.span());
        let mut members = Vec::with_capacity(map.keys.len());
        for (key, value) in map.keys.iter().zip(&map.values) {
            let value = self.lower(value);
            let Some(name) = call::text_of(key) else {
                let place = self.place(key.span());
                let fault = Fault::new(FaultKind::Syntax, place, "a key must be a quoted text");
                self.fault(fault.help("write it as `'name'`"));
                continue;
            };
            members.push((name.into(), value));
        }
        literal::object(members, place)
    }
}

fn comparison(operator: CompareOpKind) -> Comparison {
    match operator {
        CompareOpKind::Eq => Comparison::Equal,
        CompareOpKind::Ne => Comparison::Unequal,
        CompareOpKind::Lt => Comparison::Less,
        CompareOpKind::Lte => Comparison::LessOrEqual,
        CompareOpKind::Gt => Comparison::Greater,
        CompareOpKind::Gte => Comparison::GreaterOrEqual,
        CompareOpKind::In => Comparison::In,
        CompareOpKind::NotIn => Comparison::NotIn,
    }
}

/// What stands for a part that has a fault.
fn unknown(place: (u32, u32)) -> Node {
    Node::new(Kind::Path { slot: UNKNOWN, steps: Vec::new() }, place)
}

/// `not x in y` is one comparison.
fn negated(inner: Node) -> Kind {
    match inner.kind {
        Kind::Compare { first, mut rest } if matches!(rest.as_slice(), [(Comparison::In, _)]) => {
            rest[0].0 = Comparison::NotIn;
            Kind::Compare { first, rest }
        }
        kind => Kind::Not(Box::new(Node { kind, ..inner })),
    }
}

/// A minus before a literal number belongs to the number.
fn minus(inner: Node) -> Kind {
    match &inner.kind {
        Kind::Const(number @ Value::Number(_)) => match crate::value::negate(number) {
            Ok(negative) => Kind::Const(negative),
            Err(_) => Kind::Negate(Box::new(inner)),
        },
        _ => Kind::Negate(Box::new(inner)),
    }
}

/// `a ~ b ~ c` is one text.
fn concat(left: Node, right: Node) -> Kind {
    match left.kind {
        Kind::Concat(mut parts) => {
            parts.push(right);
            Kind::Concat(parts)
        }
        kind => Kind::Concat(vec![Node { kind, ..left }, right]),
    }
}

/// How many closing parentheses outside quotes have no opening one before them.
fn unopened(bytes: &[u8]) -> usize {
    let (mut open, mut missing, mut quote) = (0_usize, 0, None);
    for byte in bytes {
        match (quote, byte) {
            (Some(end), byte) => quote = Some(end).filter(|end| *end != byte),
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(') => open += 1,
            (None, b')') if open > 0 => open -= 1,
            (None, b')') => missing += 1,
            _ => {}
        }
    }
    missing
}
