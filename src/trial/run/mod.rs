//! Runs cases. In: paths, and a place to read files from. Out: which cases hold, what differs in those that do not, and what
//! no case reaches. It must never reach a network or use real time.

mod expect;
mod play;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use self::{
    expect::Judge,
    play::{PATIENCE, Stage},
};
pub use super::case::Miss;
use super::{
    books,
    case::{self, Subject},
    coverage::Seen,
    fragment,
    sim::Scheduler,
    world::Scripted,
};
use crate::{
    compile::{Compiled, Over, compile, compile_with},
    estate::{Files, Part, SHIPPED},
    event::Instant,
    journal::{Journal as _, Memory},
    problem::{Problem, Severity},
    source::{Sources, Span},
    syntax::case::{Case, Cases, Happening, Start},
};

/// Everything that came of some cases.
#[derive(Debug, Default)]
pub struct Report {
    /// Every file that was read.
    pub sources: Sources,
    /// What is wrong with the files themselves.
    pub problems: Vec<Problem>,
    /// Every case, in the order of the files.
    pub told: Vec<Told>,
    /// Flows whose cases were all run, and what none of them reaches.
    pub unreached: Vec<(Arc<str>, Vec<String>)>,
}

impl Report {
    /// Whether every case holds and every file is good.
    pub fn is_good(&self) -> bool {
        self.told.iter().all(Told::is_good)
            && self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }
}

/// What came of one case.
#[derive(Clone, Debug)]
pub struct Told {
    /// The flow or fragment.
    pub subject: Arc<str>,
    /// The case.
    pub name: Arc<str>,
    /// What it shows.
    pub title: Option<Arc<str>>,
    /// Where it stands.
    pub span: Span,
    /// What is not as it wants it.
    pub misses: Vec<Miss>,
}

impl Told {
    /// Whether it holds.
    pub fn is_good(&self) -> bool {
        self.misses.is_empty()
    }
}

