//! Polls. In: an operation's cursor, the place where the last page ended, a page of rows. Out: which rows are new enough to hand
//! on, and the next place. One place is one commit: the rows of a page and the place after it go to disk together.
//!
//! Two kinds. `second`: the platform takes a stamp, inclusive, in full seconds (`BigCommerce`'s V2 orders). The place moves to the
//! last full second seen, which is read again; a second with more rows than a page goes on by page number. `keyset`: the
//! platform is asked strictly after (stamp, tie), so no row is seen twice or missed while pages shift.

use std::sync::Arc;

use crate::{
    connector::{Asked, Cursor, Operation, StampFormat, stamp},
    event::Instant,
    value::Value,
};

/// Rows a page of `SuiteQL` has, unless the operation says another number.
const SUITEQL_SIZE: u32 = 1000;

/// Where a poll stands. Kept in the journal as a [`Value`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From here on, milliseconds since 1970.
    pub since: Instant,
    /// Keyset: strictly after this row of that stamp.
    pub after: Option<Arc<str>>,
    /// Second: the page within that second, from 1.
    pub page: u32,
}

impl Place {
    /// A first place.
    pub fn at(since: Instant) -> Self {
        Self { since, after: None, page: 1 }
    }

    /// As it is kept.
    pub fn to_value(&self) -> Value {
        let after = self.after.as_ref().map_or(Value::Null, |after| Value::from(Arc::clone(after)));
        Value::object([
            ("since", Value::from(i64::try_from(self.since.0).unwrap_or(i64::MAX))),
            ("after", after),
            ("page", Value::from(i64::from(self.page))),
        ])
    }

    /// From what was kept; none if it is no place.
    pub fn from_value(value: &Value) -> Option<Self> {
        let since = Instant(u64::try_from(value.get("since")?.as_i64()?).ok()?);
        let after = value.get("after").and_then(Value::as_str).map(Arc::from);
        let page = u32::try_from(value.get("page")?.as_i64()?).ok()?.max(1);
        Some(Self { since, after, page })
    }
}

/// A poll of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Poll<'a> {
    cursor: &'a Cursor,
    zone: &'a str,
    /// Rows a full page has.
    size: usize,
}

/// A page, taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Rows to hand on, oldest first, each with its stamp.
    pub rows: Vec<(Instant, Value)>,
    /// Rows that do not say when they changed, each with what is wrong.
    pub unread: Vec<(Value, String)>,
    /// Where the next page begins.
    pub next: Place,
    /// Whether the next page should be asked for at once.
    pub more: bool,
}

impl<'a> Poll<'a> {
    /// A poll over pages of `size` rows; `zone` is that of stamps without one.
    pub fn new(cursor: &'a Cursor, zone: &'a str, size: u32) -> Self {
        Self { cursor, zone, size: size as usize }
    }

    /// A poll of an operation that has a cursor; `zone` is that of stamps without one. The size is that of its pages.
    pub fn of(operation: &'a Operation, zone: &'a str) -> Option<Self> {
        let size = operation.steps.iter().rev().find_map(|step| match (&step.paging, &step.ask) {
            (Some(paging), _) if paging.size.is_some() => paging.size,
            (_, Asked::SuiteQl { .. }) => Some(SUITEQL_SIZE),
            _ => None,
        });
        Some(Self::new(operation.cursor.as_ref()?, zone, size.unwrap_or(u32::MAX)))
    }

    /// Where a poll that has come to an end begins the next time.
    pub fn again(&self, place: &Place) -> Place {
        if self.cursor.overlap.is_zero() {
            return place.clone();
        }
        Place::at(place.since - self.cursor.overlap)
    }

    /// What the operation's `cursor` root is for a page.
    pub fn root(&self, place: &Place) -> Result<Value, String> {
        let since = stamp::written(&place.since.to_string(), self.cursor.format, self.zone)?;
        let after =
            place.after.as_ref().map_or_else(|| Value::from("0"), |after| Value::from(Arc::clone(after)));
        Ok(Value::object([("since", since), ("after", after), ("page", Value::from(i64::from(place.page)))]))
    }

    /// Takes the rows that could be read of a page of `all`. `now`: the platform's time when it answered, so that rows too young are
    /// left for the next poll. One row without a stamp does not keep the others back; if none
    /// has one, that is a mistake in the connector.
    pub fn take(&self, place: &Place, rows: &[Value], all: usize, now: Instant) -> Result<Rows, String> {
        let mut taken = Vec::new();
        let mut unread: Vec<(Value, String)> = Vec::new();
        let mut next = place.clone();
        let mut young = false;
        for row in rows {
            let at = match self.stamp(row) {
                Ok(at) => at,
                Err(why) => {
                    unread.push((row.clone(), why));
                    continue;
                }
            };
            if at + self.cursor.lag > now {
                young = true;
                continue;
            }
            let tie = self.cursor.tie.as_ref().and_then(|tie| row.get(tie)?.scalar_text());
            if self.cursor.keyset {
                let after = tie.ok_or_else(|| "a row has no tie: keyset polls need one".to_owned())?;
                next = Place { since: at, after: Some(after.into()), page: 1 };
            } else if at > next.since {
                next = Place::at(second(at));
            }
            taken.push((at, row.clone()));
        }
        if let Some((_, why)) = unread.first().filter(|_| unread.len() == rows.len()) {
            return Err(why.clone());
        }
        let full = all >= self.size && !rows.is_empty();
        if full && !self.cursor.keyset && second(next.since) == second(place.since) {
            next = Place { page: place.page + 1, ..place.clone() };
        } else if !full && !self.cursor.keyset {
            next.page = 1;
        }
        Ok(Rows { rows: taken, unread, next, more: full && !young })
    }

