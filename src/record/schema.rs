//! One schema to one shape. In: a schema's tree. Out: its shape, its border types, and what is wrong with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use indexmap::IndexMap;

use super::{ADDS, member};
use crate::{
    problem::{Problem, Problems, codes},
    shape::{CurrencyOf, Field, Object, Part, Shape, TextShape, Wire, near},
    source::{Name, Span},
    yaml::{Kind, Node},
};

/// Every key a schema may have.
const KEYS: &[&str] = &[
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "title",
    "description",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "maxLength",
    "minLength",
    "format",
    "minimum",
    "maximum",
    "readOnly",
    "deprecated",
    "default",
    "examples",
    "x-type",
    "x-personal",
    "x-read-only",
    "x-key",
    "x-sum",
    ADDS,
];
const TYPES: &[&str] = &["string", "integer", "number", "boolean", "object", "array", "null"];
const BORDERS: &[&str] =
    &["money", "rate", "int", "decimal", "bool", "rfc2822", "unix", "instant", "date", "us_date"];

pub(super) struct Reader<'a> {
    nodes: &'a BTreeMap<Arc<str>, Node>,
    done: BTreeMap<Arc<str>, Shape>,
    open: BTreeSet<Arc<str>>,
    root: Option<&'a Node>,
    problems: &'a mut Problems,
}

impl<'a> Reader<'a> {
    /// Records to read, and the names of those that cannot be read.
    pub(super) fn new(
        nodes: &'a BTreeMap<Arc<str>, Node>,
        unread: &[Arc<str>],
        problems: &'a mut Problems,
    ) -> Self {
        let done = unread.iter().map(|name| (Arc::clone(name), Shape::Any)).collect();
        Self { nodes, done, open: BTreeSet::new(), root: None, problems }
    }

    /// The shape of a record; a record inside itself ends in "anything".
    pub(super) fn record(&mut self, name: &Arc<str>) -> Shape {
        if let Some(shape) = self.done.get(name) {
            return shape.clone();
        }
        let Some(node) = self.nodes.get(name) else { return Shape::Any };
        if !self.open.insert(Arc::clone(name)) {
            return Shape::Any;
        }
        let outer = self.root.replace(node);
        let field = self.schema(node, Some(name));
        self.root = outer;
        self.open.remove(name);
        self.done.insert(Arc::clone(name), field.shape.clone());
        field.shape
    }

    fn schema(&mut self, node: &'a Node, name: Option<&Arc<str>>) -> Field {
        let Kind::Map(members) = &node.kind else {
            self.wrong(node.span, "a schema is an object");
            return Field::optional(Shape::Any);
        };
        for (key, _) in members {
            self.known_key(key);
        }
        let reference = member(node, "$ref").map(|found| self.reference(found));
        let (types, nullable) = self.types(node);
        let shape = reference.unwrap_or_else(|| self.shape(node, types.as_deref(), name));
        let mut field = Field::optional(shape);
        if let Some(border) = member(node, "x-type") {
            self.border(border, types.as_deref(), &mut field);
        }
        if nullable {
            field.shape = field.shape.optional();
        }
        field.read_only = flag(node, "readOnly") || flag(node, "x-read-only");
        field.key = flag(node, "x-key");
        field.personal = text(node, "x-personal");
        field.doc = text(node, "description").or_else(|| text(node, "title"));
        field
    }

    fn known_key(&mut self, key: &Name) {
        if !KEYS.contains(&&*key.value) {
            let hint = did_you_mean(&key.value, KEYS);
            let told = format!("record schemas have no key `{}`{hint}", key.value);
            self.problems.add(Problem::error(codes::RECORD_KEY, key.span, told));
        }
    }

    fn wrong(&mut self, span: Span, told: impl Into<String>) {
        self.problems.add(Problem::error(codes::RECORD, span, told));
    }

    /// The one type that is not null, and whether null is one.
    fn types(&mut self, node: &Node) -> (Option<Arc<str>>, bool) {
        let Some(found) = member(node, "type") else { return (None, false) };
        let mut names: Vec<_> = match &found.kind {
            Kind::Scalar(scalar) => vec![scalar.name()],
            Kind::List(items) => items.iter().filter_map(scalar_name).collect(),
            _ => Vec::new(),
        };
        for name in &names {
            if !TYPES.contains(&&*name.value) {
                self.wrong(
                    name.span,
                    format!("there is no type `{}`{}", name.value, did_you_mean(&name.value, TYPES)),
                );
            }
        }
        let before = names.len();
        names.retain(|name| &*name.value != "null");
        if names.len() > 1 {
            self.wrong(found.span, "one type is possible here, and `null` beside it");
        }
        (names.first().map(|name| Arc::clone(&name.value)), names.len() < before)
    }

    fn shape(&mut self, node: &'a Node, types: Option<&str>, name: Option<&Arc<str>>) -> Shape {
        if let Some(words) = member(node, "enum").and_then(words) {
            return Shape::Enum(words.into());
        }
        match types {
            Some("integer") => Shape::Int,
            Some("number") => Shape::Number,
            Some("boolean") => Shape::Bool,
            Some("array") => {
                member(node, "items").map_or(Shape::Any, |items| self.schema(items, None).shape).list()
            }
            Some("string") => Shape::Text(TextShape {
                max_len: text(node, "maxLength").and_then(|digits| digits.parse().ok()),
                format: text(node, "format"),
            }),
            Some("object") => self.object(node, name),
            _ if member(node, "properties").is_some() => self.object(node, name),
            _ => Shape::Any,
        }
    }

