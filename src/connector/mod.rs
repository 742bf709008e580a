//! Connectors as data. In: the tree of a connector file, record shapes. Out: [`Connector`] and its operations, typed; a
//! [`Connection`] opened from an estate; [`exec::Exec`], which turns a call of an operation into requests and their answers
//! into values. It must never send, nor know a flow.

pub mod address;
pub mod classes;
pub mod example;
pub mod exec;
mod lower;
mod model;
mod open;
mod scope;
pub mod stamp;
pub mod suiteql;

pub use self::{
    lower::lower,
    model::*,
    open::{Connection, Door, Error, Given, Repeats},
};
