//! Pairs on disk: `NAME.yaml` and `NAME.out`, the whole of what people see. A new case needs two files and no Rust;
//! `FLOWRUN_BLESS=1` writes what was found.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use flowrun::{
    problem::{
        Problems,
        draw::{Style, draw},
    },
    source::Sources,
    syntax::{self, FileKind},
    yaml,
};

/// Holds every `NAME.yaml` of a folder against its `NAME.out`.
#[track_caller]
pub(crate) fn pairs(folder: &str, run: impl Fn(&str, &[u8]) -> String) {
    let bless = env::var_os("FLOWRUN_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in inputs(Path::new(folder)) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("cases have plain names");
        let found = run(name, &fs::read(&path).expect("a case can be read"));
        let expected = path.with_extension("out");
        if bless {
            fs::write(&expected, &found).expect("an outcome can be written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "not as blessed (FLOWRUN_BLESS=1 writes what was found):\n{}",
        wrong.join("\n")
    );
}

fn inputs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read").path());
    let mut found: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    found.sort();
    assert!(!found.is_empty(), "{} has cases", folder.display());
    found
}

/// Reads a file as what it says it is; every problem of its form, drawn.
fn form(name: &str, bytes: &[u8]) -> String {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let file = yaml::decode(&mut sources, name, bytes, &mut problems);
    if let Some(tree) = file.and_then(|file| yaml::read(&sources, file, &mut problems)) {
        let problems = &mut problems;
        let read = match syntax::kind(&tree, problems) {
            Some(FileKind::Flow) => syntax::flow(&tree, problems).is_some(),
            Some(FileKind::Overlay) => syntax::overlay(&tree, problems).is_some(),
            Some(FileKind::Fragment) => syntax::fragment(&tree, problems).is_some(),
            Some(FileKind::Connector) => syntax::connector(&tree, problems).is_some(),
            Some(FileKind::Estate) => syntax::estate(&tree, problems).is_some(),
            Some(FileKind::Cases) => syntax::cases(&tree, problems).is_some(),
            None => false,
        };
        assert!(read || problems.has_errors(), "{name}: nothing was read and nothing was told");
    }
    draw(&problems.into_sorted(), &sources, Style::PLAIN)
}

#[test]
fn problems_of_form() {
    pairs("tests/golden/yaml", form);
}

#[test]
fn no_secret_is_ever_drawn() {
    for path in inputs(Path::new("tests/golden/yaml")) {
        let shown = form("a.yaml", &fs::read(&path).expect("a case can be read"));
        assert!(!shown.contains("canary"), "{} shows a secret:\n{shown}", path.display());
    }
}
