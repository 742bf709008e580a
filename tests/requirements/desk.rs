//! A clerk at the account's own desk, who looks at and changes records of the `NetSuite` twin beside flowrun. In: a
//! running sandbox. Out: records as JSON.

use std::{collections::BTreeMap, sync::Arc};

use flowrun::{
    connector::{self, Connection, Given},
    event::{Answer, Priority, Request, RunId},
    problem::Problems,
    record::Records,
    secret::Secret,
    source::Sources,
    syntax,
    value::Value,
    wire::{Access, Wire},
    yaml,
};
use flowrun_sandbox::Running;
use serde_json::Value as Json;

const CONNECTOR: &str = r#"
connector: desk
title: The account's own desk
base: https://desk.example.com
auth:
  m2m:
    kind: oauth2_jwt
    token_path: /services/rest/auth/oauth2/v1/token
    scope: [rest_webservices]
    algorithm: ES256
operations:
  sales_order:
    reads: any
    with: { external_id: slug }
    get: "/services/rest/record/v1/salesOrder/eid:{external_id}"
    query: { expandSubResources: true }
    absent: none
  fulfil:
    reads: any
    with: { id: slug, body: any }
    post: "/services/rest/record/v1/salesOrder/{id}/!transform/itemFulfillment"
    body: "{{ with.body }}"
  add_customer:
    reads: any
    with: { body: any }
    post: /services/rest/record/v1/customer
    body: "{{ with.body }}"
  customers:
    reads: any
    with: { email: text }
    suiteql: SELECT c.id, c.externalid, c.phone FROM customer c WHERE LOWER(c.email) = LOWER(:email) ORDER BY c.id
    params: { email: "{{ with.email }}" }
"#;

/// The desk.
pub(super) struct Desk {
    wire: Wire,
    runtime: tokio::runtime::Runtime,
}

impl Desk {
    pub(super) fn at(running: &Running) -> Self {
        let mut sources = Sources::default();
        let mut problems = Problems::default();
        let records = Records::read(&[], &sources, &mut problems);
        let file = sources.add("desk.yaml", CONNECTOR);
        let tree = yaml::read(&sources, file, &mut problems).unwrap();
        let tree = syntax::connector(&tree, &mut problems).unwrap();
        let connector = connector::lower(&tree, &records, &mut problems);
        let access = running.access();
        let text = |key: &str| access.netsuite[key].as_str().unwrap();
        let given = Given {
            url: Some(text("base_url").into()),
            auth: Some("m2m".into()),
            allow_private: true,
            ..Given::default()
        };
        let keys = ["client_id", "certificate_id", "private_key"];
        let keys: BTreeMap<Arc<str>, Secret<String>> =
            keys.iter().map(|key| ((*key).into(), Secret::new(text(key).to_owned()))).collect();
        let mut wire = Wire::new();
        let connection = Connection::open("desk".into(), Arc::new(connector), given).unwrap();
        wire.add(Arc::new(connection), Access { secrets: keys, root: None }).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { wire, runtime }
    }

    /// Carries out an operation of the desk.
    #[track_caller]
    pub(super) fn ask(&self, operation: &str, with: &Json) -> Json {
        let request = Request {
            run: RunId::default(),
            flow: "desk".into(),
            connection: "desk".into(),
            operation: operation.into(),
            inputs: vec![Value::parse(with.to_string().as_bytes()).unwrap()],
            batch: false,
            write: false,
            key: None,
            priority: Priority::Live,
        };
        let answer = self.runtime.block_on(async {
            let pass = self.wire.enter(&request).await;
            self.wire.ask(&request, pass).await
        });
        match answer {
            Ok(Answer::One(value)) => serde_json::from_str(&value.to_json()).unwrap(),
            other => panic!("{operation}: {other:?}"),
        }
    }

    /// Lines of a sales order: the store's line (or charge), and the whole line.
    pub(super) fn lines(&self, external_id: &str) -> Vec<(String, Json)> {
        let order = self.ask("sales_order", &serde_json::json!({ "external_id": external_id }));
        let lines = order["item"]["items"].as_array().cloned().unwrap_or_default();
        let id = |line: &Json| line["custcol_bc_line_id"].as_str().unwrap_or_default().to_owned();
        lines.into_iter().map(|line| (id(&line), line)).collect()
    }
}
