//! The laws of the house, each an absence that is looked for in the text of the code itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Dependencies and the one room that may name each. `everywhere` are the plain-data crates.
const ROOMS_OF_DEPENDENCIES: &[(&str, &[&str])] = &[
    ("axum", &["serve"]),
    ("base64", &["sign"]),
    ("blake3", &["value"]),
    ("clap", &["cli"]),
    ("croner", &["time"]),
    ("csv", &["expr"]),
    ("foldhash", &["value", "expr"]),
    ("granit_parser", &["yaml"]),
    ("include_dir", &["estate"]),
    ("iso_currency", &["money"]),
    ("jiff", &["time"]),
    ("jiter", &["value"]),
    ("jsonpath_rust", &["value"]),
    ("miette", &["problem"]),
    ("minijinja", &["expr"]),
    ("petgraph", &["graph"]),
    ("postcard", &["event"]),
    ("reqwest", &["wire"]),
    ("ring", &["sign"]),
    ("rusqlite", &["journal"]),
    ("rust_decimal", &["money"]),
    ("schemars", &["syntax"]),
    ("strsim", &["shape"]),
    ("tracing_subscriber", &["cli"]),
];

/// What reaches outside the program, and the rooms that may. Everything else is given what it needs, so that tests can give it
/// something else.
const WAYS_OUT: &[(&str, &[&str], &[&str])] = &[
    ("the environment", &["env::var", "env::args", "env::current_dir", "env::temp_dir"], &["cli", "secret"]),
    ("the clock", &["SystemTime::now", "Instant::now()", "Timestamp::now", "Zoned::now"], &["cli", "wire"]),
    ("processes", &["process::id", "process::exit", "process::Command", "abort()"], &["cli", "journal"]),
    ("files", &["fs::", "File::"], &["cli", "estate", "journal", "secret"]),
    ("chance", &["SystemRandom", "rand::"], &["sign"]),
    ("sockets", &["TcpListener", "TcpStream", "UdpSocket"], &["cli", "serve", "wire"]),
    ("threads", &["thread::spawn", "thread::Builder", "thread::sleep"], &["cli", "expr", "journal", "wire"]),
    ("a secret's text", &[".expose()"], &["secret", "trigger", "wire"]),
];

/// Names that would be drawers, not rooms.
const DRAWERS: &[&str] =
    &["errors", "error", "utils", "util", "types", "prelude", "helpers", "common", "misc"];

struct File {
    path: PathBuf,
    room: String,
    text: String,
}

