//! Connector files that are wrong, and the shipped ones that must be right.

use std::{fs, path::Path};

use crate::{
    connector::{Connector, example, lower},
    problem::{Problems, Severity},
    record::Records,
    source::Sources,
    syntax, yaml,
};

const THING: &str = r#"{"$id": "shop.thing", "type": "object", "properties": {
    "id": {"type": "integer"}, "lines": {"type": "array", "items": {"type": "object"}}, "words": {"type": "array", "items": {"type": "string"}}}}"#;

fn read(text: &str) -> (Option<Connector>, Vec<String>) {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let record = sources.add("shop/thing.json", THING);
    let records = Records::read(&[record], &sources, &mut problems);
    let file = sources.add("shop.yaml", text);
    let tree = yaml::read(&sources, file, &mut problems);
    let connector = tree.and_then(|tree| syntax::connector(&tree, &mut problems));
    let connector = connector.map(|file| lower(&file, &records, &mut problems));
    let told = problems.into_sorted().into_iter().filter(|problem| problem.severity == Severity::Error).map(
        |problem| {
            let span = problem.labels[0].span;
            let place = &text[span.start as usize..span.end as usize];
            let first = place.lines().next().unwrap_or_default();
            let help = problem.help.map_or(String::new(), |help| format!(" ({help})"));
            format!("{} at `{first}`: {}{help}", problem.code, problem.message)
        },
    );
    (connector, told.collect())
}

/// A connector with one operation.
fn one(operation: &str) -> Vec<String> {
    let indented = operation.trim().replace('\n', "\n    ");
    read(&format!("connector: shop\nbase: https://x.example.org\nauth: {{ t: {{ kind: basic }} }}\noperations:\n  op:\n    {indented}\n")).1
}

#[test]
fn operations_that_are_wrong_are_told_where() {
    for (operation, told) in [
        ("reads: txt\nget: /a", "FR601 at `txt`: there is no type `txt` (did you mean `text`?)"),
        (
            "reads: shop.thin\nget: /a",
            "FR601 at `shop.thin`: there is no type `shop.thin` (did you mean `shop.thing`?)",
        ),
        (
            "reads: any\nget: a",
            "FR603 at `a`: `a` is no path: expected `/a/{b}` without `?`; the query has its own key",
        ),
        (
            "reads: any\nwith: { id: int }\nget: \"/a/{di}\"",
            "FR604 at `\"/a/{di}\"`: `{di}` is neither a parameter nor a part of an earlier step; did you mean `id`?",
        ),
        (
            "reads: any\nget: /a\nquery: { x: \"{{ wiht.id }}\" }",
            "FR606 at `wiht`: there is no `wiht` here (did you mean `with`?)",
        ),
        (
            "writes: shop.thing\npost: /a\nrepeat: safe",
            "FR511 at `safe`: a POST makes something new each time: it is not safe to repeat (say `repeat: { look: operation }`, or `never`)",
        ),
        (
            "writes: shop.thing\nwith: { body: shop.thing }\nput: /a\nbody: \"{{ with.body }}\"\nrepeat: safe",
            "FR511 at `safe`: repeated, this would add the lines of `lines` again (say under `sublists` how lines are told apart: `lines: replace` or `lines: { key: … }`)",
        ),
        ("writes: shop.thing\nput: /a\nrepeat: { look: see }", "FR604 at `see`: there is no operation `see`"),
        (
            "reads: any\nsuiteql: \"SELECT 1 WHERE a = :a\"",
            "FR604 at `\"SELECT 1 WHERE a = :a\"`: `:a` has no value under `params`",
        ),
        (
            "reads: any\nsteps:\n  - { as: a, get: /a }\n  - { as: a, get: /b }",
            "FR605 at `a`: `a` already means something here",
        ),
        (
            "reads: any\nget: /a\npaging: { kind: pages }",
            "FR116 at `pages`: `kind` cannot be `pages` (did you mean `page`?)",
        ),
        ("reads: any\nget: /a\npaging: { kind: cursor }", "FR605 at `{ kind: cursor }`: `next` is missing"),
        ("reads: any\nput: /a", "FR605 at `put`: a read does not PUT, PATCH or DELETE: say `writes`"),
        (
            "reads: [{ id: int, at: text }]\nget: /a\ncursor: { kind: second, field: when, format: iso, tie: id }",
            "FR604 at `{ kind: second, field: when, format: iso, tie: id }`: the rows have no field `when`",
        ),
        ("reads: any\nget: /a\ngroup: bulk", "FR604 at `bulk`: there is no group of limits `bulk`"),
    ] {
        assert_eq!(one(operation), [told], "{operation}");
    }
}

