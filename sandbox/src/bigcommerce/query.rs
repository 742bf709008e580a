//! Query strings: paging, filters, sorting, fields. In: the pairs of a query. Out: pages of rows in the shapes of V2 and
//! V3. It must never know what the rows are.

use std::collections::BTreeSet;

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
    shape::Shape,
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
        rows: &[Value],
        fields: &'static [&'static str],
        cursors: bool,
    ) -> Result<Response, Refusal> {
        self.list(rows.iter(), &List { fields, cursors, ..List::default() }, Value::clone)
    }

    /// A V3 list of which only the rows of the page are made; `shown` makes them.
    pub(super) fn list<'r>(
        &self,
        rows: impl Iterator<Item = &'r Value>,
        list: &List,
        shown: impl Fn(&Value) -> Value,
    ) -> Result<Response, Refusal> {
        let mut rows = self.select(rows, list)?;
        self.sort(&mut rows);
        let limit = self.limit(list.most)?;
        let by_cursor = list.cursors && (self.get("after").is_some() || self.get("before").is_some());
        let page = if by_cursor { 1 } else { self.number("page").unwrap_or(1) };
        let (from, to) = if by_cursor {
            self.beyond(&rows, limit, list.key)
        } else {
            let from = rows.len().min((page - 1) * limit);
            (from, rows.len().min(from + limit))
        };
        let mut meta = json!({ "pagination": pagination(rows.len(), to - from, limit, page) });
        if list.cursors {
            meta["cursor_pagination"] = cursor_pagination(&rows, (from, to), limit, list.key);
        }
        let data: Vec<Value> = rows[from..to].iter().map(|row| self.cut(shown(row))).collect();
        Ok(Json(json!({ "data": data, "meta": meta })).into_response())
    }

    /// The rows that pass the filters.
    pub(super) fn select<'r>(
        &self,
        rows: impl Iterator<Item = &'r Value>,
        list: &List,
    ) -> Result<Vec<&'r Value>, Refusal> {
        let filters = self.filters(list)?;
        Ok(rows.filter(|row| filters.iter().all(|filter| filter.passes(row, list))).collect())
    }

    /// Whether a value that a row does not keep passes the filters of a name.
    pub(super) fn passes(&self, name: &str, value: &Value) -> bool {
        let (list, row) = (List::default(), json!({ name: value }));
        let filters = self.0.iter().map(|(key, value)| Filter::new(key, value, &list));
        filters.filter(|filter| filter.name == name).all(|filter| filter.passes(&row, &list))
    }

    /// The same query with pages of no more than `most` rows: what a greater limit asks for is cut, not refused.
    pub(super) fn at_most(self, most: usize) -> Self {
        let asked = self.number("limit").unwrap_or(DEFAULT_LIMIT);
        if asked <= most || most == MAX_LIMIT {
            return self;
        }
        let mut pairs: Vec<_> = self.0.into_iter().filter(|(key, _)| key != "limit").collect();
        pairs.push(("limit".to_owned(), most.to_string()));
        Self(pairs)
    }

    /// The page of rows that have been filtered already, `most` at a time; only those of the page are made.
    pub(super) fn paged<T: Copy>(
        &self,
        rows: &[T],
        most: usize,
        shown: impl Fn(T) -> Value,
    ) -> Result<Response, Refusal> {
        let (limit, page) = (self.limit(most)?, self.number("page").unwrap_or(1));
        let shown: Vec<Value> =
            rows.iter().skip((page - 1) * limit).take(limit).map(|row| shown(*row)).collect();
        let meta = json!({ "pagination": pagination(rows.len(), shown.len(), limit, page) });
        Ok(Json(json!({ "data": shown, "meta": meta })).into_response())
    }

    fn limit(&self, most: usize) -> Result<usize, Refusal> {
        let limit = self.number("limit").unwrap_or(DEFAULT_LIMIT);
        if limit <= most {
            return Ok(limit);
        }
        let title = format!("The limit is too large; the maximum is {most}.");
        Err(v3(StatusCode::PAYLOAD_TOO_LARGE, &title, &[]))
    }

    /// The numbers of a comma-separated list.
    pub(super) fn ids(&self, key: &str) -> Option<BTreeSet<u64>> {
        Some(self.get(key)?.split(',').filter_map(|id| id.trim().parse().ok()).collect())
    }

    /// The words of a comma-separated list, in lower case.
    pub(super) fn words(&self, key: &str) -> Option<BTreeSet<String>> {
        Some(self.get(key)?.split(',').map(|word| word.trim().to_lowercase()).collect())
    }

    /// Refuses filters that the endpoint does not have, so that a misspelt one is not a silent "all".
    pub(super) fn known(&self, fields: &[&str]) -> Result<(), Refusal> {
        let unknown = self.0.iter().find(|(key, _)| {
            let field = key.split(':').next().unwrap_or(key);
            !STEERING.contains(&field) && !fields.contains(&field)
        });
        unknown.map_or(Ok(()), |(key, _)| Err(unusable(&[(key, "The filter is not supported.")])))
    }

    fn filters(&self, list: &List) -> Result<Vec<Filter<'_>>, Refusal> {
        self.known(list.fields)?;
        let filters = self.0.iter().map(|(key, value)| Filter::new(key, value, list));
        Ok(filters
            .filter(|filter| !STEERING.contains(&filter.name) && !list.ignored.contains(&filter.name))
            .collect())
    }

    fn sort(&self, rows: &mut [&Value]) {
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

    /// Where the page after or before a cursor begins and ends.
    fn beyond(&self, rows: &[&Value], limit: usize, key: fn(&Value) -> String) -> (usize, usize) {
        let at = |name| {
            let cursor = self.get(name).and_then(read_cursor)?;
            rows.iter().position(|row| key(row) == cursor)
        };
        if let Some(at) = at("after") {
            return (at + 1, rows.len().min(at + 1 + limit));
        }
        let end = at("before").unwrap_or(0);
        (end.saturating_sub(limit), end)
    }

    /// A row cut to the fields asked for.
    pub(super) fn cut(&self, mut row: Value) -> Value {
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

/// What a list can be asked, and how it is cut into pages.
pub(super) struct List {
    /// The fields it can be filtered by.
    pub fields: &'static [&'static str],
    /// Filters that are called otherwise than the field they look at.
    pub aliases: &'static [(&'static str, &'static str)],
    /// Filters that the caller looks at.
    pub ignored: &'static [&'static str],
    /// Whether it can be paged by cursor.
    pub cursors: bool,
    /// Rows in a page at most.
    pub most: usize,
    /// The shape that knows the defaults of fields that rows do not keep.
    pub shape: Option<&'static Shape>,
    /// What a cursor points at.
    pub key: fn(&Value) -> String,
}

