//! Which run goes next: lanes, coalescing, order, and runs that are parked. In: events, ends, parks, dues. Out: what to start.
//! Pure and in memory: it is rebuilt from open runs. It must never wait or write.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use super::policy::{Guard, Guards};
use crate::event::{
    Event, Instant, Parked, RunId, Why,
    table::{Hold, LaneState},
};

#[cfg(test)]
mod tests;

/// A flow and what the event is about.
type Key = (Arc<str>, Arc<str>);

/// The queue of lanes with child runs that are waited for.
const URGENT: usize = 0;

fn is_waited_for(event: &Event) -> bool {
    event.awaited_by.is_some()
}

/// All lanes.
#[derive(Clone, Debug, Default)]
pub struct Lanes {
    all: HashMap<Arc<str>, Lane>,
    /// Lanes that may have something to start: those with child runs that are waited for, then by priority.
    ready: [VecDeque<Arc<str>>; 4],
    /// Lanes whose next event needs a connection that is held.
    held: Vec<Arc<str>>,
    /// Parked runs that come back by themselves.
    dues: BTreeSet<(Instant, RunId)>,
    /// Where a parked or waiting run is.
    places: HashMap<RunId, Arc<str>>,
    active: usize,
    /// Events that wait.
    waits: usize,
    guards: Guards,
    gives_way: u8,
    /// Flows whose newer events take over from any parked run.
    always: HashSet<Arc<str>>,
}

#[derive(Clone, Debug, Default)]
struct Lane {
    running: Vec<Running>,
    waiting: VecDeque<Event>,
    resumes: VecDeque<RunId>,
    parked: BTreeMap<RunId, Stand>,
    gave_way: u8,
    /// In which queue of `ready` it stands.
    queued: Option<usize>,
}

#[derive(Clone, Debug)]
struct Running {
    run: RunId,
    key: Key,
    latest: bool,
    over: Vec<RunId>,
    nudged: bool,
}

/// A parked run as its lane sees it.
#[derive(Clone, Debug)]
pub struct Stand {
    /// Its event.
    pub event: Event,
    /// Why it stands.
    pub hold: Hold,
    /// Whether it stands for a person.
    pub letter: bool,
    /// Whether it has not begun and nobody need mind it.
    later: bool,
}

/// What became of an offered event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// One that waits is as new.
    Known,
    /// It waits.
    Waits {
        /// A run of the key that has only read and may give way.
        nudge: Option<RunId>,
    },
    /// It waits in the place of an older one.
    Replaces(RunId),
}

/// A run to start.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its event.
    pub event: Event,
    /// Whether it goes on from its facts.
    pub resume: bool,
    /// A parked run of the key that never sent anything: it ends, superseded.
    pub supersedes: Vec<Event>,
    /// Whether effects of a parked run of the key are inherited.
    pub inherits: bool,
}

impl Lanes {
    /// No lanes yet.
    pub fn new(guards: Guards, gives_way: u8) -> Self {
        Self { guards, gives_way, ..Self::default() }
    }

    /// Says of a flow whether a newer event takes over from any parked run of its key (`supersede: always`).
    pub fn supersedes(&mut self, flow: &Arc<str>, always: bool) {
        if always {
            self.always.insert(Arc::clone(flow));
        } else {
            self.always.remove(flow);
        }
    }

    /// Runs that count for the quota.
    pub fn active(&self) -> usize {
        self.active
    }

    /// Whether nothing runs, nothing can start, and nothing is held; what is parked may remain, and what waits behind it.
    pub fn is_idle(&self) -> bool {
        self.active == 0 && self.held.is_empty() && self.ready.iter().all(VecDeque::is_empty)
    }

    /// Events that wait.
    pub fn waiting(&self) -> usize {
        self.waits
    }

    /// Parked runs, and those that came back.
    pub fn parked_runs(&self) -> usize {
        self.places.len().saturating_sub(self.waits)
    }

    /// Whether a lane is here.
    pub fn has(&self, lane: &str) -> bool {
        self.all.contains_key(lane)
    }

    /// Whether a run waits or is parked here, or came back.
    pub fn knows(&self, run: RunId) -> bool {
        self.places.contains_key(&run)
    }

