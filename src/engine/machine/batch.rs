//! One request for many elements: results go to their elements, parts go again. In: answers. Out: results, new steps. It must
//! never know whether an effect is in doubt.

use std::sync::Arc;

use super::{
    Machine, Turn,
    doubt::{burns, may_go_again},
    state::{Step, StepId},
};
use crate::{
    event::{Answer, Class, Code, Failure, Sent, table::StepInput},
    plan::{Repeat, Work},
    value::Value,
};

impl Machine {
    /// Results of a request go to their elements; those of a batch that may go again are asked again.
    pub(super) fn spread(&mut self, id: StepId, results: Vec<Result<Value, Failure>>, turn: &mut Turn) {
        let (node, groups) = (self.steps[id as usize].node, self.steps[id as usize].groups.clone());
        let freely = self.repeat(id) == Repeat::Safe;
        let mut again = Vec::new();
        for (place, (group, result)) in groups.iter().zip(results).enumerate() {
            match result {
                Ok(value) => {
                    for at in group {
                        self.give(node, *at, Some(value.clone()), turn);
                    }
                }
                Err(failure) if may_go_again(&failure, freely) && self.tries_left(id) => {
                    again.push((place, failure));
                }
                Err(failure) => {
                    let code =
                        if failure.sent == Sent::Maybe && !freely { Code::InDoubt } else { failure.code() };
                    for at in group {
                        self.letter(
                            node,
                            Some(*at),
                            code,
                            Arc::clone(&failure.message),
                            failure.answer.clone(),
                        );
                        self.set_result(node, *at, Err(()), turn);
                    }
                }
            }
        }
        if let Some((_, failure)) = again.first().cloned() {
            let places: Vec<usize> = again.into_iter().map(|(place, _)| place).collect();
            self.again(id, &places, &failure, turn);
        }
    }

    pub(super) fn tries_left(&self, id: StepId) -> bool {
        self.steps[id as usize].tries + 1 < self.birth.policy.attempts
    }

    /// A part of a batch goes again as a batch of its own, after a wait.
    pub(super) fn again(&mut self, id: StepId, places: &[usize], failure: &Failure, turn: &mut Turn) {
        if let Some(part) = self.part(id, places) {
            let tries = self.steps[id as usize].tries + u16::from(burns(failure.class));
            let step = &mut self.steps[part as usize];
            (step.tries, step.failures) = (tries, tries.max(1));
            if self.shift(part, StepInput::Settled).is_ok() {
                self.retry(part, failure, turn);
            }
        }
    }

    /// A new step for some of a step's inputs.
    pub(super) fn part(&mut self, id: StepId, places: &[usize]) -> Option<StepId> {
        let prepared = Arc::clone(&self.birth.prepared);
        let step = &self.steps[id as usize];
        let (node, groups, request) = (step.node, step.groups.clone(), Arc::clone(&step.request));
        let Work::Call(call) = &prepared.plan.nodes[usize::from(node)].work else { return None };
        let groups = places.iter().map(|place| groups[*place].clone()).collect();
        let inputs = places.iter().map(|place| request.inputs[*place].clone()).collect();
        Some(self.push_step(node, call, groups, inputs))
    }

    pub(super) fn spread_carried(&mut self, id: StepId, value: Value, turn: &mut Turn) {
        let results = decode(&self.steps[id as usize], value);
        self.spread(id, results, turn);
    }
}

/// What a look shows.
pub(super) enum Seen {
    All(Vec<Result<Value, Failure>>),
    None,
    Unclear,
}

pub(super) fn seen(step: &Step, answer: Answer) -> Seen {
    let found: Vec<Option<Value>> = match answer {
        Answer::Each(results) => {
            if results.iter().any(Result::is_err) || results.len() != step.groups.len() {
                return Seen::Unclear;
            }
            results
                .into_iter()
                .filter_map(Result::ok)
                .map(|value| Some(value).filter(|v| !v.is_null()))
                .collect()
        }
        Answer::One(Value::List(many)) if many.len() > 1 => return Seen::Unclear,
        Answer::One(Value::List(many)) => vec![many.first().cloned()],
        Answer::One(value) => vec![Some(value).filter(|value| !value.is_null())],
    };
    if found.iter().all(Option::is_none) {
        return Seen::None;
    }
    match found.into_iter().collect::<Option<Vec<_>>>() {
        Some(all) => Seen::All(all.into_iter().map(Ok).collect()),
        None => Seen::Unclear,
    }
}

/// The results of a request, one an input.
pub(super) fn aligned(step: &Step, answer: Answer) -> Vec<Result<Value, Failure>> {
    let wanted = step.groups.len();
    let results: Vec<Result<Value, Failure>> = match answer {
        Answer::Each(results) => results,
        Answer::One(Value::List(many)) if step.request.batch && many.len() == wanted => {
            many.iter().cloned().map(Ok).collect()
        }
        Answer::One(value) => vec![Ok(value)],
    };
    if results.len() == wanted {
        return results;
    }
    let message = format!("found {} results in the answer to a batch, expected {wanted}", results.len());
    vec![Err(Failure::new(Class::Reject, Sent::Maybe, message)); wanted]
}

/// What a landed effect gave, as it is written: a batch says of each element what it gave or why not.
pub(in crate::engine) fn encode(batch: bool, results: &[Result<Value, Failure>]) -> Value {
    match results {
        [Ok(one)] if !batch => one.clone(),
        many => Value::list(many.iter().map(|result| match result {
            Ok(value) => Value::object([("value", value.clone())]),
            Err(failure) => Value::object([("failed", Value::Text(Arc::clone(&failure.message)))]),
        })),
    }
}

fn decode(step: &Step, value: Value) -> Vec<Result<Value, Failure>> {
    let read = |part: &Value| match (part.get("value"), part.get("failed").and_then(Value::as_str)) {
        (Some(value), _) => Ok(value.clone()),
        (None, message) => {
            Err(Failure::new(Class::Retry, Sent::No, message.unwrap_or("failed in an earlier attempt")))
        }
    };
    match &value {
        Value::List(parts) if step.request.batch => parts.iter().map(read).collect(),
        _ => vec![Ok(value)],
    }
}
