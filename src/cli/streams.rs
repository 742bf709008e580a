//! The process's streams, handed in rather than grabbed: data goes to `out`, everything for people to `err`.

use std::io::{self, IsTerminal, Write};

/// Where a command writes.
pub struct Streams {
    /// Data: JSON, drawings, what another program reads.
    pub out: Box<dyn Write + Send>,
    /// Words for people.
    pub err: Box<dyn Write + Send>,
    /// Whether `err` shows colours and can be redrawn.
    pub terminal: bool,
    /// Whether colours are wanted (`NO_COLOR` and `--no-color` switch them off).
    pub color: bool,
}

impl Streams {
    /// The streams of this process.
    pub fn of_process() -> Self {
        let terminal = io::stderr().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            terminal,
            color: terminal && !no_color,
        }
    }

    /// Writes a line for people. A closed pipe is nobody's error.
    pub fn say(&mut self, line: impl AsRef<str>) {
        drop(writeln!(self.err, "{}", line.as_ref()));
    }

    /// Writes several lines for people, each ended.
    pub fn show(&mut self, lines: &str) {
        drop(self.err.write_all(lines.as_bytes()));
    }

    /// Writes a line of data. A closed pipe is nobody's error.
    pub fn give(&mut self, line: impl AsRef<str>) {
        drop(writeln!(self.out, "{}", line.as_ref()));
    }
}
