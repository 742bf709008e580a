//! One integration binary: each module is a suite.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    missing_docs,
    reason = "tests say what went wrong by failing"
)]

mod by_hand;
mod cases;
mod check;
mod connectors;
mod demo;
mod golden;
mod journey;
mod kills;
mod laws;
mod limits_proof;
mod machine;
mod machine_orders;
mod machine_play;
mod planted;
mod program;
mod requirements;
mod service;
mod simulator;
mod views;
mod site;
mod wire;
mod wire_server;
mod written;
