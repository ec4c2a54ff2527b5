//! The check that the clients' answers and the effects agree.

use crate::history::{Hit, Life, Promise, Served, Span, Told, Trouble};
use bytes::Bytes;
use std::collections::BTreeSet;

/// The shorter lease, less the rounding of clocks.
const LEASE: i64 = 1_000 - 20;

/// The longer lease, less the delays of a busy host.
const LASTING: i64 = 10_000 - 1_500;

/// The longest time since the last renewal of a lease when a blow begins: a third of the lease, and a little more.
const UNRENEWED: i64 = 3_500;

/// The longest time between two tries to renew a lease: an eighth of it, and the time to connect again. If two blows
/// have less time than this between them, they count as one.
const CALM: i64 = 2_000;

/// The engine's patience with its store, and the delays of a busy host. Blows last for up to three times as long.
const PATIENCE: i64 = 2_000 + 2_000;

/// How long a request waits for another one.
const WAIT: i64 = 500;

impl Life {
    /// Everything that is wrong with this key, given these blows.
    pub(crate) fn faults(&self, troubles: &[Trouble]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut unless = |holds: bool, fault: String| {
            if !holds {
                faults.push(fault);
            }
        };
        for (what, attempts) in [("began", &self.entered), ("had its effect", &self.effects)] {
            let distinct: BTreeSet<_> = attempts.iter().collect();
            unless(
                distinct.len() == attempts.len(),
                format!("an attempt {what} twice: {attempts:?}"),
            );
        }
        let mut spans = self.spans.clone();
        spans.sort_unstable();
        for pair in spans.windows(2) {
            // No run gives its key back here, so only the end of the lease frees the key.
            let excluded = pair[1].entered >= pair[0].asked + LEASE;
            unless(excluded, format!("two attempts within one lease: {pair:?}"));
            // On a busy host a lease of a second may end by itself.
            let is_explained =
                self.promise != Promise::Lasting || may_lose_its_key(pair[0], pair[1], troubles);
            unless(is_explained, format!("S17: a further run without a reason: {pair:?}"));
        }
        for served in &self.served {
            let [claim, end] = served.waits(troubles);
            let wait = if self.promise == Promise::Lasting { WAIT } else { 0 };
            let is_patient = claim <= PATIENCE + wait && end <= PATIENCE;
            unless(is_patient, format!("L9: a client waited for the store: {served:?}"));
        }
        if self.promise == Promise::Hold {
            unless(self.entered.len() <= 1, format!("it was held and ran: {:?}", self.entered));
        }
        for told in &self.told {
            unless(!matches!(told, Told::Other { .. }), format!("a client saw {told:?}"));
            let unknown = *told == Told::OutcomeUnknown;
            unless(!unknown || self.promise == Promise::Hold, "it was not to be held".to_owned());
        }
        let stored = self.stored();
        unless(stored.len() <= 1, format!("stored answers differ: {stored:?}"));
        if let Some(body) = stored.first() {
            let attempt = attempt(body);
            let last = self.entered.iter().copied().max();
            unless(attempt == last, format!("{body:?} is stored, and attempt {last:?} ran"));
            let has = attempt.is_some_and(|attempt| self.effects.contains(&attempt));
            unless(has, format!("{body:?} is stored without an effect"));
        }
        faults
    }

    /// The different responses that were stored, or whose answer said so.
    fn stored<'a>(&'a self) -> BTreeSet<&'a Bytes> {
        let stored = |told: &'a Told| match told {
            Told::Ran { body, stored: true } | Told::Replayed { body } => Some(body),
            _ => None,
        };
        self.told.iter().filter_map(stored).collect()
    }
}

/// The attempt that a response names.
fn attempt(body: &Bytes) -> Option<i64> {
    serde_json::from_slice::<serde_json::Value>(body).ok()?["attempt"].as_i64()
}

