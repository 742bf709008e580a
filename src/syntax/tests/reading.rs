//! What good files give.
use std::time::Duration;

use super::*;
use crate::syntax::{
    ast::{Change, Given, Keep, Kind, SourceKind, Work},
    case::{Answer, Answers, End, ExpectCalls, Happening, Start},
    connector::{Method, Repeat, Sublist, Type},
    estate::{Alert, Reference},
};

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

#[test]
fn a_flow_gives_all_it_says() {
    let text = include_str!("../../../tests/golden/yaml/good_flow.yaml");
    let flow = good(text, flow);
    assert_eq!("every_key", &*flow.name.value);
    assert_eq!(("erp", "netsuite"), (&*flow.connections[1].0.value, &*flow.connections[1].1.value));
    let trigger = &flow.trigger;
    assert_eq!(Some(Keep::All), trigger.keep.as_ref().map(|keep| keep.value));
    assert_eq!(Some((500, Duration::from_secs(5))), trigger.batch.map(|(size, linger, _)| (size, linger)));
    let SourceKind::Poll { call, every, start, with } = &trigger.from[1].kind else { panic!("{trigger:?}") };
    assert_eq!(("store.orders_modified", minutes(10)), (&*call.value, every.value));
    assert_eq!(("2026-12-01T00:00:00Z", 1), (&*start.value, with.len()));
    let SourceKind::Flow { takes } = &trigger.from[3].kind else { panic!("{trigger:?}") };
    assert_eq!("[bigcommerce.order_product]", &*takes[1].1.value);
    let kinds: Vec<_> = flow.nodes.iter().map(|node| (node.kind.value, &*node.name.value)).collect();
    assert_eq!((Kind::Extract, "order"), kinds[0]);
    assert_eq!((Kind::Writeback, "tag"), kinds[8]);
    assert!(flow.broken.is_empty() && flow.give.is_some() && flow.reconcile.is_some());
}

