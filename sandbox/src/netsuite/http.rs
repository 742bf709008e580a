//! One call and one answer, free of the web framework: the twin's logic is a plain function from [`Call`] to [`Reply`].
//!
//! In: method, path, query, headers, body. Out: status, headers, JSON. It must never know a record.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use crate::door::Effect;

/// A request as the client saw it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Scheme, host and port the client used.
    pub(crate) base: String,
    /// The path as it was sent.
    pub(crate) raw_path: String,
    /// The path's segments, decoded.
    pub(crate) path: Vec<String>,
    /// The query, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether a `Prefer` header names `word`.
    pub(crate) fn prefers(&self, word: &str) -> bool {
        self.headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(word))
    }

    /// The body as a JSON object.
    pub(crate) fn object(&self) -> Result<serde_json::Map<String, Value>, Problem> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(_) => Err(Problem::content("the body must be a JSON object", "")),
            Err(error) => Err(Problem::content(format!("the body is not JSON: {error}"), "")),
        }
    }
}

/// Decodes `%XX`; invalid sequences stay as they are, bytes that are no text are replaced.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Encodes everything but RFC 3986's unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The pairs of a query or a form, decoded; `+` is a space.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decode(&name.replace('+', " ")), decode(&value.replace('+', " "))))
        .collect()
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) media: &'static str,
    pub(crate) body: Option<Value>,
    /// What the call committed, for the ledger.
    pub(crate) effect: Option<Value>,
}

pub(crate) const SINGULAR: &str = "application/vnd.oracle.resource+json; type=singular";
pub(crate) const COLLECTION: &str = "application/vnd.oracle.resource+json; type=collection";
pub(crate) const ERROR: &str = "application/vnd.oracle.resource+json; type=error";
pub(crate) const JSON: &str = "application/json";

impl Reply {
    pub(crate) fn ok(body: Value, media: &'static str) -> Self {
        Self { status: 200, media, body: Some(body), ..Self::default() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The framework's response, with the effect among its extensions.
    pub(crate) fn respond(self) -> Response {
        let body = self.body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if !self.media.is_empty() {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        if let Some(effect) = self.effect {
            response.extensions_mut().insert(Effect(effect));
        }
        response
    }
}

/// A call that is refused, in the platform's error envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    /// `o:errorPath`: where in the body, such as `item.items[0].item`; empty if nowhere.
    pub(crate) path: String,
    /// `o:errorQueryParam`, or empty.
    pub(crate) parameter: &'static str,
}

impl Problem {
    fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), path: String::new(), parameter: "" }
    }

    /// 400 `INVALID_CONTENT`: the value at `path` cannot be.
    pub(crate) fn content(detail: impl Into<String>, path: &str) -> Self {
        Self { path: path.to_owned(), ..Self::new(400, "INVALID_CONTENT", detail) }
    }

    /// 400 `USER_ERROR`: a rule of the business is broken.
    pub(crate) fn user(detail: impl Into<String>) -> Self {
        Self::new(400, "USER_ERROR", detail)
    }

    /// 400 `USER_ERROR` with a place.
    pub(crate) fn user_at(detail: impl Into<String>, path: &str) -> Self {
        Self { path: path.to_owned(), ..Self::user(detail) }
    }

    /// 400 `INVALID_PARAMETER`: a query parameter cannot be.
    pub(crate) fn parameter(detail: impl Into<String>, parameter: &'static str) -> Self {
        Self { parameter, ..Self::new(400, "INVALID_PARAMETER", detail) }
    }

    /// 400 `INVALID_REQUEST`.
    pub(crate) fn request(detail: impl Into<String>) -> Self {
        Self::new(400, "INVALID_REQUEST", detail)
    }

    /// 400 `NONEXISTENT_FIELD`.
    pub(crate) fn field(detail: impl Into<String>, path: &str) -> Self {
        Self { path: path.to_owned(), ..Self::new(400, "NONEXISTENT_FIELD", detail) }
    }

    /// 404 `NONEXISTENT_ID`.
    pub(crate) fn missing() -> Self {
        Self::new(404, "NONEXISTENT_ID", "Record does not exist.")
    }

    /// 405.
    pub(crate) fn method() -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", "this resource does not take that method")
    }

    /// 401 `INVALID_LOGIN`; the reason stands in the login audit trail only.
    pub(crate) fn login() -> Self {
        Self::new(
            401,
            "INVALID_LOGIN",
            "Invalid login attempt. The Login Audit Trail of the account says why.",
        )
    }

    /// 403 `INSUFFICIENT_PERMISSION`.
    pub(crate) fn permission(detail: impl Into<String>) -> Self {
        Self::new(403, "INSUFFICIENT_PERMISSION", detail)
    }

    /// 429 `CONCURRENCY_LIMIT_EXCEEDED`.
    pub(crate) fn concurrency() -> Self {
        Self::new(429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.")
    }

    /// 500 `UNEXPECTED_ERROR`.
    pub(crate) fn unexpected(reference: &str) -> Self {
        Self::new(500, "UNEXPECTED_ERROR", format!("An unexpected error occurred. Error ID: {reference}"))
    }

    /// 400 `IDEMPOTENCY_ERROR`.
    pub(crate) fn idempotency() -> Self {
        Self::new(
            400,
            "IDEMPOTENCY_ERROR",
            "this idempotency key was used before; \"Location\" leads to the job of the first request",
        )
    }

    pub(crate) fn reply(&self) -> Reply {
        let mut detail = json!({ "detail": self.detail, "o:errorCode": self.code });
        if !self.path.is_empty() {
            detail["o:errorPath"] = json!(self.path);
        }
        if !self.parameter.is_empty() {
            detail["o:errorQueryParam"] = json!(self.parameter);
        }
        let (title, section) = match (self.code, self.status) {
            ("IDEMPOTENCY_ERROR", _) => ("Conflict", "#sec10.4.10"),
            (_, 400) => ("Bad Request", "#sec10.4.1"),
            (_, 401) => ("Unauthorized", ""),
            (_, 403) => ("Forbidden", ""),
            (_, 404) => ("Not Found", ""),
            (_, 405) => ("Method Not Allowed", ""),
            (_, 500) => ("Internal Server Error", ""),
            _ => ("Bad Request", ""),
        };
        let mut body = json!({
            "type": format!("https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html{section}"),
            "title": title,
            "status": self.status,
        });
        if self.status == 429 {
            body["o:errorCode"] = json!("USER_ERROR");
        }
        body["o:errorDetails"] = json!([detail]);
        Reply { status: self.status, media: ERROR, body: Some(body), ..Reply::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_goes_both_ways() {
        assert_eq!(decode("caf%C3%A9%20%2F%zz%"), "café /%zz%");
        assert_eq!(encode("a~b c+é"), "a~b%20c%2B%C3%A9");
        assert_eq!(
            pairs("q=a+b%2Bc&empty=&x"),
            [("q".into(), "a b+c".into()), ("empty".into(), String::new()), ("x".into(), String::new())]
        );
    }
}
