//! A scalar, compiled.

use std::sync::Arc;

use super::{
    Env, Error, Fault, Inferred, Names, Read, Scope, Slot, eval, infer, lower,
    node::{Kind, Node},
    reads,
    scan::{self, Piece},
};
use crate::{source::Span, value::Value};

/// The text of a scalar, compiled: a constant text, one expression that keeps its type, or text with expressions in it.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Template {
    compiled: Arc<Compiled>,
    place: Option<Arc<Place>>,
}

#[derive(Debug)]
struct Compiled {
    text: Arc<str>,
    body: Body,
}

#[derive(Debug)]
struct Place {
    span: Span,
    runs: Arc<[(u32, u32)]>,
}

#[derive(Debug)]
pub(super) enum Body {
    /// No expression.
    Const(Value),
    /// One expression and nothing else.
    One(Node),
    /// Text and expressions in turn.
    Mixed(Vec<Part>),
}

#[derive(Debug)]
pub(super) enum Part {
    Text(Arc<str>),
    Expression(Node),
}

/// A scalar with faults, and what can be read beside them.
#[derive(Debug, Default)]
pub struct Rest {
    /// What cannot be read.
    pub faults: Vec<Fault>,
    /// Whole expressions, and the text around them.
    good: Vec<Part>,
    /// Parts of the expressions that have faults.
    parts: Vec<Node>,
}

impl Rest {
    /// What else is wrong.
    pub fn infer(&self, env: &Env<'_>) -> Vec<Fault> {
        infer::rest(&self.good, &self.parts, env)
    }

    /// What it reads all the same.
    pub fn reads(&self) -> Vec<Read> {
        reads::reads_of(expressions(&self.good).chain(&self.parts))
    }
}

/// The expressions among parts.
pub(super) fn expressions(parts: &[Part]) -> impl Iterator<Item = &Node> {
    parts.iter().filter_map(|part| if let Part::Expression(node) = part { Some(node) } else { None })
}

impl Template {
    /// Compiles a scalar. All faults at once.
    pub fn parse(text: &str, names: &Names<'_>) -> Result<Self, Vec<Fault>> {
        Self::parse_beside(text, names).map_err(|rest| rest.faults)
    }

    /// As [`Template::parse`]; with faults, what can be read beside them.
    pub fn parse_beside(text: &str, names: &Names<'_>) -> Result<Self, Rest> {
        let unread = |fault| Rest { faults: vec![fault], good: Vec::new(), parts: Vec::new() };
        let pieces = scan::pieces(text).map_err(unread)?;
        let expressions = pieces.iter().filter(|piece| matches!(piece, Piece::Expression(_))).count();
        let blank = pieces.iter().all(|piece| match piece {
            Piece::Text(range) => text[range.clone()].trim().is_empty(),
            Piece::Expression(_) => true,
        });
        let mut parts = Vec::new();
        let mut rest = Rest::default();
        for piece in pieces {
            match piece {
                Piece::Text(range) => parts.push(Part::Text(text[range].into())),
                Piece::Expression(range) => match lower::expression(&text[range.clone()], range.start, names)
                {
                    Ok(node) => parts.push(Part::Expression(node)),
                    Err(faulty) => {
                        rest.faults.extend(faulty.faults);
                        rest.parts.extend(faulty.parts);
                    }
                },
            }
        }
        if !rest.faults.is_empty() {
            rest.good = parts;
            return Err(rest);
        }
        let body = match expressions {
            0 => Body::Const(text.into()),
            1 if blank => parts
                .into_iter()
                .find_map(|part| if let Part::Expression(node) = part { Some(Body::One(node)) } else { None })
                .unwrap_or_else(|| Body::Const(text.into())),
            _ => Body::Mixed(parts),
        };
        Ok(Self { compiled: Arc::new(Compiled { text: text.into(), body }), place: None })
    }

    /// The same template, known to stand at `span` of its file; `places` says for each run of its text (offset) which byte of
    /// the file it came from, sorted.
    #[must_use]
    pub fn placed(self, span: Span, places: Arc<[(u32, u32)]>) -> Self {
        Self { place: Some(Arc::new(Place { span, runs: places })), ..self }
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.compiled.text
    }

    /// The place of the whole scalar in its file, if it was placed.
    pub fn span(&self) -> Option<Span> {
        self.place.as_ref().map(|place| place.span)
    }

    /// The place in the file of bytes `start..end` of the text, if the template was placed.
    pub fn place(&self, start: u32, end: u32) -> Option<Span> {
        let place = self.place.as_ref()?;
        let at = |offset: u32| {
            let run = place.runs.partition_point(|(from, _)| *from <= offset).checked_sub(1)?;
            place.runs.get(run).map(|(from, byte)| byte + (offset - from))
        };
        let first = at(start)?;
        let last = if end > start { at(end - 1)? + 1 } else { first };
        Some(Span { file: place.span.file, start: first, end: last.max(first) })
    }

    /// The text, if there is no expression in it.
    pub fn constant(&self) -> Option<&Value> {
        match &self.compiled.body {
            Body::Const(value) | Body::One(Node { kind: Kind::Const(value), .. }) => Some(value),
            _ => None,
        }
    }

    pub(super) fn body(&self) -> &Body {
        &self.compiled.body
    }

    /// Every mention of a root: its slot and its place in the text.
    pub fn roots(&self) -> impl Iterator<Item = (Slot, u32, u32)> {
        reads::roots(self.body()).into_iter()
    }

    /// What it reads, for lineage: paths by member names; a step into a list leaves no name.
    pub fn reads(&self) -> Vec<Read> {
        reads::reads(self.body())
    }

    /// The shape of its value, and what is wrong with it. Binds what depends on shapes: absent fields that are known are null
    /// from here on, and `tie_out` knows its parts. Infer a template before it runs, in one environment only.
    pub fn infer(&self, env: &Env<'_>) -> Inferred {
        let mut inferred = infer::body(self.body(), self.text(), env);
        for fault in &mut inferred.faults {
            fault.span = self.place(fault.start, fault.end);
        }
        inferred
    }

    /// Its value; none if it says `omit`.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Option<Value>, Error> {
        self.eval_bound(scope, None)
    }

    pub(super) fn eval_bound<'a>(
        &'a self,
        scope: &'a Scope<'a>,
        bound: Option<&'a super::scope::Bound<'a>>,
    ) -> Result<Option<Value>, Error> {
        let context = eval::Context::new(scope, bound, &self.compiled.text);
        eval::body(self.body(), &context).map_err(|error| self.told(error))
    }

    /// An error with its place in the file.
    pub(super) fn told(&self, error: Error) -> Error {
        let span = self.place(error.start, error.end);
        error.placed(span)
    }
}
