//! What the records of V3 look like: fields, types, lengths, defaults. In: `shapes.txt` and the bodies of calls. Out: the
//! fields that may be kept, or the refusal that names every wrong one. It must never know what a record means.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value, json};

use super::{
    answer::{Refusal, unusable},
    money::Fixed,
    query,
};

static SHAPES: LazyLock<BTreeMap<&'static str, Shape>> = LazyLock::new(read_all);

/// A kind of record.
#[derive(Debug, Default)]
pub(super) struct Shape {
    fields: Vec<Field>,
}

#[derive(Clone, Debug)]
struct Field {
    name: &'static str,
    kind: Kind,
    needed: bool,
    read_only: bool,
    write_only: bool,
    nullable: bool,
    default: Value,
}

#[derive(Clone, Debug)]
enum Kind {
    Text(usize, usize),
    Number { negative: bool },
    NumberOrText,
    Whole(i64, i64),
    Flag,
    Instant,
    OneOf(Vec<&'static str>),
    List(Box<Self>),
    Object(&'static str),
    Any,
}

/// The shape of a name in `shapes.txt`.
pub(super) fn shape(name: &str) -> &'static Shape {
    static NONE: Shape = Shape { fields: Vec::new() };
    SHAPES.get(name).unwrap_or(&NONE)
}

fn read_all() -> BTreeMap<&'static str, Shape> {
    let mut all: BTreeMap<&'static str, Shape> = BTreeMap::new();
    let mut name = "";
    for line in include_str!("shapes.txt").lines().map(str::trim) {
        if let Some(begun) = line.strip_prefix("shape ") {
            name = begun;
            all.entry(name).or_default();
        } else if let Some(other) = line.strip_prefix("+ ") {
            let same = all.get(other).map(|shape| shape.fields.clone()).unwrap_or_default();
            all.entry(name).or_default().fields.extend(same);
        } else if !line.starts_with('#') {
            let fields = line.split(' ').filter_map(read_field);
            all.entry(name).or_default().fields.extend(fields);
        }
    }
    all
}

fn read_field(text: &'static str) -> Option<Field> {
    let (name, rest) = text.split_once(':')?;
    let (kind, default) = rest.split_once('~').map_or((rest, None), |(kind, default)| (kind, Some(default)));
    let (kind, nullable) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
    let kind = read_kind(kind)?;
    let default = match default {
        Some(text) => serde_json::from_str(text).ok()?,
        None if nullable => Value::Null,
        None => kind.nothing(),
    };
    let (bare, mark) = name.split_at(name.trim_end_matches(['*', '!', '^']).len());
    let (needed, read_only, write_only) = (mark == "*", mark == "!", mark == "^");
    Some(Field { name: bare, kind, needed, read_only, write_only, nullable, default })
}

fn read_kind(text: &'static str) -> Option<Kind> {
    const MOST: i64 = 2_147_483_647;
    let inner = |open, close| text.strip_prefix(open).and_then(|text: &str| text.strip_suffix(close));
    if let Some(item) = inner('[', ']') {
        return Some(Kind::List(Box::new(read_kind(item)?)));
    }
    if let Some(name) = inner('{', '}') {
        return Some(Kind::Object(name));
    }
    if let Some(words) = text.strip_prefix('=') {
        return Some(Kind::OneOf(words.split('|').collect()));
    }
    Some(match text {
        "s" => Kind::Text(0, usize::MAX),
        "n" => Kind::Number { negative: true },
        "n+" => Kind::Number { negative: false },
        "number-text" => Kind::NumberOrText,
        "i" => Kind::Whole(i64::from(i32::MIN), MOST),
        "i+" => Kind::Whole(0, MOST),
        "b" => Kind::Flag,
        "d" => Kind::Instant,
        "any" => Kind::Any,
        range => {
            let (whole, range) = range.strip_prefix('i').map_or((false, range), |range| (true, range));
            let (least, most) = range.split_once("..")?;
            if whole {
                Kind::Whole(least.parse().ok()?, most.parse().ok()?)
            } else {
                Kind::Text(least.parse().ok()?, most.parse().ok()?)
            }
        }
    })
}

impl Field {
    fn default(&self) -> Value {
        match &self.kind {
            Kind::Object(name) if !self.nullable && self.default.is_null() => shape(name).blank(),
            _ => self.default.clone(),
        }
    }
}

impl Kind {
    fn nothing(&self) -> Value {
        match self {
            Self::Text(..) | Self::Instant | Self::OneOf(_) => json!(""),
            Self::Number { .. } | Self::NumberOrText | Self::Whole(..) => json!(0),
            Self::Flag => json!(false),
            Self::List(_) => json!([]),
            // The defaults of its parts are looked up when they are needed: the table is still being read.
            Self::Object(_) | Self::Any => Value::Null,
        }
    }

