//! The simulator: the real engine against an abstract platform, on one seeded scheduler with a virtual clock. In: a plan, a
//! history of the platform, where to crash. Out: violations of what must always hold. It must never use real time.

mod plan;

pub use self::plan::{PlanBuilder, Spec};
