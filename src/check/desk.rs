//! Where one flow or fragment is worked on: names in scope and what they look like. In: scalars of the file. Out: compiled
//! expressions with their types; problems at their own column. It must never know nodes or systems.

use std::sync::Arc;

use super::{
    catalogue::{Catalogue, Passed},
    fit,
};
use crate::{
    expr::{Env, Fault, FaultKind, Inferred, Names, Personal, Template},
    flow::{Slot, Slots},
    problem::{Problem, Problems, codes},
    shape::{Shape, element},
    source::{Name, Scalar, Span},
    time,
    value::Value,
};

/// How personal data is made fit to be kept and shown.
const WRAP: &str = "wrap it: `fingerprint(…)`, or take an id instead";

/// The desk on which a flow or a fragment is checked.
pub(super) struct Desk<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) problems: &'a mut Problems,
    /// Names in scope and their slots; the last of a name counts.
    names: Vec<(Arc<str>, Slot)>,
    /// What each slot looks like.
    shapes: Vec<Shape>,
    /// The same, for expressions; and what is taken for granted.
    env: Env<'a>,
    /// A place where a node may have been used could not be read: whether nodes are used cannot be told.
    pub(super) uses_lost: bool,
    /// A name that is not in scope for now.
    hidden: Option<Arc<str>>,
    /// Data of a person that is passed to other flows.
    pub(super) passed: Vec<Passed>,
    /// How deep fragments stand in one another.
    pub(super) depth: usize,
}

impl<'a> Desk<'a> {
    /// A desk without names.
    pub(super) fn new(catalogue: &'a Catalogue, problems: &'a mut Problems) -> Self {
        let shapes = vec![Shape::Any; usize::from(Slots::NODES)];
        let env = Env::new(Some(&catalogue.tables));
        Self {
            catalogue,
            problems,
            names: Vec::new(),
            shapes,
            env,
            uses_lost: false,
            hidden: None,
            passed: Vec::new(),
            depth: 0,
        }
    }

    /// Puts a name in scope under a fixed slot.
    pub(super) fn name(&mut self, name: &str, slot: Slot, shape: Shape) {
        let index = usize::from(slot);
        if self.shapes.len() <= index {
            self.shapes.resize(index + 1, Shape::Any);
        }
        self.set(slot, shape);
        self.names.push((name.into(), slot));
    }

    /// Puts a name in scope under a slot of its own.
    pub(super) fn bind(&mut self, name: &str, shape: Shape) -> Slot {
        let slot = self.shapes.len() as Slot;
        self.name(name, slot, shape);
        slot
    }

    /// Like `bind`, for a name that the file gives; a problem if it hides another.
    pub(super) fn bind_new(&mut self, name: &Name, shape: Shape) -> Slot {
        let lost = name.value.is_empty();
        if !lost && self.names.iter().any(|(known, _)| *known == name.value) {
            let message = format!("`{}` already means something here", name.value);
            self.problems
                .add(Problem::error(codes::NAME_TAKEN, name.span, message).help("choose another name"));
        }
        self.bind(&name.value, shape)
    }

    /// How many names are in scope; `leave` goes back to it.
    pub(super) fn enter(&self) -> usize {
        self.names.len()
    }

    /// Takes names out of scope again; their slots stay taken.
    pub(super) fn leave(&mut self, mark: usize) {
        self.names.truncate(mark);
    }

    /// Works with no names but what `work` binds.
    pub(super) fn alone<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let names = std::mem::take(&mut self.names);
        let result = work(self);
        self.names = names;
        result
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> Slot {
        self.shapes.len() as Slot
    }

    /// What a slot looks like.
    pub(super) fn shape(&self, slot: Slot) -> &Shape {
        &self.shapes[usize::from(slot)]
    }

    /// Says what a slot looks like.
    pub(super) fn set(&mut self, slot: Slot, shape: Shape) {
        self.env.set(slot, shape.clone(), false);
        self.shapes[usize::from(slot)] = shape;
    }

    /// Says that all of a slot is data of a person.
    pub(super) fn set_personal(&mut self, slot: Slot, kind: Option<Arc<str>>) {
        self.env.set_personal(slot, kind);
    }

    /// Takes for granted what holds when a condition is true.
    pub(super) fn assume(&mut self, condition: &Template) {
        self.env.assume(condition);
    }

    /// How much is taken for granted; `forget` goes back to it.
    pub(super) fn granted(&self) -> usize {
        self.env.mark()
    }

    /// Takes no more for granted than was at the mark.
    pub(super) fn forget(&mut self, mark: usize) {
        self.env.forget(mark);
    }

