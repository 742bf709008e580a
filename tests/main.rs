//! One integration binary: each module is a suite.

mod check;
mod golden;
mod laws;
mod program;
mod service;
mod simulator;
mod written;
