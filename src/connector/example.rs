//! Examples, run. In: an operation with its example. Out: what does not hold: a request that was not sent as said, an answer that
//! comes out otherwise. No socket: the example is the other side.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Connection, Given,
    exec::{Asking, Exec, Reply, Target, Turn},
    model::{Connector, Example, Operation, SettingKind},
};
use crate::{
    event::Answer,
    money::Currency,
    problem::{Problem, Problems, codes},
    syntax::connector as ast,
    value::Value,
};

/// Runs every example of a connector under made-up settings; what does not hold is a problem where the example stands. The
/// connector must have come through `lower` without errors.
pub fn check(connector: &Arc<Connector>, file: &ast::Connector, problems: &mut Problems) {
    let settings = connector.settings.iter().filter(|setting| setting.default.is_none());
    let settings = settings.map(|setting| (Arc::clone(&setting.name), sample(&setting.kind))).collect();
    let currencies =
        (1..100).filter_map(|id: i32| Some((id.to_string().into(), Currency::from_code("GBP")?))).collect();
    let given =
        Given { auth: connector.auth.keys().next().cloned(), settings, currencies, ..Given::default() };
    let connection = match Connection::open("example".into(), Arc::clone(connector), given) {
        Ok(connection) => connection,
        Err(error) => {
            problems.add(Problem::error(codes::EXAMPLE, file.name.span, error.to_string()));
            return;
        }
    };
    for written in &file.operations {
        let Some(operation) = connection.operation(&written.name.value) else { continue };
        let span = written.example.as_ref().map_or(written.name.span, |example| example.span);
        for told in run(&connection, operation) {
            problems.add(Problem::error(codes::EXAMPLE, span, told));
        }
    }
}

fn sample(kind: &SettingKind) -> Value {
    match kind {
        SettingKind::Word(words) => words.first().map_or(Value::Null, |word| Value::from(Arc::clone(word))),
        SettingKind::Text | SettingKind::Slug => "x1".into(),
        SettingKind::Int | SettingKind::Number => Value::from(1_i64),
        SettingKind::Bool => true.into(),
        SettingKind::Duration => "1s".into(),
    }
}

/// Runs an operation's example; nothing is wrong if it has none.
pub fn run(connection: &Connection, operation: &Operation) -> Vec<String> {
    let Some(example) = &operation.example else { return Vec::new() };
    match play(connection, operation, example) {
        Ok(()) => Vec::new(),
        Err(told) => vec![told],
    }
}

fn play(connection: &Connection, operation: &Operation, example: &Example) -> Result<(), String> {
    let batch = example.with.as_list().is_some();
    let inputs = example.with.as_list().map_or_else(|| vec![example.with.clone()], <[Value]>::to_vec);
    let asking = Asking {
        inputs: &inputs,
        batch,
        cursor: cursor(connection, operation, example)?,
        key: Some("example".into()),
    };
    let told = |failure: crate::event::Failure| failure.message.to_string();
    let mut exec = Exec::begin(connection, operation, asking).map_err(told)?;
    let mut met: BTreeMap<usize, usize> = BTreeMap::new();
    let answer = loop {
        let calls = match exec.turn().map_err(told)? {
            Turn::Done(answer) => break answer,
            Turn::Send(calls) if calls.is_empty() => {
                return Err("the operation waits for an answer that nobody gives".into());
            }
            Turn::Send(calls) => calls,
        };
        for call in calls {
            let name = &operation.steps[call.step].name;
            let count = met.entry(call.step).or_default();
            let replies = example.answers.iter().find(|(step, _)| step == name).map(|(_, replies)| replies);
            let reply = replies
                .and_then(|replies| replies.get(*count))
                .ok_or_else(|| format!("the example has no answer for call {} of `{name}`", *count + 1))?;
            *count += 1;
            let path = match &call.target {
                Target::Path(path) => path.clone(),
                Target::Whole(link) => link.trim_start_matches(&*connection.base.origin).to_owned(),
            };
            let line = format!("{} {path}", call.method.name());
            if let Some(asked) = reply.asked.as_ref().filter(|asked| ***asked != line) {
                return Err(format!("`{name}` sends `{line}`, the example says `{asked}`"));
            }
            if let Some(sent) = reply.sent.as_ref() {
                let body = call.body.clone().unwrap_or_default();
                same(&body, sent).map_err(|path| {
                    format!(
                        "`{name}` sends another body than the example says, at {path}: {}",
                        body.to_json()
                    )
                })?;
            }
            let reply = Reply { status: reply.status, body: reply.body.clone() };
            exec.answered(call.step, &connection.base.join(&path), reply).map_err(told)?;
        }
    };
    for (name, replies) in &example.answers {
        let step = operation
            .steps
            .iter()
            .position(|step| step.name == *name)
            .ok_or_else(|| format!("there is no step `{name}`"))?;
        let used = met.get(&step).copied().unwrap_or_default();
        if used != replies.len() {
            return Err(format!(
                "the example has {} answers for `{name}`, {used} were asked for",
                replies.len()
            ));
        }
    }
    let found = match answer {
        Answer::One(value) => value,
        Answer::Each(each) => Value::list(each.into_iter().map(Result::unwrap_or_default)),
    };
    same(&found, &example.gives).map_err(|path| {
        format!("it gives something else than the example says, at {path}: {}", found.to_json())
    })
}

/// The cursor of an example: `since` is an instant there, for the operation it is in the platform's form.
fn cursor(
    connection: &Connection,
    operation: &Operation,
    example: &Example,
) -> Result<Option<Value>, String> {
    let (Some(cursor), Some(kind)) = (&example.cursor, &operation.cursor) else { return Ok(None) };
    let mut map = cursor.as_map().cloned().unwrap_or_default();
    if let Some(since) = map.get("since").and_then(Value::scalar_text) {
        let zone = connection.cursor_zone(kind);
        map.insert("since".into(), super::stamp::written(&since, kind.format, &zone)?);
    }
    Ok(Some(Value::from(map)))
}

/// Equal, numbers by value and amounts as numbers; else the path of the first difference.
fn same(found: &Value, wanted: &Value) -> Result<(), String> {
    let at =
        |path: &str, step: &str| if path.is_empty() { step.to_owned() } else { format!("{step}.{path}") };
    match (found, wanted) {
        (Value::Map(one), Value::Map(two)) => {
            for key in one.keys().chain(two.keys()) {
                let (Some(left), Some(right)) = (one.get(key), two.get(key)) else {
                    return Err(format!("`{key}`"));
                };
                same(left, right).map_err(|path| at(&path, key))?;
            }
            Ok(())
        }
        (Value::List(one), Value::List(two)) if one.len() == two.len() => {
            one.iter().zip(two.iter()).enumerate().try_for_each(|(index, (left, right))| {
                same(left, right).map_err(|path| at(&path, &index.to_string()))
            })
        }
        _ if plain(found).hash() == plain(wanted).hash() => Ok(()),
        _ => Err(String::new()),
    }
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Money(money) => Value::from(money.amount),
        other => other.clone(),
    }
}
