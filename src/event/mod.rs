//! The facts that are ever written, and the one place that says which change of state is lawful. In: values. Out:
//! [`Fact`]s as data, transition tables, requests and failures. It must never know a clock, a socket, a file or a flow's
//! expressions.

mod call;
mod fact;
mod id;
mod seal;
pub mod table;

pub use self::{
    call::{Answer, Class, Failure, Priority, Request, Says, Sent},
    fact::{
        Code, Effect, EffectId, EffectState, Entry, Event, Fact, Froze, Intent, Kept, Letter, NodePast,
        Noted, Origin, Outcome, Parked, Past, Proof, Told, Version, Watermark, Why,
    },
    id::{EventId, Ids, Instant, RunId},
    seal::{Error, open, seal},
};
