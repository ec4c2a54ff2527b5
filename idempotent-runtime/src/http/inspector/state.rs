//! The state that the routes of an inspector share.

use crate::http::app::idempotency::Idempotency;
use crate::http::inspector::operator::Operator;
use actix_web::{Error, HttpRequest};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::Semaphore;

/// The most pages of one inspector that are updated while they are open.
const LIVE_AT_ONCE: usize = 32;

/// The app's check that finds the operator.
type OperatorCheck = Arc<dyn Fn(&HttpRequest) -> Result<Operator, Error> + Send + Sync>;

/// The state that the routes of an inspector share.
#[derive(Clone)]
pub(super) struct InspectorState {
    pub(super) app: Idempotency,
    pub(super) check: OperatorCheck,
    /// Places for pages that are updated.
    pub(super) live: Arc<Semaphore>,
}

impl InspectorState {
    pub(super) fn new(app: Idempotency, check: OperatorCheck) -> Self {
        Self { app, check, live: Arc::new(Semaphore::new(LIVE_AT_ONCE)) }
    }

    /// The current time, by the same clock as the times of claims.
    pub(super) fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.app.engine().clock().wall()
    }

    /// A new token for the forms of one page.
    pub(super) fn token(&self, operator: &Operator) -> String {
        self.app.one_time_tokens().give(operator.name(), self.app.engine().clock().steady())
    }

    /// Uses the token of a form up. Returns whether it was valid.
    pub(super) fn takes(&self, operator: &Operator, token: &str) -> bool {
        let now = self.app.engine().clock().steady();
        self.app.one_time_tokens().take(operator.name(), token, now)
    }
}
