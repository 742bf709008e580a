//! Words for how runs stand. In: states, codes, classes, durations. Out: what people read. It must never know where runs are
//! kept.

use super::paint::Tint;
use crate::{
    event::{Class, Code, Instant, Outcome, Why},
    story::{RunView, State},
};

/// A duration as people read it.
pub(super) fn took(ms: u128) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..172_800_000 => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// An instant as people read it: UTC, to the second.
pub(super) fn time(at: Instant) -> String {
    at.to_string()[..19].replace('T', " ")
}

/// The word for an outcome.
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Unchanged => "unchanged",
        Outcome::Ignored => "ignored",
        Outcome::Superseded => "superseded",
        Outcome::Continued(_) => "continued",
        Outcome::Dropped => "dropped",
    }
}

/// The word for how a run stands: what `--state` takes and JSON says.
pub fn state(run: &RunView) -> &'static str {
    match run.state {
        State::Waiting => "waiting",
        State::Running => "running",
        State::Parked { .. } if matches!(run.why, Some(Why::Retry { .. })) => "rejected",
        State::Parked { .. } => "parked",
        State::Letter => "letter",
        State::Ended(outcome) => word(outcome),
    }
}

/// How a run stands, as a clause.
pub(super) fn standing(run: &RunView) -> String {
    match run.state {
        State::Waiting => "waits for its turn".into(),
        State::Running => "is under way".into(),
        State::Letter => "dead letter: waits for somebody".into(),
        State::Parked { due } => {
            let what = match run.why {
                Some(Why::Retry { .. }) => "rejected, comes back by itself",
                Some(Why::Until { .. }) => "asks again until it holds, next",
                Some(Why::Later) => "looks once more, in case an older write was still under way,",
                _ => "waits, goes on by itself",
            };
            format!("{what} at {} UTC", time(due))
        }
        State::Ended(Outcome::Unchanged) => {
            "unchanged: what it uses is what the last good run used, nothing was sent".into()
        }
        State::Ended(Outcome::Superseded) => "superseded by a newer event".into(),
        State::Ended(Outcome::Continued(by)) => format!("continued by run {by}"),
        State::Ended(outcome) => word(outcome).into(),
    }
}

pub(super) fn tint(run: &RunView) -> Tint {
    match run.state {
        State::Ended(Outcome::Ok | Outcome::Unchanged) => Tint::Good,
        State::Ended(Outcome::Ignored | Outcome::Superseded | Outcome::Continued(_)) => Tint::Faint,
        State::Letter => Tint::Bad,
        State::Running | State::Waiting => Tint::Strong,
        State::Parked { .. } | State::Ended(Outcome::Dropped) => Tint::Look,
    }
}

/// The word for a class of failure.
pub(super) fn class(class: Class) -> String {
    format!("{class:?}").to_lowercase()
}

/// What kind of reason a letter has.
pub(super) fn cause(code: Code) -> &'static str {
    match code {
        Code::Rejected => "the platform refused it",
        Code::Spent => "all attempts are burnt",
        Code::Expected => "what the flow expects does not hold",
        Code::Decided => "a decision of the flow rejects it",
        Code::Expression => "an expression cannot be worked out",
        Code::InDoubt => "nobody knows whether the write happened",
        Code::Drift => "what would be sent now is not what was sent before",
        Code::Child => "a run that it waits for is a dead letter",
        Code::PlanGone => "the version of the flow that it is bound to is not here",
        Code::SameKey => "two elements have one key",
        Code::Late => "it is too late for its `at`",
        Code::Internal => "a fault of flowrun itself",
        Code::Unfit => "refused here, not by the platform",
        Code::Unread => "the platform's answer cannot be read",
    }
}
