//! Planted faults: every mapping of the shipped orders flow is broken in four ways, and each fault must be found where it
//! was planted, with nothing else. Several faults in one file give as many problems.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::PathBuf};

use flowrun::{
    compile::{Compiled, compile},
    estate::Memory,
    problem::{
        Problems, codes,
        draw::{Style, draw},
    },
    record::Records,
    shape::{Object, Shape, element},
    source::{Name, Sources, Span},
    yaml::{self, Kind, Node},
};

use crate::check::lay;

const FLOW: &str = "flows/bigcommerce-netsuite/orders.yaml";

/// A change of the text, and where a problem with which code must then be.
#[derive(Clone, Debug)]
struct Plant {
    from: usize,
    to: usize,
    text: String,
    code: Vec<&'static str>,
    /// The byte of the changed text at which the problem must begin.
    at: usize,
    /// The object it stands in: at most one fault an object when several are planted.
    object: Span,
}

/// A key of an object whose target is known.
struct Site<'a> {
    object: &'a Object,
    first: &'a Name,
    second: Option<&'a Name>,
    key: &'a Name,
    value: &'a Node,
    span: Span,
}

fn text() -> String {
    fs::read_to_string(FLOW).unwrap()
}

fn tree(text: &str) -> Node {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let file = sources.add(FLOW, text);
    yaml::read(&sources, file, &mut problems).unwrap()
}

fn compiled(text: &str) -> Compiled {
    let path = PathBuf::from("/").join(FLOW.strip_prefix("flows/").unwrap());
    compile(&lay(Memory::default(), "flows").with(&path, text), &[path], None)
}

fn member<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Kind::Map(entries) = &node.kind else { return None };
    entries.iter().find(|(name, _)| &*name.value == key).map(|(_, value)| value)
}

fn items(node: &Node) -> &[Node] {
    if let Kind::List(items) = &node.kind { items } else { &[] }
}

fn scalar(node: &Node) -> Option<&str> {
    if let Kind::Scalar(scalar) = &node.kind { Some(&scalar.text) } else { None }
}

/// Keys of a value and of everything below it, as far as targets are known.
fn sites<'a>(node: &'a Node, target: &'a Shape, found: &mut Vec<Site<'a>>) {
    let (Kind::Map(entries), Shape::Object(object)) = (&node.kind, target.present()) else {
        if let (Kind::List(items), Shape::List(element)) = (&node.kind, target.present()) {
            items.iter().for_each(|item| sites(item, element, found));
        }
        return;
    };
    if member(node, "use").is_some() || member(node, "each").is_some() {
        return;
    }
    for (key, value) in entries {
        let second = entries.get(1).map(|(name, _)| name);
        found.push(Site { object, first: &entries[0].0, second, key, value, span: node.span });
        if let Some(field) = object.fields.get(&key.value) {
            sites(value, &field.shape, found);
        }
    }
}

/// All keys of the flow's transforms that have a record as their target.
fn all_sites<'a>(tree: &'a Node, records: &'a Records) -> Vec<Site<'a>> {
    let mut found = Vec::new();
    for node in items(member(tree, "nodes").unwrap()) {
        let record = member(node, "shape").and_then(scalar).and_then(|name| records.get(name));
        if let (Some(record), Some(fields)) = (record, member(node, "fields")) {
            sites(fields, record, &mut found);
        }
    }
    assert!(found.len() > 30, "the orders flow maps {} fields", found.len());
    found
}

/// A value that no field takes.
fn wrong_type(site: &Site<'_>) -> Option<Plant> {
    let field = site.object.fields.get(&site.key.value)?;
    if field.shape == Shape::Any || element(&field.shape).is_some_and(|element| element == Shape::Any) {
        return None;
    }
    let (from, to) = (site.value.span.start as usize, site.value.span.end as usize);
    let text = "\"{{ [[true]] }}\"".to_owned();
    Some(Plant { from, to, text, code: vec![codes::TARGET_TYPE], at: from + 1, object: site.span })
}

/// The key becomes one that can only be read.
fn read_only(site: &Site<'_>) -> Option<Plant> {
    let (name, _) = site.object.fields.iter().find(|(_, field)| field.read_only)?;
    let (from, to) = (site.key.span.start as usize, site.key.span.end as usize);
    Some(Plant {
        from,
        to,
        text: name.to_string(),
        code: vec![codes::READ_ONLY],
        at: from,
        object: site.span,
    })
}

