//! Cases as data: what a client does to a fresh account, and what it finds there. In: a text of `cases/`. Out: the first step
//! that does not hold, by its line.
//!
//! `case NAME` opens an account; an indented object below it changes its settings. Then steps, one after another:
//! `get`, `post`, `patch`, `put`, `delete` with a path below the record service (or from the host's root, with a `/`),
//! `sql` with a statement, `task NAME` and `ask NAME` for the removal `RESTlet`, `admin` with a path of the administration
//! API, `tick` with seconds of sandbox time. An indented object is the body. `as NAME` keeps the new record's id: `$NAME`
//! stands for it from then on. `=` is what is expected: an object the answer has at least, the rows of a statement, or a
//! status with error code and place. Without it any 2xx is.

use flowrun_sandbox::netsuite::Settings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, Got, read};

#[derive(Default)]
struct Step {
    line: usize,
    head: String,
    body: String,
    wanted: Option<String>,
}

fn steps(text: &str) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        if let Some(rest) = line.strip_prefix('=') {
            all.last_mut().expect("a step first").wanted = Some(rest.to_owned());
        } else if line.starts_with(' ') {
            let step = all.last_mut().expect("a step first");
            let part = step.wanted.as_mut().unwrap_or(&mut step.body);
            *part = format!("{part}\n{line}");
        } else if !line.is_empty() {
            all.push(Step { line: at + 1, head: line.to_owned(), ..Step::default() });
        }
    }
    all
}

/// Plays the cases of a file.
pub(crate) async fn play(file: &str, text: &str) {
    let mut desk: Option<Desk> = None;
    let mut names: Vec<(String, String)> = Vec::new();
    let mut case = String::new();
    for mut step in steps(text) {
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for part in [Some(&mut step.head), Some(&mut step.body), step.wanted.as_mut()].into_iter().flatten() {
            for (name, id) in &names {
                *part = part.replace(&format!("${name}"), id);
            }
        }
        if let Some(name) = step.head.strip_prefix("case ") {
            name.clone_into(&mut case);
            names.clear();
            desk = Some(open(&step.body).await);
            continue;
        }
        let desk = desk.as_ref().expect("a case first");
        if let Err(reason) = run(desk, &step, &mut names).await {
            panic!("{file}:{}: {case}: {}: {reason}", step.line, step.head);
        }
    }
}

/// An account, and a token for all it serves.
async fn open(changes: &str) -> Desk {
    let mut desk = Desk::with(settings(changes)).await;
    let token = desk.ask_token(&desk.assertion(&json!({ "scope": ["rest_webservices", "restlets"] }))).await;
    desk.use_token(token.body["access_token"].as_str().expect("a token"));
    desk
}

fn settings(changes: &str) -> Settings {
    // Cases let hours pass; the token is to outlive them.
    let settings = Settings { token_seconds: 1_000_000, ..Settings::default() };
    let mut settings = serde_json::to_value(settings).unwrap();
    if !changes.trim().is_empty() {
        let changes: Value = serde_json::from_str(changes).expect("settings");
        for (name, value) in changes.as_object().unwrap() {
            settings[name] = value.clone();
        }
    }
    serde_json::from_value(settings).expect("settings")
}

async fn run(desk: &Desk, step: &Step, names: &mut Vec<(String, String)>) -> Result<(), String> {
    let (verb, rest) = step.head.split_once(' ').unwrap_or((&step.head, ""));
    let wanted = step.wanted.as_deref().unwrap_or_default().trim();
    if verb == "tick" {
        let seconds = rest.parse().map_err(|_| "no number of seconds")?;
        desk.running.shared().clock.advance(std::time::Duration::from_secs(seconds));
        return Ok(());
    }
    if verb == "sql" {
        let statement = format!("{rest}{}", step.body);
        let got = desk.ask(&statement, &[]).await;
        return judge(&got, wanted, &got.body["items"]);
    }
    if matches!(verb, "task" | "ask") {
        return removal(desk, verb, rest, step, names).await;
    }
    let (path, name) = rest.split_once(" as ").map_or((rest, None), |(path, name)| (path, Some(name)));
    let got = call(desk, verb, path, &step.body).await?;
    if let Some(name) = name.filter(|_| got.status.is_success()) {
        names.push((name.to_owned(), got.id()));
    }
    judge(&got, wanted, &got.body)
}

