//! Signed JWTs of the client credentials flow.
//!
//! In: a client assertion and a certificate's public key. Out: its claims, or why not. It must never know a clock.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Map, Value};

/// A JWT taken apart, not yet verified.
pub(super) struct Assertion<'a> {
    pub(super) algorithm: String,
    pub(super) kid: String,
    pub(super) claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |text: &str| -> Option<Map<String, Value>> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?).ok()
        };
        let header = object(header)?;
        let text = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            algorithm: text("alg"),
            kid: text("kid"),
            claims: object(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).ok()?,
        })
    }

    /// Verifies the signature with a public key in PEM. The error names what is wrong, for the audit trail.
    pub(super) fn verify(&self, public_key: &str) -> Result<(), &'static str> {
        let algorithm: &dyn VerificationAlgorithm = match self.algorithm.as_str() {
            "ES256" => &ECDSA_P256_SHA256_FIXED,
            "ES384" => &ECDSA_P384_SHA384_FIXED,
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            "PS384" => &RSA_PSS_2048_8192_SHA384,
            "PS512" => &RSA_PSS_2048_8192_SHA512,
            _ => return Err("UnknownAlgorithm"),
        };
        let key = subject_public_key(public_key).ok_or("certificate_refused")?;
        UnparsedPublicKey::new(algorithm, key)
            .verify(self.signed.as_bytes(), &self.signature)
            .map_err(|_| "InvalidSignature")
    }

    pub(super) fn text(&self, claim: &str) -> &str {
        self.claims.get(claim).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn number(&self, claim: &str) -> Option<i64> {
        let value = self.claims.get(claim)?;
        value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
    }

    /// A claim that is one text or a list of texts.
    pub(super) fn texts(&self, claim: &str) -> Vec<&str> {
        match self.claims.get(claim) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// The key bits of a PKIX public key: the content of the bit string after the algorithm.
fn subject_public_key(pem: &str) -> Option<Vec<u8>> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = STANDARD.decode(text).ok()?;
    let (outer, _) = element(&der, 0x30)?;
    let (_, rest) = element(outer, 0x30)?;
    let (bits, _) = element(rest, 0x03)?;
    bits.strip_prefix(&[0]).map(<[u8]>::to_vec)
}

/// The content of the DER element of that tag at the front, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&short, rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netsuite::settings::Settings;

    #[test]
    fn the_made_up_key_is_a_pkix_point() {
        let key = subject_public_key(&Settings::default().certificates[0].public_key).unwrap();
        assert_eq!((key.len(), key[0]), (65, 4));
        assert_eq!(subject_public_key("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), None);
    }

    #[test]
    fn only_the_documented_algorithms_are_known() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!(
            "{}.{}.{}",
            part(r#"{"alg":"RS256","kid":"a"}"#),
            part(r#"{"aud":["x","y"]}"#),
            part("s")
        );
        let assertion = Assertion::parse(&token).unwrap();
        assert_eq!(assertion.texts("aud"), ["x", "y"]);
        assert_eq!(assertion.verify(""), Err("UnknownAlgorithm"));
        assert!(Assertion::parse("a.b").is_none());
    }
}
