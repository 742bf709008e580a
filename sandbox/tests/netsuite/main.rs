//! The `NetSuite` twin over real HTTP: a server on a free port, a plain client with its own signatures, and checks against
//! the platform's documented behaviour.

#![expect(clippy::unwrap_used, reason = "a test stops at what cannot be")]

mod clients;
mod desk;
mod limits;
mod lists;
mod login;
mod orders;
mod records;
mod script;
mod suiteql;
mod totals;
