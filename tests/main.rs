//! One integration binary: each module is a suite.

mod laws;
mod program;
mod simulator;