fn files(root: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(root)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let room = path.strip_prefix(root).unwrap().iter().next().unwrap().to_str().unwrap();
                let room = room.trim_end_matches(".rs").to_owned();
                found.push(File { room, text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The core's files, the crate's two doors left out.
fn core() -> Vec<File> {
    files("src").into_iter().filter(|file| file.room != "lib" && file.room != "main").collect()
}

/// Room to floor, as `src/lib.rs` lists them.
fn floors() -> BTreeMap<String, u32> {
    let mut floors = BTreeMap::new();
    let mut floor = 0;
    for line in fs::read_to_string("src/lib.rs").unwrap().lines() {
        if let Some(rest) = line.trim().strip_prefix("// floor ") {
            floor = rest.split(':').next().unwrap().trim().parse().unwrap();
        } else if let Some((_, name)) = line.trim().trim_end_matches(';').split_once("mod ") {
            floors.insert(name.to_owned(), floor);
        }
    }
    assert!(floors.len() >= 20, "src/lib.rs lists its rooms under `// floor N:` lines");
    floors
}

/// Code without comments and without text literals' insides, good enough to look for names.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Code before the file's own tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn imports(text: &str) -> BTreeSet<String> {
    let code = code(text);
    let mut rooms = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        if let Some(group) = part.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            let mut names = Vec::new();
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.push(std::mem::take(&mut name)),
                    _ if depth == 0 => name.push(letter),
                    _ => {}
                }
            }
            names.push(name);
            rooms.extend(names.iter().map(|name| name.trim().split("::").next().unwrap().trim().to_owned()));
        } else {
            rooms.insert(
                part.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .next()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    rooms.remove("");
    rooms
}

#[track_caller]
fn none(found: &[String], law: &str) {
    assert!(found.is_empty(), "{law}:\n{}", found.join("\n"));
}

#[test]
fn a_room_uses_only_rooms_of_lower_floors() {
    let floors = floors();
    let mut found = Vec::new();
    for file in core() {
        let here = floors.get(&file.room).copied();
        let Some(here) = here else {
            found.push(format!("{}: the room is on no floor of src/lib.rs", file.path.display()));
            continue;
        };
        for room in imports(&file.text) {
            if room != file.room && floors.get(&room).is_none_or(|there| *there >= here) {
                found.push(format!("{}: uses `{room}`", file.path.display()));
            }
        }
    }
    none(&found, "imports that do not run downward");
}

#[test]
fn the_engine_never_names_the_world() {
    let forbidden = ["reqwest", "rusqlite", "clap", "axum", "http::", "sqlite"];
    let found: Vec<_> = core()
        .iter()
        .filter(|file| file.room == "engine")
        .flat_map(|file| {
            let code = code(&file.text).to_lowercase();
            forbidden
                .iter()
                .filter(move |word| code.contains(**word))
                .map(|word| format!("{}: {word}", file.path.display()))
        })
        .collect();
    none(&found, "the world is `World`, the store is `Journal`");
}

#[test]
fn plan_and_engine_never_see_the_tree_of_the_text() {
    let found: Vec<_> = core()
        .iter()
        .filter(|file| {
            ["engine", "event", "journal", "story", "limit", "wire", "flow"].contains(&file.room.as_str())
        })
        .filter(|file| imports(&file.text).contains("syntax"))
        .map(|file| file.path.display().to_string())
        .collect();
    none(&found, "rooms that see the AST");
    let found: Vec<_> = core()
        .iter()
        .filter(|file| file.room == "syntax" && imports(&file.text).contains("connector"))
        .map(|file| file.path.display().to_string())
        .collect();
    none(&found, "syntax knows no connector");
}

#[test]
fn async_begins_at_the_driver() {
    let floors = floors();
    let plan = floors["plan"];
    let sync_files = ["machine", "lanes"];
    let found: Vec<_> = core()
        .iter()
        .filter(|file| {
            let name = file.path.to_string_lossy().into_owned();
            floors.get(&file.room).is_some_and(|floor| *floor <= plan)
                || file.room == "limit"
                || file.room == "journal"
                || sync_files.iter().any(|part| name.contains(&format!("engine/{part}")))
        })
        .filter(|file| {
            let code = code(without_tests(&file.text));
            code.contains("async ") || code.contains(".await") || code.contains("tokio::")
        })
        .map(|file| file.path.display().to_string())
        .collect();
    none(&found, "async below the driver");
}

/// Whether code names a crate: `crate::…` as a word of its own.
fn names(code: &str, dependency: &str) -> bool {
    let word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    code.match_indices(dependency).any(|(at, _)| {
        let after = &code[at + dependency.len()..];
        !code[..at].ends_with(word)
            && (after.starts_with("::") || code[..at].ends_with("use ") && after.starts_with(';'))
    })
}

#[test]
fn one_dependency_one_room() {
    let mut found = Vec::new();
    for (dependency, rooms) in ROOMS_OF_DEPENDENCIES {
        for file in core() {
            let code = code(without_tests(&file.text));
            if !rooms.contains(&file.room.as_str()) && names(&code, dependency) {
                found.push(format!("{}: {dependency} belongs to {rooms:?}", file.path.display()));
            }
        }
    }
    none(&found, "a second room for one dependency");
}

#[test]
fn every_dependency_says_why() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let listed = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let plain = ["serde", "serde_json", "serde_yaml"];
    let found: Vec<_> = listed
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#') && !line.contains(" # "))
        .filter(|line| !plain.contains(&line.split_whitespace().next().unwrap()))
        .map(str::to_owned)
        .collect();
    none(&found, "dependencies without a reason beside them");
}

