//! Decides the settlement of a message from the result of its handler. These are pure functions.

use crate::error::StoreErrorKind;
use crate::message::consume::failure::{Failure, FailureKind};
use crate::message::consume::history::History;
use crate::message::delivered::DeliveredCalls;
use crate::message::error::MessageError;
use std::error::Error as StdError;
use std::fmt::Write;
use std::time::Duration;

/// The number of processes that a message may kill before it is given up.
const DEATHS: u32 = 10;

const GONE: &str = "the consumer that had it went away";

/// The longest reason of a dead letter, in bytes. It must fit into a header.
const LONGEST_REASON: usize = 1000;

/// The step after an attempt.
#[derive(Debug, PartialEq)]
pub(super) enum NextStep {
    /// The queue is told this settlement.
    Settle(Settlement),
    /// The message is not at fault. It is tried again in this process after this time, and no other message
    /// is taken meanwhile.
    TryAgain(Duration),
    /// No message can be worked on, because the consumer is built wrongly.
    Stop(&'static str),
}

/// True if the function is at fault: its transaction ended before its commit.
pub(super) fn is_of_the_function(error: &MessageError) -> bool {
    matches!(error, MessageError::NotStored(Some(error)) if error.kind() == StoreErrorKind::Aborted)
}

/// The end of a delivery, as the queue is told it.
#[derive(Debug, PartialEq)]
pub(super) enum Settlement {
    /// The message is done.
    Acknowledge,
    /// It is redelivered after this time, with this history.
    Later { after: Duration, history: History },
    /// It is set aside for a person.
    DeadLetter { reason: DeadLetterReason, history: History },
    /// A person put a dead letter back, and it begins anew.
    BeginAnew,
    /// Nobody worked on the message. The next consumer gets it.
    Leave,
}

impl Settlement {
    /// Its name for machines.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Acknowledge => "done",
            Self::Later { .. } => "retried",
            Self::DeadLetter { .. } => "dead",
            Self::BeginAnew => "put-back",
            Self::Leave => "left",
        }
    }
}

/// The reason why a message went to the dead letters.
#[derive(Debug, PartialEq)]
pub(super) struct DeadLetterReason(pub(super) String);

impl DeadLetterReason {
    /// `word` must show nothing of the message.
    fn new(word: &'static str, text: &str) -> Self {
        Self(format!("{word}: {text}"))
    }

    /// The first word, for logs.
    pub(super) fn word(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

/// The bounds of a message's attempts, and the delays between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryLimits {
    /// If it is set, time and deaths do not bound the attempts.
    pub(super) attempts: Option<u32>,
    /// The time from its first delivery for which a message may fail.
    pub(super) failing_for: Duration,
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl RetryLimits {
    /// The first step that is not shorter than `wanted`, or the longest. Each step is twice the one before,
    /// so that a broker needs only few queues for messages that wait.
    fn step(&self, wanted: Duration) -> Duration {
        let mut step = self.first;
        while step < wanted && step < self.longest {
            step *= 2;
        }
        step.min(self.longest)
    }

    fn delay_after(&self, attempts: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        self.step(self.first.saturating_mul(doubled))
    }
}

/// A delivered message, with the facts that decide its settlement.
pub(super) struct Case<'a> {
    pub(super) history: &'a History,
    pub(super) calls: &'a DeliveredCalls,
    /// Whether the handler's effects are in functions that the consumer's engine guards.
    pub(super) is_guarded: bool,
    pub(super) limits: &'a RetryLimits,
    /// The time since 1970.
    pub(super) now: Duration,
}

impl Case<'_> {
    /// The settlement of a message that is not tried; `None` if it may be tried.
    pub(super) fn refused(&self) -> Option<Settlement> {
        let deaths = match self.limits.attempts {
            Some(at_most) => self.history.attempts() >= at_most,
            None => self.history.deaths >= DEATHS,
        };
        if deaths {
            return Some(self.given_up(DeadLetterReason::new("attempts", GONE), self.past()));
        }
        let is_over = self.history.deadline.is_some_and(|deadline| deadline <= self.now);
        let reason = || DeadLetterReason::new("expired", "its life was over before it was done");
        is_over.then(|| self.given_up(reason(), self.past()))
    }

