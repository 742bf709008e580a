//! What people look at: drawings of the shipped flows, and what `runs`, `letters` and `exec` say of runs that really ran.

use std::{collections::BTreeSet, env, fs, path::Path};

use flowrun::{
    compile::{Compiled, compile},
    estate::Disk,
    plan::{
        Plan, Work,
        draw::{self, Drawing, Look},
    },
};

fn shipped() -> Compiled {
    let compiled = compile(&Disk, &["flows".into()], None);
    assert!(!compiled.has_errors(), "{:?}", compiled.problems);
    compiled
}

#[track_caller]
pub(crate) fn golden(name: &str, found: &str) {
    let path = Path::new("tests/golden/views").join(name);
    if env::var_os("FLOWRUN_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == found, "{name} is not as blessed (FLOWRUN_BLESS=1 writes what was found):\n{found}");
}

/// The heads of the boxes of an overview, exits left out.
fn boxes(drawing: &Drawing) -> Vec<String> {
    let is_box = |look: Look| matches!(look, Look::Trigger | Look::Node(_));
    drawing.boxes.iter().filter(|block| is_box(block.look)).map(|block| block.head.join(" ")).collect()
}

#[test]
fn the_orders_flow_is_drawn_as_the_seven_boxes_of_the_diagram() {
    let compiled = shipped();
    let overview = draw::overview(compiled.plan("orders").unwrap());
    let seven = ["Trigger", "Extract", "Transform", "Decision", "Transform", "Action", "Writeback"];
    assert_eq!(boxes(&overview), seven, "{}", draw::plain(&overview));
}

/// Outcomes of a decision that some arrow from its box names; `yes` and `no` of a condition.
fn drawn_outcomes(drawing: &Drawing, id: &str) -> BTreeSet<String> {
    let from = drawing.boxes.iter().position(|block| block.id == id).unwrap();
    let labels = drawing.arrows.iter().filter(|arrow| arrow.from == from).filter_map(|arrow| arrow.label.as_ref());
    labels.flat_map(|label| label.split(", ").map(str::to_owned)).collect()
}

#[test]
fn every_outcome_of_every_decision_leads_somewhere() {
    let mut decisions = 0;
    for plan in &shipped().plans {
        let drawing = draw::detail(plan);
        for node in &plan.nodes {
            if let Work::Decide(decide) = &node.work {
                let wanted: BTreeSet<String> = decide.outcomes().map(ToString::to_string).collect();
                let drawn = drawn_outcomes(&drawing, &format!("n_{}", node.name));
                assert_eq!(drawn, wanted, "{} {}", plan.flow, node.name);
                decisions += 1;
            }
            if node.condition.is_some() {
                let drawn = drawn_outcomes(&drawing, &format!("if_{}", node.name));
                assert_eq!(drawn, ["no", "yes"].map(str::to_owned).into(), "{} {}", plan.flow, node.name);
            }
        }
    }
    assert!(decisions >= 4, "the shipped flows decide something: {decisions}");
}

/// What a node needs comes before it in the drawing too: over arrows of any kind.
fn is_led(plan: &Plan, drawing: &Drawing) -> bool {
    let own = |name: &str| drawing.boxes.iter().position(|block| block.id == format!("n_{name}")).unwrap();
    let leads = |from: usize, to: usize| {
        let mut seen = BTreeSet::from([from]);
        let mut left = vec![from];
        while let Some(point) = left.pop() {
            let next = drawing.arrows.iter().filter(|arrow| arrow.from == point).map(|arrow| arrow.to);
            left.extend(next.filter(|next| seen.insert(*next)));
        }
        seen.contains(&to)
    };
    plan.nodes.iter().all(|node| {
        node.needs.iter().all(|needed| leads(own(&plan.nodes[usize::from(*needed)].name), own(&node.name)))
    })
}

#[test]
fn an_arrow_that_is_left_out_is_said_by_others() {
    for plan in &shipped().plans {
        assert!(is_led(plan, &draw::detail(plan)), "{}", plan.flow);
    }
}