    /// Takes an event that nobody knew.
    pub fn offer(&mut self, event: Event) -> Taken {
        let lane = self.all.entry(Arc::clone(&event.lane)).or_default();
        let same = |other: &Event| other.flow == event.flow && other.key == event.key && other.latest;
        if let Some(at) = lane.waiting.iter().position(same).filter(|_| event.latest) {
            let older = &lane.waiting[at];
            if event.version.is_some() && event.version <= older.version {
                return Taken::Known;
            }
            let old = older.id;
            self.places.remove(&old);
            self.places.insert(event.id, Arc::clone(&event.lane));
            lane.waiting[at] = event;
            return Taken::Replaces(old);
        }
        let nudge = self.nudge(&event);
        self.push(event);
        Taken::Waits { nudge }
    }

    /// A run of the key that has only read and may give way.
    fn nudge(&mut self, event: &Event) -> Option<RunId> {
        let lane = self.all.get_mut(&event.lane)?;
        let key = (Arc::clone(&event.flow), Arc::clone(&event.key));
        let gives_way = self.gives_way;
        let may = event.latest && lane.gave_way < gives_way;
        let nudge = lane.running.iter_mut().find(|run| may && run.latest && run.key == key && !run.nudged);
        nudge.map(|run| {
            run.nudged = true;
            run.run
        })
    }

    /// Puts an event behind all that wait; it replaces nothing.
    pub fn push(&mut self, event: Event) {
        self.places.insert(event.id, Arc::clone(&event.lane));
        let name = Arc::clone(&event.lane);
        self.waits += 1;
        self.all.entry(Arc::clone(&name)).or_default().waiting.push_back(event);
        self.queue(&name);
    }

    /// Whether an event of the same flow and key waits.
    pub fn waits(&self, event: &Event) -> bool {
        let same = |other: &Event| other.flow == event.flow && other.key == event.key;
        self.all.get(&event.lane).is_some_and(|lane| lane.waiting.iter().any(same))
    }

    /// Puts back an event that was ours before a restart, without asking what it replaces.
    pub fn restore(&mut self, event: Event, parked: Option<&Parked>, frozen: bool) {
        let (name, id) = (Arc::clone(&event.lane), event.id);
        let lane = self.all.entry(Arc::clone(&name)).or_default();
        self.places.insert(id, Arc::clone(&name));
        match parked {
            Some(parked) => self.stand(event, parked),
            None if frozen => {
                let hold = if self.guards.has(Guard::Doubt) { Hold::Doubt } else { Hold::Letter };
                lane.parked.insert(id, Stand { event, hold, letter: false, later: false });
                lane.resumes.push_back(id);
                self.queue(&name);
            }
            None => {
                lane.waiting.push_back(event);
                self.waits += 1;
                self.queue(&name);
            }
        }
    }

    fn stand(&mut self, event: Event, parked: &Parked) {
        let hold = match (parked.doubt, parked.frozen, &parked.why) {
            (true, ..) => Hold::Doubt,
            (_, false, _) => Hold::Fresh,
            (_, true, Why::Letter) => Hold::Letter,
            (_, true, _) => Hold::Until,
        };
        if let Some(due) = parked.due {
            self.dues.insert((due, event.id));
        }
        let lane = self.all.entry(Arc::clone(&event.lane)).or_default();
        let newer = lane.waiting.iter().any(|waits| waits.flow == event.flow && waits.key == event.key);
        let (letter, later) = (parked.why == Why::Letter, parked.why == Why::Later);
        // A run that was looked after for a newer event and is still in doubt gives way as a letter does, its effects go
        // over; one that comes back by itself is waited for.
        let hold = match (hold, newer && event.latest) {
            (Hold::Doubt, true) if letter => Hold::Letter,
            (Hold::Doubt, true) => Hold::Until,
            _ => hold,
        };
        lane.parked.insert(event.id, Stand { event, hold, letter, later });
    }

    /// Says that a lane may have something to start.
    fn queue(&mut self, name: &Arc<str>) {
        let Some(lane) = self.all.get_mut(name) else { return };
        let urgent = lane.waiting.iter().any(is_waited_for);
        if urgent && lane.queued != Some(URGENT) {
            lane.queued = Some(URGENT);
            self.ready[URGENT].push_back(Arc::clone(name));
        } else if lane.queued.is_none() {
            let next =
                lane.resumes.front().and_then(|run| lane.parked.get(run)).map(|stand| stand.event.priority);
            let next = next.or_else(|| lane.waiting.front().map(|event| event.priority));
            let place = URGENT + 1 + next.unwrap_or_default() as usize;
            lane.queued = Some(place);
            self.ready[place].push_back(Arc::clone(name));
        }
    }

