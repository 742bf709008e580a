//! The metadata catalogue: which record types the account has, and their JSON Schemas.
//!
//! In: the record table. Out: links, JSON Schema (draft 6, with the platform's own keys), `OpenAPI`. It must never know a
//! record.

use serde_json::{Map, Value, json};

use super::{
    http::{Call, JSON, Problem, Reply},
    schema::{Def, Field, Kind, Schema},
};

const SCHEMA: &str = "application/schema+json";
const SWAGGER: &str = "application/swagger+json";

/// Answers a call on `metadata-catalog` or one of its members.
pub(crate) fn serve(schema: &Schema, call: &Call, name: Option<&str>) -> Result<Reply, Problem> {
    if call.method != axum::http::Method::GET {
        return Err(Problem::method());
    }
    let accept = call.header("accept").unwrap_or_default();
    let chosen: Vec<&Def> = match (name, call.query("select")) {
        (Some("nsLink"), _) => return Ok(Reply::ok(link_schema(), SCHEMA)),
        (Some(name), _) => vec![schema.record(name).ok_or_else(Problem::missing)?],
        (None, Some(names)) => {
            let find = |name: &str| {
                let detail = format!("there is no record type {name:?}");
                schema.record(name.trim()).ok_or_else(|| Problem::parameter(detail, "select"))
            };
            names.split(',').map(find).collect::<Result<_, _>>()?
        }
        (None, None) => schema.records().filter(|def| !def.hidden).collect(),
    };
    if accept.contains(SWAGGER) {
        return Ok(Reply::ok(swagger(schema, call, &chosen), SWAGGER));
    }
    if accept.contains(SCHEMA) {
        let body = match name {
            Some(_) => chosen.first().map_or(Value::Null, |def| object(schema, def, 0)),
            None => json!({ "items": chosen.iter().map(|def| object(schema, def, 0)).collect::<Vec<_>>() }),
        };
        return Ok(Reply::ok(body, SCHEMA));
    }
    let mut items: Vec<Value> = chosen.iter().map(|def| entry(call, def)).collect();
    Ok(Reply::ok(if name.is_some() { items.swap_remove(0) } else { json!({ "items": items }) }, JSON))
}

fn entry(call: &Call, def: &Def) -> Value {
    let href = format!("{}/services/rest/record/v1/metadata-catalog/{}", call.base, def.name.to_lowercase());
    json!({
        "name": def.name.to_lowercase(),
        "links": [
            { "rel": "canonical", "href": href, "mediaType": JSON },
            { "rel": "alternate", "href": href, "mediaType": SWAGGER },
            { "rel": "alternate", "href": href, "mediaType": SCHEMA },
            { "rel": "describes", "href": format!("{}/services/rest/record/v1/{}", call.base, def.name) },
        ],
    })
}

fn link_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "rel": { "title": "Relationship", "type": "string", "readOnly": true },
            "href": { "title": "Hypertext Reference", "type": "string", "format": "uri", "readOnly": true },
        },
    })
}

fn object(schema: &Schema, def: &Def, depth: usize) -> Value {
    let mut properties = Map::new();
    if !def.family.is_empty() {
        properties.insert("id".into(), json!({ "title": "Internal identifier", "type": "string" }));
        properties.insert("externalId".into(), json!({ "title": "External identifier", "type": "string" }));
    }
    properties.insert("links".into(), links());
    let mut required = Vec::new();
    for field in def.fields() {
        if field.required {
            required.push(field.name.clone());
        }
        properties.insert(field.name.clone(), property(schema, field, depth));
    }
    let mut out = json!({ "type": "object", "properties": properties });
    if depth == 0 {
        out["$schema"] = json!("http://json-schema.org/draft-06/hyper-schema#");
    }
    if let Some(key) = &def.key {
        out["x-ns-sublistkey"] = json!([key]);
    }
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    out
}

fn links() -> Value {
    let link = json!({ "$ref": "/services/rest/record/v1/metadata-catalog/nsLink" });
    json!({ "title": "Links", "type": "array", "readOnly": true, "items": link })
}

