//! A tree and a scope to a value. Paths borrow; only what is made anew is owned. Every step is paid for, so that nothing runs
//! for ever.

mod call;
mod list;
mod path;

use super::{
    Error, Slot, Tables,
    node::{Comparison, Kind, Node},
    scope::{Bound, Limits, Root, Scope},
    template::{Body, Part},
};
use crate::{
    function::MAX_TEXT,
    value::{self, Arithmetic, Value, map_with_capacity},
};

/// What a node gives.
#[derive(Debug)]
pub(super) enum Val<'a> {
    /// Leave it out.
    Omit,
    /// A part of what was given.
    Ref(&'a Value),
    /// Made anew.
    Own(Value),
}

type Result<'a> = std::result::Result<Val<'a>, Error>;

static NULL: Value = Value::Null;

impl Val<'_> {
    fn null() -> Self {
        Self::Ref(&NULL)
    }

    fn value(&self) -> &Value {
        match self {
            Self::Omit => &NULL,
            Self::Ref(value) => value,
            Self::Own(value) => value,
        }
    }

    fn into_value(self) -> Option<Value> {
        match self {
            Self::Omit => None,
            Self::Ref(value) => Some(value.clone()),
            Self::Own(value) => Some(value),
        }
    }
}

impl From<Value> for Val<'_> {
    fn from(value: Value) -> Self {
        Self::Own(value)
    }
}

impl From<bool> for Val<'_> {
    fn from(truth: bool) -> Self {
        Self::Own(Value::Bool(truth))
    }
}

/// What an evaluation has at hand.
pub(super) struct Context<'a> {
    roots: &'a [Root<'a>],
    bound: Option<&'a Bound<'a>>,
    tables: &'a Tables,
    limits: Limits,
    fuel: &'a std::cell::Cell<u64>,
    text: &'a str,
}

impl<'a> Context<'a> {
    pub(super) fn new(scope: &'a Scope<'a>, bound: Option<&'a Bound<'a>>, text: &'a str) -> Self {
        Self {
            roots: scope.roots,
            bound,
            tables: scope.tables,
            limits: scope.limits,
            fuel: &scope.fuel,
            text,
        }
    }

    fn root(&self, slot: Slot) -> Root<'a> {
        let mut bound = self.bound;
        while let Some(here) = bound {
            if here.slot == slot {
                return Root::Value(here.value);
            }
            bound = here.outer;
        }
        self.roots.get(usize::from(slot)).copied().unwrap_or(Root::Unset)
    }

    /// The text of a node, for messages.
    fn source(&self, node: &Node) -> &'a str {
        self.text.get(node.start as usize..node.end as usize).unwrap_or("the expression").trim()
    }

    fn pay(&self, steps: u64, node: &Node) -> std::result::Result<(), Error> {
        match self.fuel.get().checked_sub(steps) {
            Some(left) => {
                self.fuel.set(left);
                Ok(())
            }
            None => Err(fail(node, format!("the evaluation took more than {} steps", self.limits.fuel))),
        }
    }

    fn check_items(&self, count: usize, node: &Node) -> std::result::Result<(), Error> {
        if count <= self.limits.items {
            return Ok(());
        }
        Err(fail(node, format!("the list would have more than {} elements", self.limits.items)))
    }
}

fn fail(node: &Node, message: impl Into<String>) -> Error {
    Error::new(node.place(), message)
}

/// The value of a scalar; none if it says `omit`.
pub(super) fn body<'a>(body: &'a Body, cx: &Context<'a>) -> std::result::Result<Option<Value>, Error> {
    match body {
        Body::Const(value) => Ok(Some(value.clone())),
        Body::One(node) => eval(node, cx).map(Val::into_value),
        Body::Mixed(parts) => {
            let mut out = String::new();
            for part in parts {
                match part {
                    Part::Text(text) => out.push_str(text),
                    Part::Expression(node) => write_text(node, cx, &mut out)?,
                }
            }
            Ok(Some(out.into()))
        }
    }
}

/// Adds a scalar to a text.
fn write_text<'a>(node: &'a Node, cx: &Context<'a>, out: &mut String) -> std::result::Result<(), Error> {
    let value = given(node, cx)?;
    match value.value() {
        Value::Text(text) => out.push_str(text),
        Value::Number(number) => number.write(out),
        Value::Money(money) => out.push_str(&money.written().to_string()),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        other => {
            let help = if other.is_null() { ": give it a text with `| default('')`" } else { "" };
            return Err(fail(
                node,
                format!("`{}` is {}, which cannot stand in text{help}", cx.source(node), article(other)),
            ));
        }
    }
    cx.pay(1 + out.len() as u64 / 64, node)?;
    if out.len() > MAX_TEXT {
        return Err(fail(node, format!("the text would be longer than {MAX_TEXT} bytes")));
    }
    Ok(())
}

fn article(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::List(_) => "a list",
        Value::Map(_) => "an object",
        Value::Text(_) => "text",
        Value::Number(_) => "a number",
        Value::Money(_) => "an amount",
        Value::Bool(_) => "a boolean",
    }
}

/// A value where one is needed.
fn given<'a>(node: &'a Node, cx: &Context<'a>) -> Result<'a> {
    match eval(node, cx)? {
        Val::Omit => Err(fail(node, "`omit` leaves a field out: it cannot be worked with")),
        value => Ok(value),
    }
}

