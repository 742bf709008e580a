//! Who may call: signed requests (OAuth 1.0a), access tokens from signed JWTs (OAuth 2.0), and the audit trail that
//! alone says why a login failed.
//!
//! In: a [`Call`]. Out: leave, or a refusal. It must never know what the call asks for.

mod jwt;
mod oauth1;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use self::{jwt::Assertion, oauth1::Signed};
use super::{
    http::{Call, JSON, Problem, Reply, pairs},
    settings::{Settings, Stamps, TOKEN_PATH, Tba, secret},
};
use crate::Shared;

/// One line of the login audit trail.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Login {
    /// The sandbox clock.
    at: String,
    /// `TBA`, `OAuth2` (asking for a token) or `Bearer` (using one).
    method: &'static str,
    /// `Success` or `Failure`.
    status: &'static str,
    /// The exact reason of a failure.
    detail: String,
    path: String,
}

const KEPT_LOGINS: usize = 1000;
/// How far a stamp may be from the clock, in seconds.
const SKEW: i64 = 300;

#[derive(Default)]
struct State {
    trail: VecDeque<Login>,
    nonces: HashSet<(String, i64, String)>,
    tokens: HashMap<String, (Timestamp, String)>,
    failures: HashMap<String, (u32, Option<Timestamp>)>,
}

/// The account's gate.
pub(crate) struct Gate {
    shared: Arc<Shared>,
    settings: Settings,
    state: Mutex<State>,
}

impl Gate {
    pub(crate) fn new(shared: Arc<Shared>, settings: Settings) -> Self {
        Self { shared, settings, state: Mutex::default() }
    }

    /// The audit trail, newest first.
    pub(crate) fn trail(&self) -> Vec<Login> {
        self.state().trail.iter().rev().cloned().collect()
    }

    /// Forgets all access tokens: the next call with one is answered 401.
    pub(crate) fn revoke(&self) {
        self.state().tokens.clear();
    }

    /// Lets a call in, or says how it is answered.
    /// `wanted` is the scope an access token must cover.
    pub(crate) fn admit(&self, call: &Call, wanted: &str) -> Result<(), Box<Reply>> {
        let header = call.header("authorization").unwrap_or_default();
        let scheme = header.split(' ').next().unwrap_or_default().to_ascii_lowercase();
        match scheme.as_str() {
            "oauth" => self.signed(call, header).map_err(|reason| {
                self.log(call, "TBA", Err(&reason));
                Box::new(Problem::login().reply().with("www-authenticate", self.challenge()))
            }),
            "bearer" => self.bearer(call, header[6..].trim(), wanted),
            _ => {
                self.log(call, "TBA", Err("no OAuth or Bearer authorization header"));
                Err(Box::new(Problem::login().reply().with("www-authenticate", self.challenge())))
            }
        }
    }

