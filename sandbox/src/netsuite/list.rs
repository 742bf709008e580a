//! Lists: pages of ids, filtered by `q`.
//!
//! In: a [`Call`] on a record type. Out: one page with its links. It must never show a field.

use serde_json::{Value, json};

use super::{
    Account,
    filter::{self, Dates},
    http::{COLLECTION, Call, Problem, Reply, encode},
    output::{Output, Shape, this},
    schema::Def,
    store::{Record, Store},
};

/// The window of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

impl Page {
    /// Reads `limit` (1 to 1000, 1000 without it) and `offset` (a multiple of it, at most 1000 pages).
    pub(crate) fn of(call: &Call) -> Result<Self, Problem> {
        let number = |name: &'static str, default: usize| match call.query(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| Problem::parameter(format!("{name} {text:?} is no whole number"), name)),
        };
        let (limit, offset) = (number("limit", 1000)?, number("offset", 0)?);
        if !(1..=1000).contains(&limit) {
            return Err(Problem::parameter(format!("limit {limit} is not between 1 and 1000"), "limit"));
        }
        if offset % limit != 0 {
            return Err(Problem::parameter(
                format!("offset {offset} is not divisible by limit {limit}"),
                "offset",
            ));
        }
        if offset / limit >= 1000 {
            return Err(Problem::parameter("no more than 1000 pages can be read", "offset"));
        }
        Ok(Self { limit, offset })
    }

    /// The part of all rows that stands on this page.
    pub(crate) fn of_rows<'r, T>(&self, rows: &'r [T]) -> &'r [T] {
        let from = self.offset.min(rows.len());
        &rows[from..(from + self.limit).min(rows.len())]
    }

    /// The page's envelope: links on the client's own host, counts.
    pub(crate) fn envelope(&self, call: &Call, items: &[Value], total: usize) -> Value {
        let last = total.saturating_sub(1) / self.limit * self.limit;
        let more = self.offset + items.len() < total;
        let mut links = vec![self.link(call, "self", self.offset)];
        if self.offset > 0 {
            links.push(self.link(call, "first", 0));
            links.push(self.link(call, "prev", self.offset - self.limit));
        }
        if more {
            links.insert(0, self.link(call, "next", self.offset + self.limit));
            links.insert(1, self.link(call, "last", last));
        }
        json!({
            "links": links, "count": items.len(), "hasMore": more, "items": items, "offset": self.offset,
            "totalResults": total,
        })
    }

    fn link(&self, call: &Call, rel: &str, offset: usize) -> Value {
        let others = call
            .query
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("limit") && !name.eq_ignore_ascii_case("offset"));
        let mut query: Vec<String> =
            others.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        query.push(format!("limit={}", self.limit));
        query.push(format!("offset={offset}"));
        json!({ "rel": rel, "href": format!("{}{}?{}", call.base, call.raw_path, query.join("&")) })
    }
}

/// GET on a record type.
pub(crate) fn serve(account: &Account, store: &Store, call: &Call, def: &Def) -> Result<Reply, Problem> {
    let page = Page::of(call)?;
    let settings = &account.settings;
    let dates = Dates { format: &settings.date_format, offset: settings.utc_offset_minutes };
    let output = Output { store, schema: &account.schema, base: &call.base, shape: Shape::default() };
    let ids: Vec<i64> = match call.query("q").map(str::trim) {
        None | Some("") => store.all(&def.name).map(|record| record.id).collect(),
        Some(q) => {
            let filter = filter::parse(q, def, dates)?;
            let fits = |record: &&Record| filter.holds(&|field| output.value(record, field), dates);
            store.all(&def.name).filter(fits).map(|record| record.id).collect()
        }
    };
    let items = page
        .of_rows(&ids)
        .iter()
        .map(|id| json!({ "links": this(&output.href(&def.name, id)), "id": id.to_string() }));
    Ok(Reply::ok(page.envelope(call, &items.collect::<Vec<_>>(), ids.len()), COLLECTION))
}
