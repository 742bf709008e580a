//! A run as people see it. In: facts, and live events from the engine. Out: [`RunView`] for reports, pages and commands. It
//! must never know how facts are stored or how text is drawn.

mod live;
mod view;

pub use self::{
    live::{Live, Watched, What},
    view::{NodeView, RunView, State},
};
