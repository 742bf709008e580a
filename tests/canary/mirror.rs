//! A server between flowrun and a twin. It hands every call on, except those it is told to spoil: these it answers like the worst
//! of platforms, with an error that repeats all that the caller sent, and all secrets that it knows, in every form.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use flowrun::sign::{Algorithm, Claims, JwtKey};
use serde_json::{Value as Json, json};

const TOKEN_PATH: &str = "/services/rest/auth/oauth2/v1/token";

/// Calls to spoil.
#[derive(Clone)]
pub struct Spoil {
    pub method: Method,
    /// Part of the path.
    pub path: &'static str,
    pub status: u16,
    /// How many calls.
    pub times: u32,
}

pub struct Mirror {
    /// Where it listens.
    pub url: String,
    to: String,
    /// The twin's own account of its login, for the one call whose address is signed.
    login: Json,
    known: Vec<String>,
    spoils: Mutex<Vec<Spoil>>,
    tokens: Mutex<BTreeSet<String>>,
    http: reqwest::Client,
}

impl Mirror {
    /// Starts one before `to`. `known`: secrets that it repeats.
    pub async fn start(to: &str, login: &Json, known: &[String]) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mirror = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            to: to.to_owned(),
            login: login.clone(),
            known: known.to_vec(),
            spoils: Mutex::default(),
            tokens: Mutex::default(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&mirror));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        mirror
    }

    pub fn spoil(&self, spoil: Spoil) {
        self.spoils.lock().unwrap().push(spoil);
    }

    /// How many calls are still to be spoilt.
    pub fn left(&self) -> u32 {
        self.spoils.lock().unwrap().iter().map(|spoil| spoil.times).sum()
    }

    /// Access tokens that the twin gave.
    pub fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap().iter().cloned().collect()
    }

    fn due(&self, method: &Method, path: &str) -> Option<u16> {
        let mut spoils = self.spoils.lock().unwrap();
        let spoil = spoils
            .iter_mut()
            .find(|spoil| spoil.times > 0 && spoil.method == *method && path.contains(spoil.path))?;
        spoil.times -= 1;
        Some(spoil.status)
    }

    /// A token request as the twin wants it: its own address is in what is signed.
    fn assertion(&self) -> String {
        let text = |name: &str| self.login[name].as_str().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let now = i64::try_from(now).unwrap();
        let claims = Claims {
            key_id: text("certificate_id"),
            issuer: text("client_id"),
            audience: text("token_url"),
            scope: &["rest_webservices".into()],
            issued: now,
            expires: now + 300,
        };
        let key = JwtKey::from_pem(text("private_key"), Algorithm::Es256).unwrap();
        let jwt = key.token(claims).unwrap_or_else(|error| panic!("{error}"));
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        format!("grant_type=client_credentials&client_assertion_type={kind}&client_assertion={jwt}")
    }

    /// The error of a platform that hides nothing. Its words end in a secret, so that cutting them short cuts the secret.
    fn confession(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Json {
        let sent: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?")))
            .collect();
        let token = headers.get("authorization").or(headers.get("x-auth-token"));
        let token = token.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = String::from_utf8_lossy(body).into_owned();
        let all = [&*sent.join("\n"), &*body, &*self.known.join("\n")].join("\n");
        let coded: Vec<_> = (self.known.iter().map(String::as_str).chain([token, &all]))
            .flat_map(|text| {
                let hex = |before: &str| -> String {
                    text.bytes().flat_map(|byte| [before.to_owned(), format!("{byte:02x}")]).collect()
                };
                let pair = STANDARD.encode(format!("user:{text}"));
                [hex(""), hex("%"), pair, STANDARD.encode(text), URL_SAFE_NO_PAD.encode(format!("x{text}"))]
            })
            .collect();
        let words = format!("{} is refused: {token} {}", "x".repeat(200), body);
        json!({
            "title": words, "status": status, "message": words, "sent": sent, "body": body, "all": all, "coded": coded,
            token: token, "error": format!("{} {body}", self.known.join("")),
            "o:errorDetails": [{ "detail": format!("{token} {body}"), "o:errorCode": format!("SECRET {token}") }],
        })
    }
}

async fn answer(State(mirror): State<Arc<Mirror>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let path = head.uri.path_and_query().unwrap().as_str().to_owned();
    if let Some(status) = mirror.due(&head.method, &path) {
        let told = mirror.confession(status, &head.headers, &body).to_string();
        let response = Response::builder().status(status).header("content-type", "application/json");
        return response.body(Body::from(told)).unwrap();
    }
    let login = path == TOKEN_PATH;
    if login {
        body = mirror.assertion().into_bytes();
    }
    let mut headers = head.headers;
    for name in ["host", "content-length", "accept-encoding"] {
        headers.remove(name);
    }
    let sent = mirror.http.request(head.method, format!("{}{path}", mirror.to)).headers(headers).body(body);
    let got = sent.send().await.unwrap();
    let mut response = Response::builder().status(StatusCode::as_u16(&got.status()));
    for (name, value) in got.headers() {
        if !["content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
            let value = value.to_str().unwrap().replace(&mirror.to, &mirror.url);
            response = response.header(name, value);
        }
    }
    let text = got.text().await.unwrap().replace(&mirror.to, &mirror.url);
    if login {
        let token: Json = serde_json::from_str(&text).unwrap();
        mirror.tokens.lock().unwrap().insert(token["access_token"].as_str().expect(&text).to_owned());
    }
    response.body(Body::from(text)).unwrap()
}
