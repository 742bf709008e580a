//! Asynchronous requests: `Prefer: respond-async` is answered with a job at once, and the work's own answer is kept.
//!
//! In: a [`Call`]. Out: 202 with the job's address; later its progress, tasks, results. It must never know what the work is.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{body::Bytes, http::Method};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Account,
    http::{Call, Problem, Reply, SINGULAR},
    output::this,
    time,
};
use crate::ledger::Platform;

#[derive(Clone, Debug)]
struct Job {
    asked: Timestamp,
    ended: Option<Timestamp>,
    /// One answer for each task; empty until the work is done.
    results: Vec<Reply>,
    tasks: usize,
}

#[derive(Debug, Default)]
struct State {
    jobs: BTreeMap<u64, Job>,
    keys: HashMap<String, u64>,
}

/// All jobs of an account.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<State>);

const AT: &str = "/services/rest/async/v1/job";

impl Jobs {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request in. The work is done when the account's time for it has passed on the sandbox clock.
    pub(crate) fn submit(account: &Arc<Account>, call: &Call) -> Reply {
        let calls = match split(call) {
            Ok(calls) => calls,
            Err(problem) => return problem.reply(),
        };
        let now = account.now();
        let id = {
            let mut state = account.jobs.state();
            let id = state.jobs.len() as u64 + 1;
            if let Some(key) = call.header("x-netsuite-idempotency-key") {
                if let Some(first) = state.keys.get(key) {
                    return Problem::idempotency()
                        .reply()
                        .with("location", format!("{}{AT}/{first}", call.base));
                }
                state.keys.insert(key.to_owned(), id);
            }
            let job = Job { asked: now, ended: None, results: Vec::new(), tasks: calls.len() };
            state.jobs.insert(id, job);
            id
        };
        let mut reply = Reply::status(202)
            .with("preference-applied", "respond-async")
            .with("location", format!("{}{AT}/{id}", call.base));
        if account.settings.async_ms == 0 {
            reply.effect = work(account, id, &calls);
        } else {
            let account = account.clone();
            let wait = i64::try_from(account.settings.async_ms).unwrap_or(i64::MAX);
            tokio::spawn(async move {
                account.shared.clock.sleep_until(now + SignedDuration::from_millis(wait)).await;
                let effect = work(&account, id, &calls);
                account.shared.note(Platform::Netsuite, "job", json!({ "job": id, "effect": effect }));
            });
        }
        reply
    }

    /// Answers a call below `/async/v1/job`.
    pub(crate) fn serve(&self, call: &Call, path: &[&str]) -> Result<Reply, Problem> {
        if call.method != Method::GET {
            return Err(Problem::method());
        }
        let (Some(&"job"), Some(id)) = (path.first(), path.get(1).and_then(|id| id.parse::<u64>().ok()))
        else {
            return Err(Problem::missing());
        };
        let state = self.state();
        let job = state.jobs.get(&id).ok_or_else(Problem::missing)?;
        let href = format!("{}{AT}/{id}", call.base);
        match path[2..] {
            [] => Ok(Reply::ok(job.show(id, &href), SINGULAR)),
            ["task"] => {
                let items = (1..=job.tasks).map(
                    |task| json!({ "links": this(&format!("{href}/task/{task}")), "id": task.to_string() }),
                );
                let body = json!({
                    "links": this(&format!("{href}/task")), "items": items.collect::<Vec<_>>(),
                    "count": job.tasks, "hasMore": false, "offset": 0, "totalResults": job.tasks,
                });
                Ok(Reply::ok(body, SINGULAR))
            }
            ["task", number] => {
                let number = job.number(number)?;
                Ok(Reply::ok(job.show_task(number, &format!("{href}/task/{number}")), SINGULAR))
            }
            ["task", number, "result"] => {
                let number = job.number(number)?;
                let mut reply = job.results.get(number - 1).cloned().ok_or_else(Problem::missing)?;
                reply.effect = None;
                Ok(reply)
            }
            _ => Err(Problem::missing()),
        }
    }
}

impl Job {
    fn number(&self, text: &str) -> Result<usize, Problem> {
        text.parse().ok().filter(|number| (1..=self.tasks).contains(number)).ok_or_else(Problem::missing)
    }

    fn show(&self, id: u64, href: &str) -> Value {
        let done = self.ended.is_some();
        json!({
            "links": this(href), "completed": done, "id": id.to_string(),
            // A job succeeds even if its tasks fail: each task's own result says how it went.
            "progress": if done { "succeeded" } else { "processing" },
            "task": { "links": this(&format!("{href}/task")) },
        })
    }

    fn show_task(&self, number: usize, href: &str) -> Value {
        let mut links = vec![json!({ "rel": "self", "href": href })];
        let mut body = json!({
            "completed": self.ended.is_some(), "id": number.to_string(), "startTime": time::instant(self.asked),
        });
        let result = self.results.get(number - 1);
        if let (Some(result), Some(ended)) = (result, self.ended) {
            links.insert(0, json!({ "rel": "related", "href": format!("{href}/result") }));
            body["endTime"] = json!(time::instant(ended));
            body["progress"] = json!(if result.status < 400 { "succeeded" } else { "failed" });
        } else {
            body["progress"] = json!("processing");
        }
        body["links"] = Value::Array(links);
        body
    }
}

/// Does the work of a job; gives what it committed.
fn work(account: &Account, id: u64, calls: &[Call]) -> Option<Value> {
    let results: Vec<Reply> = calls.iter().map(|call| account.answer(call)).collect();
    let mut effects: Vec<Value> = results.iter().filter_map(|reply| reply.effect.clone()).collect();
    let ended = account.now();
    if let Some(job) = account.jobs.state().jobs.get_mut(&id) {
        job.results = results;
        job.ended = Some(ended);
    }
    match effects.len() {
        0 => None,
        1 => effects.pop(),
        _ => Some(Value::Array(effects)),
    }
}

/// The calls of a request: one, or one for each member of a collection.
fn split(call: &Call) -> Result<Vec<Call>, Problem> {
    let collection = call.header("content-type").is_some_and(|media| media.contains("type=collection"));
    let at = |id: &str| {
        let mut path = call.path.clone();
        path.push(id.to_owned());
        path
    };
    if let Some(ids) = call.query("ids").filter(|_| matches!(call.method, Method::GET | Method::DELETE)) {
        return members(ids.split(',').map(|id| Ok(Call { path: at(id.trim()), ..call.clone() })).collect());
    }
    if !collection {
        return Ok(vec![call.clone()]);
    }
    let body = call.object()?;
    let items = body.get("items").and_then(Value::as_array);
    let items = items.ok_or_else(|| Problem::content("a collection needs \"items\"", "items"))?;
    let one = |item: &Value| {
        let text = |name: &str| match item.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let external = text("externalId").map(|id| format!("eid:{id}"));
        let path = match call.method {
            Method::PATCH => at(&text("id")
                .or(external)
                .ok_or_else(|| Problem::content("an item needs an id", "items"))?),
            Method::PUT => {
                at(&external.ok_or_else(|| Problem::content("an item needs an externalId", "items"))?)
            }
            _ => call.path.clone(),
        };
        Ok(Call { path, body: Bytes::from(item.to_string()), ..call.clone() })
    };
    members(items.iter().map(one).collect())
}

fn members(calls: Vec<Result<Call, Problem>>) -> Result<Vec<Call>, Problem> {
    if calls.is_empty() || calls.len() > 100 {
        return Err(Problem::content(format!("{} items: 1 to 100 are possible", calls.len()), "items"));
    }
    calls.into_iter().collect()
}
