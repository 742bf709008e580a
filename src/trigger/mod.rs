//! What starts runs. In: webhook requests as bytes, poll pages, the time. Out: verified hooks, rows with the poll's next place,
//! the next firing of a schedule, mapped events, webhooks to register. Pure functions: it must never listen, send, or read a clock.

mod map;
mod poll;
mod register;
mod schedule;
mod verify;

pub use self::{
    map::{event, name, parameters},
    poll::{Place, Poll, Rows},
    register::{Duty, Needs, duties, listens, needs},
    schedule::Schedule,
    verify::{Hook, Refused, Secrets, hook},
};
