//! Shapes of expressions before any value is seen, and what is wrong with them. In: the shapes of the roots. Out: a shape and
//! every fault, with its bytes. What is not known is not guessed at: it is `Any` and never a fault.

mod call;
mod constant;
mod env;
mod facts;
mod jsonpath;
mod operator;
mod path;

use std::sync::Arc;

pub use self::env::{Env, Inferred, Personal};
use self::facts::Fact;
use super::{
    Fault, FaultKind, Mapping,
    node::{Kind, Node},
    template::{Body, Part, expressions},
};
use crate::{
    shape::{self, Field, Object, Shape},
    value::{Number, Value},
};

/// The shape of a scalar.
pub(super) fn body(body: &Body, text: &str, env: &Env<'_>) -> Inferred {
    let mut infer = Infer { env, facts: env.facts.clone(), faults: Vec::new(), personal: None };
    let (shape, omits) = match body {
        Body::Const(value) => (shape_of(value), false),
        Body::One(node) => (infer.shape(node).unwrap_or(Shape::Null), may_omit(node)),
        Body::Mixed(parts) => {
            expressions(parts).for_each(|node| infer.in_text(node));
            (Shape::TEXT, false)
        }
    };
    if infer.faults.is_empty() {
        infer.faults = constant::refused(body, text);
    }
    Inferred { shape, omits, personal: infer.personal, faults: infer.faults }
}

/// What else is wrong with a scalar that has faults: in its whole expressions, and in what is left of the others.
pub(super) fn rest(good: &[Part], parts: &[Node], env: &Env<'_>) -> Vec<Fault> {
    let mut infer = Infer { env, facts: env.facts.clone(), faults: Vec::new(), personal: None };
    expressions(good).for_each(|node| infer.in_text(node));
    parts.iter().for_each(|node| drop(infer.soft(node)));
    infer.faults
}

/// The shape of a mapping.
pub(super) fn mapping(mapping: &Mapping, env: &mut Env<'_>) -> Inferred {
    match mapping {
        Mapping::Const(value) => known(shape_of(value), Vec::new()),
        Mapping::Template(template) => template.infer(env),
        Mapping::List(items) => {
            let mut faults = Vec::new();
            let mut element: Option<Shape> = None;
            for item in items {
                let inferred = self::mapping(item, env);
                faults.extend(inferred.faults);
                element = Some(
                    element.map_or(inferred.shape.clone(), |known| shape::join(&known, &inferred.shape)),
                );
            }
            known(element.unwrap_or(Shape::Any).list(), faults)
        }
        Mapping::Object(members) => {
            let mut faults = Vec::new();
            let mut object = Object::default();
            for (name, member) in members {
                let inferred = self::mapping(member, env);
                faults.extend(inferred.faults);
                object.fields.insert(
                    Arc::clone(name),
                    Field { required: !inferred.omits, ..Field::required(inferred.shape) },
                );
            }
            known(Shape::Object(Arc::new(object)), faults)
        }
        Mapping::Each { list, slot, filter, body } => {
            let mut faults = Vec::new();
            let inferred = list.infer(env);
            let element = env::element_of(list, &inferred, &mut faults);
            faults.extend(inferred.faults);
            let before = env.replace(*slot, element);
            let mark = env.mark();
            if let Some(filter) = filter {
                faults.extend(filter.infer(env).faults);
                env.assume(filter);
            }
            let inner = self::mapping(body, env);
            env.forget(mark);
            env.put_back(*slot, before);
            faults.extend(inner.faults);
            known(inner.shape.list(), faults)
        }
        Mapping::Let { bind, body } => {
            let mut faults = Vec::new();
            let mut before = Vec::new();
            for (slot, value) in bind {
                let inferred = self::mapping(value, env);
                faults.extend(inferred.faults);
                let shape = if inferred.omits { inferred.shape.optional() } else { inferred.shape };
                before.push((*slot, env.replace(*slot, shape)));
            }
            let inner = self::mapping(body, env);
            before.into_iter().rev().for_each(|(slot, known)| env.put_back(slot, known));
            faults.extend(inner.faults);
            Inferred { faults, ..inner }
        }
    }
}

fn known(shape: Shape, faults: Vec<Fault>) -> Inferred {
    Inferred { shape, omits: false, personal: None, faults }
}

