//! What operators ask for and what comes of it: the real program, a small estate, and a depot that is scripted here.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value as Json, json};

use super::program::{Program, Said};

/// The depot: parcels A, B and C; a label for C is refused until `C` is mended; no label is ever found.
struct Depot {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
    mended: Arc<Mutex<BTreeSet<String>>>,
}

impl Depot {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (asked, mended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(BTreeSet::new())));
        let (keeps, knows) = (Arc::clone(&asked), Arc::clone(&mended));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (asked, body) = read(&mut BufReader::new(stream.try_clone().unwrap()));
                let (status, answer) = answer(&asked, &body, &knows.lock().unwrap());
                keeps.lock().unwrap().push(format!("{asked} {body}").trim_end().to_owned());
                let text = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
                    answer.len()
                );
                stream.write_all(text.as_bytes()).unwrap();
            }
        });
        Self { base, asked, mended }
    }

    /// How often something was asked.
    fn count(&self, what: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == what).count()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn mend(&self, code: &str) {
        self.mended.lock().unwrap().insert(code.into());
    }

    /// A folder with the estate and its flows.
    fn desk(&self, arguments: &[&str]) -> Program {
        let text = |path: &str| fs::read_to_string(Path::new("tests/golden/depot").join(path)).unwrap();
        let estate = format!(
            "estate: depot
listen: {{ address: \"127.0.0.1:0\" }}
environments:
  test:
    connections:
      depot: {{ connector: depot, url: \"{0}\", allow_private: true, secrets: {{ token: env:TOKEN }} }}
      far: {{ connector: depot, url: \"{0}\", allow_private: true, secrets: {{ token: env:NOT_HERE }} }}
",
            self.base
        );
        Program::new(arguments)
            .file("flowrun.yaml", &estate)
            .file("connectors/depot.yaml", &text("depot.yaml"))
            .file("records/depot/label.json", &text("label.json"))
            .file("records/depot/parcel.json", &text("parcel.json"))
            .file("flows/labels.yaml", &text("labels.yaml"))
            .file("flows/nightly.yaml", &text("nightly.yaml"))
            .file(
                "flows/far.yaml",
                &text("labels.yaml").replace("labels", "far").replace("depot: depot", "depot: far"),
            )
            .env("TOKEN", "canary")
    }
}

/// Reads a request: its method and path, and its body.
pub fn read(reader: &mut BufReader<TcpStream>) -> (String, String) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let asked = line.rsplit_once(' ').map_or("", |(asked, _)| asked).to_owned();
    let mut length = 0;
    loop {
        let mut head = String::new();
        if reader.read_line(&mut head).unwrap() < 3 {
            break;
        }
        if let Some(told) = head.to_lowercase().strip_prefix("content-length:") {
            length = told.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    std::io::Read::read_exact(reader, &mut body).unwrap();
    (asked, String::from_utf8(body).unwrap())
}

fn answer(asked: &str, body: &str, mended: &BTreeSet<String>) -> (u16, String) {
    match asked {
        "GET /shipments/7/parcels" => (200, r#"[{"code":"A"},{"code":"B"},{"code":"C"}]"#.into()),
        "POST /labels" if body.contains("\"C\"") && !mended.contains("C") => {
            (422, r#"{"title":"C has no address"}"#.into())
        }
        "POST /labels" => (200, r#"{"number":"L"}"#.into()),
        _ => (404, "{}".into()),
    }
}

/// The program again in the same folder.
fn again(before: &Program, arguments: &[&str]) -> Said {
    Program::within(before, arguments).env("TOKEN", "canary").env("USER", "ann").run()
}

#[test]
fn a_letter_that_goes_on_repeats_nothing_that_was_acknowledged() {
    let depot = Depot::new();
    let first = depot.desk(&["exec", "labels", "--key", "7", "-q"]);
    let said = first.run();
    assert_eq!(said.code, 1, "{}", said.err);
    depot.mend("C");
    assert_eq!(again(&first, &["letters", "retry", "7"]).code, 0);
    assert_ne!(again(&first, &["exec", "labels", "--key", "8", "-q"]).code, 0);
    for (code, sent) in [("A", 1), ("B", 1), ("C", 2)] {
        assert_eq!(
            depot.count(&format!("POST /labels {{\"code\":\"{code}\"}}")),
            sent,
            "{code}: {:#?}",
            depot.asked()
        );
    }
}

/// The number of the run about a key.
fn run_of(desk: &Program, key: &str) -> String {
    let said = again(desk, &["runs", "show", key, "--format", "json"]);
    let run: Json = serde_json::from_str(&said.out).unwrap();
    run["run"].as_str().unwrap().to_owned()
}

#[test]
fn whoever_starts_an_engine_hears_what_it_does_for_others() {
    let depot = Depot::new();
    let first = depot.desk(&["exec", "labels", "--key", "7", "-q"]);
    assert_eq!(first.run().code, 1);
    let run = run_of(&first, "7");
    let said = again(&first, &["letters", "drop", "7", "--why", "C moved away"]);
    assert!(said.err.starts_with("request 1 recorded; no engine is at work here"), "{}", said.err);
    again(&first, &["letters", "retry", "7"]);
    let said = again(&first, &["letters", "requests"]);
    assert_eq!(said.err.matches("not carried out yet").count(), 2, "{}", said.err);

    let said = again(&first, &["exec", "labels", "--key", "8"]);
    let done = format!("request 1 by ann (C moved away): drop run {run}: run {run} is dropped\n");
    let refused = format!("request 2 by ann: go on with run {run}: refused: ");
    assert!(said.err.contains(&done) && said.err.contains(&refused), "{}", said.err);

    // It is written down, too, for those who look later.
    let said = again(&first, &["runs", "show", &run]);
    let told = "asked for by ann (C moved away); it stood at label: ";
    assert!(said.err.contains(told) && said.err.contains("HTTP 422"), "{}", said.err);
    assert!(again(&first, &["runs", "list"]).err.contains("asked for by ann (C moved away)"));
    let said = again(&first, &["letters", "requests", "--format", "json"]);
    let all: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (&all[0]["refused"], &all[1]["done"], &all[1]["who"]),
        (&json!(true), &json!(true), &json!("ann"))
    );
    assert!(!again(&first, &["exec", "labels", "--key", "8"]).err.contains("request"), "each is done once");
}

#[test]
fn who_asks_is_known_without_a_word_from_the_environment() {
    let depot = Depot::new();
    let first = depot.desk(&["exec", "labels", "--key", "7", "-q"]);
    first.run();
    Program::within(&first, &["letters", "drop", "7"]).env("TOKEN", "canary").run();
    let said = again(&first, &["letters", "requests"]);
    assert!(!said.err.contains("unknown") && said.err.contains(": drop run "), "{}", said.err);
}

#[test]
fn what_is_refused_here_is_not_put_down_to_the_platform() {
    let depot = Depot::new();
    let flow = "flow: marks
connections: { depot: depot }
trigger: { key: \"{{ event.number }}\" }
nodes:
  - action: note
    call: depot.note
    with: { id: \"{{ event.number }}/..\" }
";
    let first = depot.desk(&["exec", "marks", "--event", "event.json", "-q"]);
    let first = first.file("flows/marks.yaml", flow).file("event.json", r#"{"number":"7"}"#);
    let said = first.run();
    assert_eq!(said.code, 1, "{}", said.err);
    let said = again(&first, &["letters", "show", "7"]);
    assert!(said.err.contains("refused here, not by the platform"), "{}", said.err);
    assert_eq!(depot.asked(), [""; 0]);
    let said = again(&first, &["letters", "show", "7", "--format", "json"]);
    let shown: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(shown["letters"][0]["code"], "unfit", "{shown:#}");
}

#[test]
fn a_key_that_cannot_be_one_is_refused_before_it_is_accepted() {
    let depot = Depot::new();
    let first = depot.desk(&["exec", "labels", "--key", "abc"]);
    let said = first.run();
    assert_eq!(said.code, 2, "{}", said.err);
    let told = "`abc` cannot be a key of `labels`: `id` of `parcels`: expected whole number";
    assert!(said.err.contains(told) && said.err.contains("nothing was accepted"), "{}", said.err);
    assert!(!first.folder().join(".flowrun").exists(), "nothing is kept");
}

#[test]
fn secrets_that_a_flow_does_not_need_may_be_missing() {
    let depot = Depot::new();
    let first = depot.desk(&["exec", "labels", "--key", "7", "-q"]);
    assert_eq!(first.run().code, 1, "the platform refused C");
    let said = again(&first, &["exec", "far", "--key", "7"]);
    assert!(said.code == 5 && said.err.contains("NOT_HERE"), "its own must be there: {}", said.err);
}

#[test]
fn one_event_beside_a_service_is_run_by_the_service() {
    let depot = Depot::new();
    depot.mend("C");
    let first = depot.desk(&["exec", "labels", "nightly"]);
    let mut service = first.command();
    let mut service =
        service.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(service.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().starts_with("ready")), "it never was ready");
    let said = again(&first, &["exec", "labels", "--key", "7"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.starts_with("the flowrun that has the journal: run "), "{}", said.err);
    assert!(said.err.contains("labels 7  ok"), "{}", said.err);
    let line =
        told.map(Result::unwrap).find(|line| line.contains("request 1 by ann: run one event of labels"));
    assert!(line.is_some(), "the service says so");
    // Nothing like that is there: the run becomes a letter, and so says the exit code.
    let said = again(&first, &["exec", "labels", "--key", "8", "--format", "json"]);
    let run: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &run["state"], &run["key"]), (1, &json!("letter"), &json!("8")), "{run:#}");
    service.kill().unwrap();
    service.wait().unwrap();
}
