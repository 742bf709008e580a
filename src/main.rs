//! The doorway: arguments and streams in, an exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    flowrun::cli::run(std::env::args_os(), flowrun::cli::Streams::of_process())
}
