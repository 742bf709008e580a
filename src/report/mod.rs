//! What people and programs see of runs. In: live events, runs as people see them. Out: text and JSON. It must never decide
//! anything, nor know how facts are stored.

pub mod problems;

mod letters;
mod live;
mod mask;
mod paint;
mod runs;
mod words;
mod would;

pub use self::{
    letters::{
        letter_json, letter_lines, letters_table, obeyed_line, request_json, request_line, requests_table,
    },
    live::LiveView,
    mask::Mask,
    paint::{Paint, Tint},
    runs::{run_json, run_lines, runs_table, written_lines},
    words::{state, word},
    would::{would_json, would_lines},
};