/// Whether a run with the longer lease may have lost its key to this later run: its process was killed, or stood
/// still or could not reach the store for as long as the lease.
fn may_lose_its_key(run: Span, next: Span, troubles: &[Trouble]) -> bool {
    let meanwhile = |began, ended| began <= next.entered && ended >= run.asked;
    let is_killed =
        |blow: &Trouble| blow.hit == Hit::Killed(run.process) && meanwhile(blow.began, blow.ended);
    let lost_its_lease = |&(began, ended): &(i64, i64)| {
        let renewed = run.asked.max(began - UNRENEWED);
        meanwhile(began, ended) && ended >= renewed + LASTING
    };
    troubles.iter().any(is_killed) || cut_off(run.process, troubles).iter().any(lost_its_lease)
}

/// The times when a process could not reach the store or stood still. Blows with little time between them are one.
fn cut_off(process: u32, troubles: &[Trouble]) -> Vec<(i64, i64)> {
    let hits =
        |blow: &&Trouble| matches!(blow.hit, Hit::Store) || blow.hit == Hit::Stopped(process);
    let mut times: Vec<_> =
        troubles.iter().filter(hits).map(|blow| (blow.began, blow.ended)).collect();
    times.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (began, ended) in times {
        match joined.last_mut() {
            Some(last) if began <= last.1 + CALM => last.1 = last.1.max(ended),
            _ => joined.push((began, ended)),
        }
    }
    joined
}

impl Served {
    /// The time that a request waited before its handler began, and after it was done, without the time when its
    /// process stood still.
    pub(crate) fn waits(&self, troubles: &[Trouble]) -> [i64; 2] {
        let stopped = troubles.iter().filter(|blow| blow.hit == Hit::Stopped(self.process));
        let stopped: Vec<_> = stopped.map(|blow| (blow.began, blow.ended)).collect();
        [(self.asked, self.entered), (self.done, self.left)].map(|(from, to)| {
            let both = |&(began, ended): &(i64, i64)| (ended.min(to) - began.max(from)).max(0);
            to - from - stopped.iter().map(both).sum::<i64>()
        })
    }
}

/// A checker that finds nothing proves nothing, so these tests give it histories with mistakes.
#[cfg(test)]
mod tests {
    use super::*;
    use Promise::{Hold, Lasting, Retry};

