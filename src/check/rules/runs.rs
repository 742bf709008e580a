//! FR403: a node that can never run. In: outcomes. Out: a problem at its `when`.

use super::Subject;
use crate::problem::{Problem, Problems, codes};

pub(super) fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for number in 0..subject.nodes.len() {
        let Some(decision) = subject.outcomes.never(number) else { continue };
        let ast = subject.ast(number);
        let decided = &subject.nodes[decision].name;
        let asked = ast.when.iter().find(|(name, _)| name.value == *decided);
        let span =
            asked.and_then(|(_, outcomes)| outcomes.first()).map_or(ast.name.span, |outcome| outcome.span);
        let message = format!("`{}` can never run: no outcome of `{decided}` leads to it", ast.name.value);
        let problem = Problem::error(codes::NEVER_RUNS, span, message);
        let stops = subject.outcomes.stops(decision);
        problems.add(if stops.is_empty() || asked.is_none() {
            problem
        } else {
            let stops: Vec<String> = stops.iter().map(|outcome| format!("`{outcome}`")).collect();
            problem.help(format!(
                "{} ends the run: a node listed before the decision is not stopped by it",
                stops.join(" or ")
            ))
        });
    }
}
