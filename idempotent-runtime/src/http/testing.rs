//! For tests of an app: an `Idempotency` in memory, and what its answers say of a run.

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

/// An [`Idempotency`] in memory, whose time stands still until a test moves it, and whose store fails when a test
/// says so.
#[derive(Debug)]
pub struct InMemory {
    idempotency: Idempotency,
    store: FaultyStore,
    clock: Arc<ManualClock>,
}

impl InMemory {
    /// With the defaults, for one caller: [`Scope::shared`].
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder.scope(Scope::shared()))
    }

    /// With settings of the app.
    ///
    /// # Panics
    /// When the settings do not fit together.
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

    /// The object for the app: `.app_data(test.idempotency())`.
    #[must_use]
    pub fn idempotency(&self) -> Idempotency {
        self.idempotency.clone()
    }

    /// The store, to be told to fail.
    #[must_use]
    pub const fn store(&self) -> &FaultyStore {
        &self.store
    }

    /// Lets time pass: leases, records and tokens end by it. A request that waits does so in real time.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Checks that one guarded request ran so far, whatever was sent.
    ///
    /// # Panics
    /// When none did, or several.
    #[track_caller]
    pub fn assert_ran_once(&self) {
        self.assert_ran(1);
    }

    /// Checks that this many guarded requests ran so far, those included that ran unguarded.
    ///
    /// # Panics
    /// When there were more or fewer.
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
    /// Keeps the trait to answers of actix-web.
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

/// Checks that an answer is that of an earlier request, sent again.
///
/// # Panics
/// When it is not.
#[track_caller]
pub fn assert_replayed(answer: &impl Answer) {
    let (status, headers) = (answer.answer_status(), answer.answer_headers());
    let is_replay = value(answer, &IDEMPOTENCY_REPLAYED).is_some_and(|value| value == "true");
    assert!(is_replay, "it is not a replay: {status} {headers:?}");
}

/// Checks that an answer is of a run of its own: neither a replay nor a refusal.
///
/// # Panics
/// When it is one of these.
#[track_caller]
pub fn assert_fresh(answer: &impl Answer) {
    let (status, headers) = (answer.answer_status(), answer.answer_headers());
    let is_ours = [IDEMPOTENCY_REPLAYED, IDEMPOTENCY_PROBLEM]
        .iter()
        .any(|name| value(answer, name).is_some());
    assert!(!is_ours, "the handler did not run for it: {status} {headers:?}");
}

/// Checks that an answer is this problem, however the app renders it.
///
/// # Panics
/// When it is another one, or none.
#[track_caller]
pub fn assert_problem(answer: &impl Answer, expected: ProblemKind) {
    let (status, headers) = (answer.answer_status(), answer.answer_headers());
    let is_expected =
        value(answer, &IDEMPOTENCY_PROBLEM).is_some_and(|name| name == expected.name());
    assert!(is_expected, "it is not `{}`: {status} {headers:?}", expected.name());
}
