//! One integration binary: each module is a suite.

mod cases;
mod check;
mod golden;
mod journey;
mod laws;
mod planted;
mod program;
mod simulator;
mod written;
