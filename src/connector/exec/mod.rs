//! Carrying out an operation. In: a connection, an operation, inputs, then answers in any order. Out: the calls to send next,
//! and in the end an answer or a failure. It must never know sockets: whoever holds it sends.

mod finish;
mod lines;
mod paging;
mod rehearse;

use std::sync::Arc;

use self::paging::Pages;
pub use self::rehearse::{HIDDEN, Would};
use super::{
    Connection,
    classes::{self, Verdict},
    model::{Asked, Method, Operation, Step, slot},
    scope::Roots,
    suiteql,
};
use crate::{
    event::{Answer, Class, Failure, Says, Sent},
    shape, sign,
    value::Value,
};

/// One HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which step: goes back with the answer.
    pub step: usize,
    /// The method.
    pub method: Method,
    /// Path and query, percent-encoded, to be put behind the connection's base; or a whole address that an answer linked to,
    /// already checked to lie on the connection's origin.
    pub target: Target,
    /// Headers, auth left out.
    pub headers: Vec<(Arc<str>, String)>,
    /// JSON body.
    pub body: Option<Value>,
    /// Whether it can change something.
    pub effect: bool,
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Behind the base.
    Path(String),
    /// A whole address.
    Whole(String),
}

/// What came back for a call.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The JSON body; null if there is none.
    pub body: Value,
}

/// What to do now.
#[derive(Debug)]
pub enum Turn {
    /// Send these (in any order, also at one time), and hand their answers to [`Exec::answered`]; empty: wait for those that are
    /// under way.
    Send(Vec<Call>),
    /// It is over.
    Done(Answer),
}

/// What is asked of an operation.
#[derive(Clone, Debug, Default)]
pub struct Asking<'a> {
    /// One object of parameters, or one an element.
    pub inputs: &'a [Value],
    /// Whether the inputs are a batch.
    pub batch: bool,
    /// Where a poll stands: `since`, `after`, `page`.
    pub cursor: Option<Value>,
    /// The idempotency key.
    pub key: Option<Arc<str>>,
}

enum Progress {
    Waiting,
    Ready(Call),
    Flying,
    Done,
}

/// An operation under way.
pub struct Exec<'a> {
    connection: &'a Connection,
    operation: &'a Operation,
    batch: bool,
    inputs: Vec<Value>,
    key: Option<Arc<str>>,
    roots: Roots,
    progress: Vec<Progress>,
    pages: Vec<Pages>,
    /// Whether a call that can change something was answered well.
    wrote: bool,
    /// Elements that failed by themselves: index and words.
    failed: Vec<(usize, String)>,
    /// Rows of a poll that are not what the record says, and why; the others are given.
    unread: Vec<(Value, String)>,
}

impl<'a> Exec<'a> {
    /// Begins an operation. An error means that nothing was sent.
    pub fn begin(
        connection: &'a Connection,
        operation: &'a Operation,
        asking: Asking<'_>,
    ) -> Result<Self, Failure> {
        let mut inputs = Vec::new();
        for input in asking.inputs {
            inputs.push(outward(operation, input).map_err(refused)?);
        }
        let mut roots = Roots::new(usize::from(slot::STEPS) + operation.steps.len());
        roots.set(slot::SETTINGS, connection.settings.clone());
        roots.set(slot::WITH, inputs.first().cloned().unwrap_or_else(|| Value::object::<Arc<str>>([])));
        roots.set(slot::BATCH, Value::list(inputs.iter().cloned()));
        let polled = asking.cursor.is_some();
        if let Some(cursor) = asking.cursor {
            roots.set(slot::CURSOR, cursor);
        }
        let pages =
            operation.steps.iter().map(|step| Pages::new(step, polled, &roots)).collect::<Result<_, _>>();
        let pages = pages.map_err(refused)?;
        let progress = operation.steps.iter().map(|_| Progress::Waiting).collect();
        let (batch, key) = (asking.batch, asking.key);
        Ok(Self {
            connection,
            operation,
            batch,
            inputs,
            key,
            roots,
            progress,
            pages,
            wrote: false,
            failed: Vec::new(),
            unread: Vec::new(),
        })
    }

