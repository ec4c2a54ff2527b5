//! Helpers for tests of an app: an `Idempotency` in memory, and checks of its answers.

use crate::clock::ManualClock;
use crate::http::answer::problem::ProblemKind;
use crate::http::app::builder::IdempotencyBuilder;
use crate::http::app::idempotency::Idempotency;
use crate::http::app::scope::Scope;
use crate::http::header_names::{IDEMPOTENCY_PROBLEM, IDEMPOTENCY_REPLAYED};
use crate::setup::NoScope;
use crate::store::MemoryStore;
use crate::store::faulty::FaultyStore;
use actix_web::HttpResponse;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

/// An [`Idempotency`] in memory. Its time stands still until a test moves it, and its store fails when a test
/// tells it to.
#[derive(Debug)]
pub struct InMemory {
    idempotency: Idempotency,
    store: FaultyStore,
    clock: Arc<ManualClock>,
}

impl InMemory {
    /// With the default settings, and one scope for all callers: [`Scope::shared`].
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder.scope(Scope::shared()))
    }

    /// With the app's own settings.
    ///
    /// # Panics
    /// When the settings contradict each other.
    #[must_use]
    #[track_caller]
    pub fn with(set: impl FnOnce(IdempotencyBuilder<NoScope>) -> IdempotencyBuilder) -> Self {
        let clock = Arc::new(ManualClock::new());
        let store = FaultyStore::new(MemoryStore::with_clock(clock.clone()));
        let builder = Idempotency::builder(store.clone()).clock(clock.clone());
        let idempotency = match set(builder).build() {
            Ok(idempotency) => idempotency,
            Err(error) => panic!("the settings of a test do not fit together: {error}"),
        };
        Self { idempotency, store, clock }
    }

    /// The `Idempotency` for the app: `.app_data(test.idempotency())`.
    #[must_use]
    pub fn idempotency(&self) -> Idempotency {
        self.idempotency.clone()
    }

    /// The store, which a test can tell to fail.
    #[must_use]
    pub const fn store(&self) -> &FaultyStore {
        &self.store
    }

    /// Moves the time forward, so that leases, records and tokens expire. A request that waits does so in
    /// real time.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Checks that exactly one guarded request has run so far.
    ///
    /// # Panics
    /// When none or several ran.
    #[track_caller]
    pub fn assert_ran_once(&self) {
        self.assert_ran(1);
    }

    /// Checks that exactly this many guarded requests have run so far, with those that ran unguarded.
    ///
    /// # Panics
    /// When more or fewer ran.
    #[track_caller]
    pub fn assert_ran(&self, times: u64) {
        let counts = self.idempotency.counts();
        let ran = counts.ran + counts.unguarded;
        assert!(ran == times, "{ran} guarded requests ran, and not {times}: {counts:?}");
    }
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new()
    }
}

/// An answer of an app under test.
pub trait Answer: sealed::SealedAnswer {
    /// Its status.
    fn answer_status(&self) -> StatusCode;

    /// Its headers.
    fn answer_headers(&self) -> &HeaderMap;
}

mod sealed {
    /// Allows only answers of actix-web to implement the trait.
    pub trait SealedAnswer {}
}

impl<B> sealed::SealedAnswer for HttpResponse<B> {}

impl<B> Answer for HttpResponse<B> {
    fn answer_status(&self) -> StatusCode {
        self.status()
    }

    fn answer_headers(&self) -> &HeaderMap {
        self.headers()
    }
}

impl<B> sealed::SealedAnswer for ServiceResponse<B> {}

impl<B> Answer for ServiceResponse<B> {
    fn answer_status(&self) -> StatusCode {
        self.status()
    }

    fn answer_headers(&self) -> &HeaderMap {
        self.headers()
    }
}

fn value<'a>(answer: &'a impl Answer, name: &HeaderName) -> Option<&'a HeaderValue> {
    answer.answer_headers().get(name)
}

/// Checks that an answer is a replay of an earlier request's response.
///
/// # Panics
/// When it is not a replay.
#[track_caller]
pub fn assert_replayed(answer: &impl Answer) {
    let (status, headers) = (answer.answer_status(), answer.answer_headers());
    let is_replay = value(answer, &IDEMPOTENCY_REPLAYED).is_some_and(|value| value == "true");
    assert!(is_replay, "it is not a replay: {status} {headers:?}");
}

/// Checks that the handler ran for this answer: it is neither a replay nor a refusal.
///
/// # Panics
/// When it is a replay or a refusal.
#[track_caller]
pub fn assert_fresh(answer: &impl Answer) {
    let (status, headers) = (answer.answer_status(), answer.answer_headers());
    let is_ours = [IDEMPOTENCY_REPLAYED, IDEMPOTENCY_PROBLEM]
        .iter()
        .any(|name| value(answer, name).is_some());
    assert!(!is_ours, "the handler did not run for it: {status} {headers:?}");
}

/// Checks that an answer is this problem, even if the app renders it in its own way.
///
/// # Panics
/// When it is another problem, or none.
#[track_caller]
pub fn assert_problem(answer: &impl Answer, expected: ProblemKind) {
    let (status, headers) = (answer.answer_status(), answer.answer_headers());
    let is_expected =
        value(answer, &IDEMPOTENCY_PROBLEM).is_some_and(|name| name == expected.name());
    assert!(is_expected, "it is not `{}`: {status} {headers:?}", expected.name());
}
