//! An abstract platform: orders that change, records that are put or created, keys that are remembered, looks that lag. In:
//! requests. Out: answers, and a log of what took effect. It outlives every crash. It must never know the engine.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    event::{Answer, Class, Failure, Instant, Request, Sent},
    value::{Hash, Value},
};

/// How the platform takes one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As it should.
    Well,
    /// Nothing happens, the connection breaks.
    LostBefore,
    /// It takes effect, the answer is lost.
    LostAfter,
    /// The connection breaks; it takes effect later.
    Late,
    /// 429.
    TooMany,
    /// 500, no effect; the connector cannot tell.
    Down,
    /// 500, and it took effect.
    DownAfter,
    /// Refused for good.
    Refused,
}

impl Outcome {
    /// All that are not as they should be and go away by themselves.
    pub const FAULTS: [Self; 6] =
        [Self::LostBefore, Self::LostAfter, Self::Late, Self::TooMany, Self::Down, Self::DownAfter];
}

/// Something that took effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// When.
    pub at: Instant,
    /// By which operation.
    pub operation: Arc<str>,
    /// What it is about, in the caller's words.
    pub mark: String,
    /// What the caller had read.
    pub seen: Option<Value>,
    /// Its number; also the platform's own.
    pub number: u64,
}

/// The numbers of a platform.
#[derive(Clone, Copy, Debug)]
pub struct Physics {
    /// How long an unanswered request may still be worked on.
    pub working: Duration,
    /// How long a created record stays invisible to looks.
    pub lag: Duration,
    /// How long an idempotency key is remembered.
    pub key_for: Duration,
}

impl Default for Physics {
    fn default() -> Self {
        Self {
            working: Duration::from_secs(120),
            lag: Duration::from_secs(60),
            key_for: Duration::from_secs(3600),
        }
    }
}

/// What a scripted operation does.
#[derive(Clone, Debug)]
pub enum Does {
    /// It only answers.
    Gives(Value),
    /// It sets what is so called to what was sent, however often.
    Puts(String, Value),
    /// It makes what is so called: once is right, twice is harm.
    Makes(String, Value),
}

/// A platform that answers as it is told: of a request, one of its inputs and what took effect so far; none: it is answered as any
/// other.
#[derive(Clone)]
pub struct Script(pub Arc<dyn Fn(&Request, &Value, &[Done]) -> Option<Does> + Send + Sync>);

impl fmt::Debug for Script {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Script")
    }
}

/// The platform. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Platform(Arc<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    physics: Physics,
    /// Orders: id, since when, what it says.
    history: Vec<(String, Instant, Value)>,
    puts: BTreeMap<(Arc<str>, String), Value>,
    log: Vec<Done>,
    keys: BTreeMap<Arc<str>, (Instant, Value)>,
    late: Vec<(Instant, Request)>,
    in_flight: Vec<(u64, Request)>,
    count: u64,
    script: Option<Script>,
}

/// The caller's mark of what a request is about.
pub(super) fn mark_of(input: &Value) -> String {
    input.get("mark").and_then(Value::scalar_text).unwrap_or_default()
}

impl Platform {
    /// A platform with a history of orders.
    pub fn new(physics: Physics, history: Vec<(String, Instant, Value)>) -> Self {
        Self(Arc::new(Mutex::new(Held {
            physics,
            history,
            puts: BTreeMap::new(),
            log: Vec::new(),
            keys: BTreeMap::new(),
            late: Vec::new(),
            in_flight: Vec::new(),
            count: 0,
            script: None,
        })))
    }

