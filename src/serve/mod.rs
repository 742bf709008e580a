//! The service: what listens, polls and fires while flows run. In: plans, an engine, the wire, where to listen. Out: events
//! offered to the engine, and [`Said`], what people should know. The core's only HTTP server. It must never know arguments, nor how a
//! run goes.

mod held;
mod hooks;
mod listener;
mod polls;
mod said;
mod schedules;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinSet,
};

use self::listener::Listener;
pub use self::said::Said;
use crate::{
    engine::{Engine, Offer},
    event::{Origin, Priority},
    plan::{Plan, Source, SourceKind},
    trigger::{self, Secrets},
    value::Value,
    wire::Wire,
};

/// How long requests that are under way may go on after the listener closes.
const CLOSING: Duration = Duration::from_secs(5);

/// What a service is made of.
pub struct Setup {
    /// The flows whose triggers are listened to.
    pub flows: Vec<Arc<Plan>>,
    /// Where events go; its plans hold all of `flows`.
    pub engine: Engine,
    /// Where polls and registrations go.
    pub wire: Arc<Wire>,
    /// Where webhooks are taken; port 0 takes a free one.
    pub address: SocketAddr,
    /// How platforms reach that address; none: webhooks are registered by hand.
    pub public_url: Option<Arc<str>>,
    /// The secrets that webhooks are signed with, by connection.
    pub secrets: BTreeMap<Arc<str>, Secrets>,
    /// How urgent a flow's runs are; the usual if it is not named.
    pub urgency: BTreeMap<Arc<str>, Priority>,
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not ours.
    #[error(
        "cannot listen on {0}: {1}; is another flowrun running? set `listen: {{ address: … }}` in flowrun.yaml"
    )]
    Bind(SocketAddr, std::io::Error),
    /// A schedule that makes no sense.
    #[error("flow `{flow}`: its schedule cannot be used: {told}")]
    Schedule {
        /// The flow.
        flow: Arc<str>,
        /// Why.
        told: String,
    },
}

/// What all parts of a service share.
struct Shared {
    flows: Vec<Arc<Plan>>,
    engine: Engine,
    wire: Arc<Wire>,
    urgency: BTreeMap<Arc<str>, Priority>,
    says: mpsc::UnboundedSender<Said>,
    stop: watch::Receiver<bool>,
    /// Polls of a connection are woken by these, when webhooks were missed.
    wakes: Mutex<BTreeMap<Arc<str>, Arc<Notify>>>,
}

impl Shared {
    fn say(&self, said: Said) {
        // Nobody listening any more is not a fault.
        let _ = self.says.send(said);
    }

    fn wake(&self, connection: &Arc<str>) -> Arc<Notify> {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(wakes.entry(Arc::clone(connection)).or_default())
    }

    fn offer(&self, plan: &Plan, body: Value) -> Offer {
        let priority = self.urgency.get(&plan.flow).copied().unwrap_or_default();
        Offer { flow: Arc::clone(&plan.flow), body, origin: Origin::Source, priority }
    }

    /// Sources of all flows with their plans.
    fn sources(&self) -> impl Iterator<Item = (&Arc<Plan>, usize, &Source)> {
        let of = |plan| move |(at, source)| (plan, at, source);
        self.flows.iter().flat_map(move |plan| plan.trigger.sources.iter().enumerate().map(of(plan)))
    }

    /// Waits for so long; false if the service is to stop.
    async fn pause(&self, wait: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = self.stopped() => false,
        }
    }

    async fn stopped(&self) {
        // An error means that the service itself is gone.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }
}

/// A running service.
pub struct Service {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    listener: Option<Listener>,
    tasks: JoinSet<()>,
}

impl Service {
    /// Starts to listen, poll and fire. What it has to say comes out of the receiver, what it listens to first.
    pub fn start(setup: Setup) -> Result<(Self, mpsc::UnboundedReceiver<Said>), Error> {
        let (says, said) = mpsc::unbounded_channel();
        let (stop, stopping) = watch::channel(false);
        let shared = Arc::new(Shared {
            flows: setup.flows,
            engine: setup.engine,
            wire: setup.wire,
            urgency: setup.urgency,
            says,
            stop: stopping,
            wakes: Mutex::default(),
        });
        let needs = trigger::needs(shared.flows.iter().map(|plan| &**plan));
        let listener = if needs.is_empty() {
            None
        } else {
            Some(Listener::open(&shared, setup.address, setup.secrets)?)
        };
        let mut tasks = JoinSet::new();
        if let Some(listener) = &listener {
            for (connection, scopes) in needs {
                listener.tell(&shared, &connection, &scopes);
                let public = setup.public_url.as_deref();
                if let Some(watch) = hooks::Watch::new(&shared, connection, scopes, public) {
                    tasks.spawn(watch.run());
                }
            }
        }
        for (plan, at, source) in shared.sources() {
            match &source.kind {
                SourceKind::Poll { .. } => {
                    drop(tasks.spawn(polls::run(Arc::clone(&shared), Arc::clone(plan), at)));
                }
                SourceKind::Schedule { .. } => {
                    let firing = schedules::Firing::new(&shared, plan, at)?;
                    tasks.spawn(firing.run());
                }
                SourceKind::Webhook { .. } | SourceKind::Flow => {}
            }
        }
        tasks.spawn(held::run(Arc::clone(&shared)));
        Ok((Self { shared, stop, listener, tasks }, said))
    }

    /// Where webhooks are taken, if any flow listens to them.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(|listener| listener.address)
    }

    /// Stops cleanly: polls and schedules at once; runs that have begun may finish for `grace`; webhooks are taken until then, and their
    /// events run after the next start. True: every run finished.
    pub async fn stop(mut self, grace: Duration) -> bool {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        let finished = self.shared.engine.drain(grace).await;
        if let Some(listener) = self.listener {
            listener.close(CLOSING).await;
        }
        finished
    }
}