#[test]
fn every_dependency_for_tests_says_why_and_none_is_idle() {
    let mut found = Vec::new();
    for (package, folders) in
        [(".", &["src", "tests", "benches"][..]), ("sandbox", &["sandbox/src", "sandbox/tests"])]
    {
        let manifest = fs::read_to_string(format!("{package}/Cargo.toml")).unwrap();
        let code: String =
            folders.iter().flat_map(|folder| files(folder)).map(|file| code(&file.text)).collect();
        for section in ["[dependencies]", "[dev-dependencies]"] {
            let listed = manifest.split(section).nth(1).unwrap_or("").split("\n[").next().unwrap();
            for line in listed.lines().filter(|line| line.contains('=')) {
                let name = line.split(['.', ' ', '=']).next().unwrap();
                if !line.contains("workspace") && !line.contains("path =") && !line.contains(" # ") {
                    found.push(format!("{package}: {line}: without a reason beside it"));
                }
                if !code.contains(&format!("{}::", name.replace('-', "_"))) {
                    found.push(format!("{package}: {name}: nothing uses it"));
                }
            }
        }
    }
    none(&found, "dependencies that do not earn their line");
}

/// What `cargo deny check bans licenses sources` refuses, by deny.toml, so that it is refused in every test run.
#[test]
fn the_dependencies_are_what_deny_toml_allows() {
    let rules = fs::read_to_string("deny.toml").unwrap();
    let list = |head: &str| rules.split(&format!("{head} = [")).nth(1).unwrap().split("\n]").next().unwrap();
    let quoted = |text: &str| text.split('"').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let (allowed, banned) = (quoted(list("\nallow")), quoted(list("\ndeny")));
    let asked = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .args(["--filter-platform", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH)])
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let tree: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let packages = tree["packages"].as_array().unwrap();
    assert!(packages.len() > 100 && allowed.contains("MIT") && banned.contains("openssl"));
    let mut found = Vec::new();
    for package in packages {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let licence = text("license").replace('/', " OR ");
        let one_of = |words: &str| words.split(" OR ").any(|word| allowed.contains(word.trim()));
        if !licence.split(" AND ").all(|part| one_of(part.trim_matches(['(', ')', ' ']))) {
            found.push(format!("{}: licence {licence:?}", text("name")));
        }
        if banned.contains(text("name")) {
            found.push(format!("{}: banned", text("name")));
        }
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        if !["", registry].contains(&text("source")) {
            found.push(format!("{}: comes from {}", text("name"), text("source")));
        }
    }
    none(&found, "dependencies that deny.toml refuses");
}

/// Whether code has a name that is not the end of a longer one.
fn is_there(code: &str, name: &str) -> bool {
    let inside = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(name).any(|(at, _)| name.starts_with('.') || !code[..at].ends_with(inside))
}

#[test]
fn only_some_rooms_reach_out() {
    let mut found = Vec::new();
    for file in core() {
        if file.path.iter().any(|part| part == "tests" || part == "tests.rs") {
            continue;
        }
        let code = code(without_tests(&file.text));
        for (what, names, rooms) in WAYS_OUT {
            if !rooms.contains(&file.room.as_str()) {
                let named = names.iter().filter(|name| is_there(&code, name));
                found.extend(
                    named.map(|name| format!("{}: {name}: {what} is for {rooms:?}", file.path.display())),
                );
            }
        }
    }
    none(&found, "rooms that reach out by themselves");
}