    fn challenge(&self) -> String {
        format!(r#"OAuth realm="{}""#, self.settings.realm())
    }

    fn bearer(&self, call: &Call, token: &str, wanted: &str) -> Result<(), Box<Reply>> {
        let refuse = |error: &str| {
            let realm = self.settings.realm();
            format!(r#"Bearer realm="{realm}", error="{error}", error_description="Invalid login attempt.""#)
        };
        if token.is_empty() || token.contains(char::is_whitespace) {
            self.log(call, "Bearer", Err("malformed bearer header"));
            let reply = Problem::request("the bearer token is malformed").reply();
            return Err(Box::new(reply.with("www-authenticate", refuse("invalid_request"))));
        }
        let found = self.state().tokens.get(token).cloned();
        let reason = match found {
            Some((until, scope)) if until > self.shared.clock.now() => {
                if scope.split(',').any(|part| part.trim() == wanted) {
                    return Ok(());
                }
                self.log(call, "Bearer", Err(&format!("the token's scope lacks {wanted}")));
                let refusal = Problem::permission("the token's scope does not cover REST web services");
                return Err(Box::new(refusal.reply()));
            }
            Some(_) => "token_rejected: expired",
            None => "token_rejected: unknown",
        };
        self.log(call, "Bearer", Err(reason));
        Err(Box::new(Problem::login().reply().with("www-authenticate", refuse("invalid_token"))))
    }

    /// The reason is a detail of the login audit trail as the platform names them.
    fn signed(&self, call: &Call, header: &str) -> Result<(), String> {
        let signed = Signed::parse(header).ok_or("parameter_rejected: the header cannot be read")?;
        let keys = self.keys(&signed)?;
        let stamp = self.fresh(&signed)?;
        self.unlocked(&keys.token_id)?;
        let mut parameters = call.query.clone();
        parameters.extend(signed.parameters.iter().cloned());
        let url = oauth1::base_url(&call.base, &call.raw_path);
        let base = oauth1::base_string(call.method.as_str(), &url, &parameters);
        if !oauth1::verify(&base, &keys.consumer_secret, &keys.token_secret, &signed.signature) {
            self.failed(&keys.token_id);
            return Err(format!("InvalidSignature: the base string here is {base}"));
        }
        self.state().failures.remove(&keys.token_id);
        self.once(&signed, stamp)
    }

    fn keys(&self, signed: &Signed) -> Result<Tba, String> {
        if signed.get("oauth_signature_method") != "HMAC-SHA256" {
            return Err("UnknownAlgorithm".into());
        }
        if signed.get("oauth_version") != "1.0" {
            return Err("VersionRejected".into());
        }
        if signed.realm != self.settings.realm() {
            return Err(format!("parameter_rejected: realm {:?}", signed.realm));
        }
        let known: Vec<&Tba> = self
            .settings
            .tba
            .iter()
            .filter(|keys| keys.consumer_key == signed.get("oauth_consumer_key"))
            .collect();
        if known.is_empty() {
            return Err("consumer_key_unknown".into());
        }
        let token = signed.get("oauth_token");
        known.into_iter().find(|keys| keys.token_id == token).cloned().ok_or_else(|| "token_rejected".into())
    }

    fn fresh(&self, signed: &Signed) -> Result<i64, String> {
        let stamp: i64 = signed.get("oauth_timestamp").parse().map_err(|_| "InvalidTimestamp")?;
        let nonce = signed.get("oauth_nonce").len();
        if !(6..=64).contains(&nonce) {
            return Err("nonce_rejected".into());
        }
        let away = (stamp - self.now().as_second()).abs();
        if away > SKEW {
            Err(format!("InvalidTimestamp: {away} s from the server's time"))
        } else {
            Ok(stamp)
        }
    }

    /// A nonce counts once for its token and second.
    fn once(&self, signed: &Signed, stamp: i64) -> Result<(), String> {
        let oldest = self.now().as_second() - SKEW;
        let mut state = self.state();
        if state.nonces.len() > 10_000 {
            state.nonces.retain(|(_, stamp, _)| *stamp >= oldest);
        }
        let key = (signed.get("oauth_token").to_owned(), stamp, signed.get("oauth_nonce").to_owned());
        if state.nonces.insert(key) { Ok(()) } else { Err("NonceUsed".into()) }
    }

    fn unlocked(&self, token: &str) -> Result<(), String> {
        let until = self.state().failures.get(token).and_then(|(_, until)| *until);
        match until {
            Some(until) if until > self.shared.clock.now() => Err("temporary_locked".into()),
            _ => Ok(()),
        }
    }

    fn failed(&self, token: &str) {
        let now = self.shared.clock.now();
        let mut state = self.state();
        let (count, until) = state.failures.entry(token.to_owned()).or_default();
        if until.is_some_and(|until| until <= now) {
            (*count, *until) = (0, None);
        }
        *count += 1;
        if self.settings.lock_after > 0 && *count >= self.settings.lock_after {
            *until = Some(now + SignedDuration::from_mins(30));
        }
    }

    /// The token endpoint.
    pub(crate) fn token(&self, call: &Call) -> Reply {
        let form = pairs(&String::from_utf8_lossy(&call.body));
        let get =
            |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let refuse = |status: u16, error: &str, reason: &str| {
            self.log(call, "OAuth2", Err(reason));
            let body = json!({ "error": error, "error_description": "Invalid login attempt." });
            Reply { status, media: JSON, body: Some(body), ..Reply::default() }
        };
        if get("grant_type") != "client_credentials" {
            return refuse(400, "unsupported_grant_type", "grant_type is not client_credentials");
        }
        if get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
            return refuse(400, "invalid_request", "client_assertion_type is not jwt-bearer");
        }
        let Some(assertion) = Assertion::parse(get("client_assertion")) else {
            return refuse(400, "invalid_request", "client_assertion is not a JWT");
        };
        if let Err(reason) = self.certified(&assertion) {
            return refuse(401, "invalid_client", &reason);
        }
        match self.claims(&assertion, call) {
            Err(reason) => refuse(400, "invalid_grant", &reason),
            Ok(scope) => {
                self.log(call, "OAuth2", Ok(()));
                Reply::ok(self.issue(scope), JSON).with("cache-control", "no-store")
            }
        }
    }

    fn certified(&self, assertion: &Assertion) -> Result<(), String> {
        let certificate = self
            .settings
            .certificates
            .iter()
            .find(|certificate| certificate.id == assertion.kid)
            .ok_or_else(|| format!("certificate_unknown: kid {:?}", assertion.kid))?;
        if certificate.client_id != assertion.text("iss") {
            return Err("consumer_key_unknown: iss is not the certificate's integration".into());
        }
        assertion.verify(&certificate.public_key).map_err(str::to_owned)
    }

    /// Checks the claims; gives the scope.
    fn claims(&self, assertion: &Assertion, call: &Call) -> Result<String, String> {
        let now = self.now().as_second();
        let (Some(issued), Some(expires)) = (assertion.number("iat"), assertion.number("exp")) else {
            return Err("parameter_rejected: iat and exp must be numbers".into());
        };
        if issued > now + SKEW || expires <= now {
            return Err(format!("InvalidTimestamp: iat {issued}, exp {expires}, server {now}"));
        }
        if expires - issued > 3600 {
            return Err("parameter_rejected: exp is more than 60 minutes after iat".into());
        }
        let host = self.settings.host();
        let mine = [
            format!("{}{TOKEN_PATH}", call.base),
            format!("https://{host}.suitetalk.api.netsuite.com{TOKEN_PATH}"),
            format!("https://{host}.restlets.api.netsuite.com{TOKEN_PATH}"),
        ];
        let audience = assertion.texts("aud");
        if !audience.iter().any(|aud| mine.iter().any(|url| url.eq_ignore_ascii_case(aud))) {
            return Err(format!(
                "parameter_rejected: aud {audience:?} is not the token endpoint {}",
                mine[0]
            ));
        }
        let scope = assertion.texts("scope").join(",").replace(' ', ",");
        let known = ["rest_webservices", "restlets", "suite_analytics"];
        if scope.is_empty() || !scope.split(',').all(|part| part.is_empty() || known.contains(&part.trim())) {
            return Err(format!("parameter_rejected: scope {scope:?}"));
        }
        Ok(scope)
    }

    fn issue(&self, scope: String) -> Value {
        let now = self.shared.clock.now();
        let seconds = i64::try_from(self.settings.token_seconds).unwrap_or(3600);
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({ "typ": "JWT", "alg": "HS256" }));
        let claims =
            part(json!({ "scope": scope, "iat": now.as_second(), "exp": now.as_second() + seconds }));
        let token = format!("{header}.{claims}.{}", secret());
        let mut state = self.state();
        state.tokens.retain(|_, (until, _)| *until > now);
        state.tokens.insert(token.clone(), (now + SignedDuration::from_secs(seconds), scope));
        json!({ "access_token": token, "expires_in": seconds, "token_type": "Bearer" })
    }

    fn now(&self) -> Timestamp {
        match self.settings.stamps {
            Stamps::Real => Timestamp::now(),
            Stamps::Sandbox => self.shared.clock.now(),
        }
    }

    fn log(&self, call: &Call, method: &'static str, outcome: Result<(), &str>) {
        let (status, detail) = match outcome {
            Ok(()) => ("Success", String::new()),
            Err(reason) => ("Failure", reason.to_owned()),
        };
        let at = self.shared.clock.now().to_string();
        let mut state = self.state();
        state.trail.push_back(Login { at, method, status, detail, path: call.raw_path.clone() });
        if state.trail.len() > KEPT_LOGINS {
            state.trail.pop_front();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
