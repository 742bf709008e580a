//! What stands where a value is wanted: constants, expressions, lists, objects, nested `each`, fragments. In: the tree of
//! the file and what is wanted. Out: a compiled mapping and its type; problems at the leaf they belong to. It must never
//! know nodes or systems.

use std::sync::Arc;

use super::{
    desk::{Compiled, Desk, is_readable, whole},
    fit,
};
use crate::{
    expr::Mapping,
    money,
    problem::{Problem, codes},
    shape::{Field, Object, Shape, element, join},
    source::{Name, Scalar, Span},
    syntax::ast::{Each, Fragment, Given, Use},
    value::{Number, Value},
    yaml::{self, Plain},
};

/// Fragments within fragments.
const MAX_DEPTH: usize = 16;

/// A compiled value and what it looks like.
pub(super) struct Typed {
    pub(super) mapping: Mapping,
    pub(super) shape: Shape,
    /// Whether it may say `omit`.
    pub(super) omits: bool,
    /// The kind of personal data that all of it is; members of an object say it themselves.
    pub(super) personal: Option<Arc<str>>,
}

impl Typed {
    fn new(mapping: Mapping, shape: Shape) -> Self {
        Self { mapping, shape, omits: false, personal: None }
    }

    fn any() -> Self {
        Self::new(Mapping::Const(Value::Null), Shape::Any)
    }
}

