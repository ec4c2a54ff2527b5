//! The last requests and their outcomes, for the page: in memory, of this process alone.

use crate::account;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of requests that are kept.
const KEPT: usize = 200;

/// The number of requests that an account is shown.
const SHOWN: usize = 12;

/// The number of characters of a key that are shown: enough to tell it from others, too few to send it again.
const OF_A_KEY: usize = 8;

/// A request and its outcome.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    #[serde(skip)]
    account: String,
    #[serde(skip)]
    number: u64,
    /// When it came, in milliseconds since 1970.
    at: i64,
    outcome: &'static str,
    request: String,
    key: Option<String>,
    answer: String,
}

/// The last requests of all accounts, newest first.
#[derive(Debug, Default)]
pub(crate) struct Activity(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    entries: VecDeque<Entry>,
    numbers: u64,
}

/// A request under way. If it is dropped before its end, its client left.
struct UnderWay {
    activity: web::Data<Activity>,
    number: u64,
}

impl Activity {
    /// The last requests of one account.
    pub(crate) fn of(&self, account: &str) -> Vec<Entry> {
        let noted = self.noted();
        let of_account = noted.entries.iter().filter(|entry| entry.account == account);
        of_account.take(SHOWN).cloned().collect()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn begin(activity: web::Data<Activity>, account: String, request: &HttpRequest) -> Self {
        let number = {
            let mut noted = activity.noted();
            noted.numbers += 1;
            let (number, at) = (noted.numbers, Timestamp::now().as_millisecond());
            let (outcome, answer) = ("running", String::new());
            let (request, key) = (format!("POST {}", request.path()), shortened_key(request));
            noted.entries.push_front(Entry { account, number, at, outcome, request, key, answer });
            noted.entries.truncate(KEPT);
            number
        };
        Self { activity, number }
    }

    fn is(&self, outcome: &'static str, answer: String) {
        let mut noted = self.activity.noted();
        let entry = noted.entries.iter_mut().find(|entry| entry.number == self.number);
        if let Some(entry) = entry.filter(|entry| entry.outcome == "running") {
            (entry.outcome, entry.answer) = (outcome, answer);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.is("left", "its client left; a run that has begun goes on".to_owned());
    }
}

/// A middleware that notes the outcome of each POST of an account.
pub(crate) async fn noting(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let activity = request.app_data::<web::Data<Activity>>().cloned();
    let account = account::named(request.request());
    let noted = match (request.method(), account, activity) {
        (&Method::POST, Some(account), Some(activity)) => {
            Some(UnderWay::begin(activity, account, request.request()))
        }
        _ => None,
    };
    let answered = next.call(request).await;
    if let Some(noted) = noted {
        match &answered {
            Ok(response) => noted.is(outcome(response), answer(response)),
            Err(error) => noted.is("refused", error.as_response_error().status_code().to_string()),
        }
    }
    answered
}

fn outcome(response: &ServiceResponse<impl MessageBody>) -> &'static str {
    let headers = response.headers();
    if headers.contains_key("Idempotency-Replayed") {
        return "replayed";
    }
    if headers.contains_key("Idempotency-Already-Done") {
        return "done";
    }
    match response.status().as_u16() {
        ..400 => "ran",
        400..500 => "refused",
        _ => "failed",
    }
}

fn answer(response: &ServiceResponse<impl MessageBody>) -> String {
    let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
    let problem = response.headers().get("Idempotency-Problem");
    let problem = problem.and_then(|problem| problem.to_str().ok());
    let what = place.or(problem).unwrap_or_default();
    format!("{} {what}", response.status().as_u16()).trim_end().to_owned()
}

/// The key in a header of the request, by its first characters.
fn shortened_key(request: &HttpRequest) -> Option<String> {
    let headers = ["Idempotency-Key", "token"].map(|name| request.headers().get(name));
    let key = headers.into_iter().flatten().next()?.to_str().ok()?;
    let first: String = key.trim_matches('"').chars().take(OF_A_KEY).collect();
    Some(format!("{first}…"))
}
