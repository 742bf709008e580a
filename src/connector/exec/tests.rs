//! Operations carried out by hand: what is sent, and what is made of the answers.

use std::sync::Arc;

use super::*;
use crate::{
    connector::{Given, lower},
    problem::Problems,
    record::Records,
    source::Sources,
    syntax, yaml,
};

const FILE: &str = r#"
connector: shop
base: https://shop.example.org/api
auth: { t: { kind: basic } }
error: { code: [code], message: [message] }
operations:
  pages:
    reads: [any]
    get: /a
    query: { "x:in": "{{ [1, 2] }}", none: "{{ none }}", gone: "{{ omit }}" }
    paging: { kind: page, size: 2 }
    take: "{{ answer.rows }}"
  cursors:
    reads: [any]
    get: /a
    paging: { kind: cursor, size: 2, next: "{{ answer.next }}" }
    take: "{{ answer.rows }}"
  offsets:
    reads: [any]
    get: /a
    paging: { kind: offset, size: 2 }
  keys:
    reads: [{ id: int }]
    suiteql: SELECT id FROM item WHERE id > :after ORDER BY id
    paging: { kind: suiteql, size: 2, after: id }
  few:
    reads: [any]
    get: /a
    paging: { kind: page, size: 1, max_pages: 2 }
  some:
    reads: { maybe: { sku: text, n: int } }
    with: { sku: text, place: text? }
    suiteql: SELECT * FROM item WHERE sku IN (:skus)
    params: { skus: "{{ batch | map(attribute='sku') }}" }
    batch: { max: 5, key: "{{ with.sku }}", match: "{{ row.sku }}", same: "{{ with.place }}" }
  store:
    writes: shop.thing
    with: { sku: text }
    put: /a
    body: { each: "{{ batch }}", as: b, fields: { sku: "{{ b.sku }}" } }
    repeat: safe
    batch: { max: 5, key: "{{ with.sku }}", match: "{{ row.sku }}", errors: { list: "{{ answer.errors }}", match: "{{ row.sku }}", message: "{{ row.why }}" } }
  keyed:
    writes: shop.thing
    with: {}
    post: /a
    body: {}
    repeat: { key: X-Key, valid_for: 1h }
  upsert:
    writes: shop.thing
    with: { id: slug, body: shop.thing }
    steps:
      - { as: found, get: "/a/eid:{id}", absent: none }
      - { as: made, if: "{{ found is none }}", put: "/a/eid:{id}", body: "{{ with.body }}" }
      - { as: changed, if: "{{ found is not none }}", patch: "/a/{found.id}", body: "{{ with.body }}", over: found }
      - { as: now, get: "/a/eid:{id}" }
    sublists: { lines: { key: line, by: ref, gone: { closed: true }, keep: "{{ line.closed }}" } }
    repeat: never
  changed:
    reads: [{ id: int, at: text }]
    get: /a
    paging: { kind: page, size: 9 }
    cursor: { kind: second, field: at, format: iso, tie: id }
  whole:
    reads: any
    steps:
      - { as: head, get: /1, absent: none }
      - { as: lines, get: /2 }
    join: head
  together:
    reads: any
    steps:
      - { as: one, get: /1 }
      - { as: two, get: /2 }
      - { as: three, get: "/3/{one.id}" }
    take: { sum: "{{ one.id + two.id }}", three: "{{ three }}" }
"#;
const THING: &str = r#"{"$id": "shop.thing", "type": "object", "properties": {
    "total": {"type": "string", "x-type": "decimal"}, "lines": {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "object"}}}}}}"#;

fn shop() -> Connection {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let record = sources.add("shop/thing.json", THING);
    let records = Records::read(&[record], &sources, &mut problems);
    let file = sources.add("shop.yaml", FILE);
    let tree = yaml::read(&sources, file, &mut problems).unwrap();
    let file = syntax::connector(&tree, &mut problems).unwrap();
    let connector = lower(&file, &records, &mut problems);
    assert!(!problems.has_errors(), "{:#?}", problems.into_sorted());
    Connection::open("store".into(), Arc::new(connector), Given::default()).unwrap()
}

fn json(text: &str) -> Value {
    Value::parse(text.as_bytes()).unwrap()
}

