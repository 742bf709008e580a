//! What the program costs when nothing happens: how soon it starts, how soon clean flows are checked, how little memory the
//! service of the shipped flows takes, how large the file is.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod measure;

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use measure::{
    Rounds, at_most,
    service::{PROGRAM, Shop},
};

/// How long a service is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), String> {
    let rounds = if measure::is_real() { 25 } else { 1 };
    let mut version = Rounds::default();
    let mut validate = Rounds::default();
    for _ in 0..rounds {
        version.add(ended(&["--version"])?);
        validate.add(ended(&["validate", "flows"])?);
    }
    println!("flowrun --version: {} ms", version.told(1));
    println!("flowrun validate flows: {} ms", validate.told(1));
    let (mut ready, mut idle) = (Rounds::default(), Rounds::default());
    for _ in 0..rounds.min(9) {
        let shop = Shop::open().await?;
        let mut service = shop.serve()?;
        service.let_talk();
        tokio::time::sleep(IDLE).await;
        ready.add(service.took.as_secs_f64() * 1e3);
        idle.add(measure::memory(service.id(), "VmRSS"));
    }
    println!("flowrun exec, the shipped estate, until it listens: {} ms", ready.told(1));
    println!("its memory when it listens and nothing comes: {} MiB", idle.told(1));
    let size = fs::metadata(PROGRAM).map_err(|error| error.to_string())?.len() as f64 / f64::from(1 << 20);
    println!("the program's file: {size:.1} MiB");
    at_most("start in ms (--version)", version.median(), 50.0);
    at_most("start in ms (exec, until it listens)", ready.median(), 50.0);
    at_most("a clean validate of the shipped flows in ms", validate.median(), 100.0);
    at_most("idle memory of the service in MiB", idle.median(), 20.0);
    Ok(())
}

/// How many milliseconds a command takes that must end well.
fn ended(arguments: &[&str]) -> Result<f64, String> {
    let mut command = Command::new(PROGRAM);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let began = Instant::now();
    let output = command.output().map_err(|error| error.to_string())?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    if !output.status.success() {
        return Err(format!("flowrun {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(took)
}