    /// Which elements of a batch may share requests, by index; one group if the connector does not part them.
    pub fn groups(
        connection: &Connection,
        operation: &Operation,
        inputs: &[Value],
    ) -> Result<Vec<Vec<usize>>, Failure> {
        let Some(same) = operation.batch.as_ref().and_then(|batch| batch.same.as_ref()) else {
            return Ok(vec![(0..inputs.len()).collect()]);
        };
        let mut roots = Roots::new(usize::from(slot::STEPS));
        roots.set(slot::SETTINGS, connection.settings.clone());
        let mut groups: Vec<(Value, Vec<usize>)> = Vec::new();
        for (index, input) in inputs.iter().enumerate() {
            roots.set(slot::WITH, input.clone());
            let value = roots.template(same).map_err(refused)?;
            match groups.iter_mut().find(|(known, _)| known.hash() == value.hash()) {
                Some((_, members)) => members.push(index),
                None => groups.push((value, vec![index])),
            }
        }
        Ok(groups.into_iter().map(|(_, members)| members).collect())
    }

    /// What to do now.
    pub fn turn(&mut self) -> Result<Turn, Failure> {
        self.start()?;
        if self.progress.iter().all(|progress| matches!(progress, Progress::Done)) {
            return self.finish().map(Turn::Done).map_err(|told| self.unreadable(&told));
        }
        let mut calls = Vec::new();
        for progress in &mut self.progress {
            if matches!(progress, Progress::Ready(_))
                && let Progress::Ready(call) = std::mem::replace(progress, Progress::Flying)
            {
                calls.push(call);
            }
        }
        Ok(Turn::Send(calls))
    }

    /// Makes ready what may go: all before it is done, or goes at the same time.
    fn start(&mut self) -> Result<(), Failure> {
        for index in 0..self.operation.steps.len() {
            let step = &self.operation.steps[index];
            if !matches!(self.progress[index], Progress::Waiting) {
                continue;
            }
            if !step.after.iter().all(|before| matches!(self.progress[*before], Progress::Done)) {
                continue;
            }
            let wanted = step.condition.as_ref().map_or(Ok(true), |condition| self.roots.holds(condition));
            if wanted.map_err(|told| self.broken(&told))? {
                self.prepare(index)?;
            } else {
                self.close(index, Value::Null);
            }
        }
        Ok(())
    }

    fn prepare(&mut self, index: usize) -> Result<(), Failure> {
        let call = self.call(index).map_err(|told| self.broken(&told))?;
        match call {
            Some(call) => self.progress[index] = Progress::Ready(call),
            None => self.close(index, Value::list([])),
        }
        Ok(())
    }

    fn close(&mut self, index: usize, value: Value) {
        self.roots.set(slot::STEPS + index as u16, value);
        self.progress[index] = Progress::Done;
    }

    /// The next request of a step; none: there is nothing to ask.
    fn call(&self, index: usize) -> Result<Option<Call>, String> {
        let step = &self.operation.steps[index];
        let mut headers = self.headers(step)?;
        let (method, path, body) = match &step.ask {
            Asked::Http { method, path, body } => {
                let path = path.fill(|place| self.place(place)).map_err(|error| error.to_string())?;
                let body = body.as_ref().map_or(Ok(None), |body| self.roots.mapping(body))?;
                (*method, path, self.lines(step, body)?)
            }
            Asked::SuiteQl { statement, params } => {
                headers.push(("Prefer".into(), "transient".to_owned()));
                let Some(body) = self.query(index, statement, params)? else { return Ok(None) };
                (Method::Post, suiteql::PATH.to_owned(), Some(body))
            }
        };
        let target = match self.pages[index].whole() {
            Some(link) => Target::Whole(link.to_owned()),
            None => Target::Path(self.with_query(step, index, path)?),
        };
        Ok(Some(Call { step: index, method, target, headers, body, effect: step.has_effect() }))
    }

