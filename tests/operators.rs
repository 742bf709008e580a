//! What operators ask for and what comes of it: the real program, a small estate, and a depot that is scripted here.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufReader, Write as _},
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

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
      depot: {{ connector: depot, url: \"{}\", allow_private: true, secrets: {{ token: env:TOKEN }} }}
",
            self.base
        );
        Program::new(arguments)
            .file("flowrun.yaml", &estate)
            .file("connectors/depot.yaml", &text("depot.yaml"))
            .file("records/depot/label.json", &text("label.json"))
            .file("records/depot/parcel.json", &text("parcel.json"))
            .file("flows/labels.yaml", &text("labels.yaml"))
            .env("TOKEN", "canary")
    }
}

fn read(reader: &mut impl std::io::BufRead) -> (String, String) {
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
    reader.read_exact(&mut body).unwrap();
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