    /// The next run to start, if the quota allows one more. `held`: a connection that the event's flow needs is held.
    pub fn next(&mut self, quota: usize, held: impl Fn(&Event) -> bool) -> Option<Start> {
        loop {
            // Child runs go even if the quota is used up: their parents wait for them.
            let queues = if self.active < quota { self.ready.len() } else { URGENT + 1 };
            let name = self.ready[..queues].iter_mut().find_map(VecDeque::pop_front)?;
            let Some(lane) = self.all.get_mut(&name) else { continue };
            lane.queued = None;
            match lane.pick(&held, self.guards, &self.always) {
                Pick::Start(start) => {
                    let start = *start;
                    if !start.resume {
                        self.places.remove(&start.event.id);
                        self.waits -= 1;
                    }
                    for old in &start.supersedes {
                        self.places.remove(&old.id);
                        self.dues.retain(|(_, run)| *run != old.id);
                    }
                    self.dues.retain(|(_, run)| *run != start.event.id);
                    self.active += 1;
                    if !self.guards.has(Guard::Lane) {
                        self.queue(&name);
                    }
                    return Some(start);
                }
                Pick::Held => self.held.push(name),
                Pick::Nothing => self.forget(&name),
            }
        }
    }

    fn forget(&mut self, name: &Arc<str>) {
        if self.all.get(name).is_some_and(Lane::is_empty) {
            self.all.remove(name);
        }
    }

    /// Lets held lanes ask again.
    pub fn release(&mut self) {
        for name in std::mem::take(&mut self.held) {
            self.queue(&name);
        }
    }

    /// Whether lanes are held.
    pub fn any_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// A run ended. Gives the letters of the key that it supersedes, if it ended well.
    pub fn ended(&mut self, event: &Event, ok: bool, gave_way: bool) -> Vec<Event> {
        self.active = self.active.saturating_sub(1);
        self.places.remove(&event.id);
        let Some(lane) = self.all.get_mut(&event.lane) else { return Vec::new() };
        let over = lane.remove(event.id);
        lane.gave_way = if gave_way { lane.gave_way.saturating_add(1) } else { 0 };
        let superseded = if ok { self.supersede(&event.lane, over) } else { Vec::new() };
        self.queue(&event.lane);
        superseded
    }

    /// A run parked. Gives the older letters of the key: their effects have gone over to it, so they end, superseded.
    pub fn parked(&mut self, event: Event, parked: &Parked) -> Vec<Event> {
        self.active = self.active.saturating_sub(1);
        let name = Arc::clone(&event.lane);
        let over = self.all.get_mut(&name).map(|lane| lane.remove(event.id)).unwrap_or_default();
        let superseded = self.supersede(&name, over);
        self.places.insert(event.id, Arc::clone(&name));
        self.stand(event, parked);
        self.queue(&name);
        superseded
    }

    fn supersede(&mut self, name: &Arc<str>, runs: Vec<RunId>) -> Vec<Event> {
        let mut superseded = Vec::new();
        for run in runs {
            if let Some(stand) = self.all.get_mut(name).and_then(|lane| lane.parked.remove(&run)) {
                self.places.remove(&run);
                self.dues.retain(|(_, due)| *due != run);
                superseded.push(stand.event);
            }
        }
        superseded
    }

    /// The earliest instant at which a parked run comes back.
    pub fn next_due(&self) -> Option<Instant> {
        self.dues.first().map(|(at, _)| *at)
    }

    /// Brings back all parked runs that are due.
    pub fn wake(&mut self, now: Instant) {
        while let Some((at, run)) = self.dues.first().copied().filter(|(at, _)| *at <= now) {
            self.dues.remove(&(at, run));
            self.resume(run);
        }
    }

    /// Brings back a parked run. False: there is none of that name.
    pub fn resume(&mut self, run: RunId) -> bool {
        let Some(name) = self.places.get(&run).cloned() else { return false };
        let Some(lane) = self.all.get_mut(&name) else { return false };
        if !lane.parked.contains_key(&run) {
            return false;
        }
        if !lane.resumes.contains(&run) {
            lane.resumes.push_back(run);
        }
        self.queue(&name);
        true
    }

    /// A parked run.
    pub fn standing(&self, run: RunId) -> Option<&Stand> {
        self.all.get(self.places.get(&run)?)?.parked.get(&run)
    }

