//! The real binary, run in an empty folder with an empty environment: arguments in, streams and exit code out.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};

/// A run of the real program.
pub struct Program {
    folder: Arc<tempfile::TempDir>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// What it said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Program {
    pub fn new(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self { folder, arguments, environment: Vec::new() }
    }

    /// Another run in the folder of an earlier one.
    pub fn within(before: &Self, arguments: &[&str]) -> Self {
        Self { folder: Arc::clone(&before.folder), ..Self::new(arguments) }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(self, name: &str, text: &str) -> Self {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    #[track_caller]
    pub fn run(&self) -> Said {
        self.run_in(".")
    }

    /// Runs it in a folder below its own.
    #[track_caller]
    pub fn run_in(&self, below: &str) -> Said {
        let mut command = self.command();
        command.current_dir(self.folder.path().join(below));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        Said {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }
}
