//! The `RESTlet` host, with one `RESTlet`: the one that an account deploys around the module `N/piremoval`, since the removal of
//! personal information has no REST endpoint.
//!
//! In: `POST {"recordType", "recordIds", "fieldIds", "historyReplacement", "historyOnly"}` submits a task, `GET ?taskId=` asks
//! for it. Out: `{"taskId", "status"}`, and when it ran its `logList`. A task is `PENDING`, then `PROCESSING`, then `COMPLETE`,
//! or `FAILED` if a record could not be done. It blanks the fields of the records without asking any rule, and replaces what
//! the system notes say of them; that cannot be undone. Field ids are names in any case, sublists and subrecords among them.
//!
//! Codes and statuses of errors are those the platform lists for `RESTlets`; how the module words an unknown record is the twin's
//! choice. It must never know how a client logged in.

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Account,
    http::{Call, JSON, Reply},
    schema::{Def, Schema},
    settings::secret,
    store::{Record, Store},
};
use crate::ledger::{Event, Platform};

/// The path of every `RESTlet`.
pub(crate) const PATH: &str = "/app/site/hosting/restlet.nl";

/// The removal of fields from records of one type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Removal {
    id: String,
    record_type: String,
    record_ids: Vec<i64>,
    field_ids: Vec<String>,
    history_only: bool,
    replacement: String,
    submitted: Timestamp,
    /// What was done, once it has run.
    log: Option<Vec<Value>>,
}

/// A refusal as `RESTlets` word it.
pub(crate) fn refuse(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({ "error": { "code": code, "message": message } });
    Reply { status, media: JSON, body: Some(body), ..Reply::default() }
}

/// A refusal of the gate in a `RESTlet`'s words: without a login 401, without the scope 403, else as it is.
pub(crate) fn reword(refusal: Reply) -> Reply {
    let (code, message) = match refusal.status {
        401 => ("INVALID_LOGIN_ATTEMPT", "Invalid login attempt."),
        403 => ("INSUFFICIENT_PERMISSION", "The token's scope does not cover RESTlets."),
        _ => ("INVALID_REQUEST", "The request could not be understood by the server."),
    };
    Reply { headers: refusal.headers, ..refuse(refusal.status, code, message) }
}

/// All slots of the account are taken.
pub(crate) fn full() -> Reply {
    refuse(400, "SSS_REQUEST_LIMIT_EXCEEDED", "The maximum number of concurrent requests has been exceeded.")
}

/// Answers a call on the `RESTlet` host.
pub(crate) fn serve(account: &Account, call: &Call) -> Reply {
    let own = &account.settings.removal_restlet;
    let named = |name: &str| call.query(name).unwrap_or_default();
    if named("script") != own.script || named("deploy") != own.deploy {
        let message = "That Suitelet is invalid, disabled, or no longer exists.";
        return refuse(400, "SSS_INVALID_SCRIPTLET_ID", message);
    }
    match call.method {
        Method::GET => ask(account, named("taskId")),
        Method::POST => {
            let media = call.header("content-type").unwrap_or_default();
            if !["application/json", "text/plain"].iter().any(|good| media.starts_with(good)) {
                return refuse(
                    415,
                    "INVALID_REQUEST",
                    "The content type must be application/json or text/plain.",
                );
            }
            match call.object() {
                Ok(body) => submit(account, &body).unwrap_or_else(|refusal| *refusal),
                Err(problem) => refuse(400, "INVALID_REQUEST", &problem.detail),
            }
        }
        _ => refuse(405, "INVALID_REQUEST", "The script has no function for this method."),
    }
}

fn submit(account: &Account, body: &Map<String, Value>) -> Result<Reply, Box<Reply>> {
    let empty = |name: &str| Box::new(refuse(400, "_1_CANNOT_BE_EMPTY", &format!("{name} cannot be empty")));
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |name: &str| body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let record_type =
        Some(text("recordType")).filter(|it| !it.is_empty()).ok_or_else(|| empty("recordType"))?;
    let id = |value: &Value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    let record_ids: Option<Vec<i64>> = list("recordIds").iter().map(id).collect();
    let record_ids = record_ids.filter(|ids| !ids.is_empty()).ok_or_else(|| empty("recordIds"))?;
    let fields = list("fieldIds");
    let field_ids: Vec<String> = fields.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if field_ids.is_empty() {
        return Err(empty("fieldIds"));
    }
    let removal = Removal {
        id: format!("PIREMOVAL_{}", secret()[..16].to_uppercase()),
        record_type,
        record_ids,
        field_ids,
        history_only: body.get("historyOnly").is_some_and(|it| *it == true),
        replacement: text("historyReplacement"),
        submitted: account.now(),
        log: None,
    };
    let effect = json!({
        "record": "piRemovalTask", "id": removal.id, "verb": "create", "recordType": removal.record_type,
        "recordIds": removal.record_ids,
    });
    let answer = json!({ "taskId": removal.id, "status": "PENDING" });
    let mut store = account.store();
    store.removals.push(removal);
    advance(account, &mut store);
    Ok(Reply { effect: Some(effect), ..Reply::ok(answer, JSON) })
}

