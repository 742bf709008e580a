//! The checker on the small estate of `tests/golden/estate`: one file more (`tests/golden/check/NAME.yaml`), or some files
//! laid over it (`tests/golden/estates/NAME/`), and the whole of what people see beside it (`NAME.out`).
//! `FLOWRUN_BLESS=1` writes what was found.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use flowrun::{
    compile::{Compiled, compile},
    estate::{Disk, Files, Memory},
    expr::{Root, Scope},
    flow::Slots,
    plan::{Plan, draw},
    problem::{self, codes, draw::Style},
    value::Value,
};

use crate::program::Program;

/// The files below a folder, laid into memory below `/`.
pub(crate) fn lay(mut files: Memory, folder: &str) -> Memory {
    for path in Disk.list(Path::new(folder)).unwrap() {
        let below = Path::new("/").join(path.strip_prefix(folder).unwrap());
        files = files.with(below, fs::read(&path).unwrap());
    }
    files
}

fn estate() -> Memory {
    lay(Memory::default(), "tests/golden/estate")
}

fn drawn(compiled: &Compiled) -> String {
    problem::draw::draw(&compiled.problems, &compiled.sources, Style::PLAIN)
}

/// Holds what was found against `NAME.out`; tells whether it is as blessed.
fn blessed(name: &Path, found: &str, wrong: &mut Vec<String>) {
    let expected = name.with_extension("out");
    if env::var_os("FLOWRUN_BLESS").is_some() {
        fs::write(&expected, found).unwrap();
    } else if fs::read_to_string(&expected).unwrap_or_default() != found {
        wrong.push(format!("{}:\n{found}", name.display()));
    }
}

fn entries(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_none_or(|ending| ending == "yaml"));
    found.sort();
    assert!(!found.is_empty(), "{folder} has cases");
    found
}

/// Runs a case; gives its problems, drawn, and their codes.
fn case(path: &Path) -> (String, Vec<&'static str>) {
    let (files, asked) = if path.is_dir() {
        (lay(estate(), path.to_str().unwrap()), vec![PathBuf::from("/")])
    } else {
        let name = Path::new("/").join(path.file_name().unwrap());
        let text = fs::read_to_string(path).unwrap();
        let also = text.lines().next().and_then(|line| line.strip_prefix("# asks for: ")).map(PathBuf::from);
        (estate().with(&name, text), [name].into_iter().chain(also).collect())
    };
    let compiled = compile(&files, &asked, None);
    (drawn(&compiled), compiled.problems.iter().map(|problem| problem.code).collect())
}