    /// An expression, or text with expressions, and what it gives. What cannot be read is a problem, and then `Any`.
    pub(super) fn typed(&mut self, scalar: &Scalar) -> Compiled {
        let parsed = Template::parse_beside(&scalar.text, &self.scope());
        let template = match parsed {
            Ok(template) => template.placed(scalar.span, Arc::clone(&scalar.places)),
            Err(rest) => {
                self.report(scalar, &rest.faults);
                let more = rest.infer(&self.env);
                self.report(scalar, &more);
                self.uses_lost = true;
                let template = nothing();
                return Compiled { template, shape: Shape::Any, omits: false, personal: None, faulty: true };
            }
        };
        let inferred = template.infer(&self.env);
        self.report(scalar, &inferred.faults);
        let faulty = !inferred.faults.is_empty();
        let Inferred { shape, omits, personal, .. } = inferred;
        Compiled { template, shape, omits, personal, faulty }
    }

    /// Takes a name out of scope until `show`.
    pub(super) fn hide(&mut self, name: &Arc<str>) {
        self.hidden = Some(Arc::clone(name));
    }

    /// Puts the hidden name back in scope.
    pub(super) fn show(&mut self) {
        self.hidden = None;
    }

    fn scope(&self) -> Names<'_> {
        let mut scope = Names::new();
        for (name, slot) in self.names.iter().filter(|(name, _)| Some(name) != self.hidden.as_ref()) {
            scope.add(&**name, *slot);
        }
        scope
    }

    /// An expression that must be true or false.
    pub(super) fn condition(&mut self, scalar: &Scalar) -> Template {
        let Compiled { template, shape, faulty, .. } = self.typed(scalar);
        if !faulty && !matches!(shape, Shape::Any | Shape::Bool) {
            let message = format!("a condition is true or false, this is {shape}");
            self.problems.add(Problem::error(codes::CONDITION, whole(scalar), message));
        }
        template
    }

    /// An expression that must be a list, what its elements look like, and which personal data they are.
    pub(super) fn list(&mut self, scalar: &Scalar) -> (Template, Shape, Option<Personal>) {
        let Compiled { template, shape, faulty, personal, .. } = self.typed(scalar);
        let found = if shape.may_miss() { None } else { element(&shape) };
        let Some(found) = found.or(faulty.then_some(Shape::Any)) else {
            let problem = Problem::error(
                codes::NOT_A_LIST,
                whole(scalar),
                format!("`each` wants a list, this is {shape}"),
            );
            let absent = element(&shape).is_some();
            self.problems.add(if absent {
                problem.help("say what to take if it is absent: `| default([])`")
            } else {
                problem
            });
            return (template, Shape::Any, None);
        };
        (template, found, personal)
    }

    /// An expression that names something: text or a whole number.
    pub(super) fn key(&mut self, scalar: &Scalar) -> Template {
        let Compiled { template, shape, faulty, personal, .. } = self.typed(scalar);
        self.in_the_clear(scalar, personal.as_ref(), ("a key", WRAP));
        if !faulty && !matches!(shape, Shape::Any | Shape::Int | Shape::Text(_) | Shape::Enum(_)) {
            let message = format!("a key is text or a whole number, this is {shape}");
            self.problems.add(Problem::error(codes::KEY, whole(scalar), message));
        }
        template
    }

    /// An expression that says when: an instant, or seconds since 1970.
    pub(super) fn instant(&mut self, scalar: &Scalar) -> Template {
        let Compiled { template, shape, faulty, .. } = self.typed(scalar);
        let wrong = match template.constant() {
            Some(Value::Text(text)) if !time::is_instant(text) => Some(format!("`{text}` is no instant")),
            _ if matches!(shape, Shape::Any | Shape::Int | Shape::Text(_)) => None,
            _ => Some(format!("`at` wants an instant, this is {shape}")),
        };
        if let Some(message) = wrong.filter(|_| !faulty) {
            let problem = Problem::error(codes::TARGET_TYPE, whole(scalar), message);
            self.problems.add(problem.help("such as `2026-01-31T10:00:00Z`, or seconds since 1970"));
        }
        template
    }

    /// What tells which of two events is newer.
    pub(super) fn version(&mut self, scalar: &Scalar) -> Template {
        let Compiled { template, personal, .. } = self.typed(scalar);
        self.in_the_clear(scalar, personal.as_ref(), ("a version", WRAP));
        template
    }

    /// Text for people: a reason.
    pub(super) fn reason(&mut self, scalar: &Scalar) -> Template {
        let Compiled { template, personal, .. } = self.typed(scalar);
        let help = "leave it out; an id names the case as well";
        self.in_the_clear(scalar, personal.as_ref(), ("a reason", help));
        template
    }

    /// What is kept and shown as it is must not tell of a person.
    pub(super) fn in_the_clear(
        &mut self,
        scalar: &Scalar,
        mention: Option<&Personal>,
        (what, help): (&str, &str),
    ) {
        let Some(Personal { kind, start, end }) = mention else { return };
        let message = format!("this is personal data ({kind}), and {what} is kept and shown in the clear");
        let problem = Problem::error(codes::PERSONAL, scalar.place(*start, *end), message);
        self.problems.add(problem.help(help));
    }

    /// Tells every fault at its own column.
    fn report(&mut self, scalar: &Scalar, faults: &[Fault]) {
        let nameless = self.names.iter().any(|(name, _)| name.is_empty());
        for fault in faults {
            if nameless && fault.kind == FaultKind::UnknownName {
                continue; // an element without a name is around: this may be what it is called
            }
            let table = name_of_table(&scalar.text, fault)
                .and_then(|(start, end)| scalar.text.get(start as usize..end as usize));
            if table.is_some_and(|table| self.catalogue.broken.contains(table)) {
                continue;
            }
            let (start, end) = name_of_table(&scalar.text, fault).unwrap_or((fault.start, fault.end));
            let span = scalar.place(start, end);
            let code = match fault.kind {
                FaultKind::UnknownField => field_code(&scalar.text, fault.start),
                kind => code(kind),
            };
            let problem = Problem::error(code, span, fault.message.clone());
            let own = self
                .hidden
                .as_ref()
                .is_some_and(|name| scalar.text.get(fault.start as usize..fault.end as usize) == Some(name));
            self.problems.add(match &fault.help {
                _ if own => problem.help("inside its own `expect` and `warn` a node is called `result`"),
                Some(help) => problem.help(help.clone()),
                None => problem,
            });
        }
    }

    /// Whether a value fits; a problem at its place if not.
    pub(super) fn fit(&mut self, have: &Shape, want: &Shape, span: Span) -> bool {
        fit::fit(have, want, span, self.problems)
    }
}

