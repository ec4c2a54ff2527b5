//! The settlement of a message, decided from the result of its handler; pure.

use crate::message::consume::failure::{Failure, FailureKind};
use crate::message::error::MessageError;
use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::time::Duration;

/// The longest reason of a dead letter, in bytes: it has to fit into a header.
const LONGEST_REASON: usize = 1000;

/// The step after an attempt.
#[derive(Debug, PartialEq)]
pub(super) enum NextStep {
    /// The message is settled with its queue.
    Settle(Settlement),
    /// The message is not at fault: it is tried again here after this time, and no other is taken
    /// meanwhile.
    TryAgain(Duration),
}

/// The end of a delivery, as its queue is told.
#[derive(Debug, PartialEq)]
pub(super) enum Settlement {
    /// The message is done.
    Acknowledge,
    /// It is redelivered after this time, with this number of attempts behind it.
    Later { after: Duration, attempts: u32 },
    /// It is set aside for a person.
    DeadLetter(DeadLetterReason),
    /// The queue is told nothing: nobody worked on the message, and the next consumer gets it.
    Leave,
}

/// The reason why a message went to the dead letters.
#[derive(Debug, PartialEq)]
pub(super) struct DeadLetterReason {
    /// One word, which shows nothing of the message.
    pub(super) word: &'static str,
    pub(super) text: String,
}

impl fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.word, self.text)
    }
}

/// The number of attempts of a message, and the delays between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryLimits {
    pub(super) attempts: u32,
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl RetryLimits {
    /// The first step that is not shorter than `wanted`, or the longest. Each step is twice the one before,
    /// so that a broker needs few queues for messages that wait.
    fn step(&self, wanted: Duration) -> Duration {
        let mut step = self.first;
        while step < wanted && step < self.longest {
            step *= 2;
        }
        step.min(self.longest)
    }

    fn delay_after(&self, attempt: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.step(self.first.saturating_mul(doubled))
    }
}

/// The settlement of a message that is not tried again: its consumers died in all of its attempts.
pub(super) fn refuse(attempt: u32, limits: &RetryLimits) -> Option<Settlement> {
    (attempt > limits.attempts).then(|| {
        let text = format!("{} attempts did not come to an end", limits.attempts);
        Settlement::DeadLetter(DeadLetterReason { word: "attempts", text })
    })
}

/// The settlement of a message whose life is over.
pub(super) fn expire(deadline: Option<Duration>, now: Duration) -> Option<Settlement> {
    deadline.is_some_and(|deadline| deadline <= now).then(|| {
        let text = "its life was over before it was done".to_owned();
        Settlement::DeadLetter(DeadLetterReason { word: "expired", text })
    })
}

/// The step after this attempt.
pub(super) fn decide(ended: Result<(), Failure>, attempt: u32, limits: &RetryLimits) -> NextStep {
    let Err(failure) = ended else { return NextStep::Settle(Settlement::Acknowledge) };
    match &failure.0 {
        FailureKind::Guard(error) if error.has_run() => NextStep::Settle(Settlement::Acknowledge),
        FailureKind::Guard(MessageError::InProgress { retry_after }) => {
            NextStep::Settle(Settlement::Later {
                after: limits.step(*retry_after),
                // The handler did not run.
                attempts: attempt.saturating_sub(1),
            })
        }
        FailureKind::Guard(error) => match error.retry_after() {
            Some(after) => NextStep::TryAgain(after),
            None => dead("guard", &failure),
        },
        FailureKind::Never(_) => dead("permanent", &failure),
        FailureKind::Undecodable(_) => dead("undecodable", &failure),
        FailureKind::Later(_) | FailureKind::Panicked if attempt >= limits.attempts => {
            dead("attempts", &failure)
        }
        FailureKind::Later(_) | FailureKind::Panicked => {
            let after = limits.delay_after(attempt);
            NextStep::Settle(Settlement::Later { after, attempts: attempt })
        }
    }
}

fn dead(word: &'static str, failure: &Failure) -> NextStep {
    NextStep::Settle(Settlement::DeadLetter(DeadLetterReason { word, text: described(failure) }))
}

