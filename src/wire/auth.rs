//! Proving who we are. In: a request line, secrets. Out: the headers that say so. One arm a kind; tokens are kept until shortly
//! before they end.

use std::{sync::Arc, time::Duration};

use reqwest::Client;
use tokio::sync::Mutex;

use super::{
    Error, Secrets,
    client::{self, Lost, Outgoing},
    now,
};
use crate::{
    connector::{Auth, Connection, Method},
    event::{Class, Instant, Sent},
    secret::{Redactor, Secret},
    sign::{self, Claims, Credentials, JwtKey, Moment},
    value::Value,
};

/// A token is renewed so long before it ends.
const MARGIN: Duration = Duration::from_mins(2);
/// How long a signed assertion holds.
const ASSERTION: Duration = Duration::from_mins(5);
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// A way in, ready to use.
pub(super) struct Way {
    secrets: Secrets,
    realm: Arc<str>,
    auth: Option<Auth>,
    key: Option<JwtKey>,
    token: Mutex<Tokens>,
    redactor: Redactor,
}

#[derive(Default)]
struct Tokens {
    present: Option<Token>,
    /// Answers to calls with the one before may still come, and repeat it.
    before: Option<Secret<String>>,
}

struct Token {
    value: Secret<String>,
    until: Instant,
}

/// Headers that prove who we are, and whether a token among them had been used before.
pub(super) struct Proof {
    pub(super) headers: Vec<(Arc<str>, String)>,
    pub(super) may_be_stale: bool,
}

impl Way {
    pub(super) fn new(connection: &Connection, secrets: Secrets, redactor: Redactor) -> Result<Self, Error> {
        let auth = connection.auth.as_ref().map(|(_, auth)| auth.clone());
        for wanted in auth.iter().flat_map(Auth::secrets) {
            if !secrets.contains_key(*wanted) {
                return Err(Error::NoSecret(Arc::clone(&connection.name), wanted));
            }
        }
        let key = match (&auth, secrets.get("private_key")) {
            (Some(Auth::OAuth2Jwt { algorithm, .. }), Some(pem)) => {
                let key = JwtKey::from_pem(pem.expose(), *algorithm);
                Some(key.map_err(|error| Error::Key(Arc::clone(&connection.name), error))?)
            }
            _ => None,
        };
        let realm = Arc::clone(&connection.realm);
        Ok(Self { secrets, realm, auth, key, token: Mutex::default(), redactor })
    }

    fn secret(&self, name: &str) -> &str {
        // `new` made sure that it is there.
        self.secrets.get(name).map_or("", |secret| secret.expose())
    }

    /// The headers for a request. `renew`: the token used last was refused.
    pub(super) async fn prove(
        &self,
        connection: &Connection,
        client: &Client,
        line: (Method, &str),
        renew: bool,
    ) -> Result<Proof, Lost> {
        let failed = |error: sign::Error| Lost::new(Class::Auth, Sent::No, error.to_string());
        let one = |header: &str, value: String| Proof {
            headers: vec![(header.into(), value)],
            may_be_stale: false,
        };
        Ok(match &self.auth {
            None => Proof { headers: Vec::new(), may_be_stale: false },
            Some(Auth::Header { header, prefix: None }) => one(header, self.secret("token").to_owned()),
            Some(Auth::Header { header, prefix: Some(word) }) => {
                one(header, format!("{word} {}", self.secret("token")))
            }
            Some(Auth::Basic) => {
                let pair = format!("{}:{}", self.secret("user"), self.secret("password"));
                one("authorization", format!("Basic {}", sign::base64(pair.as_bytes())))
            }
            Some(Auth::OAuth1 { .. }) => {
                let nonce = sign::nonce(20).map_err(failed)?;
                let who = Credentials {
                    consumer_key: self.secret("consumer_key"),
                    consumer_secret: self.secret("consumer_secret"),
                    token_id: self.secret("token_id"),
                    token_secret: self.secret("token_secret"),
                    realm: &self.realm,
                };
                let when = Moment { seconds: seconds(now()), nonce: &nonce };
                one("authorization", sign::authorization(line.0.name(), line.1, who, when))
            }
            Some(Auth::OAuth2Jwt { .. }) => {
                let (token, used) = self.token(connection, client, renew).await?;
                Proof {
                    headers: vec![("authorization".into(), format!("Bearer {}", token.expose()))],
                    may_be_stale: used,
                }
            }
        })
    }

