//! What people look at: drawings of the shipped flows, and what `runs`, `letters` and `exec` say of runs that really ran.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    process::Stdio,
    thread,
};

use flowrun::{
    compile::{Compiled, compile},
    estate::Disk,
    plan::{
        Plan, Work,
        draw::{self, Drawing, Look},
    },
};
use serde_json::{Value as Json, json};

use super::{
    operators::read,
    program::{Program, Said},
};

fn shipped() -> Compiled {
    let compiled = compile(&Disk, &["flows".into()], None);
    assert!(!compiled.has_errors(), "{:?}", compiled.problems);
    compiled
}

#[track_caller]
fn golden(name: &str, found: &str) {
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
    let labels =
        drawing.arrows.iter().filter(|arrow| arrow.from == from).filter_map(|arrow| arrow.label.as_ref());
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

/// The shop and the books that `sale.yaml` is run against: what they answer follows from the number of the order.
fn answer(asked: &str, count: usize) -> (u16, String) {
    let order = |id: u32, status: &str, sku: &str| {
        format!(
            r#"{{"id":{id},"status":"{status}","currency":"GBP","total":"12.00","email":"ann@example.org",
                "lines":[{{"id":1,"sku":"{sku}","quantity":1,"price":"12.00"}}]}}"#
        )
    };
    let invoice = |number: u32| format!(r#"{{"id":"{number}","number":"I-{number}","total":12.00}}"#);
    match asked {
        "GET /orders/7" => (200, order(7, "paid", "MUG")),
        "GET /orders/8" => (200, order(8, "open", "MUG")),
        "GET /orders/9" => (200, order(9, "paid", "LAMP")),
        "GET /orders/10" => (200, order(10, "paid", "MUG")),
        "GET /items/MUG" => (200, r#"{"id":"3","sku":"MUG"}"#.into()),
        "PUT /invoices/corner-7" if count == 1 => (503, "{}".into()),
        "PUT /invoices/corner-7" => (200, invoice(7)),
        "PUT /invoices/corner-10" => {
            (422, r#"{"title":"ann@example.org is blocked","customer":"ann@example.org"}"#.into())
        }
        "PUT /orders/7/note" => (200, r#"{"id":7}"#.into()),
        _ => (404, "{}".into()),
    }
}

/// Serves [`answer`] on a port of this machine; how often each thing was asked so far counts.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (asked, _) = read(&mut reader);
            let count = counts.entry(asked.clone()).or_default();
            *count += 1;
            let (status, body) = answer(&asked, *count);
            let text = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(text.as_bytes()).unwrap();
        }
    });
    base
}