    /// What is wrong with a value, in the wording of the platform's JSON reader.
    fn check(&self, at: &str, value: &Value, creating: bool, errors: &mut Map<String, Value>) {
        let text = match self {
            Self::Text(least, most) => match value.as_str() {
                Some(text) if (*least..=*most).contains(&text.chars().count()) => return,
                Some(_) => format!("{} must be between {least} and {most} characters", last(at)),
                None => "error.expected.jsstring".to_owned(),
            },
            Self::Number { negative } => match value.is_number().then(|| Fixed::from_json(value)).flatten() {
                Some(number) if *negative || number >= Fixed::ZERO => return,
                Some(_) => format!("{} must be 0 or more", last(at)),
                None => "error.expected.jsnumber".to_owned(),
            },
            Self::NumberOrText => match Fixed::from_json(value) {
                Some(number) if number >= Fixed::ZERO => return,
                _ => "error.expected.jsnumber".to_owned(),
            },
            Self::Whole(least, most) => match value.as_i64() {
                Some(number) if (*least..=*most).contains(&number) => return,
                Some(_) => format!("{} must be between {least} and {most}", last(at)),
                None => "error.expected.jsnumber".to_owned(),
            },
            Self::Flag if value.is_boolean() => return,
            Self::Flag => "error.expected.jsboolean".to_owned(),
            Self::Instant
                if value.as_str().is_some_and(|text| text.is_empty() || query::instant(text).is_some()) =>
            {
                return;
            }
            Self::Instant => "error.expected.date".to_owned(),
            Self::OneOf(words) if value.as_str().is_some_and(|word| words.contains(&word)) => return,
            Self::OneOf(words) => format!("{} must be one of: {}", last(at), words.join(", ")),
            Self::List(item) => match value.as_array() {
                Some(rows) => {
                    for (index, row) in rows.iter().enumerate() {
                        item.check(&format!("{at}.{index}"), row, creating, errors);
                    }
                    return;
                }
                None => "error.expected.jsarray".to_owned(),
            },
            Self::Object(name) if value.is_object() => {
                return shape(name).look(&format!("{at}."), value, creating, errors);
            }
            Self::Object(_) => "error.expected.jsobject".to_owned(),
            Self::Any => return,
        };
        errors.insert(at.to_owned(), json!(text));
    }
}

impl Kind {
    /// A value as it is kept: parts get their defaults, or keep what they had.
    fn over(&self, old: Option<&Value>, value: &Value) -> Value {
        match (self, value) {
            (Self::Object(name), Value::Object(_)) => {
                let mut part = old.cloned().unwrap_or_else(|| shape(name).blank());
                shape(name).write(value, &mut part);
                part
            }
            (Self::List(item), Value::Array(rows)) => rows.iter().map(|row| item.over(None, row)).collect(),
            _ => value.clone(),
        }
    }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

impl Shape {
    fn look(&self, before: &str, row: &Value, creating: bool, errors: &mut Map<String, Value>) {
        for field in self.fields.iter().filter(|field| !field.read_only) {
            let at = format!("{before}{}", field.name);
            match row.get(field.name) {
                None if field.needed && creating => {
                    errors.insert(at, json!("error.path.missing"));
                }
                None => {}
                Some(Value::Null) if field.nullable => {}
                Some(value) => field.kind.check(&at, value, creating, errors),
            }
        }
    }

    /// Every field that is wrong, with what is wrong with it; `creating` asks for the needed ones.
    pub(super) fn errors(&self, row: &Value, creating: bool) -> Map<String, Value> {
        let mut errors = Map::new();
        if row.is_object() {
            self.look("", row, creating, &mut errors);
        } else {
            errors.insert(String::new(), json!("error.expected.jsobject"));
        }
        errors
    }

    /// Refuses a row with a wrong field.
    pub(super) fn check(&self, row: &Value, creating: bool) -> Result<(), Refusal> {
        let errors = self.errors(row, creating);
        let pairs: Vec<(&str, &str)> =
            errors.iter().map(|(field, text)| (field.as_str(), text.as_str().unwrap_or(""))).collect();
        if pairs.is_empty() { Ok(()) } else { Err(unusable(&pairs)) }
    }

    /// Puts the fields that a client may write over a record. Objects are written field by field, lists as a whole.
    pub(super) fn write(&self, row: &Value, record: &mut Value) {
        for field in self.fields.iter().filter(|field| !field.read_only && !field.write_only) {
            let Some(value) = row.get(field.name) else { continue };
            let old = record.get(field.name).filter(|old| old.is_object());
            record[field.name] = field.kind.over(old, value);
        }
    }

    /// A record with nothing but defaults; fields that are only read are left out.
    pub(super) fn blank(&self) -> Value {
        let shown = self.fields.iter().filter(|field| !field.read_only && !field.write_only);
        Value::Object(shown.map(|field| (field.name.to_owned(), field.default())).collect())
    }

    /// A record as it is read: what is kept, and defaults for the rest, in the order of the shape; then what else it has.
    pub(super) fn whole(&self, record: &Value) -> Value {
        let value = |field: &Field| record.get(field.name).cloned().unwrap_or_else(|| field.default());
        let shown = self.fields.iter().filter(|field| !field.write_only);
        let mut out: Map<String, Value> = shown.map(|field| (field.name.to_owned(), value(field))).collect();
        for (name, value) in record.as_object().into_iter().flatten() {
            out.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(out)
    }

    /// The default of a field, for a filter on a record that does not keep it.
    pub(super) fn default(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_is_read() {
        let text = include_str!("shapes.txt").lines().filter(|line| !line.starts_with(['#', '+']));
        for line in text.filter(|line| !line.starts_with("shape ")) {
            for word in line.split(' ').filter(|word| !word.is_empty()) {
                assert!(read_field(word).is_some(), "{word}");
            }
        }
        for shape in SHAPES.values() {
            for field in &shape.fields {
                if let Kind::Object(name) = &field.kind {
                    assert!(SHAPES.contains_key(name), "{name}");
                }
            }
        }
    }

    #[test]
    fn wrong_fields_are_all_named() {
        let row = json!({ "name": "", "type": "gas", "price": "1", "custom_url": { "url": 4 }, "id": "x" });
        let errors = shape("product").errors(&row, true);
        let named: Vec<&str> = errors.keys().map(String::as_str).collect();
        assert_eq!(named, ["name", "type", "weight", "price", "custom_url.url"]);
        assert_eq!(errors["weight"], "error.path.missing");
        assert!(shape("product").errors(&json!({ "sku": "A" }), false).is_empty());
    }
}