#[test]
fn every_room_says_what_comes_in_and_what_it_never_knows() {
    let mut found = Vec::new();
    for room in floors().keys() {
        let paths = [format!("src/{room}.rs"), format!("src/{room}/mod.rs")];
        let text = paths.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap();
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        for word in ["In:", "Out:"] {
            if !head.contains(word) {
                found.push(format!("{room}: does not say `{word}`"));
            }
        }
    }
    none(&found, "rooms that do not say what they are for");
}

#[test]
fn no_test_is_left_out_without_a_reason() {
    let places = ["src", "tests", "benches", "sandbox/src", "sandbox/tests"];
    let found: Vec<_> = places
        .iter()
        .flat_map(|place| files(place))
        .filter(|file| file.path != Path::new("tests/laws.rs") && file.text.contains("#[ignore]"))
        .map(|file| file.path.display().to_string())
        .collect();
    none(&found, "tests that are not run, and nobody says why");
}

/// Rows of the tables of a page: cells, without the heads.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines: Vec<_> = text.lines().collect();
    let is_row = |at: &usize| lines[*at].starts_with('|') && !lines[*at].starts_with("|---");
    let is_head = |at: &usize| lines.get(at + 1).is_some_and(|next| next.starts_with("|---"));
    let cells =
        |at: usize| lines[at].trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    (0..lines.len()).filter(|at| is_row(at) && !is_head(at)).map(cells).collect()
}

#[test]
fn one_term_one_meaning() {
    let page = fs::read_to_string("docs/terms.md").unwrap();
    let (terms, others) = page.split_once("## Not said").unwrap();
    let (mut known, mut found) = (BTreeSet::new(), Vec::new());
    for row in rows(terms) {
        let term = row[0].trim_matches('*').to_owned();
        if !known.insert(term.to_lowercase()) {
            found.push(format!("{term}: has two meanings"));
        }
    }
    assert!(known.len() > 50, "terms are read: {known:?}");
    let mut texts = Vec::new();
    for entry in fs::read_dir("docs").unwrap().map(|entry| entry.unwrap().path()) {
        texts.push((entry.clone(), fs::read_to_string(&entry).unwrap()));
    }
    texts.push(("README.md".into(), fs::read_to_string("README.md").unwrap()));
    texts.extend(core().into_iter().map(|file| (file.path, file.text)));
    for row in rows(others) {
        let said = row[1].trim_matches('*').to_lowercase();
        assert!(known.contains(&said), "`{said}` is a term");
        for word in row[0].split(", ") {
            let is_word = |text: &str, at: usize| {
                let inside = |letter: char| letter.is_alphanumeric() || letter == '_';
                !text[..at].ends_with(inside) && !text[at + word.len()..].starts_with(inside)
            };
            for (path, text) in &texts {
                let text =
                    if path.ends_with("terms.md") { terms.to_lowercase() } else { text.to_lowercase() };
                if text.match_indices(word).any(|(at, _)| is_word(&text, at)) {
                    found.push(format!("{}: `{word}` for {said}", path.display()));
                }
            }
        }
    }
    none(&found, "words beside the terms of docs/terms.md");
}

#[test]
fn there_are_no_drawers() {
    let found: Vec<_> = core()
        .iter()
        .filter(|file| {
            DRAWERS.contains(&file.path.file_stem().unwrap().to_str().unwrap()) || file.room == "error"
        })
        .map(|file| file.path.display().to_string())
        .collect();
    none(&found, "files named after nothing");
}

#[test]
fn files_say_what_they_are_and_stay_small() {
    let mut found = Vec::new();
    for file in files("src").into_iter().chain(files("sandbox/src")) {
        if !file.text.starts_with("//!") {
            found.push(format!("{}: does not open with `//!`", file.path.display()));
        }
        let lines = without_tests(&file.text).lines().count();
        if lines > 600 {
            found.push(format!("{}: {lines} lines", file.path.display()));
        }
    }
    none(&found, "files that are too long or say nothing");
}

