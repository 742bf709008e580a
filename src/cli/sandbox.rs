//! `flowrun sandbox`: starts both twins, says how to reach them, serves until interrupted.

use std::{fmt::Write as _, fs, net::SocketAddr, os::unix::fs::OpenOptionsExt as _, path::Path};

use flowrun_sandbox::{Access, Binds, Config, Running, bigcommerce, start};

use super::{
    Streams,
    args::{Common, DEFAULT_PORT, Format, Plan, Sandbox},
    exit::Exit,
};

/// The store's hash: the shipped estate's `sandbox` environment names it.
const STORE: &str = "sandbox";

pub(super) async fn run(args: &Sandbox, common: &Common, streams: &mut Streams) -> Exit {
    let running = match start(config(args)).await {
        Ok(running) => running,
        Err(error) => {
            streams.say(format!("flowrun: {error}"));
            return Exit::CannotStart;
        }
    };
    if let Err(error) = write_files(args, running.access()) {
        streams.say(format!("flowrun: {error}"));
        return Exit::CannotStart;
    }
    match common.format {
        Format::Json => streams.give(running.access().flat().to_string()),
        _ => streams.say(told(running.access(), args)),
    }
    drop(streams.out.flush());
    super::interrupted().await;
    finish(&running, streams)
}

/// The sandbox that the arguments ask for.
pub(super) fn config(args: &Sandbox) -> Config {
    let port = |step: u16| if args.port == 0 { 0 } else { args.port + step };
    let bind = |step: u16| SocketAddr::from(([127, 0, 0, 1], port(step)));
    Config {
        seed: args.seed,
        bigcommerce: bigcommerce::Settings {
            store_hash: STORE.into(),
            orders: args.orders,
            plan: match args.plan {
                Plan::Plus => bigcommerce::Plan::Plus,
                Plan::Pro => bigcommerce::Plan::Pro,
                Plan::Unlimited => bigcommerce::Plan::Unlimited,
            },
            ..bigcommerce::Settings::default()
        },
        binds: Binds { bigcommerce: bind(0), netsuite: bind(10), admin: bind(20) },
        speed: args.speed,
        allow_loopback_hooks: args.allow_loopback_hooks,
        tls: args.tls.is_some(),
        state: args.state.clone(),
        ..Config::default()
    }
}

fn write_files(args: &Sandbox, access: &Access) -> std::io::Result<()> {
    if let (Some(file), Some(certificate)) = (&args.tls, &access.certificate) {
        fs::write(file, certificate)?;
    }
    if let Some(file) = &args.env_file {
        secret_file(file, &exports(access))?;
    }
    Ok(())
}

fn secret_file(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(file)?;
    std::io::Write::write_all(&mut file, text.as_bytes())
}

/// The secrets that the shipped estate names, with their values in this sandbox.
pub(super) fn secrets(access: &Access) -> Vec<(&'static str, String)> {
    let netsuite = |key: &str| access.netsuite[key].as_str().unwrap_or_default().to_owned();
    vec![
        ("BIGCOMMERCE_TOKEN", access.bigcommerce.access_token.clone()),
        ("BIGCOMMERCE_CLIENT_SECRET", access.bigcommerce.client_secret.clone()),
        ("NETSUITE_CLIENT_ID", netsuite("client_id")),
        ("NETSUITE_CERTIFICATE_ID", netsuite("certificate_id")),
        ("NETSUITE_PRIVATE_KEY", netsuite("private_key")),
    ]
}

/// The secrets as a file for a shell to read.
fn exports(access: &Access) -> String {
    secrets(access).iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "export {name}='{value}'");
        text
    })
}

fn told(access: &Access, args: &Sandbox) -> String {
    let (store, netsuite, admin) = (&access.bigcommerce, &access.netsuite, &access.admin);
    let text = |key: &str| netsuite[key].as_str().unwrap_or_default().to_owned();
    let mut out = format!(
        "BigCommerce  {}\n  token {}   client id {}\n  client secret (signs webhooks) {}\n",
        store.base_url, store.access_token, store.client_id, store.client_secret
    );
    let _ = write!(
        out,
        "NetSuite     {}\n  account {}   client id {}\n  certificate {}\n",
        text("base_url"),
        text("account"),
        text("client_id"),
        text("certificate_id"),
    );
    let _ = write!(
        out,
        "Look inside  {}\n  ledger {}   faults {}   clock {}\n\nTry:\n",
        admin.base_url, admin.ledger_url, admin.faults_url, admin.clock_url
    );
    let _ = write!(
        out,
        "  curl -H 'X-Auth-Token: {}' {}/v2/orders?limit=2\n  curl -X POST {}/bigcommerce/orders -H 'content-type: application/json' -d '{{\"count\":1}}'\n  curl '{}?after=0'\n\n",
        store.access_token, store.base_url, admin.base_url, admin.ledger_url
    );
    match &args.env_file {
        Some(file) => {
            let _ = writeln!(
                out,
                "In another shell: `. {}` gives it these secrets, then `flowrun exec orders --key NUMBER` runs an order.",
                Path::new(".").join(file).display()
            );
        }
        None => out.push_str(
            "`--env-file FILE` writes the secrets, the NetSuite key too, for another shell to read.\n",
        ),
    }
    if args.port != DEFAULT_PORT {
        out.push_str("The shipped estate looks for the twins at 8810 and 8820: give the `url`s of its flowrun.yaml these ports.\n");
    }
    out.push_str("Stop with Ctrl-C.");
    out
}

fn finish(running: &Running, streams: &mut Streams) -> Exit {
    match running.stop() {
        Ok(()) => Exit::Done,
        Err(error) => {
            streams.say(format!("flowrun: {error}"));
            Exit::CannotStart
        }
    }
}
