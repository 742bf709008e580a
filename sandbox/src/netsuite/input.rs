//! Reads a request's body against the record table: names in any case, several spellings of a reference, values checked.
//!
//! In: JSON. Out: plain values by exact field name, warnings; or the first [`Problem`] with its `o:errorPath`. It must
//! never know the record that is to change.

use serde_json::{Map, Value};

use super::{
    amount::Amount,
    http::{Call, Problem},
    schema::{Def, Field, Kind, Schema},
    store::Store,
    time,
};

/// What is done about a name or a value that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    Ignore,
    Warning,
    Error,
}

impl Strictness {
    fn of(header: Option<&str>, default: Self) -> Self {
        match header.map(str::to_ascii_lowercase).as_deref() {
            Some("ignore") => Self::Ignore,
            Some("warning") => Self::Warning,
            Some("error") => Self::Error,
            _ => default,
        }
    }
}

/// A reader for one request.
pub(crate) struct Reader<'a> {
    schema: &'a Schema,
    store: &'a Store,
    names: Strictness,
    values: Strictness,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Takes the strictness from the request's headers.
    pub(crate) fn new(schema: &'a Schema, store: &'a Store, call: &Call) -> Self {
        let names = Strictness::of(call.header("x-netsuite-propertynamevalidation"), Strictness::Warning);
        let values = Strictness::of(call.header("x-netsuite-propertyvaluevalidation"), Strictness::Error);
        Self { schema, store, names, values, warnings: Vec::new() }
    }

    /// Reads an object; `path` ends in a dot or is empty.
    pub(crate) fn read(
        &mut self,
        def: &Def,
        body: &Map<String, Value>,
        path: &str,
    ) -> Result<Map<String, Value>, Problem> {
        let mut out = Map::new();
        for (name, value) in body {
            let here = format!("{path}{name}");
            let lower = name.to_ascii_lowercase();
            if !def.family.is_empty() && lower == "externalid" {
                out.insert("externalId".into(), external_id(value, &here)?);
                continue;
            }
            let Some(field) = def.field(&lower) else {
                if !matches!(
                    lower.as_str(),
                    "links" | "refname" | "id" | "totalresults" | "count" | "hasmore" | "offset"
                ) {
                    self.unknown(def, name, &here)?;
                }
                continue;
            };
            if field.read_only {
                if !matches!(lower.as_str(), "refname" | "id") {
                    self.warnings.push(format!("{here}: read-only, not stored"));
                }
                continue;
            }
            match self.value(field, value, &here) {
                Ok(value) => {
                    out.insert(field.name.clone(), value);
                }
                Err(problem) if self.values == Strictness::Error || problem.code != "INVALID_CONTENT" => {
                    return Err(problem);
                }
                Err(problem) => {
                    if self.values == Strictness::Warning {
                        self.warnings.push(format!("{here}: {}", problem.detail));
                    }
                }
            }
        }
        Ok(out)
    }

    fn unknown(&mut self, def: &Def, name: &str, path: &str) -> Result<(), Problem> {
        match self.names {
            Strictness::Ignore => Ok(()),
            Strictness::Warning => {
                self.warnings.push(format!("{path}: unknown property"));
                Ok(())
            }
            Strictness::Error => {
                Err(Problem::field(format!("Unknown property {name:?} of {}.", def.name), path))
            }
        }
    }

    fn value(&mut self, field: &Field, value: &Value, path: &str) -> Result<Value, Problem> {
        let wrong = || Problem::content(invalid(value, &field.name), path);
        if value.is_null() {
            return Ok(Value::Null);
        }
        match &field.kind {
            Kind::Text(limit) => text(value, *limit).ok_or_else(wrong),
            Kind::Email => text(value, 254).filter(is_email).ok_or_else(wrong),
            Kind::Country => choice(value).filter(|id| is_country(id)).map(Value::String).ok_or_else(wrong),
            Kind::Integer => integer(value).ok_or_else(wrong),
            Kind::Number => Amount::of(value).map(Amount::json).ok_or_else(wrong),
            Kind::Rate => rate(value).ok_or_else(wrong),
            Kind::Break => {
                Amount::of(value.get("value").unwrap_or(value)).map(Amount::json).ok_or_else(wrong)
            }
            Kind::Bool => boolean(value).ok_or_else(wrong),
            Kind::Date => value.as_str().and_then(time::date).map(Value::String).ok_or_else(wrong),
            Kind::Moment => value.as_str().and_then(time::moment).map(Value::String).ok_or_else(wrong),
            Kind::Choice(choices) => choice(value)
                .filter(|id| choices.iter().any(|(known, _)| known == id))
                .map(Value::String)
                .ok_or_else(wrong),
            Kind::Ref(target) => self.reference(target, value, path, &field.name),
            Kind::Many(target) => {
                let all = items(value, path)?.ok_or_else(wrong)?;
                let ids = all.iter().enumerate().map(|(at, value)| {
                    self.reference(target, value, &format!("{path}.items[{at}]"), &field.name)
                });
                ids.collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            Kind::List(def) => self.list(def, value, path),
            Kind::Part(def) => {
                let body = value.as_object().ok_or_else(wrong)?;
                self.read(self.schema.def(def), body, &format!("{path}.")).map(Value::Object)
            }
        }
    }

    fn list(&mut self, def: &str, value: &Value, path: &str) -> Result<Value, Problem> {
        let Some(all) = items(value, path)? else { return Ok(Value::Null) };
        let def = self.schema.def(def);
        let mut lines = Vec::with_capacity(all.len());
        for (at, line) in all.iter().enumerate() {
            let here = format!("{path}.items[{at}]");
            let body = line.as_object().ok_or_else(|| Problem::content("a line must be an object", &here))?;
            lines.push(Value::Object(self.read(def, body, &format!("{here}."))?));
        }
        Ok(Value::Array(lines))
    }

    /// `{"id": …}`, `{"externalId": …}` or the bare id; gives the id as text.
    fn reference(&self, target: &str, value: &Value, path: &str, field: &str) -> Result<Value, Problem> {
        let wrong = |shown: &Value| Problem::content(invalid(shown, field), path);
        let plain = |value: &Value| match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let external = value.get("externalId").or_else(|| value.get("externalid"));
        let id = match (value, value.get("id"), external) {
            (Value::Object(_), Some(id), _) => plain(id),
            (Value::Object(_), None, Some(external)) => {
                let external = plain(external);
                let found = self
                    .schema
                    .records()
                    .filter(|def| def.is(target))
                    .find_map(|def| self.store.by_external_id(&def.name, &external));
                return found.map(|id| Value::String(id.to_string())).ok_or_else(|| wrong(&external.into()));
            }
            _ => plain(value),
        };
        if target.is_empty() && !id.is_empty() {
            return Ok(Value::String(id));
        }
        let known = id.parse().is_ok_and(|number| self.store.resolve(self.schema, target, number).is_some());
        if known {
            Ok(Value::String(id))
        } else {
            Err(wrong(&if id.is_empty() { value.clone() } else { id.into() }))
        }
    }
}