/// Carries out an operation: each answer is a status and a body, given in the order of the calls. Returns what was sent and what
/// came out.
fn play(operation: &str, inputs: &[&str], answers: &[(u16, &str)]) -> (Vec<String>, Result<Answer, Failure>) {
    let shop = shop();
    let operation = shop.operation(operation).unwrap();
    let inputs: Vec<_> = inputs.iter().map(|text| json(text)).collect();
    let batch = inputs.len() > 1;
    let asking = Asking { inputs: &inputs, batch, cursor: None, key: Some("key-1".into()) };
    let mut sent = Vec::new();
    let mut answers = answers.iter();
    let mut go = || {
        let mut exec = Exec::begin(&shop, operation, asking.clone())?;
        loop {
            let calls = match exec.turn()? {
                Turn::Done(answer) => return Ok(answer),
                Turn::Send(calls) => calls,
            };
            assert!(!calls.is_empty(), "it waits for nobody");
            for call in calls {
                let Target::Path(path) = &call.target else { panic!("{call:?}") };
                let body = call.body.as_ref().map_or(String::new(), |body| format!(" {}", body.to_json()));
                let key = call.headers.iter().find(|(name, _)| &**name == "X-Key").map_or("", |(_, key)| key);
                sent.push(format!("{} {path}{body}{key}", call.method.name()));
                let (status, body) = answers.next().expect("an answer for each call");
                let body = if body.is_empty() { Value::Null } else { json(body) };
                exec.answered(call.step, "https://shop.example.org/api/a", Reply { status: *status, body })?;
            }
        }
    };
    let out = go();
    assert!(answers.next().is_none(), "all answers were asked for: {sent:?}");
    (sent, out)
}

fn one(out: Result<Answer, Failure>) -> String {
    match out.unwrap() {
        Answer::One(value) => value.to_json(),
        Answer::Each(_) => panic!("one was expected"),
    }
}

