//! How the store words its answers, and how it reads a call. In: data, refusals, request parts. Out: responses in the
//! shapes of V2 (bare arrays, errors as an array) and V3 (`data` and `meta`, errors as an object).

use std::fmt::Display;

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::door::Effect;

const ERROR_TYPE: &str = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes";
const NOT_FOUND: &str = "The requested resource was not found.";
/// Bodies are small; a client that sends more is in error.
const BODY_LIMIT: usize = 4 << 20;

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    /// The error itself, to be listed among others in the answer to a batch.
    pub(super) fn into_body(self) -> Value {
        self.body
    }
}

/// What a handler gives.
pub(super) type Answer = Result<Response, Refusal>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// An error of V2.
pub(super) fn v2(status: StatusCode, message: &str) -> Refusal {
    Refusal { status, body: json!([{ "status": status.as_u16(), "message": message }]) }
}

/// The refusal to write a field that is only read.
pub(super) fn read_only(field: &str) -> Refusal {
    let text = format!(
        "The field '{field}' cannot be written to. Please remove it from your request before trying again."
    );
    v2(StatusCode::BAD_REQUEST, &text)
}

/// A field of a V2 body that cannot be used.
pub(super) fn invalid(field: &str) -> Refusal {
    v2(StatusCode::BAD_REQUEST, &format!("The field '{field}' is invalid."))
}

/// An error of V3; `errors` maps fields to what is wrong with them.
pub(super) fn v3(status: StatusCode, title: &str, errors: &[(&str, &str)]) -> Refusal {
    let errors: Map<String, Value> =
        errors.iter().map(|(field, text)| ((*field).to_owned(), json!(text))).collect();
    let body = json!({ "status": status.as_u16(), "title": title, "type": ERROR_TYPE, "errors": errors });
    Refusal { status, body }
}

/// A V3 body that cannot be used.
pub(super) fn unusable(errors: &[(&str, &str)]) -> Refusal {
    v3(StatusCode::UNPROCESSABLE_ENTITY, "JSON data is missing or invalid", errors)
}

/// The objects of a V3 batch of no more than `most`.
pub(super) fn array(sent: &Value, most: usize) -> Result<&Vec<Value>, Refusal> {
    let rows = sent.as_array().ok_or_else(|| unusable(&[("", "error.expected.jsarray")]))?;
    if rows.len() > most {
        let title =
            format!("The request payload is too large. The maximum items allowed in the array is {most}.");
        return Err(v3(StatusCode::PAYLOAD_TOO_LARGE, &title, &[]));
    }
    if rows.iter().all(Value::is_object) {
        Ok(rows)
    } else {
        Err(unusable(&[("", "error.expected.jsobject")]))
    }
}

/// Something that is there already, under a value that may be there once.
pub(super) fn conflict(title: &str, field: &str) -> Refusal {
    v3(StatusCode::CONFLICT, title, &[(field, title)])
}

/// Nothing there, in the wording of the path's version.
pub(super) fn missing(path: &str) -> Refusal {
    fail(path, StatusCode::NOT_FOUND, NOT_FOUND)
}

/// A refusal in the wording of the path's version.
pub(super) fn fail(path: &str, status: StatusCode, text: &str) -> Refusal {
    if is_v3(path) { v3(status, text, &[]) } else { v2(status, text) }
}

fn is_v3(path: &str) -> bool {
    path.contains("/v3/")
}

/// A V2 resource that is not there.
pub(super) fn gone() -> Refusal {
    v2(StatusCode::NOT_FOUND, NOT_FOUND)
}

/// A V3 resource that is not there.
pub(super) fn gone_v3() -> Refusal {
    v3(StatusCode::NOT_FOUND, NOT_FOUND, &[])
}

/// A page of V2: an array, or 204 without a body if it would be empty.
pub(super) fn list(rows: &[Value]) -> Response {
    if rows.is_empty() { StatusCode::NO_CONTENT.into_response() } else { Json(rows).into_response() }
}

/// A single thing of V3.
pub(super) fn data(data: &Value) -> Response {
    Json(json!({ "data": data, "meta": {} })).into_response()
}

/// The same answer, with what the call committed for the ledger.
pub(super) fn effect(
    mut response: Response,
    record: &str,
    id: &dyn Display,
    verb: &str,
    fields: &[String],
) -> Response {
    let mut effect = json!({ "record": record, "id": id.to_string(), "verb": verb });
    if !fields.is_empty() {
        effect["fields"] = json!(fields);
    }
    response.extensions_mut().insert(Effect(effect));
    response
}

/// The same answer, with what a batch of so many rows committed.
pub(super) fn bulk_effect(
    mut response: Response,
    record: &str,
    id: &dyn Display,
    verb: &str,
    rows: usize,
) -> Response {
    let effect = json!({ "record": record, "id": id.to_string(), "verb": verb, "rows": rows });
    response.extensions_mut().insert(Effect(effect));
    response
}

/// An answer without a body, with what the call committed.
pub(super) fn no_content(record: &str, id: &dyn Display, verb: &str) -> Response {
    effect(StatusCode::NO_CONTENT.into_response(), record, id, verb, &[])
}

/// A list without pages: `data` and empty `meta`.
pub(super) fn several(rows: &[Value]) -> Response {
    Json(json!({ "data": rows, "meta": {} })).into_response()
}

/// The last number in the path.
#[derive(Debug)]
pub(super) struct Id(pub u64);

/// The last two numbers in the path.
#[derive(Debug)]
pub(super) struct Ids(pub u64, pub u64);

/// The last three numbers in the path.
#[derive(Debug)]
pub(super) struct Ids3(pub u64, pub u64, pub u64);

/// The last `N` parameters of the path, if all of its parameters are numbers.
async fn last<const N: usize, S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<[u64; N], Refusal> {
    let path = parts.uri.path().to_owned();
    let found = Path::<Vec<(String, u64)>>::from_request_parts(parts, state).await.ok();
    let numbers = found.map(|Path(found)| found.into_iter().map(|(_, number)| number).collect::<Vec<u64>>());
    numbers.and_then(|numbers| numbers.last_chunk().copied()).ok_or_else(|| missing(&path))
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        last(parts, state).await.map(|[id]| Self(id))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        last(parts, state).await.map(|[outer, inner]| Self(outer, inner))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ids3 {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        last(parts, state).await.map(|[a, b, c]| Self(a, b, c))
    }
}

/// The JSON body of a call.
#[derive(Debug)]
pub(super) struct Sent(pub Value);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Refusal;
    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, Refusal> {
        let path = request.uri().path().to_owned();
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if !kind.starts_with("application/json") {
            let text = "The Content-Type of the request is not supported; use application/json.";
            return Err(fail(&path, StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let bytes = to_bytes(request.into_body(), BODY_LIMIT)
            .await
            .map_err(|_| fail(&path, StatusCode::PAYLOAD_TOO_LARGE, "The request is too large."))?;
        let bad = |_| fail(&path, StatusCode::BAD_REQUEST, "The JSON in the request is not valid.");
        serde_json::from_slice(&bytes).map(Self).map_err(bad)
    }
}

impl Sent {
    /// The body as an object.
    pub(super) fn object(self) -> Result<Map<String, Value>, Value> {
        match self.0 {
            Value::Object(object) => Ok(object),
            other => Err(other),
        }
    }
}
