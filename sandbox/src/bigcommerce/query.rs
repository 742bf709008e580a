//! Query strings: paging, filters, sorting, fields. In: the pairs of a query. Out: pages of rows in the shapes of V2 and
//! V3. It must never know what the rows are.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    answer::{Refusal, fail, unusable, v3},
    money::Fixed,
};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 250;
/// Keys that steer a list, or filter it by more than one field of a row.
const STEERING: &[&str] = &[
    "page",
    "limit",
    "include",
    "include_fields",
    "exclude_fields",
    "sort",
    "direction",
    "before",
    "after",
    "keyword",
];

/// The pairs of a query string, decoded.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = parts.uri.path().to_owned();
        let pairs = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let bad = |_| fail(&path, StatusCode::BAD_REQUEST, "The query string is not valid.");
        pairs.map(|axum::extract::Query(pairs)| Self(pairs)).map_err(bad)
    }
}

impl Params {
    /// The value of a key, if given and not empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, value)| name == key && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Whether a comma-separated list names `word`.
    pub(super) fn names(&self, key: &str, word: &str) -> bool {
        self.get(key).is_some_and(|list| list.split(',').any(|part| part.trim() == word))
    }

    /// All pairs.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    fn number(&self, key: &str) -> Option<usize> {
        self.get(key).and_then(|text| text.parse().ok()).filter(|number| *number > 0)
    }

    /// First row and number of rows of a V2 page; more than 250 rows are not given.
    pub(super) fn window(&self) -> (usize, usize) {
        let limit = self.number("limit").unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        ((self.number("page").unwrap_or(1) - 1) * limit, limit)
    }

    /// The V2 page of `rows`.
    pub(super) fn page<T: Clone>(&self, rows: &[T]) -> Vec<T> {
        let (skip, take) = self.window();
        rows.iter().skip(skip).take(take).cloned().collect()
    }

    /// A V3 list: filtered by `fields`, paged, cut to the fields asked for. Rows have an `id` and come in its order.
    pub(super) fn answer(
        &self,
        rows: Vec<Value>,
        fields: &[&str],
        cursors: bool,
    ) -> Result<Response, Refusal> {
        self.known(fields)?;
        let mut rows: Vec<Value> = rows.into_iter().filter(|row| self.matches(row)).collect();
        self.sort(&mut rows);
        let limit = self.number("limit").unwrap_or(DEFAULT_LIMIT);
        if limit > MAX_LIMIT {
            return Err(v3(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The limit is too large; the maximum is 250.",
                &[],
            ));
        }
        let total = rows.len();
        let by_cursor = cursors && (self.get("after").is_some() || self.get("before").is_some());
        let page = if by_cursor { 1 } else { self.number("page").unwrap_or(1) };
        let shown: Vec<Value> = if by_cursor {
            self.beyond(&rows, limit)
        } else {
            rows.iter().skip((page - 1) * limit).take(limit).cloned().collect()
        };
        let mut meta = json!({ "pagination": pagination(total, shown.len(), limit, page) });
        if cursors {
            meta["cursor_pagination"] = cursor_pagination(&rows, &shown, limit);
        }
        let data: Vec<Value> = shown.into_iter().map(|row| self.cut(row)).collect();
        Ok(Json(json!({ "data": data, "meta": meta })).into_response())
    }

    /// Refuses filters that the endpoint does not have, so that a misspelt one is not a silent "all".
    fn known(&self, fields: &[&str]) -> Result<(), Refusal> {
        let unknown = self.0.iter().find(|(key, _)| {
            let field = key.split(':').next().unwrap_or(key);
            !STEERING.contains(&field) && !fields.contains(&field)
        });
        unknown.map_or(Ok(()), |(key, _)| Err(unusable(&[(key, "The filter is not supported.")])))
    }

    fn matches(&self, row: &Value) -> bool {
        self.0.iter().all(|(key, value)| {
            let (field, operator) = key.split_once(':').unwrap_or((key, ""));
            STEERING.contains(&field) || holds(row.get(field).unwrap_or(&Value::Null), operator, value)
        })
    }

    fn sort(&self, rows: &mut [Value]) {
        let Some(sort) = self.get("sort") else { return };
        let (field, direction) =
            sort.split_once(':').unwrap_or((sort, self.get("direction").unwrap_or("asc")));
        rows.sort_by(|a, b| {
            let (a, b) = (text(&a[field]), text(&b[field]));
            match (Fixed::parse(&a), Fixed::parse(&b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.cmp(&b),
            }
        });
        if direction == "desc" {
            rows.reverse();
        }
    }

    /// The rows after or before a cursor.
    fn beyond(&self, rows: &[Value], limit: usize) -> Vec<Value> {
        let at = |key| self.get(key).and_then(read_cursor).and_then(|id| position(rows, id));
        if let Some(at) = at("after") {
            return rows.iter().skip(at + 1).take(limit).cloned().collect();
        }
        let end = at("before").unwrap_or(0);
        rows[end.saturating_sub(limit)..end].to_vec()
    }

    fn cut(&self, mut row: Value) -> Value {
        let list = |key| self.get(key).map(|text| text.split(',').collect::<Vec<_>>());
        let (only, without) = (list("include_fields"), list("exclude_fields"));
        if let Some(object) = row.as_object_mut() {
            object.retain(|key, _| {
                key == "id"
                    || (only.as_ref().is_none_or(|only| only.contains(&key.as_str()))
                        && without.as_ref().is_none_or(|without| !without.contains(&key.as_str())))
            });
        }
        row
    }
}