/// Functions, without tables of cases: where each begins, and its lines.
fn functions() -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for file in files("src").into_iter().chain(files("sandbox/src")) {
        if file.path.iter().any(|part| part == "tests" || part == "tests.rs") {
            continue;
        }
        let lines: Vec<_> = file.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let start = line.trim_start();
            let bare = ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "]
                .iter()
                .fold(start, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
            if bare.starts_with("fn ") {
                let close = format!("{}}}", " ".repeat(line.len() - start.len()));
                let length = lines[at..].iter().position(|line| **line == close).unwrap_or(0);
                found.push((format!("{}:{}", file.path.display(), at + 1), length));
            }
        }
    }
    found
}

#[test]
fn functions_stay_small() {
    let long = functions().into_iter().filter(|(_, lines)| *lines > 80);
    let found: Vec<_> = long.map(|(place, lines)| format!("{place}: {lines} lines")).collect();
    none(&found, "functions over 80 lines");
}

#[test]
fn most_files_and_functions_are_short() {
    let middle = |mut lengths: Vec<usize>| {
        lengths.sort_unstable();
        lengths[lengths.len() / 2]
    };
    let sources = files("src").into_iter().chain(files("sandbox/src"));
    let lines = middle(sources.map(|file| without_tests(&file.text).lines().count()).collect());
    assert!(lines <= 200, "the middle file has {lines} lines");
    let lines = middle(functions().into_iter().map(|(_, lines)| lines).collect());
    assert!(lines <= 10, "the middle function has {lines} lines");
}

#[test]
fn the_sandbox_knows_nothing_of_the_core() {
    let manifest = fs::read_to_string("sandbox/Cargo.toml").unwrap();
    assert!(!manifest.contains("\nflowrun "), "the sandbox must not depend on the core");
    let found: Vec<_> = files("sandbox/src")
        .iter()
        .filter(|file| file.text.contains("use flowrun::") || file.text.contains("flowrun::"))
        .map(|file| file.path.display().to_string())
        .collect();
    none(&found, "the sandbox shares no code with the core");
    let found: Vec<_> = core()
        .iter()
        .filter(|file| file.room != "cli" && file.text.contains("flowrun_sandbox"))
        .map(|file| file.path.display().to_string())
        .collect();
    none(&found, "only the command line starts the sandbox");
}

#[test]
fn nothing_is_left_to_do() {
    let found: Vec<_> = files("src")
        .iter()
        .chain(&files("sandbox/src"))
        .flat_map(|file| {
            ["todo!", "unimplemented!", "TODO", "FIXME"]
                .iter()
                .filter(|word| file.text.contains(**word))
                .map(|word| format!("{}: {word}", file.path.display()))
                .collect::<Vec<_>>()
        })
        .collect();
    none(&found, "work left in the code");
}

#[test]
fn every_problem_code_has_a_golden_case_and_a_section() {
    let codes = fs::read_to_string("src/problem/codes.rs").unwrap();
    let sections = fs::read_to_string("docs/problems.md").unwrap();
    let mut golden = String::new();
    let mut folders = vec![PathBuf::from("tests/golden")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "out") {
                golden.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    // A file that is not there makes no pair on disk: its case is a test.
    golden.push_str(&fs::read_to_string("tests/check.rs").unwrap());
    let mut found = Vec::new();
    let codes: BTreeSet<_> = codes.split("\"FR").skip(1).map(|rest| format!("FR{}", &rest[..3])).collect();
    assert!(codes.len() > 20, "the codes are read from src/problem/codes.rs");
    for code in codes {
        if !sections.contains(&format!("## {code}")) {
            found.push(format!("{code}: no section in docs/problems.md"));
        }
        if !golden.contains(&code) {
            found.push(format!("{code}: no golden case"));
        }
    }
    none(&found, "codes without a case or a section");
    assert!(Path::new("docs/terms.md").exists());
}
