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

mod bad_input;
mod by_hand;
mod canary;
mod cases;
mod check;
mod connectors;
mod constructs;
mod demo;
mod despatch;
mod editor;
mod full_disk;
mod golden;
mod journey;
mod kills;
mod laws;
mod limits_proof;
mod machine;
mod machine_orders;
mod machine_play;
mod mappings;
mod money;
mod money_judge;
mod money_walk;
mod operators;
mod pages;
mod planted;
mod planted_estate;
mod program;
mod readers;
mod requirements;
mod restart;
mod service;
mod simulator;
mod simulator_lasts;
mod simulator_orders;
mod site;
mod views;
mod wire;
mod wire_server;
mod written;