/// The wording of a value that cannot be, as clients know it.
pub(crate) fn invalid(value: &Value, field: &str) -> String {
    let shown = match value {
        Value::String(text) => text.chars().take(80).collect(),
        other => other.to_string().chars().take(80).collect::<String>(),
    };
    format!("Error while accessing resource: Invalid Field Value {shown} for the following field: {field}")
}

/// The array of a collection `{"items": […]}`; none if it is null.
fn items<'v>(value: &'v Value, path: &str) -> Result<Option<&'v Vec<Value>>, Problem> {
    let wrong = || Problem::content("a collection must be an object with an array \"items\"", path);
    match value.as_object().ok_or_else(wrong)?.get("items") {
        Some(Value::Array(all)) => Ok(Some(all)),
        Some(Value::Null) => Ok(None),
        _ => Err(wrong()),
    }
}

fn text(value: &Value, limit: usize) -> Option<Value> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        // A reference where only text is kept: its id.
        Value::Object(map) => map.get("id").and_then(Value::as_str)?.to_owned(),
        _ => return None,
    };
    (text.chars().count() <= limit).then_some(Value::String(text))
}

fn external_id(value: &Value, path: &str) -> Result<Value, Problem> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::String(text) if !text.is_empty() && text.len() <= 255 => Ok(value.clone()),
        Value::Number(number) => Ok(Value::String(number.to_string())),
        _ => Err(Problem::content(invalid(value, "externalId"), path)),
    }
}

fn choice(value: &Value) -> Option<String> {
    match value {
        Value::Object(map) => choice(map.get("id")?),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn integer(value: &Value) -> Option<Value> {
    let number = value.as_i64().or_else(|| {
        let exact = Amount::of(value)?;
        (exact == exact.round(0)).then(|| exact.to_string().parse().ok())?
    })?;
    Some(number.into())
}

fn rate(value: &Value) -> Option<Value> {
    match value.as_str().and_then(|text| text.trim().strip_suffix('%')) {
        Some(percent) => Amount::parse(percent.trim()).map(|rate| Value::String(format!("{rate}%"))),
        None => Amount::of(value).map(Amount::json),
    }
}

fn boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" => Some(Value::Bool(true)),
            "false" | "f" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => None,
    }
}

fn is_email(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.is_empty()
            || text.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty()
                    && host.contains('.')
                    && !host.contains('@')
                    && !text.contains(char::is_whitespace)
            })
    })
}

fn is_country(id: &str) -> bool {
    id.len() == 2 && id.bytes().all(|byte| byte.is_ascii_uppercase())
}