/// The key is misspelt.
fn misspelt_key(site: &Site<'_>) -> Option<Plant> {
    let (from, to) = (site.key.span.start as usize, site.key.span.end as usize);
    let text = format!("{}qq", site.key.value);
    let closed = !site.object.open;
    closed.then(|| Plant { from, to, text, code: vec![codes::TARGET_FIELD], at: from, object: site.span })
}

/// A required key is left out, with its lines. Objects in one line stay as they are.
fn left_out(site: &Site<'_>, text: &str) -> Option<Plant> {
    let field = site.object.fields.get(&site.key.value)?;
    let (start, end) = (site.key.span.start as usize, site.value.span.end as usize);
    let in_one_line = text[..start].trim_end().ends_with(['{', ',']);
    if !field.required || field.read_only || in_one_line {
        return None;
    }
    let is_first = site.first.span == site.key.span;
    let told_at = if is_first { site.second? } else { site.first };
    let from = text[..start].rfind('\n').unwrap() + 1;
    let to = end + text[end..].find('\n').unwrap() + 1;
    let (code, at) = (vec![codes::REQUIRED], told_at.span.start as usize);
    Some(Plant { from, to, text: String::new(), code, at, object: site.span })
}

/// Every scalar with an expression below the nodes.
fn expressions<'a>(node: &'a Node, found: &mut Vec<&'a Node>) {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.text.contains("{{") => found.push(node),
        Kind::List(items) => items.iter().for_each(|item| expressions(item, found)),
        Kind::Map(entries) => entries.iter().for_each(|(_, value)| expressions(value, found)),
        Kind::Scalar(_) | Kind::Null => {}
    }
}