fn ask(account: &Account, task: &str) -> Reply {
    let store = account.store();
    let Some(removal) = store.removals.iter().find(|removal| removal.id == task) else {
        return refuse(400, "_1_JOB_WAS_NOT_FOUND", &format!("{task} job was not found"));
    };
    let status = match &removal.log {
        Some(log) if log.iter().any(|line| line["status"] == "FAILED") => "FAILED",
        Some(_) => "COMPLETE",
        None if account.now() < removal.submitted + time_of(account) / 2 => "PENDING",
        None => "PROCESSING",
    };
    let log = removal.log.clone().unwrap_or_default();
    Reply::ok(json!({ "taskId": removal.id, "status": status, "logList": log }), JSON)
}

fn time_of(account: &Account) -> SignedDuration {
    SignedDuration::from_millis(i64::from(u32::try_from(account.settings.removal_ms).unwrap_or(u32::MAX)))
}

/// Runs the tasks whose time has come.
pub(crate) fn advance(account: &Account, store: &mut Store) {
    let now = account.now();
    let due = |removal: &Removal| removal.log.is_none() && removal.submitted + time_of(account) <= now;
    if !store.removals.iter().any(due) {
        return;
    }
    let mut removals = std::mem::take(&mut store.removals);
    for removal in removals.iter_mut().filter(|removal| due(removal)) {
        removal.log = Some(run(&account.schema, store, removal, now));
        let ids = &removal.record_ids;
        account.shared.ledger.note(Event {
            n: 0,
            at: now.to_string(),
            platform: Platform::Netsuite,
            kind: "removal",
            detail: json!({ "task": removal.id, "recordType": removal.record_type, "recordIds": ids }),
        });
    }
    store.removals = removals;
}

fn run(schema: &Schema, store: &mut Store, removal: &Removal, now: Timestamp) -> Vec<Value> {
    let line = |status: &str, message: String, exception: &str| json!({ "type": "RECORD", "status": status, "message": message, "exception": exception });
    let Some(def) = schema.record(&removal.record_type) else {
        let message = format!("there is no record type {}", removal.record_type);
        return vec![line("FAILED", message, "SSS_INVALID_RECORD_TYPE")];
    };
    let unknown = |field: &&String| def.field(field).is_none();
    if let Some(field) = removal.field_ids.iter().find(unknown) {
        return vec![line("FAILED", format!("{} has no field {field}", def.name), "SSS_INVALID_FIELD_ID")];
    }
    let mut log = Vec::new();
    for id in &removal.record_ids {
        let Some(mut record) = store.get(&def.name, *id).cloned() else {
            log.push(line("FAILED", format!("{} {id} does not exist", def.name), "RCRD_DSNT_EXIST"));
            continue;
        };
        let names = fields(def, &removal.field_ids);
        store.rewrite_notes(&def.name, *id, &names, &removal.replacement);
        if !removal.history_only {
            blank(&mut record, &names);
            record.modified = now;
            store.put(record);
        }
        log.push(line("COMPLETE", format!("{} {id}", def.name), ""));
    }
    log
}

/// The exact names of fields, with those that repeat what they say.
fn fields(def: &Def, ids: &[String]) -> Vec<String> {
    let mut names: Vec<String> =
        ids.iter().filter_map(|id| def.field(id)).map(|field| field.name.clone()).collect();
    for (field, shown) in [
        ("addressBook", "defaultAddress"),
        ("billingAddress", "billAddress"),
        ("shippingAddress", "shipAddress"),
    ] {
        if names.iter().any(|name| name == field) {
            names.push(shown.to_owned());
        }
    }
    names
}

fn blank(record: &mut Record, names: &[String]) {
    for name in names {
        record.body.shift_remove(name);
    }
}
