//! Webhooks at the platform: registered when a flow needs them, switched on again when the platform switched them off, and polls woken
//! to catch up. In: a connection, what is listened to, our public address. Out: calls of the connector's webhook operations. It must
//! never touch a webhook with another destination.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Said, Shared, said::Health};
use crate::{
    connector::Connection,
    event::{Answer, Failure, Priority, Request, RunId},
    trigger::{self, Todo},
    value::Value,
};

/// How often the platform's list is looked at.
const EVERY: Duration = Duration::from_mins(10);

/// The operations that keep webhooks.
struct Operations {
    list: Arc<str>,
    register: Arc<str>,
    enable: Option<Arc<str>>,
}

/// Keeps the webhooks of one connection.
pub(super) struct Watch {
    shared: Arc<Shared>,
    connection: Arc<str>,
    scopes: Vec<Arc<str>>,
    destination: String,
    operations: Operations,
}

impl Watch {
    /// A watch, if there is a public address and the connector can register; else it is said that it is done by hand.
    pub(super) fn new(
        shared: &Arc<Shared>,
        connection: Arc<str>,
        scopes: BTreeSet<Arc<str>>,
        public_url: Option<&str>,
    ) -> Option<Self> {
        let by_hand = |why| {
            shared.say(Said::ByHand { connection: Arc::clone(&connection), why });
            None
        };
        let Some(public_url) = public_url else { return by_hand("`listen: { public_url: … }` is not set") };
        let Some(operations) = shared.wire.connection(&connection).and_then(operations) else {
            return by_hand("the connector has no operations for it");
        };
        let destination = format!("{}/hooks/{connection}", public_url.trim_end_matches('/'));
        Some(Self {
            shared: Arc::clone(shared),
            connection,
            scopes: scopes.into_iter().collect(),
            destination,
            operations,
        })
    }

    pub(super) async fn run(self) {
        let mut health = Health::new(format!("{}: webhooks", self.connection));
        loop {
            let done = tokio::select! {
                done = self.round() => done,
                () = self.shared.stopped() => return,
            };
            let wait = match done {
                Ok(()) => {
                    health.worked().into_iter().for_each(|said| self.shared.say(said));
                    EVERY
                }
                Err(failure) => {
                    let (said, wait) = health.failed(&*failure.message, EVERY);
                    said.into_iter().for_each(|said| self.shared.say(said));
                    wait.max(failure.after.unwrap_or_default())
                }
            };
            if !self.shared.pause(wait).await {
                return;
            }
        }
    }

    /// Looks at the platform's list once, and does what is to be done. A call whose answer was lost is seen in the next list.
    async fn round(&self) -> Result<(), Failure> {
        let empty = Value::object::<Arc<str>>([]);
        let listed = self.ask(&self.operations.list, empty, false).await?;
        let rows = listed.as_list().map(<[Value]>::to_vec).unwrap_or_default();
        for todo in trigger::todo(&self.scopes, &self.destination, &rows) {
            self.carry_out(todo).await?;
        }
        Ok(())
    }

    async fn carry_out(&self, todo: Todo) -> Result<(), Failure> {
        let connection = Arc::clone(&self.connection);
        let scope = |with: &Value| with.get("scope").and_then(Value::as_str).unwrap_or_default().into();
        let (operation, said, with) = match todo {
            Todo::Register(with) => {
                (Some(&self.operations.register), Said::Registered { connection, scope: scope(&with) }, with)
            }
            Todo::Enable(with) => {
                (self.operations.enable.as_ref(), Said::Enabled { connection, scope: scope(&with) }, with)
            }
        };
        let Some(operation) = operation else { return Ok(()) };
        self.ask(operation, with, true).await?;
        self.shared.say(said);
        // Whatever was not told of meanwhile is found by the polls.
        self.shared.wake(&self.connection).notify_waiters();
        Ok(())
    }

    async fn ask(&self, operation: &Arc<str>, with: Value, write: bool) -> Result<Value, Failure> {
        let request = Request {
            run: RunId::default(),
            flow: "webhooks".into(),
            connection: Arc::clone(&self.connection),
            operation: Arc::clone(operation),
            inputs: vec![with],
            batch: false,
            write,
            key: None,
            priority: Priority::Normal,
        };
        match self.shared.wire.ask(&request, None).await? {
            Answer::One(value) => Ok(value),
            Answer::Each(_) => Ok(Value::Null),
        }
    }
}

fn operations(connection: &Arc<Connection>) -> Option<Operations> {
    let webhooks = connection.connector.webhooks.as_ref()?;
    Some(Operations {
        list: webhooks.list.clone()?,
        register: webhooks.register.clone()?,
        enable: webhooks.enable.clone(),
    })
}
