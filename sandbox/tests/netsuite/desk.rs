//! A running sandbox and a client that logs in by itself. In: settings. Out: answers as status, headers and JSON. The
//! signatures here are the client's own: nothing of the twin is used.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use flowrun_sandbox::{Config, Running, netsuite::Settings, start};
use reqwest::{Client, Method, StatusCode, header::HeaderMap};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};

/// A sandbox with a client.
pub(crate) struct Desk {
    /// The sandbox.
    pub(crate) running: Running,
    /// The client.
    pub(crate) http: Client,
    /// What the twin says of itself.
    pub(crate) access: Value,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    /// Status.
    pub(crate) status: StatusCode,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body; null if there is none.
    pub(crate) body: Value,
}

impl Got {
    /// The first error detail: code, path, text.
    pub(crate) fn problem(&self) -> (&str, &str, &str) {
        let detail = &self.body["o:errorDetails"][0];
        let text = |name: &str| detail[name].as_str().unwrap_or_default();
        (text("o:errorCode"), text("o:errorPath"), text("detail"))
    }

    /// The last segment of the `Location` header.
    pub(crate) fn id(&self) -> String {
        let location = self.headers.get("location").and_then(|value| value.to_str().ok());
        location.unwrap_or_else(|| panic!("no location: {self:?}")).rsplit('/').next().unwrap().to_owned()
    }
}

