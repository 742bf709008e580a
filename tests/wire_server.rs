//! The wire against small servers that are told what to answer, and keep what was asked.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use flowrun::{
    connector::{self, Connection, Given},
    event::{Answer, Class, Failure, Priority, Request, RunId, Sent},
    problem::Problems,
    record::Records,
    secret::Secret,
    source::Sources,
    syntax,
    value::Value,
    wire::{Access, Error, Secrets, Wire},
    yaml,
};

/// What the server does with one request.
enum Does {
    /// Answers.
    Says(u16, &'static str, String),
    /// Reads the request and closes without a word.
    Breaks,
    /// Never answers.
    Hangs,
}

struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server that takes one connection for each of `script`, in order; the last one counts for all that follow.
    async fn new(script: Vec<Does>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&asked);
        let base = address.clone();
        tokio::spawn(async move {
            let script = Arc::new(script);
            let mut count = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let index = count.min(script.len() - 1);
                count += 1;
                tokio::spawn(serve(stream, Arc::clone(&script), index, Arc::clone(&keeps), base.clone()));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Vec<Does>>,
    index: usize,
    asked: Arc<Mutex<Vec<String>>>,
    base: String,
) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let text = loop {
        let Ok(read) = stream.read(&mut buffer).await else { return };
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            break text;
        }
    };
    asked.lock().unwrap().push(text);
    match &script[index] {
        Does::Breaks => {}
        Does::Hangs => std::future::pending().await,
        Does::Says(status, headers, body) => {
            let headers = headers.replace("{base}", &base);
            let body = body.replace("{base}", &base);
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    }
}

fn says(status: u16, body: &str) -> Does {
    Does::Says(status, "", body.to_owned())
}

const SHOP: &str = r#"
connector: shop
base: https://shop.example.org/api
settings: { code: slug = s1 }
auth:
  token: { kind: header, header: X-Token }
  pair: { kind: basic }
  jwt: { kind: oauth2_jwt, token_path: /token, scope: [all], algorithm: ES256 }
  signed: { kind: oauth1, realm: R1 }
limits:
  window: { quota: 100, every: 30s, headers: { quota: X-Quota, left: X-Left, reset_ms: X-Reset } }
  slots: 4
timeout: 5s
error: { code: [code], message: [message] }
operations:
  get:
    reads: { id: int }
    with: { id: text }
    get: "/things/{id}"
    example: { with: { id: a }, answers: { answer: { body: { id: 1 } } }, gives: { id: 1 } }
  find:
    reads: { maybe: { id: int } }
    with: { id: text }
    get: "/things/{id}"
    absent: none
    example: { with: { id: a }, answers: { answer: { status: 404 } }, gives: null }
  put:
    writes: shop.thing
    with: { id: text, body: shop.thing }
    put: "/things/{id}"
    body: "{{ with.body }}"
    repeat: safe
    example: { with: { id: a, body: {} }, answers: { answer: { status: 204 } }, gives: null }
  twice:
    writes: shop.thing
    with: { id: text }
    steps:
      - { as: first, put: "/things/{id}", body: { a: 1 } }
      - { as: second, get: "/things/{id}" }
    repeat: safe
    example: { with: { id: a }, answers: { first: { status: 204 }, second: { body: {} } }, gives: {} }
  slow:
    writes: shop.thing
    with: {}
    post: /things
    body: {}
    timeout: 50ms
    repeat: never
    example: { with: {}, answers: { answer: { status: 204 } }, gives: null }
  list:
    reads: [{ id: int }]
    get: /things
    paging: { kind: link, next: "{{ answer.next }}" }
    take: "{{ answer.rows }}"
    example: { with: {}, answers: { answer: { body: { rows: [], next: null } } }, gives: [] }
"#;
const THING: &str = r#"{"$id": "shop.thing", "type": "object", "properties": {"id": {"type": "integer"}}}"#;

fn shop() -> connector::Connector {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let record = sources.add("shop/thing.json", THING);
    let file = sources.add("shop.yaml", SHOP);
    let records = Records::read(&[record], &sources, &mut problems);
    let tree = yaml::read(&sources, file, &mut problems).unwrap();
    let file = syntax::connector(&tree, &mut problems).unwrap();
    let connector = connector::lower(&file, &records, &mut problems);
    let told: Vec<_> = problems.into_sorted().into_iter().map(|problem| problem.message).collect();
    assert_eq!(told, Vec::<String>::new());
    connector
}

fn secrets(pairs: &[(&str, &str)]) -> Secrets {
    pairs.iter().map(|(name, text)| ((*name).into(), Secret::new((*text).to_owned()))).collect()
}

fn wire_with(server: &Server, auth: &str, secrets: Secrets) -> Wire {
    let given = Given {
        url: Some(format!("{}/api", server.address).into()),
        auth: Some(auth.into()),
        allow_private: true,
        ..Given::default()
    };
    let connection = Connection::open("store".into(), Arc::new(shop()), given).unwrap();
    let mut wire = Wire::new();
    wire.add(Arc::new(connection), Access { secrets, root: None }).unwrap();
    wire
}

fn wire(server: &Server) -> Wire {
    wire_with(server, "token", secrets(&[("token", "s3cret-token")]))
}

fn request(operation: &str, with: &[(&str, &str)]) -> Request {
    Request {
        run: RunId::default(),
        flow: "flow".into(),
        connection: "store".into(),
        operation: operation.into(),
        inputs: vec![Value::object(with.iter().map(|(key, value)| (*key, Value::from(*value))))],
        batch: false,
        write: false,
        key: None,
        priority: Priority::Normal,
    }
}

async fn ask(wire: &Wire, request: &Request) -> Result<Answer, Failure> {
    let pass = wire.enter(request).await;
    wire.ask(request, pass).await
}

#[tokio::test]
async fn a_read_is_signed_and_answered() {
    let server = Server::new(vec![says(200, r#"{"id":"7"}"#)]).await;
    let answer = ask(&wire(&server), &request("get", &[("id", "a/b")])).await.unwrap();
    assert_eq!(answer, Answer::One(Value::object([("id", Value::from(7_i64))])));
    let asked = server.asked().remove(0).to_lowercase();
    assert!(
        asked.starts_with("get /api/things/a%2fb http/1.1") && asked.contains("x-token: s3cret-token"),
        "{asked}"
    );
}

#[tokio::test]
async fn statuses_become_classes_and_secrets_stay_inside() {
    let echo = r#"{"code":"bad","message":"you said s3cret-token"}"#;
    for (status, class, sent) in [
        (404, Class::Reject, Sent::No),
        (429, Class::Throttle, Sent::No),
        (401, Class::Auth, Sent::No),
        (503, Class::Outage, Sent::Maybe),
    ] {
        let server = Server::new(vec![says(status, echo)]).await;
        let with = Value::object([("id", Value::from("a")), ("body", Value::object::<&str>([]))]);
        let failure =
            ask(&wire(&server), &Request { inputs: vec![with], ..request("put", &[]) }).await.unwrap_err();
        assert_eq!((failure.class, failure.sent), (class, sent), "{status}");
        assert_eq!(&*failure.message, format!("store.put: HTTP {status}: bad: you said [secret]"));
        assert!(!failure.answer.unwrap().to_json().contains("s3cret"));
        assert_eq!(server.asked().len(), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn what_was_not_sent_and_what_may_have_been_are_told_apart() {
    let gone = Server { address: "http://127.0.0.1:1".into(), asked: Arc::default() };
    let failure = ask(&wire(&gone), &request("slow", &[])).await.unwrap_err();
    assert_eq!((failure.class, failure.sent), (Class::Outage, Sent::No), "{failure:?}");
    let breaks = Server::new(vec![Does::Breaks]).await;
    let failure = ask(&wire(&breaks), &request("slow", &[])).await.unwrap_err();
    assert_eq!((failure.class, failure.sent), (Class::Outage, Sent::Maybe), "{failure:?}");
    assert_eq!(breaks.asked().len(), 1, "nothing is sent twice");
    let hangs = Server::new(vec![Does::Hangs]).await;
    let failure = ask(&wire(&hangs), &request("slow", &[])).await.unwrap_err();
    assert_eq!((failure.class, failure.sent), (Class::Outage, Sent::Maybe), "{failure:?}");
}

#[tokio::test]
async fn a_failure_after_a_write_landed_is_in_doubt() {
    let server = Server::new(vec![says(204, ""), says(404, "")]).await;
    let failure = ask(&wire(&server), &request("twice", &[("id", "a")])).await.unwrap_err();
    assert_eq!(failure.sent, Sent::Maybe);
    let server = Server::new(vec![says(404, "")]).await;
    assert_eq!(
        ask(&wire(&server), &request("find", &[("id", "a")])).await.unwrap(),
        Answer::One(Value::Null)
    );
}

#[tokio::test]
async fn an_empty_path_value_sends_nothing() {
    let server = Server::new(vec![says(204, "")]).await;
    for id in ["", ".."] {
        let failure = ask(&wire(&server), &request("twice", &[("id", id)])).await.unwrap_err();
        assert_eq!((failure.class, failure.sent), (Class::Reject, Sent::No));
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn reads_follow_redirects_at_home_and_writes_none() {
    let there = |place: &'static str| Does::Says(302, place, String::new());
    let server = Server::new(vec![there("location: /api/things/b\r\n"), says(200, r#"{"id":1}"#)]).await;
    assert!(ask(&wire(&server), &request("get", &[("id", "a")])).await.is_ok());
    assert!(server.asked()[1].starts_with("GET /api/things/b "));
    let away = Server::new(vec![there("location: http://127.0.0.2:9/x\r\n")]).await;
    let failure = ask(&wire(&away), &request("get", &[("id", "a")])).await.unwrap_err();
    assert!(failure.message.contains("another origin"), "{failure:?}");
    let write = Server::new(vec![there("location: /api/things/b\r\n")]).await;
    let failure = ask(&wire(&write), &request("slow", &[])).await.unwrap_err();
    assert!(failure.message.contains("redirects a write") && write.asked().len() == 1, "{failure:?}");
}

#[tokio::test]
async fn links_lead_from_page_to_page_and_never_away() {
    let pages = vec![
        says(200, r#"{"rows":[{"id":1}],"next":"/api/things?page=2"}"#),
        says(200, r#"{"rows":[{"id":2}],"next":null}"#),
    ];
    let server = Server::new(pages).await;
    let Answer::One(rows) = ask(&wire(&server), &request("list", &[])).await.unwrap() else { panic!("one") };
    assert_eq!(rows.to_json(), r#"[{"id":1},{"id":2}]"#);
    for (next, told) in [("http://127.0.0.2:9/x", "another origin"), ("/api/things", "same page twice")] {
        let page = format!(r#"{{"rows":[],"next":"{next}"}}"#);
        let failure =
            ask(&wire(&Server::new(vec![says(200, &page)]).await), &request("list", &[])).await.unwrap_err();
        assert!(failure.message.contains(told), "{failure:?}");
    }
}

#[tokio::test]
async fn a_private_address_must_be_allowed() {
    for url in ["http://127.0.0.1:9/api", "http://[::1]:9", "http://10.1.2.3"] {
        let given = Given { url: Some(url.into()), auth: Some("pair".into()), ..Given::default() };
        let connection = Connection::open("store".into(), Arc::new(shop()), given).unwrap();
        let access = Access { secrets: secrets(&[("user", "u"), ("password", "p")]), root: None };
        assert!(matches!(Wire::new().add(Arc::new(connection), access), Err(Error::Private(_))), "{url}");
    }
    let given =
        Given { url: Some("http://localhost:9".into()), auth: Some("token".into()), ..Given::default() };
    let connection = Connection::open("store".into(), Arc::new(shop()), given).unwrap();
    let mut wire = Wire::new();
    wire.add(Arc::new(connection), Access { secrets: secrets(&[("token", "token-1")]), root: None }).unwrap();
    let failure = ask(&wire, &request("get", &[("id", "a")])).await.unwrap_err();
    assert_eq!((failure.class, failure.sent), (Class::Reject, Sent::No), "{failure:?}");
    assert!(failure.message.contains("private"), "{failure:?}");
}

#[tokio::test]
async fn a_missing_secret_is_named() {
    let given = Given { auth: Some("signed".into()), ..Given::default() };
    let connection = Connection::open("store".into(), Arc::new(shop()), given).unwrap();
    let told = Wire::new().add(Arc::new(connection), Access::default()).unwrap_err().to_string();
    assert_eq!(told, "the connection `store` needs the secret `consumer_key`");
}

/// A new P-256 key as base64 of its PKCS#8 form.
fn test_key() -> String {
    let with = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let made = ring::signature::EcdsaKeyPair::generate_pkcs8(with, &ring::rand::SystemRandom::new()).unwrap();
    flowrun::sign::base64(made.as_ref())
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----
{key}
-----END PRIVATE KEY-----";

#[tokio::test]
async fn tokens_are_fetched_once_and_renewed_when_refused() {
    let script = vec![
        says(200, r#"{"access_token":"token-one","expires_in":"3600","token_type":"Bearer"}"#),
        says(200, r#"{"id":1}"#),
        says(200, r#"{"id":2}"#),
        says(401, ""),
        says(200, r#"{"access_token":"token-two","expires_in":3600}"#),
        says(200, r#"{"id":3}"#),
    ];
    let server = Server::new(script).await;
    let key = KEY.replace("{key}", &test_key());
    let all =
        secrets(&[("client_id", "client-1"), ("certificate_id", "certificate-1"), ("private_key", &key)]);
    let wire = wire_with(&server, "jwt", all);
    for id in 1..=3_i64 {
        let answer = ask(&wire, &request("get", &[("id", "a")])).await.unwrap();
        assert_eq!(answer, Answer::One(Value::object([("id", Value::from(id))])));
    }
    let asked = server.asked();
    let lines: Vec<_> = asked.iter().map(|text| text.lines().next().unwrap()).collect();
    let (token, get) = ("POST /api/token HTTP/1.1", "GET /api/things/a HTTP/1.1");
    assert_eq!(lines, [token, get, get, get, token, get]);
    assert!(
        asked[0].contains("client_assertion=ey")
            && asked[5].to_lowercase().contains("authorization: bearer token-two")
    );
}

#[tokio::test]
async fn a_refused_key_opens_the_breaker() {
    let server = Server::new(vec![says(400, r#"{"error":"invalid_grant"}"#)]).await;
    let key = KEY.replace("{key}", &test_key());
    let wire = wire_with(
        &server,
        "jwt",
        secrets(&[("client_id", "c"), ("certificate_id", "k"), ("private_key", &key)]),
    );
    let failure = ask(&wire, &request("get", &[("id", "a")])).await.unwrap_err();
    assert_eq!((failure.class, failure.sent), (Class::Auth, Sent::No));
    assert_eq!(&*failure.message, "store.get: no token was given: HTTP 400: invalid_grant");
    assert!(wire.is_held("store"));
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_handed_on() {
    let headers = "x-reset: 4000\r\nx-left: 0\r\nx-quota: 100\r\nx-retry-after: 2\r\n";
    let server = Server::new(vec![Does::Says(429, headers, String::new())]).await;
    let failure = ask(&wire(&server), &request("get", &[("id", "a")])).await.unwrap_err();
    assert_eq!((failure.class, failure.after), (Class::Throttle, Some(Duration::from_secs(4))));
}

#[tokio::test]
async fn no_more_calls_at_one_time_than_there_are_slots() {
    let server = Server::new(vec![Does::Hangs]).await;
    let wire = Arc::new(wire(&server));
    let mut held = Vec::new();
    // With no window known one goes ahead; it tells nothing, so this looks at the slots by way of passes alone.
    let request = request("get", &[("id", "a")]);
    held.push(wire.enter(&request).await);
    let waits = tokio::time::timeout(Duration::from_millis(20), wire.enter(&request)).await;
    assert!(waits.is_err(), "nobody else before the first answer");
    drop(held.pop());
    assert!(wire.enter(&request).await.is_some(), "an unused pass is given back");
}
