//! What a case expects, held against what happened. In: an expectation, the stage as it is now. Out: what differs, each at its
//! own place in the test file.

use std::sync::Arc;

use super::play::Stage;
use crate::{
    event::{Code, Outcome},
    flow::MEMORY,
    plan::Work,
    source::Name,
    story::{NodeView, RunView, State},
    syntax::{
        ast::Given,
        case::{Expect, ExpectCalls},
    },
    trial::{
        books,
        case::{Miss, Subject, did_you_mean},
        compare::{Measure, differences},
        given,
        world::Made,
    },
    value::Value,
};

/// One expectation against one stage.
pub(super) struct Judge<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) stage: &'a Stage,
    pub(super) misses: Vec<Miss>,
}

impl Judge<'_> {
    /// Adds everything that is not as expected.
    pub(super) fn judge(&mut self, expect: &Expect) {
        let (subject, stage) = (self.subject, self.stage);
        for (name, calls) in &expect.calls {
            self.calls(name, calls);
        }
        let held = |book: &str, key| stage.entry(book, key);
        self.misses.extend(books::judge(subject.compiled, &expect.memory, &stage.salt(), held));
        let Some(run) = stage.last(&subject.plan.flow) else {
            self.misses.push(Miss::fault(expect.span, "no run has begun"));
            return;
        };
        self.ending(expect, run);
        for (name, wanted) in &expect.nodes {
            self.node(name, wanted, run);
        }
        for name in &expect.skipped {
            match self.found(name, run) {
                Some(node) if &*node.outcome != "skipped" => {
                    let told = format!("wanted skipped, found {}", node.outcome);
                    self.misses.push(Miss::new(name.span, format!("skipped {}", name.value), told));
                }
                _ => {}
            }
        }
        for part in &expect.warns {
            if !run.warnings.iter().any(|told| told.contains(&*part.value)) {
                let found =
                    if run.warnings.is_empty() { "no warning".to_owned() } else { run.warnings.join("; ") };
                let told = format!("wanted a warning that says `{}`, found {found}", part.value);
                self.misses.push(Miss::new(part.span, "warns", told));
            }
        }
        if let Some(wanted) = &expect.give {
            let nothing = Value::Null;
            self.value(wanted, run.give.as_ref().unwrap_or(&nothing), "give");
        }
    }

    fn ending(&mut self, expect: &Expect, run: &RunView) {
        let (outcome, reason) = (outcome(run), reason(run));
        let wrong = expect.outcome.as_ref().filter(|wanted| *wanted.value != *outcome);
        if let Some(wanted) = wrong {
            let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            let told = format!("wanted {}, found {outcome}{why}", wanted.value);
            self.misses.push(Miss::new(wanted.span, "outcome", told));
        }
        if let Some(part) = expect.reason.as_ref().filter(|part| !reason.contains(&*part.value))
            && (wrong.is_none() || !reason.is_empty())
        {
            let found = if reason.is_empty() { "none".to_owned() } else { format!("`{reason}`") };
            let told = format!("wanted a reason that says `{}`, found {found}", part.value);
            self.misses.push(Miss::new(part.span, "reason", told));
        }
    }

    /// A node of the run, or a miss.
    fn found<'r>(&mut self, name: &Name, run: &'r RunView) -> Option<&'r NodeView> {
        let found = run.nodes.iter().find(|node| node.name == name.value);
        if found.is_none() {
            let names = self.subject.plan.nodes.iter().map(|node| &*node.name);
            let known = names.clone().any(|known| known == &*name.value);
            let told = if known {
                "wanted a run that has begun, found one that waits".to_owned()
            } else {
                format!("the flow has no such node{}", did_you_mean(&name.value, names))
            };
            self.misses.push(Miss::new(name.span, name.value.to_string(), told));
        }
        found
    }

    fn node(&mut self, name: &Name, wanted: &Given, run: &RunView) {
        let Some(view) = self.found(name, run) else { return };
        let decides = self
            .subject
            .plan
            .nodes
            .iter()
            .any(|node| node.name == name.value && matches!(node.work, Work::Decide(_)));
        match &view.value {
            _ if decides => self.value(wanted, &Value::from(Arc::clone(&view.outcome)), &name.value),
            Some(found) => self.value(wanted, found, &name.value),
            None => {
                let told = format!("wanted a value, found {}", view.outcome);
                self.misses.push(Miss::new(name.span, name.value.to_string(), told));
            }
        }
    }

    fn value(&mut self, wanted: &Given, found: &Value, of: &str) {
        let value = match given::value(wanted, &self.subject.compiled.tables) {
            Ok(value) => value,
            Err(unread) => return self.misses.push(unread.into()),
        };
        for found in differences(&value, found, Measure::Contains) {
            self.misses.push(Miss::new(given::span_at(wanted, &found.path), found.place(of), found.told()));
        }
    }

    fn calls(&mut self, name: &Name, wanted: &ExpectCalls) {
        let (connection, operation) = match self.subject.target(name) {
            Ok(target) => target,
            Err(miss) => return self.misses.push(miss),
        };
        let made: Vec<Made> = if &*connection == "flows" {
            self.stage.children(&operation)
        } else if &*connection == MEMORY {
            self.stage.noted(&operation)
        } else {
            let all = self.stage.world.made().into_iter();
            all.filter(|made| (&made.target.0, &made.target.1) == (&connection, &operation)).collect()
        };
        match wanted {
            ExpectCalls::All { times, with } => {
                let wrong = match times {
                    Some(times) => made.len() != times.value as usize,
                    None => made.is_empty(),
                };
                if wrong {
                    let span = times.as_ref().map_or(name.span, |times| times.span);
                    let wanted = times
                        .as_ref()
                        .map_or("at least 1 call".to_owned(), |times| counted(times.value as usize));
                    self.counted_wrong(name, span, &wanted, made.len());
                }
                for (index, made) in made.iter().enumerate() {
                    if let Some(with) = with {
                        self.call(name, with, made, index);
                    }
                }
            }
            ExpectCalls::Each(each) => {
                if each.len() != made.len() {
                    self.counted_wrong(name, name.span, &counted(each.len()), made.len());
                }
                for (index, (with, made)) in each.iter().zip(&made).enumerate() {
                    if let Some(with) = with {
                        self.call(name, with, made, index);
                    }
                }
            }
        }
    }

    fn counted_wrong(&mut self, name: &Name, span: crate::source::Span, wanted: &str, found: usize) {
        let told = format!("wanted {wanted}, found {}", counted(found));
        self.misses.push(Miss::new(span, name.value.to_string(), told));
    }

    /// One call against its parameters; each element of a batch, unless a list is wanted.
    fn call(&mut self, name: &Name, with: &Given, made: &Made, index: usize) {
        let of = format!("{} call {}", name.value, index + 1);
        match &made.input {
            Value::List(inputs) if made.batch && !matches!(with, Given::List(..)) => {
                for (element, input) in inputs.iter().enumerate() {
                    self.value(with, input, &format!("{of} element {}", element + 1));
                }
            }
            input => self.value(with, input, &of),
        }
    }
}

fn counted(count: usize) -> String {
    match count {
        0 => "no call".to_owned(),
        1 => "1 call".to_owned(),
        more => format!("{more} calls"),
    }
}

/// How a run stands, in the words of a case.
fn outcome(run: &RunView) -> &'static str {
    match &run.state {
        State::Waiting | State::Running => "running",
        State::Parked { .. } => "parked",
        State::Letter if run.letters.iter().any(|letter| letter.code == Code::InDoubt) => "in_doubt",
        State::Letter => "letter",
        State::Ended(Outcome::Ok) => "ok",
        State::Ended(Outcome::Unchanged) => "unchanged",
        State::Ended(Outcome::Ignored) => "ignored",
        State::Ended(Outcome::Superseded) => "superseded",
        State::Ended(Outcome::Continued(_)) => "continued",
        State::Ended(Outcome::Dropped) => "dropped",
    }
}

/// What is told of how it stands.
fn reason(run: &RunView) -> String {
    let letters = run.letters.iter().map(|letter| &letter.message);
    let told = if matches!(run.state, State::Ended(_)) { None } else { Some(letters) };
    let all: Vec<&str> = run.reason.iter().chain(told.into_iter().flatten()).map(|text| &**text).collect();
    all.join("; ")
}
