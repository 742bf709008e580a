//! Which webhooks flows listen to. In: plans, a webhook's scope. Out: scopes by connection, whether a source hears a webhook. It
//! must never know where they are registered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::plan::{Plan, SourceKind};

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

#[cfg(test)]
mod tests {
    use super::*;

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