    fn body(attempt: i64) -> Bytes {
        Bytes::from(format!(r#"{{"attempt":{attempt}}}"#))
    }

    fn ran(attempt: i64, stored: bool) -> Told {
        Told::Ran { body: body(attempt), stored }
    }

    fn life(promise: Promise, told: &[Told], entered: &[i64], effects: &[i64]) -> Life {
        let (told, entered, effects) = (told.to_vec(), entered.to_vec(), effects.to_vec());
        Life { told, entered, effects, ..Life::new(promise) }
    }

    /// A key that ran twice, at zero in process 1 and later in process 2.
    fn twice(promise: Promise, later: i64) -> Life {
        let span = |attempt, process, asked| Span { attempt, process, asked, entered: asked + 5 };
        let told = [Told::Nothing, ran(2, true)];
        let spans = vec![span(2, 2, later), span(1, 1, 0)];
        Life { spans, ..life(promise, &told, &[1, 2], &[1, 2]) }
    }

    #[test]
    fn a_sound_history_has_no_faults() {
        let replayed = |attempt| Told::Replayed { body: body(attempt) };
        for good in [
            life(Retry, &[ran(1, true), replayed(1)], &[1], &[1]),
            life(Retry, &[Told::Nothing, Told::InProgress, ran(2, true)], &[1, 2], &[1, 2]),
            life(Retry, &[ran(1, false), ran(2, true), replayed(2)], &[1, 2], &[1, 2]),
            life(Hold, &[Told::Nothing, Told::OutcomeUnknown], &[1], &[]),
            twice(Retry, 1_000),
        ] {
            assert_eq!((good.faults(&[]), good.is_settled()), (vec![], true), "{good:?}");
        }
        for unsettled in [&[][..], &[Told::InProgress], &[ran(1, false)], &[Told::Unavailable]] {
            assert!(!life(Retry, unsettled, &[], &[]).is_settled(), "{unsettled:?}");
        }
    }

    #[test]
    fn a_wrong_history_has_faults() {
        let replayed = |attempt| Told::Replayed { body: body(attempt) };
        for bad in [
            life(Retry, &[ran(1, true), ran(1, true)], &[1, 1], &[1, 1]),
            life(Retry, &[ran(1, true), ran(2, true)], &[1, 2], &[1, 2]),
            life(Retry, &[ran(1, true), replayed(2)], &[1, 2], &[1, 2]),
            // The same attempt with other bytes.
            life(
                Retry,
                &[ran(1, true), Told::Replayed { body: r#"{"attempt": 1}"#.into() }],
                &[1],
                &[1],
            ),
            // It ran after it was stored, and the client of that run was never answered.
            life(Retry, &[ran(1, true), replayed(1)], &[1, 2], &[1]),
            life(Retry, &[replayed(1)], &[1], &[]),
            life(Retry, &[Told::OutcomeUnknown], &[1], &[1]),
            life(Retry, &[Told::Other { status: 500, body: Bytes::new() }], &[1], &[1]),
            life(Hold, &[ran(1, false), ran(2, true)], &[1, 2], &[2]),
            twice(Retry, 900),
        ] {
            assert!(!bad.faults(&[]).is_empty(), "{bad:?}");
        }
    }

    /// Whether a fault of this invariant is found. Checks that no other invariant is reported.
    fn breaks(invariant: &str, life: &Life, troubles: &[(Hit, i64, i64)]) -> bool {
        let blow = |&(hit, began, ended): &(Hit, i64, i64)| Trouble { hit, began, ended };
        let faults = life.faults(&troubles.iter().map(blow).collect::<Vec<_>>());
        assert!(faults.iter().all(|fault| fault.starts_with(invariant)), "{faults:?}");
        !faults.is_empty()
    }

    #[test]
    fn a_second_effect_after_a_refusal_shorter_than_the_lease_is_found() {
        use Hit::{Killed, Stopped, Store};

        for (troubles, is_bad) in [
            (&[][..], true),
            (&[(Store, 10, 6_000)], true),
            (&[(Stopped(1), 10, 6_000)], true),
            (&[(Stopped(2), 10, 12_000)], true),
            (&[(Killed(2), 10, 500)], true),
            (&[(Killed(1), -500, -10)], true),
            // Between the blows there was time to renew the lease.
            (&[(Store, 10, 4_000), (Store, 6_100, 9_900)], true),
            // The lease was renewed before.
            (&[(Store, 9_000, 12_000)], true),
            (&[(Killed(1), 10, 500)], false),
            (&[(Store, 10, 9_900)], false),
            (&[(Stopped(1), 10, 9_900)], false),
            (&[(Store, 10, 4_000), (Stopped(1), 4_500, 9_900)], false),
        ] {
            let life = twice(Lasting, 12_000);
            assert_eq!(breaks("S17", &life, troubles), is_bad, "{troubles:?}");
        }
    }

    #[test]
    fn a_client_that_waits_for_the_store_beyond_its_patience_is_found() {
        for (promise, times, stopped, is_bad) in [
            (Retry, [0, 3_900, 9_000, 12_900], (0, 0), false),
            (Retry, [0, 4_100, 4_200, 4_300], (0, 0), true),
            (Lasting, [0, 4_100, 4_200, 4_300], (0, 0), false),
            (Lasting, [0, 4_600, 4_700, 4_800], (0, 0), true),
            // The request was refused.
            (Hold, [0, 4_100, 4_100, 4_100], (0, 0), true),
            (Lasting, [0, 10, 20, 4_100], (0, 0), true),
            (Lasting, [0, 10, 20, 10_000], (100, 6_100), false),
            (Lasting, [0, 10, 20, 10_000], (100, 5_000), true),
        ] {
            let [asked, entered, done, left] = times;
            let served = vec![Served { process: 1, asked, entered, done, left }];
            let life = Life { served, ..life(promise, &[ran(1, true)], &[1], &[1]) };
            for (process, is_bad) in [(1, is_bad), (2, is_bad || stopped.1 > 0)] {
                let stopped = (Hit::Stopped(process), stopped.0, stopped.1);
                assert_eq!(breaks("L9", &life, &[stopped]), is_bad, "{times:?} {stopped:?}");
            }
        }
    }
}