/// The shape of a constant. A text is one of one texts, so that a misspelt word is found.
pub(super) fn shape_of(value: &Value) -> Shape {
    match value {
        Value::Null => Shape::Null,
        Value::Bool(_) => Shape::Bool,
        Value::Number(Number::Exact(digits)) if digits.scale() == 0 => Shape::Int,
        Value::Number(_) => Shape::Number,
        Value::Money(money) => Shape::Money(shape::CurrencyOf::Code(money.currency)),
        Value::Text(text) => Shape::Enum([Arc::clone(text)].into()),
        Value::List(items) => {
            let element = items.iter().map(shape_of).reduce(|one, two| shape::join(&one, &two));
            element.unwrap_or(Shape::Any).list()
        }
        Value::Map(map) => Shape::object(map.iter().map(|(name, value)| (Arc::clone(name), shape_of(value)))),
    }
}

/// Whether a node may say `omit`.
fn may_omit(node: &Node) -> bool {
    match &node.kind {
        Kind::Omit => true,
        Kind::If(branches) => may_omit(&branches[1]) || may_omit(&branches[2]),
        Kind::Default(sides) => sides.iter().any(may_omit),
        Kind::FirstOf(values) => values.iter().any(may_omit),
        _ => false,
    }
}

/// Whether nobody can be recognised by what a node gives.
fn is_anonymous(node: &Node) -> bool {
    matches!(&node.kind, Kind::Call { function, .. } | Kind::MapCall { function, .. } if function.anonymous)
}

struct Infer<'e> {
    env: &'e Env<'e>,
    facts: Vec<Fact>,
    faults: Vec<Fault>,
    /// The first mention of personal data that the value is made of.
    personal: Option<Personal>,
}