impl Desk<'_> {
    /// Compiles a value and holds it against what is wanted.
    pub(super) fn given(&mut self, given: &Given, want: &Shape) -> Typed {
        match given {
            Given::Scalar(scalar) => self.leaf(scalar, want),
            Given::List(items, span) => self.items(items, *span, want),
            Given::Object(members, span) => self.members(members, *span, want),
            Given::Each(each) => self.each(each, want),
            Given::Use(put) => self.put(put, want),
        }
    }

    fn leaf(&mut self, scalar: &Scalar, want: &Shape) -> Typed {
        if let Some(value) = constant(scalar) {
            let fits = fit::constant(&value, want, (whole(scalar), &scalar.text), self.problems);
            let shape = if fits { fit::shape_of(&value) } else { Shape::Any };
            self.uses_lost |= !fits;
            return Typed::new(Mapping::Const(value), shape);
        }
        let Compiled { template, shape, omits, personal, faulty } = self.typed(scalar);
        let fits = faulty
            || match template.constant().filter(|value| is_readable(&template) && is_scalar(value)) {
                Some(value) => {
                    let written = value.scalar_text().unwrap_or_default();
                    fit::constant(value, want, (whole(scalar), &written), self.problems)
                }
                None => self.fit(&shape, want, whole(scalar)),
            };
        self.uses_lost |= !fits;
        // What does not fit here is no problem again where it is passed on.
        let shape = if fits { shape } else { Shape::Any };
        let personal = personal.map(|mention| mention.kind);
        Typed { mapping: Mapping::Template(template), shape, omits, personal }
    }

    fn items(&mut self, items: &[Given], span: Span, want: &Shape) -> Typed {
        let wanted = element(want);
        if wanted.is_none() {
            self.expected(want, "a list", span);
        }
        let wanted = wanted.unwrap_or(Shape::Any);
        let typed: Vec<Typed> = items.iter().map(|item| self.given(item, &wanted)).collect();
        let shape = typed.iter().map(|item| item.shape.clone()).reduce(|one, two| join(&one, &two));
        let personal = typed.iter().find_map(|item| item.personal.clone());
        let mapping = Mapping::List(typed.into_iter().map(|item| item.mapping).collect());
        Typed { personal, ..Typed::new(mapping, shape.unwrap_or(Shape::Any).list()) }
    }

    fn members(&mut self, members: &[(Name, Given)], span: Span, want: &Shape) -> Typed {
        let target = match want.present() {
            Shape::Object(target) => Some(Arc::clone(target)),
            Shape::Any => None,
            _ => {
                self.expected(want, "an object", span);
                None
            }
        };
        let before = self.problems.len();
        let mut object = Object::default();
        let mut compiled = Vec::new();
        for (key, member) in members {
            let wanted = match &target {
                Some(target) => fit::target_field(key, target, self.problems),
                None => Shape::Any,
            };
            let typed = self.given(member, &wanted);
            object.fields.insert(Arc::clone(&key.value), field(&typed));
            compiled.push((Arc::clone(&key.value), typed.mapping));
        }
        if let Some(target) = &target {
            let given: Vec<Arc<str>> = object.fields.keys().cloned().collect();
            let first = members.first().map_or(span, |(key, _)| key.span);
            self.uses_lost |= fit::required(&given, target, first, self.problems);
            self.may_be_left_out(members, &object, target);
        }
        let told = target.is_some() && self.problems.len() > before;
        // What is told here is no problem again where it is passed on: then it counts as what was wanted.
        let shape = match &target {
            Some(_) if told => written(want.present()),
            _ => Shape::Object(Arc::new(object)).known_as(want.present()),
        };
        Typed::new(Mapping::Object(compiled), shape)
    }

    /// A required field whose value may be `omit`.
    fn may_be_left_out(&mut self, members: &[(Name, Given)], given: &Object, target: &Object) {
        for (key, _) in members {
            let required =
                target.fields.get(&key.value).is_some_and(|field| field.required && !field.read_only);
            if required && given.fields.get(&key.value).is_some_and(|field| !field.required) {
                let message = format!("`{}` is required and may be left out here", key.value);
                self.problems.add(Problem::error(codes::REQUIRED, key.span, message));
            }
        }
    }

    fn each(&mut self, each: &Each, want: &Shape) -> Typed {
        let (list, item, personal) = self.list(&each.list);
        let wanted = element(want);
        if wanted.is_none() {
            self.expected(want, "a list", each.span);
        }
        let mark = self.enter();
        let slot = self.bind_new(&each.name, item);
        self.set_personal(slot, personal.map(|mention| mention.kind));
        let filter = each.filter.as_ref().map(|filter| self.condition(filter));
        let granted = self.granted();
        if let Some(filter) = &filter {
            self.assume(filter);
        }
        let body = self.given(&each.body, &wanted.unwrap_or(Shape::Any));
        self.forget(granted);
        self.leave(mark);
        let shape = body.shape.list();
        let mapping = Mapping::Each { list, slot, filter, body: Box::new(body.mapping) };
        Typed { personal: body.personal, ..Typed::new(mapping, shape) }
    }

    /// A fragment put in place: its parameters are bound, then its body is compiled as if it stood here.
    fn put(&mut self, put: &Use, want: &Shape) -> Typed {
        let Some(fragment) = self.catalogue.fragments.get(&put.fragment.value) else {
            let message = format!("there is no fragment `{}`", put.fragment.value);
            let problem = Problem::error(codes::UNKNOWN_FRAGMENT, put.fragment.span, message);
            let names = self.catalogue.fragments.keys().map(|name| &**name);
            if !self.catalogue.broken.contains(&put.fragment.value) {
                self.problems.add(fit::with_near(problem, &put.fragment.value, names));
            }
            self.uses_lost = true;
            put.with.iter().for_each(|(_, value)| drop(self.given(value, &Shape::Any)));
            return Typed::any();
        };
        if self.depth >= MAX_DEPTH {
            let message = format!("`{}` uses itself", put.fragment.value);
            self.problems.add(Problem::error(codes::CYCLE, put.fragment.span, message));
            return Typed::any();
        }
        let arguments = self.arguments(put, fragment);
        self.depth += 1;
        let typed = self.alone(|desk| desk.body(fragment, arguments, want));
        self.depth -= 1;
        typed
    }

    /// The values of a fragment's parameters, in the order in which it declares them.
    fn arguments(&mut self, put: &Use, fragment: &Fragment) -> Vec<Typed> {
        let parameters: Vec<(Arc<str>, Shape)> = fragment
            .params
            .iter()
            .map(|(name, of)| {
                (Arc::clone(&name.value), self.catalogue.named(&of.value).unwrap_or(Shape::Any))
            })
            .collect();
        let mut given = self.parameters(&put.with, &parameters, &put.fragment);
        parameters
            .iter()
            .map(|(name, shape)| match given.iter().position(|(known, _)| known == name) {
                Some(at) => {
                    let (_, typed) = given.swap_remove(at);
                    let shape = if *shape == Shape::Any { typed.shape } else { shape.clone() };
                    Typed { shape, ..typed }
                }
                None => Typed { shape: shape.clone(), ..Typed::any() },
            })
            .collect()
    }

    /// A fragment's body with its parameters bound.
    fn body(&mut self, fragment: &Fragment, arguments: Vec<Typed>, want: &Shape) -> Typed {
        let mut bind = Vec::new();
        for ((name, _), argument) in fragment.params.iter().zip(arguments) {
            let slot = self.bind(&name.value, argument.shape);
            self.set_personal(slot, argument.personal);
            bind.push((slot, argument.mapping));
        }
        for (name, value) in &fragment.lets {
            let typed = self.given(value, &Shape::Any);
            let shape = if typed.omits { typed.shape.optional() } else { typed.shape };
            let slot = self.bind_new(name, shape);
            self.set_personal(slot, typed.personal);
            bind.push((slot, typed.mapping));
        }
        let body = self.given(&fragment.body, want);
        Typed { mapping: Mapping::Let { bind, body: Box::new(body.mapping) }, ..body }
    }

    /// Checks a fragment by itself: its parameters look as they are declared. What it gives with these values for them;
    /// those that are left out are null.
    pub(super) fn fragment(&mut self, fragment: &Fragment, values: Vec<Value>) -> Mapping {
        let values = values.into_iter().chain(std::iter::repeat(Value::Null));
        let params = fragment.params.iter().zip(values);
        let arguments =
            params.map(|((_, of), value)| Typed::new(Mapping::Const(value), self.type_of(of))).collect();
        self.body(fragment, arguments, &Shape::Any).mapping
    }

    /// The type of that name; a problem if there is none.
    pub(super) fn type_of(&mut self, name: &Name) -> Shape {
        self.catalogue.named(&name.value).unwrap_or_else(|| {
            let problem =
                Problem::error(codes::UNKNOWN_TYPE, name.span, format!("there is no type `{}`", name.value));
            self.problems.add(fit::with_near(problem, &name.value, self.catalogue.type_names()));
            Shape::Any
        })
    }

    /// What is given under `with:`, held against the parameters that `whose` takes.
    pub(super) fn parameters(
        &mut self,
        with: &[(Name, Given)],
        parameters: &[(Arc<str>, Shape)],
        whose: &Name,
    ) -> Vec<(Arc<str>, Typed)> {
        let mut given = Vec::new();
        for (name, value) in with {
            let known = parameters.iter().find(|(known, _)| *known == name.value);
            if known.is_none() {
                let message = format!("`{}` takes no parameter `{}`", whose.value, name.value);
                let problem = Problem::error(codes::UNKNOWN_PARAMETER, name.span, message);
                let names = parameters.iter().map(|(name, _)| &**name);
                self.problems.add(fit::with_near(problem, &name.value, names));
                self.uses_lost = true;
            }
            let typed = self.given(value, known.map_or(&Shape::Any, |(_, shape)| shape));
            given.push((Arc::clone(&name.value), typed));
        }
        // A name that is not taken may stand for one that is missing.
        let is_known = |name: &Name| parameters.iter().any(|(known, _)| *known == name.value);
        let strangers = || with.iter().map(|(name, _)| name).filter(|name| !is_known(name));
        let near =
            |missing: &str| strangers().any(|name| crate::shape::near(&name.value, [missing]).is_some());
        let missing: Vec<&str> = parameters
            .iter()
            .filter(|(name, shape)| {
                !shape.may_miss() && *shape != Shape::Any && !given.iter().any(|(known, _)| known == name)
            })
            .map(|(name, _)| &**name)
            .filter(|name| !near(name))
            .collect();
        if !missing.is_empty() {
            let message = format!("`{}` needs {}", whose.value, fit::listed(missing.iter().copied()));
            self.problems.add(
                Problem::error(codes::MISSING_PARAMETER, whose.span, message).help("give it under `with:`"),
            );
            self.uses_lost = true;
        }
        given
    }

    fn expected(&mut self, want: &Shape, found: &str, span: Span) {
        self.problems.add(Problem::error(
            codes::TARGET_TYPE,
            span,
            format!("expected {want}, found {found}"),
        ));
    }
}

