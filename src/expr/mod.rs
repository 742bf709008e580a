//! Expressions. In: the text of scalars and the names they may mention. Out: [`Template`] and [`Mapping`], compiled once:
//! they evaluate, infer shapes, and tell what they read. `minijinja` reads the grammar (here only); values, operators and
//! functions are our own, exact and strict. It must never know a flow, a file or a platform; no clock, no randomness.

mod cells;
mod eval;
mod failure;
mod fault;
mod infer;
mod lower;
mod mapping;
mod names;
mod node;
mod reads;
mod scan;
mod scope;
mod table;
mod template;

pub use self::{
    failure::{Error, MissingRow},
    fault::{Fault, FaultKind},
    infer::{Env, Inferred, Personal},
    mapping::Mapping,
    names::{Names, Slot},
    reads::Read,
    scope::{Limits, Root, Scope},
    table::{Column, ColumnShape, Table, TableFault, Tables},
    template::{Rest, Template},
};

#[cfg(test)]
mod tests;