    /// The settlement of a message whose consumer died. Its history counts that death already.
    pub(super) fn after_death(&self) -> Settlement {
        if let Some(reason) = self.history.given_up.clone() {
            return Settlement::DeadLetter {
                reason: DeadLetterReason(reason),
                history: self.past(),
            };
        }
        let after = self.limits.delay_after(self.history.attempts());
        self.refused().unwrap_or_else(|| Settlement::Later { after, history: self.past() })
    }

    /// The step after an attempt.
    pub(super) fn after(&self, ended: Result<(), Failure>) -> NextStep {
        let Err(failure) = ended else { return NextStep::Settle(Settlement::Acknowledge) };
        let later = |after, history| NextStep::Settle(Settlement::Later { after, history });
        match &failure.0 {
            FailureKind::Guard(error) if error.has_run() => {
                NextStep::Settle(Settlement::Acknowledge)
            }
            FailureKind::Guard(MessageError::Misconfigured(why)) => NextStep::Stop(why),
            // Another run of the handler is in progress, so this one did not run.
            FailureKind::Guard(MessageError::InProgress { retry_after }) => {
                later(self.limits.step(*retry_after), self.past())
            }
            FailureKind::Guard(error) if !is_of_the_function(error) => match error.retry_after() {
                Some(after) => NextStep::TryAgain(after),
                None => self.dead("guard", &failure),
            },
            FailureKind::Never(_) => self.dead("permanent", &failure),
            FailureKind::Undecodable(_) => self.dead("undecodable", &failure),
            // The message is not at fault.
            FailureKind::Pause(time, _) if self.may_fail_again(self.history) => {
                later(self.limits.step(*time), self.past())
            }
            FailureKind::Guard(_)
            | FailureKind::Later(_)
            | FailureKind::Pause(..)
            | FailureKind::Panicked => {
                let history = self.past().failed();
                if self.may_fail_again(&history) {
                    later(self.limits.delay_after(history.attempts()), history)
                } else {
                    self.dead("attempts", &failure)
                }
            }
        }
    }

    /// The step after the last look at a message that is given up for this reason. If all of its guarded
    /// calls have run, it is done.
    pub(super) fn after_last_look(&self, ended: &Result<(), Failure>, reason: &str) -> NextStep {
        let is_done = match ended {
            Ok(()) => true,
            Err(Failure(FailureKind::Guard(MessageError::Misconfigured(why)))) => {
                return NextStep::Stop(why);
            }
            Err(Failure(FailureKind::Guard(error))) => match error.retry_after() {
                Some(after) => return NextStep::TryAgain(after),
                None => error.has_run(),
            },
            Err(_) => false,
        };
        if is_done && self.calls.are_all_done() {
            return NextStep::Settle(Settlement::Acknowledge);
        }
        let reason = DeadLetterReason(reason.to_owned());
        NextStep::Settle(Settlement::DeadLetter { reason, history: self.past() })
    }

    fn may_fail_again(&self, history: &History) -> bool {
        match self.limits.attempts {
            Some(at_most) => history.attempts() < at_most,
            None => self.now.saturating_sub(history.first) < self.limits.failing_for,
        }
    }

    /// The history of the message after this delivery.
    fn past(&self) -> History {
        let claimed = self.history.claimed || self.calls.has_claimed();
        History { claimed, ..self.history.clone() }
    }

    fn dead(&self, word: &'static str, failure: &Failure) -> NextStep {
        let reason = DeadLetterReason::new(word, &described(failure));
        NextStep::Settle(self.given_up(reason, self.past().failed()))
    }

    /// If a guard may have claimed a key before, it may know that the message is done. Then the handler is
    /// called once more, after the history says that this last look begins. If a guard claimed a key in this
    /// delivery, it knows already that the message is not done.
    fn given_up(&self, reason: DeadLetterReason, history: History) -> Settlement {
        let unknown = self.history.claimed || self.history.deaths > 0;
        if !self.is_guarded || !unknown || self.calls.has_claimed() {
            return Settlement::DeadLetter { reason, history };
        }
        let history = History { given_up: Some(reason.0), ..history };
        Settlement::Later { after: self.limits.first, history }
    }
}

/// A failure and its causes as a text, cut to the longest reason.
fn described(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut source = failure.source();
    while let Some(error) = source {
        // Writing to a string does not fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    let mut end = LONGEST_REASON.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests;
