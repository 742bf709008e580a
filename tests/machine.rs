//! The machine by itself: what a plan does, answer by answer, without a clock, a journal or a network.

use std::{sync::Arc, time::Duration};

use flowrun::{
    engine::{
        Policy,
        machine::{Command, Input, Machine, Turn},
    },
    event::{
        Answer, Class, Code, Effect, EffectId, EffectState, EventId, Fact, Failure, Instant, Origin, Outcome,
        Priority, Request, Sent, Why,
    },
    journal::Shelf,
    plan::Repeat,
    trial::sim::{PlanBuilder, Spec},
    value::{Hash, Value},
};

use crate::machine_play::{ORDER, Play, Played, fails, json, look, ok, order, play};

#[test]
fn a_line_of_nodes_runs_in_order() {
    let plan = PlanBuilder::new("f")
        .node(order())
        .node(Spec::map("status", "{{ order.status }}"))
        .node(Spec::write("put", "erp.put", Repeat::Safe).with("status", "{{ status }}"));
    let played = play(&plan, r#"{"id":1}"#, |_, _| ok(ORDER)).run();
    assert_eq!(played.outcome(), Outcome::Ok);
    assert_eq!(played.sent("put"), [&json(r#"{"status":"paid"}"#)]);
    assert!(
        matches!(&played.facts[..], [Fact::Froze(froze), Fact::Ended(_)] if froze.n == 0),
        "{:?}",
        played.facts
    );
}

#[test]
fn gates_skips_and_catches() {
    let gated = |status: &str| {
        let plan = PlanBuilder::new("f")
            .node(order())
            .node(
                Spec::decide("gate", &[("go", "{{ order.status == 'paid' }}")], "no")
                    .ignore("no", "is {{ order.status }}"),
            )
            .node(Spec::decide("kind", &[("big", "{{ order.id == 2 }}")], "small"))
            .node(
                Spec::write("big", "erp.big", Repeat::Safe)
                    .when("kind", &["big"])
                    .with("id", "{{ order.id }}"),
            )
            .node(
                Spec::write("small", "erp.small", Repeat::Safe)
                    .when("kind", &["small"])
                    .with("id", "{{ order.id }}"),
            )
            .node(Spec::map("given", "{{ first_of(big.n, small.n) }}").condition("{{ order.id == 1 }}"));
        let answer = format!(r#"{{"id":1,"status":"{status}","n":5}}"#);
        play(&plan, r#"{"id":1}"#, move |_, _| ok(&answer)).run()
    };
    let open = gated("paid");
    let outcomes = ["gate", "kind", "big", "small", "given"].map(|node| open.node(node).to_owned());
    assert_eq!(outcomes, ["go", "small", "skipped", "done", "done"]);
    let closed = gated("draft");
    assert_eq!(closed.outcome(), Outcome::Ignored);
    assert_eq!(closed.past.as_ref().unwrap().reason.as_deref(), Some("is draft"));
    assert_eq!(closed.node("small"), "stopped");
    assert_eq!(closed.sent.len(), 1);
}

#[test]
fn a_failure_is_caught_and_still_told() {
    let plan = PlanBuilder::new("f")
        .node(order())
        .node(Spec::write("flip", "erp.flip", Repeat::Safe).with("id", "{{ order.id }}"))
        .node(
            Spec::write("back", "erp.back", Repeat::Safe)
                .when("flip", &["failed"])
                .with("id", "{{ order.id }}"),
        )
        .node(Spec::write("on", "erp.on", Repeat::Safe).when("flip", &["done"]).with("id", "{{ order.id }}"))
        .node(Spec::write("apart", "erp.apart", Repeat::Safe).with("id", "{{ order.id }}"));
    let played = play(&plan, r#"{"id":1}"#, |request, _| match &*request.operation {
        "flip" => fails(Class::Reject, Sent::No),
        _ => ok(ORDER),
    })
    .run();
    assert_eq!(played.codes(), [Code::Rejected]);
    assert_eq!(played.sent("back").len(), 1, "the fallback ran");
    assert_eq!(played.sent("on").len(), 0);
    assert_eq!(played.sent("apart").len(), 1, "independent nodes finish");
}

#[test]
fn elements_share_reads_keep_keys_and_fail_as_one() {
    let items = || {
        Spec::read("items", "erp.item")
            .each("{{ order.lines }}", "l")
            .filter("{{ l.n != 2 }}")
            .by("{{ l.n }}")
            .with("sku", "{{ l.sku }}")
    };
    let plan = PlanBuilder::new("f").node(order()).node(items()).give("{{ items }}");
    let played = play(&plan, r#"{"id":1}"#, |request, _| match &*request.operation {
        "item" => ok(r#"{"id":9}"#),
        _ => ok(ORDER),
    })
    .run();
    assert_eq!(played.sent("item").len(), 1, "equal reads are asked once");
    let give = played.past.as_ref().unwrap().give.clone().unwrap();
    let keys: Vec<_> = give.as_list().unwrap().iter().map(|one| one.get("key").unwrap().to_json()).collect();
    assert_eq!(keys, ["1", "3"]);
    let plan = PlanBuilder::new("f").node(order()).node(items()).node(Spec::map("all", "{{ items }}"));
    let played = play(&plan, r#"{"id":1}"#, |request, _| match &*request.operation {
        "item" => fails(Class::Reject, Sent::No),
        _ => ok(ORDER),
    })
    .run();
    assert_eq!(played.codes(), [Code::Rejected], "one letter for one request");
}

#[test]
fn two_elements_with_one_key_write_nothing() {
    let plan = PlanBuilder::new("f").node(order()).node(
        Spec::write("put", "erp.put", Repeat::Safe)
            .each("{{ order.lines }}", "l")
            .by("{{ l.sku }}")
            .with("n", "{{ l.n }}"),
    );
    let played = play(&plan, r#"{"id":1}"#, |_, _| ok(ORDER)).run();
    assert_eq!(played.codes(), [Code::SameKey]);
    assert!(played.sent("put").is_empty());
}

#[test]
fn elements_that_stand_apart_fail_alone() {
    let plan = PlanBuilder::new("f")
        .node(order())
        .node(
            Spec::write("put", "erp.put", Repeat::Safe)
                .each("{{ order.lines }}", "l")
                .by("{{ l.n }}")
                .apart("{{ l.n }}")
                .with("n", "{{ l.n }}"),
        )
        .node(Spec::map("count", "{{ put | length }}"))
        .node(Spec::write("tell", "erp.tell", Repeat::Safe).with("count", "{{ count }}"));
    let played = play(&plan, r#"{"id":1}"#, |request, _| match &*request.operation {
        "put" if request.inputs[0].get("n").unwrap().as_i64() == Some(2) => fails(Class::Reject, Sent::No),
        _ => ok(ORDER),
    })
    .run();
    assert_eq!(played.sent("tell"), [&json(r#"{"count":2}"#)]);
    let (_, _, letters) = played.parked();
    assert_eq!(letters.iter().map(|letter| letter.element.as_deref()).collect::<Vec<_>>(), [Some("2")]);
}

#[test]
fn batches_are_cut_halved_and_told_apart() {
    let plan = || {
        PlanBuilder::new("f").node(order()).node(
            Spec::write("put", "erp.put", Repeat::Safe)
                .each("{{ order.lines }}", "l")
                .by("{{ l.n }}")
                .batch(2)
                .with("n", "{{ l.n }}"),
        )
    };
    let sizes = |played: &Played| -> Vec<usize> {
        played.sent.iter().filter(|sent| sent.batch).map(|sent| sent.inputs.len()).collect()
    };
    let each =
        |request: &Request| Ok(Answer::Each(request.inputs.iter().map(|input| Ok(input.clone())).collect()));
    let good =
        play(&plan(), r#"{"id":1}"#, move |request, _| if request.batch { each(request) } else { ok(ORDER) })
            .run();
    assert_eq!((good.outcome(), sizes(&good)), (Outcome::Ok, vec![2, 1]));
    let halved = play(&plan(), r#"{"id":1}"#, move |request, _| {
        let bad = request.inputs.iter().any(|input| input.get("n").and_then(Value::as_i64) == Some(2));
        match (request.batch, bad) {
            (false, _) => ok(ORDER),
            (true, true) => fails(Class::Reject, Sent::No),
            (true, false) => each(request),
        }
    })
    .run();
    assert_eq!(halved.codes(), [Code::Rejected]);
    let (_, _, letters) = halved.parked();
    assert_eq!(letters[0].element.as_deref(), Some("2"), "only the culprit is told");
    let mixed = play(&plan(), r#"{"id":1}"#, move |request, count| match (request.batch, count) {
        (false, _) => ok(ORDER),
        (true, 1) => {
            Ok(Answer::Each(vec![Ok(Value::Null), Err(Failure::new(Class::Retry, Sent::No, "busy"))]))
        }
        (true, _) => each(request),
    })
    .run();
    assert_eq!(mixed.outcome(), Outcome::Ok, "only the element that failed goes again");
    assert_eq!(mixed.sent.iter().filter(|sent| sent.batch).map(|sent| sent.inputs.len()).sum::<usize>(), 4);
}

#[test]
fn a_write_that_changes_nothing_is_not_sent() {
    let plan = |value: &str| {
        PlanBuilder::new("f").node(order()).node(
            Spec::write("tag", "store.tag", Repeat::Safe)
                .with("status", value)
                .changes("order", &[("status", "status")]),
        )
    };
    let same = play(&plan("paid"), r#"{"id":1}"#, |_, _| ok(ORDER)).run();
    assert_eq!((same.outcome(), same.sent("tag").len()), (Outcome::Ok, 0));
    let other = play(&plan("sent"), r#"{"id":1}"#, |_, _| ok(ORDER)).run();
    assert_eq!((other.outcome(), other.sent("tag").len()), (Outcome::Ok, 1));
}

#[test]
fn what_is_expected_is_told_and_what_is_warned_goes_on() {
    let plan = PlanBuilder::new("f")
        .node(order().warn("{{ result.id == 2 }}", "id is {{ result.id }}"))
        .node(
            Spec::write("put", "erp.put", Repeat::Safe)
                .with("id", "{{ order.id }}")
                .expect("{{ result.id == 2 }}", "written, but as {{ result.id }}"),
        )
        .node(Spec::map("after", "{{ put.id }}"));
    let played = play(&plan, r#"{"id":1}"#, |_, _| ok(ORDER)).run();
    let (_, _, letters) = played.parked();
    assert_eq!((letters[0].code, &*letters[0].message), (Code::Expected, "written, but as 1"));
    assert_eq!(played.sent("put").len(), 1);
}

#[test]
fn failures_wait_by_their_class() {
    let plan = || PlanBuilder::new("f").node(order()).give("{{ order.id }}");
    for (class, sent) in [(Class::Retry, Sent::Maybe), (Class::Conflict, Sent::No)] {
        let spent = play(&plan(), r#"{"id":1}"#, move |_, _| fails(class, sent)).run();
        // Waits beyond a minute leave memory with their tries; the rest is burnt here.
        match spent.parked() {
            (Why::Letter, None, letters) => assert_eq!(letters[0].code, Code::Spent),
            (Why::Timer, Some(due), _) => assert!(due > spent.at),
            other => panic!("{other:?}"),
        }
        assert!(spent.sent.len() <= 8, "{}", spent.sent.len());
    }
    for class in [Class::Outage, Class::Throttle] {
        let mended = play(
            &plan(),
            r#"{"id":1}"#,
            move |_, count| if count < 5 { fails(class, Sent::No) } else { ok(ORDER) },
        );
        let policy = Policy { attempts: 2, ..Policy::default() };
        let mended = Play {
            birth: flowrun::engine::machine::Birth { policy: Arc::new(policy), ..mended.birth.clone() },
            ..mended
        }
        .run();
        assert_eq!(mended.outcome(), Outcome::Ok, "{class:?} burns no attempt");
    }
    let refused = play(&plan(), r#"{"id":1}"#, |_, _| fails(Class::Reject, Sent::No)).run();
    assert_eq!((refused.codes(), refused.sent.len()), (vec![Code::Rejected], 1));
    let later = play(&plan(), r#"{"id":1}"#, |_, count| match count {
        1 => Err(Failure {
            after: Some(Duration::from_secs(600)),
            ..Failure::new(Class::Throttle, Sent::No, "wait")
        }),
        _ => ok(ORDER),
    })
    .run();
    assert_eq!(later.parked().1, Some(Instant(1_000_000) + Duration::from_secs(600)));
}

#[test]
fn what_is_not_there_is_asked_for_a_few_times_within_seconds() {
    let plan = PlanBuilder::new("f").node(order()).give("{{ order.id }}");
    for seed in 0..20 {
        let gone = play(&plan, r#"{"id":1}"#, |_, _| fails(Class::Gone, Sent::No));
        let began = gone.now;
        let gone = Play { seed, ..gone }.run();
        assert_eq!((gone.codes(), gone.sent.len()), (vec![Code::Rejected], 4));
        let took = gone.at.since(began);
        assert!(took > Duration::from_secs(3) && took < Duration::from_secs(8), "{took:?}");
    }
    let late = play(
        &plan,
        r#"{"id":1}"#,
        |_, count| if count < 3 { fails(Class::Gone, Sent::No) } else { ok(ORDER) },
    );
    assert_eq!(late.run().outcome(), Outcome::Ok);
}

#[test]
fn whoever_is_not_let_in_waits_outside_and_burns_nothing() {
    let plan = create(Repeat::Safe);
    let shut = play(&plan, r#"{"id":1}"#, |_, _| fails(Class::Auth, Sent::No)).run();
    let (why, due, letters) = shut.parked();
    assert_eq!((why, letters.len(), shut.sent.len()), (&Why::Timer, 0, 1), "parked at once, not a letter");
    assert!(due.unwrap() >= shut.at + Policy::default().hold);
    let mid = play(&plan, r#"{"id":1}"#, |request, _| match &*request.operation {
        "create" => fails(Class::Auth, Sent::No),
        _ => ok(ORDER),
    });
    let parked = mid.run();
    assert_eq!((parked.parked().0, parked.sent("create").len()), (&Why::Timer, 1));
    let Some(Fact::Parked(fact)) = parked.facts.last() else { panic!("{:?}", parked.facts) };
    assert!(fact.frozen && fact.tries.is_empty(), "no attempt is burnt: {fact:?}");
}

#[test]
fn a_run_whose_connection_is_held_leaves_memory() {
    let plan = create(Repeat::Safe);
    let birth = play(&plan, r#"{"id":1}"#, |_, _| ok(ORDER)).birth;
    let mut turn = Turn::new(Instant(1), 1);
    let mut machine = Machine::begin(birth, &mut turn);
    let asked = turn.out.iter().find_map(|command| match command {
        Command::Ask { step, attempt, .. } => Some((*step, *attempt)),
        _ => None,
    });
    let (step, attempt) = asked.unwrap();
    let mut turn = Turn::new(Instant(2), 1);
    machine.on(Input::Held { step, attempt: attempt + 1 }, &mut turn);
    assert!(turn.out.is_empty() && !machine.is_over(), "of another attempt");
    machine.on(Input::Held { step, attempt }, &mut turn);
    assert!(machine.is_over() && matches!(turn.out.last(), Some(Command::Park(_))), "{:?}", turn.out);
}

fn create(repeat: Repeat) -> PlanBuilder {
    PlanBuilder::new("f")
        .node(order())
        .node(Spec::write("create", "erp.create", repeat).with("id", "{{ order.id }}"))
        .node(Spec::write("tag", "store.tag", Repeat::Safe).with("n", "{{ create.n }}"))
}

#[test]
fn a_lost_answer_is_looked_for_before_it_is_sent_again() {
    for (found, sends, looks) in [(r#"[{"n":5}]"#, 1, 1), ("[]", 2, 2), (r#"{"n":5}"#, 1, 1)] {
        let began = Instant(1_000_000);
        let played =
            play(&create(look()), r#"{"id":1}"#, move |request, count| match (&*request.operation, count) {
                ("create", 1) => fails(Class::Retry, Sent::Maybe),
                ("create", _) => ok(r#"{"n":6}"#),
                ("find", _) => ok(found),
                _ => ok(ORDER),
            })
            .run();
        assert_eq!(played.outcome(), Outcome::Ok, "{found}");
        assert_eq!((played.sent("create").len(), played.sent("find").len()), (sends, looks), "{found}");
        assert!(played.at >= began + Duration::from_secs(20), "it was waited for");
    }
    let many = play(&create(look()), r#"{"id":1}"#, |request, _| match &*request.operation {
        "create" => fails(Class::Retry, Sent::Maybe),
        "find" => ok(r#"[{"n":5},{"n":6}]"#),
        _ => ok(ORDER),
    })
    .run();
    assert_eq!((many.codes(), many.sent("create").len()), (vec![Code::InDoubt], 1));
}

#[test]
fn already_there_is_looked_up_not_failed() {
    let there = play(&create(look()), r#"{"id":1}"#, |request, _| match &*request.operation {
        "create" => fails(Class::Landed, Sent::No),
        "find" => ok(r#"[{"n":5}]"#),
        _ => ok(ORDER),
    })
    .run();
    assert_eq!((there.outcome(), there.sent("tag")), (Outcome::Ok, vec![&json(r#"{"n":5}"#)]));
}

#[test]
fn refused_as_being_there_and_not_found_is_a_refusal() {
    let refusal = || {
        Err(Failure {
            answer: Some(json(r#"{"title":"no such subsidiary"}"#)),
            ..Failure::new(Class::Landed, Sent::No, "HTTP 400: USER_ERROR: no such subsidiary")
        })
    };
    let played = play(&create(look()), r#"{"id":1}"#, move |request, _| match &*request.operation {
        "create" => refusal(),
        "find" => ok("[]"),
        _ => ok(ORDER),
    })
    .run();
    let (_, _, letters) = played.parked();
    assert_eq!((letters.len(), letters[0].code), (1, Code::Rejected), "{letters:?}");
    assert_eq!(&*letters[0].message, "HTTP 400: USER_ERROR: no such subsidiary");
    assert_eq!(letters[0].answer, Some(json(r#"{"title":"no such subsidiary"}"#)));
    assert_eq!((played.sent("create").len(), played.sent("tag").len()), (1, 0), "neither again nor as done");
    let Some(Fact::Parked(parked)) = played.facts.last() else { panic!("{:?}", played.facts) };
    assert!(!parked.doubt, "nothing is in doubt");
    assert!(played.facts.iter().any(|fact| matches!(fact, Fact::Absent { .. })));
}

#[test]
fn a_write_that_is_never_repeated_becomes_a_letter_in_doubt() {
    let never = play(&create(Repeat::Never), r#"{"id":1}"#, |request, _| match &*request.operation {
        "create" => fails(Class::Outage, Sent::Maybe),
        _ => ok(ORDER),
    })
    .run();
    assert_eq!((never.codes(), never.sent("create").len()), (vec![Code::InDoubt], 1));
    let refused =
        play(&create(Repeat::Never), r#"{"id":1}"#, |request, count| match (&*request.operation, count) {
            ("create", 1) => fails(Class::Outage, Sent::No),
            _ => ok(r#"{"id":1,"n":5}"#),
        })
        .run();
    assert_eq!(refused.outcome(), Outcome::Ok, "what was certainly not sent may go again");
    assert!(refused.facts.iter().any(|fact| matches!(fact, Fact::Absent { .. })));
}

#[test]
fn a_key_stays_the_same_until_it_runs_out() {
    let key = Repeat::Key { valid_for: Duration::from_secs(3600) };
    let again =
        play(&create(key.clone()), r#"{"id":1}"#, |request, count| match (&*request.operation, count) {
            ("create", 1..=3) => fails(Class::Retry, Sent::Maybe),
            _ => ok(r#"{"id":1,"n":5}"#),
        })
        .run();
    let keys: Vec<_> =
        again.sent.iter().filter(|sent| &*sent.operation == "create").map(|sent| sent.key.clone()).collect();
    assert_eq!((again.outcome(), keys.len()), (Outcome::Ok, 4));
    assert!(keys[0].is_some() && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    let out =
        play(&create(Repeat::Key { valid_for: Duration::from_millis(1) }), r#"{"id":1}"#, |request, _| {
            match &*request.operation {
                "create" => fails(Class::Retry, Sent::Maybe),
                _ => ok(ORDER),
            }
        })
        .run();
    assert_eq!((out.codes(), out.sent("create").len()), (vec![Code::InDoubt], 1));
}

#[test]
fn effects_of_earlier_runs_are_not_repeated() {
    let hash = |id: i64| {
        let input = Value::object([("id", Value::from(id))]);
        let request = Request {
            run: EventId(1),
            flow: "f".into(),
            connection: "erp".into(),
            operation: "create".into(),
            inputs: vec![input],
            batch: false,
            write: true,
            key: None,
            priority: Priority::Normal,
        };
        request.hash()
    };
    let key = || Repeat::Key { valid_for: Duration::from_secs(3600) };
    let landed = || EffectState::Landed(json(r#"{"n":4}"#));
    let cases: [(Repeat, Hash, EffectState, bool, usize, Option<Code>); 11] = [
        (Repeat::Never, hash(1), landed(), false, 0, None),
        (Repeat::Never, hash(2), landed(), false, 0, None),
        (Repeat::Never, hash(1), landed(), true, 1, None),
        (Repeat::Never, hash(1), EffectState::Absent, false, 1, None),
        (Repeat::Never, hash(1), EffectState::Doubt, false, 0, Some(Code::InDoubt)),
        (look(), hash(1), landed(), false, 0, None),
        (look(), hash(1), landed(), true, 1, None),
        (key(), hash(1), landed(), false, 0, None),
        (key(), hash(2), landed(), false, 0, Some(Code::Drift)),
        (key(), hash(1), EffectState::Doubt, false, 1, None),
        (key(), hash(2), EffectState::Doubt, false, 0, Some(Code::Drift)),
    ];
    for (number, (repeat, hash, state, force, sends, code)) in cases.into_iter().enumerate() {
        let mut play = play(&create(repeat), r#"{"id":1}"#, |_, _| ok(r#"{"id":1,"n":5}"#));
        play.birth.event.origin = Origin::Again { of: EventId(3), root: EventId(3), force };
        let effect = Effect {
            run: EventId(3),
            id: EffectId { node: "create".into(), element: "".into() },
            hash,
            key: Some("old".into()),
            first: Instant(999_000),
            at: Instant(999_000),
            state,
        };
        play.birth.effects = vec![effect];
        let played = play.run();
        assert_eq!(played.sent("create").len(), sends, "case {number}");
        assert_eq!(played.sent("find").len(), 0, "what was acknowledged is not looked for: case {number}");
        match code {
            Some(code) => assert_eq!(played.codes(), [code], "case {number}"),
            None => assert_eq!(played.outcome(), Outcome::Ok, "case {number}"),
        }
    }
}

#[test]
fn a_run_that_goes_on_takes_what_landed_and_sends_the_rest() {
    let plan = PlanBuilder::new("f").node(order()).node(
        Spec::write("create", "erp.create", look())
            .each("{{ order.lines }}", "l")
            .apart("{{ l.n }}")
            .with("id", "{{ l.n }}"),
    );
    let answer = |refuses: i64| {
        move |request: &Request, _| match &*request.operation {
            "create" if request.inputs[0].get("id") == Some(&Value::from(refuses)) => {
                fails(Class::Reject, Sent::No)
            }
            "find" => ok("null"),
            _ => ok(ORDER),
        }
    };
    let first = play(&plan, r#"{"id":1}"#, answer(3)).run();
    assert_eq!((first.codes(), first.sent("create").len()), (vec![Code::Rejected], 3));
    let mut shelf = Shelf::default();
    let mut next = play(&plan, r#"{"id":1}"#, answer(0));
    shelf.apply(&Fact::Accepted(next.birth.event.clone()));
    first.facts.iter().for_each(|fact| shelf.apply(fact));
    next.birth.effects = shelf.effects("f", "1");
    next.birth.event.id = EventId(8);
    next.birth.event.origin = Origin::Again { of: EventId(7), root: EventId(7), force: false };
    let next = next.run();
    assert_eq!((next.outcome(), next.sent("find").len()), (Outcome::Ok, 0));
    assert_eq!(next.sent("create"), [&json(r#"{"id":3}"#)]);
}

#[test]
fn the_same_input_again_sends_nothing() {
    let plan = || create(Repeat::Safe);
    let first = play(&plan(), r#"{"id":1}"#, |_, _| ok(r#"{"id":1,"n":5}"#)).run();
    let used = first.past.as_ref().unwrap().used;
    assert!(used.is_some());
    for (answer, origin, outcome) in [
        (r#"{"id":1,"n":5}"#, Origin::Source, Outcome::Unchanged),
        (r#"{"id":2,"n":5}"#, Origin::Source, Outcome::Ok),
        (r#"{"id":1,"n":5}"#, Origin::Refresh { of: EventId(1), root: EventId(1) }, Outcome::Ok),
        (r#"{"id":1,"n":5}"#, Origin::Backfill, Outcome::Ok),
    ] {
        let mut next = play(&plan(), r#"{"id":1}"#, move |_, _| ok(answer));
        next.birth.last_used = used;
        next.birth.event.origin = origin.clone();
        let next = next.run();
        assert_eq!(next.outcome(), outcome, "{answer} {origin:?}");
        assert_eq!(next.sent("create").len(), usize::from(outcome == Outcome::Ok));
    }
}

#[test]
fn a_rejected_run_comes_back_for_a_while() {
    let (every, within) = (Duration::from_secs(900), Duration::from_secs(2000));
    let plan = || {
        PlanBuilder::new("f").node(order()).node(
            Spec::decide("known", &[("yes", "{{ order.status == 'known' }}")], "no").reject(
                "no",
                "status {{ order.status }}",
                Some((every, within)),
            ),
        )
    };
    let first = play(&plan(), r#"{"id":1}"#, |_, _| ok(ORDER)).run();
    let since = Instant(1_000_000);
    assert_eq!(first.parked().0, &Why::Retry { since });
    assert_eq!(first.parked().1, Some(since + every));
    let mut again = play(&plan(), r#"{"id":1}"#, |_, _| ok(ORDER));
    again.birth.facts = first.facts.clone();
    again.now = since + every * 2;
    let last = again.run();
    assert_eq!((last.parked().0, last.codes()), (&Why::Letter, vec![Code::Decided]));
}

#[test]
fn a_read_is_asked_again_until_it_holds() {
    let plan = |within: u64| {
        let until = order().until(
            "{{ result.status == 'paid' }}",
            Duration::from_secs(10),
            Duration::from_secs(within),
        );
        PlanBuilder::new("f").node(until).give("{{ order.status }}")
    };
    let script = |_: &Request, count: usize| if count < 4 { ok(r#"{"status":"open"}"#) } else { ok(ORDER) };
    let held = play(&plan(60), r#"{"id":1}"#, script).run();
    assert_eq!((held.outcome(), held.sent.len()), (Outcome::Ok, 4));
    assert_eq!(held.at, Instant(1_000_000) + Duration::from_secs(30));
    let spent = play(&plan(25), r#"{"id":1}"#, script).run();
    assert_eq!((spent.codes(), spent.sent.len()), (vec![Code::Spent], 3));
}

#[test]
fn an_expression_that_cannot_be_worked_out_is_a_letter() {
    let plan = PlanBuilder::new("f")
        .node(order())
        .node(Spec::map("wrong", "{{ order.nothing.here }}"))
        .node(Spec::write("put", "erp.put", Repeat::Safe).with("x", "{{ wrong }}"))
        .node(Spec::write("other", "erp.other", Repeat::Safe).with("x", "{{ order.id }}"));
    let played = play(&plan, r#"{"id":1}"#, |_, _| ok(ORDER)).run();
    assert_eq!(played.codes(), [Code::Expression]);
    assert_eq!((played.sent("put").len(), played.sent("other").len()), (0, 1));
}
