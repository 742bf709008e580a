//! Page by page. In: a step's paging and its answers. Out: the query of the next page, and all rows in the end. One arm a kind.

use std::{collections::HashSet, sync::Arc};

use crate::{
    connector::{
        address,
        model::{Asked, PagingKind, Step, slot},
        scope::Roots,
    },
    value::Value,
};

/// Rows a page of `SuiteQL`.
const SUITEQL_SIZE: u32 = 1000;

/// Where a step stands in its pages.
#[derive(Debug)]
pub(super) struct Pages {
    rows: Vec<Value>,
    page: u32,
    after: Option<Value>,
    link: Option<String>,
    seen: HashSet<String>,
    size: Option<u32>,
    /// A poll asks for one page at a time.
    single: bool,
    query: QueryKeys,
}

#[derive(Debug)]
enum QueryKeys {
    None,
    Page(Arc<str>, Arc<str>),
    Cursor(Arc<str>, Arc<str>),
    Offset(Arc<str>, Arc<str>),
}

impl Pages {
    pub(super) fn new(step: &Step, polled: bool, roots: &Roots) -> Result<Self, String> {
        let mut size = step.paging.as_ref().and_then(|paging| paging.size);
        let mut after = None;
        let query = match (&step.ask, step.paging.as_ref().map(|paging| &paging.kind)) {
            (_, Some(PagingKind::Page { page, limit })) => {
                QueryKeys::Page(Arc::clone(page), Arc::clone(limit))
            }
            (_, Some(PagingKind::Cursor { after, limit, .. })) => {
                QueryKeys::Cursor(Arc::clone(after), Arc::clone(limit))
            }
            (_, Some(PagingKind::Offset { offset, limit })) => {
                QueryKeys::Offset(Arc::clone(offset), Arc::clone(limit))
            }
            (_, Some(PagingKind::Keyset { start, .. })) => {
                after = Some(start.clone());
                QueryKeys::Offset("offset".into(), "limit".into())
            }
            (Asked::SuiteQl { .. }, None) => QueryKeys::Offset("offset".into(), "limit".into()),
            (Asked::Http { .. }, None) | (_, Some(PagingKind::Link { .. })) => QueryKeys::None,
        };
        if matches!(step.ask, Asked::SuiteQl { .. }) {
            size = size.or(Some(SUITEQL_SIZE));
        }
        let mut page = 1;
        if polled && let Some(cursor) = roots.get(slot::CURSOR) {
            page = cursor
                .get("page")
                .and_then(Value::as_i64)
                .map_or(Ok(1), u32::try_from)
                .map_err(|_| "bad page".to_owned())?;
        }
        let (rows, link, seen) = (Vec::new(), None, HashSet::new());
        Ok(Self { rows, page, after, link, seen, size, single: polled, query })
    }

    /// The address of the next page, if an answer linked to it.
    pub(super) fn whole(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// What `:after` is bound to.
    pub(super) fn after(&self) -> Option<&Value> {
        self.after.as_ref()
    }

    /// The part of the query that pages.
    pub(super) fn query(&self) -> Vec<(Arc<str>, String)> {
        let limit = |name: &Arc<str>| self.size.map(|size| (Arc::clone(name), size.to_string()));
        match &self.query {
            QueryKeys::None => Vec::new(),
            QueryKeys::Page(page, size) => {
                [Some((Arc::clone(page), self.page.to_string())), limit(size)].into_iter().flatten().collect()
            }
            QueryKeys::Cursor(after, size) => {
                let place =
                    self.after.as_ref().and_then(Value::scalar_text).map(|text| (Arc::clone(after), text));
                [limit(size), place].into_iter().flatten().collect()
            }
            QueryKeys::Offset(offset, size) => {
                // By key, each page is the first of what is left.
                let rows = if self.after.is_some() { 0 } else { self.rows.len() };
                [limit(size), Some((Arc::clone(offset), rows.to_string()))].into_iter().flatten().collect()
            }
        }
    }

    /// Takes a page's rows. Some: all rows, it was the last page.
    pub(super) fn more(
        &mut self,
        step: &Step,
        rows: Value,
        roots: &Roots,
        follow: impl Fn(&str) -> Result<String, address::Error>,
    ) -> Result<Option<Value>, String> {
        let Value::List(rows) = rows else {
            return Err(format!("`{}` pages through a list, but a page gave {}", step.name, rows.kind()));
        };
        let count = rows.len();
        self.rows.extend(rows.iter().cloned());
        let full = count > 0 && self.size.is_none_or(|size| count >= size as usize);
        let goes_on = match step.paging.as_ref().map(|paging| &paging.kind) {
            Some(PagingKind::Page { .. } | PagingKind::Offset { .. }) | None => full,
            Some(PagingKind::Keyset { column, .. }) => {
                self.after = rows.last().and_then(|row| row.get(column)).cloned();
                if full && self.after.is_none() {
                    return Err(format!("the rows have no column `{column}` to go on after"));
                }
                full
            }
            Some(PagingKind::Cursor { next, .. }) => {
                self.after = roots.maybe(next)?;
                let place = self.after.as_ref().and_then(Value::scalar_text);
                place.map_or(Ok(false), |place| self.unseen(place))?
            }
            Some(PagingKind::Link { next }) => match roots.maybe(next)?.as_ref().and_then(Value::as_str) {
                Some(link) => {
                    let whole = follow(link).map_err(|error| error.to_string())?;
                    self.link = Some(whole.clone());
                    self.unseen(whole)?
                }
                None => false,
            },
        };
        if self.single || !goes_on {
            return Ok(Some(Value::from(std::mem::take(&mut self.rows))));
        }
        self.page += 1;
        let most = step.paging.as_ref().map_or(1000, |paging| paging.max_pages);
        if self.page > most {
            return Err(format!(
                "`{}` has more than {most} pages; say `max_pages` if that is right",
                step.name
            ));
        }
        Ok(None)
    }

    fn unseen(&mut self, place: String) -> Result<bool, String> {
        if self.seen.insert(place) {
            Ok(true)
        } else {
            Err("the platform gave the same page twice".to_owned())
        }
    }
}

/// The rows of a `SuiteQL` answer, without their links.
pub(super) fn suiteql_rows(body: &Value) -> Result<Value, String> {
    let items = body.get("items").and_then(Value::as_list).ok_or("the answer has no `items`")?;
    let clean = |row: &Value| match row {
        Value::Map(map) if map.contains_key("links") => {
            let mut map = map.as_ref().clone();
            map.shift_remove("links");
            Value::from(map)
        }
        other => other.clone(),
    };
    Ok(Value::list(items.iter().map(clean)))
}