#[test]
fn every_problem_of_a_case_is_drawn_as_blessed() {
    let mut wrong = Vec::new();
    for path in entries("tests/golden/check").into_iter().chain(entries("tests/golden/estates")) {
        let (found, codes) = case(&path);
        let name = path.file_stem().unwrap().to_str().unwrap();
        let code = name.split('_').next().unwrap().to_uppercase();
        let only = codes.iter().all(|found| *found == code) && !codes.is_empty();
        if if name == "clean" { !codes.is_empty() } else { !only } {
            wrong.push(format!("{name} tells {codes:?}:\n{found}"));
        }
        blessed(&path, &found, &mut wrong);
    }
    assert!(
        wrong.is_empty(),
        "not as blessed (FLOWRUN_BLESS=1 writes what was found):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn what_is_not_there_is_told() {
    let compiled = compile(&estate(), &[PathBuf::from("/none.yaml")], None);
    assert_eq!(compiled.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [codes::UNREADABLE]);
    let compiled = compile(&estate(), &[PathBuf::from("/")], Some("tset"));
    assert_eq!(compiled.problems[0].help.as_deref(), Some("did you mean `test`?"));
}

/// One fault anywhere in the estate is one problem, however much stands on what is broken.
#[test]
fn one_fault_is_one_problem() {
    let read = |path: &str| fs::read_to_string(Path::new("tests/golden/estate").join(path)).unwrap();
    let clean = fs::read_to_string("tests/golden/check/clean.yaml").unwrap();
    let more = "  - action: child\n    call: flows.child\n    with: { store: \"{{ tables.stores['corner'].ledger }}\", number: 1 }\n";
    for (path, from, to) in [
        ("flowrun.yaml", "tax_mode", "tax_mod"),
        ("flowrun.yaml", "connector: books", "connector: bookss"),
        ("flowrun.yaml", "environments:", "environments: ["),
        ("flowrun.yaml", "user: env:BOOKS_USER, ", ""),
        ("tables/stores.csv", "ledger:text", "ledger:txt"),
        ("tables/stores.csv", "harbour,200", "corner,200"),
        ("fragments/row_of_line.yaml", "params:", "params: ["),
        ("fragments/row_of_line.yaml", "line.price", "line.prise"),
        ("flows/child.yaml", "nodes:", "nodes: ]"),
        ("flows/child.yaml", "call: books.cancel_invoice", "call: books.cancel_invoices"),
        ("flows/child.yaml", "    call: books.cancel_invoice\n", ""),
        ("connectors/books.yaml", "operations:", "operations: ]"),
        (
            "connectors/books.yaml",
            "    repeat: safe\n    example: { with: { external_id: corner-7 }, answers: { answer: { status: 204",
            "    example: { with: { external_id: corner-7 }, answers: { answer: { status: 204",
        ),
        ("records/books/invoice.json", "\"$id\"", "\"$id\": ["),
        ("records/books/invoice.json", "\"maxLength\"", "\"maxLenght\""),
    ] {
        let text = read(path);
        assert!(text.contains(from), "{path} has no {from}");
        let files = estate()
            .with("/clean.yaml", format!("{clean}{more}"))
            .with(Path::new("/").join(path), text.replacen(from, to, 1));
        let compiled = compile(&files, &[PathBuf::from("/")], None);
        assert_eq!(compiled.problems.len(), 1, "{path}: `{to}` for `{from}`\n{}", drawn(&compiled));
        assert!(compiled.plan("sample").is_none() || path == "flows/child.yaml", "{path}: {to}");
    }
}

/// What is refused as coming later is listed in the language's page, and every line of that list is refused in a case.
#[test]
fn what_comes_later_is_listed_and_refused() {
    let page = fs::read_to_string("docs/language.md").unwrap();
    let (_, list) = page.split_once("## What comes later").unwrap();
    let (list, _) = list.split_once("\n## ").unwrap();
    let cases = ["tests/golden/check/fr506_later.out", "tests/golden/estates/fr506_keys.out"];
    let told: String = cases.map(|path| fs::read_to_string(path).unwrap()).concat();
    for what in flowrun::check::LATER {
        assert!(list.contains(what), "docs/language.md does not say that {what} comes later");
        assert!(told.contains(&format!("{what} comes with a later version")), "no case refuses {what}");
    }
    let listed: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let refused = |line: &&str| {
        let keys = line.split('|').next().unwrap().split(", ").map(|key| key.trim().trim_start_matches('`'));
        keys.clone().all(|key| {
            let key = format!("`{key}");
            flowrun::check::LATER.contains(&&*key)
        })
    };
    assert_eq!(listed.iter().find(|line| !refused(line)), None, "listed, but not refused");
}

#[test]
fn the_estate_is_found_upwards_and_in_flows() {
    let files = lay(Memory::default(), "tests/golden/estate");
    let mut moved = Memory::default().with("/repo/tests/other.yaml", "flow: other");
    for path in files.list(Path::new("/")).unwrap() {
        let below = path.strip_prefix("/").unwrap();
        moved = moved.with(Path::new("/repo/flows").join(below), files.read(&path).unwrap().into_owned());
    }
    for start in ["/repo", "/repo/flows", "/repo/flows/flows/child.yaml", "/repo/flows/tables"] {
        assert_eq!(flowrun::estate::root(&moved, Path::new(start)), Some("/repo/flows".into()), "{start}");
    }
    assert_eq!(flowrun::estate::root(&moved, Path::new("/repo/tests/other.yaml")), None);
    let compiled = compile(&moved, &[PathBuf::from("/repo")], None);
    assert!(compiled.problems.is_empty() && compiled.plan("child").is_some(), "{}", drawn(&compiled));
}

#[test]
fn a_flow_alone_uses_what_comes_with_flowrun() {
    let text = fs::read_to_string("flows/bigcommerce-netsuite/create_customer.yaml").unwrap();
    let path = PathBuf::from("/alone/mine.yaml");
    let compiled = compile(&Memory::default().with(&path, text), &[path], None);
    assert!(compiled.problems.is_empty(), "{}", drawn(&compiled));
    assert_eq!(compiled.notes.len(), 1);
    assert!(compiled.plan("create_customer").is_some() && compiled.plan("orders").is_none());
}

#[test]
fn every_code_of_the_checker_has_a_case_and_a_section() {
    let text = fs::read_to_string("docs/problems.md").unwrap();
    let cases: Vec<String> = entries("tests/golden/check")
        .iter()
        .chain(&entries("tests/golden/estates"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().split('_').next().unwrap().to_uppercase())
        .collect();
    for code in codes::ALL
        .iter()
        .filter(|code| ["FR2", "FR3", "FR4", "FR50", "FR67"].iter().any(|of| code.code.starts_with(of)))
    {
        let heading = format!("## {} {}\n", code.code, code.title);
        assert!(text.contains(&heading), "docs/problems.md has no section `{}`", heading.trim());
        assert!(
            code.code == codes::UNREADABLE || cases.iter().any(|case| case == code.code),
            "{} has no case",
            code.code
        );
    }
}

#[test]
fn the_shipped_estate_is_clean() {
    for paths in [vec![PathBuf::from("flows")], Vec::new()] {
        let files: &dyn Files = if paths.is_empty() { &Memory::default() } else { &Disk };
        let compiled = compile(files, &paths, None);
        assert!(compiled.problems.is_empty(), "{}", drawn(&compiled));
        assert!(compiled.plan("orders").is_some() && compiled.plan("create_customer").is_some());
    }
}

/// The plan as text: order, edges, what each write freezes.
fn told(plan: &Plan) -> String {
    let name = |node: &u16| plan.nodes[usize::from(*node)].name.to_string();
    let names = |nodes: &[u16]| nodes.iter().map(name).collect::<Vec<_>>().join(", ");
    let mut out = String::new();
    for node in &plan.nodes {
        let _ = writeln!(out, "{} {}", node.kind.word(), node.name);
        let _ = writeln!(out, "  needs {}", names(&node.needs));
        let _ = writeln!(out, "  gates {}", names(&node.gates));
        for (slot, used) in &node.freeze {
            let of = plan
                .slots
                .node(*slot, plan.nodes.len())
                .map_or("event".into(), |node| plan.nodes[node].name.clone());
            let _ = writeln!(out, "  freezes {of}: {used:?}");
        }
    }
    out
}

#[test]
fn plans_and_their_drawings_are_as_blessed() {
    let mut wrong = Vec::new();
    let source = Path::new("tests/golden/plans/everything.yaml");
    let path = PathBuf::from("/everything.yaml");
    let compiled = compile(&estate().with(&path, fs::read(source).unwrap()), &[path], None);
    let plan = compiled.plan("everything").unwrap_or_else(|| panic!("{}", drawn(&compiled)));
    let (detail, overview) = (draw::detail(plan), draw::overview(plan));
    let texts = [
        ("plan", told(plan)),
        ("mmd", draw::mermaid(&detail)),
        ("dot", draw::dot(&detail)),
        ("svg", draw::svg(&detail)),
        ("txt", draw::plain(&detail)),
        ("overview.mmd", draw::mermaid(&overview)),
        ("overview.svg", draw::svg(&overview)),
        ("overview.txt", draw::plain(&overview)),
    ];
    for (ending, found) in texts {
        let expected = source.with_extension(ending);
        if env::var_os("FLOWRUN_BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{}:\n{found}", expected.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "not as blessed (FLOWRUN_BLESS=1 writes what was found):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_fingerprint_is_of_what_a_run_does() {
    let flow = fs::read_to_string("tests/golden/check/clean.yaml").unwrap();
    let print = |files: Memory, flow: &str| {
        let path = PathBuf::from("/clean.yaml");
        let compiled = compile(&files.with(&path, flow), &[path], None);
        compiled.plan("sample").unwrap_or_else(|| panic!("{}", drawn(&compiled))).print
    };
    let base = print(estate(), &flow);
    assert_eq!(base, print(estate(), &format!("# a comment\n{flow}")), "comments do nothing");
    let table = "code:text*,ledger:text,live:bool\ncorner,999,true\n";
    assert_eq!(
        base,
        print(estate().with("/tables/stores.csv", table), &flow),
        "the flow does not use this table"
    );
    let fragment = fs::read_to_string("tests/golden/estate/fragments/row_of_line.yaml").unwrap();
    let changed = [
        print(estate(), &flow.replace("15m", "16m")),
        print(
            estate()
                .with("/fragments/row_of_line.yaml", fragment.replace("line.quantity", "line.quantity + 1")),
            &flow,
        ),
        print(estate(), &flow.replace("connection.shop.code", "tables.stores['corner'].ledger")),
    ];
    for (number, other) in changed.iter().enumerate() {
        assert_ne!(base, *other, "change {number}");
    }
}

#[test]
fn programs_are_answered_in_json() {
    let json = |arguments: &[&str]| {
        let said = Program::new(&[arguments, &["--format", "json"]].concat()).run();
        assert_eq!(said.code, 0, "{}", said.err);
        serde_json::from_str::<serde_json::Value>(&said.out).unwrap()
    };
    for code in ["502", "fr502", "FR502"] {
        let told = json(&["explain", code]);
        assert_eq!(
            (&told["code"], &told["title"]),
            (&"FR502".into(), &"a write that starts its own flow".into())
        );
        assert!(told["text"].as_str().unwrap().contains("changes:"));
    }
    let told = json(&["graph", "create_customer"]);
    let node =
        |name: &str| told["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).unwrap();
    assert_eq!(node("made")["when"], serde_json::json!({ "exists": ["missing"] }));
    assert_eq!(node("made")["calls"], "netsuite.create_customer");
    assert_eq!(node("exists")["outcomes"], serde_json::json!(["found", "missing"]));
    assert!(node("exists")["needs"].as_array().unwrap().contains(&"found".into()));
}

#[test]
fn what_cannot_be_asked_is_said() {
    let said = Program::new(&["explain", "FR52"]).run();
    assert_eq!((said.code, said.err.contains("did you mean `FR502`?")), (2, true), "{}", said.err);
    let said = Program::new(&["explain", "nothing"]).run();
    assert_eq!((said.code, said.err.contains("FR101 not valid YAML")), (2, true), "{}", said.err);
    let said = Program::new(&["validate", "nosuch"]).run();
    assert_eq!((said.code, said.err.contains("`nosuch` does not exist")), (5, true), "{}", said.err);
    let said = Program::new(&["validate", "."]).run();
    assert_eq!((said.code, said.err.contains("warning: nothing was checked")), (0, true), "{}", said.err);
}

/// The key of the run that makes a customer: one for each buyer, however the address is typed, and nobody's name in it.
#[test]
fn the_key_of_a_buyer_names_nobody() {
    let compiled = compile(&Memory::default(), &[], None);
    let plan = compiled.plan("create_customer").unwrap();
    let key = |email: &str| {
        let event = format!(r#"{{"store": "uk", "customer_id": 7, "billing": {{"email": "{email}"}}}}"#);
        let event = Value::parse(event.as_bytes()).unwrap();
        let mut roots = vec![Root::Unset; usize::from(plan.slots.count)];
        roots[usize::from(Slots::EVENT)] = Root::Value(&event);
        plan.trigger.key.eval(&Scope::new(&roots, &plan.tables)).unwrap().unwrap().to_json()
    };
    let one = key("wren@example.org");
    assert_eq!(one, key("Wren@Example.org"));
    assert_ne!(one, key("lars@example.org"));
    assert!(!one.contains('@') && !one.contains("wren"), "{one}");
    assert_eq!(key(""), "\"uk/7\"");
}
