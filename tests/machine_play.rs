//! A machine and everything around it, played by hand: answers come from a script, in an order that a seed chooses.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use flowrun::{
    engine::{
        Policy, Prepared,
        machine::{Birth, Command, Input, Machine, Turn},
    },
    event::{
        Answer, Class, Code, Event, EventId, Fact, Failure, Instant, Letter, Origin, Outcome, Past, Priority,
        Request, Sent, Why,
    },
    plan::Repeat,
    story::Watched,
    trial::sim::{PlanBuilder, Spec},
    value::Value,
};

pub type Script = Arc<dyn Fn(&Request, usize) -> Result<Answer, Failure> + Send + Sync>;

/// A machine and everything around it, played by hand.
pub struct Play {
    pub birth: Birth,
    pub script: Script,
    pub seed: u64,
    pub now: Instant,
    /// Stop after so many facts: a crash.
    pub stop: Option<usize>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Played {
    pub facts: Vec<Fact>,
    pub sent: Vec<Request>,
    pub past: Option<Past>,
    pub at: Instant,
}

pub fn json(text: &str) -> Value {
    Value::parse(text.as_bytes()).unwrap()
}

pub fn play(
    plan: &PlanBuilder,
    event: &str,
    script: impl Fn(&Request, usize) -> Result<Answer, Failure> + Send + Sync + 'static,
) -> Play {
    let prepared = Arc::new(Prepared::new(plan.build().unwrap()));
    let event = Event {
        id: EventId(7),
        root: EventId(7),
        awaited_by: None,
        flow: Arc::clone(&prepared.plan.flow),
        lane: "lane".into(),
        key: "1".into(),
        fact: None,
        version: None,
        latest: true,
        origin: Origin::Source,
        priority: Priority::Normal,
        at: Instant(1),
        body: json(event),
    };
    let birth = Birth {
        prepared,
        event,
        facts: Vec::new(),
        effects: Vec::new(),
        last_used: None,
        policy: Arc::new(Policy { park_after: Duration::from_secs(60), ..Policy::default() }),
        salt: [1; 32],
        watched: Watched::No,
    };
    Play { birth, script: Arc::new(script), seed: 1, now: Instant(1_000_000), stop: None }
}

impl Play {
    pub fn roll(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.seed >> 33
    }

    /// Performs commands until the run is over, parked or stopped. Answers come in an order that the seed chooses.
    pub fn run(mut self) -> Played {
        let mut played = Played::default();
        let mut turn = Turn::new(self.now, self.seed);
        let mut machine = Machine::begin(self.birth.clone(), &mut turn);
        let mut waiting: Vec<(Instant, Input)> = Vec::new();
        let mut ready: VecDeque<Input> = VecDeque::new();
        let mut asked = BTreeMap::new();
        let mut calls: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        loop {
            for command in std::mem::take(&mut turn.out) {
                match command {
                    Command::Ask { step, attempt, request, .. } => {
                        asked.insert((step, attempt), request);
                        ready.push_back(Input::Permit { step, attempt });
                    }
                    Command::Leave { step, attempt, facts, .. } => {
                        played.facts.extend(facts);
                        let request = &asked[&(step, attempt)];
                        let count = calls.entry(Arc::clone(&request.operation)).or_default();
                        *count += 1;
                        let got = (self.script)(request, *count);
                        played.sent.push((**request).clone());
                        ready.push_back(Input::Answer { step, attempt, got });
                    }
                    Command::Record(facts) => played.facts.extend(facts),
                    Command::Park(facts) => played.facts.extend(facts),
                    Command::Wake { timer, at } => waiting.push((at, Input::Due(timer))),
                    Command::End { past, .. } => {
                        played.facts.push(Fact::Ended((*past).clone()));
                        played.past = Some(*past);
                    }
                    Command::Child { .. } | Command::Note(_) | Command::Tell(_) => {}
                }
            }
            played.at = self.now;
            if machine.is_over() || self.stop.is_some_and(|stop| played.facts.len() >= stop) {
                return played;
            }
            let input = if ready.is_empty() {
                waiting.sort_by_key(|(at, _)| *at);
                assert!(!waiting.is_empty(), "nothing is under way, and the run is not over");
                let (at, input) = waiting.remove(0);
                self.now = self.now.max(at);
                input
            } else {
                let at = (self.roll() % ready.len() as u64) as usize;
                ready.remove(at).unwrap()
            };
            turn = Turn::new(self.now, self.roll());
            machine.on(input, &mut turn);
        }
    }
}

impl Played {
    pub fn node(&self, name: &str) -> &str {
        let past = self.past.as_ref().expect("the run ended");
        &past.nodes.iter().find(|node| &*node.name == name).expect("the plan has the node").outcome
    }

    pub fn outcome(&self) -> Outcome {
        self.past.as_ref().expect("the run ended").outcome
    }

    pub fn parked(&self) -> (&Why, Option<Instant>, &[Letter]) {
        let parked = self.facts.iter().rev().find_map(|fact| match fact {
            Fact::Parked(parked) => Some((&parked.why, parked.due, parked.letters.as_slice())),
            _ => None,
        });
        parked.expect("the run parked")
    }

    pub fn codes(&self) -> Vec<Code> {
        self.parked().2.iter().map(|letter| letter.code).collect()
    }

    pub fn sent(&self, operation: &str) -> Vec<&Value> {
        self.sent.iter().filter(|sent| &*sent.operation == operation).flat_map(|sent| &sent.inputs).collect()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "scripts answer or fail")]
pub fn ok(value: &str) -> Result<Answer, Failure> {
    Ok(Answer::One(json(value)))
}

pub fn fails(class: Class, sent: Sent) -> Result<Answer, Failure> {
    Err(Failure::new(class, sent, "it failed"))
}

pub fn order() -> Spec {
    Spec::read("order", "store.get").with("id", "{{ event.id }}")
}

pub const ORDER: &str =
    r#"{"id":1,"status":"paid","lines":[{"sku":"A","n":1},{"sku":"B","n":2},{"sku":"A","n":3}]}"#;

pub fn look() -> Repeat {
    Repeat::Look { operation: "find".into(), settle: Duration::from_secs(20), lag: Duration::from_secs(5) }
}