/// A record as it is written: without what can only be read.
pub(super) fn written(shape: &Shape) -> Shape {
    match shape {
        Shape::Object(target) => {
            let mut object = Object::clone(target);
            object.fields.retain(|_, field| !field.read_only);
            object.fields.values_mut().for_each(|field| field.shape = written(&field.shape));
            Shape::Object(Arc::new(object))
        }
        Shape::List(element) => written(element).list(),
        Shape::Optional(inner) => written(inner).optional(),
        other => other.clone(),
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Map(_))
}

/// A field of an object that is made: what may say `omit` may not be there.
fn field(typed: &Typed) -> Field {
    let personal = typed.personal.clone();
    Field { required: !typed.omits, personal, ..Field::required(typed.shape.clone()) }
}

/// What a plain scalar without an expression means: a number, a boolean or null; none: text or an expression.
pub fn constant(scalar: &Scalar) -> Option<Value> {
    if !scalar.plain {
        return None;
    }
    match yaml::plain(&scalar.text) {
        Plain::Null => Some(Value::Null),
        Plain::Bool(truth) => Some(Value::Bool(truth)),
        Plain::Number(text) => Some(Value::Number(number(text))),
        Plain::Text(_) => None,
    }
}

/// A number as it was written in YAML, which allows a leading `+` and bare points.
fn number(text: &str) -> Number {
    let text = text.strip_prefix('+').unwrap_or(text);
    money::decimal(text).map_or_else(|_| Number::Written(text.into()), Number::Exact)
}
