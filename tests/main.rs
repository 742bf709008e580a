//! One integration binary: each module is a suite.

mod cases;
mod check;
mod connectors;
mod golden;
mod journey;
mod laws;
mod planted;
mod program;
mod service;
mod simulator;
mod wire;
mod wire_server;
mod written;
