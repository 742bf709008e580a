//! `flowrun exec` as a process: an estate put in a folder, the program started, and watched until it is ready.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use flowrun_sandbox::{Config, Running, bigcommerce};

/// The program that is measured.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_flowrun");

/// A running `flowrun exec`, ended when this is dropped.
pub(crate) struct Service {
    process: Child,
    out: Option<BufReader<ChildStdout>>,
    heard: Vec<String>,
    /// From its start until it said that it is ready.
    pub(crate) took: Duration,
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Service {
    /// Starts one in a folder, and waits until it says that it is ready.
    pub(crate) fn start(command: &mut Command, folder: &Path) -> Result<Self, String> {
        command.current_dir(folder).args(["exec", "--format", "json"]).stdout(Stdio::piped());
        let began = Instant::now();
        let mut process = command.spawn().map_err(|error| error.to_string())?;
        let out = process.stdout.take().map(BufReader::new);
        let mut service = Self { process, out, heard: Vec::new(), took: Duration::ZERO };
        service.said("ready", 1)?;
        service.took = began.elapsed();
        Ok(service)
    }

    /// Reads what it says until it has said this so often.
    pub(crate) fn said(&mut self, what: &str, times: usize) -> Result<(), String> {
        let wanted = format!("\"what\":\"{what}\"");
        while self.heard.iter().filter(|line| line.contains(&wanted)).count() < times {
            let out = self.out.as_mut().ok_or("nobody listens to flowrun any more")?;
            let mut line = String::new();
            if out.read_line(&mut line).map_err(|error| error.to_string())? == 0 {
                return Err(format!("flowrun ended before it said `{what}`"));
            }
            self.heard.push(line);
        }
        Ok(())
    }

    /// From here on somebody else reads what it says, as whoever keeps the log would.
    pub(crate) fn let_talk(&mut self) {
        if let Some(mut out) = self.out.take() {
            let mut last = [0; 8192];
            std::thread::spawn(move || while out.read(&mut last).is_ok_and(|read| read > 0) {});
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// A port that nobody has.
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| error.to_string())
}

/// A folder of the benchmark's own on the disk that holds `target`, not in memory; gone when this is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Makes one with a copy of these files.
    pub(crate) fn with(files: &str) -> Result<Self, String> {
        let name = format!("bench-{}-{}", files.replace('/', "-"), std::process::id());
        let folder = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(files), &folder.0)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", from.display());
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to).map_err(failed)?;
        }
    }
    Ok(())
}

/// The shipped estate, its connections led to a sandbox in this process.
pub(crate) struct Shop {
    pub(crate) sandbox: Running,
    pub(crate) folder: Folder,
}

impl Shop {
    /// Opens one without a quota, so that nobody waits for it.
    pub(crate) async fn open() -> Result<Self, String> {
        let bigcommerce =
            bigcommerce::Settings { plan: bigcommerce::Plan::Unlimited, ..bigcommerce::Settings::default() };
        let config = Config { bigcommerce, ..Config::default() };
        let sandbox = flowrun_sandbox::start(config).await.map_err(|error| error.to_string())?;
        let shop = Self { sandbox, folder: Folder::with("flows")? };
        fs::write(shop.folder.0.join("flowrun.yaml"), shop.estate()?).map_err(|error| error.to_string())?;
        Ok(shop)
    }

    fn netsuite(&self, key: &str) -> &str {
        self.sandbox.access().netsuite[key].as_str().unwrap_or_default()
    }

    fn estate(&self) -> Result<String, String> {
        let access = &self.sandbox.access().bigcommerce;
        Ok(format!(
            "estate: bench
environment: sandbox
listen: {{ address: \"127.0.0.1:{port}\", public_url: \"http://127.0.0.1:{port}/\" }}
environments:
  sandbox:
    connections:
      bigcommerce:
        connector: bigcommerce
        url: {}
        allow_private: true
        settings: {{ store_hash: {}, code: main, settle: 2s, quota: 1000000 }}
        secrets: {{ token: env:TOKEN, client_secret: env:SECRET }}
      netsuite:
        connector: netsuite
        url: {}
        allow_private: true
        auth: m2m
        settings: {{ account: {}, settle: 2s }}
        secrets: {{ client_id: env:CLIENT, certificate_id: env:CERTIFICATE, private_key: env:KEY }}
",
            access.base_url,
            access.store_hash,
            self.netsuite("base_url"),
            self.netsuite("account").to_lowercase().replace('_', "-"),
            port = free_port()?,
        ))
    }

    /// Starts the service of the shipped flows, and waits until its webhooks are registered.
    pub(crate) fn serve(&self) -> Result<Service, String> {
        let access = &self.sandbox.access().bigcommerce;
        let mut command = Command::new(PROGRAM);
        command.env("TOKEN", &access.access_token).env("SECRET", &access.client_secret);
        command.env("CLIENT", self.netsuite("client_id")).env("CERTIFICATE", self.netsuite("certificate_id"));
        command.env("KEY", self.netsuite("private_key"));
        let mut service = Service::start(&mut command, &self.folder.0)?;
        service.said("registered", HOOKS)?;
        Ok(service)
    }
}

/// Webhooks that the shipped flows listen to.
const HOOKS: usize = 4;
