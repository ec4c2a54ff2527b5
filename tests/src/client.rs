//! The client of the tests.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder};

/// A request that is not sent yet.
#[derive(Debug)]
#[must_use = "nothing happens before `send`"]
pub struct Sender(RequestBuilder);

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Every header line.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
}

impl Sender {
    /// A POST by somebody called alice.
    pub fn post(url: String) -> Self {
        Self::new(Method::POST, url)
    }

    /// A request by somebody called alice, on a connection of its own.
    pub fn new(method: Method, url: String) -> Self {
        Self::anonymous(method, url).as_account("alice")
    }

    /// A request without an account.
    pub fn anonymous(method: Method, url: String) -> Self {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self(client.request(method, url))
    }

    /// Sets the account, in place of any other.
    pub fn as_account(self, name: &str) -> Self {
        self.only("authorization", &format!("Bearer {name}"))
    }

    /// Sets the Idempotency-Key.
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// Adds a header line; its value may be any bytes that HTTP allows.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a value that can be sent");
        Self(self.0.header(name, value))
    }

    /// Sets this header line, in place of others of its name.
    pub fn only(self, name: &'static str, value: &str) -> Self {
        let headers = [(name, value)]
            .into_iter()
            .map(|(name, value)| {
                (reqwest::header::HeaderName::from_static(name), value.parse().expect("a value"))
            })
            .collect();
        Self(self.0.headers(headers))
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body))
    }

    /// Sets the body to this JSON.
    pub fn json(self, value: &serde_json::Value) -> Self {
        self.only("content-type", "application/json").body(value.to_string())
    }

    /// Sends it and reads the whole answer.
    pub async fn send(self) -> Reply {
        self.try_send().await.expect("the server answers")
    }

    /// Sends it, and reads the head of the answer.
    pub async fn begin(self) -> reqwest::Response {
        self.0.send().await.expect("the server answers")
    }

    /// Sends it; the answer may break.
    pub async fn try_send(self) -> reqwest::Result<Reply> {
        let response = self.0.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { status, headers, body: response.bytes().await? })
    }
}

impl Reply {
    /// The only line of a header, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.get_all(name).iter();
        let line = lines.next()?;
        assert!(lines.next().is_none(), "`{name}` came more than once");
        line.to_str().ok()
    }

    /// Every line of a header.
    pub fn lines(&self, name: &str) -> Vec<&[u8]> {
        self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
    }

    /// Whether the answer is marked as a replay.
    pub fn is_replay(&self) -> bool {
        self.header("Idempotency-Replayed") == Some("true")
    }

    /// The last segment of the problem's type.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("Content-Type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        for member in ["title", "detail", "instance"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        let kind = problem["type"].as_str().expect("a type");
        let kind = kind.rsplit('/').next().unwrap_or_default();
        assert_eq!(self.header("Idempotency-Problem"), Some(kind), "{self:?}");
        let retryable = problem["retryable"].as_bool().expect("whether a retry may succeed");
        if !["store-unavailable", "handler-panicked"].contains(&kind) {
            let passes =
                ["in-progress", "locked", "shutting-down", "too-many-runs", "too-many-tasks"];
            assert_eq!(retryable, passes.contains(&kind), "{problem}");
        }
        kind.to_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Checks status and problem type together.
    #[track_caller]
    pub fn is_problem(&self, status: u16, kind: &str) {
        assert_eq!((self.status, self.problem().as_str()), (status, kind), "{self:?}");
    }
}
