//! Good files with faults planted: each is told once, at its place, and nothing else is.
use proptest::prelude::*;

use super::*;
use crate::{
    problem::{Problem, codes},
    source::Span,
    yaml::Kind as Tree,
};

type Reader = fn(&Node, &mut Problems) -> bool;

const FILES: &[(&str, Reader)] = &[
    (include_str!("../../../tests/golden/yaml/good_flow.yaml"), |tree, problems| {
        flow(tree, problems).is_some()
    }),
    (include_str!("../../../tests/golden/yaml/good_overlay.yaml"), |tree, problems| {
        overlay(tree, problems).is_some()
    }),
    (include_str!("../../../tests/golden/yaml/good_fragment.yaml"), |tree, problems| {
        fragment(tree, problems).is_some()
    }),
    (include_str!("../../../tests/golden/yaml/good_connector.yaml"), |tree, problems| {
        connector(tree, problems).is_some()
    }),
    (include_str!("../../../tests/golden/yaml/good_estate.yaml"), |tree, problems| {
        estate(tree, problems).is_some()
    }),
    (include_str!("../../../tests/golden/yaml/good_cases.yaml"), |tree, problems| {
        cases(tree, problems).is_some()
    }),
];

fn problems(text: &str, reader: Reader) -> Vec<Problem> {
    let mut sources = Sources::default();
    let file = sources.add("a.yaml", text);
    let mut problems = Problems::default();
    if let Some(tree) = yaml::read(&sources, file, &mut problems) {
        let read = reader(&tree, &mut problems);
        assert!(read || problems.has_errors(), "nothing read and nothing told: {text}");
    }
    problems.into_sorted()
}

/// The places of all keys of a file, in the order they stand, each with the place of its object.
fn keys_of(text: &str) -> Vec<(Span, Span)> {
    fn walk(node: &Node, found: &mut Vec<(Span, Span)>) {
        match &node.kind {
            Tree::List(items) => items.iter().for_each(|item| walk(item, found)),
            Tree::Map(entries) => entries.iter().for_each(|(name, value)| {
                found.push((name.span, node.span));
                walk(value, found);
            }),
            _ => {}
        }
    }
    let mut sources = Sources::default();
    let file = sources.add("a.yaml", text);
    let mut found = Vec::new();
    walk(&yaml::read(&sources, file, &mut Problems::default()).expect("a good file"), &mut found);
    found
}

/// The text with these keys spoilt: two signs that no key has, behind them.
fn spoilt(text: &str, keys: &[Span]) -> String {
    let mut text = text.to_owned();
    for key in keys.iter().rev() {
        text.insert_str(key.end as usize, "zq");
    }
    text
}

/// Where a place of the good text is in the spoilt one.
fn moved(key: Span, keys: &[Span]) -> u32 {
    key.start + 2 * keys.iter().filter(|other| other.start < key.start).count() as u32
}

#[test]
fn a_misspelt_key_is_one_problem_at_its_place() {
    let mut told = 0;
    for (text, reader) in FILES {
        assert_eq!(Vec::<Problem>::new(), problems(text, *reader));
        for (key, _) in keys_of(text) {
            let found = problems(&spoilt(text, &[key]), *reader);
            let shown = &text[key.start as usize..key.end as usize];
            let misplaced = found.iter().filter(|problem| problem.labels[0].span.start != key.start).count();
            assert!(misplaced == 0 || found.len() == 1, "`{shown}` at {}: {found:#?}", key.start);
            told += usize::from(found.iter().any(|problem| problem.labels[0].span.start == key.start));
        }
    }
    assert!(told > 250, "most keys are in the table: {told}");
}

fn near_miss() -> impl Strategy<Value = (usize, Vec<prop::sample::Index>)> {
    (0..FILES.len(), prop::collection::vec(any::<prop::sample::Index>(), 1..6))
}

proptest! {
    #[test]
    fn several_duplicate_keys_are_as_many_problems((file, places) in near_miss()) {
        let (text, reader) = FILES[file];
        // Lines that hold one whole `key: value` can be written twice.
        let lines: Vec<&str> = text.lines().collect();
        let single: Vec<usize> = (0..lines.len())
            .filter(|at| {
                let line = lines[*at].trim_start();
                let plain = line.split_once(": ").is_some_and(|(key, value)| {
                    key.chars().all(|letter| letter.is_alphanumeric() || letter == '_') && !value.starts_with(['>', '|'])
                });
                plain && !line.starts_with('-')
            })
            .collect();
        let mut chosen: Vec<_> = places.iter().map(|place| single[place.index(single.len())]).collect();
        chosen.sort_unstable();
        chosen.dedup();
        let mut out = String::new();
        for (number, line) in lines.iter().copied().enumerate() {
            out.extend([line, "\n"]);
            if chosen.contains(&number) {
                out.extend([line, "\n"]);
            }
        }
        let found = problems(&out, reader);
        prop_assert_eq!(chosen.len(), found.len(), "{}\n{:#?}", out, found);
        prop_assert!(found.iter().all(|problem| problem.code == codes::DUPLICATE_KEY));
    }

    #[test]
    fn torn_files_are_read_without_panic(
        (file, places) in near_miss(),
        cut in 0..40usize,
        put in "[ \\n:{}\\[\\],'\"#&*!|>a-é-]{0,6}",
    ) {
        let (text, reader) = FILES[file];
        let mut text = text.to_owned();
        for place in places {
            let start = text.floor_char_boundary(place.index(text.len().max(1)));
            let end = text.floor_char_boundary((start + cut).min(text.len())).max(start);
            text.replace_range(start..end, &put);
        }
        let mut sources = Sources::default();
        sources.add("a.yaml", text.as_str());
        draw(&problems(&text, reader), &sources, Style::PLAIN);
    }

    #[test]
    fn several_misspelt_keys_are_as_many_problems((file, places) in near_miss()) {
        let (text, reader) = FILES[file];
        let all = keys_of(text);
        // Keys whose fault alone is told with a proposal, one of each object: with two spoilt, nobody knows what it was.
        let mut chosen: Vec<_> = places.iter().map(|place| all[place.index(all.len())]).collect();
        chosen.sort_unstable_by_key(|(_, object)| *object);
        chosen.dedup_by_key(|(_, object)| *object);
        let mut chosen: Vec<_> = chosen.into_iter().map(|(key, _)| key).collect();
        chosen.sort_unstable();
        chosen.retain(|key| {
            let found = problems(&spoilt(text, &[*key]), reader);
            found.len() == 1 && found[0].help.as_ref().is_some_and(|help| help.starts_with("did you mean"))
        });
        let found = problems(&spoilt(text, &chosen), reader);
        prop_assert_eq!(chosen.len(), found.len(), "{:#?}", found);
        for key in &chosen {
            let place = moved(*key, &chosen);
            prop_assert!(found.iter().any(|problem| problem.labels[0].span.start == place), "{:?} {:#?}", key, found);
        }
    }
}
