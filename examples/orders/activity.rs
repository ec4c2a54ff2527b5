//! What became of the last requests, for the page to show: in memory, for this process alone.

use crate::account;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::middleware::Next;
use actix_web::{Error, web};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many are kept.
const KEPT: usize = 200;

/// How many an account is shown.
const SHOWN: usize = 12;

/// What became of a request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    #[serde(skip)]
    account: String,
    outcome: &'static str,
    request: String,
    answer: String,
}

/// The last requests of all accounts, newest first.
#[derive(Debug, Default)]
pub(crate) struct Activity(Mutex<VecDeque<Entry>>);

impl Activity {
    /// The last requests of one account.
    pub(crate) fn of(&self, account: &str) -> Vec<Entry> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().filter(|entry| entry.account == account).take(SHOWN).cloned().collect()
    }

    fn note(&self, entry: Entry) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push_front(entry);
        entries.truncate(KEPT);
    }
}

/// A middleware that notes what became of each POST of an account.
pub(crate) async fn noting(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    let request = response.request();
    let activity = request.app_data::<web::Data<Activity>>();
    if let (&Method::POST, Some(account), Some(activity)) =
        (request.method(), account::named(request), activity)
    {
        let (status, headers) = (response.status(), response.headers());
        let outcome = if headers.contains_key("Idempotency-Replayed") {
            "replayed"
        } else if headers.contains_key("Idempotency-Already-Done") {
            "done"
        } else if status.as_u16() < 400 {
            "ran"
        } else {
            "refused"
        };
        let place = headers.get(LOCATION).and_then(|place| place.to_str().ok());
        let answer = format!("{} {}", status.as_u16(), place.unwrap_or_default());
        let request = format!("POST {}", request.path());
        activity.note(Entry { account, outcome, request, answer });
    }
    Ok(response)
}
