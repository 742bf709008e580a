//! Whatever the order of answers, and wherever a run stops and goes on: it says the same in the end.

use std::{collections::BTreeMap, time::Duration};

use flowrun::{
    event::{Answer, Code, Fact, Failure, Kept, Outcome, Request},
    plan::Repeat,
    trial::sim::{PlanBuilder, Spec},
    value::{Hash, Value},
};
use proptest::prelude::*;

use crate::machine_play::{ORDER, Play, Played, look, ok, order, play};

/// A wave of reads and writes of all sorts.
fn wave() -> PlanBuilder {
    PlanBuilder::new("f")
        .node(order())
        .node(Spec::read("a", "erp.a").with("id", "{{ event.id }}"))
        .node(Spec::read("b", "erp.b").with("id", "{{ order.id }}"))
        .node(
            Spec::read("items", "erp.item")
                .each("{{ order.lines }}", "l")
                .by("{{ l.n }}")
                .with("sku", "{{ l.n }}"),
        )
        .node(Spec::decide("kind", &[("big", "{{ a.n == 5 }}")], "small"))
        .node(Spec::write("one", "erp.one", look()).with("a", "{{ a.n }}").with("b", "{{ b.n }}"))
        .node(Spec::write("two", "erp.two", Repeat::Safe).when("kind", &["big"]).with("items", "{{ items }}"))
        .node(
            Spec::write("three", "erp.three", Repeat::Never)
                .each("{{ order.lines }}", "l")
                .by("{{ l.n }}")
                .with("n", "{{ l.n }}"),
        )
        .node(Spec::write("last", "erp.last", Repeat::Safe).with("x", "{{ one.n }}").with("y", "{{ two.n }}"))
        .give("{{ last.n }}")
}

fn wave_script(request: &Request, _: usize) -> Result<Answer, Failure> {
    match &*request.operation {
        "get" => ok(ORDER),
        _ => ok(r#"{"n":5}"#),
    }
}

/// Facts without what only says in which order they came: the union of what was frozen, effects by name, the end.
fn said(
    facts: &[Fact],
) -> (BTreeMap<u16, Kept>, Vec<String>, Option<(Outcome, Option<Hash>, Option<Value>)>) {
    let (mut frozen, mut effects, mut end) = (BTreeMap::new(), Vec::new(), None);
    for fact in facts {
        match fact {
            Fact::Froze(froze) => frozen.extend(froze.slots.iter().cloned()),
            Fact::Intent(intent) => effects.push(format!("{:?} {:?}", intent.effect, intent.hash)),
            Fact::Landed { effect, value, .. } => effects.push(format!("{effect:?} {value:?}")),
            Fact::Ended(past) => end = Some((past.outcome, past.used, past.give.clone())),
            other => effects.push(format!("{other:?}")),
        }
    }
    effects.sort();
    effects.dedup();
    (frozen, effects, end)
}

proptest! {
    /// Answers of one wave in any order give the same facts and the same requests.
    #[test]
    fn answers_in_any_order_say_the_same(seed in any::<u64>()) {
        let run = |seed| Play { seed, ..play(&wave(), r#"{"id":1}"#, wave_script) }.run();
        let (one, other) = (run(1), run(seed));
        prop_assert_eq!(said(&one.facts), said(&other.facts));
        let sent = |played: &Played| {
            let mut all: Vec<_> = played.sent.iter().map(Request::hash).collect();
            all.sort();
            all
        };
        prop_assert_eq!(sent(&one), sent(&other));
    }

    /// A run that goes on from any of its facts says in the end what a run says that never stopped, and repeats nothing that
    /// may not be repeated.
    #[test]
    fn going_on_from_any_facts_ends_the_same(seed in any::<u64>(), stop in 1_usize..14) {
        let whole = play(&wave(), r#"{"id":1}"#, wave_script).run();
        let first = Play { seed, stop: Some(stop), ..play(&wave(), r#"{"id":1}"#, wave_script) }.run();
        let crashed: Vec<Fact> = first.facts.iter().take(stop).cloned().collect();
        prop_assume!(first.past.is_none());
        let mut rest = Play { seed, ..play(&wave(), r#"{"id":1}"#, |request, count| {
            if &*request.operation == "find" { ok(r#"{"n":5}"#) } else { wave_script(request, count) }
        }) };
        rest.birth.facts = crashed.clone();
        rest.now = first.at + Duration::from_secs(1);
        let rest = rest.run();
        let all: Vec<Fact> = crashed.iter().chain(&rest.facts).cloned().collect();
        let in_doubt = all.iter().any(|fact| matches!(fact, Fact::Parked(parked) if parked.doubt));
        if in_doubt {
            // Only the write that is never repeated may need an operator.
            prop_assert!(rest.codes().iter().all(|code| *code == Code::InDoubt));
            prop_assert!(rest.parked().2.iter().all(|letter| &*letter.node == "three"));
        } else {
            prop_assert_eq!(said(&all), said(&whole.facts));
        }
        for fact in &crashed {
            if let Fact::Intent(intent) = fact
                && &*intent.effect.node != "two"
            {
                let same = rest.sent.iter().filter(|sent| sent.write && sent.hash() == intent.hash).count();
                prop_assert_eq!(same, 0, "{:?} was sent again", intent.effect);
            }
        }
    }
}