/// The `RESTlet` around the removal of personal information: `task NAME` submits one, `ask NAME` asks for it.
async fn removal(
    desk: &Desk,
    verb: &str,
    name: &str,
    step: &Step,
    names: &mut Vec<(String, String)>,
) -> Result<(), String> {
    let restlet = &Settings::default().removal_restlet;
    let path = format!("/app/site/hosting/restlet.nl?script={}&deploy={}", restlet.script, restlet.deploy);
    let wanted = step.wanted.as_deref().unwrap_or_default().trim();
    if verb == "task" {
        let got = call(desk, "post", &path, &step.body).await?;
        names.push((format!("task {name}"), got.body["taskId"].as_str().unwrap_or_default().to_owned()));
        return judge(&got, wanted, &got.body);
    }
    let task = names.iter().find(|(known, _)| *known == format!("task {name}")).ok_or("no such task")?;
    let got = call(desk, "get", &format!("{path}&taskId={}", task.1), "").await?;
    judge(&got, wanted, &got.body)
}

async fn call(desk: &Desk, verb: &str, path: &str, body: &str) -> Result<Got, String> {
    let body: Option<Value> = match body.trim() {
        "" => None,
        text => Some(serde_json::from_str(text).map_err(|error| format!("the body: {error}"))?),
    };
    if verb == "admin" {
        let url = format!("{}/netsuite/{path}", desk.running.access().admin.base_url);
        let request = desk.http.post(url).json(&body.unwrap_or_else(|| json!({})));
        return Ok(read(request.send().await.expect("an answer")).await);
    }
    let method = Method::from_bytes(verb.to_uppercase().as_bytes()).expect("a verb");
    let body = if method == Method::POST { body.or_else(|| Some(json!({}))) } else { body };
    let url = if path.starts_with('/') {
        format!("{}{path}", desk.get_access("base_url"))
    } else {
        desk.url(&format!("/record/v1/{path}"))
    };
    Ok(desk.send_to(method, &url, body.as_ref(), &[]).await)
}

fn judge(got: &Got, wanted: &str, found: &Value) -> Result<(), String> {
    let status = wanted.split_whitespace().next().and_then(|word| word.parse::<u16>().ok());
    let Some(status) = status else {
        if !got.status.is_success() {
            return Err(format!("{} {}", got.status, got.body));
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let wanted: Value = serde_json::from_str(wanted).map_err(|error| format!("the wish: {error}"))?;
        return fits(&wanted, found, "").map_err(|place| format!("{place} in {found}"));
    };
    let (code, place, _) = got.problem();
    let words: Vec<&str> = wanted.split_whitespace().skip(1).collect();
    let good = got.status.as_u16() == status
        && words.first().is_none_or(|word| *word == code || got.body["error"]["code"] == *word)
        && words.get(1).is_none_or(|word| *word == place);
    if good { Ok(()) } else { Err(format!("{} {}", got.status, got.body)) }
}

/// Whether `found` has at least what is wanted; null is wanted where nothing may be. Else the place.
fn fits(wanted: &Value, found: &Value, place: &str) -> Result<(), String> {
    match (wanted, found) {
        (Value::Object(wanted), found) => wanted
            .iter()
            .try_for_each(|(name, value)| fits(value, &found[name.as_str()], &format!("{place}.{name}"))),
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => wanted
            .iter()
            .zip(found)
            .enumerate()
            .try_for_each(|(at, (wanted, found))| fits(wanted, found, &format!("{place}[{at}]"))),
        (Value::Array(wanted), Value::Array(found)) => {
            Err(format!("{place}: {} wanted, {} found", wanted.len(), found.len()))
        }
        (wanted, found) if wanted == found => Ok(()),
        (wanted, found) => Err(format!("{place}: {wanted} wanted, {found} found")),
    }
}

macro_rules! cases {
    ($($name:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let file = concat!(stringify!($name), ".txt");
            play(file, include_str!(concat!("cases/", stringify!($name), ".txt"))).await;
        }
    )* };
}

cases! { fulfilment items money people prices restlet stock tax }
