//! The transition tables: which change of state is lawful, and which facts it writes. In: a state and an input. Out: the
//! next state and its facts, or [`Illegal`]. They are the law: what is not listed here must not happen.

mod event;
mod lane;
mod run;
mod step;

pub use self::{
    event::{EventInput, EventState},
    lane::{Hold, LaneInput, LaneState},
    run::{RunInput, RunState},
    step::{Repeats, StepInput, StepState},
};

/// Kinds of facts, as the tables name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// `Accepted`.
    Accepted,
    /// `Merged`.
    Merged,
    /// `Froze`.
    Froze,
    /// `Intent`.
    Intent,
    /// `Landed`.
    Landed,
    /// `Absent`.
    Absent,
    /// `Parked`.
    Parked,
    /// `Ended`.
    Ended,
    /// `Reopened`.
    Reopened,
}

/// A change of state that no table lists: a fault of the engine, never of a flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "found `{input}` in state `{state}`, expected one of the listed inputs: this is a fault of the engine"
)]
pub struct Illegal {
    state: String,
    input: String,
}

impl Illegal {
    fn of(state: &impl std::fmt::Debug, input: &impl std::fmt::Debug) -> Self {
        Self { state: format!("{state:?}"), input: format!("{input:?}") }
    }
}

/// The next state and the facts that are written on the way.
pub type Next<S> = Result<(S, &'static [Mark]), Illegal>;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Debug};

    use super::*;

    /// Walks the whole product of states and inputs and returns every lawful row as text.
    fn rows<S: Copy + Debug, I: Copy + Debug>(
        states: &[S],
        inputs: &[I],
        next: fn(S, I) -> Next<S>,
    ) -> BTreeSet<String> {
        let mut rows = BTreeSet::new();
        for state in states {
            for input in inputs {
                if let Ok((then, marks)) = next(*state, *input) {
                    rows.insert(format!("{state:?} + {input:?} -> {then:?} {marks:?}"));
                }
            }
        }
        rows
    }

    fn check(name: &str, found: &BTreeSet<String>, wanted: &str) {
        let wanted: BTreeSet<String> =
            wanted.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let more: Vec<_> = found.difference(&wanted).collect();
        let less: Vec<_> = wanted.difference(found).collect();
        assert!(
            more.is_empty() && less.is_empty(),
            "{name}: allowed but not listed {more:#?}\nlisted but refused {less:#?}"
        );
    }

    #[test]
    fn every_pair_that_is_not_listed_is_illegal() {
        check("event", &rows(EventState::ALL, EventInput::ALL, EventState::next), event::LISTED);
        check("lane", &rows(LaneState::ALL, LaneInput::ALL, LaneState::next), lane::LISTED);
        check("run", &rows(RunState::ALL, RunInput::ALL, RunState::next), run::LISTED);
        check("step", &rows(StepState::ALL, StepInput::ALL, StepState::next), step::LISTED);
    }

    #[test]
    fn what_is_illegal_says_what_was_found() {
        let refused = EventState::Done.next(EventInput::Admit).unwrap_err();
        assert!(refused.to_string().starts_with("found `Admit` in state `Done`"), "{refused}");
    }
}