fn property(schema: &Schema, field: &Field, depth: usize) -> Value {
    let reference = |ids: Option<Vec<&str>>| {
        let mut id = json!({ "title": "Internal identifier", "type": "string" });
        if let Some(ids) = ids {
            id["enum"] = json!(ids);
        }
        json!({
            "type": "object",
            "properties": {
                "id": id,
                "refName": { "title": "Reference Name", "type": "string" },
                "externalId": { "title": "External identifier", "type": "string" },
                "links": links(),
            },
        })
    };
    let collection = |items: Value| {
        json!({
            "type": "object",
            "properties": {
                "links": links(),
                "totalResults": { "type": "integer", "format": "int64", "readOnly": true },
                "count": { "type": "integer", "format": "int64", "readOnly": true },
                "hasMore": { "type": "boolean", "readOnly": true },
                "offset": { "type": "integer", "format": "int64", "readOnly": true },
                "items": { "type": "array", "items": items },
            },
        })
    };
    let (mut out, filterable) = match &field.kind {
        Kind::Text(limit) => (json!({ "type": "string", "maxLength": limit }), true),
        Kind::Email => (json!({ "type": "string", "format": "email", "maxLength": 254 }), true),
        Kind::Integer => (json!({ "type": "integer", "format": "int64" }), true),
        Kind::Number | Kind::Rate | Kind::Break => (json!({ "type": "number", "format": "double" }), true),
        Kind::Bool => (json!({ "type": "boolean" }), true),
        Kind::Date => (json!({ "type": "string", "format": "date" }), true),
        Kind::Moment => (json!({ "type": "string", "format": "date-time" }), true),
        Kind::Country | Kind::Ref(_) => (reference(None), true),
        Kind::Choice(choices) => (reference(Some(choices.iter().map(|(id, _)| id.as_str()).collect())), true),
        Kind::Many(_) => (collection(reference(None)), false),
        Kind::List(def) if depth < 3 => (collection(object(schema, schema.def(def), depth + 1)), false),
        Kind::Part(def) if depth < 3 => (object(schema, schema.def(def), depth + 1), false),
        Kind::List(_) | Kind::Part(_) => (json!({ "type": "object" }), false),
    };
    out["title"] = json!(field.name);
    out["nullable"] = json!(!field.required);
    out["x-ns-custom-field"] = json!(field.custom);
    if filterable && depth == 0 {
        out["x-ns-filterable"] = json!(true);
    }
    if field.read_only {
        out["readOnly"] = json!(true);
    }
    out
}

fn swagger(schema: &Schema, call: &Call, chosen: &[&Def]) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for def in chosen {
        schemas.insert(def.name.clone(), object(schema, def, 1));
        let content = json!({
            "application/vnd.oracle.resource+json; type=singular":
                { "schema": { "$ref": format!("#/components/schemas/{}", def.name) } },
        });
        let read = json!({ "tags": [def.name], "responses": { "200": { "description": def.title, "content": content } } });
        let write = |status: &str| {
            let mut responses = Map::new();
            responses.insert(status.to_owned(), json!({ "description": "done" }));
            json!({ "tags": [def.name], "requestBody": { "content": content }, "responses": responses })
        };
        let list = json!({ "tags": [def.name], "responses": { "200": { "description": "ids" } } });
        let mut all = json!({ "get": list });
        let mut one = json!({ "get": read });
        if !def.fixed {
            all["post"] = write("204");
            one["patch"] = write("204");
            one["delete"] = json!({ "tags": [def.name], "responses": { "204": { "description": "gone" } } });
        }
        paths.insert(format!("/{}", def.name), all);
        paths.insert(format!("/{}/{{id}}", def.name), one);
    }
    json!({
        "openapi": "3.0.1",
        "info": { "title": "REST Record Service", "version": "v1" },
        "servers": [{ "url": format!("{}/services/rest/record/v1", call.base) }],
        "paths": paths,
        "components": { "schemas": schemas },
    })
}
