//! Values and types of a connector file. In: scalars, lists, objects, types as written. Out: templates, mappings, shapes.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Lower;
use crate::{
    connector::model::Param,
    expr::{Mapping, Names, Template},
    problem::{Problem, codes},
    shape::{Field, Object, Shape, TextShape, Wire},
    source::{Name, Scalar, Span},
    syntax::{
        ast::{Each, Given},
        connector::Type,
    },
    value::{Number, Value},
    yaml::{self, Plain},
};

/// Types that every connector knows.
const TYPES: &[&str] = &["text", "int", "number", "bool", "date", "instant", "duration", "slug", "any"];

/// Which way values of a type cross the border.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    In,
    Out,
}

impl Lower<'_> {
    /// An expression, text with expressions, or a constant.
    pub(super) fn template(&mut self, scalar: &Scalar) -> Template {
        let names = self.names.iter().fold(Names::new(), |names, (name, slot)| names.with(&**name, *slot));
        let faults = match Template::parse(&scalar.text, &names) {
            Ok(template) => return template.placed(scalar.span, Arc::clone(&scalar.places)),
            Err(faults) => faults,
        };
        for fault in faults {
            let span = scalar.place(fault.start, fault.end);
            let problem = Problem::error(codes::CONNECTOR_EXPRESSION, span, fault.message);
            self.problems.add(match fault.help {
                Some(help) => problem.help(help),
                None => problem,
            });
        }
        nothing()
    }

    pub(super) fn mapping(&mut self, given: &Given) -> Mapping {
        match given {
            Given::Scalar(scalar) => {
                constant(scalar).map_or_else(|| Mapping::Template(self.template(scalar)), Mapping::Const)
            }
            Given::List(items, _) => Mapping::List(items.iter().map(|item| self.mapping(item)).collect()),
            Given::Object(members, _) => Mapping::Object(self.mappings(members)),
            Given::Each(each) => self.each(each),
            Given::Use(put) => {
                self.add(codes::OPERATION, put.span, "fragments are for flows: write the value out here");
                Mapping::Const(Value::Null)
            }
        }
    }

    pub(super) fn mappings(&mut self, members: &[(Name, Given)]) -> Vec<(Arc<str>, Mapping)> {
        members.iter().map(|(key, member)| (Arc::clone(&key.value), self.mapping(member))).collect()
    }

    fn each(&mut self, each: &Each) -> Mapping {
        let list = self.template(&each.list);
        let slot = self.next;
        self.next += 1;
        self.names.push((Arc::clone(&each.name.value), slot));
        let filter = each.filter.as_ref().map(|filter| self.template(filter));
        let body = Box::new(self.mapping(&each.body));
        self.names.pop();
        Mapping::Each { list, slot, filter, body }
    }

    /// What a type looks like.
    pub(super) fn shape(&mut self, kind: &Type, way: Way) -> Shape {
        self.field(kind, way).shape
    }

    /// A parameter's type.
    pub(super) fn param(&mut self, kind: &Type) -> Param {
        let slug = matches!(kind, Type::Named(name) if name.value.trim_end_matches('?') == "slug");
        Param { shape: self.shape(kind, Way::Out), slug }
    }

    fn field(&mut self, kind: &Type, way: Way) -> Field {
        match kind {
            Type::Named(name) => self.named(name, way),
            Type::List(element, _) => Field::required(self.shape(element, way).list()),
            Type::Object(members, span) => match &members[..] {
                [(key, inner)] if &*key.value == "maybe" => {
                    Field::optional(self.shape(inner, way).optional())
                }
                members => self.object(members, *span, way),
            },
        }
    }

    fn object(&mut self, members: &[(Name, Type)], span: Span, way: Way) -> Field {
        if members.is_empty() {
            self.add(codes::TYPE, span, "an object type names its fields; `any` is anything");
        }
        let fields: IndexMap<_, _> =
            members.iter().map(|(name, kind)| (Arc::clone(&name.value), self.field(kind, way))).collect();
        // What comes in has these fields and no others for expressions; what goes out may have more.
        let open = way == Way::Out;
        Field::required(Shape::Object(Arc::new(Object { fields, open, ..Object::default() })))
    }

    fn named(&mut self, name: &Name, way: Way) -> Field {
        let (word, maybe) = match name.value.strip_suffix('?') {
            Some(word) => (word, true),
            None => (&*name.value, false),
        };
        let text = |format: &str| Shape::Text(TextShape { max_len: None, format: Some(format.into()) });
        let arriving = |wire: Wire| if way == Way::In { wire } else { Wire::Plain };
        let (shape, wire) = match word {
            "text" | "slug" | "duration" => (Shape::TEXT, Wire::Plain),
            "int" => (Shape::Int, Wire::Plain),
            "number" => (Shape::Number, Wire::Plain),
            "bool" => (Shape::Bool, arriving(Wire::BoolTf)),
            "date" => (text("date"), Wire::Plain),
            "instant" => (text("date-time"), arriving(Wire::Rfc2822)),
            "any" => (Shape::Any, Wire::Plain),
            record => (self.record(record, name), Wire::Plain),
        };
        if maybe {
            Field { wire, ..Field::optional(shape.optional()) }
        } else {
            Field { wire, ..Field::required(shape) }
        }
    }

    fn record(&mut self, word: &str, name: &Name) -> Shape {
        if let Some(shape) = self.records.get(word) {
            return shape.clone();
        }
        let close = match self.records.near(word) {
            Some(close) if word.contains('.') => Some(close.to_owned()),
            _ => crate::shape::near(word, TYPES.iter().copied()).map(str::to_owned),
        };
        let problem = Problem::error(codes::TYPE, name.span, format!("there is no type `{word}`"));
        self.problems.add(match close {
            Some(close) => problem.help(format!("did you mean `{close}`?")),
            None => problem.help(format!("one of {}, or a record such as `system.record`", TYPES.join(", "))),
        });
        Shape::Any
    }

    /// Keys that do not belong.
    pub(super) fn only(&mut self, keys: &[(Name, Given)], known: &[&str], what: &str) {
        for (key, _) in keys {
            if !known.contains(&&*key.value) {
                let problem = Problem::error(
                    codes::CONNECTOR_WORD,
                    key.span,
                    format!("{what} has no key `{}`", key.value),
                );
                let hint = if known.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("one of {}", known.join(", "))
                };
                self.problems.add(problem.help(hint));
            }
        }
    }

    /// A text among keys, which must be there.
    pub(super) fn text(&mut self, keys: &[(Name, Given)], key: &str, span: Span) -> Option<Name> {
        let found = self.optional_text(keys, key);
        if found.is_none() {
            self.add(codes::OPERATION, span, format!("`{key}` is missing"));
        }
        found
    }

    /// A text among keys.
    pub(super) fn optional_text(&mut self, keys: &[(Name, Given)], key: &str) -> Option<Name> {
        match keys.iter().find(|(name, _)| &*name.value == key) {
            Some((_, Given::Scalar(scalar))) => Some(scalar.name()),
            Some((name, _)) => {
                self.add(codes::CONNECTOR_WORD, name.span, format!("`{key}` is a text"));
                None
            }
            None => None,
        }
    }

    /// A whole number from 1 among keys.
    pub(super) fn number(&mut self, keys: &[(Name, Given)], key: &str) -> Option<u32> {
        let name = self.optional_text(keys, key)?;
        let number = name.value.parse().ok().filter(|number| *number > 0);
        if number.is_none() {
            self.add(codes::CONNECTOR_WORD, name.span, format!("`{key}` is a whole number from 1"));
        }
        number
    }

    /// An expression among keys.
    pub(super) fn optional_template(&mut self, keys: &[(Name, Given)], key: &str) -> Option<Template> {
        match keys.iter().find(|(name, _)| &*name.value == key) {
            Some((_, Given::Scalar(scalar))) => Some(self.template(scalar)),
            Some((name, _)) => {
                self.add(codes::CONNECTOR_WORD, name.span, format!("`{key}` is a text or an expression"));
                None
            }
            None => None,
        }
    }

    /// An expression among keys, which must be there.
    pub(super) fn needed_template(
        &mut self,
        keys: &[(Name, Given)],
        key: &str,
        span: Span,
    ) -> Option<Template> {
        let found = self.optional_template(keys, key);
        if found.is_none() {
            self.add(codes::OPERATION, span, format!("`{key}` is missing"));
        }
        found
    }
}