impl Infer<'_> {
    /// Notes a fault; nothing is known of the value.
    fn fault(
        &mut self,
        kind: FaultKind,
        place: (u32, u32),
        message: impl Into<String>,
        help: Option<String>,
    ) -> Shape {
        self.faults.push(Fault { help, ..Fault::new(kind, place, message) });
        Shape::Any
    }

    /// The shape of a node where a value is needed.
    fn given(&mut self, node: &Node) -> Shape {
        match self.shape(node) {
            Some(shape) => shape,
            None => self.fault(
                FaultKind::Type,
                node.place(),
                "`omit` leaves a field out: it cannot be worked with",
                None,
            ),
        }
    }

    /// The shape of a node where something must be there.
    fn present(&mut self, node: &Node) -> Shape {
        let shape = self.given(node);
        self.must_be_there(node, &shape)
    }

    fn must_be_there(&mut self, node: &Node, shape: &Shape) -> Shape {
        if shape.may_miss() {
            let help = "give it a value with `| default(…)`, or test it first".to_owned();
            let message = if *shape == Shape::Null {
                "this is null".to_owned()
            } else {
                format!("this may be null ({shape})")
            };
            self.fault(FaultKind::MayBeMissing, node.place(), message, Some(help));
        }
        shape.present().clone()
    }

    /// What stands in a text.
    fn in_text(&mut self, node: &Node) {
        let shape = self.present(node);
        if matches!(shape, Shape::List(_) | Shape::Object(_)) {
            self.fault(
                FaultKind::Type,
                node.place(),
                format!("{shape} cannot stand in text"),
                Some("join a list with `| join(', ')`".into()),
            );
        }
    }

    /// The shape of a node; none if it says `omit`.
    fn shape(&mut self, node: &Node) -> Option<Shape> {
        let before = self.personal.clone();
        let shape = self.shape_by_kind(node);
        if shape == Some(Shape::Bool) || is_anonymous(node) {
            self.personal = before;
        }
        shape
    }

    /// Looks at what only decides: nothing of it is in the value.
    fn aside<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.personal.clone();
        let done = work(self);
        self.personal = before;
        done
    }

    /// Notes that data of a person is mentioned.
    fn mentions(&mut self, kind: &Arc<str>, (start, end): (u32, u32)) {
        self.personal.get_or_insert_with(|| Personal { kind: Arc::clone(kind), start, end });
    }

    fn shape_by_kind(&mut self, node: &Node) -> Option<Shape> {
        Some(match &node.kind {
            Kind::Omit => return None,
            Kind::If(branches) => return self.choice(branches),
            Kind::Default(sides) => {
                let value = self.soft(&sides[0])?;
                return Some(match self.shape(&sides[1]) {
                    Some(otherwise) => operator::join((&sides[0], value.present()), (&sides[1], &otherwise)),
                    None => value.present().clone(),
                });
            }
            Kind::FirstOf(values) => return self.first_of(values),
            Kind::Const(value) => shape_of(value),
            Kind::Path { .. }
            | Kind::Steps { .. }
            | Kind::Index { .. }
            | Kind::Row { .. }
            | Kind::Rows { .. }
            | Kind::Column { .. } => self.path(node, false),
            Kind::Slice { base, from, to } => {
                self.aside(|infer| from.iter().chain(to).for_each(|bound| drop(infer.present(bound))));
                match self.present(base) {
                    shape if shape.is_text() => Shape::TEXT,
                    shape @ (Shape::List(_) | Shape::Any) => shape,
                    other => self.fault(
                        FaultKind::Type,
                        base.place(),
                        format!("only a list or a text can be sliced, not {other}"),
                        None,
                    ),
                }
            }
            Kind::Not(inner) => {
                self.given(inner);
                Shape::Bool
            }
            Kind::And(sides) | Kind::Or(sides) => self.both(matches!(node.kind, Kind::And(_)), sides),
            Kind::Negate(inner) => match self.present(inner) {
                shape @ (Shape::Int | Shape::Number | Shape::Rate | Shape::Money(_) | Shape::Any) => shape,
                other => {
                    self.fault(FaultKind::Type, node.place(), format!("minus {other} is not possible"), None)
                }
            },
            Kind::Arithmetic(operator, sides) => self.arithmetic(node, *operator, sides),
            Kind::Compare { first, rest } => self.compare(node, first, rest),
            Kind::Concat(parts) => {
                for part in parts {
                    self.in_text(part);
                }
                Shape::TEXT
            }
            Kind::List(items) => {
                let shapes: Vec<_> = items.iter().filter_map(|item| self.shape(item)).collect();
                shapes.into_iter().reduce(|one, two| shape::join(&one, &two)).unwrap_or(Shape::Any).list()
            }
            Kind::Object(members) => self.object(members),
            _ => self.call_shape(node),
        })
    }

    fn choice(&mut self, branches: &[Node; 3]) -> Option<Shape> {
        self.aside(|infer| infer.given(&branches[0]));
        let then = self.assuming(facts::when(&branches[0], true), |infer| infer.shape(&branches[1]));
        let otherwise = self.assuming(facts::when(&branches[0], false), |infer| infer.shape(&branches[2]));
        match (then, otherwise) {
            (Some(then), Some(otherwise)) => {
                Some(operator::join((&branches[1], &then), (&branches[2], &otherwise)))
            }
            (one, two) => one.or(two),
        }
    }

    fn both(&mut self, and: bool, sides: &[Node; 2]) -> Shape {
        self.given(&sides[0]);
        let right = self.assuming(facts::when(&sides[0], and), |infer| infer.given(&sides[1]));
        if !and && matches!(sides[1].kind, Kind::Const(_)) && !matches!(right, Shape::Bool | Shape::Any) {
            let help = "for a value in place of a missing one write `x | default(…)`".to_owned();
            self.fault(
                FaultKind::Type,
                sides[1].place(),
                format!("`or` gives true or false, never {right}"),
                Some(help),
            );
        }
        Shape::Bool
    }

    fn first_of(&mut self, values: &[Node]) -> Option<Shape> {
        let shapes: Vec<Shape> = values.iter().filter_map(|value| self.soft(value)).collect();
        let sure = shapes.len() < values.len() || shapes.iter().any(|shape| !shape.may_miss());
        let joined =
            shapes.iter().map(|shape| shape.present().clone()).reduce(|one, two| shape::join(&one, &two))?;
        Some(if sure { joined } else { joined.optional() })
    }

    fn object(&mut self, members: &[(Arc<str>, Node)]) -> Shape {
        let mut object = Object::default();
        for (name, member) in members {
            let before = self.personal.take();
            let shape = self.shape(member).unwrap_or(Shape::Null);
            let personal = std::mem::replace(&mut self.personal, before).map(|mention| mention.kind);
            let field = Field { required: !may_omit(member), personal, ..Field::required(shape) };
            object.fields.insert(Arc::clone(name), field);
        }
        Shape::Object(Arc::new(object))
    }

    fn assuming<T>(&mut self, facts: Vec<Fact>, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.facts.len();
        self.facts.extend(facts);
        let done = work(self);
        self.facts.truncate(before);
        done
    }
}