    fn headers(&self, step: &Step) -> Result<Vec<(Arc<str>, String)>, String> {
        let mut headers = Vec::new();
        for (name, mapping) in self.connection.connector.headers.iter().chain(&step.headers) {
            if let Some(value) = self.roots.maybe(mapping)? {
                let text = value.scalar_text().ok_or_else(|| format!("the header `{name}` is no text"))?;
                headers.push((Arc::clone(name), text));
            }
        }
        if let (Some(super::model::Repeat::Key { header, .. }), Some(key), true) =
            (&self.operation.repeat, &self.key, step.has_effect())
        {
            headers.push((Arc::clone(header), key.to_string()));
        }
        Ok(headers)
    }

    /// The value of a place in a path: a parameter, or a part of an earlier answer.
    fn place(&self, place: &str) -> Option<Value> {
        let (name, rest) = place.split_once('.').unwrap_or((place, ""));
        let step = self.operation.steps.iter().position(|step| &*step.name == name);
        let value = match step {
            Some(step) if !rest.is_empty() => self.roots.get(slot::STEPS + step as u16)?,
            _ => return self.roots.get(slot::WITH)?.get(name).cloned(),
        };
        rest.split('.').try_fold(value, |value, part| value.get(part)).cloned()
    }

    fn query(
        &self,
        index: usize,
        statement: &suiteql::Statement,
        params: &[(Arc<str>, crate::expr::Mapping)],
    ) -> Result<Option<Value>, String> {
        let mut values = Vec::new();
        for (name, mapping) in params {
            values.push((name, self.roots.mapping(mapping)?.unwrap_or_default()));
        }
        let value_of = |place: &str| {
            let given = values.iter().find(|(name, _)| &***name == place).map(|(_, value)| value.clone());
            given
                .or_else(|| (place == "after").then(|| self.pages[index].after().cloned()).flatten())
                .unwrap_or_default()
        };
        Ok(statement.body(value_of))
    }