/// Runs the cases of test files, of flows or of folders; without paths, those of the estate around, or the shipped one.
///
/// On a thread of its own: inside a runtime its tasks would be counted among those of the runtime and told to pause.
pub fn run(files: &dyn Files, paths: &[PathBuf], environment: Option<&str>) -> Report {
    let work = || run_here(files, paths, environment);
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn run_here(files: &dyn Files, paths: &[PathBuf], environment: Option<&str>) -> Report {
    let compiled = compile(files, paths, environment);
    let shipped = compiled.estate.root.is_none() && paths.is_empty();
    let files_of_cases: &dyn Files = if shipped { &SHIPPED } else { files };
    let mut seen = Seen::default();
    let mut told = Vec::new();
    let mut with_settings: Vec<(Vec<Over>, Compiled)> = Vec::new();
    for part in compiled.estate.cases.iter().filter(|part| is_chosen(&compiled, part)) {
        let over = overs(&compiled, part);
        let shared = with_settings.iter().position(|(known, own)| alike(known, &over) && !own.has_errors());
        let own = shared.unwrap_or(with_settings.len());
        if !over.is_empty() && shared.is_none() {
            with_settings.push((over.clone(), compile_with(files, paths, environment, &over)));
        }
        let compiled = with_settings.get(own).map_or(&compiled, |(_, own)| own);
        let folder = part.path.parent().unwrap_or(Path::new(""));
        let mut play = Play { compiled, files: files_of_cases, folder, part, seen: &mut seen };
        told.extend(part.tree.cases.iter().map(|case| Told {
            subject: Arc::clone(&part.tree.subject.value),
            name: Arc::clone(&case.name.value),
            title: case.title.as_ref().map(|title| Arc::clone(&title.value)),
            span: case.name.span,
            misses: play.case(case),
        }));
    }
    let unreached = unreached(&compiled, &seen);
    // What is wrong with a name in a case is told with the case.
    let is_told = |problem: &Problem| {
        let span = problem.labels.first().map(|label| label.span);
        !is_form(problem) && told.iter().any(|told| told.misses.iter().any(|miss| Some(miss.span) == span))
    };
    let problems = compiled.problems.into_iter().filter(|problem| !is_told(problem)).collect();
    Report { sources: compiled.sources, problems, told, unreached }
}

/// Whether it is the form of a file that is wrong.
fn is_form(problem: &Problem) -> bool {
    problem.code.starts_with("FR1")
}

/// Whether the cases were asked for: their file, or that of what they are about.
fn is_chosen(compiled: &Compiled, part: &Part<Cases>) -> bool {
    let subject = &part.tree.subject.value;
    let estate = &compiled.estate;
    let flow = estate.flows.iter().find(|flow| flow.tree.name.value == *subject).map(|flow| flow.file);
    let fragment =
        estate.fragments.iter().find(|part| part.tree.name.value == *subject).map(|part| part.file);
    [Some(part.file), flow, fragment].iter().flatten().any(|file| estate.asked.contains(file))
}

/// The settings of a test file by the estate's names of connections.
fn overs(compiled: &Compiled, part: &Part<Cases>) -> Vec<Over> {
    let flow = compiled.estate.flows.iter().find(|flow| flow.tree.name.value == part.tree.subject.value);
    let mut overs = Vec::new();
    for (local, settings) in &part.tree.settings {
        let connections = flow.iter().flat_map(|flow| &flow.tree.connections);
        let estate =
            connections.clone().find(|(name, _)| name.value == local.value).map(|(_, estate)| estate);
        let estate = estate.unwrap_or(local);
        overs.extend(
            settings.iter().map(|(name, value)| (Arc::clone(&estate.value), name.clone(), value.clone())),
        );
    }
    overs
}

/// Whether two test files set the same, wherever they say it.
fn alike(one: &[Over], other: &[Over]) -> bool {
    let said = |over: &Over| (Arc::clone(&over.0), Arc::clone(&over.1.value), Arc::clone(&over.2.text));
    one.iter().map(said).eq(other.iter().map(said))
}

fn unreached(compiled: &Compiled, seen: &Seen) -> Vec<(Arc<str>, Vec<String>)> {
    let cases = &compiled.estate.cases;
    let all_run = |flow: &Arc<str>| {
        let mut own = cases.iter().filter(|part| part.tree.subject.value == *flow).peekable();
        own.peek().is_some() && own.all(|part| is_chosen(compiled, part))
    };
    let plans = compiled.plans.iter().filter(|plan| all_run(&plan.flow));
    plans
        .map(|plan| (Arc::clone(&plan.flow), seen.missing(plan)))
        .filter(|(_, missing)| !missing.is_empty())
        .collect()
}

/// What the cases of one file share.
struct Play<'a> {
    compiled: &'a Compiled,
    files: &'a dyn Files,
    folder: &'a Path,
    part: &'a Part<Cases>,
    seen: &'a mut Seen,
}

