//! Carrying out an operation over HTTP. In: an operation's inputs, a pass for the first call. Out: its answer. Each further call
//! waits at the gate for a pass of its own, at the place the first one had.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::header::HeaderValue;
use tokio::task::JoinSet;

use super::{
    client::Lost,
    door::Pass,
    link::{Came, Link},
    personal,
};
use crate::{
    connector::{
        Operation,
        exec::{Asking, Call, Exec, Turn, Would},
    },
    event::{Answer, Class, Failure, Priority, Sent},
    limit::{Ask, Ended, Header, Tag, Trouble},
    value::Value,
};

/// What is asked, and for whom.
pub(super) struct Sending<'a> {
    pub(super) operation: Arc<str>,
    pub(super) tenant: Arc<str>,
    pub(super) priority: Priority,
    pub(super) key: Option<Arc<str>>,
    pub(super) batch: bool,
    pub(super) cursor: Option<Value>,
    /// A rehearsal: calls with an effect are not sent but told here.
    pub(super) would: Option<&'a Mutex<Vec<Would>>>,
}

/// An answer, and the platform's clock when the last call was answered, as it was written.
pub(super) struct Done {
    pub(super) answer: Answer,
    pub(super) date: Option<HeaderValue>,
    /// Rows of a poll that could not be read, and why.
    pub(super) unread: Vec<(Value, String)>,
}

/// Carries out an operation; a batch is split where the connector says that elements may not share a request.
pub(super) async fn all(
    link: &Arc<Link>,
    sending: &Sending<'_>,
    inputs: &[Value],
    pass: Option<Pass>,
) -> Result<Done, Failure> {
    let Some(operation) = link.connection.operation(&sending.operation) else {
        let told = format!("`{}` has no operation `{}`", link.connection.name, sending.operation);
        return Err(Failure::unfit(told));
    };
    let groups = Exec::groups(&link.connection, operation, inputs)?;
    if groups.len() <= 1 {
        return one(link, operation, sending, inputs, pass).await;
    }
    let mut each: Vec<Result<Value, Failure>> = inputs.iter().map(|_| Ok(Value::Null)).collect();
    let mut pass = pass;
    let mut date = None;
    for group in groups {
        let some: Vec<_> = group.iter().map(|index| inputs[*index].clone()).collect();
        match one(link, operation, sending, &some, pass.take()).await {
            Ok(Done { answer: Answer::Each(answers), date: when, .. }) => {
                date = when;
                for (index, answer) in group.iter().zip(answers) {
                    each[*index] = answer;
                }
            }
            Ok(Done { answer: Answer::One(answer), .. }) => {
                for index in &group {
                    each[*index] = Ok(answer.clone());
                }
            }
            // The others stand for themselves.
            Err(failure) => {
                for index in &group {
                    each[*index] = Err(failure.clone());
                }
            }
        }
    }
    Ok(Done { answer: Answer::Each(each), date, unread: Vec::new() })
}

async fn one(
    link: &Arc<Link>,
    operation: &Operation,
    sending: &Sending<'_>,
    inputs: &[Value],
    mut pass: Option<Pass>,
) -> Result<Done, Failure> {
    let asking =
        Asking { inputs, batch: sending.batch, cursor: sending.cursor.clone(), key: sending.key.clone() };
    let mut exec = Exec::begin(&link.connection, operation, asking)?;
    let timeout = operation.timeout.unwrap_or(link.connection.connector.timeout);
    let mut tag = pass.as_ref().map(|pass| pass.tag);
    let mut flying = JoinSet::new();
    let mut date = None;
    loop {
        let calls = match exec.turn()? {
            Turn::Done(answer) => return Ok(Done { answer, date, unread: exec.unread() }),
            Turn::Send(calls) => calls,
        };
        if let (Some(would), Some(call)) = (sending.would, calls.iter().find(|call| call.effect)) {
            would.lock().unwrap_or_else(PoisonError::into_inner).push(exec.would(call));
            return Ok(Done { answer: exec.supposed(call), date, unread: Vec::new() });
        }
        let mut calls: Vec<_> = calls.into_iter().map(|call| (call, pass.take())).collect();
        let ask = |tag| Ask {
            class: sending.priority,
            tenant: Arc::clone(&sending.tenant),
            cost: 1,
            group: operation.group.clone(),
            tag,
        };
        let mut landed = if let ([_], true) = (&calls[..], flying.is_empty())
            && let Some((call, pass)) = calls.pop()
        {
            // The usual case needs no task of its own.
            go(Arc::clone(link), call, ask(tag), pass, timeout).await
        } else {
            for (call, pass) in calls {
                flying.spawn(go(Arc::clone(link), call, ask(tag), pass, timeout));
            }
            match flying.join_next().await {
                Some(Ok(landed)) => landed,
                Some(Err(_)) => return Err(Failure::new(Class::Retry, Sent::Maybe, "a call was cut off")),
                None => {
                    return Err(Failure::new(
                        Class::Reject,
                        Sent::Maybe,
                        "the operation waits for an answer that nobody gives",
                    ));
                }
            }
        };
        if let Ok(came) = &mut landed.came
            && came.reply.status >= 400
        {
            came.reply.body = personal::hidden(operation, inputs, &came.reply.body);
        }
        tag = tag.or(Some(landed.tag()));
        date = landed.came.as_ref().ok().and_then(|came| came.date.clone()).or(date);
        settle(&mut exec, landed)?;
    }
}

/// A call that is over.
struct Landed {
    step: usize,
    pass: Pass,
    came: Result<Came, Lost>,
}

impl Landed {
    fn tag(&self) -> Tag {
        self.pass.tag
    }
}

async fn go(link: Arc<Link>, call: Call, ask: Ask, pass: Option<Pass>, timeout: Duration) -> Landed {
    let mut pass = match pass {
        Some(pass) => pass,
        None => link.door.enter(ask).await,
    };
    pass.sent();
    let came = link.send(&call, timeout).await;
    Landed { step: call.step, pass, came }
}

/// Hands an answer on, and tells the gate how it went.
fn settle(exec: &mut Exec<'_>, landed: Landed) -> Result<(), Failure> {
    let Landed { step, pass, came } = landed;
    let (result, header, after) = match came {
        Ok(came) => {
            let result = exec
                .answered(step, &came.url, came.reply)
                .map_err(|failure| Failure { after: came.after, ..failure });
            (result, came.header, came.after)
        }
        Err(lost) => (Err(exec.lost(step, lost.class, lost.sent, &lost.told)), Header::default(), None),
    };
    let ended = match result.as_ref().err().map(|failure| failure.class) {
        Some(Class::Throttle) => Ended::Throttled,
        Some(Class::Outage) => Ended::Trouble(Trouble::Outage),
        Some(Class::Auth) => Ended::Trouble(Trouble::Auth),
        _ => Ended::Answered,
    };
    pass.over(ended, header, after);
    result
}
