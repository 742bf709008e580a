//! `OAuth` 1.0a with HMAC-SHA256 (RFC 5849; `NetSuite`'s token-based authentication). In: a request line, credentials, a
//! moment. Out: the value of the `Authorization` header. A JSON body is never part of what is signed.

use std::fmt::Write as _;

use super::{base64, hmac_sha256, percent, unpercent};

/// Who signs. Borrowed, so that no second copy of a secret lives on.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The integration's key.
    pub consumer_key: &'a str,
    /// The integration's secret.
    pub consumer_secret: &'a str,
    /// The token's id.
    pub token_id: &'a str,
    /// The token's secret.
    pub token_secret: &'a str,
    /// The realm: `NetSuite`'s account, upper case.
    pub realm: &'a str,
}

/// When it is signed, and the letters that make it unique.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Unix seconds.
    pub seconds: i64,
    /// 6 to 64 letters and digits, never used twice in one second.
    pub nonce: &'a str,
}

/// The `Authorization` header of a request. `url` is absolute, its query percent-encoded as it will be sent; the port stays
/// in it only when it is not the scheme's own.
pub fn authorization(method: &str, url: &str, who: Credentials<'_>, when: Moment<'_>) -> String {
    let stamp = when.seconds.to_string();
    let own = [
        ("oauth_consumer_key", who.consumer_key),
        ("oauth_nonce", when.nonce),
        ("oauth_signature_method", "HMAC-SHA256"),
        ("oauth_timestamp", stamp.as_str()),
        ("oauth_token", who.token_id),
        ("oauth_version", "1.0"),
    ];
    let signature = sign(&base_string(method, url, &own), who);
    let mut header = format!("OAuth realm=\"{}\"", percent(who.realm));
    for (name, value) in own {
        let _ = write!(header, ", {name}=\"{}\"", percent(value));
    }
    let _ = write!(header, ", oauth_signature=\"{}\"", percent(&signature));
    header
}

fn base_string(method: &str, url: &str, own: &[(&str, &str)]) -> String {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent(&unpercent(name)), percent(&unpercent(value)))
    });
    let mut all: Vec<_> =
        pairs.chain(own.iter().map(|(name, value)| (percent(name), percent(value)))).collect();
    all.sort();
    let all: Vec<_> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}&{}&{}", method.to_ascii_uppercase(), percent(&lower_origin(place)), percent(&all.join("&")))
}

/// Scheme and host in lower case, the path as it is.
fn lower_origin(place: &str) -> String {
    let host = place.find("://").map_or(0, |at| at + 3);
    let path = place[host..].find('/').map_or(place.len(), |at| host + at);
    format!("{}{}", place[..path].to_ascii_lowercase(), &place[path..])
}

fn sign(text: &str, who: Credentials<'_>) -> String {
    let key = format!("{}&{}", percent(who.consumer_secret), percent(who.token_secret));
    base64(&hmac_sha256(key.as_bytes(), text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    /// Signatures that another implementation made from keys that are made up.
    const VECTORS: &str = include_str!("../../tests/data/oauth1.json");

    #[test]
    fn signatures_equal_those_of_another_implementation() {
        let vectors = Value::parse(VECTORS.as_bytes()).unwrap();
        let vectors = vectors.as_list().unwrap();
        assert!(vectors.len() >= 7);
        for vector in vectors {
            let text = |key: &str| vector.get(key).and_then(Value::as_str).unwrap();
            let who = Credentials {
                consumer_key: text("consumer_key"),
                consumer_secret: text("consumer_secret"),
                token_id: text("token_id"),
                token_secret: text("token_secret"),
                realm: text("realm"),
            };
            let when = Moment { seconds: text("timestamp").parse().unwrap(), nonce: text("nonce") };
            let header = authorization(text("method"), text("url"), who, when);
            let wanted = format!("oauth_signature=\"{}\"", percent(text("signature")));
            assert!(header.ends_with(&wanted), "{}\n{header}\n{wanted}", text("name"));
            assert!(header.starts_with(&format!("OAuth realm=\"{}\", oauth_consumer_key=", text("realm"))));
        }
    }

    #[test]
    fn only_scheme_and_host_are_lowered() {
        assert_eq!(lower_origin("HTTPS://Example.ORG:8080/A/b"), "https://example.org:8080/A/b");
    }
}
