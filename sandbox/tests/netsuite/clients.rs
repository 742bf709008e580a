//! Clients that we did not write: `clients.py` with the packages of `clients.txt`, against a real server. The packages are
//! installed once, into a virtual environment below `target/`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use flowrun_sandbox::{Config, start};

const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients.txt");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients.py");

/// Runs a command; what it printed, or what is wrong.
fn run(command: &mut Command) -> Result<String, String> {
    let done = command.output().map_err(|error| format!("{command:?} does not start: {error}"))?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    if done.status.success() { Ok(said) } else { Err(format!("{command:?} failed:\n{said}")) }
}

/// The interpreter of a virtual environment in `folder` that has the packages. Made once; two at a time wait for each other.
fn environment(python: &str, folder: &Path) -> Result<PathBuf, String> {
    let unusable = |error: std::io::Error| format!("{} cannot be used: {error}", folder.display());
    fs::create_dir_all(folder).map_err(unusable)?;
    let lock = File::create(folder.join("lock")).map_err(unusable)?;
    lock.lock().map_err(unusable)?;
    let wanted = fs::read_to_string(PACKAGES).map_err(unusable)?;
    let (inside, installed) = (folder.join("venv/bin/python"), folder.join("installed.txt"));
    if fs::read_to_string(&installed).is_ok_and(|there| there == wanted)
        && run(Command::new(&inside).arg("--version")).is_ok()
    {
        return Ok(inside);
    }
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder.join("venv"))).map_err(|error| {
        format!(
            "this test needs python3, 3.10 or later, with its module `venv` (Debian and Ubuntu: `apt install python3-venv`); \
             $PYTHON may name another interpreter.\n{error}"
        )
    })?;
    let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--requirement", PACKAGES];
    run(Command::new(&inside).args(pip)).map_err(|error| {
        format!("this test needs the packages of sandbox/tests/clients.txt, from PyPI or a mirror that pip knows.\n{error}")
    })?;
    fs::write(&installed, wanted).map_err(unusable)?;
    Ok(inside)
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_clients_are_served() {
    let running =
        start(Config { allow_loopback_hooks: true, ..Config::default() }).await.expect("the sandbox starts");
    for _ in 0..7 {
        running.store().place(&flowrun_sandbox::bigcommerce::Trade::default()).expect("an order");
    }
    let access = tempfile::NamedTempFile::new().expect("a file");
    serde_json::to_writer(&access, &running.access().flat()).expect("JSON");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let work = move || run(Command::new(environment(&python, &folder)?).arg(SCRIPT).arg(access.path()));
    let said = tokio::task::spawn_blocking(work).await.expect("the thread ends");
    let said = said.unwrap_or_else(|error| panic!("{error}"));
    println!("{said}");
    assert!(said.lines().filter(|line| line.starts_with("ok  ")).count() >= 45, "few checks:\n{said}");
}

#[test]
fn a_machine_without_python_is_told_what_it_needs() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = environment("no-such-python", folder.path()).expect_err("there is no such program");
    assert!(error.contains("needs python3") && error.contains("no-such-python"), "{error}");
}
