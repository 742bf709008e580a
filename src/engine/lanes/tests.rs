//! The whole space of one lane with two events of one key, walked breadth first: whatever the order of offers, ends, parks,
//! dues and operators, every move is in the tables, and from everywhere all events can still end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;
use crate::{
    event::{
        EventId, Origin, Priority,
        table::{EventInput, EventState, LaneInput, Mark, RunInput, RunState},
    },
    value::Value,
};

const DUE: Instant = Instant(10);

#[derive(Clone, Debug)]
struct Space {
    lanes: Lanes,
    events: BTreeMap<RunId, EventState>,
    runs: BTreeMap<RunId, RunState>,
    running: Option<RunId>,
    latest: bool,
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Offer(u64),
    Start,
    Freeze,
    EndOk,
    GiveWay,
    Park { letter: bool, doubt: bool },
    Wake,
    Retry(u64),
    Drop(u64),
}

const MOVES: &[Move] = &[
    Move::Offer(1),
    Move::Offer(2),
    Move::Start,
    Move::Freeze,
    Move::EndOk,
    Move::GiveWay,
    Move::Park { letter: false, doubt: false },
    Move::Park { letter: true, doubt: false },
    Move::Park { letter: false, doubt: true },
    Move::Park { letter: true, doubt: true },
    Move::Wake,
    Move::Retry(1),
    Move::Retry(2),
    Move::Drop(1),
    Move::Drop(2),
];

fn event(id: u64, latest: bool) -> Event {
    Event {
        id: EventId(id),
        root: EventId(id),
        awaited_by: None,
        flow: "orders".into(),
        lane: "orders/7".into(),
        key: "7".into(),
        fact: (!latest).then(|| id.to_string().into()),
        version: None,
        latest,
        origin: Origin::Source,
        priority: Priority::Normal,
        at: Instant(0),
        body: Value::Null,
    }
}

impl Space {
    fn new(latest: bool) -> Self {
        let events = [1, 2].map(|id| (EventId(id), EventState::New)).into();
        let lanes = Lanes::new(Guards::default(), 3);
        Self { lanes, events, runs: BTreeMap::new(), running: None, latest }
    }

    fn lane(&self) -> LaneState {
        self.lanes.state(&event(0, self.latest))
    }

    fn event_moves(&mut self, run: RunId, input: EventInput) {
        let (state, _) = self.events[&run].next(input).expect("the table of events lists it");
        self.events.insert(run, state);
    }

    fn run_moves(&mut self, run: RunId, input: RunInput) {
        let (state, _) = self.runs[&run].next(input).expect("the table of runs lists it");
        self.runs.insert(run, state);
    }

