//! The cases beside the shipped flows, run in this process: all hold, and together they reach every node and every outcome.
//! And cases that do not hold (`tests/golden/cases/NAME.yaml`), each file laid beside the shipped orders flow in place of the
//! shipped cases; what is told of them stands in `NAME.out`. `FLOWRUN_BLESS=1` writes what was found.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use crate::program::Program;
use flowrun::{
    compile::compile,
    estate::{Disk, Files, Memory},
    problem::{
        Severity,
        draw::{Style, draw},
    },
    trial::{Report, run},
};

/// What is told, line by line.
pub(crate) fn told(report: &Report) -> String {
    let mut out = draw(&report.problems, &report.sources, Style::PLAIN);
    for told in &report.told {
        let word = if told.is_good() { "ok" } else { "failed" };
        writeln!(out, "{word} {}/{}", told.subject, told.name).unwrap();
        for miss in &told.misses {
            let file = report.sources.get(miss.span.file).unwrap();
            let name = Path::new(&*file.name).file_name().unwrap().to_str().unwrap();
            let (line, column) = report.sources.line_column(miss.span.file, miss.span.start);
            writeln!(out, "  {name}:{line}:{column} {miss}").unwrap();
        }
    }
    for (flow, missing) in &report.unreached {
        writeln!(out, "never reached in {flow}: {}", missing.join(", ")).unwrap();
    }
    out
}

/// The shipped estate without its cases.
fn bare() -> Memory {
    let mut files = Memory::default();
    for path in Disk.list(Path::new("flows")).unwrap() {
        if !path.to_str().unwrap().ends_with(".test.yaml") {
            files = files.with(Path::new("/").join(&path), fs::read(&path).unwrap());
        }
    }
    files
}

/// A merchant's overlay on the shipped orders flow, with a field of its own: laid over, checked and run.
#[test]
fn the_example_of_an_overlay_holds_and_its_problems_point_into_it() {
    let folder = PathBuf::from("examples/merchant");
    let report = run(&Disk, std::slice::from_ref(&folder), None);
    assert!(report.is_good() && report.told.len() == 2, "{}", told(&report));
    let slip = |old: &str, new: &str| {
        let mut files = Memory::default();
        for path in Disk.list(&folder).unwrap() {
            let text = String::from_utf8(Disk.read(&path).unwrap().into_owned()).unwrap();
            files = files.with(Path::new("/").join(&path), text.replace(old, new).into_bytes());
        }
        let compiled = compile(&files, &[PathBuf::from("/examples/merchant")], None);
        let places = compiled.problems.iter().map(|problem| {
            let span = problem.labels[0].span;
            let (line, column) = compiled.sources.line_column(span.file, span.start);
            format!("{} {}:{line}:{column}", problem.code, compiled.sources.get(span.file).unwrap().name)
        });
        places.collect::<Vec<_>>()
    };
    assert_eq!(slip("order.staff_notes", "order.staf_notes"), ["FR302 /examples/merchant/orders.yaml:9:37"]);
    assert_eq!(
        slip("      custbody_desk:", "      custbody_dsk:"),
        ["FR305 /examples/merchant/orders.yaml:16:7"]
    );
    // What an overlay takes away and others use is missed where they use it.
    assert_eq!(
        slip("nodes:\n", "nodes:\n  - drop: details\n"),
        ["FR201 <embedded>/flows/bigcommerce-netsuite/orders.yaml:151:27"]
    );
}

#[test]
fn every_shipped_case_holds_and_every_outcome_is_reached() {
    let embedded = run(&Memory::default(), &[], None);
    for report in [run(&Disk, &[PathBuf::from("flows")], None), embedded] {
        assert!(report.is_good(), "{}", told(&report));
        assert!(report.told.len() >= 30, "{}", told(&report));
        assert!(report.unreached.is_empty(), "{}", told(&report));
    }
}

/// Slips that the checker lets pass, since they are lawful: what stands in the orders flow, and what somebody wrote instead.
const SLIPS: &[(&str, &str)] = &[
    ("    when: { buyer: new }\n", ""),
    ("    after: [gap]\n", ""),
    ("off: \"{{ off }}\"\n      taxes", "off: \"{{ refunded }}\"\n      taxes"),
    ("{{ 'P' ~ line.key if", "{{ 'Q' ~ line.key if"),
    (" and not order.is_deleted", " or order.is_deleted"),
    ("retry: { every: 15m, for: 3d }      # comes", "retry: { every: 15m, for: 10m }      # comes"),
    ("{{ result.total == left.total }}", "{{ result.total != 0 }}"),
    ("date(zone=tables.storefronts[order.channel_id].time_zone)", "date(zone='UTC')"),
    ("nameless: \"{{ order.customer_id == 0", "nameless: \"{{ order.customer_id == -1"),
    (
        "if connection.erp.tax_mode == 'suitetax' else 'tax')",
        "if connection.erp.tax_mode != 'none' else 'tax')",
    ),
    ("if tax_as != 'detail' and left", "if tax_as == 'tax' and left"),
    (".cancelled or order.is_deleted", ".cancelled"),
    ("exchangeRate: \"{{ rate | default(omit) }}\"", "exchangeRate: 1"),
    ("(result.status.id | default('')) != 'H'", "(result.status.id | default('')) != 'C'"),
];

