//! Start-time fair queueing over (class, tenant): nobody starves, nobody jumps, nothing idles. In: what is asked. Out:
//! who is next among those that fit.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Ask, Ticket};
use crate::event::Priority;

/// Virtual time of the queue: cost over weight, in millionths.
pub type Tag = u64;

const UNIT: u64 = 1_000_000;

/// A class's share of the allowance when every class waits.
fn weight(class: Priority) -> u64 {
    match class {
        Priority::Live => 100,
        Priority::Normal => 10,
        Priority::Bulk => 1,
    }
}

/// What waits, by class and group, so that a group that is full blocks nobody else.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<(Priority, Option<Arc<str>>), BTreeMap<(Tag, Ticket), Ask>>,
    last: HashMap<(Priority, Arc<str>), Tag>,
    now: Tag,
}

impl Queue {
    /// Puts an ask in line and returns its tag. A retry brings its old tag: no penalty, no jump.
    pub(super) fn push(&mut self, ticket: Ticket, ask: Ask) -> Tag {
        let tenant = (ask.class, Arc::clone(&ask.tenant));
        let tag = ask.tag.unwrap_or_else(|| {
            let start = self.last.get(&tenant).copied().unwrap_or(0).max(self.now);
            start + u64::from(ask.cost.max(1)) * UNIT / weight(ask.class)
        });
        let last = self.last.entry(tenant).or_default();
        *last = tag.max(*last);
        self.waiting.entry((ask.class, ask.group.clone())).or_default().insert((tag, ticket), ask);
        tag
    }

    /// Takes the ask with the smallest tag among the heads that fit.
    pub(super) fn pop(&mut self, fits: impl Fn(&Ask) -> bool) -> Option<(Ticket, Tag, Ask)> {
        let heads = self.waiting.iter().filter_map(|(line, asks)| Some((line, asks.first_key_value()?)));
        let (line, (place, _)) =
            heads.filter(|(_, (_, ask))| fits(ask)).min_by_key(|(_, (place, _))| **place)?;
        let (line, place) = (line.clone(), *place);
        let ask = self.waiting.get_mut(&line)?.remove(&place)?;
        self.now = self.now.max(place.0);
        self.forget_idle();
        Some((place.1, place.0, ask))
    }

    /// Takes an ask out of line: whoever asked is gone.
    pub(super) fn remove(&mut self, ticket: Ticket) -> bool {
        for asks in self.waiting.values_mut() {
            if let Some(place) = asks.keys().find(|place| place.1 == ticket).copied() {
                asks.remove(&place);
                return true;
            }
        }
        false
    }

    /// Whether anybody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.values().all(BTreeMap::is_empty)
    }

    /// Drops the memory of tenants whose last tag is behind: it no longer decides anything.
    fn forget_idle(&mut self) {
        if self.last.len() > 1024 {
            let now = self.now;
            self.last.retain(|_, tag| *tag > now);
        }
    }
}