/// Seconds since 1970 by the machine's clock.
pub(crate) fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Desk {
    /// Opens an account with default settings.
    pub(crate) async fn open() -> Self {
        Self::with(Settings::default()).await
    }

    /// Opens an account and logs in.
    pub(crate) async fn with(settings: Settings) -> Self {
        Self::start(Config { netsuite: settings, ..Config::default() }).await
    }

    /// Starts a sandbox and logs in.
    pub(crate) async fn start(config: Config) -> Self {
        let running = start(config).await.expect("the sandbox starts");
        let http = Client::builder().no_proxy().build().expect("a client");
        let access = running.access().netsuite.clone();
        let mut desk = Self { running, http, access, token: String::new() };
        desk.login().await;
        desk
    }

    /// Takes a fresh access token.
    pub(crate) async fn login(&mut self) {
        let got = self.ask_token(&self.assertion(&json!({}))).await;
        assert_eq!(got.status, 200, "{:?}", got.body);
        got.body["access_token"].as_str().unwrap().clone_into(&mut self.token);
    }

    /// A text of what the twin says of itself.
    pub(crate) fn get_access(&self, name: &str) -> &str {
        self.access[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.access))
    }

    /// The claims of a good assertion, with changes.
    pub(crate) fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.access["client_id"], "scope": "rest_webservices", "aud": self.access["token_url"],
            "iat": seconds(), "exp": seconds() + 3600,
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        claims
    }

    /// A JWT signed with the account's own key.
    pub(crate) fn assertion(&self, changes: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "ES256", "kid": self.access["certificate_id"] });
        let signed = unsigned(&header, &self.claims(changes));
        let der = pem(self.get_access("private_key"));
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random).expect("a key");
        let signature = key.sign(&random, signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Asks for an access token.
    pub(crate) async fn ask_token(&self, assertion: &str) -> Got {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ];
        let request = self.http.post(self.get_access("token_url")).form(&form);
        read(request.send().await.expect("an answer")).await
    }

    /// Takes another access token from now on.
    pub(crate) fn use_token(&mut self, token: &str) {
        token.clone_into(&mut self.token);
    }

    /// The address of a path below `/services/rest`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/services/rest{path}", self.get_access("base_url"))
    }

    /// Sends a call with headers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Got {
        self.send_to(method, &self.url(path), body, headers).await
    }

    /// Sends a call with headers to a whole address.
    pub(crate) async fn send_to(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Got {
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| *name == "content-type") {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body.to_string());
        }
        read(request.send().await.expect("an answer")).await
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, None, &[]).await
    }

    /// `GET` of something that has to be there.
    pub(crate) async fn read(&self, path: &str) -> Value {
        let got = self.get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        got.body
    }

    /// `POST`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.send(Method::POST, path, Some(body), &[]).await
    }

    /// `PATCH`.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Got {
        self.send(Method::PATCH, path, Some(body), &[]).await
    }

    /// `PUT`.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Got {
        self.send(Method::PUT, path, Some(body), &[]).await
    }

    /// `DELETE`.
    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.send(Method::DELETE, path, None, &[]).await
    }

    /// Creates a record that has to be good; gives its id.
    pub(crate) async fn create(&self, kind: &str, body: &Value) -> String {
        let got = self.post(&format!("/record/v1/{kind}"), body).await;
        assert_eq!(got.status, 204, "{kind}: {}", got.body);
        got.id()
    }

    /// Changes a record; the change has to be good.
    pub(crate) async fn change(&self, path: &str, body: &Value) {
        let got = self.patch(&format!("/record/v1/{path}"), body).await;
        assert_eq!(got.status, 204, "{path}: {}", got.body);
    }

    /// A record with all its parts.
    pub(crate) async fn whole(&self, path: &str) -> Value {
        self.read(&format!("/record/v1/{path}?expandSubResources=true")).await
    }

    /// A `SuiteQL` statement.
    pub(crate) async fn ask(&self, statement: &str, parameters: &[Value]) -> Got {
        let body = json!({ "q": statement, "params": parameters });
        self.send(Method::POST, "/query/v1/suiteql", Some(&body), &[("prefer", "transient")]).await
    }

    /// The rows of a `SuiteQL` statement, without their links.
    pub(crate) async fn rows(&self, statement: &str, parameters: &[Value]) -> Vec<Value> {
        let got = self.ask(statement, parameters).await;
        assert_eq!(got.status, 200, "{statement}: {}", got.body);
        let mut rows = got.body["items"].as_array().unwrap().clone();
        for row in &mut rows {
            row.as_object_mut().unwrap().remove("links");
        }
        rows
    }

    /// The newest line of the login audit trail: status and reason.
    pub(crate) async fn last_login(&self) -> (String, String) {
        let url = format!("{}/netsuite/login-audit", self.running.access().admin.base_url);
        let trail = read(self.http.get(url).send().await.expect("an answer")).await.body;
        let text = |name: &str| trail[0][name].as_str().unwrap_or_default().to_owned();
        (text("status"), text("detail"))
    }

    /// The header of a request signed with OAuth 1.0a; `keys` may differ from the account's own.
    pub(crate) fn sign(method: &str, url: &str, keys: &Value, extra: &[(&str, &str)]) -> String {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let text = |name: &str| keys[name].as_str().unwrap_or_default().to_owned();
        let mut signed: Vec<(String, String)> = vec![
            ("oauth_consumer_key".into(), text("consumer_key")),
            ("oauth_token".into(), text("token_id")),
            ("oauth_nonce".into(), text("nonce")),
            ("oauth_timestamp".into(), text("timestamp")),
            ("oauth_signature_method".into(), "HMAC-SHA256".into()),
            ("oauth_version".into(), "1.0".into()),
        ];
        signed.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut all: Vec<(String, String)> =
            signed.iter().map(|(name, value)| (escape(name), escape(value))).collect();
        // The queries of these tests are written encoded.
        all.extend(query.split('&').filter(|part| !part.is_empty()).map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.to_owned(), value.to_owned())
        }));
        all.sort();
        let joined: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let base = format!("{method}&{}&{}", escape(address), escape(&joined.join("&")));
        let secret = format!("{}&{}", escape(&text("consumer_secret")), escape(&text("token_secret")));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), base.as_bytes());
        let mut parts = vec![format!(r#"realm="{}""#, keys["realm"].as_str().unwrap())];
        parts.extend(signed.iter().map(|(name, value)| format!(r#"{name}="{}""#, escape(value))));
        parts.push(format!(r#"oauth_signature="{}""#, escape(&STANDARD.encode(tag.as_ref()))));
        format!("OAuth {}", parts.join(", "))
    }

    /// The account's own keys with a fresh nonce and the present time.
    pub(crate) fn keys(&self, nonce: &str) -> Value {
        let mut keys = self.access["tba"].clone();
        keys["realm"] = self.access["realm"].clone();
        keys["nonce"] = json!(nonce);
        keys["timestamp"] = json!(seconds().to_string());
        keys
    }
}

/// Reads an answer.
pub(crate) async fn read(answer: reqwest::Response) -> Got {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.expect("a body");
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    Got { status, headers, body }
}

/// The signed part of a JWT.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// The bytes of a PEM text.
pub(crate) fn pem(text: &str) -> Vec<u8> {
    let lines: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(lines).expect("base64")
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A line of an order at a custom price.
pub(crate) fn line(item: u32, quantity: u32, amount: &str) -> Value {
    let amount: Value = serde_json::from_str(amount).expect("a number");
    json!({ "item": { "id": item.to_string() }, "quantity": quantity, "price": { "id": "-1" }, "amount": amount })
}

/// An order of the British customer with these lines.
pub(crate) fn order(lines: &[Value]) -> Value {
    json!({ "entity": { "id": "501" }, "taxDetailsOverride": true, "item": { "items": lines } })
}