    /// The same, answering by a script first.
    #[must_use]
    pub fn with_script(self, script: Option<Script>) -> Self {
        self.held().script = script;
        self
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What took effect so far.
    pub fn log(&self) -> Vec<Done> {
        self.held().log.clone()
    }

    /// A hash of what the platform holds in the end: records by mark, with what was seen, not their numbers.
    pub fn state(&self) -> Hash {
        let held = self.held();
        let puts = held.puts.iter().map(|((operation, mark), value)| {
            Value::list([Value::from(Arc::clone(operation)), Value::from(mark.as_str()), value.clone()])
        });
        let mut made: Vec<(Arc<str>, String)> = held
            .log
            .iter()
            .filter(|done| !done.operation.starts_with("put"))
            .map(|done| (Arc::clone(&done.operation), done.mark.clone()))
            .collect();
        made.sort();
        let made = made.into_iter().map(|(operation, mark)| Value::list([operation.into(), mark.into()]));
        Value::list([Value::list(puts), Value::list(made)]).hash()
    }

    /// Orders that changed at or after an instant: id and when.
    pub fn changed(&self, from: Instant, now: Instant) -> Vec<(String, Instant)> {
        let held = self.held();
        let mut changed: Vec<_> = held
            .history
            .iter()
            .filter(|(_, at, _)| *at >= from && *at <= now)
            .map(|(id, at, _)| (id.clone(), *at))
            .collect();
        changed.sort_by_key(|(_, at)| *at);
        changed
    }

    /// What an order said at an instant.
    pub(super) fn order_at(&self, id: &str, at: Instant) -> Option<Value> {
        let held = self.held();
        let said = held.history.iter().filter(|(order, since, _)| order == id && *since <= at);
        said.max_by_key(|(_, since, _)| *since).map(|(_, _, value)| value.clone())
    }

    /// A request arrived; it may still be worked on when nobody waits for it any more.
    pub(super) fn arrive(&self, request: &Request) -> u64 {
        let mut held = self.held();
        held.count += 1;
        let ticket = held.count;
        held.in_flight.push((ticket, request.clone()));
        ticket
    }

    /// The request is no longer worked on.
    pub(super) fn leave(&self, ticket: u64) {
        self.held().in_flight.retain(|(other, _)| *other != ticket);
    }

    /// The caller died: what it had sent takes effect later, or not at all.
    pub(super) fn caller_died(&self, now: Instant, finishes: bool) {
        let mut held = self.held();
        let in_flight = std::mem::take(&mut held.in_flight);
        let at = now + held.physics.working * 3 / 4;
        if finishes {
            held.late.extend(in_flight.into_iter().map(|(_, request)| (at, request)));
        }
    }

    /// Takes effect later.
    pub(super) fn later(&self, now: Instant, request: &Request) {
        let mut held = self.held();
        let at = now + held.physics.working * 3 / 4;
        held.late.push((at, request.clone()));
    }

    /// When the last of what is late takes effect.
    pub(super) fn busy_until(&self) -> Option<Instant> {
        self.held().late.iter().map(|(at, _)| *at).max()
    }

    /// Does what is asked, after everything late that is due. Gives what took effect, too.
    pub(super) fn perform(&self, request: &Request, now: Instant) -> Result<Answer, Failure> {
        let mut held = self.held();
        held.catch_up(now);
        held.perform(request, now)
    }

    /// Lets everything late that is due take effect.
    pub(super) fn catch_up(&self, now: Instant) {
        self.held().catch_up(now);
    }
}

impl Held {
    fn catch_up(&mut self, now: Instant) {
        let (due, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = rest;
        for (at, request) in due {
            // Nobody hears the answer.
            let _ = self.perform(&request, at);
        }
    }

    fn perform(&mut self, request: &Request, now: Instant) -> Result<Answer, Failure> {
        if request.batch {
            let inputs = request.inputs.clone();
            return Ok(Answer::Each(inputs.iter().map(|input| self.one(request, input, now)).collect()));
        }
        let input = request.inputs.first().cloned().unwrap_or_default();
        self.one(request, &input, now).map(Answer::One)
    }

    fn one(&mut self, request: &Request, input: &Value, now: Instant) -> Result<Value, Failure> {
        let script = self.script.clone();
        match script.and_then(|script| (script.0)(request, input, &self.log)) {
            None => {}
            Some(Does::Gives(value)) => return Ok(value),
            Some(Does::Puts(mark, value)) => {
                let operation: Arc<str> = format!("put_{}", request.operation).into();
                self.puts.insert((Arc::clone(&operation), mark.clone()), input.clone());
                let put = Request { operation, ..request.clone() };
                self.done(&put, mark, input, now);
                return Ok(value);
            }
            Some(Does::Makes(mark, value)) => {
                self.done(request, mark, input, now);
                return Ok(value);
            }
        }
        let mark = mark_of(input);
        let kind = request.operation.split('_').next().unwrap_or_default();
        match kind {
            "get" => self.order(input, now),
            "echo" => Ok(input.clone()),
            "find" => Ok(self.find(&request.operation, &mark, now)),
            "put" => {
                self.puts.insert((Arc::clone(&request.operation), mark.clone()), input.clone());
                let number = self.done(request, mark, input, now);
                Ok(Value::object([("number", Value::from(number as i64))]))
            }
            "create" => Ok(self.create(request, mark, input, now)),
            "keyed" => Ok(self.keyed(request, mark, input, now)),
            other => Err(Failure::new(Class::Reject, Sent::No, format!("found no operation `{other}`"))),
        }
    }

    fn order(&self, input: &Value, now: Instant) -> Result<Value, Failure> {
        let id = input.get("id").and_then(Value::scalar_text).unwrap_or_default();
        let found = self
            .history
            .iter()
            .filter(|(order, at, _)| *order == id && *at <= now)
            .max_by_key(|(_, at, _)| *at);
        found
            .map(|(_, _, value)| value.clone())
            .ok_or_else(|| Failure::new(Class::Reject, Sent::No, format!("found no order {id}")))
    }

    fn find(&self, operation: &str, mark: &str, now: Instant) -> Value {
        let of = operation.replacen("find", "create", 1);
        let seen = self.log.iter().filter(|done| *done.operation == *of && done.mark == mark);
        let seen = seen.filter(|done| now >= done.at + self.physics.lag);
        Value::list(seen.map(|done| Value::object([("number", Value::from(done.number as i64))])))
    }

    fn create(&mut self, request: &Request, mark: String, input: &Value, now: Instant) -> Value {
        let number = self.done(request, mark, input, now);
        Value::object([("number", Value::from(number as i64))])
    }

    fn keyed(&mut self, request: &Request, mark: String, input: &Value, now: Instant) -> Value {
        let key = request.key.clone().unwrap_or_default();
        if let Some((since, value)) = self.keys.get(&key)
            && now < *since + self.physics.key_for
        {
            return value.clone();
        }
        let value = self.create(request, mark, input, now);
        self.keys.insert(key, (now, value.clone()));
        value
    }

    fn done(&mut self, request: &Request, mark: String, input: &Value, now: Instant) -> u64 {
        let number = self.log.len() as u64 + 1;
        let seen = input.get("seen").cloned();
        let operation = Arc::clone(&request.operation);
        self.log.push(Done { at: now, operation, mark, seen, number });
        number
    }
}
