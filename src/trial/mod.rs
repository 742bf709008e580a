//! Worlds to try flows in. In: plans and scripts. Out: what happened, and whether it may. It must never reach a network.

mod books;
mod case;
mod compare;
mod coverage;
mod fragment;
mod given;
mod run;
pub mod sim;
mod world;

pub use self::{
    compare::{Difference, Measure, differences},
    run::{Miss, Report, Told, run},
};
