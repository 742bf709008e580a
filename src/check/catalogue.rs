//! What a flow may mention beside itself: connections, records, fragments, tables, other flows. In: connectors, records and
//! tables as they were read. Out: look-ups. It must never know files.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    connector::{self, Connector, Operation, SettingKind},
    expr::{Root, Scope, Tables, Template},
    flow::Repeat,
    record::Records,
    shape::{Field, Object, Shape},
    syntax::{self, ast::Fragment},
    value::Value,
};

/// How long a platform may be at work on an unanswered request, where its connector does not say.
const SETTLE: Duration = Duration::from_secs(15 * 60);

/// Words for plain types.
const PLAIN: &[&str] =
    &["any", "text", "slug", "int", "number", "bool", "money", "rate", "date", "instant", "duration", "list", "object"];

/// Everything that flows of an estate may mention.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The estate's connections.
    pub connections: BTreeMap<Arc<str>, Connection>,
    /// Records of all systems.
    pub records: Records,
    /// Pure fragments.
    pub fragments: BTreeMap<Arc<str>, Fragment>,
    /// Tables.
    pub tables: Arc<Tables>,
    /// Flows that others may start; filled while flows are checked.
    pub flows: BTreeMap<Arc<str>, Signature>,
}

/// A connection of the estate.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The connector that knows its system.
    pub connector: Arc<Connector>,
    /// Its settings, defaults included; never a secret.
    pub settings: Value,
}

/// What others need to know of a flow.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// What it takes, if other flows may start it.
    pub takes: Option<Vec<(Arc<str>, Shape)>>,
    /// What it gives back.
    pub gives: Option<Shape>,
}

impl Catalogue {
    /// The type of that name as it is read: `text`, `bigcommerce.order`, `[int]`, `text?`.
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

impl Connection {
    /// What its settings look like.
    pub fn shape(&self) -> Shape {
        let of = |kind: SettingKind| match kind {
            SettingKind::Text | SettingKind::Slug | SettingKind::Duration => Shape::TEXT,
            SettingKind::Int => Shape::Int,
            SettingKind::Number => Shape::Number,
            SettingKind::Bool => Shape::Bool,
        };
        Shape::object(self.connector.settings.iter().map(|setting| (Arc::clone(&setting.name), of(setting.kind))))
    }

    /// How a write may be repeated here; none: its connector does not say.
    pub fn repeat(&self, operation: &Operation) -> Option<Repeat> {
        Some(match operation.repeat.as_ref()? {
            connector::Repeat::Safe => Repeat::Safe,
            connector::Repeat::Never => Repeat::Never,
            connector::Repeat::Key { valid_for, .. } => Repeat::Key { valid_for: self.duration(valid_for)? },
            connector::Repeat::Look { operation, settle, lag } => Repeat::Look {
                operation: Arc::clone(operation),
                settle: settle.as_ref().map_or(Some(SETTLE), |settle| self.duration(settle))?,
                lag: lag.as_ref().map_or(Some(Duration::ZERO), |lag| self.duration(lag))?,
            },
        })
    }

    fn duration(&self, template: &Template) -> Option<Duration> {
        let roots = [Root::Value(&self.settings)];
        let value = template.eval(&Scope::new(&roots, &Tables::default())).ok()??;
        syntax::duration(value.as_str()?)
    }
}

/// A record as it is read. `required` speaks of writes only; a known field that may be null says so in its type.
pub fn as_read(shape: &Shape) -> Shape {
    match shape {
        Shape::Object(object) => {
            let fields = object.fields.iter().map(|(name, field)| {
                let shape = as_read(&field.shape);
                (Arc::clone(name), Field { shape, required: true, ..field.clone() })
            });
            Shape::Object(Arc::new(Object { fields: fields.collect(), ..Object::clone(object) }))
        }
        Shape::List(element) => as_read(element).list(),
        Shape::Optional(inner) => as_read(inner).optional(),
        other => other.clone(),
    }
}

fn formatted(format: &str) -> Shape {
    Shape::Text(crate::shape::TextShape { max_len: None, format: Some(format.into()) })
}
