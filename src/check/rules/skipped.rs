//! FR402: a node is read that may have been skipped. In: outcomes and reads. Out: a problem at the mention. A mention under
//! `first_of` or `default` says itself what to take instead.

use super::{Mention, Subject, reads};
use crate::{
    check::outcomes::{Doubt, FAILED, Known},
    problem::{Label, Problem, Problems, codes},
};

pub(super) fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (number, node) in subject.nodes.iter().enumerate() {
        let known = subject.outcomes.known(number);
        unprovided(&reads(node)).for_each(|mention| problems_of(subject, mention, &known, problems));
    }
    unprovided(&subject.given())
        .for_each(|mention| problems_of(subject, mention, &Known::default(), problems));
}

/// Mentions that do not say what to take instead, in expressions that do not ask whether the node ran (`is defined`).
fn unprovided(mentions: &[Mention]) -> impl Iterator<Item = &Mention> {
    let asked = |mention: &Mention| {
        let test = |other: &Mention| {
            other.read.optional && other.read.control && other.read.slot == mention.read.slot
        };
        mentions.iter().any(|other| other.scalar == mention.scalar && test(other))
    };
    mentions.iter().filter(move |mention| !mention.read.optional && !asked(mention))
}

fn problems_of(subject: &Subject<'_>, mention: &Mention, known: &Known, problems: &mut Problems) {
    let (Some(other), Some(span)) = (subject.node(mention.read.slot), mention.span) else { return };
    let name = &subject.nodes[other].name;
    if known.failed(other) {
        let message = format!("`{name}` failed if this runs, so it gave nothing");
        problems.add(Problem::error(codes::SKIPPED, span, message));
        return;
    }
    let Err(doubt) = subject.outcomes.surely_ran(other, known) else { return };
    let problem = Problem::error(codes::SKIPPED, span, format!("`{name}` may have been skipped here"));
    let ast = subject.ast(other);
    let (label, help) = match doubt {
        Doubt::When(decision, outcomes) => {
            let decision = &subject.nodes[decision].name;
            let outcomes: Vec<&str> = outcomes.iter().map(AsRef::as_ref).collect();
            let wanted = if let [one] = outcomes.as_slice() {
                (*one).to_owned()
            } else {
                format!("[{}]", outcomes.join(", "))
            };
            let runs = format!("it runs only when `{decision}` is {}", outcomes.join(" or "));
            (
                runs,
                format!(
                    "add `when: {{ {decision}: {wanted} }}` here, or say what to take instead: `first_of({name}, …)`"
                ),
            )
        }
        Doubt::If => {
            let runs = "it runs only if its own `if` holds".to_owned();
            (
                runs,
                format!("give this node the same `if`, or say what to take instead: `first_of({name}, …)`"),
            )
        }
    };
    let place = Label { span: ast.name.span, text: label };
    problems.add(problem.also(place.span, place.text).help(help));
}

impl Known {
    /// Whether an effect surely failed.
    fn failed(&self, node: usize) -> bool {
        self.only(node).is_some_and(|outcome| &**outcome == FAILED)
    }
}
