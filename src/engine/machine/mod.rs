//! One run as a pure machine: inputs go in, commands come out. In: a prepared plan, an event, the facts so far. Out:
//! [`Command`]s. It must never know a clock, a socket, a journal, or anything that waits.

mod batch;
mod book;
mod child;
mod doubt;
mod finish;
mod fold;
mod freeze;
mod settle;
mod start;
mod state;
mod step;
mod timing;
mod wave;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

pub(in crate::engine) use self::batch::encode;
pub use self::state::{ChildEnd, ChildStart, Command, Input, Note, Refresh, StepId, Timer};
use self::state::{NodeRun, Step};
use super::{policy::Policy, prepared::Prepared, scope::Roots};
use crate::{
    event::{
        Code, Effect, EffectId, Event, Fact, Instant, Letter,
        table::{Illegal, RunInput, RunState},
    },
    plan::{NodeId, Slot},
    story::{Watched, What},
    value::{Hash, Value},
};

/// What a run is born with.
#[derive(Clone, Debug)]
pub struct Birth {
    /// The plan; for a frozen run the one that it is bound to.
    pub prepared: Arc<Prepared>,
    /// The event.
    pub event: Event,
    /// Facts of this run so far; none for a new one.
    pub facts: Vec<Fact>,
    /// Effects of earlier runs of the key that are still remembered.
    pub effects: Vec<Effect>,
    /// What the last good run of the key used.
    pub last_used: Option<Hash>,
    /// The engine's numbers.
    pub policy: Arc<Policy>,
    /// The key of hashes over what may be personal.
    pub salt: [u8; 32],
    /// Whether anybody watches.
    pub watched: Watched,
}

/// One call of the machine: the instant, a random number, and room for commands.
#[derive(Debug)]
pub struct Turn {
    /// The world's clock.
    pub now: Instant,
    /// The world's dice.
    pub dice: u64,
    /// What the machine wants done, in order.
    pub out: Vec<Command>,
}

impl Turn {
    /// A turn at an instant.
    pub fn new(now: Instant, dice: u64) -> Self {
        Self { now, dice, out: Vec::new() }
    }

    /// The next random number of this turn.
    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.dice >> 16
    }
}

/// What a frozen run holds.
#[derive(Clone, Debug)]
struct Ice {
    next: u16,
    slots: BTreeSet<Slot>,
    since: Instant,
    /// Whether the run was frozen before this life of the machine.
    resumed: bool,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Machine {
    birth: Birth,
    roots: Roots,
    nodes: Vec<NodeRun>,
    steps: Vec<Step>,
    state: RunState,
    started: Instant,
    born: Instant,
    ice: Option<Ice>,
    effects: HashMap<EffectId, Effect>,
    tries: HashMap<EffectId, u16>,
    /// Whether writes may go: what the run uses is not what the last good one used.
    barrier: bool,
    letters: Vec<(NodeId, Letter)>,
    warnings: Vec<Arc<str>>,
    retry_since: Option<Instant>,
    /// Since when each read whose `until` does not hold is asked.
    asked: BTreeMap<EffectId, Instant>,
    /// Until when a write of which nobody knows may still land.
    suspect: Option<Instant>,
    /// Steps that are not final.
    open: usize,
    /// Child runs that are waited for.
    children: usize,
    /// Steps that wait for an instant.
    waiting: BTreeSet<(Instant, StepId)>,
    /// Nodes that wait for their `at`.
    timed: BTreeSet<(Instant, NodeId)>,
    over: bool,
}

impl Machine {
    /// Begins a run, or goes on with one from its facts.
    pub fn begin(birth: Birth, turn: &mut Turn) -> Self {
        let run = run_of(&birth.event, turn.now);
        let roots = Roots::new(&birth.prepared.plan, &birth.event.body, run);
        let nodes = birth.prepared.plan.nodes.iter().map(|_| NodeRun::waiting(turn.now)).collect();
        let mut machine = Self {
            roots,
            nodes,
            steps: Vec::new(),
            state: RunState::Fresh,
            started: turn.now,
            born: turn.now,
            ice: None,
            effects: HashMap::new(),
            tries: HashMap::new(),
            barrier: false,
            letters: Vec::new(),
            warnings: Vec::new(),
            retry_since: None,
            asked: BTreeMap::new(),
            suspect: None,
            open: 0,
            children: 0,
            waiting: BTreeSet::new(),
            timed: BTreeSet::new(),
            over: false,
            birth,
        };
        machine.fold();
        machine.barrier = machine.ice.is_some()
            || machine.birth.last_used.is_none()
            || !machine.birth.event.latest
            || !machine.birth.event.origin.may_be_unchanged();
        if machine.birth.watched >= Watched::Ends {
            let nodes = machine.birth.prepared.plan.nodes.iter().map(|node| Arc::clone(&node.name)).collect();
            turn.out.push(Command::Tell(What::Started { nodes, resumed: machine.ice.is_some() }));
        }
        machine.advance(turn);
        machine
    }

    /// Takes one input. What is late or no longer wanted is not heard.
    pub fn on(&mut self, input: Input, turn: &mut Turn) {
        if self.over {
            return;
        }
        let heard = match input {
            Input::Permit { step, attempt } => self.permitted(step, attempt, turn),
            Input::Answer { step, attempt, got } => self.answered(step, attempt, got, turn),
            Input::Held { step, attempt } => {
                self.held(step, attempt, turn);
                Ok(())
            }
            Input::Due(Timer::Step(step)) => self.due(step, turn),
            Input::Due(Timer::Node(node)) => {
                self.timed.retain(|(_, held)| *held != node);
                Ok(())
            }
            Input::Newer => self.newer(turn),
            Input::Child { step, end } => self.child_ended(step, end, turn),
        };
        if let Err(illegal) = heard {
            self.broken(&illegal, turn);
        } else if !self.over {
            self.advance(turn);
        }
    }

    /// Whether the run is over or parked: nothing more is heard.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether it holds frozen values.
    pub fn is_frozen(&self) -> bool {
        self.ice.is_some()
    }

    /// The event it runs for.
    pub fn event(&self) -> &Event {
        &self.birth.event
    }

    /// A newer event of the key: a run that has only read gives way.
    fn newer(&mut self, turn: &mut Turn) -> Result<(), Illegal> {
        if self.state == RunState::Fresh {
            self.state = self.state.next(RunInput::Newer)?.0;
            self.end(crate::event::Outcome::Superseded, None, turn);
        }
        Ok(())
    }

    /// A change of state that no table lists: the run becomes a letter, the engine goes on.
    fn broken(&mut self, illegal: &Illegal, turn: &mut Turn) {
        let letter = Letter {
            node: "".into(),
            element: None,
            code: Code::Internal,
            message: illegal.to_string().into(),
            request: None,
            answer: None,
        };
        self.letters.push((NodeId::MAX, letter));
        self.park_letters(turn);
    }

    fn tell(&self, turn: &mut Turn, what: impl FnOnce() -> What) {
        if self.birth.watched == Watched::Closely {
            turn.out.push(Command::Tell(what()));
        }
    }

    fn tell_end(&self, turn: &mut Turn, what: impl FnOnce() -> What) {
        if self.birth.watched >= Watched::Ends {
            turn.out.push(Command::Tell(what()));
        }
    }
}

/// The root `run` of expressions.
fn run_of(event: &Event, started: Instant) -> Value {
    Value::object([
        ("id", Value::from(event.id.to_string())),
        ("started_at", Value::from(started.to_string())),
        ("again", Value::Bool(event.origin.looks_again())),
    ])
}