    fn object(&mut self, node: &'a Node, name: Option<&Arc<str>>) -> Shape {
        let mut fields: IndexMap<Arc<str>, Field> = IndexMap::new();
        if let Some(Node { kind: Kind::Map(members), .. }) = member(node, "properties") {
            for (key, schema) in members {
                let field = self.schema(schema, None);
                fields.insert(Arc::clone(&key.value), field);
            }
        }
        if let Some(Node { kind: Kind::List(required), .. }) = member(node, "required") {
            for wanted in required.iter().filter_map(scalar_name) {
                match fields.get_mut(&wanted.value) {
                    Some(field) => field.required = true,
                    None => self.wrong(
                        wanted.span,
                        format!("`{}` is required, but `properties` does not have it", wanted.value),
                    ),
                }
            }
        }
        let open = text(node, "additionalProperties").as_deref() != Some("false");
        let sums = member(node, "x-sum").map(|sums| self.sums(sums));
        Shape::Object(Arc::new(Object { fields, open, name: name.cloned(), sums }))
    }

    fn sums(&mut self, node: &Node) -> Arc<[Part]> {
        let Kind::List(items) = &node.kind else {
            self.wrong(node.span, "`x-sum` is a list of paths such as `lines[].net` or `-discount`");
            return Arc::new([]);
        };
        let part = |name: Name| {
            let path = name.value.trim_start_matches('-');
            Part {
                path: path.split('.').map(|step| step.trim_end_matches("[]").into()).collect(),
                minus: name.value.starts_with('-'),
            }
        };
        items.iter().filter_map(scalar_name).map(part).collect()
    }

    fn reference(&mut self, node: &'a Node) -> Shape {
        let Some(name) = scalar_name(node) else {
            self.wrong(node.span, "`$ref` is a record's name or `#/$defs/…`");
            return Shape::Any;
        };
        if let Some(local) = name.value.strip_prefix("#/$defs/") {
            let found = self.root.and_then(|root| member(member(root, "$defs")?, local));
            return match found {
                Some(found) if self.open.insert(Arc::clone(&name.value)) => {
                    let shape = self.schema(found, None).shape;
                    self.open.remove(&name.value);
                    shape
                }
                Some(_) => Shape::Any,
                None => self.no_record(&name),
            };
        }
        let known = self.nodes.contains_key(&name.value) || self.done.contains_key(&name.value);
        if known { self.record(&name.value) } else { self.no_record(&name) }
    }

    fn no_record(&mut self, name: &Name) -> Shape {
        let hint = near(&name.value, self.nodes.keys().map(|known| &**known));
        let hint = hint.map_or(String::new(), |known| format!("; did you mean `{known}`?"));
        let told = format!("there is no record `{}`{hint}", name.value);
        self.problems.add(Problem::error(codes::RECORD_REFERENCE, name.span, told));
        Shape::Any
    }

    fn border(&mut self, node: &Node, types: Option<&str>, field: &mut Field) {
        let Some(name) = scalar_name(node) else {
            return self.wrong(node.span, "`x-type` is the name of a border type");
        };
        let (kind, path) = match name.value.split_once('(') {
            Some((kind, rest)) => (kind, rest.strip_suffix(')').filter(|path| !path.is_empty())),
            None => (&*name.value, None),
        };
        let written = if types == Some("string") { Wire::Text } else { Wire::Plain };
        let instant = || Shape::Text(TextShape { max_len: None, format: Some("date-time".into()) });
        let date = || Shape::Text(TextShape { max_len: None, format: Some("date".into()) });
        (field.shape, field.wire) = match kind {
            "money" => {
                let currency = path.map_or(CurrencyOf::Unknown, |path| CurrencyOf::Field(path.into()));
                (Shape::Money(currency), written)
            }
            "rate" => (Shape::Rate, written),
            "int" => (Shape::Int, written),
            "decimal" => (Shape::Number, written),
            "bool" => (Shape::Bool, if types == Some("string") { Wire::BoolTf } else { Wire::Plain }),
            "rfc2822" => (instant(), Wire::Rfc2822),
            "unix" => (instant(), Wire::Unix),
            "instant" => (instant(), Wire::Plain),
            "date" => (date(), Wire::Plain),
            "us_date" => (date(), Wire::UsDate),
            other => {
                let told = format!("there is no border type `{other}`{}", did_you_mean(other, BORDERS));
                return self.wrong(name.span, told);
            }
        };
    }
}

fn did_you_mean(word: &str, known: &[&str]) -> String {
    near(word, known.iter().copied()).map_or(String::new(), |known| format!("; did you mean `{known}`?"))
}

fn scalar_name(node: &Node) -> Option<Name> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(scalar.name()),
        _ => None,
    }
}

fn text(node: &Node, key: &str) -> Option<Arc<str>> {
    member(node, key).and_then(scalar_name).map(|name| name.value)
}

fn flag(node: &Node, key: &str) -> bool {
    text(node, key).as_deref() == Some("true")
}

/// The texts of an `enum`; none if any is no text (then the type says enough).
fn words(node: &Node) -> Option<Vec<Arc<str>>> {
    let Kind::List(items) = &node.kind else { return None };
    let quoted = |item: &Node| match &item.kind {
        Kind::Scalar(scalar) if !scalar.plain => Some(Arc::clone(&scalar.text)),
        _ => None,
    };
    items.iter().map(quoted).collect()
}
