//! What people and programs see of runs. In: live events, past runs, letters. Out: text and JSON. It must never decide
//! anything, nor know how facts are stored.

pub mod problems;

mod live;
mod paint;
mod past;
mod would;

pub use self::{
    live::LiveView,
    paint::{Paint, Tint},
    past::{Row, letter_json, letters_table, past_json, past_lines, runs_table, word},
    would::{would_json, would_lines},
};
