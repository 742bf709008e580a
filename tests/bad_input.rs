//! Bad input of every kind that reaches the reader or the checker: a clear problem at its place, in bounded words, and
//! nothing else. Sizes and counts are held, never times.

use std::path::PathBuf;

use flowrun::{
    compile::{Compiled, compile},
    estate::Memory,
    problem::{
        codes,
        draw::{Style, draw},
    },
    report,
};

use crate::check::lay;

const HEAD: &str = "flow: sample\nconnections: { shop: shop }\ntrigger:\n  key: \"{{ event.id }}\"\nnodes:\n";

/// Lays one file into the small estate.
fn with(path: &str, bytes: impl Into<Vec<u8>>) -> Compiled {
    let files = lay(Memory::default(), "tests/golden/estate").with(path, bytes.into());
    compile(&files, &[PathBuf::from("/")], None)
}

fn flow(nodes: &str) -> Compiled {
    with("/sample.yaml", format!("{HEAD}{nodes}"))
}

fn value(expression: &str) -> Compiled {
    flow(&format!(
        "  - transform: it\n    value: \"{{{{ {expression} }}}}\"\n    expect: [{{ that: \"{{{{ true }}}}\", else: x }}]\n"
    ))
}

/// One problem of that code, in that line and column of the file.
#[track_caller]
fn one(what: &str, compiled: &Compiled, code: &str, place: (usize, usize)) {
    let drawn = draw(&compiled.problems, &compiled.sources, Style::PLAIN);
    let found: Vec<_> = compiled
        .problems
        .iter()
        .map(|problem| {
            let span = problem.labels[0].span;
            (problem.code, compiled.sources.line_column(span.file, span.start))
        })
        .collect();
    assert_eq!(found, [(code, place)], "{what}:\n{}", drawn.chars().take(4000).collect::<String>());
    assert!(drawn.len() < 8_000, "{what}: {} bytes are drawn", drawn.len());
    assert!(compiled.plan("sample").is_none(), "{what} gives no plan");
}

#[test]
fn files_that_are_too_large_or_too_deep() {
    let long = "x".repeat(10 << 20);
    for path in [
        "/sample.yaml",
        "/tables/long.csv",
        "/records/shop/order.json",
        "/flowrun.yaml",
        "/connectors/shop.yaml",
    ] {
        one(path, &with(path, long.clone()), codes::LIMIT, (1, 1));
    }
    let check = "expect: [{ that: \"{{ true }}\", else: x }]";
    let node = format!("  - transform: it\n    {check}\n    value: {}\n", "x".repeat(300 << 10));
    one("a long text", &flow(&node), codes::LIMIT, (8, 12));
    let deep = format!("  - transform: it\n    value: {}1{}\n", "[".repeat(500), "]".repeat(500));
    one("a deep nest", &flow(&deep), codes::LIMIT, (7, 77));
    let deep = format!("{{\"properties\": {}1{}}}", "{\"properties\": ".repeat(500), "}".repeat(500));
    let compiled = with("/records/shop/deep.json", deep);
    assert_eq!(compiled.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [codes::LIMIT]);
    let many: String =
        (0..10_000).map(|number| format!("  - extract: a{number}\n    call: shop.get_order\n")).collect();
    one("many nodes", &flow(&many), codes::LIMIT, (1, 7));
}

#[test]
fn copies_that_would_grow_without_end() {
    let mut bomb = String::from("flow: sample\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", [before.as_str(); 9].join(", "));
    }
    let compiled = with("/sample.yaml", bomb);
    let codes: Vec<_> = compiled.problems.iter().map(|problem| problem.code).collect();
    assert!(codes.contains(&codes::ALIAS) && codes.len() < 150, "{codes:?}");
    let drawn = draw(&compiled.problems, &compiled.sources, Style::PLAIN);
    assert!(drawn.len() < 100_000, "{} bytes are drawn", drawn.len());
}

#[test]
fn expressions_that_are_endless_or_very_deep() {
    for (what, expression) in [
        ("endless", "1 + ".repeat(50_000) + "1"),
        ("deep", "(".repeat(5_000) + "1" + &")".repeat(5_000)),
        ("deep lists", "[".repeat(400) + &"]".repeat(400)),
        ("signs", "-".repeat(100_000) + "1"),
        ("never closed", "'".to_owned()),
    ] {
        let compiled = value(&expression);
        let codes: Vec<_> = compiled.problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [codes::EXPRESSION], "{what}");
        let drawn = draw(&compiled.problems, &compiled.sources, Style::PLAIN);
        assert!(drawn.len() < 4_000, "{what}: {} bytes are drawn", drawn.len());
    }
}