/// Misspells each dotted path of an expression at its last step.
fn misspelt_paths(node: &Node, text: &str) -> Vec<Plant> {
    let (start, end) = (node.span.start as usize, node.span.end as usize);
    let bytes = text.as_bytes();
    let is_word = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let mut plants = Vec::new();
    let mut at = start;
    let (mut quoted, mut inside) = (false, false);
    while at < end {
        match bytes[at] {
            b'\'' => quoted = !quoted,
            b'{' if bytes[at + 1] == b'{' => inside = true,
            b'}' if bytes[at + 1] == b'}' => inside = false,
            byte if inside && !quoted && byte.is_ascii_alphabetic() && !is_word(at - 1) => {
                let mut last = at;
                let mut stop = at;
                while is_word(stop) || (bytes[stop] == b'.' && is_word(stop + 1)) {
                    if bytes[stop] == b'.' {
                        last = stop + 1;
                    }
                    stop += 1;
                }
                let dotted = last > at && bytes[at - 1] != b'.' && bytes[at - 1] != b']';
                if dotted {
                    let word = format!("{}qq", &text[last..stop]);
                    let found = [
                        codes::UNKNOWN_FIELD,
                        codes::UNKNOWN_COLUMN,
                        codes::UNKNOWN_TABLE,
                        codes::UNKNOWN_SETTING,
                    ];
                    plants.push(Plant {
                        from: last,
                        to: stop,
                        text: word,
                        code: found.to_vec(),
                        at: last,
                        object: node.span,
                    });
                }
                at = stop;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    plants
}

/// The text with some faults planted, and where the problems must be.
fn plant(text: &str, plants: &[&Plant]) -> (String, Vec<(Vec<&'static str>, usize)>) {
    let mut sorted = plants.to_vec();
    sorted.sort_by_key(|plant| plant.from);
    let mut changed = String::new();
    let mut done = 0;
    for plant in &sorted {
        changed.push_str(&text[done..plant.from]);
        changed.push_str(&plant.text);
        done = plant.to;
    }
    changed.push_str(&text[done..]);
    let shifted = |plant: &&Plant| {
        let own = |other: &&&Plant| other.from == plant.from && !plant.text.is_empty();
        let before: Vec<_> = sorted.iter().filter(|other| !own(other) && other.to <= plant.at).collect();
        let added: usize = before.iter().map(|other| other.text.len()).sum();
        let removed: usize = before.iter().map(|other| other.to - other.from).sum();
        (plant.code.clone(), plant.at + added - removed)
    };
    let mut expected: Vec<_> = sorted.iter().map(shifted).collect();
    expected.sort_by_key(|(_, at)| *at);
    (changed, expected)
}

/// What is not as it should be: a fault that is not found where it was planted, or anything else.
fn otherwise(text: &str, plants: &[&Plant]) -> Option<String> {
    let (changed, expected) = plant(text, plants);
    let compiled = compiled(&changed);
    let found: Vec<(&str, usize)> = compiled
        .problems
        .iter()
        .map(|problem| (problem.code, problem.labels[0].span.start as usize))
        .collect();
    let right = found.len() == expected.len()
        && found
            .iter()
            .zip(&expected)
            .all(|((code, at), (codes, wanted))| codes.contains(code) && at == wanted);
    let drawn = draw(&compiled.problems, &compiled.sources, Style::PLAIN);
    (!right).then(|| format!("planted {plants:?}\nexpected {expected:?}\nfound {found:?}\n{drawn}"))
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} are not found where they are:\n{}", wrong.len(), wrong.join("\n"));
}

/// All faults that can be planted into the flow.
fn plants(text: &str) -> Vec<Plant> {
    let tree = tree(text);
    let records = compiled(text).records;
    let sites = all_sites(&tree, &records);
    let mut all = Vec::new();
    for site in &sites {
        all.extend(
            [wrong_type(site), read_only(site), misspelt_key(site), left_out(site, text)]
                .into_iter()
                .flatten(),
        );
    }
    let mut scalars = Vec::new();
    expressions(member(&tree, "nodes").unwrap(), &mut scalars);
    all.extend(scalars.iter().flat_map(|scalar| misspelt_paths(scalar, text)));
    for (code, least) in [
        (codes::TARGET_TYPE, 30),
        (codes::READ_ONLY, 20),
        (codes::TARGET_FIELD, 30),
        (codes::REQUIRED, 1),
        (codes::UNKNOWN_FIELD, 60),
    ] {
        let count = all.iter().filter(|plant| plant.code.contains(&code)).count();
        assert!(count >= least, "{count} plants of {code}");
    }
    all
}

#[test]
fn every_broken_mapping_is_found_where_it_is_broken() {
    let text = text();
    let wrong: Vec<String> = plants(&text).iter().filter_map(|plant| otherwise(&text, &[plant])).collect();
    none(&wrong);
}

#[test]
fn as_many_problems_as_faults() {
    let text = text();
    let all = plants(&text);
    let tree = tree(&text);
    let nodes = items(member(&tree, "nodes").unwrap());
    let node = |plant: &Plant| nodes.iter().rposition(|node| node.span.start as usize <= plant.from);
    let mut wrong = Vec::new();
    for seed in 0..60_usize {
        let mut chosen: Vec<&Plant> = Vec::new();
        let mut at = seed * 7919;
        while chosen.len() < 2 + seed % 6 {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let plant = &all[(at >> 33) % all.len()];
            let within = |one: &Plant, other: &Plant| {
                other.object.start <= one.object.start && one.object.end <= other.object.end
            };
            // What a broken `each` binds has no type: a second path of its node that is broken is not told.
            let binds = |one: &Plant, other: &Plant| {
                let paths =
                    one.code.contains(&codes::UNKNOWN_FIELD) && other.code.contains(&codes::UNKNOWN_FIELD);
                paths && node(one) == node(other)
            };
            let apart =
                |other: &&Plant| !within(plant, other) && !within(other, plant) && !binds(plant, other);
            if chosen.iter().all(apart) {
                chosen.push(plant);
            }
        }
        wrong.extend(otherwise(&text, &chosen));
    }
    none(&wrong);
}

/// Lines lost, doubled, swapped, cut: whatever an editor leaves behind is told, and never more than told.
#[test]
fn no_damage_breaks_the_checker() {
    let text = text();
    let lines: Vec<&str> = text.lines().collect();
    let rounds =
        std::env::var("FLOWRUN_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(40_usize);
    let mut state = 88_172_645_463_325_252_usize;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for _ in 0..rounds {
        let mut damaged: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        for _ in 0..=random(4) {
            let at = random(damaged.len());
            match random(5) {
                0 => drop(damaged.remove(at)),
                1 => damaged.insert(at, damaged[at].clone()),
                2 => damaged.swap(at, lines.len() / 2),
                3 => {
                    let letters: Vec<char> = damaged[at].chars().collect();
                    damaged[at] = letters[..random(letters.len() + 1)].iter().collect();
                }
                _ => {
                    let mut letters: Vec<char> = damaged[at].chars().collect();
                    if !letters.is_empty() {
                        let place = random(letters.len());
                        letters[place] = ['{', '}', '"', '\'', ':', '|', '[', '.', '0', ' '][random(10)];
                    }
                    damaged[at] = letters.into_iter().collect();
                }
            }
        }
        let compiled = compiled(&damaged.join("\n"));
        assert!(compiled.plan("orders").is_some() != compiled.has_errors(), "a plan or a problem");
        drop(draw(&compiled.problems, &compiled.sources, Style::PLAIN));
    }
}