/// A failure and its causes, cut to the longest reason.
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
mod tests {
    use super::*;
    use crate::error::{StoreError, StoreErrorKind};

    const LIMITS: RetryLimits =
        RetryLimits { attempts: 4, first: Duration::from_secs(1), longest: Duration::from_secs(5) };

    fn after(attempt: u32, failure: impl Into<Failure>) -> NextStep {
        decide(Err(failure.into()), attempt, &LIMITS)
    }

    fn later(seconds: u64, attempts: u32) -> NextStep {
        let after = Duration::from_secs(seconds);
        NextStep::Settle(Settlement::Later { after, attempts })
    }

    fn is_dead(decision: &NextStep, word: &str) -> bool {
        matches!(decision, NextStep::Settle(Settlement::DeadLetter(why)) if why.word == word)
    }

    #[test]
    fn what_is_done_is_acknowledged() {
        let done = NextStep::Settle(Settlement::Acknowledge);
        assert_eq!(decide(Ok(()), 9, &LIMITS), done);
        for error in [MessageError::Duplicate, MessageError::NotReplayable] {
            assert_eq!(after(1, error), done, "it ran before");
        }
    }

    #[test]
    fn what_may_work_later_comes_again_in_steps_until_its_attempts_are_used_up() {
        for (attempt, seconds) in [(1, 1), (2, 2), (3, 4)] {
            assert_eq!(after(attempt, Failure::later("no")), later(seconds, attempt));
            assert_eq!(after(attempt, Failure(FailureKind::Panicked)), later(seconds, attempt));
        }
        assert!(is_dead(&after(4, Failure::later("no")), "attempts"));
        assert!(is_dead(&after(4, Failure(FailureKind::Panicked)), "attempts"));
        let patient = RetryLimits { attempts: u32::MAX, ..LIMITS };
        let decision = decide(Err(Failure::later("no")), 1_000_000, &patient);
        assert_eq!(decision, later(5, 1_000_000), "the longest step is the last");
    }

    #[test]
    fn what_runs_elsewhere_comes_again_and_has_not_been_tried() {
        for (left, seconds) in [(0, 1), (1, 1), (2, 2), (3, 4), (60, 5)] {
            let retry_after = Duration::from_secs(left);
            assert_eq!(
                after(4, MessageError::InProgress { retry_after }),
                later(seconds, 3),
                "{left}"
            );
        }
    }

    #[test]
    fn what_is_not_the_messages_fault_is_waited_for() {
        let down = StoreError::new(StoreErrorKind::Unavailable, "create");
        let errors =
            [MessageError::Store(down), MessageError::NotStored(None), MessageError::Draining];
        for error in errors.into_iter().chain([MessageError::Misconfigured("so")]) {
            assert!(matches!(after(9, error), NextStep::TryAgain(time) if !time.is_zero()));
        }
    }

    #[test]
    fn what_can_never_work_is_for_a_person() {
        assert!(is_dead(&after(1, Failure::never("no such account")), "permanent"));
        assert!(is_dead(&after(1, Failure::undecodable("no JSON")), "undecodable"));
        let corrupt = StoreError::new(StoreErrorKind::Corrupt, "create");
        for error in
            [MessageError::KeyReused, MessageError::OutcomeUnknown, MessageError::Store(corrupt)]
        {
            assert!(is_dead(&after(1, error), "guard"));
        }
    }

    #[test]
    fn what_killed_its_consumers_is_not_tried_again() {
        assert_eq!(refuse(4, &LIMITS), None);
        let refused = refuse(5, &LIMITS).map(NextStep::Settle).unwrap();
        assert!(is_dead(&refused, "attempts"));
    }

    #[test]
    fn a_reason_says_what_is_behind_it_and_is_cut_between_characters() {
        let store = StoreError::new(StoreErrorKind::Corrupt, "create").because("zero bytes");
        let why = described(&MessageError::Store(store).into());
        assert!(why.ends_with(": zero bytes"), "{why}");
        let long = described(&Failure::never("a".to_owned() + &"é".repeat(LONGEST_REASON)));
        assert_eq!(long.len(), LONGEST_REASON - 1);
    }
}
