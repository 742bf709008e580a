//! The simulator: the real engine against an abstract platform, on one seeded scheduler with a virtual clock. In: a scenario,
//! where to crash, what goes wrong. Out: violations of what must always hold. It must never use real time.

mod case;
mod disk;
mod explore;
mod oracle;
mod plan;
mod platform;
mod probe;
mod scheduler;
mod world;

pub use self::{
    case::{Act, Case, Crash, Hook, Scenario, Verdict},
    disk::Tail,
    explore::{Explored, Explorer},
    oracle::Violation,
    plan::{PlanBuilder, Spec},
    platform::{Does, Done, Outcome, Physics, Platform, Script},
    probe::{Asks, At, Counts, Did, Happens, Point},
    scheduler::Scheduler,
};
