//! The course of a call from its claim to its end, for traces and metrics.

use crate::key::StorageKey;
use crate::message::error::MessageError;
use crate::message::run::MessageAdmission;
use crate::observe::{Operation, OperationMeters, RunKey, RunMeter, Stopwatch};
use crate::policy::Policy;
use crate::setup::Base;
use std::thread::panicking;
use tracing::Span;
use tracing::field::{Empty, display};

/// The course of a call: its span, and its numbers. It is counted when this is dropped. If no end was noted
/// before, the caller dropped the call.
pub(super) struct CallCourse {
    meters: OperationMeters,
    asked: Stopwatch,
    key: RunKey,
    run: Option<RunMeter>,
    outcome: Option<&'static str>,
    span: Span,
}

impl CallCourse {
    /// Begins the course of a call of this function.
    pub(super) fn begin(policy: &Policy, base: &Base) -> Self {
        let operations = &base.engine.counters().meters.operations;
        let (name, strategy) = (policy.shown_operation(), policy.strategy.name());
        let meters = operations.of(Operation { method: None, name, strategy });
        let span = tracing::info_span!(
            "guarded call",
            idempotency.operation = name,
            idempotency.strategy = strategy,
            idempotency.key = Empty,
            idempotency.attempt = Empty,
            idempotency.outcome = Empty,
        );
        let (asked, key) = (Stopwatch::start(), RunKey::default());
        Self { meters, asked, key, run: None, outcome: None, span }
    }

    /// The span of the whole call.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Notes the key of the call.
    pub(super) fn has_key(&mut self, key: &StorageKey) {
        self.key = RunKey::of(key);
        self.span.record("idempotency.key", display(key.short()));
    }

    /// Notes whether the call runs.
    pub(super) fn admitted(&mut self, admission: &Result<MessageAdmission, MessageError>) {
        self.meters.admitted(self.asked);
        match admission {
            Ok(MessageAdmission::Run(run)) => {
                self.span.record("idempotency.attempt", run.attempt());
                self.run = Some(self.meters.starts(self.key, run.attempt()));
            }
            Ok(MessageAdmission::Value(_)) => self.outcome = Some("replayed"),
            Err(error) => self.outcome = Some(error.name()),
        }
    }

    /// Notes the end of the run.
    pub(super) fn ended<T, E>(&mut self, ended: &Result<T, E>) {
        self.outcome = Some(if ended.is_ok() { "ran" } else { "failed" });
    }
}

impl Drop for CallCourse {
    fn drop(&mut self) {
        let unknown = || if panicking() { "panicked" } else { "left" };
        let outcome = self.outcome.unwrap_or_else(unknown);
        self.span.record("idempotency.outcome", outcome);
        self.meters.request(outcome);
        if let Some(run) = &self.run {
            self.meters.ran(run);
        }
    }
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use crate::message::Messages;
    use crate::message::guard::{Message, guard};
    use crate::observe::recorded::Recorded;
    use crate::policy::{Definition, Strategy};
    use futures_util::FutureExt;
    use std::future::{pending, ready};
    use std::panic::AssertUnwindSafe;

    static BOOK: Policy = Policy::new(Definition::new("shop::book", "book", ""), Strategy::Message);

    fn call(messages: &Messages, key: &str) -> Message {
        let mut call = Message::new(&BOOK, messages);
        call.key().value(&key);
        call
    }

    #[tokio::test]
    async fn each_call_is_counted_once_even_if_it_is_dropped() {
        let recorded = Recorded::default();
        let _listening = recorded.listen();
        let messages = Messages::builder(MemoryStore::new()).scope_shared().build().unwrap();
        let ok = || ready(Ok::<_, MessageError>(1));
        for key in ["a", "a", "b", ""] {
            drop(guard(call(&messages, key), ok()).await);
        }
        let failing = ready(Err::<u8, _>(MessageError::Duplicate));
        assert!(guard(call(&messages, "c"), failing).await.is_err());
        let panicking = async { panic!("as the test asked") };
        let panicking = guard::<u8, MessageError, _>(call(&messages, "d"), panicking);
        assert!(AssertUnwindSafe(panicking).catch_unwind().await.is_err());
        let left = guard::<u8, MessageError, _>(call(&messages, "e"), pending());
        assert!(left.now_or_never().is_none());
        let counted = recorded.counted("idempotency_requests_total");
        let counted: Vec<_> = counted.iter().map(|(labels, times)| (&**labels, *times)).collect();
        assert_eq!(
            counted,
            [
                ("book message failed", 1),
                ("book message key-missing", 1),
                ("book message left", 1),
                ("book message panicked", 1),
                ("book message ran", 2),
                ("book message replayed", 1),
            ]
        );
    }
}
