//! Logging in: signed JWTs, access tokens, signed requests, the audit trail.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use flowrun_sandbox::netsuite::{Certificate, Settings};
use reqwest::Method;
use ring::{rand::SystemRandom, rsa, signature::RSA_PSS_SHA256};
use serde_json::{Value, json};

use crate::desk::{Desk, Got, pem, read, seconds, unsigned};

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_really_verified() {
    let desk = Desk::open().await;
    let host = "https://1000042-sb1";
    let path = "/services/rest/auth/oauth2/v1/token";
    let now = seconds();
    for (changes, status, reason) in [
        (json!({}), 200, ""),
        (json!({ "aud": [desk.access["token_url"]] }), 200, ""),
        (json!({ "aud": format!("{host}.suitetalk.api.netsuite.com{path}") }), 200, ""),
        (json!({ "aud": format!("{host}.restlets.api.netsuite.com{path}") }), 200, ""),
        (json!({ "scope": ["restlets", "rest_webservices"] }), 200, ""),
        (json!({ "exp": (now + 60).to_string(), "iat": now.to_string() }), 200, ""),
        (json!({ "aud": "https://other.example/token" }), 400, "aud"),
        (json!({ "iss": "someone" }), 401, "consumer_key_unknown"),
        (json!({ "scope": "everything" }), 400, "scope"),
        (json!({ "scope": "" }), 400, "scope"),
        (json!({ "exp": now + 7200 }), 400, "60 minutes"),
        (json!({ "iat": now - 7200, "exp": now - 3600 }), 400, "InvalidTimestamp"),
        (json!({ "exp": null }), 400, "exp"),
    ] {
        let got = desk.ask_token(&desk.assertion(&changes)).await;
        assert_eq!(got.status, status, "{changes}: {}", got.body);
        let (outcome, detail) = desk.last_login().await;
        assert_eq!(outcome, if status == 200 { "Success" } else { "Failure" }, "{changes}");
        assert!(detail.contains(reason), "{changes}: {detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_foreign_assertion_is_refused() {
    let desk = Desk::open().await;
    let good = desk.assertion(&json!({}));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other = Desk::open().await;
    let claims = desk.claims(&json!({ "jti": "not what was signed" }));
    let header = |alg: &str, kid: &Value| json!({ "typ": "JWT", "alg": alg, "kid": kid });
    let kid = &desk.access["certificate_id"];
    let cases = [
        (format!("{head}x.{signature}"), 401, ""),
        (other.assertion(&claims).replace(' ', ""), 401, "certificate_unknown"),
        (format!("{}.{signature}", unsigned(&header("ES256", kid), &claims)), 401, "InvalidSignature"),
        (format!("{}.{signature}", unsigned(&header("RS256", kid), &claims)), 401, "UnknownAlgorithm"),
        (format!("{}.", unsigned(&header("none", kid), &claims)), 401, "UnknownAlgorithm"),
        (format!("{}.{signature}", unsigned(&header("PS256", kid), &claims)), 401, "InvalidSignature"),
        ("nonsense".into(), 400, "not a JWT"),
    ];
    for (assertion, status, reason) in cases {
        let got = desk.ask_token(&assertion).await;
        assert!(got.status == status || (reason.is_empty() && got.status == 400), "{assertion}: {got:?}");
        assert!(got.body["error"].is_string() && got.body.get("access_token").is_none());
        assert!(desk.last_login().await.1.contains(reason), "{assertion}");
    }
    let form = [("grant_type", "password")];
    let got = read(desk.http.post(desk.get_access("token_url")).form(&form).send().await.unwrap()).await;
    assert_eq!((got.status.as_u16(), got.body["error"].as_str()), (400, Some("unsupported_grant_type")));
}

#[tokio::test(flavor = "multi_thread")]
async fn rsa_keys_sign_with_pss() {
    let mut settings = Settings::default();
    settings.certificates.push(Certificate {
        id: "rsa".into(),
        client_id: "rsa-client".into(),
        public_key: include_str!("rsa_public.pem").into(),
    });
    let desk = Desk::with(settings).await;
    let signed = unsigned(
        &json!({ "typ": "JWT", "alg": "PS256", "kid": "rsa" }),
        &desk.claims(&json!({ "iss": "rsa-client" })),
    );
    // A key made for this test alone; it opens nothing.
    let key = rsa::KeyPair::from_pkcs8(&pem(include_str!("rsa.pem"))).expect("a key");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("a signature");
    let got = desk.ask_token(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&signature))).await;
    assert_eq!(got.status, 200, "{}", got.body);
    signature[0] ^= 1;
    let got = desk.ask_token(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&signature))).await;
    assert_eq!((got.status.as_u16(), got.body["error"].as_str()), (401, Some("invalid_client")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_the_sandbox_clock_and_with_its_scope() {
    let mut desk = Desk::open().await;
    desk.read("/record/v1/customer/501").await;
    desk.running.shared().clock.advance(Duration::from_secs(3599));
    assert_eq!(desk.get("/record/v1/customer/501").await.status, 200);
    desk.running.shared().clock.advance(Duration::from_secs(2));
    let got = desk.get("/record/v1/customer/501").await;
    assert_eq!((got.status.as_u16(), got.problem().0), (401, "INVALID_LOGIN"));
    assert!(got.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
    assert!(desk.last_login().await.1.contains("expired"));

    let got = desk.ask_token(&desk.assertion(&json!({ "scope": "restlets" }))).await;
    desk.use_token(got.body["access_token"].as_str().unwrap());
    let got = desk.get("/record/v1/customer/501").await;
    assert_eq!((got.status.as_u16(), got.problem().0), (403, "INSUFFICIENT_PERMISSION"));

    desk.use_token("two words");
    assert_eq!(desk.get("/record/v1/customer/501").await.status, 400);
    desk.use_token("unknown");
    assert_eq!(desk.get("/record/v1/customer/501").await.status, 401);
    let bare = desk.http.get(desk.url("/record/v1/customer/501")).send().await.unwrap();
    assert_eq!(bare.status(), 401);
}

async fn signed(desk: &Desk, url: &str, keys: &Value, extra: &[(&str, &str)]) -> Got {
    let header = Desk::sign("GET", url, keys, extra);
    read(desk.http.get(url).header("authorization", header).send().await.expect("an answer")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_is_really_verified() {
    let desk = Desk::open().await;
    let plain = desk.url("/record/v1/customer/501");
    let query = desk.url("/record/v1/customer?q=email%20IS%20%22ada.holt%40example.com%22&limit=5");
    assert_eq!(signed(&desk, &plain, &desk.keys("nonce-000001"), &[]).await.status, 200);
    let got = signed(&desk, &query, &desk.keys("nonce-000002"), &[]).await;
    assert_eq!(got.body["items"][0]["id"], "501", "{}", got.body);
    let hash = [("oauth_body_hash", "F+RMmGVpfU30+UU95PYFBhzTuhY=")];
    assert_eq!(signed(&desk, &plain, &desk.keys("nonce-000003"), &hash).await.status, 200);

    let stamp = |offset: i64| json!((i64::try_from(seconds()).unwrap() + offset).to_string());
    for (number, (name, value, reason)) in [
        ("nonce", json!("nonce-000001"), "NonceUsed"),
        ("nonce", json!("short"), "nonce_rejected"),
        ("timestamp", stamp(-400), "InvalidTimestamp"),
        ("timestamp", stamp(400), "InvalidTimestamp"),
        ("timestamp", json!("soon"), "InvalidTimestamp"),
        ("realm", json!("OTHER"), "parameter_rejected"),
        ("consumer_key", json!("unknown"), "consumer_key_unknown"),
        ("token_id", json!("unknown"), "token_rejected"),
        ("token_secret", json!("wrong"), "InvalidSignature"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut keys = desk.keys(&format!("refused-{number}"));
        if name == "nonce" && value == "nonce-000001" {
            // The same second as the first use: a nonce is spent for its own second only.
            let again = desk.keys("nonce-again");
            assert_eq!(signed(&desk, &plain, &again, &[]).await.status, 200);
            assert_eq!(signed(&desk, &plain, &again, &[]).await.status, 401);
        } else {
            keys[name] = value;
            let got = signed(&desk, &plain, &keys, &[]).await;
            assert_eq!((got.status.as_u16(), got.problem().0), (401, "INVALID_LOGIN"), "{name}");
        }
        let (status, detail) = desk.last_login().await;
        assert!(status == "Failure" && detail.contains(reason), "{name}: {detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_failures_lock_a_token_for_half_an_hour() {
    let desk = Desk::open().await;
    let url = desk.url("/record/v1/customer/501");
    for number in 0..5 {
        let mut keys = desk.keys(&format!("failure-{number}"));
        keys["token_secret"] = json!("wrong");
        assert_eq!(signed(&desk, &url, &keys, &[]).await.status, 401);
    }
    assert_eq!(signed(&desk, &url, &desk.keys("too-late-1"), &[]).await.status, 401);
    assert_eq!(desk.last_login().await.1, "temporary_locked");
    desk.running.shared().clock.advance(Duration::from_secs(1801));
    assert_eq!(signed(&desk, &url, &desk.keys("again-good"), &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn restlets_have_their_own_scope_and_words() {
    let settings = Settings { concurrency: 1, service_ms: 1500, ..Settings::default() };
    let restlet = settings.removal_restlet.clone();
    let mut desk = Desk::with(settings).await;
    let path = format!("/app/site/hosting/restlet.nl?script={}&deploy={}", restlet.script, restlet.deploy);
    let url = format!("{}{path}", desk.get_access("base_url"));
    let body = json!({ "recordType": "customer", "recordIds": [501], "fieldIds": ["phone"] });
    let post = async |desk: &Desk, headers: &[(&str, &str)]| {
        desk.send_to(Method::POST, &url, Some(&body), headers).await
    };
    let got = post(&desk, &[]).await;
    assert_eq!((got.status.as_u16(), &got.body["error"]["code"]), (403, &json!("INSUFFICIENT_PERMISSION")));
    desk.use_token("nonsense");
    let got = post(&desk, &[]).await;
    assert_eq!((got.status.as_u16(), &got.body["error"]["code"]), (401, &json!("INVALID_LOGIN_ATTEMPT")));
    let token = desk.ask_token(&desk.assertion(&json!({ "scope": "restlets" }))).await;
    desk.use_token(token.body["access_token"].as_str().unwrap());
    let got = post(&desk, &[("content-type", "text/html")]).await;
    assert_eq!(got.status, 415, "{}", got.body);
    let (one, other) = tokio::join!(post(&desk, &[]), post(&desk, &[]));
    let full = if one.status == 200 { &other } else { &one };
    assert_eq!(
        (full.status.as_u16(), &full.body["error"]["code"]),
        (400, &json!("SSS_REQUEST_LIMIT_EXCEEDED"))
    );
    let header = Desk::sign("POST", &url, &desk.keys("restlet-1"), &[]);
    let request = desk.http.post(&url).header("authorization", header).json(&body);
    let got = read(request.send().await.unwrap()).await;
    assert_eq!((got.status.as_u16(), &got.body["status"]), (200, &json!("PENDING")), "{}", got.body);
    let entries = desk.running.shared().ledger.since(0);
    let effects: Vec<_> = entries.iter().filter_map(|entry| entry.effect.as_ref()).collect();
    assert_eq!(effects.last().unwrap()["record"], "piRemovalTask");
}
