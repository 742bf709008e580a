//! The store's twin over real HTTP: a server on a free port, a plain client, and checks against the platform's
//! documented behaviour.

mod cases;
mod faults;
mod hooks;
mod orders;
mod records;
mod shop;
mod totals;
