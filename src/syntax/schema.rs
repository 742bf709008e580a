//! The table of keys as JSON Schemas (2020-12), for editors. In: [`super::keys`]. Out: one schema a kind of file. It must
//! never know more than the table: what a schema cannot say is told by the reader alone.

use std::collections::BTreeMap;

use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};

use super::keys::{self, Choice, Key, Names, Object, Rule, Want};
use crate::{
    problem::Problems,
    source::Sources,
    yaml::{self, Kind, Node, Plain, plain},
};

/// Every schema and the name of its file.
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("flow.schema.json", file(&keys::FLOW, false)),
        ("overlay.schema.json", file(&keys::OVERLAY, true)),
        ("fragment.schema.json", file(&keys::FRAGMENT, false)),
        ("connector.schema.json", file(&keys::CONNECTOR, false)),
        ("estate.schema.json", file(&keys::ESTATE, false)),
        ("case.schema.json", file(&keys::CASES, false)),
    ]
}

fn file(object: &'static Object, partial: bool) -> Schema {
    let mut writer = Writer { partial, names: BTreeMap::new(), defs: BTreeMap::new() };
    let body = writer.object_body(object);
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("flowrun: {}", object.name),
        "description": object.doc,
    });
    for (key, value) in body {
        schema.insert(key, value);
    }
    schema.insert("$defs".into(), Value::Object(writer.defs.into_iter().collect()));
    schema
}

struct Writer {
    /// Nothing is required but what tells the kind of a thing.
    partial: bool,
    /// Names of definitions by the address of what they define.
    names: BTreeMap<usize, String>,
    defs: BTreeMap<String, Value>,
}

