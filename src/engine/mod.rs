//! The durable engine: runs of plans against a world and a journal. In: plans, events, commands. Out: facts, requests. It
//! must never name HTTP, a database or arguments.

mod books;
mod driver;
pub mod lanes;
pub mod machine;
mod policy;
mod prepared;
mod scope;
mod world;

pub use self::{
    books::{entry_of, held_of, key_of},
    driver::{Engine, Error, Obeyed, Offer, Offered, Pinned, Setup, Spawn, Unfit},
    policy::{Guard, Guards, Policy},
    prepared::{Prepared, is_write},
    world::{Permit, Waiting, World},
};
