//! Clients that we did not write: `clients.py` with the packages it names, against a real server.

use std::process::Command;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3 (or $PYTHON) with the PyPI packages `netsuite` and `bigcommerce`"]
async fn foreign_clients_are_served() {
    let desk = Desk::open().await;
    desk.running.store().place(&flowrun_sandbox::bigcommerce::Trade::default()).expect("an order");
    let access = serde_json::to_string(desk.running.access()).expect("JSON");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients.py");
    let run = move || Command::new(python).arg(script).arg(access).output();
    let done = tokio::task::spawn_blocking(run).await.expect("the thread ends");
    let done = done.expect("python runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    println!("{said}");
}