#[test]
fn constants_that_no_run_could_use() {
    one("a currency", &value("'1.00' | money('XXY')"), codes::REFUSED, (7, 31));
    one("a day", &value("'2026-02-30' | date"), codes::REFUSED, (7, 16));
    one("a zone", &value("event.at | date(zone='Mars')"), codes::REFUSED, (7, 37));
    one("a number", &value("'1,2' | decimal"), codes::REFUSED, (7, 16));
    one("a JSONPath", &value("event.x | path('$[')"), codes::JSONPATH, (7, 31));
    one("a round mode", &value("2.5 | round(mode='up_half')"), codes::ARGUMENTS, (7, 33));
    one("a row", &value("tables.stores['x'].ledger"), codes::UNKNOWN_ROW, (7, 30));
    let codes = "country:text*,currency:currency\nGB,GBP\nFR,FRX\n";
    one("a currency of a table", &with("/tables/countries.csv", codes), codes::TABLE, (3, 4));
    let overflow = format!("id:int*\n{}\n", "9".repeat(40));
    one("a number of a table", &with("/tables/long.csv", overflow), codes::TABLE, (2, 1));
    let schedule = "flow: sample\ntrigger:\n  from: [{ schedule: \"61 2 * * *\", zone: Europe/London }]\n  key: x\nnodes: []\n";
    assert!(with("/sample.yaml", schedule).has_errors());
}

#[test]
fn files_of_another_kind() {
    one("UTF-16", &with("/sample.yaml", b"\xff\xfef\0l\0".to_vec()), codes::NOT_TEXT, (1, 1));
    one("a zero byte", &with("/sample.yaml", "flow: a\0b\n"), codes::NOT_TEXT, (1, 8));
    one("no object", &with("/sample.yaml", "- a\n- b\n"), codes::ONE_OF, (1, 1));
    one("no CSV", &with("/tables/x.csv", "a:text*,b:text\n\"x\n"), codes::TABLE, (2, 1));
    one("an empty table", &with("/tables/x.csv", ""), codes::TABLE, (1, 1));
    one("no JSON", &with("/records/shop/x.json", "{\"type\": \"object\""), codes::SYNTAX, (1, 1));
    one(
        "a list for a text",
        &with("/fragments/x.yaml", "fragment: x\ntitle: [x]\nvalue: 1\n"),
        codes::KIND,
        (2, 9),
    );
}

/// The whole file stands in one line of a megabyte, and ten thousand things are wrong with it.
#[test]
fn ten_thousand_problems_in_one_line() {
    let count = 10_000;
    let fields: Vec<String> =
        (0..count).map(|number| format!("f{number}: \"{{{{ nobody{number:060} }}}}\"")).collect();
    let text = format!(
        "{{ flow: sample, trigger: {{ key: x }}, nodes: [{{ transform: it, fields: {{ {} }} }}] }}",
        fields.join(", ")
    );
    assert!(text.len() > 800_000 && text.len() < flowrun::yaml::MAX_FILE, "{}", text.len());
    let compiled = with("/sample.yaml", text);
    assert_eq!(compiled.problems.len(), count);
    assert!(compiled.problems.iter().all(|problem| problem.code == codes::UNKNOWN_NAME));
    let drawn = report::problems::human(&compiled.problems, &compiled.sources, Style::PLAIN);
    assert!(drawn.contains("and 9900 more") && drawn.len() < 50_000, "{} bytes are drawn", drawn.len());
    let json = report::problems::json(&compiled.problems, &compiled.sources, 1, 0.0);
    assert_eq!(json.matches("\"FR201\"").count(), count);
}

/// Ten thousand bad rows: each is told at its line.
#[test]
fn ten_thousand_bad_rows() {
    let rows: String = (0..10_000).map(|number| format!("k{number},no\n")).collect();
    let compiled = with("/tables/rows.csv", format!("key:text*,number:int\n{rows}"));
    assert_eq!(compiled.problems.len(), 10_000);
    let last = compiled.problems.last().unwrap().labels[0].span;
    assert_eq!(compiled.sources.line_column(last.file, last.start), (10_001, 7));
}
