//! The order of grants: start-time fair queueing over (priority, tenant). In: asks. Out: the next that fits. Work conserving;
//! nobody starves; a higher priority's wait does not depend on how much of a lower one waits.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{Ask, Tag, Ticket};
use crate::event::Priority;

/// The share of a priority against the others.
fn weight(priority: Priority) -> f64 {
    match priority {
        Priority::Live => 100.0,
        Priority::Normal => 10.0,
        Priority::Bulk => 1.0,
    }
}

/// A line of asks that is served in its own order.
type Line = (Priority, Arc<str>, Option<Arc<str>>);

#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: BTreeMap<Line, VecDeque<(Tag, Ticket, Ask)>>,
    last: BTreeMap<(Priority, Arc<str>), f64>,
    virtual_time: f64,
    waiting: usize,
}

impl Queue {
    pub(super) fn push(&mut self, ticket: Ticket, ask: Ask) {
        let tag = if let Some(tag) = ask.after {
            tag
        } else {
            let last = self.last.entry((ask.priority, Arc::clone(&ask.tenant))).or_default();
            *last = last.max(self.virtual_time) + 1.0 / weight(ask.priority);
            Tag(*last)
        };
        let line = self.lines.entry((ask.priority, Arc::clone(&ask.tenant), ask.group.clone())).or_default();
        let place = line.partition_point(|(other, _, _)| *other <= tag);
        line.insert(place, (tag, ticket, ask));
        self.waiting += 1;
    }

    /// The first whose priority and group fit. A head that does not fit lets the heads of other lines pass.
    pub(super) fn pop(&mut self, fits: impl Fn(Priority, Option<&Arc<str>>) -> bool) -> Option<(Ticket, Tag, Ask)> {
        let heads = self.lines.iter().filter(|((priority, _, group), _)| fits(*priority, group.as_ref()));
        let heads = heads.filter_map(|(line, waiting)| waiting.front().map(|(tag, ticket, _)| (tag.0, *ticket, line)));
        let (_, _, line) = heads.min_by(|one, two| one.0.total_cmp(&two.0).then(one.1.cmp(&two.1)))?;
        let line = line.clone();
        let waiting = self.lines.get_mut(&line)?;
        let (tag, ticket, ask) = waiting.pop_front()?;
        if waiting.is_empty() {
            self.lines.remove(&line);
        }
        self.virtual_time = self.virtual_time.max(tag.0);
        self.waiting -= 1;
        self.forget_idle();
        Some((ticket, tag, ask))
    }

    /// Tenants that are not ahead of the present need not be remembered.
    fn forget_idle(&mut self) {
        if self.waiting == 0 && self.last.len() > 1000 {
            self.last.clear();
        }
    }

    pub(super) fn remove(&mut self, ticket: Ticket) {
        for waiting in self.lines.values_mut() {
            let before = waiting.len();
            waiting.retain(|(_, other, _)| *other != ticket);
            self.waiting -= before - waiting.len();
        }
        self.lines.retain(|_, waiting| !waiting.is_empty());
    }

    /// The most urgent priority that waits.
    pub(super) fn highest(&self) -> Option<Priority> {
        self.lines.keys().next().map(|(priority, _, _)| *priority)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting
    }
}
