//! A running sandbox and a client that knows its token. In: settings. Out: answers as status, headers and JSON.

use flowrun_sandbox::{Config, Running, bigcommerce::Settings, start};
use reqwest::{Client, Method, Response, StatusCode, header::HeaderMap};
use serde_json::Value;

/// A sandbox with a client.
pub(crate) struct Shop {
    /// The sandbox.
    pub(crate) running: Running,
    http: Client,
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

impl Shop {
    /// Opens a shop without quota.
    pub(crate) async fn open() -> Self {
        let plan = flowrun_sandbox::bigcommerce::Plan::Unlimited;
        Self::with(Settings { plan, ..Settings::default() }).await
    }

    /// Opens a shop.
    pub(crate) async fn with(settings: Settings) -> Self {
        Self::start(Config { bigcommerce: settings, ..Config::default() }).await
    }

    /// Starts a sandbox.
    pub(crate) async fn start(config: Config) -> Self {
        let running = start(config).await.expect("the sandbox starts");
        let http = Client::builder().no_proxy().build().expect("a client");
        let token = running.access().bigcommerce.access_token.clone();
        Self { running, http, token }
    }

    /// A client of another account.
    pub(crate) fn into_account(self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self }
    }

    /// Sends a call; an error is a connection that broke.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<Response> {
        let url = format!("{}{path}", self.running.access().bigcommerce.base_url);
        let mut request = self.http.request(method, url).header("x-auth-token", &self.token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        request.send().await
    }

    /// Sends a call and reads the answer.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Got {
        let answer = self.send(method, path, body).await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
        };
        Got { status, headers, body }
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> Got {
        self.call(Method::GET, path, None).await
    }

    /// `GET` of something that has to be there.
    pub(crate) async fn read(&self, path: &str) -> Value {
        let got = self.get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.body);
        got.body
    }

    /// `POST`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.call(Method::POST, path, Some(body)).await
    }

    /// `PUT`.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Got {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// `DELETE`.
    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.call(Method::DELETE, path, None).await
    }

    /// An order drawn by the sandbox.
    pub(crate) fn place(&self) -> u64 {
        self.running.store().place(&flowrun_sandbox::bigcommerce::Trade::default()).expect("an order")
    }
}
