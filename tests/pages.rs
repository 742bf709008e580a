//! What README.md and docs/ show is true: flows are those that are shipped, outputs are what the program says, commands are its
//! commands, links lead somewhere. `FLOWRUN_BLESS=1` writes outputs as they are now.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{journey::copy, program::Program};

/// The fenced blocks of a page, in order: language and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(page).unwrap();
    let mut parts = text.split("\n```");
    let mut found = Vec::new();
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').unwrap();
        found.push((language.to_owned(), text.to_owned() + "\n"));
    }
    found
}

/// The one block of a page that has this text in it.
#[track_caller]
fn block(page: &str, inside: &str) -> String {
    let found: Vec<_> = blocks(page).into_iter().filter(|(_, text)| text.contains(inside)).collect();
    assert_eq!(found.len(), 1, "{page} has one block with `{inside}`");
    found[0].1.clone()
}

/// A line without its comment and its place.
fn bare(line: &str) -> &str {
    line.split("  #").next().unwrap().trim()
}

/// Whether all lines stand in a text, in this order.
#[track_caller]
fn stands(shown: &str, text: &str) {
    let mut rest = text.lines().map(bare);
    for line in shown.lines().map(bare).filter(|line| *line != "nodes:") {
        assert!(rest.any(|found| found == line), "is shown, and not so in the file:\n{line}");
    }
}

fn orders() -> String {
    fs::read_to_string("flows/bigcommerce-netsuite/orders.yaml").unwrap()
}

#[test]
fn the_flow_of_the_readme_is_the_shipped_one() {
    stands(&block("README.md", "extract: order"), &orders());
}

#[test]
fn the_mistake_of_the_readme_is_told_as_it_is_shown() {
    let whole = orders();
    let (before, tag) = whole.split_once("  - writeback: tag").unwrap();
    let changes = tag.lines().find(|line| line.trim().starts_with("changes:")).unwrap();
    let tag = tag.replace(&format!("{changes}\n"), "").replace("create.tranId", "create.tranID");
    let broken = format!("{before}  - writeback: tag{tag}");
    let shown = block("README.md", "- writeback: tag\n");
    stands(&shown, &broken);
    let program = Program::new(&["validate", "flows"]);
    copy(Path::new("flows"), &program.folder().join("flows"));
    let said = program.file("flows/bigcommerce-netsuite/orders.yaml", &broken).run();
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let said = said.out + &said.err;
    let told: String = said.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    same("README.md", "$ flowrun validate flows\n", &told);
}

/// Holds the block of a page that begins with a command against what the program says, or writes it.
#[track_caller]
fn same(page: &str, command: &str, told: &str) {
    let shown = block(page, command);
    let found = format!("{command}{}\n", told.trim());
    if env::var_os("FLOWRUN_BLESS").is_some() {
        let text = fs::read_to_string(page).unwrap().replace(&shown, &found);
        fs::write(page, text).unwrap();
    } else {
        assert!(
            unnumbered(&shown) == unnumbered(&found),
            "{page} shows another output (FLOWRUN_BLESS=1 writes it):\n{found}"
        );
    }
}

/// What is told without the numbers of lines: they move with each line that is written above.
fn unnumbered(told: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    for line in told.lines() {
        let source = line.split_once(" │ ").map(|(_, shown)| shown);
        let place = line.split_once(".yaml:").map(|(before, _)| before);
        lines.push(source.or(place).unwrap_or(line));
    }
    lines
}

/// The name of a row of the demo's table.
fn row(line: &str) -> &str {
    line.trim().split("   ").next().unwrap()
}

#[test]
fn the_demo_tells_what_the_readme_shows() {
    let said = Program::new(&["demo", "--orders", "20", "--speed", "20000"]).run();
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let said = said.out + &said.err;
    let shown = block("README.md", "$ cargo run --release -- demo");
    // Rows have a name; figures, and lines that go on with them, are of the day.
    let rows: Vec<_> =
        shown.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")).collect();
    assert!(rows.len() >= 10, "{rows:?}");
    for line in rows {
        assert!(
            said.lines().any(|told| row(told) == row(line)),
            "the demo does not say `{}`:\n{said}",
            row(line)
        );
    }
}

#[test]
fn every_command_of_the_readme_is_one() {
    let page = fs::read_to_string("README.md").unwrap();
    let commands: Vec<_> = page.split('`').filter_map(|text| text.strip_prefix("flowrun ")).collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        let arguments: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let said = Program::new(&arguments).run();
        assert_eq!(said.code, 0, "flowrun {command}: {}", said.err);
    }
}

fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir("docs").unwrap().map(|entry| entry.unwrap().path());
    docs.chain(["README.md".into(), "CHANGELOG.md".into()])
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                count += 1;
                assert!(page.with_file_name(target).exists(), "{}: {link}", page.display());
            }
        }
    }
    assert!(count >= 5, "links are found: {count}");
}

#[test]
fn the_estate_of_the_language_page_is_valid_and_its_cases_hold() {
    let page = "docs/language.md";
    let mut program = Program::new(&["validate"]).file("tables/desks.csv", &block(page, "currency:text*"));
    for name in ["flowrun.yaml", "desk.yaml", "desk.test.yaml"] {
        program = program.file(name, &block(page, &format!("# {name}\n")));
    }
    let shown = block(page, "$ flowrun validate\n");
    let runs = [vec!["validate"], vec!["test"], vec!["graph", "desk"]];
    for (shown, arguments) in shown.split("$ flowrun ").skip(1).zip(runs) {
        assert_eq!(shown.lines().next(), Some(&*arguments.join(" ")));
        let said = Program::within(&program, &arguments).run();
        assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
        for line in shown.lines().skip(1) {
            let line = line.split(" (").next().unwrap();
            assert!((said.out.clone() + &said.err).contains(line), "{line}: {}{}", said.out, said.err);
        }
    }
    let spoilt =
        block(page, "# desk.yaml\n").replace("order.external_order_id", "order.external_id_of_order");
    let said = Program::within(&program.file("desk.yaml", &spoilt), &["validate"]).run();
    assert!(said.err.contains("FR302") || said.out.contains("FR302"), "{}{}", said.out, said.err);
}
