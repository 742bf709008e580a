//! Signatures, and the encodings they travel in. In: keys and bytes. Out: HMACs, OAuth 1.0 headers, signed JWTs, base64
//! and percent-encoded text. It must never know whose key it holds, nor send anything.

mod jwt;
mod oauth1;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::{
    digest, hmac,
    rand::{SecureRandom as _, SystemRandom},
};

pub use self::{
    jwt::{Algorithm, Claims, JwtKey},
    oauth1::{Credentials, Moment, authorization},
};

/// What cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The PEM text holds no PKCS#8 private key.
    #[error("the private key is no PKCS#8 PEM (`-----BEGIN PRIVATE KEY-----`)")]
    NotPem,
    /// The key does not fit the algorithm.
    #[error("the private key does not fit {0}: {1}")]
    KeyRefused(&'static str, String),
    /// The random source or the signature itself failed.
    #[error("the signature could not be made")]
    Failed,
}

/// Letters that RFC 3986 leaves unreserved; everything else is encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes everything but RFC 3986's unreserved letters, hex in upper case, blank as `%20`.
pub fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Percent-encodes one segment of a path: as [`percent`], but `:`, `=` and `,` stay, which platforms use inside keys
/// (`eid:A-1`) and which have no meaning to a path.
pub fn percent_segment(text: &str) -> String {
    const SEGMENT: &AsciiSet = &RESERVED.remove(b':').remove(b'=').remove(b',');
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Undoes percent encoding; bytes that are no UTF-8 are replaced.
pub fn unpercent(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Undoes [`base64`]; none if it is not that.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// URL-safe base64 without padding, as JWTs want it.
pub fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// HMAC-SHA256.
pub fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data);
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out
}

/// Whether both are equal, in a time that does not tell where they differ nor how long either is.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &sha256(left));
    hmac::verify(&key, right, hmac::sign(&key, left).as_ref()).is_ok()
}

/// Random letters and digits, for nonces and token ids.
pub fn nonce(length: usize) -> Result<String, Error> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Zz";
    let mut bytes = vec![0; length];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Failed)?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % 64])).collect())
}

/// A random number, for jitter.
pub fn random() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Failed)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_follow_rfc_3986() {
        assert_eq!(percent("a~b c/é&%"), "a~b%20c%2F%C3%A9%26%25");
        assert_eq!(percent_segment("eid:A-1/.."), "eid:A-1%2F..");
        assert_eq!(unpercent("a%20b%2Bc"), "a b+c");
        assert_eq!(unbase64(&base64(b"\x00\xff?")).unwrap(), b"\x00\xff?");
    }

    #[test]
    fn equal_is_equality() {
        for (left, right, same) in
            [("", "", true), ("a", "a", true), ("a", "b", false), ("a", "ab", false), ("", "x", false)]
        {
            assert_eq!(equal(left.as_bytes(), right.as_bytes()), same, "{left} {right}");
        }
    }

    #[test]
    fn nonces_differ_and_are_plain() {
        let (one, two) = (nonce(20).unwrap(), nonce(20).unwrap());
        assert_ne!(one, two);
        assert!(one.len() == 20 && one.bytes().all(|letter| letter.is_ascii_alphanumeric()));
    }
}
