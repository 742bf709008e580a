//! Which hooks to make and which to switch on again. In: the scopes that flows listen to, where we listen, the hooks that the
//! platform has. Out: what to do. Hooks of others, and of ours that nobody wants any more, are left alone.

use std::{collections::BTreeSet, sync::Arc};

use crate::value::Value;

/// Something to do about a hook; its parameters are those of the connector's operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Todo {
    /// Make one: `{scope, destination}`.
    Register(Value),
    /// Switch one on again: `{id, scope, destination}`. What happened meanwhile was missed: poll.
    Enable(Value),
}

/// What to do so that every scope is heard at `destination`. `rows`: what the connector's `list` operation gave.
pub fn todo(scopes: &[Arc<str>], destination: &str, rows: &[Value]) -> Vec<Todo> {
    let text = |row: &Value, key: &str| row.get(key).and_then(Value::scalar_text).unwrap_or_default();
    let wanted: BTreeSet<&Arc<str>> = scopes.iter().collect();
    let place = |scope: &Arc<str>| {
        [("scope", Value::from(Arc::clone(scope))), ("destination", Value::from(destination))]
    };
    let mut found = Vec::new();
    for scope in wanted {
        let mut ours = rows
            .iter()
            .filter(|row| text(row, "scope") == **scope && text(row, "destination") == destination);
        let active = |row: &&Value| row.get("is_active").and_then(Value::as_bool).unwrap_or(true);
        match (ours.clone().any(|row| active(&row)), ours.next()) {
            (true, _) => {}
            (false, Some(row)) => {
                let id = ("id", row.get("id").cloned().unwrap_or_default());
                found.push(Todo::Enable(Value::object([id].into_iter().chain(place(scope)))));
            }
            (false, None) => found.push(Todo::Register(Value::object(place(scope)))),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_hooks_are_made_and_sleeping_ones_woken() {
        let rows = Value::parse(
            br#"[{"id":1,"scope":"a","destination":"https://us","is_active":true},
                 {"id":2,"scope":"b","destination":"https://us","is_active":false},
                 {"id":3,"scope":"c","destination":"https://them","is_active":true},
                 {"id":4,"scope":"d","destination":"https://us","is_active":false},
                 {"id":5,"scope":"d","destination":"https://us","is_active":true},
                 {"id":6,"scope":"z","destination":"https://us","is_active":false}]"#,
        )
        .unwrap();
        let scopes: Vec<Arc<str>> = ["a", "b", "c", "d", "b"].map(Into::into).to_vec();
        let found = todo(&scopes, "https://us", rows.as_list().unwrap());
        let told: Vec<_> = found
            .iter()
            .map(|todo| match todo {
                Todo::Register(with) => format!("make {}", with.to_json()),
                Todo::Enable(with) => format!("wake {}", with.to_json()),
            })
            .collect();
        assert_eq!(
            told,
            [
                r#"wake {"id":2,"scope":"b","destination":"https://us"}"#,
                r#"make {"scope":"c","destination":"https://us"}"#
            ]
        );
    }
}
