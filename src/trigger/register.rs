//! Which webhooks a platform should send us. In: what flows listen to, the platform's own list. Out: what to register and what
//! to switch on again. Hooks of others are never touched.
//!
//! What a connector's operations say: `list` gives rows with `id`, `scope`, `destination`, `is_active`; `register` takes `scope`
//! and `destination`; `enable` takes `id`, `scope` and `destination`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    plan::{Plan, SourceKind},
    value::Value,
};

/// Scopes by connection.
pub type Needs = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

/// The webhooks that flows listen to.
pub fn needs<'a>(plans: impl IntoIterator<Item = &'a Plan>) -> Needs {
    let mut needs = Needs::new();
    for source in plans.into_iter().flat_map(|plan| &plan.trigger.sources) {
        if let SourceKind::Webhook { connection, scopes } = &source.kind {
            needs.entry(Arc::clone(connection)).or_default().extend(scopes.iter().cloned());
        }
    }
    needs
}

/// Whether a webhook of `scope` is one that a source listens to. A scope may end in `/*`; a body that names no scope is for all.
pub fn listens(scopes: &[Arc<str>], scope: Option<&str>) -> bool {
    let Some(scope) = scope else { return true };
    scopes.iter().any(|wanted| match wanted.strip_suffix('*') {
        Some(start) if start.ends_with('/') => scope.starts_with(start),
        _ => **wanted == *scope,
    })
}

/// Something to be done about one webhook.
#[derive(Clone, Debug, PartialEq)]
pub enum Duty {
    /// It is not there.
    Register {
        /// What it is about.
        scope: Arc<str>,
    },
    /// It was switched off.
    Enable {
        /// The platform's id.
        id: Value,
        /// What it is about.
        scope: Arc<str>,
    },
}

impl Duty {
    /// What the webhook is about.
    pub fn scope(&self) -> &Arc<str> {
        match self {
            Self::Register { scope } | Self::Enable { scope, .. } => scope,
        }
    }

    /// The parameters of the operation that does it.
    pub fn parameters(&self, destination: &str) -> Value {
        let ends = [
            ("scope", Value::from(Arc::clone(self.scope()))),
            ("destination", Value::from(destination)),
        ];
        match self {
            Self::Register { .. } => Value::object(ends),
            Self::Enable { id, .. } => Value::object([("id", id.clone())].into_iter().chain(ends)),
        }
    }
}

/// What to do so that every scope is sent to `destination`; `listed` is the platform's list.
pub fn duties(scopes: &BTreeSet<Arc<str>>, destination: &str, listed: &[Value]) -> Vec<Duty> {
    let text = |row: &Value, field: &str| row.get(field).and_then(Value::scalar_text);
    let is_ours = |row: &&Value, scope: &str| {
        text(row, "scope").as_deref() == Some(scope) && text(row, "destination").as_deref() == Some(destination)
    };
    let is_active = |row: &Value| row.get("is_active").and_then(Value::as_bool).unwrap_or(true);
    let duty = |scope: &Arc<str>| {
        let mut ours = listed.iter().filter(|row| is_ours(row, scope));
        let Some(first) = ours.next() else { return Some(Duty::Register { scope: Arc::clone(scope) }) };
        if is_active(first) || ours.any(is_active) {
            return None;
        }
        Some(Duty::Enable { id: first.get("id").cloned().unwrap_or_default(), scope: Arc::clone(scope) })
    };
    scopes.iter().filter_map(duty).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, scope: &str, destination: &str, is_active: bool) -> Value {
        Value::object([
            ("id", Value::from(id)),
            ("scope", Value::from(scope)),
            ("destination", Value::from(destination)),
            ("is_active", Value::from(is_active)),
        ])
    }

    #[test]
    fn what_is_missing_is_registered_and_what_is_off_is_switched_on() {
        let scopes = ["a/made", "a/changed", "a/gone"].map(Arc::from).into_iter().collect();
        let listed = [
            row(1, "a/made", "https://us.example/hooks/shop", true),
            row(2, "a/changed", "https://us.example/hooks/shop", false),
            row(3, "a/gone", "https://others.example/hooks/shop", true),
        ];
        let duties = duties(&scopes, "https://us.example/hooks/shop", &listed);
        let wanted = [
            Duty::Enable { id: Value::from(2), scope: "a/changed".into() },
            Duty::Register { scope: "a/gone".into() },
        ];
        assert_eq!(duties, wanted);
        let sent = wanted[0].parameters("https://us.example/hooks/shop");
        assert_eq!(sent.get("id"), Some(&Value::from(2)));
        assert_eq!(sent.get("scope"), Some(&Value::from("a/changed")));
        assert_eq!(wanted[1].parameters("x").get("id"), None);
    }

    #[test]
    fn scopes_are_heard_by_name_or_by_their_beginning() {
        let scopes = [Arc::from("store/order/*"), Arc::from("store/sku/created")];
        for (scope, wanted) in [
            (Some("store/order/updated"), true),
            (Some("store/orders"), false),
            (Some("store/sku/created"), true),
            (Some("store/sku/createdx"), false),
            (None, true),
        ] {
            assert_eq!(listens(&scopes, scope), wanted, "{scope:?}");
        }
    }
}