/// The value of a node.
pub(super) fn eval<'a>(node: &'a Node, cx: &Context<'a>) -> Result<'a> {
    cx.pay(1, node)?;
    match &node.kind {
        Kind::Const(value) => Ok(Val::Ref(value)),
        Kind::Omit => Ok(Val::Omit),
        Kind::Path { .. }
        | Kind::Steps { .. }
        | Kind::Index { .. }
        | Kind::Rows { .. }
        | Kind::Row { .. }
        | Kind::Column { .. } => path::strict(node, cx),
        Kind::Slice { base, from, to } => {
            list::slice(node, [Some(&**base), from.as_deref(), to.as_deref()], cx)
        }
        Kind::Not(inner) => Ok((!given(inner, cx)?.value().truth()).into()),
        Kind::Negate(inner) => {
            value::negate(given(inner, cx)?.value()).map(Val::Own).map_err(|refusal| fail(node, refusal))
        }
        Kind::Arithmetic(operator, sides) => arithmetic(node, *operator, sides, cx),
        Kind::Compare { first, rest } => compare(node, first, rest, cx),
        Kind::And(sides) => {
            Ok((given(&sides[0], cx)?.value().truth() && given(&sides[1], cx)?.value().truth()).into())
        }
        Kind::Or(sides) => {
            Ok((given(&sides[0], cx)?.value().truth() || given(&sides[1], cx)?.value().truth()).into())
        }
        Kind::Concat(parts) => {
            let mut out = String::new();
            parts.iter().try_for_each(|part| write_text(part, cx, &mut out))?;
            Ok(Val::Own(out.into()))
        }
        Kind::If(branches) => {
            let taken = if given(&branches[0], cx)?.value().truth() { &branches[1] } else { &branches[2] };
            eval(taken, cx)
        }
        Kind::Call { function, args } => call::call(node, function, None, args, cx),
        Kind::Attribute(_) => Ok(Val::null()),
        Kind::Default(sides) => match path::lenient(&sides[0], cx)? {
            Some(value) if !value.value().is_null() || matches!(value, Val::Omit) => Ok(value),
            _ => eval(&sides[1], cx),
        },
        Kind::FirstOf(values) => {
            for value in values {
                match path::lenient(value, cx)? {
                    Some(value) if !value.value().is_null() => return Ok(value),
                    _ => {}
                }
            }
            Ok(Val::null())
        }
        Kind::Test { value, test, than } => call::test(node, value, test, than.as_deref(), cx),
        Kind::MapPath { list, steps } => list::map_path(node, list, steps, cx),
        Kind::MapCall { list, function, args } => list::map_call(node, list, function, args, cx),
        Kind::Select(select) => list::select(node, select, cx),
        Kind::JsonPath { value, path, .. } => call::json_path(node, value, path, cx),
        Kind::Find { list, fields } => list::find(node, list, fields, cx),
        Kind::FailedOf { slot } => call::failed_of(node, *slot, cx),
        Kind::TieOut { record, parts } => call::tie_out(node, record, parts.get(), cx),
        Kind::RoundedDivision { sides, digits, mode } => {
            call::rounded_division(node, sides, [digits.as_deref(), mode.as_deref()], cx)
        }
        Kind::List(items) => {
            let items = items.iter().map(|item| eval(item, cx).map(Val::into_value));
            let items: Vec<Option<Value>> = items.collect::<std::result::Result<_, _>>()?;
            Ok(Val::Own(Value::list(items.into_iter().flatten())))
        }
        Kind::Object(members) => {
            let mut map = map_with_capacity(members.len());
            for (name, member) in members {
                if let Some(value) = eval(member, cx)?.into_value() {
                    map.insert(name.clone(), value);
                }
            }
            Ok(Val::Own(map.into()))
        }
    }
}

fn arithmetic<'a>(
    node: &'a Node,
    operator: Arithmetic,
    sides: &'a [Node; 2],
    cx: &Context<'a>,
) -> Result<'a> {
    let (left, right) = (given(&sides[0], cx)?, given(&sides[1], cx)?);
    if let (Value::List(one), Value::List(two)) = (left.value(), right.value()) {
        cx.pay((one.len() + two.len()) as u64, node)?;
        cx.check_items(one.len() + two.len(), node)?;
    }
    operator.apply(left.value(), right.value()).map(Val::Own).map_err(|refusal| fail(node, refusal))
}

fn compare<'a>(
    node: &'a Node,
    first: &'a Node,
    rest: &'a [(Comparison, Node)],
    cx: &Context<'a>,
) -> Result<'a> {
    let mut left = given(first, cx)?;
    for (operator, right) in rest {
        let right = given(right, cx)?;
        if let Value::List(items) = right.value() {
            cx.pay(items.len() as u64, node)?;
        }
        let holds = holds(*operator, left.value(), right.value()).map_err(|refusal| fail(node, refusal))?;
        if !holds {
            return Ok(false.into());
        }
        left = right;
    }
    Ok(true.into())
}

fn holds(operator: Comparison, left: &Value, right: &Value) -> std::result::Result<bool, value::Refusal> {
    Ok(match operator {
        Comparison::Equal => left.same(right)?,
        Comparison::Unequal => !left.same(right)?,
        Comparison::Less => left.order_by(right, "<")?.is_lt(),
        Comparison::LessOrEqual => left.order_by(right, "<=")?.is_le(),
        Comparison::Greater => left.order_by(right, ">")?.is_gt(),
        Comparison::GreaterOrEqual => left.order_by(right, ">=")?.is_ge(),
        Comparison::In => right.contains(left)?,
        Comparison::NotIn => !right.contains(left)?,
    })
}