/// What stands for an expression that could not be read.
fn nothing() -> Template {
    match Template::parse("", &Names::new()) {
        Ok(template) => template,
        Err(_) => unreachable!("text without expressions is always read"),
    }
}

/// The value of a scalar without expressions.
fn constant(scalar: &Scalar) -> Option<Value> {
    (!scalar.text.contains("{{")).then(|| data_scalar(scalar))
}

fn data_scalar(scalar: &Scalar) -> Value {
    if !scalar.plain {
        return Value::Text(Arc::clone(&scalar.text));
    }
    match yaml::plain(&scalar.text) {
        Plain::Null => Value::Null,
        Plain::Bool(truth) => Value::Bool(truth),
        Plain::Number(digits) => match crate::money::decimal(digits) {
            Ok(exact) => Value::from(exact),
            Err(_) => Value::Number(Number::Written(digits.into())),
        },
        Plain::Text(text) => Value::from(text),
    }
}

/// Data as it stands, expressions unread.
pub(super) fn data(given: &Given) -> Value {
    match given {
        Given::Scalar(scalar) => data_scalar(scalar),
        Given::List(items, _) => Value::list(items.iter().map(data)),
        Given::Object(members, _) => {
            Value::object(members.iter().map(|(key, member)| (Arc::clone(&key.value), data(member))))
        }
        Given::Each(_) | Given::Use(_) => Value::Null,
    }
}
