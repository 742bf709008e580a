//! The command line: arguments choose world, journal and report. In: arguments and streams. Out: an exit code. What a
//! command does is done below; here it is put together.

mod args;
mod backfill;
mod by_hand;
mod demo;
mod engine;
mod estate;
mod exec;
mod exit;
mod explain;
mod graph;
mod letters;
mod log;
mod rehearse;
mod runs;
mod sandbox;
mod schema;
mod service;
mod streams;
mod test;
mod validate;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser as _;

pub use self::streams::Streams;
use self::{
    args::{Cli, Command, Format},
    exit::Exit,
};

/// Runs the program: arguments and streams in, an exit code out.
pub fn run(arguments: impl IntoIterator<Item = OsString>, mut streams: Streams) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            streams.show(&error.to_string());
            return Exit::Usage.into();
        }
        Err(told) => {
            streams.give(told.to_string().trim_end());
            return Exit::Done.into();
        }
    };
    streams.color &= !cli.common.no_color;
    if let Some(refused) = refuse_format(&cli) {
        streams.say(refused);
        return Exit::Usage.into();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            streams.say(format!("flowrun: the system gives no threads: {error}"));
            return Exit::CannotStart.into();
        }
    };
    log::start(cli.common.format, streams.color);
    let exit = runtime.block_on(command(&cli, &mut streams));
    drop(streams.out.flush());
    runtime.shutdown_background();
    exit.into()
}

async fn command(cli: &Cli, streams: &mut Streams) -> Exit {
    let common = &cli.common;
    match &cli.command {
        Command::Validate(paths) => validate::run(paths, common, streams),
        Command::Exec(args) => exec::run(args, common, streams).await,
        Command::Backfill(args) => backfill::run(args, common, streams).await,
        Command::Test(args) => test::run(args, common, streams),
        Command::Graph(args) => graph::run(args, common, streams),
        Command::Runs(args) => runs::runs(args, common, &estate::data(common, &[]), streams),
        Command::Letters(args) => letters::letters(args, common, &estate::data(common, &[]), streams),
        Command::Explain { code } => explain::run(code, common, streams),
        Command::Schema { write } => schema::run(write.as_deref(), streams),
        Command::Sandbox(args) => sandbox::run(args, common, streams).await,
        Command::Demo(args) => demo::run(args, common, streams).await,
    }
}

fn refuse_format(cli: &Cli) -> Option<&'static str> {
    let special = matches!(cli.common.format, Format::Sarif | Format::Github);
    (special && !matches!(cli.command, Command::Validate(_)))
        .then_some("flowrun: `--format sarif` and `--format github` go with `flowrun validate` only")
}

/// Waits for Ctrl-C or a request to end. Signals count from this call on, not from the first poll.
fn interrupted() -> impl Future<Output = ()> {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    async fn came(signal: std::io::Result<Signal>) {
        match signal {
            Ok(mut signal) => drop(signal.recv().await),
            // It cannot be heard: the system's own way of ending stays.
            Err(_) => std::future::pending().await,
        }
    }
    let (end, stop) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        tokio::select! {
            () = came(end) => {}
            () = came(stop) => {}
        }
    }
}
