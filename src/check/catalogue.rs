//! What a flow may mention beside itself: connections, records, fragments, tables, other flows. In: connectors, records and
//! tables as they were read. Out: look-ups. It must never know files.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::books::Declared;
use crate::{
    connector::{Connection, Connector, Operation, Repeats, SettingKind},
    expr::Tables,
    flow::Repeat,
    record::Records,
    shape::{Field, Object, Shape, TextShape},
    syntax::ast::Fragment,
};

/// Words for plain types.
const PLAIN: &[&str] = &[
    "any", "text", "slug", "int", "number", "bool", "money", "rate", "date", "instant", "duration", "list",
    "object",
];

/// Everything that flows of an estate may mention.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The estate's connections.
    pub connections: BTreeMap<Arc<str>, Arc<Connection>>,
    /// Records of all systems.
    pub records: Records,
    /// Pure fragments.
    pub fragments: BTreeMap<Arc<str>, Fragment>,
    /// Tables.
    pub tables: Arc<Tables>,
    /// Names of parts that are there and cannot be used: that is told already, so to mention one is no second problem.
    pub broken: BTreeSet<Arc<str>>,
    /// Books of `memory`.
    pub books: BTreeMap<Arc<str>, Declared>,
    /// Flows that others may start; filled while flows are checked.
    pub flows: BTreeMap<Arc<str>, Signature>,
}

/// What others need to know of a flow.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// What it takes, if other flows may start it.
    pub takes: Option<Vec<(Arc<str>, Shape)>>,
    /// What it gives back.
    pub gives: Option<Shape>,
    /// Of what it takes, the data of a person that flows pass to it, and its kind.
    pub personal: BTreeMap<Arc<str>, Arc<str>>,
}

/// Data of a person that a flow passes on: the flow that takes it, the parameter, the kind.
pub(super) type Passed = (Arc<str>, Arc<str>, Arc<str>);

impl Catalogue {
    /// The type of that name, as it is read: `text`, `bigcommerce.order`, `[int]`, `text?`.
    pub fn named(&self, name: &str) -> Option<Shape> {
        let name = name.trim();
        if let Some(inner) = name.strip_suffix('?') {
            return Some(self.named(inner)?.optional());
        }
        if let Some(inner) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return Some(self.named(inner)?.list());
        }
        Some(match name {
            "any" | "object" => Shape::Any,
            "text" | "slug" | "duration" => Shape::TEXT,
            "date" => formatted("date"),
            "instant" => formatted("date-time"),
            "int" => Shape::Int,
            "number" => Shape::Number,
            "bool" => Shape::Bool,
            "money" => Shape::MONEY,
            "rate" => Shape::Rate,
            "list" => Shape::Any.list(),
            record => as_read(self.records.get(record)?),
        })
    }

    /// Names of types, for "did you mean".
    pub fn type_names(&self) -> impl Iterator<Item = &str> {
        PLAIN.iter().copied().chain(self.records.iter().map(|(name, _)| name))
    }
}

/// What the settings of a connector's connections look like.
pub(super) fn settings_shape(connector: &Connector) -> Shape {
    let of = |kind: &SettingKind| match kind {
        SettingKind::Word(words) => Shape::Enum(Arc::clone(words)),
        SettingKind::Text | SettingKind::Slug | SettingKind::Duration => Shape::TEXT,
        SettingKind::Int => Shape::Int,
        SettingKind::Number => Shape::Number,
        SettingKind::Bool => Shape::Bool,
    };
    Shape::object(connector.settings.iter().map(|setting| (Arc::clone(&setting.name), of(&setting.kind))))
}

/// How a write may be repeated over a connection; none: its connector does not say.
pub(super) fn repeat(connection: &Connection, operation: &Operation) -> Option<Repeat> {
    Some(match connection.repeats(operation).ok()?? {
        Repeats::Safe => Repeat::Safe,
        Repeats::Never => Repeat::Never,
        Repeats::Key(valid_for) => Repeat::Key { valid_for },
        Repeats::Look { operation, settle, lag } => Repeat::Look { operation, settle, lag },
    })
}

/// A record as it is read and passed on: read-only speaks of writes only.
fn as_read(shape: &Shape) -> Shape {
    match shape {
        Shape::Object(object) => {
            let fields = object.fields.iter().map(|(name, field)| {
                (Arc::clone(name), Field { shape: as_read(&field.shape), read_only: false, ..field.clone() })
            });
            Shape::Object(Arc::new(Object { fields: fields.collect(), ..Object::clone(object) }))
        }
        Shape::List(element) => as_read(element).list(),
        Shape::Optional(inner) => as_read(inner).optional(),
        other => other.clone(),
    }
}

fn formatted(format: &str) -> Shape {
    Shape::Text(TextShape { max_len: None, format: Some(format.into()) })
}
