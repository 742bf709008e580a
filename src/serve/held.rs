//! Breakers, told once each time they open and once when they close; a journal without room, or broken. In: the wire, the engine.
//! Out: words. It must never open or close anything.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Said, Shared};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(shared: Arc<Shared>) {
    let mut down: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut was_full = false;
    while shared.pause(EVERY).await {
        let full = shared.engine.journal().durable().short();
        match (&full, was_full) {
            (Some(why), false) => shared.say(Said::Full { why: Arc::clone(why) }),
            (None, true) => shared.say(Said::Room),
            _ => {}
        }
        was_full = full.is_some();
        for connection in shared.wire.names() {
            let is_down = shared.wire.is_down(&connection);
            if is_down && down.insert(Arc::clone(&connection)) {
                shared.say(Said::Held { connection });
            } else if !is_down && down.remove(&connection) {
                shared.say(Said::Freed { connection });
            }
        }
        if shared.engine.is_broken() {
            return shared.say(Said::Broken);
        }
    }
}