/// A folder with the small estate of the tests, its connections led to `base`, and `sale.yaml`.
fn desk(base: &str, arguments: &[&str]) -> Program {
    let read = |path: &str| fs::read_to_string(Path::new("tests/golden").join(path)).unwrap();
    let estate = format!(
        "estate: corner_shop
listen: {{ address: \"127.0.0.1:0\" }}
environments:
  test:
    connections:
      shop: {{ connector: shop, url: \"{base}\", allow_private: true, settings: {{ code: corner }}, secrets: {{ token: env:TOKEN }} }}
      books: {{ connector: books, url: \"{base}\", allow_private: true, settings: {{ tax_mode: simple }}, secrets: {{ user: env:TOKEN, password: env:TOKEN }} }}
"
    );
    let mut program = Program::new(arguments)
        .file("flowrun.yaml", &estate)
        .file("flows/sale.yaml", &read("views/sale.yaml"));
    for file in [
        "connectors/books.yaml",
        "connectors/shop.yaml",
        "records/books/invoice.json",
        "records/books/row.json",
        "records/shop/line.json",
        "records/shop/order.json",
    ] {
        program = program.file(file, &read(&format!("estate/{file}")));
    }
    program.env("TOKEN", "canary")
}

fn again(before: &Program, arguments: &[&str]) -> Said {
    let said = Program::within(before, arguments).env("TOKEN", "canary").env("USER", "ann").run();
    for text in [&said.out, &said.err] {
        assert!(!text.contains('\u{1b}'), "colours without a terminal:\n{text}");
        assert!(!text.contains("canary"), "a secret is shown:\n{text}");
        assert!(!text.contains("ann@example.org"), "a buyer is shown:\n{text}");
    }
    said
}

/// The text with what differs from run to run made even: numbers of runs, dates, durations, columns. How long a node took is
/// left out: nothing is said of less than a millisecond, so whether it is there is chance.
fn even(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let plain: Vec<&str> = line.split_whitespace().collect();
        let mut words: Vec<String> = Vec::new();
        for (place, word) in plain.iter().enumerate() {
            let unit = |word: &&str| ["ms", "s", "min"].contains(&word.trim_end_matches([',', ':']));
            let number = |word: &str| word.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
            if unit(word) && place > 0 && number(plain[place - 1]) {
                words.pop();
                if ["+", "-", "x"].contains(&plain[0]) || plain[1] == "done" {
                    let before = words.pop().unwrap_or_default();
                    words.push(before.trim_end_matches(',').to_owned());
                } else {
                    words.push(format!("TIME{}", &word[word.trim_end_matches([',', ':']).len()..]));
                }
            } else {
                words.push(even_word(word));
            }
        }
        let words = words.join(" ");
        lines.push(format!("{}{words}", &line[..indent]));
    }
    lines.join("\n") + "\n"
}

fn even_word(word: &str) -> String {
    let plain = word.trim_end_matches([',', ':', '.', ')']);
    let rest = &word[plain.len()..];
    let is = |fits: fn(char) -> bool| !plain.is_empty() && plain.chars().all(fits);
    if plain.len() >= 12 && is(|letter| letter.is_ascii_hexdigit()) {
        return format!("NUMBER{rest}");
    }
    if plain.len() == 10
        && plain.matches('-').count() == 2
        && is(|letter| letter.is_ascii_digit() || letter == '-')
    {
        return format!("DATE{rest}");
    }
    if plain.len() == 8
        && plain.matches(':').count() == 2
        && is(|letter| letter.is_ascii_digit() || letter == ':')
    {
        return format!("CLOCK{rest}");
    }
    word.to_owned()
}

#[test]
fn what_ran_is_told_in_words() {
    let base = serve();
    let first = desk(&base, &["exec", "sale", "--key", "7"]);
    let run = |arguments: &[&str]| again(&first, arguments);
    let exec = |key: &str| run(&["exec", "sale", "--key", key]);
    let good = first.run();
    golden("exec_ok.txt", &even(&good.err));
    assert_eq!((good.code, &*good.out), (0, ""));
    for (key, code, name) in
        [("8", 0, "exec_ignored.txt"), ("9", 3, "exec_rejected.txt"), ("10", 1, "exec_letter.txt")]
    {
        let said = exec(key);
        assert_eq!(said.code, code, "{key}: {}", said.err);
        golden(name, &even(&said.err));
    }
    let quiet = run(&["exec", "sale", "--key", "8", "--quiet"]);
    assert_eq!((quiet.code, &*quiet.err, &*quiet.out), (0, "", ""));
    golden("exec_quiet_letter.txt", &even(&run(&["exec", "sale", "--key", "10", "-q"]).err));
    golden("runs_list.txt", &even(&run(&["runs", "list"]).err));
    golden("runs_list_open.txt", &even(&run(&["runs", "list", "--state", "open", "--limit", "1"]).err));
    golden("runs_show_ok.txt", &even(&run(&["runs", "show", "7"]).err));
    golden("runs_show_ignored.txt", &even(&run(&["runs", "show", "8"]).err));
    golden("runs_show_rejected.txt", &even(&run(&["runs", "show", "9"]).err));
    golden("letters_list.txt", &even(&run(&["letters", "list"]).err));
    golden("letters_show_rejected.txt", &even(&run(&["letters", "show", "9"]).err));
    golden("letters_show_letter.txt", &even(&run(&["letters", "show", "10"]).err));
    let json: Json = serde_json::from_str(&run(&["runs", "show", "7", "--format", "json"]).out).unwrap();
    assert_eq!(json["nodes"][7]["failures"], json!({ "outage": 1 }), "{json:#}");
    assert_eq!(json["nodes"][7]["gave"][0]["number"], "I-7", "{json:#}");
}

#[test]
fn a_letter_goes_on_by_request() {
    let base = serve();
    let first = desk(&base, &["exec", "sale", "--key", "10", "-q"]);
    assert_eq!(first.run().code, 1);
    let run = |arguments: &[&str]| again(&first, arguments);
    let event = run(&["letters", "edit", "10"]);
    assert_eq!(event.out, "{\"number\":10}\n");
    fs::write(first.folder().join("event.json"), event.out.replace("10", "7")).unwrap();
    let said = run(&["letters", "edit", "10", "--event", "event.json"]);
    assert_eq!(said.code, 0);
    golden("letters_edit.txt", &even(&said.err));
    let open: Json =
        serde_json::from_str(&run(&["runs", "list", "--state", "letter", "--format", "json"]).out).unwrap();
    assert_eq!(open[0]["key"], "10", "{open:#}");
    // The next engine carries it out: the letter goes on as another run, about the order that the edited event names.
    assert_eq!(run(&["exec", "sale", "--key", "8", "-q"]).code, 0);
    golden("runs_list_edited.txt", &even(&run(&["runs", "list"]).err));
    assert_eq!(run(&["letters", "show", "10"]).code, 1, "the letter is closed");
}

#[test]
fn a_running_engine_says_what_it_did() {
    let base = serve();
    let first = desk(&base, &["exec", "sale", "--key", "10", "-q"]);
    assert_eq!(first.run().code, 1);
    let mut command = Program::within(&first, &["exec", "sale"]).env("TOKEN", "canary").command();
    let mut service =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(service.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().starts_with("ready")), "it never was ready");
    let said = again(&first, &["letters", "retry", "10"]);
    golden("letters_retry.txt", &even(&said.err));
    // What goes on is refused again: a letter of another number.
    assert!(told.any(|line| line.unwrap().contains("letter")), "it never became a letter again");
    let said = again(&first, &["letters", "drop", "10", "--format", "json"]);
    let dropped: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&dropped["done"], &dropped["next"]), (&json!(true), &Json::Null), "{dropped:#}");
    service.kill().unwrap();
    service.wait().unwrap();
    golden("runs_list_dropped.txt", &even(&again(&first, &["runs", "list"]).err));
}
