use super::*;
use crate::error::{StoreError, StoreErrorKind};
use crate::message::delivered::CallEnding;

const LIMITS: RetryLimits = RetryLimits {
    attempts: Some(4),
    failing_for: Duration::from_hours(4),
    first: Duration::from_secs(1),
    longest: Duration::from_secs(5),
};

const BY_TIME: RetryLimits = RetryLimits { attempts: None, ..LIMITS };

fn failures(failures: u32) -> History {
    History { failures, ..History::default() }
}

fn deaths(deaths: u32) -> History {
    History { deaths, ..History::default() }
}

/// Decides about a message with this history, whose guard claimed no key in this delivery.
fn case<T>(history: &History, limits: &RetryLimits, ask: impl FnOnce(Case<'_>) -> T) -> T {
    let calls = DeliveredCalls::default();
    ask(Case { history, calls: &calls, is_guarded: true, limits, now: Duration::from_hours(1) })
}

fn after(attempt: u32, failure: impl Into<Failure>) -> NextStep {
    case(&failures(attempt - 1), &LIMITS, |case| case.after(Err(failure.into())))
}

fn later(seconds: u64, attempts: u32) -> NextStep {
    let after = Duration::from_secs(seconds);
    NextStep::Settle(Settlement::Later { after, history: failures(attempts) })
}

fn is_dead(step: &NextStep, word: &str) -> bool {
    matches!(
        step,
        NextStep::Settle(Settlement::DeadLetter { reason, .. }) if reason.word() == word
    )
}

/// The reason why a message is given up, if there is a last look first.
fn looked_at(settlement: Settlement) -> Option<String> {
    match settlement {
        Settlement::Later { history, .. } => history.given_up,
        _ => None,
    }
}

#[test]
fn a_message_that_is_done_is_acknowledged() {
    let done = NextStep::Settle(Settlement::Acknowledge);
    assert_eq!(case(&failures(8), &LIMITS, |case| case.after(Ok(()))), done);
    for error in [MessageError::Duplicate, MessageError::NotReplayable] {
        assert_eq!(after(1, error), done, "it ran before");
    }
}

#[test]
fn a_message_that_may_work_later_is_redelivered_in_steps_until_its_attempts_are_used_up() {
    for (attempt, seconds) in [(1, 1), (2, 2), (3, 4)] {
        assert_eq!(after(attempt, Failure::later("no")), later(seconds, attempt));
        assert_eq!(after(attempt, Failure(FailureKind::Panicked)), later(seconds, attempt));
    }
    assert!(is_dead(&after(4, Failure::later("no")), "attempts"));
    assert!(is_dead(&after(4, Failure(FailureKind::Panicked)), "attempts"));
}

#[test]
fn without_a_number_a_message_may_fail_for_a_time_and_kill_ten_processes() {
    let fails = |first, limits| {
        let history = History { first, ..failures(1_000_000) };
        case(&history, limits, |case| case.after(Err(Failure::later("no"))))
    };
    let patient = RetryLimits { failing_for: Duration::from_mins(30), ..BY_TIME };
    assert!(is_dead(&fails(Duration::from_mins(30), &patient), "attempts"));
    let NextStep::Settle(Settlement::Later { after, .. }) =
        fails(Duration::from_mins(31), &patient)
    else {
        panic!("it may fail")
    };
    assert_eq!(after, Duration::from_secs(5), "the longest step is the last");
    assert_eq!(case(&deaths(9), &BY_TIME, |case| case.refused()), None);
    assert!(case(&deaths(10), &BY_TIME, |case| case.refused()).is_some());
    assert_eq!(case(&failures(1000), &BY_TIME, |case| case.refused()), None);
}

#[test]
fn a_message_in_progress_elsewhere_is_redelivered_and_was_not_tried() {
    for (left, seconds) in [(0, 1), (1, 1), (2, 2), (3, 4), (60, 5)] {
        let retry_after = Duration::from_secs(left);
        let step = after(4, MessageError::InProgress { retry_after });
        assert_eq!(step, later(seconds, 3), "{left}");
    }
}

#[test]
fn a_failure_that_is_not_the_messages_fault_is_waited_for() {
    let down = StoreError::new(StoreErrorKind::Unavailable, "create");
    for error in [MessageError::Store(down), MessageError::NotStored(None), MessageError::Draining]
    {
        assert!(matches!(after(9, error), NextStep::TryAgain(time) if !time.is_zero()));
    }
}

/// Otherwise it would be tried again without an end.
#[test]
fn a_transaction_that_ended_before_its_commit_is_a_failure_of_its_function() {
    let ended = || {
        let aborted = StoreError::new(StoreErrorKind::Aborted, "complete");
        MessageError::NotStored(Some(aborted))
    };
    for (attempt, seconds) in [(1, 1), (2, 2), (3, 4)] {
        assert_eq!(after(attempt, ended()), later(seconds, attempt));
    }
    assert!(is_dead(&after(4, ended()), "attempts"));
    let down = StoreError::new(StoreErrorKind::Unavailable, "complete");
    assert!(matches!(after(4, MessageError::NotStored(Some(down))), NextStep::TryAgain(_)));
}

#[test]
fn a_wrong_setup_stops_the_consumer() {
    assert_eq!(after(1, MessageError::Misconfigured("so")), NextStep::Stop("so"));
}

#[test]
fn a_message_that_can_never_work_is_left_to_a_person() {
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
fn a_message_that_may_be_done_is_looked_at_once_before_it_is_given_up() {
    let claimed = History { claimed: true, ..failures(4) };
    let why = case(&claimed, &LIMITS, |case| looked_at(case.refused().unwrap()));
    assert_eq!(why, Some(format!("attempts: {GONE}")));
    let died = case(&deaths(4), &LIMITS, |case| looked_at(case.after_death()));
    assert!(died.is_some(), "nobody knows whether a guard was claimed");
    let never = case(&failures(4), &LIMITS, |case| looked_at(case.refused().unwrap()));
    assert_eq!(never, None, "no guard was ever claimed");
    let looked = History { given_up: Some("expired: so".to_owned()), ..claimed.clone() };
    let dead = NextStep::Settle(case(&looked, &LIMITS, |case| case.after_death()));
    assert!(is_dead(&dead, "expired"), "its look has begun before");
    let calls = DeliveredCalls::default();
    calls.note(CallEnding::Claimed);
    let now = Duration::ZERO;
    let (history, limits) = (&claimed, &LIMITS);
    let here = Case { history, calls: &calls, is_guarded: true, limits, now };
    assert!(is_dead(&here.after(Err(Failure::later("no"))), "attempts"), "its guard has just said");
}

#[test]
fn a_last_look_acknowledges_only_a_message_that_is_done() {
    let look = |endings: &[CallEnding], ended| {
        let (history, calls) = (failures(4), DeliveredCalls::new(true));
        for ending in endings {
            calls.note(*ending);
        }
        let (limits, now) = (&LIMITS, Duration::ZERO);
        let case = Case { history: &history, calls: &calls, is_guarded: true, limits, now };
        case.after_last_look(&ended, "expired: so")
    };
    let done = NextStep::Settle(Settlement::Acknowledge);
    let (replayed, refused) = (CallEnding::Replayed, CallEnding::Refused);
    assert_eq!(look(&[replayed], Ok(())), done);
    assert_eq!(look(&[replayed], Err(MessageError::Duplicate.into())), done);
    assert!(is_dead(&look(&[replayed, refused], Ok(())), "expired"));
    assert!(is_dead(&look(&[], Ok(())), "expired"), "it asked no guard");
    assert!(is_dead(&look(&[refused], Err(MessageError::GivenUp.into())), "expired"));
    assert!(is_dead(&look(&[replayed], Err(Failure::later("no"))), "expired"));
    let retry_after = Duration::from_secs(1);
    let elsewhere = look(&[refused], Err(MessageError::InProgress { retry_after }.into()));
    assert_eq!(elsewhere, NextStep::TryAgain(retry_after));
}

#[test]
fn a_life_that_is_over_ends_a_message() {
    let with = |deadline| History { deadline: Some(deadline), ..History::default() };
    let refused = |history| case(&history, &LIMITS, |case| case.refused()).map(NextStep::Settle);
    assert!(is_dead(&refused(with(Duration::from_hours(1))).unwrap(), "expired"));
    assert_eq!(refused(with(Duration::from_hours(2))), None);
}

#[test]
fn a_reason_names_its_causes_and_is_cut_between_characters() {
    let store = StoreError::new(StoreErrorKind::Corrupt, "create").because("zero bytes");
    let why = described(&MessageError::Store(store).into());
    assert!(why.ends_with(": zero bytes"), "{why}");
    let long = described(&Failure::never("a".to_owned() + &"é".repeat(LONGEST_REASON)));
    assert_eq!(long.len(), LONGEST_REASON - 1);
}