fn position(rows: &[Value], id: u64) -> Option<usize> {
    rows.iter().position(|row| row["id"].as_u64() == Some(id))
}

/// Whether a field of a row passes a filter.
fn holds(field: &Value, operator: &str, wanted: &str) -> bool {
    let found = text(field);
    let any = || wanted.split(',').any(|one| same(&found, one.trim()));
    let order = || match (Fixed::parse(&found), Fixed::parse(wanted)) {
        (Some(found), Some(wanted)) => Some(found.cmp(&wanted)),
        _ => Some(instant(&found)?.cmp(&instant(wanted)?)),
    };
    match operator {
        "" => same(&found, wanted),
        "in" => any(),
        "not_in" => !any(),
        "not" => !same(&found, wanted),
        "like" => found.to_lowercase().contains(&wanted.trim_matches('%').to_lowercase()),
        "min" => order().is_some_and(std::cmp::Ordering::is_ge),
        "max" => order().is_some_and(std::cmp::Ordering::is_le),
        "greater" => order().is_some_and(std::cmp::Ordering::is_gt),
        "less" => order().is_some_and(std::cmp::Ordering::is_lt),
        _ => false,
    }
}

fn same(found: &str, wanted: &str) -> bool {
    found.eq_ignore_ascii_case(wanted)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Reads an instant as clients write it: RFC 2822, ISO 8601 with or without time; a plus sign may have come as a space.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let with_plus = || text.rsplit_once(' ').map(|(before, after)| format!("{before}+{after}"));
    let spaced = || text.rsplit_once("  ").map(|(before, after)| format!("{before} +{after}"));
    rfc2822(text)
        .or_else(|| text.parse().ok())
        .or_else(|| text.parse::<jiff::civil::DateTime>().ok().and_then(utc))
        .or_else(|| with_plus().and_then(|text| text.parse().ok()))
        .or_else(|| spaced().and_then(|text| rfc2822(&text)))
}

fn rfc2822(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp())
}

fn utc(at: jiff::civil::DateTime) -> Option<Timestamp> {
    at.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp())
}

fn pagination(total: usize, count: usize, limit: usize, page: usize) -> Value {
    let pages = total.div_ceil(limit).max(1);
    let link = |page: usize| json!(format!("?page={page}&limit={limit}"));
    let mut links = json!({ "current": link(page) });
    if page > 1 {
        links["previous"] = link(page - 1);
    }
    if page < pages {
        links["next"] = link(page + 1);
    }
    json!({
        "total": total,
        "count": count,
        "per_page": limit,
        "current_page": page,
        "total_pages": pages,
        "links": links,
    })
}

fn cursor_pagination(rows: &[Value], shown: &[Value], limit: usize) -> Value {
    let cursor = |row: Option<&Value>| row.and_then(|row| row["id"].as_u64()).map(write_cursor);
    let (start, end) = (cursor(shown.first()), cursor(shown.last()));
    let mut links = json!({});
    if let (Some(start), false) = (&start, shown.first() == rows.first()) {
        links["previous"] = json!(format!("?before={start}&limit={limit}"));
    }
    if let (Some(end), false) = (&end, shown.last() == rows.last()) {
        links["next"] = json!(format!("?after={end}&limit={limit}"));
    }
    json!({ "count": shown.len(), "per_page": limit, "start_cursor": start, "end_cursor": end, "links": links })
}

fn write_cursor(id: u64) -> String {
    BASE64.encode(format!("id:{id}"))
}

fn read_cursor(text: &str) -> Option<u64> {
    String::from_utf8(BASE64.decode(text).ok()?).ok()?.strip_prefix("id:")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_clients_write_them() {
        let at: Timestamp = "2026-03-05T21:40:11Z".parse().expect("an instant");
        for text in [
            "2026-03-05T21:40:11Z",
            "2026-03-05T21:40:11+00:00",
            "2026-03-05T22:40:11 01:00",
            "Thu, 05 Mar 2026 21:40:11 +0000",
            "Thu, 05 Mar 2026 21:40:11  0000",
            "2026-03-05T21:40:11",
        ] {
            assert_eq!(instant(text), Some(at), "{text}");
        }
        assert_eq!(instant("2026-03-05"), "2026-03-05T00:00:00Z".parse().ok());
        assert_eq!(instant("soon"), None);
    }

    #[test]
    fn filters_compare_numbers_instants_and_words() {
        let cases = [
            (json!(7), "min", "7", true),
            (json!(7), "less", "7", false),
            (json!(10), "greater", "9", true),
            (json!("a@example.com"), "in", "b@example.com,A@example.com", true),
            (json!("2026-03-05T21:40:11+00:00"), "max", "2026-03-05T21:40:11Z", true),
            (json!("Mill Lane"), "like", "mill", true),
            (Value::Null, "in", "7", false),
        ];
        for (field, operator, wanted, expected) in cases {
            assert_eq!(holds(&field, operator, wanted), expected, "{field} {operator} {wanted}");
        }
    }
}