#[test]
fn a_node_gives_all_it_says() {
    let text = include_str!("../../../tests/golden/yaml/good_flow.yaml");
    let flow = good(text, flow);
    let Work::Call(order) = &flow.nodes[0].work else { panic!() };
    assert_eq!(Some(minutes(10)), order.fresh.as_ref().map(|fresh| fresh.value));
    assert_eq!(Some(minutes(120)), order.timing.within.as_ref().map(|within| within.value));
    assert!(order.timing.at.is_some() && order.timing.until.is_some() && order.timing.late.is_some());
    assert!(matches!(&order.with[2].1, Given::Scalar(limit) if &*limit.text == "2.50" && limit.plain));
    let Work::Decide(decide) = &flow.nodes[1].work else { panic!() };
    assert_eq!(
        vec!["yes", "no_longer"],
        decide.choose.iter().map(|(name, _)| &*name.value).collect::<Vec<_>>()
    );
    assert_eq!((1, 1, 1), (decide.ignore.len(), decide.reject.len(), flow.nodes[1].warn.len()));
    let lines = &flow.nodes[2];
    assert_eq!(vec!["yes", "no_longer"], lines.when[0].1.iter().map(|name| &*name.value).collect::<Vec<_>>());
    let each = lines.each.as_ref().expect("it has an each");
    let filter = each.filter.as_ref().expect("it has a where");
    assert_eq!(
        "{{ p.type != 'giftcertificate' and p.quantity > 0 }}",
        filter.text.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    let Work::Map { shape: Some(_), body: Given::Object(fields, _) } = &lines.work else {
        panic!("{lines:?}")
    };
    assert!(matches!(&fields[2].1, Given::Scalar(null) if null.plain && &*null.text == "null"));
    assert!(matches!(&fields[3].1, Given::Use(placed) if &*placed.fragment.value == "net_of_line"));
    assert!(matches!(&fields[4].1, Given::Each(each) if each.filter.is_some()));
    assert!(matches!(&fields[6].1, Given::Each(each) if matches!(each.body, Given::Use(_))));
    let Work::Call(child) = &flow.nodes[6].work else { panic!() };
    assert_eq!(Some(false), child.wait.as_ref().map(|wait| wait.value));
    assert_eq!("remember", &*flow.nodes[8].after[0].value);
}

#[test]
fn a_broken_node_is_named_and_the_others_are_read() {
    let text = "flow: a\ntrigger: { key: all }\nnodes:\n  - { extract: one }\n  - { fetch: two }\n  - { transform: three, value: 1 }\n";
    let (found, problems) = read(text, flow);
    let found = found.expect("the rest is read");
    assert!(problems.contains("missing key `call`"), "{problems}");
    assert_eq!(vec!["one", "two"], found.broken.iter().map(|name| &*name.value).collect::<Vec<_>>());
    assert_eq!("three", &*found.nodes[0].name.value);
}

#[test]
fn a_misspelt_key_is_read_as_it_was_meant() {
    let text =
        "flow: a\ntriger: { key: all }\nnodes:\n  - { extact: one, cal: store.get, wiht: { id: 7 } }\n";
    let (found, problems) = read(text, flow);
    let flow = found.expect("it is read");
    let told: Vec<_> = problems.lines().filter(|line| line.contains("did you mean")).collect();
    assert_eq!(4, told.len(), "{problems}");
    let Work::Call(call) = &flow.nodes[0].work else { panic!("{flow:?}") };
    assert_eq!(("store.get", "id"), (&*call.target.value, &*call.with[0].0.value));
}

#[test]
fn an_each_that_lost_its_name_or_its_list_stays_one() {
    let text = "flow: a\ntrigger: { key: all }\nnodes:\n  - { transform: one, each: \"{{ event.list }}\", value: 1 }\n  - { transform: two, as: p, where: \"{{ p }}\", value: 1 }\n";
    let (found, problems) = read(text, flow);
    let flow = found.expect("it is read");
    assert_eq!(2, problems.matches("beside it").count(), "{problems}");
    assert!(flow.nodes.iter().all(|node| node.each.is_some()), "{flow:?}");
}

#[test]
fn an_overlay_keeps_its_nodes_as_trees() {
    let overlay = good(include_str!("../../../tests/golden/yaml/good_overlay.yaml"), overlay);
    assert_eq!("bigcommerce-netsuite/orders", &*overlay.extends.value);
    assert_eq!(Some("5f1c9a"), overlay.print.as_ref().map(|print| &*print.value));
    assert!(matches!(&overlay.nodes[0], Change::Drop(name) if &*name.value == "tag"));
    let Change::Node { kind, name, before, .. } = &overlay.nodes[2] else { panic!() };
    assert_eq!((Kind::Decision, "paid_in_full"), (kind.value, &*name.value));
    assert_eq!(Some("create"), before.as_ref().map(|name| &*name.value));
}

#[test]
fn a_fragment_gives_params_lets_and_body() {
    let fragment = good(include_str!("../../../tests/golden/yaml/good_fragment.yaml"), fragment);
    let types: Vec<_> = fragment.params.iter().map(|(_, kind)| &*kind.value).collect();
    assert_eq!(vec!["bigcommerce.order_product", "[bigcommerce.order_tax]", "text"], types);
    assert!(matches!(fragment.lets[1].1, Given::Each(_)) && matches!(fragment.body, Given::Scalar(_)));
}

#[test]
fn a_connector_gives_types_calls_and_repeats() {
    let text = include_str!("../../../tests/golden/yaml/good_connector.yaml");
    let connector = good(text, connector);
    let quota = &connector.settings[1];
    let default = quota.default.as_ref().expect("it has a default");
    assert!(matches!(&quota.kind, Type::Named(kind) if &*kind.value == "int"));
    assert_eq!("150", &text[default.span.start as usize..default.span.end as usize]);
    let poll = &connector.operations[0];
    assert!(matches!(&poll.reads, Some(Type::List(inner, _)) if matches!(&**inner, Type::Named(_))));
    assert_eq!((1, true, true), (poll.calls.len(), poll.calls[0].absent_none, poll.calls[0].take.is_some()));
    assert!(poll.take.is_none() && poll.calls[0].name.is_none());
    let items = &connector.operations[1];
    assert!(matches!(&items.reads, Some(Type::Object(fields, _)) if &*fields[0].0.value == "maybe"));
    let query = items.calls[0].suiteql.as_ref().expect("it is a query");
    let skus = query.text.find(":skus").expect("the query binds a name") as u32;
    let place = query.place(skus, skus + 5);
    assert_eq!(":skus", &text[place.start as usize..place.end as usize]);
    let save = &connector.operations[2];
    assert_eq!((3, Method::Patch), (save.calls.len(), save.calls[2].method.value));
    assert!(save.take.is_some() && matches!(save.repeat, Some(Repeat::Look { .. })));
    assert!(matches!(&save.sublists[0].1, Sublist::Key { gone: Some(_), .. }));
    assert!(matches!(&save.sublists[1].1, Sublist::Replace(_)));
    let example = save.example.as_ref().expect("it has an example");
    assert_eq!(Some(404), example.answers[0].1[0].status.as_ref().map(|status| status.value));
    assert!(matches!(connector.operations[3].repeat, Some(Repeat::Key { .. })));
    assert!(matches!(connector.operations[4].repeat, Some(Repeat::Never(_))));
}

#[test]
fn an_estate_gives_references_and_never_secrets() {
    let estate = good(include_str!("../../../tests/golden/yaml/good_estate.yaml"), estate);
    let store = &estate.environments[0].1.connections[0].1;
    assert!(matches!(&store.secrets[0].1, Reference::Env(name) if &*name.value == "BC_TOKEN"));
    assert!(matches!(&store.secrets[1].1, Reference::File(path) if &*path.value == "secrets/bc"));
    assert_eq!(Some("/var/lib/flowrun"), estate.environments[0].1.journal.as_ref().map(|dir| &*dir.value));
    assert_eq!(Some(false), estate.flows[0].1.on.as_ref().map(|on| on.value));
    assert!(matches!(&estate.alerts[1].1, Alert::Log(true)) && estate.books[0].1.personal);
    let (_, problems) = read(
        "estate: a\nenvironments: { x: { connections: { y: { connector: z, secrets: { t: canary } } } } }",
        super::estate,
    );
    assert!(problems.contains("FR120") && !problems.contains("canary"), "{problems}");
}

#[test]
fn cases_give_their_script() {
    let cases = good(include_str!("../../../tests/golden/yaml/good_cases.yaml"), cases);
    let first = &cases.cases[0];
    assert!(matches!(&first.start, Start::Flow(Happening::Event(_))));
    assert!(matches!(&first.answers[0].1, Answers::Always(Answer::File(_))));
    assert!(matches!(&first.answers[2].1, Answers::Each(answers) if matches!(answers[0], Answer::By(_))));
    let Answers::Each(upsert) = &first.answers[3].1 else { panic!() };
    assert!(matches!(&upsert[0], Answer::Fail { maybe_sent: true, after: Some(_), .. }));
    assert_eq!((minutes(20), 2), (first.then[0].0.value, first.expect.len()));
    assert!(
        matches!(&first.expect[1].calls[1].1, ExpectCalls::Each(calls) if calls[0].is_some() && calls[1].is_none())
    );
    assert!(matches!(&cases.cases[1].start, Start::Fragment { ends: End::Gives(_), .. }));
    assert!(matches!(&cases.cases[2].start, Start::Fragment { ends: End::Fails(_), .. }));
}