#[test]
fn a_list_of_plain_values_is_no_sublist_and_keyed_lines_are_safe() {
    let lines = "writes: shop.thing\nwith: { body: shop.thing }\nput: /a\nbody: \"{{ with.body }}\"\nrepeat: safe\nsublists: { lines: { key: id } }";
    assert_eq!(one(lines), Vec::<String>::new());
    assert_eq!(one("writes: shop.thing\nput: /a\nbody: { id: 1 }\nrepeat: safe"), Vec::<String>::new());
}

#[test]
fn addresses_are_held_to_account() {
    let with = |base: &str, kind: &str| {
        read(&format!("connector: shop\nbase: \"{base}\"\nauth: {{ t: {{ kind: basic }} }}\nsettings: {{ a: {kind} }}\noperations:\n  op: {{ reads: any, get: /a }}\n")).1
    };
    assert_eq!(with("https://{a}.example.org", "slug"), Vec::<String>::new());
    assert!(with("https://{a}.example.org", "text")[0].contains("must be letters, digits"));
    assert!(with("https://x.example.org/{b}", "slug")[0].contains("needs the setting `b`"));
    assert!(with("ftp://x.example.org", "slug")[0].contains("is no address"));
}

#[test]
fn looks_answer_for_their_writes() {
    let file = |look: &str| {
        let text = format!(
            "connector: shop\nbase: https://x.example.org\nauth: {{ t: {{ kind: basic }} }}\noperations:\n  put:\n    writes: shop.thing\n    with: {{ id: int }}\n    gives: {{ id: int }}\n    put: /a\n    repeat: {{ look: see, settle: 1m }}\n  see: {look}\n"
        );
        read(&text).1
    };
    assert_eq!(file("{ reads: { maybe: { id: int } }, with: { id: int }, get: /a }"), Vec::<String>::new());
    assert!(
        file("{ reads: { id: int }, with: { key: int }, get: /a }")[0]
            .starts_with("FR512 at `see`: `see` needs `key`")
    );
    assert!(
        file("{ reads: { id: text }, get: /a }")[0]
            .starts_with("FR512 at `see`: `see` does not give what `put` gives")
    );
    assert!(
        file("{ writes: shop.thing, put: /a, repeat: safe }")[0].starts_with("FR512 at `see`: `see` writes")
    );
}

fn shipped() -> (Sources, Records, Vec<u32>) {
    let mut sources = Sources::default();
    let mut add = |folder: &Path, ending: &str| {
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let files = files.iter().filter(|path| path.extension().is_some_and(|found| found == ending));
        files
            .map(|path| sources.add(path.to_str().unwrap(), fs::read_to_string(path).unwrap()))
            .collect::<Vec<_>>()
    };
    let mut records = Vec::new();
    for system in fs::read_dir("schemas/records").unwrap() {
        records.extend(add(&system.unwrap().path(), "json"));
    }
    let connectors = add(Path::new("flows/connectors"), "yaml");
    let mut problems = Problems::default();
    let records = Records::read(&records, &sources, &mut problems);
    none(problems, &sources);
    (sources, records, connectors)
}

#[track_caller]
fn none(problems: Problems, sources: &Sources) {
    let told: Vec<_> = problems
        .into_sorted()
        .into_iter()
        .map(|problem| {
            let span = problem.labels[0].span;
            let (line, _) = sources.line_column(span.file, span.start);
            format!("{}:{line} {} {}", sources.get(span.file).unwrap().name, problem.code, problem.message)
        })
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn the_shipped_connectors_have_no_problem_and_their_examples_hold() {
    let (sources, records, connectors) = shipped();
    assert!(connectors.len() >= 2);
    for file in connectors {
        let mut problems = Problems::default();
        let tree = yaml::read(&sources, file, &mut problems).unwrap();
        let tree = syntax::connector(&tree, &mut problems).unwrap();
        let connector = std::sync::Arc::new(lower(&tree, &records, &mut problems));
        none(problems, &sources);
        let mut problems = Problems::default();
        example::check(&connector, &tree, &mut problems);
        none(problems, &sources);
    }
}