#[test]
fn slips_that_the_checker_lets_pass_are_found_by_the_cases() {
    let path = Path::new("flows/bigcommerce-netsuite/orders.yaml");
    let text = fs::read_to_string(path).unwrap();
    let mut shipped = Memory::default();
    for path in Disk.list(Path::new("flows")).unwrap() {
        shipped = shipped.with(Path::new("/").join(&path), fs::read(&path).unwrap());
    }
    let mut unseen = Vec::new();
    for (from, to) in SLIPS {
        assert_eq!(text.matches(from).count(), 1, "the orders flow says once: {from}");
        let path = Path::new("/").join(path);
        let report = run(&shipped.clone().with(&path, text.replace(from, to)), &[path], None);
        assert!(
            report.problems.iter().all(|it| it.severity != Severity::Error),
            "`{to}` is refused:\n{}",
            told(&report)
        );
        if report.told.iter().all(flowrun::trial::Told::is_good) {
            unseen.push(to);
        }
    }
    assert!(unseen.is_empty(), "no case finds {unseen:?}");
}

#[test]
fn cases_go_with_the_flow_that_is_asked_for() {
    let of = |path: &str| {
        let report = run(&Disk, &[PathBuf::from(path)], None);
        report.told.iter().map(|told| told.subject.to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(of("flows/bigcommerce-netsuite/orders.yaml"), ["orders".to_owned()].into());
    assert_eq!(of("flows/fragments/ns_address.yaml"), ["ns_address".to_owned()].into());
    assert_eq!(of("flows/fragments/ns_address.test.yaml"), ["ns_address".to_owned()].into());
    assert_eq!(of("flows/flowrun.yaml"), [].into());
}

#[test]
fn what_does_not_hold_is_told_at_its_place() {
    let mut wrong = Vec::new();
    let mut paths: Vec<_> =
        fs::read_dir("tests/golden/cases").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    assert!(paths.len() >= 5);
    for path in paths {
        let name = Path::new("/flows/bigcommerce-netsuite").join(path.file_name().unwrap());
        let files = bare().with(&name, fs::read(&path).unwrap());
        let found = told(&run(&files, &[name], None));
        let expected = path.with_extension("out");
        if env::var_os("FLOWRUN_BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
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

/// A flow that asks for parts one by one and warns of those that are small.
const PARTS: &str = r#"
flow: parts
connections: { store: bigcommerce }
trigger: { key: "{{ event.order }}" }
nodes:
  - extract: parts
    call: store.get_order
    each: "{{ event.ids }}"
    as: id
    by: "{{ id }}"
    with: { id: "{{ id }}" }
    warn:
      - that: "{{ result.id == 1 }}"
        else: "nobody waits for {{ id }}"
give: "{{ parts | map(attribute='key') }}"
"#;

const PARTS_CASES: &str = r#"
test: parts
cases:
  - case: asked_one_by_one_and_again_when_let_in
    now: 2026-03-01T00:00:00Z
    event: { order: 7, ids: [1, 2] }
    answers:
      store.get_order:
        - { by: { "1": { give: { id: 1 } }, "2": { fail: { class: throttle, after: 50s } } } }
        - { by: { "1": { give: { id: 1 } }, "2": { fail: { class: throttle, after: 50s } } } }
        - { by: { "2": { give: { id: 2 } } } }
    expect:
      - { outcome: ok, warns: [nobody waits for 2], give: [1, 2], calls: { store.get_order: { times: 3 } } }
      - { at: 49s, outcome: running, calls: { store.get_order: { times: 2 } } }
  - case: warns_of_nothing
    event: { order: 7, ids: [1] }
    answers: { store.get_order: { give: { id: 1 } } }
    expect: { outcome: ok, warns: [nobody waits for 1], nodes: { parts: [{ key: 1, value: { id: 2 } }] } }
"#;

#[test]
fn elements_warnings_and_the_clock() {
    let files = bare().with("/flows/parts.yaml", PARTS).with("/flows/parts.test.yaml", PARTS_CASES);
    let found = told(&run(&files, &[PathBuf::from("/flows/parts.yaml")], None));
    let wanted = "ok parts/asked_one_by_one_and_again_when_let_in\nfailed parts/warns_of_nothing\n  \
        parts.test.yaml:18:97 parts[0].value.id: wanted 2, found 1\n  \
        parts.test.yaml:18:36 warns: wanted a warning that says `nobody waits for 1`, found no warning\n";
    assert_eq!(found, wanted);
}

#[test]
fn a_case_is_played_the_same_inside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let report = runtime.block_on(async { run(&Disk, &[PathBuf::from("flows/bigcommerce-netsuite")], None) });
    assert!(report.is_good(), "{}", told(&report));
}

#[test]
fn the_program_tells_how_many_hold() {
    let said = Program::new(&["test", "--coverage"]).run();
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.is_empty() && said.err.contains("is reached\n") && said.err.contains(" cases ok ("),
        "{}",
        said.err
    );

    let case = "test: net_of_line\ncases:\n  - case: less\n    with: { line: { id: 1, discounted_total_inc_tax: 5 }, \
        taxes: [] }\n    gives: 4\n";
    let wrong = Program::new(&["test", "wrong.test.yaml"]).file("wrong.test.yaml", case);
    let said = wrong.run();
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("failed net_of_line/less\n"), "{}", said.err);
    assert!(
        said.err.contains("wrong.test.yaml:5:12  gives: wanted 4, found 5\n1 case failed, 0 ok ("),
        "{}",
        said.err
    );

    let said =
        Program::new(&["test", "wrong.test.yaml", "--format", "json"]).file("wrong.test.yaml", case).run();
    let report = serde_json::from_str::<serde_json::Value>(&said.out).unwrap();
    assert_eq!(
        (said.code, report["failed"].as_u64(), report["cases"][0]["differences"][0]["line"].as_u64()),
        (1, Some(1), Some(5))
    );
    assert_eq!(Program::new(&["test", "nowhere"]).run().code, 5);
}
