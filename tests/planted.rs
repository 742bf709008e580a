//! Several faults planted in one shipped flow give as many problems, each where it was planted; and no damage that an editor
//! leaves behind breaks the checker.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::PathBuf;

use flowrun::{
    compile::{Compiled, compile},
    problem::{
        Problem, codes,
        draw::{Style, draw},
    },
};

use crate::mappings::{Plant, Shipped, are_expected, estate, items, member, none, planted, plants, shipped};

fn compiled(flow: &Shipped, text: &str) -> Compiled {
    compile(&estate().with(&flow.path, text), &[PathBuf::from("/")], None)
}

/// What is not as it should be: a fault that is not found where it was planted, or anything else.
fn otherwise(flow: &Shipped, plants: &[&Plant]) -> Option<String> {
    let (changed, expected) = planted(&flow.text, plants);
    let compiled = compiled(flow, &changed);
    let problems: Vec<&Problem> = compiled.problems.iter().collect();
    let drawn = || draw(&compiled.problems, &compiled.sources, Style::PLAIN);
    let right = are_expected(&problems, &expected);
    (!right).then(|| format!("planted {plants:?}\nexpected {expected:?}\n{}", drawn()))
}

#[test]
fn as_many_problems_as_faults() {
    let shipped = shipped();
    let whole = compile(&estate(), &[PathBuf::from("/")], None);
    let mut wrong = Vec::new();
    for (flow, rounds) in shipped.iter().map(|flow| (flow, if flow.text.len() > 9000 { 50 } else { 10 })) {
        wrong.extend(several(flow, &plants(flow, &whole), rounds));
    }
    none(&wrong);
}

fn several(flow: &Shipped, all: &[Plant], rounds: usize) -> Vec<String> {
    let nodes = items(member(&flow.tree, "nodes").unwrap());
    let node = |plant: &Plant| nodes.iter().rposition(|node| node.span.start as usize <= plant.from);
    let mut wrong = Vec::new();
    for seed in 0..rounds {
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
            // Most sources are right: of their events only one is broken at a time.
            let events = |one: &Plant, other: &Plant| one.what == "event" && other.what == "event";
            let apart = |other: &&Plant| {
                !within(plant, other)
                    && !within(other, plant)
                    && !binds(plant, other)
                    && !events(plant, other)
            };
            if chosen.iter().all(apart) {
                chosen.push(plant);
            }
        }
        wrong.extend(otherwise(flow, &chosen));
    }
    wrong
}

/// Lines lost, doubled, swapped, cut: whatever an editor leaves behind is told, and never more than told.
#[test]
fn no_damage_breaks_the_checker() {
    let shipped = shipped();
    let flow = shipped.iter().find(|flow| flow.path.ends_with("orders.yaml")).unwrap();
    let lines: Vec<&str> = flow.text.lines().collect();
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
        let compiled = compiled(flow, &damaged.join("\n"));
        assert!(compiled.plan("orders").is_some() != compiled.has_errors(), "a plan or a problem");
        drop(draw(&compiled.problems, &compiled.sources, Style::PLAIN));
    }
}
