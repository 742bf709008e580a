//! What a machine holds in memory: nodes, elements, steps. In: nothing. Out: plain data for the rest of the machine.

use std::sync::Arc;

use crate::{
    event::{Class, EffectId, Fact, Failure, Instant, Past, Request, table::StepState},
    plan::{Book, NodeId, Verb},
    story::What,
    value::{Hash, Value},
};

/// A step's place in the machine.
pub type StepId = u32;

/// What the outside tells a machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The limiter lets a request go.
    Permit {
        /// Which step.
        step: StepId,
        /// Which attempt of it.
        attempt: u16,
    },
    /// A request was answered.
    Answer {
        /// Which step.
        step: StepId,
        /// Which attempt of it.
        attempt: u16,
        /// How.
        got: Result<crate::event::Answer, Failure>,
    },
    /// The connection is held: no permit will come before it is back.
    Held {
        /// Which step.
        step: StepId,
        /// Which attempt of it.
        attempt: u16,
    },
    /// An instant came.
    Due(Timer),
    /// A newer event of the run's key came.
    Newer,
    /// A child run ended or parked.
    Child {
        /// Which step.
        step: StepId,
        /// How.
        end: ChildEnd,
    },
}

/// How a child run came back.
#[derive(Clone, Debug, PartialEq)]
pub enum ChildEnd {
    /// It ended and gives this.
    Gave(Value),
    /// It was accepted, and nobody waits for more.
    Accepted,
    /// It ended without what was wanted of it.
    Failed(Arc<str>),
    /// It became a letter.
    Parked,
}

/// What a machine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A step's backoff or settle time.
    Step(StepId),
    /// A node's `at`.
    Node(NodeId),
}

/// What a machine wants done.
#[derive(Clone, Debug)]
pub enum Command {
    /// Ask the limiter; then [`Input::Permit`].
    Ask {
        /// Which step.
        step: StepId,
        /// Which attempt of it.
        attempt: u16,
        /// What will be sent.
        request: Arc<Request>,
        /// How old an answer may be that is shared between runs.
        fresh: Option<std::time::Duration>,
    },
    /// Append the facts, wait until all guards of the run are durable if `wait`, then send; then [`Input::Answer`].
    Leave {
        /// Which step.
        step: StepId,
        /// Which attempt of it.
        attempt: u16,
        /// What must be written first.
        facts: Vec<Fact>,
        /// Whether to wait for what was written so far.
        wait: bool,
    },
    /// Append the facts, wait, then offer the event to the child's flow; then [`Input::Child`].
    Child {
        /// Which step.
        step: StepId,
        /// What must be written first.
        facts: Vec<Fact>,
        /// The child.
        start: ChildStart,
    },
    /// Ask or write a book; then [`Input::Answer`].
    Note(Box<Note>),
    /// Append facts; nobody waits.
    Record(Vec<Fact>),
    /// Come back with [`Input::Due`].
    Wake {
        /// For what.
        timer: Timer,
        /// When.
        at: Instant,
    },
    /// Tell those who watch.
    Tell(What),
    /// Append and leave memory.
    Park(Vec<Fact>),
    /// Append and end.
    End {
        /// The run, packed.
        past: Box<Past>,
        /// Whether to look again with a new event.
        refresh: Refresh,
    },
}

/// Whether and when a new event looks again at what a run wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refresh {
    /// At once: what was written may be old by now.
    pub now: bool,
    /// At this instant: an older write may land until then.
    pub later: Option<Instant>,
}

/// A request to a book of `memory`.
#[derive(Clone, Debug)]
pub struct Note {
    /// Which step.
    pub step: StepId,
    /// Which attempt of it.
    pub attempt: u16,
    /// What must be written with it.
    pub facts: Vec<Fact>,
    /// The effect that has landed when it is written.
    pub effect: EffectId,
    /// What is asked or written.
    pub request: Arc<Request>,
    /// The book.
    pub book: Arc<Book>,
    /// What is done with it.
    pub verb: Verb,
}

/// A child run to be started.
#[derive(Clone, Debug, PartialEq)]
pub struct ChildStart {
    /// Its flow.
    pub flow: Arc<str>,
    /// What recognises it: the parent's run, node and element.
    pub id: Arc<str>,
    /// Its event.
    pub body: Value,
    /// Whether the parent waits.
    pub wait: bool,
}

/// Where a node stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NodeState {
    /// Its needs are not settled.
    Waiting,
    /// It waits for its `at`, or for a write barrier.
    Held,
    /// Its elements are under way.
    Open,
    /// It gave a value.
    Done,
    /// Its condition does not hold.
    Skipped,
    /// A gate, or a failure of what it needs, stops it.
    Stopped,
    /// It failed.
    Failed,
}

impl NodeState {
    pub(super) fn settled(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Held | Self::Open)
    }
}

/// A node under way.
#[derive(Clone, Debug)]
pub(super) struct NodeRun {
    pub(super) state: NodeState,
    pub(super) elements: Vec<Element>,
    /// Elements without a result.
    pub(super) left: u32,
    pub(super) began: Instant,
    pub(super) ended: Instant,
    /// A decision's outcome, or why it was skipped or stopped.
    pub(super) outcome: Option<Arc<str>>,
    /// How its requests failed so far, and how often each way.
    pub(super) failures: Vec<(Class, u32)>,
}

impl NodeRun {
    pub(super) fn waiting(now: Instant) -> Self {
        Self {
            state: NodeState::Waiting,
            elements: Vec::new(),
            left: 0,
            began: now,
            ended: now,
            outcome: None,
            failures: Vec::new(),
        }
    }

    pub(super) fn count_failure(&mut self, class: Class) {
        match self.failures.iter_mut().find(|(known, _)| *known == class) {
            Some((_, count)) => *count += 1,
            None => self.failures.push((class, 1)),
        }
    }

    pub(super) fn took(&self) -> u32 {
        u32::try_from(self.ended.since(self.began).as_millis()).unwrap_or(u32::MAX)
    }
}

/// One element of a node; a node without `each` has one, without an item.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) key: Value,
    pub(super) name: Arc<str>,
    pub(super) item: Option<Value>,
    pub(super) result: Option<Result<Value, ()>>,
}

#[expect(clippy::struct_excessive_bools, reason = "four separate facts about one request")]
/// One request of a node, or one child run: for an element, a batch, or several elements that ask the same.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) node: NodeId,
    /// For each input of the request, the elements that it is for.
    pub(super) groups: Vec<Vec<u32>>,
    pub(super) request: Arc<Request>,
    pub(super) hash: Hash,
    pub(super) effect: EffectId,
    pub(super) state: StepState,
    /// Counts asks; answers to older ones are not heard.
    pub(super) attempt: u16,
    /// Attempts burnt.
    pub(super) tries: u16,
    /// Failures in a row, burnt or not.
    pub(super) failures: u16,
    /// When it goes on, if it waits.
    pub(super) due: Option<Instant>,
    /// Whether an intent of it is open.
    pub(super) intent: bool,
    /// When it was first sent under its key.
    pub(super) first: Option<Instant>,
    /// When it was last sent.
    pub(super) last: Instant,
    /// Whether what is under way is its look.
    pub(super) looking: bool,
    /// The platform refused it since it is there already: in these words.
    pub(super) exists: Option<Failure>,
    /// Whether it waits for its connection.
    pub(super) held: bool,
    /// The child, if it is one.
    pub(super) child: Option<ChildStart>,
    /// Whether `last` is an intent of an earlier life with other bytes.
    pub(super) drifted: bool,
}