#[test]
fn pages_go_on_until_a_short_one() {
    let (sent, out) = play("pages", &["{}"], &[(200, r#"{"rows":[1,2]}"#), (200, r#"{"rows":[3]}"#)]);
    assert_eq!(sent, ["GET /a?x%3Ain=1%2C2&page=1&limit=2", "GET /a?x%3Ain=1%2C2&page=2&limit=2"]);
    assert_eq!(one(out), "[1,2,3]");
    let (_, out) = play("pages", &["{}"], &[(200, r#"{"rows":[1,2]}"#), (204, "")]);
    assert_eq!(one(out), "[1,2]");
}

#[test]
fn every_kind_of_paging_finds_its_way() {
    let (sent, out) = play(
        "cursors",
        &["{}"],
        &[(200, r#"{"rows":[1],"next":"x/1"}"#), (200, r#"{"rows":[2],"next":null}"#)],
    );
    assert_eq!(sent, ["GET /a?limit=2", "GET /a?limit=2&after=x%2F1"]);
    assert_eq!(one(out), "[1,2]");
    let (sent, out) = play("offsets", &["{}"], &[(200, "[1,2]"), (200, "[3]")]);
    assert_eq!((sent[1].as_str(), one(out).as_str()), ("GET /a?limit=2&offset=2", "[1,2,3]"));
    let rows = [(200, r#"{"items":[{"id":"3","links":[]},{"id":"5"}]}"#), (200, r#"{"items":[]}"#)];
    let (sent, out) = play("keys", &["{}"], &rows);
    assert!(
        sent[0].ends_with(r#"ORDER BY id","params":["0"]}"#) && sent[1].ends_with(r#""params":["5"]}"#),
        "{sent:?}"
    );
    assert!(sent[1].starts_with("POST /services/rest/query/v1/suiteql?limit=2&offset=0 "));
    assert_eq!(one(out), r#"[{"id":3},{"id":5}]"#);
}

#[test]
fn lists_that_never_end_are_stopped() {
    let same = (200, r#"{"rows":[1],"next":"x"}"#);
    assert!(play("cursors", &["{}"], &[same, same]).1.unwrap_err().message.contains("same page twice"));
    assert!(
        play("few", &["{}"], &[(200, "[1]"), (200, "[1]")])
            .1
            .unwrap_err()
            .message
            .contains("more than 2 pages")
    );
}

#[test]
fn rows_come_back_to_their_elements() {
    let answer = r#"{"items":[{"sku":"B","n":"2"},{"sku":"A","n":"1"}]}"#;
    let (sent, out) = play("some", &[r#"{"sku":"A"}"#, r#"{"sku":"X"}"#, r#"{"sku":"B"}"#], &[(200, answer)]);
    assert!(sent[0].contains(r#"IN (?, ?, ?)","params":["A","X","B"]"#), "{sent:?}");
    let Ok(Answer::Each(each)) = out else { panic!("{out:?}") };
    let each: Vec<_> = each.into_iter().map(|one| one.unwrap().to_json()).collect();
    assert_eq!(each, [r#"{"sku":"A","n":1}"#, "null", r#"{"sku":"B","n":2}"#]);
}

#[test]
fn only_elements_that_agree_share_a_request() {
    let shop = shop();
    let inputs: Vec<_> =
        ["a", "b", "a"].map(|place| json(&format!(r#"{{"sku":"x","place":"{place}"}}"#))).to_vec();
    let groups = Exec::groups(&shop, shop.operation("some").unwrap(), &inputs).unwrap();
    assert_eq!(groups, [vec![0, 2], vec![1]]);
}

#[test]
fn elements_that_the_platform_names_fail_by_themselves() {
    let refusal = r#"{"errors":[{"sku":"B","why":"too dear"}]}"#;
    let (sent, out) = play("store", &[r#"{"sku":"A"}"#, r#"{"sku":"B"}"#], &[(422, refusal)]);
    assert_eq!(sent, [r#"PUT /a [{"sku":"A"},{"sku":"B"}]"#]);
    let Ok(Answer::Each(each)) = out else { panic!("{out:?}") };
    assert!(each[0].is_ok());
    let failure = each[1].as_ref().unwrap_err();
    assert_eq!((failure.class, &*failure.message), (Class::Reject, "store: too dear"));
    let (_, out) = play("store", &[r#"{"sku":"A"}"#, r#"{"sku":"B"}"#], &[(422, r#"{"message":"no"}"#)]);
    assert_eq!(&*out.unwrap_err().message, "store.store: HTTP 422: no");
}

#[test]
fn the_key_goes_with_the_write() {
    let (sent, _) = play("keyed", &["{}"], &[(204, "")]);
    assert_eq!(sent, ["POST /a {}key-1"]);
}

#[test]
fn an_upsert_makes_what_is_not_there() {
    let input = r#"{"id":"A-1","body":{"total":5.0,"lines":{"items":[{"ref":1}]}}}"#;
    let (sent, out) = play("upsert", &[input], &[(404, "{}"), (204, ""), (200, r#"{"id":"9"}"#)]);
    let put = r#"PUT /a/eid:A-1 {"total":"5.0","lines":{"items":[{"ref":1}]}}"#;
    assert_eq!(sent, ["GET /a/eid:A-1", put, "GET /a/eid:A-1"]);
    assert_eq!(one(out), r#"{"id":"9"}"#);
}

#[test]
fn an_upsert_never_adds_a_line_twice_and_closes_what_is_gone() {
    let input = r#"{"id":"A-1","body":{"lines":{"items":[{"ref":1,"n":2},{"ref":4}]}}}"#;
    let found = r#"{"id":"9","lines":{"items":[
        {"line":7,"ref":"1","closed":false}, {"line":8,"ref":"2","closed":false},
        {"line":9,"ref":"3","closed":true}, {"line":10,"closed":false}]}}"#;
    let (sent, _) = play("upsert", &[input], &[(200, found), (204, ""), (200, r#"{"id":"9"}"#)]);
    let lines = r#"[{"ref":1,"n":2,"line":7},{"ref":4},{"closed":true,"line":8}]"#;
    assert_eq!(sent[1], format!(r#"PATCH /a/9 {{"lines":{{"items":{lines}}}}}"#));
}

#[test]
fn a_line_that_is_kept_is_not_sent() {
    let input = r#"{"id":"A-1","body":{"lines":{"items":[{"ref":1,"n":2},{"ref":2,"n":5}]}}}"#;
    let found = r#"{"id":"9","lines":{"items":[
        {"line":7,"ref":"1","closed":false}, {"line":8,"ref":"2","closed":true}, {"line":9,"ref":"3","closed":true}]}}"#;
    let (sent, _) = play("upsert", &[input], &[(200, found), (204, ""), (200, r#"{"id":"9"}"#)]);
    assert_eq!(sent[1], r#"PATCH /a/9 {"lines":{"items":[{"ref":1,"n":2,"line":7}]}}"#);
}

#[test]
fn failures_say_whether_anything_can_have_happened() {
    let input = r#"{"id":"A-1","body":{}}"#;
    for (answers, class, sent) in [
        (&[(503, "")][..], Class::Outage, Sent::No),
        (&[(404, ""), (503, "")], Class::Outage, Sent::Maybe),
        (&[(404, ""), (400, "")], Class::Reject, Sent::No),
        (&[(404, ""), (204, ""), (400, "")], Class::Reject, Sent::Maybe),
        (&[(404, ""), (204, ""), (429, "")], Class::Throttle, Sent::Maybe),
    ] {
        let failure = play("upsert", &[input], answers).1.unwrap_err();
        assert_eq!((failure.class, failure.sent), (class, sent), "{answers:?}");
    }
    for bad in [r#"{"id":"A/1","body":{}}"#, r#"{"body":{}}"#, r#"{"id":"A-1","body":{"total":"x"}}"#] {
        let failure = play("upsert", &[bad], &[]).1.unwrap_err();
        assert_eq!((failure.class, failure.sent), (Class::Reject, Sent::No), "{bad}");
    }
}

#[test]
fn a_row_of_a_poll_that_cannot_be_read_keeps_no_other_back() {
    let shop = shop();
    let operation = shop.operation("changed").unwrap();
    let inputs = [json("{}")];
    let read = |rows: &str| {
        let mut exec =
            Exec::begin(&shop, operation, Asking { inputs: &inputs, ..Asking::default() }).unwrap();
        let Ok(Turn::Send(calls)) = exec.turn() else { panic!("a call") };
        exec.answered(calls[0].step, "", Reply { status: 200, body: json(rows) }).unwrap();
        let answer = match exec.turn() {
            Ok(Turn::Done(Answer::One(rows))) => Ok(rows.to_json()),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure.message.to_string()),
        };
        (answer, exec.unread())
    };
    let (rows, unread) = read(r#"[{"id":1},{"id":"dear"},{"id":"3"}]"#);
    assert_eq!(rows.unwrap(), r#"[{"id":1},{"id":3}]"#);
    assert_eq!(unread, [(json(r#"{"id":"dear"}"#), "`id`: expected whole number, found text".to_owned())]);
    let (none, _) = read(r#"[{"id":"dear"}]"#);
    assert!(none.unwrap_err().contains("expected whole number"), "if no row can be read, nothing is skipped");
}

#[test]
fn only_a_platform_that_says_so_has_nothing() {
    let look = |answer| play("upsert", &[r#"{"id":"A-1","body":{}}"#], &[answer]).1;
    for nothing in [(200, ""), (200, "null")] {
        let failure = look(nothing).unwrap_err();
        assert!(
            failure.message.contains("HTTP 200 without content") && failure.sent == Sent::No,
            "{failure:?}"
        );
    }
    let whole = |head| play("whole", &["{}"], &[head, (200, "[]")]).1;
    assert_eq!(whole((404, "")).unwrap(), Answer::One(Value::Null), "absent");
    for strange in [(200, "[]"), (200, r#""hello""#)] {
        let failure = whole(strange).unwrap_err();
        assert!(failure.message.contains("`head`: expected an object"), "{failure:?}");
    }
}

#[test]
fn reads_that_do_not_need_one_another_go_together() {
    let shop = shop();
    let operation = shop.operation("together").unwrap();
    let inputs = [json("{}")];
    let mut exec = Exec::begin(&shop, operation, Asking { inputs: &inputs, ..Asking::default() }).unwrap();
    let Ok(Turn::Send(first)) = exec.turn() else { panic!("calls") };
    assert_eq!(first.iter().map(|call| call.step).collect::<Vec<_>>(), [0, 1]);
    exec.answered(1, "", Reply { status: 200, body: json(r#"{"id":2}"#) }).unwrap();
    assert!(matches!(exec.turn(), Ok(Turn::Send(calls)) if calls.is_empty()), "it waits for the other one");
    exec.answered(0, "", Reply { status: 200, body: json(r#"{"id":1}"#) }).unwrap();
    let Ok(Turn::Send(third)) = exec.turn() else { panic!("calls") };
    assert_eq!(third[0].target, Target::Path("/3/1".into()));
    exec.answered(2, "", Reply { status: 200, body: json("[7]") }).unwrap();
    let Ok(Turn::Done(Answer::One(value))) = exec.turn() else { panic!("done") };
    assert_eq!(value.to_json(), r#"{"sum":3,"three":[7]}"#);
}