    fn stamp(&self, row: &Value) -> Result<Instant, String> {
        let found = row.get(&self.cursor.field).filter(|stamp| !stamp.is_null());
        let found = found.ok_or_else(|| format!("a row has no `{}`", self.cursor.field))?;
        // Rows have been turned to ISO where their type says so; what is left is in the platform's own form.
        stamp::read(found, if self.cursor.format == StampFormat::Sql { self.zone } else { "UTC" })
            .map(Instant)
    }
}

fn second(at: Instant) -> Instant {
    Instant(at.0 / 1000 * 1000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A page of which every row could be read.
    fn take(poll: &Poll<'_>, place: &Place, rows: &[Value], now: Instant) -> Result<Rows, String> {
        poll.take(place, rows, rows.len(), now)
    }

    fn cursor(keyset: bool, overlap: u64) -> Cursor {
        Cursor {
            field: "at".into(),
            format: StampFormat::Iso,
            zone: None,
            tie: Some("id".into()),
            keyset,
            overlap: Duration::from_secs(overlap),
            lag: Duration::from_secs(1),
        }
    }

    fn row(id: i64, second: u64) -> Value {
        Value::object([("id", Value::from(id)), ("at", Value::from(Instant(second * 1000).to_string()))])
    }

    fn ids(rows: &Rows) -> Vec<i64> {
        rows.rows.iter().map(|(_, row)| row.get("id").unwrap().as_i64().unwrap()).collect()
    }

    /// A platform that answers as `BigCommerce`'s V2 orders do.
    fn page(all: &[Value], place: &Place, size: usize) -> Vec<Value> {
        let at = |row: &Value| stamp::read(row.get("at").unwrap(), "UTC").unwrap();
        let from: Vec<_> = all.iter().filter(|row| at(row) >= place.since.0).cloned().collect();
        from.into_iter().skip((place.page as usize - 1) * size).take(size).collect()
    }

    #[test]
    fn no_row_is_missed_when_a_second_has_more_than_a_page() {
        let all: Vec<_> =
            [1, 1, 5, 5, 5, 5, 5, 5, 5, 8, 9].iter().zip(1..).map(|(second, id)| row(id, *second)).collect();
        let cursor = cursor(false, 0);
        let poll = Poll::new(&cursor, "UTC", 3);
        let mut place = Place::at(Instant(0));
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let rows = take(&poll, &place, &page(&all, &place, 3), Instant(60_000)).unwrap();
            seen.extend(ids(&rows));
            place = Place::from_value(&rows.next.to_value()).unwrap();
            if !rows.more {
                break;
            }
        }
        assert_eq!(seen.len(), 11, "{seen:?}");
        assert_eq!(place, Place::at(Instant(9000)), "the last second is read again");
    }

    #[test]
    fn a_row_that_moves_back_while_paging_is_seen_the_next_time() {
        let cursor = cursor(false, 0);
        let poll = Poll::new(&cursor, "UTC", 2);
        let mut all = vec![row(1, 1), row(2, 2), row(3, 3)];
        let first =
            take(&poll, &Place::at(Instant(0)), &page(&all, &Place::at(Instant(0)), 2), Instant(60_000))
                .unwrap();
        assert_eq!((ids(&first), first.next.clone()), (vec![1, 2], Place::at(Instant(2000))));
        all = vec![row(1, 1), row(3, 3), row(2, 4)];
        let second = take(&poll, &first.next, &page(&all, &first.next, 2), Instant(60_000)).unwrap();
        assert_eq!(ids(&second), [3, 2]);
    }

    #[test]
    fn young_rows_are_left_for_the_next_poll() {
        let cursor = cursor(false, 0);
        let poll = Poll::new(&cursor, "UTC", 10);
        let rows = take(&poll, &Place::at(Instant(0)), &[row(1, 5), row(2, 10)], Instant(10_500)).unwrap();
        assert_eq!((ids(&rows), rows.next, rows.more), (vec![1], Place::at(Instant(5000)), false));
    }

    #[test]
    fn a_row_without_a_stamp_does_not_keep_the_others_back() {
        let cursor = cursor(false, 0);
        let poll = Poll::new(&cursor, "UTC", 3);
        let bad = Value::object([("id", Value::from(2))]);
        let page = [row(1, 5), bad.clone(), row(3, 5)];
        let place = Place::at(Instant(5000));
        let rows = take(&poll, &place, &page, Instant(60_000)).unwrap();
        assert_eq!((ids(&rows), rows.more, rows.next.page), (vec![1, 3], true, 2), "the page was full");
        assert_eq!(rows.unread, [(bad.clone(), "a row has no `at`".to_owned())]);
        let without = [row(1, 5), row(3, 5)];
        assert!(poll.take(&place, &without, 3, Instant(60_000)).unwrap().more);
        assert!(take(&poll, &place, &[bad], Instant(60_000)).is_err());
    }

    #[test]
    fn keysets_go_on_after_the_last_row_and_overlap_goes_back() {
        let cursor = cursor(true, 600);
        let poll = Poll::new(&cursor, "UTC", 2);
        let rows = take(&poll, &Place::at(Instant(0)), &[row(7, 5), row(9, 5)], Instant(60_000)).unwrap();
        assert!(rows.more);
        assert_eq!(rows.next, Place { since: Instant(5000), after: Some("9".into()), page: 1 });
        assert_eq!(poll.root(&rows.next).unwrap().get("after"), Some(&Value::from("9")));
        assert_eq!(poll.again(&Place::at(Instant(1_000_000))), Place::at(Instant(400_000)));
    }
}