impl Writer {
    fn want(&mut self, want: &Want) -> Value {
        match want {
            Want::Text | Want::Expression => json!({ "type": ["string", "number", "boolean"] }),
            Want::Name(names) => name(*names),
            Want::Call => json!({ "type": "string", "pattern": r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+){1,2}$" }),
            Want::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Want::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
            Want::Bool => json!({ "type": "boolean" }),
            Want::Duration => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }),
            Want::Word(words) => json!({ "enum": words }),
            Want::Instant(words) => {
                json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}" }] })
            }
            Want::Or(inner) => {
                json!({ "anyOf": [self.want(inner), { "type": "string", "pattern": r"\{\{" }] })
            }
            Want::Reference => json!({ "type": "string", "pattern": "^(env|file):." }),
            Want::Given => self.given(),
            Want::Data => json!({}),
            Want::Type => json!({ "anyOf": [{ "type": "string" }, one(&json!({ "type": "string" }))] }),
            Want::Shape => self.shape(),
            Want::Object(object) => self.object(object),
            Want::Choice(choice) => self.choice(choice),
            Want::List(inner) => json!({ "type": "array", "minItems": 1, "items": self.want(inner) }),
            Want::Many(inner) => {
                let inner = self.want(inner);
                json!({ "anyOf": [inner, { "type": "array", "items": inner }] })
            }
            Want::Map(names, inner) => {
                let inner = self.want(inner);
                json!({ "type": "object", "propertyNames": key_name(*names), "additionalProperties": inner })
            }
            Want::Either(text, object) => json!({ "anyOf": [self.want(text), self.want(object)] }),
        }
    }

    /// Gives the definition of that name, made by `body` the first time.
    fn defined(&mut self, address: usize, name: &str, body: impl FnOnce(&mut Self) -> Value) -> Value {
        if let Some(known) = self.names.get(&address) {
            return reference(known);
        }
        let slug = slug(name);
        let free = (1..).map(|number| if number == 1 { slug.clone() } else { format!("{slug}_{number}") });
        let own = free.into_iter().find(|name| !self.defs.contains_key(name)).unwrap_or(slug);
        self.names.insert(address, own.clone());
        self.defs.insert(own.clone(), Value::Null);
        let body = body(self);
        self.defs.insert(own.clone(), body);
        reference(&own)
    }

    fn object(&mut self, object: &'static Object) -> Value {
        self.defined(std::ptr::from_ref(object) as usize, object.name, |writer| {
            let mut body = writer.object_body(object);
            body.insert("description".into(), object.doc.into());
            Value::Object(body)
        })
    }

    fn object_body(&mut self, object: &'static Object) -> Map<String, Value> {
        let properties: Map<_, _> = object.keys().map(|key| (key.name.to_owned(), self.key(key))).collect();
        let mut body = Map::new();
        body.insert("type".into(), "object".into());
        body.insert("properties".into(), Value::Object(properties));
        body.insert("additionalProperties".into(), false.into());
        if self.partial {
            return body;
        }
        let required: Vec<_> = object.keys().filter(|key| key.required).map(|key| key.name).collect();
        if !required.is_empty() {
            body.insert("required".into(), json!(required));
        }
        let mut needs = Map::new();
        let mut one_of = Vec::new();
        for rule in object.rules {
            match rule {
                Rule::Needs(key, needed) => {
                    let list = needs.entry(*key).or_insert_with(|| json!([]));
                    list.as_array_mut().into_iter().for_each(|list| list.push(json!(needed)));
                }
                Rule::OneOf(keys) => {
                    let choices: Vec<_> = keys.iter().map(|key| json!({ "required": [key] })).collect();
                    one_of.push(json!({ "oneOf": choices }));
                }
                Rule::Private => {}
            }
        }
        if !needs.is_empty() {
            body.insert("dependentRequired".into(), Value::Object(needs));
        }
        if !one_of.is_empty() {
            body.insert("allOf".into(), Value::Array(one_of));
        }
        body
    }

    fn key(&mut self, key: &Key) -> Value {
        let mut schema = self.want(&key.want);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".into(), key.doc.into());
            if let Some(example) = example(key.example) {
                schema.insert("examples".into(), json!([example]));
            }
        }
        schema
    }

    /// The key that tells the kind decides which object is wanted, so that an editor tells what is wrong with that one.
    fn choice(&mut self, choice: &'static Choice) -> Value {
        self.defined(std::ptr::from_ref(choice) as usize, choice.name, |writer| {
            let mut properties = Map::new();
            let mut cases = Vec::new();
            for (key, object) in choice.of {
                let described = object.key(key).map_or("", |key| key.doc);
                properties.insert((*key).to_owned(), json!({ "description": described }));
                let told = json!({ "type": "object", "required": [key] });
                cases.push(json!({ "if": told, "then": writer.object(object) }));
            }
            let required: Vec<_> = choice.of.iter().map(|(key, _)| json!({ "required": [key] })).collect();
            json!({
                "type": "object",
                "description": choice.doc,
                "properties": properties,
                "oneOf": required,
                "allOf": cases,
            })
        })
    }

    fn given(&mut self) -> Value {
        self.defined(0, "value", |writer| {
            let each = writer.object(&keys::EACH);
            let placed = writer.object(&keys::USE);
            let own = reference("value");
            json!({
                "type": ["string", "number", "boolean", "null", "array", "object"],
                "items": own,
                "if": { "type": "object", "required": ["each"] },
                "then": each,
                "else": {
                    "if": { "type": "object", "required": ["use"] },
                    "then": placed,
                    "else": { "additionalProperties": own },
                },
            })
        })
    }

    fn shape(&mut self) -> Value {
        self.defined(1, "type", |_| {
            let own = reference("type");
            json!({ "anyOf": [{ "type": "string" }, one(&own), { "type": "object", "additionalProperties": own }] })
        })
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn one(item: &Value) -> Value {
    json!({ "type": "array", "items": item, "minItems": 1, "maxItems": 1 })
}

fn name(names: Names) -> Value {
    let mut schema = json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$" });
    if let (Some(schema), false) = (schema.as_object_mut(), names.reserved().is_empty()) {
        schema.insert("not".into(), json!({ "enum": names.reserved() }));
    }
    schema
}

fn key_name(names: Names) -> Value {
    match names {
        Names::Free => json!({ "not": { "type": "string", "pattern": r"\{\{" } }),
        Names::Call => json!({ "pattern": r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+$" }),
        other => name(other),
    }
}

/// What an object is called, as the name of a definition: without article and signs.
fn slug(name: &str) -> String {
    let bare = name.trim_start_matches("a ").trim_start_matches("an ");
    let letters = bare.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' });
    letters.collect::<String>().trim_matches('_').replace("__", "_")
}

/// An example as JSON; none if it is no YAML, which a test forbids.
pub(super) fn example(text: &str) -> Option<Value> {
    let mut sources = Sources::default();
    let file = sources.add("example", text);
    yaml::read(&sources, file, &mut Problems::default()).map(|node| json_of(&node))
}

fn json_of(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::List(items) => items.iter().map(json_of).collect(),
        Kind::Map(entries) => Value::Object(
            entries.iter().map(|(name, node)| (name.value.to_string(), json_of(node))).collect(),
        ),
        Kind::Scalar(scalar) if !scalar.plain => Value::String(scalar.text.to_string()),
        Kind::Scalar(scalar) => match plain(&scalar.text) {
            Plain::Null => Value::Null,
            Plain::Bool(flag) => flag.into(),
            Plain::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
            Plain::Text(text) => text.into(),
        },
    }
}
