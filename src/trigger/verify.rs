//! Webhooks. In: headers and raw bytes of a request, the connection's secrets, the time. Out: the body, once it is certain who
//! sent it and for which connection; else why not. Nothing is parsed before the signature holds.

use std::time::Duration;

use crate::{
    connector::{Connection, Verify, classes::at},
    event::Instant,
    secret::Secret,
    sign,
    value::Value,
};

/// Longest body that is looked at.
const LONGEST: usize = 1 << 20;
/// How old or new a signed request may be.
const TOLERANCE: Duration = Duration::from_mins(5);

/// Why a request is refused. The sender is told the status only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The connection takes no webhooks.
    #[error("the connection `{0}` takes no webhooks")]
    NoWebhooks(String),
    /// The body is too long.
    #[error("the body is longer than 1 MiB")]
    TooLong,
    /// What proves the sender is missing.
    #[error("the header `{0}` is missing: is the webhook signed?")]
    Unsigned(String),
    /// The signature does not hold.
    #[error("the signature does not hold: is the secret the platform's present one?")]
    BadSignature,
    /// Signed too long ago, or in the future.
    #[error("signed more than 5 minutes ago or ahead: a replay, or a clock that is wrong")]
    Stale,
    /// The body is no JSON.
    #[error("the body is no JSON: {0}")]
    NotJson(String),
    /// It is meant for another connection.
    #[error("the event comes from another producer than this connection's")]
    OtherProducer,
}

impl Refused {
    /// The HTTP status that the sender sees.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoWebhooks(_) => 404,
            Self::TooLong => 413,
            Self::Unsigned(_) | Self::BadSignature | Self::Stale => 401,
            Self::NotJson(_) => 400,
            Self::OtherProducer => 403,
        }
    }
}

/// The secrets that count now: the present one, and the next while they are being changed.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Secret<String>>);

impl Secrets {
    /// Takes them together.
    pub fn new(secrets: impl IntoIterator<Item = Secret<String>>) -> Self {
        Self(secrets.into_iter().collect())
    }

    fn any(&self, holds: impl Fn(&str) -> bool) -> bool {
        // All are tried, so that the time taken does not tell which one holds.
        self.0.iter().fold(false, |held, secret| holds(secret.expose()) | held)
    }
}

/// A request that is what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// Which scope it is, if the body says so.
    pub scope: Option<String>,
    /// What recognises a second delivery: the message's id, if it has one.
    pub id: Option<String>,
    /// The body.
    pub body: Value,
}

/// Looks at a request. `headers`: names in any case.
pub fn hook(
    connection: &Connection,
    secrets: &Secrets,
    headers: &[(&str, &str)],
    body: &[u8],
    now: Instant,
) -> Result<Hook, Refused> {
    let name = || connection.name.to_string();
    let webhooks = connection.connector.webhooks.as_ref().ok_or_else(|| Refused::NoWebhooks(name()))?;
    if body.len() > LONGEST {
        return Err(Refused::TooLong);
    }
    let header = |wanted: &str| {
        let found =
            headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value);
        found.ok_or_else(|| Refused::Unsigned(wanted.to_owned()))
    };
    match &webhooks.verify {
        Verify::Standard { .. } => standard(&header, secrets, body, now)?,
        Verify::Header { header: wanted, .. } => {
            let given = header(wanted)?;
            signed(secrets.any(|secret| sign::equal(secret.as_bytes(), given.as_bytes())))?;
        }
        Verify::Basic { user, .. } => {
            let given = header("authorization")?;
            let wanted =
                |secret: &str| format!("Basic {}", sign::base64(format!("{user}:{secret}").as_bytes()));
            signed(secrets.any(|secret| sign::equal(wanted(secret).as_bytes(), given.as_bytes())))?;
        }
    }
    let body = Value::parse(body).map_err(|error| Refused::NotJson(error.to_string()))?;
    if let Some((path, wanted)) = connection.producer() {
        let found = at(&body, path).and_then(Value::scalar_text);
        if found.as_deref() != Some(wanted.as_str()) {
            return Err(Refused::OtherProducer);
        }
    }
    let scope = webhooks.scope.as_ref().and_then(|path| at(&body, path)?.scalar_text());
    Ok(Hook { scope, id: header("webhook-id").ok().map(str::to_owned), body })
}

/// Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`; the header may carry several signatures.
fn standard<'h>(
    header: &impl Fn(&str) -> Result<&'h str, Refused>,
    secrets: &Secrets,
    body: &[u8],
    now: Instant,
) -> Result<(), Refused> {
    let (id, stamp, given) =
        (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
    let seconds: u64 = stamp.parse().map_err(|_| Refused::Stale)?;
    let made = Instant(seconds.saturating_mul(1000));
    if now.since(made) > TOLERANCE || made.since(now) > TOLERANCE {
        return Err(Refused::Stale);
    }
    let mut signed_bytes = format!("{id}.{stamp}.").into_bytes();
    signed_bytes.extend_from_slice(body);
    let holds = |secret: &str| {
        let made = sign::base64(&sign::hmac_sha256(secret.as_bytes(), &signed_bytes));
        let ours = |one: &str| {
            one.strip_prefix("v1,").is_some_and(|one| sign::equal(made.as_bytes(), one.as_bytes()))
        };
        given.split(' ').fold(false, |held, one| ours(one) | held)
    };
    signed(secrets.any(holds))
}

fn signed(holds: bool) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(Refused::BadSignature) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{connector::Given, problem::Problems, record::Records, source::Sources, syntax, yaml};

    fn connection(verify: &str) -> Connection {
        let text = format!(
            "connector: shop\nbase: https://x.example.org\nauth: {{ t: {{ kind: basic }} }}\nsettings: {{ hash: slug }}\nwebhooks:\n  verify: {verify}\n  producer: {{ field: producer, equals: \"stores/{{{{ settings.hash }}}}\" }}\n  scope: scope\n  scopes: [a/b]\noperations:\n  op: {{ reads: any, get: /a }}\n"
        );
        let mut sources = Sources::default();
        let mut problems = Problems::default();
        let file = sources.add("shop.yaml", text);
        let tree = yaml::read(&sources, file, &mut problems).unwrap();
        let file = syntax::connector(&tree, &mut problems).unwrap();
        let connector = crate::connector::lower(&file, &Records::default(), &mut problems);
        assert!(!problems.has_errors(), "{:#?}", problems.into_sorted());
        let given = Given { settings: vec![("hash".into(), "abc123".into())], ..Given::default() };
        Connection::open("store".into(), Arc::new(connector), given).unwrap()
    }

    fn secrets(texts: &[&str]) -> Secrets {
        Secrets::new(texts.iter().map(|text| Secret::new((*text).to_owned())))
    }

    const BODY: &str = r#"{"scope":"store/order/created","store_id":"1025646","data":{"type":"order","id":250},"hash":"dd70c0976e06b67aaf671e73f49dcb79230ebf9d","created_at":1561479335,"producer":"stores/abc123"}"#;
    const ID: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";
    const SIGNATURE: &str = "v1,2KljdcsClqc3JOnXXPBIDdQ3J6rnnvqXkOLKG20gomw=";
    const SECRET: &str = "test-client-secret-0123456789";
    const AT: Instant = Instant(1_767_225_600_000);

    fn standard_hook(secret: &[&str], signature: &str, body: &str, now: Instant) -> Result<Hook, Refused> {
        let headers =
            [("Webhook-Id", ID), ("webhook-timestamp", "1767225600"), ("webhook-signature", signature)];
        hook(&connection("{ kind: standard, secret: s }"), &secrets(secret), &headers, body.as_bytes(), now)
    }

    #[test]
    fn a_signature_made_elsewhere_holds() {
        let found = standard_hook(&[SECRET], SIGNATURE, BODY, AT).unwrap();
        assert_eq!((found.scope.as_deref(), found.id.as_deref()), (Some("store/order/created"), Some(ID)));
        assert_eq!(found.body.get("data").unwrap().get("id").unwrap().as_i64(), Some(250));
    }

    #[test]
    fn secrets_can_be_changed_and_signatures_may_be_several() {
        assert!(standard_hook(&["old", SECRET], SIGNATURE, BODY, AT).is_ok());
        let several = format!("v1,AAAA v2,xyz {SIGNATURE}");
        assert!(standard_hook(&[SECRET], &several, BODY, AT).is_ok());
    }

    #[test]
    fn what_is_forged_stale_or_foreign_is_refused() {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let changed = BODY.replace("250", "251");
        for (result, refused, status) in [
            (standard_hook(&["other"], SIGNATURE, BODY, AT), Refused::BadSignature, 401),
            (standard_hook(&[], SIGNATURE, BODY, AT), Refused::BadSignature, 401),
            (standard_hook(&[SECRET], &SIGNATURE.replace("v1", "v2"), BODY, AT), Refused::BadSignature, 401),
            (standard_hook(&[SECRET], SIGNATURE, &changed, AT), Refused::BadSignature, 401),
            (standard_hook(&[SECRET], SIGNATURE, BODY, AT + minutes(6)), Refused::Stale, 401),
            (standard_hook(&[SECRET], SIGNATURE, BODY, AT - minutes(6)), Refused::Stale, 401),
        ] {
            assert_eq!(result, Err(refused.clone()));
            assert_eq!(refused.status(), status);
        }
        assert!(standard_hook(&[SECRET], SIGNATURE, BODY, AT + minutes(4)).is_ok());
        let bare =
            hook(&connection("{ kind: standard, secret: s }"), &secrets(&[SECRET]), &[], BODY.as_bytes(), AT);
        assert_eq!(bare, Err(Refused::Unsigned("webhook-id".into())));
    }

    #[test]
    fn a_shared_header_binds_to_its_own_store() {
        let shop = connection("{ kind: header, header: X-Hook-Key, secret: s }");
        let given = |key: &str, body: &str| {
            hook(&shop, &secrets(&["k3y"]), &[("x-hook-key", key)], body.as_bytes(), AT)
        };
        assert!(given("k3y", BODY).is_ok());
        assert_eq!(given("key", "not even json"), Err(Refused::BadSignature));
        assert_eq!(given("k3y", &BODY.replace("abc123", "other")), Err(Refused::OtherProducer));
        assert!(matches!(given("k3y", "{"), Err(Refused::NotJson(_))));
        assert_eq!(given("k3y", &" ".repeat(LONGEST + 1)), Err(Refused::TooLong));
    }

    #[test]
    fn basic_is_understood() {
        let shop = connection("{ kind: basic, user: flow, secret: s }");
        let given = |pair: &str| {
            let header = format!("Basic {}", sign::base64(pair.as_bytes()));
            hook(&shop, &secrets(&["p:w"]), &[("Authorization", &header)], BODY.as_bytes(), AT)
        };
        assert!(given("flow:p:w").is_ok());
        assert_eq!(given("flow:pw"), Err(Refused::BadSignature));
    }
}