    /// The lane moved by an input: it must be where the table says. Gives the facts of the table.
    fn lane_moved(&self, before: LaneState, input: LaneInput) -> &'static [Mark] {
        let (wanted, marks) = before.next(input).expect("the table of lanes lists it");
        assert_eq!(self.lane(), wanted, "{before:?} + {input:?} in {self:#?}");
        marks
    }

    /// Makes a move; none if it is not possible here.
    fn after(&self, step: Move) -> Option<Self> {
        let mut next = self.clone();
        let before = self.lane();
        match step {
            Move::Offer(id) => next.offer(EventId(id))?,
            Move::Start => next.start(before)?,
            Move::Freeze => {
                let run = next.running.filter(|run| next.runs[run] == RunState::Fresh)?;
                next.run_moves(run, RunInput::WriteReady);
            }
            Move::EndOk => next.end(before, RunInput::Done)?,
            Move::GiveWay => {
                let run = next.running.filter(|run| next.runs[run] == RunState::Fresh)?;
                if !self.latest || !next.lanes.waits(&event(run.0, true)) {
                    return None;
                }
                next.end(before, RunInput::Newer)?;
            }
            Move::Park { letter, doubt } => next.park(before, letter, doubt)?,
            Move::Wake => {
                next.lanes.next_due()?;
                next.lanes.wake(DUE);
            }
            Move::Retry(id) => {
                let letter = next.lanes.standing(EventId(id)).is_some_and(|stand| stand.letter);
                if !letter || !next.lanes.resume(EventId(id)) {
                    return None;
                }
            }
            Move::Drop(id) => next.drop_run(EventId(id))?,
        }
        Some(next)
    }

    fn offer(&mut self, id: RunId) -> Option<()> {
        (self.events[&id] == EventState::New).then_some(())?;
        match self.lanes.offer(event(id.0, self.latest)) {
            Taken::Replaces(old) => self.event_moves(old, EventInput::Replaced),
            Taken::Waits { .. } => {}
            Taken::Known => panic!("without versions nothing is known"),
        }
        self.event_moves(id, EventInput::Fresh);
        Some(())
    }

    fn start(&mut self, before: LaneState) -> Option<()> {
        let start = self.lanes.next(9, |_| false)?;
        assert_eq!(self.running, None, "two runs of one lane");
        let run = start.event.id;
        self.running = Some(run);
        if start.resume {
            let was = self.runs[&run];
            let input = if matches!(was, RunState::Letter { .. }) { RunInput::Retry } else { RunInput::Due };
            self.run_moves(run, input);
            let waits = self.lanes.waits(&start.event);
            let by_event = waits && before == LaneState::Parked(Hold::Doubt);
            let input = if by_event { LaneInput::Event } else { LaneInput::Resume };
            let (wanted, _) = before.next(input).expect("the table of lanes lists it");
            assert_eq!(wanted, LaneState::Running);
        } else {
            self.event_moves(run, EventInput::Admit);
            self.runs.insert(run, RunState::Fresh);
            let marks = self.lane_moved(before, LaneInput::Event);
            assert_eq!(marks.contains(&Mark::Ended), !start.supersedes.is_empty(), "{before:?}");
        }
        for old in start.supersedes {
            self.run_moves(old.id, RunInput::Superseded);
            self.event_moves(old.id, EventInput::RunEnded);
        }
        Some(())
    }

    fn end(&mut self, before: LaneState, input: RunInput) -> Option<()> {
        let run = self.running.take()?;
        self.run_moves(run, input);
        self.event_moves(run, EventInput::RunEnded);
        let ok = input == RunInput::Done;
        let over = self.lanes.ended(&event(run.0, self.latest), ok, !ok);
        let marks = self.lane_moved(before, if ok { LaneInput::EndedOk } else { LaneInput::Ended });
        assert_eq!(marks.contains(&Mark::Ended), !over.is_empty(), "{before:?}");
        for old in over {
            self.run_moves(old.id, RunInput::Superseded);
            self.event_moves(old.id, EventInput::RunEnded);
        }
        Some(())
    }

    fn park(&mut self, before: LaneState, letter: bool, doubt: bool) -> Option<()> {
        let run = self.running?;
        let frozen = self.runs[&run] == RunState::Frozen;
        if doubt && !frozen {
            return None;
        }
        self.running = None;
        self.run_moves(run, if letter { RunInput::ParkLetter } else { RunInput::ParkUntil });
        let parked = Parked {
            run,
            at: Instant(0),
            why: if letter { Why::Letter } else { Why::Timer },
            due: (!letter).then_some(DUE),
            frozen,
            doubt,
            letters: Vec::new(),
            tries: Vec::new(),
        };
        let over = self.lanes.parked(event(run.0, self.latest), &parked);
        let hold = self.lanes.standing(run).expect("it stands").hold;
        let input = if self.latest { LaneInput::Parks(hold) } else { LaneInput::Blocks };
        let marks = self.lane_moved(before, input);
        assert_eq!(marks.contains(&Mark::Ended), !over.is_empty(), "{before:?}");
        for old in over {
            self.run_moves(old.id, RunInput::Superseded);
            self.event_moves(old.id, EventInput::RunEnded);
        }
        Some(())
    }

    fn drop_run(&mut self, run: RunId) -> Option<()> {
        let parked = self.lanes.standing(run).is_some();
        self.lanes.drop(run)?;
        if parked {
            self.run_moves(run, RunInput::Drop);
            self.event_moves(run, EventInput::RunEnded);
        } else {
            self.event_moves(run, EventInput::Drop);
        }
        Some(())
    }

    /// What tells two states apart.
    fn name(&self) -> String {
        format!("{:?} {:?} {:?} {:?}", self.lanes, self.events, self.runs, self.running)
    }

    fn is_done(&self) -> bool {
        use EventState::{Done, Dropped, Merged};
        self.events.values().all(|state| matches!(state, Done | Dropped | Merged))
    }

    /// Every event that is ours is in exactly one place.
    fn check(&self) {
        for (id, state) in &self.events {
            let waits = self
                .lanes
                .all
                .values()
                .flat_map(|lane| &lane.waiting)
                .filter(|event| event.id == *id)
                .count();
            let stands = usize::from(self.lanes.standing(*id).is_some());
            let runs = usize::from(self.running == Some(*id));
            let places = (waits, stands + runs);
            let wanted = match state {
                EventState::Waiting => (1, 0),
                EventState::Admitted => (0, 1),
                _ => (0, 0),
            };
            assert_eq!(places, wanted, "event {id} is {state:?} in {self:#?}");
        }
    }
}