impl Play<'_> {
    /// What is not as a case wants it.
    fn case(&mut self, case: &Case) -> Vec<Miss> {
        match self.played(case) {
            Ok(misses) => misses,
            Err(miss) => vec![miss],
        }
    }

    fn played(&mut self, case: &Case) -> Result<Vec<Miss>, Miss> {
        let name = &self.part.tree.subject;
        let estate = &self.compiled.estate;
        let told = self.told(case);
        if !told.is_empty() {
            return Ok(told);
        }
        match &case.start {
            Start::Fragment { with, ends } => {
                let found = estate.fragments.iter().find(|part| part.tree.name.value == name.value);
                let none = || Miss::fault(name.span, format!("there is no fragment `{}`", name.value));
                let fragment = &found.ok_or_else(none)?.tree;
                Ok(fragment::judge(self.compiled, fragment, case, with, ends))
            }
            Start::Flow(first) => {
                let found = estate.flows.iter().find(|part| part.tree.name.value == name.value);
                let none = || Miss::fault(name.span, format!("there is no flow `{}`", name.value));
                let flow = &found.ok_or_else(none)?.tree;
                let refused = || {
                    let told = format!("the flow `{0}` has problems: see `flowrun validate`", name.value);
                    Miss::fault(name.span, told)
                };
                let plan = self.compiled.plan(&name.value).ok_or_else(refused)?;
                let (compiled, files, folder) = (self.compiled, self.files, self.folder);
                let subject = Subject { compiled, files, folder, flow, plan };
                self.flow(case, first, &subject)
            }
        }
    }

    /// What is wrong with a case before it is played: names that are not there, settings that its connections do not take.
    fn told(&self, case: &Case) -> Vec<Miss> {
        let others = |span: &Span| {
            let mut others = self.part.tree.cases.iter().filter(|other| other.span != case.span);
            others.any(|other| (other.span.start..other.span.end).contains(&span.start))
        };
        let errors = self.compiled.problems.iter().filter(|problem| problem.severity == Severity::Error);
        let places = errors.filter_map(|problem| Some((problem, problem.labels.first()?.span)));
        let own = places.filter(|(_, span)| span.file == self.part.file && !others(span));
        own.map(|(problem, span)| {
            let help = problem.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
            Miss::fault(span, format!("{}{help}", problem.message))
        })
        .collect()
    }

    fn flow(&mut self, case: &Case, first: &Happening, subject: &Subject<'_>) -> Result<Vec<Miss>, Miss> {
        let start = case::start(case.now.as_ref())?;
        let script = subject.script(&case.answers)?;
        let clock = Scheduler::new(start, 1);
        let plans = subject.plans(&script);
        let world = Scripted::new(clock.clone(), script);
        let journal = Memory::default();
        let held = books::start(self.compiled, &case.memory, (&journal.salt(), start))?;
        journal.append(held).map_err(|error| Miss::fault(case.span, error.to_string()))?;
        let stage = Stage::new(plans, clock, (world, journal)).map_err(|told| Miss::fault(case.span, told));
        let mut stage = stage?;
        let flow = &subject.plan.flow;
        stage.offer(start, flow, subject.event(first)?, case.name.span);
        for (at, happening) in &case.then {
            stage.offer(start + at.value, flow, subject.event(happening)?, at.span);
        }
        let misses = self.judged(case, subject, &mut stage, start);
        let mut wrong = stage.refused();
        let unscripted: BTreeMap<_, _> = stage.world.unscripted().into_iter().rev().collect();
        wrong.extend(unscripted.into_iter().map(|((connection, operation), told)| {
            let local = subject.flow.connections.iter().find(|(_, estate)| estate.value == connection);
            let local = local.map_or(&connection, |(local, _)| &local.value);
            Miss::fault(case.name.span, format!("{local}.{operation} {told}"))
        }));
        // What follows from a call without an answer is no news.
        Ok(if wrong.is_empty() { misses } else { wrong })
    }

    /// Plays to each instant that something is expected of.
    fn judged(&mut self, case: &Case, subject: &Subject<'_>, stage: &mut Stage, start: Instant) -> Vec<Miss> {
        let mut expected: Vec<_> = case.expect.iter().collect();
        expected.sort_by_key(|expect| expect.at.as_ref().map_or(Duration::MAX, |at| at.value));
        let then = case.then.iter().map(|(at, _)| at.value).max().unwrap_or_default();
        let mut misses = Vec::new();
        for expect in expected {
            let until = expect.at.as_ref().map_or(then + PATIENCE, |at| at.value);
            if !stage.play(start + until, self.seen) {
                misses.push(Miss::fault(
                    expect.span,
                    "it never comes to rest: something is tried again without end",
                ));
                return misses;
            }
            let mut judge = Judge { subject, stage, misses };
            judge.judge(expect);
            misses = judge.misses;
        }
        misses
    }
}
