//! What an editor says: yaml-language-server, which editors use, with the schemas of `schemas/`. It must find nothing in the
//! shipped files and everything in broken ones. The server is installed once, below `target/`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

const OWN: &str = "tests/editor";

/// The folder with the server. Made once; two at a time wait for each other.
fn server(npm: &str, folder: &Path) -> Result<PathBuf, String> {
    let unusable = |error: std::io::Error| format!("{} cannot be used: {error}", folder.display());
    fs::create_dir_all(folder).map_err(unusable)?;
    let lock = File::create(folder.join("lock")).map_err(unusable)?;
    lock.lock().map_err(unusable)?;
    let wanted = fs::read_to_string(format!("{OWN}/package-lock.json")).map_err(unusable)?;
    let installed = folder.join("installed.json");
    if fs::read_to_string(&installed).is_ok_and(|there| there == wanted) {
        return Ok(folder.to_owned());
    }
    for name in ["package.json", "package-lock.json"] {
        fs::copy(format!("{OWN}/{name}"), folder.join(name)).map_err(unusable)?;
    }
    let mut command = Command::new(npm);
    command.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
    let done = command.output().map_err(|error| {
        format!(
            "this test needs node and npm, 20 or later (https://nodejs.org): {npm} does not start: {error}"
        )
    })?;
    if !done.status.success() {
        return Err(format!(
            "this test needs yaml-language-server from the npm registry or a mirror that npm knows: {command:?} failed:\n{}",
            String::from_utf8_lossy(&done.stderr)
        ));
    }
    fs::write(&installed, wanted).map_err(unusable)?;
    Ok(folder.to_owned())
}

/// Which schema is for a file, by a part of its path; the others are flows.
const SCHEMAS: [(&str, &str); 5] = [
    (".test.yaml", "case"),
    ("flowrun.yaml", "estate"),
    ("/connectors/", "connector"),
    ("/fragments/", "fragment"),
    ("overlay.yaml", "overlay"),
];

fn schema(file: &Path) -> &'static str {
    let path = file.to_string_lossy();
    SCHEMAS.iter().find(|(part, _)| path.contains(part)).map_or("flow", |(_, schema)| schema)
}

/// Every YAML file that is shipped, and an overlay, of which none is.
pub(crate) fn shipped() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("tests/golden/yaml/good_overlay.yaml")];
    let mut folders = vec![PathBuf::from("flows")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What the editor says of files, each with its schema: exit code and lines.
fn says(files: &[(&str, PathBuf)]) -> (i32, String) {
    let server = server("npm", &Path::new(env!("CARGO_TARGET_TMPDIR")).join("editor"));
    let server = server.unwrap_or_else(|error| panic!("{error}"));
    let pairs = files.iter().map(|(schema, file)| format!("schemas/{schema}.schema.json={}", file.display()));
    let command = Command::new("node").arg(format!("{OWN}/check.mjs")).arg(server).args(pairs).output();
    let Output { status, stdout, stderr } =
        command.unwrap_or_else(|error| panic!("this test needs node, 20 or later: {error}"));
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap_or(-1), said)
}

#[test]
fn editors_accept_the_shipped_files() {
    let files: Vec<_> = shipped().into_iter().map(|file| (schema(&file), file)).collect();
    for kind in ["flow", "case", "fragment", "connector", "estate", "overlay"] {
        assert!(files.iter().any(|(schema, _)| *schema == kind), "no {kind} among {files:?}");
    }
    assert_eq!(says(&files), (0, String::new()));
}

#[test]
fn editors_see_a_broken_file_at_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let (mut broken, mut wanted) = (Vec::new(), Vec::new());
    for (at, file) in shipped().into_iter().enumerate() {
        let text = fs::read_to_string(&file).unwrap();
        let bad = folder.path().join(format!("{at}.yaml"));
        // The schema that the first line names is given otherwise: the path would not be right here.
        let text = text.replace("# yaml-language-server: $schema=", "# ");
        fs::write(&bad, format!("{text}no_such_key: 1\n")).unwrap();
        let line = text.lines().count() + 1;
        wanted.push(format!("{}:{line}:1 Property no_such_key is not allowed.", bad.display()));
        broken.push((schema(&file), bad));
    }
    let (code, said) = says(&broken);
    let mut said: Vec<_> = said.lines().collect();
    said.sort_unstable();
    wanted.sort_unstable();
    assert_eq!((code, said), (1, wanted.iter().map(String::as_str).collect()));
}

#[test]
fn a_machine_without_npm_is_told_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let error = server("no-such-npm", folder.path()).unwrap_err();
    assert!(error.contains("needs node and npm") && error.contains("no-such-npm"), "{error}");
}