    /// The present token, and whether it had been used before. One fetches, the others wait for it.
    async fn token(
        &self,
        connection: &Connection,
        client: &Client,
        renew: bool,
    ) -> Result<(Secret<String>, bool), Lost> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.present.as_ref().filter(|token| !renew && now() + MARGIN < token.until) {
            return Ok((token.value.clone(), true));
        }
        if let Some(old) = held.present.take() {
            let older = held.before.replace(old.value);
            older.iter().for_each(|older| self.redactor.forget(older));
        }
        let fetched = self.fetch(connection, client).await?;
        let value = fetched.value.clone();
        self.redactor.learn(&value);
        held.present = Some(fetched);
        Ok((value, false))
    }

    async fn fetch(&self, connection: &Connection, client: &Client) -> Result<Token, Lost> {
        let (Some(Auth::OAuth2Jwt { token_path, scope, .. }), Some(key)) = (&self.auth, &self.key) else {
            return Err(Lost::new(Class::Auth, Sent::No, "there is no key to ask for a token with"));
        };
        let url = connection.base.join(token_path);
        let at = now();
        let claims = Claims {
            key_id: self.secret("certificate_id"),
            issuer: self.secret("client_id"),
            audience: &url,
            scope,
            issued: seconds(at),
            expires: seconds(at + ASSERTION),
        };
        let assertion =
            key.token(claims).map_err(|error| Lost::new(Class::Auth, Sent::No, error.to_string()))?;
        let body = format!(
            "grant_type=client_credentials&client_assertion_type={}&client_assertion={}",
            sign::percent("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            sign::percent(&assertion),
        );
        let headers = vec![("content-type".into(), "application/x-www-form-urlencoded".to_owned())];
        let out = Outgoing {
            method: Method::Post,
            url,
            headers,
            body: Some(body.into_bytes()),
            timeout: TOKEN_TIMEOUT,
        };
        // A token that was given and lost costs nothing.
        let mut answer = client::send(client, out).await.map_err(|lost| Lost { sent: Sent::No, ..lost })?;
        if answer.status >= 400 {
            answer.body = self.redactor.clean_value(&answer.body);
        }
        read(answer.status, &answer.body, at)
    }
}

fn read(status: u16, body: &Value, at: Instant) -> Result<Token, Lost> {
    if status >= 500 || status == 429 {
        return Err(Lost::new(Class::Outage, Sent::No, format!("no token was given: HTTP {status}")));
    }
    let token = body.get("access_token").and_then(Value::as_str);
    let Some(token) = token.filter(|_| (200..300).contains(&status)) else {
        let code = body.get("error").and_then(Value::as_str).unwrap_or("no reason given");
        let code: String = code.chars().filter(char::is_ascii_graphic).take(60).collect();
        return Err(Lost::new(Class::Auth, Sent::No, format!("no token was given: HTTP {status}: {code}")));
    };
    // NetSuite gives the number as a number or as text.
    let lasts = body
        .get("expires_in")
        .and_then(Value::scalar_text)
        .and_then(|text| text.parse().ok())
        .unwrap_or(3600);
    Ok(Token { value: Secret::new(token.to_owned()), until: at + Duration::from_secs(lasts) })
}

fn seconds(at: Instant) -> i64 {
    i64::try_from(at.0 / 1000).unwrap_or(i64::MAX)
}
