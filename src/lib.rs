//! `flowrun` runs integration flows that analysts write as YAML.
//!
//! ```text
//!  file text ─► yaml ─► syntax ─► check ─► flow ─► plan ─► engine ─► event ─► journal
//!               (spans)  (AST)   (problems) (typed)  (DAG)    │                  │
//!                                                        World (trait)     story ─► report, page
//!                                                         ▲        ▲
//!                                                       wire     trial
//!                                                   (real HTTP) (scripted)
//! ```
//!
//! Text flows up one stair into a plan; the plan flows through one door ([`engine`]'s `World`) into the world; events
//! flow out; reports read events. A room uses only rooms of lower floors; `tests/laws.rs` reads this list and holds
//! every `use crate::` line to it.

// floor 1: text, time, money
pub mod money;
pub mod source;
// floor 2: the exact tree every room speaks
pub mod value;
// floor 3: small algebra and plain facts
pub mod event;
pub mod problem;
// floor 4: what is written, and how people see it
pub mod journal;
pub mod story;
// floor 5: expressions
pub mod expr;
// floor 8: what the engine runs
pub mod plan;
// floor 9: the engine
pub mod engine;
// floor 10: worlds to try flows in
pub mod trial;