/// All states, and for each the states it leads to.
fn explore(latest: bool) -> (Vec<Space>, Vec<Vec<usize>>) {
    let first = Space::new(latest);
    let mut numbers = BTreeMap::from([(first.name(), 0)]);
    let (mut states, mut edges) = (vec![first], Vec::new());
    let mut todo = VecDeque::from([0]);
    while let Some(at) = todo.pop_front() {
        let mut to = Vec::new();
        for step in MOVES {
            let Some(next) = states[at].after(*step) else { continue };
            next.check();
            let number = *numbers.entry(next.name()).or_insert(states.len());
            if number == states.len() {
                states.push(next);
                todo.push_back(number);
            }
            to.push(number);
        }
        edges.push(to);
    }
    (states, edges)
}

#[test]
fn every_move_is_in_the_tables_and_every_event_can_end() {
    for latest in [true, false] {
        let (states, edges) = explore(latest);
        println!("{} states with latest {latest}", states.len());
        assert!(states.len() > 100, "{}", states.len());
        let mut good: BTreeSet<usize> = (0..states.len()).filter(|at| states[*at].is_done()).collect();
        loop {
            let more: Vec<usize> = (0..states.len())
                .filter(|at| !good.contains(at) && edges[*at].iter().any(|to| good.contains(to)))
                .collect();
            if more.is_empty() {
                break;
            }
            good.extend(more);
        }
        let stuck = (0..states.len()).find(|at| !good.contains(at));
        assert!(stuck.is_none(), "from here not all can end: {:#?}", stuck.map(|at| &states[at]));
    }
}

#[test]
fn without_an_operator_only_letters_stay() {
    for latest in [true, false] {
        let (states, _) = explore(latest);
        for state in &states {
            let by_itself = [Move::Start, Move::EndOk, Move::Wake];
            let rests = by_itself.iter().all(|step| state.after(*step).is_none());
            let open: Vec<_> = state.events.iter().filter(|(_, at)| **at == EventState::Admitted).collect();
            let letters =
                open.iter().all(|(id, _)| state.lanes.standing(**id).is_some_and(|stand| stand.letter));
            assert!(!rests || letters, "{state:#?}");
        }
    }
}

#[test]
fn a_held_lane_goes_on_when_it_is_released() {
    let mut lanes = Lanes::new(Guards::default(), 3);
    lanes.offer(event(1, true));
    assert!(lanes.next(9, |_| true).is_none());
    assert_eq!(lanes.state(&event(1, true)), LaneState::Held);
    assert!(lanes.next(9, |_| false).is_none(), "it is not asked again before it is released");
    lanes.release();
    assert_eq!(lanes.next(9, |_| false).map(|start| start.event.id), Some(EventId(1)));
}

#[test]
fn the_quota_holds_but_for_children() {
    let mut lanes = Lanes::new(Guards::default(), 3);
    let at = |id: u64, origin: Origin| Event { lane: id.to_string().into(), origin, ..event(id, true) };
    for id in 1..=3 {
        lanes.offer(at(id, Origin::Source));
    }
    assert_eq!((0..3).filter(|_| lanes.next(2, |_| false).is_some()).count(), 2);
    let origin = Origin::Child { parent: EventId(1), awaited: true };
    lanes.offer(Event { awaited_by: Some(EventId(1)), ..at(4, origin) });
    let mut started = Vec::new();
    while let Some(start) = lanes.next(2, |_| false) {
        started.push(start.event.id);
    }
    assert!(started.contains(&EventId(4)), "{started:?}");
}
