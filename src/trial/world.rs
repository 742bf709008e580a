//! The world of a case. In: requests. Out: the answers that the case gives, a record of what was asked, and what the case has
//! no answer for. Nothing limits it, nothing takes time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::sim::Scheduler;
use crate::{
    engine::{Permit, Waiting, World},
    event::{Answer, Class, Failure, Instant, Request, Sent},
    value::Value,
};

/// A connection of the estate, and an operation of it.
pub(super) type Target = (Arc<str>, Arc<str>);

/// What one call gets.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// This value, for every element.
    Give(Value),
    /// This failure.
    Fail(Failure),
    /// By the key of an element.
    By(Vec<(Arc<str>, Reply)>),
}

/// What an operation answers.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// The same to every call.
    Always(Reply),
    /// One a call, in order.
    Each(Vec<Reply>),
}

/// A request that was sent.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) target: Target,
    /// One object of parameters; for a batch the list of them.
    pub(super) input: Value,
    pub(super) batch: bool,
}

/// The world of a case.
pub(super) struct Scripted {
    clock: Scheduler,
    script: BTreeMap<Target, Line>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    made: Vec<Made>,
    /// Calls without an answer, and why.
    unscripted: Vec<(Target, String)>,
}

impl Scripted {
    pub(super) fn new(clock: Scheduler, script: BTreeMap<Target, Line>) -> Self {
        Self { clock, script, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All requests so far, in order.
    pub(super) fn made(&self) -> Vec<Made> {
        self.held().made.clone()
    }

    /// Calls that the case has no answer for.
    pub(super) fn unscripted(&self) -> Vec<(Target, String)> {
        self.held().unscripted.clone()
    }

    fn answer(&self, request: &Request) -> Result<Answer, Failure> {
        let target = (Arc::clone(&request.connection), Arc::clone(&request.operation));
        let mut held = self.held();
        let before = held.made.iter().filter(|made| made.target == target).count();
        let input = match (request.batch, request.inputs.first()) {
            (false, Some(input)) => input.clone(),
            _ => Value::list(request.inputs.iter().cloned()),
        };
        held.made.push(Made { target: target.clone(), input: input.clone(), batch: request.batch });
        let answer = match self.script.get(&target) {
            None => Err("the case has no answer for it".to_owned()),
            Some(Line::Always(reply)) => answer(reply, request),
            Some(Line::Each(replies)) => match replies.get(before) {
                Some(reply) => answer(reply, request),
                None => Err(format!("it is call {}, the case has {}", before + 1, answers(replies.len()))),
            },
        };
        answer.unwrap_or_else(|why| {
            held.unscripted.push((target, format!("was called with {}: {why}", shown(&input))));
            Err(Failure::new(Class::Reject, Sent::No, "the case has no answer"))
        })
    }
}

/// What was asked, as far as it fits a message.
fn shown(input: &Value) -> String {
    let text = input.to_json();
    if text.chars().count() > 300 { text.chars().take(297).chain("...".chars()).collect() } else { text }
}

fn answers(count: usize) -> String {
    if count == 1 { "1 answer".to_owned() } else { format!("{count} answers") }
}

/// The answer to a request; or why there is none.
fn answer(reply: &Reply, request: &Request) -> Result<Result<Answer, Failure>, String> {
    if !request.batch {
        return match single(reply, request.inputs.first().unwrap_or(&Value::Null))? {
            Ok(value) => Ok(Ok(Answer::One(value))),
            Err(failure) => Ok(Err(failure)),
        };
    }
    if let Reply::Fail(failure) = reply {
        return Ok(Err(failure.clone()));
    }
    let each = request.inputs.iter().map(|input| single(reply, input));
    Ok(Ok(Answer::Each(each.collect::<Result<_, _>>()?)))
}

fn single(reply: &Reply, input: &Value) -> Result<Result<Value, Failure>, String> {
    match reply {
        Reply::Give(value) => Ok(Ok(value.clone())),
        Reply::Fail(failure) => Ok(Err(failure.clone())),
        Reply::By(keys) => {
            let mut fitting = keys.iter().filter(|(key, _)| has(input, key));
            let known = || keys.iter().map(|(key, _)| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            match (fitting.next(), fitting.next()) {
                (Some((_, reply)), None) => single(reply, input),
                (None, _) => {
                    Err(format!("`by` has an answer for {} only, none is in {}", known(), shown(input)))
                }
                (Some((one, _)), Some((two, _))) => {
                    Err(format!("`by` has two answers for {}: `{one}` and `{two}`", input.to_json()))
                }
            }
        }
    }
}

/// Whether an element has this key: it is one of its parameters.
fn has(input: &Value, key: &str) -> bool {
    let is = |value: &Value| value.scalar_text().is_some_and(|text| text == key);
    match input {
        Value::Map(members) => members.values().any(is),
        other => is(other),
    }
}

impl World for Scripted {
    fn permit<'a>(&'a self, _: &'a Request) -> Waiting<'a, Permit> {
        Box::pin(std::future::ready(Permit::default()))
    }

    fn send<'a>(&'a self, request: &'a Request, _: Permit) -> Waiting<'a, Result<Answer, Failure>> {
        Box::pin(std::future::ready(self.answer(request)))
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep_until(&self, at: Instant) -> Waiting<'_, ()> {
        Box::pin(self.clock.sleep_until(at))
    }

    fn random(&self) -> u64 {
        self.clock.random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventId, Priority};

    fn request(batch: bool, inputs: &[&str]) -> Request {
        Request {
            run: EventId(1),
            flow: "f".into(),
            connection: "erp".into(),
            operation: "get".into(),
            inputs: inputs.iter().map(|text| Value::parse(text.as_bytes()).unwrap()).collect(),
            batch,
            write: false,
            key: None,
            priority: Priority::Normal,
        }
    }

    fn world(line: Line) -> Scripted {
        Scripted::new(Scheduler::default(), [(("erp".into(), "get".into()), line)].into())
    }

    #[test]
    fn elements_are_answered_by_their_key() {
        let by = Reply::By(vec![
            ("A".into(), Reply::Give(1.into())),
            ("B".into(), Reply::Fail(Failure::new(Class::Reject, Sent::No, "no"))),
        ]);
        let world = world(Line::Always(by));
        let Ok(Answer::Each(each)) = world.answer(&request(true, &[r#"{"sku":"A"}"#, r#"{"sku":"B"}"#]))
        else {
            panic!("a batch is answered element by element")
        };
        assert!(each[0] == Ok(1.into()) && each[1].is_err() && world.unscripted().is_empty());
        assert!(world.answer(&request(false, &[r#"{"sku":"C"}"#])).is_err());
        assert_eq!(
            world.unscripted()[0].1,
            r#"was called with {"sku":"C"}: `by` has an answer for `A`, `B` only, none is in {"sku":"C"}"#
        );
    }

    #[test]
    fn a_call_too_many_is_told() {
        let world = world(Line::Each(vec![Reply::Give(Value::Null)]));
        assert!(world.answer(&request(false, &["{}"])).is_ok());
        assert!(world.answer(&request(false, &["{}"])).is_err());
        assert_eq!(world.unscripted()[0].1, "was called with {}: it is call 2, the case has 1 answer");
        assert_eq!(world.made().len(), 2);
    }
}
