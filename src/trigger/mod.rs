//! What starts runs. In: webhook requests as bytes, poll pages, the time. Out: verified hooks, rows with the poll's next place,
//! the next firing of a schedule, mapped events, which hooks are missing. Pure functions: it must never listen, send, or read a
//! clock.

mod hooks;
mod map;
mod poll;
mod schedule;
mod scopes;
mod verify;

pub use self::{
    hooks::{Todo, todo},
    map::{event, name, parameters},
    poll::{Place, Poll, Rows},
    schedule::Schedule,
    scopes::{Needs, listens, needs},
    verify::{Hook, Refused, Secrets, hook},
};
