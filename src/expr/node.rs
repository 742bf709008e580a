//! The tree of an expression: owned, resolved, every node with its bytes in the template's text.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use super::Slot;
use crate::{
    function::{Function, Test},
    shape::Part,
    value::{Arithmetic, JsonPath, Path, Value},
};

/// A node and its place.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// What a node does.
#[derive(Debug)]
pub(super) enum Kind {
    Const(Value),
    Omit,
    /// A root and steps into it.
    Path {
        slot: Slot,
        steps: Vec<Step>,
    },
    /// Steps into any other value.
    Steps {
        base: Box<Node>,
        steps: Vec<Step>,
    },
    /// `base[key]` with a key that is worked out.
    Index {
        base: Box<Node>,
        key: Box<Node>,
    },
    Slice {
        base: Box<Node>,
        from: Option<Box<Node>>,
        to: Option<Box<Node>>,
    },
    /// All rows of a table.
    Rows {
        table: Named,
    },
    /// `tables.x[k1, k2]`.
    Row {
        table: Named,
        keys: Vec<Node>,
    },
    /// `tables.x.column`.
    Column {
        table: Named,
        column: Named,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    /// `a < b < c`: every neighbouring pair must hold.
    Compare {
        first: Box<Node>,
        rest: Vec<(Comparison, Node)>,
    },
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    /// `a ~ b`.
    Concat(Vec<Node>),
    /// Test, then, otherwise.
    If(Box<[Node; 3]>),
    /// A plain function; arguments by position.
    Call {
        function: &'static Function,
        args: Vec<Option<Node>>,
    },
    /// A literal attribute path, as an argument.
    Attribute(Path),
    /// Value, otherwise.
    Default(Box<[Node; 2]>),
    FirstOf(Vec<Node>),
    Test {
        value: Box<Node>,
        test: &'static Test,
        than: Option<Box<Node>>,
    },
    MapPath {
        list: Box<Node>,
        steps: Vec<Step>,
    },
    /// A function on every element; `args` begin with its second parameter.
    MapCall {
        list: Box<Node>,
        function: &'static Function,
        args: Vec<Option<Node>>,
    },
    Select(Box<Select>),
    JsonPath {
        value: Box<Node>,
        path: JsonPath,
        /// The place of the literal.
        at: (u32, u32),
    },
    Find {
        list: Box<Node>,
        fields: Vec<(Attribute, Node)>,
    },
    FailedOf {
        slot: Slot,
    },
    /// The parts are bound when shapes are inferred.
    TieOut {
        record: Box<Node>,
        parts: OnceLock<Arc<[Part]>>,
    },
    /// `round(a / b, digits, mode)`.
    RoundedDivision {
        sides: Box<[Node; 2]>,
        digits: Option<Box<Node>>,
        mode: Option<Box<Node>>,
    },
    List(Vec<Node>),
    Object(Vec<(Arc<str>, Node)>),
}

/// A name and its place.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: Arc<str>,
    pub(super) place: (u32, u32),
}

/// A literal path to an attribute of elements, and its place.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) path: Path,
    pub(super) place: (u32, u32),
}

/// `select` and its kin.
#[derive(Debug)]
pub(super) struct Select {
    pub(super) list: Node,
    pub(super) attribute: Option<Attribute>,
    pub(super) test: Option<&'static Test>,
    pub(super) than: Option<Node>,
    pub(super) keep: bool,
}

/// One step into a value.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) way: Way,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Set when shapes are inferred: the field is known and not always there, so its absence is null.
    known: AtomicBool,
}

/// How a step goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// `.name`.
    Member(Arc<str>),
    /// `['name']`: a member, or the element of a keyed result.
    Look(Arc<str>),
    /// `[0]`: an element; of a keyed result the one with that key.
    At(i64),
}

impl Step {
    pub(super) fn new(way: Way, (start, end): (u32, u32)) -> Self {
        Self { way, start, end, known: AtomicBool::new(false) }
    }

    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    pub(super) fn set_known(&self) {
        self.known.store(true, Ordering::Relaxed);
    }
}

impl Node {
    pub(super) fn new(kind: Kind, (start, end): (u32, u32)) -> Self {
        Self { kind, start, end }
    }

    pub(super) fn place(&self) -> (u32, u32) {
        (self.start, self.end)
    }

    /// The nodes it is made of.
    pub(super) fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Const(_)
            | Kind::Omit
            | Kind::Path { .. }
            | Kind::Rows { .. }
            | Kind::Column { .. }
            | Kind::Attribute(_)
            | Kind::FailedOf { .. } => Vec::new(),
            Kind::Steps { base, .. } => vec![base],
            Kind::Index { base, key } => vec![base, key],
            Kind::Slice { base, from, to } => {
                [Some(base), from.as_ref(), to.as_ref()].into_iter().flatten().map(|part| &**part).collect()
            }
            Kind::Not(inner) | Kind::Negate(inner) => vec![inner],
            Kind::Arithmetic(_, sides) | Kind::And(sides) | Kind::Or(sides) | Kind::Default(sides) => {
                sides.iter().collect()
            }
            Kind::Compare { first, rest } => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, next)| next)).collect()
            }
            Kind::If(branches) => branches.iter().collect(),
            Kind::Row { keys: parts, .. }
            | Kind::Concat(parts)
            | Kind::FirstOf(parts)
            | Kind::List(parts) => parts.iter().collect(),
            Kind::Call { args, .. } => args.iter().flatten().collect(),
            Kind::MapCall { list, args, .. } => {
                std::iter::once(&**list).chain(args.iter().flatten()).collect()
            }
            Kind::Test { value, than, .. } => {
                std::iter::once(value).chain(than).map(|part| &**part).collect()
            }
            Kind::MapPath { list: value, .. }
            | Kind::JsonPath { value, .. }
            | Kind::TieOut { record: value, .. } => vec![value],
            Kind::Select(select) => std::iter::once(&select.list).chain(&select.than).collect(),
            Kind::Find { list, fields } => {
                std::iter::once(&**list).chain(fields.iter().map(|(_, value)| value)).collect()
            }
            Kind::RoundedDivision { sides, digits, mode } => {
                sides.iter().chain(digits.iter().chain(mode).map(|part| &**part)).collect()
            }
            Kind::Object(members) => members.iter().map(|(_, member)| member).collect(),
        }
    }

    /// The text of a literal.
    pub(super) fn literal(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Const(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}