    fn with_query(&self, step: &Step, index: usize, path: String) -> Result<String, String> {
        let mut pairs = Vec::new();
        for (name, mapping) in &step.query {
            if let Some(value) = self.roots.maybe(mapping)? {
                pairs.push((
                    Arc::clone(name),
                    query_text(&value).ok_or_else(|| format!("the query `{name}` is no text"))?,
                ));
            }
        }
        pairs.extend(self.pages[index].query());
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", sign::percent(name), sign::percent(value)))
            .collect();
        Ok(if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) })
    }

    /// Rows of a poll that could not be read, each with why: whoever polls must not lose them.
    pub fn unread(self) -> Vec<(Value, String)> {
        self.unread
    }

    /// Takes an answer.
    pub fn answered(&mut self, index: usize, asked: &str, reply: Reply) -> Result<(), Failure> {
        let operation = self.operation;
        let step = &operation.steps[index];
        let absent = reply.status == 404 && step.absent;
        if !(200..300).contains(&reply.status) && !absent {
            return self.refused_by_platform(step, &reply);
        }
        if !step.has_effect() && reply.body.is_null() && !absent && reply.status != 204 {
            // Nothing is known: an answer without content is no word that there is nothing (that is 404 or 204).
            return Err(self.unreadable(&format!("HTTP {} without content", reply.status)));
        }
        self.wrote |= step.has_effect();
        let body = if absent || reply.status == 204 { Value::Null } else { reply.body };
        let value = if absent { Ok(Some(Value::Null)) } else { self.page(index, asked, body) };
        match value.map_err(|told| self.unreadable(&told))? {
            Some(value) => self.close(index, value),
            None => self.prepare(index)?,
        }
        Ok(())
    }

    /// One answer of a step: its value if the step is done, none if another page is wanted.
    fn page(&mut self, index: usize, asked: &str, body: Value) -> Result<Option<Value>, String> {
        let operation = self.operation;
        let step = &operation.steps[index];
        self.roots.set(slot::ANSWER, body.clone());
        let base = &self.connection.base;
        if matches!(step.ask, Asked::SuiteQl { .. }) {
            let rows = paging::suiteql_rows(&body)?;
            let done = self.pages[index].more(step, rows, &self.roots, |link| base.follow(link, asked))?;
            let Some(rows) = done else { return Ok(None) };
            return self.taken(step, rows).map(Some);
        }
        if step.paging.is_none() {
            return self.taken(step, body).map(Some);
        }
        let rows = if body.is_null() { Value::list([]) } else { self.taken(step, body)? };
        self.pages[index].more(step, rows, &self.roots, |link| base.follow(link, asked))
    }

    fn taken(&mut self, step: &Step, answer: Value) -> Result<Value, String> {
        let Some(take) = &step.take else { return Ok(answer) };
        self.roots.set(slot::ANSWER, answer);
        Ok(self.roots.mapping(take)?.unwrap_or_default())
    }

    fn refused_by_platform(&mut self, step: &Step, reply: &Reply) -> Result<(), Failure> {
        if self.elements_failed(reply) {
            let index =
                self.operation.steps.iter().position(|other| std::ptr::eq(other, step)).unwrap_or_default();
            self.close(index, Value::Null);
            return Ok(());
        }
        let connector = &self.connection.connector;
        let rules = self.operation.classes.iter().chain(&connector.classes);
        let Verdict { class, sent, told } =
            classes::judge(reply.status, &reply.body, &connector.errors, rules);
        let mut failure = Failure::new(class, self.sent(step, sent), format!("{}: {told}", self.name()));
        failure.answer = Some(reply.body.clone()).filter(|body| !body.is_null());
        Err(failure)
    }

    /// What it means that no answer came to a call.
    pub fn lost(&self, index: usize, class: Class, sent: Sent, told: &str) -> Failure {
        // Whatever becomes of a call that left, nobody rejected it: that is said before.
        let says = if (class, sent) == (Class::Reject, Sent::No) { Says::Unfit } else { Says::Platform };
        let sent = self.sent(&self.operation.steps[index], sent);
        Failure { says, ..Failure::new(class, sent, format!("{}: {told}", self.name())) }
    }

    /// Whether the operation as a whole can have had an effect, if this call failed.
    fn sent(&self, step: &Step, sent: Sent) -> Sent {
        match (self.wrote, step.has_effect() && self.operation.writes.is_some()) {
            (true, _) if self.operation.writes.is_some() => Sent::Maybe,
            (_, true) => sent,
            _ => Sent::No,
        }
    }

    /// An expression of the connector failed, or a parameter does not fit: nothing more is sent.
    fn broken(&self, told: &str) -> Failure {
        let sent = if self.wrote && self.operation.writes.is_some() { Sent::Maybe } else { Sent::No };
        let told = format!("{}: {told}", self.name());
        Failure { says: Says::Unfit, ..Failure::new(Class::Reject, sent, told) }
    }

    /// An answer is not what the connector says.
    fn unreadable(&self, told: &str) -> Failure {
        Failure { says: Says::Unread, ..self.broken(&format!("the answer cannot be read: {told}")) }
    }

    fn name(&self) -> String {
        format!("{}.{}", self.connection.name, self.operation.name)
    }
}

fn refused(told: String) -> Failure {
    Failure::unfit(told)
}

/// Parameters in the platform's form, each as its type says.
fn outward(operation: &Operation, input: &Value) -> Result<Value, String> {
    let mut map = input.as_map().cloned().unwrap_or_default();
    for (name, param) in &operation.with {
        let Some(value) = map.get(name).filter(|value| !value.is_null()) else {
            if param.shape.may_miss() {
                map.entry(Arc::clone(name)).or_default();
                continue;
            }
            return Err(format!("`{}` needs the parameter `{name}`", operation.name));
        };
        let changed = shape::outward(value, &param.shape)
            .map_err(|miss| format!("`{name}` of `{}`: {miss}", operation.name))?;
        if param.slug && !changed.scalar_text().is_some_and(|text| super::address::is_slug(&text)) {
            return Err(format!("`{name}` of `{}` must be letters, digits, `_` and `-`", operation.name));
        }
        map.insert(Arc::clone(name), changed);
    }
    Ok(Value::from(map))
}

/// A query's value: a scalar, or several with commas.
fn query_text(value: &Value) -> Option<String> {
    match value {
        Value::List(items) => {
            let texts: Option<Vec<_>> = items.iter().map(Value::scalar_text).collect();
            texts.map(|texts| texts.join(","))
        }
        scalar => scalar.scalar_text(),
    }
}

#[cfg(test)]
mod tests;
