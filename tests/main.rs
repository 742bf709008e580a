//! One integration binary: each module is a suite.

mod golden;
mod laws;
mod program;
mod written;
