//! What is asked of the outside, and how it may fail. In: values. Out: plain data that `World` and `machine` share. It must
//! never know HTTP.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Code, RunId};
use crate::value::{Hash, Value};

/// How urgent a run's calls are; the limiter shares an account's allowance by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// A person or a shop waits.
    Live,
    /// The usual.
    #[default]
    Normal,
    /// Backfills, sweeps, full recalculations.
    Bulk,
}

/// One request to an operation of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The run that asks.
    pub run: RunId,
    /// Its flow: the tenant of the limiter.
    pub flow: Arc<str>,
    /// The estate's connection.
    pub connection: Arc<str>,
    /// The operation's name in its connector.
    pub operation: Arc<str>,
    /// One object of parameters, or, for a batch, one an element.
    pub inputs: Vec<Value>,
    /// Whether `inputs` go out as one batch and [`Answer::Each`] is wanted.
    pub batch: bool,
    /// Whether it changes anything.
    pub write: bool,
    /// The idempotency key, for operations that repeat by key.
    pub key: Option<Arc<str>>,
    /// How urgent.
    pub priority: Priority,
}

impl Request {
    /// What makes two requests the same bytes: connection, operation and inputs (not the run, not the key).
    pub fn hash(&self) -> Hash {
        let parts = [Value::Text(Arc::clone(&self.connection)), Value::Text(Arc::clone(&self.operation))];
        Value::list(parts.into_iter().chain([Value::Bool(self.batch)]).chain(self.inputs.iter().cloned()))
            .hash()
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of a single request. An absent record (where the operation says so) is `null`.
    One(Value),
    /// Of a batch: aligned with its inputs; each element stands for itself.
    Each(Vec<Result<Value, Failure>>),
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::One(value)
    }
}

/// Kinds of failure, by what is to be done about them. The connector classes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// May go better next time: burns an attempt.
    Retry,
    /// The platform is down: feeds the breaker, burns nothing.
    Outage,
    /// Too much was asked: wait, burns nothing.
    Throttle,
    /// Not let in: opens the breaker, burns nothing.
    Auth,
    /// Somebody else changed it meanwhile: burns an attempt.
    Conflict,
    /// The platform says that it is there already: look.
    Landed,
    /// It will never be taken like this.
    Reject,
    /// What it is about is gone for good.
    Gone,
}

/// Whether the request can have had an effect. Only a `World` may say `No`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sent {
    /// Certainly not.
    No,
    /// Nobody knows.
    Maybe,
}

/// Who says that a call failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Says {
    /// The platform, or the network on the way to it.
    #[default]
    Platform,
    /// We do: what was to be sent does not fit, or may not be sent.
    Unfit,
    /// We do: the answer cannot be read.
    Unread,
}

/// A call that gave no answer one can use.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What is to be done about it.
    pub class: Class,
    /// Whether it can have had an effect.
    pub sent: Sent,
    /// Not before.
    pub after: Option<Duration>,
    /// For people; secrets already taken out.
    pub message: Arc<str>,
    /// What the platform said.
    pub answer: Option<Value>,
    /// Who says so.
    pub says: Says,
}

impl Failure {
    /// A failure with a message and nothing else.
    pub fn new(class: Class, sent: Sent, message: impl Into<Arc<str>>) -> Self {
        Self { class, sent, after: None, message: message.into(), answer: None, says: Says::Platform }
    }

    /// What was to be sent does not fit, or may not be sent: it was not.
    pub fn unfit(message: impl Into<Arc<str>>) -> Self {
        Self { says: Says::Unfit, ..Self::new(Class::Reject, Sent::No, message) }
    }

    /// What kind of reason it is in a letter, if it is final.
    pub fn code(&self) -> Code {
        match self.says {
            Says::Platform => Code::Rejected,
            Says::Unfit => Code::Unfit,
            Says::Unread => Code::Unread,
        }
    }
}
