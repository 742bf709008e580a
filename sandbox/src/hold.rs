//! Holds on request: a call that matches stops half-way, until it is let go. In: [`Hold`]s posted by a test. Out: the calls
//! that stand still, told at once. With them a test knows an instant for certain: "the request is here and its answer is not
//! written". It must never answer a call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::ledger::Platform;

/// Where a held call stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// The request has been received, and nothing was done.
    Received,
    /// Its work is committed and in the ledger, and no answer has been written.
    Done,
}

/// A hold waiting for its call; it holds one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hold {
    /// Which twin, or none for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// HTTP method, or none for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A part of the path that must occur, or none for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How many matching calls pass first.
    #[serde(default)]
    pub skip: u32,
    /// Where the call stands still.
    pub point: Point,
}

/// A call that stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Which twin.
    pub platform: Platform,
    /// HTTP method.
    pub method: String,
    /// Path and query as received.
    pub path: String,
    /// Where it stands.
    pub point: Point,
}

/// The holds that wait, and the calls that stand still.
#[derive(Debug)]
pub struct Holds {
    waiting: Mutex<Vec<Hold>>,
    /// Calls that stand still.
    held: watch::Sender<Vec<Held>>,
    /// Calls that a hold has picked and that are not over; they end by themselves once they are let go.
    under_way: watch::Sender<usize>,
    /// How often all were let go.
    let_go: watch::Sender<u64>,
}

impl Default for Holds {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            held: watch::channel(Vec::new()).0,
            under_way: watch::channel(0).0,
            let_go: watch::channel(0).0,
        }
    }
}

impl Holds {
    /// Adds a hold.
    pub fn plant(&self, hold: Hold) {
        self.waiting().push(hold);
    }

    /// The calls that stand still; waits until there is one.
    pub async fn held(&self) -> Vec<Held> {
        // An error would mean that the sender is gone, and it is ours.
        self.held
            .subscribe()
            .wait_for(|held| !held.is_empty())
            .await
            .map(|held| held.clone())
            .unwrap_or_default()
    }

    /// Takes all holds away, lets every held call go on, and waits until those calls are over.
    pub async fn let_go(&self) {
        self.waiting().clear();
        self.let_go.send_modify(|times| *times += 1);
        let _ = self.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    /// The hold that picks this call, if one does; counts the call against every hold that it matches.
    pub(crate) fn pick(self: &Arc<Self>, platform: Platform, method: &str, path: &str) -> Option<Picked> {
        let mut waiting = self.waiting();
        let mut found = None;
        for (at, hold) in waiting.iter_mut().enumerate() {
            if !hold.matches(platform, method, path) {
                continue;
            }
            if hold.skip > 0 {
                hold.skip -= 1;
            } else if found.is_none() {
                found = Some(at);
            }
        }
        let point = waiting.remove(found?).point;
        self.under_way.send_modify(|count| *count += 1);
        let call = Held { platform, method: method.to_owned(), path: path.to_owned(), point };
        Some(Picked { holds: Arc::clone(self), call, let_go: self.let_go.subscribe() })
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Hold>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    fn matches(&self, platform: Platform, method: &str, path: &str) -> bool {
        self.platform.is_none_or(|wanted| wanted == platform)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|part| path.contains(part))
    }
}

/// A call that a hold has picked.
#[derive(Debug)]
pub(crate) struct Picked {
    holds: Arc<Holds>,
    call: Held,
    let_go: watch::Receiver<u64>,
}

impl Picked {
    /// Stands still if this is the point, until all are let go.
    pub(crate) async fn stand(&mut self, point: Point) {
        if self.call.point != point {
            return;
        }
        self.holds.held.send_modify(|held| held.push(self.call.clone()));
        let _ = self.let_go.changed().await;
        self.holds.held.send_modify(|held| {
            if let Some(at) = held.iter().position(|other| *other == self.call) {
                held.remove(at);
            }
        });
    }
}

impl Drop for Picked {
    fn drop(&mut self) {
        self.holds.under_way.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_stands_still_until_it_is_let_go() {
        let holds = Arc::new(Holds::default());
        let put = Hold {
            platform: Some(Platform::Netsuite),
            method: Some("put".into()),
            path: None,
            skip: 1,
            point: Point::Received,
        };
        holds.plant(put);
        let pick = |method| holds.pick(Platform::Netsuite, method, "/salesOrder/eid:7");
        assert!(pick("GET").is_none(), "another method");
        assert!(pick("PUT").is_none(), "passes first");
        let mut picked = pick("PUT").expect("the second is picked");
        assert!(pick("PUT").is_none(), "a hold holds one");
        let stands = tokio::spawn(async move {
            picked.stand(Point::Done).await;
            picked.stand(Point::Received).await;
        });
        let held = holds.held().await;
        assert_eq!((held[0].method.as_str(), held[0].point), ("PUT", Point::Received));
        holds.let_go().await;
        stands.await.expect("it goes on");
        assert!(holds.held.borrow().is_empty());
    }
}
