//! What a service has to say while it runs. In: what happened. Out: a line for people, an object for programs. No secret and
//! no personal data: names of flows, connections and scopes only.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::event::Instant;

/// Something that people should know.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Said {
    /// Webhooks are taken here.
    Listens {
        /// The address on this machine.
        url: String,
        /// Which webhooks.
        scopes: Vec<Arc<str>>,
        /// For which flows.
        flows: Vec<Arc<str>>,
    },
    /// Something is asked again and again.
    Polls {
        /// `connection.operation`.
        source: String,
        /// For which flow.
        flow: Arc<str>,
        /// How often, in seconds.
        every: u64,
    },
    /// Something fires at set times.
    Fires {
        /// The cron expression and its zone.
        schedule: String,
        /// For which flow.
        flow: Arc<str>,
        /// When next, RFC 3339.
        next: String,
    },
    /// The very first poll of a source.
    Begins {
        /// `connection.operation`.
        source: String,
        /// For which flow.
        flow: Arc<str>,
        /// From when on, RFC 3339.
        since: String,
    },
    /// A platform was asked to send webhooks.
    Registered {
        /// The connection.
        connection: Arc<str>,
        /// Which webhook.
        scope: Arc<str>,
    },
    /// A webhook that the platform had switched off is on again; polls catch up.
    Enabled {
        /// The connection.
        connection: Arc<str>,
        /// Which webhook.
        scope: Arc<str>,
    },
    /// Webhooks have to be registered by hand.
    ByHand {
        /// The connection.
        connection: Arc<str>,
        /// Why.
        why: &'static str,
    },
    /// A webhook was refused.
    Refused {
        /// The connection.
        connection: Arc<str>,
        /// The status answered.
        status: u16,
        /// Why.
        why: Arc<str>,
        /// Refused since this was told last.
        count: u64,
    },
    /// A row or firing that cannot become an event.
    Skipped {
        /// `connection.operation`.
        source: String,
        /// For which flow.
        flow: Arc<str>,
        /// Why.
        why: String,
    },
    /// Something cannot be read, and is tried again.
    Trouble {
        /// What.
        source: String,
        /// Why.
        why: String,
    },
    /// It works again.
    Works {
        /// What.
        source: String,
    },
    /// A platform is down or does not let us in: runs that need it wait.
    Held {
        /// The connection.
        connection: Arc<str>,
    },
    /// It is back.
    Freed {
        /// The connection.
        connection: Arc<str>,
    },
    /// The journal's disk is full: nothing is accepted and nothing is sent until there is room.
    Full {
        /// Which file, and what the store said.
        why: Arc<str>,
    },
    /// There is room again.
    Room,
    /// The journal cannot be written: nothing goes on.
    Broken,
}

impl Said {
    /// A line for people.
    pub fn line(&self) -> String {
        match self {
            Self::Listens { url, scopes, flows } => {
                format!("listens to {} at {url} for {}", list(scopes), list(flows))
            }
            Self::Polls { source, flow, every } => {
                format!("polls {source} every {} for {flow}", span(Duration::from_secs(*every)))
            }
            Self::Fires { schedule, flow, next } => format!("fires {schedule} for {flow}, next at {next}"),
            Self::Begins { source, flow, since } => {
                format!("{source}: the first poll for {flow} begins at {since}")
            }
            Self::Registered { connection, scope } => format!("{connection}: webhook {scope} registered"),
            Self::Enabled { connection, scope } => {
                format!(
                    "{connection}: webhook {scope} had been switched off; it is on again, and polls catch up"
                )
            }
            Self::ByHand { connection, why } => {
                format!("{connection}: webhooks are registered by hand: {why}")
            }
            Self::Refused { connection, status, why, count } => {
                let more = if *count > 1 {
                    format!(" ({count} refused since the last line)")
                } else {
                    String::new()
                };
                format!("{connection}: a webhook was refused with {status}: {why}{more}")
            }
            Self::Skipped { source, flow, why } => {
                format!("{source}: something was left out for {flow}: {why}")
            }
            Self::Trouble { source, why } if why.starts_with(source) => {
                format!("{why}; tried again until it works")
            }
            Self::Trouble { source, why } => format!("{source}: {why}; tried again until it works"),
            Self::Works { source } => format!("{source}: works again"),
            Self::Held { connection } => {
                format!("{connection}: down, or does not let us in: runs that need it wait (said once)")
            }
            Self::Freed { connection } => format!("{connection}: back, held runs go on"),
            Self::Full { why } => {
                format!("the journal cannot grow: {why}; nothing is accepted or sent until there is room")
            }
            Self::Room => "the journal has room again: all goes on".to_owned(),
            Self::Broken => {
                "the journal cannot be written: nothing is accepted and nothing is sent".to_owned()
            }
        }
    }
}

/// Something that fails or works, told once each time that changes.
#[derive(Debug)]
pub(super) struct Health {
    source: String,
    failures: u32,
}

impl Health {
    pub(super) fn new(source: impl Into<String>) -> Self {
        Self { source: source.into(), failures: 0 }
    }

    /// It failed: what to say, and how long to wait, doubled from a second up to `most`.
    pub(super) fn failed(&mut self, why: impl Into<String>, most: Duration) -> (Option<Said>, Duration) {
        let said =
            (self.failures == 0).then(|| Said::Trouble { source: self.source.clone(), why: why.into() });
        let wait = Duration::from_secs(1 << self.failures.min(10)).min(most);
        self.failures += 1;
        (said, wait)
    }

    /// It went well: what to say.
    pub(super) fn worked(&mut self) -> Option<Said> {
        let failed = std::mem::take(&mut self.failures) > 0;
        failed.then(|| Said::Works { source: self.source.clone() })
    }
}

/// An instant as it is said.
pub(super) fn at(instant: Instant) -> String {
    instant.to_string()
}

fn list(names: &[Arc<str>]) -> String {
    names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ")
}

fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds > 0 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds > 0 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_once_and_waits_double() {
        let mut health = Health::new("shop.changed");
        let most = Duration::from_secs(5);
        let (said, wait) = health.failed("no connection", most);
        assert_eq!(said, Some(Said::Trouble { source: "shop.changed".into(), why: "no connection".into() }));
        assert_eq!(wait, Duration::from_secs(1));
        let waits: Vec<_> = (0..3).map(|_| health.failed("no connection", most)).collect();
        assert_eq!(waits, [2, 4, 5].map(|seconds| (None, Duration::from_secs(seconds))));
        assert_eq!(health.worked(), Some(Said::Works { source: "shop.changed".into() }));
        assert_eq!(health.worked(), None);
    }

    #[test]
    fn lines_are_for_people_and_objects_for_programs() {
        let said = Said::Polls { source: "shop.changed".into(), flow: "orders".into(), every: 600 };
        assert_eq!(said.line(), "polls shop.changed every 10 min for orders");
        let object = serde_json::to_value(&said).unwrap();
        assert_eq!(object["what"], "polls");
        assert_eq!(object["every"], 600);
    }
}
