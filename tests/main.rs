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

mod cases;
mod check;
mod connectors;
mod full_disk;
mod golden;
mod journey;
mod laws;
mod machine;
mod machine_orders;
mod machine_play;
mod planted;
mod program;
mod service;
mod simulator;
mod wire;
mod wire_server;
mod written;