/// An expression and what it gives.
pub(super) struct Compiled {
    pub(super) template: Template,
    pub(super) shape: Shape,
    /// Whether it may say `omit`.
    pub(super) omits: bool,
    /// The personal data that it is made of.
    pub(super) personal: Option<Personal>,
    /// Whether something in it is told already: then it is not held against what is wanted.
    pub(super) faulty: bool,
}

/// What stands for an expression that cannot be read: an empty text.
#[expect(clippy::expect_used, reason = "the empty text has no expression that could be wrong")]
fn nothing() -> Template {
    Template::parse("", &Names::new()).expect("an empty text is a constant")
}

/// Whether an expression could be read.
pub(super) fn is_readable(template: &Template) -> bool {
    !template.text().is_empty()
}

/// The place of a scalar's text, quotes left out.
pub(super) fn whole(scalar: &Scalar) -> Span {
    scalar.place(0, scalar.text.len() as u32)
}

/// The code of what is wrong with an expression.
fn code(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Syntax | FaultKind::TooLarge => codes::EXPRESSION,
        FaultKind::UnknownName => codes::UNKNOWN_NAME,
        FaultKind::UnknownFunction => codes::UNKNOWN_FUNCTION,
        FaultKind::Arguments => codes::ARGUMENTS,
        FaultKind::UnknownTable => codes::UNKNOWN_TABLE,
        FaultKind::UnknownColumn => codes::UNKNOWN_COLUMN,
        FaultKind::UnknownRow => codes::UNKNOWN_ROW,
        FaultKind::Refused => codes::REFUSED,
        FaultKind::UnknownField => codes::UNKNOWN_FIELD,
        FaultKind::Type => codes::WRONG_TYPE,
        FaultKind::Currency => codes::CURRENCIES,
        FaultKind::MayBeMissing => codes::MAYBE_ABSENT,
        FaultKind::MayBeSkipped => codes::SKIPPED,
        FaultKind::JsonPath => codes::JSONPATH,
    }
}

/// Of a table that is not there, the place of its name.
fn name_of_table(text: &str, fault: &Fault) -> Option<(u32, u32)> {
    let rest = text.get(fault.start as usize..).filter(|_| fault.kind == FaultKind::UnknownTable)?;
    let name = rest.strip_prefix("tables.").unwrap_or(rest);
    let length = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(name.len());
    let start = fault.start + (rest.len() - name.len()) as u32;
    Some((start, start + length as u32))
}

/// A missing field of the root `connection` is a connection or a setting, one of a table's row is a column.
fn field_code(text: &str, start: u32) -> &'static str {
    let before = text.get(..start as usize).unwrap_or_default();
    let path =
        before.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '.').next();
    match path.and_then(|path| path.strip_prefix("connection.")) {
        Some("") => return codes::UNKNOWN_CONNECTION,
        Some(_) => return codes::UNKNOWN_SETTING,
        None => {}
    }
    let row = before.trim_end_matches('.').strip_suffix(']').and_then(|row| opening(row));
    if row.is_some_and(|table| table.contains("tables.")) {
        codes::UNKNOWN_COLUMN
    } else {
        codes::UNKNOWN_FIELD
    }
}

/// What stands before the bracket that is still open at the end of a text, back to white space.
fn opening(text: &str) -> Option<&str> {
    let mut depth = 0;
    for (at, letter) in text.char_indices().rev() {
        match letter {
            ']' => depth += 1,
            '[' if depth == 0 => return text[..at].split_whitespace().next_back(),
            '[' => depth -= 1,
            _ => {}
        }
    }
    None
}
