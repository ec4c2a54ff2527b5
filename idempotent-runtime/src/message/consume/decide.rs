//! What becomes of a message, by what its handler says; pure.

use crate::message::consume::failure::{Failure, Why};
use crate::message::error::MessageError;
use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::time::Duration;

/// The longest reason that is written beside a dead letter, in bytes.
const LONGEST_REASON: usize = 1000;

/// What becomes of a message.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// It is settled with its queue.
    Settle(Settlement),
    /// What stands in the way is not the message's: the same is tried again here, and nothing new is
    /// taken in its place.
    Wait(Duration),
}

/// What its queue is told.
#[derive(Debug, PartialEq)]
pub enum Settlement {
    /// It is done.
    Acknowledge,
    /// It comes again, this much later, as the attempt that follows so many others.
    Later { after: Duration, attempts: u32 },
    /// It is for a person.
    DeadLetter(Reason),
    /// Nothing: it was not worked on, and is the next consumer's.
    Leave,
}

/// Why a message is dead.
#[derive(Debug, PartialEq)]
pub struct Reason {
    /// One word, which says nothing of what is in the message.
    pub(super) word: &'static str,
    pub(super) text: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.word, self.text)
    }
}

/// How often and how fast a message is tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) attempts: u32,
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Limits {
    /// The first step that is as long as this, or the longest: each step is twice the one before, so
    /// that a broker needs few queues to wait in.
    fn step(&self, wanted: Duration) -> Duration {
        let mut step = self.first;
        while step < wanted && step < self.longest {
            step *= 2;
        }
        step.min(self.longest)
    }

    fn after(&self, attempt: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.step(self.first.saturating_mul(doubled))
    }
}

/// Whether a message is not even tried: those who had it before did not live to tell.
pub(super) fn refuse(attempt: u32, limits: &Limits) -> Option<Settlement> {
    (attempt > limits.attempts).then(|| {
        let text = format!("{} attempts did not come to an end", limits.attempts);
        Settlement::DeadLetter(Reason { word: "attempts", text })
    })
}

/// What becomes of a message after this attempt.
pub(super) fn decide(ended: Result<(), Failure>, attempt: u32, limits: &Limits) -> Decision {
    let Err(failure) = ended else { return Decision::Settle(Settlement::Acknowledge) };
    match &failure.0 {
        Why::Guard(error) if error.has_run() => Decision::Settle(Settlement::Acknowledge),
        Why::Guard(MessageError::InProgress { retry_after }) => {
            Decision::Settle(Settlement::Later {
                after: limits.step(*retry_after),
                // It has not been tried.
                attempts: attempt.saturating_sub(1),
            })
        }
        Why::Guard(error) => match error.retry_after() {
            Some(after) => Decision::Wait(after),
            None => dead("guard", &failure),
        },
        Why::Never(_) => dead("permanent", &failure),
        Why::Undecodable(_) => dead("undecodable", &failure),
        Why::Later(_) | Why::Panicked if attempt >= limits.attempts => dead("attempts", &failure),
        Why::Later(_) | Why::Panicked => {
            let after = limits.after(attempt);
            Decision::Settle(Settlement::Later { after, attempts: attempt })
        }
    }
}

fn dead(word: &'static str, failure: &Failure) -> Decision {
    Decision::Settle(Settlement::DeadLetter(Reason { word, text: described(failure) }))
}

/// A failure and what is behind it, cut at a length that fits into a header.
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

    const LIMITS: Limits =
        Limits { attempts: 4, first: Duration::from_secs(1), longest: Duration::from_secs(5) };

    fn after(attempt: u32, failure: impl Into<Failure>) -> Decision {
        decide(Err(failure.into()), attempt, &LIMITS)
    }

    fn later(seconds: u64, attempts: u32) -> Decision {
        let after = Duration::from_secs(seconds);
        Decision::Settle(Settlement::Later { after, attempts })
    }

    fn is_dead(decision: &Decision, word: &str) -> bool {
        matches!(decision, Decision::Settle(Settlement::DeadLetter(why)) if why.word == word)
    }

    #[test]
    fn what_is_done_is_acknowledged() {
        let done = Decision::Settle(Settlement::Acknowledge);
        assert_eq!(decide(Ok(()), 9, &LIMITS), done);
        for error in [MessageError::Duplicate, MessageError::NotReplayable] {
            assert_eq!(after(1, error), done, "it ran before");
        }
    }

    #[test]
    fn what_may_work_later_comes_again_in_steps_until_its_attempts_are_used_up() {
        for (attempt, seconds) in [(1, 1), (2, 2), (3, 4)] {
            assert_eq!(after(attempt, Failure::later("no")), later(seconds, attempt));
            assert_eq!(after(attempt, Failure(Why::Panicked)), later(seconds, attempt));
        }
        assert!(is_dead(&after(4, Failure::later("no")), "attempts"));
        assert!(is_dead(&after(4, Failure(Why::Panicked)), "attempts"));
        let patient = Limits { attempts: u32::MAX, ..LIMITS };
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
            assert!(matches!(after(9, error), Decision::Wait(time) if !time.is_zero()));
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
        let refused = refuse(5, &LIMITS).map(Decision::Settle).unwrap();
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
