//! Faults planted all over the shipped estate: tables, connectors, records, fragments, flows, cases, the estate's own file.
//! One fault anywhere is one problem in its own file; several in different files are as many problems.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use flowrun::{
    compile::{Compiled, compile},
    estate::{Files, Memory},
    problem::{
        codes,
        draw::{Style, draw},
    },
};

use crate::check::lay;

/// A file with a fault in it, and the code under which it must be told.
#[derive(Debug)]
struct Fault {
    file: PathBuf,
    text: String,
    code: &'static str,
    /// Whether nothing of the file can be read: then what it would say of others is not told.
    unread: bool,
}

/// The files of the shipped estate with their texts, records laid beside flows.
fn estate() -> Vec<(PathBuf, String)> {
    let files = lay(lay(Memory::default(), "flows"), "schemas");
    let text = |path: PathBuf| {
        let text = String::from_utf8(files.read(&path).unwrap().into_owned()).unwrap();
        (path, text)
    };
    let listed = files.list(Path::new("/")).unwrap();
    let kinds = ["yaml", "csv", "json"];
    let ours =
        |path: &PathBuf| path.extension().is_some_and(|ending| kinds.iter().any(|kind| ending == *kind));
    let is_data = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".json") && !name.contains("/records/")
    };
    listed.into_iter().filter(ours).filter(|path| !is_data(path)).map(text).collect()
}

/// The text with the first of one thing made another, behind `after`.
fn changed(text: &str, after: &str, from: &str, to: &str) -> Option<String> {
    let start = text.find(after)? + after.len();
    let at = start + text[start..].find(from)?;
    Some(format!("{}{to}{}", &text[..at], &text[at + from.len()..]))
}

/// The first word behind `key`, misspelt.
fn misspelt(text: &str, key: &str) -> Option<String> {
    let start = text.find(key)? + key.len();
    text[start..].starts_with(char::is_alphabetic).then_some(())?;
    let end =
        start + text[start..].find(|letter: char| !letter.is_alphanumeric() && !"_.-".contains(letter))?;
    Some(format!("{}qq{}", &text[..end], &text[end..]))
}

/// The last line without its last cell.
fn short_row(text: &str) -> Option<String> {
    let text = text.trim_end();
    let row = text.rfind('\n')? + 1;
    let comma = row + text[row..].rfind(',')?;
    Some(format!("{}\n", &text[..comma]))
}

/// What can be planted into a file of its kind.
fn faults(file: &Path, text: &str) -> Vec<Fault> {
    let name = file.to_string_lossy();
    let fault = |text: Option<String>, code| {
        text.map(|text| Fault { file: file.to_owned(), text, code, unread: false })
    };
    let unread =
        |text: String| Some(Fault { file: file.to_owned(), text, code: codes::SYNTAX, unread: true });
    let in_yaml =
        [fault(Some(format!("{text}\nunheard_of: 1\n")), codes::UNKNOWN_KEY), unread(format!("{text}\n]\n"))];
    let found: Vec<Option<Fault>> = if name.ends_with(".csv") {
        vec![
            fault(short_row(text), codes::TABLE),
            fault(changed(text, "", ":text", ":txt"), codes::TABLE),
            fault(Some(format!("{text}\"never closed\n")), codes::TABLE),
        ]
    } else if name.ends_with(".json") {
        vec![
            fault(changed(text, "", "{", "{ \"maxLenght\": 1,"), codes::RECORD_KEY),
            unread(text.trim_end().trim_end_matches('}').to_owned()),
        ]
    } else if name.ends_with("flowrun.yaml") {
        let class = fault(misspelt(text, "class: "), codes::ESTATE_NAME);
        in_yaml
            .into_iter()
            .chain([class, fault(misspelt(text, "connector: "), codes::UNKNOWN_CONNECTOR)])
            .collect()
    } else if name.contains("/connectors/") {
        in_yaml.into_iter().chain([fault(misspelt(text, "    reads: "), codes::TYPE)]).collect()
    } else if name.contains("/fragments/") || name.ends_with(".test.yaml") {
        in_yaml.into()
    } else {
        let child = text.find("    call: flows.") == text.find("    call: ");
        let code = if child { codes::UNKNOWN_FLOW } else { codes::UNKNOWN_OPERATION };
        let call = fault(misspelt(text, "    call: "), code);
        in_yaml.into_iter().chain([call]).collect()
    };
    found.into_iter().flatten().collect()
}

/// Faults of every sort, each in some files: the first, and others spread over the rest.
fn some_of_each(estate: &[(PathBuf, String)]) -> Vec<Fault> {
    let mut by_sort: BTreeMap<_, Vec<Fault>> = BTreeMap::new();
    for fault in estate.iter().flat_map(|(path, text)| faults(path, text)) {
        let folder = fault.file.parent().map(Path::to_owned);
        by_sort.entry((folder, fault.code, fault.unread)).or_default().push(fault);
    }
    let spread = |faults: Vec<Fault>| {
        let step = faults.len().div_ceil(4);
        faults.into_iter().step_by(step)
    };
    by_sort.into_values().flat_map(spread).collect()
}

/// What is not as it should be: a fault that is not told in its file, or anything else.
fn otherwise(estate: &[(PathBuf, String)], faults: &[&Fault]) -> Option<String> {
    let texts = estate.iter().map(|(path, text)| {
        let fault = faults.iter().find(|fault| fault.file == *path);
        (path, fault.map_or(text, |fault| &fault.text))
    });
    let files = texts.fold(Memory::default(), |files, (path, text)| files.with(path, text.as_bytes()));
    let Compiled { problems, sources, .. } = compile(&files, &[PathBuf::from("/")], None);
    let place = |file: u32| sources.get(file).map(|source| Path::new("/").join(&*source.name));
    let mut found: Vec<_> =
        problems.iter().map(|problem| (place(problem.labels[0].span.file).unwrap(), problem.code)).collect();
    let mut wanted: Vec<_> = faults.iter().map(|fault| (fault.file.clone(), fault.code)).collect();
    found.sort();
    wanted.sort();
    let drawn = || draw(&problems, &sources, Style::PLAIN).chars().take(3000).collect::<String>();
    (found != wanted).then(|| format!("planted {wanted:?}\nfound {found:?}\n{}", drawn()))
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} are not told as planted:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn one_fault_in_any_file_is_one_problem() {
    let estate = estate();
    assert_eq!(otherwise(&estate, &[]), None);
    let all = some_of_each(&estate);
    for code in [
        codes::TABLE,
        codes::UNKNOWN_KEY,
        codes::SYNTAX,
        codes::RECORD_KEY,
        codes::UNKNOWN_OPERATION,
        codes::TYPE,
    ] {
        assert!(all.iter().any(|fault| fault.code == code), "no plant of {code}");
    }
    let wrong: Vec<String> = all.iter().filter_map(|fault| otherwise(&estate, &[fault])).collect();
    none(&wrong);
}

#[test]
fn faults_in_different_files_are_as_many_problems() {
    let estate = estate();
    let all: Vec<Fault> = estate
        .iter()
        .flat_map(|(path, text)| faults(path, text))
        .filter(|fault| !fault.unread && fault.code != codes::UNKNOWN_CONNECTOR)
        .collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut wrong = Vec::new();
    for round in 0..25 {
        let mut chosen: Vec<&Fault> = Vec::new();
        while chosen.len() < 2 + round % 7 {
            let fault = &all[random(all.len())];
            if chosen.iter().all(|other| other.file != fault.file) {
                chosen.push(fault);
            }
        }
        wrong.extend(otherwise(&estate, &chosen));
    }
    none(&wrong);
}