    /// Takes away a waiting event or a parked run.
    pub fn drop(&mut self, run: RunId) -> Option<Event> {
        let name = self.places.remove(&run)?;
        self.dues.retain(|(_, due)| *due != run);
        let lane = self.all.get_mut(&name)?;
        lane.resumes.retain(|resume| *resume != run);
        let at = lane.waiting.iter().position(|event| event.id == run);
        let gone = match at {
            Some(at) => {
                self.waits -= 1;
                lane.waiting.remove(at)
            }
            None => lane.parked.remove(&run).map(|stand| stand.event),
        };
        self.queue(&name);
        gone
    }

    /// A run waits for a child: it does not count for the quota meanwhile.
    pub fn awaits(&mut self, waits: bool) {
        self.active = if waits { self.active.saturating_sub(1) } else { self.active + 1 };
    }

    /// The lane as a key of it sees it, for the table.
    pub fn state(&self, event: &Event) -> LaneState {
        let Some(lane) = self.all.get(&event.lane) else { return LaneState::Idle };
        let stands =
            |stand: &&Stand| !stand.later && stand.event.flow == event.flow && stand.event.key == event.key;
        if let Some(running) = lane.running.first() {
            let over = running.over.iter().any(|run| lane.parked.contains_key(run));
            return if over { LaneState::RunningOver } else { LaneState::Running };
        }
        match lane.parked.values().rev().find(stands) {
            Some(stand) if !stand.event.latest => LaneState::Blocked,
            Some(stand) => LaneState::Parked(stand.hold),
            None if self.held.contains(&event.lane) => LaneState::Held,
            None => LaneState::Idle,
        }
    }
}

/// What a lane has to start.
enum Pick {
    Start(Box<Start>),
    Held,
    Nothing,
}

impl Lane {
    fn is_empty(&self) -> bool {
        self.running.is_empty()
            && self.waiting.is_empty()
            && self.resumes.is_empty()
            && self.parked.is_empty()
    }

    fn remove(&mut self, run: RunId) -> Vec<RunId> {
        let at = self.running.iter().position(|running| running.run == run);
        at.map(|at| self.running.remove(at).over).unwrap_or_default()
    }

    fn pick(&mut self, held: &impl Fn(&Event) -> bool, guards: Guards, always: &HashSet<Arc<str>>) -> Pick {
        if !self.running.is_empty() && guards.has(Guard::Lane) {
            return Pick::Nothing;
        }
        while let Some(run) = self.resumes.front().copied() {
            if self.parked.get(&run).is_some_and(|stand| held(&stand.event)) {
                return Pick::Held;
            }
            self.resumes.pop_front();
            if let Some(stand) = self.parked.remove(&run) {
                return self.go(stand.event, true, Vec::new(), Vec::new());
            }
        }
        if self.parked.values().any(|stand| !stand.event.latest) {
            return Pick::Nothing;
        }
        for at in 0..self.waiting.len() {
            let event = &self.waiting[at];
            let mine = |stand: &&Stand| {
                !stand.later && stand.event.flow == event.flow && stand.event.key == event.key
            };
            let stands: Vec<(RunId, Hold)> =
                self.parked.values().filter(mine).map(|stand| (stand.event.id, stand.hold)).collect();
            if stands.iter().any(|(_, hold)| *hold == Hold::Until) && !always.contains(&event.flow) {
                continue;
            }
            if held(event) {
                return Pick::Held;
            }
            let doubtful = stands.iter().find(|(_, hold)| *hold == Hold::Doubt);
            if let Some(stand) = doubtful.and_then(|(run, _)| self.parked.remove(run)) {
                return self.go(stand.event, true, Vec::new(), Vec::new());
            }
            let Some(event) = self.waiting.remove(at) else { continue };
            let fresh = stands.iter().filter(|(_, hold)| *hold == Hold::Fresh).map(|(run, _)| *run);
            let gone = fresh.filter_map(|run| self.parked.remove(&run)).map(|stand| stand.event).collect();
            let over = stands.iter().filter(|(_, hold)| *hold != Hold::Fresh).map(|(run, _)| *run).collect();
            return self.go(event, false, gone, over);
        }
        Pick::Nothing
    }

    fn go(&mut self, event: Event, resume: bool, supersedes: Vec<Event>, over: Vec<RunId>) -> Pick {
        let key = (Arc::clone(&event.flow), Arc::clone(&event.key));
        let newer = self.waiting.iter().any(|other| other.flow == key.0 && other.key == key.1);
        let inherits = !over.is_empty();
        let (run, latest) = (event.id, event.latest);
        self.running.push(Running { run, key, latest, over, nudged: newer });
        Pick::Start(Box::new(Start { event, resume, supersedes, inherits }))
    }
}
