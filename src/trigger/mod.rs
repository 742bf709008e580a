//! What starts runs. In: webhook requests as bytes, poll pages, the time. Out: verified hooks, rows with the poll's next place,
//! the next firing of a schedule, which hooks are missing. Pure functions: it must never listen, send, or read a clock.

mod hooks;
mod poll;
mod schedule;
mod verify;

pub use self::{
    hooks::{Todo, todo},
    poll::{Place, Poll, Rows},
    schedule::Schedule,
    verify::{Hook, Refused, Secrets, hook},
};
