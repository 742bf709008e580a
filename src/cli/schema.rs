//! `flowrun schema`: the JSON Schemas that editors use.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Streams, exit::Exit};
use crate::syntax::schema;

pub(super) fn run(folder: Option<&Path>, streams: &mut Streams) -> Exit {
    let schemas = schema::all();
    let Some(folder) = folder else {
        let all: Map<String, Value> =
            schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema.to_value())).collect();
        streams.give(format!("{:#}", Value::Object(all)));
        return Exit::Done;
    };
    let written = std::fs::create_dir_all(folder).and_then(|()| {
        schemas.iter().try_for_each(|(name, schema)| std::fs::write(folder.join(name), text(schema)))
    });
    match written {
        Ok(()) => {
            streams.say(format!("{} schemas are in {}", schemas.len(), folder.display()));
            Exit::Done
        }
        Err(error) => {
            streams.say(format!("flowrun: {} cannot be written: {error}", folder.display()));
            Exit::CannotStart
        }
    }
}

/// A schema as its file holds it.
fn text(schema: &impl serde::Serialize) -> String {
    // A schema is plain JSON: writing it cannot fail.
    serde_json::to_string_pretty(schema).unwrap_or_default() + "\n"
}
