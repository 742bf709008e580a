//! Signed JSON Web Tokens for `OAuth` 2.0 client credentials (RFC 7523). In: a PKCS#8 PEM key and claims. Out: the compact
//! token. Algorithms: those `NetSuite` takes and ring makes, PS256 and ES256.

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair},
};

use super::{Error, base64_url, unbase64};
use crate::value::Value;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA-PSS over SHA-256.
    Ps256,
    /// ECDSA on P-256 over SHA-256.
    Es256,
}

impl Algorithm {
    /// The name in a token's header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ps256, Self::Es256].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// What a token says.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a> {
    /// `kid`: the certificate's id.
    pub key_id: &'a str,
    /// `iss`: the client's id.
    pub issuer: &'a str,
    /// `aud`: the token endpoint's URL.
    pub audience: &'a str,
    /// `scope`.
    pub scope: &'a [std::sync::Arc<str>],
    /// `iat`, unix seconds.
    pub issued: i64,
    /// `exp`, unix seconds; `NetSuite` allows at most an hour after `issued`.
    pub expires: i64,
}

/// A private key that is ready to sign. It has no `Debug`: it must not be printed.
pub struct JwtKey(Pair);

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
}

impl JwtKey {
    /// Reads a PKCS#8 PEM key for an algorithm.
    pub fn from_pem(pem: &str, algorithm: Algorithm) -> Result<Self, Error> {
        let der = der(pem).ok_or(Error::NotPem)?;
        let refused =
            |rejected: ring::error::KeyRejected| Error::KeyRefused(algorithm.name(), rejected.to_string());
        Ok(Self(match algorithm {
            Algorithm::Ps256 => Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(&der).map_err(refused)?)),
            Algorithm::Es256 => {
                let random = SystemRandom::new();
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random);
                Pair::Ecdsa(Box::new(pair.map_err(refused)?))
            }
        }))
    }

    /// Signs the claims.
    pub fn token(&self, claims: Claims<'_>) -> Result<String, Error> {
        let algorithm = match self.0 {
            Pair::Rsa(_) => Algorithm::Ps256,
            Pair::Ecdsa(_) => Algorithm::Es256,
        };
        let header = [("typ", "JWT"), ("alg", algorithm.name()), ("kid", claims.key_id)];
        let body = [
            ("iss", Value::from(claims.issuer)),
            ("scope", Value::list(claims.scope.iter().cloned().map(Value::from))),
            ("aud", Value::from(claims.audience)),
            ("iat", Value::from(claims.issued)),
            ("exp", Value::from(claims.expires)),
        ];
        let header = Value::object(header.map(|(key, value)| (key, Value::from(value)))).to_json();
        let signed = format!(
            "{}.{}",
            base64_url(header.as_bytes()),
            base64_url(Value::object(body).to_json().as_bytes())
        );
        let signature = self.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", base64_url(&signature)))
    }

    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        match &self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, data, &mut signature).map_err(|_| Error::Failed)?;
                Ok(signature)
            }
            Pair::Ecdsa(pair) => {
                pair.sign(&random, data).map(|made| made.as_ref().to_vec()).map_err(|_| Error::Failed)
            }
        }
    }
}

fn der(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    unbase64(&body.split_ascii_whitespace().collect::<String>())
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::signature::{self, KeyPair as _, UnparsedPublicKey, VerificationAlgorithm};

    use super::*;
    use crate::sign::base64;

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", base64(der))
    }

    fn verify(token: &str, public: &[u8], with: &'static dyn VerificationAlgorithm) -> (String, String) {
        let (signed, made) = token.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(made).unwrap();
        UnparsedPublicKey::new(with, public).verify(signed.as_bytes(), &bytes).unwrap();
        let (header, body) = signed.split_once('.').unwrap();
        let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (text(header), text(body))
    }

    fn claims(scope: &[std::sync::Arc<str>]) -> Claims<'_> {
        Claims {
            key_id: "kid-1",
            issuer: "client",
            audience: "https://e.org/token",
            scope,
            issued: 100,
            expires: 3700,
        }
    }

    #[test]
    fn es256_tokens_verify() {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &SystemRandom::new())
                .unwrap();
        let key = JwtKey::from_pem(&pem(made.as_ref()), Algorithm::Es256).unwrap();
        let token = key.token(claims(&["rest_webservices".into()])).unwrap();
        let (header, body) = verify(&token, pair.public_key().as_ref(), &signature::ECDSA_P256_SHA256_FIXED);
        assert_eq!(header, r#"{"typ":"JWT","alg":"ES256","kid":"kid-1"}"#);
        let wanted = r#"{"iss":"client","scope":["rest_webservices"],"aud":"https://e.org/token","iat":100,"exp":3700}"#;
        assert_eq!(body, wanted);
    }

    #[test]
    fn ps256_tokens_verify() {
        let pem = include_str!("../../tests/data/rsa_test_key.pem");
        let pair = RsaKeyPair::from_pkcs8(&der(pem).unwrap()).unwrap();
        let token = JwtKey::from_pem(pem, Algorithm::Ps256).unwrap().token(claims(&[])).unwrap();
        let (header, _) = verify(&token, pair.public().as_ref(), &signature::RSA_PSS_2048_8192_SHA256);
        assert!(header.contains("PS256"));
    }

    #[test]
    fn a_wrong_key_is_refused_without_being_told() {
        let rsa = include_str!("../../tests/data/rsa_test_key.pem");
        assert!(matches!(JwtKey::from_pem(rsa, Algorithm::Es256), Err(Error::KeyRefused("ES256", _))));
        assert!(matches!(JwtKey::from_pem("secret text", Algorithm::Ps256), Err(Error::NotPem)));
    }
}