impl Default for List {
    fn default() -> Self {
        let key = |row: &Value| text(&row["id"]);
        Self { fields: &[], aliases: &[], ignored: &[], cursors: false, most: MAX_LIMIT, shape: None, key }
    }
}

/// One filter of a query.
struct Filter<'a> {
    name: &'a str,
    field: &'a str,
    operator: &'a str,
    wanted: &'a str,
    any: BTreeSet<String>,
}

impl<'a> Filter<'a> {
    fn new(key: &'a str, wanted: &'a str, list: &List) -> Self {
        let (name, operator) = key.split_once(':').unwrap_or((key, ""));
        let alias = list.aliases.iter().find(|(alias, _)| *alias == name);
        let any = if operator.ends_with("in") && operator != "min" {
            wanted.split(',').map(|one| one.trim().to_lowercase()).collect()
        } else {
            BTreeSet::new()
        };
        Self { name, field: alias.map_or(name, |(_, field)| field), operator, wanted, any }
    }

    fn passes(&self, row: &Value, list: &List) -> bool {
        let default = || list.shape.and_then(|shape| shape.default(self.field));
        let value = row.get(self.field).or_else(default).unwrap_or(&Value::Null);
        let one = |value: &Value| match self.operator {
            "in" => self.any.contains(&text(value).to_lowercase()),
            "not_in" => !self.any.contains(&text(value).to_lowercase()),
            operator => holds(value, operator, self.wanted),
        };
        match value {
            Value::Array(values) if self.operator == "not_in" => values.iter().all(one),
            Value::Array(values) => values.iter().any(one),
            value => one(value),
        }
    }
}

/// Whether a field of a row passes a filter.
fn holds(field: &Value, operator: &str, wanted: &str) -> bool {
    let found = text(field);
    let order = || match (Fixed::parse(&found), Fixed::parse(wanted)) {
        (Some(found), Some(wanted)) => Some(found.cmp(&wanted)),
        _ => Some(instant(&found)?.cmp(&instant(wanted)?)),
    };
    match operator {
        "" => same(&found, wanted),
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

fn cursor_pagination(
    rows: &[&Value],
    (from, to): (usize, usize),
    limit: usize,
    key: fn(&Value) -> String,
) -> Value {
    let cursor = |row: Option<&&Value>| row.map(|row| write_cursor(&key(row)));
    let (start, end) = (cursor(rows[from..to].first()), cursor(rows[from..to].last()));
    let mut links = json!({});
    if let (Some(start), true) = (&start, from > 0) {
        links["previous"] = json!(format!("?before={start}&limit={limit}"));
    }
    if let (Some(end), true) = (&end, to < rows.len()) {
        links["next"] = json!(format!("?after={end}&limit={limit}"));
    }
    json!({ "count": to - from, "per_page": limit, "start_cursor": start, "end_cursor": end, "links": links })
}

fn write_cursor(key: &str) -> String {
    BASE64.encode(key)
}

fn read_cursor(text: &str) -> Option<String> {
    String::from_utf8(BASE64.decode(text).ok()?).ok()
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
    fn a_filter_looks_into_lists_and_at_defaults() {
        let list = List { aliases: &[("channel_id", "channels")], ..List::default() };
        let row = json!({ "email": "a@example.com", "channels": [1, 3] });
        let cases = [
            ("email:in", "b@example.com,A@example.com", true),
            ("email:not_in", "b@example.com", true),
            ("channel_id:in", "2,3", true),
            ("channel_id", "2", false),
            ("channel_id:not_in", "3", false),
            ("phone:in", "7", false),
        ];
        for (key, wanted, expected) in cases {
            assert_eq!(Filter::new(key, wanted, &list).passes(&row, &list), expected, "{key} {wanted}");
        }
    }

    #[test]
    fn filters_compare_numbers_instants_and_words() {
        let cases = [
            (json!(7), "min", "7", true),
            (json!(7), "less", "7", false),
            (json!(10), "greater", "9", true),
            (json!("2026-03-05T21:40:11+00:00"), "max", "2026-03-05T21:40:11Z", true),
            (json!("Mill Lane"), "like", "mill", true),
            (Value::Null, "min", "7", false),
        ];
        for (field, operator, wanted, expected) in cases {
            assert_eq!(holds(&field, operator, wanted), expected, "{field} {operator} {wanted}");
        }
    }
}
