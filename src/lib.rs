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
pub mod time;
// floor 2: the exact tree every room speaks
pub mod value;
// floor 3: small algebra, plain facts, signatures
pub mod event;
pub mod graph;
pub mod problem;
pub mod shape;
pub mod sign;
// floor 4: readers of files, functions, the store
pub mod function;
pub mod journal;
pub mod secret;
pub mod story;
pub mod yaml;
// floor 5: expressions, records, the tree of a file
pub mod expr;
pub mod record;
pub mod syntax;
// floor 6: connectors and estates
pub mod connector;
pub mod estate;
// floor 7: the checked flow
pub mod flow;
// floor 8: the checker, the plan
pub mod check;
pub mod plan;
// floor 9: what runs
pub mod compile;
pub mod engine;
pub mod limit;
// floor 10: the world, scripted and real
pub mod trial;
pub mod trigger;
pub mod wire;
// floor 11: what people see
pub mod report;
// floor 12: the listeners
pub mod serve;
// floor 13: the command line
pub mod cli;
